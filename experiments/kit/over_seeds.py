"""An experiment at many seeds: at what share of them does each of its verdicts hold?

The result of each seed is kept as soon as it is there, so that a run that was stopped goes on where
it was. A kept result counts only if parameters, versions and the code that the experiment rests on
are the same as now.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.kit.code_digest import code_digest
from experiments.kit.outputs import write_folder
from experiments.kit.registry import Context, Experiment
from neurosim.atomic_write import plain, write_json
from neurosim.run.recording import versions

__all__ = ["NEEDED", "OverSeeds", "claims_table", "run_over_seeds"]

NEEDED = 0.95
"""Share of the seeds at which a verdict has to hold."""


@dataclass(frozen=True)
class OverSeeds:
    """Verdicts of one experiment at many seeds.

    Attributes
    ----------
    name : str
        Of the experiment.
    deterministic : bool
        Whether no chance is in it; then two seeds are enough, and have to agree.
    quick : bool
    verdicts : dict of int to list of dict
        By seed, each as in ``result.json``.
    """

    name: str
    deterministic: bool
    quick: bool
    verdicts: Mapping[int, Sequence[Mapping[str, Any]]]

    def table(self) -> pd.DataFrame:
        """Return a line a verdict: bar, at how many seeds it holds, range of its statistic.

        A verdict that is absent at a seed does not hold there. The range is nan if the statistic
        was undefined at a seed.
        """
        names = dict.fromkeys(v["what"] for seen in self.verdicts.values() for v in seen)
        return pd.DataFrame([self._line(name) for name in names])

    def _line(self, what: str) -> dict[str, Any]:
        found = [v for seen in self.verdicts.values() for v in seen if v["what"] == what]
        values = np.array([_value_of(v) for v in found])
        lowest, middle, highest = values.min(), _median(values), values.max()
        drawn = [v["draws"] for v in found if v["draws"] is not None]
        return {
            "experiment": self.name,
            "form": "quick" if self.quick else "whole",
            "verdict": what,
            "sense": found[0]["sense"],
            "bar": found[0]["bar"],
            "held": sum(v["holds"] for v in found),
            "seeds": len(self.verdicts),
            "lowest": lowest,
            "median": middle,
            "highest": highest,
            "draws": min(drawn, default=0),
            "chance": not self.deterministic,
        }

    @property
    def agrees(self) -> bool:
        """Whether an experiment without chance said the same at every seed."""
        said = {json.dumps(seen, sort_keys=True) for seen in self.verdicts.values()}
        return not self.deterministic or len(said) == 1

    @property
    def holds(self) -> bool:
        """Whether each verdict holds at 19 of 20 seeds or more."""
        table = self.table()
        if table.empty:
            # Nothing was judged, which shows nothing.
            return False
        return self.agrees and bool((table["held"] >= NEEDED * table["seeds"]).all())


def _median(values: np.ndarray) -> float:
    """The median; between two infinite values nothing is interpolated."""
    if np.isfinite(values).all():
        return float(np.median(values))
    return float(np.nan if np.isnan(values).any() else np.sort(values)[(len(values) - 1) // 2])


def _value_of(verdict: Mapping[str, Any]) -> float:
    """The statistic of a verdict; JSON has no infinite numbers, and one that holds is no nan."""
    if verdict["value"] is not None:
        return float(verdict["value"])
    if not verdict["holds"]:
        return float("nan")
    return float("inf") if verdict["sense"] == ">=" else float("-inf")


def run_over_seeds(
    found: Experiment, parameters: Any, context: Context, count: int, folder: Path
) -> OverSeeds:
    """Run an experiment at `count` seeds from that of the context on.

    Parameters
    ----------
    found : Experiment
    parameters : object
        Of the experiment.
    context : Context
        Its bar shows the share of the seeds that are done.
    count : int
        Seeds; an experiment without chance is run at the first and the last.
    folder : Path
        Where ``seed-1.json`` and so on are kept, and the table as ``claims.csv``.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    seeds = [context.seed + k for k in range(count)]
    if found.deterministic:
        seeds = sorted({seeds[0], seeds[-1]})
    made_by = plain(
        {
            "experiment": found.name,
            "parameters": dataclasses.asdict(parameters),
            "quick": context.quick,
            "engine": context.engine,
            "versions": versions(),
            "code": code_digest(found.function.__module__),
        }
    )
    told = context.task(f"{found.name}: {len(seeds)} seeds")
    # The bars of a single run would fill the screen, twenty times over.
    silent = Context(seed=context.seed, jobs=context.jobs, quick=context.quick,
                     engine=context.engine)  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    verdicts = {}
    for k, seed in enumerate(seeds):
        file = folder / f"seed-{seed}.json"
        kept = _kept(file, made_by)
        if kept is None:
            result = found.run(parameters, replace(silent, seed=seed))
            kept = {**result.to_dict(), "made_by": made_by}
            write_json(file, kept)
        verdicts[seed] = kept["verdicts"]
        over = OverSeeds(found.name, found.deterministic, context.quick, dict(verdicts))
        # After every seed: a run that is stopped leaves the table of those that are done.
        write_claims(folder, over.table())
        if told is not None:
            told((k + 1) / len(seeds))
    return over


def _kept(file: Path, made_by: Any) -> Any:
    """Return a result that was kept, unless something it depends on has changed since."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) and kept.get("made_by") == made_by else None


def write_claims(folder: Path, table: pd.DataFrame) -> None:
    """Write a table of verdicts over seeds as ``claims.csv``."""
    write_folder(
        folder, lambda place: table.to_csv(place / "claims.csv", index=False, float_format="%.6g")
    )


def claims_table(claims: pd.DataFrame) -> pd.DataFrame:
    """Return a line an experiment: its verdicts, and the one that holds at the fewest seeds.

    Parameters
    ----------
    claims : DataFrame
        Lines of `OverSeeds.table` of one experiment or several.
    """
    rows = []
    for (name, form), part in claims.groupby(["experiment", "form"], sort=True):
        weakest = part.iloc[int((part["held"] / part["seeds"]).to_numpy().argmin())]
        rows.append(
            {
                "experiment": name,
                "form": form,
                "verdicts": len(part),
                "fewest": f"{weakest['held']} of {weakest['seeds']}",
                "at": weakest["verdict"],
            }
        )
    return pd.DataFrame(rows)
