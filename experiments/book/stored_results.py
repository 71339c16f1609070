"""Results of experiments that are kept with the book, so that a build need not run them all.

A kept result says which code it came from. It is current as long as that code is unchanged; when it
has changed, the page of the experiment says so.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.kit.code_digest import code_digest
from experiments.kit.registry import Context, Entry, find
from experiments.kit.result import Verdict
from experiments.kit.style import drawn
from neurosim.atomic_write import make_folder, plain, write_bytes, write_json
from neurosim.run.recording import versions

__all__ = ["StoredResult", "run_and_store", "stored_result"]

_LARGEST_SVG = 150_000
_MOST_CHARACTERS = 30_000
_VERDICT = ("what", "value", "bar", "sense", "low", "high", "draws", "method", "level", "draws_are")


@dataclass(frozen=True)
class StoredResult:
    """What the page of an experiment shows.

    Attributes
    ----------
    name : str
        Of the experiment.
    verdicts : tuple of Verdict
    numbers : dict
        Those of the result, unless they are many.
    tables : dict of str to list of dict
        Those of the result, unless they are long.
    figures : tuple of Path
        SVG, or PNG where the SVG is large.
    seconds : float
        How long the run took.
    quick : bool
        Whether it was run with fewer trials and seeds.
    seed : int
    versions : dict of str to str
    code : str
        Digest of the code it came from.
    """

    name: str
    verdicts: tuple[Verdict, ...]
    numbers: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]]
    figures: tuple[Path, ...]
    seconds: float
    quick: bool
    seed: int
    versions: dict[str, str]
    code: str

    def is_current(self, entry: Entry) -> bool:
        """Whether the code of the experiment is the code that this result came from."""
        return self.code == code_digest(entry.module)

    @property
    def holds(self) -> bool:
        """Whether every verdict holds."""
        return all(verdict.holds for verdict in self.verdicts)

    @property
    def command(self) -> str:
        """What to type to run it again."""
        said = f"neurosim run {self.name}" + (" --quick" if self.quick else "")
        return said if self.seed == 1 else f"{said} --seed {self.seed}"


def stored_result(folder: Path, name: str) -> StoredResult | None:
    """Return the kept result of an experiment, or None if there is none.

    Parameters
    ----------
    folder : Path
        With a folder for each experiment.
    name : str
        Of the experiment.
    """
    place = folder / name
    try:
        kept = json.loads((place / "result.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return StoredResult(
        name=name,
        verdicts=tuple(
            Verdict(**{field: _read(one[field]) for field in one}) for one in kept["verdicts"]
        ),
        numbers=kept["numbers"],
        tables=kept["tables"],
        figures=tuple(place / file for file in kept["figures"]),
        seconds=kept["seconds"],
        quick=kept["quick"],
        seed=kept["seed"],
        versions=kept["versions"],
        code=kept["code"],
    )


def run_and_store(folder: Path, entry: Entry, context: Context) -> StoredResult:
    """Run an experiment and keep what its page shows.

    Parameters
    ----------
    folder : Path
        With a folder for each experiment.
    entry : Entry
        Which experiment.
    context : Context
        How it is run.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    began = time.perf_counter()
    result = find(entry.name).run(context=context)
    seconds = time.perf_counter() - began
    place = make_folder(folder / entry.name)
    files = []
    for name, figure in result.figures.items():
        pictures = drawn(figure)
        kind = "svg" if len(pictures["svg"]) <= _LARGEST_SVG else "png"
        files.append(f"{name}.{kind}")
        write_bytes(place / files[-1], pictures[kind])
    for old in place.iterdir():
        if old.name not in (*files, "result.json"):
            old.unlink()
    tables = {name: table.to_dict(orient="records") for name, table in result.tables.items()}
    kept = {
        "verdicts": [
            {field: _written(getattr(v, field)) for field in _VERDICT} for v in result.verdicts
        ],
        "numbers": _if_short(result.numbers),
        "tables": _if_short(tables),
        "figures": files,
        "seconds": round(seconds, 1),
        "quick": context.quick,
        "seed": context.seed,
        "versions": versions(),
        "code": code_digest(entry.module),
    }
    write_json(place / "result.json", kept)
    stored = stored_result(folder, entry.name)
    assert stored is not None
    return stored


def _written(value: Any) -> Any:
    """Return a field of a verdict; infinity and nan, for which JSON has nothing, as a word.

    As null they would be lost, and "no network is large enough" would be neither right nor wrong.
    """
    infinite = isinstance(value, float) and not math.isfinite(value)
    return str(value) if infinite else value


def _read(kept: Any) -> Any:
    """Return a field of a verdict as it was before `_written`."""
    return float(kept) if kept in ("inf", "-inf", "nan") else kept


def _if_short(kept: dict[str, Any]) -> dict[str, Any]:
    """Return numbers or tables, or nothing if they would make the repository large."""
    return kept if len(json.dumps(plain(kept))) <= _MOST_CHARACTERS else {}
