"""Which of a thousand synapses matter: the gradient of a pyramidal cell's rate by each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from brian2.units import Hz, ms, nS
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bridge.reduce.innervation import play
from bridge.reduce.placements import FORMULAS, PlacementSet, fit_rates
from experiments.kit.estimate import Estimate, bootstrap, largest, mean
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import Neuron, differentiate
from neurosim.catalogue import ca1_pyramidal
from neurosim.describe.parts import Poisson
from neurosim.errors import ParameterError
from neurosim.gradients.losses import FiringRate
from neurosim.morphology import PerBranch, Site, plot_morphology, read_shape, tagged, uniformly
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
# Two parts of the basal dendrites and six of the apical ones, by distance, of as many synapses.
PARTS = (("basal", 2), ("apical", 6))


@dataclass(frozen=True)
class Parameters:
    """The cell, its synapses, and how long and how often it is run with them.

    A draw has synapses in places of its own, and input of its own. `morphology` names the file of a
    reconstruction (SWC, ASC or H5) that takes the place of the stylised shape; a larger
    cell needs stronger synapses to fire.
    """

    morphology: str = ""
    draws: int = 8
    synapses: int = 1000
    ampa_nS: float = 0.15
    rate_Hz: float = 5.0
    rows: int = 16
    length_ms: float = 500.0
    trials: int = 100
    checked: int = 4


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

    @property
    def by_part(self) -> Array:
        """Mean weight of the synapses of each part."""
        parts = np.arange(self.part.max() + 1)
        return np.array([self.weight_Hz[self.part == k].mean() for k in parts])

    @property
    def far_over_near(self) -> float:
        """Mean weight of the farthest quarter of the synapses over that of the nearest."""
        near, far = np.quantile(self.distance_um, [0.25, 0.75])
        farthest = self.weight_Hz[self.distance_um >= far].mean()
        return float(farthest / self.weight_Hz[self.distance_um <= near].mean())


def _cell(p: Parameters) -> Neuron:
    return ca1_pyramidal(read_shape(p.morphology) if p.morphology else None)


def _parts(cell: Neuron, compartment: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the part of the dendrites that each synapse is on."""
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


def _fit(
    cell: Neuron, compartment: NDArray[np.int64], part: NDArray[np.int64], p: Parameters,
    seed: int, jobs: int,
) -> tuple[Array, float]:  # fmt: skip
    """Fit rates linearly by the numbers of events of each part (`bridge.reduce`).

    Trials differ in how active each part is, by a factor of 0.5 to 1.5.
    """
    random = np.random.default_rng([seed, 0x464954])
    trials = p.trials
    parts = int(part.max()) + 1
    busy = random.uniform(0.5, 1.5, (trials, parts))
    bins = round(p.length_ms)
    many = random.poisson(1e-3 * p.rate_Hz * bins * busy[:, part])
    events = np.zeros((trials, p.synapses, bins), dtype=np.uint8)
    trial, synapse = (
        np.repeat(axis, many.ravel()) for axis in np.indices(many.shape).reshape(2, -1)
    )
    np.add.at(events, (trial, synapse, random.integers(0, bins, len(trial))), 1)
    everywhere = np.ones(p.synapses, dtype=bool)
    answer = play(
        cell, [(AMPA(g=p.ampa_nS * nS), compartment, everywhere)], events, dt=DT, jobs=jobs
    )
    number = np.stack([events[:, part == k].sum(axis=(1, 2)) for k in range(parts)], axis=1)
    rate = np.array([_rate(one) for one in answer.spikes])
    ends = np.array([round(0.7 * trials), round(0.85 * trials)])
    train, check, test = (
        PlacementSet(n.astype(float), r)
        for n, r in zip(np.split(number, ends), np.split(rate, ends), strict=True)
    )
    fit = fit_rates(FORMULAS[1], {"train": train, "validation": check, "test": test}, seed=seed)
    middle = number.mean(axis=0)
    # One more event of a part, of the thousands that make up its mean number.
    more = fit.predict(middle + np.eye(parts)) - fit.predict(middle - np.eye(parts))
    events_of_one = 1e-3 * p.rate_Hz * bins
    return more / 2 * events_of_one, fit.test.value


def _rate(spikes: NDArray[np.uint8]) -> float:
    """Return the rate (Hz) from the first to the last spike, in bins of 1 ms."""
    at = np.flatnonzero(spikes)
    return 1e3 * (len(at) - 1) / (at[-1] - at[0]) if len(at) > 1 else 0.0


def _draw(p: Parameters, seed: int, context: Context) -> _Draw:
    bare = _cell(p)
    bare = bare.replace(probed=(), detectors=bare.detectors[:1])
    site: Site = uniformly(tagged("dendrite"), p.synapses, seed=seed % 2**31)
    compartment = np.asarray(site.compartments(bare.compartments), dtype=np.int64)
    cell = bare.place(AMPA(g=p.ampa_nS * nS), site, Poisson(p.rate_Hz * Hz), label="syn")
    random = np.random.default_rng([seed, 0x53594E])
    seeds = random.integers(0, 2**31, p.rows)
    found = differentiate(
        cell, p.length_ms * ms, FiringRate(), ["syn.weight"], seed=seeds, dt=DT, jobs=context.jobs
    )
    slopes = np.asarray(found["syn.weight"])
    which = random.choice(p.synapses, p.checked, replace=False)
    part = _parts(bare, compartment)
    fitted, explained = _fit(bare, compartment, part, p, seed, context.jobs)
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
    )


def _alike(draws: list[_Draw], seed: int) -> Estimate:
    """Return the correlation of gradient and fit over the parts, both means over draws."""
    gradients = np.array([one.by_part for one in draws])
    fits = np.array([one.fitted_Hz for one in draws])

    def correlation(which: NDArray[np.int64]) -> float:
        return float(np.corrcoef(gradients[which].mean(axis=0), fits[which].mean(axis=0))[0, 1])

    return replace(bootstrap(correlation, len(draws), seed), draws_are="draws of synapses")


@experiment("synapse-gradients", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    for name, least in {"draws": 1, "rows": 1, "synapses": 8, "trials": 20, "checked": 1}.items():
        if getattr(p, name) < least:
            raise ParameterError(
                f"synapse-gradients: {name} must be at least {least}; got {getattr(p, name)}"
            )
    shape = Path(p.morphology).stem if p.morphology else "stylised"
    if context.quick:
        # The fits scatter more than the gradients, so rows are saved, and neither draws nor trials.
        p = replace(p, rows=min(p.rows, 8))
    draws = []
    seeds = context.seeds(p.draws, 6)
    told = context.task("synapses placed and run")
    for k, seed in enumerate(seeds):
        draws.append(_draw(p, seed, context))
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
    ratio = [float(one.fitted_Hz.sum() / one.by_part.sum()) for one in draws]
    return Result(
        numbers={
            "rates_Hz": [float(one.rates_Hz.mean()) for one in draws],
            "all_synapses_Hz": [float(one.weight_Hz.sum()) for one in draws],
            "fit_over_gradient": ratio,
            "variance_that_the_fit_explains": [one.explained for one in draws],
            "growth": [one.growth for one in draws],
            "synapses_that_lower_the_rate": [int(np.sum(one.weight_Hz < 0)) for one in draws],
        },
        tables={"parts": table},
        figures={"synapse-gradients": _figure(draws, _cell(p), shape)},
        verdicts=[
            Verdict.of(
                "derivatives from extrapolated differences, over the largest",
                largest([one.off for one in draws], "draws of synapses"),
                MOST_FROM_DIFFERENCES,
            ),
            Verdict.of(
                "correlation of gradient and linear fit over the parts of the dendrites",
                _alike(draws, context.seed),
                LEAST_ALIKE,
                ">=",
            ),
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
    shape = cell.compartments
    with drawing(9.6, 3.6, 1, 3, width_ratios=[0.8, 1.3, 1.2]) as (figure, (left, middle, right)):
        # The axon, on which no synapse is, is longer than the dendrites.
        bare = cell.morphology.without("axon")
        every = {name: shape.branch == k for k, name in enumerate(shape.branch_names)}
        counts = {name: int(np.count_nonzero(every[name])) for name in bare.names}
        shown = bare.discretise(PerBranch(1, counts))
        numbers = [np.flatnonzero(every[name]) for name in shown.branch_names]
        value = (1e3 * _by_compartment(draws, len(shape)))[np.concatenate(numbers)]
        limits = (0.0, float(np.nanmax(value)))
        plot_morphology(
            shown,
            np.nan_to_num(value),
            ax=left,
            label="weight (mHz)",
            cmap="viridis",
            limits=limits,
        )
        left.set_title("The cell by weight")
        left.annotate(
            f"shape: {name_of_shape}", (0.5, 0.0), (0, -8), xycoords="axes fraction",
            textcoords="offset points", ha="center", va="top", fontsize=7,
        )  # fmt: skip
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
