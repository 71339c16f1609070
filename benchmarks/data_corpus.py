"""What cleaning does to real public tables: how much is repaired, and how much harm is done.

Runs `read_table`, `propose` and `clean` on each table of the corpus and holds every changed cell,
row and label against facts that people wrote down by reading the table (``corpus/facts.toml``):

    python benchmarks/data_corpus.py [--folder DIR] [--group A] [--findings FILE]

The files are not part of the project. ``--get`` prints the address of each; save it in DIR (or in
the folder that NEUROSIM_CORPUS names) under the table's name and suffix. Tables of groups A and B
were looked at while the code was written, those of groups C, D and E only after their first
measurement. Prints a line a table, the sums of each group beside the bars, and, with
``--findings``, every wrong action.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus.harm_score import Score
from corpus.judge import judge
from corpus.planting import judge_planted
from corpus.truth import FACTS, Facts, TrueTable, load_facts

GROUPS = ("A", "B", "C", "D", "E")
HARMS = ("row removed", "label merged", "value rescaled", "cell blanked", "cell altered")
OTHER = ("column left out", "file misread", "wrong proposal")


def totals(scores: Iterable[Score]) -> Counter[str]:
    """Add up the counts of several tables."""
    out: Counter[str] = Counter()
    for s in scores:
        out += s.tally
        out["tables"] += 1
        out["undo failed"] += not s.undo
    return out


def share(part: int, whole: int) -> float:
    """Return a share in per cent; nothing of nothing is all of it."""
    return round(100 * part / whole, 2) if whole else 100.0


def summary(tally: Counter[str]) -> dict[str, float]:
    """Return the figures that the bars are about."""
    return {
        "tables": tally["tables"],
        **{h: tally[h] for h in (*HARMS, *OTHER)},
        "cells altered": tally["altered"],
        "% altered wrongly": share(tally["altered wrongly"], tally["altered"]),
        "cells due": tally["due"],
        "% due and done": share(tally["done"], tally["due"]),
        "proposals": tally["proposals"],
        "% proposals right": share(tally["right proposals"], tally["proposals"]),
        "recommended": tally["recommended"],
        "% recommended right": share(tally["recommended rightly"], tally["recommended"]),
        "reports": tally["reports"],
        "known faults": tally["faults"],
        "% faults found": share(tally["found"], tally["faults"]),
        "undo failed": tally["undo failed"],
    }


def line(score: Score) -> str:
    """Return one table's counts in a line."""
    t = score.tally
    harms = ", ".join(f"{h} {t[h]}" for h in (*HARMS, *OTHER) if t[h]) or "no harm"
    return (
        f"{score.group} {score.name:22} altered {t['altered']:6} (wrongly {t['altered wrongly']}) "
        f"due {t['due']:6} done {t['done']:6} proposals {t['right proposals']}/{t['proposals']} "
        f"faults {t['found']}/{t['faults']}: {harms}"
    )


def findings(scores: Iterable[Score]) -> str:
    """Return every wrong action and every missed fault as a page of Markdown."""
    scores = list(scores)
    out = ["| table | column | rule | harm | example |", "|---|---|---|---|---|"]
    order = {h: k for k, h in enumerate((*HARMS, *OTHER))}
    for w in sorted((w for s in scores for w in s.wrong), key=lambda w: (order[w.harm], w.table)):
        shown = "; ".join(w.examples[:4]).replace("|", "/").replace("\n", " ")[:300]
        out.append(f"| {w.table} | {w.column[:60]} | {w.rule} | {w.harm} {w.count} | {shown} |")
    out += ["", "Known faults that were neither repaired nor proposed:", ""]
    out += [f"- {m}" for s in scores for m in s.missed]
    return "\n".join(out) + "\n"


def run(facts: Iterable[Facts], folder: Path) -> list[Score]:
    """Judge each table that is there; say which are not."""
    scores = []
    for f in facts:
        try:
            scores.append(judge(f, folder))
        except FileNotFoundError as error:
            print(f"skipped: {error}", file=sys.stderr)
            continue
        print(line(scores[-1]), flush=True)
    return scores


def planted(facts: Iterable[Facts], folder: Path, seed: int) -> None:
    """Plant faults in each table, and print how many of each kind were found."""
    sown: Counter[str] = Counter()
    found: Counter[str] = Counter()
    scores = []
    for f in facts:
        try:
            score, kinds = judge_planted(TrueTable.read(f, folder), seed)
        except FileNotFoundError:
            continue
        scores.append(score)
        sown.update(list(kinds))
        found.update(k for k, right in kinds.items() if right)
        for kind in (k for k, right in kinds.items() if not right):
            print(f"planted and not found: {score.name}, {kind}")
    out = {f"% of {k} found": share(found[k], n) for k, n in sown.items()}
    whole = share(found.total(), sown.total())
    wrongly = totals(scores)["altered wrongly"]
    print(
        json.dumps({"planted": sown.total(), "% found": whole, "altered wrongly": wrongly, **out})
    )


def main() -> None:
    """Measure the corpus."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=os.environ.get("NEUROSIM_CORPUS"))
    parser.add_argument("--facts", type=Path, nargs="*", default=FACTS)
    parser.add_argument("--group", choices=GROUPS)
    parser.add_argument("--only", nargs="*", help="names of tables")
    parser.add_argument("--findings", type=Path, help="write every wrong action here")
    parser.add_argument("--plant", type=int, metavar="SEED", help="plant faults in them instead")
    parser.add_argument("--get", action="store_true", help="print where the files are")
    given = parser.parse_args()
    facts = [f for f in load_facts(*given.facts) if given.group in (None, f.group)]
    facts = [f for f in facts if not given.only or f.name in given.only]
    if given.get:
        print("\n".join(f"{f.name}{f.suffix}\t{f.url}" for f in facts))
        return
    if given.folder is None:
        parser.error("no folder: give --folder, or set NEUROSIM_CORPUS")
    if given.plant is not None:
        planted(facts, given.folder, given.plant)
        return
    start = time.process_time()
    scores = run(facts, given.folder)
    for group in GROUPS:
        part = [s for s in scores if s.group == group]
        if part:
            print(json.dumps({"group": group, **summary(totals(part))}))
    print(json.dumps({"processor seconds": round(time.process_time() - start)}))
    if given.findings is not None:
        given.findings.write_text(findings(scores), encoding="utf-8")


if __name__ == "__main__":
    main()
