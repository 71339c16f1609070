"""Problems of synapses: kinetics, block, plasticity, quanta, the end-plate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from brian2.units import Hz, cm, mM, mm, ms, mV, nS, ohm, second, uF, um
from scipy.optimize import brentq, minimize_scalar

from experiments.kit.registry import Context
from experiments.validation.checklist import Check, problem
from neurosim import Neuron, simulate
from neurosim.channels import Leak
from neurosim.describe.parts import Cable
from neurosim.morphology import PerBranch, at, cylinder
from neurosim.synapses import (
    DoubleExponential,
    Events,
    KineticAMPA,
    KineticGABAA,
    KineticNMDA,
    magnesium_block,
)
from neurosim.terminals import QuantalRelease, TsodyksMarkram

__all__: list[str] = []


@problem("P12", "Receptor kinetics and magnesium block", "closed form")
def receptors(context: Context) -> Iterator[Check]:
    expected = {
        KineticAMPA: (0.617986, 5.263158),
        KineticNMDA: (0.0692431, 151.515152),
        KineticGABAA: (0.9598185, 5.555556),
    }
    t = np.arange(0, 5, 0.001) * ms
    for kind, (peak, decay) in expected.items():
        receptor = kind()
        course = receptor.open_fraction(t, Events.at([0] * ms))
        yield Check(f"{kind.__name__}: peak open after 1 mM for 1 ms", course.max(), peak, 0.01)
        ours = float(receptor.decay_time_constant / ms)
        yield Check(f"{kind.__name__}: decay time constant (ms)", ours, decay, 0.01)

    def block(v: float) -> float:
        return float(magnesium_block(v * mV, 1 * mM))

    for v, reference in ((-70, 0.0444707), (-40, 0.2301553), (-20, 0.5081407), (0, 0.7811816)):
        yield Check(f"block factor at {v} mV, 1 mM", block(v), reference, 0.01)
    half = brentq(lambda v: block(v) - 0.5, -60, 20)
    yield Check("half block (mV)", half, -20.525, 0.01)
    inward = minimize_scalar(lambda v: block(v) * v, bounds=(-60, 0), method="bounded")
    yield Check("potential of the largest inward current (mV)", inward.x, -26.955, 0.01)


@problem("P13", "Short-term plasticity and quantal release", "closed form")
def release(context: Context) -> Iterator[Check]:
    terminal = TsodyksMarkram(U=0.5, tau_rec=800 * ms, tau_facil=0 * ms)
    first_ten = {
        1: (0.428373801, 0.416397549), 5: (0.305299804, 0.181132786), 10: (0.279375774, None),
    }  # fmt: skip
    for rate, (second_release, steady) in first_ten.items():
        train = terminal.release(np.arange(200) / rate * second)
        yield Check(f"depressing, {rate} Hz: second release", train.weight[1], second_release, 1e-6)
        if steady is not None:
            ours = float(terminal.steady_state(rate * Hz).released)
            yield Check(f"depressing, {rate} Hz: steady state", ours, steady, 1e-6)
            yield Check(f"depressing, {rate} Hz: 200th release", train.weight[-1], steady, 0.01)
    trials = 10_000
    quanta = QuantalRelease(N=10, p=0.3, q=0.5, cv=0.3)
    weights = quanta.release([10] * ms, seed=context.seed * trials + np.arange(trials)).weight[:, 0]
    mean, variance, failures = 1.5, 0.5925, 0.0282475
    yield Check("quantal: mean", weights.mean(), mean, 3 * np.sqrt(variance / trials), True)
    # Standard error of a variance, from the fourth central moment of the sample itself.
    spread = np.sqrt((np.mean((weights - mean) ** 4) - variance**2) / trials)
    yield Check("quantal: variance", weights.var(), variance, 3 * spread, True)
    chance = np.sqrt(failures * (1 - failures) / trials)
    yield Check("quantal: failures", np.mean(weights == 0), failures, 3 * chance, True)


@problem("P15", "Neuromuscular junction: end-plate potentials", "NEURON 9.0.2, CVODE")
def end_plate(context: Context) -> Iterator[Check]:
    cell = Neuron(
        cylinder(20 * mm, 50 * um, name="cable", tag="undefined"), PerBranch(401),
        cable=Cable(C_m=5 * uF / cm**2, R_a=125 * ohm * cm), rest=-90 * mV,
    ).paint(Leak(g=1 / (4000 * ohm * cm**2), E=-90 * mV))  # fmt: skip
    quantum = DoubleExponential(g=50 * nS, tau_rise=0.2 * ms, tau_decay=1.3 * ms, E=-10 * mV)
    for quanta, peak in ((1, 0.5353628), (20, 9.6594293), (100, 33.7584556), (200, 48.4271201)):
        arriving = Events.at([1] * ms, weight=quanta)
        recording = simulate(
            cell.place(quantum, at("cable", 0.5), arriving).probe("v", at("cable", 0.5)),
            12 * ms, dt=0.005 * ms, engine=context.engine,
        )  # fmt: skip
        ours = (float(np.asarray(recording.trace("v")).max()) + 0.09) * 1e3
        yield Check(f"end-plate potential, {quanta} quanta (mV)", ours, peak, 0.02)
