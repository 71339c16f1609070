"""How often a depolarisation block is found, and how often one is seen that is not there.

``python benchmarks/block_power.py`` draws spike counts of a cell whose rate rises to a peak and
then falls to a share of it (the *depth*), and of a cell whose rate rises and stays. Both are drawn
with Poisson and with regular intervals, with one and with three repeats. It counts how often
`bridge.choice.select_unit` takes the curve for one with a block, at the level in use and at .01.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from bridge.choice.select_unit import BLOCK_LEVEL, scatter_of_counts
from bridge.counts.curve import FICurve
from bridge.counts.likelihood import sample
from bridge.counts.monotone import fall_after_peak

PEAK_HZ = 60.0
WINDOW_S = 1.0
LEVELS = (BLOCK_LEVEL, 0.01)


def rates(currents: np.ndarray, left: float) -> np.ndarray:
    """Rise to the peak within the lower 60 % of the currents, then a fall to a share of it."""
    place = currents / 500
    rise = PEAK_HZ * np.sqrt(np.clip((place - 0.15) / 0.45, 0, 1))
    return np.where(place <= 0.6, rise, PEAK_HZ * (1 - (1 - left) * (place - 0.6) / 0.4))


def chance_of_no_fall(left: float, shape: float, trials: int, currents: int, seed: int) -> float:
    """Draw one cell and test it, as `select` does."""
    random = np.random.default_rng([seed, trials, currents, round(100 * left), round(shape)])
    amounts = np.repeat((np.arange(currents) + random.random()) * 500 / currents, trials)
    counts = sample(rates(amounts, left) * WINDOW_S, shape, 1, random)[0]
    trial = np.tile(np.arange(trials), currents)
    curve = FICurve(amounts, counts, np.full(len(counts), WINDOW_S), trial)
    return fall_after_peak(curve.statistics(), scatter_of_counts(curve), seed=seed).p


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=400, help="drawn for each row of the table")
    parser.add_argument("--currents", type=int, default=20)
    parser.add_argument("--depths", type=float, nargs="+", default=[0, 0.1, 0.2, 0.3, 0.5, 0.7, 1])
    wanted = parser.parse_args()
    rows = []
    for trials in (1, 3):
        for name, shape in (("Poisson", 1.0), ("regular, CV .29", 12.0)):
            for depth in wanted.depths:
                p = [
                    chance_of_no_fall(1 - depth, shape, trials, wanted.currents, seed)
                    for seed in range(wanted.cells)
                ]
                found = {
                    f"p < {level:g} (%)": 100 * np.mean(np.array(p) < level) for level in LEVELS
                }
                rows.append(
                    {"repeats": trials, "intervals": name, "depth (%)": 100 * depth, **found}
                )
    print(pd.DataFrame(rows).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
