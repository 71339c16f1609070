"""Which parts of the dendrites drive a cell: what moves its spikes, and what is seen by trying.

A cell that fires now one spike and now two of them together has no useful derivative of its rate:
in each run it hangs on the spikes that almost failed. Two numbers do not. One is the share that a
synapse has in the derivative of a spike's time, which lies between -1 and 1 in any run. The other
is what the rate of the same input does as synapses are made stronger and weaker, which is no
derivative.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from brian2.units import Hz, Quantity, ms, nS
from numpy.typing import NDArray

from bridge.reduce.innervation import play
from bridge.reduce.placements import FORMULAS, PlacementSet, fit_rates
from neurosim import Neuron, differentiate, simulate
from neurosim.describe.parts import Poisson
from neurosim.errors import ParameterError
from neurosim.gradients.differentiate import GrowthWarning
from neurosim.gradients.losses import SpikeTime
from neurosim.morphology import Compartments, Site, points
from neurosim.synapses import AMPA

__all__ = [
    "PARTS",
    "Driven",
    "Moved",
    "Shares",
    "first_of_each",
    "fit_parts",
    "move_parts",
    "part_of_each_place",
    "parts_of_dendrites",
    "rate_of_events",
    "share_in_spike_times",
]

Array = NDArray[np.float64]

#: Two parts of the basal dendrites and six of the apical ones, by distance, of as many synapses.
PARTS = (("basal", 2), ("apical", 6))
#: Spikes that follow one another within this time, in ms, are one event.
TOGETHER_MS = 10.0
#: Which spike is looked at: late enough that the start at rest is forgotten.
SPIKE = 5
#: By how much weights are changed. Smaller changes drown in the scatter of single spikes.
STEP = 0.25
#: Parts that are strengthened (1) and weakened (-1) in the 16 runs of one input: a Hadamard matrix
#: of order 8 and its negative, so that each part is strengthened in half of the runs of any other.
#: The factors in front keep all parts from moving together; at most six go one way.
_HADAMARD = np.array(
    [[1.0 - 2.0 * (bin(run & part).count("1") % 2) for part in range(8)] for run in range(8)]
) * np.array([1, 1, 1, -1, 1, 1, -1, 1])
SIGNS: Array = np.vstack([_HADAMARD, -_HADAMARD])


def first_of_each(time_ms: NDArray[np.floating] | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which spikes begin an event: those that follow no other within 10 ms.

    Parameters
    ----------
    time_ms : ndarray, shape (n,)
        In ms, in order.

    Examples
    --------
    >>> first_of_each(np.array([40.0, 44.0, 107.0])).tolist()
    [True, False, True]
    """
    first = np.ones(len(time_ms), dtype=bool)
    first[1:] = np.diff(time_ms) >= TOGETHER_MS
    return first


def rate_of_events(time_ms: NDArray[np.floating] | NDArray[np.int64]) -> float:
    """Return the rate (Hz) from the first to the last event; 0 of fewer than two.

    Parameters
    ----------
    time_ms : ndarray, shape (n,)
        Of the spikes, in ms, in order.

    Examples
    --------
    >>> rate_of_events(np.array([100, 104, 150, 300]))
    10.0
    """
    event = time_ms[first_of_each(time_ms)]
    return float(1e3 * (len(event) - 1) / (event[-1] - event[0])) if len(event) > 1 else 0.0


def parts_of_dendrites(cell: Neuron, compartment: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the part of the dendrites that each synapse is on, numbered as in `PARTS`.

    Parameters
    ----------
    cell : Neuron
    compartment : ndarray of int, shape (synapses,)
    """
    shape = cell.compartments
    tag = np.array(shape.morphology.tags)[shape.branch[compartment]]
    part = np.zeros(len(compartment), dtype=np.int64)
    first = 0
    for name, many in PARTS:
        here = np.flatnonzero(tag == name)
        ordered = here[np.argsort(shape.distance_m[compartment[here]], kind="stable")]
        for k, some in enumerate(np.array_split(ordered, many)):
            part[some] = first + k
        first += many
    return part


def part_of_each_place(
    cell: Neuron, compartment: NDArray[np.int64], part: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the part that each compartment is in: that of the synapse at the nearest distance.

    Parameters
    ----------
    cell : Neuron
    compartment, part : ndarray of int, shape (synapses,)
        As `parts_of_dendrites` has them.

    Returns
    -------
    ndarray of int, shape (compartments,)
        -1 of what is in none.
    """
    shape = cell.compartments
    tag = np.array(shape.morphology.tags)[shape.branch]
    found = np.full(len(shape), -1, dtype=np.int64)
    for name, _ in PARTS:
        here, there = np.flatnonzero(tag == name), tag[compartment] == name
        far = shape.distance_m[compartment[there]]
        if far.size:
            nearest = np.abs(shape.distance_m[here][:, np.newaxis] - far).argmin(axis=1)
            found[here] = part[there][nearest]
    return found


@dataclass(frozen=True, eq=False)
class Driven:
    """A cell with synapses on parts of its dendrites, each active at random times.

    Attributes
    ----------
    bare : Neuron
        Without synapses; its first detector is read.
    compartment, part : ndarray of int, shape (synapses,)
        Where each synapse is, and on which of the parts 0, 1, ...
    ampa_nS : float
        Peak conductance of a synapse.
    rate_Hz : float
        Of the Poisson train of each.
    length_ms : float
        Of a run.
    """

    bare: Neuron
    compartment: NDArray[np.int64]
    part: NDArray[np.int64]
    ampa_nS: float
    rate_Hz: float
    length_ms: float


@dataclass(frozen=True, eq=False)
class Shares:
    """How the synapses share in the derivative of a spike's time.

    Attributes
    ----------
    earlier_ms : ndarray, shape (rows, synapses)
        By how much the spike comes earlier in each run for a change by a synapse's whole weight.
    """

    earlier_ms: Array

    @property
    def total_ms(self) -> Array:
        """Sum over the synapses of each run: the gain if all weights grow by a factor e."""
        return np.asarray(self.earlier_ms.sum(axis=1))

    @property
    def share(self) -> Array:
        """Mean over runs of derivatives that were divided by the sum of their sizes.

        A run whose total is negative is turned round. There all synapses together made an earlier
        spike come sooner, and that delayed this one: size and sign are those of the delay, and only
        the ratios are those of the synapses.
        """
        return np.asarray(self._by_run.mean(axis=0))

    @property
    def halves_alike(self) -> float:
        """Correlation, over the synapses, of the shares in two halves of the runs."""
        first, second = (self._by_run[k::2].mean(axis=0) for k in range(2))
        return float(np.corrcoef(first, second)[0, 1])

    @property
    def _by_run(self) -> Array:
        size = np.abs(self.earlier_ms).sum(axis=1)
        return np.asarray((np.sign(self.total_ms) / size)[:, np.newaxis] * self.earlier_ms)


def share_in_spike_times(
    cell: Neuron, label: str, duration: Quantity, seeds: NDArray[np.int64], *, dt: Quantity,
    jobs: int = 1,
) -> Shares:  # fmt: skip
    """Return the share of each synapse in the derivative of the time of the fifth spike.

    Each run counts alike, however near to failing its spikes are.

    Parameters
    ----------
    cell : Neuron
    label : str
        Of the placement whose synapses are asked about.
    duration : Quantity
    seeds : ndarray of int, shape (rows,)
        Of the inputs, one a run.
    dt : Quantity
    jobs : int

    Raises
    ------
    ParameterError
        A run has fewer than five spikes.
    """
    name = f"{label}.weight"
    with warnings.catch_warnings():
        # A run whose derivative has grown past use in size counts here as any other.
        warnings.simplefilter("ignore", GrowthWarning)
        found = differentiate(
            cell, duration, SpikeTime(number=SPIKE), [name], seed=seeds, dt=dt, jobs=jobs
        )
    return Shares(-1e3 * np.asarray(found[name]))


@dataclass(frozen=True, eq=False)
class Moved:
    """What stronger and weaker parts do to the rate.

    Attributes
    ----------
    events_Hz : ndarray, shape (8,)
        Rate of events (spikes within 10 ms are one) that one synapse of each part gains, for a
        change by its whole weight.
    spikes_Hz : ndarray, shape (8,)
        The same of all spikes, counted.
    rate_Hz : ndarray, shape (2,)
        Events and spikes at the weights as they are; the mean of all runs.
    """

    events_Hz: Array
    spikes_Hz: Array
    rate_Hz: Array


def move_parts(driven: Driven, seeds: NDArray[np.int64], *, dt: Quantity, jobs: int = 1) -> Moved:
    """Change the weights of eight parts by a quarter, and return what that does to the rate.

    Each input is run 16 times, with every part stronger in half of the runs. The difference between
    the halves tells of one part what all 16 runs say, and the input is the same in both
    (common random numbers).

    Parameters
    ----------
    driven : Driven
        With the parts 0 to 7.
    seeds : ndarray of int, shape (inputs,)
    dt : Quantity
    jobs : int

    Raises
    ------
    ParameterError
        A part has no synapse.
    """
    parts = SIGNS.shape[1]
    synapses = np.bincount(driven.part, minlength=parts)
    if len(synapses) != parts or not synapses.all():
        raise ParameterError(
            f"move_parts: each of the parts 0 to {parts - 1}, and no other, must have synapses; "
            f"they have {synapses.tolist()}. Place more"
        )
    cell, g, length = driven.bare, driven.ampa_nS * nS, driven.length_ms * ms
    for k in range(parts):
        site = _site(cell.compartments, driven.compartment[driven.part == k])
        cell = cell.place(AMPA(g=g), site, Poisson(driven.rate_Hz * Hz), label=f"part{k}")
    signs = np.tile(SIGNS, (len(seeds), 1))
    recording = simulate(
        cell, length, seed=np.repeat(seeds, len(SIGNS)), dt=dt, jobs=jobs,
        batch={f"part{k}.g": (1 + STEP * signs[:, k]) * g for k in range(parts)},
    )  # fmt: skip
    row, time_ms = np.asarray(recording.spike_row), 1e3 * np.asarray(recording.spike_time_s)
    rates = np.array([_rates(time_ms[row == k], length) for k in range(len(signs))])
    # Over the synapses of a part, so that it is the rate that one of them gains.
    gained = signs.T @ rates / len(signs) / STEP / synapses[:, np.newaxis]
    return Moved(gained[:, 0], gained[:, 1], rates.mean(axis=0))


def fit_parts(
    driven: Driven, trials: int, seed: int, *, dt: Quantity, jobs: int = 1
) -> tuple[Array, float]:
    """Fit rates of events linearly by the numbers of inputs of each part (`bridge.reduce`).

    Trials differ in how active each part is, by a factor of 0.5 to 1.5.

    Parameters
    ----------
    driven : Driven
    trials : int
        Of which 70 % are fitted, and 15 % are for the score.
    seed : int
    dt : Quantity
    jobs : int

    Returns
    -------
    ndarray, shape (parts,)
        Rate (Hz) that a synapse of each part adds.
    float
        Share of the variance of unseen trials' rates that the fit explains.
    """
    random = np.random.default_rng([seed, 0x464954])
    part, inputs = driven.part, len(driven.part)
    parts = int(part.max()) + 1
    busy = random.uniform(0.5, 1.5, (trials, parts))
    bins = round(driven.length_ms)
    many = random.poisson(1e-3 * driven.rate_Hz * bins * busy[:, part])
    events = np.zeros((trials, inputs, bins), dtype=np.uint8)
    trial, synapse = (
        np.repeat(axis, many.ravel()) for axis in np.indices(many.shape).reshape(2, -1)
    )
    np.add.at(events, (trial, synapse, random.integers(0, bins, len(trial))), 1)
    placed = (AMPA(g=driven.ampa_nS * nS), driven.compartment, np.ones(inputs, dtype=bool))
    answer = play(driven.bare, [placed], events, dt=dt, jobs=jobs)
    number = np.stack([events[:, part == k].sum(axis=(1, 2)) for k in range(parts)], axis=1)
    rate = np.array([rate_of_events(np.flatnonzero(one)) for one in answer.spikes])
    ends = np.array([round(0.7 * trials), round(0.85 * trials)])
    train, check, test = (
        PlacementSet(n.astype(float), r)
        for n, r in zip(np.split(number, ends), np.split(rate, ends), strict=True)
    )
    fit = fit_rates(FORMULAS[1], {"train": train, "validation": check, "test": test}, seed=seed)
    middle = number.mean(axis=0)
    # One more event of a part, of the thousands that make up its mean number.
    more = fit.predict(middle + np.eye(parts)) - fit.predict(middle - np.eye(parts))
    events_of_one = 1e-3 * driven.rate_Hz * bins
    return more / 2 * events_of_one, fit.test.value


def _rates(time_ms: Array, length: Quantity) -> tuple[float, float]:
    """Return the rate of events from the first to the last, and that of all spikes."""
    return rate_of_events(time_ms), 1e3 * len(time_ms) / float(length / ms)


def _site(shape: Compartments, compartment: NDArray[np.int64]) -> Site:
    """Return compartments by number as a site, with as many points as numbers."""
    branch = shape.branch[compartment]
    first = np.asarray(shape.first)
    inside = (compartment - first[branch] + 0.5) / np.diff(first)[branch]
    return points([(shape.branch_names[b], float(x)) for b, x in zip(branch, inside, strict=True)])
