"""A simulated neuron as a node of ann's graph."""

import numpy as np
import pytest
from brian2 import cm, mS, ms, mV, pA, um

from ann import Variable, check_gradients, gradient
from ann.errors import GraphError
from bridge.differentiable import simulated_loss
from neurosim import Constant, Neuron, differentiate
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.errors import NeurosimError, ParameterError
from neurosim.gradients import cell_steps
from neurosim.gradients.kept_run import Kept
from neurosim.gradients.losses import MeanPotential, SpikeTime
from neurosim.morphology import PerBranch, at, ball_and_stick, branch, cylinder
from neurosim.synapses import AMPA, GABAA, Events

CELL = Neuron(cylinder(20 * um, 20 * um), PerBranch(1)).paint(Leak())
G = mS / cm**2


def _mean(g, current):
    given = {"leak.g": (g, G), "current": (current, pA)}
    return simulated_loss(
        CELL, 5 * ms, MeanPotential(), given, unit=mV, stimulus=Constant(0 * pA)
    )  # fmt: skip


def test_slopes_through_the_graph_are_those_of_differences():
    def loss(g, current):
        return ((_mean(g, current) + 60) ** 2).sum()

    # One conductance for three rows, and a current for each.
    check_gradients(loss, 0.1, np.array([10.0, 20.0, 35.0]), order=1)


def test_a_cell_learns_when_to_fire():
    squid = Neuron(cylinder(20 * um, 20 * um), PerBranch(1), celsius=6.3, rest=-65 * mV).paint(
        [HHSodium(), HHPotassium(), Leak(g=0.3 * G, E=-54.387 * mV)]
    )
    current, target = Variable(400.0), None
    for _ in range(6):
        when = simulated_loss(
            squid, 12 * ms, SpikeTime(), {"current": (current, pA)}, unit=ms,
            stimulus=Constant(0 * pA),
        )  # fmt: skip
        # Newton's steps towards a spike a twentieth of a millisecond later than the first.
        target = when.value[0] + 0.05 if target is None else target
        slope = gradient(when.sum(), current).value
        current = Variable(current.value - (when.value[0] - target) / slope)
    assert when.value[0] == pytest.approx(target, abs=1e-6)


def test_a_second_derivative_is_refused():
    g = Variable(0.1)
    first = gradient((_mean(g, Variable(20.0)) ** 2).sum(), g)
    with pytest.raises(GraphError, match="first derivatives only"):
        gradient(first, g)


def test_what_is_no_variable_is_refused():
    with pytest.raises(ParameterError, match="a variable and its unit"):
        simulated_loss(CELL, 5 * ms, MeanPotential(), {"leak.g": Variable(1.0)}, unit=mV)
    with pytest.raises(ParameterError, match="cannot be told in"):
        simulated_loss(CELL, 5 * ms, MeanPotential(), {"leak.g": (Variable(1.0), G)}, unit=ms)


TRAINS = [Events.at([1] * ms), Events.at([2.2] * ms, weight=2)]
WOVEN = CELL.place(AMPA(), at("dendrite", 0.5) | at("dendrite", 0.5), TRAINS, label="pixels").place(
    GABAA(), at("dendrite", 0.5), Events.at([1.5] * ms), label="inhibition"
)


def _of_weights(w, inhibiting, images):
    rows = (images[:, np.newaxis] * w).reshape(-1, 2)
    given = {"pixels.weight": (rows, 1), "inhibition.weight": (inhibiting, 1)}
    return simulated_loss(WOVEN, 5 * ms, MeanPotential(), given, unit=mV)


def test_weights_of_synapses_are_variables_that_rows_share():
    images = np.array([[0.2, 1.0], [1.0, 0.4], [0.5, 0.0]])

    def loss(w, inhibiting):
        return ((_of_weights(w, inhibiting, images) + 60) ** 2).sum()

    # Two neurons that see three images, with one inhibitory synapse that is the same in all rows.
    check_gradients(loss, np.array([[1.0, 2.0], [0.5, 0.1]]), np.array([0.7]), order=1)


def test_given_weights_are_those_of_events():
    told = np.array([[1.0, 2.0], [0.0, 0.3]])
    found = _of_weights(Variable(told), Variable([0.5]), np.ones((1, 2))).value
    for row, weights in enumerate(told):
        trains = [
            Events(one.time_s, one.weight * by) for one, by in zip(TRAINS, weights, strict=True)
        ]
        cell = CELL.place(AMPA(), at("dendrite", 0.5) | at("dendrite", 0.5), trains, label="pixels")
        cell = cell.place(GABAA(), at("dendrite", 0.5), Events.at([1.5] * ms, weight=0.5))
        alone = differentiate(cell, 5 * ms, MeanPotential(), ["pixels.weight"])
        assert found[row] == pytest.approx(float(alone.value[0] / mV), abs=1e-9)


def test_weights_beyond_a_block_of_cells_find_their_rows():
    told = np.linspace(0, 3, 200).reshape(100, 2)
    cell = WOVEN
    found = differentiate(
        cell, 3 * ms, MeanPotential(), ["pixels.weight"], weights={"pixels": told}
    )
    alone = differentiate(
        cell, 3 * ms, MeanPotential(), ["pixels.weight"], weights={"pixels": told[77]}
    )
    pair = [np.asarray(one["pixels.weight"]) for one in (found, alone)]
    np.testing.assert_allclose(pair[0][77], pair[1][0], rtol=1e-12)
    np.testing.assert_array_equal(found.parameters["pixels.weight"], told)
    by_part = found.relative("pixels.weight")
    np.testing.assert_allclose(np.asarray(by_part), np.asarray(found["pixels.weight"]) * told)


def test_a_run_that_is_asked_for_again_is_told_of_everything_that_changed():
    """The run of the last call is kept for the next; a copy of the neuron is prepared anew."""
    cell = WOVEN.replace()
    asked = [
        {"weights": {"pixels": [1.0, 2.0]}},
        {"weights": {"pixels": [0.5, 0.0]}},
        {"weights": {"pixels": np.array([[0.5, 0.0], [1.0, 1.0]])}},
        {"weights": {"pixels": [0.5, 0.0]}, "dt": 0.05 * ms},
        {"weights": {"pixels": [0.5, 0.0]}, "scheme": "backward-euler"},
        {"weights": {"pixels": [0.5, 0.0]}, "settle": 2 * ms},
        {"weights": {"pixels": [0.5, 0.0]}, "stimulus": Constant(20 * pA)},
        {"weights": {"pixels": [0.5, 0.0]}, "stimulus": Constant(30 * pA)},
        {"weights": {"pixels": [0.5, 0.0]}, "batch": {"leak.g": [0.1, 0.2] * G}},
        {
            "weights": {"pixels": [0.5, 0.0]},
            "duration": 2 * ms,
            "loss": MeanPotential(start=1 * ms),
        },
        {"weights": {"pixels": [0.5, 0.0]}, "wrt": ["pixels.weight", "leak.g"]},
        {"weights": {"pixels": [1.0, 2.0]}},
    ]
    for change in asked:
        told = {"duration": 3 * ms, "loss": MeanPotential(), "wrt": ["pixels.weight"], **change}
        kept, anew = (differentiate(one, **told) for one in (cell, cell.replace()))
        again = differentiate(cell, **told)
        for found in (kept, again):
            np.testing.assert_array_equal(found.value, anew.value)
            for name in told["wrt"]:
                np.testing.assert_array_equal(found[name], anew[name])
                np.testing.assert_array_equal(found.parameters[name], anew.parameters[name])


def _pulled(scale):
    """A stick whose leak differs along it, and the mean potential of its far end."""
    stick = Neuron(ball_and_stick(20 * um, 300 * um, 2 * um), PerBranch(4), rest=-60 * mV)
    return stick.paint(Leak(E=-60 * mV)).paint(
        Leak(E=-75 * mV, name="pull"), branch("dendrite"), scale=scale
    )


def _far(cell, site=None):
    loss = MeanPotential(site=at("dendrite", 0.9) if site is None else site)
    found = differentiate(cell, 3 * ms, loss, ["leak.g"], stimulus=Constant(20 * pA))
    return float(found.value[0] / mV)


def test_a_kept_run_sees_what_changes_inside_the_neuron():
    scale = np.ones(4)
    cell = _pulled(scale)
    before = _far(cell)
    scale[:] = 5
    assert _far(cell) == _far(_pulled(np.full(4, 5.0))) != before
    gain = [1.0]
    cell = _pulled(lambda distance: gain[0] + 0 * distance)
    before = _far(cell)
    gain[0] = 5.0
    assert _far(cell) != before


def test_a_kept_run_knows_sites_apart_that_print_alike():
    shape = ball_and_stick(20 * um, 300 * um, 2 * um)
    cell = Neuron(shape, PerBranch(10)).paint(Leak(E=-60 * mV))
    near, far = at("dendrite", 0.2999999), at("dendrite", 0.3)
    assert repr(near) == repr(far)
    assert _far(cell, near) != _far(cell, far)
    assert _far(cell, far) == _far(cell.replace(), far)


def test_a_run_with_other_weights_is_prepared_once(monkeypatch):
    made = []
    compose = cell_steps.compose_cable
    monkeypatch.setattr(
        cell_steps, "compose_cable", lambda *given: made.append(1) or compose(*given)
    )
    for weight in (0.5, 1.0, 2.0):
        loss = MeanPotential(start=0.5 * ms)
        differentiate(
            WOVEN, 3 * ms, loss, ["pixels.weight"], weights={"pixels": [weight, 1.0]}, seed=11
        )
    assert len(made) == 1


def test_a_large_run_is_not_kept():
    kept = Kept[list]()
    kept.keep(b"small", [1], 1000)
    assert kept.made_of(b"small") == [1]
    kept.keep(b"large", [2], 2**27)
    assert kept.made_of(b"large") is None
    assert kept.made_of(b"small") is None


@pytest.mark.parametrize(
    ("weights", "what"),
    [
        ({"pixel": [1.0, 1.0]}, "pixels"),
        ({"pixels": [1.0, -1.0]}, "not negative"),
        ({"pixels": [1.0]}, "2 synapses"),
        ({"pixels": [1.0, np.nan]}, "finite"),
        ({"pixels": 1.0}, "rows, synapses"),
        ({"pixels": [1.0, 1.0], "pixels.weight": [1.0, 1.0]}, "twice"),
    ],
)
def test_weights_that_are_none_are_refused(weights, what):
    with pytest.raises(NeurosimError, match=what):
        differentiate(WOVEN, 3 * ms, MeanPotential(), ["pixels.weight"], weights=weights)


def test_rows_that_differ_in_number_are_refused():
    with pytest.raises(ParameterError, match="3 rows"):
        differentiate(
            WOVEN, 3 * ms, MeanPotential(), ["pixels.weight"], weights={"pixels": np.ones((2, 2))},
            batch={"leak.g": [0.1, 0.2, 0.3] * G},
        )  # fmt: skip
