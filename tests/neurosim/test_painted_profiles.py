"""Parts that differ from compartment to compartment: functions of the place, arrays, refusals."""

import numpy as np
import pytest
from brian2 import Quantity, cm, mS, ms, mV, nA, ohm, uF, um

from neurosim import Neuron, Steps, simulate
from neurosim.channels import CalciumPool, CalciumT, HCurrent, Leak
from neurosim.describe.parts import Cable, Spines
from neurosim.errors import NeurosimError, ParameterError, UnitError, UnknownNameError
from neurosim.morphology import PerBranch, at, cone, cylinder, everywhere, numbered, tagged
from neurosim.synapses import AMPA, Events

SHAPE = (
    cylinder(20 * um, 20 * um, name="soma", tag="soma")
    .join(cone(300 * um, 6 * um, 2 * um, name="apical", tag="apical"))
    .join(cylinder(200 * um, 1 * um, name="basal", tag="basal", direction=(0, 1, 0)), "soma", at=0)
)
RULE = PerBranch(1, {"apical": 10, "basal": 7})


def bare(**options):
    return Neuron(SHAPE, RULE, rest=-70 * mV, **options)


def read(cell, variable, region=everywhere):
    """A variable of each compartment of a region after one step."""
    found = simulate(cell.probe(variable, region, label="x"), 0.1 * ms, dt=0.1 * ms, engine="numpy")
    return np.asarray(found.matrix("x").values)[0, 0]


def conductances(cell):
    """What the leak's conductance is in each compartment, from its current at the first step."""
    return read(cell, "leak.current") / (-60e-3 - -70e-3)


LEAK = Leak(g=1 * mS / cm**2, E=-60 * mV)


@pytest.mark.parametrize(
    ("of", "scale"),
    [
        ("distance", lambda d: 1 + d / 100),
        ("diameter", lambda d: d**2),
        ("x", lambda x: np.where(x > 50, 2.0, 0.5)),
        (("x", "y", "z"), lambda x, y, z: np.sqrt(x**2 + y**2 + z**2)),
        (("distance", "diameter"), lambda d, wide: d / wide),
        ("y", lambda y: 3.0),
    ],
)
def test_a_conductance_is_a_function_of_the_place(of, scale):
    cell = bare().paint(LEAK, scale=scale, of=of)
    cut = cell.compartments
    places = {
        "distance": cut.distance_m, "diameter": cut.diameter_m,
        **dict(zip("xyz", cut.xyz_m.T, strict=True)),
    }  # fmt: skip
    told = [places[name] * 1e6 for name in ([of] if isinstance(of, str) else of)]
    np.testing.assert_allclose(conductances(cell), 10 * scale(*told) * np.ones(18), rtol=1e-9)


def test_a_conductance_is_an_array_by_compartment():
    factors = np.random.default_rng(3).uniform(0, 3, 18)
    np.testing.assert_allclose(conductances(bare().paint(LEAK, scale=factors)), 10 * factors)
    # Of a region: an array over it, or over the whole neuron; patches may cut the region up.
    apical = bare().compartments.branch == 1
    for given in (factors[apical], factors.tolist()):
        cell = bare().paint(Leak(), tagged("soma", "basal"))
        cell = cell.paint(CalciumPool(), at_some(cell)).paint(LEAK, tagged("apical"), scale=given)
        found = conductances(cell.probe("v", at("soma")))
        np.testing.assert_allclose(found[apical], 10 * factors[apical])


def at_some(cell):
    """Every second compartment, so that what covers a branch falls into several patches."""
    return numbered(range(0, len(cell.compartments), 2))


def test_a_function_that_is_written_for_its_region_is_not_called_for_less():
    # Ten values for the ten compartments of the branch, whichever patches they fall into.
    values = np.linspace(1, 2, 10)
    cell = bare().paint(Leak(), tagged("soma", "basal"))
    cell = cell.paint(CalciumPool(), at_some(cell)).paint(
        LEAK, tagged("apical"), scale=lambda x: values
    )
    apical = cell.compartments.branch == 1
    np.testing.assert_allclose(conductances(cell)[apical], 10 * values)


def test_any_parameter_differs_by_compartment():
    reversal = np.linspace(-80, -50, 18)
    cell = bare().paint(Leak(g=1 * mS / cm**2), values={"E": reversal * mV})
    np.testing.assert_allclose(read(cell, "leak.current"), 10 * (reversal + 70) * 1e-3)
    thin = bare().paint(
        LEAK, of="diameter", values={"g": lambda d: d * mS / cm**2, "E": lambda d: -60 * mV}
    )
    wide = thin.compartments.diameter_m * 1e6
    np.testing.assert_allclose(conductances(thin), 10 * wide)
    # With a scale on top, and a batch of what does not differ.
    both = thin.replace(painted=()).paint(
        LEAK, of="diameter", scale=lambda d: d, values={"E": reversal * mV}
    )
    both = both.probe("leak.current", everywhere, label="I")
    batch = {"leak.g": [1, 3] * mS / cm**2}
    found = np.asarray(
        simulate(both, 0.1 * ms, dt=0.1 * ms, batch=batch, engine="numpy").matrix("I").values
    )[:, 0]
    one = 10 * wide * (reversal + 70) * 1e-3
    np.testing.assert_allclose(found, [one, 3 * one], rtol=1e-12)
    with pytest.raises(ParameterError, match=r"leak\.E has a value of its own in each"):
        simulate(both, 1 * ms, batch={"leak.E": [-60, -70] * mV}, engine="numpy")


def test_cable_and_spines_differ_by_compartment():
    capacitance = np.linspace(0.5, 2, 18)

    def end(cell):
        stimulus = Steps(1 * nA, 0 * ms, 1 * ms)
        found = simulate(cell, 1 * ms, stimulus=stimulus, dt=0.05 * ms, engine="numpy")
        return found.final_v_si[:, 0]

    cell = bare().paint(LEAK)
    varied = cell.paint(Cable(), values={"C_m": capacitance * uF / cm**2})
    steps = cell
    for k, value in enumerate(capacitance):
        steps = steps.paint(Cable(C_m=value * uF / cm**2), numbered([k]))
    np.testing.assert_allclose(end(varied), end(steps), rtol=1e-12)
    rising = lambda d: (100 + d) * ohm * cm  # noqa: E731
    higher = cell.paint(Cable(), values={"R_a": rising})
    assert end(higher)[0] > end(cell)[0] + 1e-4
    spiny = cell.paint(Spines(), tagged("apical"), values={"factor": lambda d: 1 + d / 100})
    flat = cell.paint(Spines(factor=1), tagged("apical"))
    np.testing.assert_allclose(end(flat), end(cell), rtol=1e-12)
    assert np.abs(end(spiny) - end(cell)).max() > 1e-4


@pytest.mark.parametrize(
    "wrong",
    [
        {"scale": lambda x: 1.0 if x < 100 else 2.0},
        {"scale": lambda x: x[:-1]},
        {"scale": lambda x: [1.0, 2.0]},
        {"scale": lambda x: "dense"},
        {"scale": lambda x: None},
        {"scale": lambda x: 1 / 0},
        {"scale": lambda x: x / (x - x)},
        {"scale": lambda x: -x},
        {"scale": lambda x: x * mS / cm**2},
        {"scale": lambda x: x + 1j},
        {"scale": lambda: 1.0},
        {"scale": lambda x, y: x, "of": "x"},
        {"scale": lambda x: x, "of": "height"},
        {"scale": np.ones(17)},
        {"scale": np.ones((18, 1))},
        {"scale": ["a"] * 18},
        {"scale": [1, [2, 3]]},
        {"scale": np.full(18, np.nan)},
        {"values": {"g": np.ones(18)}},
        {"values": {"g": -np.ones(18) * mS / cm**2}},
        {"values": {"g": lambda x: x * mV}},
        {"values": {"gg": np.ones(18) * mS / cm**2}},
        {"values": [1, 2]},
    ],
)
def test_what_is_no_profile_is_refused_when_it_is_painted(wrong):
    with pytest.raises(NeurosimError, match=r"leak|paint"):
        bare().paint(Leak(), **wrong)
    for part in (Cable(), Spines(), CalciumPool()):
        with pytest.raises(NeurosimError):
            bare().paint(part, **wrong)


def test_a_profile_that_does_not_fit_another_cut_is_refused_when_it_runs():
    cell = bare().paint(LEAK, scale=np.ones(18))
    with pytest.raises(ParameterError, match="each of the 12 compartments"):
        simulate(cell.replace(rule=PerBranch(4)), 1 * ms, engine="numpy")
    hidden = {"bad": False}

    def scale(x):
        return x[:1] if hidden["bad"] else x

    cell = bare().paint(LEAK, scale=scale)
    hidden["bad"] = True
    with pytest.raises(ParameterError, match="each of the 18"):
        simulate(cell, 1 * ms, engine="numpy")


def test_two_profiles_are_two_neurons():
    told = [
        str(bare().paint(LEAK, **options).to_dict())
        for options in (
            {}, {"scale": np.ones(18)}, {"scale": np.full(18, 2.0)},
            {"values": {"g": np.ones(18) * mS / cm**2}}, {"values": {"E": np.ones(18) * mV}},
        )
    ]  # fmt: skip
    assert len(set(told)) == len(told)


# ---- conductances that follow the temperature ------------------------------------------------


def test_a_conductance_follows_its_q10():
    warm = bare(celsius=33.0).paint(Leak(g=1 * mS / cm**2, E=-60 * mV, q10_g=1.5))
    np.testing.assert_allclose(conductances(warm), 10 * 1.5, rtol=1e-9)
    cold = bare(celsius=13.0).paint(
        Leak(g=1 * mS / cm**2, E=-60 * mV, q10_g=1.5), scale=np.full(18, 2.0)
    )
    np.testing.assert_allclose(conductances(cold), 10 * 2 / 1.5, rtol=1e-9)
    # A batch gives the value at the reference temperature, too.
    found = simulate(
        warm.probe("leak.current", at("soma"), label="I"), 0.1 * ms, dt=0.1 * ms,
        batch={"leak.g": [1, 2] * mS / cm**2}, engine="numpy",
    )  # fmt: skip
    np.testing.assert_allclose(np.asarray(found.trace("I"))[:, 0], [0.15, 0.3], rtol=1e-9)
    # By default it does not.
    same = bare(celsius=33.0).paint(LEAK)
    np.testing.assert_allclose(conductances(same), 10, rtol=1e-9)


def test_permeabilities_densities_and_receptors_follow_it_too():
    at_rest = float(CalciumT().density(-60 * mV, 34))
    factor = 1.4 ** ((34 - CalciumT.temperature_ref) / 10)
    assert float(CalciumT(q10_g=1.4).density(-60 * mV, 34)) == pytest.approx(at_rest * factor)
    h = HCurrent(q10_g=1.3)
    assert float(h.density(-80 * mV)) == pytest.approx(float(HCurrent().density(-80 * mV)))
    site = at("soma")
    peaks = []
    for q10_g in (1.0, 1.5):
        cell = bare(celsius=25.0).paint(LEAK)
        cell = cell.place(AMPA(q10_g=q10_g), site, Events.at([1] * ms), label="ampa")
        cell = cell.probe("ampa.current", site, label="I")
        found = simulate(cell, 3 * ms, dt=0.05 * ms, engine="numpy")
        peaks.append(np.abs(np.asarray(found.trace("I"))).max())
    assert peaks[1] == pytest.approx(peaks[0] / 1.5, rel=1e-3)


def test_a_part_without_a_conductance_has_no_q10_of_it():
    with pytest.raises(ParameterError, match="neither"):
        CalciumPool(q10_g=1.5)
    with pytest.raises(ParameterError, match="q10_g must be greater than 0"):
        Leak(q10_g=0)
    assert "q10_g" not in repr(Leak())
    assert "q10_g=1.5" in repr(Leak(q10_g=1.5))
    assert Leak(q10_g=1.5) != Leak()
    with pytest.raises((UnitError, UnknownNameError, ParameterError)):
        Leak(q10_g=Quantity(1.5) * mV)
