"""MOD files that come in: each class says what the file says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brian2 import cm, mA, ms, mV, nA, siemens, um
from brian2.units.stdunits import mM

from neurosim import Neuron, simulate
from neurosim.channels import Channel, IonPool, Leak
from neurosim.ions import Potassium, Sodium
from neurosim.mod import from_mod, read_part, write_python
from neurosim.morphology import PerBranch, cylinder, every, everywhere
from neurosim.stimuli import Constant
from neurosim.synapses import Events
from tests.neurosim.mod_texts import TEXTS

# Two exponentials, and a current that the potential blocks.
TWO_EXPONENTIALS = """
NEURON { POINT_PROCESS two NONSPECIFIC_CURRENT i RANGE rise, fall, e }
PARAMETER { rise = 0.5 (ms) fall = 4 (ms) e = 0 (mV) }
ASSIGNED { v (mV) i (nA) factor }
STATE { A (uS) B (uS) }
INITIAL { LOCAL t_peak  A = 0  B = 0
    t_peak = rise*fall/(fall - rise)*log(fall/rise)
    factor = 1/(exp(-t_peak/fall) - exp(-t_peak/rise)) }
BREAKPOINT { SOLVE state METHOD cnexp  i = (B - A)*(v - e)/(1 + exp(-(v + 30)/20)) }
DERIVATIVE state { A' = -A/rise  B' = -B/fall }
NET_RECEIVE (weight (uS)) { A = A + weight*factor  B = B + weight*factor }
"""

FOLDERS = os.environ.get("NEUROSIM_MOD_FOLDERS", "")


@pytest.fixture
def mod(tmp_path):
    """Return a function that makes the class of a text."""

    def made(text: str):
        path = tmp_path / "own.mod"
        path.write_text(TEXTS.get(text, text))
        return from_mod(path)

    return made


def cell(*parts, celsius=23.0, rest=-65.0):
    neuron = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=celsius, rest=rest * mV)
    for part in parts:
        neuron = neuron.paint(part)
    return neuron


def test_a_channel_has_the_parameters_of_its_file(mod):
    made = mod("trapped")
    assert issubclass(made, Channel)
    part = made(gbar=0.003 * siemens / cm**2)
    assert made.quantity_fields()["gbar"].metadata["doc"] == "how dense it is"
    assert (part.ion, part.followed) == ("k", {"E": "E_k"})
    with pytest.raises(ValueError, match="at most"):
        made(gbar=11 * siemens / cm**2)
    n = part.gates([-40, -20] * mV, 33)["n"]
    # By hand: alpha = 0.03*9 at -40 mV, where the quotient of the file is 0/0.
    a, b = 0.03 * 9, 0.4 * np.exp(-5 / 60)
    assert float(n.steady[0]) == pytest.approx(a / (a + b), rel=1e-12)
    assert float(n.tau[0] / ms) == pytest.approx(1 / (a + b) / 2.3, rel=1e-12)
    x = -20 / 9
    a, b = 0.03 * 9 * x / (np.exp(x) - 1), 0.4 * np.exp(-25 / 60)
    assert float(n.steady[1]) == pytest.approx(a / (a + b), rel=1e-12)


def test_parameters_keep_the_six_digits_that_neuron_keeps(mod):
    made = mod("digits")
    fields = made.quantity_fields()
    assert float(made().base) == 1.0
    assert float(made().tau / ms) == pytest.approx(1.20877, rel=1e-12)
    assert made.starts == {"m": "0.123457"}
    assert "1.208768267 in the file" in fields["tau"].metadata["doc"]
    assert "in the file" not in fields["few"].metadata["doc"]
    # Numbers in formulas and in CONSTANT stay.
    assert {"3.456789012", "2.345678901"} <= set(re.findall(r"[\d.]+", made.equations))


def test_the_step_of_a_procedure_becomes_its_differential_equation(mod):
    made = mod("stepped")
    gates = made().gates([-70, -38, 0] * mV)
    assert np.asarray(gates["m"].tau / ms).round(12).tolist() == [0.6] * 3
    v = np.array([-70, -38, 0])
    assert gates["m"].steady == pytest.approx(1 / (1 + np.exp(-(v + 38) / 6)), rel=1e-12)
    assert np.asarray(gates["h"].tau / ms) == pytest.approx(4 + 8 / (1 + np.exp((v + 45) / 5)))
    assert made.starts == {"m": "0", "h": "1"}


def test_a_scheme_starts_at_its_occupancies_and_keeps_their_sum(mod):
    made = mod("scheme")
    assert made.starts == {}
    neuron = cell(made(name="k"))
    run = simulate(
        neuron,
        5 * ms,
        stimulus=Constant(0.3 * nA),
        record=["k.c", "k.o", "k.mod_i"],
        engine="numpy",
    )
    total = sum(run.trace(f"k.{state}") for state in ("c", "o", "mod_i"))
    assert np.max(np.abs(np.asarray(total) - 1)) < 1e-12
    assert np.ptp(np.asarray(run.trace("k.o"))) > 0.05


def test_a_pool_starts_where_initial_says_and_moves_the_reversal_beside_it(mod):
    pool, calcium = mod("pooled"), mod("ghk")
    assert issubclass(pool, IonPool)
    assert (pool.writes, pool.starts) == ("ca_i", {"ca_i": "((rest/mM))*mM"})
    reading = "NEURON { SUFFIX plain USEION ca READ eca WRITE ica } PARAMETER { g0 = 1e-4 (S/cm2) }"
    reading += " ASSIGNED { v eca ica } BREAKPOINT { ica = g0*(v - eca) }"
    plain = mod(reading)
    neuron = cell(pool(outside=1.5 * mM), calcium(name="l"), plain(name="p"), celsius=30.0)
    traced = ["ca_i", "E_ca", "p.current"]
    run = simulate(neuron, 2 * ms, settle=0 * ms, record=traced, engine="numpy")
    inside = np.asarray(run.trace("ca_i") / mM)
    E = np.asarray(run.trace("E_ca") / mV)
    assert np.ptp(inside) > 1e-4
    assert pytest.approx(13.0617 * np.log(1.5 / inside), rel=2e-5) == E
    density = np.asarray(run.trace("p.current") / (mA / cm**2))
    assert density[0, 0] == pytest.approx(1e-4 * (E[0, 0] + 65), rel=0.02)


def test_a_start_that_initial_leaves_to_the_ion_is_a_field(mod):
    head = "NEURON { SUFFIX p USEION ca READ cai, ica WRITE cai } ASSIGNED { ica cai }"
    body = " BREAKPOINT { SOLVE s METHOD cnexp } DERIVATIVE s { ca' = -ica - ca/20 cai = ca }"
    left = mod(f"{head} STATE {{ ca }} INITIAL {{ ca = 2*cai }}{body}")
    assert left.quantity_fields()["start"].metadata["unit"] == 5e-5 * mM
    run = simulate(cell(left(start=3e-4 * mM)), 0.1 * ms, settle=0 * ms, dt=1e-3 * ms,
                   record=["ca_i"], engine="numpy")  # fmt: skip
    assert float(run.trace("ca_i")[0, 0] / mM) == pytest.approx(6e-4, rel=1e-3)


def test_a_pump_carries_each_ion_with_its_own_current(mod):
    made = mod("pumping")
    assert set(made.carries) == {"na", "k", ""}
    assert "fading" not in made.quantity_fields()
    pump = made(name="pump", k_o=4 * mM, reversal="fixed")
    neuron = cell(Sodium(15 * mM, 140 * mM, held=True), pump)
    traced = ["pump.i_na", "pump.i_k", "pump.current"]
    run = simulate(neuron, 1 * ms, settle=0 * ms, record=traced, engine="numpy")
    na, k, total = (float(run.trace(name)[0, 0] / (mA / cm**2)) for name in traced)
    rate = 0.01 * (15 / 35) ** 3 * (4 / 6)
    assert (na, k) == pytest.approx((-3 * rate, 2 * rate), rel=1e-12)
    assert total == pytest.approx(na + k + 0.00002 * 5, rel=1e-3)


def test_what_a_pump_carries_moves_the_ions(mod):
    pump = mod("pumping")(name="pump")
    ions = (Sodium(15 * mM, 140 * mM), Potassium(140 * mM, 4 * mM))
    run = simulate(
        cell(*ions, pump), 20 * ms, settle=0 * ms, record=["na_i", "k_i"], engine="numpy"
    )
    moved = {ion: float(np.diff(run.trace(f"{ion}_i")[0, [0, -1]] / mM)[0]) for ion in ("na", "k")}
    assert moved["na"] / moved["k"] == pytest.approx(-1.5, rel=1e-9)
    assert moved["na"] < 0


@pytest.mark.parametrize("engine", ["numpy", pytest.param("auto", marks=pytest.mark.slow)])
def test_a_state_that_is_not_linear_follows_its_slope(mod, engine):
    """x' = x (1 - x) is the logistic curve; the step is of second order."""
    text = "NEURON { SUFFIX grow NONSPECIFIC_CURRENT i } ASSIGNED { v i } STATE { x }"
    text += " INITIAL { x = 0.1 } BREAKPOINT { SOLVE s METHOD derivimplicit i = 1e-9*x }"
    text += " DERIVATIVE s { x' = x*(1 - x) }"
    made = mod(text)
    assert made.nonlinear == ("x",)
    errors = []
    for dt in (0.1, 0.05):
        run = simulate(
            cell(made(name="g")), 4 * ms, settle=0 * ms, dt=dt * ms, record=["g.x"], engine=engine
        )
        exact = 1 / (1 + 9 * np.exp(-4.0))
        errors.append(float(run.trace("g.x")[0, -1]) - exact)
    assert abs(errors[1]) < 1e-4
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


@pytest.mark.slow
def test_both_engines_agree_on_every_construct(mod):
    for text in ("bent", "pumping", "scheme", "trapped"):
        part = mod(text)(name="part")
        held = Sodium(15 * mM, 140 * mM, held=True)
        parts = (held, part) if text == "pumping" else (part,)
        runs = [
            simulate(
                cell(*parts),
                5 * ms,
                stimulus=Constant(0.1 * nA),
                settle=0 * ms,
                record=["v"],
                engine=engine,
            )
            for engine in ("numpy", "auto")
        ]
        first, second = (np.asarray(run.trace("v")) for run in runs)
        assert np.max(np.abs(first - second)) < 1e-9, text


def test_a_start_may_depend_on_the_potential(mod):
    made = mod("bent")
    assert set(made.starts) == set(made.nonlinear) == {"exp_x"}
    assert "lambda" not in made.quantity_fields()
    assert "mod_lambda" in made.quantity_fields()
    run = simulate(
        cell(made(name="b"), rest=-50.0), 0.1 * ms, settle=0 * ms, dt=1e-4 * ms,
        record=["b.exp_x"], engine="numpy",
    )  # fmt: skip
    assert float(run.trace("b.exp_x")[0, 0]) == pytest.approx(0.125, rel=1e-4)


def test_a_receptor_takes_the_weight_of_its_events(mod):
    receptor = mod(TWO_EXPONENTIALS)()
    peak = 0.5 * 4 / 3.5 * np.log(8)
    factor = 1 / (np.exp(-peak / 4) - np.exp(-peak / 0.5))
    assert receptor.jump("A", 0.002) == pytest.approx(0.002 * factor, rel=1e-12)
    assert receptor.current.endswith("*nA")


def test_linear_equations_start_states_at_rest_or_elsewhere(mod):
    # At rest the engine itself finds where the states are.
    assert not mod("solved").starts
    made = mod("elsewhere")
    channel = made(name="x", E=-80 * mV)
    run = simulate(
        cell(channel, rest=-50.0), 0.01 * ms, settle=0 * ms, dt=1e-5 * ms,
        record=["x.C", "x.O"], engine="numpy",
    )  # fmt: skip
    ratio = 0.2 * np.exp(-50 / 30) / (2 * 0.5 * np.exp(50 / 40))
    start = float(run.trace("x.C")[0, 0]), float(run.trace("x.O")[0, 0])
    assert start == pytest.approx((0.9 / (1 + 3 * ratio), 0.9 * ratio / (1 + 3 * ratio)), rel=1e-4)


def test_what_only_the_author_of_a_file_looks_at_is_left_out_and_said(mod):
    made = mod("followed")
    assert "highest of the file is left out" in " ".join(made.__doc__.split())
    assert "power is 3, as in the file: it says how often a loop runs" in made.__doc__
    assert "power" not in made.quantity_fields()
    assert not {"highest", "total"} & set(made.equations.split())


def test_a_receptor_says_what_part_of_its_current_an_ion_carries(mod):
    made = mod("calcium_receptor")
    assert (made.ion, made.reads) == ("ca", ("ca_i", "ca_o"))
    assert made.ion_current in made.current
    assert made.current.count("nA") == 2


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="NEURON's wheel has no compiler there")
def test_a_receptor_is_as_near_to_neuron_as_a_step_of_0(mod, tmp_path):
    pytest.importorskip("neuron", reason="pip install 'neurosim-bridge[neuron]' runs NEURON here")
    receptor = mod(TWO_EXPONENTIALS)()
    source = tmp_path / "source"
    source.mkdir()
    (source / "two.mod").write_text(TWO_EXPONENTIALS)
    compiler = Path(sys.executable).parent / "nrnivmodl"
    subprocess.run([compiler, str(source)], cwd=tmp_path, check=True, capture_output=True)
    from neuron import h

    h.nrn_load_dll(str(next(tmp_path.glob("*/libnrnmech.so"))))
    times, weight = [5.0, 11.0, 12.5], 0.003

    def theirs(dt):
        soma = h.Section(name="soma")
        soma.L = soma.diam = 20
        soma.insert("pas")
        soma.g_pas, soma.e_pas = 3e-4, -64
        synapse = h.two(soma(0.5))
        line = h.NetCon(None, synapse)
        line.weight[0] = weight
        v = h.Vector()
        v.record(soma(0.5)._ref_v, 0.5)
        h.dt = dt
        h.finitialize(-71)
        for time in times:
            line.event(time)
        for _ in range(round(30 / dt)):
            h.fadvance()
        return np.array(v)[1:60]

    def ours(dt):
        events = Events(np.array(times) * 1e-3, np.full(3, weight))
        neuron = cell(Leak(g=3e-4 * siemens / cm**2, E=-64 * mV), rest=-71.0)
        run = simulate(
            neuron.place(receptor, every(everywhere), events, label="two"),
            30.5 * ms, dt=dt * ms, settle=0 * ms, record=["v"], record_dt=0.5 * ms,
            scheme="backward-euler", engine="numpy",
        )  # fmt: skip
        return np.asarray(run.trace("v") / mV).ravel()[:59]

    # Both are of first order; extrapolated to a step of 0 they are the same.
    best, mine = (
        sum(c * run(dt) for c, dt in ((1 / 3, 0.025), (-2, 0.0125), (8 / 3, 0.00625)))
        for run in (theirs, ours)
    )
    assert np.ptp(best) > 10
    assert np.max(np.abs(best - mine)) / np.max(np.abs(best)) < 1e-7


@pytest.mark.parametrize("name", TEXTS)
def test_the_python_file_defines_the_same_class(name, tmp_path):
    path = tmp_path / "own.mod"
    path.write_text(TEXTS[name])
    part = read_part(path)
    space: dict = {}
    exec(compile(write_python(part), "part.py", "exec"), space)
    written, made = space[part.title], from_mod(path)
    assert written.equations.split() == made.equations.split()
    assert written.describe() == made.describe()
    for attribute in ("starts", "nonlinear", "reads", "temperature_ref"):
        assert getattr(written, attribute) == getattr(made, attribute)
    assert "neuron" not in write_python(part).lower().replace("neurosim", "").split("import")[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="NEURON's wheel has no compiler there")
def test_every_construct_is_as_near_to_neuron_as_a_step_of_0(tmp_path):
    pytest.importorskip("neuron", reason="pip install 'neurosim-bridge[neuron]' runs NEURON here")
    for name, text in TEXTS.items():
        (tmp_path / f"{name}.mod").write_text(text)
    said = _measure(tmp_path, "0.01")
    assert f"{len(TEXTS)} of {len(TEXTS)} that came in passed; 0 refused" in said, said


@pytest.mark.slow
@pytest.mark.skipif(not FOLDERS, reason="NEUROSIM_MOD_FOLDERS names no folders of MOD files")
def test_published_mechanisms_are_as_near_to_neuron():
    pytest.importorskip("neuron", reason="pip install 'neurosim-bridge[neuron]' runs NEURON here")
    said = _measure(*FOLDERS.split(os.pathsep), "0.0125")
    assert not {"DIFFERS", "FAILED"} & set(said.split()), said


def _measure(*words):
    script = Path(__file__).parents[2] / "benchmarks" / "mod_mechanisms.py"
    *folders, dt = map(str, words)
    found = subprocess.run(
        [sys.executable, str(script), *folders, "--dt", dt],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found.stdout


def test_a_concentration_that_initial_puts_at_zero_starts_there(mod):
    """And one of which INITIAL says nothing starts where NEURON has it, a field."""
    pool = """NEURON {{ SUFFIX held USEION ca READ ica WRITE cai }}
    ASSIGNED {{ ica (mA/cm2) }} STATE {{ cai (mM) }}
    {initial}
    BREAKPOINT {{ SOLVE states METHOD cnexp }}
    DERIVATIVE states {{ cai' = -2*ica - cai/80 }}"""
    said, unsaid = (mod(pool.format(initial=one)) for one in ("INITIAL { cai = 0 }", ""))
    assert "start" not in said.quantity_fields()
    assert said.starts == {"ca_i": "(0)*mM"}
    assert "start" in unsaid.quantity_fields()
