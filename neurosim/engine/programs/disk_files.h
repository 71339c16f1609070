// Where the files of a run are: in the folder that NEUROSIM_RUN names. And a program's end with the
// process that started it. A program that a page carries has other ones (host_files.h).
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>
#ifndef NEUROSIM_HOSTED
#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>
#include <thread>
#ifndef _WIN32
#include <csignal>
#include <unistd.h>
#endif

namespace neurosim {

// Watch the pipe whose other end the parent holds (processes.py): it closes when the parent ends.
inline void end_with_parent() {
#ifndef _WIN32
    const char* watched = std::getenv("NEUROSIM_PARENT");
    if (!watched) return;
    const int end = std::atoi(watched);
    std::thread([end] {
        char nothing;
        ssize_t got;
        do got = ::read(end, &nothing, 1); while (got < 0 && errno == EINTR);
        if (got == 0) ::kill(0, SIGKILL);
    }).detach();
#endif
}

inline const std::string& folder() {
    static const std::string name = [] {
        const char* value = std::getenv("NEUROSIM_RUN");
        if (!value) { std::fprintf(stderr, "NEUROSIM_RUN is not set\n"); std::exit(3); }
        return std::string(value) + "/";
    }();
    return name;
}

// Fill `target` from the start of a file; says whether the file is there and as long.
inline bool take(const char* name, void* target, size_t bytes) {
    std::ifstream file(folder() + name, std::ios::binary);
    file.read(static_cast<char*>(target), std::streamsize(bytes));
    return file && size_t(file.gcount()) == bytes;
}

// A file that is being written. Each step says whether all went well.
class Written {
    std::ofstream file;
public:
    bool open(const std::string& name) {
        errno = 0;
        file.open(folder() + name, std::ios::binary);
        return bool(file);
    }
    bool put(const void* values, size_t bytes) {
        errno = 0;
        file.write(static_cast<const char*>(values), std::streamsize(bytes));
        return bool(file);
    }
    bool close() {
        errno = 0;
        file.close();
        return bool(file);
    }
};
[[noreturn]] inline void cannot_write(const std::string& name) {
    std::fprintf(stderr, "cannot write '%s': %s; free room on that disk, or set TMPDIR to a "
                 "folder on another\n", (folder() + name).c_str(), std::strerror(errno));
    std::_Exit(3);
}

// Do a piece of work on each of `count` threads, of which this is one; it is told which.
template <typename Work> void on_each_thread(int64_t count, Work work) {
    std::vector<std::thread> others;
    for (int64_t id = 1; id < count; id++) others.emplace_back(work, id);
    work(0);
    for (std::thread& other : others) other.join();
}
inline void let_others_run() { std::this_thread::yield(); }
using Mutex = std::mutex;
using Guard = std::lock_guard<std::mutex>;

}  // namespace neurosim
#endif
