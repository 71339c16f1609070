// What the membrane loops of a model name: functions of generated code, and how a loop is known to the
// program around it (kernel.h, runtime.cpp), which is compiled once and knows no model.
//
// No header of the C++ library but <cmath>: reading the others took two thirds of the time in which a
// model is compiled.
namespace neurosim {

// ---- functions that Brian2's generated code names ---------------------------------------------
#define neurosim_gaussian neurosim::gaussian
#define neurosim_waveform neurosim::waveform
#define neurosim_step_level neurosim::step_level
#define neurosim_exprel_given neurosim::_exprel_given
using std::ceil; using std::cos; using std::cosh; using std::fabs; using std::floor; using std::log10;
using std::log1p; using std::sin; using std::sinh; using std::sqrt; using std::tan; using std::tanh;

// std::max and std::min: their header would take longer than all loops of a membrane.
inline double larger(double a, double b) { return a < b ? b : a; }
inline double smaller(double a, double b) { return b < a ? b : a; }

// (exp(x) - 1) / x, and 1 at 0.
NEUROSIM_INLINE double _exprel(double x) {
    const bool zero = x == 0.0;
    return (zero ? 1.0 : expm1(x)) / (zero ? 1.0 : x);
}
// Its inverse, x / (exp(x) - 1), in one division: the form most rate functions have.
NEUROSIM_INLINE double _per_exprel(double x) {
    const bool zero = x == 0.0;
    return (zero ? 1.0 : x) / (zero ? 1.0 : expm1(x));
}
// The same with exp(x) at hand; it may be off by some units in the last place, so that the series
// takes over sooner.
NEUROSIM_INLINE double _exprel_given(double x, double e) {
    const double series = 1.0 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24 + x * (1.0 / 120 + x * (1.0 / 720 + x * (1.0 / 5040))))));
    const bool near = std::fabs(x) < 1e-2;
    return near ? series : (e - 1.0) / (near ? 1.0 : x);
}
NEUROSIM_INLINE double _per_exprel_given(double x, double e) {
    const double square = x * x;
    const double series = 1.0 - 0.5 * x + square * (1.0 / 12 - square * (1.0 / 720 - square * (1.0 / 30240)));
    const bool near = std::fabs(x) < 1e-2;
    return near ? series : x / ((near ? 2.0 : e) - 1.0);
}
// With full fast-math a constant whole power becomes multiplications.
#define _brian_pow(x, y) (std::pow(double(x), double(y)))
// A power whose exponent is the same in all rows: an exponential and a logarithm take a third of the
// time of a power. `sign` is that of the power of a negative number, which depends on the exponent.
inline double _sign_of_power(double n) {
    if (n != std::floor(n)) return double(NAN);
    return n == 2.0 * std::floor(0.5 * n) ? 1.0 : -1.0;
}
// Most exponents are a few halves, for which products and a root are faster than both. A loop is
// compiled a second time (`few`) for when all of its exponents are. How many halves; -1: another.
inline int64_t _halves(double n) {
    const double halves = 2.0 * n;
    return halves >= 0.0 && halves < 16.0 && halves == std::floor(halves) ? int64_t(halves) : -1;
}
NEUROSIM_INLINE double _power_of_halves(double x, int64_t halves) {
    const double square = x * x;
    const double low = (halves & 1 ? std::sqrt(x) : 1.0) * (halves & 2 ? x : 1.0);
    return low * (halves & 4 ? square : 1.0) * (halves & 8 ? square * square : 1.0);
}
template <bool few>
NEUROSIM_INLINE double _shared_power(double x, double n, double sign, int64_t halves) {
    if (few) return _power_of_halves(x, halves);
    const double size = exp(n * log_of_positive(larger(std::fabs(x), 1e-300)));
    return x < 0.0 ? sign * size : size;
}
// The same of a quotient whose logarithm is at hand.
template <bool few>
NEUROSIM_INLINE double _quotient_power(double above, double below, double n, double logarithm,
                                       int64_t halves) {
    return few ? _power_of_halves(above / below, halves) : exp(n * logarithm);
}
inline double _clip(double x, double low, double high) { return smaller(larger(x, low), high); }
inline int64_t int_(double x) { return int64_t(x); }
inline int64_t int_(bool x) { return x ? 1 : 0; }
inline int64_t _timestep(double t, double dt) { return int64_t((t + 1e-3 * dt) / dt); }
#define _brian_abs std::fabs
inline double _brian_mod(double x, double y) { return x - y * std::floor(x / y); }
inline double _sign(double x) { return double((x > 0) - (x < 0)); }

struct Step { double dt, time; int64_t index; };

// What a clamp is; see Kernel in model.py.
enum class Amplifier { none, voltage, conductance, electrode };

// single: one number, written at each step.
enum class ArrayKind { row, shared, traced, single };

// What a loop tells of its arrays and ions, an entry a line, in the words of `Kernel` (kernel.h). Lists
// of numbers and of names go by their first entry; how many there are follows from the model.
struct Described {
    virtual void called(const char* name, bool density, bool conducts, bool injects,
                        Amplifier amplifier, const char* ion) = 0;
    virtual void array(const char* name, ArrayKind kind, bool integer) = 0;
    virtual void event(const char* name) = 0;
    virtual void trace(const char* name) = 0;
    virtual void keep(const char* name) = 0;
    virtual void carrier(const char* name, const double* charges, int count, const char* ion) = 0;
    virtual void moving_ion(const char* ion, const char* part, double valence, bool inside,
                            bool outside, bool shared) = 0;
    virtual void stays_above(const char* part, const char* field) = 0;
    virtual void gather(const char* name, const char* const* sources, int count) = 0;
    virtual void retrace(const char* name, const double* weights, int count) = 0;
};
// Where a block of cells has its arrays.
struct Arrays {
    virtual double* numbers(const char* name) = 0;
    virtual int32_t* integers(const char* name) = 0;
    virtual double* potential() = 0;
};
// Where the currents of a step go in a patch whose ions move: arrays by carrier and by ion. Those of
// one tile begin at its first row, all others at that of the patch.
struct Crossing {
    double dt;
    double* const* crossed;          // by carrier, charge on an area since the start
    double* const* current;          // by carrier, of one tile
    const double* const* placed;     // by ion, charge that receptors brought, of one tile
    double* const* charge;           // by ion, charge of the step, of one tile
    double* const* inside;           // by ion, concentration that moves, or null
    const double* const* per;        // by ion, its change by a charge on an area
};
// A loop over rows (sites times the cells of a block), written by Brian2's code generation.
struct Membrane {
    virtual ~Membrane() {}
    virtual void describe(Described&) const = 0;
    virtual void bind(Arrays&) = 0;
    virtual void advance(const Step&, int64_t rows, double* __restrict, double* __restrict) = 0;
    // Let the currents of a step cross n rows at the potentials solved for: count their charge, and
    // move the concentrations inside. Returns how many of these fell to 0.
    virtual double cross(const Crossing&, const double* __restrict, int64_t, int64_t) { return 0.0; }
};
// Loop number `number` of a model of the program, null where it has no more.
Membrane* make_membrane(int64_t model, int64_t number);

}  // namespace neurosim
