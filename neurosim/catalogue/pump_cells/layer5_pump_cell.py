"""The pyramidal cell of layer 5 whose sodium moves, after Zylbertal (2017), reduced."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import Quantity, amp, cm, mole, ms, mV, ohm, siemens, uF, um
from brian2.units.stdunits import mM

from neurosim.catalogue.pump_cells import layer5_channels as own
from neurosim.catalogue.pump_cells.layer5_tree import rule, shape
from neurosim.channels.a_type import AType
from neurosim.channels.calcium_potassium import SK
from neurosim.channels.h_current import HCurrent
from neurosim.channels.leak import Leak
from neurosim.channels.m_current import MCurrent
from neurosim.channels.persistent_sodium import PersistentSodium
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.ions.calcium import Calcium
from neurosim.ions.sodium import Sodium
from neurosim.ions.transporters.mass_action_calcium_pump import MassActionCalciumPump
from neurosim.ions.transporters.mass_action_pump import MassActionPump
from neurosim.morphology import at, branch, tagged

__all__ = ["SITE", "layer5_pump_cell"]

_G = siemens / cm**2
_N = mole / cm**2
_OUTSIDE_MM, _CALCIUM_MM = 150.0, 2e-5
_REST_MM = _OUTSIDE_MM * float(np.exp(-50 * 9.6485e4 / (8.314e3 * 308.15)))
# Rates that count from 21 °C stand at 34 °C, in a cell of 35 °C.
_Q10 = 2.3 ** (13 / 14)

# Calcium on the buffer over free calcium: 101 mM, half saturated far above any calcium.
_BOUND = 101.25139872858576 / 0.011947612103318317
# The longest path from the soma to a tip, in um.
_LONGEST = 1300.5

# Where the synapse is: the middle of the branch of the hot zone that is widest at 700 um.
SITE = at("hot1b", 0.081)


def layer5_pump_cell(*, moving: bool = True) -> Neuron:
    """Return a layer-5 pyramidal cell whose synapses fill their dendrite with sodium for seconds.

    A strong synapse in the zone of calcium channels of the tuft, together with spikes of the soma,
    makes a dendritic spike. Sodium stays where it entered, since it diffuses slowly there and the
    pumps are few; with each pulse the sodium potential and with it the synaptic potential fall.

    Parameters
    ----------
    moving : bool
        Whether the concentration of sodium inside moves; if not, it is held where it rests.

    Notes
    -----
    Equations and densities are those of the published program. Reduced are: the shape of a branch,
    to one cylinder of its length and area, in compartments of up to 60 um (7 um at the synapse;
    the program has 13 um throughout); ions of the basal dendrites, which stay at their rest; and
    calcium at the start, to one value in all apical branches.

    Things of the program that no cell does are kept: a synapse's shares of sodium and potassium
    (`layer5_channels.SodiumPotassiumReceptor`); 106 mV more drive of calcium at any potential; a
    pump that carries a third of its charge; and a calcium buffer of 101 mM whose volume is that of
    a cross-section of 1 um2 whatever the diameter, so that calcium moves most at the soma.

    References
    ----------
    Zylbertal, Yarom and Wagner (2017), Front Comput Neurosci 11:85 (Fig. 5E). Hay, Hill, Schürmann,
    Markram and Segev (2011), PLoS Comput Biol 7:e1002107 (cell and channels).

    Examples
    --------
    >>> cell = layer5_pump_cell()
    >>> cell.morphology["hot1b"].length
    127.2 * umetre
    """
    cell = Neuron(shape(), rule(), celsius=35.0, rest=-80 * mV)
    cell = (
        cell.paint(Cable(R_a=100 * ohm * cm, C_m=1 * uF / cm**2))
        .paint(Cable(R_a=100 * ohm * cm, C_m=2 * uF / cm**2), tagged("apical", "basal"))
        .paint([Leak(g=3e-5 * _G, E=-90 * mV)], tagged("soma", "axon"))
        .paint([Leak(g=6e-5 * _G, E=-90 * mV)], tagged("apical", "basal"))
        .paint(HCurrent(g=1e-4 * _G, q10=1.0), tagged("soma", "axon", "basal"))
        .paint(HCurrent(g=1e-4 * _G, q10=1.0), tagged("apical"), scale=_more_h)
    )
    for where, channels in (("soma", _soma), ("axon", _axon), ("apical", _apical)):
        cell = cell.paint(_calcium(where), tagged(where), of="diameter", values={"free": _free})
        cell = cell.paint(_ions(where, moving=moving) + channels(), tagged(where))
    hot = branch("hot1a", "hot1b", "hot2", "hot3")
    return (
        cell.paint(own.LowVoltageCalcium(), hot)
        .probe("v", at("soma", 0.5), label="soma")
        .probe("v", SITE, label="dendrite")
        .probe("na_i", SITE, label="sodium")
        .probe("ca_i", SITE, label="calcium")
    )


def _more_h(distance: np.ndarray) -> np.ndarray:
    """Return how the h current grows along the apical tree, by the distance from the soma in um."""
    return np.asarray(-0.8696 + 2.087 * np.exp(3.6161 * distance / _LONGEST))


def _ions(where: str, *, moving: bool) -> list[Any]:
    """Return sodium, and what moves sodium and calcium."""
    dendrite = where == "apical"
    pumps = {"soma": 1e-11, "axon": 5e-12, "apical": 1e-15}[where]
    calcium = 4.45670631957202e-12 if dendrite else 1.0696095166972849e-10
    exchanger = 4.483294984372059 if dendrite else 17.933179937488237
    return [
        Sodium(
            _REST_MM * mM, _OUTSIDE_MM * mM, held=not moving,
            diffusion=moving * (0.03 if dendrite else 0.3) * um**2 / ms,
        ),
        MassActionPump(
            N=pumps * _N, k1=1.84 / (mM**3 * ms), k2=0.02 / ms, k3=2.31 / ms,
            na_rest=_REST_MM * mM, na_outside=_OUTSIDE_MM * mM,
        ),
        MassActionCalciumPump(N=calcium * _N, ca_rest=_CALCIUM_MM * mM),
        own.CalciumOnlyExchanger(
            I_max=exchanger * 1e-3 * amp / cm**2,
            K_na=219.84912593958077 * mM, K_ca=0.33338767394994995 * mM,
            gamma=Quantity(0.29238768554931804), k_sat=Quantity(0.07840017506871028),
        ),
    ]  # fmt: skip


def _calcium(where: str) -> Calcium:
    """Return the pool of calcium, which starts near where exchanger and pump balance."""
    return Calcium((2.7e-4 if where == "apical" else 1.52e-4) * mM, 2 * mM)


def _free(diameter: np.ndarray) -> Any:
    """Return the share of calcium that the buffer leaves free, by the diameter in um."""
    return 1 / (1 + _BOUND / (np.pi * diameter**2 / 4))


def _soma() -> list[Any]:
    """Return the channels of the soma."""
    return [
        MCurrent(g=8e-6 * _G, q10=_Q10),
        own.LowVoltageCalcium(g=0.000557 * _G),
        own.HighVoltageCalcium(g=0.000644 * _G),
        SK(g=0.09965 * _G),
        own.ShawPotassium(g=0.338029 * _G),
        own.PyramidalSodium(g=0.998912 * _G),
    ]


def _axon() -> list[Any]:
    """Return the channels of the axon."""
    return [
        MCurrent(g=0.013322 * _G, q10=_Q10),
        own.LowVoltageCalcium(g=0.000813 * _G),
        own.HighVoltageCalcium(g=0.000222 * _G),
        own.ShawPotassium(g=0.473799 * _G),
        SK(g=0.000047 * _G),
        AType(g=0.077274 * _G, q10=_Q10),
        own.PersistentPotassium(),
        PersistentSodium(g=0.005834 * _G, q10=_Q10),
        own.PyramidalSodium(g=3.89618 * _G, shift=0 * mV),
    ]


def _apical() -> list[Any]:
    """Return the channels of the apical dendrites."""
    return [
        SK(g=2e-6 * _G),
        own.HighVoltageCalcium(g=0.000701 * _G),
        own.ShawPotassium(g=0.001808 * _G),
        own.PyramidalSodium(g=0.021489 * _G),
        MCurrent(g=0.00099 * _G, q10=_Q10),
        own.LowVoltageCalcium(g=0.00141954 * _G, name="low_voltage_elsewhere"),
    ]
