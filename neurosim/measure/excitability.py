"""How much current makes a neuron fire: rheobase, and the strength-duration curve."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from brian2.units import Quantity, amp, ms, nA, second
from scipy.optimize import least_squares

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.display import html_table
from neurosim.drawing.strength_duration import draw_strength_duration
from neurosim.errors import EngineError, ParameterError
from neurosim.measure.current_steps import CurrentSteps
from neurosim.quantities import check_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["StrengthDuration", "ThresholdLaw", "rheobase", "strength_duration"]

# A neuron that fires within this time without a current has no threshold current.
_QUIET_S = 1.0
# A pulse takes whole time steps; its length must be met this well.
_LENGTH_TOLERANCE = 0.005
# Points that are measured about the chronaxie, in turn.
_CHRONAXIE_ROUNDS = 2


class ThresholdLaw(NamedTuple):
    """A law of threshold current against duration, fitted to a measured curve.

    Attributes
    ----------
    rheobase, chronaxie : Quantity
        Its two parameters.
    error : float
        Root mean square of the relative error of the threshold currents.
    """

    rheobase: Quantity
    chronaxie: Quantity
    error: float


@dataclass(frozen=True, eq=False, repr=False)
class StrengthDuration:
    r"""Threshold current against the duration of the pulse.

    Attributes
    ----------
    duration : Quantity, shape (n,)
        Durations of the pulses, ascending.
    threshold : Quantity, shape (n,)
        Smallest current that makes the neuron fire, during the pulse or after it.
    rheobase : Quantity
        Threshold current of a long pulse.
    chronaxie : Quantity
        Duration at which the threshold is twice the rheobase, interpolated between measured
        charges; nan where no two durations lie about it.
    weiss, lapicque : ThresholdLaw
        Weiss's law, :math:`I = I_r (1 + c / d)`, in which the charge grows linearly with the
        duration, and Lapicque's, :math:`I = I_r / (1 - 2^{-d / c})`, which a passive membrane with
        a fixed threshold obeys; both fitted with equal relative errors.

    References
    ----------
    Weiss (1901), Arch Ital Biol 35:413. Lapicque (1907), J Physiol Pathol Gen 9:620.
    """

    duration: Quantity
    threshold: Quantity
    rheobase: Quantity
    chronaxie: Quantity
    weiss: ThresholdLaw
    lapicque: ThresholdLaw

    @property
    def charge(self) -> Quantity:
        """Charge of the threshold pulse at each duration, shape (n,)."""
        return self.threshold * self.duration

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw thresholds with the two laws, rheobase and chronaxie.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        """
        return draw_strength_duration(
            np.asarray(self.duration),
            np.asarray(self.threshold),
            float(self.rheobase),
            float(self.chronaxie),
            {
                "Weiss": (float(self.weiss.rheobase), float(self.weiss.chronaxie)),
                "Lapicque": (float(self.lapicque.rheobase), float(self.lapicque.chronaxie)),
            },
            ax,
        )

    def _repr_html_(self) -> str:
        pairs = zip(self.duration, self.threshold, self.charge, strict=True)
        rows = [(str(d), str(current), str(q)) for d, current, q in pairs]
        return html_table(
            "Strength-duration", rows, ("duration", "threshold", "charge"), repr(self)
        )

    def __repr__(self) -> str:
        return (
            f"StrengthDuration({len(self.duration)} durations; rheobase={self.rheobase}, "
            f"chronaxie={self.chronaxie})"
        )


def rheobase(
    neuron: Neuron | PointNeuron,
    *,
    duration: Quantity = 500 * ms,
    most: Quantity = 50 * nA,
    after: Quantity = 100 * ms,
    dt: Quantity | None = None,
    jobs: int = 1,
) -> Quantity:
    """Return the smallest current step that makes a neuron fire, to 0.5 %.

    Spikes count from the onset to the end of the run: a short pulse may end long before the spike
    that it causes.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
        What to measure; the current enters at the soma.
    duration : Quantity
        Length of the step: the answer depends on it.
    most : Quantity
        Largest current tried.
    after : Quantity
        How long after the step a spike still counts.
    dt : Quantity, optional
        Time step.
    jobs : int
        Threads or processes.

    Raises
    ------
    ParameterError
        The neuron fires without a current, or not even at `most`, or the step is no whole number of
        time steps.

    Examples
    --------
    >>> from brian2 import pA
    >>> from neurosim import LIF
    >>> round(float(rheobase(LIF(), duration=1 * second) / pA))
    150
    """
    length = float(check_quantity(duration, 500 * ms, "rheobase: duration", above=0 * ms))
    search = _Search.checked("rheobase", neuron, length, most, after, dt, jobs)
    return search.thresholds(np.array([length]), 0.005)[0] * amp


def strength_duration(
    neuron: Neuron | PointNeuron,
    durations: Quantity | None = None,
    *,
    long: Quantity = 500 * ms,
    most: Quantity = 50 * nA,
    after: Quantity = 100 * ms,
    dt: Quantity | None = None,
    jobs: int = 1,
) -> StrengthDuration:
    """Measure the smallest current that makes a neuron fire against the duration of the pulse.

    Thresholds are found to 0.1 %. Spikes count from the onset to the end of the run.

    Parameters
    ----------
    neuron : Neuron or PointNeuron
        What to measure; the current enters at the soma.
    durations : Quantity, shape (n,), optional
        Lengths of the pulses, each a whole number of time steps (default: 0.1 to 20 ms).
    long : Quantity
        Length of the step that stands for the rheobase.
    most : Quantity
        Largest current tried.
    after : Quantity
        How long after the pulse a spike still counts.
    dt : Quantity, optional
        Time step; default 0.01 ms for a neuron with extent, its own for a point neuron.
    jobs : int
        Threads or processes.

    Raises
    ------
    ParameterError
        The neuron fires without a current, or not even at `most`, or a duration is no whole number
        of time steps.

    Examples
    --------
    A leaky integrator obeys Lapicque's law: its chronaxie is ``tau_m*ln(2)``, 13.9 ms.

    >>> from neurosim import LIF
    >>> found = strength_duration(LIF(), [2, 5, 10, 20, 50] * ms, long=200 * ms)
    >>> round(float(found.chronaxie / ms), 1), round(float(found.lapicque.chronaxie / ms), 1)
    (13.9, 13.9)
    """
    if dt is None and isinstance(neuron, Neuron):
        dt = 0.01 * ms
    given = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20] * ms if durations is None else durations
    values = check_quantity(
        given, 1 * ms, "strength_duration: durations", above=0 * ms, many=1
    )  # fmt: skip
    lengths = np.unique(np.atleast_1d(np.asarray(values, dtype=float)))
    longest = float(check_quantity(long, 500 * ms, "strength_duration: long", above=0 * ms))
    search = _Search.checked("strength_duration", neuron, longest, most, after, dt, jobs)
    base = float(search.thresholds(np.array([longest]), 0.001, lengths)[0])
    found = search.thresholds(lengths, 0.001)
    more, currents = lengths, found
    for _ in range(_CHRONAXIE_ROUNDS):
        guess = _chronaxie(more, currents, base)
        nearest = max(1, round(guess / search.steps.dt_s)) * search.steps.dt_s if guess else 0.0
        if not nearest or np.any(np.abs(more - nearest) < search.steps.dt_s / 2):
            break
        where = int(np.searchsorted(more, nearest))
        current = search.thresholds(np.array([nearest]), 0.001)[0]
        more, currents = np.insert(more, where, nearest), np.insert(currents, where, current)
    return StrengthDuration(
        lengths * second,
        found * amp,
        base * amp,
        (_chronaxie(more, currents, base) or float("nan")) * second,
        _weiss(lengths, found),
        _lapicque(lengths, found),
    )


@dataclass(frozen=True)
class _Search:
    """The search for thresholds: currents in a batch, a decade at first, then ever closer."""

    name: str
    steps: CurrentSteps
    most: float

    @classmethod
    def checked(
        cls, name: str, neuron: Neuron | PointNeuron, length: float, most: Quantity,
        after: Quantity, dt: Quantity | None, jobs: int,
    ) -> _Search:  # fmt: skip
        """Return a search among currents up to `most`, its arguments checked.

        Raises
        ------
        ParameterError
            The neuron fires without a current.
        """
        top = float(check_quantity(most, 1 * nA, f"{name}: most", above=0 * nA))
        late = float(check_quantity(after, 100 * ms, f"{name}: after", above=0 * ms))
        steps = CurrentSteps(neuron, length, dt, jobs, before=0.005, after=late)
        whole = max(_QUIET_S, length + late)
        silent = replace(steps, length=whole).run(np.zeros(1), trace=False)
        spikes = np.asarray(silent.spike_train(0))
        spikes = spikes[spikes >= steps.watched] - steps.watched
        if len(spikes):
            raise ParameterError(
                f"{name}: the neuron fires without any current (first after "
                f"{spikes[0] * 1e3:.4g} ms, {len(spikes)} times in {whole * 1e3:g} ms); it has no "
                "threshold current. Hold it at rest by a Constant current that is placed on it"
            )
        return cls(name, steps, top)

    def thresholds(
        self, lengths: np.ndarray, tolerance: float, others: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the smallest current (ampere) for each length (second), to a relative tolerance.

        `others` are lengths to check along with these.
        """
        for length in (lengths if others is None else np.concatenate([lengths, others])).tolist():
            self._check_length(length)
        low, high = np.zeros(len(lengths)), np.full(len(lengths), np.inf)
        start = np.full(len(lengths), 1e-12)
        while np.any(np.isinf(high)):
            open_ones = np.flatnonzero(np.isinf(high))
            grids = [np.unique(np.minimum(np.geomspace(a, 10 * a, 6), self.most))
                     for a in start[open_ones]]  # fmt: skip
            self._narrow(open_ones, grids, lengths, low, high)
            for one in open_ones[np.isinf(high[open_ones])]:
                if low[one] >= self.most:
                    raise ParameterError(
                        f"{self.name}: no spike up to {self.most * 1e9:g} nA in steps of "
                        f"{lengths[one] * 1e3:g} ms; give a larger `most`, or is the soma "
                        "excitable?"
                    )
            start = low.copy()
        # The first current that was tried made it fire: begin a decade below.
        low = np.where(low == 0, high / 10, low)
        while np.any(wide := high - low > tolerance * high):
            rest = np.flatnonzero(wide)
            self._narrow(
                rest, [np.linspace(low[k], high[k], 13)[1:-1] for k in rest], lengths, low, high
            )
        return high

    def _narrow(
        self, which: np.ndarray, grids: list[np.ndarray], lengths: np.ndarray, low: np.ndarray,
        high: np.ndarray,
    ) -> None:  # fmt: skip
        """Try ascending currents for some of the lengths, and bring `low` and `high` closer."""
        of = np.concatenate([np.full(len(grid), k) for k, grid in zip(which, grids, strict=True)])
        currents = np.concatenate(grids)
        fired = self._fired(currents, lengths[of])
        for k in which.tolist():
            tried, outcome = currents[of == k], fired[of == k]
            if outcome.any():
                high[k] = tried[np.argmax(outcome)]
            silent = tried[tried < high[k]]
            low[k] = silent[-1] if len(silent) else low[k]

    def _fired(self, currents: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Return whether each pulse makes the neuron fire, up to the end of the run."""
        onset = self.steps.onset * second
        try:
            return self.steps.run(currents, lengths, trace=False).counts(onset) > 0
        except EngineError:
            pass
        # Some are beyond what the membrane can carry; each is tried alone.
        fired = np.zeros(len(currents), dtype=bool)
        for k in range(len(currents)):
            if np.any(fired[:k] & (lengths[:k] == lengths[k])):
                fired[k] = True
                continue
            try:
                run = self.steps.run(currents[k : k + 1], lengths[k : k + 1], trace=False)
            except EngineError as error:
                raise ParameterError(
                    f"{self.name}: no spike below {currents[k] * 1e9:.4g} nA in steps of "
                    f"{lengths[k] * 1e3:g} ms, and at that current {error}"
                ) from None
            fired[k] = run.counts(onset)[0] > 0
        return fired

    def _check_length(self, length: float) -> None:
        dt = self.steps.dt_s
        count = int((length + 1e-3 * dt) / dt)
        if abs(count * dt / length - 1) > _LENGTH_TOLERANCE:
            raise ParameterError(
                f"{self.name}: a step of {length * 1e3:g} ms is no whole number of time steps of "
                f"{dt * 1e3:g} ms; take a dt such as {length / np.ceil(length / dt) * 1e3:.6g} ms"
            )


def _chronaxie(lengths: np.ndarray, currents: np.ndarray, base: float) -> float | None:
    """Return the duration (second) at which the threshold is twice the rheobase.

    Between two durations the charge is nearly linear.
    """
    above = currents > 2 * base
    if not above[0] or above.all():
        return None
    k = int(np.argmin(above)) - 1
    charge = lengths * currents
    slope = (charge[k + 1] - charge[k]) / (lengths[k + 1] - lengths[k])
    return float((charge[k] - slope * lengths[k]) / (2 * base - slope))


def _weiss(lengths: np.ndarray, currents: np.ndarray) -> ThresholdLaw:
    """Fit ``I = a + q/d``, linear in its parameters, with relative errors."""
    if len(lengths) < 2:
        return ThresholdLaw(float("nan") * amp, float("nan") * second, float("nan"))
    columns = np.stack([1 / currents, 1 / (lengths * currents)], axis=1)
    (a, q), *_ = np.linalg.lstsq(columns, np.ones(len(lengths)), rcond=None)
    return ThresholdLaw(a * amp, q / a * second, _error(columns @ [a, q] - 1))


def _lapicque(lengths: np.ndarray, currents: np.ndarray) -> ThresholdLaw:
    """Fit ``I = a/(1 - 2**(-d/c))`` with relative errors."""
    if len(lengths) < 2:
        return ThresholdLaw(float("nan") * amp, float("nan") * second, float("nan"))

    def misses(logs: np.ndarray) -> np.ndarray:
        a, c = np.exp(logs)
        return np.asarray(-a / np.expm1(-np.log(2) * lengths / c) / currents - 1)

    start = np.log([currents[-1], np.sqrt(lengths[0] * lengths[-1])])
    fit = least_squares(misses, start, xtol=1e-12, ftol=1e-12, gtol=1e-12)
    a, c = np.exp(fit.x)
    return ThresholdLaw(a * amp, c * second, _error(fit.fun))


def _error(misses: np.ndarray) -> float:
    return float(np.sqrt(np.mean(misses**2)))
