"""Recordings of neurons whose parameters are known, to try fits on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.fit.fit_problem import FitProblem
from bridge.fit.fit_target import FitTarget, Piece
from bridge.fit.neuron_families import NeuronFamily
from bridge.fit.residual_rows import LocatedRun
from bridge.recordings.cell import CellRecording
from bridge.recordings.formats.sweeps import Sweep
from neurosim.errors import ParameterError, RowError

__all__ = ["drawn_truth", "recording_of"]

Array = NDArray[np.float64]

# Of the weakest current of a coarse row that makes the neuron fire: steps of a recording.
_STEPS = (-0.6, -0.3, 0.0, 0.4, 0.7, 1.0, 1.15, 1.3, 1.6, 2.0, 2.4, 2.8)
_BEFORE_MS, _AFTER_MS = 40.0, 60.0
# A cell is at rest when a recording begins, and slow membranes and M channels take a second to it.
_REST_MS = 1500.0
_RATE_HZ = 20000.0
# About where spikes of the height that is drawn are timed.
_TIMED_MV = -17.0
# A neuron that fires faster is not what is recorded as a rule.
_MOST_HZ = 150.0


def recording_of(
    family: NeuronFamily,
    values: dict[str, float],
    *,
    rest_mV: float = -70.0,
    step_ms: float = 300.0,
    noise_mV: float = 0.3,
    seed: int = 0,
    name: str = "made",
) -> CellRecording:
    """Record a neuron of a family at twelve current steps, with noise on the potential.

    Parameters
    ----------
    family : NeuronFamily
    values : dict of str to float
        Its parameters, in customary units.
    rest_mV : float
        Where it starts; it comes to its own rest before the recording begins.
    step_ms : float
        Length of the steps.
    noise_mV : float
        Standard deviation of the noise, independent from sample to sample.
    seed : int
        Of the noise.
    name : str

    Raises
    ------
    ParameterError
        The neuron does not fire, or fires without current, or is blocked at some step, or fires at
        once after its reset, or has a threshold so high that its spikes cannot be timed.
    """
    window = _window(step_ms, rest_mV, values["C"])
    problem = FitProblem(family, window, settle_ms=_REST_MS)
    u = problem.unit_of(np.array([values[name] for name in family.names]))
    coarse = np.concatenate([[0.0], values["C"] * 0.5 * 1.35 ** np.arange(16)])
    counts = [len(run.spikes_ms) for run in _run(problem, u, coarse)]
    firing = [k for k, n in enumerate(counts) if n]
    if not firing or firing[0] == 0:
        raise ParameterError(
            f"recording_of: the neuron fires {'without current' if firing else 'at no current'}; "
            "give other parameters"
        )
    currents = coarse[firing[0]] * np.array(_STEPS)
    runs = _run(problem, u, currents)
    spikes = [len(run.spikes_ms) for run in runs]
    most = _MOST_HZ * step_ms * 1e-3
    if not 4 <= max(spikes) <= most or spikes[-1] < max(spikes) or min(spikes[5:]) < 1:
        raise ParameterError(
            f"recording_of: spikes at the twelve steps are {spikes}; at the strongest the neuron "
            f"must fire most, 4 to {most:g} spikes; give other parameters"
        )
    random = np.random.default_rng(seed)
    stride = round(1e3 / _RATE_HZ / family.dt_ms)
    sweeps = []
    for k, (current, run) in enumerate(zip(currents, runs, strict=True)):
        # The run has no sample at 0: there the first one stands twice.
        v = np.concatenate([run.v_mV[:1], run.v_mV[stride - 1 :: stride]])
        time = np.arange(len(v)) * 1e3 / _RATE_HZ
        inside = (time >= _BEFORE_MS - 1e-9) & (time < _BEFORE_MS + step_ms - 1e-9)
        if family.is_reset:
            v = _with_spikes(v, run.spikes_ms)
            if not _are_timed(v, run.spikes_ms):
                raise ParameterError(
                    "recording_of: the threshold rises above the potential at which spikes of a "
                    f"recording are timed ({_TIMED_MV:g} mV), so that they would seem to come "
                    "before they do; give other parameters"
                )
        noisy = v + noise_mV * random.standard_normal(len(v))
        sweeps.append(Sweep(k, _RATE_HZ, noisy, current * inside))
    return CellRecording(tuple(sweeps), name)


def _window(step_ms: float, rest_mV: float, size_pF: float) -> FitTarget:
    """Return a target without recording: how long runs are, and what a spike is."""
    length = _BEFORE_MS + step_ms + _AFTER_MS
    return FitTarget((), (), (), _BEFORE_MS, step_ms, length, 0.1, -15.0, rest_mV, size_pF, "")


def _run(problem: FitProblem, u: Array, currents: Array) -> list[LocatedRun]:
    nothing = np.zeros(0)
    try:
        return problem.run(u, [Piece(0, float(pA), 0.0, nothing, nothing) for pA in currents])[0]
    except RowError as error:
        # Not a program that could not be built, which no other neuron mends.
        raise ParameterError(
            f"recording_of: the neuron cannot be run: {error}; give other parameters"
        ) from error


def _with_spikes(v: Array, spikes_ms: Array) -> Array:
    """Return a potential with a spike of 1 ms drawn at each reset: a peak is what is looked for."""
    time = np.arange(len(v)) * 1e3 / _RATE_HZ
    drawn = v.copy()
    for at in spikes_ms:
        since = time - at
        # It crosses this potential when the neuron spikes.
        rising = (since >= -0.05) & (since < 0.0833)
        falling = (since >= 0.0833) & (since < 0.85)
        drawn[rising] = np.maximum(drawn[rising], _TIMED_MV + 600.0 * since[rising])
        drawn[falling] = np.maximum(drawn[falling], 30.0 - 120.0 * (since[falling] - 0.0833))
    return drawn


def _are_timed(v: Array, spikes_ms: Array) -> bool:
    """Whether each spike crosses the potential of timing when it comes, to a few samples."""
    sample = 1e3 / _RATE_HZ
    crossed = (np.flatnonzero((v[:-1] < _TIMED_MV) & (v[1:] >= _TIMED_MV)) + 1) * sample
    # The last may be cut by the end of the recording.
    spikes = spikes_ms[spikes_ms < (len(v) - 2) * sample]
    crossed = crossed[: len(spikes)]
    return len(crossed) == len(spikes) and bool(np.all(np.abs(crossed - spikes) < 3 * sample))


def drawn_truth(
    family: NeuronFamily, seed: int, *, size_pF: float = 100.0, width: float = 0.4
) -> dict[str, float]:
    """Draw parameters from the middle of the bounds of a family.

    Parameters
    ----------
    family : NeuronFamily
    seed : int
    size_pF : float
        For bounds that grow with the cell.
    width : float
        What share of the bounds is drawn from.
    """
    problem = FitProblem(family, _window(1.0, -70.0, size_pF))
    random = np.random.default_rng(seed)
    u = 0.5 + width * (random.random(len(family.names)) - 0.5)
    found = dict(zip(family.names, problem.parameters(u).tolist(), strict=True))
    if "dendrite" in found:
        found["C"] = size_pF / (1 + found["dendrite"])
    found["E_L" if "E_L" in found else "E_leak"] = -70.0 + 6.0 * float(random.random() - 0.5)
    return found
