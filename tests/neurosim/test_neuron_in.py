"""Cells that live in NEURON, read as neurons; each test asks NEURON in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brian2.units import Quantity, cm, mS, ms, nA, ohm, uF, um

from neurosim import Neuron, Steps
from neurosim.channels import HHSodium, Leak
from neurosim.describe.parts import Cable, Spines
from neurosim.describe.profiles import factors, profiles
from neurosim.exchange import from_neuron, to_neuron
from neurosim.ions import Sodium, SodiumPump
from neurosim.morphology import PerBranch, branch, cone, cylinder, root_site, tree
from neurosim.synapses import AMPA, Events

needs_neuron = pytest.mark.skipif(
    importlib.util.find_spec("neuron") is None, reason="NEURON is not installed: extra 'neuron'"
)
pytestmark = [needs_neuron, pytest.mark.slow]

HEAD = """
import json, sys, warnings
import numpy as np
from neuron import h
from neurosim.exchange import ExchangeError, ExchangeWarning, from_neuron
from neurosim import simulate
from brian2 import ms
h.load_file("stdrun.hoc")
"""


def in_neuron(code: str, folder: Path) -> dict:
    """Run lines in a process that imports NEURON; they leave a dict called ``out``."""
    program = f"{HEAD}\n{code}\nprint('OUT' + json.dumps(out))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.rpartition("OUT")[2])


BUILT = """
soma, dend = h.Section(name="soma"), h.Section(name="dend")
soma.L = soma.diam = 20
for x, d in ((0, 3), (100, 2), (300, 1)):
    dend.pt3dadd(x, 0, 0, d)
dend.nseg, dend.cm, dend.Ra = 5, 2, 150
soma.Ra = 100
dend.connect(soma(1))
soma.insert("hh")
dend.insert("pas")
for k, segment in enumerate(dend):
    segment.pas.g, segment.pas.e = 1e-4*(1 + k), -65
"""


def test_a_cell_with_hh_and_pas_runs_as_in_neuron(tmp_path):
    """Tables of hh off; the same scheme and step, so what is left is single precision."""
    code = (
        BUILT
        + """
clamp = h.IClamp(soma(0.5)); clamp.delay, clamp.dur, clamp.amp = 1, 100, 0.5
h.celsius, h.v_init, h.usetable_hh, h.dt = 6.3, -65, 0, 0.025
with warnings.catch_warnings():
    warnings.simplefilter("error", ExchangeWarning)
    cell = from_neuron([dend, soma])
v = h.Vector().record(dend(0.9)._ref_v)
h.finitialize(-65)
for _ in range(800): h.fadvance()
from neurosim.morphology import at
cell = cell.probe("v", at("dend", 0.9), label="v")
mine = simulate(cell, 20*ms, dt=0.025*ms, record_dt=0.025*ms, scheme="backward-euler")
theirs = np.array(v)[1:]
out = {"names": list(cell.morphology.names), "tags": list(cell.morphology.tags),
       "counts": np.diff(cell.compartments.first).tolist(), "peak": float(theirs.max()),
       "apart": float(np.abs(np.asarray(mine.trace("v"))[0]*1e3 - theirs).max())}
"""
    )
    out = in_neuron(code, tmp_path)
    assert out["names"] == ["soma", "dend"]
    assert out["tags"] == ["soma", "dendrite"]
    assert out["counts"] == [1, 5]
    assert out["peak"] > -30
    assert out["apart"] < 1e-4


def test_what_cannot_be_read_is_refused_by_name(tmp_path):
    code = (
        BUILT
        + """
def said(change):
    try:
        change(); from_neuron([soma, dend])
    except ExchangeError as error:
        return str(error)
    return "read"
kept = []
out = [said(lambda: kept.append(h.AlphaSynapse(soma(0.5))))]
kept.clear()
out.append(said(lambda: dend.insert("extracellular")))
try:
    from_neuron("model.hoc")
except ExchangeError as error:
    out.append(str(error))
try:
    from_neuron([dend])
except ExchangeError as error:
    out.append(str(error))
out = dict(enumerate(out))
"""
    )
    out = in_neuron(code, tmp_path)
    for number, word in enumerate(("AlphaSynapse", "extracellular", "hoc", "soma")):
        assert word in out[str(number)]


def written() -> Neuron:
    """Return a neuron with a bit of everything that both can say."""
    shape = cylinder(20 * um, 20 * um, tag="soma").join(
        cone(300 * um, 3 * um, 1 * um, name="a'pical", tag="apical"), "soma", at=0.5
    )
    # Level by level, which is not the order from branch to child.
    shape = shape.join(tree(3, 90 * um, 3 * um, tag="basal"), "soma", at=0)
    cell = (
        Neuron(shape, PerBranch(1, {"a'pical": 5}), cable=Cable(R_a=150 * ohm * cm), celsius=20.0)
        .paint(Cable(C_m=2 * uF / cm**2, R_a=150 * ohm * cm), branch("a'pical"))
        .paint(Spines(Quantity(1.5)), branch("a'pical"))
        .paint(Leak(g=0.1 * mS / cm**2), scale=lambda d: 1 + d / 100)
        .paint(HHSodium(g=33 * mS / cm**2), branch("soma"))
        .paint([Sodium(), SodiumPump()], branch("soma"))
    )
    return cell.place(AMPA(), root_site, Events.at([1, 4] * ms), label="syn").place(
        Steps(0.1 * nA, onset=1 * ms, duration=5 * ms), root_site
    )


def test_a_neuron_comes_back_from_neuron(tmp_path):
    """Identical but for the single precision of points, and functions that became numbers."""
    cell = written()
    made = to_neuron(cell, tmp_path / "cell")
    compiler = Path(sys.executable).with_name("nrnivmodl")
    subprocess.run([str(compiler), "mod"], cwd=made.folder, check=True, capture_output=True)
    out = in_neuron(
        "import pickle\nfrom cell import Cell\nmade = Cell()\nh.celsius = made.content['celsius']\n"
        "back = from_neuron(made)\n"
        "open('back.pickle', 'wb').write(pickle.dumps(back))\nout = {}",
        made.folder,
    )
    assert out == {}
    import pickle

    back = pickle.loads((made.folder / "back.pickle").read_bytes())
    assert back.morphology.names == cell.morphology.names
    assert back.morphology.tags == cell.morphology.tags
    assert float(back.rest) == pytest.approx(float(cell.rest), rel=1e-15)
    assert back.celsius == cell.celsius
    for name in ("area_m2", "near_per_m", "parent_factor_per_m", "volume_m3"):
        mine, theirs = getattr(cell.compartments, name), getattr(back.compartments, name)
        assert np.allclose(mine, theirs, rtol=1e-6, atol=0)
    assert everywhere_alike(cell) == everywhere_alike(back)
    receptor = next(p for p in back.placed if p.label == "syn")
    assert receptor.part == AMPA()
    assert receptor.arrivals[0].time_s.tolist() == [0.001, 0.004]
    step = next(p.part for p in back.placed if isinstance(p.part, Steps))
    assert step == Steps(0.1 * nA, onset=1 * ms, duration=5 * ms)


def everywhere_alike(cell: Neuron) -> dict:
    """Return every painted value by compartment, to fourteen digits."""
    cut, found = cell.compartments, {}
    base = np.full((2, len(cut)), [[float(cell.cable.C_m)], [float(cell.cable.R_a)]])
    for painted in cell.painted:
        mask = painted.region.mask(cut)
        part, over = painted.part, profiles(painted, cut)
        scale = factors(painted, cut)
        if isinstance(part, Cable):
            base[:, mask] = [[float(part.C_m)], [float(part.R_a)]]
            continue
        for field in part.quantity_fields():
            full = found.setdefault((type(part).__name__, field), np.full(len(cut), np.nan))
            values = over.get(field, np.full(mask.sum(), float(getattr(part, field))))
            if scale is not None and field == painted.strength:
                values = values * scale
            full[mask] = values
    found |= {("cable", "C_m"): base[0], ("cable", "R_a"): base[1]}
    return {key: [f"{x:.13g}" for x in values] for key, values in found.items()}


def test_the_extra_is_named_without_neuron(monkeypatch):
    monkeypatch.setitem(sys.modules, "neuron", None)
    with pytest.raises(ImportError, match="neuron"):
        from_neuron([])


def test_a_mechanism_that_nobody_knows_is_refused(tmp_path):
    code = BUILT + (
        "\nfrom neurosim.exchange.mechanisms_in import parts_of\n"
        "try:\n    list(parts_of('kdr', {0: soma(0.5)}, {}, None)); out = ['read']\n"
        "except ExchangeError as error: out = [str(error)]\nout = {'said': out[0]}\n"
    )
    said = in_neuron(code, tmp_path)["said"]
    assert "'kdr' on soma" in said


MOD = """
NEURON { SUFFIX kslow  USEION k READ ek WRITE ik  RANGE gbar  GLOBAL tau }
PARAMETER { gbar = 0.001 (S/cm2)  tau = 20 (ms) }
STATE { n }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) }
INITIAL { n = 1/(1 + exp(-(v + 35)/10)) }
BREAKPOINT { SOLVE states METHOD cnexp  ik = gbar*n*(v - ek) }
DERIVATIVE states { n' = (1/(1 + exp(-(v + 35)/10)) - n)/tau }
"""


def test_a_mechanism_of_a_mod_file_comes_with_the_values_it_has_in_neuron(tmp_path):
    """RANGE, GLOBAL and the reversal potential of the section; the same step in both."""
    pytest.importorskip("neurosim.mod", reason="this version reads no MOD files")
    (tmp_path / "mod").mkdir()
    (tmp_path / "mod" / "kslow.mod").write_text(MOD)
    compiler = Path(sys.executable).with_name("nrnivmodl")
    subprocess.run([str(compiler), "mod"], cwd=tmp_path, check=True, capture_output=True)
    code = """
soma = h.Section(name="soma"); soma.L = soma.diam = 20; soma.nseg = 3
soma.insert("pas"); soma.insert("kslow"); soma.ek = -80
for k, segment in enumerate(soma): segment.kslow.gbar = 0.002*(1 + k)
h.tau_kslow, h.celsius, h.v_init, h.dt = 10, 30, -65, 0.025
clamp = h.IClamp(soma(0.5)); clamp.delay, clamp.dur, clamp.amp = 1, 100, 0.5
cell = from_neuron([soma], mod="mod")
v = h.Vector().record(soma(0.5)._ref_v)
h.finitialize(-65)
for _ in range(400): h.fadvance()
from neurosim.morphology import root_site
mine = simulate(cell.probe("v", root_site), 10*ms, dt=0.025*ms, record_dt=0.025*ms,
                scheme="backward-euler")
theirs = np.array(v)[1:]
out = {"apart": float(np.abs(np.asarray(mine.trace("v"))[0]*1e3 - theirs).max()),
       "rise": float(theirs.max()), "tau": float(cell.painted[1].part.tau)}
"""
    out = in_neuron(code, tmp_path)
    assert out["tau"] == pytest.approx(0.01)
    assert out["rise"] > -60
    assert out["apart"] < 1e-8


TEMPLATE = """
begintemplate Ball
public soma, dend, all
objref all
create soma, dend
proc init() {
  all = new SectionList()
  connect dend(0), soma(1)
  soma { L = 20  diam = 20  insert hh }
  dend { L = 200  diam = 2  nseg = 3  insert pas }
  forsec "" all.append()
}
endtemplate Ball
"""


def test_a_cell_of_a_hoc_template_is_read(tmp_path):
    code = f"h({TEMPLATE!r})\n" + (
        "cell = h.Ball()\nmade = from_neuron(cell)\n"
        "out = {'names': list(made.morphology.names), 'tags': list(made.morphology.tags),"
        " 'cut': len(made.compartments)}"
    )
    assert in_neuron(code, tmp_path) == {
        "names": ["soma", "dend"], "tags": ["soma", "dendrite"], "cut": 4,
    }  # fmt: skip
