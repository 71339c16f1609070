"""A recorded cell: its sweeps, the steps found in them, the spikes counted in each step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bridge.curve import FICurve
from bridge.recordings.errors import RecordingError
from bridge.recordings.protocol import Protocol, Step, find_protocol
from bridge.recordings.spikes import SpikeRule, find_spikes
from bridge.recordings.sweeps import Sweep

__all__ = ["CellRecording"]


@dataclass(frozen=True, eq=False)
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

    def __len__(self) -> int:
        return len(self.sweeps)

    @cached_property
    def protocol(self) -> Protocol:
        """Steps, test pulses and sweeps left out; raises where there is no step."""
        return find_protocol(self.sweeps, self.name)

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
            find_spikes(sweep.voltage_mV, sweep.rate_Hz, sorted(edges.get(k, ())), self.rule)
            / sweep.rate_Hz
            for k, sweep in enumerate(self.sweeps)
        )

    def spikes_in(
        self, step: Step, window: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """Spike times within one step, from its start (s)."""
        start, stop = (0.0, step.duration_s) if window is None else window
        times = self.spikes_s[step.sweep] - step.start_s
        # Half a sample of grace: a peak on the first sample belongs to the window.
        grace = 0.25 / self.sweeps[step.sweep].rate_Hz
        return times[(times >= start - grace) & (times < stop - grace)]

    def counts(self, window: tuple[float, float] | None = None) -> pd.DataFrame:
        """Spikes of every step.

        Parameters
        ----------
        window : (float, float), optional
            From the start of a step (s); the whole step where left out.

        Returns
        -------
        pandas.DataFrame
            One row a step: sweep (as the file numbers it), step, current_pA, holding_pA,
            start_s, window_s, count.
        """
        rows = []
        for step in self.steps:
            length = step.duration_s if window is None else window[1] - window[0]
            rows.append(
                {
                    "sweep": self.sweeps[step.sweep].number,
                    "step": step.number,
                    "current_pA": step.current_pA,
                    "holding_pA": step.holding_pA,
                    "start_s": step.start_s,
                    "window_s": length,
                    "count": len(self.spikes_in(step, window)),
                }
            )
        return pd.DataFrame(rows)

    def fi_curve(
        self, step: int | None = None, window: tuple[float, float] | None = None
    ) -> FICurve:
        """Count spikes against current.

        Parameters
        ----------
        step : int, optional
            Which step of a sweep, from 1. Left out: the first; later ones join it as repeats
            where they start from the same current.
        window : (float, float), optional
            Where to count, from the start of a step (s); the whole step where left out.

        Returns
        -------
        FICurve
            Current includes the holding current; repeats are trials; `provenance` states the
            window, the holding current, the steps used and the rule for a spike.

        Raises
        ------
        RecordingError
            There are no steps, one current only, no spike in any sweep, or the cell is in
            depolarisation block at every current that makes it fire.
        """
        chosen = self._chosen(step)
        shortest = min(s.duration_s for s in chosen)
        if window is not None and not 0 <= window[0] < window[1] <= shortest + 1e-9:
            raise RecordingError(
                "choice",
                f"window {window} s does not lie within the steps of {shortest:g} s",
                f"choose both ends between 0 and {shortest:g} s",
                self.name,
            )
        counts = [len(self.spikes_in(s, window)) for s in chosen]
        currents = self._nominal(chosen)
        if len(set(currents)) < 2:
            raise RecordingError(
                "one-current",
                f"all {len(chosen)} steps are at {currents[0]:g} pA"
                if len(chosen) > 1
                else f"there is one step only, at {currents[0]:g} pA",
                "an f-I curve needs at least two currents; read the other sweeps or files too",
                self.name,
            )
        used: Counter[float] = Counter()
        trials = []
        for current in currents:
            trials.append(used[current])
            used[current] += 1
        lengths = [s.duration_s if window is None else window[1] - window[0] for s in chosen]
        return FICurve(
            np.array(currents),
            np.array(counts),
            np.array(lengths),
            np.array(trials),
            source=self.name,
            provenance=self._provenance(chosen, window),
        )

    def _chosen(self, number: int | None) -> list[Step]:
        numbers = self.protocol.numbers
        if number is not None:
            if number not in numbers:
                raise RecordingError(
                    "choice",
                    f"there is no step {number}",
                    f"choose among {', '.join(map(str, numbers))}",
                    self.name,
                )
            return [s for s in self.steps if s.number == number]
        first = [s for s in self.steps if s.number == numbers[0]]
        alike = [
            s
            for s in self.steps
            if s.number != numbers[0]
            and np.isclose(s.before_pA, s.holding_pA, atol=1e-6)
            and abs(s.duration_s - first[0].duration_s) < 1e-3
        ]
        return [*first, *alike]

    def _nominal(self, steps: list[Step]) -> list[float]:
        """Currents of the steps; measured ones that differ by noise only share one value."""
        return [round(s.current_pA, 3) for s in steps]

    def _provenance(self, steps: list[Step], window: tuple[float, float] | None) -> dict[str, Any]:
        return {
            "files": [path.name for path in self.files],
            "steps": sorted({s.number for s in steps}),
            "sweeps": [self.sweeps[s.sweep].number for s in steps],
            "window_from_step_s": [0.0, steps[0].duration_s] if window is None else list(window),
            "holding_pA": float(np.median([s.holding_pA for s in steps])),
            "current": self.sweeps[steps[0].sweep].current_kind,
            "spike": vars(self.rule).copy(),
        }
