"""A user's own Brian2 model becomes a neuron: the same spikes, units checked, errors said."""

from __future__ import annotations

import brian2
import numpy as np
import pytest
from brian2 import Mohm, cm, ms, mV, nS, pA, pF, second, uF, um

from neurosim import LIF, AdEx, TraubMiles
from neurosim import simulate as simulate_anyhow
from neurosim.custom.point_model import from_brian2
from neurosim.errors import ParameterError, UnitError, UnknownNameError

LEAKY = "dV/dt = (E - V + R*I)/tau : volt (unless refractory)\nI : amp"
CURRENTS = np.array([100, 160, 250, 400]) * pA


def simulate(*arguments, **options):
    """Without waiting for a compiler: every model here is run once."""
    return simulate_anyhow(*arguments, **options, engine="numpy")


def leaky(**changes):
    arguments = {
        "threshold": "V >= -55*mV",
        "reset": "V = E",
        "refractory": 2 * ms,
        "parameters": {"E": -70 * mV, "R": 100 * Mohm, "tau": 20 * ms},
        "start": -70 * mV,
    }
    return from_brian2(LEAKY, **(arguments | changes))


@pytest.mark.slow
def test_it_fires_as_the_neuron_of_the_catalogue():
    own = simulate(leaky(), 1 * second, batch={"constant.current": CURRENTS})
    known = simulate(LIF(), 1 * second, batch={"constant.current": CURRENTS})
    np.testing.assert_array_equal(own.spike_row, known.spike_row)
    np.testing.assert_allclose(own.spike_time_s, known.spike_time_s, atol=1e-9)


@pytest.mark.slow
def test_its_parameters_vary_in_a_batch():
    counts = simulate(
        leaky(),
        1 * second,
        batch={"constant.current": np.full(2, 200) * pA, "tau": np.array([10, 20]) * ms},
    ).counts()
    known = simulate(
        LIF(),
        1 * second,
        batch={"constant.current": np.full(2, 200) * pA, "tau_m": np.array([10, 20]) * ms},
    ).counts()
    np.testing.assert_array_equal(counts, known)


@pytest.mark.slow
def test_a_group_gives_the_spikes_brian2_gives():
    group_code = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    try:
        C, gL, EL, VT, DeltaT = 281 * pF, 30 * nS, -70.6 * mV, -50.4 * mV, 2 * mV
        tauw, a, b, Vr = 144 * ms, 4 * nS, 80.5 * pA, -70.6 * mV
        group = brian2.NeuronGroup(
            1,
            """dvm/dt = (gL*(EL - vm) + gL*DeltaT*exp((vm - VT)/DeltaT) + I - w)/C : volt
            dw/dt = (a*(vm - EL) - w)/tauw : amp
            I : amp""",
            threshold="vm > -40*mV",
            reset="vm = Vr; w += b",
            method="rk4",
            namespace={
                "C": C,
                "gL": gL,
                "EL": EL,
                "VT": VT,
                "DeltaT": DeltaT,
                "tauw": tauw,
                "a": a,
                "b": b,
                "Vr": Vr,
            },
        )
        group.vm = EL
        neuron = from_brian2(group)
        group.I = 900 * pA
        monitor = brian2.SpikeMonitor(group)
        brian2.Network(group, monitor).run(300 * ms)
        expected = np.asarray(monitor.t)
    finally:
        brian2.prefs.codegen.target = group_code
    ours = simulate(neuron, 300 * ms, batch={"constant.current": np.array([900]) * pA})
    assert len(expected) >= 5
    np.testing.assert_allclose(ours.spike_time_s, expected, atol=1.1e-4)


def test_constants_are_found_where_brian2_finds_them():
    E, R, tau = -70 * mV, 100 * Mohm, 20 * ms  # noqa: F841
    given = {"threshold": "V >= -55*mV", "reset": "V = E", "refractory": 2 * ms, "start": E}
    assert from_brian2(LEAKY, **given) == leaky()
    assert from_brian2(LEAKY, **given, parameters={"tau": 10 * ms}) != leaky()


def test_names_are_looked_up_nowhere_when_asked():
    E, R, tau = -70 * mV, 100 * Mohm, 20 * ms  # noqa: F841
    with pytest.raises(ParameterError, match="no value for"):
        from_brian2(LEAKY, threshold="V >= -55*mV", reset="V = E", start=E, level=None)


@pytest.mark.slow
def test_densities_and_plain_numbers_need_a_scale():
    known = TraubMiles()
    text = known.equations.replace("I_stim/area", "J")
    given = {
        name: getattr(known, name)
        for name in known.quantity_fields()
        if name not in ("area", "V_detect")
    }
    arguments = {
        "threshold": "v > -20*mV",
        "refractory": "v > -20*mV",
        "current": "J",
        "parameters": given,
        "method": "rk4",
        "dt": 0.025 * ms,
    }
    with pytest.raises(UnitError, match="current_scale"):
        from_brian2(text + "\nJ : amp/meter**2", **arguments)
    with pytest.raises(UnitError, match="times an ampere gives"):
        from_brian2(text + "\nJ : amp/meter**2", **arguments, current_scale=1 / (20 * cm))
    own = from_brian2(text + "\nJ : amp/meter**2", **arguments, current_scale=1 / (20000 * um**2))
    batch = {"constant.current": np.array([150, 400]) * pA}
    np.testing.assert_allclose(
        simulate(own, 300 * ms, batch=batch).spike_time_s,
        simulate(known, 300 * ms, batch=batch).spike_time_s,
        atol=5.1e-5,
    )


def test_methods_are_chosen_by_the_equations():
    assert leaky().method == "exponential_euler"
    quadratic = from_brian2(
        "dv/dt = k*(v + 60*mV)**2 + I_stim/C : volt",
        threshold="v > 0*mV",
        reset="v = -65*mV",
        start=-60 * mV,
        parameters={"k": 1 / (10 * ms * mV), "C": 100 * pF},
    )
    assert quadratic.method == "rk4"
    assert AdEx.method  # the catalogue's own stays its own


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"threshold": None}, ParameterError, "when it spikes"),
        ({"voltage": "U"}, UnknownNameError, "'U'"),
        ({"current": "J"}, UnknownNameError, "'J'"),
        ({"current": "V"}, ParameterError, "equation of its own"),
        ({"parameters": {"E": -70 * mV, "R": 100 * Mohm}}, ParameterError, "no value for 'tau'"),
        (
            {"parameters": {"E": -70 * mV, "R": 100 * Mohm, "tau": 2 * ms, "taum": 1 * ms}},
            UnknownNameError,
            "'taum'",
        ),
        ({"start": None}, ParameterError, "start=-70"),
        ({"start": -70 * pA}, UnitError, "volt"),
    ],
)
def test_errors_say_what_to_give(changes, kind, words):
    with pytest.raises(kind, match=words):
        leaky(**changes)


def test_what_cannot_be_repeated_is_refused():
    with pytest.raises(ParameterError, match="inject noise instead"):
        from_brian2(
            "dv/dt = (E_L - v)/tau + I_stim/C + v*xi/sqrt(tau) : volt",
            threshold="v > -55*mV",
            reset="v = E_L",
            parameters={"E_L": -70 * mV, "tau": 20 * ms, "C": 1 * uF},
        )
    with pytest.raises(ParameterError, match="cannot be read"):
        from_brian2("dv/dt = (1", threshold="v > 0*mV")
    with pytest.raises(UnitError, match="write the model in volt"):
        from_brian2("dv/dt = (1 - v + I)/(10*ms) : 1\nI : 1", threshold="v > 1", current="I")
    with pytest.raises(ParameterError, match="or a NeuronGroup"):
        from_brian2(3.0, threshold="v > 1")
