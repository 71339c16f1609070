"""Pictures and words: what is drawn is what is there, and each ailment is named when made."""

from __future__ import annotations

import warnings
from xml.etree import ElementTree

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, make_moons

from ann import DeepNetwork, LogisticRegression, Network, ShallowNetwork, Variable
from ann.calculus.graph_drawing import draw_graph
from ann.errors import GraphError, ParameterError, ShapeError
from ann.inspect.diagnosis import diagnose, layer_statistics
from ann.inspect.plots import (
    plot_calibration,
    plot_confusion,
    plot_decision_boundary,
    plot_history,
    plot_layers,
    plot_learning_curve,
    plot_weights,
)
from ann.network.losses import CrossEntropy, Quadratic
from ann.plan.optimisers import SGD, Adam
from ann.plan.plan import Plan
from ann.training.augment import Distort, distort, smoothing_matrix
from ann.training.rate_finder import find_learning_rate
from ann.training.trainer import Trainer

X, Y = load_iris(return_X_y=True)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_the_drawing_shows_every_node_value_and_slope(tmp_path):
    x, w = Variable([1.0, 2.0], name="x"), Variable([0.5, -1.0], name="w")
    y = (x @ w).tanh()
    text = draw_graph(y, tmp_path / "graph.svg")
    tree = ElementTree.fromstring(text)
    ns = "{http://www.w3.org/2000/svg}"
    words = [t.text for t in tree.iter(f"{ns}text")]
    assert len(list(tree.iter(f"{ns}rect"))) == 7  # x, w, two reshapes, @, reshape, tanh
    assert len(list(tree.iter(f"{ns}path"))) == 6 + 1  # one an edge, one for the arrow's tip
    assert "(tanh)" in words
    assert f"{np.tanh(-1.5):.3g}" in words
    slope = (1 - np.tanh(-1.5) ** 2) * np.array([0.5, -1.0])
    assert f"slope [{slope[0]:.3g}, {slope[1]:.3g}]" in words
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == text


def test_a_graph_too_large_to_read_is_not_drawn():
    x = Variable(1.0)
    for _ in range(500):
        x = x + 1.0
    with pytest.raises(GraphError, match="Draw a part"):
        draw_graph(x)


def test_saturated_dead_and_fading_layers_are_named():
    rng = np.random.default_rng(0)
    data, T = rng.standard_normal((200, 4)), rng.standard_normal((200, 1))
    net = Network([4, 6, 6, 1], ["sigmoid", "relu", "identity"], rng=0)
    net.layers[0].weights[:, 2] *= 1000
    net.layers[1].weights[:, 3] = 0
    net.layers[1].bias[3] = -1.0
    first, second, _ = layer_statistics(net, Quadratic(), data, T)
    assert first.saturated == (2,)
    assert 3 in second.dead
    assert first.dead == ()


def test_diagnosis_in_plain_words():
    good = ShallowNetwork(random_state=0).fit(X, Y)
    assert diagnose(good, X, Y).findings == ()
    assert "nothing wrong" in str(diagnose(good, X, Y))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hot = ShallowNetwork(
            learning_rate=5.0, schedule="constant", standardise=False, l2=0.0, random_state=0
        ).fit(X * 10, Y)
    assert any(f.startswith("saturated in layer 1") for f in diagnose(hot, X * 10, Y).findings)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        idle = DeepNetwork(
            initialisation="glorot", max_epochs=2, learning_rate=1e-5, random_state=0
        ).fit(X, Y)
    for layer in idle._inner.layers:
        layer.weights *= 0.3  # each layer passes on a third of the gradient it should
    said = " ".join(diagnose(idle, X, Y).findings)
    assert "nothing learnt" in said
    assert "gradients fade" in said

    rng = np.random.default_rng(0)
    noise, coin = rng.standard_normal((80, 30)), rng.integers(2, size=80)
    heart = ShallowNetwork(l2=0.0, random_state=0).fit(noise, coin)
    new = rng.standard_normal((200, 30)), rng.integers(2, size=200)
    assert any("by heart" in f for f in diagnose(heart, noise, coin, *new).findings)

    short = ShallowNetwork(max_epochs=25, schedule="constant", learning_rate=0.002).fit(X, Y)
    assert any("train longer" in f for f in diagnose(short, X, Y).findings)

    with pytest.raises(ParameterError, match="no layers"):
        diagnose(LogisticRegression().fit(X, Y), X, Y)


def test_curves_show_the_history():
    model = ShallowNetwork(early_stopping=True, max_epochs=12, random_state=0).fit(X, Y)
    ax = plot_history(model)
    training, held_out = ax.lines[:2]
    np.testing.assert_allclose(training.get_ydata(), model.loss_curve_)
    np.testing.assert_allclose(held_out.get_ydata(), [r["validation_loss"] for r in model.history_])


def test_weights_as_images_are_the_weights():
    D, d = load_digits(return_X_y=True)
    model = ShallowNetwork(hidden=5, max_epochs=3, random_state=0).fit(D / 16, d)
    figure = plot_weights(model)
    shown = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    assert len(shown) == 5
    np.testing.assert_allclose(shown[2].ravel(), model.network_.layers[0].weights[:, 2])
    with pytest.raises(ParameterError, match="do not fill"):
        plot_weights(model, shape=(3, 5))
    with pytest.raises(ParameterError, match="layer must lie in 1 to 2"):
        plot_weights(model, layer=3)


def test_the_other_pictures_can_be_drawn():
    M, m = make_moons(120, noise=0.2, random_state=0)
    model = ShallowNetwork(random_state=0).fit(M, m)
    assert plot_decision_boundary(model, M, m).collections
    assert len(plot_confusion(model, M, m).texts) == 4
    assert len(plot_calibration(model, M, m, n_bins=5).lines) == 2
    three = ShallowNetwork(random_state=0).fit(X, Y)
    assert len(plot_calibration(three, X, Y).lines) == 2
    assert len(plot_layers(diagnose(three, X, Y))) == 3
    assert plot_learning_curve(LogisticRegression(), M, m, cv=3).lines
    with pytest.raises(ShapeError, match="two columns"):
        plot_decision_boundary(three, X, Y)


def test_the_rate_finder_brackets_the_rate_at_which_descent_breaks():
    # For a quadratic with curvature h, gradient descent diverges from 2 / h on.
    rng = np.random.default_rng(0)
    data = rng.standard_normal((512, 1)) * 2  # curvature 4: the limit is 0.5
    net = Network([1, 1], "identity", rng=0)
    trainer = Trainer(Plan(net, Quadratic(), SGD(), rng=rng), batch_size=256)
    before = net.parameters.copy()
    curve = find_learning_rate(trainer, data, 3 * data, highest=100.0)
    np.testing.assert_array_equal(net.parameters, before)
    assert curve.rates[-1] > 0.5  # it stopped only after the limit
    assert 0.02 < curve.suggestion < 0.5
    assert curve.plot().lines
    with pytest.raises(ParameterError, match="rates must grow"):
        find_learning_rate(trainer, data, data, lowest=1.0, highest=0.1)


def test_distortions_move_an_image_without_changing_its_amount_of_ink():
    images = np.zeros((200, 28, 28), np.float32)
    images[:, 10:18, 10:18] = 1
    rng = np.random.default_rng(0)
    moved = distort(images, rng)
    assert moved.shape == images.shape
    assert moved.min() >= 0
    assert moved.max() <= 1 + 1e-6
    assert moved.sum(axis=(1, 2)).mean() == pytest.approx(64, rel=0.05)
    assert len({m.tobytes() for m in moved}) == 200
    # A shift alone is the shift: centres of mass move by no more than asked for.
    shifted = distort(images, rng, shift=2.0, rotate=0, shear=0, stretch=0, elastic=0)
    grid = np.arange(28)
    centre = (shifted.sum(axis=2) * grid).sum(axis=1) / shifted.sum(axis=(1, 2))
    assert np.abs(centre - 13.5).max() <= 2.0 + 1e-5
    assert np.abs(centre - 13.5).max() > 1.5


class Fixed:
    """Every draw at its upper end."""

    def random(self, shape, dtype):
        return np.ones(shape, dtype)


def test_known_maps_give_known_images():
    image = np.random.default_rng(0).random((1, 9, 9), np.float32)
    still = {"shift": 0, "rotate": 0, "shear": 0, "stretch": 0, "elastic": 0}
    np.testing.assert_allclose(distort(image, Fixed(), **still), image, atol=1e-6)
    turned = distort(image, Fixed(), **{**still, "rotate": 90})
    np.testing.assert_allclose(turned[0], np.rot90(image[0]), atol=1e-4)
    moved = distort(image, Fixed(), **{**still, "shift": 2})
    np.testing.assert_allclose(moved[0, :-2, :-2], image[0, 2:, 2:], atol=1e-6)
    assert np.all(moved[0, -2:] == 0)
    slanted = distort(image, Fixed(), **{**still, "shear": 45})
    np.testing.assert_allclose(slanted[0, 4], image[0, 4], atol=1e-4)  # the middle row stays
    np.testing.assert_allclose(slanted[0, 5, :-1], image[0, 5, 1:], atol=1e-4)
    assert smoothing_matrix(28, 6.0).sum(axis=1)[14] == pytest.approx(1.0, abs=0.03)


def test_training_on_distorted_images_is_seeded_and_checks_the_shape():
    D, d = load_digits(return_X_y=True)
    settings = {"max_epochs": 3, "random_state": 0, "standardise": False}
    runs = [
        ShallowNetwork(hooks=[Distort(8, 8, elastic=3, sigma=2)], **settings).fit(D / 16, d)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*(m.network_.parameters for m in runs))
    plain = ShallowNetwork(**settings).fit(D / 16, d)
    assert not np.array_equal(plain.network_.parameters, runs[0].network_.parameters)
    with pytest.raises(ShapeError, match="no images of 9 × 8"):
        ShallowNetwork(hooks=[Distort(9, 8)], **settings).fit(D / 16, d)
    with pytest.raises(ParameterError, match="stretch"):
        Distort(8, 8, stretch=1.0)


def test_search_finds_settings_better_than_the_worst():
    optuna = pytest.importorskip("optuna", reason="Optuna is not installed")
    from ann.estimators.hyperparameter_search import search

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    model, study = search(
        ShallowNetwork(hidden=8, max_epochs=20, random_state=0), X, Y, n_trials=6, cv=3, seed=0
    )
    values = [t.value for t in study.trials]
    assert study.best_value == max(values)
    assert model.score(X, Y) > 0.9


def test_cross_entropy_plans_can_be_watched_while_training():
    D, d = load_digits(return_X_y=True)
    net = Network([64, 16, 10], ["sigmoid", "softmax"], rng=0)
    T = np.eye(10)[d]
    Trainer(Plan(net, CrossEntropy(), Adam(0.01)), batch_size=64).fit(D / 16, T, epochs=2)
    stats = layer_statistics(net, CrossEntropy(), D / 16, T)
    assert [s.units for s in stats] == [16, 10]
    assert all(s.gradient_rms > 0 for s in stats)
