// Ahead of every other header, in the file of the states' loop only. The C library of Linux on x86
// has vector forms of these functions; its own headers offer them to a compiler that may also assume
// finite numbers, which would hide a run that diverged.
#if defined(NEUROSIM_VECTORS) && defined(__x86_64__) && defined(__gnu_linux__) && \
    defined(__GNUC__) && !defined(__clang__)
#define NEUROSIM_VECTOR extern "C" __attribute__((__simd__("notinbranch"))) double
NEUROSIM_VECTOR exp(double) noexcept;
NEUROSIM_VECTOR log(double) noexcept;
NEUROSIM_VECTOR sin(double) noexcept;
NEUROSIM_VECTOR cos(double) noexcept;
NEUROSIM_VECTOR pow(double, double) noexcept;
#endif
