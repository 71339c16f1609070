// The program that runs ahead together with its derivatives along some directions: the derivative of a
// step is a step with the same matrix, which is solved once more for each direction.
namespace neurosim {

// What of one kernel moves along one direction.
struct Moved {
    std::vector<std::vector<double>> given;             // by wanted parameter, rows
    std::vector<double> scale;                          // by point and cell, of the weights; or none
    std::vector<const double*> given_at;
};

struct Along : Block {
    const int64_t directions;
    std::vector<std::vector<Moved>> moved;              // by direction and kernel
    std::vector<std::vector<double>> up;                // by direction: of axial conductances, or none
    std::vector<std::vector<double>> dots, next_dots;   // by direction, laid out as the state
    std::vector<double> dot_traces, D_dot, x, v_dot, g_dot, i_dot;
    std::vector<const double*> dot_from;
    std::vector<double*> dot_to;

    Along(const Run& run, int64_t number, int64_t first, int64_t cells)
        : Block(run, number, first, cells), directions(int64_t(load<double>("directions", 1)[0])) {
        dots.assign(size_t(directions), std::vector<double>(size, 0.0));
        next_dots = dots;
        for (int64_t d = 0; d < directions; d++) {
            const std::string head = "dot." + std::to_string(d) + ".";
            up.push_back(load_counted<double>(head + "up"));
            const auto v = spread(load_counted<double>(head + "start"), s.compartments, s.cells, first, cells, false);
            std::copy(v.begin(), v.end(), dots[size_t(d)].begin());
            moved.emplace_back();
            for (size_t k = 0; k < kernels.size(); k++) {
                const Rows& one = kernels[k];
                const std::string at = head + std::to_string(k) + ".";
                Moved m;
                for (int64_t j = 0; j < one.data.wanted; j++)
                    m.given.push_back(spread(load_counted<double>(at + "given." + std::to_string(j)),
                                             one.data.sites, s.cells, first, cells, false));
                for (const auto& row : m.given) m.given_at.push_back(row.data());
                const auto scale = load_counted<double>(at + "scale");
                if (!scale.empty()) m.scale = spread(scale, one.data.points, s.cells, first, cells, false);
                moved.back().push_back(std::move(m));
                for (size_t j = 0; j < one.offsets.size(); j++) {
                    const auto rows = spread(load_counted<double>(at + "carried." + std::to_string(j)),
                                             one.data.sites, s.cells, first, cells, false);
                    std::copy(rows.begin(), rows.end(), dots[size_t(d)].begin() + int64_t(one.offsets[j]));
                }
            }
        }
        x.resize(size_t(N));
        dot_traces.resize(size_t((s.stop - s.start) * directions * s.probes * cells));
    }
    // What arrives in a step, along a direction of weights; `deliver` itself comes after it.
    void deliver_along(int64_t step, int64_t d) {
        for (size_t k = 0; k < kernels.size(); k++) {
            const Rows& one = kernels[k];
            const std::vector<double>& scale = moved[size_t(d)][k].scale;
            if (scale.empty()) continue;
            for (size_t e = one.next; e < one.arrivals.size() && one.arrivals[e].step <= step; e++) {
                const Arrival& it = one.arrivals[e];
                const int64_t a = it.cell < 0 ? 0 : it.cell, b = it.cell < 0 ? cells : it.cell + 1;
                for (size_t j = 0; j < one.data.raised.size(); j++) {
                    double* to = &dots[size_t(d)][one.offsets[size_t(one.data.raised[j])] + size_t(it.site * cells)];
                    const double* f = &one.factors[j][size_t(it.site * cells)];
                    const double* w = &scale[size_t(it.point * cells)];
                    for (int64_t c = a; c < b; c++) to[c] += it.weight * w[c] * f[c];
                }
            }
        }
    }
    // One step of the derivative along a direction; the run itself went from `from` to its next state
    // by way of the solution `x`, and left the pivots in `D`.
    void step_along(int64_t step, int64_t d, const double* from) {
        const bool settling = step < s.start;
        double* was = dots[size_t(d)].data();
        double* to = next_dots[size_t(d)].data();
        D_dot.assign(size_t(N), 0.0);
        std::fill(R.begin(), R.end(), 0.0);
        for (size_t k = 0; k < kernels.size(); k++) {
            Rows& one = kernels[k];
            const Moved& m = moved[size_t(d)][k];
            dot_from.resize(one.offsets.size());
            dot_to.resize(one.offsets.size());
            for (size_t j = 0; j < one.offsets.size(); j++) {
                one.from[j] = from + one.offsets[j];
                dot_from[j] = was + one.offsets[j];
                dot_to[j] = to + one.offsets[j];
            }
            if (settling && one.data.injects) {
                for (size_t j = 0; j < one.offsets.size(); j++)
                    std::copy(dot_from[j], dot_from[j] + one.rows, dot_to[j]);
                continue;
            }
            const Clock now = clock(one, step);
            if (one.data.density) {
                const int64_t at = one.data.first * cells;
                one.loop->along(now, one.rows, from + at, one.from.data(), one.given_at.data(), was + at,
                                dot_from.data(), m.given_at.data(), dot_to.data(), &D_dot[size_t(at)], &R[size_t(at)]);
                continue;
            }
            for (auto* each : {&v_dot, &g_dot, &i_dot}) each->resize(size_t(one.rows));
            gather(one, from, one.v.data());
            gather(one, was, v_dot.data());
            one.loop->along(now, one.rows, one.v.data(), one.from.data(), one.given_at.data(), v_dot.data(),
                            dot_from.data(), m.given_at.data(), dot_to.data(), g_dot.data(), i_dot.data());
            add(one, g_dot.data(), D_dot.data());
            add(one, i_dot.data(), R.data());
        }
        for (int64_t k = 0; k < V; k++) R[size_t(k)] -= D_dot[size_t(k)] * x[size_t(k)];
        const std::vector<double>& more = up[size_t(d)];
        for (int64_t node = 0; !more.empty() && node < s.nodes; node++) {
            const int64_t above = run.parent[size_t(node)];
            if (above < 0) continue;
            for (int64_t c = 0; c < cells; c++) {
                const double flows = more[size_t(node * s.cells + first + c)] *
                                     (x[size_t(node * cells + c)] - x[size_t(above * cells + c)]);
                R[size_t(node * cells + c)] -= flows;
                R[size_t(above * cells + c)] += flows;
            }
        }
        solve_again(D.data());
        const double stretch = 1.0 / s.theta;
        for (int64_t k = 0; k < V; k++) to[k] = was[k] + (R[size_t(k)] - was[k]) * stretch;
        std::copy(R.begin() + V, R.end(), to + V);
    }
    void both() {
        std::vector<double> state(begins.begin(), begins.begin() + int64_t(size)), to(size);
        seek(s.start);
        for (int64_t step = s.begin; step < s.stop; step++) {
            if ((step - s.begin) % 64 == 0 && !sound(state.data(), step)) return;
            for (int64_t d = 0; step >= s.start && d < directions; d++) deliver_along(step, d);
            forward(step, state.data(), to.data(), D.data());
            std::copy(R.begin(), R.end(), x.begin());
            for (int64_t d = 0; d < directions; d++) step_along(step, d, state.data());
            state.swap(to);
            dots.swap(next_dots);
            if (step < s.start) continue;
            for (int64_t p = 0; p < s.probes; p++) {
                const int64_t at = run.probes[size_t(p)] * cells, now = step - s.start;
                std::copy(&state[size_t(at)], &state[size_t(at)] + cells, &traces[size_t((now * s.probes + p) * cells)]);
                for (int64_t d = 0; d < directions; d++)
                    std::copy(&dots[size_t(d)][size_t(at)], &dots[size_t(d)][size_t(at)] + cells,
                              &dot_traces[size_t(((now * directions + d) * s.probes + p) * cells)]);
            }
        }
        sound(state.data(), s.stop);
    }
};

inline int run_program() {
    const Run run;
    auto blocks = blocks_of<Along>(run);
    on_threads(int64_t(blocks.size()), run.s.threads, [&](int64_t k) { blocks[size_t(k)]->both(); });
    if (diverged(blocks)) return 4;
    for (const auto& one : blocks) {
        save("traces." + std::to_string(one->number), one->traces);
        save("dot_traces." + std::to_string(one->number), one->dot_traces);
    }
    finish_results();
    return 0;
}

}  // namespace neurosim

int main() {
    neurosim::end_with_parent();
    return neurosim::run_program();
}
