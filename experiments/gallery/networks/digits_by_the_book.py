"""Digits as in Nielsen's textbook: the same networks and steps reach the printed accuracies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ann import SGD, Hook, Network, Plan, Trainer
from ann.network.losses import BinaryCrossEntropy, Loss, Quadratic
from experiments.kit.estimate import Estimate
from experiments.kit.mnist import Digits, load_mnist
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing

__all__ = ["RECIPES", "Recipe", "allowed"]

CLAIM = (
    "Trained by the steps of Nielsen's textbook, a sigmoid network with 30 hidden units reaches "
    "the printed accuracy on MNIST. With 100 units the quadratic loss leaves output units silent "
    "after all epochs, and such a network stays below 90 %; with cross-entropy none is."
)

# What a network keeps that answers nine of ten digits and the tenth never.
_SILENT_BELOW = 90.0
# An output unit that is on for less than this share of the images of its digit is silent.
_HARDLY = 0.05

_TRAINED, _IMAGES = 50_000, 10_000


@dataclass(frozen=True)
class Recipe:
    """A network of the book and what the book prints for it.

    Attributes
    ----------
    name : str
        What the table calls it.
    hidden : int
        Hidden units, between 784 pixels and 10 outputs; all are sigmoid.
    rate : float
        Learning rate of plain gradient descent, in batches of 10.
    printed : float
        Accuracy, in per cent of 10,000 images.
    decay : float
        λ of the penalty (λ / 2n) ΣW².
    cross_entropy : bool
        The loss of chapter 3, in place of the quadratic one of chapter 1.
    runs : int
        The book took the best of so many.
    """

    name: str
    hidden: int
    rate: float
    printed: float
    decay: float = 0.0
    cross_entropy: bool = False
    runs: int = 3

    @property
    def loss(self) -> Loss:
        return BinaryCrossEntropy() if self.cross_entropy else Quadratic()


# Nielsen (2015), Neural Networks and Deep Learning. Chapter 1: the best epoch of 30 on the test
# images, best of three runs. Chapter 3: the last of 30 epochs on the validation images, one run.
RECIPES = (
    Recipe("quadratic, 30 units", 30, 3.0, 95.42),
    Recipe("quadratic, 100 units", 100, 3.0, 96.59),
    Recipe(
        "cross-entropy and decay, 100 units", 100, 0.5, 97.92, decay=5.0, cross_entropy=True, runs=1
    ),
)


def allowed(printed: float) -> float:
    """Return twice the standard error (points) of an accuracy (per cent) on 10,000 images.

    Examples
    --------
    >>> round(allowed(95.42), 2)
    0.42
    """
    return 200 * float(np.sqrt(printed / 100 * (1 - printed / 100) / _IMAGES))


@dataclass(frozen=True)
class Parameters:
    """Images, and how often they are shown."""

    images: str = "mnist.npz"
    epochs: int = 30


class _Accuracies(Hook):
    """Keeps the share of right answers after each epoch, and which output units are silent.

    An output unit is silent if it stays below 1/2 for practically every image of its own digit:
    its sigmoid is saturated at 0, where the quadratic loss has no slope.
    """

    def __init__(self, X: np.ndarray, y: np.ndarray) -> None:
        self.X, self.y = X, y
        self.percent: list[float] = []
        self.silent = 0

    def after_epoch(self, trainer: Trainer) -> None:
        logits = trainer.network.logits(self.X)
        self.percent.append(100 * float(np.mean(logits.argmax(axis=1) == self.y)))
        on = [float(np.mean(logits[self.y == k, k] > 0)) for k in range(logits.shape[1])]
        self.silent = sum(share < _HARDLY for share in on)


def _trained(recipe: Recipe, digits: Digits, epochs: int, seed: int) -> _Accuracies:
    """Train one network and return its accuracies."""
    random = np.random.default_rng(seed)
    network = Network([784, recipe.hidden, 10], ["sigmoid", "sigmoid"], rng=seed)
    for layer in network.layers:
        # As in the book: all weights and biases have variance 1.
        layer.weights[...] = random.normal(size=layer.weights.shape)
        layer.bias[...] = random.normal(size=layer.bias.shape)
    X, y = digits.X_train[:_TRAINED], digits.y_train[:_TRAINED]
    if recipe.cross_entropy:
        watched = _Accuracies(digits.X_train[_TRAINED:], digits.y_train[_TRAINED:])
    else:
        watched = _Accuracies(digits.X_test, digits.y_test)
    plan = Plan(network, recipe.loss, SGD(recipe.rate), l2=recipe.decay / _TRAINED, batch=10)
    targets = np.eye(10, dtype=np.float32)[y]
    Trainer(plan, batch_size=10, hooks=[watched], rng=random).fit(X, targets, epochs=epochs)
    return watched


@experiment("digits-by-the-book", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    digits = load_mnist(parameters.images)
    rows, courses = [], {}
    for recipe in RECIPES:
        runs = []
        # The best of three is judged of the first network only.
        quick = recipe.runs if recipe is RECIPES[0] else 1
        for seed in context.seeds(recipe.runs, quick):
            watched = _trained(recipe, digits, parameters.epochs, seed)
            told = watched.percent[-1] if recipe.cross_entropy else max(watched.percent)
            rows.append(
                {
                    "network": recipe.name,
                    "seed": seed,
                    "percent": told,
                    "printed": recipe.printed,
                    "silent_outputs": watched.silent,
                }
            )
            runs.append(watched.percent)
        courses[recipe.name] = runs
    table = pd.DataFrame(rows)
    best = {
        recipe.name: float(table["percent"][table["network"] == recipe.name].max())
        for recipe in RECIPES
    }
    return Result(
        numbers={"percent": best, "networks": len(table)},
        tables={"accuracy": table},
        figures={"digits-by-the-book": _figure(courses)},
        verdicts=_verdicts(table, best),
    )


def _verdicts(table: pd.DataFrame, best: dict[str, float]) -> list[Verdict]:
    first = RECIPES[0]
    runs = table[table["network"] == first.name]

    def every(value: float, among: pd.DataFrame) -> Estimate:
        return Estimate(value, None, None, len(among), "each", draws_are="networks")

    difference = Estimate(
        best[first.name] - first.printed, None, None, len(runs), "best", draws_are="networks"
    )
    silent = table["silent_outputs"] > 0
    low = table["percent"] < _SILENT_BELOW
    chosen = table[table["network"] == RECIPES[-1].name]
    return [
        Verdict.of(
            f"{first.name}: points above the printed {first.printed} %",
            difference, allowed(first.printed), "within",
        ),
        Verdict.of(
            f"networks of which silent outputs and an accuracy below {_SILENT_BELOW:g} % do not "
            "come together", every(int((silent != low).sum()), table), 0,
        ),
        Verdict.of(
            "silent outputs with cross-entropy",
            every(int(chosen["silent_outputs"].max()), chosen), 0,
        ),
    ]  # fmt: skip


def _figure(courses: dict[str, list[list[float]]]) -> Figure:
    with drawing(6.4, 3.6) as (figure, axes):
        colours = (COLOURS["blue"], COLOURS["vermilion"], COLOURS["green"])
        for recipe, colour in zip(RECIPES, colours, strict=True):
            for k, course in enumerate(courses[recipe.name]):
                epochs = np.arange(1, len(course) + 1)
                axes.plot(epochs, course, color=colour, lw=1, label=None if k else recipe.name)
            axes.axhline(recipe.printed, color=colour, lw=0.8, ls=":")
        axes.plot([], [], color=GREY, lw=0.8, ls=":", label="as printed")
        axes.set(xlabel="epoch", ylabel="right answers (%)", ylim=(45, 100))
        axes.legend(loc="lower right")
    return figure
