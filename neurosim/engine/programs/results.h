// What a run writes: arrays as files, and last of all a table of their sizes and checksums (CRC-32).
// A disk that is full, or a run that is ended, leaves no table or files that do not agree with it.
#include <array>

namespace neurosim {

// Slicing by eight bytes (Kounavis and Berry 2005), the polynomial of zlib.
inline uint32_t crc32(uint32_t crc, const void* data, size_t count) {
    static const auto tables = [] {
        std::array<std::array<uint32_t, 256>, 8> t{};
        for (uint32_t k = 0; k < 256; k++) {
            uint32_t c = k;
            for (int bit = 0; bit < 8; bit++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
            t[0][k] = c;
        }
        for (size_t k = 0; k < 256; k++)
            for (size_t s = 1; s < 8; s++) t[s][k] = t[0][t[s - 1][k] & 255] ^ (t[s - 1][k] >> 8);
        return t;
    }();
    const unsigned char* at = static_cast<const unsigned char*>(data);
    crc = ~crc;
    for (; count >= 8; count -= 8, at += 8) {
        uint32_t low = uint32_t(at[0]) | uint32_t(at[1]) << 8 | uint32_t(at[2]) << 16 |
                       uint32_t(at[3]) << 24;
        low ^= crc;
        crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^
              tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^
              tables[0][at[7]];
    }
    while (count--) crc = tables[0][(crc ^ *at++) & 255] ^ (crc >> 8);
    return ~crc;
}

struct Table { Mutex lock; std::string lines; size_t files = 0; };
inline Table& written() { static Table table; return table; }

// A file that is being written; what is told last is what was given to it, not what arrived.
class Output {
    const std::string name;
    Written file;
    size_t bytes = 0;
    uint32_t crc = 0;
public:
    explicit Output(const std::string& name) : name(name) {
        if (!file.open(name)) cannot_write(name);
    }
    template <typename T> void put(const T* values, size_t count) {
        if (!count) return;
        if (!file.put(values, count * sizeof(T))) cannot_write(name);
        crc = crc32(crc, values, count * sizeof(T));
        bytes += count * sizeof(T);
    }
    // What is still in memory is written here, so the file is sound only after it.
    void close() {
        if (!file.close()) cannot_write(name);
        Table& table = written();
        Guard guard(table.lock);
        table.lines += name + " " + std::to_string(bytes) + " " + std::to_string(crc) + "\n";
        table.files++;
    }
};

template <typename T> void save(const std::string& name, const T* values, size_t count) {
    Output file(name);
    file.put(values, count);
    file.close();
}
template <typename T> void save(const std::string& name, const std::vector<T>& values) {
    save(name, values.data(), values.size());
}

// Write the table; its last line tells whether it is whole.
inline void finish_results() {
    std::string lines = written().lines;
    const uint32_t crc = crc32(0, lines.data(), lines.size());
    lines += "end " + std::to_string(written().files) + " " + std::to_string(crc) + "\n";
    save("written", lines.data(), lines.size());
}

}  // namespace neurosim
