"""How often a true unit gets a small p: fits alone, without intervals and bands.

`neurosim run coverage` asks for everything at once and takes hours. This asks only for the test of
the fit, on the same data sets, in two minutes a row.

Run it with::

    python benchmarks/fit_p_values.py --noise 8 --currents 40
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.stats import kstest

from bridge.choice.fit_families import fit_all
from bridge.choice.goodness_of_fit import misfit
from bridge.units.fitting import problem
from experiments.gallery.units.coverage import data_set
from experiments.kit.registry import Context

DRAWS = 2000
"""Simulated data sets behind one p."""


def p_values(noise: str, currents: int, sets: int, first: int) -> list[float]:
    """Return p of the noisy LIF unit, one for each data set of that unit."""
    found = []
    for seed in Context(seed=first, jobs=1, quick=False).seeds(sets, sets):
        truth, curve = data_set(("noisy-lif", noise, currents), 3, seed)
        told, (task,), (fit,) = fit_all([problem(type(truth), curve.statistics())], curve)
        found.append(misfit(task, fit.z[0], told, DRAWS, seed).p_fit)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--noise", type=float, nargs="+", default=[2.0, 4.0, 8.0], help="mV")
    parser.add_argument("--currents", type=int, nargs="+", default=[10, 20, 40])
    parser.add_argument("--sets", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("noise   currents  sets  p < .05  p < .5  Kolmogorov-Smirnov  processor time")
    for level in asked.noise:
        for number in asked.currents:
            begun = time.process_time()
            made = np.array(p_values(f"LIF {level:g} mV", number, asked.sets, asked.seed))
            p = made[np.isfinite(made)]
            print(
                f"{level:g} mV  {number:8}  {len(p):4}  {100 * np.mean(p < 0.05):5.1f} %"
                f"  {100 * np.mean(p < 0.5):4.1f} %  {kstest(p, 'uniform').pvalue:18.3f}"
                f"  {time.process_time() - begun:12.0f} s",
                flush=True,
            )
