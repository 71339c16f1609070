"""Recordings of neurons whose parameters are known, to try fits on."""

from __future__ import annotations

import numpy as np
from brian2.units import ms, pA
from numpy.typing import NDArray

from bridge.fit.fit_problem import DT_MS, SETTLE_MS, FitProblem
from bridge.fit.fit_target import FitTarget
from bridge.fit.neuron_families import NeuronFamily
from bridge.recordings.cell import CellRecording
from bridge.recordings.formats.sweeps import Sweep
from neurosim.errors import ParameterError
from neurosim.morphology import root_site
from neurosim.run.simulate import simulate
from neurosim.stimuli import Steps

__all__ = ["drawn_truth", "recording_of"]

Array = NDArray[np.float64]

# Of the weakest current of a coarse row that makes the neuron fire: steps of a recording.
_STEPS = (-0.6, -0.3, 0.0, 0.4, 0.7, 1.0, 1.15, 1.3, 1.6, 2.0, 2.4, 2.8)
_BEFORE_MS, _AFTER_MS = 40.0, 60.0
_RATE_HZ = 20000.0


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
        The neuron does not fire, or fires without current, or is blocked at some step.
    """
    scale = values["C"] * 0.5
    coarse = np.concatenate([[0.0], scale * 1.35 ** np.arange(16)])
    counts = [len(_peaks(v)) for v in _run(family, values, coarse, rest_mV, step_ms)]
    firing = [k for k, n in enumerate(counts) if n]
    if not firing or firing[0] == 0:
        raise ParameterError(
            f"recording_of: the neuron fires {'without current' if firing else 'at no current'}; "
            "give other parameters"
        )
    currents = coarse[firing[0]] * np.array(_STEPS)
    traces = _run(family, values, currents, rest_mV, step_ms)
    spikes = [len(_peaks(v)) for v in traces]
    if max(spikes) < 4 or spikes[-1] < max(spikes) or min(spikes[5:]) < 1:
        raise ParameterError(
            f"recording_of: spikes at the twelve steps are {spikes}; at the strongest the neuron "
            "must fire most, four spikes or more; give other parameters"
        )
    random = np.random.default_rng(seed)
    stride = round(1e3 / _RATE_HZ / DT_MS)
    sweeps = []
    for k, (current, trace) in enumerate(zip(currents, traces, strict=True)):
        # The first sample is at the end of the first step of the run.
        v = np.concatenate([trace[:1], trace[stride - 1 :: stride]])
        time = np.arange(len(v)) * 1e3 / _RATE_HZ
        inside = (time >= _BEFORE_MS - 1e-9) & (time < _BEFORE_MS + step_ms - 1e-9)
        noisy = v + noise_mV * random.standard_normal(len(v))
        sweeps.append(Sweep(k, _RATE_HZ, noisy, current * inside))
    return CellRecording(tuple(sweeps), name)


def _run(
    family: NeuronFamily, values: dict[str, float], currents: Array, rest_mV: float, step_ms: float
) -> Array:
    """Run the neuron itself at steps of current; potential (mV), one row a step."""
    cell = family.neuron(values, rest_mV).probe("v", root_site, label="soma")
    found = simulate(
        cell, (_BEFORE_MS + step_ms + _AFTER_MS) * ms,
        stimulus=Steps(amplitude=0 * pA, onset=_BEFORE_MS * ms, duration=step_ms * ms),
        batch={"stimulus.steps.amplitude": currents * pA}, dt=DT_MS * ms, settle=SETTLE_MS * ms,
    )  # fmt: skip
    return np.asarray(found.matrix("soma").values, dtype=float)[:, :, 0] * 1e3


def _peaks(v: Array) -> NDArray[np.intp]:
    return np.flatnonzero((v[:-1] < -15.0) & (v[1:] >= -15.0))


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
    empty = FitTarget(
        (), (), (), 0.0, 1.0, 1.0, 0.1, -20.0, -70.0, size_pF, "", ()
    )  # fmt: skip
    problem = FitProblem(family, empty)
    random = np.random.default_rng(seed)
    u = 0.5 + width * (random.random(len(family.names)) - 0.5)
    found = dict(zip(family.names, problem.parameters(u).tolist(), strict=True))
    if "dendrite" in found:
        found["C"] = size_pF / (1 + found["dendrite"])
    found["E_leak"] = -70.0 + 6.0 * float(random.random() - 0.5)
    return found
