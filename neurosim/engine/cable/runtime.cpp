// The program around the membrane loops: the tree and its elimination, events, detection, traces.
//
// It knows no model, so it is compiled once for a machine and linked to every model.
#include <atomic>
#include <chrono>

namespace neurosim {

// An increment that arrives at the start of a step, such as that of a synapse.
struct Arrival {
    int64_t step, row;
    double weight;
    // What arrives in one place in one step is added in the order of its weights, whatever it is
    // told by and when: a run that goes on from another adds up in the same order.
    bool operator<(const Arrival& other) const {
        if (step != other.step) return step < other.step;
        return row != other.row ? row < other.row : weight < other.weight;
    }
};
struct Arrivals {
    std::vector<Arrival> list;   // sorted
    size_t next = 0;
};
struct Spike { int64_t detector, cell; double time; };

// What is traced: a variable of a kernel, or the potential of a compartment, in every cell.
// Kernel -1: potential of compartment `site`; kernel -2: sum number `variable` of `Combined`;
// kernel -3: potential in the layer outside compartment `site`; kernel -4, in sums only: current
// through gap junctions out of compartment number `site` of those that have any.
struct Probe { int32_t kernel, variable, site; };

// Sums of axial currents (from a node to its parent) and, beyond the nodes, of variables of kernels.
struct Combined {
    std::vector<int64_t> starts;
    std::vector<int32_t> term;
    std::vector<double> weight;                         // by term, or by term and cell of the block
    bool each = false;                                  // whether cells have weights of their own
    std::vector<Probe> variables;
    std::vector<double> axial, excess, sum;
};

// Layers outside the membrane: the potential there is a second unknown of each node. Arrays run over
// nodes and cells, but `up` and `around`, which run over nodes.
struct Layer {
    std::vector<double> up, around, wall, capacity, potential;
    std::vector<double> inside, outside;                // currents injected into cell and layer
    std::vector<double> aa, ab, bb, rest;               // 2 x 2 blocks, and right-hand side
    std::vector<bool> outer;                            // kernels that inject into the layer
};

// A parameter that follows a course: rows of a kernel's array, or of what an event adds to a state.
struct Following {
    std::vector<double>* target;
    bool shared;                    // one number for all rows
    std::vector<int32_t> sites;
    std::vector<double> factors;    // by site, what the course is multiplied by
    std::vector<int32_t> courses;   // by cell of the block
    std::vector<double> now;
    bool begun = false;

    void set(double time, int64_t cells) {
        bool changed = !begun;
        for (int64_t c = 0; c < cells; c++) {
            const double value = course(courses[size_t(c)], time);
            if (begun && now[size_t(c)] == value) continue;
            now[size_t(c)] = value;
            changed = true;
        }
        begun = true;
        if (!changed) return;
        if (shared) { (*target)[0] = now[0]; return; }
        for (size_t s = 0; s < sites.size(); s++)
            for (int64_t c = 0; c < cells; c++)
                (*target)[size_t(sites[s] * cells + c)] = factors[s] * now[size_t(c)];
    }
};

// ---- progress -----------------------------------------------------------------------------------
struct Report {
    std::atomic<int64_t> done{0};
    int64_t total = 1;
    Mutex lock;
    std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
    void add(int64_t steps) {
        const int64_t now_done = done += steps;
        if (!program().report) return;
        Guard guard(lock);
        const auto now = std::chrono::steady_clock::now();
        if (now - last < std::chrono::milliseconds(200) && now_done < total) return;
        last = now;
        std::printf("progress %.4f\n", double(now_done) / double(total));
        std::fflush(stdout);
    }
};
inline Report& report() { static Report r; return r; }

// A variable of a clamp that is known only once the potentials of the step are, and its trace.
struct Told {
    double *value, *traced;
    Told(Kernel& kernel, const char* what)
        : value(kernel.if_there(what)), traced(kernel.if_there(std::string(what) + ".traced")) {}
    void tell(int64_t row, double given) {
        value[row] = given;
        if (traced) traced[row] = given;
    }
};

// The clamps of a kernel; variables that its kind does not have are null.
struct Clamps {
    Kernel& kernel;
    Told current, electrode, recorded;
    const double *ideal, *command, *R_e, *bridge, *junction, *decay, *last, *first, *before;
    explicit Clamps(Kernel& kernel)
        : kernel(kernel), current(kernel, "I_stim"), electrode(kernel, "electrode"),
          recorded(kernel, "recorded"), ideal(kernel.if_there("ideal")),
          command(kernel.if_there("command")), R_e(kernel.if_there("R_e")),
          bridge(kernel.if_there("bridge")), junction(kernel.if_there("junction")),
          decay(kernel.if_there("decay")), last(kernel.if_there("last")),
          first(kernel.if_there("first")), before(kernel.if_there("before")) {}
};

// A compartment under a voltage clamp, with the diagonal and right-hand side of its row, without
// an ideal clamp and with all that hangs below it.
struct Held {
    const double *ideal, *command;
    int64_t node;
    std::vector<double> diagonal, right;
};

// Receptors that carry an ion, and by site the rows of the patch that take it and one over the area.
struct Carrier {
    Kernel* receptors;
    std::vector<double*> into;
    std::vector<double> per_area;
};

// A cell of the block that has gap junctions: its ends, and every node between them and the root,
// parents first. Ends and parents are places in `path`.
struct Coupled {
    size_t member;
    int64_t column;
    std::vector<int64_t> path, parent, end;
    std::vector<double> flow, answer;
};

// An ion at an end of a gap junction that it passes: its place there, and the row of its pool.
struct Passing {
    size_t place;
    Ions* patch;
    int64_t ion, row;
    double per_area;
};

// ---- one block of cells -------------------------------------------------------------------------
struct Block {
    const Group& group;
    const int64_t number, first_cell, cells;
    std::vector<std::unique_ptr<Kernel>> kernels;
    std::vector<double> V, D, R, before, last_spike;
    std::vector<Arrivals> arrivals;                     // by kernel
    std::vector<std::vector<std::vector<double>>> factors;
    std::vector<int32_t> detector_nodes;
    std::vector<double> thresholds, refractory;
    std::vector<Spike> spikes;
    std::vector<Carrier> carriers;
    std::vector<Ions> ions;                             // by patch, where any ion moves
    std::vector<Gathered> gathered;
    std::vector<PlacedCurrent> placed;
    std::vector<std::vector<double>> passed;            // by point kernel, charge since the start
    std::vector<double> across, V_start;
    std::vector<Clamps> clamps;
    std::vector<Held> held;
    std::vector<int32_t> holder;                        // by node, which of `held`; -1: none
    std::vector<Probe> probes;
    std::vector<double> buffer;
    std::vector<Following> followings;
    std::unique_ptr<Output> traces;
    Combined combined;
    Layer layer;
    Junctions* junctions = nullptr;
    std::vector<Coupled> coupled;
    std::vector<Passing> passing;
    std::vector<int64_t> ends;                          // compartments with junctions in any cell
    std::vector<double> drawn, pulled, transfer;        // by end and cell; by node and cell
    Spaces* spaces = nullptr;
    std::vector<double> given_off;                      // charge of the step, by ion and box
    std::vector<Diffusion> diffusing;
    std::string trouble;
    int64_t now, looked;   // the step to come, and that before which all was found sound

    Block(const Group& group, int64_t number, int64_t first_cell, int64_t cells)
        : group(group), number(number), first_cell(first_cell), cells(cells),
          now(program().begin()), looked(program().begin()) {
        const Settings& s = group.settings;
        V.assign(size_t(s.nodes * cells), 0.0);
        D.assign(V.size(), 0.0);
        R.assign(V.size(), 0.0);
        spread(load_counted<double>(group.at + "start"), s.compartments, s.cells, first_cell,
               cells, V);
        make_kernels(s.model, kernels);
        for (auto& kernel : kernels) {
            kernel->load_block(group, first_cell, cells, V.data());
            load_arrivals(*kernel);
            if (kernel->amplifier != Amplifier::none) add_clamps(*kernel);
        }
        for (auto& kernel : kernels)
            if (!kernel->ion.empty()) add_carrier(*kernel);
        for (auto& kernel : kernels)
            if (kernel->moves_ions()) ions.emplace_back(*kernel);
        for (auto& kernel : kernels) add_receptors(*kernel);
        if (!ions.empty())
            for (auto& kernel : kernels)
                passed.emplace_back(size_t(kernel->density ? 0 : kernel->rows), 0.0);
        load_courses();
        detector_nodes = load<int32_t>(group.at + "detectors.node", size_t(s.detectors));
        thresholds = load<double>(group.at + "detectors.threshold", size_t(s.detectors));
        refractory = load<double>(group.at + "detectors.refractory", size_t(s.detectors));
        before.assign(size_t(s.detectors * cells), 0.0);
        last_spike.resize(before.size());
        spread(load_counted<double>(group.at + "detectors.last"), s.detectors, s.cells, first_cell,
               cells, last_spike);
        const std::vector<int32_t> listed = load_counted<int32_t>(group.at + "probes");
        for (size_t k = 0; k + 2 < listed.size(); k += 3)
            probes.push_back({listed[k], listed[k + 1], listed[k + 2]});
        if (!probes.empty())
            traces.reset(new Output(group.at + "traces." + std::to_string(number)));
        if (s.combines) load_combined();
        if (s.layered) load_layer();
        double count;
        read(group.at + "diffusions", &count, 1);
        for (int64_t k = 0; k < int64_t(count); k++)
            diffusing.emplace_back(group, k, first_cell, cells, kernels, program().dt);
    }

    void load_layer() {
        const Settings& s = group.settings;
        const size_t size = size_t(s.nodes * cells);
        layer.up = load<double>(group.at + "layer.up", size_t(s.nodes));
        layer.around = load<double>(group.at + "layer.around", size_t(s.nodes));
        for (auto* one : {&layer.wall, &layer.capacity, &layer.potential, &layer.inside,
                          &layer.outside, &layer.aa, &layer.ab, &layer.bb, &layer.rest})
            one->assign(size, 0.0);
        spread(load_counted<double>(group.at + "layer.wall"), s.nodes, s.cells, first_cell, cells,
               layer.wall);
        spread(load_counted<double>(group.at + "layer.capacity"), s.nodes, s.cells, first_cell,
               cells, layer.capacity);
        spread(load_counted<double>(group.at + "layer.start"), s.compartments, s.cells, first_cell,
               cells, layer.potential);
        layer.outer.assign(kernels.size(), false);
        for (int32_t k : load_counted<int32_t>(group.at + "layer.kernels"))
            layer.outer[size_t(k)] = true;
    }

    // The same elimination with two unknowns a node, x inside and y in the layer, whose difference
    // is the membrane potential: blocks of 2 x 2, symmetric, in place of numbers.
    void solve_layered() {
        const Tree& t = group.tree;
        const int64_t n = group.settings.nodes, w = cells;
        const double theta = group.settings.theta, share = 1.0 / (program().dt * theta);
        for (int64_t k = 0; k < n * w; k++) {
            const size_t at = size_t(k);
            const int64_t node = k / w;
            const double d = D[at], charge = layer.capacity[at] * share;
            layer.aa[at] = d + t.around[size_t(node)];
            layer.ab[at] = -d;
            layer.bb[at] = d + charge + layer.wall[at] + layer.around[size_t(node)];
            layer.rest[at] = charge * layer.potential[at] - R[at] + layer.outside[at];
            R[at] += layer.inside[at];
        }
        for (int64_t k = 0; k < n; k++) {
            const int64_t node = t.order[size_t(k)], parent = t.parent[size_t(node)];
            const double g = t.up[size_t(node)], p = layer.up[size_t(node)];
            const size_t here = size_t(node * w), above = size_t(std::max<int64_t>(parent, 0) * w);
            double* __restrict aa = &layer.aa[here]; double* __restrict ab = &layer.ab[here];
            double* __restrict bb = &layer.bb[here]; double* __restrict x = &R[here];
            double* __restrict y = &layer.rest[here];
            double* paa = &layer.aa[above]; double* pab = &layer.ab[above];
            double* pbb = &layer.bb[above]; double* px = &R[above]; double* py = &layer.rest[above];
            for (int64_t c = 0; c < w; c++) {
                // The inverse of the block takes its place.
                const double inverse = 1.0 / (aa[c] * bb[c] - ab[c] * ab[c]);
                const double ia = bb[c] * inverse, ib = -ab[c] * inverse, ic = aa[c] * inverse;
                const double x0 = ia * x[c] + ib * y[c], y0 = ib * x[c] + ic * y[c];
                aa[c] = ia; ab[c] = ib; bb[c] = ic; x[c] = x0; y[c] = y0;
                if (parent < 0) continue;
                paa[c] -= g * g * ia; pab[c] -= g * p * ib; pbb[c] -= p * p * ic;
                px[c] += g * x0; py[c] += p * y0;
            }
        }
        for (int64_t k = n - 1; k >= 0; k--) {
            const int64_t node = t.order[size_t(k)], parent = t.parent[size_t(node)];
            if (parent < 0) continue;
            const double g = t.up[size_t(node)], p = layer.up[size_t(node)];
            for (int64_t c = 0; c < w; c++) {
                const size_t at = size_t(node * w + c), above = size_t(parent * w + c);
                const double x = g * R[above], y = p * layer.rest[above];
                R[at] += layer.aa[at] * x + layer.ab[at] * y;
                layer.rest[at] += layer.ab[at] * x + layer.bb[at] * y;
            }
        }
        const double stretch = 1.0 / theta;
        const int64_t rows = group.settings.compartments * w;
        for (int64_t k = 0; k < rows; k++)
            V[size_t(k)] += (R[size_t(k)] - layer.rest[size_t(k)] - V[size_t(k)]) * stretch;
        for (int64_t k = 0; k < n * w; k++)
            layer.potential[size_t(k)] += (layer.rest[size_t(k)] - layer.potential[size_t(k)]) * stretch;
    }

    void load_combined() {
        const Settings& s = group.settings;
        combined.starts = load_counted<int64_t>(group.at + "combined.starts");
        combined.term = load_counted<int32_t>(group.at + "combined.term");
        const int64_t terms = int64_t(combined.term.size());
        std::vector<double> stored = load_counted<double>(group.at + "combined.weight");
        combined.each = int64_t(stored.size()) != terms;
        if (combined.each) {
            combined.weight.resize(size_t(terms * cells));
            spread(stored, terms, s.cells, first_cell, cells, combined.weight);
        } else {
            combined.weight = std::move(stored);
        }
        const std::vector<int32_t> listed = load_counted<int32_t>(group.at + "combined.variables");
        for (size_t k = 0; k + 2 < listed.size(); k += 3)
            combined.variables.push_back({listed[k], listed[k + 1], listed[k + 2]});
        combined.axial.assign(size_t(s.nodes * cells), 0.0);
        combined.excess.assign(size_t(s.nodes * cells), 0.0);
        combined.sum.assign(size_t(cells), 0.0);
    }

    // Axial currents of the potentials just solved for, from each node to its parent. Rounding of
    // the potential of a junction would let it keep a little of what it receives: that is shared
    // out, so that membrane currents sum to zero.
    void find_axial() {
        const Tree& t = group.tree;
        const int64_t n = group.settings.nodes, first = group.settings.compartments, w = cells;
        double* excess = combined.excess.data();
        std::fill(combined.excess.begin() + first * w, combined.excess.end(), 0.0);
        for (int64_t node = 0; node < n; node++) {
            const int64_t parent = t.parent[size_t(node)];
            if (parent < 0) continue;
            const double g = t.up[size_t(node)];
            double* a = &combined.axial[size_t(node * w)];
            for (int64_t c = 0; c < w; c++) a[c] = g * (R[node * w + c] - R[parent * w + c]);
            if (group.settings.layered) {
                // Current along the layer leaves a compartment as that along the inside does.
                const double p = layer.up[size_t(node)];
                const double* y = layer.rest.data();
                for (int64_t c = 0; c < w; c++) a[c] += p * (y[node * w + c] - y[parent * w + c]);
            }
            if (parent >= first) for (int64_t c = 0; c < w; c++) excess[parent * w + c] += a[c];
            if (node >= first) for (int64_t c = 0; c < w; c++) excess[node * w + c] -= a[c];
        }
        for (int64_t node = 0; node < n; node++) {
            const int64_t parent = t.parent[size_t(node)];
            if (parent < 0) continue;
            const double g = t.up[size_t(node)];
            double* a = &combined.axial[size_t(node * w)];
            if (node >= first) {
                const double share = g / t.around[size_t(node)];
                for (int64_t c = 0; c < w; c++) a[c] += share * excess[node * w + c];
            }
            if (parent >= first) {
                const double share = g / t.around[size_t(parent)];
                for (int64_t c = 0; c < w; c++) a[c] -= share * excess[parent * w + c];
            }
        }
    }

    const double* variable(const Probe& probe) {
        if (probe.kernel == -4) return &drawn[size_t(int64_t(probe.site) * cells)];
        Kernel& kernel = *kernels[size_t(probe.kernel)];
        const std::string& what = kernel.traces[size_t(probe.variable)];
        return kernel.numbers(what + ".traced") + int64_t(probe.site) * cells;
    }

    const double* combine(int64_t number) {
        const int64_t nodes = group.settings.nodes;
        std::fill(combined.sum.begin(), combined.sum.end(), 0.0);
        for (int64_t k = combined.starts[size_t(number)]; k < combined.starts[size_t(number + 1)];
             k++) {
            const int64_t term = combined.term[size_t(k)];
            const double* x = term < nodes ? &combined.axial[size_t(term * cells)]
                                           : variable(combined.variables[size_t(term - nodes)]);
            double* __restrict sum = combined.sum.data();
            if (combined.each) {
                const double* weight = &combined.weight[size_t(k * cells)];
                for (int64_t c = 0; c < cells; c++) sum[c] += weight[c] * x[c];
            } else {
                const double weight = combined.weight[size_t(k)];
                for (int64_t c = 0; c < cells; c++) sum[c] += weight * x[c];
            }
        }
        return combined.sum.data();
    }

    void add_carrier(Kernel& receptors) {
        Carrier made{&receptors, {}, {}};
        for (int64_t site = 0; site < receptors.sites; site++) {
            const int64_t node = receptors.nodes[size_t(site)];
            double* into = nullptr;
            double area = 1.0;
            for (auto& patch : kernels) {
                const int64_t row = (node - patch->first) * cells;
                if (!patch->density || row < 0 || row >= patch->rows) continue;
                if (double* taken = patch->if_there(receptors.ion)) {
                    const std::vector<double>& areas = patch->real.at("area");
                    into = taken + row;
                    area = areas[areas.size() == 1 ? 0 : size_t(row)];
                }
            }
            made.into.push_back(into);   // null where nothing holds the ion
            made.per_area.push_back(1.0 / area);
        }
        carriers.push_back(std::move(made));
    }

    // Advance the receptors that carry an ion before the patches whose pools take it.
    void carry(const Step& step) {
        for (Carrier& these : carriers)
            for (double* into : these.into)
                if (into) std::fill(into, into + cells, 0.0);
        for (Carrier& these : carriers) {
            these.receptors->compute(step, cells, V.data());
            const double* carried = these.receptors->numbers("ion_current.traced");
            for (size_t site = 0; site < these.into.size(); site++)
                if (double* into = these.into[site])
                    for (int64_t c = 0; c < cells; c++)
                        into[c] += carried[int64_t(site) * cells + c] * these.per_area[site];
        }
    }

    void add_clamps(Kernel& kernel) {
        clamps.emplace_back(kernel);
        if (kernel.amplifier != Amplifier::voltage) return;
        holder.resize(size_t(group.settings.nodes), -1);
        for (int64_t site = 0; site < kernel.sites; site++) {
            const int64_t node = kernel.nodes[size_t(site)];
            holder[size_t(node)] = int32_t(held.size());
            held.push_back({clamps.back().ideal + site * cells, clamps.back().command + site * cells,
                            node, std::vector<double>(size_t(cells)),
                            std::vector<double>(size_t(cells))});
        }
    }

    // Eliminate the row of a held compartment. An ideal clamp gives its potential; what the row
    // lacks then is the current of the clamp.
    void hold(Held& here, double g, double around, int64_t parent) {
        const double theta = group.settings.theta;
        for (int64_t c = 0; c < cells; c++) {
            const size_t row = size_t(here.node * cells + c);
            const double diagonal = D[row] + around, right = R[row];
            here.diagonal[size_t(c)] = diagonal;
            here.right[size_t(c)] = right;
            const bool given = here.ideal[c] != 0.0;
            const double wanted = V[row] + theta * (here.command[c] - V[row]);
            const double share = given ? 0.0 : g / diagonal;
            R[row] = given ? wanted : right / diagonal;
            D[row] = share;
            if (parent < 0) continue;
            D[size_t(parent * cells + c)] -= share * g;
            R[size_t(parent * cells + c)] += given ? g * wanted : share * right;
        }
    }

    // What clamps pass into the cell, once the potentials of the step are known.
    void measure_clamps(bool settling) {
        for (Clamps& these : clamps)
            for (int64_t site = 0; site < these.kernel.sites; site++)
                for (int64_t c = 0; c < cells; c++) measure_clamp(these, site, c, settling);
    }
    void measure_clamp(Clamps& these, int64_t site, int64_t c, bool settling) {
        const Kernel& kernel = these.kernel;
        const bool electrode = kernel.amplifier == Amplifier::electrode;
        const int64_t row = site * cells + c, node = kernel.nodes[size_t(site)];
        const size_t at = size_t(node * cells + c);
        if (settling && kernel.injects) {
            if (electrode) these.electrode.tell(row, V[at]);
            return;
        }
        double passed = kernel.current[size_t(row)] - kernel.conductance[size_t(row)] * R[at];
        if (these.ideal && these.ideal[row] != 0.0) {
            const Held& here = held[size_t(holder[size_t(node)])];
            passed = here.diagonal[size_t(c)] * R[at] - here.right[size_t(c)];
            const int64_t parent = group.tree.parent[size_t(node)];
            if (parent >= 0) passed -= group.tree.up[size_t(node)] * R[size_t(parent * cells + c)];
        }
        these.current.tell(row, passed);
        if (!electrode) return;
        const double given = these.command[row], drop = these.R_e[row] * given;
        const double inside = drop + these.last[row] * V[at] + these.first[row] * these.before[row]
                              + these.decay[row] * (these.electrode.value[row] - drop);
        these.electrode.tell(row, inside);
        these.recorded.tell(row, inside - these.bridge[row] * given + these.junction[row]);
    }

    void load_courses() {
        double count;
        read(group.at + "courses", &count, 1);
        for (int64_t k = 0; k < int64_t(count); k++) {
            const std::string head = group.at + "course." + std::to_string(k);
            // Kernel; place in its layout, or among its events; whether it is one of those.
            const auto where = load<double>(head + ".where", 4);
            Following one;
            if (where[0] < 0.0) {
                one.target = &layer.wall;
            } else {
                const size_t which = size_t(where[0]), place = size_t(where[1]);
                Kernel& kernel = *kernels[which];
                one.target = where[2] != 0.0 ? &factors[which][place]
                                             : &kernel.real.at(kernel.layout[place].name);
            }
            one.shared = where[3] != 0.0;
            one.sites = load_counted<int32_t>(head + ".sites");
            one.factors = load<double>(head + ".factors", one.sites.size());
            const auto all = load<int32_t>(head + ".tables", size_t(group.settings.cells));
            one.courses.assign(all.begin() + first_cell, all.begin() + first_cell + cells);
            one.now.assign(size_t(cells), 0.0);
            followings.push_back(std::move(one));
        }
    }

    void load_arrivals(Kernel& kernel) {
        arrivals.emplace_back();
        factors.emplace_back();
        if (kernel.events.empty()) return;
        const std::string head = group.at + kernel.name;
        const auto steps = load_counted<int64_t>(head + ".events.step");
        const auto sites = load<int32_t>(head + ".events.site", steps.size());
        const auto of = load<int32_t>(head + ".events.cell", steps.size());
        const auto weights = load<double>(head + ".events.weight", steps.size());
        for (size_t k = 0; k < steps.size(); k++) {
            // Cell -1: the event reaches every cell of the batch.
            const int64_t from = of[k] < 0 ? 0 : int64_t(of[k]) - first_cell;
            const int64_t to = of[k] < 0 ? cells : from + 1;
            if (from < 0 || to > cells) continue;
            for (int64_t c = from; c < to; c++)
                arrivals.back().list.push_back(
                    {steps[k], int64_t(sites[k]) * cells + c, weights[k]});
        }
        std::sort(arrivals.back().list.begin(), arrivals.back().list.end());
        for (const std::string& state : kernel.events) {
            factors.back().emplace_back(size_t(kernel.rows));
            spread(load_counted<double>(head + ".factor." + state), kernel.sites,
                   group.settings.cells, first_cell, cells, factors.back().back());
        }
    }

    // Put events of other cells among those to come.
    void expect(size_t kernel, std::vector<Arrival>& more) {
        std::sort(more.begin(), more.end());
        Arrivals& here = arrivals[kernel];
        here.list.erase(here.list.begin(), here.list.begin() + int64_t(here.next));
        here.next = 0;
        const int64_t middle = int64_t(here.list.size());
        here.list.insert(here.list.end(), more.begin(), more.end());
        std::inplace_merge(here.list.begin(), here.list.begin() + middle, here.list.end());
    }

    void deliver(int64_t index) {
        for (size_t k = 0; k < kernels.size(); k++) {
            Arrivals& here = arrivals[k];
            while (here.next < here.list.size() && here.list[here.next].step <= index) {
                const Arrival& arrival = here.list[here.next];
                const size_t row = size_t(arrival.row);
                for (size_t e = 0; e < kernels[k]->events.size(); e++)
                    kernels[k]->numbers(kernels[k]->events[e])[row] +=
                        arrival.weight * factors[k][e][row];
                here.next++;
            }
        }
    }

    // Solve the tree by elimination from the tips to the root and back (Hines 1984).
    void solve() {
        eliminate();
        arrive();
    }
    void eliminate() {
        const Tree& t = group.tree;
        const int64_t n = group.settings.nodes, width = cells;
        for (int64_t k = 0; k < n; k++) {
            const int64_t node = t.order[size_t(k)], parent = t.parent[size_t(node)];
            const double g = t.up[size_t(node)], around = t.around[size_t(node)];
            if (!held.empty() && holder[size_t(node)] >= 0) {
                hold(held[size_t(holder[size_t(node)])], g, around, parent);
                continue;
            }
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
    }
    // From the potentials solved for to those at the end of the step.
    void arrive() {
        const int64_t rows = group.settings.compartments * cells;
        double* __restrict v = V.data();
        const double* __restrict solved = R.data();
        if (group.settings.theta == 1.0) {
            std::memcpy(v, solved, size_t(rows) * sizeof(double));
        } else {
            // The implicit step reached the middle of the interval: go as far again.
            const double stretch = 1.0 / group.settings.theta;
            for (int64_t k = 0; k < rows; k++) v[k] += (solved[k] - v[k]) * stretch;
        }
    }

    void detect(double time) {
        for (size_t d = 0; d < thresholds.size(); d++) {
            const double threshold = thresholds[d];
            const double* at = &V[size_t(int64_t(detector_nodes[d]) * cells)];
            for (int64_t c = 0; c < cells; c++) {
                const size_t one = d * size_t(cells) + size_t(c);
                const double old = before[one];
                if (old >= threshold || at[c] < threshold) continue;
                // Where the straight line between two steps crosses.
                const double crossed = time + program().dt * (threshold - old) / (at[c] - old);
                if (crossed - last_spike[one] < refractory[d]) continue;
                last_spike[one] = crossed;
                spikes.push_back({int64_t(d), first_cell + c, crossed});
            }
        }
    }

    // The compiler may assume finite numbers, so the exponent bits are looked at.
    bool sound(double time) {
        const double bound = 10.0;
        uint64_t limit;
        std::memcpy(&limit, &bound, sizeof limit);
        const int64_t rows = group.settings.compartments * cells;
        // Without its sign, a double of larger bits is farther from zero; NaN is beyond infinity.
        uint64_t most = 0;
        int64_t where = 0;
        for (int64_t k = 0; k < rows; k++) {
            uint64_t bits;
            std::memcpy(&bits, &V[size_t(k)], sizeof bits);
            bits &= UINT64_C(0x7fffffffffffffff);
            if (bits > most) { most = bits; where = k; }
        }
        if (most <= limit) return true;
        char text[160];
        std::snprintf(text, sizeof text, "diverged group %lld cell %lld compartment %lld time %.9g",
                      (long long)group.number, (long long)(first_cell + where % cells),
                      (long long)(where / cells), time);
        trouble = text;
        return false;
    }

    // Says where the potential has fallen to where the equation of a part has no value, if it has.
    void look_below(double time) {
        for (const auto& kernel : kernels)
            for (const auto& one : kernel->above) {
                const Rows lowest = rows_of(*kernel, one.first + "_" + one.second);
                for (int64_t row = 0; row < kernel->rows; row++) {
                    if (kernel->membrane[row] > lowest.at(row)) continue;
                    // A run that diverges falls below everything as well.
                    if (!sound(time)) return;
                    char text[400];
                    std::snprintf(text, sizeof text,
                                  "fell group %lld cell %lld compartment %lld time %.9g part %s field %s",
                                  (long long)group.number, (long long)(first_cell + row % cells),
                                  (long long)(kernel->first + row / cells), time,
                                  one.first.c_str(), one.second.c_str());
                    if (trouble.empty()) trouble = text;
                    return;
                }
            }
    }

    void trace() {
        if (group.settings.combines) find_axial();
        for (const Probe& probe : probes) {
            const double* values;
            if (probe.kernel == -2) values = combine(probe.variable);
            else if (probe.kernel == -3)   // as solved for: a wall without capacitance has no state
                values = &layer.rest[size_t(int64_t(probe.site) * cells)];
            else if (probe.kernel < 0) values = &V[size_t(int64_t(probe.site) * cells)];
            else values = variable(probe);
            buffer.insert(buffer.end(), values, values + cells);
        }
        if (buffer.size() > 1u << 17) flush();
    }
    void flush() {
        traces->put(buffer.data(), buffer.size());
        buffer.clear();
    }

    // ---- gap junctions; see junctions.h ----
    void couple(Junctions& all) {
        junctions = &all;
        for (size_t k = 0; k < all.node.size(); k++)
            if (all.group[k] == group.number) ends.push_back(all.node[k]);
        std::sort(ends.begin(), ends.end());
        ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
        drawn.assign(ends.size() * size_t(cells), 0.0);
        const Tree& t = group.tree;
        for (size_t m = 0; m + 1 < all.members.size(); m++) {
            const size_t from = size_t(all.members[m]), to = size_t(all.members[m + 1]);
            const int64_t column = all.cell[from] - first_cell;
            if (all.group[from] != group.number || column < 0 || column >= cells) continue;
            std::vector<char> on_path(size_t(group.settings.nodes), 0);
            for (size_t k = from; k < to; k++)
                for (int64_t node = all.node[k]; node >= 0; node = t.parent[size_t(node)])
                    on_path[size_t(node)] = 1;
            Coupled one{m, column, {}, {}, {}, {}, {}};
            std::vector<int64_t> place(on_path.size(), -1);
            for (int64_t k = group.settings.nodes - 1; k >= 0; k--) {
                const int64_t node = t.order[size_t(k)], parent = t.parent[size_t(node)];
                if (!on_path[size_t(node)]) continue;
                place[size_t(node)] = int64_t(one.path.size());
                one.path.push_back(node);
                one.parent.push_back(parent < 0 ? -1 : place[size_t(parent)]);
            }
            for (size_t k = from; k < to; k++) one.end.push_back(place[size_t(all.node[k])]);
            one.flow.assign(one.path.size(), 0.0);
            one.answer.assign(one.path.size(), 0.0);
            coupled.push_back(std::move(one));
        }
        if (!coupled.empty()) pulled.assign(R.size(), 0.0);
        for (size_t ion = 0; ion < all.ions; ion++)
            for (size_t k = 0; k < all.node.size(); k++) {
                const int64_t column = all.cell[k] - first_cell;
                if (all.group[k] != group.number || column < 0 || column >= cells) continue;
                for (Ions& patch : ions) {
                    const int64_t row = (all.node[k] - patch.kernel.first) * cells + column;
                    const int64_t held = patch.find_inside(all.name(ion));
                    if (held < 0 || row < column || row >= patch.kernel.rows) continue;
                    const Rows area = rows_of(patch.kernel, "area");
                    passing.push_back({ion * all.node.size() + k, &patch, held, row, 1.0 / area.at(row)});
                }
            }
        for (const Passing& one : passing) all.inside[one.place] = inside(one);
    }
    double inside(const Passing& one) const {
        return one.patch->held[size_t(one.ion)].inside->value[one.row];
    }
    // Take what came through gap junctions in a step.
    void enter(double end) {
        for (const Passing& one : passing)
            if (!one.patch->enter(one.ion, one.row, junctions->moved[one.place] * one.per_area))
                return tell_depleted(*one.patch, end);
    }

    bool is_given(int64_t node, int64_t c) const {
        return !held.empty() && holder[size_t(node)] >= 0
               && held[size_t(holder[size_t(node)])].ideal[c] != 0.0;
    }
    // One over the diagonal that elimination left in a row; 0 where a clamp gives the potential.
    double inverse(int64_t node, int64_t c) const {
        const Tree& t = group.tree;
        const double d = D[size_t(node * cells + c)];
        if (is_given(node, c)) return 0.0;
        if (!held.empty() && holder[size_t(node)] >= 0)
            return 1.0 / held[size_t(holder[size_t(node)])].diagonal[size_t(c)];
        return t.parent[size_t(node)] < 0 ? 1.0 / (d + t.around[size_t(node)])
                                          : d / t.up[size_t(node)];
    }

    // Tell the potentials at the ends, and what a current drawn at one does to the others.
    void tell_ends() {
        for (const Passing& one : passing) junctions->inside[one.place] = inside(one);
        for (Coupled& one : coupled) {
            const size_t n = one.end.size(), length = one.path.size();
            const size_t from = size_t(junctions->members[one.member]);
            transfer.assign(n * n, 0.0);
            for (size_t k = 0; k < n; k++) {
                const int64_t node = one.path[size_t(one.end[k])];
                junctions->alone[from + k] = R[size_t(node * cells + one.column)];
                junctions->held[from + k] = is_given(node, one.column);
                std::fill(one.flow.begin(), one.flow.end(), 0.0);
                one.flow[size_t(one.end[k])] = 1.0;
                for (int64_t at = one.end[k]; one.parent[size_t(at)] >= 0; at = one.parent[size_t(at)])
                    one.flow[size_t(one.parent[size_t(at)])] =
                        D[size_t(one.path[size_t(at)] * cells + one.column)] * one.flow[size_t(at)];
                for (size_t at = 0; at < length; at++) {
                    const int64_t here = one.path[at], parent = one.parent[at];
                    double value = one.flow[at] == 0.0 ? 0.0
                                                       : one.flow[at] * inverse(here, one.column);
                    if (parent >= 0)
                        value += D[size_t(here * cells + one.column)] * one.answer[size_t(parent)];
                    one.answer[at] = value;
                }
                for (size_t j = 0; j < n; j++) transfer[j * n + k] = one.answer[size_t(one.end[j])];
            }
            junctions->tell(one.member, transfer);
        }
    }

    // Draw the current of the junctions: the factored tree gives what it does everywhere.
    void draw() {
        if (coupled.empty()) return;
        const Tree& t = group.tree;
        const int64_t n = group.settings.nodes, w = cells;
        std::fill(pulled.begin(), pulled.end(), 0.0);
        for (const Coupled& one : coupled) {
            const size_t from = size_t(junctions->members[one.member]);
            for (size_t k = 0; k < one.end.size(); k++) {
                const int64_t node = one.path[size_t(one.end[k])];
                const double current = junctions->drawn[from + k];
                pulled[size_t(node * w + one.column)] = -current;
                const int64_t place =
                    std::lower_bound(ends.begin(), ends.end(), node) - ends.begin();
                drawn[size_t(place * w + one.column)] = current;
            }
        }
        for (int64_t k = 0; k < n; k++) {
            const int64_t node = t.order[size_t(k)], parent = t.parent[size_t(node)];
            double* __restrict x = &pulled[size_t(node * w)];
            const double* d = &D[size_t(node * w)];
            const bool clamped = !held.empty() && holder[size_t(node)] >= 0;
            if (clamped) {
                // The clamp passes what the junctions draw from the row that it holds.
                Held& here = held[size_t(holder[size_t(node)])];
                for (int64_t c = 0; c < w; c++) here.right[size_t(c)] += x[c];
            }
            if (parent >= 0) {
                double* __restrict above = &pulled[size_t(parent * w)];
                for (int64_t c = 0; c < w; c++) above[c] += d[c] * x[c];
            }
            if (clamped || parent < 0) {
                for (int64_t c = 0; c < w; c++) x[c] *= inverse(node, c);
            } else {
                const double over = 1.0 / t.up[size_t(node)];
                for (int64_t c = 0; c < w; c++) x[c] *= d[c] * over;
            }
        }
        for (int64_t k = n - 1; k >= 0; k--) {
            const int64_t node = t.order[size_t(k)], parent = t.parent[size_t(node)];
            if (parent < 0) continue;
            double* __restrict x = &pulled[size_t(node * w)];
            const double* above = &pulled[size_t(parent * w)];
            const double* d = &D[size_t(node * w)];
            for (int64_t c = 0; c < w; c++) x[c] += d[c] * above[c];
        }
        for (size_t k = 0; k < R.size(); k++) R[k] += pulled[k];
    }

    // Put the rows of the block into the boxes of the spaces; see spaces.h.
    void surround(Spaces& all) {
        spaces = &all;
        given_off.assign(all.now.size(), 0.0);
        const Settings& s = group.settings;
        const auto boxes = load<int32_t>(group.at + "spaces.box",
                                         size_t(all.ions * s.compartments * s.cells));
        for (Ions& patch : ions)
            for (Ions::Held& one : patch.held) {
                const int64_t ion = one.ion.shared ? all.find(one.ion.ion) : -1;
                if (ion < 0) continue;
                Kernel& kernel = patch.kernel;
                const std::vector<double>& areas = kernel.real.at("area");
                const std::string name = one.ion.ion + "_o";
                Member made{kernel.numbers(name), kernel.if_there(name + ".traced"), areas.data(),
                            areas.size() != 1, std::vector<int32_t>(size_t(kernel.rows), -1),
                            &given_off};
                for (int64_t site = 0; site < kernel.sites; site++)
                    for (int64_t c = 0; c < cells; c++) {
                        const int64_t at = (ion * s.compartments + kernel.first + site) * s.cells;
                        const int32_t box = boxes[size_t(at + first_cell + c)];
                        if (box >= 0)
                            made.box[size_t(site * cells + c)] = int32_t(ion * all.boxes) + box;
                    }
                one.member.reset(new Member(std::move(made)));
            }
    }

    // A step of linked cells in three parts: up to the potentials that the cells would have without
    // their junctions; up to what they give to the spaces; and the rest.
    void begin_linked() {
        begin_step(now, now < program().start);
        if (group.settings.layered) solve_layered(); else eliminate();
        if (junctions) tell_ends();
    }
    void move_linked() {
        if (!group.settings.layered) {
            draw();
            arrive();
        }
        std::fill(given_off.begin(), given_off.end(), 0.0);
        pass_step(now, now < program().start);
    }
    bool end_linked() {
        const bool settling = now < program().start;
        if (spaces && !settling)
            for (Ions& patch : ions) patch.surround(*spaces);
        watch_step(now, settling);
        return count_step();
    }

    void add_receptors(Kernel& kernel) {
        for (const auto& one : kernel.gathers) {
            gathered.push_back({kernel.numbers(one.first), {}, {}});
            for (int32_t node : kernel.nodes)
                for (size_t p = 0; p < kernels.size(); p++) {
                    Kernel& patch = *kernels[p];
                    const int64_t row = (int64_t(node) - patch.first) * cells;
                    if (!patch.density || row < 0 || row >= patch.rows) continue;
                    const std::vector<double>& found = patch.real.at(one.second[p]);
                    const bool each = found.size() != 1 || patch.rows == 1;
                    gathered.back().from.push_back(found.data() + (each ? row : 0));
                    gathered.back().each.push_back(each);
                }
        }
        if (kernel.density || kernel.carriers.empty() || ions.empty()) return;
        const Mover& mover = kernel.carriers.front();
        PlacedCurrent made{kernel, kernel.numbers(mover.name + ".given"),
                           kernel.if_there(mover.name + ".slope"), {}, {},
                           std::vector<double>(size_t(kernel.rows), 0.0)};
        for (int32_t node : kernel.nodes)
            for (Ions& patch : ions) {
                const int64_t row = (int64_t(node) - patch.kernel.first) * cells;
                if (row < 0 || row >= patch.kernel.rows) continue;
                const std::vector<double>& areas = patch.kernel.real.at("area");
                made.into.push_back(patch.place(mover.ion) + row);
                made.per_area.push_back(1.0 / areas[areas.size() == 1 ? 0 : size_t(row)]);
            }
        placed.push_back(std::move(made));
    }

    // Move the ions by the currents at the potentials just solved for, and count what crossed.
    void move_ions(double end) {
        const Settings& s = group.settings;
        const double dt = program().dt;
        const double* solved = R.data();
        if (s.layered) {
            across.resize(size_t(s.compartments * cells));
            for (size_t k = 0; k < across.size(); k++) across[k] = R[k] - layer.rest[k];
            solved = across.data();
        }
        for (Ions& patch : ions)
            for (auto& from : patch.placed) std::fill(from.begin(), from.end(), 0.0);
        for (PlacedCurrent& one : placed) one.move(solved, cells, dt);
        for (Ions& patch : ions) {
            if (!patch.move(solved + patch.kernel.first * cells, dt)) return tell_depleted(patch, end);
        }
        for (size_t k = 0; k < kernels.size(); k++) count_passed(*kernels[k], passed[k], solved, dt);
    }
    void tell_depleted(const Ions& patch, double end) {
        const int64_t row = patch.short_row;
        char text[200];
        std::snprintf(text, sizeof text,
                      "depleted group %lld cell %lld compartment %lld time %.9g ion %s side %s",
                      (long long)group.number, (long long)(first_cell + row % cells),
                      (long long)(patch.kernel.first + row / cells), end,
                      patch.short_of->ion.c_str(), patch.short_outside ? "outside" : "inside");
        trouble = text;
    }
    void count_passed(Kernel& kernel, std::vector<double>& sum, const double* solved, double dt) {
        if (kernel.density) return;
        if (kernel.amplifier != Amplifier::none) {
            const double* current = kernel.numbers("I_stim");
            for (int64_t k = 0; k < kernel.rows; k++) sum[size_t(k)] += dt * current[k];
            return;
        }
        for (int64_t site = 0; site < kernel.sites; site++) {
            const double* x = solved + int64_t(kernel.nodes[size_t(site)]) * cells;
            for (int64_t c = 0; c < cells; c++) {
                const size_t k = size_t(site * cells + c);
                sum[k] += dt * (kernel.current[k] - kernel.conductance[k] * x[c]);
            }
        }
    }

    void step(int64_t index, bool settling) {
        begin_step(index, settling);
        if (group.settings.layered) solve_layered(); else solve();
        pass_step(index, settling);
        watch_step(index, settling);
    }

    void begin_step(int64_t index, bool settling) {
        const Settings& s = group.settings;
        const double dt = program().dt;
        if (index == program().start && !ions.empty())
            V_start.assign(V.begin(), V.begin() + s.compartments * cells);
        if (index == program().start)
            for (Diffusion& one : diffusing) one.begin();
        const Step here{dt, double(index) * dt, index};
        // A current that follows the clock is that of the moment the implicit step is about: the
        // middle of the interval, or its start as Brian2 has it where the step is of first order.
        const Step injected{dt, (double(index) + 1.0 - s.theta) * dt, index};
        // Just after, where that is the time of a jump.
        for (Following& one : followings) one.set(injected.time + 1e-6 * dt, cells);
        std::fill(D.begin() + int64_t(s.compartments * cells), D.end(), 0.0);
        std::fill(R.begin() + int64_t(s.compartments * cells), R.end(), 0.0);
        if (!settling) deliver(index);
        for (const Gathered& one : gathered) one.copy(cells);
        carry(here);
        std::fill(layer.inside.begin(), layer.inside.end(), 0.0);
        std::fill(layer.outside.begin(), layer.outside.end(), 0.0);
        for (size_t k = 0; k < kernels.size(); k++) {
            auto& kernel = kernels[k];
            // Electrodes are off while the cell comes to rest.
            if (settling && kernel->injects) continue;
            if (!kernel->ion.empty()) {
                kernel->add(cells, D.data(), R.data());
                continue;
            }
            double* into = R.data();
            if (s.layered && !kernel->density && !kernel->conducts)
                into = layer.outer[k] ? layer.outside.data() : layer.inside.data();
            kernel->run(kernel->injects ? injected : here, cells, V.data(), D.data(), into);
        }
        for (size_t d = 0; d < thresholds.size(); d++)
            std::memcpy(&before[d * size_t(cells)], &V[size_t(int64_t(detector_nodes[d]) * cells)],
                        size_t(cells) * sizeof(double));
    }

    void pass_step(int64_t index, bool settling) {
        measure_clamps(settling);
        look_below((double(index) + 1.0) * program().dt);
        if (!settling && trouble.empty() && !ions.empty()) move_ions((double(index) + 1.0) * program().dt);
        if (!settling && trouble.empty()) enter((double(index) + 1.0) * program().dt);
        if ((diffusing.empty() && passing.empty()) || !trouble.empty()) return;
        for (Diffusion& one : diffusing)
            if (one.settles || !settling) one.step(program().dt);
        if (settling) return;
        for (Ions& patch : ions) patch.trace_potentials();
    }
    void watch_step(int64_t index, bool settling) {
        if (settling) return;
        detect(double(index) * program().dt);
        if (!probes.empty() && (index + 1) % group.settings.trace_stride == 0) trace();
    }

    // Go on to the start of step `until`.
    bool run(int64_t until) {
        while (now < until) {
            step(now, now < program().start);
            if (!count_step()) return false;
        }
        return true;
    }
    // Count a step that is done; says whether the potentials are sound, and every ion is there.
    bool count_step() {
        const int64_t chunk = 64, start = program().begin();
        if (!trouble.empty()) return false;
        now++;
        if ((now - start) % chunk == 0 || now == program().steps) {
            if (!sound(double(now) * program().dt)) return false;
            report().add(cells * (now - looked));
            looked = now;
        }
        return true;
    }

    void save() {
        if (!probes.empty()) { flush(); traces->close(); }
        const std::string end = "." + std::to_string(number);
        neurosim::save(group.at + "spikes" + end, spikes);
        V.resize(size_t(group.settings.compartments * cells));
        neurosim::save(group.at + "final" + end, V);
        if (group.settings.layered) {
            layer.potential.resize(V.size());
            neurosim::save(group.at + "layer" + end, layer.potential);
        }
        Output state(group.at + "state" + end);
        state.put(last_spike.data(), last_spike.size());
        for (auto& kernel : kernels)
            for (const std::string& name : kernel->kept)
                state.put(kernel->numbers(name), size_t(kernel->rows));
        state.close();
        if (ions.empty()) return;
        if (V_start.empty()) V_start = V;   // a run of no steps
        Output ledger(group.at + "ledger" + end);
        ledger.put(V_start.data(), V_start.size());
        for (Ions& patch : ions) {
            for (auto& one : patch.crossed) ledger.put(one.data(), one.size());
            for (auto& one : patch.held) {
                if (one.inside) ledger.put(one.inside->start.data(), one.inside->start.size());
                if (!one.outside) continue;
                ledger.put(one.outside->start.data(), one.outside->start.size());
                ledger.put(one.outside->exchanged.data(), one.outside->exchanged.size());
            }
        }
        for (auto& one : placed) ledger.put(one.crossed.data(), one.crossed.size());
        for (auto& sum : passed) ledger.put(sum.data(), sum.size());
        for (Diffusion& one : diffusing)
            for (Diffusion::Shell& shell : one.shells) {
                if (shell.start.empty()) one.begin();   // a run of no steps
                ledger.put(shell.start.data(), shell.start.size());
                ledger.put(shell.came.data(), shell.came.size());
            }
        ledger.close();
    }
};

// ---- the whole run ------------------------------------------------------------------------------
// Do pieces of work on the threads of the run; says whether all succeeded.
template <typename Work> bool on_threads(int64_t pieces, Work work) {
    std::atomic<int64_t> next{0};
    std::atomic<bool> failed{false};
    on_each_thread(std::min(program().threads, pieces), [&](int64_t) {
        for (int64_t k; !failed && (k = next++) < pieces;)
            if (!work(k)) failed = true;
    });
    return !failed;
}

// Carry linked cells to the start of step `until`: all of them a step at a time, since the current of a
// junction follows from the potentials of both its cells, and a space from the currents of all.
inline bool run_linked(std::vector<std::unique_ptr<Block>>& blocks, Junctions* junctions,
                       Spaces* spaces, int64_t until, std::string& trouble) {
    const int64_t count = int64_t(blocks.size());
    const int64_t threads = std::max<int64_t>(1, std::min(program().threads, count));
    const int64_t stride = blocks[0]->group.settings.trace_stride;
    const double dt = program().dt;
    std::vector<const std::vector<double>*> charges;
    for (auto& block : blocks) charges.push_back(&block->given_off);
    Barrier barrier(threads);
    std::atomic<bool> failed{false};
    bool stop = false;                                  // written between the barriers
    auto join = [&](int64_t index) {
        if (!failed && !junctions->solve()) {
            trouble = "the potentials at the gap junctions were not found";
            failed = true;
        }
        if (index >= program().start) {
            junctions->count(dt);
            if ((index + 1) % stride == 0) junctions->trace();
        }
        stop = failed;
    };
    auto fill = [&](int64_t index) {
        for (auto& block : blocks) failed = failed || !block->trouble.empty();
        if (index >= program().start && !failed) {
            if (!spaces->step(charges, dt)) {
                char text[120];
                std::snprintf(text, sizeof text, "emptied box %lld time %.9g ion %s",
                              (long long)spaces->short_box, double(index + 1) * dt,
                              spaces->name(spaces->short_ion).c_str());
                trouble = text;
                failed = true;
            } else if ((index + 1) % stride == 0) {
                spaces->trace();
            }
        }
        stop = failed;
    };
    auto work = [&](int64_t id) {
        for (int64_t index = blocks[size_t(id)]->now; index < until; index++) {
            for (int64_t k = id; k < count; k += threads) blocks[size_t(k)]->begin_linked();
            if (junctions) {
                barrier.wait();
                if (id == 0) join(index);
                barrier.wait();
                if (stop) return;
            }
            for (int64_t k = id; k < count; k += threads) blocks[size_t(k)]->move_linked();
            if (spaces) {
                barrier.wait();
                if (id == 0) fill(index);
                barrier.wait();
                if (stop) return;
            }
            for (int64_t k = id; k < count; k += threads)
                if (!blocks[size_t(k)]->end_linked()) failed = true;
        }
    };
    on_each_thread(threads, work);
    for (auto& block : blocks)
        if (trouble.empty() && !block->trouble.empty()) trouble = block->trouble;
    return !failed;
}

struct Piece { const Group* group; int64_t number, first_cell, cells; };

// Spikes of a window go out as lines, and come back as what they will do and when: terminals are
// the caller's affair.
#ifdef NEUROSIM_HOSTED
inline void exchange(std::vector<std::unique_ptr<Block>>&, std::vector<size_t>&, int64_t) {
    std::fprintf(stderr, "cells that are wired cannot run in a page\n");
    std::exit(3);
}
#else
inline void exchange(std::vector<std::unique_ptr<Block>>& blocks, std::vector<size_t>& told,
                     int64_t until) {
    static long long due = 0;   // from when on to ask, whether anything was fired or not
    size_t count = 0;
    for (size_t b = 0; b < blocks.size(); b++) count += blocks[b]->spikes.size() - told[b];
    if (count == 0 && until < due) return;
    std::printf("spikes %zu %lld\n", count, (long long)until);
    for (size_t b = 0; b < blocks.size(); b++)
        for (; told[b] < blocks[b]->spikes.size(); told[b]++) {
            const Spike& spike = blocks[b]->spikes[told[b]];
            std::printf("%lld %lld %lld %.17g\n", (long long)blocks[b]->group.number,
                        (long long)spike.detector, (long long)spike.cell, spike.time);
        }
    std::fflush(stdout);
    long long events;
    if (std::scanf("%lld %lld", &events, &due) != 2) std::exit(3);
    std::vector<std::vector<std::vector<Arrival>>> sorted(blocks.size());
    for (size_t b = 0; b < blocks.size(); b++) sorted[b].resize(blocks[b]->kernels.size());
    for (long long e = 0; e < events; e++) {
        long long group, kernel, site, cell, step;
        double weight;
        if (std::scanf("%lld %lld %lld %lld %lld %lf", &group, &kernel, &site, &cell, &step,
                       &weight) != 6)
            std::exit(3);
        for (size_t b = 0; b < blocks.size(); b++) {
            const int64_t column = cell - blocks[b]->first_cell;
            if (blocks[b]->group.number == group && column >= 0 && column < blocks[b]->cells)
                sorted[b][size_t(kernel)].push_back(
                    {step, site * blocks[b]->cells + column, weight});
        }
    }
    for (size_t b = 0; b < blocks.size(); b++)
        for (size_t k = 0; k < sorted[b].size(); k++)
            if (!sorted[b][k].empty()) blocks[b]->expect(k, sorted[b][k]);
}
#endif

inline int run_program() {
    const Program& p = program();
    std::vector<std::unique_ptr<Group>> groups;
    std::vector<Piece> pieces;
    int64_t cells = 0;
    for (int64_t g = 0; g < p.groups; g++) {
        groups.emplace_back(new Group(g));
        const Settings& s = groups.back()->settings;
        for (int64_t first = 0; first < s.cells; first += s.block)
            pieces.push_back({groups.back().get(), first / s.block, first,
                              std::min(s.block, s.cells - first)});
        cells += s.cells;
    }
    report().total = std::max<int64_t>(1, cells * (p.steps - p.begin()));
    const int64_t count = int64_t(pieces.size());
    auto make = [&](int64_t k) {
        const Piece& piece = pieces[size_t(k)];
        return std::unique_ptr<Block>(
            new Block(*piece.group, piece.number, piece.first_cell, piece.cells));
    };
    std::string trouble;
    Mutex lock;
    auto go_on = [&](Block& block, int64_t until) {
        if (block.run(until)) return true;
        Guard guard(lock);
        if (trouble.empty()) trouble = block.trouble;
        return false;
    };
    bool fine;
    if (p.window == 0 && !p.joined && !p.spaced) {
        // Blocks share nothing: each is carried through the whole run, so that it stays in cache.
        fine = on_threads(count, [&](int64_t k) {
            auto block = make(k);
            if (!go_on(*block, p.steps)) return false;
            block->save();
            return true;
        });
    } else {
        std::vector<std::unique_ptr<Block>> blocks;
        for (int64_t k = 0; k < count; k++) blocks.push_back(make(k));
        std::vector<size_t> told(blocks.size(), 0);
        std::unique_ptr<Junctions> junctions(p.joined ? new Junctions() : nullptr);
        std::unique_ptr<Spaces> spaces(p.spaced ? new Spaces() : nullptr);
        if (junctions) for (auto& block : blocks) block->couple(*junctions);
        if (spaces) for (auto& block : blocks) block->surround(*spaces);
        fine = true;
        const int64_t window = p.window ? p.window : std::max<int64_t>(1, p.steps - p.start);
        for (int64_t until = p.start; fine; until = std::min(until + window, p.steps)) {
            fine = junctions || spaces
                ? run_linked(blocks, junctions.get(), spaces.get(), until, trouble)
                : on_threads(count, [&](int64_t k) { return go_on(*blocks[size_t(k)], until); });
            // Those of the last window too: they act in a run that goes on from here.
            if (fine && until > p.start && p.window) exchange(blocks, told, until);
            if (until >= p.steps) break;
        }
        for (auto& block : blocks) if (fine) block->save();
        if (fine && junctions) junctions->save();
        if (fine && spaces) spaces->save();
    }
    if (!fine) { std::fprintf(stderr, "%s\n", trouble.c_str()); return 4; }
    finish_results();
    return 0;
}

}  // namespace neurosim
int main() {
    neurosim::end_with_parent();
    return neurosim::run_program();
}
