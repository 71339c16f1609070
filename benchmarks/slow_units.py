"""How often a slow state is found where there is one, and claimed where there is none.

    python benchmarks/slow_units.py --file slow_units.csv --data-sets 100
    python benchmarks/slow_units.py --file slow_units.csv --truths regular none-regular

These are the data sets of `neurosim run slow-unit` at seed 1, the same whichever truths are run. A
data set takes about 0.25 s of processor time. Each is a line of the file as soon as it is fitted,
and the same command goes on where an earlier one stopped, if the code of the fits is the same.
Printed is a line for each truth, as in
docs/units.md.
"""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path
from typing import Any

from bridge.slow_state.slow_fit import fit_slow
from experiments.gallery.units.slow_memory import TRUTHS, data_sets, judged
from experiments.kit.code_digest import code_digest
from experiments.kit.registry import Context
from neurosim.atomic_write import write_text

CODE = code_digest("bridge.slow_state.slow_fit")[:12]
"""Lines of other code are fitted again."""


def kept(file: Path) -> list[dict[str, Any]]:
    """Return the lines that are in the file."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        return [line for line in csv.DictReader(stream) if line.get("code") == CODE]


def plain(value: Any) -> str:
    """Return a value as the file has it."""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def save(file: Path, lines: list[dict[str, Any]]) -> None:
    """Write all lines, those of a truth together."""
    place = list(TRUTHS)
    lines = sorted(lines, key=lambda line: (place.index(line["truth"]), int(line["data_set"])))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    write_text(file, text.getvalue())


def main() -> None:
    """Fit what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--data-sets", type=int, default=100)
    parser.add_argument("--truths", nargs="+", choices=list(TRUTHS), default=list(TRUTHS))
    given = parser.parse_args()
    lines = kept(given.file)
    done = {(line["truth"], int(line["data_set"])) for line in lines}
    context = Context(seed=1)
    for name in given.truths:
        missing = [k for k in range(given.data_sets) if (name, k) not in done]
        if not missing:
            continue
        for k, counts in enumerate(data_sets(name, given.data_sets, context)):
            if k not in missing:
                continue
            found = {key: plain(value) for key, value in judged(name, fit_slow(counts)).items()}
            lines.append({"truth": found.pop("truth"), "data_set": k, **found, "code": CODE})
            save(given.file, lines)
    print(
        "| the true unit | data sets | slow state claimed | with intervals | of these hold the "
        "true time constant, strength |"
    )
    print("|---|---|---|---|---|")
    for name in dict.fromkeys(line["truth"] for line in lines):
        own = [line for line in lines if line["truth"] == name]
        found = sum(line["verdict"] == "slow" for line in own)
        given = sum(line["tau_held"] != "nan" for line in own)
        held = (str(sum(line[key] == "1" for line in own)) for key in ("tau_held", "strength_held"))
        print(
            f"| {name} | {len(own)} | {found} | {given if found else ''} | "
            f"{', '.join(held) if found else ''} |"
        )


if __name__ == "__main__":
    main()
