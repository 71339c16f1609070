"""The mitral cell of the accessory olfactory bulb in nine compartments, after Zylbertal (2015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, amp, cm, mole, ms, mV, ohm, siemens, uF, um
from brian2.units.stdunits import mM

from neurosim.catalogue.pump_cells.mitral_calcium import (
    ElectroneutralCalciumChannel,
    IndicatorDye,
)
from neurosim.catalogue.pump_cells.mitral_channels import (
    CalciumActivatedCation,
    MitralFastPotassium,
    MitralSlowPotassium,
    MitralSodium,
    UnfollowedSodiumLeak,
)
from neurosim.channels.leak import PotassiumLeak
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.ions.calcium import Calcium
from neurosim.ions.sodium import Sodium
from neurosim.ions.transporters.mass_action_calcium_pump import MassActionCalciumPump
from neurosim.ions.transporters.mass_action_pump import MassActionPump
from neurosim.ions.transporters.sodium_calcium_exchanger import ElectroneutralExchanger
from neurosim.morphology import Morphology, PerBranch, at, branch, cylinder

__all__ = ["mitral_pump_cell"]

_G = siemens / cm**2
_N = mole / cm**2
# Membrane of dendrites and axon is thicker by this factor than that of the soma.
_MORE = 1.0999812070427781
_REST_MM, _OUTSIDE_MM = 14.841091408059782, 151.3


@dataclass(frozen=True)
class _Section:
    """One compartment: its shape, its sodium pumps, and its gates (None: it has none)."""

    onto: str
    place: float
    length: float  # um
    diameter: float  # um
    R_a: float  # ohm cm
    pumps: float  # mol/cm2
    # Sodium (S/cm2, shift in mV), fast and slow potassium (S/cm2).
    gates: tuple[float, float, float, float] | None = None


def _of_area(area: float, length: float) -> tuple[float, float]:
    """Return length and diameter of a cylinder of an area, in um."""
    return length, area / (np.pi * length)


_TUFT_K = (0.0036835938796915, 0.0039675060799127405)
_SOMA_K = (4.9476362033418388e-06, 5.2556053969950284e-05)
_APICAL_K = ((_TUFT_K[0] + _SOMA_K[0]) / 2, (_TUFT_K[1] + _SOMA_K[1]) / 2)
_DENDRITE = 10.908767825477128
_AXON = 58.8366908030129
# The published program gives the first dendrite the pumps that were meant for the second, and
# leaves the second (and the basal one) at the default of the pump's file.
_FIRST, _UNSET = 1.238922334933392e-18, 1e-14

_SECTIONS = {
    "soma": _Section(
        "", 0, *_of_area(997.211443262188, 21.008040259849658), 17.936577064084748,
        4.0486529543650893e-11, (0.037487574392243192, 9.9689951286771112, *_SOMA_K),
    ),
    "basal": _Section(
        "soma", 0.5, *_of_area(717.1285065218598, 150.65762304708946), 63.032089044574661, _UNSET,
    ),
    "apical1": _Section(
        "soma", 1, *_of_area(2203.6588767931335, 107.81407122521124), 217.31426241951729, _FIRST,
        (0.001457764820115005, _DENDRITE, *_APICAL_K),
    ),
    "tuft1": _Section(
        "apical1", 1, *_of_area(6035.798743381776, 633.93328472940618), 81.196148904926218, _FIRST,
        (0.013937252786825303, _DENDRITE, *_TUFT_K),
    ),
    "apical2": _Section(
        "soma", 1, *_of_area(9417.240379489775, 361.44099844248615), 399.99640279865821, _UNSET,
        (0.01586007528168524, _DENDRITE, *_APICAL_K),
    ),
    "tuft2": _Section(
        "apical2", 1, *_of_area(1752.534970400226, 500.00001683380111), 44.109855426282152, _UNSET,
        (0.0005677240027995327, _DENDRITE, *_TUFT_K),
    ),
    "hillock": _Section(
        "soma", 0.5, 9.468855108497758, 3.2509999275207515, _AXON, 4.3117297385288452e-12,
        (0.45435222047885954, 16.072461085946312, 0.0029577688816268405, 0.29451586142251185),
    ),
    "initial_segment": _Section(
        "hillock", 1, 23.747105877241342, 2.90965165346303, _AXON, 6.7174784489599023e-17,
        (1.9412301196631037, 19.170234429829282, 0.022104023881888212, 0.16841452722880534),
    ),
    "axon": _Section(
        "initial_segment", 1, 294.2832603047306, 2.0831975951069794, _AXON, 5.000911023710617e-13,
    ),
}  # fmt: skip

# Where ions rest (mM) while the soma is clamped to -70 mV through 6 Mohm: after 3000 s of this cell
# from the concentrations of the source; with the exchanger, and without it.
_SODIUM = {
    "soma": (14.83943, 14.84115),
    "basal": (14.83993, 14.84115),
    "apical1": (14.68492, 14.84171),
    "tuft1": (10.50159, 14.85950),
    "apical2": (14.81603, 14.84370),
    "tuft2": (12.05844, 14.84310),
    "hillock": (14.84003, 14.84120),
    "initial_segment": (14.84078, 14.84185),
    "axon": (14.84109, 14.84111),
}
_CALCIUM = {"tuft1": (4.256163e-5, 3.988e-5), "tuft2": (6.284623e-5, 3.9888e-5)}


def mitral_pump_cell(*, exchanger: bool = True) -> Neuron:
    """Return a mitral cell whose sodium from spikes stays a minute and makes a slow current.

    A train of spikes fills the first tuft with sodium, which hardly has a pump there. Its
    sodium-calcium exchanger then holds calcium up for tens of seconds, and calcium opens a cation
    channel: the cell gets a slow inward current. Without the exchanger calcium falls within a
    second, and no such current is left.

    Parameters
    ----------
    exchanger : bool
        Whether the sodium-calcium exchanger of the tufts works; if not, all of it is blocked.

    Notes
    -----
    It is the cell of the published program, which is in nine compartments itself, with two
    simplifications: the ions of a compartment are well mixed (the program has four shells each),
    and its endogenous calcium buffer is a constant share (the half saturation, 0.6 mM, is far
    above any calcium). Ions diffuse between compartments through both halves in series; NEURON
    takes the mean of both cross-sections, so that its tuft rests at 10.98 mM, 0.5 mM above this
    one. Sodium and calcium start at the rest of a cell clamped to -70 mV at its soma
    through 6 Mohm. The program takes -77 mV for the potassium leak of axon and basal dendrite, and
    its calcium channels, calcium pumps and exchangers carry no net charge; that is kept.

    References
    ----------
    Zylbertal, Kahan, Ben-Shaul, Yarom and Wagner (2015), PLoS Biol 13:e1002319.

    Examples
    --------
    >>> mitral_pump_cell().morphology["tuft1"].length
    0.63393328 * mmetre
    """
    cell = Neuron(
        _shape(),
        PerBranch(1),
        cable=Cable(C_m=1 * uF / cm**2),
        celsius=23.0,
        rest=-69.5 * mV,
    )
    for name, section in _SECTIONS.items():
        cell = cell.paint(_membrane(name, section, exchanger=exchanger), branch(name))
    return (
        cell.probe("v", at("soma", 0.5), label="soma")
        .probe("na_i", at("tuft1", 0.5), label="sodium")
        .probe("ca_i", at("tuft1", 0.5), label="calcium")
        .detect(at("soma", 0.5), threshold=0 * mV, label="soma")
    )


def _shape() -> Morphology:
    """Return the shape: a cylinder a section."""
    tags = {"soma": "soma", "hillock": "axon", "initial_segment": "axon", "axon": "axon"}
    shape: Morphology | None = None
    for name, one in _SECTIONS.items():
        part = cylinder(
            one.length * um, one.diameter * um, name=name, tag=tags.get(name, "dendrite")
        )
        shape = part if shape is None else shape.join(part, one.onto, at=one.place)
    assert shape is not None
    return shape


def _membrane(name: str, section: _Section, *, exchanger: bool) -> list[Any]:
    """Return what is in the membrane of a section."""
    more = 1 if name == "soma" else _MORE
    silent = section.gates is None
    sodium = _SODIUM[name][not exchanger] * mM
    parts: list[Any] = [
        Cable(R_a=section.R_a * ohm * cm, C_m=more * uF / cm**2),
        Sodium(sodium, _OUTSIDE_MM * mM, diffusion=0.091535344953018627 * um**2 / ms),
        _pump(section.pumps * _N),
        PotassiumLeak(
            g=more * 1.0811673537955329e-05 * _G,
            E=(-77.0 if silent else -87.442393003543842) * mV,
        ),
        UnfollowedSodiumLeak(g=more * 3.6557420447469882e-06 * _G),
    ]
    if section.gates is not None:
        sodium_g, shift, fast, slow = section.gates
        parts += [
            MitralSodium(g=sodium_g * _G, shift=shift * mV),
            MitralFastPotassium(g=fast * _G),
            MitralSlowPotassium(g=slow * _G),
        ]
    return parts + (_calcium(name, exchanger=exchanger) if "tuft" in name else [])


def _pump(pumps: Quantity) -> MassActionPump:
    return MassActionPump(
        N=pumps,
        k1=1.8412016272811358 / (mM**3 * ms),
        k2=0.021683450354786263 / ms,
        k3=2.313154243342979 / ms,
        na_rest=_REST_MM * mM,
        na_outside=_OUTSIDE_MM * mM,
    )


def _calcium(name: str, *, exchanger: bool) -> list[Any]:
    """Return what a tuft has for its calcium; the two tufts differ in how much of each."""
    first = name == "tuft1"
    rest = 3.9774752888574831e-05 * mM
    # Half saturated at 0.597 mM; calcium stays below 0.005 mM.
    free = 1 / (1 + 10.125139872858576 / 0.59738060516591585)
    return [
        Calcium(_CALCIUM[name][not exchanger] * mM, 2 * mM, free=Quantity(free)),
        IndicatorDye(),
        ElectroneutralCalciumChannel(
            g=(0.023548451822287694 if first else 0.0069060607590831187) * _G
        ),
        MassActionCalciumPump(
            N=(1.782682527828808e-11 if first else 5.2351815702517805e-12) * _N,
            ca_rest=rest,
        ),
        CalciumActivatedCation(
            g=(6.4175826111700689e-06 if first else 7.2647710811827175e-10) * _G
        ),
        ElectroneutralExchanger(
            I_max=(16.485470920082754 if first else 17.933179937488237) * 1e-3 * amp / cm**2,
            K_na=219.84912593958077 * mM,
            K_ca=0.33338767394994995 * mM,
            gamma=Quantity(0.29238768554931804),
            k_sat=Quantity(0.078400175068710276),
            blocked=Quantity(float(not exchanger)),
        ),
    ]
