"""A neuron in a page: its package, the script that runs it, and both beside Python."""

import base64
import inspect
import json
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms, mV, nA, nS, pA, um
from brian2.units.constants import faraday_constant

from experiments.explore.explored_neuron import RECEIVING, explored_neuron
from experiments.explore.kernel import composing, package
from experiments.explore.kernel.changed_together import (
    Together,
    changed_together,
    places_together,
)
from experiments.explore.kernel.composing import Asked
from experiments.explore.kernel.package import kernel_of, kernel_script, reach
from experiments.explore.kernel.page_agreement import agreement, driver
from experiments.explore.kernel.rows_apart import NotApartError, row_apart
from experiments.explore.kernel.slider_places import NotAffineError, find_places, follow
from experiments.explore.page_builder import page_part
from neurosim import (
    LIF,
    Constant,
    HodgkinHuxley,
    Neuron,
    PointNeuron,
    WhiteNoise,
    catalogue,
    settle,
    simulate,
)
from neurosim.catalogue import layer5_pump_cell, pumping_cell, textbook_neuron
from neurosim.channels import CalciumPool, Leak
from neurosim.clamps import VoltageClamp
from neurosim.errors import ParameterError
from neurosim.ions import Sodium
from neurosim.morphology import PerBranch, cone, cylinder
from neurosim.randomness import row_keys

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
needs_ziglang = pytest.mark.skipif(
    find_spec("ziglang") is None, reason="ziglang (extra 'explore') is not installed"
)


def node(code, given):
    """Run the kernel's script and then some code in node."""
    script = f"{driver(kernel_script())}\n{code}"
    done = subprocess.run(
        ["node", "-e", script], input=json.dumps(given), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def in_node(package, requests):
    code = """
    const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
    answers(new Uint8Array(Buffer.from(given.wasm, "base64")), given.pkg, given.requests)
        .then((found) => console.log(JSON.stringify(found)));
    """
    wasm = base64.b64encode(package.wasm).decode()
    asked = [asdict(one) for one in requests]
    return node(code, {"wasm": wasm, "pkg": package.to_json(), "requests": asked})


def test_a_batch_is_taken_apart_only_where_it_holds_a_number_a_cell():
    def doubles(*values):
        return np.array(values, dtype=float).tobytes()

    alone = {"g": doubles(5, 6), "shared": doubles(7), "0/settings": doubles(1), "parent": b"abc"}
    batch = {
        "g": doubles(1, 2, 3, 4), "shared": doubles(8, 9, 8, 9), "shared.count": doubles(4),
        "0/settings": doubles(2), "parent": b"abc",
    }  # fmt: skip
    second = row_apart(batch, alone, 1, 2)
    assert second == alone | {"g": doubles(2, 4), "shared": doubles(9)}
    for wrong in (
        {"g": doubles(1, 2, 3)},
        {"g": doubles(1, 2)},
        {"shared": doubles(8, 9, 8, 7)},
        {"more": doubles(1)},
        {"parent": b"abd"},
    ):
        with pytest.raises(NotApartError):
            row_apart(batch | wrong, alone, 1, 2)


@needs_ziglang
def test_values_that_are_tried_in_a_batch_tell_what_single_ones_tell(monkeypatch):
    # `free` is a share of at most 1, of which twice the value is refused; of ions, twenty values
    # are tried.
    only = {"sodium.free", "sodium.outside", "sodium_leak.g", "hh_sodium.g", "sodium_pump.K_ATP"}
    composed = Asked.composed
    runs = []

    def counted(self, changes, *more):
        runs.append(changes)
        return composed(self, changes, *more)

    monkeypatch.setattr(Asked, "composed", counted)

    def looked_for():
        runs.clear()
        neuron = pumping_cell()
        asked = Asked(neuron, Constant(1 * nA), 5 * ms, settle(neuron, 1 * ms), None, (), None, 0)
        shares = []
        maker = package._Maker(asked, {}, asked.composed({}, None, 0))
        found = maker.parameters(only & set(maker.places), shares.append)
        assert shares[-1] == 1
        assert len(shares) == len(only & set(maker.places)) >= 4
        return found, len(runs)

    together, few = looked_for()
    monkeypatch.setattr(package, "row_apart", lambda *_: pytest.fail("not asked for"))
    monkeypatch.setattr(package._Maker, "_at_once", lambda *_: None)
    one_by_one, many = looked_for()
    assert together == one_by_one
    assert few < 0.6 * many


@needs_node
def test_the_page_says_in_words_why_a_run_ended():
    at = "group 0 cell 0 compartment 3 time 0.0012"
    code = (
        f"globalThis.self = {{}};\n{page_part('kernel_worker.js')}\n"
        + """
    const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
    console.log(JSON.stringify(given.map(inWords)));
    """
    )
    told = [f"fell {at} part pump field V_pole", f"depleted {at} ion na side inside",
            f"diverged {at}", "V_reset must lie below V_th"]  # fmt: skip
    fell, emptied, diverged, other = node(code, told)
    assert fell.startswith("the potential fell to pump.V_pole after 1.2 ms")
    assert emptied == "the concentration of na inside fell to zero after 1.2 ms"
    assert diverged.startswith("the potential left -10 to 10 V before 1.2 ms")
    assert other == told[-1]


@needs_node
def test_the_script_has_the_keys_of_python():
    seeds = [0, 1, 7, 2**40 + 5, -3]
    units = [0, 3, 1 << 33]
    code = """
    const pairs = JSON.parse(require("fs").readFileSync(0, "utf8"));
    console.log(JSON.stringify(pairs.map(([seed, unit]) => Kernel.keys(seed, unit))));
    """
    pairs = [(seed, str(unit)) for seed in seeds for unit in units]
    found = node(code, pairs)
    for (seed, unit), (low, high) in zip(pairs, found, strict=True):
        expected = row_keys(np.array([seed]), np.array([int(unit)]))
        assert (low, high) == (expected[0][0], expected[1][0])


def test_places_tell_copies_products_and_lines():
    def run(p):
        return {"a": np.array([p, 1.0]), "b": np.array([2 * p, 5 * p]), "c": np.array([p - 0.06])}

    values = [1.0, 0.5, 2.0, 1.1]
    runs = [{name: x.tobytes() for name, x in run(p).items()} for p in values]
    a, b, c = find_places(values, runs, ["c"])
    assert (a.file, a.at, a.factors, a.offset, a.rows) == ("a", (0,), (1.0,), 0.0, False)
    assert (b.at, b.factors, b.offset) == ((0, 1), (2.0, 5.0), 0.0)
    assert c.rows
    assert c.offset == pytest.approx(-0.06)


@pytest.mark.parametrize("valence", [1, 2, -1])
def test_a_product_and_a_quotient_are_told_to_the_last_digit(valence):
    per, widths = 1 / (valence * float(faraday_constant)), np.array([3.7e-7, 5.0e-7, 9.1e-7])
    values = [1.0, *np.linspace(0.5, 2, 18).tolist()]
    runs = [{"sodium_per_inside": (per * p / widths).tobytes()} for p in values]
    random = np.random.default_rng(2)
    (place,) = found = find_places(values, runs, [])
    wrong = 0
    for p in random.uniform(0.5, 2, 200):
        told = np.array(place.factors) * p / np.array(place.divisors)
        np.testing.assert_array_equal(told, per * p / widths)
        wrong += np.any(per / widths * p != per * p / widths)
    # One factor in place of both would not do.
    assert len(found) == 1
    assert wrong > 0
    assert place.to_json()["divisors"] == list(place.divisors)


def test_two_products_are_told_to_the_last_digit():
    # The factor of all places multiplies the conductance of each, and then the temperature does.
    conductances, warmth = np.array([0.5255605396995028, 20.100310669413457]), 1.1812601880431084
    values = [1.0, *np.linspace(0.5, 2, 20).tolist()]
    runs = [{"g": (conductances * p * warmth).tobytes()} for p in values]
    known = [3.0, *conductances.tolist()]
    (place,) = find_places(values, runs, [], known)
    assert follow([place], values, runs)
    assert not follow(find_places(values, runs, []), values, runs)
    given = {"places": [place.to_json()], "values": np.random.default_rng(3).uniform(0.5, 2, 50)}
    code = """
    const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
    const pkg = { parameters: [{ name: "p", places: given.places }] };
    console.log(JSON.stringify(given.values.map((p) => {
        const files = { g: new Uint8Array(16) };
        Kernel.set(files, pkg, "p", p);
        return Array.from(new Float64Array(files.g.buffer));
    })));
    """
    values = given["values"]
    expected = conductances * values[:, np.newaxis] * warmth
    np.testing.assert_array_equal([place.numbers(p) for p in values], expected)
    if shutil.which("node") is not None:
        told = node(code, given | {"values": values.tolist()})
        np.testing.assert_array_equal(told, expected)


@pytest.mark.parametrize(
    "pool",
    [
        Sodium(diffusion=0.6 * um**2 / ms),
        Sodium(diffusion=0.6 * um**2 / ms, shells=3),
        CalciumPool(depth=0.1 * um, diffusion=0.22 * um**2 / ms),
    ],
    ids=["cross-section", "shells", "under the membrane"],
)
def test_one_coefficient_of_diffusion_is_a_factor_of_every_link(pool):
    shape = cylinder(20 * um, 20 * um, name="soma")
    shape = shape.join(cone(100 * um, 2.3 * um, 0.7 * um, name="dendrite"), "soma")
    cell = Neuron(shape, PerBranch(5)).paint(Leak()).paint(pool)
    name = next(n for n in Asked(cell, None, 1 * ms, None, None, (), None, 0).places()
                if n.endswith(".diffusion"))  # fmt: skip
    asked = Asked(cell, None, 1 * ms, None, None, (), None, 0)
    values = [float(pool.diffusion) * share for share in (1, 0.5, 2, 0.73, 1.39, 1.7)]
    unit = um**2 / ms
    runs = [asked.composed({name: p / float(unit) * unit}, None, 0).files for p in values]
    assert follow(find_places(values, runs, []), values, runs)


@pytest.mark.parametrize("bent", [np.exp, lambda p: np.zeros(int(4 * p)), np.zeros_like])
def test_what_is_no_line_of_a_parameter_is_refused(bent):
    values = [1.0, 0.5, 2.0, 1.1]
    runs = [{"a": np.atleast_1d(bent(np.array(p))).tobytes()} for p in values]
    with pytest.raises(NotAffineError):
        find_places(values, runs, [])


def test_the_table_of_the_page_beside_python_has_every_neuron_of_the_catalogue():
    page = (Path(__file__).parents[2] / "docs" / "explorer.md").read_text(encoding="utf-8")
    table = page.partition("<!-- agreement -->")[2].partition("<!-- agreement end -->")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    made = {}
    for name in catalogue.__all__:
        thing = getattr(catalogue, name)
        given = inspect.signature(thing).parameters.values()
        if all(one.default is not one.empty for one in given):
            made[name] = thing()
    cells = {name for name, one in made.items() if isinstance(one, (Neuron, PointNeuron))}
    assert named == cells
    assert len(cells) > 20


def test_several_values_get_one_factor_or_shift():
    cell = textbook_neuron()
    found = places_together(cell)
    assert "traub_miles_sodium.g" in found.replaced
    assert "traub_miles_sodium.E" not in found.replaced
    changes = {"traub_miles_sodium.g.factor": 2, "traub_miles_sodium.V_T.shift": 3 * mV}
    made = changed_together(cell, changes)
    for before, after in zip(cell.painted, made.painted, strict=True):
        if before.label == "traub_miles_sodium":
            assert float(after.part.g) == pytest.approx(2 * float(before.part.g))
            assert float(after.part.V_T) == pytest.approx(float(before.part.V_T) + 0.003)
        else:
            assert after.part == before.part


@pytest.mark.parametrize("default", [0.0131, 0.002, -0.002, -0.013])
def test_a_slope_does_not_reach_through_0(default):
    """As `f` of the low-voltage calcium current in `layer5_pump_cell`, 13 mV, which divides."""
    low, high = reach("low_voltage_elsewhere.f", default, "volt")
    assert low < default < high
    assert low * high > 0


def test_other_potentials_reach_20_mV_to_either_side():
    for default in (-0.07, 0.05, 0.0):
        assert reach("leak.E", default, "volt") == (default - 0.02, default + 0.02)


def test_two_capacitances_get_one_factor():
    # The spiny dendrites of this cell have twice the capacitance of its soma.
    cell = layer5_pump_cell()
    assert "cable.C_m" in places_together(cell).replaced
    made = changed_together(cell, {"cable.C_m.factor": 3})
    before, after = (
        [painted.part.C_m for painted in one.painted if painted.label == "cable"]
        for one in (cell, made)
    )
    assert len({float(C_m) for C_m in before}) == 2
    np.testing.assert_allclose([float(a / b) for a, b in zip(after, before, strict=True)], 3)


@pytest.mark.slow
@needs_ziglang
def test_one_value_for_what_differs_between_places_is_refused(monkeypatch):
    # As a slider it would change the neuron before anybody moved it.
    for module in (package, composing):
        monkeypatch.setattr(module, "places_together", lambda _: Together(set(), {}))
    cell = layer5_pump_cell()
    asked = Asked(cell, Constant(1 * nA), 5 * ms, None, None, (), None, 0)
    maker = package._Maker(asked, {}, asked.composed({}, None, 0))
    found, left_out = maker.parameters({"cable.C_m"}, None)
    assert [one.name for one in found] == ["duration"]
    assert "other values than this one in some places" in left_out["cable.C_m"]


def test_clamps_are_refused():
    with pytest.raises(ParameterError, match="clamp"):
        Asked(HodgkinHuxley(), VoltageClamp(), 1 * ms, None, None, (), None, 0)


@pytest.mark.slow
@needs_node
@needs_ziglang
class TestInNode:
    """A few sets of parameters; `benchmarks/page_kernel.py` has all neurons."""

    @pytest.mark.parametrize(
        ("make", "duration", "current"),
        [(LIF, 200 * ms, 200 * pA), (HodgkinHuxley, 50 * ms, 100 * pA)],
    )
    def test_point_neurons_fire_the_same_spikes(self, make, duration, current):
        found = agreement(make(), duration, current, in_node, sets=4)
        assert found.spikes > 0
        assert found.counts_equal
        assert found.most_s == 0
        assert found.same_bits

    def test_the_textbook_neuron_is_within_rounding(self):
        found = agreement(textbook_neuron(), 50 * ms, 1 * nA, in_node, sets=4)
        assert found.spikes > 0
        assert found.counts_equal
        assert found.most_s <= 1e-9
        assert found.most_V <= 1e-10
        assert found.same_bits

    def test_rows_and_refusals(self):
        package = kernel_of(LIF(), 200 * ms, Constant(200 * pA))
        code = """
        const given = JSON.parse(require("fs").readFileSync(0, "utf8")), pkg = given.pkg;
        Kernel.load(new Uint8Array(Buffer.from(given.wasm, "base64"))).then((kernel) => {
            const files = Kernel.inputs(pkg);
            Kernel.untraced(files, pkg);
            Kernel.widen(files, pkg, 3);
            Kernel.set(files, pkg, "constant.current", [0, 2e-10, 4e-10]);
            const counts = [0, 0, 0];
            for (const spike of Kernel.read(kernel.run(files), pkg).spikes) counts[spike.row]++;
            const said = [];
            for (const wrong of [
                () => Kernel.set(files, pkg, "tau", 1),
                () => Kernel.set(files, pkg, "tau_m", [1, 2, 3]),
                () => kernel.run({}),
            ]) try { wrong(); } catch (error) { said.push(error.message); }
            const refusal = Kernel.refusal(pkg, { E_L: -0.05 });
            console.log(JSON.stringify({ counts, said, refusal }));
        });
        """
        wasm = base64.b64encode(package.wasm).decode()
        found = node(code, {"wasm": wasm, "pkg": package.to_json()})
        currents = [0, 200, 400] * pA
        beside = simulate(LIF(), 200 * ms, batch={"current": currents}).counts()
        assert found["counts"] == beside.tolist()
        assert "no parameter tau; known are" in found["said"][0]
        assert "one value for all rows" in found["said"][1]
        assert "'settings' is missing" in found["said"][2]
        assert found["refusal"].startswith("E_L must lie below V_th")

    def test_placed_synapses_act_as_in_python(self):
        stimulus = Constant(0 * pA) + WhiteNoise()
        package = kernel_of(explored_neuron(), 15 * ms, stimulus, record=(), seed=3)
        neuron = explored_neuron(
            [("apical", 0.5), ("basal[1]", 0.9), ("apical", 0.5)],
            [("soma", 0.5)],
            inhibitory_peak=5 * nS,
            excitatory_time=2.31 * ms,
            inhibitory_time=6 * ms,
        )
        sites = RECEIVING.compartments(neuron.compartments).tolist()
        apical, basal, soma = (
            sites.index(neuron.compartments.at(*place))
            for place in [("apical", 0.5), ("basal[1]", 0.9), ("soma", 0.5)]
        )
        code = """
        const given = JSON.parse(require("fs").readFileSync(0, "utf8")), pkg = given.pkg;
        Kernel.load(new Uint8Array(Buffer.from(given.wasm, "base64"))).then((kernel) => {
            const files = Kernel.inputs(pkg), said = [];
            for (const [label, event] of [
                ["dopamine", { site: 0, time: 0, weight: 1 }],
                ["excitatory", { site: 4000, time: 0, weight: 1 }],
                ["excitatory", { site: 0, time: -1, weight: 1 }],
            ]) try { Kernel.arrive(files, pkg, label, [event]); }
               catch (error) { said.push(error.message); }
            for (const label of ["excitatory", "inhibitory"])
                Kernel.arrive(files, pkg, label, given.events[label]);
            const found = Kernel.read(kernel.run(files), pkg);
            const cell = Object.keys(found.traces).filter((name) => name.startsWith("cell["));
            console.log(JSON.stringify(
                { said, cell: cell.map((name) => Array.from(found.traces[name][0])) }));
        });
        """
        excitatory = [
            {"site": basal, "time": 2.31e-3, "weight": 4},
            {"site": apical, "time": 2.31e-3, "weight": 8},
        ]
        events = {
            "excitatory": excitatory,
            "inhibitory": [{"site": soma, "time": 6e-3, "weight": 10}],
        }
        wasm = base64.b64encode(package.wasm).decode()
        found = node(code, {"wasm": wasm, "pkg": package.to_json(), "events": events})
        assert "no receptors dopamine" in found["said"][0]
        assert "no site 4000" in found["said"][1]
        assert "must not be negative" in found["said"][2]
        recording = simulate(neuron, 15 * ms, stimulus=stimulus, seed=3)
        values = np.asarray(recording.matrix("cell").values)
        shown = np.array(found["cell"]).T
        # Both kinds of synapses are seen: a depolarisation that an hyperpolarisation ends.
        assert np.ptp(values[0, :, 0]) > 5e-4
        np.testing.assert_allclose(shown, values[0], rtol=0, atol=1e-10)

    def test_parameters_that_move_the_rest_of_gates_are_left_out(self):
        package = kernel_of(HodgkinHuxley(), 20 * ms, Constant(100 * pA))
        assert "no straight line" in package.left_out["V_init"]
        assert {"g_Na", "E_K", "constant.current"} <= {one.name for one in package.parameters}


@pytest.mark.slow
@needs_ziglang
def test_the_benchmark_names_its_neurons():
    script = Path(__file__).parents[2] / "benchmarks" / "page_kernel.py"
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True)
    assert "textbook_neuron" in done.stdout
