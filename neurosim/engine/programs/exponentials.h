// Exponentials and logarithms without branches, tables or calls, so that a compiler puts them into
// the vectors of the loop they stand in. A row gets the same bits in a vector of any length and
// outside of one. Errors are below 1 unit in the last place (tests/neurosim/test_exponentials.py).
//
// Polynomials are minimax fits of our own (Remez); arguments are reduced as in Cody and Waite (1980),
// Software Manual for the Elementary Functions, and Tang (1990), ACM Trans. Math. Softw. 16:378.
namespace neurosim {

// Loops are compiled with leave to sum in another order, which would undo the reduction of an
// argument. No compiler takes a fused multiply-add apart. Where there is none, what stands in
// NEUROSIM_AS_WRITTEN is hidden by a number that the compiler cannot know to be 0. Where all machines
// are to compute the same bits no sum is changed and nothing fused.
#if defined(NEUROSIM_PORTABLE)
#define NEUROSIM_FUSED 0
#define NEUROSIM_AS_WRITTEN(x) (x)
#elif defined(__FP_FAST_FMA) || defined(__FMA__) || defined(__aarch64__)
#define NEUROSIM_FUSED 1
#define NEUROSIM_AS_WRITTEN(x) (x)
#else
#define NEUROSIM_FUSED 0
#define NEUROSIM_AS_WRITTEN(x) neurosim::of_bits(neurosim::bits_of(x) ^ neurosim::nothing)
#endif
// Every call of a loop must become part of it, or the loop is no vector.
#if defined(__GNUC__)
#define NEUROSIM_INLINE inline __attribute__((always_inline))
#else
#define NEUROSIM_INLINE inline
#endif

inline uint64_t nothing = 0;
NEUROSIM_INLINE uint64_t bits_of(double x) { uint64_t bits; std::memcpy(&bits, &x, 8); return bits; }
NEUROSIM_INLINE double of_bits(uint64_t bits) { double x; std::memcpy(&x, &bits, 8); return x; }

// a*b + c, in one rounding where the processor has an instruction for it.
NEUROSIM_INLINE double multiply_add(double a, double b, double c) {
#if NEUROSIM_FUSED
    return __builtin_fma(a, b, c);
#else
    return NEUROSIM_AS_WRITTEN(a * b) + c;
#endif
}

// An exponent in two parts: exp(x) = (1 + part) * first * second, with powers of two.
struct Exponent { double part, first, second; };
NEUROSIM_INLINE Exponent reduced(double x) {
    // Beyond 746 it is all the same: 0 or infinite.
    const double size = std::fabs(x);
    const double within = std::copysign(746.0 < size ? 746.0 : size, x);
    // The last bits of `shifted` are the whole number n next to x/log(2), and 2046 more.
    const double one_and_a_half = 0x1.8p52 + 2046;
    const double shifted =
        NEUROSIM_AS_WRITTEN(multiply_add(within, 1.4426950408889634, one_and_a_half));
    const double n = shifted - one_and_a_half;
    // log(2) in two parts: n times the first is exact.
    const double high = NEUROSIM_AS_WRITTEN(multiply_add(n, -0x1.62e42feep-1, within));
    const double low = NEUROSIM_AS_WRITTEN(n * 0x1.a39ef35793c76p-33);
    const double r = NEUROSIM_AS_WRITTEN(multiply_add(n, -0x1.a39ef35793c76p-33, high));
    // (exp(r) - 1 - r)/r^2 for |r| < log(2)/2, within 3.4e-18 of r^2 times it.
    const double r2 = r * r, r4 = r2 * r2;
    const double p0 = multiply_add(0.166666666666667, r, 0.5000000000000012);
    const double p2 = multiply_add(0.00833333333330728, r, 0.04166666666651549);
    const double p4 = multiply_add(0.0001984126991726495, r, 0.0013888888946997427);
    const double p6 = multiply_add(2.7557216383893638e-06, r, 2.4801489960371295e-05);
    const double p8 = multiply_add(2.511784061024113e-08, r, 2.7631274378944706e-07);
    const double upper = multiply_add(multiply_add(p8, r2, p6), r4, multiply_add(p4, r2, p2));
    const double q = multiply_add(upper, r2, p0);
    const double part = high + NEUROSIM_AS_WRITTEN(multiply_add(r2, q, -low));
    // Two factors, since the power of two alone may lie beyond the range of a double.
    const uint64_t bits = bits_of(shifted), half = bits >> 1;
    return {NEUROSIM_AS_WRITTEN(part), of_bits(half << 52), of_bits((bits - half) << 52)};
}

NEUROSIM_INLINE double exp(double x) {
    const Exponent e = reduced(x);
    return NEUROSIM_AS_WRITTEN(multiply_add(e.part, e.first, e.first)) * e.second;
}

// exp(x) - 1, also where it is close to 0.
NEUROSIM_INLINE double expm1(double x) {
    const Exponent e = reduced(x);
    const double inverse = of_bits(UINT64_C(0x7fe0000000000000) - bits_of(e.second));
    const double rest = NEUROSIM_AS_WRITTEN(e.first - inverse);
    return NEUROSIM_AS_WRITTEN(multiply_add(e.part, e.first, rest)) * e.second;
}

// The logarithm of a positive number that is not subnormal, without a look at all others.
// `more` is added to the exponent.
NEUROSIM_INLINE double log_of_positive(double x, double more = 0.0) {
    // x = 2^k m with m from sqrt(1/2) to sqrt(2); k is read off the exponent, 1024 too high.
    const uint64_t root = UINT64_C(0x3fe6a09e667f3bcd);
    const uint64_t bits = bits_of(x) - root;
    const double m = of_bits((bits & UINT64_C(0x000fffffffffffff)) + root);
    const uint64_t exponent = (bits + UINT64_C(0x4000000000000000)) >> 52;
    const double k = NEUROSIM_AS_WRITTEN(of_bits(exponent | UINT64_C(0x4330000000000000)))
        - (0x1p52 + 1024 - more);
    // log(1 + f) = f - f^2/2 + s*(f^2/2 + R), R the rest of the series in s^2, within 2.5e-18.
    const double f = NEUROSIM_AS_WRITTEN(m - 1.0);
    const double s = f / NEUROSIM_AS_WRITTEN(2.0 + f), z = s * s, w = z * z;
    const double half = 0.5 * f, square = NEUROSIM_AS_WRITTEN(half * f);
    const double q4 = multiply_add(0.14796263108064794, w, 0.18183565414682856);
    const double q0 = multiply_add(multiply_add(q4, w, 0.2857142874256316), w, 0.6666666666666734);
    const double q3 = multiply_add(0.1531402092623847, w, 0.22222198553650335);
    const double q1 = multiply_add(q3, w, 0.39999999999413965);
    const double rest = multiply_add(z, multiply_add(z, q1, q0), square);
    const double low = NEUROSIM_AS_WRITTEN(k * 0x1.a39ef35793c76p-33);
    const double small = multiply_add(s, rest, low);
    const double below_f = NEUROSIM_AS_WRITTEN(multiply_add(-half, f, small));
    return multiply_add(k, 0x1.62e42feep-1, NEUROSIM_AS_WRITTEN(f + below_f));
}

NEUROSIM_INLINE double log(double x) {
    const bool subnormal = x < 0x1p-1022;
    const double found = log_of_positive(subnormal ? 0x1p54 * x : x, subnormal ? -54.0 : 0.0);
    const double beyond = x == 0.0 ? -HUGE_VAL : double(NAN);
    return x > 0.0 ? (x < HUGE_VAL ? found : x) : beyond;
}

}  // namespace neurosim
