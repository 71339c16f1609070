"""The Learn tab computes what `ann` computes: its script runs in node beside `ann`."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from page_scripts import needs_node, run_scripts

from ann import SGD, Network, Plan, Trainer
from ann.network.losses import BinaryCrossEntropy
from experiments.explore.learning_tables import (
    ACTIVATIONS,
    LINES,
    NETWORKS,
    RATES,
    SEEDS,
    SHAPES,
    learning_data,
    shape_table,
)

STEPS = 100
SCRIPTS = ["base.js", "dense_network.js", "learning_run.js"]
CODE = """
answer(data.cases.map(([shape, network, activation, seed, rate]) => {
  const run = new Explorer.LearningRun(data.learn, { shape, network, activation, seed, rate });
  run.learn(data.steps);
  return { losses: run.losses, labels: run.labels };
}));
"""


def learned(case):
    """Loss at every step and the labels after the last, by `ann`."""
    shape, name, activation, seed, rate = case
    hidden = NETWORKS[name][1]
    X, T = shape_table(shape, seed)
    kinds = [activation] * len(hidden) + ["sigmoid"]
    network = Network([2, *hidden, 1], kinds, dtype="float64", rng=seed)
    plan = Plan(network, BinaryCrossEntropy(), SGD(rate))
    trainer = Trainer(plan, batch_size=len(X), shuffle=False).fit(X, T, epochs=STEPS)
    last = BinaryCrossEntropy().value(network.logits(X), T).mean()
    losses = [record["loss"] for record in trainer.history] + [last]
    return losses, (network.output(X)[:, 0] > 0.5).astype(int).tolist()


def check(cases):
    answers = run_scripts(SCRIPTS, CODE, {"learn": learning_data(), "cases": cases, "steps": STEPS})
    assert len(answers) == len(cases) > 0
    for case, answer in zip(cases, answers, strict=True):
        losses, labels = learned(case)
        np.testing.assert_allclose(answer["losses"], losses, rtol=1e-6, err_msg=str(case))
        assert answer["labels"] == labels, case


@needs_node
def test_losses_and_labels_are_those_of_ann():
    check([[shape, name, "tanh", 1, RATES[-1]] for shape in SHAPES for name in NETWORKS])


@needs_node
@pytest.mark.slow
def test_losses_and_labels_are_those_of_ann_for_everything_that_is_offered():
    check(
        [
            [shape, name, activation, seed, rate]
            for shape in SHAPES
            for name in NETWORKS
            for activation in ACTIVATIONS
            for seed in SEEDS
            for rate in RATES
        ]
    )


def test_the_python_lines_give_the_loss_that_they_promise():
    case = ("ring", "shallow", "sigmoid", 2, 0.1)
    values = {"shape": "ring", "seed": 2, "sizes": [2, 8, 1], "rate": 0.1, "steps": STEPS}
    text = LINES
    for name, value in (values | {"activations": ["sigmoid", "sigmoid"]}).items():
        text = text.replace("{" + name + "}", str(value))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(text, {})
    losses, labels = learned(case)
    loss, right = map(float, printed.getvalue().split())
    assert loss == pytest.approx(losses[-1], rel=1e-12)
    assert right == np.mean(np.array(labels) == shape_table("ring", 2)[1][:, 0])


@pytest.mark.parametrize("shape", SHAPES)
def test_tables_follow_from_the_seed_and_fit_on_the_picture(shape):
    X, T = shape_table(shape, 1)
    again, _ = shape_table(shape, 1)
    other, _ = shape_table(shape, 2)
    np.testing.assert_array_equal(X, again)
    assert not np.array_equal(X, other)
    # The picture reaches 1.8 to each side; of points with normal scatter some lie outside.
    assert (np.abs(X) < 1.8).all(axis=1).mean() > 0.97
    assert sorted(np.unique(T)) == [0, 1]
