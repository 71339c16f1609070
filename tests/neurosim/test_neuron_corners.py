"""What nobody means but somebody writes: odd cells, odd batches, odd parts of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from brian2.units import Quantity, cm, mS, ms, mV, nA, nS, pA, uF, um

from neurosim import Constant, FrozenNoise, Neuron, Ramp, Steps, simulate
from neurosim.channels import (
    CalciumL,
    CalciumPool,
    Channel,
    FastSodium,
    HHPotassium,
    HHSodium,
    Leak,
)
from neurosim.describe.parts import Cable
from neurosim.engine.programs.cache import cached, fetch
from neurosim.engine.programs.compiler import find_compiler
from neurosim.errors import EngineError, NeurosimError, ParameterError, UnitError
from neurosim.morphology import PerBranch, at, ball_and_stick, cylinder, tagged
from neurosim.quantities import quantity
from neurosim.synapses import AMPA, GABAB, Events, Exponential

SHAPE = ball_and_stick(20 * um, 300 * um, 2 * um)
ENGINES = [
    "numpy",
    pytest.param("cpp", marks=pytest.mark.skipif(not find_compiler(), reason="no C++ compiler")),
]


def cell(**more) -> Neuron:
    return Neuron(SHAPE, PerBranch(3), rest=-65 * mV, **more).paint(Leak(E=-60 * mV))


def last(neuron: Neuron, duration=20 * ms, **options) -> np.ndarray:
    return simulate(neuron, duration, **options).final_v_si


# ---- odd cells ----------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_cell_of_one_compartment(engine):
    one = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), rest=-65 * mV).paint(
        Leak(g=0.1 * mS / cm**2, E=-60 * mV)
    )
    found = last(one, 10 * ms, engine=engine, scheme="crank-nicolson")
    assert found.shape == (1, 1)
    assert found[0, 0] == pytest.approx(-0.06 - 0.005 * np.exp(-1), abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_each_painting_has_the_temperature_factor_it_was_painted_with(engine):
    def painted(name: str, factor: float) -> Neuron:
        return (
            Neuron(SHAPE, PerBranch(3), celsius=16.3, rest=-65 * mV)
            .paint(HHSodium(q10=Quantity(1.0)), tagged("soma"))
            .paint(HHSodium(q10=Quantity(factor), name=name), tagged("dendrite"), label="away")
            .paint([HHPotassium(q10=Quantity(1.0)), Leak(E=-54.3 * mV, g=0.3 * mS / cm**2)])
        )

    def found(name: str, factor: float) -> np.ndarray:
        return last(painted(name, factor), 5 * ms, stimulus=Constant(1 * nA), engine=engine)

    np.testing.assert_allclose(found("hh_sodium", 3), found("other", 3), rtol=0, atol=1e-9)
    assert np.abs(found("hh_sodium", 3) - found("hh_sodium", 1)).max() > 1e-3


def test_one_name_belongs_to_one_kind_of_part():
    first = cell().paint(HHSodium(name="na"), tagged("soma"))
    with pytest.raises(ParameterError, match="belongs to HHSodium"):
        first.paint(FastSodium(name="na"), tagged("dendrite"))


# ---- parts of one's own -------------------------------------------------------------------------
@dataclass(frozen=True, eq=False, repr=False)
class Nested(Channel):
    """An expression of an expression of a state, in a gate and in the current."""

    g: Quantity = quantity(1 * mS / cm**2, "conductance")
    equations: ClassVar[str] = """
    dp/dt = (1/(1 + exp(-(v + 50*mV)/(5*mV))) - p)/(2*ms) : 1
    dq/dt = (y - q)/(3*ms) : 1
    x = p**2 : 1
    y = 1 - x : 1
    """
    current: ClassVar[str] = "g*y*q*(-90*mV - v)"


@dataclass(frozen=True, eq=False, repr=False)
class OpenedByCalcium(Channel):
    """A channel that follows the calcium current at once."""

    g: Quantity = quantity(1 * mS / cm**2, "conductance")
    K: Quantity = quantity(5 * Quantity(1e-2, dim=(1 * pA / um**2).dim), "half")
    equations: ClassVar[str] = "a = i_ca/(i_ca + K) : 1"
    reads: ClassVar[tuple[str, ...]] = ("i_ca",)
    current: ClassVar[str] = "g*a*(-20*mV - v)"


@dataclass(frozen=True, eq=False, repr=False)
class Clipped(Channel):
    """A conductance that grows with the potential between two bounds."""

    g: Quantity = quantity(1 * mS / cm**2, "conductance")
    equations: ClassVar[str] = "gate = clip((v + 60*mV)/(20*mV), 0, 1) : 1"
    current: ClassVar[str] = "g*gate**2*(-90*mV - v)"


@dataclass(frozen=True, eq=False, repr=False)
class NotLinear(Channel):
    """A state that is not linear in itself."""

    g: Quantity = quantity(1 * mS / cm**2, "conductance")
    equations: ClassVar[str] = "dx/dt = (0.5 - x**2)/(10*ms) : 1"
    current: ClassVar[str] = "g*x*(-90*mV - v)"


@pytest.mark.skipif(not find_compiler(), reason="no C++ compiler")
@pytest.mark.parametrize(
    "parts", [[Nested()], [CalciumL(g=3 * mS / cm**2), OpenedByCalcium()], [Clipped()]],
    ids=["nested", "current of an ion", "clipped"],
)  # fmt: skip
@pytest.mark.slow
def test_program_and_oracle_agree_on_parts_of_ones_own(parts):
    neuron = cell(celsius=23).paint(parts).probe("v", at("soma"))
    pulse = Steps(amplitude=0.5 * nA, onset=1 * ms, duration=5 * ms)
    runs = [simulate(neuron, 8 * ms, stimulus=pulse, engine=e) for e in ("cpp", "numpy")]
    traces = [np.asarray(run.trace("v")) for run in runs]
    assert np.ptp(traces[0]) > 5e-3
    np.testing.assert_allclose(traces[0], traces[1], rtol=0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.skipif(not find_compiler(), reason="no C++ compiler")
def test_a_traced_expression_is_that_of_its_moment():
    neuron = cell(celsius=23).paint([CalciumL(), CalciumPool()])
    neuron = neuron.probe("i_ca", at("soma")).probe("calcium_l.current", at("soma"))
    run = simulate(neuron, 5 * ms, stimulus=Constant(0.5 * nA), engine="cpp")
    np.testing.assert_allclose(
        run.traces_si["i_ca"], run.traces_si["calcium_l.current"], rtol=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_that_is_not_linear_is_refused_by_both(engine):
    with pytest.raises(EngineError, match="is not linear in not_linear_x"):
        simulate(cell().paint(NotLinear()), 1 * ms, engine=engine)


# ---- odd batches --------------------------------------------------------------------------------
def with_receptor(label: str = "b") -> Neuron:
    return cell().place(GABAB(), at("soma"), Events.at([1] * ms), label=label)


@pytest.mark.parametrize(
    ("neuron", "stimulus", "batch", "says"),
    [
        (with_receptor(), None, {"b.tau_decay": [150, 20] * ms}, "b of cell 1: .*tau_rise"),
        (cell().paint([CalciumL(), CalciumPool()]), None, {"calcium_pool.free": [0.5, 2.0]},
         "calcium_pool.free must be at most 1"),
        (cell(), FrozenNoise(np.ones((2, 5)) * pA), {"channel": [0, 1, 2]}, "from 0 to 1"),
        (cell(), FrozenNoise(np.ones((2, 5)) * pA), {"channel": [0, 0.6]}, "whole number"),
        (cell(), Constant(), {"current": [0, 1] * nA, "stimulus.current": [2, 3] * nA},
         "is stimulus.constant.current, which is given already"),
        (cell(), None, {"C_m": [1, 2] * uF / cm**2, "everywhere.C_m": [3, 4] * uF / cm**2},
         "given already"),
        (cell(), None, [1, 2], "by name what varies"),
        (cell(), None, {3: [1, 2] * nA}, "names are text"),
    ],
)  # fmt: skip
def test_a_batch_is_checked_as_a_description_is(neuron, stimulus, batch, says):
    with pytest.raises(ParameterError, match=says):
        simulate(neuron, 1 * ms, stimulus=stimulus, batch=batch)


def test_a_waveform_that_is_not_there():
    with pytest.raises(ParameterError, match="from 0 to 1, one of the 2 waveforms; got 7"):
        FrozenNoise(np.ones((2, 5)) * pA, channel=Quantity(7))


def test_a_label_is_taken_once():
    with pytest.raises(ParameterError, match="'leak' is taken"):
        with_receptor("leak")
    with pytest.raises(ParameterError, match="'b' is taken"):
        with_receptor().paint(HHSodium(), label="b")
    with pytest.raises(ParameterError, match="'everywhere' is taken"):
        cell().paint(Cable(), tagged("soma"), label="everywhere")
    with pytest.raises(ParameterError, match="'x' is taken"):
        cell().paint(HHSodium(), label="x").paint(HHPotassium(), label="x")
    with pytest.raises(ParameterError, match="one word"):
        cell().paint(HHSodium(), label="a b.c")


# ---- odd times ----------------------------------------------------------------------------------
@pytest.mark.slow
def test_a_recording_says_how_long_it_really_is():
    run = simulate(
        cell(), 1.0124 * ms, stimulus=Constant(1 * nA), record=["v"], record_dt=0.04 * ms
    )
    assert run.duration_s == pytest.approx(1e-3, rel=1e-12)
    assert run.trace_time_s[0] == pytest.approx(0.05e-3)
    longer = simulate(cell(), 1 * ms, dt=0.3 * ms)
    assert longer.duration_s == pytest.approx(0.9e-3)


@pytest.mark.slow
def test_rows_that_are_not_there():
    run = simulate(cell(), 1 * ms, batch={"leak.E": [-70, -60] * mV})
    with pytest.raises(ParameterError, match="rows are 0 to 1"):
        run.spike_times_at("root", 2)
    assert len(run.spike_times_at("root", -1)) == 0


@pytest.mark.slow
def test_a_ramp_is_followed_to_second_order():
    one = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), rest=-70 * mV).paint(
        Leak(g=0.1 * mS / cm**2, E=-70 * mV)
    )
    ramp = Ramp(end=20 * pA, duration=20 * ms)
    tau, area = 10e-3, np.pi * 20e-6**2
    exact = 1e-9 / area * (20e-3 - tau * (1 - np.exp(-2)))
    errors = [
        float(last(one, 20 * ms, stimulus=ramp, dt=dt * ms)[0, 0]) + 0.07 - exact
        for dt in (0.4, 0.2)
    ]
    assert abs(errors[1]) < 1e-7
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [None, {"s.tau": [2, 2] * ms}])
def test_the_charge_of_an_event_is_of_second_order(batch):
    one = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), rest=-70 * mV).paint(
        Leak(g=0 * mS / cm**2, E=-70 * mV)
    )
    # So small a conductance that the potential does not move.
    receptor = Exponential(g=1e-5 * nS, tau=2 * ms, E=0 * mV)
    neuron = one.place(receptor, at("dendrite", 0.5), Events.at([1] * ms), label="s")
    capacitance = np.pi * 20e-6**2 * 1e-2
    exact = 1e-14 * 70e-3 * 2e-3
    errors = []
    for dt in (0.2, 0.1):
        v = last(neuron, 60 * ms, dt=dt * ms, batch=batch)[0, -1]
        errors.append((v + 0.07) * capacitance / exact - 1)
    assert abs(errors[1]) < 2e-3
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


@pytest.mark.slow
def test_a_batch_becomes_an_xarray():
    xarray = pytest.importorskip("xarray")
    run = simulate(
        with_receptor(), 1 * ms, stimulus=Constant(), record=["v", "I_stim"],
        batch={"leak.g": [0.1, 0.2] * mS / cm**2, "current": [0, 1] * nA},
    )  # fmt: skip
    found = run.to_xarray()
    assert isinstance(found, xarray.Dataset)
    assert found["leak.g"].values.tolist() == [1.0, 2.0]
    assert found["stimulus.current"].values[1, -1] == pytest.approx(1e-9)


@pytest.mark.slow
@pytest.mark.skipif(not find_compiler(), reason="no C++ compiler")
def test_a_damaged_program_is_built_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    whole = last(cell(), 1 * ms, engine="cpp")
    (program,) = (p for p in tmp_path.rglob("main") if p.is_file())
    program.write_bytes(b"junk")
    np.testing.assert_array_equal(last(cell(), 1 * ms, engine="cpp"), whole)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b"junk"),
        lambda file: file.unlink(),
        lambda file: file.chmod(0o644),
        lambda file: (file.parent / "contents.json").write_text("{"),
    ],
    ids=["other content", "missing", "not executable", "no list"],
)
def test_what_is_not_as_it_was_built_is_not_in_the_cache(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    built = []

    def build(folder: Path) -> None:
        (folder / "main").write_bytes(b"program")
        (folder / "main").chmod(0o755)
        (folder / "manifest.json").write_text("{}")
        built.append(folder)

    ready = fetch("key", build)
    assert fetch("key", build) == cached("key") == ready
    assert len(built) == 1
    damage(ready / "main")
    assert cached("key") is None
    assert (fetch("key", build) / "main").read_bytes() == b"program"
    assert len(built) == 2


# ---- the wrong kind of thing --------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: simulate(cell(), 1 * ms, stimulus=1 * nA), UnitError, "Constant"),
        (lambda: simulate(cell(), 1 * ms, record=[3]), ParameterError, "list of names"),
        (lambda: simulate(cell(), 1 * ms, engine=None), NeurosimError, "no engine"),
        (lambda: simulate(cell(), 1 * ms, dt=1e-300 * ms), ParameterError, "longer dt"),
        (lambda: simulate(cell(), 1 * ms, record_dt=2 * ms), ParameterError, "record_dt"),
        (lambda: Neuron(SHAPE, 5), ParameterError, "PerBranch"),
        (lambda: Neuron(SHAPE, cable=1 * uF / cm**2), ParameterError, "must be a Cable"),
        (lambda: Neuron(SHAPE, celsius=None), ParameterError, "plain number"),
        (lambda: Neuron(SHAPE, celsius="37"), ParameterError, "plain number"),
        (lambda: cell().place(AMPA(), at("soma"), [5] * ms), ParameterError, r"Events\.at"),
        (lambda: cell().place(AMPA(), at("soma"), "x"), ParameterError, r"Events\.at"),
        (lambda: cell().paint(HHSodium(), scale=lambda x, y: 1), ParameterError, "distance in um"),
        (lambda: cell().place(AMPA(g=1 * nS), at("soma"), 5), ParameterError, r"Events\.at"),
    ],
)
def test_the_wrong_kind_of_thing_is_named(make, error, says):
    with pytest.raises(error, match=says):
        make()
