// What the programs that take runs back share: files of a run, and threads that share its pieces.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <string>

namespace neurosim {

const Waveforms& waveforms() { return WaveformFiles::table(); }

template <typename T> std::vector<T> load(const std::string& name, size_t count) {
    std::vector<T> values(count);
    if (count) read(name, values.data(), count);
    return values;
}
template <typename T> std::vector<T> load_counted(const std::string& name) {
    double count;
    read(name + ".count", &count, 1);
    return load<T>(name, size_t(count));
}

template <typename Work> void on_threads(int64_t pieces, int64_t threads, Work work) {
    std::atomic<int64_t> next{0};
    std::vector<std::thread> all;
    auto go = [&] { for (int64_t k = next++; k < pieces; k = next++) work(k); };
    for (int64_t t = 1; t < std::min(threads, pieces); t++) all.emplace_back(go);
    go();
    for (auto& one : all) one.join();
}

}  // namespace neurosim
