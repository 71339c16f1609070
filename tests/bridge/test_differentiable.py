"""A simulated neuron as a node of ann's graph."""

import numpy as np
import pytest
from brian2 import cm, mS, ms, mV, pA, um

from ann import Variable, check_gradients, gradient
from ann.errors import GraphError
from bridge.differentiable import simulated_loss
from neurosim import Constant, Neuron
from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.errors import ParameterError
from neurosim.gradients.losses import MeanPotential, SpikeTime
from neurosim.morphology import PerBranch, cylinder

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
