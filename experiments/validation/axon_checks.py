"""Problems of axons: conduction velocity without and with myelin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from brian2.units import cm, ms, mV, nA, ohm, siemens, uF

from experiments.kit.closed_forms import squid_velocity
from experiments.kit.registry import Context
from experiments.validation.checklist import Check, problem
from neurosim import Neuron, Steps, simulate
from neurosim.channels import myelin, ranvier_node
from neurosim.describe.parts import Cable
from neurosim.morphology import Branch, Morphology, PerBranch, at, tagged

__all__ = ["myelinated"]


@problem("P07", "Squid axon: conduction velocity", "exact travelling wave (shooting)")
def squid(context: Context) -> Iterator[Check]:
    yield Check(
        "velocity, d = 476 µm, 18.5 °C (m/s)", squid_velocity(476, engine=context.engine),
        18.731888, 0.01,
    )  # fmt: skip
    for d in (1.0, 10.0):
        ours = squid_velocity(d, engine=context.engine)
        yield Check(f"velocity over sqrt(d), d = {d:g} µm", ours / np.sqrt(d), 0.858577, 0.01)


def myelinated(diameter_um: float, internodes: int = 30, pieces: int = 10) -> Neuron:
    """Return the myelinated axon of problem P10."""
    branches: list[Branch] = []
    x = 0.0
    for k in range(2 * internodes + 1):
        node = k % 2 == 0
        span = 1.0 if node else 100 * diameter_um
        name = f"node{k // 2}" if node else f"internode{k // 2}"
        branches.append(
            Branch(
                name=name,
                tag="node" if node else "internode",
                points_m=np.array([[x, 0, 0], [x + span, 0, 0]]) * 1e-6,
                diameters_m=np.full(2, diameter_um * 1e-6),
                parent=branches[-1].name if branches else None,
                attach=1.0,
            )
        )
        x += span
    shape = Morphology.from_branches(branches)
    exceptions = {f"internode{k}": pieces for k in range(internodes)}
    capacitance = 0.1 / diameter_um
    return (
        Neuron(
            shape, PerBranch(1, exceptions), cable=Cable(R_a=70 * ohm * cm), celsius=18.5,
            rest=-65 * mV,
        )
        .paint(ranvier_node(), tagged("node"))
        .paint(Cable(C_m=capacitance * uF / cm**2, R_a=70 * ohm * cm), tagged("internode"))
        .paint(myelin(g=capacitance * 1e-4 * siemens / cm**2), tagged("internode"))
    )  # fmt: skip


@problem(
    "P10",
    "Myelinated axon: velocity in proportion to diameter",
    "NEURON 9.0.2, second order, 1 µs",
)
def myelin_velocity(context: Context) -> Iterator[Check]:
    expected = {1: 1.7868357, 2: 3.5645633, 4: 7.120001, 10: 17.7863075, 20: 35.5634768}
    for d, reference in expected.items():
        cell = myelinated(float(d)).place(
            Steps(amplitude=0.6 * d * nA, onset=0.1 * ms, duration=0.1 * ms), at("node0", 0.5)
        )
        for node in (10, 20):
            cell = cell.detect(at(f"node{node}", 0.5), -20 * mV, label=f"node{node}")
        recording = simulate(cell, 3 * ms, dt=0.002 * ms, engine=context.engine)
        passed = [float(recording.spike_times_at(f"node{k}")[0] / ms) for k in (10, 20)]
        ours = 10 * (100 * d + 1) * 1e-3 / (passed[1] - passed[0])
        yield Check(f"velocity, d = {d} µm (m/s)", ours, reference, 0.015)
        yield Check(f"velocity over d, d = {d} µm", ours / d, 1.7824, 0.01)
