// What a run of a program reads: arrays, from the folder that NEUROSIM_RUN names.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace neurosim {

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
