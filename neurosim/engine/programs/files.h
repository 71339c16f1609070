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

template <typename T> void read(const std::string& name, T* target, size_t count) {
    std::ifstream file(folder() + name, std::ios::binary);
    file.read(reinterpret_cast<char*>(target), std::streamsize(count * sizeof(T)));
    if (!file || size_t(file.gcount()) != count * sizeof(T)) {
        std::fprintf(stderr, "run input '%s' is missing or short\n", name.c_str());
        std::exit(3);
    }
}

}  // namespace neurosim
