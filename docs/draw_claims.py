"""Draw the table of all experiments over seeds, and what it shows, into claims.md from claims.csv.

python docs/draw_claims.py              write the table
python docs/draw_claims.py --check      say whether the table is that of claims.csv
python docs/draw_claims.py FOLDER ...   put the claims.csv of these runs into docs/claims.csv first
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE, CLAIMS = HERE / "claims.md", HERE / "claims.csv"
BEGIN, END = "<!-- claims: begin -->", "<!-- claims: end -->"
SUM_BEGIN, SUM_END = "<!-- conclusion: begin -->", "<!-- conclusion: end -->"
WHOLE = 20
"""Seeds at which an experiment with random numbers is run before the page says that it is sure."""
NO_CHANCE = "no random numbers"


def rows_of(file: Path) -> list[dict[str, str]]:
    """Return the lines of a claims.csv."""
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def gather(folders: list[Path]) -> None:
    """Put the lines of runs into docs/claims.csv, in the place of those of the same experiment."""
    kept = {row["experiment"]: [] for row in rows_of(CLAIMS)} if CLAIMS.exists() else {}
    for row in rows_of(CLAIMS) if CLAIMS.exists() else []:
        kept[row["experiment"]].append(row)
    for folder in folders:
        new: dict[str, list[dict[str, str]]] = {}
        # A run that was stopped has a table of its own in the folder of its last experiment.
        for file in (folder / "claims.csv", *sorted(folder.glob("*/claims.csv"))):
            found = defaultdict(list)
            for row in rows_of(file) if file.is_file() else []:
                found[row["experiment"]].append(row)
            new |= found
        if not new:
            raise SystemExit(
                f"{folder}: no claims.csv in it; run neurosim run --all --out {folder}"
            )
        kept |= new
    lines = [row for name in sorted(kept) for row in kept[name]]
    with CLAIMS.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def room(row: dict[str, str]) -> float:
    """Return how far the statistic stays from its bar at the worst seed, as a share of the bar.

    Examples
    --------
    >>> room({"sense": "<=", "bar": "2", "lowest": "0", "highest": "1.5"})
    0.25
    """
    bar = float(row["bar"])
    worst = float(row["highest" if row["sense"] == "<=" else "lowest"] or "nan")
    left = bar - worst if row["sense"] == "<=" else worst - bar
    return left / (abs(bar) or 1.0) if left == left else float("inf")


def conclusion() -> str:
    """Return what the table shows: how many experiments were run over seeds, and how many held."""
    sys.path.insert(0, str(HERE.parent))
    from experiments.kit.over_seeds import NEEDED
    from experiments.kit.registry import contents

    found = defaultdict(list)
    for row in rows_of(CLAIMS):
        found[row["experiment"]].append(row)
    entries = contents()
    seeds = {name: max(int(row["seeds"]) for row in rows) for name, rows in found.items()}
    held = sum(
        all(int(row["held"]) >= NEEDED * int(row["seeds"]) for row in rows)
        for rows in found.values()
    )
    fixed = sum(entries[name].deterministic for name in seeds)
    chance = [n for name, n in seeds.items() if not entries[name].deterministic]
    sure = sum(n >= WHOLE for n in chance)
    which = "all of them" if held == len(seeds) else f"{held} of them"
    short = len(chance) - sure
    left = len(entries) - len(seeds)
    fewer = (
        f"\n{short} were run at fewer than {WHOLE} seeds: of these we know only that they do not "
        "fail at once."
        if short
        else ""
    )
    return (
        f"**{len(seeds)} of {len(entries)} experiments have been run again, and in {which} "
        f"every claim holds at {100 * NEEDED:.0f} % of the seeds or more.**\n"
        f"Of these {len(seeds)}, {sure} were run at {WHOLE} seeds, and {fixed} use no random "
        f"numbers and were run twice.{fewer}"
        + (f"\nThe other {left} have not been run over seeds." if left else "")
    )


def drawing() -> str:
    """Return the table: a line an experiment, with the verdict that holds at the fewest seeds."""
    sys.path.insert(0, str(HERE.parent))
    from experiments.kit.registry import contents

    found = defaultdict(list)
    for row in rows_of(CLAIMS):
        found[row["experiment"]].append(row)
    head = ("experiment", "form", "verdicts", "holds at", "the verdict that does so, and its range")
    lines = [f"| {' | '.join(head)} |", "|---|---|---|---|---|"]
    for name, entry in contents().items():
        if name not in found:
            said = NO_CHANCE if entry.deterministic else "not yet run over seeds"
            lines.append(f"| `{name}` | | | {said} | |")
            continue
        # Of several that hold at the fewest seeds, the one that comes nearest its bar.
        least = min(found[name], key=lambda row: (int(row["held"]) / int(row["seeds"]), room(row)))
        low, high = (f"{float(least[end]):.3g}" for end in ("lowest", "highest"))
        extent = low if low == high else f"{low} to {high}"
        said = f"{least['verdict']}: {extent} ({least['sense']} {float(least['bar']):.3g})"
        seeds = f"{least['held']} of {least['seeds']}"
        if entry.deterministic:
            seeds += f", {NO_CHANCE}"
        said = said.replace("|", "\\|")
        count = len(found[name])
        lines.append(f"| `{name}` | {least['form']} | {count} | {seeds} | {said} |")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write or check the table; return the exit status."""
    check = "--check" in arguments
    folders = [Path(word) for word in arguments if word != "--check"]
    if folders:
        gather(folders)
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    new = f"{before}{BEGIN}\n\n{drawing()}\n\n{END}{after}"
    before, rest = new.split(SUM_BEGIN)
    after = rest.split(SUM_END)[1]
    new = f"{before}{SUM_BEGIN}\n\n{conclusion()}\n\n{SUM_END}{after}"
    if check:
        if new != page:
            print("docs/claims.md is not that of docs/claims.csv: run python docs/draw_claims.py")
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
