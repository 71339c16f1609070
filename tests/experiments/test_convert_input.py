"""`neurosim convert` on files as people have them: read rightly, or refused before it runs."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris

from ann import LogisticRegression, ShallowNetwork, save
from bridge.errors import ConversionError
from experiments.command.convert import Task, convert_command
from experiments.command.converting.convert_answers import bound, compared
from experiments.command.converting.convert_files import check_labels
from experiments.kit.outputs import check_file
from neurosim.errors import NeurosimError

X, Y = load_iris(return_X_y=True)
X = X / 8


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Models and inputs; iris is sorted by class."""
    folder = tmp_path_factory.mktemp("inputs")
    iris = ShallowNetwork(hidden=8, random_state=0).fit(X, Y)
    save(iris, folder / "iris.safetensors")
    save(iris.network_, folder / "plain.safetensors")
    rows, y = load_diabetes(return_X_y=True)
    rows = rows / rows.std(axis=0)
    quantities = ShallowNetwork(hidden=8, task="regression", random_state=0).fit(rows, y)
    save(quantities, folder / "quantities.safetensors")
    both = np.column_stack([Y == 0, Y < 2]).astype(int)
    save(ShallowNetwork(hidden=8, random_state=0).fit(X, both), folder / "labels.safetensors")
    save(LogisticRegression().fit(X, Y), folder / "flat.safetensors")
    np.savez(folder / "diabetes.npz", X=rows, y=y)
    np.savez(folder / "iris.npz", X=X, y=Y)
    np.savez(folder / "column.npz", X=X, y=Y[:, None])
    np.savez(folder / "text.npz", X=X, y=Y.astype(str))
    np.savez(folder / "floats.npz", X=X, y=Y.astype(float))
    np.savez(folder / "strangers.npz", X=X, y=Y + 1)
    np.savez(folder / "short.npz", X=X, y=Y[:100])
    np.savez(folder / "table.npz", X=X, y=np.eye(3)[Y])
    np.savez(folder / "wide.npz", X=np.ones((5, 9)), y=np.ones(5))
    np.savez(folder / "none.npz", X=np.ones((0, 4)), y=np.ones(0))
    np.savez(folder / "hole.npz", X=np.where(np.arange(150)[:, None] == 7, np.nan, X))
    np.savez(folder / "letters.npz", X=np.full((5, 4), "a"))
    np.savez(folder / "objects.npz", X=np.array([[1, None]], dtype=object))
    np.savez(folder / "gap.npz", X=rows, y=np.where(np.arange(len(y)) == 3, np.nan, y))
    np.savez(folder / "twice.npz", X=rows, y=np.column_stack([y, y]))
    np.savez(folder / "both.npz", X=X, y=both)
    np.savez(folder / "halves.npz", X=X, y=both / 2)
    save(quantities.network_, folder / "bare.safetensors")
    np.save(folder / "flat.npy", X[0])
    (folder / "empty.npz").write_bytes(b"")
    whole = (folder / "iris.npz").read_bytes()
    (folder / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (folder / "words.npz").write_text("5.1,3.5,1.4,0.2\n")
    (folder / "folder").mkdir()
    return folder


def convert_here(place, model="iris", inputs="iris.npz", test=None, **options):
    convert_command(
        model=place / f"{model}.safetensors",
        inputs=place / inputs,
        test=None if test is None else place / test,
        jobs=1,
        **options,
    )


@pytest.mark.slow
@pytest.mark.parametrize("test", ["iris.npz", "column.npz", "text.npz", "floats.npz"])
def test_labels_are_compared_however_they_are_written(place, tmp_path, test):
    out = tmp_path / "found.json"
    convert_here(place, test=test, certify_on=0, out=out)
    found = json.loads(out.read_text())
    # 98 % is what this network reaches on the very same inputs.
    assert found["accuracy_network"] > 0.95
    assert abs(found["accuracy_network"] - found["accuracy_neurons"]) < 0.03
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["iris", "plain"])
def test_a_network_saved_without_its_estimator_says_the_same(place, tmp_path, capsys, model):
    out = tmp_path / "found.json"
    convert_here(place, model, test="iris.npz", certify_on=10, out=out)
    found = json.loads(out.read_text())
    assert found["accuracy_network"] == pytest.approx(0.98)
    assert found["same_label"] > 0.95
    said = capsys.readouterr().out
    assert "taken apart on 10 of 150 inputs, drawn at random, each in 4 runs" in said
    assert ("taken as labels 0 to 2" in said) == (model == "plain")


@pytest.mark.slow
def test_quantities_have_errors_and_no_labels(place, tmp_path, capsys):
    out = tmp_path / "found.json"
    convert_here(place, "quantities", "diabetes.npz", "diabetes.npz", certify_on=20, out=out)
    said, found = capsys.readouterr().out, json.loads(out.read_text())
    assert "label" not in said
    assert "accuracy" not in said
    assert not [key for key in found if "label" in key or "accuracy" in key]
    assert "agreement" not in found["certificate"][0]
    rows, y = (np.load(place / "diabetes.npz")[key] for key in ("X", "y"))
    from ann import load

    trained = load(place / "quantities.safetensors")
    assert found["r2_network_from_y"] == pytest.approx(trained.score(rows, y), abs=1e-6)
    assert found["r2_neurons_from_network"] > 0.7
    assert 0.3 < found["r2_neurons_from_y"] < found["r2_network_from_y"] + 0.1
    assert f"network from y: rms error {found['rms_network_from_y']:.4g}" in said


@pytest.mark.slow
def test_inputs_sorted_by_class_are_drawn_from_all_classes(place, monkeypatch, capsys):
    import bridge.certificate.certify

    certified = []
    real = bridge.certificate.certify.certify

    def seen(network, rows, *args, **settings):
        certified.append(rows)
        return real(network, rows, *args, **settings)

    monkeypatch.setattr(bridge.certificate.certify, "certify", seen)
    for seed in (1, 1, 2):
        convert_here(place, certify_on=30, seed=seed)
    classes = [{int(Y[np.flatnonzero((row == X).all(axis=1))[0]]) for row in c} for c in certified]
    assert classes == [{0, 1, 2}] * 3
    np.testing.assert_array_equal(certified[0], certified[1])
    assert not np.array_equal(certified[0], certified[2])
    assert "taken apart on 30 of 150 inputs, drawn at random" in capsys.readouterr().out


class Vouched:
    """A certificate that vouches for the first inputs."""

    inputs, runs, exceeded, worst = 20, 4, (1 / 21, 5 / 21), np.ones(5)

    def __init__(self, count):
        self.count = count

    def safe(self, rows):
        return np.arange(len(rows)) < self.count


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (10, "No label is certified: 6 of the 10 .* seen on 20 inputs, 4 times each, changed in"),
        (
            4,
            r"40 % .*4 of 10\) keep .* 20 inputs, 4 times each; .* none of .*4.8 %.* 5 .* 24 %",
        ),
        (0, "No input is certified: .* any label could change"),
    ],
)
def test_a_bound_is_never_claimed_against_the_run(held, said):
    network = np.zeros(10, dtype=int)
    neurons = np.repeat([0, 1], [4, 6])
    numbers, sentences = bound(Vouched(held), X[:10], network, neurons)
    sentence = " ".join(sentences)
    assert re.search(said, sentence)
    assert numbers["of_these_changed"] == max(0, held - 4)
    assert "cannot change" not in sentence
    # What the run has refuted is not said at all.
    assert ("keep their label" in sentence) == (held == 4)
    # Two plain sentences at most; the third is that of the layers.
    assert len(sentences) == (1 if held == 10 else 2)
    assert all(s.endswith(".") and s.count("(") <= 1 for s in sentences)


def test_labels_kept_on_inputs_that_are_not_new_are_told():
    """The first two held inputs are the certificate's, the third is of the calibration only."""
    labels = np.zeros(10, dtype=int)
    vouched = Vouched(4)
    vouched.inputs = 30
    calibrated = np.concatenate([X[:2], X[50:78], X[2:3], X[100:110]])
    numbers, sentences = bound(vouched, X[:10], labels, labels, calibrated)
    new = (X[3] == calibrated).all(axis=1)
    assert not new.any()
    assert (
        "none of these changed, 2 of which are among the inputs of the certificate, and 1 among "
        "those of the calibration."
    ) in sentences[0]
    assert (numbers["held_of_certificate"], numbers["held_of_calibration_only"]) == (2, 1)
    fresh = bound(vouched, X[:10], labels, labels, X[50:])[1][0]
    assert fresh.endswith("none of these changed.")


@pytest.mark.parametrize(
    ("inputs", "layers", "share", "said"),
    [
        (29, 2, 0.95, "^too few .* takes 30 inputs"),
        (
            30,
            2,
            0.95,
            "^hidden layer 2 adds most to the outputs, and there f-I bias makes 95 % of it$",
        ),
        (30, 1, 0.95, "^f-I bias makes 95 % of the error of the hidden layer$"),
        (
            30,
            1,
            0.80,
            "^f-I bias makes 80 % of the error of the hidden layer, and 20 % is left over$",
        ),
    ],
)
def test_a_largest_source_is_told_of_enough_inputs(inputs, layers, share, said):
    from types import SimpleNamespace

    from bridge.certificate.certificate import LayerError
    from experiments.command.converting.convert_answers import _largest_source

    found = [
        LayerError(k, 1.0, 1.0, {}, {"inherited": 0.0, "f-I bias": share}, float(k), 1.0)
        for k in range(1, layers + 1)
    ]
    certificate: Any = SimpleNamespace(inputs=inputs, layers=tuple(found))
    assert re.search(said, _largest_source(certificate))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"test": "strangers.npz"}, r"y in .* holds 3, which is none of .* \(0, 1, 2\)"),
        ({"test": "short.npz"}, "150 rows of X, but 100 of y"),
        ({"test": "table.npz"}, r"shape \(150, 3\); give one value a row"),
        ({"test": "wide.npz"}, r"wide.npz has the shape \(5, 9\)"),
        ({"test": "none.npz"}, "at least one row"),
        ({"inputs": "wide.npz"}, r"shape \(n, 4\)"),
        ({"inputs": "none.npz"}, "at least one row"),
        ({"inputs": "flat.npy"}, r"flat.npy has the shape \(4,\)"),
        ({"inputs": "hole.npz"}, "in 1 of 150 rows, first in row 7"),
        ({"inputs": "letters.npz"}, "holds text, not numbers"),
        ({"inputs": "objects.npz"}, r"holds Python objects.* X.astype\(float\)"),
        ({"inputs": "empty.npz"}, "empty.npz is empty"),
        ({"inputs": "cut.npz"}, "cut.npz is cut short"),
        ({"inputs": "words.npz"}, "no file of plain arrays"),
        ({"inputs": "folder"}, "is a folder; name a .npz"),
        ({"inputs": "absent.npz"}, "there is no file"),
        ({"model": "labels", "test": "iris.npz"}, r"any of 2 labels, so .* \(150, 2\)"),
        ({"model": "labels", "test": "halves.npz"}, "must hold 0 and 1"),
        ({"model": "bare", "inputs": "diabetes.npz", "test": "diabetes.npz"}, "--task regression"),
        ({"model": "flat"}, "no hidden layer"),
        ({"model": "quantities", "inputs": "diabetes.npz", "test": "gap.npz"}, "y in .* NaN"),
        ({"model": "quantities", "inputs": "diabetes.npz", "test": "twice.npz"}, "1 quantities a"),
        ({"decision_ms": np.nan}, "--decision-ms must be a finite number"),
        ({"noise_mv": np.inf}, "--noise-mv must be a finite number"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(place, monkeypatch, options, said):
    never_converted(monkeypatch)
    with pytest.raises(Exception, match=said) as caught:
        convert_here(place, **options)
    assert isinstance(caught.value, NeurosimError), caught.value


def test_a_certificate_that_says_nothing_of_labels_ends_no_run():
    class Silent(Vouched):
        def safe(self, rows):
            raise ConversionError("too few inputs to say which errors are possible")

    labels = np.zeros(10, dtype=int)
    numbers, said = bound(Silent(0), X[:10], labels, labels)
    assert said == ["No label is certified: too few inputs to say which errors are possible."]
    assert "held_by_errors_seen" not in numbers


def never_converted(monkeypatch):
    import bridge.conversion.convert

    def fail(*_, **__):
        raise AssertionError("the conversion was started")

    monkeypatch.setattr(bridge.conversion.convert, "convert", fail)


def test_a_folder_as_model_is_called_one(place, monkeypatch):
    never_converted(monkeypatch)
    with pytest.raises(NeurosimError, match="is a folder; name the file"):
        convert_command(model=place, inputs=place / "iris.npz", jobs=1)


@pytest.mark.parametrize("option", ["out", "nir"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("folder", "is a folder; name a file"),
        ("absent/x.json", "there is no folder"),
        ("/proc/x.json", "cannot be written"),
        ("/dev/full", "not a plain file"),
        ("x" * 300, "cannot be written"),
        ("iris.npz", "would write over a file that is read"),
        ("iris.safetensors", "would write over a file that is read"),
    ],
)
def test_files_that_cannot_be_written_are_refused_before_anything_runs(
    place, monkeypatch, option, name, said
):
    never_converted(monkeypatch)
    before = sorted(p.name for p in place.rglob("*"))
    with pytest.raises(NeurosimError, match=f"--{option} .*{said}"):
        convert_here(place, **{option: place / name})
    assert sorted(p.name for p in place.rglob("*")) == before
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"onto": "adex"}, "cannot say AdEx"),
        ({"onto": "hh"}, "cannot say HodgkinHuxley"),
        ({"conductance": True}, "no conductance synapses"),
        ({"out": "x.nir"}, "name two files"),
    ],
)
def test_what_nir_cannot_say_is_refused_before_anything_runs(
    place, tmp_path, monkeypatch, options, said
):
    pytest.importorskip("nir")
    from experiments.command.convert import Onto

    never_converted(monkeypatch)
    options = {
        key: Onto(v) if key == "onto" else tmp_path / v if key == "out" else v
        for key, v in options.items()
    }
    with pytest.raises(NeurosimError, match=said):
        convert_here(place, nir=tmp_path / "x.nir", **options)
    assert not list(tmp_path.iterdir())


def test_numbers_and_graph_are_both_written(place, tmp_path):
    pytest.importorskip("nir")
    from bridge.nir.nir_files import read_nir

    convert_here(
        place, test="iris.npz", certify_on=0, out=tmp_path / "a.json", nir=tmp_path / "a.nir"
    )
    assert json.loads((tmp_path / "a.json").read_text())["seed"] == 1
    assert read_nir(tmp_path / "a.nir").network is not None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.nir"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--inputs", "empty.npz"], "is empty"),
        (["--inputs", "iris.npz", "--seed", "99999999999999999999999"], str(2**62)),
    ],
)
def test_the_terminal_says_it_in_words(commands, place, arguments, said):
    done = commands.run("convert", "iris.safetensors", *arguments, cwd=place)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "interrupted" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("y", "classes", "wanted"),
    [
        ([1.0, 0.0], np.array([0, 1]), [1, 0]),
        (["b", "a"], np.array(["a", "b"]), ["b", "a"]),
        ([b"b", b"a"], np.array(["a", "b"]), ["b", "a"]),
        ([1, 0], np.array(["0", "1"]), ["1", "0"]),
        (["1", "1.0"], np.array(["1", "1.0"]), ["1", "1.0"]),
        ([True, False], np.array([0, 1]), [1, 0]),
        (["True", "False"], np.array([False, True]), [True, False]),
    ],
)
def test_labels_become_classes(y, classes, wanted):
    found = check_labels(np.array(y), 2, classes, Path("test.npz"))
    assert found.tolist() == wanted


def test_a_constant_quantity_has_no_r2():
    same = np.ones((4, 1))
    numbers, said = compared(False, same, same + 1, same, "4 inputs")
    assert numbers["r2_neurons_from_network"] is None
    assert numbers["rms_neurons_from_network"] == 1
    assert "no R2" in said[0]


@pytest.mark.slow
def test_rows_of_labels_must_be_right_as_a_whole(place, tmp_path, capsys):
    out = tmp_path / "found.json"
    convert_here(place, "labels", test="both.npz", certify_on=40, out=out)
    found = json.loads(out.read_text())
    assert found["same_label"] > 0.9
    assert found["accuracy_neurons"] > 0.85
    assert found["labels"]["answered"] == 150
    one_wrong = np.array([[1, 0], [1, 1]])
    numbers, _ = compared(True, one_wrong, np.ones((2, 2)), one_wrong, "2 inputs")
    shares = {"same_label": 0.5, "accuracy_network": 1.0, "accuracy_neurons": 0.5}
    assert numbers == {**shares, "different_labels": 1}


def test_a_network_alone_is_taken_as_said(place, tmp_path, capsys):
    out = tmp_path / "found.json"
    convert_here(
        place, "bare", "diabetes.npz", "diabetes.npz", certify_on=0, out=out, task=Task.regression
    )
    assert "outputs are taken as quantities" in capsys.readouterr().out
    assert json.loads(out.read_text())["r2_network_from_y"] > 0.4


def test_a_file_that_may_be_written_leaves_no_trace(tmp_path):
    check_file(tmp_path / "x.json", "--out")
    assert not list(tmp_path.iterdir())
