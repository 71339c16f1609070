// What a run reads, and kernels: membrane loops (membrane.h) with their arrays.
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
    double values[9];
    int64_t groups, start, steps, settle, window, threads;
    double dt;
    bool report, joined, spaced;
    Program() {
        read("program", values, 9);
        groups = int64_t(values[0]); steps = int64_t(values[1]); settle = int64_t(values[2]);
        window = int64_t(values[3]);   // steps between exchanges of spikes; 0 where none are wired
        threads = int64_t(values[4]); dt = values[5]; report = values[6] != 0.0;
        // Steps are counted from time 0: a run that goes on from another begins at `start`.
        start = int64_t(values[7]);
        steps += start;
        joined = int64_t(values[8]) & 1;   // by gap junctions
        spaced = int64_t(values[8]) & 2;   // around spaces
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

struct Array {
    std::string name;
    ArrayKind kind;
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

// A current whose charge is counted, and what it is multiplied by to be that of each ion of a patch.
// Of receptors: the ion they carry.
struct Mover { std::string name; std::vector<double> charges; std::string ion; };
// An ion that a patch holds, the part that does, and which of its concentrations move.
struct MovingIon { std::string ion, part; double valence; bool inside, outside, shared; };

// ---- kernels ------------------------------------------------------------------------------------
// A loop over rows with its arrays, for the cells of a block.
struct Kernel final : Described, Arrays {
    const std::unique_ptr<Membrane> loop;
    std::string name;
    bool density = false, conducts = false;
    bool injects = false;                     // follows the clock, off while the cell settles
    Amplifier amplifier = Amplifier::none;
    std::string ion;                          // what of a patch takes the ion that receptors carry
    int64_t rows = 0, sites = 0, first = 0;   // first: compartment of the first row of a patch
    std::vector<Array> layout;
    std::vector<std::string> events, traces;
    std::vector<std::string> kept;            // what a run that goes on from here must be given
    std::vector<Mover> carriers;
    std::vector<MovingIon> ions;
    // Parts, and the field of each that the potential must stay above.
    std::vector<std::pair<std::string, std::string>> above;
    // Traced currents, and by carrier what each is made of.
    std::vector<std::pair<std::string, std::vector<double>>> retraced;
    // What receptors take from the patch under them, and by patch the variable there ("": none).
    std::vector<std::pair<std::string, std::vector<std::string>>> gathers;
    std::vector<int32_t> nodes;               // of each site, for points
    std::unordered_map<std::string, std::vector<double>> real;
    std::unordered_map<std::string, std::vector<int32_t>> whole;
    std::vector<double> gathered, conductance, current;
    double* membrane = nullptr;

    explicit Kernel(Membrane* loop) : loop(loop) { loop->describe(*this); }
    Kernel(const Kernel&) = delete;
    virtual ~Kernel() {}

    void called(const char* is, bool of_density, bool has_slope, bool by_clock, Amplifier clamp,
                const char* takes) override {
        name = is;
        density = of_density;
        conducts = has_slope;
        injects = by_clock;
        amplifier = clamp;
        ion = takes;
    }
    void array(const char* is, ArrayKind kind, bool integer) override {
        layout.push_back({is, kind, integer});
    }
    void event(const char* is) override { events.push_back(is); }
    void trace(const char* is) override { traces.push_back(is); }
    void keep(const char* is) override { kept.push_back(is); }
    void carrier(const char* is, const double* charges, int count, const char* of) override {
        carriers.push_back({is, std::vector<double>(charges, charges + count), of});
    }
    void moving_ion(const char* is, const char* part, double valence, bool inside, bool outside,
                    bool shared) override {
        ions.push_back({is, part, valence, inside, outside, shared});
    }
    void stays_above(const char* part, const char* field) override {
        above.push_back({part, field});
    }
    void gather(const char* is, const char* const* sources, int count) override {
        gathers.push_back({is, std::vector<std::string>(sources, sources + count)});
    }
    void retrace(const char* is, const double* weights, int count) override {
        retraced.push_back({is, std::vector<double>(weights, weights + count)});
    }

    // Whether something of this patch has to be moved and counted once the potentials are known.
    bool moves_ions() const {
        if (!density) return false;
        for (const MovingIon& ion : ions)
            if (ion.inside || ion.outside || ion.shared) return true;
        return !carriers.empty();
    }
    double* if_there(const std::string& what) {
        const auto found = real.find(what);
        return found == real.end() ? nullptr : found->second.data();
    }
    double* numbers(const std::string& what) { return real.at(what).data(); }
    double* numbers(const char* what) override { return real.at(what).data(); }
    int32_t* integers(const char* what) override { return whole.at(what).data(); }
    double* potential() override { return membrane; }

    // Take the columns of this block's cells out of the arrays of the whole batch.
    void load_block(const Group& group, int64_t first_cell, int64_t cells, double* V) {
        const Settings& s = group.settings;
        double shape[2];
        read(group.at + name + ".shape", shape, 2);
        sites = int64_t(shape[0]);
        first = int64_t(shape[1]);
        rows = sites * cells;
        for (const Array& array : layout) {
            if (array.kind == ArrayKind::traced || array.kind == ArrayKind::single) {
                real[array.name].assign(array.kind == ArrayKind::single ? 1 : size_t(rows), 0.0);
                continue;
            }
            const std::string file = group.at + name + "." + array.name;
            std::vector<double> values;
            if (array.kind == ArrayKind::shared) {
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
        loop->bind(*this);
    }

    void run(const Step& step, int64_t cells, const double* V, double* D, double* R) {
        if (density) {
            loop->advance(step, rows, D + first * cells, R + first * cells);
            return;
        }
        compute(step, cells, V);
        add(cells, D, R);
    }

    // Let the currents of a step cross n rows; see Membrane.
    double cross(const Crossing& to, const double* solved, int64_t from, int64_t n) {
        return loop->cross(to, solved, from, n);
    }

    // What points ask of their compartments, and its place in the system of equations.
    void compute(const Step& step, int64_t cells, const double* V) {
        if (conducts)
            for (int64_t s = 0; s < sites; s++)
                std::memcpy(&gathered[size_t(s * cells)], V + int64_t(nodes[size_t(s)]) * cells,
                            size_t(cells) * sizeof(double));
        loop->advance(step, rows, conductance.data(), current.data());
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
inline void make_kernels(int64_t model, std::vector<std::unique_ptr<Kernel>>& kernels) {
    while (Membrane* loop = make_membrane(model, int64_t(kernels.size())))
        kernels.emplace_back(new Kernel(loop));
}

// One for the whole program: membrane loops know only that there is one.
const Waveforms& waveforms() { return WaveformFiles::table(); }

}  // namespace neurosim
