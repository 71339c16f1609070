"""A neuron for each reader, whose parameters have to be found by injecting currents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from brian2.units import Quantity, ms, pA

from experiments.exercises.injection import Injection
from experiments.exercises.membrane_fit import PARAMETERS, Estimate, estimate
from neurosim import LIF, Steps, simulate
from neurosim.display import html_table
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import check_quantity, check_whole

__all__ = ["Grade", "Graded", "UnknownNeuron", "Verdict", "inject_all"]

# Ranges from which each neuron is drawn, in the units of PARAMETERS: around the textbook neuron.
# The reset is drawn below the threshold, and the refractory period in whole samples.
_RANGES: Mapping[str, tuple[float, float]] = {
    "E_L": (-75.0, -65.0),
    "R_m": (80.0, 250.0),
    "tau_m": (10.0, 30.0),
    "V_th": (-58.0, -50.0),
    "V_reset": (-80.0, -68.0),
    "t_ref": (1.0, 4.0),
}
_STEP = 0.1 * ms
_STRONGEST = 5000 * pA
_BEFORE, _AFTER = 50.0, 50.0  # ms of rest that are recorded around the step
# Standard deviation of the electrode's noise, in mV.
_NOISE_MV = 0.5
# An answer may be this many times as wide as the recordings allow.
_WIDEST = 3.0


class Verdict(StrEnum):
    """What an answer is worth."""

    RIGHT = "right"
    MISSES = "misses the true value"
    WIDE = "holds the true value, but is wider than the recordings allow"
    UNDETERMINED = "cannot be judged: the recordings do not determine it"


@dataclass(frozen=True)
class Graded:
    """One answer and its verdict.

    Attributes
    ----------
    name : str
        Parameter, as `neurosim.LIF` calls it.
    low, high : float
        The interval that was answered, in the unit of the parameter.
    allowed : Estimate
        What the same recordings tell.
    verdict : Verdict
    """

    name: str
    low: float
    high: float
    allowed: Estimate
    verdict: Verdict


@dataclass(frozen=True)
class Grade:
    """All answers of a reader with their verdicts.

    Attributes
    ----------
    answers : tuple of Graded
    """

    answers: tuple[Graded, ...]

    @property
    def passed(self) -> bool:
        """Whether every answer is right, and none is left out."""
        answered = {one.name for one in self.answers}
        right = all(one.verdict is Verdict.RIGHT for one in self.answers)
        return right and answered == set(PARAMETERS)

    @property
    def missing(self) -> tuple[str, ...]:
        """Parameters without an answer."""
        answered = {one.name for one in self.answers}
        return tuple(name for name in PARAMETERS if name not in answered)

    def _rows(self) -> list[tuple[str, str, str, str]]:
        rows = []
        for one in self.answers:
            unit = PARAMETERS[one.name]
            allowed = one.allowed
            tells = f"{allowed.low:.5g} to {allowed.high:.5g}" if allowed.known else "nothing"
            rows.append(
                (one.name, f"{one.low:.5g} to {one.high:.5g} {unit}", tells, one.verdict.value)
            )
        return rows

    def __str__(self) -> str:
        lines = [
            f"{name}: you say {said}; the recordings tell {tells}: {verdict}"
            for name, said, tells, verdict in self._rows()
        ]
        if self.missing:
            lines.append(f"without an answer: {', '.join(self.missing)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = ("parameter", "your interval", "your recordings tell", "verdict")
        note = f"Without an answer: {', '.join(self.missing)}" if self.missing else ""
        return html_table("Unknown neuron", self._rows(), head, note)


@dataclass(frozen=True)
class UnknownNeuron:
    """A leaky integrate-and-fire neuron with hidden parameters, another one for each reader.

    The reader injects steps of current, and works out from what the electrode records: rest
    ``E_L``, input resistance ``R_m``, membrane time constant ``tau_m``, threshold ``V_th``, the
    potential after a spike ``V_reset``, and the refractory period ``t_ref``. An answer is an
    interval. It is right if it holds the true value and is at most three times as wide as the 95 %
    interval that a fit to the reader's own recordings gives. A better experiment is therefore asked
    a sharper answer. Everything happens on the reader's machine.

    The parameters are hidden and not locked away: `reveal` tells them.

    Parameters
    ----------
    reader : str
        A name. The same name always gives the same neuron, on every machine.

    Raises
    ------
    ParameterError
        The name is empty or no text.

    Examples
    --------
    >>> from brian2 import mV, ms, pA
    >>> neuron = UnknownNeuron("Ada")
    >>> recordings = neuron.inject([-50, 50, 200, 400] * pA, duration=200 * ms)
    >>> told = estimate(recordings, confidence=0.999)
    >>> told["E_L"].known, len(recordings)
    (True, 4)
    >>> grade = neuron.grade(recordings, E_L=told["E_L"].interval, V_th=[-20, -10] * mV)
    >>> [one.verdict.name for one in grade.answers], grade.passed
    (['RIGHT', 'MISSES'], False)
    """

    reader: str

    def __post_init__(self) -> None:
        if not isinstance(self.reader, str) or not self.reader.strip():
            raise ParameterError(
                f"UnknownNeuron: reader must be a name, such as 'Ada'; got {self.reader!r}"
            )

    def _random(self, *more: object) -> np.random.Generator:
        """Return random numbers that depend on the reader and on what they are for."""
        # Python's own hash of a text differs from session to session.
        text = repr((self.reader.strip(), *more)).encode()
        return np.random.default_rng(list(hashlib.sha256(text).digest()))

    def reveal(self) -> LIF:
        """Return the neuron with its true parameters: the end of the exercise."""
        random = self._random("parameters")
        drawn = {name: random.uniform(*ends) for name, ends in _RANGES.items()}
        # The refractory period ends with a time step.
        step = float(_STEP / ms)
        drawn["t_ref"] = round(drawn["t_ref"] / step) * step
        return LIF(**{name: value * PARAMETERS[name] for name, value in drawn.items()})

    def inject(
        self,
        currents: Quantity,
        duration: Quantity = 300 * ms,
        *,
        trial: int = 1,
        engine: str = "numpy",
    ) -> list[Injection]:
        """Inject a step of each current, and record 50 ms before, the step, and 50 ms after.

        The electrode adds white noise of 0.5 mV (standard deviation) to the potential, sampled
        every 0.1 ms. The neuron itself has no noise: it fires alike in every trial.

        Parameters
        ----------
        currents : Quantity, shape () or (n,)
            Of the steps, at most 5 nA in either direction.
        duration : Quantity
            Length of the steps, 1 ms to 5 s.
        trial : int
            Another number gives other noise of the electrode.
        engine : str
            Of `neurosim.simulate`.

        Returns
        -------
        list of Injection, one a current

        Raises
        ------
        UnitError
            A current or the duration has no unit, or another one.
        ParameterError
            A value is out of range.
        """
        return inject_all([self], currents, duration, trial=trial, engine=engine)[0]

    def grade(self, recordings: Injection | Sequence[Injection], **answers: Quantity) -> Grade:
        """Say of each answer whether it is right.

        Parameters
        ----------
        recordings : Injection or sequence of Injection
            From which the reader found the answers: all that `inject` returned.
        **answers : Quantity, shape (2,)
            By the names of `neurosim.LIF`, the lower and the upper end: ``E_L=[-71, -69] * mV``.

        Returns
        -------
        Grade

        Raises
        ------
        UnknownNameError
            There is no such parameter.
        UnitError, ParameterError
            An answer is not two ends with the unit of the parameter, the lower end first; or a
            recording is of another reader's neuron.
        """
        recordings = [recordings] if isinstance(recordings, Injection) else recordings
        for recording in recordings:
            if recording.reader != self.reader.strip():
                raise ParameterError(
                    f"grade: one of the recordings is of {recording.reader!r}; give those that "
                    f"UnknownNeuron({self.reader!r}).inject returned"
                )
        told, truth = estimate(recordings), self.reveal()
        graded = []
        for name, given in answers.items():
            if name not in PARAMETERS:
                raise UnknownNameError(
                    f"grade: there is no parameter {name!r}: {suggest(name, PARAMETERS)}"
                )
            unit = PARAMETERS[name]
            ends = np.asarray(check_quantity(given, unit, f"grade: {name}", many=1) / unit)
            if ends.shape != (2,) or not ends[0] <= ends[1]:
                raise ParameterError(
                    f"grade: {name} must be an interval, its lower end first, such as "
                    f"[1, 2]*{unit}; got {given}"
                )
            low, high = (float(end) for end in ends)
            true = float(getattr(truth, name) / unit)
            graded.append(Graded(name, low, high, told[name], _judged(low, high, true, told[name])))
        return Grade(tuple(graded))


def inject_all(
    neurons: Sequence[UnknownNeuron],
    currents: Quantity,
    duration: Quantity = 300 * ms,
    *,
    trial: int = 1,
    engine: str = "numpy",
) -> list[list[Injection]]:
    """Inject the same currents into the neurons of several readers, in one run.

    Parameters
    ----------
    neurons : sequence of UnknownNeuron
        At least one.
    currents, duration, trial, engine
        As in `UnknownNeuron.inject`, which raises the same errors.

    Returns
    -------
    list of list of Injection
        For each neuron what its own `inject` returns.
    """
    if not neurons:
        raise ParameterError("inject_all: give at least one UnknownNeuron")
    amounts = np.atleast_1d(
        check_quantity(
            currents, 100 * pA, "inject: currents", at_least=-_STRONGEST, at_most=_STRONGEST, many=1
        )
    )
    length = check_quantity(
        duration, 300 * ms, "inject: duration", at_least=1 * ms, at_most=5000 * ms
    )
    number = check_whole(trial, "inject: trial")
    true = [one.reveal() for one in neurons]
    rows = {name: np.repeat([getattr(lif, name) / unit for lif in true], len(amounts)) * unit
            for name, unit in PARAMETERS.items()}  # fmt: skip
    run = simulate(
        LIF(),
        _BEFORE * ms + length + _AFTER * ms,
        stimulus=Steps(amplitude=0 * pA, onset=_BEFORE * ms, duration=length),
        batch={**rows, "amplitude": np.tile(amounts / pA, len(true)) * pA},
        record=["v"],
        dt=_STEP,
        record_dt=_STEP,
        engine=engine,
    )
    time, v = run.trace_time_s * 1e3, run.traces_si["v"] * 1e3
    span, pico = float(length / ms), np.asarray(amounts / pA, dtype=float)
    found = []
    for k, one in enumerate(neurons):
        own = range(k * len(pico), (k + 1) * len(pico))
        noise = [one._random(float(c), span, number).normal(0, _NOISE_MV, len(time)) for c in pico]
        # A spike is timed by the last sample below threshold; the next one shows the reset.
        spikes = [np.asarray(run.spike_train(r) / ms, dtype=float) + float(_STEP / ms) for r in own]
        found.append([
            Injection(float(pico[n]), _BEFORE, span, time, v[row] + noise[n], spikes[n],
                      one.reader.strip())
            for n, row in enumerate(own)
        ])  # fmt: skip
    return found


def _judged(low: float, high: float, true: float, told: Estimate) -> Verdict:
    """Return what an interval is worth, given what the recordings tell."""
    if not told.known:
        return Verdict.UNDETERMINED
    # The ends may have been typed as they were printed.
    slack = 1e-9 * max(1.0, abs(true))
    if not low - slack <= true <= high + slack:
        return Verdict.MISSES
    return Verdict.WIDE if high - low > _WIDEST * (told.high - told.low) else Verdict.RIGHT
