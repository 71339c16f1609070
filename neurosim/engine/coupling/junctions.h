// Gap junctions: ohmic conductances between compartments of cells, solved within the implicit step.
//
// Without its junctions a cell answers with the potentials `alone` at its ends, and a current drawn
// at one end lowers the potential of the others by `transfer`, which its factored tree gives. With
// e = w - alone, what junctions change at the ends, all cells together obey
//     (transfer^-1 + L) e = -L alone,
// L being the Laplacian of the junctions: symmetric and positive definite for any conductance. It is
// solved by conjugate gradients with a triangular factor before them, which is exact where
// elimination fills in little (junctions.py): one iteration then. The current of each junction is
// drawn from one cell and given to the other, so that none is lost, however well e is known.
//
// A share of a junction may be carried by an ion that both cells hold. It then flows towards the
// equilibrium of that ion between the two insides (Nernst), which adds a source to the current of the
// junction; what flows is taken from one pool and put into the other.
#include <atomic>

namespace neurosim {

// Threads that wait for each other; a wait is short, so they do not sleep.
class Barrier {
    const int64_t threads;
    std::atomic<int64_t> arrived{0}, round{0};
public:
    explicit Barrier(int64_t threads) : threads(threads) {}
    void wait() {
        if (threads == 1) return;
        const int64_t now = round.load();
        if (++arrived == threads) { arrived = 0; ++round; return; }
        for (int spins = 0; round.load() == now; spins++)
            if (spins > 100) let_others_run();
    }
};

struct Junctions {
    std::vector<int64_t> group, cell, node, first, second, recorded;
    std::vector<double> conductance;
    std::vector<int64_t> order, starts, columns, junction_at, within_at;
    // By end: potential without junctions; its own transfer resistance; whether a clamp holds it.
    std::vector<double> alone, own;
    std::vector<char> held;
    // By cell that has ends: where its ends, and its entries of `within`, begin.
    std::vector<int64_t> members, withins;
    std::vector<double> stiffness, within;              // transfer^-1: diagonal, and by within_at
    std::vector<double> drawn, passed;                  // current, and charge, out of each end
    std::vector<double> current;                        // of each junction, from first to second
    // By ion that passes, and junction or end: which share of the conductance it carries, the charge
    // that it carried since the start, its concentration inside, and its charge into the end in a step.
    size_t ions;
    std::vector<char> names;                            // two characters an ion
    std::vector<double> valence, thermal, share, carried, inside, moved;
    std::vector<double> buffer;
    std::unique_ptr<Output> traces;

    Junctions()
        : group(load_counted<int64_t>("junctions.group")),
          cell(load_counted<int64_t>("junctions.cell")),
          node(load_counted<int64_t>("junctions.node")),
          first(load_counted<int64_t>("junctions.first")),
          second(load_counted<int64_t>("junctions.second")),
          recorded(load_counted<int64_t>("junctions.recorded")),
          conductance(load_counted<double>("junctions.conductance")),
          valence(load_counted<double>("junctions.valence")),
          thermal(load_counted<double>("junctions.thermal")),
          share(load_counted<double>("junctions.share")),
          order(load_counted<int64_t>("junctions.order")),
          starts(load_counted<int64_t>("junctions.starts")),
          columns(load_counted<int64_t>("junctions.columns")),
          junction_at(load_counted<int64_t>("junctions.junction_at")),
          within_at(load_counted<int64_t>("junctions.within_at")) {
        const size_t n = node.size();
        for (auto* one : {&alone, &own, &stiffness, &drawn, &passed, &e, &r, &z, &p, &q, &pivot, &work,
                          &diagonal})
            one->assign(n, 0.0);
        held.assign(n, 0);
        within.assign(within_at.size(), 0.0);
        for (auto* one : {&current, &effective, &source}) one->assign(first.size(), 0.0);
        ions = valence.size();
        names = load<char>("junctions.ions", 2 * ions);
        carried.assign(share.size(), 0.0);
        for (auto* one : {&inside, &moved}) one->assign(ions * n, 0.0);
        factor.assign(columns.size(), 0.0);
        entries.assign(columns.size(), 0.0);
        int64_t so_far = 0;
        for (size_t k = 0; k < n;) {
            members.push_back(int64_t(k));
            withins.push_back(so_far);
            size_t end = k;
            while (end < n && group[end] == group[k] && cell[end] == cell[k]) end++;
            so_far += int64_t((end - k) * (end - k - 1) / 2);
            k = end;
        }
        members.push_back(int64_t(n));
        if (!recorded.empty()) traces.reset(new Output("junctions.traces"));
    }

    // What a cell tells of its ends: `transfer`, k x k, is replaced by its inverse.
    void tell(size_t member, std::vector<double>& transfer) {
        const size_t from = size_t(members[member]), k = size_t(members[member + 1]) - from;
        for (size_t i = 0; i < k; i++) {
            own[from + i] = transfer[i * k + i];
            if (!held[from + i]) continue;
            for (size_t j = 0; j < k; j++) transfer[i * k + j] = transfer[j * k + i] = 0.0;
            transfer[i * k + i] = 1.0;
        }
        for (size_t m = 0; m < k; m++) {                // Gauss-Jordan; no pivots are needed
            const double inverse = 1.0 / transfer[m * k + m];
            transfer[m * k + m] = 1.0;
            for (size_t j = 0; j < k; j++) transfer[m * k + j] *= inverse;
            for (size_t i = 0; i < k; i++) {
                if (i == m) continue;
                const double share = transfer[i * k + m];
                transfer[i * k + m] = 0.0;
                for (size_t j = 0; j < k; j++) transfer[i * k + j] -= share * transfer[m * k + j];
            }
        }
        size_t at = size_t(withins[member]);
        for (size_t i = 0; i < k; i++) {
            stiffness[from + i] = transfer[i * k + i];
            for (size_t j = 0; j < i; j++)
                within[at++] = 0.5 * (transfer[i * k + j] + transfer[j * k + i]);
        }
    }

    // Find the current of each junction, and out of each end; says whether it was found.
    bool solve() {
        assemble();
        factorise();
        const size_t n = node.size();
        std::fill(r.begin(), r.end(), 0.0);
        for (size_t m = 0; m < first.size(); m++) {
            const size_t a = size_t(first[m]), b = size_t(second[m]);
            const double flow = effective[m] * (alone[a] - alone[b]) + source[m];
            r[a] -= flow;
            r[b] += flow;
        }
        for (size_t k = 0; k < n; k++) if (held[k]) r[k] = 0.0;
        std::fill(e.begin(), e.end(), 0.0);
        precondition();
        p = z;
        double product = dot(r, z), change = largest(z), most = 0.0;
        // Down to rounding: that of a potential is 1e-17 V.
        for (int round = 0; change > std::max(1e-18, 1e-15 * most); round++) {
            if (round == 1000 || !(product > 0.0)) {
                if (change > 1e-9) return false;
                break;
            }
            apply();
            const double length = product / dot(p, q);
            for (size_t k = 0; k < n; k++) { e[k] += length * p[k]; r[k] -= length * q[k]; }
            precondition();
            const double next = dot(r, z), share = next / product;
            for (size_t k = 0; k < n; k++) p[k] = z[k] + share * p[k];
            product = next;
            change = largest(z);
            most = largest(e);
        }
        std::fill(drawn.begin(), drawn.end(), 0.0);
        for (size_t m = 0; m < first.size(); m++) {
            const size_t a = size_t(first[m]), b = size_t(second[m]);
            current[m] = effective[m] * ((alone[a] - alone[b]) + (e[a] - e[b])) + source[m];
            drawn[a] += current[m];
            drawn[b] -= current[m];
        }
        return true;
    }

    void count(double dt) {
        for (size_t k = 0; k < drawn.size(); k++) passed[k] += dt * drawn[k];
        std::fill(moved.begin(), moved.end(), 0.0);
        const size_t count = first.size(), n = node.size();
        for (size_t ion = 0; ion < ions; ion++)
            for (size_t m = 0; m < count; m++) {
                const double part = share[ion * count + m];
                if (part == 0.0) continue;
                const double charge =
                    dt * part * (current[m] - source[m] - effective[m] * equilibrium(ion, m));
                carried[ion * count + m] += charge;
                moved[ion * n + size_t(first[m])] -= charge;
                moved[ion * n + size_t(second[m])] += charge;
            }
    }
    std::string name(size_t ion) const {
        const std::string one(&names[2 * ion], 2);
        return one[1] == ' ' ? one.substr(0, 1) : one;
    }
    void trace() {
        if (!traces) return;
        for (int64_t m : recorded) buffer.push_back(current[size_t(m)]);
        if (buffer.size() > 1u << 17) flush();
    }
    void save() {
        neurosim::save("junctions.passed", passed);
        neurosim::save("junctions.carried", carried);
        if (!traces) return;
        flush();
        traces->close();
    }

private:
    std::vector<double> e, r, z, p, q, pivot, work, diagonal, factor, entries, effective, source;

    // Difference of potential, first cell less second, at which an ion does not flow.
    double equilibrium(size_t ion, size_t m) const {
        const double* here = &inside[ion * node.size()];
        return thermal[m] / valence[ion] * chosen::log(here[second[m]] / here[first[m]]);
    }

    void flush() {
        traces->put(buffer.data(), buffer.size());
        buffer.clear();
    }

    void assemble() {
        diagonal = stiffness;
        std::fill(entries.begin(), entries.end(), 0.0);
        for (size_t k = 0; k < within.size(); k++) entries[size_t(within_at[k])] += within[k];
        for (size_t m = 0; m < first.size(); m++) {
            const size_t a = size_t(first[m]), b = size_t(second[m]);
            // A difference of potentials below 1e-7 of what the current of a junction makes in its
            // cells is none, and would drown in the rounding of the potentials.
            const double least = 1e-7 * (own[a] + own[b]);
            effective[m] = conductance[m] * least > 1.0 ? 1.0 / least : conductance[m];
            const double g = effective[m];
            source[m] = 0.0;
            for (size_t ion = 0; ion < ions; ion++) {
                const double part = share[ion * first.size() + m];
                if (part != 0.0) source[m] -= part * g * equilibrium(ion, m);
            }
            if (!held[a]) diagonal[a] += g;
            if (!held[b]) diagonal[b] += g;
            if (!held[a] && !held[b]) entries[size_t(junction_at[m])] -= g;
        }
    }

    // L D L^T over the given pattern, row by row.
    void factorise() {
        const size_t n = node.size();
        for (size_t i = 0; i < n; i++) {
            const double whole = diagonal[size_t(order[i])];
            double d = whole;
            for (int64_t k = starts[i]; k < starts[i + 1]; k++) {
                const size_t j = size_t(columns[size_t(k)]);
                double value = entries[size_t(k)];
                for (int64_t m = starts[j]; m < starts[j + 1]; m++)
                    value -= factor[size_t(m)] * work[size_t(columns[size_t(m)])];
                work[j] = value;
            }
            for (int64_t k = starts[i]; k < starts[i + 1]; k++) {
                const size_t j = size_t(columns[size_t(k)]);
                factor[size_t(k)] = work[j] / pivot[j];
                d -= factor[size_t(k)] * work[j];
                work[j] = 0.0;
            }
            pivot[i] = d > 1e-12 * whole ? d : whole;   // it only stands before the iteration
        }
    }

    void precondition() {
        const size_t n = node.size();
        for (size_t i = 0; i < n; i++) {
            double value = r[size_t(order[i])];
            for (int64_t k = starts[i]; k < starts[i + 1]; k++)
                value -= factor[size_t(k)] * work[size_t(columns[size_t(k)])];
            work[i] = value;
        }
        for (size_t i = 0; i < n; i++) work[i] /= pivot[i];
        for (size_t i = n; i-- > 0;) {
            for (int64_t k = starts[i]; k < starts[i + 1]; k++)
                work[size_t(columns[size_t(k)])] -= factor[size_t(k)] * work[i];
            z[size_t(order[i])] = work[i];
        }
        std::fill(work.begin(), work.end(), 0.0);
    }

    // q = (transfer^-1 + L) p.
    void apply() {
        for (size_t k = 0; k < q.size(); k++) q[k] = diagonal[k] * p[k];
        for (size_t i = 0; i < q.size(); i++)
            for (int64_t k = starts[i]; k < starts[i + 1]; k++) {
                const size_t a = size_t(order[i]), b = size_t(order[size_t(columns[size_t(k)])]);
                q[a] += entries[size_t(k)] * p[b];
                q[b] += entries[size_t(k)] * p[a];
            }
    }

    static double dot(const std::vector<double>& a, const std::vector<double>& b) {
        double sum = 0.0;
        for (size_t k = 0; k < a.size(); k++) sum += a[k] * b[k];
        return sum;
    }
    static double largest(const std::vector<double>& a) {
        double most = 0.0;
        for (double one : a) most = std::max(most, std::fabs(one));
        return most;
    }
};

}  // namespace neurosim
