"""One family fitted to a curve: the unit, its intervals, how far it is from the counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.units.base import Unit
from neurosim.atomic_write import plain

__all__ = ["Interval", "SigmoidLoss", "UnitFit"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Ends of a confidence interval; infinite where the data set no end.

    Examples
    --------
    >>> 5 in Interval(4.0, np.inf)
    True
    >>> print(Interval(4.0, np.inf), Interval(1324.2, 1389.0), sep="; ")
    4 .. open; 1324 .. 1389
    """

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        low, high = (
            _digits(end, 3) if np.isfinite(end) else "open" for end in (self.low, self.high)
        )
        return f"{low} .. {high}"


def _digits(value: float, digits: int) -> str:
    """So many digits; a large number has more of them, not a power of ten."""
    return f"{value:.0f}" if abs(value) >= 10**digits - 0.5 else f"{value:.{digits}g}"


@dataclass(frozen=True, eq=False)
class UnitFit:
    """One family fitted to the curve.

    Attributes
    ----------
    unit : Unit
        The most likely unit of the family.
    log_likelihood : float
        Of all counts (nats).
    n_parameters : int
        Fitted parameters of the unit.
    aicc : float
        Corrected Akaike criterion; lower is better.
    weight : float
        Akaike weight among the families compared.
    intervals : dict of Interval
        By parameter; empty where none were asked for.
    current_pA : ndarray, shape (m,)
        Distinct currents.
    residual_count, residual_Hz : ndarray, shape (m,)
        Measured less expected, mean count of a window and rate.
    noise_Hz : ndarray, shape (m,)
        Standard deviation of the mean rate by counting noise alone.
    p_fit : float
        Chance of so large a misfit if the unit were right; nan where the unit has as many
        parameters as there are informative currents, or where its own residuals are all that tells
        how noisy the counts are.
    noise_ratio : float
        Residuals over counting noise, root mean square.
    adequate : bool
        Whether it claims to fit: the residuals are no larger than counting noise.
    notes : tuple of str
        What to keep in mind.
    fixed : mapping of str to float
        Parameters that were known and not fitted.
    tested_by : {"", "Poisson counts", "its own residuals"}
        What `p_fit` and `noise_ratio` are held against, where that is not `noise_Hz` (counts alone
        may tell too little to judge a unit by how regular they look), or is nothing else than the
        residuals of this unit.
    tested_Hz : float
        Root mean square of the noise that Poisson counts would have, if they are the test (Hz).
    possible_by : {"", "spike times", "counts", "nothing"}
        Of a clockwork cell: the strictest of its data that the unit gives without any error; then
        `adequate` says whether it predicts every count, and there is no `p_fit`. Else empty.
    """

    unit: Unit
    log_likelihood: float
    n_parameters: int
    aicc: float
    weight: float
    intervals: Mapping[str, Interval]
    current_pA: Array
    residual_count: Array
    residual_Hz: Array
    noise_Hz: Array
    p_fit: float
    noise_ratio: float
    adequate: bool
    notes: tuple[str, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)
    tested_by: str = ""
    tested_Hz: float = np.nan
    possible_by: str = ""

    @property
    def family(self) -> str:
        """Name of the family."""
        return self.unit.name

    @property
    def residual_rms_Hz(self) -> float:
        """Root mean square of the residuals (Hz)."""
        return float(np.sqrt(np.mean(self.residual_Hz**2)))

    @property
    def noise_rms_Hz(self) -> float:
        """Root mean square of the counting noise (Hz)."""
        return float(np.sqrt(np.mean(self.noise_Hz**2)))

    @property
    def valid_pA(self) -> tuple[float, float]:
        """Currents it was tested on (pA); outside, it is a guess."""
        return float(self.current_pA[0]), float(self.current_pA[-1])

    @property
    def valid_Hz(self) -> tuple[float, float]:
        """Rates it has on those currents (Hz)."""
        rate = self.unit.rate(self.current_pA)
        return float(rate.min()), float(rate.max())

    @property
    def verdict(self) -> str:
        """Whether it fits, in words."""
        if self.possible_by == "nothing":
            return "does not predict every count"
        if self.possible_by:
            kind = "interval between spikes" if self.possible_by == "spike times" else "count"
            return f"predicts every {kind}"
        if np.isnan(self.p_fit) and self.tested_by == "its own residuals":
            return f"the counting noise was found from {self.tested_by}, so that nothing tests it"
        if np.isnan(self.p_fit):
            return "nothing is left to test it by"
        return f"{'adequate' if self.adequate else 'not adequate'}, {self.chance}"

    @property
    def standardised(self) -> str:
        """How large the residuals are against the noise at each current, in words."""
        of = self.tested_by if self.tested_by == "Poisson counts" else "counting noise"
        return (
            f"misses by {self.residual_rms_Hz:.2g} Hz (rms), {self.noise_ratio:.2g} standard "
            f"deviations of {of} (rms; 1 is expected)"
        )

    @property
    def chance(self) -> str:
        """Its p, and against what it was held if that is not the noise in use."""
        against = ""
        if self.tested_by:
            against = f" against {self.tested_by}, which leave {self.tested_Hz:.2f} Hz"
        return f"p = {self.p_fit:.2g}{against}"

    def numbers(self, digits: int = 3) -> list[tuple[str, str, str]]:
        """Name, value and interval of each parameter of the unit; an interval may be empty."""
        return [
            (name, _digits(getattr(self.unit, name), digits), str(self.intervals.get(name, "")))
            for name in (parameter.name for parameter in self.unit.parameters)
        ]

    def in_words(self) -> str:
        """All `numbers` in a line."""
        return ", ".join(
            f"{name} {value}" + (f" ({interval})" if interval else "")
            for name, value, interval in self.numbers()
        )

    def to_dict(self) -> dict[str, Any]:
        """Every number, fit for JSON; None stands for an open end.

        Returns
        -------
        dict
        """
        ends = {name: [one.low, one.high] for name, one in self.intervals.items()}
        numbers = {
            name: getattr(self, name)
            for name in (
                "log_likelihood", "n_parameters", "aicc", "weight", "adequate", "p_fit",
                "noise_ratio", "residual_rms_Hz", "noise_rms_Hz", "residual_count", "residual_Hz",
                "noise_Hz", "tested_by", "tested_Hz", "valid_pA", "valid_Hz", "notes",
                "possible_by", "verdict",
            )
        }  # fmt: skip
        said = {"family": self.family, "unit": self.unit.to_dict(), "intervals": ends, **numbers}
        return dict(plain(said))


@dataclass(frozen=True)
class SigmoidLoss:
    """How much worse the logistic unit is than the best one.

    Attributes
    ----------
    best : str
        The family it is compared with.
    rms_Hz, max_Hz : float
        Difference of the two units over the measured currents (Hz).
    max_at_pA : float
        Where it is largest (pA).
    residual_rms_Hz, best_residual_rms_Hz : float
        Distance of each from the measured rates (Hz).
    delta_aicc : float
        AICc of the logistic less that of the best.
    bits_per_measurement, bits_per_spike : float
        Log-likelihood lost, base 2.
    """

    best: str
    rms_Hz: float
    max_Hz: float
    max_at_pA: float
    residual_rms_Hz: float
    best_residual_rms_Hz: float
    delta_aicc: float
    bits_per_measurement: float
    bits_per_spike: float
