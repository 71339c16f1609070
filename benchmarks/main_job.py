"""Time the main job on this machine: the first run ever, runs after it, and one from the store.

    python benchmarks/main_job.py [--quick] [--runs 3] [--jobs N]

`cold` has no compiled program and no stored result; `warm` has compiled programs and no stored
result (``--no-store``); `stored` finds every result in the store. Each run is a process of its own.
Beside each stand the seconds after which the drawn neuron and its spike were on the page. Wall time
says something only where nothing else runs, so the load of the machine is printed first.

    python benchmarks/main_job.py --parts [--quick]

does the work of the job in one process, one part after the other, and prints the processor time of
each: of Python, and of the programs that it runs. It says where time can be saved on a machine on
which other things run. Programs are compiled first.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# What the page waits for as long as the spike is not on it.
_BEFORE_SPIKE = "one spike of this neuron"


def main() -> None:
    """Print one line a run: wall and processor time, first pictures, and what the page says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=3, help="warm runs")
    parser.add_argument("--jobs", type=int, default=0, help="0: as many as cores")
    parser.add_argument("--parts", action="store_true", help="processor time of each part")
    options = parser.parse_args()
    if options.parts:
        # Once to compile what is run.
        for number in (0, 1):
            _by_parts(options.quick, silent=not number)
        return
    print(f"load of the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    names = ("run", "wall (s)", "processor (s)", "neuron (s)", "spike (s)", "start", "work",
             "drawing", "rest", "from the store")  # fmt: skip
    print("  ".join(f"{name:>{max(len(name), 7)}}" for name in names))
    with tempfile.TemporaryDirectory() as folder:
        kinds = ["cold", *["warm"] * options.runs, "stored"]
        for number, kind in enumerate(kinds):
            out = Path(folder) / f"report-{number}"
            cells = [kind, *_timed(Path(folder) / "cache", out, kind == "warm", options)]
            print("  ".join(f"{cell:>{max(len(name), 7)}}" for cell, name in
                            zip(cells, names, strict=True)), flush=True)  # fmt: skip


def _timed(cache: Path, out: Path, anew: bool, options: argparse.Namespace) -> list[str]:
    """Run the job once; return its line of the table."""
    command = [sys.executable, "-m", "experiments.command.main", "compare"]
    command += ["--out", str(out), "--jobs", str(options.jobs)]
    command += ["--quick"] * options.quick + ["--no-store"] * anew
    environment = os.environ | {"NEUROSIM_CACHE": str(cache)}
    start, before = time.perf_counter(), _children()
    null = subprocess.DEVNULL
    neuron = spike = float("nan")
    with subprocess.Popen(command, env=environment, stdout=null, stderr=null) as process:
        while process.poll() is None:
            time.sleep(0.05)
            if spike == spike:
                continue
            try:
                page = (out / "report.html").read_text(encoding="utf-8")
            except OSError:
                continue
            now = time.perf_counter() - start
            neuron = now if neuron != neuron else neuron
            spike = spike if _BEFORE_SPIKE in page else now
    # 1: a claim did not hold; the times are good all the same.
    if process.returncode not in (0, 1):
        raise SystemExit(f"the main job ended with exit status {process.returncode}")
    wall, processor = time.perf_counter() - start, _children() - before
    numbers = json.loads((out / "result.json").read_text(encoding="utf-8"))["numbers"]
    parts = [numbers["seconds"][name] for name in ("start", "work", "drawing", "rest")]
    told = [f"{value:.1f}" for value in (wall, processor, neuron, spike, *parts)]
    return [*told, str(len(numbers["taken_from_an_earlier_run"]))]


def _by_parts(quick: bool, *, silent: bool) -> None:
    """Run the parts in a process of its own, which prints their times."""
    words = [sys.executable, str(Path(__file__).with_name("main_job_parts.py"))]
    told = subprocess.DEVNULL if silent else None
    subprocess.run([*words, *["--quick"] * quick], check=True, stdout=told)


def _children() -> float:
    """Return the processor time of all processes that have ended under this one, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
