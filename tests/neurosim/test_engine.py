"""Engines and the cache of compiled models."""

import subprocess
import sys
import textwrap
import time
import warnings

import numpy as np
import pytest
from brian2 import ms, pA, second

import neurosim.engine
from neurosim import LIF, Constant, Steps, simulate
from neurosim.engine.point import standalone
from neurosim.engine.programs import cache, processes
from neurosim.engine.programs.compiler import find_compiler
from neurosim.errors import EngineError

needs_compiler = pytest.mark.skipif(find_compiler() is None, reason="no C++ compiler here")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.mark.slow
@needs_compiler
def test_other_values_sizes_durations_and_seeds_compile_nothing(own_cache, monkeypatch):
    simulate(LIF(), 10 * ms, batch={"current": [100, 200] * pA})
    assert cache.cache_state().models == 1

    def refuse(*_):
        raise AssertionError("compiled again")

    monkeypatch.setattr(standalone, "_build", refuse)
    simulate(
        LIF(tau_m=7 * ms),
        33 * ms,
        batch={"current": np.arange(100) * pA},
        seed=np.arange(100),
        dt=0.05 * ms,
        jobs=2,
    )
    with pytest.raises(AssertionError, match="compiled again"):
        simulate(LIF(), 10 * ms, stimulus=Steps(amplitude=3 * pA))


@pytest.mark.slow
@needs_compiler
def test_several_processes_share_one_build(own_cache):
    program = """
    from brian2 import ms, pA
    from neurosim import LIF, Constant, simulate
    print(simulate(LIF(), 100*ms, stimulus=Constant(300*pA)).counts()[0])
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=120)[0].strip() for process in started]
    assert said == ["6", "6", "6"]
    assert cache.cache_state().models == 1
    assert not list(own_cache.glob("building-*"))


@pytest.mark.slow
@needs_compiler
def test_a_killed_build_is_never_taken_for_a_finished_one(own_cache):
    program = "from brian2 import ms\nfrom neurosim import LIF, simulate\nsimulate(LIF(), 10*ms)\n"
    process = subprocess.Popen([sys.executable, "-c", program])
    deadline = time.time() + 60
    while not list(own_cache.glob("building-*")) and time.time() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert cache.cache_state().models == 0
    recording = simulate(LIF(), 100 * ms, stimulus=Constant(300 * pA))
    assert recording.counts()[0] == 6
    assert cache.cache_state().models == 1


def test_two_models_built_side_by_side_share_what_is_around_them(own_cache, monkeypatch):
    """The part of a branched neuron's program that no model changes takes longest to compile."""
    from concurrent.futures import ThreadPoolExecutor

    from neurosim.engine.cable import execute
    from neurosim.engine.programs import shared_runtime
    from neurosim.engine.programs.compiler import Compiler

    done = []

    def run_all(commands, *, what, folder):
        done.append(what)
        if "shares" in what:
            time.sleep(0.3)
        for command in commands:
            made = command[command.index("-o") + 1] if "-o" in command else "kernels.cpp"
            (folder / made).write_text("")

    monkeypatch.setattr(execute, "run_all", run_all)
    monkeypatch.setattr(shared_runtime, "run_all", run_all)
    compiler = Compiler("c++", "a compiler", ())
    with ThreadPoolExecutor(2) as pool:
        built = [
            pool.submit(execute.fetch, key, lambda empty: execute._build([], compiler, empty))
            for key in ("a" * 24, "b" * 24)
        ]
        folders = [one.result() for one in built]
    assert done.count("compiling what every model shares") == 1
    assert done.count("compiling the model") == 2
    for folder in folders:
        assert {"main", "kernels.cpp", "manifest.json"} <= {file.name for file in folder.iterdir()}
        assert not list(folder.glob("*.o"))


def test_the_cache_is_bounded_and_can_be_cleared(own_cache, monkeypatch):
    def build(folder):
        (folder / "data").write_bytes(b"x" * 1000)
        (folder / "manifest.json").write_text("{}")

    monkeypatch.setattr(cache, "MOST_BYTES", 2500)
    for key in ("a", "b", "c"):
        cache.fetch(key, build)
        time.sleep(0.02)
    kept = {path.parent.name for path in own_cache.glob("*/manifest.json")}
    assert kept == {"b", "c"}
    assert cache.clear_cache() == 2
    assert cache.cache_state().models == 0


def test_a_failed_build_leaves_nothing(own_cache):
    def build(folder):
        (folder / "half").write_text("x")
        raise EngineError("no luck")

    with pytest.raises(EngineError, match="no luck"):
        cache.fetch("a", build)
    assert [path.name for path in own_cache.iterdir() if path.is_dir()] == []


def _build_one(folder):
    (folder / "manifest.json").write_text("{}")


def test_a_cache_that_cannot_be_written_is_named_and_stood_in_for(tmp_path, monkeypatch):
    """A user with a read-only home still runs; the folder is gone with the process."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "file"))
    with pytest.warns(cache.CacheNotice, match="until NEUROSIM_CACHE names a folder"):
        first = cache.fetch("a", _build_one)
    assert (first / "manifest.json").is_file()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is said once
        assert cache.fetch("a", lambda folder: 1 / 0) == first
        assert cache.fetch("b", _build_one) != first
    assert cache.cached("a") == first


def test_a_cache_without_any_place_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "file" / "other"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with (
        pytest.warns(cache.CacheNotice),
        pytest.raises(EngineError, match="set NEUROSIM_CACHE to a folder"),
    ):
        cache.fetch("a", _build_one)


@pytest.mark.slow
def test_without_a_compiler_numpy_runs_and_it_is_said_once(monkeypatch):
    monkeypatch.setenv("CXX", "")
    monkeypatch.setattr(neurosim.engine.point.execute, "_told", False)
    assert find_compiler() is None
    with pytest.warns(neurosim.engine.point.execute.EngineNotice, match="install one"):
        recording = simulate(LIF(), 0.1 * second, stimulus=Constant(300 * pA))
    assert recording.engine == "numpy"
    assert recording.counts()[0] == 6
    with warnings.catch_warnings():
        warnings.simplefilter("error", neurosim.engine.point.execute.EngineNotice)
        simulate(LIF(), 10 * ms)
    with pytest.raises(EngineError, match="needs a C\\+\\+ compiler"):
        simulate(LIF(), 10 * ms, engine="cpp")


@pytest.mark.slow
@needs_compiler
def test_progress_is_reported_by_both_engines():
    for engine in ("cpp", "numpy"):
        seen = []
        simulate(LIF(), 20 * second, engine=engine, dt=1 * ms, progress=seen.append)
        assert seen
        assert seen == sorted(seen)
        assert seen[-1] == pytest.approx(1.0)


def test_commands_run_side_by_side():
    start = time.perf_counter()
    sleep = [sys.executable, "-c", "import time; time.sleep(1)"]
    processes.run_all([sleep, sleep], at_once=2, what="sleeping")
    assert time.perf_counter() - start < 1.9
