"""How much memory and time a big table takes: profiled, cleaned, judged and trained on.

Writes a messy table of 10 million rows and 20 columns (1.2 GB or so), runs each command in a
process of its own, and prints its peak memory, its time and the share of the file's size:

    python benchmarks/data_size.py [--rows 10000000] [--folder DIR] [--file FILE] [--only profile]

The bars: profile within 4 GB; nothing above three times the file's size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BARS = {"profile": 4.0}
COMMANDS = ("profile", "clean", "verdict", "train")
_CHILD = """
import resource, sys
from ann.data.command import app
try:
    app(sys.argv[1:], standalone_mode=False)
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def write_table(path: Path, rows: int, seed: int = 0) -> None:
    """Write a messy table: 20 columns with units, thousands, sentinels, variants and copies."""
    rng = np.random.default_rng(seed)
    towns = np.array(["Oslo", "oslo", "Paris ", "Paris", "PARIS", "Lyon", "?", "Bergen"])
    answers = np.array(["yes", "No", "Y", "no", "", "n"])
    names = ["id", "when", "town", "answer", "height", "income", "pulse", "zone", "outcome"]
    names += [f"m{k}" for k in range(11)]
    with path.open("w", newline="") as stream:
        stream.write(",".join(names) + "\n")
        last: list[str] = []
        for start in range(0, rows, 100_000):
            n = min(100_000, rows - start)
            m = rng.normal(size=(n, 11)).round(3)
            good = rng.random(n) < 1 / (1 + np.exp(-m[:, 0] - m[:, 1]))
            pulse = np.where(rng.random(n) < 0.02, -999, rng.integers(45, 120, n))
            columns = [
                np.arange(start, start + n).astype(str),
                (
                    np.datetime64("2020-01-01") + rng.integers(0, 1500, n).astype("timedelta64[D]")
                ).astype(str),
                rng.choice(towns, n),
                rng.choice(answers, n),
                np.char.add(rng.normal(170, 9, n).round(1).astype(str), " cm"),
                np.array([f'"{v:,}"' for v in rng.integers(900, 90_000, n)]),
                pulse.astype(str),
                rng.integers(1, 40, n).astype(str),
                np.where(good, "good", "bad"),
                *m.T.astype(str),
            ]
            lines = [",".join(cells) for cells in zip(*columns, strict=True)]
            if last:
                lines[:5] = last[:5]
            stream.write("\n".join(lines) + "\n")
            last = lines


def measure(command: str, file: Path, out: Path) -> tuple[float, float, int]:
    """Run one command; return seconds, peak GB, and its exit status."""
    arguments = [command, str(file), "--out", str(out)]
    if command != "clean":
        arguments += ["--target", "outcome"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    seconds = time.perf_counter() - start
    lines = done.stderr.strip().splitlines()
    peak = int(lines[-1]) * 1024 / 1e9 if lines and lines[-1].isdigit() else float("nan")
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
    return seconds, peak, done.returncode


def main() -> None:
    """Write the table, run the commands, print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--file", type=Path, default=None, help="a table written before")
    parser.add_argument("--only", choices=COMMANDS, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        file = given.file or Path(folder) / "big.csv"
        if given.file is None:
            write_table(file, given.rows)
        size = file.stat().st_size / 1e9
        print(f"{file.name}, 20 columns, {size:.2f} GB", flush=True)
        for command in COMMANDS if given.only is None else (given.only,):
            seconds, peak, status = measure(command, file, Path(folder) / command)
            bar = min(BARS.get(command, np.inf), 3 * max(size, 1.0))
            result = {
                "command": command,
                "seconds": round(seconds, 1),
                "peak GB": round(peak, 2),
                "times the file": round(peak / size, 2),
                "within the bar": bool(status == 0 and peak <= bar),
            }
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
