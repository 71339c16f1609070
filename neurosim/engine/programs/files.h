// What a run of a program reads: arrays, from the folder that NEUROSIM_RUN names. And its end with the
// process that started it.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>
#ifndef _WIN32
#include <cerrno>
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

// One function for all types and no string made at each call: a program that reads thirty arrays is
// compiled in .2 s less.
[[gnu::noinline]] inline void read_bytes(const char* name, void* target, size_t bytes) {
    std::ifstream file(folder() + name, std::ios::binary);
    file.read(static_cast<char*>(target), std::streamsize(bytes));
    if (!file || size_t(file.gcount()) != bytes) {
        std::fprintf(stderr, "run input '%s' is missing or short\n", name);
        std::exit(3);
    }
}
template <typename T> void read(const char* name, T* target, size_t count) {
    read_bytes(name, target, count * sizeof(T));
}
template <typename T> void read(const std::string& name, T* target, size_t count) {
    read_bytes(name.c_str(), target, count * sizeof(T));
}

}  // namespace neurosim
