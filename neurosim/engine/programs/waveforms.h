#include <algorithm>

namespace neurosim {

// Sampled waveforms, all channels one after the other; 'waveform_starts' has one entry more than
// there are channels.
struct Waveforms {
    std::vector<int64_t> starts;
    std::vector<double> samples;
    Waveforms() {
        double count;
        read("waveform_count", &count, 1);
        starts.resize(size_t(count) + 1);
        read("waveform_starts", starts.data(), starts.size());
        samples.resize(size_t(starts.back()));
        read("waveform_samples", samples.data(), samples.size());
    }
};
inline const Waveforms& waveforms() { static const Waveforms table; return table; }
inline double waveform(int64_t channel, double position) {
    const Waveforms& table = waveforms();
    const double sample = std::floor(position + 1e-6);
    const int64_t first = table.starts[size_t(channel)];
    const double length = double(table.starts[size_t(channel) + 1] - first);
    if (sample < 0 || sample >= length) return 0.0;
    return table.samples[size_t(first + int64_t(sample))];
}

// Level of a staircase at a time step. Its channel holds n time steps in ascending order and then the
// n levels from each of them on; before the first the level is 0.
inline double step_level(int64_t channel, int64_t step) {
    const Waveforms& table = waveforms();
    const int64_t first = table.starts[size_t(channel)];
    const int64_t count = (table.starts[size_t(channel) + 1] - first) / 2;
    const double* edges = table.samples.data() + first;
    const double* after = std::upper_bound(edges, edges + count, double(step));
    return after == edges ? 0.0 : after[count - 1];
}

}  // namespace neurosim
