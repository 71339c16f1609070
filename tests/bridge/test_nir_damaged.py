"""NIR files that were changed, cut or never were ones: each is refused by name, nothing is left."""

import shutil
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from brian2 import ms

from ann import Network
from bridge.conversion.convert import convert
from bridge.slow_state.outrun import Outrun
from neurosim import LIF

nir = pytest.importorskip("nir")

from bridge.nir.nir_files import NirError, read_nir, write_nir  # noqa: E402

BOTH = ("noise", "refractory")


@pytest.fixture(scope="module")
def trained():
    return Network([4, 6, 5, 3], ["relu", "tanh", "identity"], rng=0, dtype=np.float64)


@pytest.fixture(scope="module")
def spiking(trained):
    return convert(trained, np.random.default_rng(0).normal(size=(40, 4)))


@pytest.fixture(scope="module", params=["millivolt", "normalised"])
def written(spiking, tmp_path_factory, request):
    return write_nir(
        spiking, tmp_path_factory.mktemp("nir") / "net.nir", form=request.param, drop=BOTH
    )


@pytest.fixture
def edited(written, tmp_path):
    """Return a function that reads a copy of the file after a change."""

    def read(change):
        path = tmp_path / "edited.nir"
        shutil.copy(written, path)
        with h5py.File(path, "a") as file:
            change(file["node"])
        return read_nir(path)

    return read


def numbers_of_a_graph():
    """Every number of the graph of two hidden layers."""
    neurons = ("r", "v_leak", "v_reset", "v_threshold")
    return [
        *((f"weights_{k}", key) for k in (1, 2) for key in ("weight", "bias")),
        *(("neurons_1", key) for key in (*neurons, "tau")),
        *(("neurons_2", key) for key in (*neurons, "tau_mem", "tau_syn", "w_in")),
        *(("readout", key) for key in ("weight", "bias")),
    ]


@pytest.mark.slow
def test_the_list_of_numbers_is_complete(written):
    with h5py.File(written) as file:
        found = {
            (name, key)
            for name, node in file["node/nodes"].items()
            for key in node
            if key not in ("type", "shape", "metadata", "input_type", "output_type")
        }
    assert found == set(numbers_of_a_graph())


@pytest.mark.parametrize(("node", "key"), numbers_of_a_graph())
def test_any_number_of_the_graph_that_was_changed_is_noticed(edited, node, key):
    def one_value(file):
        values = file[f"nodes/{node}/{key}"]
        changed = values[...]
        # The last one only: a check of the first or of the mean would miss it.
        changed.flat[-1] = changed.flat[-1] * 1.001 + (changed.flat[-1] == 0)
        values[...] = changed

    with pytest.raises(NirError, match=f"{key} of node '{node}'.*changed after it was written"):
        edited(one_value)


def test_what_was_not_changed_is_read(edited, spiking):
    back = edited(lambda file: None).network
    np.testing.assert_array_equal(back.output_weights, spiking.output_weights)


@pytest.mark.parametrize(
    "part", ["si", "noise", "timing", "curve", "layer0", "layer1", "trained0", "trained2",
             "sha256", "neurosim", "layer1/copies", "trained1/bias"],
)  # fmt: skip
def test_a_ledger_that_lacks_a_part_is_refused(edited, part):
    def delete(file):
        del file["metadata"][part]

    with pytest.raises(NirError, match=r"edited\.nir: its ledger"):
        edited(delete)


@pytest.mark.parametrize(
    "part", ["noise", "timing", "si", "layer0/decision_ms", "trained0/weights", "curve"]
)
def test_a_ledger_that_was_changed_is_refused(edited, part):
    def change(file):
        values = file["metadata"][part]
        values[...] = values[...] * 2

    with pytest.raises(NirError, match="its ledger was changed after it was written"):
        edited(change)


@pytest.mark.parametrize("change", ["type", "shape", "name", "swapped"])
def test_a_ledger_of_the_same_numbers_under_other_names_or_types_is_refused(edited, change):
    def replaced(file):
        layer = file["metadata/layer0"]
        if change == "swapped":
            layer.move("weights_pA", "kept")
            layer.move("holding_pA", "weights_pA")
            layer.move("kept", "holding_pA")
        elif change == "name":
            layer.create_dataset("more", data=layer["units"][()])
        else:
            value = np.asarray(layer["units"][()])
            del layer["units"]
            layer["units"] = value.astype(float) if change == "type" else value[None]

    with pytest.raises(NirError, match="its ledger was changed after it was written"):
        edited(replaced)


def test_what_other_tools_add_to_the_metadata_is_left_alone(edited):
    assert edited(lambda file: file["metadata"].create_dataset("author", data="me")).network


def test_a_node_put_in_or_renamed_is_noticed(written, tmp_path):
    graph = nir.read(written)
    graph.nodes["more"] = nir.Affine(np.eye(3), np.zeros(3))
    graph.edges = [e for e in graph.edges if e[1] != "output"]
    graph.edges += [("readout", "more"), ("more", "output")]
    nir.write(tmp_path / "more.nir", graph)
    with pytest.raises(NirError, match=r"its ledger says .* changed after it was written"):
        read_nir(tmp_path / "more.nir")


@pytest.fixture
def wrong_file(written, tmp_path):
    """Return a function that makes a file which is no NIR file of its own kind."""

    def make(kind):
        path = tmp_path / f"{kind}.nir"
        if kind == "folder":
            path.mkdir()
        elif kind == "text":
            path.write_text("hello")
        elif kind == "empty":
            path.write_bytes(b"")
        elif kind == "cut":
            data = written.read_bytes()
            path.write_bytes(data[: len(data) // 2])
        elif kind == "hdf5":
            with h5py.File(path, "w") as file:
                file.create_dataset("temperature", data=1)
        elif kind == "damaged":
            shutil.copy(written, path)
            with h5py.File(path, "a") as file:
                del file["node/nodes/neurons_1/tau"]
        return path

    return make


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("absent", "there is no file"),
        ("folder", "is a folder"),
        ("text", "no HDF5 file"),
        ("empty", "is empty"),
        ("cut", "cut short"),
        ("hdf5", "holds temperature and no NIR graph"),
        ("damaged", "damaged NIR graph"),
    ],
)
def test_a_file_that_is_no_nir_file_is_named(wrong_file, kind, said):
    path = wrong_file(kind)
    with pytest.raises(NirError, match=said) as caught:
        read_nir(path)
    assert f"{kind}.nir" in str(caught.value)


def lif(n, **own):
    one = np.ones(n)
    settings = {"tau": 0.02, "r": 1, "v_leak": 0, "v_threshold": 1, "v_reset": 0, **own}
    return nir.LIF(**{name: one * value for name, value in settings.items()})


def cuba(n, **own):
    one = np.ones(n)
    settings = {"tau_syn": 0.005, "tau_mem": 0.02, "r": 1, "v_leak": 0, "v_threshold": 1,
                "v_reset": 0, "w_in": 1, **own}  # fmt: skip
    return nir.CubaLIF(**{name: one * value for name, value in settings.items()})


def affine(n_in, n_out, fill=1.0):
    return nir.Affine(np.full((n_out, n_in), fill), np.zeros(n_out))


def of_another_tool(path, *nodes):
    """Write a chain as a tool that checks nothing would."""
    names = ["input", *(f"n{k}" for k in range(1, len(nodes) - 1)), "output"]
    edges = list(pairwise(names))
    nir.write(path, nir.NIRGraph(dict(zip(names, nodes, strict=True)), edges, type_check=False))
    return path


def ends(n_in, n_out):
    return nir.Input(np.array([n_in])), nir.Output(np.array([n_out]))


@pytest.mark.parametrize(
    ("middle", "said"),
    [
        ([affine(3, 4), lif(4), affine(4, 2), cuba(2, tau_syn=np.array([0.005, 0.05]))],
         r"tau_syn differs between neurons \(0.005 to 0.05\)"),
        ([affine(3, 4), lif(4), affine(4, 2), cuba(2, tau_mem=0.01)], "tau differs"),
        ([affine(3, 4), lif(4, tau=-1), affine(4, 2), cuba(2)], "tau is -1"),
        ([affine(3, 4), lif(4), affine(4, 2), cuba(2, tau_syn=0)], "tau_syn is 0"),
        ([affine(3, 4, np.nan), lif(4), affine(4, 2), cuba(2)], "weight of node 'n1' holds NaN"),
        ([affine(3, 4), lif(4, v_leak=np.inf), affine(4, 2), cuba(2)], "v_leak of node 'n2'"),
        ([affine(3, 4), lif(4), affine(7, 2), cuba(2)],
         "'n2' gives 4 values, but node 'n3' takes 7"),
        ([affine(9, 4), lif(4), affine(4, 2), cuba(2)],
         "'input' gives 3 values, but node 'n1' takes 9"),
        ([affine(3, 4), lif(7), affine(7, 2), cuba(2)],
         "'n1' gives 4 values, but node 'n2' takes 7"),
    ],
)  # fmt: skip
def test_graphs_of_other_tools_that_have_no_counterpart(tmp_path, middle, said):
    start, end = ends(3, 2)
    with pytest.raises(NirError, match=f"f.nir: .*{said}"):
        read_nir(of_another_tool(tmp_path / "f.nir", start, *middle, end))


def test_a_graph_of_another_tool_is_read(tmp_path):
    start, end = ends(3, 2)
    middle = (affine(3, 4), lif(4), affine(4, 2), cuba(2, tau_syn=0.008))
    found = read_nir(of_another_tool(tmp_path / "f.nir", start, *middle, end))
    assert found.network is None
    assert float(found.wiring.tau_syn) == pytest.approx(0.008)


@pytest.mark.parametrize("shape", [[np.nan], [np.inf], [2.5], ["x"], [1 + 2j]])
def test_a_shape_that_is_no_number_of_values_is_refused(edited, shape):
    def change(node):
        del node["nodes"]["input"]["shape"]
        node["nodes"]["input"]["shape"] = np.array(shape, dtype="S1" if shape == ["x"] else None)

    with pytest.raises(NirError, match="no number of values"):
        edited(change)


def test_nothing_is_left_of_a_file_that_cannot_be_written(spiking, trained, tmp_path):
    (tmp_path / "folder").mkdir()
    for path, said in (
        (tmp_path / "folder", "is a folder"),
        (tmp_path / "absent" / "x.nir", "there is no folder"),
        (tmp_path / ("x" * 300), "cannot write"),
        (Path("/dev/full"), "not a plain file"),
    ):
        with pytest.raises(NirError, match=said):
            write_nir(spiking, path, drop=BOTH)
    with pytest.raises(NirError, match=r"takes a SpikingNetwork; got Network: convert\("):
        write_nir(trained, tmp_path / "x.nir")
    assert [p.name for p in tmp_path.rglob("*")] == ["folder"]


def test_what_stood_there_stays_when_writing_fails(spiking, tmp_path, monkeypatch):
    path = write_nir(spiking, tmp_path / "net.nir", drop=BOTH)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nir, "write", full)
    with pytest.raises(NirError, match="No space left"):
        write_nir(spiking, path, drop=BOTH)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_one_thing_to_drop_may_be_named_alone(trained, tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 4))
    no_pause = convert(trained, X, neuron=LIF(t_ref=0 * ms))
    path = write_nir(no_pause, tmp_path / "x.nir", drop="noise")
    assert read_nir(path).network is not None
    for wrong in ("weights", ["weights"], [["noise"]], None, 5):
        with pytest.raises(NirError, match="only noise and refractory can be dropped; got"):
            write_nir(no_pause, path, drop=wrong)


def test_classes_come_back_or_are_refused(spiking, tmp_path):
    for classes in (np.array(["a", "b", "c"]), np.array([3, 1, 2]), np.array([0.5, 1, 2])):
        path = write_nir(replace(spiking, classes=classes), tmp_path / "x.nir", drop=BOTH)
        assert read_nir(path).network.classes.tolist() == classes.tolist()
    days = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], dtype="datetime64[D]")
    with pytest.raises(NirError, match=r"classes of type datetime64.* cannot be written down"):
        write_nir(replace(spiking, classes=days), tmp_path / "y.nir", drop=BOTH)


class Bent:
    """An activation that takes both signs."""

    def value(self, z):
        return np.arctan(z)

    def gradient(self, z):
        return 1 / (1 + z**2)


class Raised(Bent):
    """One that does not."""

    def value(self, z):
        return np.arctan(z) + 2


@pytest.mark.parametrize("own", [Bent(), Raised()])
def test_an_activation_of_ones_own_is_refused_by_name(tmp_path, own):
    X = np.random.default_rng(0).normal(size=(40, 4))
    network = Network([4, 6, 1], [own, "identity"], rng=0, dtype=np.float64)
    with pytest.raises(NirError, match="object of your own and cannot be written down"):
        write_nir(convert(network, X), tmp_path / "x.nir", drop=BOTH)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("output", ["identity", "softplus"])
def test_what_outputs_mean_comes_back(tmp_path, output):
    X = np.random.default_rng(0).normal(size=(40, 4))
    network = Network([4, 6, 1], ["relu", output], rng=0, dtype=np.float64)
    outrun = Outrun(1, 0.05, 5.0, 80.0, 0.01, 0.02, 0.4, np.inf)
    spiking = replace(
        convert(network, X, task="regression"),
        feature_names=("a", "b", "c", "d"),
        outruns=(outrun,),
    )
    back = read_nir(write_nir(spiking, tmp_path / "x.nir", drop=BOTH)).network
    assert back.feature_names == ("a", "b", "c", "d")
    before, after = (n.run(X[:5], 20 * ms, seed=3).predict() for n in (spiking, back))
    np.testing.assert_array_equal(before, after)
    # Each field of the network is kept: none may be added and forgotten here.
    assert {f.name for f in fields(spiking)} == {
        "neuron", "background", "layers", "classes", "tau_syn", "dt", "curve", "split", "synapse",
        "delay", "answers", "feature_names", "seen", "outruns",
    }  # fmt: skip
    assert back.outruns == (outrun,)
    for name in ("low", "high", "size"):
        np.testing.assert_array_equal(getattr(back.seen, name), getattr(spiking.seen, name))
