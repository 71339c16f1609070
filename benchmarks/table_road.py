"""From tables to networks on spiking neurons, by commands: do all of them answer alike?

    python benchmarks/table_road.py FILE=TARGET [FILE=TARGET ...] [--out DIR] [-- TRAIN OPTIONS]

For each table: `neurosim train`, `neurosim predict`, the model file loaded in Python, and
`neurosim convert` on the rows held out and on all rows. Printed are the rows to which `predict`,
the loaded file and the network inside `convert` answer otherwise (there should be none), the rows
that neurons decide otherwise, and how many labels the certificate vouches for.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from ann.data import TableFile
from ann.data.table_model import TableModel


def neurosim(*words: str) -> str:
    command = [sys.executable, "-m", "experiments.command.main", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def walk(table: str, target: str, place: Path, options: list[str]) -> dict[str, object]:
    """All commands on one table."""
    model, told, seen, held = (
        str(place / name) for name in ("model.safetensors", "predicted.csv", "all.csv", "held.csv")
    )
    trained = neurosim(
        "train", table, "--target", target, "--model", "shallow", "--out", model,
        "--report", str(place / "report"), *options,
    )  # fmt: skip
    neurosim("predict", model, table, "--out", told)
    found = neurosim(
        "convert", model, "--inputs", table, "--answers", held, "--out", str(place / "held.json"),
        "--figures", str(place / "figures"), "--jobs", "1",
    )  # fmt: skip
    neurosim(
        "convert", model, "--inputs", table, "--test", table, "--answers", seen,
        "--certify-on", "0", "--jobs", "1",
    )  # fmt: skip
    reader = TableModel.load(model)
    loaded = reader.predict(TableFile(table).read().frame)
    predicted = pd.read_csv(told, dtype=str, keep_default_na=False).iloc[:, 0].to_numpy()
    inside = pd.read_csv(seen, dtype=str, keep_default_na=False)
    part = pd.read_csv(held, dtype=str, keep_default_na=False)
    numbers = json.loads((place / "held.json").read_text())
    same = str if reader.task == "classification" else lambda v: f"{float(v):.6g}"
    a, b, c = (np.array([same(v) for v in x]) for x in (predicted, loaded, inside["network"]))
    (place / "said.txt").write_text(trained + found)
    return {
        "table": Path(table).name,
        "rows": len(a),
        "predict / file / convert differ": int(np.sum((a != b) | (b != c))),
        "neurons differ, all rows": int(np.sum(inside["network"] != inside["neurons"])),
        "held out": len(part),
        "neurons differ, held out": int(np.sum(part["network"] != part["neurons"])),
        "network": numbers.get("accuracy_network"),
        "neurons": numbers.get("accuracy_neurons"),
        "certified": numbers.get("labels", {}).get("held_by_errors_seen"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="+", metavar="FILE=TARGET")
    parser.add_argument("--out", type=Path, help="folder that keeps every file (default: none)")
    words = sys.argv[1:]
    options = words[words.index("--") + 1 :] if "--" in words else []
    given = parser.parse_args(words[: words.index("--")] if "--" in words else words)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for asked in given.tables:
            table, _, target = asked.partition("=")
            place = (given.out or Path(scratch)) / Path(table).stem
            place.mkdir(parents=True, exist_ok=True)
            rows.append(walk(table, target, place, options))
            print(json.dumps(rows[-1]), flush=True)
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
