"""How much memory and time a big table takes: profiled, cleaned, judged and trained on.

Writes a messy table of 10 million rows and 20 columns (1.2 GB or so), runs each command in a
process of its own, and prints its peak memory, its time and the share of the file's size:

    python benchmarks/data_size.py [--rows 10000000] [--folder DIR] [--file FILE] [--only profile]

The commands are those of the folder it is started in, so that two versions can be compared on one
``--file``. On a busy machine compare processor seconds.

The bars: profile within 4 GB; nothing above three times the file's size.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BARS = {"profile": 4.0}
COMMANDS = ("profile", "clean", "verdict", "train")
_CHILD = """
import resource as r, sys
from experiments.command.data import app
try:
    app(sys.argv[1:], standalone_mode=False)
finally:
    # The command's own peak, and that of the largest process it may have started.
    used = [r.getrusage(w) for w in (r.RUSAGE_SELF, r.RUSAGE_CHILDREN)]
    busy = sum(u.ru_utime + u.ru_stime for u in used)
    print(sum(u.ru_maxrss for u in used), round(busy, 1), file=sys.stderr)
"""


def write_table(path: Path, rows: int, seed: int = 0) -> None:
    """Write a messy table: 20 columns with units, thousands, sentinels, variants and copies."""
    rng = np.random.default_rng(seed)
    towns = _words("Oslo", "oslo", "Paris ", "Paris", "PARIS", "Lyon", "?", "Bergen")
    answers = _words("yes", "No", "Y", "no", "", "n")
    days = _words(*(str(np.datetime64("2020-01-01") + k) for k in range(1500)))
    heights = _words(*(f"{v / 10:.1f} cm" for v in range(1000, 2400)))
    incomes = _words(*(f'"{v:,}"' for v in range(90_000)))
    pulses = _words(*(str(v) for v in range(120)), "-999")
    measured = _words(*(f"{v / 1000:.3f}" for v in range(-6000, 6001)))
    names = ["id", "when", "town", "answer", "height", "income", "pulse", "zone", "outcome"]
    names += [f"m{k}" for k in range(11)]
    with path.open("w", newline="") as stream:
        stream.write(",".join(names) + "\n")
        last: list[str] = []
        for start in range(0, rows, 100_000):
            n = min(100_000, rows - start)
            m = np.clip((1000 * rng.normal(size=(11, n))).round(), -6000, 6000).astype(int)
            good = rng.random(n) < 1 / (1 + np.exp(-(m[0] + m[1]) / 1000))
            tall = np.clip(rng.normal(700, 90, n).round(), 0, 1399).astype(int)
            columns = [
                map(str, range(start, start + n)),
                days[rng.integers(0, 1500, n)],
                rng.choice(towns, n),
                rng.choice(answers, n),
                heights[tall],
                incomes[rng.integers(900, 90_000, n)],
                pulses[np.where(rng.random(n) < 0.02, 120, rng.integers(45, 120, n))],
                pulses[rng.integers(1, 40, n)],
                np.where(good, "good", "bad").astype(object),
                *measured[m + 6000],
            ]
            lines = [",".join(cells) for cells in zip(*columns, strict=True)]
            if last:
                lines[:5] = last[:5]
            stream.write("\n".join(lines) + "\n")
            last = lines


def _words(*texts: str) -> np.ndarray:
    return np.array(texts, dtype=object)


def measure(command: str, file: Path, out: Path) -> tuple[float, float, float, int]:
    """Run one command; return seconds, processor seconds, peak GB, and its exit status."""
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
    told = re.search(r"(\d+) ([\d.]+)\s*\Z", done.stderr)
    peak, busy = (int(told[1]) * 1024 / 1e9, float(told[2])) if told else (np.nan, np.nan)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
    return seconds, busy, peak, done.returncode


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
            seconds, busy, peak, status = measure(command, file, Path(folder) / command)
            bar = min(BARS.get(command, np.inf), 3 * max(size, 1.0))
            result = {
                "command": command,
                "seconds": round(seconds, 1),
                "processor seconds": busy,
                "peak GB": round(peak, 2),
                "times the file": round(peak / size, 2),
                "within the bar": bool(status == 0 and peak <= bar),
            }
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
