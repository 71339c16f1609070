// What the membrane loops of a model and the program around them (runtime.cpp) share: functions that
// generated code names, what a run reads, and kernels.
//
// Cells that share a tree are solved together in blocks. A block holds `cells` of them; every array
// runs over compartments first and cells second (index = compartment * cells + cell), so that the
// membrane loops and the elimination run over neighbouring cells with vector instructions. A block
// is carried through the whole run before the next one, so that it stays in the cache; blocks share
// nothing and are handed to threads.
#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>

namespace neurosim {

// ---- functions that Brian2's generated code names ---------------------------------------------
#define neurosim_gaussian neurosim::gaussian
#define neurosim_waveform neurosim::waveform
#define neurosim_step_level neurosim::step_level
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
#define _brian_abs std::fabs
inline double _brian_mod(double x, double y) { return x - y * std::floor(x / y); }
inline double _sign(double x) { return double((x > 0) - (x < 0)); }

// ---- what a run reads ---------------------------------------------------------------------------
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

// What all groups of a run have in common.
struct Program {
    double values[8];
    int64_t groups, start, steps, settle, window, threads;
    double dt;
    bool report;
    Program() {
        read("program", values, 8);
        groups = int64_t(values[0]); steps = int64_t(values[1]); settle = int64_t(values[2]);
        window = int64_t(values[3]);   // steps between exchanges of spikes; 0 where none are wired
        threads = int64_t(values[4]); dt = values[5]; report = values[6] != 0.0;
        // Steps are counted from time 0: a run that goes on from another begins at `start`.
        start = int64_t(values[7]);
        steps += start;
    }
    int64_t begin() const { return start - settle; }
};
inline const Program& program() { static const Program p; return p; }

struct Settings {
    double values[10];
    int64_t model, cells, compartments, nodes, trace_stride, block, detectors;
    double theta;
    bool combines, layered;
    explicit Settings(const std::string& at) {
        read(at + "settings", values, 10);
        model = int64_t(values[0]); cells = int64_t(values[1]); compartments = int64_t(values[2]);
        nodes = int64_t(values[3]); trace_stride = int64_t(values[4]); block = int64_t(values[5]);
        detectors = int64_t(values[6]); theta = values[7];
        combines = values[8] != 0.0;
        layered = values[9] != 0.0;
    }
};

// A tree as arrays over nodes; compartments come first, junctions (points without membrane) after.
struct Tree {
    std::vector<int32_t> order;      // every node, children before parents
    std::vector<int32_t> parent;     // by node, -1 at a root
    std::vector<double> up;          // conductance to the parent (siemens)
    std::vector<double> around;      // sum of the conductances to all neighbours
    Tree(const std::string& at, int64_t nodes)
        : order(load<int32_t>(at + "tree.order", size_t(nodes))),
          parent(load<int32_t>(at + "tree.parent", size_t(nodes))),
          up(load<double>(at + "tree.up", size_t(nodes))),
          around(load<double>(at + "tree.around", size_t(nodes))) {}
};

// Cells that share a tree and its mechanisms; its files lie in a folder of its own.
struct Group {
    const int64_t number;
    const std::string at;
    const Settings settings;
    const Tree tree;
    explicit Group(int64_t number)
        : number(number), at(std::to_string(number) + "/"), settings(at),
          tree(at, settings.nodes) {}
};

struct Step { double dt, time; int64_t index; };

struct Array {
    enum Kind { row, shared, traced };
    std::string name;
    Kind kind;
    bool integer;
};

// Take the columns of a block out of an array that is stored once a site where all cells agree and
// once a cell where not.
inline void spread(const std::vector<double>& stored, int64_t sites, int64_t all,
                   int64_t first_cell, int64_t cells, std::vector<double>& values) {
    const bool each = int64_t(stored.size()) != sites || all == 1;
    for (int64_t s = 0; s < sites; s++)
        for (int64_t c = 0; c < cells; c++)
            values[size_t(s * cells + c)] = stored[size_t(each ? s * all + first_cell + c : s)];
}

// What a clamp is; see Kernel in model.py.
enum class Amplifier { none, voltage, conductance, electrode };

// ---- kernels ------------------------------------------------------------------------------------
// A loop over rows (sites times the cells of the block), written by Brian2's code generation.
struct Kernel {
    std::string name;
    bool density = false, conducts = false;
    bool injects = false;                     // follows the clock, off while the cell settles
    Amplifier amplifier = Amplifier::none;
    std::string ion;                          // what of a patch takes the ion that receptors carry
    int64_t rows = 0, sites = 0, first = 0;   // first: compartment of the first row of a patch
    std::vector<Array> layout;
    std::vector<std::string> events, traces;
    std::vector<std::string> kept;            // what a run that goes on from here must be given
    std::vector<int32_t> nodes;               // of each site, for points
    std::unordered_map<std::string, std::vector<double>> real;
    std::unordered_map<std::string, std::vector<int32_t>> whole;
    std::vector<double> gathered, conductance, current;
    double* membrane = nullptr;

    virtual ~Kernel() {}
    virtual void bind() = 0;
    virtual void advance(const Step&, double* __restrict, double* __restrict) = 0;

    double* if_there(const std::string& what) {
        const auto found = real.find(what);
        return found == real.end() ? nullptr : found->second.data();
    }
    double* numbers(const std::string& what) { return real.at(what).data(); }
    int32_t* integers(const std::string& what) { return whole.at(what).data(); }
    double* potential() { return membrane; }

    // Take the columns of this block's cells out of the arrays of the whole batch.
    void load_block(const Group& group, int64_t first_cell, int64_t cells, double* V) {
        const Settings& s = group.settings;
        double shape[2];
        read(group.at + name + ".shape", shape, 2);
        sites = int64_t(shape[0]);
        first = int64_t(shape[1]);
        rows = sites * cells;
        for (const Array& array : layout) {
            if (array.kind == Array::traced) { real[array.name].assign(size_t(rows), 0.0); continue; }
            const std::string file = group.at + name + "." + array.name;
            std::vector<double> values;
            if (array.kind == Array::shared) {
                values = load<double>(file, 1);
            } else {
                values.resize(size_t(rows));
                spread(load_counted<double>(file), sites, s.cells, first_cell, cells, values);
            }
            if (array.integer)
                whole[array.name].assign(values.begin(), values.end());
            else
                real[array.name] = std::move(values);
        }
        if (density) {
            membrane = V + first * cells;
        } else {
            nodes = load<int32_t>(group.at + name + ".nodes", size_t(sites));
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
        compute(step, cells, V);
        add(cells, D, R);
    }

    // What points ask of their compartments, and its place in the system of equations.
    void compute(const Step& step, int64_t cells, const double* V) {
        if (conducts)
            for (int64_t s = 0; s < sites; s++)
                std::memcpy(&gathered[size_t(s * cells)], V + int64_t(nodes[size_t(s)]) * cells,
                            size_t(cells) * sizeof(double));
        advance(step, conductance.data(), current.data());
    }
    void add(int64_t cells, double* D, double* R) const {
        for (int64_t s = 0; s < sites; s++) {
            double* d = D + int64_t(nodes[size_t(s)]) * cells;
            double* r = R + int64_t(nodes[size_t(s)]) * cells;
            const double* g = &conductance[size_t(s * cells)];
            const double* i = &current[size_t(s * cells)];
            for (int64_t c = 0; c < cells; c++) { d[c] += g[c]; r[c] += i[c]; }
        }
    }
};
void make_kernels(int64_t model, std::vector<std::unique_ptr<Kernel>>& kernels);

}  // namespace neurosim
