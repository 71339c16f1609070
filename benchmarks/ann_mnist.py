"""Handwritten digits: what the networks of the textbooks reach here, on the test set.

    OMP_NUM_THREADS=1 python benchmarks/ann_mnist.py DIGITS.npz [--only NAME] [--seeds 5]
                                                    [--record RUNS.jsonl]

The file holds `x_train`, `y_train`, `x_test`, `y_test` as distributed with Keras (60000 and 10000
images of 28 × 28 bytes). All 60000 are trained on for a number of epochs fixed beforehand; the
test set is looked at once, at the end. Pixels are divided by 255 and nothing else is done.
With --record each finished run is a line of a file, and runs found there are not done again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from ann.estimators.models import DeepNetwork, ShallowNetwork
from ann.training.augment import Distort, DropInputs

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


def train(name: str, seed: int, data: dict[str, np.ndarray]) -> dict[str, Any]:
    """One run: what it was, what it reached, what it took."""
    kind, settings, hooks, _ = RECIPES[name]
    began, clock = time.process_time(), time.perf_counter()
    model = kind(
        standardise=False, random_state=seed, hooks=[make() for make in hooks], **settings
    ).fit(data["X"], data["y"])
    return {
        "network": name,
        "seed": seed,
        "settings": _plain(settings),
        "percent": 100 * model.score(data["X_new"], data["y_new"]),
        "cpu_s": time.process_time() - began,
        "clock_s": time.perf_counter() - clock,
    }


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(settings))


def recorded(file: Path | None) -> dict[tuple[str, int], dict[str, Any]]:
    """Runs done before with the settings of today, by network and seed."""
    if file is None or not file.exists():
        return {}
    runs = [json.loads(line) for line in file.read_text().splitlines()]
    return {
        (run["network"], run["seed"]): run
        for run in runs
        if run["network"] in RECIPES and run["settings"] == _plain(RECIPES[run["network"]][1])
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", default="", choices=["", *RECIPES], metavar="NAME")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    with np.load(options.file) as digits:
        data = {
            "X": digits["x_train"].reshape(-1, 784) / np.float32(255),
            "y": digits["y_train"],
            "X_new": digits["x_test"].reshape(-1, 784) / np.float32(255),
            "y_new": digits["y_test"],
        }
    for name, (*_, bar) in RECIPES.items():
        if options.only and options.only != name:
            continue
        found = []
        for seed in range(options.seeds):
            run = recorded(options.record).get((name, seed))
            if run is None:
                run = train(name, seed, data)
                if options.record is not None:
                    with options.record.open("a") as lines:
                        lines.write(json.dumps(run, ensure_ascii=False) + "\n")
            found.append(run["percent"])
            print(
                f"{name:24} seed {seed}: {run['percent']:.2f} %  ({run['cpu_s']:.0f} s of one "
                f"core, {run['clock_s']:.0f} s by the clock)",
                flush=True,
            )
        print(
            f"{name:24} mean of {len(found)}: {np.mean(found):.2f} %, lowest {min(found):.2f} %"
            f"  (bar {bar} %)",
            flush=True,
        )


if __name__ == "__main__":
    main()
