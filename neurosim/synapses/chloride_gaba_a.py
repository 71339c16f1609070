"""GABA-A receptors that move chloride: currents of Goldman, Hodgkin and Katz beside bicarbonate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from brian2.units import Quantity, mV
from brian2.units.stdunits import mM

from neurosim.channels.tonic_gaba_a import BEND, anion_field
from neurosim.equations.evaluate import evaluate
from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity
from neurosim.synapses.base import Receptor
from neurosim.synapses.gaba_a import GABAA, KineticGABAA

__all__ = ["ChlorideGABAA", "KineticChlorideGABAA"]

# u/(e^u - 1) is 1/exprel(u), and e^a - e^b = e^b exprel(a - b) (a - b): so each current is a
# conductance, which is never negative, times a driving force. The implicit step takes that form,
# and no factor is 0/0 at v = 0 or at the reversal potential.
_BOTH = f"""
anions_i = cl_i + permeability*hco3_i : mole/meter**3
anions_o = cl_o + permeability*hco3_o : mole/meter**3
E_gaba = RT_F*log(anions_i/anions_o) : volt
E_chloride = RT_F*log(cl_i/cl_o) : volt
{BEND.format(E="E")}
share_all = bend*anions_o*exprel((E_gaba - v)/RT_F) : 1
share_cl = bend*cl_o*exprel((E_chloride - v)/RT_F) : 1
"""


@dataclass(frozen=True, eq=False, repr=False)
class _PassesAnions(Receptor):
    """What receptors of both kinds have in common."""

    permeability: Quantity = anion_field("permeability")
    hco3_i: Quantity = anion_field("hco3_i")
    hco3_o: Quantity = anion_field("hco3_o")
    cl_rest: Quantity = anion_field("cl_rest")

    ion: ClassVar[str | None] = "cl"
    reads: ClassVar[tuple[str, ...]] = ("cl_i", "cl_o")

    def check(self) -> None:
        super().check()
        if self.reversal != "follow":
            instead = type(self).__name__.replace("Chloride", "")
            raise ParameterError(
                f"{type(self).__name__}: its reversal potential follows the concentrations; if it "
                f"is to stay, place {instead}(E=...) instead"
            )

    def reversal_potential(
        self, inside: Quantity, outside: Quantity, celsius: float = 37.0
    ) -> Quantity:
        """Return E_GABA at concentrations of chloride.

        Parameters
        ----------
        inside, outside : Quantity
            Concentrations of chloride, one value or arrays that broadcast.
        celsius : float
            Temperature in °C.
        """
        label = f"{type(self).__name__}: "
        given = {
            "cl_i": check_quantity(inside, 7 * mM, f"{label}inside", above=0 * mM, many=2),
            "cl_o": check_quantity(outside, 130 * mM, f"{label}outside", above=0 * mM, many=2),
        }
        found = evaluate(self.equations, "E_gaba", self.values(-70 * mV, celsius, **given))
        return Quantity(found, dim=mV.dim)


@dataclass(frozen=True, eq=False, repr=False)
class ChlorideGABAA(_PassesAnions, GABAA):
    r"""`GABAA` that carries chloride into and out of the cell, and bicarbonate beside it.

    Both ions pass by the equation of Goldman, Hodgkin and Katz. With p the permeability to
    bicarbonate over that to chloride, and :math:`w = VF/RT`:

    .. math:: I_{Cl} \propto w\,\frac{[Cl]_i - [Cl]_o e^{w}}{e^{w} - 1}, \quad
              I_{HCO_3} \propto p\,w\,\frac{[HCO_3]_i - [HCO_3]_o e^{w}}{e^{w} - 1}, \quad
              E_{GABA} = \frac{RT}{F} \ln\frac{[Cl]_i + p\,[HCO_3]_i}{[Cl]_o + p\,[HCO_3]_o}

    Chloride is moved by its own current. Bicarbonate stays as it is, as if carbonic anhydrase
    replaced at once what leaves. At rest bicarbonate leaves the cell, so that chloride still enters
    where the total current is zero. If the cotransporters are slow, chloride therefore accumulates
    under sustained inhibition, and E_GABA rises.

    Where the potential is ``E``, E_GABA is ``E`` too and chloride outside is ``cl_rest``, the
    conductance of one quantum peaks at ``g``. Elsewhere it changes with the concentrations and
    rectifies.

    Paint `Chloride` under the receptors: ``Chloride()`` moves, ``Chloride(held=True)`` stays.

    References
    ----------
    Bormann, Hamill and Sakmann (1987), J Physiol 385:243 (permeability to bicarbonate, 0.18 to 0.2
    of that to chloride). Staley, Soldo and Proctor (1995), Science 269:977 (chloride accumulates,
    bicarbonate depolarises). Kaila (1994), Prog Neurobiol 42:489 (concentrations).

    Examples
    --------
    >>> receptor = ChlorideGABAA()
    >>> receptor.reversal_potential(7 * mM, 130 * mM, celsius=37).in_unit(mV, precision=4)
    '-69.0715 mV'
    """

    equations = f"{GABAA.equations}\n{_BOTH}"
    current = "g*(B - A)*share_all*(E_gaba - v)"
    ion_current = "g*(B - A)*share_cl*(E_chloride - v)"


@dataclass(frozen=True, eq=False, repr=False)
class KineticChlorideGABAA(_PassesAnions, KineticGABAA):
    """`KineticGABAA` that carries chloride and bicarbonate as `ChlorideGABAA` does.

    References
    ----------
    As `KineticGABAA` and `ChlorideGABAA`.

    Examples
    --------
    >>> KineticChlorideGABAA(permeability=0).reversal_potential(7 * mM, 130 * mM)
    -78.08522967 * mvolt
    """

    equations = f"{KineticGABAA.equations}\n{_BOTH}"
    current = "g*r*share_all*(E_gaba - v)"
    ion_current = "g*r*share_cl*(E_chloride - v)"
