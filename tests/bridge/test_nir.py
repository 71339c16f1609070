"""NIR files: out and in again, exactly; refusals; and what another simulator makes of them."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms, mV, pA
from sklearn.datasets import load_iris

from ann import DeepNetwork
from bridge.conversion.convert import convert
from neurosim import LIF, AdEx, Constant, simulate

nir = pytest.importorskip("nir")

from bridge.nir.nir_files import NirError, read_nir, write_nir  # noqa: E402

BOTH = ("noise", "refractory")


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X / 8, y


@pytest.fixture(scope="module")
def network(iris):
    return DeepNetwork(hidden=(8, 6), activation="tanh", random_state=0).fit(*iris)


@pytest.fixture(scope="module")
def spiking(network, iris):
    return convert(network, iris[0])


@pytest.mark.slow
@pytest.mark.parametrize("form", ["millivolt", "normalised"])
def test_the_round_trip_is_exact(spiking, iris, tmp_path, form):
    path = write_nir(spiking, tmp_path / "net.nir", form=form, drop=BOTH)
    back = read_nir(path).network
    assert back.neuron == spiking.neuron
    assert back.background == spiking.background
    assert back.curve == spiking.curve
    X = iris[0][::20]
    before, after = (n.run(X, 60 * ms, seed=3) for n in (spiking, back))
    np.testing.assert_array_equal(before.recording.spike_time_s, after.recording.spike_time_s)
    np.testing.assert_array_equal(before.logits(), after.logits())
    np.testing.assert_array_equal(before.predict(), after.predict())


def test_the_graph_says_the_same_as_the_ledger(spiking, tmp_path):
    path = write_nir(spiking, tmp_path / "net.nir", form="normalised", drop=BOTH)
    graph = nir.read(path)
    assert graph.nodes["neurons_2"].v_threshold.tolist() == [1] * 12
    assert graph.nodes["neurons_1"].v_leak.tolist() == [0] * 16
    graph.metadata = {}
    bare = tmp_path / "bare.nir"
    nir.write(bare, graph)
    found = read_nir(bare)
    assert found.network is None
    np.testing.assert_allclose(found.input_weights_pA, spiking.layers[0].weights_pA, rtol=1e-12)
    np.testing.assert_allclose(
        np.asarray(found.wiring.weights[0]),
        1e-12 * spiking.layers[1].weights_pA,
        rtol=1e-12,
        atol=1e-30,
    )
    # All that the graph cannot carry is the refractory period.
    for name, value in LIF(t_ref=0 * ms).quantity_fields().items():
        wanted = float(getattr(LIF(t_ref=0 * ms), name))
        assert float(getattr(found.neuron, name)) == pytest.approx(wanted, rel=1e-12), value


def test_its_equations_give_the_same_spikes(iris, network, tmp_path):
    """The file's own numbers, integrated here without neurosim, against the run."""
    quiet = convert(network, iris[0], neuron=LIF(t_ref=0 * ms), noise=0 * mV)
    path = write_nir(quiet, tmp_path / "quiet.nir", form="normalised")
    graph = nir.read(path)
    cells, weights = graph.nodes["neurons_1"], graph.nodes["weights_1"]
    drive = weights.weight @ iris[0][0] + weights.bias
    dt, v, times = 1e-4, np.zeros(len(drive)), []
    decay = np.exp(-dt / cells.tau)
    for step in range(1000):
        v = cells.v_leak + cells.r * drive + (v - cells.v_leak - cells.r * drive) * decay
        fired = v >= cells.v_threshold
        v = np.where(fired, cells.v_reset, v)
        times += [(row, step) for row in np.flatnonzero(fired)]
    layer = quiet.layers[0]
    run = simulate(
        quiet.neuron,
        100 * ms,
        stimulus=Constant(0 * pA),
        batch={"current": (iris[0][0] @ layer.weights_pA + layer.holding_pA) * pA},
        dt=0.1 * ms,
    )
    counts = np.bincount([row for row, _ in times], minlength=len(drive))
    # A threshold met to the last bit may be crossed a step later: one spike at most.
    assert np.max(np.abs(counts - run.counts())) <= 1
    assert counts.sum() > 20


@pytest.mark.slow
def test_what_nir_cannot_say_is_refused(spiking, network, iris, tmp_path):
    file = tmp_path / "x.nir"
    for wrong, said in (
        ({"drop": ()}, "NIR has no noise"),
        ({"drop": ("noise",)}, "NIR has no refractory period"),
        ({"drop": ("threshold",)}, "can be dropped"),
        ({"form": "volts"}, "form must be one of"),
    ):
        with pytest.raises(NirError, match=said):
            write_nir(spiking, file, **wrong)
    curve = spiking.curve
    for settings, said in (
        ({"synapse": "conductance"}, "no conductance synapses"),
        ({"delay": 2 * ms}, "delays are not written"),
        (
            # A curve that tells its neuron would be refused for another one.
            {
                "neuron": AdEx(),
                "background": spiking.background,
                "curve": replace(curve, neuron=None),
            },
            "cannot say AdEx",
        ),
    ):
        other = convert(network, iris[0], **{"curve": curve, **settings})
        with pytest.raises(NirError, match=said):
            write_nir(other, file, drop=BOTH)
    assert not list(tmp_path.iterdir())


def test_graphs_that_cannot_be_read_are_named(spiking, tmp_path):
    path = write_nir(spiking, tmp_path / "net.nir", drop=BOTH)
    graph = nir.read(path)
    graph.nodes["weights_1"].weight = graph.nodes["weights_1"].weight * 1.01
    nir.write(path, graph)
    with pytest.raises(NirError, match="changed after it was written"):
        read_nir(path)
    one = np.ones(2)
    nodes = {
        "in": nir.Input(np.array([2])),
        "cell": nir.IF(r=one, v_threshold=one, v_reset=0 * one),
        "out": nir.Output(np.array([2])),
    }
    nir.write(path, nir.NIRGraph(nodes, [("in", "cell"), ("cell", "out")]))
    with pytest.raises(NirError, match="'cell' is a IF"):
        read_nir(path)
    nodes["cell"] = nir.LIF(tau=0.02 * one, r=one, v_leak=0 * one, v_threshold=np.array([1.0, 2.0]),
                            v_reset=0 * one)  # fmt: skip
    nir.write(path, nir.NIRGraph(nodes, [("in", "cell"), ("cell", "out")]))
    with pytest.raises(NirError, match="v_threshold differs"):
        read_nir(path)
