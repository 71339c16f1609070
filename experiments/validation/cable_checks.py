"""Problems of dendrites: passive and active cables, synapses, the initial segment."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from brian2.units import (
    cm,
    mS,
    ms,
    mV,
    nA,
    nS,
    ohm,
    siemens,
    uF,
    um,
)

from experiments.kit.registry import Context
from experiments.validation.checklist import Check, problem, rms
from neurosim import Constant, Neuron, Steps, simulate
from neurosim.channels import HHPotassium, HHSodium, Leak, spike_initiation, squid_axon
from neurosim.describe.parts import Cable
from neurosim.morphology import (
    PerBranch,
    at,
    ball_and_stick,
    branch,
    cylinder,
    tagged,
)
from neurosim.synapses import DoubleExponential, Events

__all__ = ["cable_response", "rallpack1"]

DENSITY = siemens / cm**2


def _passive(length: float, diameter: float, pieces: int, R_m: float, R_a: float) -> Neuron:
    cable = Cable(C_m=1 * uF / cm**2, R_a=R_a * ohm * cm)
    rod = cylinder(length * um, diameter * um, name="cable")
    return Neuron(rod, PerBranch(pieces), cable=cable, rest=-65 * mV).paint(
        Leak(g=1 / (R_m * ohm * cm**2), E=-65 * mV)
    )


@problem("P03", "Rall's cable: input resistance and attenuation", "closed form")
def rall(context: Context) -> Iterator[Check]:
    R_m, R_a, d = 20000.0, 150.0, 2.0
    length_constant = np.sqrt(R_m * d * 1e-4 / (4 * R_a)) * 1e4
    semi_infinite = 2 * np.sqrt(R_m * R_a) / (np.pi * (d * 1e-4) ** 1.5) * 1e-6
    for length in (200.0, 500.0, 1000.0, 2000.0):
        cell = _passive(length, d, 401, R_m, R_a).probe("v", at("cable", 0.0), label="near")
        cell = cell.probe("v", at("cable", 1.0), label="far")
        # Ten time constants and steps of 0.1 ms: only the end is looked at.
        recording = simulate(
            cell.place(Constant(0.01 * nA), at("cable", 0.0)), 400 * ms, dt=0.1 * ms,
            scheme="backward-euler", record_dt=400 * ms, engine=context.engine,
        )  # fmt: skip
        near, far = (
            float(np.asarray(recording.trace(name))[0, -1]) + 0.065 for name in ("near", "far")
        )
        reach = length / length_constant
        yield Check(
            f"R_in, sealed, {length:g} µm (MΩ)", near / 1e-11 * 1e-6,
            semi_infinite / np.tanh(reach), 0.005,
        )  # fmt: skip
        yield Check(f"V_end/V_0, {length:g} µm", far / near, 1 / np.cosh(reach), 0.005)


def cable_response(
    t_ms: np.ndarray, x: float, tau_ms: float = 40.0, resistance_mohm: float = 1273.2395
) -> np.ndarray:
    r"""Return the depolarisation (mV) of a sealed cable of one length constant, 0.1 nA into x = 0.

    .. math:: V(x, t) = I r \lambda \left[ 1 - e^{-t/\tau}
              + 2 \sum_{n=1}^\infty \frac{\cos(n \pi x)}{1 + n^2 \pi^2}
              \left(1 - e^{-(1 + n^2 \pi^2) t/\tau}\right) \right]
    """
    n = np.arange(1, 4000)[:, np.newaxis]
    decay = 1 + (n * np.pi) ** 2
    terms = np.cos(n * np.pi * x) / decay * (1 - np.exp(-decay * t_ms / tau_ms))
    shape = 1 - np.exp(-t_ms / tau_ms) + 2 * terms.sum(axis=0)
    return np.asarray(0.1 * resistance_mohm * shape)


def rallpack1(context: Context, dt_ms: float = 0.025) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return times (ms) and the potentials (mV) at both ends of the Rallpack 1 cable."""
    cell = _passive(1000, 1, 1000, 40000, 100)
    for name, where in (("near", 0.0), ("far", 1.0)):
        cell = cell.probe("v", at("cable", where), label=name)
    recording = simulate(
        cell.place(Constant(0.1 * nA), at("cable", 0.0)), 250 * ms, dt=dt_ms * ms,
        record_dt=0.1 * ms, scheme="backward-euler", engine=context.engine,
        progress=context.task("P04: Rallpack 1"),
    )  # fmt: skip
    traces = {name: np.asarray(recording.trace(name))[0] * 1e3 for name in ("near", "far")}
    return recording.trace_time_s * 1e3, traces


@problem("P04", "Rallpack 1: passive cable", "closed form (Fourier series)")
def rallpack_1(context: Context) -> Iterator[Check]:
    t, traces = rallpack1(context)
    late = t >= 1
    for name, x, tolerance in (("far", 1.0, 0.02), ("near", 0.0, 0.15)):
        expected = cable_response(t, x) - 65
        yield Check(
            f"rms deviation, {name} end (mV)", rms((traces[name] - expected)[late]), 0, tolerance,
            True,
        )  # fmt: skip
    # At 250 ms the cable is within 0.2 % of its steady state; the series says where.
    last = float(cable_response(t[-1:], 1.0)[0]) - 65
    yield Check("far end at 250 ms (mV)", traces["far"][-1], last, 1e-3)


@problem("P05", "Rallpack 3: Hodgkin-Huxley cable", "NEURON 9.0.2, CVODE 1e-7")
def rallpack_3(context: Context) -> Iterator[Check]:
    cell = (
        Neuron(
            cylinder(1000 * um, 1 * um, name="cable"), PerBranch(1000), rest=-65 * mV, celsius=6.3,
        )
        .paint((HHSodium(), HHPotassium(), Leak(g=0.025 * mS / cm**2, E=-65 * mV)))
        .place(Constant(0.1 * nA), at("cable", 0.0))
        .detect(at("cable", 0.0), 0 * mV, label="near")
        .detect(at("cable", 1.0), 0 * mV, label="far")
    )  # fmt: skip
    recording = simulate(
        cell, 250 * ms, dt=0.01 * ms, engine=context.engine,
        progress=context.task("P05: Rallpack 3"),
    )  # fmt: skip
    near = np.asarray(recording.spike_times_at("near")) * 1e3
    far = np.asarray(recording.spike_times_at("far")) * 1e3
    yield Check("spikes at x = 0", len(near), 18, 0, True)
    yield Check("spikes at x = L", len(far), 17, 0, True)
    yield Check("first spike at x = L (ms)", far[0], 4.070803, 0.05, True)
    interval = np.diff(far)[2:].mean()
    yield Check("mean interval at x = L, from the third (ms)", interval, 14.531596, 0.005)


@problem("P08", "Ball and stick with a Hodgkin-Huxley soma", "NEURON 9.0.2, CVODE 1e-9")
def ball(context: Context) -> Iterator[Check]:
    cell = (
        Neuron(
            ball_and_stick(20 * um, 500 * um, 2 * um), PerBranch(1, {"dendrite": 101}),
            celsius=6.3, rest=-65 * mV,
        )
        .paint(squid_axon(), tagged("soma"))
        .paint(Leak(g=0.1 * mS / cm**2, E=-65 * mV), tagged("dendrite"), label="dendrite_leak")
        .probe("v", at("dendrite", 1.0))
        .detect(at("soma", 0.5), 0 * mV)
    )  # fmt: skip
    expected = {0.05: 0, 0.1: 1, 0.15: 1, 0.2: 6, 0.3: 8}
    recording = simulate(
        cell, 150 * ms, stimulus=Steps(onset=10 * ms, duration=100 * ms),
        batch={"amplitude": list(expected) * nA}, dt=0.01 * ms, engine=context.engine,
        progress=context.task("P08: ball and stick"),
    )  # fmt: skip
    for (current, count), ours in zip(expected.items(), recording.counts(), strict=True):
        yield Check(f"spikes at {current:g} nA", float(ours), count, 0, True)
    train = np.asarray(recording.spike_train(4)) * 1e3
    yield Check("first spike at 0.3 nA (ms)", train[0], 11.7484, 0.3, True)
    yield Check("last spike at 0.3 nA (ms)", train[-1], 110.015, 0.3, True)
    tip = float(np.asarray(recording.trace("v"))[4].max()) * 1e3
    yield Check("peak at the tip, 0.3 nA (mV)", tip, -26.060978, 0.3, True)


@problem("P09", "EPSP at the soma against the distance of its synapse", "NEURON 9.0.2, CVODE 1e-10")
def epsp(context: Context) -> Iterator[Check]:
    # Position along the dendrite (0 to 1), peak at the soma and at the synapse (mV).
    table = [
        (0.1, 3.702290, 3.941703), (0.2, 2.977134, 3.688293), (0.4, 2.022446, 3.713182),
        (0.6, 1.565818, 3.789004), (0.8, 1.389045, 4.611105), (1.0, 1.302788, 7.125498),
    ]  # fmt: skip
    cell = Neuron(
        ball_and_stick(20 * um, 1000 * um, 2 * um), PerBranch(1, {"dendrite": 201}),
        cable=Cable(R_a=150 * ohm * cm), rest=-70 * mV,
    ).paint(Leak(g=1 / (20000 * ohm * cm**2), E=-70 * mV))  # fmt: skip
    synapse = DoubleExponential(g=1 * nS, tau_rise=0.5 * ms, tau_decay=2 * ms, E=0 * mV)
    event = Events.at([5] * ms)
    for where, soma, local in [(None, 4.689848, None), *table]:
        site = at("soma", 0.5) if where is None else at("dendrite", where)
        recording = simulate(
            cell.place(synapse, site, event).probe("v", at("soma", 0.5), label="soma")
            .probe("v", site, label="site"),
            60 * ms, dt=0.01 * ms, engine=context.engine,
        )  # fmt: skip
        name = "soma" if where is None else f"{where * 1000:.0f} µm"
        peaks = {
            label: (float(np.asarray(recording.trace(label)).max()) + 0.07) * 1e3
            for label in ("soma", "site")
        }
        yield Check(f"EPSP at the soma, synapse at {name} (mV)", peaks["soma"], soma, 0.015)
        if local is not None:
            yield Check(f"EPSP at the synapse, {name} (mV)", peaks["site"], local, 0.02)


def initial_segment_cell(*, dense: bool = True) -> Neuron:
    """Return the cell of problem P11, with or without its dense initial segment."""
    shape = (
        cylinder(20 * um, 20 * um, name="soma", tag="soma")
        .join(cylinder(600 * um, 3 * um, name="dendrite"), "soma", at=0)
        .join(cylinder(40 * um, 1.5 * um, name="ais", tag="initial_segment"), "soma", at=1)
        .join(cylinder(1000 * um, 1 * um, name="axon", tag="axon"), "ais", at=1)
    )
    zones = {"soma": "soma", "dendrite": "dendrite", "ais": "initial_segment", "axon": "axon"}
    cell = Neuron(
        shape, PerBranch(1, {"dendrite": 61, "ais": 41, "axon": 201}),
        cable=Cable(R_a=150 * ohm * cm), rest=-75 * mV, celsius=36,
    )  # fmt: skip
    for name, zone in zones.items():
        # Without the dense segment, the soma's own membrane covers it.
        membrane = spike_initiation("soma" if name == "ais" and not dense else zone)
        cell = cell.paint(membrane, branch(name))
    return cell


@problem(
    "P11",
    "Initial segment: where the spike starts, and at what threshold",
    "NEURON 9.0.2, second order, 1 µs",
)
def initial_segment(context: Context) -> Iterator[Check]:
    for dense, count, threshold in ((True, 7, -55.961126), (False, 3, -51.264550)):
        cell = (
            initial_segment_cell(dense=dense)
            .probe("v", at("soma", 0.5))
            .detect(at("soma", 0.5), -20 * mV, label="soma")
            .detect(at("ais", 0.5), -20 * mV, label="ais")
        )
        recording = simulate(
            cell, 60 * ms, stimulus=Steps(amplitude=0.2 * nA, onset=20 * ms, duration=20 * ms),
            dt=0.0025 * ms, engine=context.engine,
            progress=context.task("P11: initial segment"),
        )  # fmt: skip
        v = np.asarray(recording.trace("v"))[0] * 1e3
        kind = "dense segment" if dense else "segment as dense as the soma"
        yield Check(f"spikes, {kind}", float(recording.counts()[0]), count, 0, True)
        yield Check(
            f"somatic threshold at 20 mV/ms, {kind} (mV)",
            threshold_at(recording.trace_time_s * 1e3, v, 20.0, after=21.0), threshold, 0.5, True,
        )  # fmt: skip
        if dense:
            lead = float(
                (recording.spike_times_at("soma")[0] - recording.spike_times_at("ais")[0]) / ms
            )
            yield Check("lead of the segment's middle (ms)", lead, 0.084744, 0.02, True)


def threshold_at(t: np.ndarray, v: np.ndarray, slope: float, *, after: float = 0.0) -> float:
    """Return the potential where dV/dt first reaches a slope (mV/ms) after a time (ms)."""
    rising = np.gradient(v, t)
    found = np.flatnonzero((rising >= slope) & (t > after))
    return float(v[found[0]]) if len(found) else np.nan
