"""Draw into units.md how often intervals and bands hold the truth, from docs/coverage.csv.

python docs/draw_coverage.py            write the table
python docs/draw_coverage.py --check    say whether the table is that of coverage.csv
python docs/draw_coverage.py FOLDER     put the cells that neurosim run coverage --set keep=FOLDER
                                        has found into coverage.csv first
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pandas as pd

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
P_SMALL = (2.0, 8.5)
"""Share of p below 0.05 (%) that 400 data sets leave to chance."""
KEPT = (
    "family", "noise", "currents", "sets", "refused", *COLUMNS, "share_determined",
    "worst_parameter", "open", "p_below_05", "ks", "choices", "after_choice", "chosen", "widths",
)  # fmt: skip


def gather(folder: Path) -> None:
    """Put the cells of which a run has kept data sets into coverage.csv, in place of the old."""
    table, _ = kept_table(folder, Parameters())
    if table.empty:
        raise SystemExit(f"{folder}: no data sets; run neurosim run coverage --set keep={folder}")
    found = table[list(KEPT)].round(4)
    cells = ["family", "noise", "currents"]
    if FOUND.is_file():
        known = pd.read_csv(FOUND).set_index(cells)
        new = found.set_index(cells)
        order = known.index.append(new.index.difference(known.index, sort=False))
        found = pd.concat([known.drop(new.index, errors="ignore"), new]).loc[order].reset_index()
    found.to_csv(FOUND, index=False, lineterminator="\n")


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


def answers(row: dict[str, str], name: str) -> float:
    """Return how many intervals or bands a share of a cell is a share of.

    Examples
    --------
    >>> row = {"sets": "400", "refused": "0", "share_determined": "25", "widths": "a 1, b 2"}
    >>> answers(row, "pointwise"), answers(row, "parameters"), answers(row, "determined")
    (400.0, 800.0, 200.0)
    """
    each = len(row["widths"].split(", ")) if name in ("parameters", "determined") else 1
    return counted(row, name) * each


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
        sum(answers(row, name) * float(row[name] or 0) for row in fitted)
        / sum(answers(row, name) for row in fitted)
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
    all_held, told_held = (
        sum(answers(row, name) * float(row[name] or 0) for row in fitted)
        for name in ("parameters", "determined")
    )
    every, known = (
        sum(answers(row, name) for row in fitted) for name in ("parameters", "determined")
    )
    rest = (all_held - told_held) / max(every - known, 1)
    told = [
        f"{sum(int(row['sets']) for row in rows)} data sets in {len(rows)} combinations. "
        f"Outside {CELL[0]:.0f} to {CELL[1]:.0f} % by more than chance (all parameters "
        f"together may lie above): {'; '.join(outside) or 'none'}.",
        f"Outside {POOLED[0]:.0f} to {POOLED[1]:.0f} % over all: {'; '.join(wide) or 'none'}.",
        f"The counts determine {100 * known / every:.0f} % of the parameters: of these "
        f"{known:,.0f} intervals {pooled[COLUMNS.index('determined')]:.1f} % hold the truth, of "
        f"the other {every - known:,.0f} intervals {rest:.1f} %.",
    ]
    return "\n".join([*lines, "", *told, "", *after_choice(rows)])


def after_choice(rows: list[dict[str, str]]) -> list[str]:
    """Return the table of p, of ends that are open, and of bands after all families competed.

    Choices among the data sets of all families count together: those of one are few.
    """
    lines = [
        "| counts | currents | p below 0.05, least and most of a family | ends that are open | the "
        "true family chosen | truth inside the band of the chosen family | choices |",
        "|---|---|---|---|---|---|---|",
    ]
    for noise, number in dict.fromkeys((row["noise"], int(row["currents"])) for row in rows):
        here = [
            row
            for row in rows
            if (row["noise"], int(row["currents"])) == (noise, number) and row["parameters"]
        ]
        if not here:
            continue
        low = [float(row["p_below_05"]) for row in here]
        shares = []
        for name in ("open", "chosen", "after_choice"):
            count = "choices" if name != "open" else "sets"
            known = [(float(row[count]), float(row[name])) for row in here if row[name]]
            total = sum(n for n, _ in known)
            shares.append(f"{sum(n * x for n, x in known) / total:.0f} %" if total else "not run")
        choices = sum(int(row["choices"]) for row in here)
        lines.append(
            f"| {noise} | {number} | {min(low):.1f} to {max(low):.1f} % | {' | '.join(shares)} | "
            f"{choices} |"
        )
    smallest, count = min(holm(rows)), len(holm(rows))
    outside = [
        f"{row['family']} ({row['noise']}, {row['currents']} currents): "
        f"{float(row['p_below_05']):.1f} %"
        for row in rows
        if row["p_below_05"] and not P_SMALL[0] <= float(row["p_below_05"]) <= P_SMALL[1]
    ]
    said = (
        f"p is below 0.05 in {P_SMALL[0]:g} to {P_SMALL[1]:g} % of the data sets of every "
        f"combination but: {'; '.join(outside) or 'none'}.\n"
        f"Of {count} Kolmogorov-Smirnov tests of a uniform p, one a combination, the smallest p "
        f"after Holm's correction is {smallest:.2g}."
    )
    return [*lines, "", said]


def holm(rows: list[dict[str, str]]) -> list[float]:
    """Return the p of the Kolmogorov-Smirnov tests, corrected for their number (Holm 1979).

    Examples
    --------
    >>> holm([{"ks": "0.5"}, {"ks": "0.01"}, {"ks": ""}])
    [0.02, 0.5]
    """
    found = sorted(float(row["ks"]) for row in rows if row["ks"])
    return [min(1.0, p * (len(found) - k)) for k, p in enumerate(found)]


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
