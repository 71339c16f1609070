"""The Purkinje cell in two compartments, after Forrest (2015)."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import amp, cm, meter, mV, ohm, siemens, uF, um
from brian2.units.stdunits import mM

from neurosim.catalogue.pump_cells import purkinje_dendrite as d
from neurosim.catalogue.pump_cells import purkinje_ions as ions
from neurosim.catalogue.pump_cells import purkinje_soma as soma
from neurosim.channels.leak import Leak
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.ions.potassium import Potassium
from neurosim.ions.transporters.voltage_dependent_pump import VoltageDependentPump
from neurosim.morphology import PerBranch, at, cylinder, tagged

__all__ = ["purkinje_pump_cell"]

# By what the membrane of the dendrite is more than its two cylinders' (the spines and branches that
# the reduction took away): 42310 um2 over the area of both.
_DIAMETER = 2 * np.sqrt(4311.37 / (3.14 * 529.29))
_AREA = np.pi * (22 * 22 + 529.29 * _DIAMETER)
_MORE = 42310 / _AREA
_G = siemens / cm**2
_PUMP = 0.0208768267 * amp / meter**2  # 0.00208768267 mA/cm2


def purkinje_pump_cell(*, pumping: bool = True) -> Neuron:
    """Return a Purkinje cell whose somatic sodium-potassium pump ends its firing for seconds.

    It fires and falls silent in turns of 21 s without any input: sodium that enters with
    spikes speeds the pump up, whose current silences the cell until sodium has fallen.

    Parameters
    ----------
    pumping : bool
        Whether the somatic pump that follows sodium is there.

    Notes
    -----
    The published program holds several things that no cell does, and they are kept: sodium counts
    5 s after it entered (here through `ions.STAGES` stages), and not below 10 mM; the sodium
    reversal potential is held at 70 mV; potassium outside stays between 2 and 3.03 mM; exchangers
    and other pumps run at constant speed; the calcium-gated potassium channel of the soma reverses
    at 0 mV, and so does the h current of the dendrite, whose file says -32.9 mV.

    It was published at dt = 0.025 ms with implicit Euler, at which it has not converged: potassium
    around the dendrite then rises to its bound, and the cell bursts before it falls silent. In
    NEURON at 0.01 ms the first silence comes without bursts (8.98 s), the second with them. With
    the default scheme, of second order, it fires regularly until it is silent (its first spikes at
    0.025 ms are those at 0.001 ms). Take ``scheme="backward-euler"`` to see bursts.

    References
    ----------
    Forrest, Wall, Press and Feng (2012), PLoS ONE 7:e51169. Forrest (2015), BMC Neurosci 16:27.

    Examples
    --------
    >>> purkinje_pump_cell().morphology["soma"].length
    22. * umetre
    """
    body = cylinder(22 * um, 22 * um, name="soma", tag="soma")
    shape = body.join(
        cylinder(529.29 * um, _DIAMETER * um, name="dendrite", tag="dendrite"), "soma"
    )
    cell = Neuron(
        shape,
        PerBranch(1),
        cable=Cable(R_a=35.4 * ohm * cm, C_m=0.8 * uF / cm**2),
        celsius=36.0,
        rest=-65 * mV,
    )
    outside = 140 * mM * np.exp(-88 / 26.6396)
    at_soma: list[Any] = [
        Potassium(140 * mM, outside, held=True),
        soma.ResurgentSodium(),
        soma.HyperpolarisationActivated(),
        soma.LargeConductance(reversal="fixed"),
        soma.DelayedTEA(reversal="fixed"),
        soma.LowTEA(reversal="fixed"),
        soma.SlowTEA(reversal="fixed"),
        soma.Captain(),
        soma.SmallConductance(reversal="fixed"),
        Leak(g=0.0001 * _G, E=-70 * mV),
        *ions.of_soma(),
    ]
    if pumping:
        at_soma.append(VoltageDependentPump())
    cell = cell.paint(at_soma, tagged("soma")).paint(_dendrite(), tagged("dendrite"))
    return (
        cell.paint(Cable(R_a=35.4 * ohm * cm, C_m=0.8 * _MORE * uF / cm**2), tagged("dendrite"))
        .probe("v", at("soma", 0.5), label="soma")
        .detect(at("soma", 0.5), threshold=-20 * mV, label="soma")
    )


def _dendrite() -> list[Any]:
    """Return what is in the membrane of the dendrite, for its lost area."""
    channels: list[Any] = [
        d.CalciumP(), d.CalciumT3(), d.CalciumE(), d.KDelayed(), d.KM(), d.KTransient(),
        d.Accommodating(), d.KCalcium(), d.KCalcium2(), d.Kv1(), d.DendriticH(),
        Leak(g=7.93319415e-5 * _G, E=-80 * mV),
    ]  # fmt: skip
    # The pump and the exchanger turn equally often, so that they move no sodium together.
    turns = _PUMP * _MORE
    second = 0.010438413 * amp / meter**2 * _MORE
    return [
        *(one.replace(g=_MORE * one.g) for one in channels),
        ions.DendriteCalcium(depth=0.1 * _MORE * um),
        ions.OuterPotassium(),
        d.ConstantCalcium(I=-2 * turns),
        d.ConstantPotassium(I=2 * turns),
        d.SodiumPumpCurrent(I=-3 * second),
        d.PotassiumPumpCurrent(I=2 * second),
    ]
