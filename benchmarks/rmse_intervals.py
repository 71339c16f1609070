"""How often the 90 % interval of an RMSE, and of R², holds the true value.

``python benchmarks/rmse_intervals.py`` draws errors of eight distributions, of which the true root
mean square is known, and finds the interval of each sample by `score_intervals`. It prints how many
intervals of 100 hold the true value, how many end below it, and the median ratio of an interval's
upper end to the observed value. Beside it stands the jackknife's.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd

from ann.data.judging.held_out import HeldOut
from experiments.kit.estimate import Estimate
from experiments.tables import score_intervals as of_scores

Draw = Callable[[np.random.Generator, int], np.ndarray]


def _signed(rng: np.random.Generator, n: int, spread: float) -> np.ndarray:
    return np.exp(spread * rng.normal(size=n)) * rng.choice([-1.0, 1.0], n)


#: Each distribution with its true mean square.
ERRORS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, n: rng.normal(size=n), 1.0),
    "uniform": (lambda rng, n: rng.uniform(-1, 1, n), 1 / 3),
    "Laplace": (lambda rng, n: rng.laplace(size=n), 2.0),
    "Student, 5 d.f.": (lambda rng, n: rng.standard_t(5, n), 5 / 3),
    "Student, 3 d.f.": (lambda rng, n: rng.standard_t(3, n), 3.0),
    "log-normal, 0.7": (lambda rng, n: _signed(rng, n, 0.7), float(np.exp(0.98))),
    "log-normal, 1": (lambda rng, n: _signed(rng, n, 1.0), float(np.exp(2.0))),
    "one in 20 five times as large": (
        lambda rng, n: rng.normal(size=n) * np.where(rng.random(n) < 0.05, 5, 1),
        0.95 + 0.05 * 25,
    ),
}


def held_out(rng: np.random.Generator, n: int, draw: Draw, square: float) -> HeldOut:
    """Return answers of which the true R² is a half."""
    answers = np.sqrt(square) * rng.normal(size=n)
    return HeldOut(np.arange(n), answers + draw(rng, n), answers)


def jackknifed(rows: HeldOut) -> dict[str, Estimate]:
    """Return the intervals as they were before."""
    scores = rows.scores()
    places = np.arange(len(rows.truth))
    return {n: of_scores._jackknifed(rows, n, v, places) for n, v in scores.items()}


def coverage(name: str, n: int, samples: int, seed: int) -> dict[str, object]:
    """Count the intervals of one distribution that hold the true value."""
    draw, square = ERRORS[name]
    true = {"rmse": float(np.sqrt(square)), "r2": 0.5}
    rng = np.random.default_rng([seed, n, list(ERRORS).index(name)])
    ends: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(samples):
        rows = held_out(rng, n, draw, square)
        for how, found in (
            ("now", of_scores.score_intervals(rows)),
            ("jackknife", jackknifed(rows)),
        ):
            for score, e in found.items():
                low = -np.inf if e.low is None else e.low
                high = np.inf if e.high is None else e.high
                ends.setdefault(f"{score} {how}", []).append((low, high, e.value))
    line: dict[str, object] = {"errors": name, "rows": n}
    for key, each in ends.items():
        low, high, value = np.array(each).T
        truth = true[key.split()[0]]
        line[f"{key} (%)"] = round(100 * float(np.mean((low <= truth) & (truth <= high))), 1)
        if key == "rmse now":
            line["ends below (%)"] = round(100 * float(np.mean(high < truth)), 1)
        if key.startswith("rmse"):
            line[f"{key} upper / value"] = round(float(np.median(high / value)), 2)
    return line


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=600)
    parser.add_argument("--rows", type=int, nargs="+", default=[10, 20, 40, 100, 400])
    parser.add_argument("--seed", type=int, default=50_000)
    wanted = parser.parse_args()
    for n in wanted.rows:
        lines = [coverage(name, n, wanted.samples, wanted.seed) for name in ERRORS]
        print(pd.DataFrame(lines).to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
