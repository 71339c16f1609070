"""Model files and exchange: bit for bit there and back, and no damaged file is believed."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import safetensors.numpy
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.linear_model import LogisticRegression as ScikitLogistic
from sklearn.linear_model import RidgeCV
from sklearn.neural_network import MLPClassifier, MLPRegressor

from ann import DeepNetwork, LogisticRegression, Network, ShallowNetwork
from ann.errors import ModelFileError, ParameterError
from ann.files.checkpoints import Checkpoint, load_checkpoint
from ann.files.other_libraries import export_onnx, from_pytorch, from_scikit_learn
from ann.files.storage import load, read_card, save
from ann.files.tensor_file import read_tensors, write_tensors
from ann.network.losses import Quadratic
from ann.plan.optimisers import OPTIMISERS
from ann.plan.plan import Plan
from ann.training.augment import DropInputs
from ann.training.hooks import KeepBest
from ann.training.trainer import Hook, Trainer

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]


def fitted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # trained too little to have learnt anything
        return _fitted()


def _fitted():
    D, d = load_diabetes(return_X_y=True)
    L, labels = make_multilabel_classification(n_samples=60, random_state=0)
    small = {"hidden": 5, "max_epochs": 4, "random_state": 0}
    return {
        "logistic, three classes": (LogisticRegression().fit(X, NAMES), X),
        "logistic, two classes": (LogisticRegression().fit(X, Y > 0), X),
        "shallow, names": (ShallowNetwork(**small).fit(X, NAMES), X),
        "shallow, labels": (ShallowNetwork(**small).fit(L, labels), L),
        "shallow, one quantity": (ShallowNetwork(task="regression", **small).fit(D, d), D),
        "shallow, counts": (
            ShallowNetwork(task="regression", loss="poisson", **small).fit(X, Y), X),
        "deep, batch norm, dropout": (
            DeepNetwork(
                hidden=(6, 5), activation=["relu", {"name": "leaky_relu", "leak": 0.2}],
                batch_norm=True, dropout=[0.1, 0.2], max_epochs=3, random_state=0,
            ).fit(X, Y), X),
        "deep, double precision": (
            DeepNetwork(hidden=(6,), dtype="float64", max_epochs=3, random_state=0).fit(X, Y), X),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(fitted()))
def test_a_loaded_model_answers_bit_for_bit(name, tmp_path):
    model, data = fitted()[name]
    save(model, tmp_path / "m.safetensors")
    back = load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(back.predict(data), model.predict(data))
    assert back.predict(data).dtype == model.predict(data).dtype
    if hasattr(model, "predict_proba"):
        np.testing.assert_array_equal(back.predict_proba(data), model.predict_proba(data))
        np.testing.assert_array_equal(back.classes_, model.classes_)
    assert back.get_params().keys() == model.get_params().keys()
    assert read_card(tmp_path / "m.safetensors")["model"] == type(model).__name__
    # A model file is no dead end: it can be saved again and trained on.
    save(back, tmp_path / "again.safetensors")
    if hasattr(back, "partial_fit"):
        assert back.history_ == model.history_


def test_a_network_alone_can_be_saved(tmp_path):
    imported = from_scikit_learn(RidgeCV().fit(X, np.column_stack([Y, Y**2])))
    for network in (imported, Network([4, 3, 2], ["tanh", "softmax"], batch_norm=True, rng=0)):
        save(network, tmp_path / "n.safetensors", notes="about")
        back = load(tmp_path / "n.safetensors")
        np.testing.assert_array_equal(back.output(X), network.output(X))
        assert back.dtype == network.dtype
        assert read_card(tmp_path / "n.safetensors")["notes"] == "about"


def test_a_linear_regressor_comes_in_as_a_network():
    for y in (Y, np.column_stack([Y, -Y])):
        for model in (RidgeCV().fit(X, y), RidgeCV(fit_intercept=False).fit(X, y)):
            ours = from_scikit_learn(model).output(X)
            np.testing.assert_allclose(ours.reshape(y.shape), model.predict(X), atol=1e-12)


def test_training_goes_on_from_a_file(tmp_path):
    model = ShallowNetwork(hidden=5, max_epochs=5, random_state=0).fit(X, Y)
    save(model, tmp_path / "m.safetensors")
    back = load(tmp_path / "m.safetensors")
    before = back.score(X, Y)
    for _ in range(30):
        back.partial_fit(X, Y)
    assert back.score(X, Y) >= before


def test_the_file_is_plain_safetensors(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.ones(3, np.float32), "c": np.array(True)}
    write_tensors(tmp_path / "ours", arrays, {"about": "é"})
    theirs = safetensors.numpy.load_file(tmp_path / "ours")
    safetensors.numpy.save_file(dict(arrays), tmp_path / "theirs")
    ours, card = read_tensors(tmp_path / "theirs")
    assert card is None
    for name, array in arrays.items():
        np.testing.assert_array_equal(theirs[name], array)
        np.testing.assert_array_equal(ours[name], array)


def test_no_way_of_cutting_or_editing_a_file_goes_unnoticed(tmp_path):
    path = tmp_path / "m.safetensors"
    save(LogisticRegression().fit(X, NAMES), path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for cut in [0, 3, 8, 40, *rng.integers(len(whole), size=30), len(whole) - 1]:
        path.write_bytes(whole[:cut])
        with pytest.raises(ModelFileError):
            load(path)
    for place in rng.integers(len(whole), size=200):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(bytes(damaged))
        try:
            back = load(path)
        except ModelFileError:
            continue
        # Only padding may change without harm.
        assert whole[place : place + 1] == b" "
        np.testing.assert_array_equal(back.coef_, load_bytes(whole, tmp_path).coef_)


@pytest.mark.parametrize("new", [b"scale.sean", b"aaaaa.mean"])
def test_a_renamed_array_is_refused(new, tmp_path):
    # Inputs that need a scale: without it the answers are others, and nothing else would tell.
    path = tmp_path / "m.safetensors"
    save(ShallowNetwork(hidden=3, max_epochs=2, random_state=0).fit(100 * X, Y), path)
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + size]
    assert b"scale.mean" in header
    path.write_bytes(data[:8] + header.replace(b"scale.mean", new) + data[8 + size :])
    with pytest.raises(ModelFileError, match="changed after it was written"):
        load(path)


def test_an_array_too_many_or_too_few_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    save(ShallowNetwork(hidden=3, max_epochs=2, random_state=0).fit(100 * X, Y), path)
    tensors, card = read_tensors(path)
    assert "scale.mean" in tensors
    write_tensors(path, {**tensors, "scale.centre": np.ones(4)}, card)
    with pytest.raises(ModelFileError, match=r"arrays that no model has: scale\.centre"):
        load(path)
    for name in ("scale.mean", "scale.spread", "parameters"):
        write_tensors(path, {k: v for k, v in tensors.items() if k != name}, card)
        with pytest.raises(ModelFileError):
            load(path)


@pytest.mark.parametrize("order", ["<f8", ">f8"])
def test_arrays_come_back_whatever_their_layout(order, tmp_path):
    array = np.arange(6.0).reshape(2, 3).astype(order)
    write_tensors(tmp_path / "a", {"turned": array.T, "each second": array[:, ::2]}, {})
    tensors, _ = read_tensors(tmp_path / "a")
    np.testing.assert_array_equal(tensors["turned"], array.T)
    np.testing.assert_array_equal(tensors["each second"], array[:, ::2])


def load_bytes(data, folder):
    (folder / "copy").write_bytes(data)
    return load(folder / "copy")


def test_an_edited_card_is_refused_with_the_reason(tmp_path):
    path = tmp_path / "m.safetensors"
    save(LogisticRegression().fit(X, NAMES), path)
    text = path.read_bytes()
    path.write_bytes(text.replace(b"virginica", b"virginicb"))
    with pytest.raises(ModelFileError, match="changed after it was written"):
        load(path)
    with pytest.raises(ModelFileError, match="there is no model file"):
        load(tmp_path / "nowhere")
    write_tensors(path, {"x": np.ones(2)}, {"what": "neurosim model 99"})
    with pytest.raises(ModelFileError, match="this version reads"):
        load(path)
    write_tensors(path, {"x": np.ones(2)}, {"what": "neurosim model 1", "model": "Shallow"})
    with pytest.raises(ModelFileError, match="does not describe a model"):
        load(path)
    path.write_bytes((8).to_bytes(8, "little") + json.dumps([1]).encode() + b"     ")
    with pytest.raises(ModelFileError, match="damaged or no model file"):
        load(path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "m"
    write_tensors(path, {"x": np.ones(2)}, {})
    with pytest.raises(ModelFileError, match="dtype complex128"):
        write_tensors(path, {"x": np.ones(2, complex)}, {})
    with pytest.raises(ValueError, match="JSON"):
        write_tensors(path, {"x": np.ones(2)}, {"bad": float("nan")})
    np.testing.assert_array_equal(read_tensors(path)[0]["x"], [1, 1])
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_objects_of_ones_own_are_asked_for(tmp_path):
    class Cube:
        def value(self, z):
            return z**3

        def gradient(self, z):
            return 3 * z**2

    model = ShallowNetwork(
        hidden=4, activation=Cube(), hooks=[Hook()], max_epochs=3, random_state=0
    ).fit(X, Y)
    save(model, tmp_path / "m")
    assert read_card(tmp_path / "m")["left_out"] == ["activation", "hooks"]
    with pytest.raises(ModelFileError, match=r"load\(path, activation=...\)"):
        load(tmp_path / "m")
    back = load(tmp_path / "m", activation=Cube())
    np.testing.assert_array_equal(back.predict_proba(X), model.predict_proba(X))


def test_only_what_is_fitted_and_ours_is_saved(tmp_path):
    with pytest.raises(ParameterError, match="not fitted"):
        save(ShallowNetwork(), tmp_path / "m")
    with pytest.raises(ParameterError, match="LogisticRegression, ShallowNetwork can"):
        save(MLPClassifier(), tmp_path / "m")


# -- checkpoints ---------------------------------------------------------------------------------
class StopAt(Hook):
    def __init__(self, epoch):
        self.epoch = epoch

    def after_epoch(self, trainer):
        if trainer.epoch == self.epoch:
            trainer.stop = "long enough"


def a_trainer(optimiser, hooks):
    rng = np.random.default_rng(7)
    net = Network([4, 8, 3], ["tanh", "identity"], dropout=0.3, batch_norm=True, rng=rng)
    kind = OPTIMISERS[optimiser](learning_rate=0.01)
    return Trainer(
        Plan(net, Quadratic(), kind, rng=rng), batch_size=32, schedule="one_cycle", hooks=hooks
    )


@pytest.mark.parametrize("optimiser", sorted(OPTIMISERS))
def test_a_resumed_training_continues_bit_for_bit(optimiser, tmp_path):
    T = np.eye(3)[Y]
    through = a_trainer(optimiser, [KeepBest(), StopAt(None), Checkpoint(tmp_path / "none")])
    through.fit(X, T, epochs=9)
    path = tmp_path / "c.safetensors"
    a_trainer(optimiser, [KeepBest(), StopAt(4), Checkpoint(path)]).fit(X, T, epochs=9)
    resumed = a_trainer(optimiser, [KeepBest(), StopAt(None), Checkpoint(path)])
    resumed.network.parameters += 1  # whatever was there does not matter
    resumed.fit(X, T, epochs=9)
    np.testing.assert_array_equal(resumed.network.parameters, through.network.parameters)
    mine, theirs = resumed.network.layers[0].norm, through.network.layers[0].norm
    np.testing.assert_array_equal(mine.variance, theirs.variance)
    losses = [[r["loss"] for r in t.history] for t in (resumed, through)]
    assert losses[0] == losses[1]
    assert resumed.hooks[0].best == through.hooks[0].best


def test_inputs_silenced_from_a_seed_of_their_own_resume_bit_for_bit(tmp_path):
    def training(stop, path):
        hooks = [DropInputs(0.3, seed=3), StopAt(stop), Checkpoint(path)]
        return a_trainer("adam", hooks).fit(X, np.eye(3)[Y], epochs=6)

    through = training(None, tmp_path / "none")
    training(2, tmp_path / "c")
    resumed = training(None, tmp_path / "c")
    np.testing.assert_array_equal(resumed.network.parameters, through.network.parameters)


def test_an_estimator_resumes_bit_for_bit(tmp_path):
    class Stop(Hook):
        def after_epoch(self, trainer):
            if trainer.epoch == 7:
                trainer.stop = "power cut"

    settings = {"max_epochs": 20, "random_state": 0, "dropout": 0.1}
    path = tmp_path / "c"
    straight = ShallowNetwork(hooks=[Hook(), Checkpoint(tmp_path / "x")], **settings).fit(X, Y)
    ShallowNetwork(hooks=[Stop(), Checkpoint(path, every=7)], **settings).fit(X, Y)
    # A hook that remembers nothing may be another one: only its kind is compared.
    again = ShallowNetwork(hooks=[Stop(), Checkpoint(path)], **settings)
    again.hooks[0].after_epoch = lambda trainer: None
    again.fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), straight.predict_proba(X))


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    T = np.eye(3)[Y]
    path = tmp_path / "c"
    a_trainer("adam", [Checkpoint(path)]).fit(X, T, epochs=1)
    with pytest.raises(ModelFileError, match="optimiser adam, not to sgd"):
        load_checkpoint(path, a_trainer("sgd", [Checkpoint(path)]))
    other = Trainer(Plan(Network([4, 3], "identity", rng=0), Quadratic(), OPTIMISERS["adam"]()))
    with pytest.raises(ModelFileError, match="belongs to network"):
        load_checkpoint(path, other)
    with pytest.raises(ModelFileError, match="hooks"):
        load_checkpoint(path, a_trainer("adam", []))
    write_tensors(path, {}, {"what": "something"})
    with pytest.raises(ModelFileError, match="no checkpoint"):
        load_checkpoint(path, other)


# -- other libraries -----------------------------------------------------------------------------
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
def test_networks_of_scikit_learn(activation):
    settings = {"hidden_layer_sizes": (7, 5), "activation": activation, "max_iter": 20}
    D, d = load_diabetes(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a few steps are enough to have numbers
        many = MLPClassifier(random_state=0, **settings).fit(X, Y)
        two = MLPClassifier(random_state=0, **settings).fit(X, Y > 0)
        quantity = MLPRegressor(random_state=0, **settings).fit(D, d)
    np.testing.assert_allclose(from_scikit_learn(many).output(X), many.predict_proba(X), rtol=1e-9)
    np.testing.assert_allclose(
        from_scikit_learn(two).output(X)[:, 0], two.predict_proba(X)[:, 1], rtol=1e-9
    )
    np.testing.assert_allclose(
        from_scikit_learn(quantity).output(D)[:, 0], quantity.predict(D), rtol=1e-9
    )
    logistic = ScikitLogistic(max_iter=500).fit(X, Y)
    np.testing.assert_allclose(
        from_scikit_learn(logistic).output(X), logistic.predict_proba(X), rtol=1e-9
    )
    with pytest.raises(ParameterError, match="not a fitted"):
        from_scikit_learn(MLPClassifier())


def test_networks_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    nn = torch.nn
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Sequential(nn.Linear(4, 6), nn.Sigmoid(), nn.Dropout(0.5)),
        nn.Sequential(nn.Linear(6, 5, bias=False), nn.LeakyReLU(0.2)),
        nn.Sequential(nn.Linear(5, 5), nn.Softplus(), nn.Linear(5, 4), nn.Linear(4, 3)),
        nn.Softmax(dim=1),
    ).eval()
    with torch.no_grad():
        expected = module(torch.tensor(X, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(from_pytorch(module).output(X), expected, rtol=2e-5, atol=1e-6)
    with pytest.raises(ParameterError, match="layer 1 is a Conv2d"):
        from_pytorch(nn.Sequential(nn.Linear(4, 6), nn.Conv2d(1, 1, 3)))


@pytest.mark.parametrize("kind", ["sigmoid", "tanh", "relu", "leaky_relu", "softplus"])
def test_onnx_files_give_the_same_outputs(kind, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    model = DeepNetwork(
        hidden=(6, 5), activation=kind, batch_norm=True, max_epochs=5, random_state=0
    ).fit(X, Y)
    export_onnx(model.network_, tmp_path / "m.onnx")
    session = runtime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": X.astype(np.float32)})
    np.testing.assert_allclose(found, model.predict_proba(X), rtol=1e-4, atol=1e-5)
