"""Closed forms and exact solutions that several experiments are compared with."""

from __future__ import annotations

import numpy as np
from brian2.units import cm, ms, mV, nA, ohm, um

from neurosim import LIF, Neuron, Steps, simulate
from neurosim.channels import squid_axon
from neurosim.describe.parts import Cable
from neurosim.morphology import PerBranch, at, cylinder

__all__ = ["closed_form", "squid_velocity"]


def closed_form(neuron: LIF, current: np.ndarray) -> np.ndarray:
    """Return the rate (Hz) under a constant current (A): 0 up to rheobase.

    r = 1 / (t_ref + tau_m ln((E_L + R_m I - V_reset) / (E_L + R_m I - V_th)))
    """
    v_inf = float(neuron.E_L) + float(neuron.R_m) * np.asarray(current, dtype=float)
    above = v_inf > float(neuron.V_th)
    safe = np.where(above, v_inf, float(neuron.V_th) + 1)
    logarithm = np.log((safe - float(neuron.V_reset)) / (safe - float(neuron.V_th)))
    return np.where(above, 1 / (float(neuron.t_ref) + float(neuron.tau_m) * logarithm), 0.0)


def squid_velocity(
    diameter_um: float, *, pieces: int = 1200, dt_ms: float = 0.002, engine: str = "auto"
) -> float:
    """Return the conduction velocity (m/s) of the squid's membrane on a cylinder, at 18.5 °C."""
    length = 120000 * np.sqrt(diameter_um / 476)
    amplitude = 2e4 * (diameter_um / 476) ** 1.5
    speed = 18.73 * np.sqrt(diameter_um / 476)
    cell = (
        Neuron(
            cylinder(length * um, diameter_um * um, name="cable", tag="axon"), PerBranch(pieces),
            cable=Cable(R_a=35.4 * ohm * cm), celsius=18.5, rest=-65 * mV,
        )
        .paint(squid_axon())
        .place(Steps(amplitude=amplitude * nA, onset=0.2 * ms, duration=0.2 * ms), at("cable", 0.0))
    )  # fmt: skip
    sites = [at("cable", 1 / 3), at("cable", 2 / 3)]
    for site in sites:
        cell = cell.detect(site, 0 * mV)
    # The wave passes the second site after about two thirds of the length.
    duration = 1.0 + 0.8 * length * 1e-3 / speed
    recording = simulate(cell, duration * ms, dt=dt_ms * ms, engine=engine)
    first, second = (float(recording.spike_times_at(f"detector_{k}")[0] / ms) for k in (0, 1))
    shape = cell.compartments
    places = [shape.distance_m[site.compartments(shape)[0]] for site in sites]
    return float((places[1] - places[0]) * 1e3 / (second - first))
