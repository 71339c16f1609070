"""The unit that stands for a neuron: how sure that is, and what a rate leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bridge.choice.adaptive_fit import AdaptiveFit
from bridge.choice.selection import Selection
from bridge.counts.curve_plot import draw_unit
from bridge.errors import Refusal
from bridge.page_style import Axes
from bridge.spike_trains import StepFeatures
from bridge.stimulate.frozen_noise import FrozenLoss
from bridge.stimulate.step_responses import Responses
from bridge.units import Unit
from neurosim.display import html_table

__all__ = ["EquivalentUnit"]


@dataclass(frozen=True, eq=False)
class EquivalentUnit:
    """The unit that stands for a neuron, how sure that is, and what is lost.

    Attributes
    ----------
    name : str
        What the neuron is called.
    selection : Selection
        Families ranked, with intervals, or the reason of a refusal.
    responses : Responses or None
        Spike times of the steps; None where only counts are known.
    adaptation : AdaptiveFit or None
        Onset and steady curve; None where spike times are not known or too few.
    features : StepFeatures or None
        Adaptation index, CV, latency; None where spike times are not known.
    frozen : FrozenLoss or None
        Reliability and information under frozen noise; None for recordings and where not asked for.
    noise : str
        Background noise of a model, in words; empty where there is none.
    notes : tuple of str
        What could not be told, and why.
    """

    name: str
    selection: Selection
    responses: Responses | None = None
    adaptation: AdaptiveFit | None = None
    features: StepFeatures | None = None
    frozen: FrozenLoss | None = None
    noise: str = ""
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether a unit may stand for the neuron: fitted, and within counting noise."""
        return self.refusal is None

    @property
    def refusal(self) -> Refusal | None:
        """Why no unit stands for the neuron; None where one does."""
        return self.selection.refusal

    @property
    def family(self) -> str | None:
        """Name of the likeliest family; None where none was fitted."""
        return None if self.selection.best is None else self.selection.best.family

    @property
    def unit(self) -> Unit:
        """The unit.

        Raises
        ------
        RefusedError
            None may stand for the neuron; the message gives the reason.
        """
        return self.selection.require()

    def to_dict(self) -> dict[str, Any]:
        """Every number, fit for JSON."""
        parts = {
            name: getattr(self, name) for name in ("selection", "adaptation", "features", "frozen")
        }
        return {
            "name": self.name,
            "ok": self.ok,
            "refusal": None if self.refusal is None else str(self.refusal),
            **{name: None if part is None else part.to_dict() for name, part in parts.items()},
            "noise": self.noise,
            "notes": list(self.notes),
        }

    def lost(self) -> pd.DataFrame:
        """What the unit leaves out, a row a measure: name, value, meaning.

        Returns
        -------
        pandas.DataFrame
            Columns measure, value, unit, says.
        """
        return pd.DataFrame(self._rows(), columns=["measure", "value", "unit", "says"])

    def _rows(self) -> list[tuple[str, float, str, str]]:
        rows: list[tuple[str, float, str, str]] = []
        best = self.selection.best
        if best is not None:
            rows.append(
                ("residual of the unit", best.residual_rms_Hz, "Hz", "rms, over the currents")
            )
        loss = self.selection.sigmoid_loss
        if loss is not None:
            rows.append(("residual of the sigmoid", loss.residual_rms_Hz, "Hz", "rms"))
        told = self.features
        if told is not None:
            rows += [
                ("adaptation index", told.adaptation_index, "", "0: even firing"),
                ("last over first interval", told.slowing, "", "1: no slowing"),
                ("CV of intervals", told.cv, "", "0: clockwork, 1: Poisson"),
                ("latency", told.latency_ms, "ms", "strongest step"),
            ]
        if self.adaptation is not None and self.adaptation.adapts:
            unit = self.adaptation.unit
            rows += [
                ("adaptation strength", unit.strength_pA_per_Hz, "pA/Hz", "current a hertz"),
                ("adaptation time constant", unit.tau_s, "s", ""),
            ]
        if self.frozen is not None:
            own, static, smooth = self.frozen.reliability, self.frozen.static, self.frozen.filtered
            rows += [
                ("jitter, frozen noise", own.jitter_ms, "ms", "within events"),
                ("spikes in events", own.reliability, "", "1: every spike comes again"),
                ("coincidence of trials, Γ", own.coincidence, "", f"± {own.precision_ms:g} ms"),
                ("SPIKE distance of trials", own.spike_distance, "", "0: equal"),
                ("Γ kept by the unit", self.frozen.coincidence_kept, "", "1: as its own trials"),
                ("bits in spikes", static.cell_bits_Hz, "bit/s", "about time in the stimulus"),
                ("bits in the unit's output", smooth.unit_bits_Hz, "bit/s", "as Poisson spikes"),
                ("bits the unit keeps", static.bits, "", "static; 1: all that repeats"),
                ("  with a low-pass", smooth.bits, "", f"{1e3 * self.frozen.filter_s:g} ms"),
                ("power the unit keeps", smooth.power, "", "of what repeats"),
            ]
        return rows

    def __str__(self) -> str:
        lines = [str(self.selection)]
        if self.noise:
            lines.append(f"background: {self.noise}")
        if self.adaptation is not None:
            lines.append(f"adaptation: {self.adaptation}")
        for measure, value, unit, says in self._rows():
            if np.isfinite(value):
                told = f" ({says})" if says else ""
                lines.append(f"lost: {measure.strip()} {value:.3g} {unit}".rstrip() + told)
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `Selection.plot`, and the rate at the onset of a step where the neuron adapts.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).

        Returns
        -------
        matplotlib Axes
            Of the rates.
        """
        ax = self.selection.plot(ax)
        fit, best = self.adaptation, self.selection.best
        if fit is not None and fit.adapts and best is not None:
            bottom, top = ax.get_ylim()
            fine = np.linspace(*best.valid_pA, 500)
            onset = fit.unit.onset_rate(fine)
            draw_unit(ax, fine, onset, "at onset, before adaptation", style="-.")
            # A rate at onset may be far above any that was counted: the counts stay readable.
            ax.set_ylim(bottom, min(max(1.05 * float(onset.max()), top), 3 * top))
            ax.set_xlabel("")
            ax.legend(fontsize="small")
        return ax

    def __repr__(self) -> str:
        told = f"no unit: {self.refusal}" if self.refusal else repr(self.unit)
        return f"EquivalentUnit({self.name}: {told})"

    def _repr_html_(self) -> str:
        best = self.selection.best
        rows = [] if best is None else best.numbers()
        rows += [
            (measure.strip(), f"{value:.3g} {unit}".strip(), says)
            for measure, value, unit, says in self._rows()
            if np.isfinite(value)
        ]
        title = f"{self.name}: {self.refusal or f'{self.family} unit'}"
        return html_table(title, rows, ("measure", "value", "meaning"), "; ".join(self.notes))
