// The program around the membrane loops: the tree and its elimination, events, detection, traces.
//
// It knows no model, so it is compiled once for a machine and linked to every model.
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

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
// kernel -3: potential in the layer outside compartment `site`.
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
    std::mutex lock;
    std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
    void add(int64_t steps) {
        const int64_t now_done = done += steps;
        if (!program().report) return;
        std::lock_guard<std::mutex> guard(lock);
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
    std::vector<Clamps> clamps;
    std::vector<Held> held;
    std::vector<int32_t> holder;                        // by node, which of `held`; -1: none
    std::vector<Probe> probes;
    std::vector<double> buffer;
    std::vector<Following> followings;
    std::unique_ptr<Output> traces;
    Combined combined;
    Layer layer;
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
            Kernel& kernel = *kernels[size_t(where[0])];
            Following one;
            one.target = where[2] != 0.0 ? &factors[size_t(where[0])][size_t(where[1])]
                                         : &kernel.real.at(kernel.layout[size_t(where[1])].name);
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
        const int64_t rows = group.settings.compartments * width;
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

    void step(int64_t index, bool settling) {
        const Settings& s = group.settings;
        const double dt = program().dt;
        const Step here{dt, double(index) * dt, index};
        // A current that follows the clock is that of the moment the implicit step is about: the
        // middle of the interval, or its start as Brian2 has it where the step is of first order.
        const Step injected{dt, (double(index) + 1.0 - s.theta) * dt, index};
        // Just after, where that is the time of a jump.
        for (Following& one : followings) one.set(injected.time + 1e-6 * dt, cells);
        std::fill(D.begin() + int64_t(s.compartments * cells), D.end(), 0.0);
        std::fill(R.begin() + int64_t(s.compartments * cells), R.end(), 0.0);
        if (!settling) deliver(index);
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
        if (s.layered) solve_layered(); else solve();
        measure_clamps(settling);
        if (settling) return;
        detect(here.time);
        if (!probes.empty() && (index + 1) % s.trace_stride == 0) trace();
    }

    // Go on to the start of step `until`.
    bool run(int64_t until) {
        const int64_t chunk = 64, start = program().begin();
        while (now < until) {
            step(now, now < program().start);
            now++;
            if ((now - start) % chunk == 0 || now == program().steps) {
                if (!sound(double(now) * program().dt)) return false;
                report().add(cells * (now - looked));
                looked = now;
            }
        }
        return true;
    }

    void save() {
        if (!probes.empty()) { flush(); traces->close(); }
        const std::string end = "." + std::to_string(number);
        neurosim::save(group.at + "spikes" + end, spikes);
        V.resize(size_t(group.settings.compartments * cells));
        neurosim::save(group.at + "final" + end, V);
        Output state(group.at + "state" + end);
        state.put(last_spike.data(), last_spike.size());
        for (auto& kernel : kernels)
            for (const std::string& name : kernel->kept)
                state.put(kernel->numbers(name), size_t(kernel->rows));
        state.close();
    }
};

// ---- the whole run ------------------------------------------------------------------------------
// Do pieces of work on the threads of the run; says whether all succeeded.
template <typename Work> bool on_threads(int64_t pieces, Work work) {
    std::atomic<int64_t> next{0};
    std::atomic<bool> failed{false};
    auto loop = [&] {
        for (int64_t k; !failed && (k = next++) < pieces;)
            if (!work(k)) failed = true;
    };
    std::vector<std::thread> others;
    for (int64_t k = 1; k < std::min(program().threads, pieces); k++) others.emplace_back(loop);
    loop();
    for (std::thread& other : others) other.join();
    return !failed;
}

struct Piece { const Group* group; int64_t number, first_cell, cells; };

// Spikes of a window go out as lines, and come back as what they will do and when: terminals are
// the caller's affair.
inline void exchange(std::vector<std::unique_ptr<Block>>& blocks, std::vector<size_t>& told) {
    size_t count = 0;
    for (size_t b = 0; b < blocks.size(); b++) count += blocks[b]->spikes.size() - told[b];
    std::printf("spikes %zu\n", count);
    for (size_t b = 0; b < blocks.size(); b++)
        for (; told[b] < blocks[b]->spikes.size(); told[b]++) {
            const Spike& spike = blocks[b]->spikes[told[b]];
            std::printf("%lld %lld %lld %.17g\n", (long long)blocks[b]->group.number,
                        (long long)spike.detector, (long long)spike.cell, spike.time);
        }
    std::fflush(stdout);
    if (count == 0) return;   // nothing to answer
    long long events;
    if (std::scanf("%lld", &events) != 1) std::exit(3);
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
    std::mutex lock;
    auto go_on = [&](Block& block, int64_t until) {
        if (block.run(until)) return true;
        std::lock_guard<std::mutex> guard(lock);
        if (trouble.empty()) trouble = block.trouble;
        return false;
    };
    bool fine;
    if (p.window == 0) {
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
        fine = true;
        for (int64_t until = p.start; fine; until = std::min(until + p.window, p.steps)) {
            fine = on_threads(count, [&](int64_t k) { return go_on(*blocks[size_t(k)], until); });
            // Those of the last window too: they act in a run that goes on from here.
            if (fine && until > p.start) exchange(blocks, told);
            if (until >= p.steps) break;
        }
        for (auto& block : blocks) if (fine) block->save();
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
