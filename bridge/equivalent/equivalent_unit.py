"""The unit that stands for a neuron: how sure that is, and what a rate leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.choice.adaptive_fit import AdaptiveFit
from bridge.choice.selection import Selection
from bridge.choice.selection_words import FAMILY_HEAD, in_columns, sentence
from bridge.counts.curve_plot import draw_unit
from bridge.equivalent import sentences
from bridge.equivalent.cautions import Caution, cautions
from bridge.errors import Refusal
from bridge.page_style import Axes
from bridge.slow_state.slow_fit import SlowFit
from bridge.spike_trains import StepFeatures
from bridge.stimulate.frozen_noise import FrozenLoss
from bridge.stimulate.step_responses import Responses
from bridge.units import Unit
from neurosim.atomic_write import plain
from neurosim.display import html_table
from neurosim.features.properties import CellProperties

if TYPE_CHECKING:
    import pandas as pd

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
    memory : SlowFit or None
        Whether the firing of the last seconds changes the rate, and the unit with a slow state;
        None where it was not asked for or could not be told.
    """

    name: str
    selection: Selection
    responses: Responses | None = None
    adaptation: AdaptiveFit | None = None
    features: StepFeatures | None = None
    frozen: FrozenLoss | None = None
    noise: str = ""
    notes: tuple[str, ...] = ()
    memory: SlowFit | None = None

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
            name: getattr(self, name)
            for name in ("selection", "adaptation", "memory", "features", "frozen")
        }
        return {
            "name": self.name,
            "ok": self.ok,
            "refusal": None if self.refusal is None else str(self.refusal),
            **{name: None if part is None else part.to_dict() for name, part in parts.items()},
            "current": self.selection.curve.current_name,
            "properties": None if self.properties is None else plain(self.properties.to_dict()),
            "cautions": [{"property": one.range.name, "says": str(one)} for one in self.cautions],
            "noise": self.noise,
            "notes": list(self.notes),
        }

    @property
    def properties(self) -> CellProperties | None:
        """Rest, input resistance, time constant, spike shape; None where only counts are known."""
        return None if self.responses is None else self.responses.properties

    def property_rows(self) -> list[sentences.PropertyRow]:
        """The intrinsic properties that are known, in words."""
        error = 0.0 if self.responses is None else self.responses.rest_error_mV
        return sentences.property_rows(self.properties, self.selection.curve, error)

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """Properties, and a counted rate, outside the range of neurons."""
        rates = self.selection.curve.mean_rate_Hz()
        known = self.properties
        resistance = np.nan if known is None else known.input_resistance_Mohm
        rest = sentences.resting(self.selection.curve, resistance)
        return cautions(known, float(rates.max(initial=0.0)), rest)

    @property
    def remarks(self) -> list[str]:
        """What to keep in mind: the sigmoid beside the unit, families refused, notes."""
        selection, best = self.selection, self.selection.best
        return [
            *filter(None, [selection.sigmoid_in_words()]),
            *selection.refusals("curve"),
            *(f"note: {one}" for one in (*selection.notes, *self.notes)),
            *(f"note: {one}" for one in (() if best is None else best.notes)),
        ]

    def lost(self) -> pd.DataFrame:
        """What the unit leaves out, a row a measure: name, value, meaning.

        Returns
        -------
        pandas.DataFrame
            Columns measure, value, unit, says.
        """
        import pandas as pd

        return pd.DataFrame(self.losses(), columns=["measure", "value", "unit", "says"])

    def losses(self) -> list[tuple[str, float, str, str]]:
        """The rows of `lost`."""
        rows: list[tuple[str, float, str, str]] = []
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
                ("adaptation strength", unit.strength_pA_per_Hz, "pA/Hz", "current per hertz"),
                ("adaptation time constant", unit.tau_s, "s", ""),
            ]
        if self.memory is not None and self.memory.chosen:
            slow = self.memory.unit
            rows += [
                ("slow state, strength", slow.strength, slow.strength_unit, slow.effect),
                ("slow state, time constant", slow.tau_s, "s", "memory of firing"),
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
        lines = [self.name, *self.selection.in_sentences()]
        if self.noise:
            lines.append(f"Background: {self.noise}.")
        lines += [f"Caution: {caution}." for caution in self.cautions]
        for title, head, rows, left in self._tables():
            cells = in_columns([head, *rows] if head else rows, left)
            lines += ["", title, *(f"  {line}" for line in cells)]
        if self.adaptation is not None:
            lines += ["", sentence(f"adaptation: {self.adaptation}")]
        if self.memory is not None:
            lines += ["", sentence(self.memory.in_words())]
        lines += ["", *(sentence(one) for one in self.remarks)]
        return "\n".join(lines).rstrip()

    def _tables(self) -> Iterator[tuple[str, tuple[str, ...], list[tuple[str, ...]], set[int]]]:
        """Title, head, rows and columns set to the left of each table that has rows."""
        best, selection = self.selection.best, self.selection
        if best is not None:
            head = ("parameter", "value", f"{100 * selection.confidence:g} % interval", "meaning")
            rows: list[tuple[str, ...]] = [*sentences.parameter_rows(best)]
            yield f"Parameters, if the {best.family} unit is right", head, rows, {0, 3}
            yield "Families, best first", FAMILY_HEAD, selection.in_cells(), {0, 5}
        told: list[tuple[str, ...]] = [(row.words, row.value) for row in self.property_rows()]
        if told:
            yield "Intrinsic properties", (), told, {0}
        left = [
            (name, f"{sentences.number(value)} {unit}".strip(), says)
            for name, value, unit, says in self.losses()
            if np.isfinite(value)
        ]
        if left:
            yield "What a rate unit leaves out", (), [*left], {0, 2}

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
        if best is not None:
            residual = f"{best.residual_rms_Hz:.2f} Hz"
            rows.append(("residual", residual, "rms, counted less expected rate"))
        rows += [(one.words, one.value, "intrinsic property") for one in self.property_rows()]
        rows += [
            (measure.strip(), f"{sentences.number(value)} {unit}".strip(), says)
            for measure, value, unit, says in self.losses()
            if np.isfinite(value)
        ]
        title = f"{self.name}: {self.selection.in_sentences()[0]}"
        said = [f"Caution: {caution}" for caution in self.cautions]
        return html_table(
            title, rows, ("measure", "value", "meaning"), "; ".join([*said, *self.notes])
        )
