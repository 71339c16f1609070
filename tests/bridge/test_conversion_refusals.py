"""What conversion refuses before anything runs, and what it says instead."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import Hz, ms, mV, pA

from ann import Network
from bridge.conversion.convert import convert
from bridge.conversion.drive import background_for, measure_for_conversion
from bridge.counts.curve import FICurve
from bridge.errors import CalibrationError, ConversionError
from bridge.mapping.input_tables import holds_objects
from bridge.mapping.measured_unit import MeasuredUnit
from bridge.spiking.synapse import Synapse
from neurosim import LIF, AdEx, OrnsteinUhlenbeck
from neurosim.errors import NeurosimError

X = np.random.default_rng(0).normal(size=(60, 4))
NET = Network([4, 8, 3], ["relu", "identity"], rng=0, dtype=np.float64)


@pytest.fixture(scope="module")
def curve():
    return measure_for_conversion(LIF(), background_for(LIF(), 2 * mV), dt=0.1 * ms)


@pytest.fixture(scope="module")
def spiking(curve):
    return convert(NET, X, curve=curve)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"refine_on": -5}, "refine_on must be a whole number of at least 0"),
        ({"refine_on": 1.5}, "refine_on must be a whole number"),
        ({"dt": 1}, "convert: dt must carry a unit"),
        ({"dt": 1 * mV}, "convert: dt"),
        ({"dt": -1 * ms}, "convert: dt"),
        ({"seed": "a"}, "seed must be"),
        ({"engine": "bogus"}, "engine must be one of auto"),
        ({"jobs": -1}, "jobs must be a whole number of at least 1"),
        ({"background": 3}, "background must be a stimulus"),
        ({"dale": "no"}, "dale must be True or False"),
        ({"max_rate_Hz": np.nan}, "max_rate_Hz must be a plain number of hertz"),
        ({"max_rate_Hz": 100 * Hz}, "max_rate_Hz must be a plain number of hertz"),
        ({"population": "5"}, "population must be a whole number of at least 1; got '5'"),
        ({"population": None}, "population must be a whole number"),
        ({"population": np.nan}, "population must be a whole number"),
        ({"synapse": None}, "synapse must be 'current', 'conductance' or a Synapse"),
        ({"normalisation": None}, "normalisation must be one of curve"),
        ({"neuron": LIF}, r"the class LIF itself; make one, LIF\(\)"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(curve, how, said):
    with pytest.raises(NeurosimError, match=said):
        convert(NET, X, curve=curve, **how)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"duration": 0.01 * ms}, "shorter than one time step"),
        ({"samples_at_once": -1}, "samples_at_once must be a whole number of at least 1"),
        ({"samples_at_once": 2.5}, "samples_at_once must be a whole number"),
        ({"readout": "flat"}, r"readout must be a CountReadout such as CountReadout\('flat'\)"),
    ],
)
def test_runs_that_mean_nothing_are_refused(spiking, how, said):
    with pytest.raises(ConversionError, match=said):
        spiking.run(X[:3], **how)


def test_a_curve_of_another_neuron_is_refused(curve):
    other = LIF(R_m=0.3 * LIF().R_m)
    with pytest.raises(ConversionError, match=r"the curve given was measured on LIF\("):
        convert(NET, X, curve=curve, neuron=other)
    with pytest.raises(ConversionError, match="measured on"):
        convert(NET, X, curve=curve, noise=8 * mV)
    measured = Network([4, 8, 3], [MeasuredUnit.of_rates(curve), "identity"], rng=0)
    with pytest.raises(ConversionError, match="the measured unit's curve was measured on"):
        convert(measured, X, noise=8 * mV)
    with pytest.raises(ConversionError, match="must be an FICurve"):
        convert(NET, X, curve=5)
    # A curve that says nothing of a neuron is taken at its word.
    silent = FICurve(curve.current_pA, curve.count, curve.window_s, curve.trial, "cell.csv")
    assert convert(NET, X, curve=silent, noise=2.5 * mV).curve.source == "cell.csv"


def test_what_a_curve_was_measured_on_is_compared_as_values(curve):
    white = background_for(LIF(), 2 * mV)
    slow = OrnsteinUhlenbeck(sd=10 * pA, tau=5 * ms)
    both = replace(curve, background=(white + slow).to_dict())
    assert convert(NET, X, curve=both, background=slow + white).curve is both
    # Terms of one kind are told apart by their size, whatever the order in which they were added.
    near = [OrnsteinUhlenbeck(sd=s * pA, tau=5 * ms) for s in (9.9, 20, 10.1)]
    two = replace(curve, background=(near[0] + near[1]).to_dict())
    assert convert(NET, X, curve=two, background=near[1] + near[2]).curve is two
    for other in (slow, white + slow + slow, white + near[1]):
        with pytest.raises(ConversionError, match="was measured on"):
            convert(NET, X, curve=both, background=other)
    # Words in the source decide nothing.
    renamed = replace(curve, source="my cell")
    assert convert(NET, X, curve=renamed).curve is renamed
    adapting = replace(curve, source="slow AdEx()", neuron=AdEx().to_dict())
    with pytest.raises(ConversionError, match=r"was measured on slow AdEx\(\), but .* LIF\("):
        convert(NET, X, curve=adapting)
    with pytest.raises(ConversionError, match="was measured on AdEx, but"):
        convert(NET, X, curve=replace(adapting, source=""))


def test_inputs_that_do_not_move_a_layer_are_refused(curve):
    for inputs, said in (
        (X[:1], "X holds one input"),
        (np.zeros((10, 4)), "the 10 inputs of X are all alike"),
    ):
        with pytest.raises(ConversionError, match=f"{said}; calibrate on training inputs that"):
            convert(NET, inputs, curve=curve)
    dead = Network([4, 8, 8, 3], ["relu", "relu", "identity"], rng=0, dtype=np.float64)
    dead.layers[1].bias[:] = -1e3
    with pytest.raises(ConversionError, match=r"hidden layer 2 .* all its units are dead"):
        convert(dead, X, curve=curve)
    still = Network([4, 8, 3], ["relu", "identity"], rng=0, dtype=np.float64)
    still.layers[0].weights[...] = 0
    with pytest.raises(ConversionError, match="does not move although the 60 inputs differ"):
        convert(still, X, curve=curve)
    loud = Network([4, 8, 3], ["exponential", "identity"], rng=0, dtype=np.float64)
    loud.layers[0].weights[...] *= 1e4
    with pytest.raises(ConversionError, match="hidden layer 1 overflows"):
        convert(loud, X, curve=curve)


def test_files_of_objects_are_told_by_their_headers(tmp_path):
    some = {"plain": np.ones(3), "objects": np.array(["a", 1], dtype=object)}
    for name, array in some.items():
        np.save(tmp_path / f"{name}.npy", array, allow_pickle=True)
        np.savez(tmp_path / f"{name}.npz", X=np.ones(2), y=array)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "objects.npz").read_bytes()[:100])
    (tmp_path / "words.npy").write_text("Object arrays cannot be loaded")
    found = {path.name for path in tmp_path.iterdir() if holds_objects(path)}
    assert found == {"objects.npy", "objects.npz"}


def test_a_time_in_which_no_neuron_fires_is_too_short(curve):
    with pytest.raises(CalibrationError, match=r"0\.001 ms is too short: .* give at least"):
        convert(NET, X, curve=curve, decision=0.001 * ms)


def test_reversal_potentials_that_cannot_be_are_refused():
    with pytest.raises(ConversionError, match="E_exc_mV = -90 must lie above E_inh_mV = -80"):
        Synapse("conductance", E_exc_mV=-90)
    with pytest.raises(ConversionError, match="E_inh_mV must be a finite number"):
        Synapse("conductance", E_inh_mV=np.nan)
    for synapse, said in (
        (
            Synapse("conductance", E_exc_mV=-65, potential_mV=-60.0),
            "excitation could not excite; give E_exc_mV above",
        ),
        (
            Synapse("conductance", E_inh_mV=-55, potential_mV=-60.0),
            "inhibition could not inhibit; give E_inh_mV below it",
        ),
    ):
        with pytest.raises(ConversionError, match=said):
            synapse.weights(np.ones((2, 2)))


def test_a_layer_too_wide_says_what_would_help(curve):
    wide = Network([4, 400_000, 3], ["sigmoid", "identity"], rng=0)
    with pytest.raises(ConversionError, match=r"neurons need .* first that of 400000") as told:
        convert(wide, X[:3], curve=curve)
    assert "0 synapses" not in str(told.value)
