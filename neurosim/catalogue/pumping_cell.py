"""A cell that balances its sodium: Hodgkin and Huxley's membrane, leaks and a sodium pump."""

from __future__ import annotations

import numpy as np
from brian2.units import cm, mS, mV, uA, um
from brian2.units.constants import zero_celsius
from brian2.units.stdunits import mM

from neurosim.channels.base import Channel
from neurosim.channels.hodgkin_huxley import HHPotassium, HHSodium
from neurosim.channels.leak import Leak, PotassiumLeak, SodiumLeak
from neurosim.describe.neuron import Neuron
from neurosim.equations.thermal import thermal_potential
from neurosim.ions.ion import Ion
from neurosim.ions.potassium import Potassium
from neurosim.ions.sodium import Sodium
from neurosim.ions.transporter import Transporter
from neurosim.ions.transporters.sodium_potassium_pump import SodiumPotassiumPump, SodiumPump
from neurosim.morphology import PerBranch, at, cylinder

__all__ = ["balanced_membrane", "pumping_cell"]


def pumping_cell() -> Neuron:
    """Return a cell of 2 by 100 µm that rests at -65 mV and 10 mM sodium, where its pump holds it.

    Spikes let sodium in, and the pump takes seconds to carry it out again. Its current, one charge
    out of the cell for three sodium ions, hyperpolarises the cell meanwhile. Potassium is held.

    References
    ----------
    Hodgkin and Huxley (1952), J Physiol 117:500 (channels). The leaks are those that balance both
    ions at rest.

    Examples
    --------
    >>> from brian2 import ms
    >>> from neurosim import simulate
    >>> run = simulate(pumping_cell(), 5 * ms, engine="numpy")
    >>> round(float(run.traces_si["cell"][0, -1]) * 1e3, 3)
    -65.0
    """
    # RT/F is 25.13 mV, and rates are 3.8202 times those at 6.3 °C.
    per_kelvin = float(thermal_potential(0)) / float(zero_celsius)
    celsius = 25.13e-3 / per_kelvin - float(zero_celsius)
    q10 = 3.8202161018185845 ** (10 / (celsius - 6.3))
    unit = mS / cm**2
    cell = Neuron(
        cylinder(100 * um, 2 * um, name="cell"), PerBranch(1), celsius=celsius, rest=-65 * mV
    )
    return (
        cell.paint(
            [
                Sodium(10 * mM, 145 * mM),
                Potassium(3.5 * mM * np.exp(77 / 25.13), 3.5 * mM, held=True),
                HHSodium(q10=q10),
                HHPotassium(q10=q10),
                Leak(g=0.3 * unit, E=-54.387 * mV),
                SodiumLeak(g=0.015325272160003395 * unit),
                PotassiumLeak(g=0.08915673486927918 * unit),
                SodiumPump(I_max=5 * uA / cm**2, K_na=15 * mM),
            ]
        )
        .probe("v", at("cell", 0.5), label="cell")
        .detect(at("cell", 0.5), threshold=-20 * mV, label="cell")
    )


def balanced_membrane(density: float = 1.0) -> list[Channel | Ion | Transporter]:
    """Return a membrane that rests at -65 mV and 18.5 °C, where each of its ions balances.

    It has Hodgkin and Huxley's channels. Their leak stands for ions that it does not name: in
    `pumping_cell` it lets a charge in for which potassium goes out for good. Here leaks of sodium
    and potassium do what it did, as much as the pump carries back, and the rest of its conductance
    is one for chloride, at rest in equilibrium. So potassium outside may move, too.

    Parameters
    ----------
    density : float
        Factor on all conductances and on the pump; a node of Ranvier has 10.

    Returns
    -------
    list of Channel, Ion or Transporter
        Sodium inside is a pool; potassium inside is held.

    Examples
    --------
    >>> [part.name for part in balanced_membrane()][2:5]
    ['hh_sodium', 'hh_potassium', 'sodium_potassium_pump']
    """
    unit, rest, celsius = density * mS / cm**2, -65 * mV, 18.5
    sodium, potassium = Sodium(10 * mM, 145 * mM), Potassium(75 * mM, 3.5 * mM, held=True)
    E_na, E_k = sodium.reversal_potential(celsius), potassium.reversal_potential(celsius)
    fast = HHSodium(g=120 * unit, E=E_na)
    slow = HHPotassium(g=36 * unit, E=E_k)
    pump = SodiumPotassiumPump(I_max=8 * density * uA / cm**2)
    cycles = pump.cycles(rest, celsius, na_i=sodium.inside, k_o=potassium.outside)
    g_na = (3 * cycles - fast.density(rest, celsius)) / (E_na - rest)
    g_k = (2 * cycles + slow.density(rest, celsius)) / (rest - E_k)
    return [
        sodium, potassium, fast, slow, pump, SodiumLeak(g=g_na), PotassiumLeak(g=g_k),
        Leak(g=0.3 * unit - g_na - g_k, E=rest),
    ]  # fmt: skip
