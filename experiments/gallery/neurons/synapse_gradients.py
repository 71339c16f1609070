"""Which of a thousand synapses matter: the gradient of a pyramidal cell's rate by each of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import Hz, ms, nS
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.kit.estimate import Estimate, bootstrap, largest, mean
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from experiments.one_neuron.drives_figure import Witness, draw_weights, draw_witnesses
from experiments.one_neuron.what_drives import (
    PARTS,
    Driven,
    Moved,
    Shares,
    fit_parts,
    move_parts,
    part_of_each_place,
    parts_of_dendrites,
    share_in_spike_times,
)
from neurosim import Neuron, differentiate
from neurosim.catalogue import ca1_pyramidal
from neurosim.describe.parts import Poisson
from neurosim.errors import ParameterError
from neurosim.gradients.losses import FiringRate
from neurosim.morphology import Site, read_shape, tagged, uniformly
from neurosim.synapses import AMPA

Array = NDArray[np.float64]

CLAIM = (
    "The gradient of a CA1 pyramidal cell's firing rate by each of 1,000 synapses orders the parts "
    "of its dendrites as a linear fit to many trials does, and the synapses of the farthest "
    "quarter count for less than those of the nearest."
)
# Below .8 the one would explain less than two thirds of the variance of the other.
LEAST_ALIKE = 0.8
MOST_FROM_DIFFERENCES = 1e-5
# Larger steps miss a spike that is about to appear or to vanish.
STEP = 2.5e-5
DT = 0.05 * ms


@dataclass(frozen=True)
class Parameters:
    """The cell, its synapses, and how long and how often it is run with them.

    A draw has synapses in places of its own, and input of its own. `morphology` names the file of a
    reconstruction (SWC, ASC or H5) that takes the place of the stylised shape; a larger
    cell needs stronger synapses to fire.

    With `perturbed` above 0 a draw has so many inputs more, each of which is run 16 times with
    parts of the dendrites made stronger and weaker. What that does to the rate is then what
    gradient and fit are held against, and the gradient is that of a spike's time, in which each run
    counts alike (`experiments.one_neuron.what_drives`): for cells that fire spikes in groups.
    """

    may_be_zero = ("perturbed",)
    morphology: str = ""
    draws: int = 8
    synapses: int = 1000
    ampa_nS: float = 0.15
    rate_Hz: float = 5.0
    rows: int = 16
    length_ms: float = 500.0
    trials: int = 100
    checked: int = 4
    perturbed: int = 0


@dataclass(frozen=True, eq=False)
class _Draw:
    """What one draw of synapses gave.

    Attributes
    ----------
    compartment, distance_um, part : ndarray, shape (synapses,)
    weight_Hz : ndarray, shape (synapses,)
        Derivative of the rate by the weight of each synapse, the mean of all rows.
    fitted_Hz : ndarray, shape (parts,)
        The same of a synapse of each part, from the fit.
    explained : float
        Share of the variance of unseen trials' rates that the fit explains.
    off : float
        Farthest of the checked derivatives from extrapolated differences, over the largest.
    growth : float
    shares : Shares, optional
        Of the synapses in the time of a spike.
    moved : Moved, optional
        What stronger and weaker parts do.
    """

    compartment: NDArray[np.int64]
    distance_um: Array
    part: NDArray[np.int64]
    weight_Hz: Array
    rates_Hz: Array
    fitted_Hz: Array
    explained: float
    off: float
    growth: float
    shares: Shares | None = None
    moved: Moved | None = None

    @property
    def by_part(self) -> Array:
        """Mean weight of the synapses of each part."""
        return self._mean_by_part(self.weight_Hz)

    @property
    def share_by_part(self) -> Array:
        """Mean share of the synapses of each part in the time of a spike."""
        assert self.shares is not None
        return self._mean_by_part(self.shares.share)

    @property
    def moved_Hz(self) -> Array:
        """Rate of events that a synapse of each part gains, as it was tried."""
        assert self.moved is not None
        return self.moved.events_Hz

    @property
    def far_over_near(self) -> float:
        """Mean weight of the farthest quarter of the synapses over that of the nearest."""
        near, far = np.quantile(self.distance_um, [0.25, 0.75])
        weight = self.weight_Hz if self.shares is None else self.shares.share
        farthest = weight[self.distance_um >= far].mean()
        return float(farthest / weight[self.distance_um <= near].mean())

    def _mean_by_part(self, values: Array) -> Array:
        return np.array([values[self.part == k].mean() for k in range(self.part.max() + 1)])


def _cell(p: Parameters) -> Neuron:
    return ca1_pyramidal(read_shape(p.morphology) if p.morphology else None)


def _off_differences(
    cell: Neuron, found: Array, p: Parameters, seed: int, which: NDArray[np.int64]
) -> float:
    """Return how far derivatives are from extrapolated differences, over the largest of all."""
    moves = np.array([-2.0, -1.0, 1.0, 2.0]) * STEP
    weights = np.ones((len(which) * len(moves), p.synapses))
    for k, synapse in enumerate(which):
        weights[k * len(moves) + np.arange(len(moves)), synapse] += moves
    moved = differentiate(
        cell, p.length_ms * ms, FiringRate(), ["syn.weight"], weights={"syn": weights}, seed=seed,
        dt=DT,
    )  # fmt: skip
    far_low, low, high, far_high = np.asarray(moved.value).reshape(-1, len(moves)).T
    small, large = (high - low) / (2 * STEP), (far_high - far_low) / (4 * STEP)
    return float(np.abs(found[which] - (4 * small - large) / 3).max() / np.abs(found).max())


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the synapses of a draw are.

    Attributes
    ----------
    bare : Neuron
        Without them; only its first detector is read.
    site : Site
    compartment, part : ndarray of int, shape (synapses,)
    """

    bare: Neuron
    site: Site
    compartment: NDArray[np.int64]
    part: NDArray[np.int64]


def _places(p: Parameters, seed: int) -> _Places:
    """Draw where the synapses are, and refuse a draw that leaves a part without any."""
    bare = _cell(p)
    bare = bare.replace(probed=(), detectors=bare.detectors[:1])
    site: Site = uniformly(tagged("dendrite"), p.synapses, seed=seed % 2**31)
    compartment = np.asarray(site.compartments(bare.compartments), dtype=np.int64)
    part = parts_of_dendrites(bare, compartment)
    named = [f"{name} part {k + 1}" for name, many in PARTS for k in range(many)]
    empty = [name for k, name in enumerate(named) if not np.any(part == k)]
    if empty:
        raise ParameterError(
            f"synapse-gradients: of {p.synapses} synapses none is on {', '.join(empty)} of the "
            "dendrites; give more synapses, or a shape with basal and apical dendrites"
        )
    return _Places(bare, site, compartment, part)


def _draw(p: Parameters, places: _Places, seed: int, context: Context) -> _Draw:
    bare, compartment, part = places.bare, places.compartment, places.part
    cell = bare.place(AMPA(g=p.ampa_nS * nS), places.site, Poisson(p.rate_Hz * Hz), label="syn")
    random = np.random.default_rng([seed, 0x53594E])
    seeds = random.integers(0, 2**31, p.rows)
    found = differentiate(
        cell, p.length_ms * ms, FiringRate(), ["syn.weight"], seed=seeds, dt=DT, jobs=context.jobs
    )
    slopes = np.asarray(found["syn.weight"])
    which = random.choice(p.synapses, p.checked, replace=False)
    driven = Driven(bare, compartment, part, p.ampa_nS, p.rate_Hz, p.length_ms)
    fitted, explained = fit_parts(driven, p.trials, seed, dt=DT, jobs=context.jobs)
    shares, moved = None, None
    if p.perturbed:
        random = np.random.default_rng([seed, 0x4D4F56])
        inputs = random.integers(0, 2**31, p.rows + p.perturbed)
        shares = share_in_spike_times(
            cell, "syn", p.length_ms * ms, inputs[: p.rows], dt=DT, jobs=context.jobs
        )
        moved = move_parts(driven, inputs[p.rows :], dt=DT, jobs=context.jobs)
    return _Draw(
        compartment=compartment,
        distance_um=1e6 * bare.compartments.distance_m[compartment],
        part=part,
        weight_Hz=slopes.mean(axis=0),
        rates_Hz=np.asarray(found.value),
        fitted_Hz=fitted,
        explained=explained,
        off=_off_differences(cell, slopes[0], p, int(seeds[0]), which),
        growth=float(found.growth.max()),
        shares=shares,
        moved=moved,
    )


def _alike(
    draws: list[_Draw], seed: int, one: str = "by_part", other: str = "fitted_Hz"
) -> Estimate:
    """Return the correlation of gradient and fit over the parts, both means over draws."""
    first = np.array([getattr(draw, one) for draw in draws])
    second = np.array([getattr(draw, other) for draw in draws])

    def correlation(which: NDArray[np.int64]) -> float:
        return float(np.corrcoef(first[which].mean(axis=0), second[which].mean(axis=0))[0, 1])

    return replace(bootstrap(correlation, len(draws), seed), draws_are="draws of synapses")


def _orders(draws: list[_Draw], p: Parameters, seed: int) -> list[Verdict]:
    """Hold the order that one way gives the parts against that of another."""
    if not p.perturbed:
        what = "correlation of gradient and linear fit over the parts of the dendrites"
        return [Verdict.of(what, _alike(draws, seed), LEAST_ALIKE, ">=")]
    return [
        Verdict.of(
            f"correlation of {name} and trying over the parts of the dendrites",
            _alike(draws, seed, which, "moved_Hz"),
            LEAST_ALIKE,
            ">=",
        )
        for name, which in (("shares in spike times", "share_by_part"), ("linear fit", "fitted_Hz"))
    ]


def _tried(draws: list[_Draw], seed: int) -> dict[str, Any]:
    """Return what else is known where parts were made stronger and weaker."""
    moved = [one.moved for one in draws if one.moved is not None]
    shares = [one.shares for one in draws if one.shares is not None]
    synapses = np.array([np.bincount(one.part) for one in draws])
    all_Hz = np.sum([one.events_Hz for one in moved] * synapses, axis=1)
    return {
        "events_and_spikes_Hz": [one.rate_Hz.tolist() for one in moved],
        "all_synapses_tried_Hz": all_Hz.tolist(),
        "all_synapses_move_the_spike_by_ms": [one.total_ms.tolist() for one in shares],
        "single_synapses_in_two_halves_of_the_runs": [one.halves_alike for one in shares],
        "mean_gradient_and_trying": asdict(_alike(draws, seed, "by_part", "moved_Hz")),
        "mean_gradient_and_fit": asdict(_alike(draws, seed)),
    }


def _check(p: Parameters) -> None:
    """Refuse parameters that the experiment cannot be run with."""
    # Two halves of the runs are held against each other where parts are tried.
    rows = 2 if p.perturbed else 1
    least_of = {"draws": 1, "rows": rows, "synapses": 8, "trials": 20, "checked": 1, "perturbed": 0}
    for name, least in least_of.items():
        if getattr(p, name) < least:
            raise ParameterError(
                f"synapse-gradients: {name} must be at least {least}; got {getattr(p, name)}"
            )
    if p.checked > p.synapses:
        raise ParameterError(
            f"synapse-gradients: checked must be at most the number of synapses, {p.synapses}; got "
            f"{p.checked}"
        )
    for name in ("ampa_nS", "rate_Hz", "length_ms"):
        if not 0 < getattr(p, name) < np.inf:
            raise ParameterError(
                f"synapse-gradients: {name} must be above 0; got {getattr(p, name):g}"
            )


@experiment("synapse-gradients", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    _check(p)
    shape = Path(p.morphology).stem if p.morphology else "stylised"
    if context.quick:
        # The fits scatter more than the gradients, so rows are saved, and neither draws nor trials.
        p = replace(p, rows=min(p.rows, 8))
    draws = []
    seeds = context.seeds(p.draws, 6)
    # All before the first run, so that a draw that cannot be used is refused at once.
    places = [_places(p, seed) for seed in seeds]
    told = context.task("synapses placed and run")
    for k, seed in enumerate(seeds):
        draws.append(_draw(p, places[k], seed, context))
        if told is not None:
            told((k + 1) / len(seeds))
    names = [f"{name}, part {k + 1}" for name, many in PARTS for k in range(many)]
    table = pd.DataFrame(
        {
            "dendrites": names,
            "distance_um": [
                float(np.mean([one.distance_um[one.part == k].mean() for one in draws]))
                for k in range(len(names))
            ],
            "gradient_Hz": np.mean([one.by_part for one in draws], axis=0),
            "fit_Hz": np.mean([one.fitted_Hz for one in draws], axis=0),
        }
    )
    if p.perturbed:
        table["share"] = np.mean([one.share_by_part for one in draws], axis=0)
        table["tried_Hz"] = np.mean([one.moved_Hz for one in draws], axis=0)
        table["tried_all_spikes_Hz"] = np.mean(
            [one.moved.spikes_Hz for one in draws if one.moved], axis=0
        )
    ratio = [float(one.fitted_Hz.sum() / one.by_part.sum()) for one in draws]
    return Result(
        numbers={
            "rates_Hz": [float(one.rates_Hz.mean()) for one in draws],
            "all_synapses_Hz": [float(one.weight_Hz.sum()) for one in draws],
            "fit_over_gradient": ratio,
            "variance_that_the_fit_explains": [one.explained for one in draws],
            "growth": [one.growth for one in draws],
            "synapses_that_lower_the_rate": [int(np.sum(one.weight_Hz < 0)) for one in draws],
            **(_tried(draws, context.seed) if p.perturbed else {}),
        },
        tables={"parts": table},
        figures={
            "synapse-gradients": (
                _figure_of_trying(draws, _cell(p), shape)
                if p.perturbed
                else _figure(draws, _cell(p), shape)
            )
        },
        verdicts=[
            Verdict.of(
                "derivatives from extrapolated differences, over the largest",
                largest([one.off for one in draws], "draws of synapses"),
                MOST_FROM_DIFFERENCES,
            ),
            *_orders(draws, p, context.seed),
            Verdict.of(
                "weight of the farthest quarter of the synapses over the nearest",
                mean([one.far_over_near for one in draws], "draws of synapses"),
                1.0,
            ),
        ],
        provenance={"neuron": _cell(p).to_dict(), "shape": shape},
    )


def _by_compartment(draws: list[_Draw], compartments: int) -> Array:
    """Return the mean weight of the synapses of each compartment; nan where there is none."""
    total, many = np.zeros(compartments), np.zeros(compartments)
    for one in draws:
        np.add.at(total, one.compartment, one.weight_Hz)
        np.add.at(many, one.compartment, 1)
    return np.asarray(np.where(many > 0, total, np.nan) / np.maximum(many, 1))


def _figure(draws: list[_Draw], cell: Neuron, name_of_shape: str) -> Figure:
    with drawing(9.6, 3.6, 1, 3, width_ratios=[0.8, 1.3, 1.2]) as (figure, (left, middle, right)):
        value = 1e3 * _by_compartment(draws, len(cell.compartments))
        draw_weights(left, cell, value, "weight (mHz)", name_of_shape)
        first = draws[0]
        basal = first.part < PARTS[0][1]
        for here, colour, name in ((basal, "orange", "basal"), (~basal, "blue", "apical")):
            middle.plot(
                first.distance_um[here], 1e3 * first.weight_Hz[here], ".", ms=3,
                color=COLOURS[colour], alpha=0.6, label=name,
            )  # fmt: skip
        middle.set(xlabel="distance from the soma (µm)", ylabel="weight (mHz)", ylim=(0, None))
        middle.set_title(f"{len(first.weight_Hz)} synapses, one gradient")
        middle.legend(loc="upper right")
        look = ("o", "s", "^", "D", "v", "P")
        for k, one in enumerate(draws):
            marker = look[k % len(look)]
            basal = np.arange(len(one.fitted_Hz)) < PARTS[0][1]
            for here, colour in ((basal, "orange"), (~basal, "blue")):
                right.plot(
                    1e3 * one.by_part[here], 1e3 * one.fitted_Hz[here], marker, ms=5,
                    color=COLOURS[colour],
                )  # fmt: skip
        most = 1.1e3 * max(one.by_part.max() for one in draws)
        ratio = np.mean([one.fitted_Hz.sum() / one.by_part.sum() for one in draws])
        right.plot([0, most], [0, ratio * most], color=GREY, lw=1, label=f"{ratio:.2f} times")
        right.plot([0, most], [0, most], color=GREY, lw=1, ls=":", label="alike")
        right.set(xlim=(0, most), ylim=(0, None))
        right.set(xlabel="gradient, of a synapse (mHz)", ylabel="linear fit, of a synapse (mHz)")
        right.set_title("Parts of the dendrites")
        right.legend(loc="lower right")
    return figure


def _figure_of_trying(draws: list[_Draw], cell: Neuron, name_of_shape: str) -> Figure:
    share = np.array([one.share_by_part for one in draws])
    tried, fitted, mean_Hz = (
        np.array([getattr(one, which) for one in draws])
        for which in ("moved_Hz", "fitted_Hz", "by_part")
    )
    # A share has no size: it is given that of all that was tried.
    size = tried.mean() / share.mean()
    witnesses = [
        Witness("tried: weights ±25 %", 1e3 * tried, COLOURS["black"]),
        Witness("share in a spike's time", 1e3 * size * share, COLOURS["green"]),
        Witness("linear fit", 1e3 * fitted, COLOURS["blue"]),
        Witness("mean gradient of the rate", 1e3 * mean_Hz, GREY),
    ]
    names = [f"{name}\n{k + 1}" for name, many in PARTS for k in range(many)]
    with drawing(9.6, 3.6, 1, 3, width_ratios=[0.8, 1.0, 1.7]) as (figure, (left, middle, right)):
        place = part_of_each_place(cell, draws[0].compartment, draws[0].part)
        value = np.where(place < 0, np.nan, 1e3 * tried.mean(axis=0)[place])
        draw_weights(left, cell, value, "weight (mHz)", name_of_shape)
        total = np.sort(np.concatenate([one.shares.total_ms for one in draws if one.shares]))
        middle.plot(total, ".", ms=4, color=COLOURS["green"])
        middle.axhline(0, color=GREY, lw=0.8)
        middle.set_yscale("symlog", linthresh=10)
        middle.set(xlabel="run, in order", ylabel="how much earlier (ms)")
        middle.set_title("A spike, all weights × e")
        draw_witnesses(right, names, witnesses)
        right.set(ylabel="rate that a synapse adds (mHz)")
        right.set_title("Parts of the dendrites")
    return figure
