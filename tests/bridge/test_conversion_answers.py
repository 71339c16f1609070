"""Regressors answer quantities, multilabel networks rows of labels; a network is a plain value."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from brian2 import ms, mV
from scipy.sparse import csr_matrix
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.linear_model import LogisticRegression as ScikitLogistic
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ann import Network, ShallowNetwork
from bridge.conversion.convert import convert
from bridge.conversion.drive import background_for, measure_for_conversion
from bridge.errors import ConversionError
from bridge.spiking.codes import LatencyCode
from neurosim import LIF

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def curve():
    return measure_for_conversion(LIF(), background_for(LIF(), 2 * mV), dt=0.1 * ms)


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X / X.std(axis=0), y


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    network = ShallowNetwork(hidden=8, random_state=0).fit(X / 8, y)
    return X / 8, y, network


@pytest.fixture(scope="module")
def spiking(iris, curve):
    return convert(iris[2], iris[0], curve=curve)


@pytest.mark.parametrize(
    "model",
    [
        ShallowNetwork(hidden=16, task="regression", random_state=0),
        MLPRegressor(hidden_layer_sizes=(16,), alpha=1.0, max_iter=600, random_state=0),
        MLPRegressor(
            loss="poisson", hidden_layer_sizes=(16,), alpha=1.0, max_iter=600, random_state=0
        ),
    ],
)
def test_a_regressor_answers_quantities(model, diabetes, curve):
    X, y = diabetes
    model.fit(X, y)
    run = convert(model, X, curve=curve).run(X[:60], 100 * ms)
    wanted = model.predict(X[:60])
    assert run.predict().shape == wanted.shape
    assert np.corrcoef(run.predict(), wanted)[0, 1] > 0.9
    assert abs(run.predict().mean() / wanted.mean() - 1) < 0.1
    with pytest.raises(ConversionError, match="quantities, which have no probabilities"):
        run.probabilities()
    with pytest.raises(ConversionError, match="quantities, which have no labels"):
        run.labels(run.logits())


def test_the_activation_of_the_output_layer_is_applied(curve):
    X = np.random.default_rng(0).normal(size=(80, 4))
    net = Network([4, 12, 1], ["sigmoid", "tanh"], rng=0, dtype=np.float64)
    run = convert(net, X, curve=curve).run(X, 100 * ms)
    np.testing.assert_allclose(run.predict(), np.tanh(run.logits()[:, 0]))
    assert np.abs(run.predict() - net.output(X)[:, 0]).mean() < 0.15
    # What a bare network ends in does not tell a quantity from the log odds of two classes.
    bare = Network([4, 12, 1], ["sigmoid", "identity"], rng=0, dtype=np.float64)
    assert set(convert(bare, X, curve=curve).run(X[:5], 20 * ms).predict()) <= {0, 1}
    asked = convert(bare, X, curve=curve, task="regression").run(X[:5], 20 * ms)
    np.testing.assert_array_equal(asked.predict(), asked.logits()[:, 0])
    with pytest.raises(ConversionError, match="task must be one of auto"):
        convert(bare, X, curve=curve, task="regress")


@pytest.mark.parametrize(
    "model",
    [
        MLPClassifier((16,), max_iter=500, random_state=0),
        ShallowNetwork(hidden=16, random_state=0),
    ],
)
def test_labels_that_may_hold_together(model, curve):
    X, y = make_multilabel_classification(200, 8, n_classes=4, random_state=0)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model.fit(X, y)
    run = convert(model, X, curve=curve).run(X, 100 * ms)
    assert run.predict().shape == y.shape
    # Labels taken one by one; many lie close to even odds.
    assert np.mean(run.predict() == model.predict(X)) > 0.88
    probabilities = run.probabilities()
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-run.logits())))
    assert np.abs(probabilities - model.predict_proba(X)).mean() < 0.1


def test_a_task_that_is_not_the_estimators_is_refused(iris, curve):
    with pytest.raises(ConversionError, match="was fitted to classes; leave task out"):
        convert(iris[2], iris[0], curve=curve, task="regression")


def test_a_network_can_be_pickled_and_copied(iris, spiking):
    wanted = spiking.run(iris[0][:6], 30 * ms, seed=3).recording
    for again in (pickle.loads(pickle.dumps(spiking)), copy.deepcopy(spiking)):
        found = again.run(iris[0][:6], 30 * ms, seed=3)
        np.testing.assert_array_equal(found.recording.spike_time_s, wanted.spike_time_s)
        np.testing.assert_array_equal(found.recording.spike_row, wanted.spike_row)
        assert again.curve == spiking.curve


def test_columns_are_looked_at(iris, curve):
    X, y, _ = iris
    frame = pd.DataFrame(X, columns=list("abcd"))
    network = ShallowNetwork(hidden=8, max_epochs=20, random_state=0).fit(frame, y)
    spiking = convert(network, frame, curve=curve)
    run = spiking.run(frame[:5], 20 * ms)
    np.testing.assert_array_equal(run.logits(), spiking.run(X[:5], 20 * ms).logits())
    with pytest.raises(ConversionError, match=r"another order.*X\[\['a', 'b', 'c', 'd'\]\]"):
        convert(network, frame[list("dcba")], curve=curve)
    with pytest.raises(ConversionError, match="another order"):
        spiking.run(frame[list("dcba")])
    with pytest.raises(ConversionError, match="lacks a and has e instead"):
        spiking.run(frame.rename(columns={"a": "e"}))


def test_sparse_inputs_are_filled_up(iris, spiking):
    X = np.round(iris[0][:6], 1) * (iris[0][:6] > 0.2)
    dense, sparse = (spiking.run(given, 30 * ms) for given in (X, csr_matrix(X)))
    np.testing.assert_array_equal(dense.logits(), sparse.logits())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.array([["a"] * 4]), "not a table of numbers"),
        ([[1, 2], [3]], "not a table of numbers"),
        (None, "not a table of numbers|must have the shape"),
        (np.ones((2, 4)) + 1j, "complex"),
        (np.ma.masked_array(np.ones((2, 4)), mask=np.eye(2, 4)), "masked values; fill them"),
        (np.ones(4), r"shape \(n_samples, 4\)"),
    ],
)
def test_inputs_that_are_no_table_are_refused(spiking, given, said):
    with pytest.raises(ConversionError, match=said):
        spiking.run(given)


def test_models_that_are_no_network_say_what_would_be(iris):
    X, y, _ = iris
    small = MLPClassifier((4,), max_iter=20, random_state=0)
    pipe = make_pipeline(StandardScaler(), small).fit(X, y)
    search = GridSearchCV(small, {"alpha": [1e-3]}, cv=2).fit(X, y)
    for model, said in (
        (ScikitLogistic().fit(X, y), "has no hidden layer"),
        (pipe, r"convert\(pipe\[-1\], pipe\[:-1\]\.transform\(X\)\)"),
        (search, "best_estimator_"),
        (MLPClassifier(), "fit it first"),
        ("network", "no network of dense layers"),
    ):
        with pytest.raises(ConversionError, match=said):
            convert(model, X)


def test_a_latency_code_reads_runs_as_long_as_those_it_learnt_from(iris, spiking):
    X = iris[0]
    code = LatencyCode.learn(spiking, X[::10], 50 * ms)
    with pytest.raises(ConversionError, match="learnt from 50 ms, but the run lasts 20 ms"):
        code.predict(spiking.run(X[:5], 20 * ms))
