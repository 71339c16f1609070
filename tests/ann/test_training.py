"""The training loop: what it converges to, what hooks see, when it stops, how it goes on."""

from __future__ import annotations

import copy
import io
import pickle
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_iris
from threadpoolctl import threadpool_limits

from ann.errors import DivergenceError, ParameterError, ShapeError
from ann.estimators.models import ShallowNetwork
from ann.files.checkpoints import Checkpoint
from ann.network.losses import CrossEntropy, Quadratic
from ann.network.network import Network
from ann.plan.optimisers import OPTIMISERS, SGD, Adam, AdamW, Momentum, Nesterov, RMSProp
from ann.plan.plan import Plan
from ann.training.hooks import EarlyStopping, KeepBest, Progress, ReduceOnPlateau, Validate
from ann.training.trainer import Hook, Trainer, _equal_parts


def line(n=64, d=3, k=2, seed=0):
    """Data on a straight line: the minimum is known from linear algebra."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, X @ rng.standard_normal((d, k)) + 0.1 * rng.standard_normal((n, k)) + 1.0


RATES = {"sgd": 0.3, "momentum": 0.1, "nesterov": 0.1, "rmsprop": 0.01, "adam": 0.05, "adamw": 0.05}


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_every_optimiser_reaches_the_least_squares_solution(name):
    X, T = line()
    kind = OPTIMISERS[name]
    settings = {"weight_decay": 0.0} if kind is AdamW else {}
    net = Network([3, 2], "identity", dtype="float64", rng=0)
    plan = Plan(net, Quadratic(), kind(learning_rate=RATES[name], **settings))
    Trainer(plan, batch_size=64, schedule="cosine", rng=np.random.default_rng(1)).fit(
        X, T, epochs=1500
    )
    expected, *_ = np.linalg.lstsq(np.column_stack([X, np.ones(64)]), T, rcond=None)
    # RMSProp's steps have the length of the rate near the minimum, so it ends where that ends.
    found = np.vstack([net.layers[0].weights, net.layers[0].bias])
    np.testing.assert_allclose(found, expected, atol=1e-5 if name == "rmsprop" else 1e-6)


def textbook(kind, p, slope, steps):
    """The published update rules, written with temporaries and no tricks."""
    m = v = np.zeros_like(p)
    for t in range(1, steps + 1):
        g = slope(p)
        if isinstance(kind, Nesterov):
            # Look-ahead form: the velocity before is in p already.
            new = kind.momentum * v - kind.learning_rate * g
            p = p + kind.momentum * new - kind.learning_rate * g
            v = new
        elif isinstance(kind, Momentum):
            v = kind.momentum * v - kind.learning_rate * g
            p = p + v
        elif isinstance(kind, Adam):
            if isinstance(kind, AdamW):
                p = p - kind.learning_rate * kind.weight_decay * np.where(slope.decays, p, 0)
            m = kind.beta1 * m + (1 - kind.beta1) * g
            v = kind.beta2 * v + (1 - kind.beta2) * g * g
            p = p - kind.learning_rate * (m / (1 - kind.beta1**t)) / (
                np.sqrt(v / (1 - kind.beta2**t)) + kind.epsilon
            )
        elif isinstance(kind, RMSProp):
            v = kind.decay * v + (1 - kind.decay) * g * g
            p = p - kind.learning_rate * g / (np.sqrt(v) + kind.epsilon)
        else:
            p = p - kind.learning_rate * g
    return p


@pytest.mark.parametrize(
    "kind",
    [
        SGD(0.1),
        Momentum(0.1, 0.8),
        Nesterov(0.1, 0.8),
        RMSProp(0.01, 0.9),
        Adam(0.03, 0.8, 0.95, 1e-6),
        Adam(0.03, 0.0, 0.999),
        Adam(0.03, 0.9, 0.0, 1e-3),
        AdamW(0.03, weight_decay=0.5),
    ],
)
def test_updates_are_those_of_the_papers(kind):
    X, T = line()
    net = Network([3, 2], "identity", dtype="float64", rng=0)
    A = np.column_stack([X, np.ones(64)])

    def slope(p):
        W = np.vstack([p[:6].reshape(2, 3).T, p[6:]])
        gradient = A.T @ (A @ W - T) / 64
        return np.concatenate([gradient[:-1].ravel(order="F"), gradient[-1]])

    slope.decays = np.arange(8) < 6  # weights, not biases
    # Steps of constant length flip to and fro about the minimum on the last digit of a gradient:
    # the rules without a long memory of squares can be followed only on the way there.
    steps = 20 if isinstance(kind, RMSProp) or getattr(kind, "beta2", 1) == 0 else 120
    expected = textbook(kind, net.parameters.copy(), slope, steps)
    Trainer(Plan(net, Quadratic(), kind), batch_size=64).fit(X, T, epochs=steps)
    np.testing.assert_allclose(net.parameters, expected, rtol=1e-9, atol=1e-12)


def test_batches_are_as_equal_as_whole_numbers_allow():
    for n, largest in ((105, 32), (7, 7), (7, 100), (1, 1), (64, 32), (1257, 32)):
        parts = _equal_parts(n, largest)
        sizes = [b - a for a, b in parts]
        assert sum(sizes) == n
        assert max(sizes) <= largest
        assert max(sizes) - min(sizes) <= 1
        assert parts[0][0] == 0
        assert all(a[1] == b[0] for a, b in pairwise(parts))


class Recorder(Hook):
    def __init__(self):
        self.events, self.rows, self.gradients = [], [], 0

    def before_fit(self, trainer):
        self.events.append("before_fit")

    def before_epoch(self, trainer):
        self.events.append("before_epoch")

    def before_batch(self, trainer):
        self.events.append("before_batch")
        self.rows.extend(trainer.batch.index.tolist())

    def after_batch(self, trainer):
        self.events.append("after_batch")
        self.gradients += bool(np.any(trainer.plan.gradient))

    def after_epoch(self, trainer):
        self.events.append("after_epoch")

    def after_fit(self, trainer):
        self.events.append("after_fit")


def trained(hooks=(), epochs=3, seed=5, **settings):
    X, T = line(50)
    rng = np.random.default_rng(seed)
    net = Network([3, 6, 2], ["tanh", "identity"], dropout=0.2, rng=rng)
    trainer = Trainer(
        Plan(net, Quadratic(), Adam(0.01), rng=rng), batch_size=20, hooks=hooks, **settings
    )
    return trainer.fit(X, T, epochs=epochs)


def test_hooks_see_every_event_in_order_and_every_row_once_an_epoch():
    recorder = Recorder()
    trained([recorder])
    epoch = ["before_epoch", *["before_batch", "after_batch"] * 3, "after_epoch"]
    assert recorder.events == ["before_fit", *epoch * 3, "after_fit"]
    assert sorted(recorder.rows) == sorted(list(range(50)) * 3)
    assert recorder.gradients == 9


def test_hooks_that_only_look_change_nothing():
    a, b = trained([Recorder()]), trained()
    np.testing.assert_array_equal(a.network.parameters, b.network.parameters)


def test_a_hook_may_change_the_batch():
    class Blank(Hook):
        def before_batch(self, trainer):
            trainer.batch.x[:] = 0

    trainer = trained([Blank()])
    fresh = Network([3, 6, 2], ["tanh", "identity"], rng=np.random.default_rng(5))
    np.testing.assert_array_equal(trainer.network.layers[0].weights, fresh.layers[0].weights)


def test_same_seed_same_numbers_other_seed_other_numbers():
    a, b, c = trained(), trained(), trained(seed=6)
    np.testing.assert_array_equal(a.network.parameters, b.network.parameters)
    assert not np.array_equal(a.network.parameters, c.network.parameters)


def test_the_reported_loss_is_the_mean_over_the_samples():
    X, T = line(50)
    net = Network([3, 2], "identity", dtype="float64", rng=0)
    before = Quadratic().value(net.output(X), T)
    weights = np.random.default_rng(1).random(50)
    for w in (None, weights):
        trainer = Trainer(Plan(net.copy(), Quadratic(), SGD(1e-12)), batch_size=20)
        trainer.fit(X, T, w, epochs=1)
        assert trainer.history[0]["loss"] == pytest.approx(np.average(before, weights=w), rel=1e-6)


def test_weights_are_repeated_rows():
    X, T = line(30)
    counts = np.random.default_rng(2).integers(1, 4, size=30)
    a, b = (Network([3, 2], "identity", dtype="float64", rng=0) for _ in range(2))
    Trainer(Plan(a, Quadratic(), SGD(0.1)), batch_size=100).fit(X, T, counts, epochs=20)
    Trainer(Plan(b, Quadratic(), SGD(0.1)), batch_size=100).fit(
        X.repeat(counts, axis=0), T.repeat(counts, axis=0), epochs=20
    )
    np.testing.assert_allclose(a.parameters, b.parameters, rtol=1e-10)


def test_schedule_is_followed_from_step_to_step():
    seen = []

    class Rates(Hook):
        def after_batch(self, trainer):
            seen.append(-float(trainer.plan.update.now[0]))

    X, T = line(40)
    net = Network([3, 2], "identity", dtype="float64", rng=0)
    Trainer(
        Plan(net, Quadratic(), SGD(0.2)),
        batch_size=10,
        schedule=lambda progress: 1.0 - progress,
        hooks=[Rates()],
    ).fit(X, T, epochs=3)
    np.testing.assert_allclose(seen, 0.2 * (1 - np.arange(12) / 12))


def test_early_stopping_waits_on_the_first_plateau_and_not_on_the_last():
    class Fake:
        def __init__(self):
            self.history, self.stop = [], ""

    def epochs_until_stop(losses, baseline):
        hook, trainer = EarlyStopping(patience=5, baseline=baseline), Fake()
        for i, loss in enumerate(losses, 1):
            trainer.history.append({"loss": loss})
            hook.after_epoch(trainer)
            if trainer.stop:
                return i
        return None

    plateau, fall, floor = [1.0] * 60, list(np.linspace(1.0, 0.2, 20)), [0.2] * 30
    stopped = epochs_until_stop(plateau + fall + floor, baseline=1.0)
    assert stopped == 60 + 20 + 5
    # A rule without the baseline gives up before learning begins.
    assert epochs_until_stop(plateau + fall + floor, baseline=np.inf) == 6


def test_the_rate_falls_on_plateaus_but_never_on_the_first():
    class Fake:
        def __init__(self):
            self.history, self.epoch, self.rate_share = [], 0, 1.0

    def shares(losses, baseline, **settings):
        hook, trainer = ReduceOnPlateau(patience=5, baseline=baseline, **settings), Fake()
        hook.before_fit(trainer)
        found = []
        for loss in losses:
            trainer.history.append({"loss": loss})
            hook.after_epoch(trainer)
            found.append(trainer.rate_share)
        return np.array(found)

    plateau, fall, floor = [1.0] * 60, list(np.linspace(1.0, 0.2, 20)), [0.2] * 30
    found = shares(plateau + fall + floor, baseline=1.0, factor=0.5, lowest=0.1)
    assert np.all(found[: 60 + 20 + 4] == 1.0)
    # After five idle epochs a half, after five more a quarter, and no lower than a tenth.
    floor_shares = found[60 + 20 :]
    assert floor_shares[4::5].tolist() == [0.5, 0.25, 0.125, 0.1, 0.1, 0.1]
    assert shares(fall * 3, baseline=np.inf).tolist()[:20] == [1.0] * 20
    with pytest.raises(ParameterError, match=r"factor must be a number in \(0, 1\)"):
        ReduceOnPlateau(factor=1.5)
    hook, trainer = ReduceOnPlateau("validation_loss"), Fake()
    trainer.history.append({"epoch": 1, "loss": 1.0})
    with pytest.raises(ParameterError, match=r"watches 'validation_loss'.*put Validate before"):
        hook.after_epoch(trainer)


def test_a_falling_rate_gets_closer_to_the_minimum_than_a_constant_one():
    # Noisy steps at a constant rate hover around the minimum; lower rates come closer.
    X, T = line(200)
    T = T + np.random.default_rng(1).standard_normal(T.shape)
    best = np.column_stack([X, np.ones(len(X))])
    minimum = 0.5 * np.sum((T - best @ np.linalg.lstsq(best, T, rcond=None)[0]) ** 2) / len(X)

    def excess(hooks):
        net = Network([3, 2], "identity", dtype="float64", rng=0)
        trainer = Trainer(Plan(net, Quadratic(), SGD(0.3)), batch_size=5, hooks=hooks,
                          rng=np.random.default_rng(0)).fit(X, T, epochs=150)  # fmt: skip
        rates = [record["learning_rate"] for record in trainer.history]
        return Quadratic().value(net.output(X), T).mean() - minimum, rates

    constant, _ = excess([])
    falling, rates = excess([ReduceOnPlateau(patience=5)])
    assert rates[0] == 0.3
    assert rates[-1] == pytest.approx(0.3 * 1e-3)
    assert falling < 0.05 * constant


def test_a_plateau_schedule_goes_on_from_a_checkpoint_bit_for_bit(tmp_path):
    X, T = line(100)
    T = T + np.random.default_rng(1).standard_normal(T.shape)

    def train(epochs, path=None):
        net = Network([3, 2], "identity", rng=0)
        hooks = [ReduceOnPlateau(patience=2)]
        if path is not None:
            hooks.append(Checkpoint(path))
        plan = Plan(net, Quadratic(), SGD(0.3), rng=np.random.default_rng(0))
        return Trainer(plan, batch_size=5, hooks=hooks).fit(X, T, epochs=epochs)

    straight = train(40)
    first = train(25, tmp_path / "c")
    assert first.rate_share < 1  # the part that must not be forgotten
    resumed = train(40, tmp_path / "c")
    np.testing.assert_array_equal(resumed.network.parameters, straight.network.parameters)
    rates = [[r["learning_rate"] for r in t.history] for t in (straight, resumed)]
    assert rates[0] == rates[1]


@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_estimators_call_it_the_plateau_schedule(early_stopping):
    X, y = load_iris(return_X_y=True)
    model = ShallowNetwork(
        hidden=8, schedule="plateau", max_epochs=200, patience=10, tol=1e-3, random_state=0,
        early_stopping=early_stopping,
    ).fit(X, y)  # fmt: skip
    rates = [record["learning_rate"] for record in model.history_]
    assert rates[0] == pytest.approx(0.01)  # as for a constant rate
    assert rates[-1] < 0.3 * rates[0]
    assert model.score(X, y) > 0.95
    with pytest.raises(ParameterError, match="did you mean 'plateau'"):
        ShallowNetwork(schedule="platau").fit(X, y)


def test_keep_best_puts_back_the_epoch_with_the_lowest_validation_loss():
    X, T = line(50)
    noise = np.random.default_rng(1).standard_normal(T.shape) * 3
    losses = []

    class Copy(Hook):
        def after_epoch(self, trainer):
            losses.append(trainer.network.parameters.copy())

    net = Network([3, 30, 2], ["tanh", "identity"], rng=0)
    held = Validate(X[:20], T[:20])
    trainer = Trainer(
        Plan(net, Quadratic(), Adam(0.05)),
        batch_size=10,
        hooks=[held, KeepBest("validation_loss", restore="always"), Copy()],
    ).fit(X[20:], (T + noise)[20:], epochs=60)
    curve = [r["validation_loss"] for r in trainer.history]
    best = int(np.argmin(curve))
    assert best < 59  # the net does overfit the noise
    np.testing.assert_array_equal(net.parameters, losses[best])
    assert Quadratic().value(net.output(X[:20]), T[:20]).mean() == pytest.approx(
        curve[best], rel=1e-5
    )


def test_interrupting_keeps_the_best_weights_of_whole_epochs():
    class Interrupt(Hook):
        def after_batch(self, trainer):
            if trainer.epoch == 4:
                raise KeyboardInterrupt

    best = KeepBest()
    with pytest.warns(UserWarning, match="interrupted in epoch 5"):
        trainer = trained([best, Interrupt()], epochs=10)
    assert trainer.interrupted
    assert len(trainer.history) == 4
    np.testing.assert_array_equal(trainer.network.parameters, best.parameters)


def test_training_that_runs_away_is_an_error_that_names_the_rate():
    X, T = line(50)
    net = Network([3, 6, 2], ["identity", "identity"], rng=0)
    trainer = Trainer(Plan(net, Quadratic(), SGD(50.0)), batch_size=10)
    with pytest.raises(DivergenceError, match="learning rate of 50"):
        trainer.fit(X, T, epochs=50)


def test_progress_writes_one_growing_line():
    stream = io.StringIO()
    trained([Progress(3, stream)])
    assert stream.getvalue().count("\r") == 3
    assert "3/3" in stream.getvalue()


def test_copies_and_pickles_of_a_network_own_their_views():
    net = Network([3, 4, 2], ["tanh", "identity"], batch_norm=True, rng=0)
    net.layers[0].norm.mean[:] = 2.0
    X = np.random.default_rng(0).random((5, 3))
    for twin in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(twin.output(X), net.output(X))
        twin.parameters += 1
        assert not np.array_equal(twin.output(X), net.output(X))
        assert np.shares_memory(twin.layers[1].weights, twin.parameters)


def test_a_folded_network_computes_the_same_without_normalisation():
    X, T = line(60)
    net = Network([3, 8, 2], ["tanh", "identity"], batch_norm=True, dtype="float64", rng=0)
    Trainer(Plan(net, Quadratic(), Adam(0.01)), batch_size=20).fit(X, T, epochs=30)
    folded = net.folded()
    assert folded.layers[0].norm is None
    np.testing.assert_allclose(folded.output(X), net.output(X), rtol=1e-10)


def test_wrong_shapes_and_settings_are_refused_with_the_right_ones():
    net = Network([3, 2], "identity", rng=0)
    plan = Plan(net, Quadratic(), SGD())
    with pytest.raises(ShapeError, match=r"expected \(n, 3\) and \(n, 2\)"):
        Trainer(plan).fit(np.zeros((4, 2)), np.zeros((4, 2)), epochs=1)
    with pytest.raises(ShapeError, match="sample weights"):
        Trainer(plan).fit(np.zeros((4, 3)), np.zeros((4, 2)), -np.ones(4), epochs=1)
    with pytest.raises(ParameterError, match="batch_size"):
        Trainer(plan, batch_size=0)
    with pytest.raises(ParameterError, match=r"beta1 of Adam must be a number in \[0, 1\)"):
        Adam(beta1=1.0)
    with pytest.raises(ParameterError, match="learning_rate"):
        SGD(-1.0)
    with pytest.raises(ParameterError, match="l2"):
        Plan(net, Quadratic(), SGD(), l2=-1.0)


def test_numbers_do_not_depend_on_how_many_threads_the_machine_offers():
    rng = np.random.default_rng(0)
    X, y = rng.random((400, 300), dtype=np.float32), rng.integers(10, size=400)
    results = []
    for offered in (1, 2):
        net = Network([300, 500, 10], ["sigmoid", "softmax"], rng=1)
        plan = Plan(net, CrossEntropy(), Adam(0.01), rng=np.random.default_rng(2))
        with threadpool_limits(offered):
            Trainer(plan, batch_size=200).fit(X, np.eye(10, dtype=np.float32)[y], epochs=3)
        results.append(net.parameters)
    np.testing.assert_array_equal(*results)
