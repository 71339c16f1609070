"""Problems without extent: integrate-and-fire neurons and the space-clamped axon."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from brian2.units import Quantity, amp, cm, ms, mV, nA, second, uA, um

from experiments.kit.closed_forms import closed_form
from experiments.kit.estimate import mean as average
from experiments.kit.registry import Context
from experiments.validation.checklist import Check, problem
from neurosim import LIF, Constant, HodgkinHuxley, Steps, WhiteNoise, simulate

__all__: list[str] = []

# Cells fall into so many groups, whose scatter tells how sure a CV is.
GROUPS = 20


@problem("P01", "LIF neuron: rate against current", "closed form")
def lif(context: Context) -> Iterator[Check]:
    neuron = LIF()
    currents = np.array([0.1, 0.15, 0.155, 0.16, 0.18, 0.2, 0.25, 0.3, 0.5, 1.0, 2.0])
    recording = simulate(
        neuron, 4 * second, batch={"current": currents * nA}, dt=0.01 * ms,
        **context.running("P01: LIF at constant currents"),
    )  # fmt: skip
    rates = np.asarray(recording.interval_rate())
    expected = closed_form(neuron, currents * 1e-9)
    for current, ours, reference in zip(currents, rates, expected, strict=True):
        yield Check(f"rate at {current:g} nA (Hz)", float(ours), float(reference), 0.005)


@problem("P02", "LIF neuron under white noise: rate and CV", "Siegert's formula and ISI moments")
def siegert(context: Context) -> Iterator[Check]:
    # Mean and free standard deviation of the potential (mV); rate (Hz) and CV of the intervals.
    cases = [
        (-55, 5, 26.562502, 0.568297),
        (-60, 5, 13.817456, 0.726382),
        (-50, 2, 35.100742, 0.232699),
    ]
    neuron = LIF()
    cells, duration = (1600, 4.0) if context.quick else (4000, 5.0)
    for mean, sd, rate, cv in cases:
        noise = WhiteNoise.for_membrane(sd * mV, neuron)
        current = (mean * mV - neuron.E_L) / neuron.R_m
        recording = simulate(
            neuron, (0.5 + duration) * second, stimulus=Constant(current) + noise,
            seed=context.seed * 10_000 + np.arange(cells),
            **context.running(f"P02: noise around {mean} mV"),
        )  # fmt: skip
        counts = recording.counts(start=0.5 * second)
        # At the default step; 2 % covers the sampling error.
        found = average(counts / duration)
        yield Check(f"rate at {mean} ± {sd} mV (Hz)", found.value, rate, 0.02, False, found.reach)
        trains = [np.asarray(train) for train in recording.spike_trains()]
        intervals = [np.diff(train[train > 0.5]) for train in trains]
        groups = [np.concatenate(intervals[k::GROUPS]) for k in range(GROUPS)]
        found = average([group.std() / group.mean() for group in groups])
        yield Check(f"CV at {mean} ± {sd} mV", found.value, cv, 0.02, True, found.reach)


@problem("P06", "Squid membrane: regime and rate against current", "NEURON 9.0.2, CVODE 1e-9")
def squid(context: Context) -> Iterator[Check]:
    # Current density (µA/cm²), spikes between 50 and 1500 ms, steady rate (Hz).
    table = [
        (2, 0, 0.0), (3, 1, 0.0), (5, 1, 0.0), (6, 2, 0.0), (6.5, 80, 55.05733),
        (7, 85, 58.32724), (8, 91, 62.46992), (9, 96, 65.62874),
    ]  # fmt: skip
    neuron = HodgkinHuxley(area=1000 * um**2, E_L=-54.387 * mV)
    density = np.array([row[0] for row in table]) * uA / cm**2
    current = density * neuron.area
    recording = simulate(
        neuron, 1500 * ms, stimulus=Steps(onset=50 * ms, duration=1450 * ms),
        batch={"amplitude": Quantity(np.asarray(current, dtype=float), dim=amp.dim)}, dt=0.01 * ms,
        **context.running("P06: squid membrane"),
    )  # fmt: skip
    counts = recording.counts()
    rates = np.asarray(recording.interval_rate(start=1000 * ms))
    for row, count, rate in zip(table, counts, rates, strict=True):
        yield Check(f"spikes at {row[0]:g} µA/cm²", float(count), row[1], 0, True)
        if row[2]:
            yield Check(f"steady rate at {row[0]:g} µA/cm² (Hz)", float(rate), row[2], 0.01)
