"""Every acceptance problem is met: closed forms, exact solutions, other simulators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from experiments.validation import all_problems
from neurosim.errors import UnknownNameError, suggest


@dataclass(frozen=True)
class Parameters:
    """Which problems: numbers joined by commas, or nothing for all."""

    only: str = ""


@experiment(
    "validate",
    "Point neurons, cables, axons and synapses agree with theory and with other simulators.",
    Parameters,
)
def run(parameters: Parameters, context: Context) -> Result:
    problems = all_problems()
    known = [problem.id for problem in problems]
    wanted = [name.strip().upper() for name in parameters.only.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise UnknownNameError(
                f"validate: there is no problem {name!r}: {suggest(name, known)}"
            )
    rows: list[dict[str, Any]] = []
    for problem in problems:
        if wanted and problem.id not in wanted:
            continue
        for check in problem.run(context):
            rows.append(
                {
                    "problem": problem.id,
                    "what": check.what,
                    "ours": float(check.ours),
                    "reference": float(check.reference),
                    "error": float(check.error),
                    "largest_error": float(check.largest_error),
                    "tolerance": float(check.tolerance),
                    "kind": "absolute" if check.absolute or not check.reference else "relative",
                    "verdict": "holds" if check.holds else "FAILS",
                    "source": problem.source,
                }
            )
    table = pd.DataFrame(rows)
    failed = int((table["verdict"] != "holds").sum())
    return Result(
        numbers={"checks": len(table), "failed": failed},
        tables={"checks": table.drop(columns="source"), "sources": _sources(problems, table)},
        figures={"validation": _figure(table)},
        verdicts=[Verdict(f"checks outside their tolerance, of {len(table)}", failed, 0)],
        provenance={"engine": context.engine},
    )


def _sources(problems: list[Any], table: pd.DataFrame) -> pd.DataFrame:
    shown = set(table["problem"])
    rows = [
        {"problem": p.id, "title": p.title, "reference": p.source}
        for p in problems
        if p.id in shown
    ]
    return pd.DataFrame(rows)


def _figure(table: pd.DataFrame) -> Any:
    """Draw each error as a share of its tolerance."""
    names = list(dict.fromkeys(table["problem"]))
    with drawing(6.4, 0.28 * len(names) + 1.2) as (figure, axes):
        for k, name in enumerate(names):
            here = table[table["problem"] == name]
            # Counts that must be exact have no tolerance; a hit stands at the left edge.
            share = np.where(
                here["tolerance"] > 0,
                here["error"] / np.where(here["tolerance"] > 0, here["tolerance"], 1),
                np.where(here["error"] > 0, 10, 0),
            )
            for ok, colour, marker in ((True, "blue", "o"), (False, "vermilion", "X")):
                chosen = (here["verdict"] == "holds").to_numpy() == ok
                axes.plot(
                    np.maximum(share[chosen], 1e-5), np.full(chosen.sum(), k), marker, ms=4,
                    color=COLOURS[colour], alpha=0.7, mec="none",
                )  # fmt: skip
        axes.axvline(1, color=COLOURS["vermilion"], lw=1, ls="--")
        axes.text(1.15, -0.45, "tolerance", color=COLOURS["vermilion"], va="center", fontsize=8)
        axes.set(
            xscale="log", xlim=(7e-6, 12), xlabel="error / tolerance (0 drawn at the left edge)",
            ylim=(len(names) - 0.4, -0.9),
        )  # fmt: skip
        axes.set_yticks(range(len(names)), names)
        axes.set_ylabel("problem")
    return figure
