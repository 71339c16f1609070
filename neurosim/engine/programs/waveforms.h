// Sampled waveforms, all channels one after the other. It needs no header of the C++ library beyond
// <cmath>, so that a file of membrane loops is compiled in half the time.
namespace neurosim {

// `starts` has one entry more than there are channels.
struct Waveforms { const int64_t* starts; const double* samples; };
// Those of the run, from its folder (waveform_files.h).
const Waveforms& waveforms();

inline double waveform(int64_t channel, double position) {
    const Waveforms& table = waveforms();
    const double sample = std::floor(position + 1e-6);
    const int64_t first = table.starts[channel];
    const double length = double(table.starts[channel + 1] - first);
    if (sample < 0 || sample >= length) return 0.0;
    return table.samples[first + int64_t(sample)];
}

// Level of a staircase at a time step. Its channel holds n time steps in ascending order and then the
// n levels from each of them on; before the first the level is 0.
inline double step_level(int64_t channel, int64_t step) {
    const Waveforms& table = waveforms();
    const int64_t first = table.starts[channel];
    const int64_t count = (table.starts[channel + 1] - first) / 2;
    const double* edges = table.samples + first;
    int64_t low = 0, high = count;   // the first edge that is later than `step`
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (edges[middle] > double(step)) high = middle; else low = middle + 1;
    }
    return low == 0 ? 0.0 : edges[low + count - 1];
}

}  // namespace neurosim
