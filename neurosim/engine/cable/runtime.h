// What every branched neuron shares: rows, the tree and its elimination, events, detection, traces.
//
// Cells that share a tree are solved together in blocks. A block holds `cells` of them; every array
// runs over compartments first and cells second (index = compartment * cells + cell), so that the
// membrane loops and the elimination run over neighbouring cells with vector instructions. A block
// is carried through the whole run before the next one, so that it stays in the cache; blocks share
// nothing and are handed to threads.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace neurosim {

// ---- functions that Brian2's generated code names ---------------------------------------------
#define neurosim_gaussian neurosim::gaussian
#define neurosim_waveform neurosim::waveform
#define neurosim_exprel_given neurosim::_exprel_given
using std::ceil; using std::cos; using std::cosh; using std::exp; using std::expm1; using std::fabs;
using std::floor; using std::log; using std::log10; using std::log1p; using std::sin;
using std::sinh; using std::sqrt; using std::tan; using std::tanh;

// (exp(x) - 1) / x; its series next to 0, where the quotient would lose digits.
inline double _exprel(double x) {
    const double series = 1.0 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24)));
    const double safe = std::fabs(x) < 1e-4 ? 1.0 : x;
    return std::fabs(x) < 1e-4 ? series : (std::exp(safe) - 1.0) / safe;
}
// Its inverse, x / (exp(x) - 1), in one division: the form most rate functions have.
inline double _per_exprel(double x) {
    const double series = 1.0 - x * (0.5 - x * (1.0 / 12));
    const double safe = std::fabs(x) < 1e-4 ? 1.0 : x;
    return std::fabs(x) < 1e-4 ? series : safe / (std::exp(safe) - 1.0);
}
// The same with exp(x) at hand; it may be off by some units in the last place, so that the series
// takes over sooner.
inline double _exprel_given(double x, double e) {
    const double series = 1.0 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24 + x * (1.0 / 120 + x * (1.0 / 720 + x * (1.0 / 5040))))));
    const bool near = std::fabs(x) < 1e-2;
    return near ? series : (e - 1.0) / (near ? 1.0 : x);
}
inline double _per_exprel_given(double x, double e) {
    const double square = x * x;
    const double series = 1.0 - 0.5 * x + square * (1.0 / 12 - square * (1.0 / 720 - square * (1.0 / 30240)));
    const bool near = std::fabs(x) < 1e-2;
    return near ? series : x / ((near ? 2.0 : e) - 1.0);
}
// With full fast-math a constant whole power becomes multiplications.
#define _brian_pow(x, y) (std::pow(double(x), double(y)))
inline double _clip(double x, double low, double high) { return std::min(std::max(x, low), high); }
inline int64_t int_(double x) { return int64_t(x); }
inline int64_t int_(bool x) { return x ? 1 : 0; }
inline int64_t _timestep(double t, double dt) { return int64_t((t + 1e-3 * dt) / dt); }
inline double _sign(double x) { return double((x > 0) - (x < 0)); }

// ---- what a run reads ---------------------------------------------------------------------------
struct Settings {
    double values[12];
    int64_t cells, compartments, nodes, steps, settle, trace_stride, block, threads, detectors;
    double dt, theta;
    bool report;
    Settings() {
        read("settings", values, 12);
        cells = int64_t(values[0]); compartments = int64_t(values[1]); nodes = int64_t(values[2]);
        steps = int64_t(values[3]); settle = int64_t(values[4]);
        trace_stride = int64_t(values[5]); block = int64_t(values[6]);
        threads = int64_t(values[7]); detectors = int64_t(values[8]);
        dt = values[9]; theta = values[10]; report = values[11] != 0.0;
    }
};
inline const Settings& settings() { static const Settings s; return s; }

template <typename T> std::vector<T> load(const std::string& name, size_t count) {
    std::vector<T> values(count);
    read(name, values.data(), count);
    return values;
}
// Arrays of any length carry it in front.
template <typename T> std::vector<T> load_counted(const std::string& name) {
    double count;
    read(name + ".count", &count, 1);
    return load<T>(name, size_t(count));
}

// A tree as arrays over nodes; compartments come first, junctions (points without membrane) after.
struct Tree {
    std::vector<int32_t> order;      // every node, children before parents
    std::vector<int32_t> parent;     // by node, -1 at a root
    std::vector<double> up;          // conductance to the parent (siemens)
    std::vector<double> around;      // sum of the conductances to all neighbours
    Tree()
        : order(load<int32_t>("tree.order", size_t(settings().nodes))),
          parent(load<int32_t>("tree.parent", size_t(settings().nodes))),
          up(load<double>("tree.up", size_t(settings().nodes))),
          around(load<double>("tree.around", size_t(settings().nodes))) {}
};
inline const Tree& tree() { static const Tree t; return t; }

struct Step { double dt, time; int64_t index; };

struct Array {
    enum Kind { row, shared, traced };
    std::string name;
    Kind kind;
    bool integer;
};

// ---- kernels ------------------------------------------------------------------------------------
// A loop over rows (sites times the cells of the block), written by Brian2's code generation.
struct Kernel {
    std::string name;
    bool density = false, conducts = false;
    int64_t rows = 0, sites = 0, first = 0;   // first: compartment of the first row of a patch
    std::vector<Array> layout;
    std::vector<std::string> events, traces;
    std::vector<int32_t> nodes;               // of each site, for points
    std::unordered_map<std::string, std::vector<double>> real;
    std::unordered_map<std::string, std::vector<int32_t>> whole;
    std::vector<double> gathered, conductance, current;
    double* membrane = nullptr;

    virtual ~Kernel() {}
    virtual void bind() = 0;
    virtual void advance(const Step&, double* __restrict, double* __restrict) = 0;

    double* numbers(const std::string& what) { return real.at(what).data(); }
    int32_t* integers(const std::string& what) { return whole.at(what).data(); }
    double* potential() { return membrane; }

    // Take the columns of this block's cells out of the arrays of the whole batch.
    void load_block(int64_t first_cell, int64_t cells, double* V) {
        double shape[2];
        read(name + ".shape", shape, 2);
        sites = int64_t(shape[0]);
        first = int64_t(shape[1]);
        rows = sites * cells;
        for (const Array& array : layout) {
            if (array.kind == Array::traced) { real[array.name].assign(size_t(rows), 0.0); continue; }
            const std::string file = name + "." + array.name;
            std::vector<double> values;
            if (array.kind == Array::shared) {
                values = load<double>(file, 1);
            } else {
                values.resize(size_t(rows));
                // Stored once a site where all cells agree, else once a cell.
                const std::vector<double> stored = load_counted<double>(file);
                const bool each = int64_t(stored.size()) != sites || settings().cells == 1;
                for (int64_t s = 0; s < sites; s++)
                    for (int64_t c = 0; c < cells; c++)
                        values[size_t(s * cells + c)] =
                            stored[size_t(each ? s * settings().cells + first_cell + c : s)];
            }
            if (array.integer)
                whole[array.name].assign(values.begin(), values.end());
            else
                real[array.name] = std::move(values);
        }
        if (density) {
            membrane = V + first * cells;
        } else {
            nodes = load<int32_t>(name + ".nodes", size_t(sites));
            gathered.assign(size_t(rows), 0.0);
            conductance.assign(size_t(rows), 0.0);
            current.assign(size_t(rows), 0.0);
            membrane = gathered.data();
        }
        bind();
    }

    void run(const Step& step, int64_t cells, const double* V, double* D, double* R) {
        if (density) {
            advance(step, D + first * cells, R + first * cells);
            return;
        }
        if (conducts)
            for (int64_t s = 0; s < sites; s++)
                std::memcpy(&gathered[size_t(s * cells)], V + int64_t(nodes[size_t(s)]) * cells,
                            size_t(cells) * sizeof(double));
        advance(step, conductance.data(), current.data());
        for (int64_t s = 0; s < sites; s++) {
            double* d = D + int64_t(nodes[size_t(s)]) * cells;
            double* r = R + int64_t(nodes[size_t(s)]) * cells;
            const double* g = &conductance[size_t(s * cells)];
            const double* i = &current[size_t(s * cells)];
            for (int64_t c = 0; c < cells; c++) { d[c] += g[c]; r[c] += i[c]; }
        }
    }
};
void make_kernels(std::vector<std::unique_ptr<Kernel>>& kernels);

// Increments that arrive at set steps, such as those of synapses; sorted by step.
struct Arrivals {
    std::vector<int64_t> step, row;
    std::vector<double> weight;
    size_t next = 0;
};

// What is traced: a variable of a kernel, or the potential of a compartment, in every cell.
struct Probe { int32_t kernel, variable, site; };   // kernel -1: potential of compartment `site`

// ---- progress -----------------------------------------------------------------------------------
struct Report {
    std::atomic<int64_t> done{0};
    int64_t total = 1;
    std::mutex lock;
    std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
    void add(int64_t steps) {
        const int64_t now_done = done += steps;
        if (!settings().report) return;
        std::lock_guard<std::mutex> guard(lock);
        const auto now = std::chrono::steady_clock::now();
        if (now - last < std::chrono::milliseconds(200)) return;
        last = now;
        std::printf("progress %.4f\n", double(now_done) / double(total));
        std::fflush(stdout);
    }
};
inline Report& report() { static Report r; return r; }

// ---- one block of cells -------------------------------------------------------------------------
struct Block {
    const int64_t number, first_cell, cells;
    std::vector<std::unique_ptr<Kernel>> kernels;
    std::vector<double> V, D, R, before;
    std::vector<std::vector<Arrivals>> arrivals;     // by kernel, by its events
    std::vector<std::vector<std::vector<double>>> factors;
    std::vector<int32_t> detector_nodes;
    std::vector<double> thresholds;
    std::vector<int64_t> spike_detector, spike_cell;
    std::vector<double> spike_time;
    std::vector<Probe> probes;
    std::vector<double> buffer;
    std::ofstream traces;
    std::string trouble;

    Block(int64_t number, int64_t first_cell, int64_t cells)
        : number(number), first_cell(first_cell), cells(cells) {
        const Settings& s = settings();
        const std::vector<double> start = load_counted<double>("start");
        V.assign(size_t(s.nodes * cells), 0.0);
        D.assign(V.size(), 0.0);
        R.assign(V.size(), 0.0);
        const bool each = int64_t(start.size()) != s.compartments || s.cells == 1;
        for (int64_t n = 0; n < s.compartments; n++)
            for (int64_t c = 0; c < cells; c++)
                V[size_t(n * cells + c)] = start[size_t(each ? n * s.cells + first_cell + c : n)];
        make_kernels(kernels);
        for (auto& kernel : kernels) {
            kernel->load_block(first_cell, cells, V.data());
            load_arrivals(*kernel);
        }
        detector_nodes = load<int32_t>("detectors.node", size_t(s.detectors));
        thresholds = load<double>("detectors.threshold", size_t(s.detectors));
        before.assign(size_t(s.detectors * cells), 0.0);
        const std::vector<int32_t> listed = load_counted<int32_t>("probes");
        for (size_t k = 0; k + 2 < listed.size(); k += 3)
            probes.push_back({listed[k], listed[k + 1], listed[k + 2]});
        if (!probes.empty())
            traces.open(folder() + "traces." + std::to_string(number), std::ios::binary);
    }

    void load_arrivals(Kernel& kernel) {
        arrivals.emplace_back();
        factors.emplace_back();
        if (kernel.events.empty()) return;
        const auto steps = load_counted<int64_t>(kernel.name + ".events.step");
        const auto sites = load<int32_t>(kernel.name + ".events.site", steps.size());
        const auto of = load<int32_t>(kernel.name + ".events.cell", steps.size());
        const auto weights = load<double>(kernel.name + ".events.weight", steps.size());
        Arrivals here;
        for (size_t k = 0; k < steps.size(); k++) {
            // Cell -1: the event reaches every cell of the batch.
            const int64_t from = of[k] < 0 ? 0 : int64_t(of[k]) - first_cell;
            const int64_t to = of[k] < 0 ? cells : from + 1;
            if (from < 0 || to > cells) continue;
            for (int64_t c = from; c < to; c++) {
                here.step.push_back(steps[k]);
                here.row.push_back(int64_t(sites[k]) * cells + c);
                here.weight.push_back(weights[k]);
            }
        }
        arrivals.back().push_back(std::move(here));
        for (const std::string& state : kernel.events)
            factors.back().push_back(load_factor(kernel, state));
    }

    std::vector<double> load_factor(const Kernel& kernel, const std::string& state) {
        const auto stored = load_counted<double>(kernel.name + ".factor." + state);
        const bool each = int64_t(stored.size()) != kernel.sites || settings().cells == 1;
        std::vector<double> values(size_t(kernel.rows));
        for (int64_t s = 0; s < kernel.sites; s++)
            for (int64_t c = 0; c < cells; c++)
                values[size_t(s * cells + c)] =
                    stored[size_t(each ? s * settings().cells + first_cell + c : s)];
        return values;
    }

    void deliver(int64_t index) {
        for (size_t k = 0; k < kernels.size(); k++) {
            if (arrivals[k].empty()) continue;
            Arrivals& here = arrivals[k][0];
            while (here.next < here.step.size() && here.step[here.next] <= index) {
                const size_t row = size_t(here.row[here.next]);
                for (size_t e = 0; e < kernels[k]->events.size(); e++)
                    kernels[k]->numbers(kernels[k]->events[e])[row] +=
                        here.weight[here.next] * factors[k][e][row];
                here.next++;
            }
        }
    }

    // Solve the tree by elimination from the tips to the root and back (Hines 1984).
    void solve() {
        const Tree& t = tree();
        const int64_t n = settings().nodes, width = cells;
        for (int64_t k = 0; k < n; k++) {
            const int64_t node = t.order[size_t(k)], parent = t.parent[size_t(node)];
            const double g = t.up[size_t(node)], around = t.around[size_t(node)];
            double* __restrict d = &D[size_t(node * width)];
            double* __restrict r = &R[size_t(node * width)];
            if (parent < 0) {
                for (int64_t c = 0; c < width; c++) r[c] /= d[c] + around;
                continue;
            }
            double* __restrict dp = &D[size_t(parent * width)];
            double* __restrict rp = &R[size_t(parent * width)];
            #pragma GCC ivdep
            for (int64_t c = 0; c < width; c++) {
                const double inverse = 1.0 / (d[c] + around);
                const double share = g * inverse;
                d[c] = share;
                dp[c] -= share * g;
                rp[c] += share * r[c];
                r[c] *= inverse;
            }
        }
        for (int64_t k = n - 1; k >= 0; k--) {
            const int64_t node = t.order[size_t(k)], parent = t.parent[size_t(node)];
            if (parent < 0) continue;
            const double* __restrict d = &D[size_t(node * width)];
            double* __restrict r = &R[size_t(node * width)];
            const double* __restrict rp = &R[size_t(parent * width)];
            #pragma GCC ivdep
            for (int64_t c = 0; c < width; c++) r[c] += d[c] * rp[c];
        }
        const int64_t rows = settings().compartments * width;
        double* __restrict v = V.data();
        const double* __restrict solved = R.data();
        if (settings().theta == 1.0) {
            std::memcpy(v, solved, size_t(rows) * sizeof(double));
        } else {
            // The implicit step reached the middle of the interval: go as far again.
            const double stretch = 1.0 / settings().theta;
            for (int64_t k = 0; k < rows; k++) v[k] += (solved[k] - v[k]) * stretch;
        }
    }

    void detect(double time) {
        const Settings& s = settings();
        for (int64_t d = 0; d < s.detectors; d++) {
            const double threshold = thresholds[size_t(d)];
            const double* now = &V[size_t(int64_t(detector_nodes[size_t(d)]) * cells)];
            for (int64_t c = 0; c < cells; c++) {
                const double old = before[size_t(d * cells + c)];
                if (old < threshold && now[c] >= threshold) {
                    spike_detector.push_back(d);
                    spike_cell.push_back(first_cell + c);
                    // Where the straight line between two steps crosses.
                    spike_time.push_back(time + s.dt * (threshold - old) / (now[c] - old));
                }
            }
        }
    }

    // The compiler may assume finite numbers, so the exponent bits are looked at.
    bool sound(double time) {
        const double bound = 10.0;
        uint64_t limit;
        std::memcpy(&limit, &bound, sizeof limit);
        const int64_t rows = settings().compartments * cells;
        for (int64_t k = 0; k < rows; k++) {
            uint64_t bits;
            std::memcpy(&bits, &V[size_t(k)], sizeof bits);
            if ((bits & UINT64_C(0x7fffffffffffffff)) > limit) {
                char text[160];
                std::snprintf(text, sizeof text, "diverged cell %lld compartment %lld time %.9g",
                              (long long)(first_cell + k % cells), (long long)(k / cells), time);
                trouble = text;
                return false;
            }
        }
        return true;
    }

    void trace() {
        for (const Probe& probe : probes) {
            const double* values;
            if (probe.kernel < 0) {
                values = &V[size_t(int64_t(probe.site) * cells)];
            } else {
                Kernel& kernel = *kernels[size_t(probe.kernel)];
                const std::string& what = kernel.traces[size_t(probe.variable)];
                values = kernel.numbers(what + ".traced") + int64_t(probe.site) * cells;
            }
            buffer.insert(buffer.end(), values, values + cells);
        }
        if (buffer.size() > 1u << 17) flush();
    }
    void flush() {
        traces.write(reinterpret_cast<const char*>(buffer.data()),
                     std::streamsize(buffer.size() * sizeof(double)));
        buffer.clear();
    }

    void step(int64_t index, bool settling) {
        const Settings& s = settings();
        const Step now{s.dt, double(index) * s.dt, index};
        std::fill(D.begin() + int64_t(s.compartments * cells), D.end(), 0.0);
        std::fill(R.begin() + int64_t(s.compartments * cells), R.end(), 0.0);
        if (!settling) deliver(index);
        for (auto& kernel : kernels) {
            // Electrodes are off while the cell comes to rest.
            if (settling && !kernel->density && !kernel->conducts) continue;
            kernel->run(now, cells, V.data(), D.data(), R.data());
        }
        for (int64_t d = 0; d < s.detectors; d++)
            std::memcpy(&before[size_t(d * cells)],
                        &V[size_t(int64_t(detector_nodes[size_t(d)]) * cells)],
                        size_t(cells) * sizeof(double));
        solve();
        if (settling) return;
        detect(now.time);
        if (!probes.empty() && (index + 1) % s.trace_stride == 0) trace();
    }

    bool run() {
        const Settings& s = settings();
        const int64_t chunk = 64;
        for (int64_t index = -s.settle; index < s.steps; index++) {
            step(index, index < 0);
            if (((index + s.settle + 1) % chunk == 0 || index + 1 == s.steps)) {
                if (!sound(double(index + 1) * s.dt)) return false;
                report().add(cells * chunk);
            }
        }
        if (!probes.empty()) { flush(); traces.close(); }
        return true;
    }

    void save() {
        const std::string end = "." + std::to_string(number);
        write("spikes.detector" + end, spike_detector);
        write("spikes.cell" + end, spike_cell);
        write("spikes.time" + end, spike_time);
        V.resize(size_t(settings().compartments * cells));
        write("final" + end, V);
    }
    template <typename T> void write(const std::string& name, const std::vector<T>& values) {
        std::ofstream file(folder() + name, std::ios::binary);
        file.write(reinterpret_cast<const char*>(values.data()),
                   std::streamsize(values.size() * sizeof(T)));
        if (!file) { std::fprintf(stderr, "cannot write '%s'\n", name.c_str()); std::exit(3); }
    }
};

inline int run_program() {
    const Settings& s = settings();
    const int64_t blocks = (s.cells + s.block - 1) / s.block;
    report().total = std::max<int64_t>(1, s.cells * (s.steps + s.settle));
    tree();
    std::atomic<int64_t> next{0};
    std::atomic<bool> failed{false};
    std::string trouble;
    std::mutex lock;
    auto work = [&] {
        for (int64_t b; !failed && (b = next++) < blocks;) {
            Block block(b, b * s.block, std::min(s.block, s.cells - b * s.block));
            if (block.run()) {
                block.save();
            } else {
                std::lock_guard<std::mutex> guard(lock);
                failed = true;
                if (trouble.empty()) trouble = block.trouble;
            }
        }
    };
    std::vector<std::thread> others;
    for (int64_t k = 1; k < std::min(s.threads, blocks); k++) others.emplace_back(work);
    work();
    for (std::thread& other : others) other.join();
    if (failed) { std::fprintf(stderr, "%s\n", trouble.c_str()); return 4; }
    return 0;
}
