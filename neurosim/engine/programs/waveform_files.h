// The waveforms of a run, as they stand in its folder.
namespace neurosim {

class WaveformFiles {
    std::vector<int64_t> starts;
    std::vector<double> samples;
    WaveformFiles() {
        double count;
        read("waveform_count", &count, 1);
        starts.resize(size_t(count) + 1);
        read("waveform_starts", starts.data(), starts.size());
        samples.resize(size_t(starts.back()));
        read("waveform_samples", samples.data(), samples.size());
    }
public:
    static const Waveforms& table() {
        static const WaveformFiles files;
        static const Waveforms found{files.starts.data(), files.samples.data()};
        return found;
    }
};

}  // namespace neurosim
