"""Glia as neurons of parts: an astrocyte, an oligodendrocyte and a Schwann cell, each at rest.

Each rests where its pump and its conductances balance every ion. Therefore nothing drifts before
neurons around it are active.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, cm, meter, ohm, siemens, um, volt
from brian2.units.stdunits import mM
from scipy.optimize import brentq

from neurosim.channels.kir41 import Kir41
from neurosim.channels.leak import ChlorideLeak, Leak, SodiumLeak
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.errors import ParameterError
from neurosim.ions.chloride import Chloride
from neurosim.ions.potassium import Potassium
from neurosim.ions.potentials import equilibrium_inside, nernst
from neurosim.ions.sodium import Sodium
from neurosim.ions.transporters.glial_pump import GlialPump
from neurosim.morphology import Morphology, PerBranch, at, cylinder, everywhere, tagged
from neurosim.quantities import check_celsius, check_quantity

__all__ = ["astrocyte", "oligodendrocyte", "schwann_cell"]

_AREA = siemens / meter**2
# Halnes et al. (2013): concentrations inside, and conductances beside that of Kir4.1.
_K_I, _NA_I, _G_CL = 99.959 * mM, 15.189 * mM, 0.5 * _AREA


@dataclass(frozen=True)
class _Membrane:
    """Where a glial cell rests, and the parts with which it does."""

    rest: Quantity
    sodium: Sodium
    potassium: Potassium
    chloride: Chloride
    parts: tuple[Kir41, SodiumLeak, ChlorideLeak, GlialPump]


def _membrane(
    label: str,
    potassium: Quantity,
    sodium: Quantity,
    chloride: Quantity,
    celsius: float,
    *,
    held: bool = False,
) -> _Membrane:
    """Return the membrane of Halnes et al. at rest between given concentrations outside.

    Kir4.1 lets out the potassium that the pump takes in, which says the potential. The sodium leak
    and chloride inside follow from it.
    """
    check_celsius(celsius, f"{label}: celsius")
    k_o, na_o, cl_o = (
        check_quantity(value, like, f"{label}: {name}", above=0 * mM)
        for name, value, like in (
            ("potassium", potassium, 3 * mM),
            ("sodium", sodium, 145 * mM),
            ("chloride", chloride, 130 * mM),
        )
    )
    pump = GlialPump()
    E_k = nernst("k", _K_I, k_o, celsius)
    cycles = float(pump.cycles(E_k, celsius, na_i=_NA_I, k_o=k_o))
    kir = Kir41(E=E_k)

    def surplus(v: float) -> float:
        return float(kir.density(v * volt, celsius, k_o=k_o)) + 2 * cycles

    # Depolarised by 0.1 V the inward rectifier carries nearly nothing; between lies the largest
    # outward current, on whose rising side the cell rests.
    course = np.linspace(float(E_k), float(E_k) + 0.1, 201)
    outward = [surplus(v) for v in course]
    top = course[int(np.argmin(outward))]
    if surplus(top) >= 0:
        raise ParameterError(
            f"{label}: with {k_o / mM:g} mM of potassium outside no potential balances the pump; "
            "give a concentration such as potassium=3*mM"
        )
    v = float(brentq(surplus, float(E_k), top, xtol=1e-15, rtol=1e-15))
    E_na = float(nernst("na", _NA_I, na_o, celsius))
    cl_i = equilibrium_inside("cl", v * volt, cl_o, celsius)
    parts = (
        Kir41(), SodiumLeak(g=3 * cycles / (E_na - v) * _AREA), ChlorideLeak(g=_G_CL), pump,
    )  # fmt: skip
    return _Membrane(
        v * volt,
        Sodium(_NA_I, na_o, held=held),
        Potassium(_K_I, k_o, held=held),
        Chloride(cl_i, cl_o, held=held),
        parts,
    )


def _star(soma_um: float, processes: int, length_um: float, diameter_um: float) -> Morphology:
    """Return a soma with equal processes that point evenly in all directions."""
    shape = cylinder(soma_um * um, soma_um * um, name="soma", tag="soma")
    # Points of a spiral on the sphere.
    for k in range(processes):
        height = 1 - (2 * k + 1) / processes
        turn = np.pi * (3 - np.sqrt(5)) * k
        flat = np.sqrt(1 - height**2)
        toward = (flat * np.cos(turn), flat * np.sin(turn), height)
        process = cylinder(
            length_um * um, diameter_um * um, name=f"process[{k}]", tag="process", direction=toward
        )
        shape = shape.join(process, "soma", at=0.5)
    return shape


def _cell(shape: Morphology, membrane: _Membrane, celsius: float) -> Neuron:
    cell = Neuron(
        shape, PerBranch(1), cable=Cable(R_a=150 * ohm * cm), celsius=celsius, rest=membrane.rest
    )
    cell = cell.paint([membrane.sodium, membrane.potassium, membrane.chloride, *membrane.parts])
    return cell.probe("v", at("soma"), label="soma")


def astrocyte(
    *,
    potassium: Quantity = 3.082 * mM,
    sodium: Quantity = 144.662 * mM,
    chloride: Quantity = 133.71 * mM,
    celsius: float = 37.0,
) -> Neuron:
    """Return an astrocyte: a soma of 10 µm with six processes of 50 µm, at rest.

    The membrane is that of Halnes and colleagues: Kir4.1, leaks of sodium and chloride, and a
    sodium-potassium pump that speeds up with potassium outside. Sodium, potassium and chloride
    inside are pools. The cell rests where the conductance of Kir4.1 balances its pump: at -87 mV
    with the potassium of the publication and 37 °C, at -83.6 mV at its 25 °C.

    Modelled: uptake of potassium by the pump, by Kir4.1 and together with chloride. Not modelled:
    the leaflets, which hold most of the membrane (without them the cell has 1,257 µm² and about
    53 Mohm), transporters of glutamate and bicarbonate, calcium, swelling.

    Parameters
    ----------
    potassium, sodium, chloride : Quantity
        Concentrations outside, with which it is at rest.
    celsius : float
        Temperature in °C.

    References
    ----------
    Halnes, Ostby, Pettersen, Omholt and Einevoll (2013), PLoS Comput Biol 9:e1003386 (membrane and
    concentrations; the shape is ours). Steinhäuser, Tennigkeit, Gallyas and Chen (1994), J Neurosci
    Res 39:70 (Kir4.1).

    Examples
    --------
    >>> from neurosim.catalogue import astrocyte
    >>> astrocyte(celsius=25).rest
    -83.58526814 * mvolt
    """
    membrane = _membrane("astrocyte", potassium, sodium, chloride, celsius)
    return _cell(_star(10, 6, 50, 1), membrane, celsius)


def oligodendrocyte(
    *,
    potassium: Quantity = 3.082 * mM,
    sodium: Quantity = 144.662 * mM,
    chloride: Quantity = 133.71 * mM,
    celsius: float = 37.0,
) -> Neuron:
    """Return an oligodendrocyte: a soma of 8 µm and 20 thin processes to sheaths, at rest.

    It owns the myelin of up to 20 central axons and has Kir4.1 in soma, processes and the loops at
    paranodes, by which it takes up potassium that leaves at nodes. Join it with astrocytes by
    `Circuit.couple` to make a panglial syncytium.

    Modelled: the uptake, with the membrane and the pools of `astrocyte`. Not modelled: compact
    myelin (it stays with the axon: `neurosim.axon.myelinated`), the space under it, and the
    channels in which an oligodendrocyte differs from an astrocyte; densities are assumed to be the
    same.

    Parameters
    ----------
    potassium, sodium, chloride : Quantity
        Concentrations outside, with which it is at rest.
    celsius : float
        Temperature in °C.

    References
    ----------
    Larson, Zhang and Bergles (2018), eLife 7:e34829; Schirmer and colleagues (2018), eLife 7:e36428
    (Kir4.1 of oligodendrocytes clears potassium). Halnes, Ostby, Pettersen, Omholt and Einevoll
    (2013), PLoS Comput Biol 9:e1003386 (membrane). The shape is ours.

    Examples
    --------
    >>> from neurosim.catalogue import oligodendrocyte
    >>> len(oligodendrocyte().compartments)
    21
    """
    membrane = _membrane("oligodendrocyte", potassium, sodium, chloride, celsius)
    return _cell(_star(8, 20, 60, 0.8), membrane, celsius)


def schwann_cell(
    *,
    potassium: Quantity = 3.5 * mM,
    sodium: Quantity = 145 * mM,
    chloride: Quantity = 133.71 * mM,
    celsius: float = 37.0,
) -> Neuron:
    """Return what a Schwann cell turns to a node of Ranvier, at rest: its microvilli and loops.

    The branch ``microvilli`` stands for the brush that surrounds the node, ``loops`` for the two
    paranodes; they have Kir4.1, leaks and pump. Their potassium comes from the gap at the node. The
    branch ``outer`` is the membrane that faces the endoneurium, a conductance that lets the current
    out again. So potassium enters at the node, and the same charge leaves on the outside (potassium
    siphoning).

    Modelled: uptake at node and paranode. The concentrations inside are held, since the cytosol of
    the whole cell stands behind this part. Not modelled: compact myelin and the space under it
    (they belong to the axon: `neurosim.axon.myelinated`), the potassium that the outer membrane
    gives off, and the channels in which a Schwann cell differs from an astrocyte; densities are
    assumed to be the same.

    Parameters
    ----------
    potassium, sodium, chloride : Quantity
        Concentrations outside, with which it is at rest.
    celsius : float
        Temperature in °C.

    References
    ----------
    Mi, Deerinck, Ellisman and Schwarz (1996), J Neurosci 16:2421 (inward rectifiers in the
    microvilli). Baker (2002), Prog Biophys Mol Biol 78:83 (channels of Schwann cells). Halnes,
    Ostby, Pettersen, Omholt and Einevoll (2013), PLoS Comput Biol 9:e1003386 (membrane). The shape
    is ours.

    Examples
    --------
    >>> from neurosim.catalogue import schwann_cell
    >>> schwann_cell().compartments.branch_names
    ('outer', 'microvilli', 'loops')
    """
    membrane = _membrane("schwann_cell", potassium, sodium, chloride, celsius, held=True)
    shape = (
        cylinder(60 * um, 4 * um, name="outer", tag="outer")
        .join(cylinder(10 * um, 5 * um, name="microvilli", tag="microvilli"), "outer", at=0.5)
        .join(cylinder(10 * um, 5 * um, name="loops", tag="paranode"), "outer", at=0.5)
    )
    inner = tagged("microvilli", "paranode")
    return (
        Neuron(
            shape, PerBranch(1), cable=Cable(R_a=150 * ohm * cm), celsius=celsius,
            rest=membrane.rest,
        )
        .paint([membrane.sodium, membrane.potassium, membrane.chloride, *membrane.parts], inner)
        .paint(Leak(g=17 * _AREA, E=membrane.rest), everywhere - inner, label="outer_leak")
        .probe("v", at("outer"), label="outer")
    )  # fmt: skip
