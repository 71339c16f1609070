// A run of neurons that spikes reset, in which every spike is located inside its step, and the same run
// backwards.
//
// A step without an event is one flow, for all rows of a block at once. Where a row reaches its
// threshold, is released from refractoriness, or rises so steeply that a step would miss what it does,
// the step is a chain of pieces: flows of a length that is given, located or left over, and resets.
// Lengths of flows and ends of climbs that are there for accuracy are numbers without a derivative. That of a located piece
// follows from the threshold (implicit-function theorem), and with it when the next one starts: this is
// what the saltation matrix says of a jump (Aizerman and Gantmakher 1958).
namespace neurosim {

constexpr int64_t ROWS = 8;             // of a block
// Share of the time in which neighbouring potentials part by a factor e that a flow may last, and a climb:
// at first, and at most, where the rise will end before the step does.
constexpr double SHARE = 0.02, CLIMB = 0.05, LONGEST = 0.5;
constexpr double RISE = 1e-4;           // of the potential in a step (V) after which it is looked at again
constexpr double MOST = 10.0;           // potential (V) beyond which a run has diverged
constexpr int MOST_PIECES = 200000;     // of one step of one row

// What the compiler may not assume away.
inline bool within(double x, double bound) {
    uint64_t bits, limit;
    std::memcpy(&bits, &x, 8);
    std::memcpy(&limit, &bound, 8);
    return (bits & UINT64_C(0x7fffffffffffffff)) <= limit;
}

struct Settings {
    int64_t rows, steps, states, parameters, wanted, span, threads;
    double dt;
};

enum Kind { GIVEN, REST, CROSSING, RELEASE, RESET };
// `length` is a time, or of a climb a potential; `at` is where the states before it are kept.
struct Piece { int64_t step; Kind kind; double length, offset; bool free, climbs; size_t at; };
struct Spike { int64_t step; double offset, before, after; };

struct Input {
    Settings s;
    std::vector<std::vector<double>> given, starts;
    std::vector<bool> shared;
    Input() {
        const std::vector<double> v = load<double>("settings", 8);
        s = {int64_t(v[0]), int64_t(v[1]), int64_t(v[2]), int64_t(v[3]), int64_t(v[4]), int64_t(v[5]),
             int64_t(v[6]), v[7]};
        for (int64_t j = 0; j < s.parameters; j++) given.push_back(load_counted<double>("given." + std::to_string(j)));
        for (const double one : load<double>("shared", size_t(s.parameters))) shared.push_back(one != 0.0);
        for (int64_t j = 0; j < s.states; j++) starts.push_back(load_counted<double>("start." + std::to_string(j)));
    }
};

// Pointers to the arrays of all variables, for all rows of a block or from one of them on.
template <typename T> struct Pointers {
    std::vector<T*> at;
    T* const* operator()(T* base, int64_t width, int64_t row) {
        for (size_t k = 0; k < at.size(); k++) at[k] = base + int64_t(k) * width + row;
        return at.data();
    }
    T* const* operator()(std::vector<T>& base, int64_t width, int64_t row = 0) {
        return (*this)(base.data(), width, row);
    }
};

struct Block {
    const Input& input;
    const Settings& s;
    const int64_t number, first, w;             // w: rows
    const size_t size;                          // of the states
    std::vector<double> given;                  // by parameter and row
    std::vector<std::vector<const double*>> given_at;    // from each row on
    std::vector<double> begins, traces, found, bar, growth;
    std::vector<std::vector<Spike>> spikes;
    std::vector<double> release;                // when each row stops being refractory; -1: it is not
    std::vector<size_t> fired;                  // spikes of each row so far
    std::vector<double> length, time, free, slope, gap;
    Pointers<double> to, bars, founds;
    Pointers<const double> from;
    std::string trouble;
    // Of one span.
    std::vector<double> before, driven;
    std::vector<char> pieced;
    std::vector<std::vector<Piece>> pieces;
    std::vector<std::vector<double>> kept;

    Block(const Input& input, int64_t number, int64_t first, int64_t rows)
        : input(input), s(input.s), number(number), first(first), w(rows), size(size_t(s.states * rows)) {
        for (int64_t r = 0; r < w; r++) given_at.emplace_back();
        given.resize(size_t(s.parameters * w));
        for (int64_t j = 0; j < s.parameters; j++)
            for (int64_t r = 0; r < w; r++) {
                const std::vector<double>& one = input.given[size_t(j)];
                given[size_t(j * w + r)] = one.size() == 1 ? one[0] : one[size_t(first + r)];
                given_at[size_t(r)].push_back(&given[size_t(j * w + r)]);
            }
        begins.resize((size + size_t(2 * w)) * size_t(spans()));
        for (int64_t j = 0; j < s.states; j++)
            for (int64_t r = 0; r < w; r++)
                begins[size_t(j * w + r)] = input.starts[size_t(j)][size_t(first + r)];
        for (int64_t r = 0; r < w; r++) begins[size + size_t(r)] = -1.0;
        traces.resize(size_t(s.steps * w));
        spikes.resize(size_t(w));
        release.assign(size_t(w), -1.0);
        fired.assign(size_t(w), 0);
        for (auto* one : {&length, &time, &free, &slope, &gap}) one->resize(size_t(w));
        to.at.resize(size_t(s.states)); from.at = std::vector<const double*>(size_t(s.states));
        bars.at.resize(size_t(s.states)); founds.at.resize(size_t(s.wanted));
        pieces.resize(size_t(w)); kept.resize(size_t(w));
    }
    int64_t spans() const { return (s.steps + s.span - 1) / s.span; }
    const double* const* all() const { return given_at[0].data(); }

    // ---- ahead ----------------------------------------------------------------------------------
    // From the states `x` before a step to `y` after it, by way of `u`, those after its drive. With
    // `keep`, pieces are kept.
    void step(int64_t k, const double* x, double* u, double* y, char* cut, bool keep) {
        const double begin = double(k) * s.dt;
        if (has_drive) drive({s.dt, begin, k}, w, from(x, w, 0), all(), to(u, w, 0));
        else std::copy(x, x + size, u);
        for (int64_t r = 0; r < w; r++) {
            const bool held = release[size_t(r)] >= 0.0;
            cut[r] = held && release[size_t(r)] - begin <= s.dt;
            length[size_t(r)] = cut[r] ? 0.0 : s.dt;
            time[size_t(r)] = begin;
            free[size_t(r)] = held ? 0.0 : 1.0;
        }
        flow(length.data(), time.data(), free.data(), w, from(u, w, 0), all(), to(y, w, 0), slope.data());
        threshold(w, from(y, w, 0), all(), gap.data());
        for (int64_t r = 0; r < w; r++) {
            const size_t at = size_t(r);
            if (!cut[r]) {
                const bool fine = within(y[r], MOST) && gap[at] < 0.0 && slope[at] * s.dt <= SHARE &&
                                  y[r] - u[r] <= RISE;
                if (free[at] == 0.0 || fine) continue;
            }
            cut[r] = 1;
            in_pieces(k, r, u, y, keep);
            if (!trouble.empty()) return;
        }
    }
    // One flow or climb of one row; the time that went by.
    double piece(int64_t r, bool climbs, double span, double moment, double moves, const double* x, double* y) {
        double elapsed = span, unused;
        const double* const* own = given_at[size_t(r)].data();
        if (climbs) climb(&span, &moment, &moves, 1, from(x, 1, 0), own, to(y, 1, 0), &elapsed);
        else flow(&span, &moment, &moves, 1, from(x, 1, 0), own, to(y, 1, 0), &unused);
        return elapsed;
    }
    // The speed of the potential, and its slope along the potential.
    struct Steep { double slope, speed; };
    Steep steep(int64_t r, double moment, const double* x) {
        Steep found;
        const double moves = 1.0;
        steepness(&moment, &moves, 1, from(x, 1, 0), given_at[size_t(r)].data(), &found.slope, &found.speed);
        return found;
    }
    double gap_of(int64_t r, const double* x) {
        double found;
        threshold(1, from(x, 1, 0), given_at[size_t(r)].data(), &found);
        return found;
    }
    void keep_piece(int64_t r, const Piece& piece, const double* x) {
        std::vector<double>& pool = kept[size_t(r)];
        pieces[size_t(r)].push_back(piece);
        pieces[size_t(r)].back().at = pool.size();
        pool.insert(pool.end(), x, x + s.states);
    }
    // How a row goes on from `x`: a flow over the rest of the step where that is accurate, else a climb
    // where the potential rises, else a shorter flow. Where it ends is left in `z`.
    // `at` is how steep it is at `x`, and then at `z`.
    Piece next(int64_t k, int64_t r, double offset, const double* x, double* z, double* elapsed, Steep* at) {
        const double moment = double(k) * s.dt + offset, left = s.dt - offset;
        const Steep here = *at;
        Piece one{k, REST, left, offset, true, false, 0};
        if (here.slope * left <= SHARE) {
            *elapsed = piece(r, false, left, moment, 1.0, x, z);
            if (within(z[0], MOST)) {
                *at = steep(r, moment + left, z);
                if (at->slope * left <= 2 * SHARE) return one;
            }
        }
        one.kind = GIVEN;
        one.climbs = here.slope > 0.0 && here.speed > 0.0;
        double share = SHARE;
        if (one.climbs)
            share = std::min(std::min(LONGEST, CLIMB * std::pow(std::max(here.slope * left / 3, 1.0), 0.2)), 0.5 * here.slope * left);
        for (int tries = 0; tries < 60; tries++, share *= 0.5) {
            const double lasts = here.slope > 0.0 ? std::min(share / here.slope, left) : left * share;
            one.length = one.climbs ? lasts * here.speed : lasts;
            *elapsed = piece(r, one.climbs, one.length, moment, 1.0, x, z);
            if (!within(z[0], MOST) || !(*elapsed < left)) continue;
            *at = steep(r, moment + *elapsed, z);
            if (!one.climbs) {
                if (at->slope * one.length <= 2 * SHARE) break;
                continue;
            }
            // Where a current adds to the speed, the slope grows faster than the speed does.
            const double grown = std::log(std::max(at->slope / here.slope, 1.0));
            if (grown <= 1.3 * share) break;
            one.length *= std::min(share / grown, 0.8);
            *elapsed = piece(r, true, one.length, moment, 1.0, x, z);
            *at = steep(r, moment + *elapsed, z);
            break;
        }
        return one;
    }
    void in_pieces(int64_t k, int64_t r, const double* u, double* y, bool keep) {
        const double begin = double(k) * s.dt;
        std::vector<double> x(size_t(s.states)), z(x);
        for (int64_t j = 0; j < s.states; j++) x[size_t(j)] = u[j * w + r];
        double offset = 0.0;
        Steep at = steep(r, begin, x.data());
        const auto ends_here = [&] { return release[size_t(r)] >= 0.0 && release[size_t(r)] - begin <= s.dt; };
        for (int many = 0; offset < s.dt || ends_here(); many++) {
            if (many > MOST_PIECES) { tell("stuck", r, begin + offset); return; }
            if (release[size_t(r)] >= 0.0) {
                const double left = release[size_t(r)] - begin;
                const bool ends = left <= s.dt;
                const double span = (ends ? left : s.dt) - offset;
                piece(r, false, span, begin + offset, 0.0, x.data(), z.data());
                if (keep) keep_piece(r, {k, ends ? RELEASE : REST, span, offset, false, false, 0}, x.data());
                offset = ends ? left : s.dt;
                if (ends) release[size_t(r)] = -1.0;
                at = steep(r, begin + offset, z.data());
                x.swap(z);
                if (ends && gap_of(r, x.data()) >= 0.0) { tell("at once", r, begin + offset); return; }
                continue;
            }
            double elapsed;
            Piece one = next(k, r, offset, x.data(), z.data(), &elapsed, &at);
            if (!within(z[0], MOST)) { tell("diverged", r, begin + offset); return; }
            if (gap_of(r, z.data()) < 0.0) {
                if (keep) keep_piece(r, one, x.data());
                offset = one.kind == REST ? s.dt : offset + elapsed;
                x.swap(z);
                continue;
            }
            if (gap_of(r, x.data()) >= 0.0) { tell("at once", r, begin + offset); return; }
            one.kind = CROSSING;
            one.length = located(r, one, begin + offset, x.data(), z.data(), &elapsed);
            if (keep) keep_piece(r, one, x.data());
            offset += elapsed;
            fired[size_t(r)]++;
            if (keep) keep_piece(r, {k, RESET, 0.0, offset, true, false, 0}, z.data());
            double hold;
            reset(1, from(z.data(), 1, 0), given_at[size_t(r)].data(), to(x.data(), 1, 0), &hold);
            if (!keep) spikes[size_t(r)].push_back({k, offset, z[0], x[0]});
            // A refractory period of no length is one too: it has a derivative.
            release[size_t(r)] = begin + offset + std::max(hold, 0.0);
        }
        for (int64_t j = 0; j < s.states; j++) y[j * w + r] = x[size_t(j)];
    }
    // How long a piece lasts until it crosses the threshold, within its length (Illinois).
    double located(int64_t r, const Piece& one, double moment, const double* x, double* z, double* elapsed) {
        double low = 0.0, high = one.length, below = gap_of(r, x), above = gap_of(r, z), at = high;
        int side = 0;
        for (int k = 0; k < 200; k++) {
            at = (low * above - high * below) / (above - below);
            if (k % 8 == 7 || !(at > low && at < high)) at = 0.5 * (low + high);
            *elapsed = piece(r, one.climbs, at, moment, 1.0, x, z);
            const double here = gap_of(r, z);
            if (here == 0.0) break;
            if (here > 0.0) { high = at; above = here; if (side == 1) below *= 0.5; side = 1; }
            else { low = at; below = here; if (side == -1) above *= 0.5; side = -1; }
            if (high - low <= 4e-16 * high) break;
        }
        return at;
    }
    void tell(const char* what, int64_t r, double when) {
        trouble = std::string(what) + " row " + std::to_string(first + r) + " time " + std::to_string(when);
    }
    void set_out(int64_t span) {
        const double* at = &begins[(size + size_t(2 * w)) * size_t(span)] + size;
        for (int64_t r = 0; r < w; r++) { release[size_t(r)] = at[r]; fired[size_t(r)] = size_t(at[w + r]); }
    }
    void ahead() {
        std::vector<double> x(begins.begin(), begins.begin() + int64_t(size)), u(size), y(size);
        char cut[ROWS];
        for (int64_t k = 0; k < s.steps; k++) {
            if (k % s.span == 0) {
                double* at = &begins[(size + size_t(2 * w)) * size_t(k / s.span)];
                std::copy(x.begin(), x.end(), at);
                for (int64_t r = 0; r < w; r++) { at[size + size_t(r)] = release[size_t(r)]; at[size + size_t(w + r)] = double(fired[size_t(r)]); }
            }
            step(k, x.data(), u.data(), y.data(), cut, false);
            if (!trouble.empty()) return;
            x.swap(y);
            std::copy(x.begin(), x.begin() + w, traces.begin() + k * w);
        }
    }

    // ---- backwards ------------------------------------------------------------------------------
    std::vector<double> bar_release, bar_dt, bar_t;
    void back(int64_t k, const double* x, const double* u, const char* cut, const double* seeds,
              const std::vector<std::vector<double>>& of_spikes) {
        for (int64_t r = 0; r < w; r++) {
            bar[size_t(r)] += seeds[first + r];
            growth[size_t(r)] = std::max(growth[size_t(r)], std::fabs(bar[size_t(r)]));
        }
        std::vector<double> aside;              // what goes back through pieces
        for (int64_t r = 0; r < w; r++) {
            time[size_t(r)] = double(k) * s.dt;
            length[size_t(r)] = cut[r] ? 0.0 : s.dt;
            free[size_t(r)] = releases[size_t((k - span_begin) * w + r)] >= 0.0 ? 0.0 : 1.0;
            if (!cut[r]) continue;
            pieces_back(k, r, of_spikes[size_t(r)]);
            for (int64_t j = 0; j < s.states; j++) {
                aside.push_back(bar[size_t(j * w + r)]);
                bar[size_t(j * w + r)] = 0.0;
            }
        }
        flow_back(length.data(), time.data(), free.data(), w, from(u, w, 0), all(), bars(bar, w),
                  founds(found, w), bar_dt.data(), bar_t.data());
        size_t next = 0;
        for (int64_t r = 0; r < w; r++)
            for (int64_t j = 0; cut[r] && j < s.states; j++) bar[size_t(j * w + r)] = aside[next++];
        if (has_drive)
            drive_back({s.dt, double(k) * s.dt, k}, w, from(x, w, 0), all(), bars(bar, w), founds(found, w));
    }
    std::vector<double> releases;               // by step of the span and row, before the step
    int64_t span_begin = 0;
    void pieces_back(int64_t k, int64_t r, const std::vector<double>& seeds) {
        const size_t n = size_t(s.states), at = size_t(r);
        const double* const* own = given_at[at].data();
        double* const* row = bars(bar, w, r);
        double* const* sum = founds(found, w, r);
        double moves = 0.0;                     // derivative with respect to the time within the step
        std::vector<double> other(n), more(size_t(s.wanted)), at_gap(size_t(s.wanted));
        std::vector<double*> other_at(n), more_at(size_t(s.wanted)), gap_at(size_t(s.wanted));
        for (size_t j = 0; j < n; j++) other_at[j] = &other[j];
        for (size_t j = 0; j < more.size(); j++) { more_at[j] = &more[j]; gap_at[j] = &at_gap[j]; }
        std::vector<Piece>& list = pieces[at];
        for (; !list.empty() && list.back().step == k; list.pop_back()) {
            const Piece& one = list.back();
            const double* before = &kept[at][one.at];
            const double moment = double(k) * s.dt + one.offset;
            double of_length, of_time;
            // What goes back through a piece: `to` and its sum, `worth` of the time that it ends at.
            const auto through = [&](double* const* to, double* const* into, double worth, double* by_length, double* by_time) {
                const double moves_on = one.free ? 1.0 : 0.0;
                if (one.climbs) {
                    climb_back(&one.length, &moment, &moves_on, 1, from(before, 1, 0), own, to, into, &worth, by_length, by_time);
                } else {
                    flow_back(&one.length, &moment, &moves_on, 1, from(before, 1, 0), own, to, into, by_length, by_time);
                    *by_length += worth;
                }
                *by_time += worth;
            };
            if (one.kind == RESET) {
                const size_t which = --fired[at];
                moves += seeds[3 * which] + bar_release[at];
                *row[0] += seeds[3 * which + 2];
                reset_back(1, from(before, 1, 0), own, row, sum, &bar_release[at]);
                bar_release[at] = 0.0;
                *row[0] += seeds[3 * which + 1];
                continue;
            }
            if (one.kind == CROSSING) {
                std::vector<double> y(n);
                piece(r, one.climbs, one.length, moment, 1.0, before, y.data());
                threshold_back(1, from(y.data(), 1, 0), own, other_at.data(), gap_at.data());
                std::fill(more.begin(), more.end(), 0.0);
                double rise, drift;
                through(other_at.data(), more_at.data(), 0.0, &rise, &drift);
                if (!(rise > 0.0)) { tell("touches", r, moment); return; }
                through(row, sum, moves, &of_length, &of_time);
                const double worth = -of_length / rise;
                for (size_t j = 0; j < n; j++) *row[j] += worth * other[j];
                for (size_t j = 0; j < more.size(); j++) *sum[j] += worth * (more[j] + at_gap[j]);
                moves = of_time + worth * drift;
                continue;
            }
            // With the end of the step, or of refractoriness, the length of the piece is given.
            through(row, sum, one.kind == REST ? 0.0 : moves, &of_length, &of_time);
            if (one.kind == RELEASE) bar_release[at] += of_length;
            // A climb ends at a potential that is given, wherever it begins: were its length given, the
            // small error of every climb would move with the beginning of the rise.
            if (one.kind == GIVEN && one.climbs) *row[0] -= of_length;
            moves = one.kind == GIVEN ? of_time : of_time - of_length;
        }
    }
    void backwards(const std::vector<double>& seeds, const std::vector<std::vector<double>>& of_spikes) {
        bar.assign(size, 0.0);
        growth.assign(size_t(w), 0.0);
        found.assign(size_t(s.wanted * w), 0.0);
        for (auto* one : {&bar_release, &bar_dt, &bar_t}) one->assign(size_t(w), 0.0);
        const size_t most = size_t(std::min(s.span, s.steps));
        before.resize(size * (most + 1));
        driven.resize(size * most);
        pieced.resize(size_t(w) * most);
        releases.resize(size_t(w) * most);
        for (int64_t span = spans() - 1; span >= 0; span--) {
            const int64_t a = span_begin = span * s.span, b = std::min(a + s.span, s.steps);
            const double* at = &begins[(size + size_t(2 * w)) * size_t(span)];
            std::copy(at, at + size, before.begin());
            set_out(span);
            for (int64_t r = 0; r < w; r++) { pieces[size_t(r)].clear(); kept[size_t(r)].clear(); }
            for (int64_t k = a; k < b; k++) {
                const size_t here = size_t(k - a);
                std::copy(release.begin(), release.end(), releases.begin() + int64_t(here) * w);
                step(k, &before[size * here], &driven[size * here], &before[size * (here + 1)], &pieced[size_t(w) * here], true);
            }
            for (int64_t k = b - 1; k >= a; k--) {
                const size_t here = size_t(k - a);
                back(k, &before[size * here], &driven[size * here], &pieced[size_t(w) * here], &seeds[size_t(k * s.rows)], of_spikes);
                if (!trouble.empty()) return;
            }
        }
    }
    void save_run() const {
        const std::string end = "." + std::to_string(number);
        save("traces" + end, traces);
        std::vector<double> counts, all;
        for (const auto& row : spikes) {
            counts.push_back(double(row.size()));
            for (const Spike& one : row) for (double x : {double(one.step), one.offset, one.before, one.after}) all.push_back(x);
        }
        save("counts" + end, counts);
        save("spikes" + end, all);
    }
    void save_back() const {
        const std::string end = "." + std::to_string(number);
        save("found" + end, found);
        save("start" + end, bar);
        save("growth" + end, growth);
    }
};

inline int run_program() {
    const Input input;
    const Settings& s = input.s;
    std::vector<std::unique_ptr<Block>> blocks;
    for (int64_t first = 0, k = 0; first < s.rows; first += ROWS, k++)
        blocks.emplace_back(new Block(input, k, first, std::min(ROWS, s.rows - first)));
    const int64_t many = int64_t(blocks.size());
    const auto trouble = [&] {
        for (const auto& one : blocks)
            if (!one->trouble.empty()) { std::fprintf(stderr, "%s\n", one->trouble.c_str()); return true; }
        return false;
    };
    on_threads(many, s.threads, [&](int64_t k) { blocks[size_t(k)]->ahead(); });
    if (trouble()) return 4;
    for (const auto& one : blocks) {
        one->save_run();
        std::vector<double>().swap(one->traces);
    }
    std::printf("ready\n");
    std::fflush(stdout);
    char answer[16];
    if (!std::fgets(answer, sizeof answer, stdin) || answer[0] != 'b') { finish_results(); return 0; }
    const auto seeds = load<double>("seeds", size_t(s.steps * s.rows));
    const auto flat = load_counted<double>("spike_seeds");
    size_t at = 0;
    std::vector<std::vector<std::vector<double>>> of_spikes;
    for (const auto& one : blocks) {
        of_spikes.emplace_back();
        for (const auto& row : one->spikes) {
            of_spikes.back().emplace_back(flat.begin() + int64_t(at), flat.begin() + int64_t(at + 3 * row.size()));
            at += 3 * row.size();
        }
    }
    on_threads(many, s.threads, [&](int64_t k) { blocks[size_t(k)]->backwards(seeds, of_spikes[size_t(k)]); });
    if (trouble()) return 4;
    for (const auto& one : blocks) one->save_back();
    finish_results();
    return 0;
}

}  // namespace neurosim

int main() {
    neurosim::end_with_parent();
    return neurosim::run_program();
}
