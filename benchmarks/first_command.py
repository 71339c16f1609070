"""How much processor time the first command of a new user takes: `neurosim unit LIF`.

``python benchmarks/first_command.py`` runs the command in new processes: cold, with an empty cache,
so that the model is compiled, and warm, with that cache. It prints user and system time of the
command and all of its children, the median over the repeats.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

BARS = {"cold": 12.0, "warm": 6.0}


def processor_seconds(words: list[str], cache: str) -> float:
    """Run the command; return user and system time of it and of its children (s)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.command.main", *words],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"NEUROSIM_CACHE": cache, "OMP_NUM_THREADS": "1"},
    )
    # Children that the command waited for are counted with it.
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"neurosim {' '.join(words)} ended with status {status}")
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("words", nargs="*", default=["LIF"], help="what follows `neurosim unit`")
    wanted = parser.parse_args()
    words = ["unit", *wanted.words]
    seconds: dict[str, list[float]] = {"cold": [], "warm": []}
    for _ in range(wanted.repeats):
        with tempfile.TemporaryDirectory() as cache:
            for taken in seconds.values():
                taken.append(processor_seconds(words, cache))
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        print(f"neurosim {' '.join(words)}, {name}: {middle:6.2f} s (bar {BARS[name]:g} s)")


if __name__ == "__main__":
    main()
