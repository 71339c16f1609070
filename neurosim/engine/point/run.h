// A run of point neurons: its sizes, the rows that are being advanced, weights and functions.
#include "brianlib/dynamic_array.h"

namespace neurosim {

inline const Waveforms& waveforms() { return WaveformFiles::table(); }

// Rows of one turn of the vector loop. Where vectors have one length, a compiler takes as many rows a
// turn as a vector holds of the smallest type, a byte (not_refractory); rows left over would go through
// shorter vectors or scalar code, which round differently.
#if defined(NEUROSIM_PORTABLE)
constexpr int WIDTH = 2;    // all round in the same way
#elif defined(__AVX512F__)
constexpr int WIDTH = 8;
#elif defined(__AVX__)
constexpr int WIDTH = 32;
#else
constexpr int WIDTH = 16;
#endif
constexpr int BLOCK = 64 * 128;    // rows carried through a run together

struct Run {
    double values[8];
    int rows, recorded, units;
    double duration, dt, trace_dt;
    bool report;
    bool goes_on;         // from where another run ended
    int64_t start = 0;    // number of the first step, counted from time 0
    int padded() const { return (rows + WIDTH - 1) / WIDTH * WIDTH; }
    Run() {
        read("settings", values, 8);
        rows = int(values[0]);
        recorded = int(values[1]);
        units = int(values[2]);
        duration = values[3];
        dt = values[4];
        trace_dt = values[5];
        report = values[6] != 0.0;
        goes_on = values[7] >= 0.0;
        if (goes_on) start = int64_t(values[7]);
    }
};
inline const Run& run() { static const Run settings; return settings; }

// The rows that are being advanced: from first up to last, and up to end in whole vectors.
struct Block { int first = 0, last = 0, end = 0; };
inline Block& block() { static Block here; return here; }
template <typename F> void each_block(bool together, F&& advance) {
    const int rows = run().rows, size = together ? rows : BLOCK;
    for (int first = 0; first < rows; first += size) {
        const int last = first + size < rows ? first + size : rows;
        block() = {first, last, last < rows ? last : run().padded()};
        advance();
    }
}
// Rows beyond the last fill a vector; they do as the last one does.
template <typename T> T* new_rows() { return new T[size_t(run().padded())](); }
template <typename T> void pad(T* values) {
    for (int k = run().rows; k < run().padded(); k++) values[k] = values[run().rows - 1];
}

// What Brian2 has of a variable: an array over rows, a growing list, or a growing table of samples.
template <typename T> void save_rows(const std::string& name, const T* values) {
    save(name, values, size_t(run().rows));
}
template <typename T> void save_rows(const std::string& name, const std::vector<T>& values) {
    save(name, values);
}
template <typename T> void save_rows(const std::string& name, DynamicArray2D<T>& samples) {
    Output file(name);
    for (int k = 0; k < samples.n; k++) file.put(samples(k).data(), size_t(samples.m));
    file.close();
}

typedef void (*Reporter)(const double, const double, const double, const double);
inline void report(const double, const double completed, const double, const double) {
    const Block& here = block();
    std::printf("progress %.4f\n",
                (here.first + completed * (here.last - here.first)) / run().rows);
    std::fflush(stdout);
}
inline Reporter reporter() { return run().report ? &report : nullptr; }

// Where a clock of a time step stands when the run starts: at its first tick from then on.
inline void set_clock(int64_t* step, double* time, double dt) {
    const double from = double(run().start) * run().dt;
    *step = int64_t(std::ceil(from / dt - 1e-6));
    *time = double(*step) * dt;
}
// How long Brian2 is told to run: to the very time its clock will show.
inline double length() {
    if (!run().goes_on) return run().duration;
    const int64_t steps = int64_t(run().duration / run().dt + 0.5);
    return double(run().start + steps) * run().dt - double(run().start) * run().dt;
}
// Give a queue the spikes that were fired before the run, step after step, as they were fired then.
template <typename F> void refill(int32_t* spikespace, F&& push) {
    if (!run().goes_on) return;
    double count;
    read("flight_count", &count, 1);
    std::vector<int32_t> rows((size_t(count))), back((size_t(count)));
    read("flight_row", rows.data(), rows.size());
    read("flight_back", back.data(), back.size());
    size_t next = 0;
    for (int32_t ago = back.empty() ? 0 : back[0]; ago > 0; ago--) {
        int32_t fired = 0;
        for (; next < rows.size() && back[next] == ago; next++) spikespace[fired++] = rows[next];
        spikespace[run().rows] = fired;
        push();
    }
    spikespace[run().rows] = 0;
}

struct Weights {
    std::vector<double> values;
    Weights() : values(size_t(run().units) * size_t(run().units)) {
        read("weights", values.data(), values.size());
    }
};
inline double weight(int64_t source, int64_t target) {
    static const Weights table;
    return table.values[size_t(source) * size_t(run().units) + size_t(target)];
}

// Brian2's timestep(), whose 64-bit integer has no vector form; as a double it is the same number.
inline double whole_steps(double t, double dt) { return std::trunc((t + 1e-3 * dt) / dt); }

// (exp(x) - 1) / x without branches; its series next to 0, where the quotient would lose digits.
inline double exprel(double x) {
    const double series = 1 + x * (1. / 2 + x * (1. / 6 + x * (1. / 24 + x * (1. / 120 +
                          x * (1. / 720 + x * (1. / 5040))))));
    const double safe = std::fabs(x) < 0.02 ? 1.0 : x;
    return std::fabs(x) < 0.02 ? series : (chosen::exp(safe) - 1.0) / safe;
}
// Its inverse in one division: the form most rate functions have.
inline double per_exprel(double x) {
    const double y = x * x;
    const double series = 1 - x / 2 + y * (1. / 12 - y * (1. / 720 - y * (1. / 30240)));
    const double safe = std::fabs(x) < 0.02 ? 1.0 : x;
    return std::fabs(x) < 0.02 ? series : safe / (chosen::exp(safe) - 1.0);
}

}  // namespace neurosim

// Brian2 rewrites function names as Python identifiers, so these cannot be qualified ones.
#define neurosim_gaussian neurosim::gaussian
#define neurosim_uniform neurosim::uniform
#define neurosim_waveform neurosim::waveform
#define neurosim_course neurosim::course
#define neurosim_step_level neurosim::step_level
#define neurosim_weight neurosim::weight
#define neurosim_exprel neurosim::exprel
#define neurosim_per_exprel neurosim::per_exprel
