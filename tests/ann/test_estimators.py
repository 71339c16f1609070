"""The estimators: scikit-learn's contract, exact optima, and every kind of answer."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_multilabel_classification,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.estimator_checks import check_estimator

from ann import DeepNetwork, Hook, LogisticRegression, ShallowNetwork
from ann.calculus.graph import Variable
from ann.errors import AnnError, DataError, DivergenceError, ParameterError

CHECKED = [
    LogisticRegression(),
    ShallowNetwork(),
    ShallowNetwork(task="regression"),
    pytest.param(DeepNetwork(), marks=pytest.mark.slow),
    pytest.param(DeepNetwork(task="regression"), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("estimator", CHECKED, ids=str)
@pytest.mark.slow
def test_scikit_learns_own_checks_without_exceptions(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_skip=None)
    assert {r["status"] for r in results} <= {"passed", "skipped"}
    # What is skipped needs packages or settings that are not there, never a failure in disguise.
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {
        "check_array_api_input",
        "check_classifiers_multilabel_output_format_decision_function",
    }


# -- logistic regression -------------------------------------------------------------------------
OPTIMA = {  # Σ loss + ½‖w‖² at C = 1 on standardised data, from a solver run to 1e-12
    load_iris: 31.378768,
    load_wine: 12.090336,
    load_breast_cancer: 37.758946,
    load_digits: 113.479955,
}


@pytest.mark.slow
@pytest.mark.parametrize("load", OPTIMA, ids=lambda f: f.__name__)
def test_logistic_regression_reaches_the_optimum(load):
    X, y = load(return_X_y=True)
    X = scale(X)
    model = LogisticRegression().fit(X, y)
    # Recomputed from the coefficients, not taken from the solver.
    z = model.decision_function(X)
    z = np.column_stack([np.zeros(len(z)), z]) if z.ndim == 1 else z
    codes = np.searchsorted(model.classes_, y)
    loss = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), codes]
    objective = loss.sum() + 0.5 * np.sum(model.coef_**2)
    assert objective == pytest.approx(OPTIMA[load], rel=1e-6)
    tight = LogisticRegression(tol=1e-16).fit(X, y)
    np.testing.assert_allclose(model.coef_, tight.coef_, atol=1e-4)
    np.testing.assert_allclose(model.intercept_, tight.intercept_, atol=1e-4)


@pytest.mark.slow
def test_logistic_gradient_vanishes_at_the_solution():
    X, y = load_digits(return_X_y=True)
    X = scale(X)
    model = LogisticRegression(C=0.3, tol=1e-15).fit(X, y)
    slope = X.T @ (model.predict_proba(X) - np.eye(10)[y]) + model.coef_.T / 0.3
    assert np.abs(slope).max() < 1e-4


def test_row_weights_are_repeated_rows_exactly():
    X, y = load_wine(return_X_y=True)
    X = scale(X)
    counts = np.random.default_rng(0).integers(0, 4, size=len(y))
    weighted = LogisticRegression(tol=1e-16).fit(X, y, sample_weight=counts)
    repeated = LogisticRegression(tol=1e-16).fit(X.repeat(counts, axis=0), y.repeat(counts))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-7)


def test_class_weight_balanced_is_the_weights_written_out():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    share = len(y) / (2 * np.bincount(y))
    a = LogisticRegression(class_weight="balanced").fit(X, y)
    b = LogisticRegression().fit(X, y, sample_weight=share[y])
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-8)


@pytest.mark.slow
def test_sparse_input_labels_and_many_columns():
    X, y = load_digits(return_X_y=True)
    dense = LogisticRegression(C=0.1).fit(X, y)
    thin = LogisticRegression(C=0.1).fit(sparse.csr_matrix(X), y)
    np.testing.assert_allclose(dense.coef_, thin.coef_, atol=1e-4)
    X, Y = make_multilabel_classification(n_samples=200, random_state=0)
    both = LogisticRegression().fit(X, Y)
    single = LogisticRegression().fit(X, Y[:, 1])
    np.testing.assert_allclose(both.coef_[1], single.coef_[0], atol=1e-4)
    assert both.predict(X).shape == Y.shape
    rng = np.random.default_rng(0)
    wide = sparse.random(40, 50_000, 0.001, random_state=0, format="csr")
    y = rng.integers(2, size=40)
    model = LogisticRegression(C=10).fit(wide, y)
    slope = wide.T @ (model.predict_proba(wide)[:, 1] - y) + model.coef_[0] / 10
    assert np.abs(slope).max() < 1e-4


def test_warm_start_needs_no_step_more():
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(warm_start=True).fit(X, y)
    before = model.coef_.copy()
    assert model.fit(X, y).n_iter_ <= 1
    np.testing.assert_allclose(model.coef_, before, atol=1e-5)


# -- networks ------------------------------------------------------------------------------------
@pytest.mark.slow
def test_shallow_sigmoid_network_on_held_out_digits():
    X, y = load_digits(return_X_y=True)
    scores = []
    for seed in range(5):
        A, B, a, b = train_test_split(
            X / 16, y, train_size=1257, test_size=540, stratify=y, random_state=seed
        )
        scores.append(ShallowNetwork(random_state=seed).fit(A, a).score(B, b))
    assert np.mean(scores) >= 0.970


@pytest.mark.slow
@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_five_hidden_sigmoid_layers_learn_with_the_defaults(load):
    X, y = load(return_X_y=True)
    A, B, a, b = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
    deep = DeepNetwork(random_state=0).fit(A, a)  # raw columns: scaling is the network's business
    assert [layer.activation.name for layer in deep.network_.layers[:-1]] == ["sigmoid"] * 5
    shallow = ShallowNetwork(random_state=0).fit(A, a)
    # One split: a difference of less than two standard errors of its accuracies is none.
    allowed = 0.015 + 2 * np.sqrt(0.03 / len(b))
    assert deep.score(B, b) >= shallow.score(B, b) - allowed


def test_the_network_that_is_left_reads_the_users_own_columns():
    X, y = load_wine(return_X_y=True)
    model = ShallowNetwork(random_state=0).fit(X, y)
    layers = model.network_.activations(X)
    assert [a.shape for a in layers] == [(178, 64), (178, 3)]
    np.testing.assert_allclose(layers[-1], model.predict_proba(X))
    by_hand = 1 / (
        1 + np.exp(-(X @ model.network_.layers[0].weights + model.network_.layers[0].bias))
    )
    np.testing.assert_allclose(layers[0], by_hand, atol=1e-9)
    assert model.network_.layers[-1].activation.name == "softmax"
    np.testing.assert_array_equal(model.classes_[layers[-1].argmax(axis=1)], model.predict(X))


def test_digits_in_the_unit_range_are_left_on_their_scale():
    X, y = load_digits(return_X_y=True)
    model = ShallowNetwork(max_epochs=1, random_state=0).fit(X / 16, y)
    assert model._scale is None
    assert ShallowNetwork(max_epochs=1).fit(X, y)._scale is not None


def test_regression_of_one_and_several_quantities():
    X, y = load_diabetes(return_X_y=True)
    scores = cross_val_score(ShallowNetwork(task="regression", l2=3.0, random_state=0), X, y, cv=5)
    assert scores.mean() > 0.45  # least squares: .49
    both = np.column_stack([y, -3 * y + 1000])
    model = ShallowNetwork(task="regression", l2=3.0, random_state=0).fit(X, both)
    found = model.predict(X)
    assert found.shape == both.shape
    assert model.score(X, both) > 0.45
    assert abs(found[:, 1].mean() - both[:, 1].mean()) < 20


@pytest.mark.slow
def test_labels_that_coincide():
    X, Y = make_multilabel_classification(n_samples=300, n_classes=4, random_state=1)
    model = ShallowNetwork(random_state=0).fit(X, Y)
    assert model.predict(X).shape == Y.shape
    assert (model.predict(X) == Y).mean() > 0.9
    assert model.predict_proba(X).shape == Y.shape
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))


def test_counts_with_the_poisson_loss():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((800, 2))
    rate = np.exp(0.7 * X[:, 0] - 0.4 * X[:, 1] + 1.0)
    y = rng.poisson(rate)
    model = ShallowNetwork(task="regression", loss="poisson", random_state=0).fit(X, y)
    assert np.corrcoef(np.log(model.predict(X)), np.log(rate))[0, 1] > 0.97
    assert model.predict(X).mean() == pytest.approx(y.mean(), rel=0.05)


def test_huber_resists_outliers_that_the_quadratic_loss_follows():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (400, 1))
    truth = np.sin(3 * X[:, 0])
    y = truth + 0.05 * rng.standard_normal(400)
    y[::10] += 8.0
    errors = {}
    for loss in ("quadratic", "huber"):
        kind = {"name": "huber", "width": 0.1} if loss == "huber" else loss
        model = ShallowNetwork(task="regression", loss=kind, l2=0.01, random_state=0).fit(X, y)
        errors[loss] = np.median(np.abs(model.predict(X) - truth))
    assert errors["huber"] < 0.1 * errors["quadratic"]


def test_a_loss_and_an_activation_of_ones_own():
    class Squash:
        def value(self, z):
            return z / (1 + np.abs(z))

        def gradient(self, z):
            return 1 / (1 + np.abs(z)) ** 2

    def fourth(output: Variable, target: np.ndarray) -> Variable:
        return (output - target) ** 4

    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (300, 2))
    y = X[:, 0] * X[:, 1]
    model = ShallowNetwork(task="regression", loss=fourth, activation=Squash(), random_state=0).fit(
        X, y
    )
    assert model.score(X, y) > 0.9


def test_lbfgs_reaches_the_optimum_of_a_network_without_hidden_layers():
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    net = DeepNetwork(hidden=(), optimiser="lbfgs", l2=1.0, max_epochs=1000).fit(X, y)
    exact = LogisticRegression().fit(X, y)
    np.testing.assert_allclose(net.network_.layers[0].weights, exact.coef_.T, atol=2e-3)


def test_early_stopping_stops_and_keeps_the_best_epoch():
    X, y = load_digits(return_X_y=True)
    model = ShallowNetwork(
        early_stopping=True, patience=5, schedule="constant", max_epochs=300, random_state=0
    ).fit(X, y)
    curve = [r["validation_loss"] for r in model.history_]
    assert model.n_iter_ < 300
    assert np.argmin(curve) >= model.n_iter_ - 60
    assert min(curve) < 0.3


def test_partial_fit_learns_the_whole_from_parts_and_knows_classes_beforehand():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    model = ShallowNetwork(learning_rate=0.01, random_state=0)
    with pytest.raises(DataError, match="not among"):
        clone(model).partial_fit(X[y < 5], y[y < 5]).partial_fit(X, y)
    rng = np.random.default_rng(0)
    for _ in range(15):
        for rows in np.array_split(rng.permutation(len(y)), 4):
            model.partial_fit(X[rows], y[rows], classes=np.arange(10))
    assert model.score(X, y) > 0.97
    assert model.n_iter_ == 60
    with pytest.raises(DataError, match="first call said"):
        model.partial_fit(X, y, classes=[0, 1])


def test_warm_start_goes_on_where_it_was():
    X, y = load_iris(return_X_y=True)
    model = ShallowNetwork(warm_start=True, max_epochs=20, random_state=0).fit(X, y)
    first = model.loss_curve_[-1]
    model.fit(X, y)
    assert model.loss_curve_[0] < 3 * first
    cold = ShallowNetwork(max_epochs=20, random_state=0).fit(X, y)
    assert cold.loss_curve_[0] > 3 * first


def test_class_weight_moves_the_boundary_towards_the_common_class():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (950, 2)), rng.normal(1.5, 1, (50, 2))])
    y = np.repeat(["common", "rare"], [950, 50])
    plain = ShallowNetwork(random_state=0).fit(X, y)
    fair = ShallowNetwork(class_weight="balanced", random_state=0).fit(X, y)
    rare = y == "rare"
    assert (fair.predict(X[rare]) == "rare").mean() > (
        plain.predict(X[rare]) == "rare"
    ).mean() + 0.2


def test_sparse_and_dense_training_agree():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    dense = ShallowNetwork(max_epochs=3, dtype="float64", random_state=0).fit(X, y)
    thin = ShallowNetwork(max_epochs=3, dtype="float64", random_state=0).fit(
        sparse.csr_matrix(X), y
    )
    np.testing.assert_allclose(dense.predict_proba(X), thin.predict_proba(X), rtol=1e-6, atol=1e-9)


def test_pipelines_searches_frames_and_metadata():
    frame = load_iris(as_frame=True)
    pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), ShallowNetwork())
    pipe.set_params(shallownetwork__max_epochs=30, shallownetwork__random_state=0)
    search = GridSearchCV(pipe, {"shallownetwork__hidden": [4, 16]}, cv=3).fit(
        frame.data, frame.target_names[frame.target]
    )
    best = search.best_estimator_[-1]
    assert list(best.feature_names_in_) == list(frame.data.columns)
    assert set(best.classes_) == {"setosa", "versicolor", "virginica"}
    assert search.best_score_ > 0.9
    with sklearn.config_context(enable_metadata_routing=True):
        model = ShallowNetwork(max_epochs=5).set_fit_request(sample_weight=True)
        routed = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        routed.fit(frame.data, frame.target, sample_weight=np.ones(150))
        assert hasattr(routed[-1], "network_")


def test_clones_pickles_and_seeds():
    X, y = load_iris(return_X_y=True)
    model = ShallowNetwork(max_epochs=5, random_state=3).fit(X, y)
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    back = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(model.predict_proba(X), back.predict_proba(X))
    back.partial_fit(X, y)
    assert not np.array_equal(model.predict_proba(X), back.predict_proba(X))


def test_hooks_reach_the_loop():
    class Count(Hook):
        epochs = 0

        def after_epoch(self, trainer):
            Count.epochs += 1
            if trainer.epoch == 4:
                trainer.stop = "enough"

    X, y = load_iris(return_X_y=True)
    model = ShallowNetwork(max_epochs=50, hooks=[Count()], random_state=0).fit(X, y)
    assert Count.epochs == model.n_iter_ == len(model.history_) == 4


def test_a_network_that_learns_nothing_says_so():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((400, 3)), rng.integers(2, size=400)
    with pytest.warns(ConvergenceWarning, match="nothing was learnt"):
        DeepNetwork(max_epochs=2, random_state=0).fit(X, y)


# -- bad input -----------------------------------------------------------------------------------
X_OK, Y_OK = load_iris(return_X_y=True)


@pytest.mark.parametrize("model", [LogisticRegression(), ShallowNetwork(), DeepNetwork()], ids=str)
@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.where(X_OK > 7, np.nan, X_OK), Y_OK, "NaN"),
        (np.where(X_OK > 7, np.inf, X_OK), Y_OK, "infinity"),
        (X_OK, np.zeros(150), "one class only"),
        (X_OK, Y_OK[:-1], "inconsistent numbers of samples"),
        (X_OK[:, 0], Y_OK, "2D array"),
        (X_OK[:0], Y_OK[:0], "minimum of 1 is required"),
        (X_OK, Y_OK + 0.5, "task='regression'"),
        (np.full((150, 2), "text"), Y_OK, "text"),
    ],
)
def test_unusable_data_is_refused(model, X, y, message):
    with pytest.raises(ValueError, match=message):
        clone(model).fit(X, y)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"activation": "sigmoyd"}, "did you mean 'sigmoid'"),
        ({"loss": "cross_entropi"}, "did you mean 'cross_entropy'"),
        ({"optimiser": "adma"}, "did you mean 'adam'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"max_epochs": 0}, "max_epochs"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"hidden": 0}, "hidden"),
        ({"dropout": 1.0}, "dropout"),
        ({"l2": -1}, "l2"),
        ({"dtype": "float16"}, "float32 or float64"),
        ({"task": "clustering"}, "task must be"),
        ({"standardise": "yes"}, "standardise"),
        ({"validation_fraction": 1.5}, "validation_fraction"),
        ({"loss": "binary_cross_entropy"}, "use cross_entropy"),
    ],
)
def test_settings_out_of_range_are_named(setting, message):
    with pytest.raises(ParameterError, match=message):
        ShallowNetwork(**setting).fit(X_OK, Y_OK)


def test_errors_have_one_root_and_are_value_errors_where_python_expects_them():
    with pytest.raises(AnnError):
        ShallowNetwork(task="x").fit(X_OK, Y_OK)
    with pytest.raises(DivergenceError, match="learning rate"):
        ShallowNetwork(
            task="regression", optimiser="sgd", learning_rate=1e6, activation="relu"
        ).fit(X_OK, Y_OK)
    with pytest.raises(ValueError, match=r"(?i)sample weight"):
        ShallowNetwork().fit(X_OK, Y_OK, sample_weight=np.zeros(150))
    with pytest.raises(ValueError, match="features"):
        ShallowNetwork(max_epochs=20).fit(X_OK, Y_OK).predict(X_OK[:, :2])


def test_the_quadratic_loss_on_sigmoid_outputs_as_in_the_textbooks():
    X, y = load_digits(return_X_y=True)
    model = ShallowNetwork(loss="quadratic", max_epochs=60, l2=0.01, random_state=0)
    model.fit(X / 16, y)
    assert model.network_.layers[-1].activation.name == "sigmoid"
    assert model.score(X / 16, y) > 0.97
    p = model.predict_proba(X / 16)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X / 16))


def test_hooks_used_for_a_second_fit_begin_anew():
    from ann import EarlyStopping, KeepBest

    X, y = load_iris(return_X_y=True)
    hooks = [KeepBest(restore="always"), EarlyStopping(patience=3)]
    settings = {"schedule": "constant", "learning_rate": 0.01, "random_state": 0}
    model = ShallowNetwork(hooks=hooks, max_epochs=30, **settings)
    once = model.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(model.fit(X, y).predict_proba(X), once)


def test_partial_fit_after_fit_takes_the_rows_in_a_new_order_each_time():
    X, y = load_iris(return_X_y=True)
    model = ShallowNetwork(max_epochs=3, random_state=0).fit(X, y)
    first = model._rng_.bit_generator.state["state"]["state"]
    model.partial_fit(X, y)
    assert model._rng_.bit_generator.state["state"]["state"] != first


def test_probabilities_are_for_classes_only():
    model = ShallowNetwork(task="regression")
    assert not hasattr(model, "predict_proba")
    assert hasattr(ShallowNetwork(), "predict_proba")


@pytest.mark.slow
def test_a_million_columns_fit_in_memory():
    X = sparse.random(30, 1_000_000, 1e-5, random_state=0, format="csr")
    y = np.arange(30) % 2
    model = ShallowNetwork(hidden=2, max_epochs=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert model.fit(X, y).predict(X).shape == (30,)


@pytest.mark.slow
def test_a_network_larger_than_the_machine_is_refused_beforehand():
    X = sparse.random(30, 1_000_000, 1e-5, random_state=0, format="csr")
    with pytest.raises(DataError, match=r"this machine has .* GB. Choose fewer columns"):
        ShallowNetwork(hidden=1_000_000).fit(X, np.arange(30) % 2)


def test_columns_with_names_are_checked_when_asked():
    frame = pd.DataFrame(X_OK, columns=list("abcd"))
    model = ShallowNetwork(max_epochs=20, random_state=0).fit(frame, Y_OK)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c", "d"]])
