"""`neurosim convert`, and the experiments on converted networks."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ann import ShallowNetwork, save
from experiments import Context, find
from experiments.kit.mnist import load_mnist
from neurosim.errors import ParameterError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model file, training inputs and test inputs with labels."""
    place = tmp_path_factory.mktemp("convert")
    X, y = load_digits(return_X_y=True)
    X = X / 16
    network = ShallowNetwork(hidden=16, dropout=0.1, max_epochs=40, random_state=0)
    save(network.fit(X[:1200], y[:1200]), place / "model.safetensors")
    np.savez(place / "train.npz", X=X[:1200])
    np.savez(place / "test.npz", X=X[1200:1300], y=y[1200:1300])
    np.savez(place / "nameless.npz", images=X[:3])
    return place


def neurosim(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "experiments.command.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_model_is_put_onto_neurons(folder):
    out = folder / "numbers.json"
    done = neurosim(
        "convert",
        folder / "model.safetensors",
        "--inputs",
        folder / "train.npz",
        "--test",
        folder / "test.npz",
        "--certify-on",
        30,
        "--out",
        out,
        "--jobs",
        2,
    )
    assert done.returncode == 0, done.stderr
    # Thirty inputs are the fewest from which it is said which source of error is the largest.
    for said in (
        "64-16-10 on LIF",
        "accuracy of the neurons",
        "ATP a decision",
        "% of the error of the hidden layer",
    ):
        assert said in done.stdout
    assert re.search(r"-0\s", done.stdout) is None
    numbers = json.loads(out.read_text())
    assert numbers["accuracy_neurons"] >= numbers["accuracy_network"] - 0.04
    shares = [v for k, v in numbers["certificate"][0].items() if k.endswith("(%)")]
    assert sum(shares[:-1]) == pytest.approx(100, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "said"),
    [("absent.npz", "there is no file"), ("nameless.npz", "holds images; the inputs must be")],
)
def test_wrong_files_are_one_clear_error(commands, folder, inputs, said):
    done = commands.run("convert", folder / "model.safetensors", "--inputs", folder / inputs)
    assert done.returncode == 2
    # The terminal may break the line anywhere.
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_reset_decides_whether_waiting_helps():
    found = find("reset-error")
    result = found.run(found.with_values({"steps": "10,100,1000"}), Context(seed=5))
    assert result.holds, [str(v) for v in result.verdicts]


@pytest.mark.slow
def test_a_network_trained_with_the_measured_unit_loses_little():
    result = find("trained-with-unit").run(context=Context(seed=31, jobs=2, quick=True))
    # The interval of the loss, not a p above .05: that few images differ proves nothing.
    (lost,) = (v for v in result.verdicts if v.what == "points lost at 50 ms")
    assert lost.high is not None
    assert lost.holds, str(lost)


def test_absent_images_are_named(tmp_path):
    with pytest.raises(ParameterError, match=r"no images at .* --set images=PATH"):
        load_mnist(str(tmp_path / "mnist.npz"))
    np.savez(tmp_path / "other.npz", x_train=np.zeros(3))
    with pytest.raises(ParameterError, match="lacks x_test, y_test, y_train"):
        load_mnist(str(tmp_path / "other.npz"))
