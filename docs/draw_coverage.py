"""Draw into units.md how often intervals and bands hold the truth, from docs/coverage.csv.

python docs/draw_coverage.py            write the table
python docs/draw_coverage.py --check    say whether the table is that of coverage.csv
python docs/draw_coverage.py FOLDER     put what neurosim run coverage --set keep=FOLDER found into
                                        coverage.csv first
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from experiments.gallery.units.coverage import (  # noqa: E402
    CELL,
    COLUMNS,
    POOLED,
    Parameters,
    cell_limits,
    kept_table,
)

PAGE, FOUND = HERE / "units.md", HERE / "coverage.csv"
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"
KEPT = (
    "family", "noise", "currents", "sets", "refused", *COLUMNS, "worst_parameter", "open",
    "p_below_05", "ks",
)  # fmt: skip


def gather(folder: Path) -> None:
    """Write coverage.csv from the data sets that a run has kept."""
    table, _ = kept_table(folder, Parameters())
    if table.empty:
        raise SystemExit(f"{folder}: no data sets; run neurosim run coverage --set keep={folder}")
    table[list(KEPT)].round(4).to_csv(FOUND, index=False, lineterminator="\n")


def misses(row: dict[str, str], name: str) -> bool:
    """Return whether the coverage of a cell is outside its limits by more than chance.

    Examples
    --------
    >>> misses({"sets": "400", "refused": "0", "parameters": "88"}, "parameters")
    True
    >>> misses({"sets": "20", "refused": "0", "parameters": "88"}, "parameters")
    False
    """
    sets = int(row["sets"]) - int(row["refused"])
    low, high = cell_limits(sets)
    return not low <= float(row[name]) <= high


def drawing() -> str:
    """Return the table, a line for each family and noise, and what misses its limits."""
    with FOUND.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    currents = sorted({int(row["currents"]) for row in rows})
    lines = [
        f"| family | counts | {' | '.join(f'{n} currents' for n in currents)} |",
        "|---" * (2 + len(currents)) + "|",
    ]
    by_cell = {(row["family"], row["noise"], int(row["currents"])): row for row in rows}
    for family, noise in dict.fromkeys((row["family"], row["noise"]) for row in rows):
        shown = []
        for number in currents:
            row = by_cell.get((family, noise, number))
            if row is None:
                shown.append("not run")
            elif not row["parameters"]:
                shown.append("refused")
            else:
                held = " / ".join(f"{float(row[name]):.0f}" for name in COLUMNS)
                shown.append(f"{held} ({row['sets']})")
        lines.append(f"| {family} | {noise} | {' | '.join(shown)} |")
    fitted = [row for row in rows if row["parameters"]]
    weight = [int(row["sets"]) - int(row["refused"]) for row in fitted]
    pooled = [
        sum(w * float(row[name]) for w, row in zip(weight, fitted, strict=True)) / sum(weight)
        for name in COLUMNS
    ]
    lines.append(f"| **all** | | **{' / '.join(f'{one:.1f}' for one in pooled)}** |")
    lines[-1] += " |" * (len(currents) - 1)
    outside = [
        f"{row['family']} ({row['noise']}, {row['currents']} currents): {name} "
        f"{float(row[name]):.0f} %"
        for row in fitted
        for name in COLUMNS
        if misses(row, name)
    ]
    wide = [
        f"{name} {one:.1f} %"
        for name, one in zip(COLUMNS, pooled, strict=True)
        if not POOLED[0] <= one <= POOLED[1]
    ]
    told = [
        f"{sum(int(row['sets']) for row in rows)} data sets in {len(rows)} combinations. "
        f"Outside {CELL[0]:.0f} to {CELL[1]:.0f} % by more than chance: "
        f"{'; '.join(outside) or 'none'}.",
        f"Outside {POOLED[0]:.0f} to {POOLED[1]:.0f} % over all: {'; '.join(wide) or 'none'}.",
    ]
    return "\n".join([*lines, "", *told])


def main(arguments: list[str]) -> int:
    """Write or check the table; return the exit status."""
    folders = [word for word in arguments if word != "--check"]
    if folders:
        gather(Path(folders[0]))
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    new = f"{before}{BEGIN}\n\n{drawing()}\n\n{END}{rest.split(END)[1]}"
    if "--check" in arguments:
        if new != page:
            print("units.md: run python docs/draw_coverage.py")
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
