"""A wrong argument of `simulate` is refused in the same words, whatever is run."""

import re

import numpy as np
import pytest
from brian2 import ms, mV, nS, pA, second, um

from neurosim import LIF, Circuit, Neuron, simulate
from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.morphology import PerBranch, at, ball_and_stick
from neurosim.synapses import AMPA

CELL = Neuron(ball_and_stick(20 * um, 100 * um, 2 * um), PerBranch(3))
RECEIVER = CELL.place(AMPA(g=1 * nS), at("soma"), label="ampa")
KINDS = {
    "point": LIF(),
    "extent": CELL,
    "circuit": Circuit().add("a", CELL).add("b", RECEIVER).connect("a", "b", onto="ampa"),
}
MISTAKES = [
    ({"duration": 1}, UnitError, "simulate: duration must carry a unit, such as 100*ms"),
    ({"duration": 5 * mV}, UnitError, "simulate: duration must have the unit of 100*ms"),
    ({"duration": "1 s"}, UnitError, "simulate: duration must be a quantity such as 100*ms"),
    ({"duration": None}, UnitError, "simulate: duration must be a quantity"),
    ({"duration": -1 * second}, ParameterError, "duration must be greater than 0"),
    ({"duration": 0 * second}, ParameterError, "duration must be greater than 0"),
    ({"duration": np.nan * second}, ParameterError, "duration must be finite"),
    ({"duration": np.inf * second}, ParameterError, "duration must be finite"),
    ({"duration": [1, 2] * second}, ParameterError, "duration must be a single value"),
    ({"dt": 0.1}, UnitError, "simulate: dt must carry a unit, such as 100*us"),
    ({"dt": 0 * ms}, ParameterError, "simulate: dt must be greater than 0"),
    ({"dt": -1 * ms}, ParameterError, "simulate: dt must be greater than 0"),
    ({"dt": np.nan * ms}, ParameterError, "simulate: dt must be finite"),
    ({"dt": 2 * second}, ParameterError, "dt (2. s) is longer than the duration (1. s)"),
    ({"dt": 1e-16 * second}, ParameterError, "1e+16 steps of dt"),
    ({"record_dt": 1}, UnitError, "simulate: record_dt must carry a unit"),
    ({"record_dt": -1 * ms}, ParameterError, "simulate: record_dt must be greater than 0"),
    (
        {"record_dt": 2 * second},
        ParameterError,
        "record_dt (2. s) is longer than the duration (1. s)",
    ),
    (
        {"record_dt": 0.05 * ms, "dt": 0.1 * ms},
        ParameterError,
        "record_dt (50. us) is shorter than dt (100. us)",
    ),
    ({"record": "v"}, ParameterError, "record must be a list such as ['v'], not a string"),
    ({"record": [3]}, ParameterError, "record must be a list of names such as ['v']; got 3"),
    ({"record": 3}, ParameterError, "record must be a list of names such as ['v']; got 3"),
    ({"record": ["V"]}, UnknownNameError, "'V'"),
    ({"settle": -1 * ms}, ParameterError, "simulate: settle must be at least 0"),
    ({"settle": 1}, UnitError, "simulate: settle must carry a unit"),
    ({"scheme": "rk4"}, UnknownNameError, "simulate: scheme 'rk4': known: backward-euler"),
    ({"scheme": ["rk4"]}, UnknownNameError, "simulate: scheme ['rk4']"),
    ({"engine": "c++"}, UnknownNameError, "no engine is called 'c++'"),
    ({"engine": None}, UnknownNameError, "no engine is called None"),
    ({"jobs": 0}, ParameterError, "jobs must be a whole number of at least 1; got 0"),
    ({"jobs": -2}, ParameterError, "jobs must be a whole number of at least 1; got -2"),
    ({"jobs": "2"}, ParameterError, "jobs must be a whole number of at least 1; got '2'"),
    ({"jobs": 1.5}, ParameterError, "jobs must be a whole number of at least 1; got 1.5"),
    ({"jobs": True}, ParameterError, "jobs must be a whole number of at least 1; got True"),
    ({"jobs": None}, ParameterError, "jobs must be a whole number of at least 1; got None"),
    ({"progress": 3}, ParameterError, "progress must be a function"),
    ({"seed": -1}, ParameterError, "seed must lie between 0 and 2**63 - 1; got -1"),
    ({"seed": 1.5}, ParameterError, "seed must be a non-negative integer"),
    ({"seed": True}, ParameterError, "seed must be a non-negative integer"),
    ({"seed": "1"}, ParameterError, "seed must be a non-negative integer"),
    ({"seed": None}, ParameterError, "seed must be a non-negative integer"),
    ({"seed": 2**63}, ParameterError, "seed must lie between 0 and 2**63 - 1"),
    ({"seed": 2**70}, ParameterError, "seed must be a non-negative integer"),
    ({"seed": [[1]]}, ParameterError, "seed must be one integer or a flat array"),
]


@pytest.mark.parametrize(
    ("arguments", "error", "said"), MISTAKES, ids=[str(case[0]) for case in MISTAKES]
)
def test_a_mistake_is_told_alike_for_every_kind(arguments, error, said):
    told = {}
    for kind, neuron in KINDS.items():
        with pytest.raises(error, match=re.escape(said)) as caught:
            simulate(neuron, **{"duration": 1 * second, **arguments})
        told[kind] = (type(caught.value), str(caught.value))
    if arguments != {"record": ["V"]}:  # what can be recorded differs from kind to kind
        assert len(set(told.values())) == 1, told


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("point", {"settle": 1 * ms}, "settle and scheme are for neurons with extent"),
        ("point", {"scheme": "crank-nicolson"}, "settle and scheme are for neurons with extent"),
        ("extent", {"record_rows": [0]}, "wiring and record_rows are for point neurons"),
        ("circuit", {"batch": {"x": 1 * pA}}, "stimuli and batches by population"),
        ("circuit", {"record_rows": [0]}, "stimuli and batches by population"),
        ("circuit", {"seed": [1, 2]}, "a circuit takes one seed"),
    ],
)
def test_what_a_kind_has_not_is_refused(kind, arguments, said):
    with pytest.raises(ParameterError, match=said):
        simulate(KINDS[kind], 1 * second, **arguments)


@pytest.mark.parametrize("kind", ["point", "extent"])
@pytest.mark.parametrize(
    ("batch", "error", "said"),
    [
        ([1, 2], ParameterError, "batch must say by name what varies"),
        ({3: [1, 2] * ms}, ParameterError, "names are text"),
        ({"nothing": [1, 2] * ms}, UnknownNameError, "has a parameter 'nothing'"),
        ({"current": [1, 2]}, UnitError, "batch: current must carry a unit"),
        ({"current": [1, np.nan] * pA}, ParameterError, "batch: current must be finite"),
        (
            {"current": [1, 2] * pA, "constant.current": [1, 2] * pA},
            ParameterError,
            "which is given already",
        ),
    ],
)
def test_a_batch_is_read_alike(kind, batch, error, said):
    from neurosim import Constant

    with pytest.raises(error, match=said):
        simulate(KINDS[kind], 1 * second, stimulus=Constant(1 * pA), batch=batch)
