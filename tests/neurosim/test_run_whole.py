"""Results of a run are whole or an error; a run ends with the process that asked for it."""

from __future__ import annotations

import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from brian2 import ms, nA, pA, um

import neurosim.engine.cable.execute as of_cables
import neurosim.engine.point.standalone as of_points
from neurosim import LIF, Constant, Neuron, simulate
from neurosim.channels import Leak
from neurosim.engine.programs import results
from neurosim.engine.programs.compiler import find_compiler
from neurosim.engine.programs.results import RunResults
from neurosim.errors import EngineError
from neurosim.morphology import PerBranch, at, ball_and_stick

needs_compiler = pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler was found")
linux = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")


def _fire():
    return simulate(LIF(), 100 * ms, stimulus=Constant(300 * pA), record=["v"])


def _cable():
    cell = Neuron(ball_and_stick(20 * um, 300 * um, 2 * um), PerBranch(3)).paint(Leak())
    probed = cell.probe("v", at("soma", 0.5))
    return simulate(probed, 2 * ms, stimulus=Constant(0.1 * nA))


# ------------------------------------------------------------------------------ full disk


@pytest.mark.slow
@needs_compiler
@linux
@pytest.mark.parametrize("name", ["spikes.i", "spikes.t", "state.v", "trace.v", "written"])
def test_a_disk_that_fills_while_results_are_written_is_an_error(monkeypatch, name):
    """/dev/full answers every write as a full disk does."""
    write = of_points.write_inputs

    def write_and_fill(inputs, place, *args, **options):
        write(inputs, place, *args, **options)
        (place / name).symlink_to("/dev/full")

    monkeypatch.setattr(of_points, "write_inputs", write_and_fill)
    with pytest.raises(EngineError, match=r"No space left on device.*TMPDIR"):
        _fire()


@needs_compiler
@linux
@pytest.mark.parametrize("name", ["0/spikes.0", "0/final.0", "0/traces.0", "written"])
def test_a_disk_that_fills_in_a_run_of_cables_is_an_error(monkeypatch, name):
    write = of_cables._write

    def write_and_fill(model, inputs, folder, *args):
        write(model, inputs, folder, *args)
        (folder.parent / name).symlink_to("/dev/full")

    assert len(_cable().traces_si) == 1
    monkeypatch.setattr(of_cables, "_write", write_and_fill)
    # A file of no spikes has nothing to write, so its disk cannot be too full for it.
    if name == "0/spikes.0":
        with pytest.raises(EngineError, match=r"spikes\.0 has None of 0 bytes"):
            _cable()
        return
    with pytest.raises(EngineError, match=r"No space left on device.*TMPDIR"):
        _cable()


@needs_compiler
@linux
@pytest.mark.parametrize("rows", [1, 10_000])
def test_inputs_that_cannot_be_written_are_an_error_of_ours(monkeypatch, rows):
    write = of_points.write_inputs

    def fill(inputs, place, *args, **options):
        (place / "v").symlink_to("/dev/full")
        write(inputs, place, *args, **options)
        if rows == 1:
            # NumPy does not look whether the last piece arrived; the program does.
            (place / "v").unlink()
            (place / "v").touch()

    monkeypatch.setattr(of_points, "write_inputs", fill)
    said = "'v' is missing or short" if rows == 1 else "cannot be written or read"
    with pytest.raises(EngineError, match=said):
        simulate(LIF(), 1 * ms, batch={"current": np.linspace(0, 1, rows) * pA})


def _written(folder: Path, **files: np.ndarray) -> RunResults:
    lines = b""
    for name, values in files.items():
        content = values.tobytes()
        (folder / name).write_bytes(content)
        lines += f"{name} {len(content)} {zlib.crc32(content)}\n".encode()
    end = f"end {len(files)} {zlib.crc32(lines)}\n".encode()
    (folder / "written").write_bytes(lines + end)
    return RunResults(folder)


def test_no_change_of_any_byte_goes_unnoticed(tmp_path):
    wanted = {"a": np.arange(6.0), "b": np.arange(3, dtype=np.int32), "none": np.zeros(0)}
    found = _written(tmp_path, **wanted)
    for name, values in wanted.items():
        assert found.load(name, values.dtype).tolist() == values.tolist()

    def load_all():
        again = RunResults(tmp_path)
        for other, values in wanted.items():
            again.load(other, values.dtype)

    for name in [*wanted, "written"]:
        path = tmp_path / name
        whole = path.read_bytes()
        damaged = [whole[:k] for k in range(len(whole))] + [whole + b"\0"]
        damaged += [
            whole[:k] + bytes([whole[k] ^ 1 << bit]) + whole[k + 1 :]
            for k in range(len(whole))
            for bit in (0, 5)
        ]
        for content in damaged:
            path.write_bytes(content)
            with pytest.raises(EngineError, match="not whole"):
                load_all()
        path.unlink()
        with pytest.raises(EngineError, match="not whole"):
            load_all()
        path.write_bytes(whole)


@pytest.mark.slow
@needs_compiler
def test_the_programs_checksum_is_that_of_zlib(tmp_path, monkeypatch):
    """A run is read at all only if it is; here its table is read with other eyes."""
    tables = {}
    read = RunResults.__init__

    def look(self, folder):
        tables.update(
            {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        )
        read(self, folder)

    monkeypatch.setattr(RunResults, "__init__", look)
    recording = _fire()
    listed = dict(re.findall(r"^(\S+) \d+ (\d+)$", tables["written"].decode(), re.MULTILINE))
    listed.pop("end")
    told = {"spikes.i", "spikes.t", "state.v", "trace.v", "trace.t", "step"}
    assert set(listed) == told | {"kept.v", "kept.lastspike", "kept.not_refractory"}
    for name, checksum in listed.items():
        assert zlib.crc32(tables[name]) == int(checksum)
    assert len(recording.spike_time_s) == len(tables["spikes.t"]) // 8 == 6


# ------------------------------------------------------------------------ the parent's end

LONG = """
import sys
from brian2 import ms, mV, nA, pA, second, um
from neurosim import LIF, Constant, Neuron, simulate
from neurosim.channels import Leak
from neurosim.morphology import PerBranch, at, ball_and_stick
said = lambda share: print("running", flush=True)
if sys.argv[1] == "cable":
    cell = Neuron(ball_and_stick(20 * um, 300 * um, 2 * um), PerBranch(3)).paint(Leak())
    simulate(cell.probe("v", at("soma", 0.5)), 1e4 * second, stimulus=Constant(0.1 * nA),
             record_dt=1 * second, progress=said)
else:
    simulate(LIF(), 1e5 * second, engine=sys.argv[1], progress=said)
"""


def _started_by(number: int) -> list[int]:
    """Return the processes that a process has started, at any remove, from /proc."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except OSError:
            continue
        parents[int(status.parent.name)] = int(text.rsplit(")", 1)[1].split()[1])
    found = [number]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def _runs(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@linux
def test_small_runs_take_place_in_memory_unless_a_place_was_chosen(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "_MEMORY", tmp_path / "memory")
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "memory").mkdir()
    room = [2**30]
    monkeypatch.setattr(results.shutil, "disk_usage", lambda place: SimpleNamespace(free=room[0]))

    def place(*most_bytes):
        with results.run_folder(*most_bytes) as folder:
            return folder.parent

    assert place(1e6) == tmp_path / "memory"
    assert not list((tmp_path / "memory").iterdir())
    assert place(1e9) == place() == Path("/tmp")
    # As in a container, whose files in memory are few.
    room[0] = 64 * 2**20
    assert place(1e6) == Path("/tmp")
    room[0] = 2**30
    monkeypatch.setenv("TMPDIR", "/tmp")
    assert place(1e6) == Path("/tmp")
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert place(1e6) == tmp_path


@needs_compiler
@linux
@pytest.mark.slow
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("what", ["cpp", "numpy", "cable"])
def test_a_run_ends_with_the_process_that_asked_for_it(what, way, tmp_path):
    if signal.getsignal(way) is signal.SIG_IGN:
        pytest.skip("the tests were started so that this signal ends no process, as by nohup")
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", LONG, what], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout.readline() == "running\n"
        children = _started_by(process.pid)
        assert children
        process.send_signal(way)
    deadline = time.monotonic() + 5
    while any(map(_runs, children)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(_runs, children))
    assert any(name.startswith("neurosim-") for name in os.listdir(tmp_path))
    # The next run of anyone in this folder clears it.
    code = "from brian2 import ms; from neurosim import LIF, simulate; simulate(LIF(), 10 * ms)"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    # Brian2 keeps a log of its own for the process that was killed.
    assert not [name for name in os.listdir(tmp_path) if not name.startswith("brian_debug")]


@needs_compiler
@linux
@pytest.mark.slow
def test_a_compilation_ends_with_the_process_that_asked_for_it(tmp_path):
    environment = os.environ | {"NEUROSIM_CACHE": str(tmp_path)}
    code = "from brian2 import ms; from neurosim import LIF, simulate; simulate(LIF(), 10 * ms)"
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
        deadline = time.monotonic() + 60
        names = []
        models = tmp_path / "models"
        # The compiler is also asked for its version, before there is anything to compile.
        while time.monotonic() < deadline and not (
            any("cc1plus" in name for name in names) and list(models.glob("building-*"))
        ):
            children = _started_by(process.pid)
            names = [_name(child) for child in children]
        process.kill()
    deadline = time.monotonic() + 5
    while any(map(_runs, children)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(_runs, children))
    left = [path.name for path in (tmp_path / "models").glob("building-*") if path.is_dir()]
    assert len(left) == 1
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert not list((tmp_path / "models").glob("building-*"))


def _name(number: int) -> str:
    try:
        return Path(f"/proc/{number}/comm").read_text()
    except OSError:
        return ""


@needs_compiler
@linux
@pytest.mark.slow
def test_runs_and_writers_ended_at_random_moments(monkeypatch, capsys):
    """The first trials of `benchmarks/ended_runs.py --trials 500`."""
    script = Path(__file__).parents[2] / "benchmarks" / "ended_runs.py"
    monkeypatch.setattr(sys, "argv", ["ended_runs", "--trials", "40", "--jobs", "point", "files"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    said = capsys.readouterr().out
    assert "40 trials, 0 faults" in said, said
    assert ended.value.code == 0
