"""Files with a sound checksum that describe no model: whoever made them knew how."""

from __future__ import annotations

import copy
import json
import struct
import warnings
from itertools import product

import numpy as np
import pytest
from sklearn.datasets import load_iris

from ann import DeepNetwork, LogisticRegression, Network, ShallowNetwork, load, save
from ann.errors import ModelFileError, OutputError
from ann.files.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from ann.files.tensor_file import TensorFile, read_tensors, write_tensors
from ann.network.losses import Quadratic
from ann.plan.optimisers import OPTIMISERS
from ann.plan.plan import Plan
from ann.training.hooks import KeepBest
from ann.training.trainer import Trainer

X, Y = load_iris(return_X_y=True)
ODD = [None, True, -1, 0, 10**9, 10**30, 1.5, "", "x", [], [[]], {}, {"x": 1}, [10**6, 10**6]]


def models():
    small = {"max_epochs": 2, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # trained too little to have learnt anything
        return {
            "logistic": LogisticRegression().fit(X, Y),
            "shallow": ShallowNetwork(hidden=3, **small).fit(X, np.array(["a", "b", "c"])[Y]),
            "quantity": ShallowNetwork(hidden=3, task="regression", **small).fit(X, Y * 1.0),
            "deep": DeepNetwork(hidden=(3, 2), batch_norm=True, **small).fit(X, Y),
        }


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Arrays and card of each model, as its file has them."""
    path = tmp_path_factory.mktemp("models") / "m.safetensors"
    found = {}
    for name, model in models().items():
        save(model, path)
        found[name] = read_tensors(path)
    return found


def _answers(model):
    return np.asarray(model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X))


@pytest.mark.parametrize("name", ["logistic", "shallow", "quantity", "deep"])
def test_arrays_of_another_shape_or_type_are_refused(name, saved, tmp_path):
    """NumPy would stretch one number over all units, and round float64 to float32."""
    tensors, card = saved[name]
    path = tmp_path / "m.safetensors"
    for key, array in tensors.items():
        for other in (array[:1], array[:-1], np.append(array, array[:1]), array[:, np.newaxis]):
            if other.shape != array.shape:
                write_tensors(path, {**tensors, key: other}, card)
                with pytest.raises(ModelFileError, match=key):
                    load(path)
        without = {k: v for k, v in tensors.items() if k != key}
        # Inputs are scaled or not: an absent pair is another model, half of one is none.
        write_tensors(path, without, card)
        with pytest.raises(ModelFileError):
            load(path)
        write_tensors(path, {**without, f"{key}s": array}, card)
        with pytest.raises(ModelFileError):
            load(path)
    write_tensors(path, {**tensors, "parameters": tensors["parameters"].astype(int)}, card)
    with pytest.raises(ModelFileError, match="parameters"):
        load(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic", "shallow", "quantity", "deep"])
def test_an_odd_card_is_refused_or_means_what_it_says(name, saved, tmp_path):
    tensors, card = saved[name]
    path = tmp_path / "m.safetensors"
    places = [(key,) for key in card]
    places += [(key, k) for key in card if isinstance(card[key], dict) for k in card[key]]
    places += [
        (key, k) for key in card if isinstance(card[key], list) for k in range(len(card[key]))
    ]
    refused = 0
    for place, odd in product(places, ODD):
        changed = copy.deepcopy(card)
        target = changed
        for step in place[:-1]:
            target = target[step]
        target[place[-1]] = odd
        write_tensors(path, tensors, changed)
        try:
            load(path)
        except ModelFileError:
            refused += 1
    assert refused > len(places) * len(ODD) / 3


def test_a_card_of_a_thousand_brackets_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    write_tensors(path, {"x": np.zeros(1)}, {"what": "x"})
    deep = "[" * 100_000 + "]" * 100_000
    from ann.files.tensor_file import _checksum

    metadata = {"card": deep, "checksum": _checksum(deep, {"x": np.zeros(1)})}
    header = {"__metadata__": metadata, "x": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    with pytest.raises(ModelFileError, match="card"):
        load(path)


def test_an_array_is_taken_once(tmp_path):
    write_tensors(tmp_path / "a", {"x": np.ones(2)}, {})
    file = TensorFile(tmp_path / "a")
    assert file.size() == 2
    file.take("x", (2,), np.float64)
    file.finish()
    with pytest.raises(ModelFileError, match="no array 'x'"):
        file.take("x")


# -- checkpoints --------------------------------------------------------------------------------


def a_trainer(hooks=()):
    rng = np.random.default_rng(3)
    network = Network([4, 5, 3], ["sigmoid", "identity"], batch_norm=True, rng=rng)
    plan = Plan(network, Quadratic(), OPTIMISERS["adam"](), rng=rng)
    return Trainer(plan, hooks=[KeepBest(), *hooks])


def test_a_checkpoint_that_lacks_an_array_or_has_another_changes_nothing(tmp_path):
    path = tmp_path / "c"
    done = a_trainer().fit(X, np.eye(3)[Y], epochs=2)
    save_checkpoint(path, done)
    tensors, card = read_tensors(path)
    fresh = a_trainer()
    before = fresh.network.parameters.copy(), fresh.rng.bit_generator.state
    variants = [({k: v for k, v in tensors.items() if k != key}, card) for key in tensors]
    variants += [
        ({**tensors, key: array[:1]}, card) for key, array in tensors.items() if array.size > 1
    ]
    variants += [({**tensors, "state.more": np.zeros(3)}, card)]
    variants += [(tensors, {**card, key: odd}) for key in card for odd in (None, "x", [[]])]
    refused = 0
    for arrays, about in variants:
        write_tensors(path, arrays, about)
        try:
            load_checkpoint(path, fresh)
        except ModelFileError:
            refused += 1
            np.testing.assert_array_equal(fresh.network.parameters, before[0])
            assert fresh.rng.bit_generator.state == before[1]
            assert (fresh.epoch, fresh.history) == (0, [])
        else:
            fresh = a_trainer()
    assert refused >= len(tensors) + 8


def test_a_checkpoint_that_cannot_be_written_does_not_end_the_training(tmp_path, monkeypatch):
    T = np.eye(3)[Y]
    through = a_trainer().fit(X, T, epochs=6)
    path = tmp_path / "c"
    tries = []

    def full(*args):
        tries.append(args)
        if len(tries) in (2, 3):
            raise OutputError(f"cannot write {path}: No space left on device")
        save_checkpoint(*args)

    monkeypatch.setattr("ann.files.checkpoints.save_checkpoint", full)
    with pytest.warns(UserWarning, match="epoch 2: cannot write .*training goes on") as said:
        trained = a_trainer([Checkpoint(path)]).fit(X, T, epochs=6)
    assert len(said) == 2
    np.testing.assert_array_equal(trained.network.parameters, through.network.parameters)
    resumed = a_trainer([Checkpoint(path)])
    load_checkpoint(path, resumed)
    assert resumed.epoch == 6
