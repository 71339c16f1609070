// What equations may call where all machines are to compute the same bits: products, roots and the
// exponential and logarithm of exponentials.h, instead of the functions of a C library, which differ
// in the last place from one library to the next (portable.py puts these names in).
#ifdef NEUROSIM_PORTABLE
namespace neurosim {
namespace portable {

NEUROSIM_INLINE double exp(double x) { return neurosim::exp(x); }
NEUROSIM_INLINE double log(double x) { return neurosim::log(x); }
NEUROSIM_INLINE double expm1(double x) { return neurosim::expm1(x); }
NEUROSIM_INLINE double log10(double x) { return neurosim::log(x) * 0.43429448190325182; }
// The rounding of 1 + x is made up for by what it left out of x (Kahan).
NEUROSIM_INLINE double log1p(double x) {
    const double u = 1.0 + x;
    return u == 1.0 ? x : neurosim::log(u) - ((u - 1.0) - x) / u;
}
NEUROSIM_INLINE double sinh(double x) {
    const double e = neurosim::expm1(std::fabs(x));
    return std::copysign(0.5 * (e + e / (e + 1.0)), x);
}
NEUROSIM_INLINE double cosh(double x) {
    const double e = neurosim::exp(std::fabs(x));
    return 0.5 * (e + 1.0 / e);
}
NEUROSIM_INLINE double tanh(double x) {
    // Beyond 20 it is 1 in every digit.
    const double size = std::fabs(x), e = neurosim::expm1(2.0 * (size < 20.0 ? size : 20.0));
    return std::copysign(e / (e + 2.0), x);
}

template <int n> NEUROSIM_INLINE double whole_power(double x) {
    if constexpr (n < 0) return 1.0 / whole_power<-n>(x);
    else if constexpr (n == 0) return 1.0;
    else if constexpr (n == 1) return x;
    else {
        const double half = whole_power<n / 2>(x);
        return n % 2 ? half * half * x : half * half;
    }
}
NEUROSIM_INLINE double power(double x, double y) {
    const double size = neurosim::exp(y * neurosim::log(std::fabs(x)));
    const bool whole = y == std::floor(y), odd = whole && y != 2.0 * std::floor(0.5 * y);
    const double of_negative = whole ? (odd ? -size : size) : double(NAN);
    const double found = x < 0.0 ? of_negative : size;
    return y == 0.0 ? 1.0 : found;
}

}  // namespace portable
namespace chosen = portable;
}  // namespace neurosim
#else
// Where each machine may have its own.
namespace neurosim {
namespace chosen {
using std::exp; using std::expm1; using std::log;
inline double power(double x, double y) { return std::pow(x, y); }
}  // namespace chosen
}  // namespace neurosim
#endif
