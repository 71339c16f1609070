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
    AT_LEAST,
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
    "family", "noise", "currents", "sets", "refused", *COLUMNS, "share_determined",
    "worst_parameter", "open", "p_below_05", "ks",
)  # fmt: skip


def gather(folder: Path) -> None:
    """Write coverage.csv from the data sets that a run has kept."""
    table, _ = kept_table(folder, Parameters())
    if table.empty:
        raise SystemExit(f"{folder}: no data sets; run neurosim run coverage --set keep={folder}")
    table[list(KEPT)].round(4).to_csv(FOUND, index=False, lineterminator="\n")


def counted(row: dict[str, str], name: str) -> float:
    """Return how many data sets a share of a cell rests on.

    Examples
    --------
    >>> row = {"sets": "400", "refused": "0", "share_determined": "25"}
    >>> counted(row, "pointwise"), counted(row, "determined")
    (400.0, 100.0)
    """
    sets = float(row["sets"]) - float(row["refused"])
    return sets * float(row["share_determined"] or 0) / 100 if name == "determined" else sets


def misses(row: dict[str, str], name: str) -> bool:
    """Return whether the coverage of a cell is outside its limits by more than chance.

    Examples
    --------
    >>> misses({"sets": "400", "refused": "0", "parameters": "88"}, "parameters")
    True
    >>> misses({"sets": "20", "refused": "0", "parameters": "88"}, "parameters")
    False
    >>> misses({"sets": "400", "refused": "0", "parameters": "100"}, "parameters")
    False
    """
    sets = int(counted(row, name))
    if not sets:
        return False
    low, high = cell_limits(sets)
    return not low <= float(row[name]) <= (100 if name in AT_LEAST else high)


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
                held = " / ".join(
                    f"{float(row[name]):.0f}" if row[name] else "–" for name in COLUMNS
                )
                shown.append(f"{held} ({row['sets']})")
        lines.append(f"| {family} | {noise} | {' | '.join(shown)} |")
    fitted = [row for row in rows if row["parameters"]]
    pooled = [
        sum(counted(row, name) * float(row[name] or 0) for row in fitted)
        / sum(counted(row, name) for row in fitted)
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
        if not POOLED[0] <= one <= (100 if name in AT_LEAST else POOLED[1])
    ]
    share = sum(counted(row, "determined") for row in fitted) / sum(
        counted(row, "parameters") for row in fitted
    )
    told = [
        f"{sum(int(row['sets']) for row in rows)} data sets in {len(rows)} combinations. "
        f"Outside {CELL[0]:.0f} to {CELL[1]:.0f} % by more than chance (all parameters "
        f"together may lie above): {'; '.join(outside) or 'none'}.",
        f"Outside {POOLED[0]:.0f} to {POOLED[1]:.0f} % over all: {'; '.join(wide) or 'none'}.",
        f"The counts determine {100 * share:.0f} % of the parameters.",
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
