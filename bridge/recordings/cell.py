"""A recorded cell: its sweeps, the steps found in them, the spikes counted in each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bridge.counts.curve import FICurve
from bridge.counts.spike_timing import timing_of
from bridge.page_style import Axes
from bridge.recordings.cell_properties import StepAnswer, properties
from bridge.recordings.errors import RecordingError, about
from bridge.recordings.formats.sweeps import READERS_DIFFER, Sweep
from bridge.recordings.protocol import Protocol, Step, find_protocol
from bridge.recordings.sweep_drawing import plot_sweeps
from neurosim.display import html_table
from neurosim.features import membrane
from neurosim.features.properties import CellProperties
from neurosim.features.spike_detection import SpikeRule, find_spikes

__all__ = ["CellRecording"]


@dataclass(frozen=True, eq=False, repr=False)
class CellRecording:
    """The sweeps of one cell in current clamp; what is found in them is computed once, on demand.

    Parameters
    ----------
    sweeps : tuple of Sweep
        In the order of the file.
    name : str
        How tables, figures and errors call the cell.
    files : tuple of pathlib.Path
        Where it was read from.
    rule : SpikeRule
        What counts as an action potential.
    cut : tuple of (int, str)
        Sweeps that the file holds in part or not at all, by number, and what is missing.
    unused : tuple of (int, str)
        Sweeps whose current the file does not hold, by number, and why.

    Examples
    --------
    >>> t = np.arange(0, 0.5, 1e-4)
    >>> step = np.where((t > 0.1) & (t < 0.4), 1.0, 0.0)
    >>> sweeps = tuple(Sweep(k, 1e4, -70 + 10 * k * step, 50.0 * k * step) for k in range(3))
    >>> [step.current_pA for step in CellRecording(sweeps).steps]
    [0.0, 50.0, 100.0]
    """

    sweeps: tuple[Sweep, ...]
    name: str = "recording"
    files: tuple[Path, ...] = ()
    rule: SpikeRule = field(default_factory=SpikeRule)
    cut: tuple[tuple[int, str], ...] = ()
    unused: tuple[tuple[int, str], ...] = ()

    def __len__(self) -> int:
        return len(self.sweeps)

    @property
    def where(self) -> str:
        """How an error calls the recording: its file, or its name where there are several."""
        return self.files[0].name if len(self.files) == 1 else self.name

    @cached_property
    def protocol(self) -> Protocol:
        """Steps, test pulses and sweeps left out; raises where there is no step."""
        with about(self.where):
            return find_protocol(self.sweeps)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step of every sweep, by sweep."""
        return self.protocol.steps

    @cached_property
    def spikes_s(self) -> tuple[NDArray[np.float64], ...]:
        """Times of the spikes' peaks in each sweep, from its start (s)."""
        edges: dict[int, set[float]] = {}
        for step in (*self.protocol.steps, *self.protocol.pulses):
            edges.setdefault(step.sweep, set()).update((step.start_s, step.stop_s))
        return tuple(
            find_spikes(
                sweep.voltage_mV, sweep.sampling_rate_Hz, sorted(edges.get(k, ())), self.rule
            )
            / sweep.sampling_rate_Hz
            for k, sweep in enumerate(self.sweeps)
        )

    def spikes_in(
        self, step: Step, window: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """Spike times within one step, from its start (s)."""
        start, stop = (0.0, step.duration_s) if window is None else window
        times = self.spikes_s[step.sweep] - step.start_s
        # Half a sample of grace: a peak on the first sample belongs to the window.
        grace = 0.25 / self.sweeps[step.sweep].sampling_rate_Hz
        return times[(times >= start - grace) & (times < stop - grace)]

    def is_from_holding(self, step: Step) -> bool:
        """Whether the holding current flows just before a step, and no pre-pulse."""
        return abs(step.before_pA - step.holding_pA) <= self._apart_pA

    @cached_property
    def _apart_pA(self) -> float:
        """How far two currents of this recording differ at least to be two (pA)."""
        if all(sweep.current_kind == "command" for sweep in self.sweeps):
            return 1e-6
        levels = [level for s in self.steps for level in (s.current_pA, s.holding_pA)]
        return max(0.5, 0.005 * float(np.ptp(levels)))

    def _answer(self, step: Step) -> StepAnswer:
        sweep, rested = self.sweeps[step.sweep], self.is_from_holding(step)
        spikes, weakest = self.spikes_in(step), self._fires_from_pA
        return StepAnswer(step, sweep, spikes, rested, self.rule, weakest)

    @cached_property
    def _fires_from_pA(self) -> float:
        """Weakest current above holding at which it fires (pA); infinite if it never does."""
        stretches = (*self.steps, *self.protocol.pulses)
        firing = [step.amplitude_pA for step in stretches if len(self.spikes_in(step))]
        # Spikes before any step or pulse are firing at the holding current; those after one may be
        # its rebound.
        firsts: dict[int, float] = {}
        for step in stretches:
            firsts[step.sweep] = min(step.start_s, firsts.get(step.sweep, step.start_s))
        if any((self.spikes_s[k] < start).any() for k, start in firsts.items()):
            firing.append(0.0)
        return min(firing, default=float("inf"))

    @cached_property
    def answers(self) -> tuple[StepAnswer, ...]:
        """What the cell answered to each of `steps`."""
        return tuple(map(self._answer, self.steps))

    @cached_property
    def pulse_answers(self) -> tuple[StepAnswer, ...]:
        """What the cell answered to each test pulse."""
        return tuple(map(self._answer, self.protocol.pulses))

    def features(self) -> pd.DataFrame:
        """Return the features of every step.

        Returns
        -------
        pandas.DataFrame
            One row a step: sweep (as the file numbers it), step, current_pA (above holding),
            holding_pA, and the columns of `neurosim.features.step.step_features`.
        """
        return pd.DataFrame([answer.features() for answer in self.answers])

    def spike_features(self, step: Step | None = None) -> pd.DataFrame:
        """Return the features of every spike.

        Parameters
        ----------
        step : Step, optional
            Of one of `steps`; of all where left out.

        Returns
        -------
        pandas.DataFrame
            One row a spike: sweep, step, current_pA (above holding), and the columns of
            `neurosim.features.spike_shape.SpikeShape`, times from the start of the step.
        """
        rows = [
            {
                "sweep": answer.sweep.number,
                "step": answer.step.number,
                "current_pA": answer.amplitude_pA,
                **asdict(shape),
            }
            for answer in (self.answers if step is None else (self._answer(step),))
            for shape in answer.shapes()
        ]
        return pd.DataFrame(rows)

    @property
    def left_out(self) -> dict[int, str]:
        """Why sweeps are not used, by their number in the files."""
        told = {self.sweeps[k].number: why for k, why in self.protocol.left_out}
        return dict(self.unused) | told

    def left_out_in_words(self) -> list[str]:
        """Return a sentence a reason why sweeps are not used."""
        by_reason: dict[str, list[int]] = {}
        for number, why in self.left_out.items():
            by_reason.setdefault(why, []).append(number)
        return [
            f"{len(numbers)} of {len(self.sweeps) + len(self.unused)} sweeps are not used "
            f"({numbers[0]}{'' if len(numbers) == 1 else f' to {numbers[-1]}'}): {why}"
            for why, numbers in by_reason.items()
        ]

    @cached_property
    def properties(self) -> CellProperties:
        """Passive membrane, spike shape, rheobase and block of the cell as a whole."""
        return properties(self.answers, self.pulse_answers)

    def counts(self, window: tuple[float, float] | None = None) -> pd.DataFrame:
        """Spikes of every step.

        Parameters
        ----------
        window : (float, float), optional
            From the start of a step (s); the whole step where left out.

        Returns
        -------
        pandas.DataFrame
            One row a step: sweep (as the file numbers it), step, current_pA (above holding),
            holding_pA, start_s, window_s, count, blocked.
        """
        rows = [
            {
                "sweep": answer.sweep.number,
                "step": answer.step.number,
                "current_pA": answer.amplitude_pA,
                "holding_pA": answer.step.holding_pA,
                "start_s": answer.step.start_s,
                "window_s": _length_s(answer, window),
                "count": len(self.spikes_in(answer.step, window)),
                "blocked": answer.is_blocked,
            }
            for answer in self.answers
        ]
        return pd.DataFrame(rows)

    def fi_curve(
        self,
        step: int | None = None,
        window: tuple[float, float] | None = None,
        current: Literal["step", "total"] = "step",
    ) -> FICurve:
        """Count spikes against current.

        Parameters
        ----------
        step : int, optional
            Which step of a sweep, from 1. Left out: all that start from the holding current and
            last equally long (with several lengths, those with most currents); more than one in
            a sweep are repeats, or points of a staircase.
        window : (float, float), optional
            Where to count, from the start of a step (s); the whole step where left out.
        current : {"step", "total"}
            Current above holding, as f-I curves are usually drawn, or all that flows.

        Returns
        -------
        FICurve
            Repeats of a current are trials; `provenance` states window, holding current, steps
            and sweeps used and left out, the rule for a spike, and the currents (``blocked_pA``)
            at which the cell ends in depolarisation block.

        Raises
        ------
        RecordingError
            There are no steps, one sweep or current only, no spike in any step, or the cell is in
            depolarisation block at every current that makes it fire.
        """
        with about(self.where):
            chosen = self._chosen(step)
            self._check_choice(chosen, window, current)
            currents = self.nominal_pA(chosen, current)
            self._check_range(currents)
            self._check_answer(chosen, currents)
        trains = [self.spikes_in(a.step, window) for a in chosen]
        sampled = max(1 / self.sweeps[a.step.sweep].sampling_rate_Hz for a in chosen)
        return FICurve(
            np.array(currents),
            np.array([len(train) for train in trains]),
            np.array([_length_s(a, window) for a in chosen]),
            pd.Series(currents).groupby(currents).cumcount().to_numpy(),
            source=self.name,
            provenance=self._provenance(chosen, currents, window, current),
            timing=timing_of(trains, sampled, 0.0 if window is None else window[0]),
        )

    def _check_choice(
        self, chosen: list[StepAnswer], window: tuple[float, float] | None, current: str
    ) -> None:
        shortest = min(a.step.duration_s for a in chosen)
        if window is not None and not 0 <= window[0] < window[1] <= shortest + 1e-9:
            raise RecordingError(
                "choice",
                f"window {window} s does not lie within the steps of {shortest:g} s",
                f"choose both ends between 0 and {shortest:g} s",
            )
        if current not in ("step", "total"):
            raise RecordingError(
                "choice", f"there is no current {current!r}", "say 'step' or 'total'"
            )

    def _check_range(self, currents: list[float]) -> None:
        # A pulse below holding beside the one step of a sweep adds no point to the curve.
        if len(self.sweeps) == 1 and sum(amount > 0 for amount in set(currents)) < 2:
            raise RecordingError(
                "one-sweep",
                f"one sweep, with {', '.join(f'{amount:g}' for amount in currents)} pA",
                "an f-I curve needs at least two depolarising currents; give the file with all "
                "sweeps, or all files of the series",
            )
        if len(set(currents)) < 2:
            raise RecordingError(
                "one-current",
                f"all {len(currents)} steps are of {currents[0]:g} pA",
                "an f-I curve needs at least two currents; repeats of one serve reliability",
            )

    def _check_answer(self, chosen: list[StepAnswer], currents: list[float]) -> None:
        fired = [bool(len(a.spikes_s)) for a in chosen]
        blocked = [a.is_blocked for a in chosen]
        healthy = [f and not b for f, b in zip(fired, blocked, strict=True)]
        if any(blocked) and not any(healthy):
            first = min(c for c, b in zip(currents, blocked, strict=True) if b)
            raise RecordingError(
                "block",
                f"the cell is in depolarisation block from its first suprathreshold step on "
                f"({first:g} pA)",
                f"record smaller steps, below {first:g} pA, or a healthier cell",
            )
        if not any(fired):
            raise self._silence(chosen, max(currents))

    def _silence(self, chosen: list[StepAnswer], largest: float) -> RecordingError:
        """Say that no step makes the cell fire, and what that may mean."""
        elsewhere = sum(map(len, self.spikes_s)) - sum(len(a.spikes_s) for a in chosen)
        wrong = f"no spike in any of {len(chosen)} steps up to {largest:g} pA"
        if elsewhere:
            wrong += f"; {elsewhere} spike{'s lie' if elsewhere > 1 else ' lies'} outside the steps"
        highest = max(a.steady_mV for a in chosen)
        if highest > membrane.BLOCK_MV:
            return RecordingError(
                "silent",
                f"{wrong}, although they depolarise the membrane to {highest:.3g} mV",
                "check that the cell can fire (sodium channels not blocked, not a model cell) and "
                "that this channel is its membrane potential",
            )
        return RecordingError(
            "silent", wrong, "inject more current; or check that this channel is the cell's voltage"
        )

    def curve_steps(
        self, step: int | None = None, current: Literal["step", "total"] = "step"
    ) -> list[tuple[float, Step]]:
        """Return the steps an f-I curve is made of, each with the current it stands at.

        Parameters
        ----------
        step, current
            As in `fi_curve`.

        Returns
        -------
        list of (float, Step)
            In the order of the curve's entries: by current (pA), then by trial.

        Examples
        --------
        >>> from bridge.recordings import made_recording
        >>> cell = made_recording([100, 0, 200], [5, 0, 12])
        >>> [(amount, len(cell.spikes_in(step))) for amount, step in cell.curve_steps()]
        [(0.0, 0), (100.0, 5), (200.0, 12)]
        """
        with about(self.where):
            chosen = self._chosen(step)
        pairs = zip(self.nominal_pA(chosen, current), (a.step for a in chosen), strict=True)
        return sorted(pairs, key=lambda pair: pair[0])

    def _chosen(self, number: int | None) -> list[StepAnswer]:
        numbers = self.protocol.numbers
        if number is not None:
            if number not in numbers:
                raise RecordingError(
                    "choice",
                    f"there is no step {number}",
                    f"choose among {', '.join(map(str, numbers))}",
                )
            return [a for a in self.answers if a.step.number == number]
        groups: dict[float, list[StepAnswer]] = {}
        for answer in [a for a in self.answers if a.from_holding] or self.answers:
            groups.setdefault(round(answer.step.duration_s, 2), []).append(answer)
        # Most currents; among equals the longest.
        return max(
            groups.items(),
            key=lambda item: (len({round(a.step.current_pA) for a in item[1]}), item[0]),
        )[1]

    def nominal_pA(self, chosen: Sequence[StepAnswer], current: str = "step") -> list[float]:
        """Return currents of steps (pA); measured ones that cannot be told apart share one.

        Parameters
        ----------
        chosen : sequence of StepAnswer
            Of `answers`.
        current : {"step", "total"}
            Whether the holding current is left out.
        """
        raw = np.array([a.amplitude_pA if current == "step" else a.step.current_pA for a in chosen])
        order = np.argsort(raw)
        group = np.concatenate([[0], np.cumsum(np.diff(raw[order]) > self._apart_pA)])
        means = np.bincount(group, raw[order]) / np.bincount(group)
        values = np.empty(len(raw))
        values[order] = means[group]
        return [round(float(value), 4) for value in values]

    def _provenance(
        self,
        chosen: list[StepAnswer],
        currents: list[float],
        window: tuple[float, float] | None,
        current: str,
    ) -> dict[str, Any]:
        steps = [a.step for a in chosen]
        blocked = {c for c, a in zip(currents, chosen, strict=True) if a.is_blocked}
        return {
            "files": [path.name for path in self.files],
            "steps": sorted({s.number for s in steps}),
            "sweeps": [a.sweep.number for a in chosen],
            "left_out": self.left_out,
            "cut": dict(self.cut),
            "channel": chosen[0].sweep.channel,
            "readers": chosen[0].sweep.readers,
            "window_from_step_s": [0.0, steps[0].duration_s] if window is None else list(window),
            "holding_pA": float(np.median([s.holding_pA for s in steps])),
            "current": "above holding" if current == "step" else "total",
            "current_kind": chosen[0].sweep.current_kind,
            "blocked_pA": sorted(blocked),
            "spike": asdict(self.rule),
        }

    def __repr__(self) -> str:
        return f"CellRecording({', '.join(f'{name} {value}' for name, value in self._said())})"

    def _repr_html_(self) -> str:
        return html_table(f"Recording of {self.name}", self._said())

    def _said(self) -> list[tuple[str, str]]:
        """What a reader wants to know first, a row a fact."""
        rates = sorted({sweep.sampling_rate_Hz for sweep in self.sweeps})
        said = [
            ("name", self.name),
            ("sweeps", f"{len(self)} of {max(s.duration_s for s in self.sweeps):g} s"),
            ("sampled at", " and ".join(f"{rate / 1e3:g}" for rate in rates) + " kHz"),
        ]
        chosen = dict.fromkeys(sweep.channel for sweep in self.sweeps if sweep.channel)
        if chosen:
            said += [("channel", "; ".join(chosen))]
        told = dict.fromkeys(s.readers for s in self.sweeps if READERS_DIFFER in s.readers)
        if told:
            said += [("readers", "; ".join(told))]
        if self.unused:
            said += [("left out", "; ".join(f"sweep {k}: {why}" for k, why in self.unused))]
        if self.cut:
            said += [("cut", "; ".join(f"sweep {number}: {what}" for number, what in self.cut))]
        try:
            amounts = [a.amplitude_pA for a in self.answers]
        except RecordingError as error:
            return [*said, ("steps", f"none: {error.wrong}")]
        lengths = sorted({a.step.duration_s for a in self.answers})
        return [
            *said,
            (
                "steps",
                f"{len(amounts)}, {min(amounts):.4g} to {max(amounts):.4g} pA above holding, "
                f"{' and '.join(f'{length:g}' for length in lengths)} s",
            ),
            ("spikes in steps", str(sum(len(a.spikes_s) for a in self.answers))),
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the potential of every sweep over time, with its spikes, and the current below it.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; new axes where left out.

        Returns
        -------
        matplotlib Axes
            Of the potential (mV); the stretch of the steps is shaded.
        """
        try:
            spans = sorted({(step.start_s, step.stop_s) for step in self.steps})
        except RecordingError:
            return plot_sweeps(self.sweeps, ax=ax)
        return plot_sweeps(self.sweeps, self.spikes_s, spans, ax)


def _length_s(answer: StepAnswer, window: tuple[float, float] | None) -> float:
    """How long spikes of a step are counted."""
    return answer.step.duration_s if window is None else window[1] - window[0]
