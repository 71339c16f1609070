"""Any neuron in, modelled or recorded; out: the unit that stands for it, and what it leaves out.

from bridge import equivalent_unit
print(equivalent_unit(LIF(), noise=3 * mV))
print(equivalent_unit("cell.abf"))
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Unpack

from brian2.units import Quantity, second

from bridge.choice.adaptive_fit import fit_adaptive
from bridge.choice.select_unit import select
from bridge.choice.selection import Selection
from bridge.counts.curve import FICurve
from bridge.counts.table import names_counts, read_table
from bridge.equivalent.equivalent_unit import EquivalentUnit
from bridge.equivalent.sentences import with_uncounted_spikes
from bridge.equivalent.with_memory import with_memory
from bridge.errors import CurveError, FitError
from bridge.recordings.series_resistance import drop_in_words
from bridge.slow_state.slow_protocol import levels_for, levels_of_cell, run_levels, slow_levels
from bridge.slow_state.sweep_counts import SweepCounts
from bridge.spike_trains import step_features
from bridge.stimulate.fi_curve import Running
from bridge.stimulate.frozen_noise import measure_frozen_loss
from bridge.stimulate.step_responses import (
    Responses,
    currents_for,
    noise_in_words,
    noise_stimulus,
    of_recording,
    run_steps,
)
from bridge.units import FAMILIES, Unit
from neurosim import PointNeuron, Stimulus
from neurosim.custom.point_model import from_brian2
from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError, UnknownNameError, suggest

__all__ = ["equivalent_unit", "noise_series"]


def equivalent_unit(
    source: Any,
    currents: Quantity | None = None,
    *,
    noise: Quantity | Stimulus | None = None,
    families: Iterable[type[Unit] | str] = FAMILIES,
    confidence: float = 0.95,
    intervals: str | None = "profile",
    current_max: float | Quantity | None = None,
    duration: Quantity = 1 * second,
    settle: Quantity = 0.2 * second,
    trials: int | None = None,
    adaptation: bool = True,
    frozen: bool = False,
    memory: bool = False,
    name: str | None = None,
    brian2: Mapping[str, Any] | None = None,
    recording: Mapping[str, Any] | None = None,
    seed: int = 0,
    **running: Unpack[Running],
) -> EquivalentUnit:
    """Find the artificial unit that stands for a neuron.

    Parameters
    ----------
    source : PointNeuron, Neuron, str, NeuronGroup, CellRecording, FICurve, DataFrame or path
        A neuron of the catalogue; a neuron with extent, injected at its root; equations in
        Brian2's language (a string with ``d.../dt``) or a NeuronGroup, with `brian2` for what they
        do not say; a recorded cell; counts; or a file: a recording, or a table with the columns
        current_pA, count, window_s.
    currents : Quantity array, optional
        Currents to inject into a model (default: found from its rheobase).
    noise : Quantity or Stimulus, optional
        Background noise of a model: in volt the fluctuation of a `LIF`'s free membrane, in ampere
        the standard deviation of a noise current, or any stimulus.
    families, confidence, intervals, current_max
        As in `select`.
    duration, settle
        Window and time before it, at every current of a model.
    trials : int, optional
        Repeats of every current of a model. By default 3; 1 for a point neuron without noise, whose
        repeats would be copies of each other.
    adaptation : bool
        Whether to fit the adaptive unit where spike times are known.
    frozen : bool
        Whether to play frozen noise to a model and measure reliability and information (20 trials
        of 20 s; the cell's own noise is `noise`, or a twentieth of its rheobase where none is
        given).
    memory : bool
        Whether to ask if the firing of the last seconds changes the rate, as it does where sodium
        drives a pump. A model is given levels of current for three times 144 s; of a recording the
        steps of 2 s and more are used. A `SweepCounts`, or a table with the columns sweep, start_s,
        window_s, current_pA and count, is always asked.
    name : str, optional
        What to call it.
    brian2 : mapping, optional
        Arguments of `neurosim.from_brian2` for equations or a group.
    recording : mapping, optional
        What a recording does not say: `voltage`, `current`, `voltage_unit` and `current_unit` of
        `bridge.recordings.read`, `step` and `window` of its f-I curve, and `trial`, the one repeat
        of each current that is used (also of a table of counts).
    dt, seed, engine, jobs, progress
        As in `neurosim.simulate`; progress is the share of the whole, not of the run alone.

    Returns
    -------
    EquivalentUnit

    Raises
    ------
    ParameterError, UnitError, UnknownNameError
        An argument is not what it should be.
    CurveError, RecordingError
        The neuron never fires, or the recording cannot be used; the message gives the remedy.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import pA
    >>> from neurosim import LIF
    >>> found = equivalent_unit(LIF(), np.arange(100, 401, 20) * pA, trials=1, adaptation=False)
    >>> found.ok, bool(abs(found.unit.rate(300) - 63) < 2)
    (True, True)
    """
    told = _Progress(running.pop("progress", None), memory, frozen)
    # Whoever has a table has imported pandas.
    if "pandas" in sys.modules and isinstance(source, sys.modules["pandas"].DataFrame):
        source = _of_table(source)
    said = _recording_settings(recording)
    from_file = _is_file(source)
    if from_file:
        source, name = _read(Path(source), said), name or Path(source).name

    def choose(curve: FICurve) -> Selection:
        found = select(curve, families, confidence, intervals, seed, current_max)
        told.at("choice", 1.0)
        return found

    if isinstance(source, SweepCounts):
        _no_model(currents, noise, trials, "counts in time")
        _refuse(said, said, "counts in time are no recording; leave out {}")
        told.at("steps", 1.0)
        found = EquivalentUnit(name or "counts in time", choose(source.curve()))
        found = with_memory(found, lambda: source)
        told.end()
        return found
    if isinstance(source, FICurve):
        _no_model(currents, noise, trials, "counts")
        _refuse(said, {*said} - {"trial"}, "counts are no recording; leave out {}")
        if "trial" in said:
            source = source.only_trial(said["trial"])
        told.at("steps", 1.0)
        notes = ["only counts are known: adaptation, timing and information cannot be told"]
        if memory:
            notes.append(
                "a slow state cannot be told from counts without their times: give a table with "
                "the columns sweep, start_s, window_s, current_pA and count, a row a bin"
            )
        label = name or source.source or "counts"
        found = EquivalentUnit(label, choose(source), notes=tuple(notes))
        told.end()
        return found
    if hasattr(source, "sweeps") and hasattr(source, "fi_curve"):
        _no_model(currents, noise, trials, "a recording")
        if not from_file:
            _refuse(said, _READING, "this recording has been read; say to `read`: {}")
        chosen = {key: said[key] for key in ("step", "window", "trial") if key in said}
        responses = of_recording(source, **chosen)
        told.at("steps", 1.0)
        begin = (said.get("window") or (0.0,))[0]
        chose = with_uncounted_spikes(choose(responses.curve), responses, begin)
        drop = drop_in_words(source)
        notes = source.left_out_in_words() + ([drop] if drop is not None else [])
        if frozen:
            notes.append("frozen noise needs repeated trials of it, which these steps are not")
        found = EquivalentUnit(name or source.name, chose, responses, notes=tuple(notes))
        found = _with_times(found, responses, adaptation)
        if memory:
            found = with_memory(found, lambda: levels_of_cell(source))
        told.end()
        return found
    _refuse(said, said, "a model is no recording; leave out {}")
    if not isinstance(source, (PointNeuron, Neuron)):
        if not isinstance(source, str) and not hasattr(source, "user_equations"):
            raise ParameterError(
                "equivalent_unit takes a neuron such as LIF(), equations, a NeuronGroup, a "
                f"recording, an FICurve or a file; got {type(source).__name__}"
            )
        source = from_brian2(source, **{"level": 1, **(brian2 or {})})
    background = noise_stimulus(noise, source)
    if currents is None:
        engine = running.get("engine", "auto")
        currents = currents_for(source, background=background, engine=engine, seed=seed)
    told.at("search", 1.0)
    if trials is None:
        trials = 1 if background is None and isinstance(source, PointNeuron) else 3
    running["progress"] = told.part("steps")
    responses = run_steps(
        source,
        currents,
        duration=duration,
        settle=settle,
        trials=trials,
        background=background,
        seed=seed,
        **running,
    )
    told.at("steps", 1.0)
    in_words = "" if background is None else noise_in_words(noise, background)
    label = name or type(source).__name__
    chose = with_uncounted_spikes(choose(responses.curve), responses, float(settle / second))
    found = EquivalentUnit(label, chose, responses, noise=in_words)
    found = _with_times(found, responses, adaptation)
    told.at("adaptation", 1.0)
    if memory:
        running["progress"] = told.part("levels")
        found = with_memory(
            found,
            lambda: run_levels(
                source,
                slow_levels(levels_for(responses.curve), seed=seed),
                background=background,
                seed=seed,
                **running,
            ),
        )
        told.at("slow state", 1.0)
    best = found.selection.best
    if not frozen or best is None:
        told.end()
        return found
    fit = found.adaptation
    adaptive = fit.unit if fit is not None and fit.adapts else None
    running["progress"] = told.part("frozen")
    loss, notes = measure_frozen_loss(
        source, found.selection.curve, best.unit, adaptive, background, seed=seed, **running
    )
    told.end()
    return replace(found, frozen=loss, notes=(*found.notes, *notes))


_SHARES = {"search": 0.1, "steps": 0.1, "choice": 0.5, "adaptation": 0.3}
"""How the time of `equivalent_unit` divides among its parts, about; a model that has to be compiled
first stays at 0 meanwhile."""
_MORE_SHARES = {"memory": {"levels": 0.7, "slow state": 0.3}, "frozen": {"frozen": 1.0}}
"""The same of what has to be asked for, each of which takes about as long as all of these."""


class _Progress:
    """Shares of the parts of a task as one share of the whole."""

    def __init__(self, report: Callable[[float], None] | None, memory: bool, frozen: bool) -> None:
        self.report = report
        asked = {"memory": memory, "frozen": frozen}
        shares = dict(_SHARES)
        for name, more in _MORE_SHARES.items():
            shares |= more if asked[name] else dict.fromkeys(more, 0.0)
        ends = [done / sum(shares.values()) for done in accumulate(shares.values(), initial=0.0)]
        self.ends = dict(zip(shares, pairwise(ends), strict=True))

    def at(self, name: str, share: float) -> None:
        """Report how much of a part is done, and with it all parts before."""
        if self.report is not None:
            low, high = self.ends[name]
            self.report(low + share * (high - low))

    def end(self) -> None:
        """Report that all is done."""
        if self.report is not None:
            self.report(1.0)

    def part(self, name: str) -> Callable[[float], None] | None:
        """Give the function that a part reports to; None where nobody listens."""
        return None if self.report is None else lambda share: self.at(name, share)


def noise_series(
    neuron: PointNeuron,
    levels: Sequence[Quantity],
    currents: Quantity | None = None,
    **options: Any,
) -> list[EquivalentUnit]:
    """The unit of one neuron at several levels of noise.

    Parameters
    ----------
    neuron : PointNeuron
    levels : sequence of Quantity
        Noise, as `noise` of `equivalent_unit`.
    currents : Quantity array, optional
        The same for all levels (default: found at the first).
    **options
        Of `equivalent_unit`.

    Returns
    -------
    list of EquivalentUnit
        One a level.
    """
    if currents is None:
        currents = currents_for(neuron, background=noise_stimulus(levels[0], neuron))
    return [equivalent_unit(neuron, currents, noise=level, **options) for level in levels]


def _is_file(source: Any) -> bool:
    if isinstance(source, Path):
        return True
    # Equations are strings as well: they have a derivative in them and no suffix.
    return isinstance(source, str) and "/dt" not in source and "\n" not in source


_READING = ("voltage", "current", "voltage_unit", "current_unit", "pairs")
_COUNTING = ("step", "window", "trial")


def _recording_settings(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the settings of a recording that were given, if each is known."""
    known = (*_READING, *_COUNTING)
    for name in given or {}:
        if name not in known:
            raise UnknownNameError(f"recording={{{name!r}: ...}}: {suggest(name, known)}")
    return {name: value for name, value in (given or {}).items() if value is not None}


def _refuse(said: Mapping[str, Any], names: Iterable[str], wrong: str) -> None:
    """Refuse settings of a recording that have no meaning here."""
    meant = [name for name in said if name in set(names)]
    if meant:
        raise ParameterError(wrong.format(", ".join(meant)))


def _read(path: Path, said: Mapping[str, Any]) -> Any:
    """A table of counts or a recording, whichever the file holds."""
    from bridge.recordings import RecordingError, read
    from bridge.recordings.formats.text_header import names_traces

    reading = {name: said[name] for name in _READING if name in said}
    if path.suffix.lower() not in ("", ".csv", ".txt", ".tsv"):
        return read(path, **reading)
    # What its user wants to know is what is wrong with it as the kind of table that it is.
    if names_traces(path):
        return read(path, **reading)
    table = read_table(path)
    if _in_time(table):
        return SweepCounts.from_frame(table)
    try:
        return FICurve.from_frame(table, source=path.name)
    except CurveError as as_counts:
        # Without the columns of counts it may still hold a trace, which has no window.
        names = [str(name) for name in table.columns]
        if as_counts.column is None or names_counts(names) or "window_s" in names:
            raise
        try:
            return read(path, **reading)
        except RecordingError as error:
            if error.reason not in ("file", "format"):
                raise
            raise as_counts from None


def _in_time(table: Any) -> bool:
    """Whether a table holds counts in time: a row a bin of a sweep."""
    return {"sweep", "start_s"} <= {str(name) for name in table}


def _of_table(table: Any) -> FICurve | SweepCounts:
    """A table of counts, or of counts in time."""
    return SweepCounts.from_frame(table) if _in_time(table) else FICurve.from_frame(table)


def _no_model(currents: Any, noise: Any, trials: Any, what: str) -> None:
    for given, value in (("currents", currents), ("noise", noise), ("trials", trials)):
        if value is not None:
            raise ParameterError(f"{what} brings its own {given}; leave {given}= out")


def _with_times(found: EquivalentUnit, responses: Responses, adaptation: bool) -> EquivalentUnit:
    """Add what the times of spikes tell: features of the steps, and adaptation."""
    fit, notes = None, list(found.notes)
    selection = found.selection
    if adaptation and any(why.reason == "block" for why in selection.refused.values()):
        notes.append("adaptation is not fitted: onset curves rise, and this cell is blocked")
    elif adaptation:
        try:
            fit = fit_adaptive(responses.counts(), confidence=selection.confidence)
        except FitError as error:
            notes.append(f"adaptation is not fitted: {error}")
    features = step_features(responses.current_pA, responses.trains)
    return replace(found, adaptation=fit, features=features, notes=tuple(notes))
