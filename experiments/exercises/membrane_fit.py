"""The parameters of an integrate-and-fire neuron from recordings, each with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from brian2.units import Mohm, Quantity, ms, mV
from scipy.optimize import least_squares
from scipy.stats import t as student

from experiments.exercises.injection import Injection
from neurosim.errors import ParameterError

__all__ = ["PARAMETERS", "Estimate", "estimate", "membrane_course"]

#: What is looked for, by the names of `neurosim.LIF`, with the unit of its numbers.
PARAMETERS: Mapping[str, Quantity] = {
    "E_L": mV,
    "R_m": Mohm,
    "tau_m": ms,
    "V_th": mV,
    "V_reset": mV,
    "t_ref": ms,
}

# What the potential between spikes depends on, in the order of the fit.
_FITTED = ("E_L", "R_m", "tau_m", "V_reset", "t_ref")
# A direction in which the data move this much less than in the best one says nothing: the slopes
# of a parameter that has no effect are rounding.
_BLIND = 1e-7


@dataclass(frozen=True)
class Estimate:
    """A parameter as recordings tell it.

    Attributes
    ----------
    name : str
        As `neurosim.LIF` calls it.
    value : float
        Best value, in the unit of `PARAMETERS`; nan where the recordings say nothing about it.
    low, high : float
        Its interval; without bound where the recordings say nothing about it.
    """

    name: str
    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether the recordings bound it on both sides."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    @property
    def interval(self) -> Quantity:
        """Lower and upper end with their unit, shape (2,)."""
        return np.array([self.low, self.high]) * PARAMETERS[self.name]

    def __str__(self) -> str:
        if not self.known:
            return f"{self.name}: these recordings do not determine it"
        unit = PARAMETERS[self.name]
        return f"{self.name} = {self.value:.5g} {unit} ({self.low:.5g} to {self.high:.5g})"


def membrane_course(
    recording: Injection, values: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the potential that parameters give between the spikes that were recorded.

    Between its spikes the membrane relaxes,

    .. math:: v(t) = v_\infty + (v(t_0) - v_\infty)\, e^{-(t - t_0)/\tau_m}, \qquad
              v_\infty = E_L + R_m I

    from ``E_L`` at the start, and from ``V_reset`` after the refractory period of each spike.

    Parameters
    ----------
    recording : Injection
        Its current, its times and its spikes; not its potential.
    values : mapping of str to float
        ``E_L``, ``V_reset`` (mV), ``R_m`` (Mohm), ``tau_m`` and ``t_ref`` (ms).

    Returns
    -------
    course : ndarray, shape (samples,)
        Potential in mV at the times of the recording.
    before : ndarray, shape (spikes, 2)
        Potential one sample before each spike and at it, if it did not fire: the threshold lies
        between the two.

    Examples
    --------
    >>> one = Injection(100, 0, 50, np.array([0.0, 20.0]), np.zeros(2), np.zeros(0))
    >>> values = {"E_L": -70, "R_m": 100, "tau_m": 20, "V_reset": -70, "t_ref": 2}
    >>> membrane_course(one, values)[0].round(3).tolist()
    [-70.0, -63.679]
    """
    step = recording.step_ms
    off = recording.onset_ms + recording.duration_ms
    rest, tau = values["E_L"], values["tau_m"]
    driven = rest + 1e-3 * values["R_m"] * recording.current_pA
    time, spikes = recording.time_ms, recording.spikes_ms
    course = np.empty(len(time))
    before = np.empty((len(spikes), 2))
    level, since = rest, time[0] - step
    marks = [*spikes, np.inf]
    # Times are multiples of the step but for rounding, which must not move a sample to the other
    # side of a spike.
    samples = time + 0.25 * step
    for k, mark in enumerate(marks):
        if k:
            # Held from the spike on. The refractory period is counted from the sample before it.
            free = marks[k - 1] - step + values["t_ref"]
            held = (samples >= marks[k - 1]) & (samples < min(free + 0.25 * step, mark))
            course[held] = values["V_reset"]
            level, since = values["V_reset"], free
        own = (samples >= since + 0.25 * step * (k > 0)) & (samples < mark)
        course[own] = _relaxed(time[own], since, level, rest, driven, tau, recording.onset_ms, off)
        if np.isfinite(mark):
            pair = np.array([mark - step, mark])
            before[k] = _relaxed(pair, since, level, rest, driven, tau, recording.onset_ms, off)
    return course, before


def _relaxed(
    time: np.ndarray, since: float, level: float, rest: float, driven: float, tau: float,
    onset: float, off: float,
) -> np.ndarray:  # fmt: skip
    """Return the potential that starts at a level, while the step goes on and off."""

    def during(when: np.ndarray) -> np.ndarray:
        """Return how much of the step has reached the membrane, per unit of driven - rest."""
        return np.asarray(1 - np.exp(-np.clip(when, 0, None) / tau))

    # The response is linear: what is left of the start, and of the step since it went on.
    left = (level - rest) * np.exp(-np.clip(time - since, 0, None) / tau)
    first, last = max(onset, since), max(off, since)
    return np.asarray(rest + left + (driven - rest) * (during(time - first) - during(time - last)))


def estimate(
    recordings: Injection | Sequence[Injection], confidence: float = 0.95
) -> dict[str, Estimate]:
    """Find the parameters of the neuron that was recorded, each with its interval.

    The potential between spikes is fitted by least squares, all recordings together: it gives
    rest, resistance, time constant, reset and refractory period. The threshold lies between the
    potentials of the fit at the last sample before each spike and at the spike. Spikes are known to
    within a sample, so that the intervals of refractory period and threshold are that much wider on
    each side. A recording that is given twice counts once. What the recordings say nothing about
    has no bounds: the threshold of a neuron that never fired, the resistance of one that got no
    current.

    Parameters
    ----------
    recordings : Injection or sequence of Injection
        At least one.
    confidence : float
        How often an interval holds the true value. Six intervals of 95 % all hold theirs less
        often than that.

    Returns
    -------
    dict of str to Estimate
        By the names of `PARAMETERS`.

    Raises
    ------
    ParameterError
        There is no recording, or the confidence does not lie between 0 and 1.
    """
    recordings = [recordings] if isinstance(recordings, Injection) else recordings
    if not len(recordings):
        raise ParameterError(
            "estimate: there is no recording; give those that UnknownNeuron.inject returned"
        )
    if not 0 < confidence < 1:
        raise ParameterError(f"estimate: confidence must lie between 0 and 1; got {confidence}")
    recordings = _distinct(recordings)
    spiking = any(len(one.spikes_ms) for one in recordings)
    names = _FITTED if spiking else _FITTED[:3]
    start = _first_guess(recordings)
    scale = {"E_L": 1.0, "R_m": 10.0, "tau_m": 1.0, "V_reset": 1.0, "t_ref": 0.5}

    def values_of(x: np.ndarray) -> dict[str, float]:
        moved = {n: start[n] + scale[n] * float(d) for n, d in zip(names, x, strict=True)}
        return start | moved

    def residuals(x: np.ndarray) -> np.ndarray:
        values = values_of(x)
        misses = [membrane_course(one, values)[0] - one.potential_mV for one in recordings]
        return np.concatenate(misses)

    low = [(_LEAST[n] - start[n]) / scale[n] for n in names]
    found = least_squares(residuals, np.zeros(len(names)), bounds=(low, np.inf), x_scale=1.0)
    covariance, factor = _covariance(found.jac, found.fun, confidence)
    errors = np.sqrt(np.diag(covariance))
    values = values_of(found.x)
    step = max(one.step_ms for one in recordings)
    estimates = {name: Estimate(name, np.nan, -np.inf, np.inf) for name in PARAMETERS}
    for name, error in zip(names, errors, strict=True):
        if np.isfinite(error):
            more = factor * scale[name] * error + (step if name == "t_ref" else 0.0)
            value = values[name]
            estimates[name] = Estimate(name, value, value - more, value + more)
    if spiking and np.all(np.isfinite(errors[:3])):
        known = np.where(np.isfinite(covariance), covariance, 0.0)
        estimates["V_th"] = _threshold(recordings, values_of, found.x, (known, factor))
    return estimates


# No time constant or refractory period is negative, nor is a resistance.
_LEAST = {"E_L": -np.inf, "R_m": 0.0, "tau_m": 0.1, "V_reset": -np.inf, "t_ref": 0.0}


def _distinct(recordings: Sequence[Injection]) -> list[Injection]:
    """Return the recordings without copies, which say nothing new."""
    kept: dict[bytes, Injection] = {}
    for one in recordings:
        kept.setdefault(np.asarray(one.potential_mV, dtype=float).tobytes(), one)
    return list(kept.values())


def _first_guess(recordings: Sequence[Injection]) -> dict[str, float]:
    """Return values that a look at the traces gives, from which the search begins."""
    quiet = np.concatenate([o.potential_mV[o.time_ms < o.onset_ms] for o in recordings])
    rest = float(np.median(quiet)) if len(quiet) else float(recordings[0].potential_mV[0])
    resistances: list[float] = []
    resets: list[float] = []
    gaps: list[float] = []
    for one in recordings:
        late = (one.time_ms < one.onset_ms + one.duration_ms) & (one.time_ms > one.onset_ms)
        if one.current_pA and not len(one.spikes_ms) and late.any():
            end = float(np.median(one.potential_mV[late][-max(1, int(0.2 * late.sum())) :]))
            resistances.append(1e3 * (end - rest) / one.current_pA)
        for spike in one.spikes_ms:
            after = (one.time_ms > spike) & (one.time_ms < spike + 1.0)
            resets.extend(one.potential_mV[after])
        gaps.extend(np.diff(one.spikes_ms))
    return {
        "E_L": rest,
        "R_m": max(1.0, float(np.median(resistances))) if resistances else 150.0,
        "tau_m": 15.0,
        "V_reset": float(np.median(resets)) if resets else rest,
        # Between spikes there must be more than this.
        "t_ref": min(2.0, 0.5 * min(gaps)) if gaps else 2.0,
    }


def _covariance(
    jacobian: np.ndarray, misses: np.ndarray, confidence: float
) -> tuple[np.ndarray, float]:
    """Return the covariance of the parameters, and Student's factor for their intervals.

    What is not determined has an infinite variance.
    """
    freedom = max(1, len(misses) - jacobian.shape[1])
    noise = np.sum(misses**2) / freedom
    _, sizes, directions = np.linalg.svd(jacobian, full_matrices=False)
    seen = sizes > _BLIND * sizes[0]
    # A parameter with a share in a direction that moves nothing may be anything.
    free = np.sum(directions[~seen] ** 2, axis=0) > 1e-8
    scaled = directions[seen] / sizes[seen, np.newaxis]
    covariance = noise * scaled.T @ scaled
    covariance[free, :] = covariance[:, free] = np.inf
    return covariance, float(student.ppf(0.5 + confidence / 2, freedom))


def _threshold(
    recordings: Sequence[Injection],
    values_of: Callable[[np.ndarray], Mapping[str, float]],
    x: np.ndarray,
    errors: tuple[np.ndarray, float],
) -> Estimate:
    """Return the range that lies between two samples at every spike, widened by the fit's error."""
    covariance, factor = errors

    def brackets(y: np.ndarray) -> np.ndarray:
        values = values_of(y)
        return np.concatenate([membrane_course(one, values)[1] for one in recordings])

    found = brackets(x)
    nudge = 1e-4
    slopes = np.stack(
        [(brackets(x + nudge * unit) - found) / nudge for unit in np.eye(len(x))], axis=-1
    )
    error = np.sqrt(np.einsum("kbi,ij,kbj->kb", slopes, covariance, slopes))
    last, first = int(np.argmax(found[:, 0])), int(np.argmin(found[:, 1]))
    low, high = sorted((float(found[last, 0]), float(found[first, 1])))
    more = factor * float(max(error[last, 0], error[first, 1]))
    return Estimate("V_th", (low + high) / 2, low - more, high + more)
