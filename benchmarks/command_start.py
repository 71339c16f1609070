"""How much processor time the command takes to start, against ``import numpy``.

``python benchmarks/command_start.py`` runs each line in a new process, and prints the median of
user and system time over the repeats and its ratio to that of ``python -c "import numpy"``, which
is measured in turn with the others, so that a busy machine slows all alike.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

NUMPY = "import numpy"
COMMAND = ("-m", "experiments.command.main")
LINES = {
    NUMPY: ("-c", NUMPY),
    "neurosim --help": (*COMMAND, "--help"),
    "neurosim list": (*COMMAND, "list"),
    "neurosim convert --help": (*COMMAND, "convert", "--help"),
    "neurosim run lif-close-form": (*COMMAND, "run", "lif-close-form"),
    "import neurosim": ("-c", "import neurosim"),
    "import bridge": ("-c", "import bridge"),
    "import ann": ("-c", "import ann"),
}
MOST = 4.0


def processor_seconds(words: tuple[str, ...]) -> float:
    """Run Python with these words; return user and system time of the process."""
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, _, used = os.wait4(process.pid, 0)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    seconds: dict[str, list[float]] = {name: [] for name in LINES}
    for words in LINES.values():
        # Once for the compiled files and the disk's cache.
        processor_seconds(words)
    for _ in range(repeats):
        for name, words in LINES.items():
            seconds[name].append(processor_seconds(words))
    base = statistics.median(seconds[NUMPY])
    for name, found in seconds.items():
        taken = statistics.median(found)
        print(f"{name:30s}{taken:8.3f} s{taken / base:8.2f} x")
    print(f"bar: help and list of the command within {MOST:g} x")


if __name__ == "__main__":
    main()
