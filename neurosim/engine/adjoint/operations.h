// Operations of the graph that C++ has no sign for, without branches so that loops stay vectors.
namespace neurosim {

// (exp(x) - 1)/x and its derivative, with e = exp(x) at hand; series where digits would be lost.
NEUROSIM_INLINE double _exprel(double x, double e) {
    const bool near = std::fabs(x) < 1e-2;
    const double series = 1.0 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24 + x * (1.0 / 120 + x * (1.0 / 720 + x * (1.0 / 5040))))));
    return near ? series : (e - 1.0) / (near ? 1.0 : x);
}
NEUROSIM_INLINE double _exprel_slope(double x, double e, double f) {
    const bool near = std::fabs(x) < 1e-2;
    const double series = 0.5 + x * (1.0 / 3 + x * (0.125 + x * (1.0 / 30 + x * (1.0 / 144 + x * (1.0 / 840 + x * (1.0 / 5760))))));
    return near ? series : (e - f) / (near ? 1.0 : x);
}
// The inverse of it, and its derivative, with one division for both.
NEUROSIM_INLINE double _per_exprel(double x, double e) {
    const bool near = std::fabs(x) < 1e-2;
    const double square = x * x;
    const double series = 1.0 - 0.5 * x + square * (1.0 / 12 - square * (1.0 / 720 - square * (1.0 / 30240)));
    const double share = 1.0 / ((near ? 2.0 : e) - 1.0);
    return near ? series : x * share;
}
NEUROSIM_INLINE double _per_exprel_slope(double x, double e, double p) {
    const bool near = std::fabs(x) < 1e-2;
    const double square = x * x;
    const double series = -0.5 + x * (1.0 / 6 - square * (1.0 / 180 - square * (1.0 / 5040)));
    const double share = 1.0 / ((near ? 2.0 : e) - 1.0);
    return near ? series : (1.0 - p * e) * share;
}
NEUROSIM_INLINE double _less(double a, double b) { return a < b ? 1.0 : 0.0; }
NEUROSIM_INLINE double _at_most(double a, double b) { return a <= b ? 1.0 : 0.0; }
NEUROSIM_INLINE double _equal(double a, double b) { return a == b ? 1.0 : 0.0; }
NEUROSIM_INLINE double _larger(double a, double b) { return a < b ? b : a; }
NEUROSIM_INLINE double _smaller(double a, double b) { return b < a ? b : a; }
NEUROSIM_INLINE double _sign(double x) { return double(x > 0) - double(x < 0); }
inline double _whole(double x) { return std::trunc(x); }
inline double _timestep(double t, double dt) { return std::trunc((t + 1e-3 * dt) / dt); }
inline double _gaussian(double low, double high, double stream, double step) {
    return gaussian(int32_t(low), int32_t(high), int32_t(stream), int32_t(step));
}
inline double _waveform(double channel, double position) {
    return waveform(int64_t(channel), position);
}
inline double _step_level(double channel, double step) {
    return step_level(int64_t(channel), int64_t(step));
}

}  // namespace neurosim
