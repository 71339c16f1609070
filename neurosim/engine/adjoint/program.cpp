// The program around the loops of a model: a run, and the same run backwards. What is done with it is
// said in back.cpp, or along.cpp.
//
// The run keeps what stands at the beginning of every span of steps. Backwards, each span is run once
// more from there with every step kept, and then each step of it is taken back: memory is that of the
// beginnings of all spans and of one span for each thread. The matrix of the tree is symmetric, so that
// one elimination serves both ways.
namespace neurosim {

struct Settings {
    int64_t cells, compartments, nodes, begin, start, stop, span, threads, block, kernels, probes;
    double dt, theta;
    bool tree_wanted;
};

struct Arrival { int64_t step, site, cell, point; double weight; };

// What is the same for all blocks.
struct KernelData {
    int64_t sites, first;               // of patches, the first compartment
    bool density, injects;
    std::vector<int32_t> nodes;
    std::vector<std::vector<double>> carried, given;    // as they are stored: one, by site, or by cell too
    std::vector<std::string> carried_names;
    int64_t wanted;
    std::vector<Arrival> arrivals;
    std::vector<int64_t> raised;        // carried variables that an event raises
    std::vector<std::vector<double>> factors;
    int64_t points;                     // whose weights are wanted, 0: none
    std::vector<double> scale;          // on what arrives, by point and cell; none: 1
};

struct Run {
    Settings s;
    std::vector<int32_t> parent, order;
    std::vector<double> up, around;
    std::vector<KernelData> kernels;
    std::vector<int32_t> probes;
    std::vector<int64_t> count;     // kernel, site and two carried variables of what is added up, or none

    Run() {
        std::vector<double> v = load<double>("settings", 14);
        s = {int64_t(v[0]), int64_t(v[1]), int64_t(v[2]), int64_t(v[3]), int64_t(v[4]), int64_t(v[5]),
             int64_t(v[6]), int64_t(v[7]), int64_t(v[8]), int64_t(v[9]), int64_t(v[10]), v[11], v[12],
             v[13] != 0.0};
        parent = load<int32_t>("tree.parent", size_t(s.nodes));
        order = load<int32_t>("tree.order", size_t(s.nodes));
        up = load<double>("tree.up", size_t(s.nodes));
        around = load<double>("tree.around", size_t(s.nodes));
        probes = load<int32_t>("probes", size_t(s.probes));
        count = load_counted<int64_t>("count");
        for (int64_t k = 0; k < s.kernels; k++) {
            const std::string at = "kernel." + std::to_string(k) + ".";
            const std::vector<double> shape = load<double>(at + "shape", 9);
            KernelData d;
            d.sites = int64_t(shape[0]); d.first = int64_t(shape[1]);
            d.density = shape[2] != 0.0; d.injects = shape[3] != 0.0;
            d.wanted = int64_t(shape[6]); d.points = int64_t(shape[8]);
            if (!d.density) d.nodes = load<int32_t>(at + "nodes", size_t(d.sites));
            for (int64_t j = 0; j < int64_t(shape[4]); j++)
                d.carried.push_back(load_counted<double>(at + "carried." + std::to_string(j)));
            for (int64_t j = 0; j < int64_t(shape[5]); j++)
                d.given.push_back(load_counted<double>(at + "given." + std::to_string(j)));
            const size_t n = size_t(shape[7]);
            const auto step = load<int64_t>(at + "events.step", n);
            const auto site = load<int32_t>(at + "events.site", n);
            const auto cell = load<int32_t>(at + "events.cell", n);
            const auto point = load<int32_t>(at + "events.point", n);
            const auto weight = load<double>(at + "events.weight", n);
            for (size_t e = 0; e < n; e++)
                d.arrivals.push_back({step[e], site[e], cell[e], point[e], weight[e]});
            d.raised = load_counted<int64_t>(at + "raised");
            for (size_t j = 0; j < d.raised.size(); j++)
                d.factors.push_back(load_counted<double>(at + "factor." + std::to_string(j)));
            d.scale = load_counted<double>(at + "scale");
            kernels.push_back(std::move(d));
        }
    }
};

// Values as rows of a block: one number stays one.
inline std::vector<double> spread(const std::vector<double>& stored, int64_t sites, int64_t all,
                                  int64_t first, int64_t cells, bool alone) {
    if (stored.size() == 1 && alone) return stored;
    std::vector<double> rows(size_t(sites * cells));
    const bool each = int64_t(stored.size()) == sites * all && all > 1;
    for (int64_t s = 0; s < sites; s++)
        for (int64_t c = 0; c < cells; c++)
            rows[size_t(s * cells + c)] =
                stored.size() == 1 ? stored[0] : each ? stored[size_t(s * all + first + c)] : stored[size_t(s)];
    return rows;
}

// The rows of one kernel in one block.
struct Rows {
    const KernelData& data;
    std::unique_ptr<Loop> loop;
    int64_t rows;
    std::vector<std::vector<double>> given, factors, found, weights;
    std::vector<size_t> offsets;                    // of carried variables, in the state of the block
    std::vector<const double*> given_at, from;
    std::vector<double*> to, bar, found_at;
    std::vector<double> v, conductance, current, bar_v; // of points
    std::vector<Arrival> arrivals;                  // of the cells of the block
    std::vector<double> by_point;                   // derivatives, by point and cell
    std::vector<double> scale;                      // of the cells of the block, by point
    size_t next = 0;
    Rows(const KernelData& data, int64_t number, int64_t all, int64_t first, int64_t cells)
        : data(data), loop(make_loop(number)), rows(data.sites * cells) {
        for (const auto& one : data.given)
            given.push_back(spread(one, data.sites, all, first, cells, true));
        for (const auto& one : data.factors)
            factors.push_back(spread(one, data.sites, all, first, cells, false));
        for (const auto& one : given) given_at.push_back(one.data());
        for (int64_t j = 0; j < data.wanted; j++) found.emplace_back(size_t(rows), 0.0);
        for (auto& one : found) found_at.push_back(one.data());
        from.resize(data.carried.size()); to.resize(from.size()); bar.resize(from.size());
        if (!data.density)
            for (auto* one : {&v, &conductance, &current, &bar_v}) one->assign(size_t(rows), 0.0);
        for (const Arrival& one : data.arrivals)
            if (one.cell < 0 || (one.cell >= first && one.cell < first + cells)) {
                arrivals.push_back(one);
                if (one.cell >= 0) arrivals.back().cell -= first;
            }
        by_point.assign(size_t(data.points * cells), 0.0);
        if (!data.scale.empty()) scale = spread(data.scale, data.points, all, first, cells, false);
    }
};

struct Block {
    const Run& run;
    const Settings& s;
    const int64_t number, first, cells, V, N;       // V: rows of compartments, N: of nodes
    std::vector<Rows> kernels;
    size_t size = 0;                                // of the state: potentials, junctions, carried
    std::vector<double> begins;                     // the state at the beginning of each span
    std::vector<double> D, R, traces, bar, up_found, growth;
    std::vector<double> lambda, solved;             // gathered at points
    std::string trouble;

    Block(const Run& run, int64_t number, int64_t first, int64_t cells)
        : run(run), s(run.s), number(number), first(first), cells(cells), V(s.compartments * cells),
          N(s.nodes * cells) {
        size = size_t(N);
        kernels.reserve(run.kernels.size());
        for (size_t k = 0; k < run.kernels.size(); k++) {
            kernels.emplace_back(run.kernels[k], int64_t(k), s.cells, first, cells);
            for (size_t j = 0; j < kernels[k].from.size(); j++) {
                kernels[k].offsets.push_back(size);
                size += size_t(kernels[k].rows);
            }
        }
        begins.resize(size * size_t(spans()));
        const std::vector<double> start = load_counted<double>("start");
        std::vector<double> v = spread(start, s.compartments, s.cells, first, cells, false);
        std::copy(v.begin(), v.end(), begins.begin());
        for (Rows& one : kernels)
            for (size_t j = 0; j < one.offsets.size(); j++) {
                const auto rows = spread(one.data.carried[j], one.data.sites, s.cells, first, cells, false);
                std::copy(rows.begin(), rows.end(), begins.begin() + int64_t(one.offsets[j]));
            }
        D.assign(size_t(N), 0.0);
        R.assign(size_t(N), 0.0);
        traces.assign(size_t((s.stop - s.start) * s.probes * cells), 0.0);
    }
    int64_t spans() const { return (s.stop - s.begin + s.span - 1) / s.span; }

    // ---- ahead ----------------------------------------------------------------------------------
    void deliver(int64_t step, double* state) {
        for (Rows& one : kernels)
            for (; one.next < one.arrivals.size() && one.arrivals[one.next].step <= step; one.next++) {
                const Arrival& it = one.arrivals[one.next];
                const int64_t a = it.cell < 0 ? 0 : it.cell, b = it.cell < 0 ? cells : it.cell + 1;
                for (size_t j = 0; j < one.data.raised.size(); j++) {
                    double* x = state + one.offsets[size_t(one.data.raised[j])] + it.site * cells;
                    const double* f = &one.factors[j][size_t(it.site * cells)];
                    if (one.scale.empty()) {
                        for (int64_t c = a; c < b; c++) x[c] += it.weight * f[c];
                        continue;
                    }
                    const double* w = &one.scale[size_t(it.point * cells)];
                    for (int64_t c = a; c < b; c++) x[c] += it.weight * w[c] * f[c];
                }
            }
    }
    void seek(int64_t step) {
        for (Rows& one : kernels) {
            one.next = 0;
            while (one.next < one.arrivals.size() && one.arrivals[one.next].step < step) one.next++;
        }
    }
    Clock clock(const Rows& one, int64_t step) const {
        const double early = one.data.injects ? 1.0 - s.theta : 0.0;
        return {s.dt, (double(step) + early) * s.dt, step};
    }
    // From one state to the next; both may be the same. The inverse pivots of the elimination are left
    // in `pivots`.
    void forward(int64_t step, double* from, double* to, double* pivots) {
        const bool settling = step < s.start;
        if (!settling) deliver(step, from);
        std::fill(pivots + V, pivots + N, 0.0);
        std::fill(R.begin() + V, R.end(), 0.0);
        for (Rows& one : kernels) {
            for (size_t j = 0; j < one.offsets.size(); j++) {
                one.from[j] = from + one.offsets[j];
                one.to[j] = to + one.offsets[j];
            }
            if (settling && one.data.injects) {
                // Off while the cell comes to rest.
                for (size_t j = 0; from != to && j < one.offsets.size(); j++)
                    std::copy(one.from[j], one.from[j] + one.rows, one.to[j]);
                continue;
            }
            const Clock now = clock(one, step);
            if (one.data.density) {
                const int64_t at = one.data.first * cells;
                one.loop->forward(now, one.rows, from + at, one.from.data(), one.to.data(),
                                  one.given_at.data(), pivots + at, &R[size_t(at)]);
                continue;
            }
            gather(one, from, one.v.data());
            one.loop->forward(now, one.rows, one.v.data(), one.from.data(), one.to.data(),
                              one.given_at.data(), one.conductance.data(), one.current.data());
            add(one, one.conductance.data(), pivots);
            add(one, one.current.data(), R.data());
        }
        eliminate(pivots);
        const double stretch = 1.0 / s.theta;
        const double* x = R.data();
        #pragma GCC ivdep
        for (int64_t k = 0; k < V; k++) to[k] = from[k] + (x[k] - from[k]) * stretch;
        std::copy(R.begin() + V, R.end(), to + V);
    }
    void gather(const Rows& one, const double* from, double* to) const {
        for (int64_t k = 0; k < one.data.sites; k++)
            std::copy(from + one.data.nodes[size_t(k)] * cells,
                      from + (one.data.nodes[size_t(k)] + 1) * cells, to + k * cells);
    }
    void add(const Rows& one, const double* from, double* to) const {
        for (int64_t k = 0; k < one.data.sites; k++)
            for (int64_t c = 0; c < cells; c++)
                to[one.data.nodes[size_t(k)] * cells + c] += from[k * cells + c];
    }
    // Solve the tree from the tips to the root and back (Hines 1984); the diagonal gives way to the
    // inverse pivots.
    void eliminate(double* D) {
        const int64_t w = cells;
        for (int64_t k = 0; k < s.nodes; k++) {
            const int64_t node = run.order[size_t(k)], above = run.parent[size_t(node)];
            const double g = run.up[size_t(node)], around = run.around[size_t(node)];
            double* __restrict d = D + node * w;
            double* __restrict r = &R[size_t(node * w)];
            if (above < 0) {
                for (int64_t c = 0; c < w; c++) {
                    d[c] = 1.0 / (d[c] + around);
                    r[c] *= d[c];
                }
                continue;
            }
            double* __restrict dp = D + above * w;
            double* __restrict rp = &R[size_t(above * w)];
            #pragma GCC ivdep
            for (int64_t c = 0; c < w; c++) {
                const double inverse = 1.0 / (d[c] + around);
                const double share = g * inverse;
                d[c] = inverse;
                dp[c] -= share * g;
                rp[c] += share * r[c];
                r[c] *= inverse;
            }
        }
        back_to_tips(D);
    }
    // Solve the same tree for another right-hand side, without a division.
    void solve_again(const double* pivots) {
        const int64_t w = cells;
        for (int64_t k = 0; k < s.nodes; k++) {
            const int64_t node = run.order[size_t(k)], above = run.parent[size_t(node)];
            const double* __restrict d = pivots + node * w;
            double* __restrict r = &R[size_t(node * w)];
            if (above < 0) {
                for (int64_t c = 0; c < w; c++) r[c] *= d[c];
                continue;
            }
            const double g = run.up[size_t(node)];
            double* __restrict rp = &R[size_t(above * w)];
            #pragma GCC ivdep
            for (int64_t c = 0; c < w; c++) {
                r[c] *= d[c];
                rp[c] += g * r[c];
            }
        }
        back_to_tips(pivots);
    }
    void back_to_tips(const double* pivots) {
        const int64_t w = cells;
        for (int64_t k = s.nodes - 1; k >= 0; k--) {
            const int64_t node = run.order[size_t(k)], above = run.parent[size_t(node)];
            if (above < 0) continue;
            const double g = run.up[size_t(node)];
            const double* __restrict d = pivots + node * w;
            double* __restrict r = &R[size_t(node * w)];
            const double* __restrict rp = &R[size_t(above * w)];
            #pragma GCC ivdep
            for (int64_t c = 0; c < w; c++) r[c] += g * d[c] * rp[c];
        }
    }
    // The compiler may assume finite numbers, so the exponent bits are looked at.
    bool sound(const double* v, int64_t step) {
        const double bound = 10.0;
        uint64_t limit, most = 0;
        std::memcpy(&limit, &bound, 8);
        int64_t where = 0;
        for (int64_t k = 0; k < V; k++) {
            uint64_t bits;
            std::memcpy(&bits, v + k, 8);
            bits &= UINT64_C(0x7fffffffffffffff);
            if (bits > most) { most = bits; where = k; }
        }
        if (most <= limit) return true;
        trouble = "diverged group 0 cell " + std::to_string(first + where % cells) + " compartment " +
                  std::to_string(where / cells) + " time " + std::to_string(double(step) * s.dt);
        return false;
    }
    void ahead() {
        std::vector<double> state(begins.begin(), begins.begin() + int64_t(size));
        seek(s.start);
        for (int64_t step = s.begin; step < s.stop; step++) {
            if ((step - s.begin) % s.span == 0) {
                std::copy(state.begin(), state.end(), begins.begin() + int64_t(size) * ((step - s.begin) / s.span));
                if (!sound(state.data(), step)) return;
            }
            forward(step, state.data(), state.data(), D.data());
            if (step < s.start) continue;
            double* to = &traces[size_t((step - s.start) * s.probes * cells)];
            for (int64_t p = 0; p < s.probes; p++)
                std::copy(&state[size_t(run.probes[size_t(p)] * cells)],
                          &state[size_t(run.probes[size_t(p)] * cells)] + cells, to + p * cells);
        }
        sound(state.data(), s.stop);
        if (!run.count.empty())
            for (size_t j = 2; j < 4; j++) {
                const double* sum = state.data() + counted_at(j);
                counted.insert(counted.end(), sum, sum + cells);
            }
    }
    // Where the sums stand in the state: of the site that is asked for.
    std::vector<double> counted;
    int64_t counted_at(size_t j) const {
        const Rows& one = kernels[size_t(run.count[0])];
        return int64_t(one.offsets[size_t(run.count[j])]) + run.count[1] * cells;
    }

    // ---- backwards ------------------------------------------------------------------------------
    void back(int64_t step, const double* from, const double* to, const double* pivots,
              const double* seeds) {
        const bool settling = step < s.start;
        const int64_t w = cells;
        double* bv = bar.data();
        if (!settling)
            for (int64_t p = 0; p < s.probes; p++)
                for (int64_t c = 0; c < w; c++)
                    bv[run.probes[size_t(p)] * w + c] += seeds[p * w + c];
        if ((s.stop - 1 - step) % 4 == 0) measure();
        const double stretch = 1.0 / s.theta, rest = 1.0 - stretch;
        std::fill(R.begin() + V, R.end(), 0.0);
        double* b = R.data();
        #pragma GCC ivdep
        for (int64_t k = 0; k < V; k++) { b[k] = bv[k] * stretch; bv[k] *= rest; }
        solve_again(pivots);
        double* x = D.data();
        #pragma GCC ivdep
        for (int64_t k = 0; k < V; k++) x[k] = from[k] + s.theta * (to[k] - from[k]);
        std::copy(to + V, to + N, x + V);
        if (s.tree_wanted)
            for (int64_t node = 0; node < s.nodes; node++) {
                const int64_t above = run.parent[size_t(node)];
                if (above < 0) continue;
                for (int64_t c = 0; c < w; c++)
                    up_found[size_t(node * w + c)] -=
                        (b[node * w + c] - b[above * w + c]) * (x[node * w + c] - x[above * w + c]);
            }
        for (Rows& one : kernels) {
            if (settling && one.data.injects) continue;
            for (size_t j = 0; j < one.offsets.size(); j++) {
                one.from[j] = from + one.offsets[j];
                one.bar[j] = bv + one.offsets[j];
            }
            const Clock now = clock(one, step);
            if (one.data.density) {
                const int64_t at = one.data.first * w;
                one.loop->backward(now, one.rows, from + at, one.from.data(), one.given_at.data(),
                                   b + at, x + at, bv + at, one.bar.data(), one.found_at.data());
                continue;
            }
            lambda.resize(size_t(one.rows));
            solved.resize(size_t(one.rows));
            gather(one, from, one.v.data());
            gather(one, b, lambda.data());
            gather(one, x, solved.data());
            std::fill(one.bar_v.begin(), one.bar_v.end(), 0.0);
            one.loop->backward(now, one.rows, one.v.data(), one.from.data(), one.given_at.data(),
                               lambda.data(), solved.data(), one.bar_v.data(), one.bar.data(),
                               one.found_at.data());
            add(one, one.bar_v.data(), bv);
        }
        if (!settling) take_back(step);
    }
    // The derivatives with respect to the weights of what arrived in a step.
    void take_back(int64_t step) {
        for (Rows& one : kernels)
            for (; one.next > 0 && one.arrivals[one.next - 1].step >= step; one.next--) {
                const Arrival& it = one.arrivals[one.next - 1];
                if (!one.data.points) continue;
                const int64_t a = it.cell < 0 ? 0 : it.cell, b = it.cell < 0 ? cells : it.cell + 1;
                for (size_t j = 0; j < one.data.raised.size(); j++) {
                    const double* x = &bar[one.offsets[size_t(one.data.raised[j])] + size_t(it.site * cells)];
                    const double* f = &one.factors[j][size_t(it.site * cells)];
                    for (int64_t c = a; c < b; c++)
                        one.by_point[size_t(it.point * cells + c)] += it.weight * f[c] * x[c];
                }
            }
    }
    // The largest norm, by cell, of the derivative with respect to the potentials.
    void measure() {
        double* __restrict sum = squares.data();
        std::fill(squares.begin(), squares.end(), 0.0);
        for (int64_t k = 0; k < s.compartments; k++)
            for (int64_t c = 0; c < cells; c++) sum[c] += bar[size_t(k * cells + c)] * bar[size_t(k * cells + c)];
        for (int64_t c = 0; c < cells; c++) growth[size_t(c)] = std::max(growth[size_t(c)], sum[c]);
    }
    std::vector<double> squares;
    void backwards(const std::vector<double>& seeds) {
        bar.assign(size, 0.0);
        if (!run.count.empty()) std::fill_n(bar.begin() + counted_at(2), cells, 1.0);
        growth.assign(size_t(cells), 0.0);
        squares.assign(size_t(cells), 0.0);
        up_found.assign(s.tree_wanted ? size_t(N) : 0, 0.0);
        std::vector<double> own(size_t(s.probes * cells), 0.0);
        const int64_t spans = this->spans(), length = std::min(s.span, s.stop - s.begin);
        std::vector<double> kept(size * size_t(length + 1)), pivots(size_t(N * length));
        for (int64_t span = spans - 1; span >= 0; span--) {
            const int64_t a = s.begin + span * s.span, b = std::min(a + s.span, s.stop);
            std::copy(begins.begin() + span * int64_t(size), begins.begin() + (span + 1) * int64_t(size), kept.begin());
            seek(a < s.start ? s.start : a);
            for (int64_t step = a; step < b; step++)
                forward(step, &kept[size * size_t(step - a)], &kept[size * size_t(step - a + 1)],
                        &pivots[size_t(N * (step - a))]);
            for (int64_t step = b - 1; step >= a; step--) {
                const double* here = seeds.data();
                if (step >= s.start)
                    for (int64_t p = 0; p < s.probes; p++)
                        for (int64_t c = 0; c < cells; c++)
                            own[size_t(p * cells + c)] =
                                here[((step - s.start) * s.probes + p) * s.cells + first + c];
                back(step, &kept[size * size_t(step - a)], &kept[size * size_t(step - a + 1)],
                     &pivots[size_t(N * (step - a))], own.data());
            }
        }
    }
    // All derivatives in one file, in the order in which execute.py takes them out of it.
    void save() const {
        Output file("found." + std::to_string(number));
        auto put = [&](const std::vector<double>& values) { file.put(values.data(), values.size()); };
        for (const Rows& one : kernels) {
            for (const auto& derivative : one.found) put(derivative);
            for (const size_t at : one.offsets) file.put(bar.data() + at, size_t(one.rows));
            put(one.by_point);
        }
        put(growth);
        put(counted);
        file.put(bar.data(), size_t(V));
        put(up_found);
        file.close();
    }
};

// The cells of a run, in blocks.
template <typename Kind> std::vector<std::unique_ptr<Kind>> blocks_of(const Run& run) {
    std::vector<std::unique_ptr<Kind>> blocks;
    for (int64_t first = 0, k = 0; first < run.s.cells; first += run.s.block, k++)
        blocks.emplace_back(new Kind(run, k, first, std::min(run.s.block, run.s.cells - first)));
    return blocks;
}
template <typename Kind> bool diverged(const std::vector<std::unique_ptr<Kind>>& blocks) {
    for (const auto& one : blocks)
        if (!one->trouble.empty()) { std::fprintf(stderr, "%s\n", one->trouble.c_str()); return true; }
    return false;
}

}  // namespace neurosim
