"""End runs and writers at random moments, and look for anything wrong, lost or left behind.

Each trial forks a process that works (a run of point neurons, of branched neurons, of a circuit,
of the NumPy engine, a compilation, or files that are written again and again) and ends it:

- kill -9, SIGTERM or SIGHUP to the process,
- kill -9 to one of its children,
- a disk that is full: a small disk of its own where this may be mounted (Linux, as root), else a
  limit on the size of files.

After it: every answer that was given must be the right one; every error must be one of ours; no
process may be left after three seconds; no file may be half old and half new; and after one more
run in the same folder no leftover may be there.

    python benchmarks/ended_runs.py --trials 500 --seed 0
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from brian2 import ms, mV, nA, nS, pA, um

from ann import save
from ann.errors import AnnError
from ann.files.storage import load
from ann.network.network import Network
from experiments.kit.outputs import write_folder
from neurosim import LIF, Circuit, Constant, Neuron, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.errors import NeurosimError
from neurosim.morphology import PerBranch, at, ball_and_stick
from neurosim.synapses import AMPA

WAYS = ("kill", "term", "hup", "kill-child", "full-disk")
LEFT = ("neurosim-", ".writing-", "building-")


def _digest(*arrays: np.ndarray) -> str:
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:16]


def point(place: Path, engine: str = "cpp") -> str:
    current = np.linspace(150, 300, 2000 if engine == "cpp" else 20) * pA
    found = simulate(
        LIF(), 200 * ms, batch={"current": current}, record=["v"], record_rows=range(20),
        record_dt=1 * ms, engine=engine, jobs=2,
    )  # fmt: skip
    return _digest(found.spike_row, found.spike_time_s, found.traces_si["v"])


def numpy_engine(place: Path) -> str:
    return point(place, "numpy")


def compilation(place: Path) -> str:
    os.environ["NEUROSIM_CACHE"] = str(place / "cache")
    shutil.rmtree(place / "cache" / "models", ignore_errors=True)
    found = simulate(LIF(), 200 * ms, stimulus=Constant(300 * pA))
    return _digest(found.spike_row, found.spike_time_s)


def _cell() -> Neuron:
    shape = ball_and_stick(20 * um, 300 * um, 2 * um)
    bare = Neuron(shape, PerBranch(5), celsius=6.3, rest=-65 * mV)
    return bare.paint([HHSodium(), HHPotassium(), Leak()]).probe("v", at("soma", 0.5))


def cable(place: Path) -> str:
    current = {"current": np.linspace(0.1, 0.5, 64) * nA}
    found = simulate(_cell(), 60 * ms, stimulus=Constant(), batch=current, jobs=2)
    return _digest(found.spike_time_s, *found.traces_si.values())


def circuit(place: Path) -> str:
    taker = _cell().place(AMPA(g=4 * nS), at("dendrite", 0.5), label="ampa")
    joined = (
        Circuit()
        .add("drivers", _cell(), 4, stimulus=Constant(0.4 * nA))
        .add("takers", taker, 4)
        .connect("drivers", "takers", onto="ampa", pairs=[(k, k) for k in range(4)], delay=1 * ms)
    )
    found = simulate(joined, 60 * ms)
    takers = found["takers"]
    return _digest(takers.spike_time_s, *takers.traces_si.values())


def files(place: Path) -> str:
    """Write a model and a folder of files again and again; what is there is read back."""
    network = Network([300, 300, 10], rng=0)

    def fill(folder: Path) -> None:
        (folder / "a.txt").write_text("a" * 500_000)

    save(network, place / "model.safetensors")
    write_folder(place / "results", fill)
    back = load(place / "model.safetensors")
    return _digest(back.parameters, np.frombuffer((place / "results/a.txt").read_bytes(), "u1"))


JOBS: dict[str, tuple[Callable[[Path], str], float]] = {
    # What is done, and within how many seconds it is ended.
    "point": (point, 0.4),
    "numpy": (numpy_engine, 3.0),
    "cable": (cable, 0.4),
    "circuit": (circuit, 0.4),
    "files": (files, 0.15),
    "compilation": (compilation, 6.0),
}


def _worker(job: str, place: Path, told: int, trial: str, *, repeat: bool) -> None:
    """Work, and tell each answer or error; never returns."""
    try:
        tempfile.tempdir = str(place)
        os.environ |= {"TMPDIR": str(place), "NEUROSIM_TRIAL": trial}
        while True:
            try:
                said = f"answer {JOBS[job][0](place)}"
            except (NeurosimError, AnnError) as error:
                said = f"ours {type(error).__name__}"
            except BaseException as error:
                traceback.print_exc()
                said = f"foreign {type(error).__name__}"
            os.write(told, f"{said}\n".encode())
            if not repeat:
                os._exit(0)
    finally:
        os._exit(9)


def _fork(job: str, place: Path, trial: str, *, repeat: bool, limit: int | None = None) -> Any:
    """Start a worker; return its number and the stream of what it tells."""
    hears, tells = os.pipe()
    number = os.fork()
    if number == 0:
        os.close(hears)
        if limit is not None:
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        _worker(job, place, tells, trial, repeat=repeat)
    os.close(tells)
    return number, os.fdopen(hears)


def _of_trial(trial: str) -> list[int]:
    """Return the processes that were started, at any remove, by the worker of a trial."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if (
                    f"NEUROSIM_TRIAL={trial}\0".encode()
                    in Path(f"/proc/{name}/environ").read_bytes()
                ):
                    found.append(int(name))
            except OSError:
                continue
    return found


class Disk:
    """A folder on a small disk of its own where one can be mounted."""

    def __init__(self, place: Path, size: int) -> None:
        self.place, self.limit = place, None
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        self.mounted = (
            os.getuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
        )
        if not self.mounted:
            self.limit = size

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.place)], check=True)


def _trial(job: str, way: str, chance: random.Random, right: str, trial: str) -> list[str]:
    """Run one trial; return what was wrong."""
    wrong: list[str] = []
    place = Path(tempfile.mkdtemp(prefix="trial-"))
    disk = None
    try:
        if way == "full-disk":
            disk = Disk(place, int(np.exp(chance.uniform(np.log(8e3), np.log(4e6)))) // 4096 * 4096)
        repeat = disk is None
        number, said = _fork(job, place, trial, repeat=repeat, limit=disk and disk.limit)
        if disk is None:
            _end(way, number, JOBS[job][1], chance, trial)
        with said:
            for line in said:
                if line.split()[0] == "foreign" or (
                    line.split()[0] == "answer" and line.split()[1] != right
                ):
                    wrong.append(f"told {line.strip()} for {right}")
        os.waitpid(number, 0)
        deadline = time.monotonic() + 3
        while (orphans := _of_trial(trial)) and time.monotonic() < deadline:
            time.sleep(0.05)
        if orphans:
            wrong.append(f"{len(orphans)} processes left")
            for orphan in orphans:
                os.kill(orphan, signal.SIGKILL)
        if disk is None:
            wrong += _after(job, place, right, trial)
        left = [path.name for path in place.rglob("*") if path.name.startswith(LEFT)]
        if left:
            wrong.append(f"left behind: {', '.join(left)}")
    finally:
        if disk is not None:
            disk.close()
        shutil.rmtree(place, ignore_errors=True)
    return wrong


def _end(way: str, number: int, within: float, chance: random.Random, trial: str) -> None:
    time.sleep(chance.uniform(0, within))
    if way == "kill-child":
        deadline = time.monotonic() + 2 * within
        while not (children := _of_trial(trial)) and time.monotonic() < deadline:
            time.sleep(0.002)
        for child in children[:1] and [chance.choice(children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        time.sleep(chance.uniform(0, within))
    ends = {"term": signal.SIGTERM, "hup": signal.SIGHUP}
    os.kill(number, ends.get(way, signal.SIGKILL))


def _after(job: str, place: Path, right: str, trial: str) -> list[str]:
    """Work once more where a process was ended."""
    whole = place / "model.safetensors"
    if whole.exists():
        load(whole)
    number, said = _fork(job, place, trial, repeat=False)
    with said:
        told = said.read().strip()
    os.waitpid(number, 0)
    return [] if told == f"answer {right}" else [f"afterwards told {told}"]


def main() -> int:
    """Run the trials and print a table; the exit status says whether anything was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    chosen = parser.parse_args()
    # Under nohup it is ignored, by the workers too, which would then never end.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    chance = random.Random(chosen.seed)
    right: dict[str, str] = {}
    for job in chosen.jobs:
        with tempfile.TemporaryDirectory() as place:
            number, said = _fork(job, Path(place), "reference", repeat=False)
            with said:
                right[job] = said.read().split()[1]
            os.waitpid(number, 0)
    done: collections.Counter[tuple[str, str]] = collections.Counter()
    faults: list[str] = []
    for k in range(chosen.trials):
        job, way = chosen.jobs[k % len(chosen.jobs)], WAYS[k // len(chosen.jobs) % len(WAYS)]
        done[job, way] += 1
        if k and k % 50 == 0:
            print(f"{k} trials, {len(faults)} faults so far", flush=True)
        for wrong in _trial(job, way, chance, right[job], f"{os.getpid()}.{k}"):
            faults.append(f"trial {k}: {job}, {way}: {wrong}")
            print(faults[-1], flush=True)
    print(f"{'':12}" + "".join(f"{way:>12}" for way in WAYS))
    for job in chosen.jobs:
        print(f"{job:12}" + "".join(f"{done[job, way]:12}" for way in WAYS))
    print(f"{chosen.trials} trials, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
