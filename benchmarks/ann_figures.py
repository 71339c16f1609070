"""The figures of docs/networks.md: how training goes, what the networks decide.

python benchmarks/ann_figures.py docs/figures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, make_moons

from ann import DeepNetwork, LogisticRegression, ShallowNetwork, diagnose
from ann.inspect.plots import plot_decision_boundary, plot_history, plot_layers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    X, y = make_moons(400, noise=0.25, random_state=0)
    new, answers = make_moons(4000, noise=0.25, random_state=1)
    models = {
        "no hidden layer": LogisticRegression(),
        "one hidden layer": ShallowNetwork(random_state=0),
        "five hidden layers": DeepNetwork(random_state=0),
    }
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True, layout="constrained")
    for (name, model), ax in zip(models.items(), axes, strict=True):
        plot_decision_boundary(model.fit(X, y), X, y, ax)
        share = 100 * model.score(new, answers)
        ax.set_title(f"{name}: {share:.1f} % of new points", fontsize=9)
        ax.set(xlabel="first column", ylabel="second column" if ax is axes[0] else "")
        print(f"{name:20} {share:.2f} % of {len(new)} new points")
    figure.savefig(folder / "boundaries.png", dpi=150)

    X, y = load_digits(return_X_y=True)
    deep = DeepNetwork(early_stopping=True, patience=100, random_state=0).fit(X, y)
    figure, axes = plt.subplots(1, 4, figsize=(12, 3.0), layout="constrained")
    plot_history(deep, axes[0])
    shares = np.bincount(y) / len(y)
    knowing_nothing = -np.sum(shares * np.log(shares))
    axes[0].axhline(knowing_nothing, color="0.4", linestyle=":", label="knowing nothing")
    axes[0].legend(fontsize=8, loc="center right", bbox_to_anchor=(1.0, 0.75))
    plot_layers(diagnose(deep, X, y), axes[1:])
    figure.savefig(folder / "training.png", dpi=150)


if __name__ == "__main__":
    main()
