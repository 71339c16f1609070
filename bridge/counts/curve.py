"""A measured f-I curve: how many spikes each current gave, in how long a window.

Counts are kept as they were counted, one entry a measurement. Rates are only a view of them,
because what a count is worth depends on how many spikes it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridge.counts.clockwork import RateRanges, rate_ranges, steady_intervals, uneven
from bridge.counts.curve_checks import (
    COLUMNS,
    as_column,
    first_problem,
    unlikely_unit,
    unlikely_window,
)
from bridge.counts.curve_plot import draw_counts
from bridge.counts.dispersion import CountNoise, measured_noise
from bridge.counts.likelihood import MAX_SHAPE
from bridge.counts.neighbour_noise import noise_of_neighbours
from bridge.counts.renewal import trains_of
from bridge.counts.spike_timing import SpikeTiming, joined
from bridge.counts.sufficient_statistics import SufficientStatistics
from bridge.counts.table import read_table, table_columns, table_timing, timing_columns
from bridge.errors import CurveError
from bridge.page_style import Axes
from neurosim.atomic_write import plain, whole
from neurosim.display import axes_or_new, html_table

if TYPE_CHECKING:
    # Only tables need it: it is imported when one is made.
    import pandas as pd

__all__ = ["FICurve", "merge"]

Array = NDArray[Any]

MEASURED_ON = ("neuron", "background")


@dataclass(frozen=True, eq=False)
class FICurve:
    """Spike counts at constant currents; one entry a measurement, read-only.

    Entries are kept in order of current, and of trial within a current. Plain float arrays in
    picoampere and seconds; Brian2 quantities are converted.

    Parameters
    ----------
    current_pA : array_like, shape (n,)
        Injected current of each measurement (pA).
    count : array_like, shape (n,)
        Spikes counted; whole numbers.
    window_s : array_like, shape (n,), or float
        Length of the window in which they were counted (s).
    trial : array_like, shape (n,), optional
        Which repeat each measurement is; 0 throughout where left out.
    source : str
        What was measured, in words.
    provenance : mapping
        Whatever made it: seeds, versions, parameters.
    neuron, background : dict, optional
        The model neuron and the current injected besides the steps, as their ``to_dict()`` gives
        them; None where they are not known, as for a recorded cell.
    timing : SpikeTiming, optional
        Intervals between the spikes of each measurement; None where only counts are known.

    Raises
    ------
    CurveError
        A value is not finite, a count negative or fractional, a window not positive, a current
        given twice in one trial, or there are fewer than two measurements.

    Examples
    --------
    >>> curve = FICurve([100, 0, 200], [4, 0, 9], 0.5)
    >>> curve.current_pA
    array([  0., 100., 200.])
    >>> curve.rate_Hz
    array([ 0.,  8., 18.])
    """

    current_pA: Array
    count: Array
    window_s: Array
    trial: Array = None  # type: ignore[assignment]
    source: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    neuron: dict[str, Any] | None = None
    background: dict[str, Any] | None = None
    timing: SpikeTiming | None = None

    def __post_init__(self) -> None:
        named = zip(COLUMNS, ("pA", "", "s"), strict=False)
        current, count, window = (as_column(getattr(self, n), n, unit) for n, unit in named)
        if window.size == 1:
            window = np.full(current.shape, window[0])
        trial = (
            np.zeros(current.shape) if self.trial is None else as_column(self.trial, "trial", "")
        )
        columns = dict(zip(COLUMNS, (current, count, window, trial), strict=True))
        if len({len(column) for column in columns.values()}) > 1:
            told = ", ".join(f"{name} has {len(column)}" for name, column in columns.items())
            raise CurveError(f"columns differ in length: {told}", "give one entry a measurement")
        if len(current) < 2:
            raise CurveError(
                f"an f-I curve of {len(current)} measurement{'' if len(current) == 1 else 's'}",
                "give at least two currents",
            )
        problem = first_problem(current, count, window, trial)
        if problem is not None:
            entry, wrong, remedy = problem
            raise CurveError(f"entry {entry}: {wrong}", remedy)
        order = np.lexsort((trial, current))
        for name, column in columns.items():
            values = column[order].astype(np.int64 if name in ("count", "trial") else float)
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        object.__setattr__(self, "source", str(self.source))
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        for name in MEASURED_ON:
            object.__setattr__(self, name, plain(getattr(self, name)))
        if self.timing is not None:
            if len(self.timing) != len(current):
                raise CurveError(
                    f"timing has {len(self.timing)} entries for {len(current)} measurements",
                    "give one entry a measurement",
                )
            object.__setattr__(self, "timing", self.timing.rows(order))

    def __len__(self) -> int:
        return len(self.current_pA)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FICurve):
            return NotImplemented
        if (self.timing is None) != (other.timing is None):
            return False
        return (
            all(np.array_equal(getattr(self, name), getattr(other, name)) for name in COLUMNS)
            and all(
                getattr(self, name) == getattr(other, name) for name in ("source", *MEASURED_ON)
            )
            and (self.timing is None or self.timing.same(other.timing))
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only views of a dict can be neither pickled nor copied.
        columns = [getattr(self, name) for name in COLUMNS]
        measured_on = [getattr(self, name) for name in MEASURED_ON]
        made_of = (*columns, self.source, dict(self.provenance), *measured_on, self.timing)
        return FICurve, made_of

    @property
    def rate_Hz(self) -> NDArray[np.float64]:
        """Rate of each measurement, count / window (Hz)."""
        return self.count / self.window_s

    @property
    def currents(self) -> NDArray[np.float64]:
        """Distinct currents, ascending (pA)."""
        return np.unique(self.current_pA)

    @property
    def current_name(self) -> str:
        """Which current it is: the one name that its figures and tables give it.

        Examples
        --------
        >>> FICurve([0, 50], [0, 4], 1.0, provenance={"current": "above holding"}).current_name
        'injected current above holding'
        """
        told = self.provenance.get("current")
        if told is not None:
            return "total injected current" if told == "total" else f"injected current {told}"
        if self.neuron is None:
            return "current as tabulated"
        if self.background is None:
            return "injected current"
        return "injected current above the background"

    def mean_rate_Hz(self) -> NDArray[np.float64]:
        """Rate at each distinct current, all trials pooled (Hz).

        Returns
        -------
        ndarray, shape of `currents`
            All spikes of a current over all its windows.

        Examples
        --------
        >>> FICurve([0, 50, 50], [0, 4, 6], 1.0, trial=[0, 0, 1]).mean_rate_Hz()
        array([0., 5.])
        """
        _, index = np.unique(self.current_pA, return_inverse=True)
        return np.bincount(index, weights=self.count) / np.bincount(index, weights=self.window_s)

    def up_to(self, current_max: float) -> FICurve:
        """The part of the curve at or below a current.

        Parameters
        ----------
        current_max : float
            Highest current kept (pA).

        Returns
        -------
        FICurve

        Raises
        ------
        CurveError
            Fewer than two measurements are left.

        Examples
        --------
        >>> len(FICurve([0, 50, 100], [0, 4, 6], 1.0).up_to(50))
        2
        """
        keep = self.current_pA <= current_max
        if keep.sum() < 2:
            raise CurveError(
                f"only {keep.sum()} of {len(self)} measurements lie at or below {current_max:g} pA",
                f"choose a limit between {self.currents[1]:g} and {self.currents[-1]:g} pA",
            )
        return self.rows(keep, current_max_pA=float(current_max))

    def statistics(
        self, shape: float | Array = 1.0, spike_times: bool = False
    ) -> SufficientStatistics:
        """The measurements arranged for fitting, under a regularity of spiking (1 is Poisson).

        Parameters
        ----------
        shape : float or ndarray, shape (n,)
            One for all measurements, or one for each.
        spike_times : bool
            Whether the likelihood is to be that of the spike times, and not of the counts.
        """
        current, index = np.unique(self.current_pA, return_inverse=True)
        count = self.count.astype(float)
        trains = None
        if spike_times and self.timing is not None:
            trains = trains_of(self.window_s, count, self.timing)
        return SufficientStatistics(current, index, self.window_s, count, shape, trains)

    def rate_ranges(self, spike_times: bool = True) -> RateRanges:
        """The rates that each current leaves possible if the cell fires like a clock.

        Parameters
        ----------
        spike_times : bool
            Whether to use the times of spikes, where they are known, or the counts alone.
        """
        _, index = np.unique(self.current_pA, return_inverse=True)
        count = self.count.astype(float)
        return rate_ranges(index, count, self.window_s, self.timing, spike_times)

    @property
    def has_measured_rates(self) -> bool:
        """Whether rates are told by the intervals between spikes, of a cell without noise."""
        return self.timing is not None and self.clockwork

    def measured_rate_Hz(self) -> Array:
        """The rate at each distinct current that units are held against, shape (m,) (Hz).

        Of a cell without noise whose spike times are known that of its intervals, else
        `mean_rate_Hz`.
        """
        return self.rate_ranges().middle if self.has_measured_rates else self.mean_rate_Hz()

    @property
    def clockwork(self) -> bool:
        """Whether the cell fires like a clock, so that its counts are not noisy.

        Repeats are copies of each other; or no interval between spikes differs from the others by
        more than the resolution of their times; or the counts are those of a model neuron that was
        given nothing but constant current.
        """
        if self.timing is not None and steady_intervals(self.current_pA, self.timing):
            return True
        if len(self.currents) < len(self):
            return self.without_copies() is not None
        return self.neuron is not None and self.background is None and self.timing is not None

    def without_copies(self) -> FICurve | None:
        """The curve with one trial a current, if its repeats are copies of each other.

        A neuron without noise gives the same count every time; counting it twice teaches nothing.

        Returns
        -------
        FICurve or None
            None where repeats differ, or where there is too little to tell.

        Examples
        --------
        >>> count = [0, 0, 9, 9, 12, 12, 15, 15]
        >>> len(FICurve([0, 0, 1, 1, 2, 2, 3, 3], count, 1.0, [0, 1] * 4).without_copies())
        4
        """
        _, first, index = np.unique(self.current_pA, return_index=True, return_inverse=True)
        if len(first) == len(self):
            return None
        firing = (np.bincount(index) > 1) & (self.count[first] >= 3)
        if firing.sum() < 3 or any(
            np.any(column != column[first][index]) for column in (self.count, self.window_s)
        ):
            return None
        return self.rows(first)

    def only_trial(self, trial: int) -> FICurve:
        """The measurements of one trial.

        Parameters
        ----------
        trial : int
            Which repeat, as `trial` numbers them.

        Returns
        -------
        FICurve

        Raises
        ------
        CurveError
            There is no such trial, or it holds fewer than two measurements.

        Examples
        --------
        >>> FICurve([0, 0, 50, 50], [0, 1, 4, 6], 1.0, trial=[0, 1, 0, 1]).only_trial(1).count
        array([1, 6])
        """
        keep = self.trial == trial
        if keep.sum() < 2:
            numbers, sizes = np.unique(self.trial, return_counts=True)
            known = ", ".join(map(str, numbers[sizes > 1]))
            found = "holds one measurement, too few" if keep.any() else "is not among the repeats"
            remedy = (
                f"choose one of {known} (--trial)"
                if known
                else "no trial holds two measurements: leave trial (--trial) out"
            )
            raise CurveError(f"trial {trial} {found}", remedy)
        return self.rows(keep, only_trial=int(trial))

    def rows(self, keep: Array, **more: Any) -> FICurve:
        """Some of the measurements, with `more` said in the provenance.

        Parameters
        ----------
        keep : ndarray
            Mask or indices.
        """
        columns = {name: getattr(self, name)[keep] for name in COLUMNS}
        timing = None if self.timing is None else self.timing.rows(keep)
        said = {**self.provenance, **more}
        return replace(self, **columns, provenance=said, timing=timing)

    def to_frame(self) -> pd.DataFrame:
        """The curve as a table: current_pA, count, window_s, trial, rate_Hz.

        Returns
        -------
        pandas.DataFrame
            One row a measurement. Where spike times are known, columns ``timing_...`` say what they
            tell of the intervals between spikes.

        Examples
        --------
        >>> list(FICurve([0, 50], [0, 4], 1.0).to_frame())
        ['current_pA', 'count', 'window_s', 'trial', 'rate_Hz']
        """
        import pandas as pd

        frame = pd.DataFrame({name: getattr(self, name) for name in (*COLUMNS, "rate_Hz")})
        known = {name: getattr(self, name) for name in MEASURED_ON}
        frame.attrs.update({name: value for name, value in known.items() if value is not None})
        if self.timing is not None:
            frame = frame.assign(**timing_columns(self.timing))
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Counts, and what they were measured on, fit for JSON; `from_dict` reads it back.

        Returns
        -------
        dict

        Examples
        --------
        >>> curve = FICurve([0, 50], [0, 4], 1.0, neuron={"kind": "LIF"})
        >>> FICurve.from_dict(curve.to_dict()) == curve
        True
        """
        said = {name.name: plain(getattr(self, name.name)) for name in fields(self)[:-1]}
        return {**said, "timing": None if self.timing is None else self.timing.to_dict()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> FICurve:
        """Make a curve of what `to_dict` gave; names it does not know are left alone.

        Parameters
        ----------
        content : mapping
            At least current_pA, count and window_s. ``Selection.to_dict()`` will do as well.

        Raises
        ------
        CurveError
            One of the three is absent, or a value makes no sense.
        """
        absent = [name for name in COLUMNS[:3] if name not in content]
        if absent:
            raise CurveError(
                f"no {absent[0]!r} in the f-I curve", "give current_pA, count and window_s"
            )
        known = {name.name: content[name.name] for name in fields(cls) if name.name in content}
        if known.get("timing") is not None:
            known["timing"] = SpikeTiming(**known["timing"])
        return cls(**known)

    @classmethod
    def from_csv(cls, path: str | Path) -> FICurve:
        """Read a curve from a text table.

        Columns `current_pA` (or `current`), `count` (or `spikes`), `window_s` (or `window`,
        `duration_s`) and, if you like, `trial`, in small or capital letters. A unit in the name is
        read: ``current_nA``, ``Window (ms)``. Without a column `trial`, rows of the same current
        are repeats, numbered in their order. Other columns are left alone, but a table with a
        column that tells several curves apart, such as `cell`, is refused.
        Rows of one trial are in order of current. Comma, semicolon or tab; ``#`` opens a comment.

        Parameters
        ----------
        path : path
            File to read.

        Returns
        -------
        FICurve

        Raises
        ------
        CurveError
            Anything wrong with the file, with the line and the remedy.
        """
        return cls.from_frame(read_table(Path(path)), source=Path(path).name)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, source: str = "") -> FICurve:
        """Read a curve from a table with the columns of `from_csv`.

        Parameters
        ----------
        frame : pandas.DataFrame
            One row a measurement.
        source : str
            What was measured.

        Returns
        -------
        FICurve

        Raises
        ------
        CurveError
            A column is missing or a value makes no sense; the message names the row.

        Examples
        --------
        >>> import pandas as pd
        >>> table = pd.DataFrame({"current": [0, 50], "spikes": [0, 4], "window": [1, 1]})
        >>> FICurve.from_frame(table).count
        array([0, 4])
        """
        columns, place = table_columns(frame)
        current, count = columns["current_pA"], columns["count"]
        window, trial = columns["window_s"], columns.get("trial")
        if trial is None:
            # A current that comes again is a repeat.
            before: Counter[float] = Counter()
            trial = np.zeros(len(current))
            for entry, amount in enumerate(current.tolist()):
                trial[entry] = before[amount]
                before[amount] += 1
        if len(frame) < 2:
            raise place("only one row of data", "give at least two currents", 0)
        problem = first_problem(current, count, window, trial, in_order=True)
        if problem is not None:
            entry, wrong, remedy = problem
            raise place(wrong, remedy, entry)
        wrong = unlikely_unit(current, count)
        if wrong:
            raise place(wrong, "write the column current_pA in picoampere (1 nA = 1000 pA)", None)
        wrong = unlikely_window(count, window)
        if wrong:
            remedy = (
                "call the column by its unit, window_s or window_ms; if it is right, build the "
                "curve with FICurve(current_pA, count, window_s)"
            )
            raise place(wrong, remedy, None)
        known: dict[str, Any] = {name: frame.attrs.get(name) for name in MEASURED_ON}
        known["timing"] = table_timing(frame, count, place)
        return cls(current, count, window, trial, source, **known)

    def to_csv(self, path: str | Path) -> Path:
        """Write the curve as a table that `from_csv` reads back.

        What it was measured on, where that is known, stands in comment lines above the header; what
        spike times tell, in columns ``timing_...``. `provenance` is not written.

        Parameters
        ----------
        path : path
            File to write; it appears only when whole.

        Returns
        -------
        pathlib.Path
            The file.
        """
        frame = self.to_frame()
        with whole(path) as stream:
            stream.writelines(
                f"# {name}: {json.dumps(said)}\n" for name, said in frame.attrs.items()
            )
            frame.to_csv(stream, index=False, lineterminator="\n")
        return Path(path)

    def noise(self) -> CountNoise:
        """How the counts scatter, as far as repeats, spike times or neighbouring currents tell.

        Where none of these tells, counts are taken as Poisson. `bridge.select` puts the residuals
        of the best unit in the place of the neighbours.
        """
        if self.clockwork:
            return self.clock_noise()
        statistics = self.statistics()
        return (
            measured_noise(statistics, self.timing)
            or noise_of_neighbours(statistics)
            or CountNoise()
        )

    def clock_noise(self) -> CountNoise:
        """What a clockwork cell leaves open about its rates: the ranges of `rate_ranges`."""
        rounding = tuple((self.rate_ranges().half / np.sqrt(3)).tolist())
        return CountNoise(MAX_SHAPE, "clock", rounding_Hz=rounding, uneven=uneven(self.timing))

    def plot(self, ax: Axes | None = None, *, noise: CountNoise | None = None) -> Axes:
        """Draw the mean rate at each current, with bars of one standard deviation.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        noise : CountNoise, optional
            How counts scatter (default: `noise`).

        Returns
        -------
        matplotlib Axes
        """
        ax = axes_or_new(ax)
        used = noise or self.noise()
        sd, clock = used.rate_sd_Hz(self.statistics()), used.source == "clock"
        # Of a clock the unit is fitted to what the intervals between spikes tell, where known.
        rate = self.rate_ranges().middle if clock else self.mean_rate_Hz()
        how = "measured" if clock and self.timing is not None else "counted"
        draw_counts(ax, self.currents, rate, sd, clock=clock, how=how)
        ax.set_xlabel(f"{self.current_name} (pA)")
        return ax

    def _facts(self) -> dict[str, str]:
        """What the curve is, at a glance."""
        currents, rates = self.currents, self.mean_rate_Hz()
        each = len(self) / len(currents)
        windows = np.unique(self.window_s)
        return {
            "currents": f"{len(currents)}, {currents[0]:g} to {currents[-1]:g} pA",
            "measurements": f"{len(self)} ({each:.3g} a current)",
            "window": " to ".join(f"{end:g}" for end in np.unique(windows[[0, -1]])) + " s",
            "rates": f"{rates.min():.3g} to {rates.max():.3g} Hz",
            "spikes": str(int(self.count.sum())),
            "scatter": str(self.noise()),
        }

    def __repr__(self) -> str:
        facts = self._facts()
        currents = facts["currents"].replace(",", " currents,", 1)
        source = f"; {self.source}" if self.source else ""
        return f"FICurve({currents}; {len(self)} measurements; {facts['rates']}{source})"

    def _repr_html_(self) -> str:
        return html_table(self.source or "f-I curve", self._facts().items())


def merge(curves: Iterable[FICurve]) -> FICurve:
    """Put several measurements of one cell together; each curve's trials become trials of its own.

    Parameters
    ----------
    curves : iterable of FICurve
        At least one.

    Returns
    -------
    FICurve

    Raises
    ------
    CurveError
        No curve was given.

    Examples
    --------
    >>> one = FICurve([0, 50], [0, 4], 1.0)
    >>> merge([one, one]).trial
    array([0, 1, 0, 1])
    """
    parts = list(curves)
    if not parts:
        raise CurveError("nothing to merge", "give at least one curve")
    trials, used = [], 0
    for part in parts:
        trials.append(part.trial - part.trial.min() + used)
        used = int(trials[-1].max()) + 1
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS[:3]
    }
    same = {
        name: getattr(parts[0], name)
        for name in MEASURED_ON
        if all(getattr(part, name) == getattr(parts[0], name) for part in parts)
    }
    return FICurve(
        **columns,
        trial=np.concatenate(trials),
        source=" + ".join(dict.fromkeys(part.source for part in parts if part.source)),
        provenance={"merged": [dict(part.provenance) for part in parts]},
        timing=joined([part.timing for part in parts]),
        **same,
    )
