"""How many intervals hold the truth if the search is perfect: noise is drawn anew, nothing is run.

Near the truth the residuals of the last comparison of a fit follow the parameters in a straight
line, so that the best fit to any noise is known. What misses here is the fault of the intervals,
what `fit_recovery.py` misses beyond it that of the search.

    python benchmarks/fit_intervals.py --family hh2 --cells 5 --correlation 1
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.signal import lfilter

from bridge.fit.certainty import certainty_of
from bridge.fit.fit_problem import FitProblem
from bridge.fit.fit_target import target_of
from bridge.fit.multi_start import jacobian
from bridge.fit.neuron_families import family_of
from bridge.fit_peers.known_truth import drawn_truth, recording_of
from neurosim.errors import ParameterError

NOISE_MV = 0.3


def main() -> None:
    """Draw neurons and noise, and count."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--family", default="hh2")
    parser.add_argument("--cells", type=int, default=5)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--step", type=float, default=200.0, help="length of a step (ms)")
    parser.add_argument("--correlation", type=float, default=0.0, help="of the noise (ms)")
    given = parser.parse_args()
    family, random = family_of(given.family), np.random.default_rng(0)
    seed, shares = 0, []
    while len(shares) < given.cells:
        seed += 1
        truth = drawn_truth(family, seed)
        try:
            cell = recording_of(family, truth, step_ms=given.step, noise_mV=NOISE_MV, seed=seed)
        except ParameterError:
            continue
        problem = FitProblem(family, target_of(cell))
        u = problem.unit_of(np.array([truth[name] for name in family.names]))
        _, slopes = jacobian(problem, u, "exact")
        # Of one step, residuals of the potential come first, then those of spikes, which weigh 0.
        weights = np.concatenate(
            [
                np.append(one.layout.weight, np.zeros(len(one.clusters) - len(one.layout.weight)))
                for one in problem.misfits("exact")
            ]
        )
        kept = np.exp(-problem.target.sample_ms / given.correlation) if given.correlation else 0.0
        clusters = problem.clusters("exact")
        inside = []
        for _ in range(given.draws):
            white = random.standard_normal(len(weights))
            noise = NOISE_MV * weights * lfilter([np.sqrt(1 - kept**2)], [1.0, -kept], white)
            missed = np.linalg.lstsq(slopes, noise, rcond=None)[0]
            found = certainty_of(u - missed, noise - slopes @ missed, slopes, clusters)
            held = (found.low <= u) & (u <= found.high)
            inside += held[found.identifiable].tolist()
        shares.append(float(np.mean(inside)))
        print(f"neuron {seed}: {shares[-1]:.1%} of the intervals hold the truth", flush=True)
    print(f"{given.family}, {given.correlation:g} ms: {np.mean(shares):.1%}")


if __name__ == "__main__":
    main()
