"""How fast spikes travel: with the root of the diameter, or under myelin with the diameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms, mV, nA, nmeter, um
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from experiments.kit.closed_forms import squid_velocity
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import Neuron, Steps, simulate
from neurosim.axon import conduction_velocity, demyelinated, myelinated
from neurosim.morphology import Sheath, at


@dataclass(frozen=True)
class Parameters:
    """Diameters and accuracy."""

    dt_ms: float = 0.002
    internodes: int = 30


def exact_velocity(
    diameter_um: float = 476.0, celsius: float = 18.5, R_a_ohm_cm: float = 35.4
) -> float:
    r"""Return the velocity (m/s) of the travelling wave of Hodgkin and Huxley's equations.

    A wave of constant shape obeys :math:`\ddot V = K (\dot V + I_{ion}/C)` with
    :math:`\theta^2 = K a / (2 R_a C)`. Started along the growing direction at rest, the solution
    runs off to one side where K is too small and to the other where it is too large (Hodgkin and
    Huxley 1952, J Physiol 117:500, p. 522).
    """
    phi = 3.0 ** ((celsius - 6.3) / 10)

    def rates(v: float) -> tuple[tuple[float, float], ...]:
        def over(x: float) -> float:
            return 1.0 if abs(x) < 1e-9 else x / -np.expm1(-x)

        m = over((v + 40) / 10), 4 * np.exp(-(v + 65) / 18)
        h = 0.07 * np.exp(-(v + 65) / 20), 1 / (1 + np.exp(-(v + 35) / 10))
        n = 0.1 * over((v + 55) / 10), 0.125 * np.exp(-(v + 65) / 80)
        return m, h, n

    def current(v: float, m: float, h: float, n: float) -> float:
        return 120 * m**3 * h * (v - 50) + 36 * n**4 * (v + 77) + 0.3 * (v + 54.387)

    def steady(v: float) -> list[float]:
        return [a / (a + b) for a, b in rates(v)]

    rest = brentq(lambda v: current(v, *steady(v)), -70, -60)

    def derivative(_: float, y: np.ndarray, K: float) -> np.ndarray:
        v, slope, *gates = y
        moved = [phi * (a * (1 - x) - b * x) for (a, b), x in zip(rates(v), gates, strict=True)]
        return np.array([slope, K * (slope + current(v, *gates)), *moved])

    still = np.array([rest, 0.0, *steady(rest)])

    def side(K: float) -> float:
        step = 1e-6
        columns = [
            (derivative(0, still + step * e, K) - derivative(0, still - step * e, K)) / (2 * step)
            for e in np.eye(5)
        ]
        values, vectors = np.linalg.eig(np.array(columns).T)
        grows = int(np.argmax(values.real))
        along = vectors[:, grows].real
        start = still + 1e-4 * along / along[0]

        def gone(_: float, y: np.ndarray, K: float) -> float:
            return 150 - abs(float(y[0]))

        gone.terminal = True  # type: ignore[attr-defined]
        found = solve_ivp(
            derivative, (0, 30), start, args=(K,), events=gone, rtol=1e-10, atol=1e-12,
            method="LSODA",
        )  # fmt: skip
        return float(np.sign(found.y[0, -1]))

    low, high = 5.0, 20.0
    first = side(low)
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (middle, high) if side(middle) == first else (low, middle)
    # K in 1/ms, a and R_a in cm and ohm cm, C = 1 uF/cm2.
    squared = low * 1e3 * diameter_um / 2 * 1e-4 / (2 * R_a_ohm_cm * 1e-6)
    return float(np.sqrt(squared) / 100)


def _kicked(axon: Neuron, diameter_um: float) -> Neuron:
    kick = Steps(amplitude=0.6 * diameter_um * nA, onset=0.1 * ms, duration=0.1 * ms)
    return axon.place(kick, at("node[0]", 0.5))


def _speed(axon: Neuron, diameter_um: float, dt_ms: float, first: int, last: int) -> float:
    velocity = conduction_velocity(
        _kicked(axon, diameter_um), at(f"node[{first}]", 0.5), at(f"node[{last}]", 0.5),
        4 * ms, threshold=-20 * mV, dt=dt_ms * ms,
    )  # fmt: skip
    return float(velocity)


@experiment(
    "axon-velocity",
    "Velocity grows as the root of the diameter without myelin, in proportion to it with; losing "
    "myelin slows the spike and then stops it.",
    Parameters,
    deterministic=True,
)
def run(parameters: Parameters, context: Context) -> Result:
    dt, internodes = parameters.dt_ms, parameters.internodes
    exact = exact_velocity()
    cable = squid_velocity(476, pieces=1200, dt_ms=dt)
    thin = np.array([0.2, 1.0, 5.0, 20.0])
    bare = np.array([squid_velocity(d, dt_ms=dt) for d in thin])
    covered_d = np.array([1.0, 2.0, 5.0, 10.0, 20.0])
    covered = np.array([_speed(myelinated(d * um, internodes), d, dt, 10, 20) for d in covered_d])
    bare_power = float(np.polyfit(np.log(thin), np.log(bare), 1)[0])
    covered_power = float(np.polyfit(np.log(covered_d), np.log(covered), 1)[0])
    # One fibre of 10 um, its room shared between axon and sheath; internodes stay as they are.
    ratios = np.array([0.35, 0.45, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9])
    fibre = 10.0
    by_ratio = np.array(
        [
            _speed(
                myelinated(
                    fibre * g * um, internodes, sheath=Sheath(g_ratio=g),
                    internode_length=1000 * um,
                ),
                fibre * g, dt, 10, 20,
            )
            for g in ratios
        ]
    )  # fmt: skip
    rushton = ratios * np.sqrt(np.log(1 / ratios))
    best = float(ratios[np.argmax(by_ratio)])
    shares = np.array([0.0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.999])
    axon = myelinated(10 * um, internodes)
    damaged = np.array(
        [_speed(demyelinated(axon, range(12, 18), s), 10.0, dt, 10, 20) for s in shares]
    )
    slowed = float(damaged[(damaged > 0)][-1] / damaged[0])
    tables = {
        "unmyelinated": pd.DataFrame({"diameter_um": thin, "velocity_m_per_s": bare}),
        "myelinated": pd.DataFrame({"diameter_um": covered_d, "velocity_m_per_s": covered}),
        "g_ratio": pd.DataFrame(
            {"g_ratio": ratios, "velocity_m_per_s": by_ratio, "rushton": rushton / rushton.max()}
        ),
        "demyelination": pd.DataFrame({"share_of_wraps_lost": shares, "velocity_m_per_s": damaged}),
    }
    verdicts = [
        Verdict("squid axon against the exact wave, relative error", abs(cable / exact - 1), 0.003),
        Verdict("exponent without myelin, distance from 0.5", abs(bare_power - 0.5), 0.01),
        Verdict("exponent with myelin, distance from 1", abs(covered_power - 1), 0.02),
        Verdict("slowest conducting damaged stretch, share of full speed", slowed, 0.8),
        Verdict("velocity where 99.9 % of the wraps are lost (m/s)", damaged[-1], 0.0),
    ]
    return Result(
        numbers={
            "exact_m_per_s": exact,
            "cable_m_per_s": cable,
            "exponent_unmyelinated": bare_power,
            "exponent_myelinated": covered_power,
            "best_g_ratio": best,
            "rushton_best_g_ratio": float(np.exp(-0.5)),
        },
        tables=tables,
        figures={"velocity": _figure(tables), "travelling_spike": _kymograph(dt)},
        verdicts=verdicts,
    )


def _figure(tables: dict[str, pd.DataFrame]) -> Any:
    with drawing(7.4, 5.4, 2, 2) as (figure, axes):
        for axis, name, power, colour, ticks in (
            (axes[0, 0], "unmyelinated", 0.5, "blue", (0.4, 1, 2, 4)),
            (axes[0, 1], "myelinated", 1.0, "vermilion", (3, 10, 30, 60)),
        ):
            d, v = tables[name].to_numpy().T
            axis.loglog(d, v[0] * (d / d[0]) ** power, color="0.5", lw=1,
                        label=f"$d^{{{power:g}}}$")  # fmt: skip
            axis.loglog(d, v, "o", color=COLOURS[colour], label="cable")
            axis.set(xlabel="axon diameter (µm)", ylabel="velocity (m/s)", title=name)
            axis.set_xticks(d, [f"{x:g}" for x in d])
            axis.set_yticks(ticks, [f"{x:g}" for x in ticks])
            axis.minorticks_off()
            axis.legend()
        g, v, theory = tables["g_ratio"].to_numpy().T
        axes[1, 0].plot(g, v / v.max(), "o-", color=COLOURS["vermilion"], label="cable")
        axes[1, 0].plot(g, theory, color="0.5", lw=1, label="Rushton, g √(ln 1/g)")
        axes[1, 0].axvline(np.exp(-0.5), color="0.5", lw=0.8, ls=":")
        axes[1, 0].set(
            xlabel="g-ratio of a 10 µm fibre", ylabel="velocity / largest", ylim=(0, 1.05),
            title="room for axon or myelin",
        )  # fmt: skip
        axes[1, 0].legend()
        share, v = tables["demyelination"].to_numpy().T
        left = 1 - share
        axes[1, 1].semilogx(100 * left, v, "o-", color=COLOURS["blue"])
        stopped = v == 0
        axes[1, 1].semilogx(100 * left[stopped], v[stopped], "X", ms=9, color=COLOURS["vermilion"],
                            label="block")  # fmt: skip
        axes[1, 1].set(
            xlabel="wraps left on six internodes (%)", ylabel="velocity across them (m/s)",
            title="demyelination",
        )  # fmt: skip
        axes[1, 1].invert_xaxis()
        axes[1, 1].legend()
    return figure


def _kymograph(dt_ms: float) -> Any:
    """Draw a spike on its way: potential against place and time, without and with myelin."""
    from brian2.units import cm, ohm

    from neurosim.channels import squid_axon
    from neurosim.describe.parts import Cable
    from neurosim.morphology import PerBranch, cylinder, every, everywhere

    bare = Neuron(
        cylinder(15000 * um, 10 * um, name="axon", tag="axon"), PerBranch(301),
        cable=Cable(R_a=35.4 * ohm * cm), celsius=18.5, rest=-65 * mV,
    ).paint(squid_axon())  # fmt: skip
    bare = bare.place(Steps(amplitude=60 * nA, onset=0.2 * ms, duration=0.2 * ms), at("axon", 0.0))
    covered = _kicked(myelinated(10 * um, 15, sheath=Sheath(period=35 * nmeter)), 10.0)
    with drawing(7.4, 3.2, 1, 2, sharey=True) as (figure, axes):
        for axis, cell, title, span in (
            (axes[0], bare, "unmyelinated, 10 µm", 7.0),
            (axes[1], covered, "myelinated, 10 µm", 1.4),
        ):
            probed = cell.probe("v", every(everywhere))
            recording = simulate(probed, span * ms, dt=max(dt_ms, 0.005) * ms, record_dt=0.02 * ms)
            v = np.array([trace[0] for trace in recording.traces_si.values()]) * 1e3
            shape = cell.compartments
            place = shape.distance_m * 1e3
            image = axis.pcolormesh(
                recording.trace_time_s * 1e3, place, v, cmap="cividis", vmin=-80, vmax=40,
                shading="nearest", rasterized=True,
            )  # fmt: skip
            axis.set(xlabel="time (ms)", title=title)
        axes[0].set_ylabel("distance along the axon (mm)")
        figure.colorbar(image, ax=axes, label="membrane potential (mV)")
    return figure
