"""Pictures and words: what is drawn is what is there, and each ailment is named when made."""

from __future__ import annotations

import pickle
import re
import warnings
from xml.etree import ElementTree

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris, make_moons
from sklearn.exceptions import NotFittedError

from ann import DeepNetwork, LogisticRegression, Network, ShallowNetwork, Variable, load, save
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
from ann.training.hooks import Validate
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


def rendered(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba()).copy()


def test_curves_show_the_history():
    model = ShallowNetwork(early_stopping=True, max_epochs=12, random_state=0).fit(X, Y)
    for ax in (plot_history(model), model.plot_history(), model.network_.plot_history()):
        training, held_out = ax.lines[:2]
        np.testing.assert_allclose(training.get_ydata(), model.loss_curve_)
        np.testing.assert_allclose(
            held_out.get_ydata(), [r["validation_loss"] for r in model.history_]
        )
        assert ax.get_xlabel() == "epoch"
        assert ax.get_ylabel().endswith("loss (mean over rows)")
    assert model.plot_history().get_ylabel().startswith("cross entropy")
    # Drawn where one asks for it, and a picture of these numbers.
    _, mine = plt.subplots()
    blank = rendered(mine.figure)
    assert model.plot_history(ax=mine) is mine
    assert (rendered(mine.figure) != blank).any()
    with pytest.raises(ParameterError, match="no training history"):
        LogisticRegression().fit(X, Y).network_.plot_history()


def test_a_network_keeps_its_history_through_copies_and_files(tmp_path):
    rng = np.random.default_rng(0)
    T = np.eye(3)[Y]
    net = Network([4, 5, 3], ["tanh", "identity"], rng=0)
    assert net.history == []

    def rightly(output, target):
        return np.mean(output.argmax(axis=1) == target.argmax(axis=1))

    hooks = [Validate(X, T, rightly)]
    Trainer(Plan(net, Quadratic(), SGD(0.01), rng=rng), hooks=hooks).fit(X, T, epochs=3)
    assert [r["epoch"] for r in net.history] == [1, 2, 3]
    save(net, tmp_path / "n.safetensors")
    for twin in (net.copy(), pickle.loads(pickle.dumps(net)), load(tmp_path / "n.safetensors")):
        assert twin.history == net.history
    ax = net.plot_history()
    (right,) = (other for other in ax.figure.axes if other is not ax)
    scores = right.lines[0].get_ydata()
    np.testing.assert_allclose(scores, [r["validation_score"] for r in net.history])
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told == ["training", "held out", "held out, score"]


def test_weights_as_images_are_the_weights():
    D, d = load_digits(return_X_y=True)
    model = ShallowNetwork(hidden=5, max_epochs=3, random_state=0).fit(D / 16, d)
    weights = model.network_.layers[0].weights
    for ax in (plot_weights(model), model.plot_weights(), model.network_.plot_weights()):
        (image,) = ax.images
        picture = np.ma.filled(image.get_array(), np.nan)
        assert picture.shape == (2 * 9 + 1, 3 * 9 + 1)  # five of 8 × 8, a pixel between
        for k in range(5):
            top, left = 1 + 9 * (k // 3), 1 + 9 * (k % 3)
            np.testing.assert_allclose(
                picture[top : top + 8, left : left + 8].ravel(), weights[:, k]
            )
        assert np.isnan(picture).sum() == picture.size - 5 * 64
        # Nought is white, and both signs have the same reach.
        assert image.norm.vmax == -image.norm.vmin == np.abs(weights).max()
        assert "8 × 8" in ax.get_xlabel()
    assert "first 3 of 5" in model.plot_weights(most=3).get_xlabel()
    # The output layer reads five units, which are no image.
    second = model.plot_weights(2)
    np.testing.assert_allclose(second.images[0].get_array(), model.network_.layers[1].weights)
    assert (second.get_xlabel(), second.get_ylabel()) == ("units of layer 2", "units of layer 1")
    assert plot_weights(model, layer=2).images[0].get_array().shape == (5, 10)
    before = rendered(second.figure)
    model.network_.layers[1].weights[0, 0] += 50
    assert (rendered(model.plot_weights(2).figure) != before).any()
    with pytest.raises(ParameterError, match="do not fill"):
        plot_weights(model, shape=(3, 5))
    with pytest.raises(ParameterError, match="layer must lie in 1 to 2"):
        plot_weights(model, layer=3)


def test_a_boundary_lies_where_the_prediction_changes():
    M, m = make_moons(120, noise=0.2, random_state=0)
    names = np.array(["left", "right"])[m]
    frame = pd.DataFrame(M, columns=["x (mm)", "y (mm)"])
    model = LogisticRegression().fit(frame, names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the columns keep their names
        ax = model.plot_boundary(frame, names)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x (mm)", "y (mm)")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["left", "right"]
    mesh, *points = ax.collections
    codes = mesh.get_array().reshape(200, 200)
    assert set(np.unique(codes)) == {0, 1}
    corners = mesh.get_coordinates()
    centres = (corners[:-1, :-1] + corners[1:, 1:]) / 2
    told = model.predict(pd.DataFrame(centres.reshape(-1, 2), columns=frame.columns))
    assert np.mean((told == "right") == (codes.ravel() == 1)) > 0.999
    for k, cloud in enumerate(points):
        np.testing.assert_allclose(cloud.get_offsets(), M[m == k])
    blank = rendered(plt.subplots()[0])
    assert (rendered(ax.figure) != blank).any()
    with pytest.raises(ParameterError, match="quantities"):
        ShallowNetwork(task="regression", max_epochs=2).fit(M, M[:, 0]).plot_boundary(M, m)
    with pytest.raises(ShapeError, match="one for each row"):
        model.plot_boundary(frame, names[:5])
    with pytest.raises(NotFittedError):
        ShallowNetwork().plot_boundary(M, m)


def test_a_network_says_at_a_glance_what_it_is():
    class Hostile:
        name = "<script>alert(1)</script>"

        def value(self, z):
            return z

        def gradient(self, z):
            return np.ones_like(z)

    net = Network([784, 30, 10], [Hostile(), "softmax"], dropout=0.2, batch_norm=True, rng=0)
    html = net._repr_html_()
    cells = re.findall(r"<td>([^<]*)</td>", html)
    assert cells[4:7] == ["0.2", "yes", str(784 * 30 + 30 + 60)]
    assert cells[7:] == ["2", "30", "10", "softmax", "0", "no", "310"]
    assert "784-30-10" in html
    assert f"{net.parameters.size} parameters, float32" in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert repr(Network([2, 3, 1], "tanh")) == (
        "Network(2-3-1: tanh, identity; 13 parameters, float32)"
    )
    # Estimators have scikit-learn's diagram.
    assert "DeepNetwork" in DeepNetwork()._repr_html_()
    assert "sk-top-container" in LogisticRegression()._repr_html_()
    assert repr(ShallowNetwork(hidden=8)) == "ShallowNetwork(hidden=8)"


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
