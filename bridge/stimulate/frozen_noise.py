"""Frozen noise: the same fluctuating current again and again, and what a unit foretells of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Unpack

import numpy as np
from brian2.units import Quantity, ms, pA, second
from numpy.typing import NDArray

from bridge.counts.curve import FICurve
from bridge.spike_trains import RateScore, Reliability, coincidence_factor, reliability, score_rates
from bridge.spike_trains.information import Bits, gaussian_information, spike_counts
from bridge.spike_trains.score import draw_trains
from bridge.stimulate.fi_curve import Running, trial_seeds
from bridge.stimulate.step_responses import noise_stimulus
from bridge.units import Unit
from bridge.units.adaptive import Adaptive
from neurosim import FrozenNoise, PointNeuron, Stimulus, simulate
from neurosim.atomic_write import plain
from neurosim.quantities import check_quantity

__all__ = [
    "FrozenLoss",
    "FrozenTrials",
    "frozen_loss",
    "frozen_noise_pA",
    "measure_frozen_loss",
    "play",
]

Array = NDArray[np.float64]

STEP_S = 0.001
"""How long a sample of frozen noise is held."""


def frozen_noise_pA(
    mean_pA: float, sd_pA: float, tau_s: float, duration_s: float, step_s: float, seed: int
) -> Array:
    """Samples of an Ornstein-Uhlenbeck current that begins in its stationary state.

    Examples
    --------
    >>> frozen_noise_pA(100, 20, 0.005, 1.0, 0.001, seed=1).shape
    (1000,)
    """
    from scipy.signal import lfilter

    random = np.random.default_rng(seed)
    kept = np.exp(-step_s / tau_s)
    drawn = random.standard_normal(round(duration_s / step_s))
    drawn[1:] *= np.sqrt(1 - kept**2)
    return np.asarray(mean_pA + sd_pA * lfilter([1.0], [1.0, -kept], drawn))


@dataclass(frozen=True, eq=False)
class FrozenTrials:
    """A current and the spikes it gave, trial after trial.

    Attributes
    ----------
    current_pA : ndarray, shape (n,)
        Samples of the current.
    step_s : float
        Time between them.
    trains : list of ndarray
        Spike times of each trial (s).
    """

    current_pA: Array
    step_s: float
    trains: list[Array]

    @property
    def duration_s(self) -> float:
        """Length of a trial (s)."""
        return len(self.current_pA) * self.step_s

    def part(self, start_s: float, stop_s: float) -> FrozenTrials:
        """The trials between two times, their clock set back to zero."""
        first, last = round(start_s / self.step_s), round(stop_s / self.step_s)
        trains = [t[(t >= start_s) & (t < stop_s)] - start_s for t in self.trains]
        return FrozenTrials(self.current_pA[first:last], self.step_s, trains)


def play(
    neuron: PointNeuron,
    current_pA: Array,
    *,
    step: Quantity = 1 * ms,
    trials: int = 20,
    background: Stimulus | None = None,
    seed: int = 0,
    **running: Unpack[Running],
) -> FrozenTrials:
    """Play one current to a neuron many times, each time with background noise of its own.

    Parameters
    ----------
    neuron : PointNeuron
    current_pA : ndarray, shape (n,)
        Samples (pA).
    step : Quantity
        Time between them.
    trials : int
        Repeats; without background noise all are alike.
    background : Stimulus, optional
        The cell's own noise.
    dt, seed, engine, jobs, progress
        As in `neurosim.simulate`.

    Returns
    -------
    FrozenTrials
    """
    step_s = float(check_quantity(step, 1 * ms, "play: step", above=0 * ms))
    stimulus: Stimulus = FrozenNoise(np.asarray(current_pA) * pA, interval=step)
    if background is not None:
        stimulus = stimulus + background
    recording = simulate(
        neuron,
        len(current_pA) * step_s * second,
        stimulus=stimulus,
        seed=trial_seeds(seed, trials),
        **running,
    )
    trains = [np.asarray(train / second) for train in recording.spike_trains()]
    return FrozenTrials(np.asarray(current_pA, dtype=float), step_s, trains)


@dataclass(frozen=True, eq=False)
class FrozenLoss:
    """What a unit keeps of a cell's spikes under a fluctuating current.

    Attributes
    ----------
    reliability : Reliability
        Of the cell's own trials.
    static : RateScore
        The unit at the momentary current.
    filtered : RateScore
        The unit at a low-passed current, the time constant found on the first half.
    filter_s : float
        That time constant.
    adaptive : RateScore or None
        The adaptive unit, low-passed as well, where there is one.
    stimulus : Bits
        What a linear reconstruction from one trial's spikes says of the current.
    unit_coincidence : float
        Mean Gamma of Poisson spikes at the unit's rate with the cell's; over the cell's own
        (`reliability.coincidence`) it is what a rate keeps of spike times.
    """

    reliability: Reliability
    static: RateScore
    filtered: RateScore
    filter_s: float
    adaptive: RateScore | None
    stimulus: Bits
    unit_coincidence: float

    @property
    def coincidence_kept(self) -> float:
        """Gamma of the unit's spikes over the cell's own; nan where the cell's is below 0.05."""
        own = self.reliability.coincidence
        return self.unit_coincidence / own if own > 0.05 else np.nan

    def to_dict(self) -> dict[str, Any]:
        """Every number, fit for JSON."""
        return dict(plain({**asdict(self), "coincidence_kept": self.coincidence_kept}))


def frozen_loss(
    trials: FrozenTrials,
    unit: Unit,
    adaptive: Adaptive | None = None,
    *,
    bin_s: float = 0.02,
    seed: int = 0,
) -> FrozenLoss:
    """Say what a unit keeps of a cell's spikes; scores are of the second half of the trials' time.

    Parameters
    ----------
    trials : FrozenTrials
        At least two trials.
    unit : Unit
        Of the cell's f-I curve.
    adaptive : Adaptive, optional
        The same with adaptation.
    bin_s : float
        Bin of the scores (s).
    seed : int
        Of the unit's Poisson spikes.

    Returns
    -------
    FrozenLoss

    Examples
    --------
    >>> from bridge.units import Softplus
    >>> unit = Softplus(0.2, 150, 30)
    >>> current = frozen_noise_pA(200, 80, 0.05, 40.0, 0.02, seed=1)
    >>> trains = draw_trains(unit.rate(current), 0.02, 60, seed=2)
    >>> told = frozen_loss(FrozenTrials(current, 0.02, trains), unit)
    >>> bool(abs(told.static.power - 1) < 0.05)
    True
    """
    half = bin_s * int(trials.duration_s / 2 / bin_s)
    early, late = trials.part(0.0, half), trials.part(half, 2 * half)

    def rates(tau: float, which: Unit | Adaptive, part: FrozenTrials, lead: Array) -> Array:
        smooth = _low_pass(np.concatenate([lead, part.current_pA]), trials.step_s, tau)
        if isinstance(which, Adaptive):
            found = which.drive(smooth, trials.step_s)
        else:
            found = np.asarray(which.rate(smooth))
        return _binned(found[len(lead) :], trials.step_s, bin_s)

    nothing = np.zeros(0)
    taus = [0.0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08]

    def best(which: Unit | Adaptive) -> float:
        scores = [
            score_rates(early.trains, rates(tau, which, early, nothing), half, bin_s).power
            for tau in taus
        ]
        return taus[int(np.nanargmax(scores))] if np.isfinite(scores).any() else 0.0

    def score(tau: float, which: Unit | Adaptive) -> RateScore:
        return score_rates(late.trains, rates(tau, which, late, early.current_pA), half, bin_s)

    tau = best(unit)
    spikes = draw_trains(rates(tau, unit, late, early.current_pA), bin_s, 20, seed)
    gammas = [
        coincidence_factor(cell, drawn, half, 0.002)
        for cell, drawn in zip(late.trains * 20, spikes * len(late.trains), strict=False)
    ]
    counts = spike_counts(trials.trains, trials.duration_s, max(trials.step_s, 0.002))
    fine = _binned(trials.current_pA, trials.step_s, max(trials.step_s, 0.002))[: counts.shape[1]]
    return FrozenLoss(
        reliability=reliability(trials.trains, trials.duration_s),
        static=score(0.0, unit),
        filtered=score(tau, unit),
        filter_s=tau,
        adaptive=None if adaptive is None else score(best(adaptive), adaptive),
        stimulus=gaussian_information(fine, counts[:, : len(fine)], max(trials.step_s, 0.002)),
        unit_coincidence=float(np.nanmean(gammas)) if np.isfinite(gammas).any() else np.nan,
    )


def measure_frozen_loss(
    neuron: PointNeuron,
    curve: FICurve,
    unit: Unit,
    adaptive: Adaptive | None,
    background: Stimulus | None,
    *,
    seed: int = 0,
    trials: int = 20,
    duration_s: float = 20.0,
    **running: Unpack[Running],
) -> tuple[FrozenLoss | None, list[str]]:
    """Play frozen noise to a neuron around the rise of its f-I curve, and score its unit.

    Parameters
    ----------
    neuron : PointNeuron
    curve, unit, adaptive
        What is known of it.
    background : Stimulus or None
        The cell's own noise; a twentieth of its rheobase where none is given.
    seed, trials : int
    duration_s : float
        Of a trial.
    **running
        Of `neurosim.simulate`.

    Returns
    -------
    loss : FrozenLoss or None
        None where the cell fires too little to say anything.
    notes : list of str
        What was assumed.
    """
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
        seed=seed,
        **running,
    )
    if sum(len(train) for train in played.trains) < 10 * trials:
        return None, [*notes, "frozen noise: too few spikes to say anything"]
    return frozen_loss(played, unit, adaptive, seed=seed), notes


def _low_pass(current: Array, step_s: float, tau_s: float) -> Array:
    from scipy.signal import lfilter

    if tau_s <= 0:
        return current
    kept = float(np.exp(-step_s / tau_s))
    smooth, _ = lfilter([1 - kept], [1, -kept], current, zi=[kept * current[0]])
    return np.asarray(smooth)


def _binned(values: Array, step_s: float, bin_s: float) -> Array:
    size = max(round(bin_s / step_s), 1)
    bins = len(values) // size
    return np.asarray(values[: bins * size].reshape(bins, size).mean(axis=1))
