// Spaces outside cells: boxes, each well mixed, whose concentrations all their members move and read.
//
// The charge that crosses the membranes of the members in a step is gathered by block; then each box
// takes it as particles, exchanges with its bath, and passes some on to the next box. Concentrations
// change once a step, after all cells have moved: members read those at the start of their step.
namespace neurosim {

struct Spaces {
    double sizes[3];
    int64_t ions, boxes;
    double faraday;
    std::vector<char> names;                            // two characters an ion
    std::vector<double> valence, volume, tau, now, bath, link;
    std::vector<double> exchanged, gained;              // mol; by ion and box
    std::vector<double> buffer;
    std::unique_ptr<Output> traces;
    int64_t short_ion = -1, short_box = -1;

    Spaces() {
        read("spaces", sizes, 3);
        ions = int64_t(sizes[0]);
        boxes = int64_t(sizes[1]);
        faraday = sizes[2];
        const size_t n = size_t(ions * boxes);
        names = load<char>("spaces.ions", size_t(2 * ions));
        valence = load<double>("spaces.valence", size_t(ions));
        volume = load<double>("spaces.volume", size_t(boxes));
        tau = load<double>("spaces.tau", size_t(boxes));
        now = load<double>("spaces.start", n);
        bath = load<double>("spaces.bath", n);
        link = load<double>("spaces.link", n);
        held.resize(n);
        // The compiler may assume finite numbers, so a concentration that is none is told by bits.
        for (size_t k = 0; k < n; k++) {
            uint64_t bits;
            std::memcpy(&bits, &now[k], sizeof bits);
            held[k] = (bits & UINT64_C(0x7ff0000000000000)) != UINT64_C(0x7ff0000000000000);
            if (!held[k]) now[k] = bath[k] = 0.0;
        }
        exchanged.assign(n, 0.0);
        gained.assign(n, 0.0);
        share.assign(size_t(boxes), 0.0);
        solved.assign(size_t(boxes), 0.0);
        traces.reset(new Output("spaces.traces"));
    }

    std::string name(int64_t ion) const {
        const std::string one(&names[size_t(2 * ion)], 2);
        return one[1] == ' ' ? one.substr(0, 1) : one;
    }
    int64_t find(const std::string& ion) const {
        for (int64_t k = 0; k < ions; k++)
            if (name(k) == ion) return k;
        return -1;
    }

    // Take the charges (coulomb, inward) that were gathered; false where a concentration falls to 0.
    bool step(const std::vector<const std::vector<double>*>& charges, double dt) {
        std::fill(gained.begin(), gained.end(), 0.0);
        for (const auto* one : charges)
            for (size_t k = 0; k < one->size(); k++) gained[k] += (*one)[k];
        for (int64_t ion = 0; ion < ions; ion++) {
            bool diffuses = false;
            for (int64_t b = 0; b < boxes; b++) {
                const size_t k = size_t(ion * boxes + b);
                if (!held[k]) continue;
                const double v = volume[size_t(b)], t = tau[size_t(b)];
                const double came = -gained[k] / (valence[size_t(ion)] * faraday * v);
                double lost = 0.0;
                if (t > 0.0) {
                    const double gone = -chosen::expm1(-dt / t);
                    lost = (now[k] - bath[k]) * gone + came * (1.0 - gone * t / dt);
                }
                now[k] += came - lost;
                exchanged[k] += lost * v;
                diffuses = diffuses || link[k] > 0.0;
            }
            if (diffuses) diffuse(ion, dt);
            for (int64_t b = 0; b < boxes; b++) {
                const size_t k = size_t(ion * boxes + b);
                if (!held[k] || now[k] > 0.0) continue;
                short_ion = ion;
                short_box = b;
                return false;
            }
        }
        return true;
    }

    void trace() {
        buffer.insert(buffer.end(), now.begin(), now.end());
        if (buffer.size() > 1u << 17) flush();
    }
    void save() {
        flush();
        traces->close();
        Output state("spaces.state");
        state.put(now.data(), now.size());
        state.put(exchanged.data(), exchanged.size());
        state.close();
    }

private:
    std::vector<char> held;
    std::vector<double> share, solved;

    void flush() {
        traces->put(buffer.data(), buffer.size());
        buffer.clear();
    }

    // Backward Euler along the row; a link of 0 parts it. Concentrations change by the flows.
    void diffuse(int64_t ion, double dt) {
        double* c = &now[size_t(ion * boxes)];
        const double* k = &link[size_t(ion * boxes)];
        for (int64_t b = 0; b < boxes; b++) {
            const double left = b > 0 ? k[b - 1] : 0.0, right = b + 1 < boxes ? k[b] : 0.0;
            const double weight = volume[size_t(b)] / dt;
            const double before = b > 0 ? share[size_t(b - 1)] : 0.0;
            const double inverse = 1.0 / (weight + left + right - left * before);
            share[size_t(b)] = right * inverse;
            solved[size_t(b)] =
                (weight * c[b] + (b > 0 ? left * solved[size_t(b - 1)] : 0.0)) * inverse;
        }
        for (int64_t b = boxes - 2; b >= 0; b--)
            solved[size_t(b)] += share[size_t(b)] * solved[size_t(b + 1)];
        for (int64_t b = 0; b + 1 < boxes; b++) {
            const double flow = k[b] * (solved[size_t(b + 1)] - solved[size_t(b)]) * dt;
            c[b] += flow / volume[size_t(b)];
            c[b + 1] -= flow / volume[size_t(b + 1)];
        }
    }
};

// Rows of a patch whose concentration outside is that of a space.
struct Member {
    double *value, *traced;
    const double* area;                                 // of each row, or one for all
    bool each;
    std::vector<int32_t> box;                           // by row, in the arrays of all ions; -1: none
    std::vector<double>* gathered;

    // A charge crossed an area of each of n rows.
    void gather(const double* charge, int64_t from, int64_t n) {
        for (int64_t k = 0; k < n; k++) {
            const int32_t at = box[size_t(from + k)];
            if (at >= 0) (*gathered)[size_t(at)] += charge[k] * area[each ? from + k : 0];
        }
    }
    void take(const Spaces& spaces) {
        for (size_t k = 0; k < box.size(); k++)
            if (box[k] >= 0) value[k] = spaces.now[size_t(box[k])];
        if (traced) std::memcpy(traced, value, box.size() * sizeof(double));
    }
};

}  // namespace neurosim
