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
inline double waveform(int64_t channel, double position) {
    static const Waveforms table;
    const double sample = std::floor(position + 1e-6);
    const int64_t first = table.starts[size_t(channel)];
    const double length = double(table.starts[size_t(channel) + 1] - first);
    if (sample < 0 || sample >= length) return 0.0;
    return table.samples[size_t(first + int64_t(sample))];
}

}  // namespace neurosim
