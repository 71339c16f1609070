"""Time the main job on this machine: the first run ever, and runs after it.

    python benchmarks/main_job.py [--quick] [--jobs N]

Each run is a process of its own, with an empty cache of compiled models for the first.
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


def main() -> None:
    """Print one line a run: wall time, and how much of it was neither simulation nor training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jobs", type=int, default=0, help="0: as many as cores")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"NEUROSIM_CACHE": str(Path(folder) / "cache")}
        for name in ("cold", "warm", "warm again"):
            out = Path(folder) / name.replace(" ", "-")
            command = [sys.executable, "-m", "experiments.command.main", "compare"]
            command += ["--out", str(out), "--jobs", str(options.jobs)]
            command += ["--quick"] * options.quick
            start = time.perf_counter()
            done = subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL)
            # 1: a claim did not hold; the times are good all the same.
            if done.returncode not in (0, 1):
                raise SystemExit(f"the main job ended with exit status {done.returncode}")
            wall = time.perf_counter() - start
            seconds = json.loads((out / "result.json").read_text())["numbers"]["seconds"]
            rest = wall - seconds["simulation_or_training"]
            print(
                f"{name:<11} {wall:6.1f} s in all, {rest:5.1f} s outside simulation and training"
                f" (fitting units {seconds['fitting']:.1f} s, figures {seconds['drawing']:.1f} s)"
            )


if __name__ == "__main__":
    main()
