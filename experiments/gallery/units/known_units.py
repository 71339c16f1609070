"""When the unit is known it is found again, and intervals hold the truth as often as they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bridge.choice.recovery import recover
from bridge.units import FAMILIES
from experiments.kit.estimate import Estimate, farthest, share
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing

CLAIM = (
    "Counts drawn from a known unit are traced back to it wherever families differ, and 95 % "
    "intervals hold the true parameters 90 to 99 times in 100."
)


@dataclass(frozen=True)
class Parameters:
    """Truths and number of data sets."""

    families: tuple[str, ...] = (
        "logistic", "softplus", "relu", "square-root", "naka-rushton", "lif", "noisy-lif",
        "type-two", "block",
    )  # fmt: skip
    data_sets: int = 150
    trials: int = 5


@experiment("known-units", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    # `--quick` draws as many. Some pairs differ by just under 5 AICc on average: 4.3 for
    # naka-rushton where softplus is true, beaten in 84 %. By chance such a pair comes out above 5,
    # beaten in some 87 %; only 150 data sets tell that from 80 % (50 and 100 left it undecided).
    sets = parameters.data_sets
    seeds = context.seeds(len(parameters.families))
    found = []
    for k, family in enumerate(parameters.families):
        told = context.task(f"known unit: {family}")
        found.append(
            recover(
                family,
                sets,
                seeds[k],
                trials=parameters.trials,
                families=FAMILIES,
                jobs=context.jobs,
            )
        )
        if told is not None:
            told(1.0)
    choices = pd.DataFrame(
        [
            {
                "truth": r.truth.name,
                "rival": rival,
                "mean_delta_aicc": float(row["mean_delta_aicc"]),
                "beaten_percent": 100 * float(row["beaten"]),
                "differs_by_more_than_5": bool(row["distinct"]),
            }
            for r in found
            for rival, row in r.rivals.iterrows()
        ]
    )
    summary = pd.DataFrame(
        [
            {
                "truth": r.truth.name,
                "chosen_percent": 100 * r.chosen.get(r.truth.name, 0) / r.n_seeds,
                "all_rivals_differ": r.distinct,
                "refused": r.refused,
                "claims_to_fit_percent": 100 * r.adequate,
            }
            for r in found
        ]
    )
    coverage = pd.DataFrame(
        [
            {
                "truth": r.truth.name,
                "parameter": name,
                "covered_percent": 100 * float(row["covered"]),
                "open_percent": 100 * float(row["open"]),
            }
            for r in found
            for name, row in r.coverage.iterrows()
        ]
    )
    covered = coverage["covered_percent"]
    distinct = choices[choices["differs_by_more_than_5"]]
    clear = summary[summary["all_rivals_differ"]]
    with drawing(7.2, 0.22 * len(coverage) + 1.4) as (figure, axes):
        rows = np.arange(len(coverage))[::-1]
        axes.axvspan(90, 99, color=COLOURS["sky"], alpha=0.3, lw=0, label="bar: 90 to 99 %")
        axes.axvline(95, color=GREY, lw=0.8)
        look = {"fmt": "o", "ms": 4, "color": COLOURS["blue"], "lw": 1}
        axes.errorbar(covered, rows, xerr=np.sqrt(95 * 5 / sets), **look)
        axes.set_yticks(rows, coverage["truth"] + ": " + coverage["parameter"], fontsize=7)
        axes.set(
            xlabel=f"true value inside the 95 % interval (% of {sets} data sets, ± 1 s.e.)",
            title="Known units: how often the interval holds the truth",
            xlim=(min(84.0, covered.min() - 3), 101.5),
        )
        axes.legend(loc="lower left")

    def of_sets(percent: float, count: int = sets) -> Estimate:
        return share(round(percent / 100 * count), count, "data sets").times(100)

    # Parameters of one data set are not independent: a data set counts once.
    mean_coverage = of_sets(covered.mean(), sets * len(found))
    verdicts = []
    if len(clear):
        what = "least often the true family is chosen where all rivals differ (%)"
        least = farthest([of_sets(p) for p in clear["chosen_percent"]], ">=")
        verdicts.append(Verdict.of(what, least, 80.0, ">="))
    verdicts += [
        Verdict.of(
            "least often a rival that differs by > 5 AICc is beaten (%)",
            farthest([of_sets(p) for p in distinct["beaten_percent"]], ">="),
            80.0,
            ">=",
        ),
        Verdict.of("mean coverage of 95 % intervals (%), low side", mean_coverage, 90.0, ">="),
        Verdict.of("mean coverage of 95 % intervals (%), high side", mean_coverage, 99.0),
    ]
    return Result(
        numbers={
            "recoveries": [r.to_dict() for r in found],
            "parameters_with_coverage_within_90_to_99": int(covered.between(90, 99).sum()),
            "parameters": len(coverage),
        },
        tables={"chosen": summary, "rivals": choices, "coverage": coverage},
        figures={"known-units": figure},
        verdicts=verdicts,
    )
