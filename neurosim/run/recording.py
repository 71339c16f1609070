"""What a run returns: spike trains and traces, with everything needed to repeat it."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import Hz, Quantity, get_unit, hertz, second

from neurosim.describe.course import Course
from neurosim.describe.point_neuron import PointNeuron
from neurosim.describe.wiring import FeedForward
from neurosim.display import html_table
from neurosim.drawing.recordings import draw_raster, draw_rate, draw_traces, svg_of_raster
from neurosim.errors import ExtraMissingError, ParameterError, UnknownNameError, suggest
from neurosim.features.spike_intervals import cv
from neurosim.quantities import check_quantity, in_best_unit
from neurosim.run.batch import point_places, variable_name
from neurosim.run.state import State
from neurosim.stimuli import Stimulus
from neurosim.version import installed_version

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.describe.neuron import Neuron

__all__ = ["Recording", "versions"]


@cache
def versions() -> dict[str, str]:
    """Return the versions a result depends on."""
    found = {"python": platform.python_version()}
    found["neurosim"] = installed_version()
    for name in ("brian2", "numpy", "scipy", "scikit-learn"):
        found[name] = installed_version(name)
    return found


@dataclass(frozen=True, eq=False, repr=False)
class Recording:
    """Spike trains and traces of a batch, with units, parameters, seeds and versions.

    Attributes
    ----------
    neuron, stimulus, wiring
        The descriptions that were run.
    duration_s, dt_s : float
        Length of the run and time step, in second.
    rows : int
        Number of neurons.
    parameters : dict of str to ndarray, each of shape (rows,)
        Every parameter of every row, in SI units.
    seeds : ndarray of int, shape (rows,)
        Seed of each row; with `wiring`, of its network.
    spike_row, spike_time_s : ndarray, shape (n_spikes,)
        Row and time (second) of each spike, sorted by row, then by time.
    trace_rows : ndarray of int, shape (n_traced,)
        Rows that were traced.
    trace_time_s : ndarray, shape (n_samples,)
        Times of the samples, in second.
    traces_si : dict of str to ndarray, each of shape (n_traced, n_samples)
        Traced variables, in SI units; `trace` gives them with units.
    final_si : dict of str to ndarray, each of shape (rows,)
        States at the end, in SI units.
    engine : str
        Engine that ran it.
    versions : dict of str to str
        Versions of what ran it.
    start_s : float
        When the run starts, in second: 0, or where the state it goes on from ended. All times of
        a recording are counted from time 0.
    state : State
        All that the next step would need, at the end; ``simulate(..., initial=state)`` goes on.
    initial_sha256 : str
        What tells from which state it started; empty where it started from rest.
    courses : dict of str to tuple of Course
        Parameters that changed during the run: one course for all rows, or one a row.
    """

    neuron: PointNeuron | Neuron
    stimulus: Stimulus
    wiring: FeedForward | None
    duration_s: float
    dt_s: float
    rows: int
    parameters: dict[str, np.ndarray]
    seeds: np.ndarray
    spike_row: np.ndarray
    spike_time_s: np.ndarray
    trace_rows: np.ndarray
    trace_time_s: np.ndarray
    traces_si: dict[str, np.ndarray]
    final_si: dict[str, np.ndarray]
    engine: str
    versions: dict[str, str]
    start_s: float = 0.0
    state: State | None = None
    initial_sha256: str = ""
    courses: Mapping[str, tuple[Course, ...]] = field(default_factory=dict)
    _starts: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        starts = np.searchsorted(self.spike_row, np.arange(self.rows + 1))
        object.__setattr__(self, "_starts", starts)

    @property
    def duration(self) -> Quantity:
        """Length of the run."""
        return self.duration_s * second

    @property
    def start(self) -> Quantity:
        """When the run starts."""
        return self.start_s * second

    @property
    def dt(self) -> Quantity:
        """Time step."""
        return self.dt_s * second

    def spike_train(self, row: int = 0) -> Quantity:
        """Return the spike times of one row."""
        return self._train(row) * second

    def spike_trains(self) -> list[Quantity]:
        """Return the spike times of every row."""
        return [self.spike_train(row) for row in range(self.rows)]

    def counts(self, start: Quantity | None = None, stop: Quantity | None = None) -> np.ndarray:
        """Return how many spikes each row fired in ``start <= t < stop``.

        Parameters
        ----------
        start, stop : Quantity
            Window; the whole run by default.

        Returns
        -------
        ndarray of int, shape (rows,)
        """
        first, last = self._window(start, stop)
        inside = (self.spike_time_s >= first) & (self.spike_time_s < last)
        return np.bincount(self.spike_row[inside], minlength=self.rows)

    @property
    def rate_Hz(self) -> np.ndarray:
        """Spikes a second of each row over the whole run, shape (rows,)."""
        return self.counts() / self.duration_s

    def mean_rate(self, start: Quantity | None = None, stop: Quantity | None = None) -> Quantity:
        """Return the number of spikes of each row divided by the length of the window."""
        first, last = self._window(start, stop)
        return self.counts(start, stop) / (last - first) * Hz

    def interval_rate(
        self, start: Quantity | None = None, stop: Quantity | None = None
    ) -> Quantity:
        """Return 1 / mean interspike interval of each row; 0 where fewer than two spikes fell.

        Unlike a count in a window it has no rounding error of one spike.
        """
        trains = self._trains(start, stop)
        rates = [(len(t) - 1) / (t[-1] - t[0]) if len(t) > 1 else 0.0 for t in trains]
        return np.array(rates) * hertz

    def interval_cv(
        self, start: Quantity | None = None, stop: Quantity | None = None
    ) -> np.ndarray:
        """Return the coefficient of variation of the intervals; nan below three spikes."""
        return np.array([cv(np.diff(train)) for train in self._trains(start, stop)])

    def trace(self, name: str) -> Quantity:
        """Return a traced variable, shape (n_traced, n_samples), with its unit.

        Raises
        ------
        UnknownNameError
            The variable was not recorded.
        """
        if name not in self.traces_si:
            raise UnknownNameError(
                f"{name!r} was not recorded: {suggest(name, self.traces_si)}"
                if self.traces_si
                else f"{name!r} was not recorded: give simulate(record=[{name!r}])"
            )
        return Quantity(self.traces_si[name], dim=self._dimension(name))

    @property
    def trace_time(self) -> Quantity:
        """Times of the samples of the traces."""
        return self.trace_time_s * second

    def to_dict(self) -> dict[str, Any]:
        """Return how it was run, in plain values: descriptions, seeds, step, engine, versions."""
        return {
            "neuron": self.neuron.to_dict(),
            "stimulus": self.stimulus.to_dict(),
            "wiring": None if self.wiring is None else repr(self.wiring),
            "start_s": self.start_s,
            "initial_sha256": self.initial_sha256,
            "courses": {n: [one.to_dict() for one in c] for n, c in self.courses.items()},
            "duration_s": self.duration_s,
            "dt_s": self.dt_s,
            "rows": self.rows,
            "varied_si": {name: values.tolist() for name, values in self._varied().items()},
            "seeds": np.unique(self.seeds).tolist(),
            "engine": self.engine,
            "versions": self.versions,
        }

    def to_pandas(self) -> Any:
        """Return a table of spikes: row, time in second, and what varied over the batch.

        Returns
        -------
        pandas.DataFrame
        """
        import pandas as pd

        table = pd.DataFrame({"row": self.spike_row, "time_s": self.spike_time_s})
        for name, values in self._varied().items():
            table[name] = values[self.spike_row]
        return table

    def to_neo(self) -> Any:
        """Return a Neo block with one segment a row: spike train, traces, parameters.

        Returns
        -------
        neo.Block

        Raises
        ------
        ExtraMissingError
            Neo is not installed.
        """
        try:
            import neo
            import quantities
        except ImportError as error:
            raise ExtraMissingError.needed_for("Recording.to_neo", "neo") from error

        block = neo.Block(name=type(self.neuron).__name__, description=repr(self.neuron))
        block.annotate(stimulus=repr(self.stimulus), **self.versions)
        traced = {int(row): k for k, row in enumerate(self.trace_rows)}
        sampled = self.traces_si if len(self.trace_time_s) > 1 else {}
        period = float(np.diff(self.trace_time_s[:2]).sum()) * quantities.s
        for row in range(self.rows):
            segment = neo.Segment(index=row)
            segment.annotate(
                seed=int(self.seeds[row]),
                **{name: float(values[row]) for name, values in self.parameters.items()},
            )
            segment.spiketrains.append(
                neo.SpikeTrain(
                    self._train(row), units="s", t_start=self.start_s, t_stop=self._stop_s
                )
            )
            for name, values in sampled.items():
                if row in traced:
                    signal = values[traced[row]][:, np.newaxis]
                    segment.analogsignals.append(
                        neo.AnalogSignal(
                            signal,
                            sampling_period=period,
                            t_start=self.trace_time_s[0] * quantities.s,
                            name=name,
                            **self._units(name),
                        )
                    )
            block.segments.append(segment)
        return block

    def to_xarray(self) -> Any:
        """Return traces and counts as an xarray Dataset with the parameters as coordinates.

        Returns
        -------
        xarray.Dataset

        Raises
        ------
        ExtraMissingError
            xarray is not installed.
        """
        try:
            import xarray
        except ImportError as error:
            raise ExtraMissingError.needed_for("Recording.to_xarray", "xarray") from error

        rows = np.arange(self.rows)
        content: dict[str, Any] = {
            "count": ("row", self.counts()),
            "spike_row": ("spike", self.spike_row),
            "spike_time": ("spike", self.spike_time_s, {"units": "s"}),
        }
        coordinates: dict[str, Any] = {"row": rows, "seed": ("row", self.seeds)}
        for name, values in self.parameters.items():
            coordinates[name] = ("row", values, self._units(name))
        if self.traces_si:
            coordinates["traced_row"] = self.trace_rows
            coordinates["time"] = ("time", self.trace_time_s, {"units": "s"})
            for name, values in self.traces_si.items():
                content[name] = (("traced_row", "time"), values, self._units(name))
        attributes = {"neuron": repr(self.neuron), "stimulus": repr(self.stimulus)}
        return xarray.Dataset(content, coordinates, attributes | self.versions)

    def plot(
        self,
        name: str | None = None,
        *,
        rows: Sequence[int] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw a traced variable, with a tick above it for each spike.

        Parameters
        ----------
        name : str, optional
            Name of the trace (default: ``v``, or the first that was recorded).
        rows : sequence of int, optional
            Rows to draw (default: the first five that were traced).
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).

        Raises
        ------
        UnknownNameError
            The variable was not recorded.
        ParameterError
            A row was not traced.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from brian2 import ms, pA
        >>> from neurosim import LIF, Constant, simulate
        >>> run = simulate(LIF(), 100 * ms, stimulus=Constant(200 * pA), record=["v"])
        >>> run.plot().get_ylabel()
        'v (mV)'
        """
        if name is None:
            name = "v" if "v" in self.traces_si else next(iter(self.traces_si), "v")
        values, label = in_best_unit(self.trace(name), name)
        traced = self.trace_rows.tolist()
        chosen = traced[:5] if rows is None else [int(row) for row in rows]
        for row in chosen:
            if row not in traced:
                raise ParameterError(f"row {row} was not traced; traced are {traced}")
        return draw_traces(
            self.trace_time_s,
            values[[traced.index(row) for row in chosen]],
            [self._train(row) for row in chosen],
            self.duration_s,
            label,
            [f"row {row}" for row in chosen],
            ax,
            start_s=self.start_s,
        )

    def plot_raster(self, ax: Axes | None = None) -> Axes:
        """Draw a stroke for each spike, a line for each row."""
        return draw_raster(
            self.spike_row,
            self.spike_time_s,
            self.rows,
            self.duration_s,
            ax,
            start_s=self.start_s,
        )

    def plot_rate(self, width: Quantity | None = None, ax: Axes | None = None) -> Axes:
        """Draw the mean rate of all rows over time.

        Parameters
        ----------
        width : Quantity, optional
            Of a bin, in second (default: a fiftieth of the run).
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        """
        given = self.duration / 50 if width is None else width
        bin_s = float(check_quantity(given, 0.01 * second, "plot_rate: width", above=0 * second))
        return draw_rate(
            self.spike_time_s, self.rows, self.duration_s, bin_s, ax, start_s=self.start_s
        )

    def _repr_html_(self) -> str:
        rates = self.rate_Hz
        said = f"{rates.mean():.3g} spikes/s"
        if self.rows > 1:
            said += f" (from {rates.min():.3g} to {rates.max():.3g})"
        facts = [
            ("neuron", _brief(self.neuron)),
            ("stimulus", _brief(self.stimulus)),
            ("rows", self.rows),
            ("duration", f"{self.duration}, steps of {self.dt} ({self.engine})"),
            ("mean rate", said),
            ("traces", ", ".join(list(self.traces_si)[:8]) or "none"),
        ]
        raster = svg_of_raster(
            self.spike_row, self.spike_time_s, self.rows, self.duration_s, start_s=self.start_s
        )
        return html_table(type(self).__name__, facts) + raster

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({type(self.neuron).__name__}, "
            f"{self.rows} row{'s'[: self.rows != 1]}, {self.duration}, "
            f"{len(self.spike_time_s)} spikes, {self.rate_Hz.mean():.3g} a second)"
        )

    @property
    def _stop_s(self) -> float:
        return self.start_s + self.duration_s

    def _train(self, row: int) -> np.ndarray:
        row = self._row(row)
        return self.spike_time_s[self._starts[row] : self._starts[row + 1]]

    def _trains(self, start: Quantity | None, stop: Quantity | None) -> list[np.ndarray]:
        first, last = self._window(start, stop)
        trains = map(self._train, range(self.rows))
        return [train[(train >= first) & (train < last)] for train in trains]

    def _varied(self) -> dict[str, np.ndarray]:
        return {k: values for k, values in self.parameters.items() if len(np.unique(values)) > 1}

    def _row(self, row: int) -> int:
        if not -self.rows <= row < self.rows:
            raise ParameterError(f"there is no row {row}: rows are 0 to {self.rows - 1}")
        return row % self.rows

    def _window(self, start: Quantity | None, stop: Quantity | None) -> tuple[float, float]:
        first = self.start_s
        if start is not None:
            first = float(check_quantity(start, 1 * second, "start", at_least=0 * second))
        if first < self.start_s:
            raise ParameterError(
                f"start ({first * second}) comes before the run, which goes on from {self.start}"
            )
        last = self._stop_s
        if stop is not None:
            last = float(check_quantity(stop, 1 * second, "stop"))
        if last <= first:
            raise ParameterError(f"stop ({last * second}) must come after start ({first * second})")
        return first, last

    def _dimension(self, name: str) -> Any:
        from brian2.equations.equations import Equations

        from neurosim.engine.point.clamped import NAMES, compose_run

        assert isinstance(self.neuron, PointNeuron)
        wired = self.wiring is not None and bool(self.wiring.weights)
        model = compose_run(
            self.neuron,
            self.stimulus,
            wired=wired,
            record=(),
            conductance=wired and self.wiring is not None and self.wiring.conductance,
        )
        equations, variable = Equations(model.equations), NAMES.get(name, name)
        if variable in equations:
            return equations[variable].dim
        # Steps that are a table, and the fields of a clamp, have no variables of their own.
        places = point_places(self.neuron, self.stimulus)
        return next(v.dim for full, (v, _) in places.items() if variable_name(full) == variable)

    def _units(self, name: str) -> dict[str, str]:
        unit = get_unit(self._dimension(name))
        return {"units": str(unit) if str(unit) != "1" else "dimensionless"}


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
