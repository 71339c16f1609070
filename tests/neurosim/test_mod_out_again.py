"""MOD files that came in, written for NEURON again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from brian2.units import cm as centimetre
from brian2.units import mS, mV, um
from mod_texts import TEXTS

from neurosim import Neuron
from neurosim.exchange.mechanism_text import write_mechanism
from neurosim.exchange.neuron_out import describe_for_neuron
from neurosim.ions import Calcium, Potassium, Sodium
from neurosim.mod import from_mod
from neurosim.morphology import PerBranch, branch, cylinder

ROOT = Path(__file__).resolve().parents[2]
POOL = """
NEURON { SUFFIX pooled USEION ca READ ica WRITE cai }
PARAMETER { tau = 20 (ms) rest = 1e-4 (mM) }
ASSIGNED { ica (mA/cm2) }
STATE { cai (mM) }
INITIAL { cai = rest }
BREAKPOINT { SOLVE state METHOD cnexp }
DERIVATIVE state { cai' = -0.01*ica + (rest - cai)/tau }
"""
CHANNEL = """
NEURON { SUFFIX plain USEION ca READ eca WRITE ica RANGE g0 }
PARAMETER { g0 = 1e-4 (S/cm2) }
ASSIGNED { v (mV) eca (mV) ica (mA/cm2) }
BREAKPOINT { ica = g0*(v - eca) }
"""


@pytest.fixture
def mod(tmp_path):
    """Return a function that writes a MOD file and reads it as a class."""

    def read(text: str, name: str = "part"):
        path = tmp_path / f"{name}.mod"
        path.write_text(text)
        return from_mod(path)

    return read


def test_each_ion_of_a_pump_gets_its_own_current(mod):
    part = mod(TEXTS["pumping"])()
    text = write_mechanism(part, "ns_pumping", {}).text
    assert "ina = -scale*current_na" in text
    assert "ik = -scale*current_k" in text
    assert "i = -scale*current_other" in text
    assert "current = current_na + current_k + current_other" in text


def test_a_state_that_is_not_linear_is_solved_implicitly(mod):
    part = mod(TEXTS["bent"])()
    text = write_mechanism(part, "ns_bent", {}).text
    assert part.nonlinear
    assert "SOLVE curved METHOD derivimplicit" in text
    assert all(f"{state}' = " in text for state in part.nonlinear)


def test_a_pool_tells_both_concentrations_and_channels_follow_them(mod):
    pool, channel = mod(POOL, "pool")(), mod(CHANNEL, "channel")()
    shape = cylinder(20 * um, 20 * um, tag="soma").join(cylinder(90 * um, 2 * um), "soma")
    cell = Neuron(shape, PerBranch(1)).paint(channel).paint(pool, branch("soma"))
    content, texts, _ = describe_for_neuron(cell)
    assert "WRITE cai, cao" in texts[f"ns_{pool.name}"].text
    where = {
        section: one["suffix"]
        for one in content["densities"]
        if channel.name in one["suffix"]
        for section in one["sections"]
    }
    assert "READ cai, cao" in texts[where[0]].text
    assert "READ" not in texts[where[1]].text


def test_which_ions_are_held_decides_which_fields_are_followed(mod):
    """Sodium is held on one branch, potassium on another: each has a text of its own."""
    two = """
NEURON { SUFFIX two USEION na READ ena WRITE ina USEION k READ ek WRITE ik RANGE g0 }
PARAMETER { g0 = 1e-4 (S/cm2) }
ASSIGNED { v (mV) ena (mV) ek (mV) ina (mA/cm2) ik (mA/cm2) }
BREAKPOINT { ina = g0*(v - ena)  ik = 2*g0*(v - ek) }
"""
    part = mod(two)(E_na=40 * mV, g0=0.2 * mS / centimetre**2)
    shape = cylinder(20 * um, 20 * um, tag="soma").join(cylinder(90 * um, 2 * um), "soma")
    shape = shape.join(cylinder(90 * um, 2 * um, tag="axon"), "soma")
    cell = Neuron(shape, PerBranch(1)).paint(part)
    cell = cell.paint(Sodium(), branch("soma")).paint(Potassium(), branch("axon"))
    content, texts, _ = describe_for_neuron(cell)
    names = cell.compartments.branch_names
    reads = {
        names[section]: texts[one["suffix"]].text
        for one in content["densities"]
        if f"ns_{part.name}" in one["suffix"]
        for section in one["sections"]
    }
    assert "READ nai, nao" in reads["soma"]
    assert "READ ki, ko" not in reads["soma"]
    assert "READ ki, ko" in reads["axon"]
    assert "READ nai, nao" not in reads["axon"]
    assert "READ" not in reads["dendrite"]


@pytest.mark.parametrize("name", list(TEXTS))
def test_every_construct_goes_out_again(mod, name):
    part = mod(TEXTS[name])()
    held = {"na": Sodium(), "k": Potassium(), "ca": Calcium()}
    text = write_mechanism(part, f"ns_{name}", held).text
    code = text[text.index("ENDCOMMENT") :]
    kind = "POINT_PROCESS" if "POINT_PROCESS" in TEXTS[name] else "SUFFIX"
    assert f"{kind} ns_{name}\n" in code
    assert "**" not in code


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="NEURON's wheel has no compiler there")
def test_every_construct_agrees_with_neuron_after_it_went_out_again(tmp_path):
    pytest.importorskip("neuron", reason="pip install 'neurosim-bridge[neuron]' runs NEURON here")
    for name, text in TEXTS.items():
        (tmp_path / f"{name}.mod").write_text(text)
    program = ROOT / "benchmarks" / "mod_out_again.py"
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), "--limit", "1e-6"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    # The program runs those that cover an area.
    count = sum("POINT_PROCESS" not in text for text in TEXTS.values())
    assert f"{count} of {count} that came in went out again and passed" in done.stdout, done.stdout
