"""Models of the Allen Institute: the rules that shape them, what covers them, what is refused."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brian2.units import cm, mV, nA, siemens, uF

from neurosim import Steps, simulate
from neurosim.allen import AllenError, from_allen, read_allen_fit
from neurosim.errors import ModError
from neurosim.morphology import root_site
from tests.neurosim.allen_texts import SWC, all_active, perisomatic, write_model

WHOLE_CELLS = Path(__file__).parents[2] / "benchmarks" / "whole_cells.py"
needs_neuron = pytest.mark.skipif(
    importlib.util.find_spec("neuron") is None, reason="NEURON is not installed: extra 'neuron'"
)


def painted(cell, name):
    """Return by region what is painted under a name."""
    return {str(p.region): p.part for p in cell.painted if p.label == name}


def test_a_stub_takes_the_place_of_the_axon(tmp_path):
    cell = from_allen(write_model(tmp_path, perisomatic()))
    shape = cell.morphology
    assert [name for name in shape.names if name.startswith("axon")] == ["axon[0]", "axon[1]"]
    assert np.allclose(shape["axon[0]"].diameters_m, 1e-6)
    assert np.allclose(shape["axon[1]"].diameters_m, 1e-6)
    assert np.allclose(float(shape["axon[0]"].length), 30e-6)
    assert (shape["axon[0]"].parent, shape["axon[0]"].attach) == ("soma", 0.5)
    assert (shape["axon[1]"].parent, shape["axon[1]"].attach) == ("axon[0]", 1.0)


def test_a_truncated_axon_is_as_thick_as_the_reconstructed_one(tmp_path):
    shape = from_allen(write_model(tmp_path, all_active())).morphology
    # The first section is 91 um long, 1.8 um thick at its beginning, 1.4 after 41 um, 1 at its end;
    # its middle compartment of five goes from 36.4 to 54.6 um.
    at_low, at_high = 1.8 - 0.4 * 36.4 / 41, 1.4 - 0.4 * 13.6 / 50
    first = (4.6 * (at_low + 1.4) / 2 + 13.6 * (1.4 + at_high) / 2) / 18.2
    assert np.allclose(shape["axon[0]"].diameters_m, first * 1e-6)
    # Its middle lies 53.5 um from the beginning of the soma, that of the next section beyond 60.
    assert np.allclose(shape["axon[1]"].diameters_m, 0.9e-6)
    assert (shape["axon[0]"].parent, shape["axon[0]"].attach) == ("soma", 1.0)
    stub = from_allen(tmp_path, axon="stub").morphology
    assert np.allclose(stub["axon[0]"].diameters_m, 1e-6)


def test_compartments_follow_the_rule_of_40_um(tmp_path):
    cell = from_allen(write_model(tmp_path, perisomatic()))
    cut = cell.compartments
    counts = dict(zip(cut.branch_names, np.bincount(cut.branch).tolist(), strict=True))
    # Lengths of 16, 30, 30, 50 (from the first point on), 58.3, 53.9 and 160 um.
    assert counts == {
        "soma": 1, "axon[0]": 1, "axon[1]": 1, "basal[0]": 3, "basal[1]": 3, "basal[2]": 3,
        "apical[0]": 9,
    }  # fmt: skip


def test_what_covers_a_perisomatic_model(tmp_path):
    cell = from_allen(write_model(tmp_path, perisomatic()))
    assert (cell.celsius, float(cell.rest / mV)) == (34.0, -78.25)
    assert painted(cell, "NaQ").keys() == {"tagged('soma')"}
    (sodium,), (potassium,) = painted(cell, "NaQ").values(), painted(cell, "KQ").values()
    assert np.isclose(float(sodium.gbar / (siemens / cm**2)), 0.5, rtol=1e-15)
    assert (float(sodium.E / mV), float(potassium.E / mV)) == (53.0, -107.0)
    assert float(potassium.vhalf / mV) == -30.0
    leaks = painted(cell, "leak")
    assert len(leaks) == 4
    assert all(np.isclose(float(one.E / mV), -78.25) for one in leaks.values())
    cables = painted(cell, "cable")
    assert np.isclose(float(cables["tagged('apical')"].C_m / (uF / cm**2)), 2.5)
    assert np.isclose(float(cell.cable.C_m / (uF / cm**2)), 1.0)


def test_an_all_active_model_has_channels_everywhere(tmp_path):
    cell = from_allen(write_model(tmp_path, all_active()))
    assert len(painted(cell, "NaQ")) == 4
    assert len(painted(cell, "CaQ")) == 1
    assert np.isclose(float(painted(cell, "leak")["tagged('axon')"].E / mV), -77.5)


def test_what_the_file_says_is_told_as_it_is(tmp_path):
    folder = write_model(tmp_path, perisomatic())
    told = read_allen_fit(folder / "fit_parameters.json")
    assert (told.kind, told.junction_potential_mV) == ("perisomatic", -14.0)
    assert told.mechanisms["PoolQ"] == {"soma": {"decay": 120.0}}


def test_such_a_cell_fires(tmp_path):
    from brian2 import ms

    cell = from_allen(write_model(tmp_path, perisomatic()))
    step = Steps(0.3 * nA, onset=5 * ms, duration=100 * ms)
    found = simulate(cell.place(step, root_site), 60 * ms)
    assert found.counts()[0] >= 2


def change(**blocks):
    return lambda told: told.update(blocks)


def row(**values):
    new = {"section": "soma", "mechanism": "NaQ", "name": "gbar_NaQ", "value": 1} | values
    return lambda told: told["genome"].append(new)


def without(section, name):
    def changed(told):
        kept = [one for one in told["genome"] if (one["section"], one["name"]) != (section, name)]
        told["genome"] = kept

    return changed


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda told: told.pop("genome"), "no fit file .* genome not found"),
        (change(more=1), "the file has 'more', whose meaning is not known"),
        (change(passive=[]), "passive holds one block"),
        (lambda told: told["passive"][0].pop("e_pas"), "passive gives cm alone"),
        (lambda told: told["passive"][0]["cm"].pop(2), "gives no cm for dend"),
        (without("apic", "g_pas"), "gives no g_pas for apic"),
        (lambda told: told["conditions"][0].update(celsius="warm"), "celsius .* got 'warm'"),
        (lambda told: told["conditions"][0].update(erev=[]), "which reads ena, into soma"),
        (row(section="glob", name="x"), "sets 'x' for all of NEURON"),
        (row(section="spine"), "section 'spine': known are soma, axon, dend, apic"),
        (row(name="gbar_KQ"), "'gbar_KQ' is no parameter of NaQ"),
        (row(name="gmax_NaQ"), "gives gmax of NaQ in soma"),
        (row(mechanism="NoSuch", name="g_NoSuch"), "no MOD file in .* has SUFFIX NoSuch"),
        (row(mechanism="", name="gbar_NaQ"), "'gbar_NaQ' without a mechanism"),
        (row(value=float("nan")), "gbar_NaQ of soma is a finite number"),
        (row(value=[1]), "gbar_NaQ of soma is a finite number"),
    ],
)
def test_a_fit_file_that_means_something_else_is_refused(tmp_path, changed, said):
    told = perisomatic()
    changed(told)
    folder = write_model(tmp_path, told)
    with pytest.raises(AllenError, match=said):
        from_allen(folder)


@pytest.mark.parametrize(
    ("swc", "axon", "said"),
    [
        (SWC + "13 5 200 0 0 1 4\n", None, "none of soma, axon, basal and apical"),
        (SWC.replace("1 1 0 0 0 8 -1", "1 3 0 0 0 8 -1"), None, "has no soma"),
        (SWC + "13 3 99 9 9 1 -1\n14 3 120 9 9 1 13\n", None, "only pieces of axon"),
        (SWC + "13 3 0 -160 0 1 11\n14 3 0 -190 0 1 13\n", None, "hangs on the axon"),
        (SWC + "13 2 99 9 9 1 -1\n14 2 120 9 9 1 13\n", "truncated", "hang on nothing"),
        ("\n".join(SWC.splitlines()[:7]), "truncated", "has no axon .* to truncate"),
    ],
)
def test_a_shape_that_is_no_such_model_is_refused(tmp_path, swc, axon, said):
    told = perisomatic() if axon is None else all_active()
    folder = write_model(tmp_path, told, swc)
    with pytest.raises(AllenError, match=said):
        from_allen(folder, axon=axon)


def test_pieces_of_axon_that_hang_on_nothing_go_with_the_axon(tmp_path):
    loose = SWC + "13 2 99 9 9 1 -1\n14 2 120 9 9 1 13\n"
    whole = from_allen(write_model(tmp_path / "whole", perisomatic())).morphology
    assert from_allen(write_model(tmp_path / "loose", perisomatic(), loose)).morphology == whole


def test_files_that_are_missing_or_doubtful_are_named(tmp_path):
    folder = write_model(tmp_path, perisomatic())
    with pytest.raises(AllenError, match=r"axon='truncated'.*perisomatic model.*'stub'"):
        from_allen(folder, axon="truncated")
    with pytest.raises(AllenError, match="there is no folder"):
        from_allen(folder, mod=tmp_path / "elsewhere")
    (folder / "other.swc").write_text(SWC)
    with pytest.raises(AllenError, match=r"no single reconstruction.*other.swc, reconstruction"):
        from_allen(folder)
    from_allen(folder, folder / "other.swc")
    (folder / "fit_parameters.json").write_text("{")
    with pytest.raises(AllenError, match="it is no JSON"):
        from_allen(folder, folder / "other.swc")
    (folder / "fit_parameters.json").write_text("[" * 100_000)
    with pytest.raises(AllenError, match="it is no JSON"):
        from_allen(folder, folder / "other.swc")


def test_a_mod_file_that_is_refused_says_where(tmp_path):
    folder = write_model(tmp_path, perisomatic())
    path = folder / "modfiles" / "KQ.mod"
    path.write_text(path.read_text() + "VERBATIM\nx();\nENDVERBATIM\n")
    with pytest.raises(ModError, match=r"KQ.mod, line 8: VERBATIM"):
        from_allen(folder)


@needs_neuron
@pytest.mark.slow
@pytest.mark.parametrize("told", [perisomatic, all_active])
def test_spikes_are_those_of_neuron_by_the_rules_of_the_allensdk(tmp_path, told):
    folder = write_model(tmp_path, told())
    run = subprocess.run(
        [sys.executable, str(WHOLE_CELLS), str(folder), "--cells", "2", "--race", "5"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    rows = [line.split() for line in run.stdout.splitlines() if line.startswith("step of")]
    assert len(rows) == 3
    for *_, ours, theirs, apart, unit, _left, _us, _tolerance, last in rows:
        assert ours == theirs, run.stdout
        assert int(ours) >= 5
        assert (unit, last) == ("us", "us"), run.stdout
        assert float(apart) < 20
    assert "2 cells for 5 ms" in run.stdout


def test_the_models_of_these_tests_are_json(tmp_path):
    assert json.loads(json.dumps(all_active())) == all_active()
