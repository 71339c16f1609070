"""What the tests of sweeps share: a small sweep of a noisy neuron, and what is in its store."""

from __future__ import annotations

from pathlib import Path

from brian2 import ms, mV, pA

from experiments.sweep import Run, product, sweep
from neurosim import LIF, Constant, WhiteNoise

NOISY = Run(
    LIF(), 100 * ms, stimulus=Constant(0 * pA) + WhiteNoise.for_membrane(3 * mV, LIF()), dt=0.1 * ms
)
GRID = product({"tau_m": [10, 20] * ms, "current": [160, 200, 240] * pA, "repeat": range(4)})


def quiet(_):
    """Take no notice of progress."""


def run(out, grid=GRID, description=NOISY, measure=("count", "first_spike"), **more):
    """Run a sweep in small chunks."""
    more = {"seed": 7, "jobs": 2, "chunk_rows": 5, "progress": quiet} | more
    return sweep(description, grid, list(measure), out=out, **more)


def contents(folder):
    """Every file of data in a store, by name."""
    places = [*Path(folder).glob("chunks/**/*"), *Path(folder).glob("result.zarr/**/*")]
    return {str(p.relative_to(folder)): p.read_bytes() for p in places if p.is_file()}
