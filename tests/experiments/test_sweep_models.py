"""Measures that run whole procedures: units, velocities, networks trained and put on neurons."""

from __future__ import annotations

import json

import numpy as np
import pytest
from brian2 import cm, ms, mV, nA, ohm, um
from sweeps import run

from experiments.sweep import Run, converted_accuracy, product, training, unit, velocity
from experiments.sweep.errors import MeasureError
from experiments.sweep.rows.row_measures import measures_of
from neurosim import LIF, Neuron, Steps, WhiteNoise
from neurosim.channels import squid_axon
from neurosim.describe.parts import Cable
from neurosim.errors import UnknownNameError
from neurosim.morphology import PerBranch, at, cylinder

pytest.importorskip("zarr", reason="needs the extra 'sweep'")


def failures(found):
    return json.loads(found.attrs["failures"])


def test_the_unit_of_each_row_is_that_of_equivalent_unit(tmp_path):
    from bridge import equivalent_unit

    noise = WhiteNoise.for_membrane(4 * mV, LIF())
    grid = product({"t_ref": [2, 6] * ms, "seed": [3]})
    found = run(tmp_path / "s", grid, Run(LIF(), 300 * ms, stimulus=noise), ["unit(softplus)"])
    assert not failures(found)
    only = {"families": ["softplus"], "intervals": None, "adaptation": False, "seed": 3}
    alone = equivalent_unit(LIF(t_ref=6 * ms), noise=noise, duration=300 * ms, **only)
    slow = alone.selection["softplus"]
    at_six = found.isel(t_ref=1, seed=0)
    for parameter in type(slow.unit).parameters:
        expected = getattr(slow.unit, parameter.name)
        assert float(at_six[f"unit_{parameter.name}"]) == expected
    units = [array.attrs.get("units", "") for array in found[list(found)[:4]].values()]
    assert units == ["Hz/pA", "pA", "pA", ""]
    assert float(at_six["unit_noise_ratio"]) == slow.noise_ratio


def test_a_unit_that_is_refused_fails_the_row_and_says_why(tmp_path):
    """A leaky integrator does not collapse at high currents."""
    grid = product({"tau_m": [10, 20] * ms})
    found = run(tmp_path / "s", grid, Run(LIF(), 200 * ms), ["unit(block)"])
    assert np.isnan(found["unit_noise_ratio"].values).all()
    reasons = [one["why"] for one in failures(found)]
    assert len(reasons) == 2
    assert all("block was not fitted" in why for why in reasons)


def test_velocity_of_a_squid_axon_grows_with_its_width(tmp_path):
    axon = cylinder(2000 * um, 10 * um, name="axon", tag="axon")
    cell = Neuron(
        axon, PerBranch(80), cable=Cable(R_a=35.4 * ohm * cm), celsius=18.5, rest=-65 * mV
    )
    cell = cell.paint(squid_axon())
    kick = Steps(amplitude=300 * nA, onset=0.2 * ms, duration=0.2 * ms)
    cell = cell.place(kick, at("axon", 0.0))
    description = Run(cell, 6 * ms, dt=0.005 * ms)
    grid = product({"morphology.scale": [1.0, 4.0]})
    found = run(tmp_path / "s", grid, description, ["velocity(axon, 0.25, 0.75)"])
    assert found["velocity"].attrs["units"] == "meter/second"
    thin, thick = found["velocity"].values
    # The velocity goes with the square root of the diameter.
    assert thin > 0.3
    assert thick / thin == pytest.approx(2, rel=0.1)


def test_networks_are_trained_as_the_options_say(tmp_path):
    options = {"max_epochs": 40, "activation": "sigmoid"}
    grid = product({"hidden": [1, 8], "learning_rate": [0.05], "repeat": [0, 1]})
    found = run(tmp_path / "s", grid, options, [training("iris")])
    assert not failures(found)
    score = found["score"].mean("repeat").isel(learning_rate=0)
    assert 0 < float(score[0]) < float(score[1])
    assert float(score[1]) > 0.9
    # A row's own seed: repeats differ.
    assert len(np.unique(found["loss"].values)) == 4
    wrong = run(tmp_path / "t", product({"hiden": [1, 8]}), options, ["training(iris)"])
    assert "hidden" in failures(wrong)[0]["why"]


@pytest.mark.slow
def test_accuracy_on_neurons(tmp_path):
    options = {"hidden": 6, "max_epochs": 40, "activation": "sigmoid"}
    grid = product({"decision": [5, 60] * ms, "seed": [1]})
    found = run(tmp_path / "s", grid, options, [converted_accuracy("iris", 40)])
    assert not failures(found)
    accuracy = found["accuracy"].values.ravel()
    assert accuracy[1] > 0.8
    assert accuracy[0] <= accuracy[1]
    assert (found["accuracy"] + found["accuracy_lost"]).values.ravel() == pytest.approx(
        [float((found["accuracy"] + found["accuracy_lost"])[1, 0])] * 2
    )


def test_measures_in_words():
    made = measures_of(["unit", "training(wine)"])
    assert [name for name, _ in made[0].outputs] == [name for name, _ in unit("softplus").outputs]
    assert dict(made[1].arguments) == {"data": "wine"}
    (one,) = measures_of("velocity(axon, 0.25, 0.75)")
    assert dict(one.arguments)["second"] == 0.75
    for text, error, said in [
        ("unit(softmax)", UnknownNameError, "softplus"),
        ("training(mnist)", UnknownNameError, "digits"),
        ("rate(5)", MeasureError, "takes nothing in brackets"),
        ("velocity(axon)", MeasureError, "velocity"),
        ("velocity(axon, a, b)", MeasureError, "velocity"),
        ("velocity(axon, 0, 2)", MeasureError, "between 0 and 1"),
        ("training(iris, 3)", MeasureError, "at most 1"),
        ("converted_accuracy(diabetes)", MeasureError, "no classes"),
        ("counts", UnknownNameError, "count"),
    ]:
        with pytest.raises(error, match=said):
            measures_of(text)
    assert velocity("axon", 0, 1).outputs == (("velocity", "meter/second"),)
