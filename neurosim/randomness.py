"""Normal deviates as a pure function of (row key, stream, step).

A counter-based generator (Salmon et al. 2011, SC '11: "Parallel random numbers: as easy as 1, 2,
3") keeps no state: the deviate of a row at a step does not depend on which other rows run, in what
order, or in how many processes. The counter is hashed by two keyed rounds of the SplitMix64
finaliser (Steele, Lea and Flood 2014, OOPSLA); the uniform is mapped to a normal by the inverse of
the normal distribution function (Wichura 1988, Applied Statistics 37:477, algorithm AS 241), whose
polynomials both the compiled and the NumPy engine evaluate from the one table below.
"""

from __future__ import annotations

import numpy as np

__all__ = ["AS241", "BARRIER_SHIFT", "SPLIT_MIX", "cpp_source", "gaussian", "row_keys", "uniform"]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MUL1 = np.uint64(0xBF58476D1CE4E5B9)
_MUL2 = np.uint64(0x94D049BB133111EB)
# Keeps the key of a stream apart from the keys of its steps.
_LANE = np.uint64(0xD1B54A32D192ED03)

SPLIT_MIX = {
    "gamma": int(_GAMMA),
    "first": int(_MUL1),
    "second": int(_MUL2),
    "lane": int(_LANE),
}
"""The 64-bit constants of the generator, for who writes it in a third language."""

# Rows whose deviates the compiled engine draws together: few enough for the first-level cache, and
# a multiple of every vector's length.
_AT_ONCE = 512

BARRIER_SHIFT = 0.5825971579390106
"""-zeta(1/2) / sqrt(2 pi): how far a walk of standard normal deviates overshoots a barrier on
average (Chernoff 1965; Broadie, Glasserman and Kou 1997, Math. Finance 7:325)."""

# Coefficients of AS 241 (PPND16), constant term first: centre, shoulder and tail.
AS241 = {
    "a": (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
          1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
          3.3430575583588128105e4, 2.5090809287301226727e3),
    "b": (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
          2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
          5.2264952788528545610e3),
    "c": (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
          3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
          2.27238449892691845833e-2, 7.74545014278341407640e-4),
    "d": (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
          1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
          1.05075007164441684324e-9),
    "e": (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
          2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
          2.71155556874348757815e-5, 2.01033439929228813265e-7),
    "f": (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
          7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
          2.04426310338993978564e-15),
}  # fmt: skip


def _mix(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * _MUL1
    z = (z ^ (z >> np.uint64(27))) * _MUL2
    mixed: np.ndarray = z ^ (z >> np.uint64(31))
    return mixed


def row_keys(seeds: np.ndarray, unit: np.ndarray | int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the two 32-bit keys of each row.

    Parameters
    ----------
    seeds : ndarray of int64
        Seed of each row.
    unit : ndarray of int or int
        Which unit of a network the row is; 0 for a neuron on its own.

    Returns
    -------
    low, high : ndarray of int32
    """
    with np.errstate(over="ignore"):
        key = _mix(np.asarray(seeds).astype(np.uint64) + _GAMMA)
        key = _mix(key + (np.asarray(unit).astype(np.uint64) + np.uint64(1)) * _GAMMA)
    low = (key & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32)
    high = (key >> np.uint64(32)).astype(np.uint32).view(np.int32)
    return low, high


def _polynomial(coefficients: tuple[float, ...], x: np.ndarray) -> np.ndarray:
    value = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


def _around_zero(
    key_low: np.ndarray, key_high: np.ndarray, stream: int, step: np.ndarray | int
) -> np.ndarray:
    """Return one uniform deviate between -1/2 and 1/2 a row."""
    low = np.asarray(key_low, dtype=np.int32).view(np.uint32).astype(np.uint64)
    high = np.asarray(key_high, dtype=np.int32).view(np.uint32).astype(np.uint64)
    key = (high << np.uint64(32)) | low
    with np.errstate(over="ignore"):
        counter = np.asarray(step).astype(np.uint64) * _GAMMA
        lane = _mix((key ^ _LANE) + np.uint64(stream))
        bits = _mix(_mix(counter + key) ^ lane)
    # 53 bits, shifted by half a unit so that neither end can occur.
    drawn: np.ndarray = ((bits >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53 - 0.5
    return drawn


def uniform(
    key_low: np.ndarray, key_high: np.ndarray, stream: int, step: np.ndarray | int
) -> np.ndarray:
    """Return one uniform deviate between 0 and 1 a row; parameters as of `gaussian`.

    Examples
    --------
    >>> low, high = row_keys(np.arange(10_000))
    >>> bool(abs(uniform(low, high, 0, 7).mean() - 0.5) < 0.01)
    True
    """
    return _around_zero(key_low, key_high, stream, step) + 0.5


def gaussian(
    key_low: np.ndarray, key_high: np.ndarray, stream: int, step: np.ndarray | int
) -> np.ndarray:
    """Return one standard normal deviate a row.

    Parameters
    ----------
    key_low, key_high : ndarray of int32
        Keys from `row_keys`.
    stream : int
        Number of the random stream, so that a row can draw several.
    step : int
        Number of the time step.

    Examples
    --------
    >>> low, high = row_keys(np.array([1, 2, 3]))
    >>> bool((gaussian(low, high, 0, 7)[1:2] == gaussian(low[1:2], high[1:2], 0, 7)).all())
    True
    """
    q = _around_zero(key_low, key_high, stream, step)
    r = 0.180625 - q * q
    centre: np.ndarray = q * _polynomial(AS241["a"], r) / _polynomial(AS241["b"], r)
    outside = np.abs(q) > 0.425
    if not np.any(outside):
        return centre
    q_out = q[outside]
    # 0.5 - |q| is exact, and is the smaller tail probability on either side.
    s = np.sqrt(-np.log(0.5 - np.abs(q_out)))
    shoulder = _polynomial(AS241["c"], s - 1.6) / _polynomial(AS241["d"], s - 1.6)
    tail = _polynomial(AS241["e"], s - 5.0) / _polynomial(AS241["f"], s - 5.0)
    centre[outside] = np.copysign(np.where(s <= 5.0, shoulder, tail), q_out)
    return centre


def _cpp_polynomial(name: str, x: str) -> str:
    coefficients = AS241[name]
    text = repr(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        text = f"({text}*{x} + {coefficient!r})"
    return text


def cpp_source() -> str:
    """Return the same generator in C++: `neurosim::gaussian` of a row, `gaussians` of several."""
    return f"""
inline uint64_t mix(uint64_t z) {{
    z = (z ^ (z >> 30)) * UINT64_C({int(_MUL1)});
    z = (z ^ (z >> 27)) * UINT64_C({int(_MUL2)});
    return z ^ (z >> 31);
}}
inline double normal_outside(double q) {{
    const double s = std::sqrt(-log_of_positive(0.5 - std::fabs(q)));
    double x;
    if (s <= 5.0) {{
        const double u = s - 1.6;
        x = {_cpp_polynomial("c", "u")} / {_cpp_polynomial("d", "u")};
    }} else {{
        const double u = s - 5.0;
        x = {_cpp_polynomial("e", "u")} / {_cpp_polynomial("f", "u")};
    }}
    return std::copysign(x, q);
}}
inline double around_zero(int32_t key_low, int32_t key_high, int64_t stream, int64_t step) {{
    const uint64_t key = (uint64_t(uint32_t(key_high)) << 32) | uint64_t(uint32_t(key_low));
    const uint64_t lane = mix((key ^ UINT64_C({int(_LANE)})) + uint64_t(stream));
    const uint64_t bits = mix(mix(uint64_t(step) * UINT64_C({int(_GAMMA)}) + key) ^ lane);
    return (double(bits >> 11) + 0.5) * 0x1p-53 - 0.5;
}}
inline double uniform(int32_t key_low, int32_t key_high, int64_t stream, int64_t step) {{
    return around_zero(key_low, key_high, stream, step) + 0.5;
}}
inline double gaussian(int32_t key_low, int32_t key_high, int64_t stream, int64_t step) {{
    const double q = around_zero(key_low, key_high, stream, step);
    if (std::fabs(q) > 0.425) return normal_outside(q);
    const double r = 0.180625 - q * q;
    return q * {_cpp_polynomial("a", "r")} / {_cpp_polynomial("b", "r")};
}}
// A whole number of up to 53 bits: exact, and by steps that there are vector forms of.
inline double whole_number(uint64_t bits) {{
    const uint64_t low = (bits & UINT64_C(0xFFFFFFFF)) | UINT64_C(0x4330000000000000);
    const uint64_t high = (bits >> 32) | UINT64_C(0x4530000000000000);
    double of_low, of_high;
    std::memcpy(&of_low, &low, 8);
    std::memcpy(&of_high, &high, 8);
    return (of_high - 0x1p84) + (of_low - 0x1p52);
}}
// The deviates of some rows at once, bit for bit those of gaussian(): each loop is free of branches
// and calls, and so goes through vectors, those of the 15 % outside the centre after the others.
constexpr int GAUSSIANS = {_AT_ONCE};
static inline void gaussians(const int32_t* __restrict key_low, const int32_t* __restrict key_high,
                             int64_t stream, int64_t step, int count, double* __restrict out) {{
    double q[GAUSSIANS], s[GAUSSIANS], x[GAUSSIANS];
    int outside[GAUSSIANS];
    const uint64_t at = uint64_t(step) * UINT64_C({int(_GAMMA)});
    for (int k = 0; k < count; k++) {{
        const uint64_t high = uint32_t(key_high[k]), low = uint32_t(key_low[k]);
        const uint64_t key = (high << 32) | low;
        const uint64_t lane = mix((key ^ UINT64_C({int(_LANE)})) + uint64_t(stream));
        const uint64_t bits = mix(mix(at + key) ^ lane);
        q[k] = (whole_number(bits >> 11) + 0.5) * 0x1p-53 - 0.5;
    }}
    for (int k = 0; k < count; k++) {{
        const double r = 0.180625 - q[k] * q[k];
        out[k] = q[k] * {_cpp_polynomial("a", "r")} / {_cpp_polynomial("b", "r")};
    }}
    int found = 0;
    for (int k = 0; k < count; k++) {{
        outside[found] = k;
        found += std::fabs(q[k]) > 0.425;
    }}
    for (int k = 0; k < found; k++) s[k] = -log_of_positive(0.5 - std::fabs(q[outside[k]]));
    for (int k = 0; k < found; k++) s[k] = std::sqrt(s[k]);
    for (int k = 0; k < found; k++) {{
        const double u = s[k] - 1.6;
        x[k] = {_cpp_polynomial("c", "u")} / {_cpp_polynomial("d", "u")};
    }}
    for (int k = 0; k < found; k++) {{
        if (s[k] <= 5.0) continue;
        const double u = s[k] - 5.0;
        x[k] = {_cpp_polynomial("e", "u")} / {_cpp_polynomial("f", "u")};
    }}
    for (int k = 0; k < found; k++) out[outside[k]] = std::copysign(x[k], q[outside[k]]);
}}
"""
