"""Neurons written for Arbor: the texts, the segments, and both programs run beside each other."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass

import numpy as np
import pytest
from brian2.units import Hz, Quantity, mA, mS, ms, mV, nA, ohm, pA, um
from brian2.units import cm as centimetre
from mod_texts import TEXTS

from neurosim import Neuron, Steps
from neurosim.catalogue import mitral_pump_cell, pumping_cell, textbook_neuron
from neurosim.channels import HHSodium, Leak
from neurosim.channels.base import Channel
from neurosim.clamps import VoltageClamp
from neurosim.describe.parts import Cable, Poisson, Spines
from neurosim.dynamics import impedance
from neurosim.errors import ExtraMissingError, OutputError, ParameterError
from neurosim.exchange import ExchangeError, check_against_arbor, to_arbor
from neurosim.exchange.arbor.arbor_check import build_in_arbor, run_in_arbor
from neurosim.exchange.arbor.arbor_mechanisms import write_for_arbor
from neurosim.exchange.arbor.arbor_out import CELL_FILE, describe_for_arbor
from neurosim.exchange.arbor.arbor_shape import arbor_shape
from neurosim.exchange.arbor.arbor_words import ArborPrinter
from neurosim.exchange.nmodl_words import write_expression
from neurosim.ions import Chloride, Potassium, Sodium
from neurosim.mod import from_mod
from neurosim.morphology import Branch, Morphology, PerBranch, branch, cylinder, root_site
from neurosim.outside import UniformField
from neurosim.quantities import quantity
from neurosim.stimuli import FrozenNoise, Ramp
from neurosim.synapses import AMPA, NMDA, ChlorideGABAA, Events, KineticAMPA, PlasticAMPA

needs_arbor = pytest.mark.skipif(
    importlib.util.find_spec("arbor") is None, reason="Arbor is not installed: the extra 'arbor'"
)


@dataclass(frozen=True, eq=False, repr=False)
class HostileForArbor(Channel):
    """ENDCOMMENT POINT_PROCESS evil

    Its docstring tries to leave the comment, and its names are words of Arbor.
    """

    g: Quantity = quantity(1 * mS / centimetre**2, "conductance density")
    exprelr: Quantity = quantity(-70 * mV, "a word of Arbor as a name")
    equations = "dmin/dt = (0.5 - min)/(2*ms) : 1\nv_now = v/exprelr : 1"
    current = "g*min*v_now*(exprelr - v)"


def forked() -> Morphology:
    """Return a soma with branches on its middle and its end, one of which forks."""
    shape = cylinder(20 * um, 20 * um, tag="soma", name="soma")
    for k, place in enumerate((0.5, 1.0, 0.5)):
        stick = cylinder((90 + 20 * k) * um, (2 + k) * um, name=f"d{k}")
        shape = shape.join(stick, "soma", at=place)
    for k in range(2):
        shape = shape.join(cylinder(50 * um, 1 * um, name=f"e{k}"), "d1")
    return shape.join(cylinder(70 * um, 1 * um, name="f"), "d2", at=0.3)


# ---- the language -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("exprel(x)", "(1/exprelr(x))"),
        ("int(x > 1)*y", "(step_left(x - 1))*y"),
        ("int(x <= 1 + y)", "(step_right(1 + y - x))"),
        ("int(x > 1 and not y < 2)", "((step_left(x - 1))*(1 - (step_left(2 - y))))"),
        ("clip(x, 0, 1)", "min(max(x, 0), 1)"),
        ("abs(x)", "fabs(x)"),
    ],
)
def test_expressions_are_said_in_arbors_dialect(code, expected):
    known = {"x": "x", "y": "y"}
    assert write_expression(code, known.get, "here", ArborPrinter) == expected


@pytest.mark.parametrize("code", ["floor(x)", "arctan(x)", "x if y else 1"])
def test_what_arbor_cannot_say_is_refused(code):
    known = {"x": "x", "y": "y"}
    with pytest.raises(ExchangeError, match="here"):
        write_expression(code, known.get, "here", ArborPrinter)


def test_a_current_is_a_straight_line_over_the_potential():
    """Arbor's compiler takes the slope of no other, and would advance it explicitly."""
    text = write_for_arbor(NMDA(), "nmda", {}).text
    line = next(x for x in text.splitlines() if x.strip().startswith("i = "))
    assert line.strip() == "i = -1e6*(current - slope_current*(v - v_now))"


def test_a_state_that_depends_on_another_has_a_block_of_its_own():
    text = write_for_arbor(KineticAMPA(), "kinetic", {}).text
    assert len(re.findall(r"SOLVE \w+ METHOD cnexp", text)) == 2


def test_hostile_docstrings_and_names_stay_text():
    text = write_for_arbor(HostileForArbor(), "hostile", {}).text
    assert text.count("ENDCOMMENT") == 1
    code = text[text.index("ENDCOMMENT") :]
    assert "POINT_PROCESS" not in code
    assert "exprelr_ = -70.0 (mV)" in code
    assert "v_now_ = v/exprelr_" in code


# ---- the segments -------------------------------------------------------------------------------
def test_segments_keep_length_and_membrane_and_end_where_compartments_do():
    cut = Neuron(forked(), PerBranch(3)).compartments
    made = arbor_shape(cut)
    area = np.zeros(len(cut))
    for _, begin, end, compartment in made.segments:
        a, b = np.array(begin), np.array(end)
        slant = np.hypot(np.linalg.norm((b - a)[:3]), b[3] - a[3])
        area[compartment] += np.pi * (a[3] + b[3]) * slant
    assert area * 1e-12 == pytest.approx(cut.area_m2, rel=1e-12)
    assert min(made.middles) >= 0
    assert [made.segments[k][3] for k in made.middles] == list(range(len(cut)))


def test_a_branch_on_a_middle_leaves_the_centre_of_its_compartment():
    cut = Neuron(forked(), PerBranch(3)).compartments
    made = arbor_shape(cut)
    number = cut.branch_names.index("f")
    first = next(row for row in made.segments if row[3] == cut.first[number])
    assert first[0] == made.middles[cut.at("d2", 0.3)]


# ---- the folder ---------------------------------------------------------------------------------
def test_names_of_branches_and_probes_are_data(tmp_path):
    evil = "'); import os; os.system('true')  #\n\""
    points = np.array([[0, 0, 0], [1e-5, 0, 0]])
    shape = Morphology.from_branches([Branch(evil, '(tag 1)"', points, np.full(2, 1e-5))])
    cell = Neuron(shape).paint(Leak()).probe("v", root_site, label='") (all')
    made = to_arbor(cell, tmp_path / "cell")
    assert (made.folder / "cell.py").read_text() == CELL_FILE.read_text()
    content = json.loads((made.folder / "cell.json").read_text())
    assert content["labels"] == {}
    assert [path.name for path in (made.folder / "mod").iterdir()] == ["ns_leak.mod"]


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(OutputError, match="thesis"):
        to_arbor(Neuron(cylinder(9 * um, 9 * um)).paint(Leak()), tmp_path)


def test_an_old_catalogue_goes(tmp_path):
    cell = Neuron(cylinder(9 * um, 9 * um)).paint(Leak())
    to_arbor(cell, tmp_path / "cell")
    (tmp_path / "cell" / "cell-catalogue.so").write_text("of other equations")
    to_arbor(cell, tmp_path / "cell")
    assert not (tmp_path / "cell" / "cell-catalogue.so").exists()


def test_numbers_reach_the_file():
    shape = cylinder(20 * um, 20 * um, tag="soma").join(cylinder(90 * um, 2 * um), "soma")
    cell = (
        Neuron(shape, PerBranch(1, {"dendrite": 3}), cable=Cable(R_a=150 * ohm * centimetre))
        .paint(Leak(g=0.2 * mS / centimetre**2), scale=lambda d: 1 + d / 30)
        .paint(Spines(Quantity(2.0)), branch("dendrite"))
        .paint(HHSodium(), branch("soma"))
        .paint(Sodium(held=True, inside=Quantity(9.0 * 1e0, dim=Sodium().inside.dim)))
    )
    content, texts, lost = describe_for_arbor(cell)
    assert content["rL"] == [(pytest.approx(150), [0, 1, 2, 3])]
    assert content["cm"] == [(pytest.approx(0.01), [0]), (pytest.approx(0.02), [1, 2, 3])]
    leak = {one["compartments"][0]: one for one in content["densities"] if "leak" in one["suffix"]}
    distance = cell.compartments.distance_m * 1e6
    for k in range(4):
        assert leak[k]["values"]["g"] == pytest.approx(2e-4 * (1 + distance[k] / 30), rel=1e-14)
        assert leak[k]["values"]["scale"] == (1 if k == 0 else 2)
    (ion,) = content["ions"]
    assert (ion["ion"], ion["inside"], ion["compartments"]) == ("na", 9.0, [0, 1, 2, 3])
    # Nothing moves the sodium, and it needs no mechanism.
    assert set(texts) == {"ns_leak", "ns_hh_sodium"}
    assert content["labels"]["soma"] == [0]
    assert lost == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.place(AMPA(), root_site, Poisson(5 * Hz)), "Poisson"),
        (lambda c: c.expose(UniformField(), Steps(1 * mA, 0 * ms, 1 * ms)), "field"),
        (lambda c: c.paint(Sodium(diffusion=1 * um**2 / ms)), "diffusion"),
        (
            lambda c: c.place(VoltageClamp(-70 * mV, [0] * mV, [5] * ms, onset=1 * ms), root_site),
            "voltage clamp",
        ),
    ],
)
def test_what_would_be_another_cell_is_refused_by_name(change, said):
    with pytest.raises((ExchangeError, ParameterError), match=said):
        describe_for_arbor(change(Neuron(cylinder(50 * um, 5 * um)).paint(Leak())))


def test_a_cell_that_cannot_be_written_leaves_no_folder(tmp_path):
    with pytest.raises(ExchangeError, match="diffusion"):
        to_arbor(mitral_pump_cell(), tmp_path / "cell")
    assert not (tmp_path / "cell").exists()


def test_a_probe_that_arbor_does_not_trace_is_a_named_loss(tmp_path):
    cell = Neuron(cylinder(50 * um, 5 * um)).paint(Leak()).probe("i_membrane", root_site)
    made = to_arbor(cell, tmp_path / "cell")
    assert made.losses == ("the probe 'i_membrane' of 'i_membrane' is not traced in Arbor",)
    assert made.losses[0] in str(made)


def test_without_arbor_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ExtraMissingError, match="arbor"):
        check_against_arbor(Neuron(cylinder(9 * um, 9 * um)).paint(Leak()), 1 * ms)


# ---- beside Arbor -------------------------------------------------------------------------------
@needs_arbor
@pytest.mark.slow
def test_forks_have_the_same_input_resistance_in_arbor(tmp_path):
    """With forks at ends and on middles; a current at the root that lasts until all is steady."""
    cell = Neuron(forked(), PerBranch(3)).paint(Leak())
    made = to_arbor(cell, tmp_path / "cell")
    build_in_arbor(made)
    content = json.loads((made.folder / "cell.json").read_text())
    root = int(root_site.compartments(cell.compartments)[0])
    found = []
    for amplitude in (0.0, 0.01):
        clamp = {"compartment": root, "onset": 0, "duration": 1e9, "amplitude": amplitude}
        where = {"kind": "v", "compartment": root}
        content["electrodes"] = [clamp]
        content["probes"] = [{"label": "v", "unit": 1.0, "where": where}]
        (made.folder / "cell.json").write_text(json.dumps(content))
        runs, _ = run_in_arbor(made, 400.0, (100.0,))
        found.append(runs[0]["traces"]["v"][-1])
    theirs = (found[1] - found[0]) / 0.01
    ours = float(impedance(cell, 0 * Hz).magnitude[0]) * 1e-6
    assert theirs == pytest.approx(ours, rel=1e-9)


@needs_arbor
@pytest.mark.slow
def test_the_textbook_neuron_comes_together_with_the_step(capsys):
    """Arbor approximates the exponential of a gate's step, which is of second order."""
    cell = textbook_neuron().place(Steps(300 * pA, onset=2 * ms, duration=1000 * ms), root_site)
    found = check_against_arbor(cell, 15 * ms, dt=0.025 * ms)
    assert "compiles" in capsys.readouterr().out.splitlines()[0]
    for one in found.spikes:
        assert one.counts[0] == one.counts[1]
        assert one.counts[0][0] == one.counts[0][1] > 0
        assert one.differences[1] < 0.3 * one.differences[0] < 1e-6
    for trace in found.traces:
        assert trace.differences[1] < 0.35 * trace.differences[0]


@needs_arbor
@pytest.mark.slow
def test_a_cell_whose_ions_move_comes_together_with_the_step():
    cell = pumping_cell().place(Steps(100 * pA, onset=2 * ms, duration=1000 * ms), root_site)
    found = check_against_arbor(cell, 15 * ms, dt=0.0125 * ms, verbose=False)
    for one in found.spikes:
        assert one.counts[0] == one.counts[1]
        assert one.counts[0][0] == one.counts[0][1] > 0
        assert one.differences[1] < 0.6 * one.differences[0] < 1e-5


@needs_arbor
@pytest.mark.slow
def test_receptors_and_courses_come_together_with_the_step():
    cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=35.0).paint(Leak())
    cell = cell.paint(Chloride())
    for k, kind in enumerate((AMPA, NMDA, KineticAMPA, ChlorideGABAA, PlasticAMPA)):
        arrivals = Events.at([1 + 0.5 * k, 6] * ms, weight=2.0)
        cell = cell.place(kind(), root_site, arrivals, label=f"r{k}")
        cell = cell.probe(f"r{k}.current", root_site, label=kind.__name__)
    ramp = Ramp(start=0 * nA, end=0.05 * nA, onset=2 * ms, duration=5 * ms)
    noise = FrozenNoise([0.01, -0.02, 0.005, 0.02] * nA, interval=1 * ms)
    cell = cell.place(ramp, root_site, label="ramp").place(noise, root_site, label="noise")
    found = check_against_arbor(cell.probe("v", root_site), 12 * ms, verbose=False)
    for trace in found.traces:
        size = float(np.abs(trace.ours[1]).max())
        assert trace.differences[1] < 0.6 * trace.differences[0], trace.label
        assert trace.left < 0.02 * size, trace.label


@needs_arbor
@pytest.mark.slow
def test_mod_files_that_came_in_come_together_with_the_step_in_arbor(tmp_path):
    """A pump of two ions, a state that is not linear, a pool, a scheme, and a current of GHK."""
    cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), rest=-65 * mV).paint(Leak())
    cell = cell.paint(Sodium(held=True)).paint(Potassium(held=True))
    for name in ("pumping", "bent", "pooled", "scheme", "ghk"):
        (tmp_path / f"{name}.mod").write_text(TEXTS[name])
        part = from_mod(tmp_path / f"{name}.mod")()
        cell = cell.paint(part)
        if isinstance(part, Channel):
            cell = cell.probe(f"{part.name}.current", root_site, label=name)
    cell = cell.probe("ca_i", root_site, label="calcium").probe("v", root_site)
    cell = cell.place(Steps(0.1 * nA, onset=1 * ms, duration=100 * ms), root_site)
    found = check_against_arbor(cell, 8 * ms, dt=0.0125 * ms, verbose=False)
    assert found.losses == ()
    for trace in found.traces:
        size = float(np.abs(trace.ours[1]).max())
        first, half = trace.differences
        # A current is that of the beginning of a step in Arbor, and of its end here.
        assert half < max(0.65 * first, 1e-9 * size), (trace.label, first, half, size)
        assert trace.left < 1e-3 * size, (trace.label, first, half, size)
