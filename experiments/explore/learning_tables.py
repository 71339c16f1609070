"""What the Learn tab shows: two classes of points in the plane, and networks before learning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ann import Network
from experiments.explore.embedding import packed

__all__ = ["NETWORKS", "SHAPES", "learning_data", "shape_table"]

Array = np.ndarray
POINTS = 200
SEEDS = (1, 2, 3)
MOST_STEPS = 1000
# At a rate of 1 the deep network overshoots: weights that differ by 1e-15 then lead to losses that
# differ by percents after 100 steps, in `ann` itself, and no second program could agree with it.
RATES = (0.01, 0.03, 0.1, 0.3)
# Points reach about 1.5 on either side.
_SCALE = 0.6

#: Units of each hidden layer of the networks that are offered.
NETWORKS: dict[str, tuple[str, tuple[int, ...]]] = {
    "logistic": ("logistic: no hidden units", ()),
    "shallow": ("shallow: 8 hidden units", (8,)),
    "deep": ("deep: five layers of 8", (8, 8, 8, 8, 8)),
}
ACTIVATIONS = ("tanh", "sigmoid", "relu")

# The same numbers by hand: these lines are shown on the page and run by a test.
LINES = """\
from ann import SGD, Network, Plan, Trainer
from ann.network.losses import BinaryCrossEntropy
from experiments.explore.learning_tables import shape_table

X, T = shape_table("{shape}", seed={seed})
network = Network({sizes}, {activations}, dtype="float64", rng={seed})
plan = Plan(network, BinaryCrossEntropy(), SGD({rate}))
Trainer(plan, batch_size=len(X), shuffle=False).fit(X, T, epochs={steps})
loss = BinaryCrossEntropy().value(network.logits(X), T).mean()
labels = network.output(X)[:, 0] > 0.5
print(loss, (labels == T[:, 0]).mean())
"""


def _clouds(rng: np.random.Generator, label: Array) -> Array:
    return np.asarray(np.column_stack([label, label]) * 2.4 - 1.2 + rng.normal(0, 0.8, (POINTS, 2)))


def _moons(rng: np.random.Generator, label: Array) -> Array:
    angle = rng.uniform(0, np.pi, POINTS)
    x = np.where(label == 0, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(label == 0, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    return np.asarray(1.5 * np.column_stack([x, y]) + rng.normal(0, 0.15, (POINTS, 2)))


def _ring(rng: np.random.Generator, label: Array) -> Array:
    angle = rng.uniform(0, 2 * np.pi, POINTS)
    radius = np.where(label == 0, 0.8 * np.sqrt(rng.uniform(0, 1, POINTS)), 1.8)
    points = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return np.asarray(points + rng.normal(0, 0.15, (POINTS, 2)))


def _exclusive_or(rng: np.random.Generator, label: Array) -> Array:
    side = rng.choice([-1.0, 1.0], POINTS)
    other = np.where(label == 1, -side, side)
    return np.asarray(1.1 * np.column_stack([side, other]) + rng.normal(0, 0.4, (POINTS, 2)))


def _spirals(rng: np.random.Generator, label: Array) -> Array:
    turn = np.sqrt(rng.uniform(0.02, 1, POINTS))
    angle = 1.25 * 2 * np.pi * turn + np.pi * label
    points = 2.2 * turn[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.asarray(points + rng.normal(0, 0.06, (POINTS, 2)))


#: How the points of each shape are drawn: what the page calls it, and the function.
SHAPES: dict[str, tuple[str, Callable[[np.random.Generator, Array], Array]]] = {
    "clouds": ("two clouds", _clouds),
    "moons": ("two moons", _moons),
    "ring": ("a disc in a ring", _ring),
    "xor": ("exclusive or", _exclusive_or),
    "spirals": ("two spirals", _spirals),
}


def shape_table(shape: str, seed: int) -> tuple[Array, Array]:
    """Return points of two classes in the plane.

    Parameters
    ----------
    shape : str
        A name of `SHAPES`.
    seed : int
        Where the points lie follows from it.

    Returns
    -------
    X : ndarray, shape (200, 2)
        The points, without a unit.
    T : ndarray, shape (200, 1)
        Their class, 0 or 1; as many of one as of the other.

    Examples
    --------
    >>> X, T = shape_table("moons", seed=1)
    >>> X.shape, float(T.mean())
    ((200, 2), 0.5)
    """
    rng = np.random.default_rng(seed)
    label = np.arange(POINTS) % 2
    return _SCALE * SHAPES[shape][1](rng, label), label[:, None].astype(float)


def _networks_before_learning() -> dict[str, Any]:
    """The parameters that `Network` draws, by network, activation and seed."""
    found = {}
    for name, (_, hidden) in NETWORKS.items():
        for activation in ACTIVATIONS:
            kinds = [activation] * len(hidden) + ["sigmoid"]
            for seed in SEEDS:
                network = Network([2, *hidden, 1], kinds, dtype="float64", rng=seed)
                found[f"{name}/{activation}/{seed}"] = packed(network.parameters)
    return found


def learning_data() -> dict[str, Any]:
    """Return everything that the Learn tab needs, as plain values.

    Returns
    -------
    dict
    """
    tables = {}
    for shape in SHAPES:
        for seed in SEEDS:
            X, T = shape_table(shape, seed)
            tables[f"{shape}/{seed}"] = {"X": packed(X), "T": packed(T[:, 0], "u1")}
    return {
        "shapes": {name: label for name, (label, _) in SHAPES.items()},
        "networks": {
            name: {"label": label, "hidden": list(hidden)}
            for name, (label, hidden) in NETWORKS.items()
        },
        "activations": list(ACTIVATIONS),
        "seeds": list(SEEDS),
        "rates": list(RATES),
        "mostSteps": MOST_STEPS,
        "tables": tables,
        "starts": _networks_before_learning(),
        "lines": LINES,
    }
