"""Handwritten digits: what the networks of the textbooks reach here, on the test set.

    OMP_NUM_THREADS=1 python benchmarks/ann_mnist.py DIGITS.npz [--only NAME] [--seeds 5]

The file holds `x_train`, `y_train`, `x_test`, `y_test` as distributed with Keras (60000 and 10000
images of 28 × 28 bytes). All 60000 are trained on for a number of epochs fixed beforehand; the
test set is looked at once, at the end. Pixels are divided by 255 and nothing else is done.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from ann.augment import Distort, DropInputs
from ann.estimators import DeepNetwork, ShallowNetwork

#: name: estimator, settings, hooks, bar in per cent
RECIPES: dict[str, tuple[Any, dict[str, Any], list[Any], float]] = {
    "784-30-10 sigmoid": (
        ShallowNetwork,
        {"hidden": 30, "max_epochs": 60, "learning_rate": 0.01, "l2": 3.0},
        [],
        97.0,
    ),
    "784-100-10 sigmoid": (
        ShallowNetwork,
        {"hidden": 100, "max_epochs": 60, "learning_rate": 0.005, "l2": 3.0},
        [],
        98.1,
    ),
    "784-800-10": (
        ShallowNetwork,
        {
            "hidden": 800,
            "activation": "relu",
            "max_epochs": 30,
            "learning_rate": 0.003,
            "l2": 3.0,
            "batch_size": 128,
        },
        [],
        98.5,
    ),
    "784-800-10 dropout": (
        ShallowNetwork,
        {
            "hidden": 800,
            "activation": "relu",
            "max_epochs": 50,
            "learning_rate": 0.002,
            "l2": 0.0,
            "batch_size": 128,
            "dropout": 0.5,
            "max_norm": 3.0,
        },
        [lambda: DropInputs(0.2)],
        98.7,
    ),
    "784-5×512-10 distorted": (
        DeepNetwork,
        {
            "hidden": (512,) * 5,
            "activation": "relu",
            "max_epochs": 30,
            "learning_rate": 0.001,
            "l2": 0.5,
            "batch_size": 128,
        },
        [lambda: Distort(28, 28)],
        99.2,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    with np.load(options.file) as data:
        X, y = data["x_train"].reshape(-1, 784) / np.float32(255), data["y_train"]
        X_new, y_new = data["x_test"].reshape(-1, 784) / np.float32(255), data["y_test"]
    for name, (kind, settings, hooks, bar) in RECIPES.items():
        if options.only and options.only != name:
            continue
        found = []
        for seed in range(options.seeds):
            began, clock = time.process_time(), time.perf_counter()
            model = kind(
                standardise=False,
                random_state=seed,
                hooks=[make() for make in hooks],
                **settings,
            ).fit(X, y)
            found.append(100 * model.score(X_new, y_new))
            print(
                f"{name:24} seed {seed}: {found[-1]:.2f} %  "
                f"({time.process_time() - began:.0f} s of one core, "
                f"{time.perf_counter() - clock:.0f} s by the clock)",
                flush=True,
            )
        print(f"{name:24} mean of {len(found)}: {np.mean(found):.2f} %  (bar {bar} %)", flush=True)


if __name__ == "__main__":
    main()
