"""Thresholds of a fibre for an electrode outside, beside NEURON's `extracellular` mechanism.

``python benchmarks/field_thresholds.py`` stimulates an unmyelinated fibre (Hodgkin-Huxley membrane,
6.3 °C, 10 um x 8 mm, 401 compartments, sealed ends) by a point electrode above its middle: a pulse
of 0.2 ms, cathodic and anodic, at six distances. The threshold is the smallest current after which
a spike reaches a point 3 mm away. NEURON gets the same potential outside each segment
(``e_extracellular``, played) and no resistance of its own outside. Both run at dt 0.005 ms and
0.0025 ms; the values are extrapolated to dt = 0 (NEURON is of first order, we of second).

Printed are the thresholds, the largest difference (bar 1 %), and the fit of the published relation
I = I0 + k r^2 (Stoney, Thompson and Asanuma 1968, J Neurophysiol 31:659) to the cathodic ones.
``--neuron PYTHON`` names the Python where NEURON is installed (default: this one).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import numpy as np

DISTANCES_UM = (50.0, 100.0, 200.0, 300.0, 500.0, 800.0)
SIGNS = (-1.0, 1.0)
LENGTH_UM, DIAMETER_UM, COMPARTMENTS = 8000.0, 10.0, 401
SIGMA, ONSET_MS, WIDTH_MS, DURATION_MS = 0.3, 1.0, 0.2, 9.0
AWAY = 401 * 7 // 8
STEPS_MS = (0.005, 0.0025)
BAR = 0.01


def centres_um() -> np.ndarray:
    """Return where the middles of the compartments lie along the fibre."""
    return (np.arange(COMPARTMENTS) + 0.5) * LENGTH_UM / COMPARTMENTS


def with_neuron(dt: float) -> list[float]:
    """Return the thresholds (uA) in NEURON, by bisection to 0.02 %."""
    from neuron import h

    h.load_file("stdrun.hoc")
    fibre = h.Section(name="fibre")
    fibre.L, fibre.diam, fibre.nseg, fibre.Ra, fibre.cm = (
        LENGTH_UM, DIAMETER_UM, COMPARTMENTS, 100, 1,
    )  # fmt: skip
    fibre.insert("hh")
    for segment in fibre:
        segment.el_hh = -54.387
    fibre.insert("extracellular")
    h.celsius, h.dt, h.steps_per_ms = 6.3, dt, 1 / dt
    x = centres_um()
    pulse = np.zeros(round(DURATION_MS / dt) + 1)
    pulse[round(ONSET_MS / dt) : round((ONSET_MS + WIDTH_MS) / dt)] = 1
    probe = h.Vector().record(fibre((AWAY + 0.5) / COMPARTMENTS)._ref_v)

    def fires(current_uA: float, distance: float) -> bool:
        ohms = 1 / (4 * np.pi * SIGMA * np.hypot(x - LENGTH_UM / 2, distance) * 1e-6)
        outside = current_uA * 1e-6 * ohms * 1e3
        kept = []
        for value, segment in zip(outside, fibre, strict=True):
            course = h.Vector(pulse * value)
            course.play(segment._ref_e_extracellular, dt)
            kept.append(course)
        h.finitialize(-65)
        h.continuerun(DURATION_MS)
        for course in kept:
            course.play_remove()
        return probe.max() > -20

    return bisected(fires)


def bisected(fires) -> list[float]:
    """Return the threshold for each distance and sign."""
    found = []
    for distance in DISTANCES_UM:
        for sign in SIGNS:
            low, high = 0.0, 20.0
            while not fires(sign * high, distance):
                low, high = high, high * 2
            while high - low > 2e-4 * high:
                middle = (low + high) / 2
                low, high = (low, middle) if fires(sign * middle, distance) else (middle, high)
            found.append((low + high) / 2)
    return found


def ours(dt: float) -> list[float]:
    """Return the thresholds (uA) here: each time 40 currents at once."""
    from brian2.units import ms, mV, uA, um

    from neurosim import Neuron, Steps, simulate
    from neurosim.channels import squid_axon
    from neurosim.morphology import PerBranch, at, cylinder
    from neurosim.outside import PointElectrodes

    shape = cylinder(LENGTH_UM * um, DIAMETER_UM * um, name="fibre")
    away = (AWAY + 0.5) / COMPARTMENTS
    fibre = Neuron(shape, PerBranch(COMPARTMENTS), celsius=6.3, rest=-65 * mV)
    fibre = fibre.paint(squid_axon()).detect(at("fibre", away))
    start = fibre.compartments.xyz_m[0] * 1e6 - [LENGTH_UM / COMPARTMENTS / 2, 0, 0]
    found = []
    for distance in DISTANCES_UM:
        above = PointElectrodes(
            x=(start[0] + LENGTH_UM / 2) * um, y=(start[1] + distance) * um, z=start[2] * um
        )
        pulse = Steps(amplitude=0 * uA, onset=ONSET_MS * ms, duration=WIDTH_MS * ms)
        exposed = fibre.expose(above, pulse)
        for sign in SIGNS:
            low, high = 1.0, 1e5
            while high / low > 1.0002:
                tried = np.geomspace(low, high, 40)
                fired = simulate(
                    exposed, DURATION_MS * ms, dt=dt * ms, batch={"amplitude": sign * tried * uA}
                ).counts()
                first = int(np.argmax(fired > 0))
                low, high = tried[first - 1], tried[first]
            found.append(float(np.sqrt(low * high)))
    return found


def main() -> None:
    """Compare, print, and fail if the bar is missed."""
    reading = argparse.ArgumentParser(description=__doc__)
    reading.add_argument("--neuron", default=sys.executable)
    reading.add_argument("--as-neuron", action="store_true", help=argparse.SUPPRESS)
    given = reading.parse_args()
    if given.as_neuron:
        print("found", json.dumps([with_neuron(dt) for dt in STEPS_MS]))
        return
    told = subprocess.run(
        [given.neuron, __file__, "--as-neuron"], check=True, capture_output=True, text=True
    ).stdout
    line = next(line for line in told.splitlines() if line.startswith("found"))
    coarse, fine = np.array(json.loads(line.removeprefix("found")))
    theirs = 2 * fine - coarse
    mine_coarse, mine_fine = (np.array(ours(dt)) for dt in STEPS_MS)
    mine = (4 * mine_fine - mine_coarse) / 3
    error = np.abs(mine / theirs - 1)
    print("distance (um)  pulse     ours (uA)  NEURON (uA)  difference  ours at 0.005 ms")
    for k, (distance, sign) in enumerate((d, s) for d in DISTANCES_UM for s in SIGNS):
        kind = "cathodic" if sign < 0 else "anodic"
        print(
            f"{distance:13g}  {kind:8}  {mine[k]:9.3f}  {theirs[k]:11.3f}  {error[k]:10.2%}  "
            f"{mine_coarse[k]:.3f}"
        )
    r = np.array(DISTANCES_UM)
    k, start = np.polyfit(r**2, mine[::2], 1)
    print(f"cathodic: I0 = {start:.3g} uA, k = {k * 1e6:.3g} uA/mm^2")
    print(f"largest difference {error.max():.2%} (bar {BAR:.0%})")
    if error.max() > BAR:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
