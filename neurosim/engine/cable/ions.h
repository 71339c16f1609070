// Ions that move: concentrations advance once the potentials of a step are solved for, by the currents
// at these potentials. The charge that moved the ions is then the charge that changed the membrane.
namespace neurosim {

// One number a row, or one for all rows.
struct Rows {
    const double* values = nullptr;
    bool each = false;
    double at(int64_t row) const { return values[each ? row : 0]; }
};
inline Rows rows_of(Kernel& kernel, const std::string& what) {
    const std::vector<double>& found = kernel.real.at(what);
    return {found.data(), found.size() != 1};
}

// A concentration on one side of the membrane.
struct Side {
    double *value, *traced;
    const double* per;                    // its change by a charge on an area
    Rows bath, tau;                       // what it exchanges with, if anything
    std::vector<double> start, exchanged; // at the start, and lost to the bath since then
    Side(Kernel& kernel, const MovingIon& ion, bool outside)
        : value(kernel.numbers(ion.ion + (outside ? "_o" : "_i"))),
          traced(kernel.if_there(ion.ion + (outside ? "_o" : "_i") + ".traced")),
          per(kernel.numbers(ion.part + (outside ? "_per_outside" : "_per_inside"))) {
        const size_t rows = size_t(kernel.rows);
        start.assign(value, value + rows);
        if (!outside) return;
        bath = rows_of(kernel, ion.part + "_outside");
        tau = rows_of(kernel, ion.part + "_outside_tau");
        exchanged.assign(rows, 0.0);
    }
    // A charge crossed each of n rows; returns how many concentrations fell to 0. Exact for a current
    // that stands still during the step.
    double take(const double* charge, int64_t from, int64_t n, double dt) {
        double* __restrict c = value + from;
        const double* __restrict p = per + from;
        double gone = 0.0;
        for (int64_t k = 0; k < n; k++) {
            const double still = bath.at(from + k), tau_k = tau.at(from + k);
            const double came = charge[k] * p[k], decayed = 1.0 - chosen::exp(-dt / tau_k);
            const double lost = (c[k] - still) * decayed + came * (1.0 - decayed * tau_k / dt);
            c[k] += came - lost;
            exchanged[size_t(from + k)] += lost;
            gone += c[k] > 0.0 ? 0.0 : 1.0;
        }
        return gone;
    }
    void trace(int64_t from, int64_t n) const {
        if (traced) std::memcpy(traced + from, value + from, size_t(n) * sizeof(double));
    }
};

// What receptors read of a concentration under them: copied at the start of each step.
struct Gathered {
    double* into;
    std::vector<const double*> from;      // by site; one number a cell, or one for all
    std::vector<bool> each;
    void copy(int64_t cells) const {
        for (size_t s = 0; s < from.size(); s++)
            for (int64_t c = 0; c < cells; c++)
                into[int64_t(s) * cells + c] = from[s][each[s] ? c : 0];
    }
};

// Receptors whose ion is held under them, and where the charge goes.
struct PlacedCurrent {
    Kernel& kernel;
    const double *given, *slope;
    std::vector<double*> into;            // by site, the row of its compartment
    std::vector<double> per_area, crossed;
    void move(const double* solved, int64_t cells, double dt) {
        for (size_t s = 0; s < into.size(); s++) {
            const double* x = solved + int64_t(kernel.nodes[s]) * cells;
            for (int64_t c = 0; c < cells; c++) {
                const size_t k = s * size_t(cells) + size_t(c);
                const double charge = dt * (given[k] - (slope ? slope[k] * x[c] : 0.0));
                crossed[k] += charge;
                into[s][c] += charge * per_area[s];
            }
        }
    }
};

// The ions of one patch.
struct Ions {
    struct Held {
        MovingIon ion;
        std::unique_ptr<Side> inside, outside;
        std::unique_ptr<Member> member;   // of a space that cells share
        double *potential;
    };
    struct Retraced { double* traced; const std::vector<double>* weights; };
    static constexpr int64_t tile = 256;
    Kernel& kernel;
    std::vector<Held> held;
    std::vector<std::vector<double>> crossed;  // by carrier, charge on an area since the start
    std::vector<Retraced> retraced;
    std::vector<std::vector<double>> placed;   // by ion, charge on an area from receptors of the step
    std::vector<double> current, charge, none;   // by carrier and by ion, of one tile; zeros
    struct {
        std::vector<double*> crossed, current, charge, inside;
        std::vector<const double*> placed, per;
    } places;                              // what `crossing` points to
    Crossing crossing;
    const MovingIon* short_of = nullptr;  // what fell below 0, on which side, and in which row
    bool short_outside = false;
    int64_t short_row = 0;

    explicit Ions(Kernel& kernel) : kernel(kernel) {
        for (const MovingIon& ion : kernel.ions) {
            held.push_back({ion, nullptr, nullptr, nullptr, kernel.if_there("E_" + ion.ion + ".traced")});
            if (ion.inside) held.back().inside.reset(new Side(kernel, ion, false));
            if (ion.outside) held.back().outside.reset(new Side(kernel, ion, true));
        }
        crossed.assign(kernel.carriers.size(), std::vector<double>(size_t(kernel.rows), 0.0));
        for (const auto& one : kernel.retraced)
            retraced.push_back({kernel.numbers(one.first + ".traced"), &one.second});
        current.assign(crossed.size() * size_t(tile), 0.0);
        charge.assign(held.size() * size_t(tile), 0.0);
        none.assign(size_t(tile), 0.0);
        placed.resize(held.size());
        for (size_t m = 0; m < crossed.size(); m++) {
            places.crossed.push_back(crossed[m].data());
            places.current.push_back(&current[m * size_t(tile)]);
        }
        for (size_t i = 0; i < held.size(); i++) {
            places.placed.push_back(none.data());
            places.charge.push_back(&charge[i * size_t(tile)]);
            places.inside.push_back(held[i].inside ? held[i].inside->value : nullptr);
            places.per.push_back(held[i].inside ? held[i].inside->per : nullptr);
        }
        crossing = {0.0, places.crossed.data(), places.current.data(), places.placed.data(),
                    places.charge.data(), places.inside.data(), places.per.data()};
    }

    // Where receptors of an ion put its charge, null where nothing holds it.
    double* place(const std::string& ion) {
        for (size_t i = 0; i < held.size(); i++) {
            if (held[i].ion.ion != ion) continue;
            placed[i].resize(size_t(kernel.rows), 0.0);
            return placed[i].data();
        }
        return nullptr;
    }

    // Move the ions by a step whose potentials were solved for; false if a concentration falls to 0.
    bool move(const double* solved, double dt) {
        for (int64_t from = 0; from < kernel.rows; from += tile)
            if (!move(solved + from, from, std::min(tile, kernel.rows - from), dt)) return false;
        return true;
    }
    bool move(const double* x, int64_t from, int64_t n, double dt) {
        crossing.dt = dt;
        for (size_t i = 0; i < held.size(); i++)
            if (!placed[i].empty()) places.placed[i] = &placed[i][size_t(from)];
        if (kernel.cross(crossing, x, from, n) > 0.0) {
            for (Held& one : held)
                if (one.inside && fell(one, *one.inside, from, n)) return false;
        }
        for (const Retraced& one : retraced) {
            std::fill(one.traced + from, one.traced + from + n, 0.0);
            for (size_t m = 0; m < crossed.size(); m++) {
                const double weight = (*one.weights)[m];
                if (weight == 0.0) continue;
                for (int64_t k = 0; k < n; k++)
                    one.traced[from + k] += weight * current[m * size_t(tile) + size_t(k)];
            }
        }
        for (size_t i = 0; i < held.size(); i++) {
            Held& one = held[i];
            const double* sum = &charge[i * size_t(tile)];
            if (one.outside && one.outside->take(sum, from, n, dt) > 0.0)
                if (fell(one, *one.outside, from, n)) return false;
            if (one.inside) one.inside->trace(from, n);
            if (one.outside) one.outside->trace(from, n);
            if (one.member) one.member->gather(sum, from, n);
            else if (one.potential) trace_potential(one, from, n);
        }
        return true;
    }
    // Take note of where a concentration fell to 0, if one did.
    bool fell(const Held& one, const Side& side, int64_t from, int64_t n) {
        const double* lowest = std::min_element(side.value + from, side.value + from + n);
        if (*lowest > 0.0) return false;
        short_of = &one.ion;
        short_outside = &side == one.outside.get();
        short_row = lowest - side.value;
        return true;
    }
    // Number of the ion among those whose concentration inside moves here; -1: none.
    int64_t find_inside(const std::string& ion) const {
        for (size_t i = 0; i < held.size(); i++)
            if (held[i].inside && held[i].ion.ion == ion) return int64_t(i);
        return -1;
    }
    // A charge on an area came into a row from another cell; false if none of the ion is left.
    bool enter(int64_t ion, int64_t row, double charge) {
        const Held& one = held[size_t(ion)];
        Side& side = *one.inside;
        side.value[row] += charge * side.per[row];
        if (side.traced) side.traced[row] = side.value[row];
        if (side.value[row] > 0.0) return true;
        short_of = &one.ion;
        short_outside = false;
        short_row = row;
        return false;
    }
    // Read the spaces outside, once all cells have moved what is in them.
    void surround(const Spaces& spaces) {
        for (Held& one : held) {
            if (!one.member) continue;
            one.member->take(spaces);
            if (one.potential) trace_potential(one, 0, kernel.rows);
        }
    }
    // Trace the potentials anew, once ions have diffused.
    void trace_potentials() {
        for (Held& one : held)
            if (one.potential) trace_potential(one, 0, kernel.rows);
    }
    void trace_potential(const Held& one, int64_t from, int64_t n) {
        const Rows RT_F = rows_of(kernel, one.ion.part + "_RT_F");
        const Rows fixed_i = one.inside ? Rows{one.inside->value, true}
                                        : rows_of(kernel, one.ion.part + "_inside");
        const Rows fixed_o = one.member ? Rows{one.member->value, true}
                             : one.outside ? Rows{one.outside->value, true}
                                         : rows_of(kernel, one.ion.part + "_outside");
        for (int64_t k = from; k < from + n; k++)
            one.potential[k] = RT_F.at(k) / one.ion.valence * chosen::log(fixed_o.at(k) / fixed_i.at(k));
    }
};

}  // namespace neurosim
