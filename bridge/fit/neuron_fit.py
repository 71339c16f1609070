"""What a fit found, how sure it is, and how it was got: one frozen result that prints itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.fit.family_parts import LEAST_FOUND, LEAST_HELD, NeuronFamily
from bridge.fit.fit_figure import draw_fit
from bridge.fit.fit_target import FitTarget
from bridge.fit.step_scores import StepScore, UnitCheck
from bridge.page_style import save_page
from neurosim.atomic_write import plain
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron

__all__ = ["Control", "FittedParameter", "NeuronFit"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FittedParameter:
    """A parameter with an interval that is meant to hold the truth in 95 of 100 fits.

    How often it did is `NeuronFamily.found_again`.

    Attributes
    ----------
    name, words, unit : str
    value, low, high : float
        In `unit`.
    identifiable : bool
        Whether the interval is narrower than half of what was searched, and the value not at an end
        of it.
    bounds : tuple of (float, float)
        What was searched.
    """

    name: str
    words: str
    unit: str
    value: float
    low: float
    high: float
    identifiable: bool
    bounds: tuple[float, float]


@dataclass(frozen=True)
class Control:
    """The search without gradient, with the same misfit and as many runs.

    Attributes
    ----------
    misfit : float
    runs : int
        Steps that it ran.
    """

    misfit: float
    runs: int


@dataclass(frozen=True, eq=False, repr=False)
class NeuronFit:
    """A neuron that was fitted to a recording.

    Attributes
    ----------
    family : NeuronFamily
    target : FitTarget
    parameters : tuple of FittedParameter
    flat : tuple of str
        Combinations of parameters that the recording does not tell, in words.
    misfit : float
        Mean over fitted steps of half the sum of squares, in tolerances.
    starts : tuple of float
        Where the searches from each start ended, best first.
    scores : tuple of StepScore
        All steps, fitted ones first.
    reliability : float
        Mean coincidence factor of the cell with itself; nan where no step is repeated.
    unit : UnitCheck
    noise_misfit : float
        What the noise of the recording from sample to sample would leave of a neuron that is right.
    remaining : float
        See `Certainty`.
    runs, gradients : int
        Steps that were run, and those of them that were run back.
    growth : float
        By how much the run back amplified a displacement, at the best fit.
    over_noise : float
        Misfit of the potential, compared sample by sample at its own time, over that of the noise;
        nan where the fit is too far from the recording for that.
    between_mV : float
        Tolerance of the potential between spikes that was used.
    control : Control or None
    neighbours : float
        Mean coincidence factor of held-out steps with spikes midway between those of the recorded
        steps beside them (`bridge.fit.step_scores.between_neighbours`).
    traces : ndarray, shape (steps, samples)
        Potential of the fitted neuron at the steps of `scores` (mV), on the samples of the target.
    """

    family: NeuronFamily
    target: FitTarget
    parameters: tuple[FittedParameter, ...]
    flat: tuple[str, ...]
    misfit: float
    starts: tuple[float, ...]
    scores: tuple[StepScore, ...]
    reliability: float
    unit: UnitCheck
    noise_misfit: float
    remaining: float
    runs: int
    gradients: int
    growth: float
    over_noise: float = float("nan")
    between_mV: float = 1.0
    control: Control | None = None
    neighbours: float = float("nan")
    traces: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def __getitem__(self, name: str) -> FittedParameter:
        """Return a parameter by its name."""
        return next(one for one in self.parameters if one.name == name)

    @property
    def values(self) -> dict[str, float]:
        """Values by name, in customary units."""
        return {one.name: one.value for one in self.parameters}

    @property
    def at_bottom(self) -> bool:
        """Whether the search has reached a minimum, so that intervals mean something."""
        return self.remaining < 1.0

    @property
    def has_intervals(self) -> bool:
        """Whether intervals are given: at a minimum, within the noise, of a proven family.

        Of known neurons whose fit stayed above the noise, 4 of 14 intervals held the truth
        (``benchmarks/fit_recovery.py --family adex``), so they would mislead.
        """
        return self.at_bottom and self.within_noise and self.family.gives_intervals

    @property
    def within_noise(self) -> bool:
        """Whether the misfit is hardly more than what the noise alone leaves."""
        return self.times_noise < 1.25

    @property
    def times_noise(self) -> float:
        """How many times what the noise alone leaves: aligned, or sample by sample if more."""
        return float(np.fmax(self.misfit / max(self.noise_misfit, 1e-12), self.over_noise))

    @property
    def neuron(self) -> Neuron | PointNeuron:
        """The fitted neuron, to run and to export."""
        return self.family.neuron(self.values, self.target.rest_mV)

    @property
    def held_out(self) -> tuple[StepScore, ...]:
        """Scores of the steps that were not fitted."""
        return tuple(one for one in self.scores if one.held_out)

    @property
    def gamma(self) -> float:
        """Mean coincidence factor of the held-out steps in which cell and neuron fire."""
        known = [one.gamma for one in self.held_out if np.isfinite(one.gamma)]
        return float(np.mean(known)) if known else float("nan")

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__

    def _lines(self) -> list[str]:
        family, target = self.family, self.target
        lines = [
            f"{target.name}: {family.name}, {family.words}",
            f"fitted to {len(target.train)} steps of {target.step_ms:g} ms, "
            f"{len(target.held_out)} held out",
            "",
            *_table(self.parameters, self.has_intervals),
            "",
            *self._cautions(),
        ]
        if self.flat:
            lines += ["", "Not identifiable: the answer of the neuron hardly changes along"]
            lines += [f"  {words}" for words in self.flat]
        lines += ["", *self._scored(), "", *self._got()]
        if target.notes:
            lines += ["", *(f"note: {note}" for note in target.notes)]
        return lines

    def _cautions(self) -> list[str]:
        times = self.times_noise
        if not self.at_bottom:
            return [
                "The search has not reached a minimum (a full step would still move a parameter by "
                f"{self.remaining:.2g} standard deviations), and the misfit is {times:.3g} times "
                "what the noise of the recording would leave: no intervals; try more starts."
            ]
        if not self.within_noise:
            return [
                f"The misfit is {times:.3g} times what the noise of the recording would leave: the "
                "family does not follow this cell within its noise, or a better fit was not found. "
                "No intervals: so far above the noise they rarely hold the truth."
            ]
        told = ["What is left of the misfit is the noise of the recording."]
        neurons, held, of = self.family.found_again
        count = f"{neurons} known neuron{'s' if neurons > 1 else ''} of this family {held} of {of}"
        if not self.family.gives_intervals:
            asked = f"{LEAST_FOUND} known neurons, and {100 * LEAST_HELD:.0f} % of their intervals"
            return [
                *told,
                f"No intervals: in fits of {count} held the truth. They are given from {asked} on.",
            ]
        return [*told, f"Intervals are meant to hold the truth in 95 %; in fits of {count} did."]

    def _scored(self) -> list[str]:
        held = self.held_out
        near = sum(one.near for one in held)
        gammas = ["-" if np.isnan(one.gamma) else f"{one.gamma:.2f}" for one in held]
        lines = [
            f"Held-out steps: the spike count is within 10 % or one spike in {near} of {len(held)}",
            "  pA        " + _row(f"{one.current_pA:.4g}" for one in held),
            "  recorded  " + _row(str(one.recorded) for one in held),
            "  fitted    " + _row(str(one.fitted) for one in held),
            "  gamma     " + _row(gammas),
        ]
        if np.isfinite(self.reliability):
            lines.append(
                f"mean coincidence factor at 4 ms: {_digits(self.gamma)}; of the cell with itself "
                f"where a step is repeated: {_digits(self.reliability)}"
            )
            if self.reliability > 0.05 and np.isfinite(self.gamma):
                lines.append(f"  divided by it: {self.gamma / self.reliability:.2f}")
        else:
            lines.append(
                f"mean coincidence factor at 4 ms: {_digits(self.gamma)}; no step is repeated, so "
                "that the cell's own reliability is not known"
            )
            if np.isfinite(self.neighbours):
                lines.append(
                    "  spikes put midway between those of the next smaller and the next larger "
                    f"current would have {_digits(self.neighbours)}"
                )
        return [*lines, *self._unit_lines()]

    def _unit_lines(self) -> list[str]:
        unit = self.unit
        if unit.refused:
            return [f"f-I unit: nothing to compare ({unit.refused})"]
        said = "inside" if unit.inside else "not inside"
        lines = [f"f-I unit ({unit.family}): the fitted neuron's is {said} the recorded intervals"]
        lines += [
            f"  {name}: recorded {own:.4g} ({low:.4g} .. {high:.4g}), fitted neuron {other:.4g}"
            + ("" if inside else ", outside")
            for name, own, low, high, other, inside in unit.rows
        ]
        if unit.ended:
            lines.append(
                f"  its {unit.ended} went to the end of the range: the counts of the fitted neuron "
                "do not tell this unit, so compare the counts above instead"
            )
        return lines

    def _got(self) -> list[str]:
        ends = ", ".join(f"{one:.4g}" for one in self.starts)
        lines = [
            f"misfit {self.misfit:.4g}, with a tolerance of {self.between_mV:.3g} mV between "
            f"spikes; searches by gradient ended at {ends}",
            f"{self.runs} steps were run, {self.gradients} of them with the gradient; growth "
            f"backwards {self.growth:.2g}",
        ]
        if self.control is not None:
            lines.append(
                f"without gradient (CMA-ES, {self.control.runs} steps run): misfit "
                f"{self.control.misfit:.4g}"
            )
        return lines

    def plot(self) -> Any:
        """Draw recorded and fitted traces and the f-I curve of both; a Matplotlib figure."""
        return draw_fit(self.target, self.scores, self.traces, self.family.name)

    def save(self, folder: Path) -> tuple[Path, ...]:
        """Write the figure (PNG) and the report (text) to a folder."""
        from neurosim.atomic_write import write_text

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{self.target.name}_{self.family.name}"
        picture = save_page(self.plot(), folder / f"{stem}.png")
        report = folder / f"{stem}.txt"
        write_text(report, f"{self}\n")
        return picture, report

    def _told(self, one: FittedParameter) -> dict[str, Any]:
        """Return a parameter, without the interval that the report does not give either."""
        told = {k: plain(v) for k, v in vars(one).items() if k != "bounds"}
        return told if self.has_intervals else told | {"low": None, "high": None}

    def to_dict(self) -> dict[str, Any]:
        """Return every number, without traces."""
        return {
            "family": self.family.name,
            "name": self.target.name,
            "parameters": {one.name: self._told(one) for one in self.parameters},
            "has_intervals": self.has_intervals,
            "flat": list(self.flat),
            "misfit": self.misfit,
            "noise_misfit": self.noise_misfit,
            "remaining": self.remaining,
            "over_noise": plain(self.over_noise),
            "between_mV": self.between_mV,
            "starts": list(self.starts),
            "scores": [{k: plain(v) for k, v in vars(one).items()} for one in self.scores],
            "gamma": plain(self.gamma),
            "reliability": plain(self.reliability),
            "neighbours": plain(self.neighbours),
            "unit": {
                "family": self.unit.family,
                "inside": self.unit.inside,
                "ended": self.unit.ended,
            },
            "runs": self.runs,
            "gradients": self.gradients,
            "growth": self.growth,
            "control": None if self.control is None else vars(self.control),
        }


def _table(parameters: tuple[FittedParameter, ...], sure: bool) -> list[str]:
    rows = [("parameter", "value", "interval", "")]
    for one in parameters:
        unit = "" if one.unit == "x" else f" {one.unit}"
        interval = f"{_digits(one.low)} .. {_digits(one.high)}{unit}"
        rows.append(
            (one.words, f"{_digits(one.value)}{unit}",
             interval if one.identifiable and sure else "-",
             "" if one.identifiable else "not identifiable")
        )  # fmt: skip
    wide = [max(len(row[k]) for row in rows) for k in range(4)]
    return ["  ".join(c.ljust(w) for c, w in zip(row, wide, strict=True)).rstrip() for row in rows]


def _row(cells: Any) -> str:
    return " ".join(f"{cell:>6}" for cell in cells)


def _digits(value: float) -> str:
    return "-" if not np.isfinite(value) else f"{value:.4g}"
