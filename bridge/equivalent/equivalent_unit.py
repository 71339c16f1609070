"""Any neuron in, modelled or recorded; out: the unit that stands for it, and what is lost.

from bridge.equivalent.equivalent_unit import equivalent_unit
print(equivalent_unit(LIF(), noise=3 * mV))
print(equivalent_unit("cell.abf"))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import Quantity, ms, pA, second

from bridge.choice.adaptive_fit import AdaptiveFit, fit_adaptive
from bridge.choice.select_unit import select
from bridge.choice.selection import Selection
from bridge.counts.curve import FICurve
from bridge.errors import FitError, RefusedError
from bridge.spike_trains import StepFeatures, step_features
from bridge.stimulate.frozen_noise import FrozenLoss, frozen_loss, frozen_noise_pA, play
from bridge.stimulate.step_responses import (
    Responses,
    currents_for,
    noise_stimulus,
    of_recording,
    run_steps,
)
from bridge.units import EVERY_FAMILY, Unit
from neurosim import PointNeuron, Stimulus
from neurosim.custom.point_model import from_brian2
from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError

__all__ = ["EquivalentUnit", "equivalent_unit", "noise_series"]

STEP_S = 0.001


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
        return self.selection.ok and self.refusal is None

    @property
    def refusal(self) -> str | None:
        """Why no unit stands for the neuron; None where one does."""
        try:
            self.selection.require()
        except RefusedError as error:
            return str(error)
        return None

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
        return {
            "name": self.name,
            "ok": self.ok,
            "refusal": self.refusal,
            "selection": self.selection.to_dict(),
            "adaptation": None if self.adaptation is None else self.adaptation.to_dict(),
            "features": None if self.features is None else self.features.to_dict(),
            "frozen": None if self.frozen is None else self.frozen.to_dict(),
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


def equivalent_unit(
    source: Any,
    currents: Quantity | None = None,
    *,
    noise: Quantity | Stimulus | None = None,
    families: Iterable[type[Unit] | str] = EVERY_FAMILY,
    confidence: float = 0.95,
    intervals: str | None = "profile",
    current_max: float | Quantity | None = None,
    duration: Quantity = 1 * second,
    settle: Quantity = 0.2 * second,
    trials: int = 3,
    adaptation: bool = True,
    frozen: bool = False,
    name: str | None = None,
    brian2: Mapping[str, Any] | None = None,
    dt: Quantity | None = None,
    seed: int = 0,
    engine: str = "auto",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
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
        As in `select`; by default every family is tried, the jump and the block included.
    duration, settle, trials
        Window, time before it, and repeats of every current of a model.
    adaptation : bool
        Whether to fit the adaptive unit where spike times are known.
    frozen : bool
        Whether to play frozen noise to a model and measure reliability and information (20 trials
        of 20 s; the cell's own noise is `noise`, or a twentieth of its rheobase where none is
        given).
    name : str, optional
        What to call it.
    brian2 : mapping, optional
        Arguments of `neurosim.from_brian2` for equations or a group.
    dt, seed, engine, jobs, progress
        As in `neurosim.simulate`.

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
    choice = {
        "families": families,
        "confidence": confidence,
        "intervals": intervals,
        "current_max": current_max,
        "seed": seed,
    }
    notes: list[str] = []
    if isinstance(source, pd.DataFrame):
        source = FICurve.from_frame(source)
    if _is_file(source):
        source, name = _read(Path(source)), name or Path(source).name
    if isinstance(source, FICurve):
        _no_model(currents, noise, "counts")
        notes.append("only counts are known: adaptation, timing and information cannot be told")
        label = name or source.source or "counts"
        return EquivalentUnit(label, select(source, **choice), notes=tuple(notes))  # type: ignore[arg-type]
    if hasattr(source, "sweeps") and hasattr(source, "fi_curve"):
        _no_model(currents, noise, "a recording")
        responses = of_recording(source)
        if frozen:
            notes.append("frozen noise needs repeated trials of it, which these steps are not")
        return _put_together(
            name or source.name,
            responses,
            select(responses.curve, **choice),  # type: ignore[arg-type]
            adaptation,
            confidence,
            notes,
        )
    if not isinstance(source, (PointNeuron, Neuron)):
        if not isinstance(source, str) and not hasattr(source, "user_equations"):
            raise ParameterError(
                "equivalent_unit takes a neuron such as LIF(), equations, a NeuronGroup, a "
                f"recording, an FICurve or a file; got {type(source).__name__}"
            )
        source = from_brian2(source, **{"level": 1, **(brian2 or {})})
    background = noise_stimulus(noise, source)
    if currents is None:
        currents = currents_for(source, background=background, engine=engine, seed=seed)
    responses = run_steps(
        source,
        currents,
        duration=duration,
        settle=settle,
        trials=trials,
        background=background,
        dt=dt,
        seed=seed,
        engine=engine,
        jobs=jobs,
        progress=progress,
    )
    chosen = select(responses.curve, **choice)  # type: ignore[arg-type]
    found = _put_together(
        name or type(source).__name__,
        responses,
        chosen,
        adaptation,
        confidence,
        notes,
        noise="" if background is None else repr(background),
    )
    if not frozen or chosen.best is None:
        return found
    loss, more = _play_frozen(source, found, background, seed=seed, dt=dt, engine=engine, jobs=jobs)
    return EquivalentUnit(
        found.name,
        chosen,
        responses,
        found.adaptation,
        found.features,
        loss,
        found.noise,
        (*found.notes, *more),
    )


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


def _read(path: Path) -> Any:
    if path.suffix.lower() in ("", ".csv", ".txt", ".tsv"):
        from bridge.errors import CurveError

        try:
            return FICurve.from_csv(path)
        except CurveError as as_counts:
            if "no column" not in str(as_counts):
                raise
            return _recording(path, as_counts)
    return _recording(path, None)


def _recording(path: Path, before: Exception | None) -> Any:
    from bridge.recordings import RecordingError, read

    try:
        return read(path)
    except RecordingError:
        if before is not None:
            raise before from None
        raise


def _no_model(currents: Any, noise: Any, what: str) -> None:
    for given, value in (("currents", currents), ("noise", noise)):
        if value is not None:
            raise ParameterError(f"{what} brings its own {given}; leave {given}= out")


def _put_together(
    name: str,
    responses: Responses,
    selection: Selection,
    adaptation: bool,
    confidence: float,
    notes: list[str],
    noise: str = "",
) -> EquivalentUnit:
    fit = None
    if adaptation:
        fall = any("depolarisation block" in why for why in selection.refused.values())
        if fall:
            notes.append("adaptation is not fitted: onset curves rise, and this cell is blocked")
        else:
            try:
                fit = fit_adaptive(responses.counts(), confidence=confidence)
            except FitError as error:
                notes.append(f"adaptation is not fitted: {error}")
    features = step_features(responses.current_pA, responses.trains)
    return EquivalentUnit(name, selection, responses, fit, features, None, noise, tuple(notes))


def _play_frozen(
    neuron: PointNeuron,
    found: EquivalentUnit,
    background: Stimulus | None,
    *,
    seed: int,
    dt: Quantity | None,
    engine: str,
    jobs: int,
    trials: int = 20,
    duration_s: float = 20.0,
) -> tuple[FrozenLoss | None, list[str]]:
    best, curve = found.selection.best, found.selection.curve
    assert best is not None
    rates = curve.mean_rate_Hz()
    notes = []
    # Around the current of a third of the highest rate, as wide as the rise itself.
    middle = float(np.interp(rates.max() / 3, np.maximum.accumulate(rates), curve.currents))
    onset = float(curve.currents[int(np.argmax(rates > 0))])
    width = max(abs(middle - onset), 0.15 * float(np.ptp(curve.currents)))
    if background is None:
        background = noise_stimulus(max(abs(onset), width) / 20 * pA, neuron)
        notes.append(f"frozen noise: the cell's own noise is taken as {background!r}")
    current = frozen_noise_pA(middle, width, 0.005, duration_s, STEP_S, seed)
    played = play(
        neuron,
        current,
        step=STEP_S * 1e3 * ms,
        trials=trials,
        background=background,
        dt=dt,
        seed=seed,
        engine=engine,
        jobs=jobs,
    )
    if sum(len(train) for train in played.trains) < 10 * trials:
        return None, [*notes, "frozen noise: too few spikes to say anything"]
    fit = found.adaptation
    adaptive = fit.unit if fit is not None and fit.adapts else None
    return frozen_loss(played, best.unit, adaptive, seed=seed), notes
