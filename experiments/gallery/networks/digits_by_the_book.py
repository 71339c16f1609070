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
    "Sigmoid networks trained on MNIST by the steps of Nielsen's textbook reach the accuracies "
    "that it prints, within what 10,000 images can tell."
)

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
    """Keeps the share of right answers after each epoch."""

    def __init__(self, X: np.ndarray, y: np.ndarray) -> None:
        self.X, self.y = X, y
        self.percent: list[float] = []

    def after_epoch(self, trainer: Trainer) -> None:
        answers = trainer.network.logits(self.X).argmax(axis=1)
        self.percent.append(100 * float(np.mean(answers == self.y)))


def _trained(recipe: Recipe, digits: Digits, epochs: int, seed: int) -> list[float]:
    """Train one network and return its accuracy after each epoch, in per cent."""
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
    return watched.percent


@experiment("digits-by-the-book", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    digits = load_mnist(parameters.images)
    rows, courses, verdicts, best = [], {}, [], {}
    for recipe in RECIPES:
        runs = []
        for seed in context.seeds(recipe.runs, quick=1):
            runs.append(_trained(recipe, digits, parameters.epochs, seed))
            told = runs[-1][-1] if recipe.cross_entropy else max(runs[-1])
            rows.append({"network": recipe.name, "seed": seed, "percent": told,
                         "printed": recipe.printed})  # fmt: skip
        courses[recipe.name] = runs
        best[recipe.name] = max(r["percent"] for r in rows if r["network"] == recipe.name)
        difference = Estimate(
            best[recipe.name] - recipe.printed, None, None, len(runs), "best", draws_are="networks"
        )
        what = f"{recipe.name}: points above the printed {recipe.printed} %"
        verdicts.append(Verdict.of(what, difference, allowed(recipe.printed), "within"))
    return Result(
        numbers={"percent": best, "networks": len(rows)},
        tables={"accuracy": pd.DataFrame(rows)},
        figures={"digits-by-the-book": _figure(courses)},
        verdicts=verdicts,
    )


def _figure(courses: dict[str, list[list[float]]]) -> Figure:
    with drawing(6.4, 3.6) as (figure, axes):
        colours = (COLOURS["blue"], COLOURS["vermilion"], COLOURS["green"])
        for recipe, colour in zip(RECIPES, colours, strict=True):
            for k, course in enumerate(courses[recipe.name]):
                epochs = np.arange(1, len(course) + 1)
                axes.plot(epochs, course, color=colour, lw=1, label=None if k else recipe.name)
            axes.axhline(recipe.printed, color=colour, lw=0.8, ls=":")
        axes.plot([], [], color=GREY, lw=0.8, ls=":", label="as printed")
        axes.set(xlabel="epoch", ylabel="right answers (%)", ylim=(90, 99))
        axes.legend(loc="lower right")
    return figure
