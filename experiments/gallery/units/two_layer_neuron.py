"""A pyramidal cell's firing rate is that of a two-layer network of sigmoid subunits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import nS, um

from bridge.reduce import InnervatedDendrites, Placements, RateReduction, Tolerance, reduce_rates
from bridge.reduce.placements import record_placements
from bridge.reduce.scores import Score, bootstrapped, explained_variance
from experiments.kit.estimate import Estimate
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from neurosim import Neuron
from neurosim.catalogue import ca1_pyramidal
from neurosim.morphology import cylinder, tagged

CLAIM = (
    "Random mixed placements of synapses on the thin apical branches of a CA1 pyramidal cell: a "
    "two-layer network of sigmoid branches explains at least 82 % of the variance of its firing "
    "rate on placements it has not seen, the number of synapses alone (a point neuron) 40 % at "
    "most."
)
# Poirazi, Brannon and Mel (2003, Neuron 37:989) found 82 % for a point neuron on the stimuli that
# suit it best, and 37 % or less on mixed ones: two layers have to explain more than a point neuron
# ever did, and this cell must not be one for which a point neuron would do.
LEAST_OF_TWO_LAYERS, MOST_OF_NUMBER = 0.82, 0.4


@dataclass(frozen=True)
class Parameters:
    """The cell, its synapses and how many trials.

    AMPA and NMDA conductance are those of single synapses, and alike. Branches that leave the trunk
    are as many as counted in the rat's stratum radiatum, where the trunk has 10 to 30 of them.
    """

    obliques: int = 27
    ampa_nS: float = 0.5
    nmda_nS: float = 0.5
    fewest: int = 20
    most: int = 60
    trials: int = 600
    others: int = 100


def bushy_pyramidal(obliques: int) -> Neuron:
    """Return the catalogue's CA1 cell with so many oblique branches on its trunk.

    The added ones are as long and as thin as those it has (150 µm, 1 µm) and leave the trunk from
    15 % of its length on: nearer to the soma it carries few spines.
    """
    cell = ca1_pyramidal()
    shape = cell.morphology
    has = sum(name.startswith("oblique") for name in shape.names)
    for k, place in enumerate(np.linspace(0.15, 0.95, max(obliques - has, 0))):
        side = (1 if k % 2 else -1, 0.5, 0)
        one = cylinder(150 * um, 1 * um, name=f"oblique[{has + k}]", tag="apical", direction=side)
        shape = shape.join(one, "trunk", at=float(place))
    with_obliques: Neuron = cell.replace(morphology=shape)
    return with_obliques


@dataclass(frozen=True)
class _Differences:
    """How much more of the variance the two-layer formula explains, with its interval."""

    over_number: Score
    over_weights: Score


def compare(found: RateReduction, seed: int) -> _Differences:
    """Hold the formulas against each other trial by trial of the test set."""
    rate = found.test.rate_Hz
    told = [fit.predict(found.test.number) for fit in found.fits]

    def more(k: int) -> Score:
        return bootstrapped(
            lambda which: (
                explained_variance(told[2][which], rate[which])
                - explained_variance(told[k][which], rate[which])
            ),
            len(rate),
            draws=1000,
            seed=seed,
        )

    return _Differences(more(0), more(1))


@experiment("two-layer-neuron", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    trials = 480 if context.quick else p.trials
    cell = InnervatedDendrites(
        bushy_pyramidal(p.obliques),
        "CA1 pyramidal cell",
        excitatory_per_branch=5,
        inhibitory_per_branch=0,
        ampa=p.ampa_nS * nS,
        nmda=p.nmda_nS * nS,
        region=tagged("apical"),
        thickest=1.5 * um,
    )
    mixed = Placements("mixed", p.fewest, p.most)
    found = reduce_rates(
        cell,
        Tolerance("rate", 0.9),
        drive=mixed,
        trials=trials,
        seed=context.seed,
        jobs=context.jobs,
        task=context.task,
    )
    # The same formulas, not fitted again, on placements of other kinds.
    rows = [{"placements": "mixed", "model": row["model"], "parameters": row["parameters"],
             "variance": fit.test.value, "low": fit.test.low, "high": fit.test.high}
            for row, fit in zip(found.rows(), found.fits, strict=True)]  # fmt: skip
    others = p.others // 2 if context.quick else p.others
    for kind in ("clustered", "dispersed"):
        test = record_placements(
            cell, Placements(kind, p.fewest, p.most), {"test": others}, seed=context.seed,
            jobs=context.jobs, progress=context.task(f"{kind} placements"),
        )["test"]  # fmt: skip
        for fit in found.fits:
            told = fit.predict(test.number)
            score = bootstrapped(
                lambda which, told=told, seen=test.rate_Hz: explained_variance(  # type: ignore[misc]
                    told[which], seen[which]
                ),
                others,
                seed=context.seed,
            )
            rows.append({"placements": kind, "model": fit.formula.name,
                         "parameters": fit.parameters, "variance": score.value,
                         "low": score.low, "high": score.high})  # fmt: skip
    differences = compare(found, context.seed)
    number, two = found.fits[0].test, found.fits[2].test

    def over(score: Score) -> Estimate:
        count = len(found.test.rate_Hz)
        return Estimate(score.value, score.low, score.high, count, "bootstrap", 0.95)

    return Result(
        numbers={
            **found.to_dict(),
            "two_layer_over_number": differences.over_number.to_dict(),
            "two_layer_over_weights": differences.over_weights.to_dict(),
            "branches": len(cell.branches),
        },
        tables={"formulas": pd.DataFrame(rows)},
        figures={"two-layer-neuron": found.figure()},
        verdicts=[
            Verdict("branches that carry synapses", len(cell.branches), 30, ">="),
            Verdict.of(
                "variance explained by two layers, held out", over(two), LEAST_OF_TWO_LAYERS, ">="
            ),
            Verdict.of(
                "variance explained by the number of synapses", over(number), MOST_OF_NUMBER
            ),
            Verdict.of(
                "two layers explain more than weights by", over(differences.over_weights), 0.0, ">="
            ),
        ],
        provenance={"versions": found.versions},
    )
