"""Neurons written for NEURON: the texts, the folder, and both programs run beside each other."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from brian2.units import Hz, Quantity, cm, mA, mS, ms, mV, nS, ohm, pA, um
from brian2.units.stdunits import mM

import neurosim.channels
import neurosim.ions
import neurosim.synapses
from neurosim import Neuron, OrnsteinUhlenbeck, Steps, simulate
from neurosim.catalogue import ca1_pyramidal, mitral_pump_cell, pumping_cell, textbook_neuron
from neurosim.channels import Channel, HHSodium, Leak, squid_axon
from neurosim.channels.base import IonPool, Mechanism
from neurosim.clamps import VoltageClamp
from neurosim.describe.parts import Cable, Poisson, Spines
from neurosim.errors import ExtraMissingError, OutputError, ParameterError
from neurosim.exchange import (
    ExchangeError,
    NeuronCheck,
    Traced,
    Watched,
    check_against_neuron,
    to_neuron,
)
from neurosim.exchange.mechanism_text import write_mechanism
from neurosim.exchange.neuron_out import CELL_FILE, describe_for_neuron
from neurosim.exchange.nmodl_words import Names, in_neuron_units, write_expression
from neurosim.ions import Calcium, Chloride, Potassium, Sodium, Transporter
from neurosim.morphology import Branch, Morphology, PerBranch, branch, cylinder, root_site
from neurosim.outside import UniformField
from neurosim.synapses import (
    AMPA,
    NMDA,
    ChlorideGABAA,
    Events,
    KineticAMPA,
    KineticGABAB,
    PlasticAMPA,
    Receptor,
)

HAS_NEURON = importlib.util.find_spec("neuron") is not None
needs_neuron = pytest.mark.skipif(
    not HAS_NEURON, reason="NEURON is not installed: the extra 'neuron'"
)
_KINDS = {"Channel", "IonPool", "Receptor", "Ion", "Transporter", "Mechanism"}


def all_parts() -> list[Mechanism]:
    """Return one of every painted and placed part, by default values."""
    rooms = (neurosim.channels, neurosim.synapses, neurosim.ions)
    found = {
        value
        for room in rooms
        for name, value in vars(room).items()
        if isinstance(value, type) and issubclass(value, Mechanism) and name not in _KINDS
    }
    kinds = (Channel, IonPool, Receptor, Transporter)
    made = [kind() for kind in sorted(found, key=lambda kind: kind.__name__)]
    return [part for part in made if isinstance(part, kinds)]


@dataclass(frozen=True, eq=False, repr=False)
class Hostile(Channel):
    """ENDCOMMENT VERBATIM system("true"); ENDVERBATIM

    Its docstring tries to leave the comment.
    """

    g: Quantity = neurosim.quantities.quantity(1 * mS / cm**2, "conductance density")
    TO: Quantity = neurosim.quantities.quantity(-70 * mV, "a word of NMODL as a name")
    equations = "dm/dt = (0.5 - m)/(2*ms) : 1\nm0 = 2*m : 1\nwhile_ = v/TO : 1"
    current = "g*m*(TO - v)"


# ---- the language -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("-x**2", "(-x^2)"),
        ("(-x)**2", "(-x)^2"),
        ("x**y**2", "x^(y^2)"),
        ("x/(y/2)", "x/(y/2)"),
        ("x - (y - 1)", "x - (y - 1)"),
        ("0.1*second", "100.0"),
        ("(x + 40*mV)/(10*mV)", "(x + 40.0)/10.0"),
        ("exprel(x)*clip(y, 0, 1e9)", "exprel_(x)*clip_(y, 0, 1000000000.0)"),
        ("int(x > 1 or not y < 2)", "((x > 1) || (!(y < 2)))"),
        ("2*um", "0.0002"),
        ("mole/meter**3*x", "x"),
    ],
)
def test_expressions_keep_their_value(code, expected):
    known = {"x": "x", "y": "y"}
    assert write_expression(code, known.get, "here") == expected


@pytest.mark.parametrize("code", ["rand()", "x.real", "int(x)", "x if y else 1", "x // y", "z"])
def test_what_nmodl_cannot_say_is_refused(code):
    known = {"x": "x", "y": "y"}
    with pytest.raises(ExchangeError, match="here"):
        write_expression(code, known.get, "here")


def test_units_of_neuron_are_all_one():
    for quantity_, number in ((-70 * mV, -70), (0.1 * mS / cm**2, 1e-4), (2 * mM, 2), (3 * ms, 3)):
        assert float(in_neuron_units(quantity_)) == pytest.approx(number, rel=1e-15)
    assert float(in_neuron_units(0.5 * nS)) == pytest.approx(5e-10, rel=1e-15)


def test_no_name_is_a_word_of_nmodl_or_a_state_in_disguise():
    names = Names(["m", "m0", "Dm", "while", "VERBATIM", "v", "g"], taken={"g"}, states=["m"])
    given = [names[one] for one in ("m", "m0", "Dm", "while", "VERBATIM", "v", "g")]
    assert given == ["m", "m0_", "Dm_", "while_", "VERBATIM_", "v_", "g_"]


@pytest.mark.parametrize("part", all_parts(), ids=lambda part: type(part).__name__)
def test_every_part_has_a_text_without_units_of_brian(part):
    text = write_mechanism(part, f"ns_{part.name}", {}).text
    code = text[text.index("ENDCOMMENT") :]
    assert ("POINT_PROCESS" in code) == isinstance(part, Receptor)
    assert not re.search(r"\b(mV|ms|siemens|mole|meter|second|amp)\b(?! *\)| *=)", code)
    assert re.search(r"\*\*", code) is None


def test_a_hostile_docstring_and_names_stay_text():
    text = write_mechanism(Hostile(), "ns_hostile", {}).text
    assert text.count("ENDCOMMENT") == 1
    assert "VERBATIM" not in text
    assert "TO_ = -70.0 (mV)" in text
    assert "m0_ = 2*m" in text


# ---- the folder ---------------------------------------------------------------------------------
def test_names_of_branches_are_data(tmp_path):
    evil = "'); import os; os.system('true')  #\n\""
    points = np.array([[0, 0, 0], [1e-5, 0, 0]])
    shape = Morphology.from_branches([Branch(evil, "so ma'", points, np.full(2, 1e-5))])
    made = to_neuron(Neuron(shape).paint(Leak()), tmp_path / "cell")
    assert (made.folder / "cell.py").read_text() == CELL_FILE.read_text()
    content = json.loads((made.folder / "cell.json").read_text())
    assert content["sections"][0]["name"] == evil
    assert [path.name for path in (made.folder / "mod").iterdir()] == ["ns_leak.mod"]


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(OutputError, match="thesis"):
        to_neuron(Neuron(cylinder(9 * um, 9 * um)).paint(Leak()), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_second_export_leaves_no_mechanism_of_the_first(tmp_path):
    cell = Neuron(cylinder(9 * um, 9 * um))
    to_neuron(cell.paint(squid_axon()), tmp_path / "cell")
    made = to_neuron(cell.paint(Leak()), tmp_path / "cell")
    assert [path.stem for path in (made.folder / "mod").iterdir()] == ["ns_leak"]


def test_numbers_reach_the_file():
    shape = cylinder(20 * um, 20 * um, tag="soma").join(cylinder(90 * um, 2 * um), "soma")
    cell = (
        Neuron(shape, PerBranch(1, {"dendrite": 3}), cable=Cable(R_a=150 * ohm * cm))
        .paint(Leak(g=0.2 * mS / cm**2), scale=lambda d: 1 + d / 30)
        .paint(Spines(Quantity(2.0)), branch("dendrite"))
        .paint(HHSodium(), branch("soma"))
    )
    content, texts, lost = describe_for_neuron(cell)
    assert [one["Ra"] for one in content["sections"]] == [150, 150]
    assert [one["nseg"] for one in content["sections"]] == [1, 3]
    assert content["cm"] == [1, 2, 2, 2]
    leak = next(one for one in content["densities"] if one["suffix"] == "ns_leak")
    distance = cell.compartments.distance_m * 1e6
    assert leak["values"]["g"] == pytest.approx(2e-4 * (1 + distance / 30), rel=1e-14)
    assert leak["values"]["scale"] == [1, 2, 2, 2]
    sodium = next(one for one in content["densities"] if one["suffix"] == "ns_hh_sodium")
    assert sodium["sections"] == [0]
    assert lost == []
    assert set(texts) == {"ns_leak", "ns_hh_sodium"}


def test_a_reversal_potential_follows_where_the_ion_is_held():
    shape = cylinder(20 * um, 20 * um, tag="soma").join(cylinder(90 * um, 2 * um), "soma")
    cell = Neuron(shape, PerBranch(1)).paint(HHSodium()).paint(Sodium(), branch("soma"))
    content, texts, _ = describe_for_neuron(cell)
    by_section = {s: one["suffix"] for one in content["densities"] for s in one["sections"]
                  if "hh_sodium" in one["suffix"]}  # fmt: skip
    assert "READ nai, nao" in texts[by_section[0]].text
    assert "READ" not in texts[by_section[1]].text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.place(AMPA(), root_site, Poisson(5 * Hz)), "Poisson"),
        (lambda c: c.place(OrnsteinUhlenbeck(), root_site), "FrozenNoise"),
        (lambda c: c.expose(UniformField(), Steps(1 * mA, 0 * ms, 1 * ms)), "field"),
        (lambda c: c.paint(Sodium(diffusion=1 * um**2 / ms)), "diffusion"),
    ],
)
def test_what_would_be_another_cell_is_refused_by_name(change, said):
    with pytest.raises((ExchangeError, ParameterError), match=said):
        describe_for_neuron(change(Neuron(cylinder(50 * um, 5 * um)).paint(Leak())))


def test_a_cell_that_cannot_be_written_leaves_no_folder(tmp_path):
    with pytest.raises(ExchangeError, match="diffusion"):
        to_neuron(mitral_pump_cell(), tmp_path / "cell")
    assert not (tmp_path / "cell").exists()


def test_a_probe_that_neuron_does_not_trace_is_a_named_loss(tmp_path):
    cell = Neuron(cylinder(50 * um, 5 * um)).paint(Leak()).probe("i_membrane", root_site)
    made = to_neuron(cell, tmp_path / "cell")
    assert made.losses == ("the probe 'i_membrane' of 'i_membrane' is not traced in NEURON",)
    assert made.losses[0] in str(made)


def test_without_neuron_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ExtraMissingError, match="neuron"):
        check_against_neuron(Neuron(cylinder(9 * um, 9 * um)).paint(Leak()), 1 * ms)


# ---- beside NEURON ------------------------------------------------------------------------------
def test_a_difference_is_told_from_that_of_the_time_step():
    """With a difference a + b dt, both numbers are known: what is left is a."""
    time = np.arange(1, 5) * 1e-3
    ours, theirs = np.zeros((2, 4)), np.array([[0, 3e-3, 0, 0], [0, 2e-3, 0, 0]])
    trace = Traced("v", 1 * mV, time, ours, theirs)
    assert trace.differences == (3e-3, 2e-3)
    assert trace.left == pytest.approx(1e-3)
    spikes = Watched("soma", (np.array([1.0]), np.array([1.0])), (np.zeros(0), np.array([1.5])))
    assert spikes.counts == ((1, 0), (1, 1))
    assert np.isnan(spikes.differences[0])
    found = NeuronCheck(1e-5, 4e-3, (trace,), (spikes,), ("a probe",), "9")
    rows = found.rows()
    assert rows[0] == ("v", "3. mV", "2. mV", "1. mV", "67 %")
    assert rows[1][1] == "other number"
    assert "lost: a probe" in str(found)
    upper, lower = found.plot()
    assert [line.get_label() for line in lower.lines] == ["dt = 0.01 ms", "dt = 0.005 ms"]
    assert upper.lines[1].get_ydata().tolist() == [0, 2, 0, 0]
    with pytest.raises(ParameterError, match="'v'"):
        found.plot("u")


@needs_neuron
@pytest.mark.slow
def test_the_textbook_neuron_is_the_same_in_neuron(capsys):
    """Same scheme, same step: what is left is the single precision of NEURON's points."""
    cell = textbook_neuron().place(Steps(300 * pA, onset=2 * ms, duration=1000 * ms), root_site)
    found = check_against_neuron(cell, 15 * ms, dt=0.025 * ms)
    assert "compiles" in capsys.readouterr().out.splitlines()[0]
    assert all(max(trace.differences) < 1e-8 for trace in found.traces)
    assert all(one.counts[0][0] == one.counts[0][1] > 0 for one in found.spikes)
    assert all(max(one.differences) < 1e-10 for one in found.spikes)


@needs_neuron
@pytest.mark.slow
@pytest.mark.parametrize(("make", "current"), [(ca1_pyramidal, 300), (pumping_cell, 100)])
def test_cells_whose_ions_move_come_together_with_the_step(make, current):
    cell = make().place(Steps(current * pA, onset=2 * ms, duration=1000 * ms), root_site)
    found = check_against_neuron(cell, 15 * ms, dt=0.0125 * ms, verbose=False)
    for one in found.spikes:
        assert one.counts[0] == one.counts[1]
        assert one.counts[0][0] == one.counts[0][1] > 0
        assert one.differences[1] < 0.6 * one.differences[0] < 1e-5


@needs_neuron
@pytest.mark.slow
def test_receptors_come_together_with_the_step():
    """An event acts at the beginning of a step in both, before the states advance or after it."""
    cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=35.0).paint(Leak())
    cell = cell.paint(Chloride())
    kinds = (AMPA, NMDA, KineticAMPA, ChlorideGABAA, KineticGABAB, PlasticAMPA)
    for k, kind in enumerate(kinds):
        arrivals = Events.at([1 + 0.5 * k, 6] * ms, weight=2.0)
        cell = cell.place(kind(), root_site, arrivals, label=f"r{k}")
        cell = cell.probe(f"r{k}.current", root_site, label=kind.__name__)
    found = check_against_neuron(cell.probe("v", root_site), 12 * ms, verbose=False)
    for trace in found.traces:
        size = float(np.abs(trace.ours[1]).max())
        assert trace.differences[1] < 0.55 * trace.differences[0], trace.label
        assert trace.left < 0.01 * size, trace.label


HELD = {"na": Sodium, "k": Potassium, "ca": Calcium, "cl": Chloride}


def clamped(part: Mechanism) -> Neuron:
    """Return a compartment with a part in voltage clamp, and what the part needs."""
    cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=30.0, rest=-70 * mV)
    needs = {read.partition("_")[0] for read in part.reads if not read.startswith("i_")}
    needs |= set(getattr(part, "moves", ()))
    for ion in sorted(needs & set(HELD)):
        cell = cell.paint(HELD[ion](held=True))
    levels = [-20, -75, 10] * mV
    clamp = VoltageClamp(-70 * mV, levels, durations=[4, 3, 4] * ms, onset=1 * ms)
    cell = cell.place(clamp, root_site, label="clamp").paint(part)
    return cell.probe(f"{part.name}.current", root_site, label="current")


@needs_neuron
@pytest.mark.slow
def test_every_channel_and_transporter_carries_the_same_current_in_voltage_clamp(tmp_path):
    """All in one compilation, 12 ms at 25 us; our scheme is NEURON's, so the step hardly counts."""
    parts = [part for part in all_parts() if isinstance(part, Channel | Transporter)]
    cells = {type(part).__name__: clamped(part) for part in parts}
    contents = {}
    (tmp_path / "mod").mkdir()
    for name, cell in cells.items():
        contents[name], texts, _ = describe_for_neuron(cell)
        for suffix, text in texts.items():
            (tmp_path / "mod" / f"{suffix}.mod").write_text(text.text)
    (tmp_path / "cell.py").write_text(CELL_FILE.read_text())
    (tmp_path / "all.json").write_text(json.dumps(contents))
    program = (
        "import json\nfrom cell import Cell\nout, kept = {}, []\n"
        "for name, content in json.load(open('all.json')).items():\n"
        "    kept.append(Cell(content))\n    out[name] = kept[-1].run(12.0, 0.025)['traces']\n"
        "    kept[-1]._kept.clear()\n"
        "json.dump(out, open('out.json', 'w'))\n"
    )
    compiler = Path(sys.executable).with_name("nrnivmodl")
    for command in ([str(compiler), "mod"], [sys.executable, "-c", program]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    seen = json.loads((tmp_path / "out.json").read_text())
    apart = {}
    for name, cell in cells.items():
        recording = simulate(
            cell, 12 * ms, dt=0.025 * ms, record_dt=0.025 * ms, scheme="backward-euler"
        )
        ours = np.asarray(recording.trace("current"))[0]
        theirs = np.asarray(seen[name]["current"])[1:]
        size = np.abs(ours).max()
        apart[name] = float(np.abs(ours - theirs).max() / size) if size else 0.0
    assert {name: x for name, x in apart.items() if not x < 1e-6} == {}
