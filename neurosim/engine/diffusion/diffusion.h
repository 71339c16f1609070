// Concentrations that diffuse inside cells: between the shells of each compartment, then along the
// tree, both by backward Euler. The matrices do not change during a run, so that they are factored
// once. Concentrations change by the flows between neighbours: what leaves one arrives at the other
// to the last digit.
namespace neurosim {

struct Diffusion {
    struct Place { double *value, *traced; int64_t first, rows; };   // of a patch
    struct Shell {
        std::string variable;
        std::vector<Place> places;
        std::vector<double> up, capacity, radial;       // by node and cell; radial to the next shell
        std::vector<double> share, inverse, around;     // the factored tree
        std::vector<double> below, over, still;         // the factored shells of each compartment
        std::vector<double> per;                        // one over the capacity, 0 where there is none
        std::vector<double> now, start, came;           // by compartment and cell
    };
    const Tree& tree;
    const int64_t nodes, compartments, cells;
    std::string variable;
    bool settles = false;
    std::vector<Shell> shells;
    std::vector<double> solved, flow, into;
    std::vector<int64_t> forks;                         // nodes without membrane

    Diffusion(const Group& group, int64_t number, int64_t first_cell, int64_t cells,
              std::vector<std::unique_ptr<Kernel>>& kernels, double dt)
        : tree(group.tree), nodes(group.settings.nodes),
          compartments(group.settings.compartments), cells(cells) {
        const std::string head = group.at + "diffusion." + std::to_string(number);
        const std::vector<double> about = load<double>(head + ".about", 3);
        const int64_t count = int64_t(about[0]), all = group.settings.cells;
        settles = about[1] != 0.0;
        const std::vector<char> name = load<char>(head + ".name", size_t(about[2]));
        variable.assign(name.begin(), name.end());
        auto block = [&](const char* what, int64_t sites) {
            std::vector<double> values(size_t(sites * cells));
            spread(load_counted<double>(head + what), sites, all, first_cell, cells, values);
            return values;
        };
        const std::vector<double> up = block(".up", count * nodes);
        const std::vector<double> capacity = block(".capacity", count * nodes);
        const std::vector<double> radial = block(".radial", (count - 1) * compartments);
        const size_t size = size_t(nodes * cells), held = size_t(compartments * cells);
        auto part = [](const std::vector<double>& of, size_t k, size_t length) {
            return std::vector<double>(of.begin() + int64_t(k * length),
                                       of.begin() + int64_t((k + 1) * length));
        };
        for (size_t k = 0; k < size_t(count); k++) {
            Shell one;
            one.variable = k ? variable + "_" + std::to_string(k + 1) : variable;
            one.up = part(up, k, size);
            one.capacity = part(capacity, k, size);
            one.radial = k + 1 < size_t(count) ? part(radial, k, held) : std::vector<double>(held);
            for (auto* values : {&one.now, &one.came, &one.below, &one.over, &one.still, &one.per})
                values->assign(held, 0.0);
            for (size_t r = 0; r < held; r++)
                if (one.capacity[r] > 0.0) one.per[r] = 1.0 / one.capacity[r];
            for (auto& kernel : kernels) {
                double* value = kernel->density ? kernel->if_there(one.variable) : nullptr;
                if (value)
                    one.places.push_back({value, kernel->if_there(one.variable + ".traced"),
                                          kernel->first * cells, kernel->rows});
            }
            shells.push_back(std::move(one));
        }
        solved.assign(size, 0.0);
        flow.assign(size, 0.0);
        into.assign(size, 0.0);
        for (int64_t node = compartments; node < nodes; node++) forks.push_back(node);
        for (Shell& one : shells) factor_tree(one, dt);
        factor_shells(dt);
    }

    void begin() {
        for (Shell& one : shells) {
            gather(one);
            one.start = one.now;
            // What came while the cells settled is in the start.
            std::fill(one.came.begin(), one.came.end(), 0.0);
        }
    }
    void step(double dt) {
        for (Shell& one : shells) gather(one);
        if (shells.size() > 1) across(dt);
        for (Shell& one : shells) {
            along(one, dt);
            scatter(one);
        }
    }

private:
    void gather(Shell& one) {
        for (const Place& at : one.places)
            std::memcpy(&one.now[size_t(at.first)], at.value, size_t(at.rows) * sizeof(double));
    }
    void scatter(const Shell& one) {
        for (const Place& at : one.places) {
            std::memcpy(at.value, &one.now[size_t(at.first)], size_t(at.rows) * sizeof(double));
            if (at.traced)
                std::memcpy(at.traced, at.value, size_t(at.rows) * sizeof(double));
        }
    }

    void factor_tree(Shell& one, double dt) {
        const size_t w = size_t(cells);
        one.share.assign(one.up.size(), 0.0);
        one.inverse.assign(one.up.size(), 0.0);
        one.around = one.up;
        for (size_t node = 0; node < size_t(nodes); node++)
            if (tree.parent[node] >= 0)
                for (size_t c = 0; c < w; c++)
                    one.around[size_t(tree.parent[node]) * w + c] += one.up[node * w + c];
        std::vector<double> diagonal(one.up.size());
        for (size_t k = 0; k < diagonal.size(); k++)
            diagonal[k] = one.capacity[k] / dt + one.around[k];
        for (int64_t k = 0; k < nodes; k++) {
            const size_t node = size_t(tree.order[size_t(k)]);
            const int64_t parent = tree.parent[node];
            for (size_t c = 0; c < w; c++) {
                const size_t at = node * w + c;
                // Where nothing holds the ion, its equation says nothing.
                one.inverse[at] = diagonal[at] > 0.0 ? 1.0 / diagonal[at] : 0.0;
                one.share[at] = one.up[at] * one.inverse[at];
                if (parent >= 0) diagonal[size_t(parent) * w + c] -= one.share[at] * one.up[at];
            }
        }
    }
    void factor_shells(double dt) {
        const size_t held = size_t(compartments * cells);
        for (size_t k = 0; k < shells.size(); k++) {
            Shell& one = shells[k];
            Shell* before = k ? &shells[k - 1] : nullptr;
            for (size_t r = 0; r < held; r++) {
                const double left = before ? before->radial[r] : 0.0;
                const double above = before ? before->below[r] : 0.0;
                const double diagonal = one.capacity[r] / dt + left + one.radial[r] - left * above;
                one.over[r] = diagonal > 0.0 ? 1.0 / diagonal : 0.0;
                one.below[r] = one.radial[r] * one.over[r];
            }
        }
    }

    // Between the shells of each compartment, from the membrane to the centre and back.
    void across(double dt) {
        const size_t held = size_t(compartments * cells), n = shells.size();
        for (size_t k = 0; k < n; k++) {
            Shell& one = shells[k];
            for (size_t r = 0; r < held; r++) {
                const double left = k ? shells[k - 1].radial[r] * shells[k - 1].still[r] : 0.0;
                one.still[r] = (one.capacity[r] / dt * one.now[r] + left) * one.over[r];
            }
        }
        for (size_t k = n - 1; k > 0; k--) {
            Shell& one = shells[k - 1];
            for (size_t r = 0; r < held; r++) one.still[r] += one.below[r] * shells[k].still[r];
        }
        for (size_t k = 0; k + 1 < n; k++) {
            Shell &one = shells[k], &next = shells[k + 1];
            for (size_t r = 0; r < held; r++) {
                const double moved = one.radial[r] * dt * (next.still[r] - one.still[r]);
                one.now[r] += moved * one.per[r];
                next.now[r] -= moved * next.per[r];
            }
        }
    }

    // Along the tree, as potentials are solved for (Hines 1984).
    void along(Shell& one, double dt) {
        const size_t w = size_t(cells), held = size_t(compartments) * w;
        double* __restrict x = solved.data();
        for (size_t k = 0; k < held; k++) x[k] = one.capacity[k] / dt * one.now[k];
        std::fill(solved.begin() + int64_t(held), solved.end(), 0.0);
        for (int64_t k = 0; k < nodes; k++) {
            const size_t node = size_t(tree.order[size_t(k)]) * w;
            const int64_t parent = tree.parent[size_t(tree.order[size_t(k)])];
            if (parent >= 0)
                for (size_t c = 0; c < w; c++)
                    x[size_t(parent) * w + c] += one.share[node + c] * x[node + c];
            for (size_t c = 0; c < w; c++) x[node + c] *= one.inverse[node + c];
        }
        for (int64_t k = nodes - 1; k >= 0; k--) {
            const size_t node = size_t(tree.order[size_t(k)]) * w;
            const int64_t parent = tree.parent[size_t(tree.order[size_t(k)])];
            if (parent < 0) continue;
            for (size_t c = 0; c < w; c++)
                x[node + c] += one.share[node + c] * x[size_t(parent) * w + c];
        }
        flows(one);
        for (size_t k = 0; k < held; k++) {
            const double moved = into[k] * dt;
            one.came[k] += moved;
            one.now[k] += moved * one.per[k];
        }
    }
    // What flows into each node. A junction keeps nothing: what rounding leaves there is shared out.
    void flows(const Shell& one) {
        const size_t w = size_t(cells);
        std::fill(into.begin(), into.end(), 0.0);
        std::fill(flow.begin(), flow.end(), 0.0);
        for (size_t node = 0; node < size_t(nodes); node++) {
            if (tree.parent[node] < 0) continue;
            const size_t above = size_t(tree.parent[node]) * w;
            for (size_t c = 0; c < w; c++) {
                const size_t at = node * w + c;
                flow[at] = one.up[at] * (solved[at] - solved[above + c]);
                into[at] -= flow[at];
                into[above + c] += flow[at];
            }
        }
        if (forks.empty()) return;
        for (int64_t fork : forks)
            for (size_t c = 0; c < w; c++) {
                const size_t at = size_t(fork) * w + c;
                into[at] = one.around[at] > 0.0 ? into[at] / one.around[at] : 0.0;
            }
        for (size_t node = 0; node < size_t(nodes); node++) {
            if (tree.parent[node] < 0) continue;
            const int64_t above = tree.parent[node];
            const bool own = int64_t(node) >= compartments, over = above >= compartments;
            if (!own && !over) continue;
            for (size_t c = 0; c < w; c++) {
                const size_t at = node * w + c, up = size_t(above) * w + c;
                // More from here to the parent where this node has too much, less where that has.
                const double more = one.up[at] * ((own ? into[at] : 0.0) - (over ? into[up] : 0.0));
                if (!own) into[at] -= more;
                if (!over) into[up] += more;
            }
        }
    }
};

}  // namespace neurosim
