"""Law: a run leaves the caller's Brian2 session as it found it."""

import os
import signal
import subprocess
import sys
import textwrap

import brian2
import numpy as np
import pytest
from brian2 import NeuronGroup, SpikeMonitor, defaultclock, ms, mV, pA, prefs, run, second

from neurosim import LIF, Constant, HodgkinHuxley, simulate
from neurosim.engine.programs.processes import run_all
from neurosim.errors import EngineError

V_th = "a name of the caller that a neuron uses too"


def _session():
    device = brian2.get_device()
    return {
        "device": device,
        "previous": list(sys.modules["brian2.devices.device"].previous_devices),
        "preferences": prefs.as_file,
        "dt": float(defaultclock.dt_),
        "t": float(
            np.asarray(
                defaultclock.t_[:] if hasattr(defaultclock.t_, "__getitem__") else defaultclock.t_
            )
        ),
        "folder": os.getcwd(),
        "environment": dict(os.environ),
    }


def _same(before, after):
    assert before.keys() == after.keys()
    for key, value in before.items():
        assert after[key] == value, key


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["cpp", "numpy"])
def test_runtime_session_is_untouched(engine):
    defaultclock.dt = 0.25 * ms
    try:
        group = NeuronGroup(1, "dv/dt = 1/ms : 1", threshold="v > 5", reset="v = 0", method="euler")
        monitor = SpikeMonitor(group)
        before = _session()
        simulate(LIF(), 50 * ms, stimulus=Constant(300 * pA), engine=engine)
        with pytest.raises(EngineError):
            simulate(
                HodgkinHuxley(), 50 * ms, stimulus=Constant(100 * pA), dt=0.5 * ms, engine=engine
            )
        _same(before, _session())
        # The caller's own magic network still holds the caller's objects and nothing else.
        run(20 * ms)
        assert monitor.num_spikes == 3
        assert float(defaultclock.dt / ms) == pytest.approx(0.25)
    finally:
        defaultclock.dt = 0.1 * ms


@pytest.mark.slow
def test_a_standalone_session_of_the_caller_survives(tmp_path):
    program = f"""
    import brian2 as b
    from brian2 import ms, pA
    from neurosim import LIF, Constant, simulate
    b.set_device("cpp_standalone", directory={str(tmp_path / "mine")!r}, build_on_run=False)
    g = b.NeuronGroup(1, "dv/dt = 1/ms : 1", threshold="v > 5", reset="v = 0", method="euler")
    m = b.SpikeMonitor(g)
    r = simulate(LIF(), 50 * ms, stimulus=Constant(300 * pA))
    assert r.counts()[0] == 3, r.counts()
    assert type(b.get_device()).__name__ == "CPPStandaloneDevice"
    b.run(20 * ms)
    b.device.build(directory={str(tmp_path / "mine")!r}, compile=True, run=True)
    assert m.num_spikes == 3, m.num_spikes
    print("both ran")
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True
    )
    assert "both ran" in said.stdout, said.stderr


@pytest.mark.slow
def test_ctrl_c_ends_the_run_and_leaves_nothing(tmp_path):
    """Interrupt a long run: KeyboardInterrupt arrives, no child and no temporary file stays."""
    program = f"""
    import os, tempfile
    tempfile.tempdir = {str(tmp_path)!r}
    from brian2 import second, pA
    from neurosim import LIF, Constant, simulate
    simulate(LIF(), 0.01*second)  # compiled before the clock starts
    print("ready", flush=True)
    try:
        simulate(LIF(), 1e5*second, progress=lambda share: print("running", flush=True))
    except KeyboardInterrupt:
        left = [n for n in os.listdir({str(tmp_path)!r}) if "neurosim" in n]
        print("interrupted", left, flush=True)
    r = simulate(LIF(), 0.1*second, stimulus=Constant(300*pA))
    print("again", r.counts()[0], flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert process.stdout.readline() == "running\n"
    process.send_signal(signal.SIGINT)
    rest, complaints = process.communicate(timeout=60)
    assert "interrupted []" in rest, complaints
    assert "again 6" in rest
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert str(tmp_path) not in left


def test_a_failing_child_is_reported_with_what_it_said():
    with pytest.raises(EngineError, match=r"the test failed \(exit status 7\): went wrong"):
        run_all(
            [[sys.executable, "-c", "print('went wrong'); raise SystemExit(7)"]],
            at_once=1,
            what="the test",
        )


def test_names_of_the_caller_are_not_captured():
    assert isinstance(V_th, str)
    recording = simulate(LIF(), 0.1 * second, stimulus=Constant(300 * pA))
    assert recording.counts()[0] == 6
    assert recording.neuron.V_th == -55 * mV
