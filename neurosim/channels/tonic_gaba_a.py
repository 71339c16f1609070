"""Tonic inhibition by GABA-A receptors outside synapses: chloride, and bicarbonate beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from brian2.units import Quantity, meter, mV, siemens
from brian2.units.stdunits import mM

from neurosim.channels.base import Channel
from neurosim.quantities import quantity

__all__ = ["BEND", "TonicBicarbonate", "TonicChloride", "anion_field", "tonic_gaba_a"]

# By what a conductance that is given at a potential E changes with the potential, before what each
# anion adds to it. u/(e^u - 1) is 1/exprel(u), which is 1 at u = 0.
BEND = "bend = exprel(-{E}/RT_F)/exprel(-v/RT_F)/(cl_rest + permeability*hco3_o) : meter**3/mole"

_AREA = siemens / meter**2


def anion_field(name: str) -> Any:
    """Return a field that all GABA-A receptors have whose anions are told apart.

    Parameters
    ----------
    name : str
        ``"permeability"``, ``"hco3_i"``, ``"hco3_o"`` or ``"cl_rest"``.
    """
    if name == "permeability":
        return quantity(
            Quantity(0.2), "permeability to bicarbonate over that to chloride", at_least=0
        )
    if name == "cl_rest":
        return quantity(130 * mM, "chloride outside at which g is given", above=0 * mM)
    usual, side = {"hco3_i": (16 * mM, "inside"), "hco3_o": (26 * mM, "outside")}[name]
    return quantity(usual, f"bicarbonate {side}, which stays", at_least=0 * mM)


@dataclass(frozen=True, eq=False, repr=False)
class TonicBicarbonate(Channel):
    r"""The bicarbonate that passes GABA-A receptors which are always open; see `tonic_gaba_a`.

    .. math:: I = g\,\frac{p\,[HCO_3]_o}{[Cl]_{rest} + p\,[HCO_3]_o}\;
              \frac{x(-E_{rest})\,x(E_{HCO_3} - V)}{x(-V)}\,(E_{HCO_3} - V), \qquad
              x(U) = \frac{e^{UF/RT} - 1}{UF/RT}

    It carries no ion that a pool follows. A side without bicarbonate counts as 1e-9 mM, so that the
    logarithm of E has a value; the current is that of none to 1e-10 of what flows the other way.

    References
    ----------
    Bormann, Hamill and Sakmann (1987), J Physiol 385:243.
    """

    g: Quantity = quantity(
        0.5 * _AREA, "conductance density of both anions where V = E_rest", at_least=0 * _AREA
    )
    E_rest: Quantity = quantity(-75 * mV, "reversal potential at which g is given")
    permeability: Quantity = anion_field("permeability")
    hco3_i: Quantity = anion_field("hco3_i")
    hco3_o: Quantity = anion_field("hco3_o")
    cl_rest: Quantity = anion_field("cl_rest")

    equations = f"""
    {BEND.format(E="E_rest")}
    inner = clip(hco3_i, least, hco3_i + least) : mole/meter**3
    outer = clip(hco3_o, least, hco3_o + least) : mole/meter**3
    least = 1e-9*mM : mole/meter**3
    E_bicarbonate = RT_F*log(inner/outer) : volt
    share = bend*permeability*outer*exprel((E_bicarbonate - v)/RT_F) : 1
    """
    current = "g*share*(E_bicarbonate - v)"


@dataclass(frozen=True, eq=False, repr=False)
class TonicChloride(Channel):
    r"""The chloride that passes GABA-A receptors which are always open; see `tonic_gaba_a`.

    .. math:: I = g\,\frac{[Cl]_o}{[Cl]_{rest} + p\,[HCO_3]_o}\;
              \frac{x(-E_{rest})\,x(E_{Cl} - V)}{x(-V)}\,(E_{Cl} - V), \qquad
              x(U) = \frac{e^{UF/RT} - 1}{UF/RT}

    References
    ----------
    Bormann, Hamill and Sakmann (1987), J Physiol 385:243.
    """

    g: Quantity = quantity(
        0.5 * _AREA, "conductance density of both anions where V = E_rest", at_least=0 * _AREA
    )
    E_rest: Quantity = quantity(-75 * mV, "reversal potential at which g is given")
    permeability: Quantity = anion_field("permeability")
    hco3_o: Quantity = anion_field("hco3_o")
    cl_rest: Quantity = anion_field("cl_rest")

    equations = f"""
    {BEND.format(E="E_rest")}
    E_chloride = RT_F*log(cl_i/cl_o) : volt
    share = bend*cl_o*exprel((E_chloride - v)/RT_F) : 1
    """
    current = "g*share*(E_chloride - v)"
    ion = "cl"
    reads = ("cl_i", "cl_o")


def tonic_gaba_a(
    g: Quantity = 0.5 * _AREA,
    *,
    E_rest: Quantity = -75 * mV,
    permeability: Quantity | float = 0.2,
    hco3_i: Quantity = 16 * mM,
    hco3_o: Quantity = 26 * mM,
    cl_rest: Quantity = 130 * mM,
) -> tuple[Channel, Channel]:
    """Return chloride and bicarbonate of GABA-A receptors that are always open, ready to paint.

    Currents are those of `neurosim.synapses.ChlorideGABAA`: both anions by the equation of Goldman,
    Hodgkin and Katz, of which chloride moves its pool. Paint `Chloride` there, too.

    Parameters
    ----------
    g : Quantity
        Conductance density of both together, where the potential and E_GABA are `E_rest` and
        chloride outside is `cl_rest`.
    E_rest : Quantity
        That potential.
    permeability : float
        Permeability to bicarbonate over that to chloride.
    hco3_i, hco3_o : Quantity
        Bicarbonate, which stays.
    cl_rest : Quantity
        Chloride outside at which `g` is given.

    References
    ----------
    Farrant and Nusser (2005), Nat Rev Neurosci 6:215 (tonic inhibition). Bormann, Hamill and
    Sakmann (1987), J Physiol 385:243 (permeability).

    Examples
    --------
    >>> [part.name for part in tonic_gaba_a()]
    ['tonic_chloride', 'tonic_bicarbonate']
    """
    share = Quantity(permeability)
    return (
        TonicChloride(g, E_rest, share, hco3_o, cl_rest),
        TonicBicarbonate(g, E_rest, share, hco3_i, hco3_o, cl_rest),
    )
