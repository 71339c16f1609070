"""Do the rates of a network outrun the slow state of its neurons?

A decision takes tens of milliseconds, a pump seconds. Within one decision a rested neuron hardly
slows down. But inputs that follow one another without a pause let the state of each neuron rise
towards its mean rate, and every rate then means less than it was calibrated for.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.units.slow_unit import SlowUnit, advance

__all__ = ["NOTABLE", "Outrun", "outrun"]

Array = NDArray[np.float64]

NOTABLE = 0.05
"""Share of the spikes whose loss is worth a caution."""
_STEPS, _REACH = 400, 8.0


@dataclass(frozen=True)
class Outrun:
    """What the slow state takes from the rates of one layer.

    Attributes
    ----------
    layer : int
        Which hidden layer, from 1.
    decision_s, tau_s : float
        Length of a decision, and the time constant of the slow state (s).
    highest_Hz : float
        Highest rate of a rested neuron on these inputs.
    within : float
        Share of its spikes that the layer loses within the first decision of a rested network.
    worst_within : float
        The same, of the neuron and input that lose most.
    in_the_end : float
        Share that it loses once the states have settled, while inputs follow one another without a
        pause.
    notable_after_s : float
        Time of decisions without a pause after which a twentieth is lost (s); inf if it never is.
    """

    layer: int
    decision_s: float
    tau_s: float
    highest_Hz: float
    within: float
    worst_within: float
    in_the_end: float
    notable_after_s: float

    @property
    def within_a_decision(self) -> bool:
        """Whether a decision itself is long enough to lose a twentieth of the spikes."""
        return self.within > NOTABLE

    @property
    def notable(self) -> bool:
        """Whether a twentieth of the spikes is lost, within a decision or in a row of them."""
        return self.within_a_decision or self.in_the_end > NOTABLE

    def to_dict(self) -> dict[str, Any]:
        """Every number, as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        one = (
            f"within one decision of {1e3 * self.decision_s:.4g} ms of a rested network it loses "
            f"{100 * self.within:.2g} % of its spikes (one neuron up to "
            f"{100 * self.worst_within:.2g} %)"
        )
        begin = (
            f"hidden layer {self.layer}: rates of up to {self.highest_Hz:.3g} Hz outrun the slow "
            f"state of its neurons (time constant {self.tau_s:.3g} s)"
            if self.notable
            else f"hidden layer {self.layer}: the slow state of its neurons changes little"
        )
        end = f"{100 * self.in_the_end:.2g} %"
        row = f"while inputs follow one another without a pause it loses {end}"
        if np.isfinite(self.notable_after_s):
            row += f", and {100 * NOTABLE:g} % after {self.notable_after_s:.2g} s"
        remedy = (
            "; leave pauses of some time constants between inputs, or choose a lower max_rate_Hz"
            if self.notable
            else ""
        )
        return f"{begin}: {one}; {row}{remedy}"


def outrun(unit: SlowUnit, current_pA: Array, decision_s: float, layer: int = 1) -> Outrun:
    """Quantify what a slow state takes from the rates of a layer.

    Parameters
    ----------
    unit : SlowUnit
        Of each of its neurons.
    current_pA : ndarray, shape (n_samples, n_units)
        Current that drives each neuron on each input (pA).
    decision_s : float
        How long an input is shown (s).
    layer : int
        Which hidden layer, from 1.

    Returns
    -------
    Outrun

    Examples
    --------
    >>> from bridge.units import ReLU
    >>> unit = SlowUnit(ReLU(0.5, 100), strength=2.0, tau_s=5.0)
    >>> found = outrun(unit, np.full((3, 2), 300.0), 0.05)
    >>> round(found.within, 3), round(found.in_the_end, 3), round(found.notable_after_s, 2)
    (0.005, 0.5, 0.26)
    """
    current = np.asarray(current_pA, dtype=float)
    rested = np.asarray(unit.onset_rate(current))
    total = float(rested.sum())
    if total <= 0:
        return Outrun(layer, decision_s, unit.tau_s, 0.0, 0.0, 0.0, 0.0, float("inf"))
    first = unit.drive(current[..., None], decision_s)[..., 0]
    fires = rested > 0.01 * rested.max()
    worst = float((1 - first[fires] / rested[fires]).max())

    def mean_rate(state: Array) -> Array:
        return np.asarray(np.mean(unit.rate_at(current, state), axis=0))

    state = np.zeros(current.shape[1])
    step, lost = _REACH * unit.tau_s / _STEPS, np.zeros(_STEPS + 1)
    for k in range(_STEPS):
        _, state = advance(mean_rate, state, step, unit.tau_s)
        lost[k + 1] = 1 - float(mean_rate(state).sum()) * len(current) / total
    over = np.flatnonzero(lost > NOTABLE)
    after = float("inf")
    if len(over):
        k = int(over[0])
        part = (NOTABLE - lost[k - 1]) / (lost[k] - lost[k - 1])
        after = step * (k - 1 + float(part))
    return Outrun(
        layer,
        decision_s,
        unit.tau_s,
        float(rested.max()),
        1 - float(first.sum()) / total,
        worst,
        float(lost[-1]),
        after,
    )
