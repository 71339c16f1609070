"""An ion on both sides of the membrane: where its concentrations start, and what moves them."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, ClassVar

import numpy as np
from brian2.units import Quantity, ms, um
from brian2.units.stdunits import mM

from neurosim.channels.base import DIFFUSION, IonPool
from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity, check_whole, quantity

__all__ = ["Ion"]

_UNSET = {"depth": 0, "free": 1, "outside_depth": 0, "diffusion": 0}


@dataclass(frozen=True, eq=False, repr=False)
class Ion(IonPool):
    r"""Concentrations of one ion inside and outside, and the Nernst potential that follows.

    Inside, every part that carries the ion moves the concentration, and nothing else does:

    .. math:: \frac{dc_i}{dt} = \frac{f\, I}{z F w}, \qquad
              E = \frac{RT}{zF} \ln\frac{c_o}{c_i}

    where I is the summed current density of the ion (inward positive), z its valence, f the share
    that buffers leave free, and w the volume that belongs to an area of membrane: the volume of the
    compartment over its area (a quarter of the diameter in a cylinder), or the depth of a shell
    under the membrane. The concentration starts at ``inside``: at the start of the recorded run,
    also if the neuron settles before.

    Outside, the concentration stays at ``outside``, unless the neuron is surrounded by a space of
    Frankenhaeuser and Hodgkin, a shell of depth d that exchanges with a bath at ``outside``:

    .. math:: \frac{dc_o}{dt} = -\frac{I}{z F d} - \frac{c_o - c_{bath}}{\tau}

    With a coefficient of ``diffusion`` D the free ion also diffuses along the cell, between
    neighbouring compartments in which it does; with ``shells`` the cross-section is cut into
    concentric shells, between which it diffuses too:

    .. math:: \frac{1}{f}\frac{\partial c_i}{\partial t} = D \left(
              \frac{1}{r} \frac{\partial}{\partial r} r \frac{\partial c_i}{\partial r}
              + \frac{\partial^2 c_i}{\partial x^2} \right)

    Currents then enter the outermost shell, whose concentration is what equations read, and
    ``ca_i_2``, ``ca_i_3``, ... are those further in. All shells start at ``inside``. Buffers stay
    where they are.

    Parameters
    ----------
    inside : Quantity
        Concentration inside at the start, ``na_i`` in equations.
    outside : Quantity
        Concentration outside, ``na_o`` in equations; with ``outside_depth``, that at the start and
        in the bath. A time course may move it.
    depth : Quantity
        Depth of the shell under the membrane that takes the ion; 0: the whole cross-section.
    free : Quantity
        Share of what enters that buffers leave free, above 0 up to 1.
    held : bool
        Whether the concentration inside stays where it starts.
    outside_depth : Quantity
        Depth of the space around the membrane; 0: the concentration outside stays where it is.
    outside_tau : Quantity
        Time constant of the exchange between that space and the bath.
    diffusion : Quantity
        Diffusion coefficient inside; 0: the ion stays in its compartment. `D_water` is that in
        water; in the cytosol ions are slower.
    shells : int or Quantity
        How many shells of equal thickness the radius is cut into; or the thickness of each from the
        membrane on, such as ``[0.1, 0.2]*um``, after which the rest of the radius is one more.

    Attributes
    ----------
    valence : int
        Charge of the ion, in elementary charges.

    Notes
    -----
    A step first moves what crosses the membrane, then lets it diffuse by backward Euler: between
    the shells of each compartment, then along each shell. So a run is stable for any step, no
    concentration becomes negative by diffusion, and the error is of first order in the step. Shells
    of equal thickness take the same share of the cross-section everywhere, also in a taper.

    References
    ----------
    Frankenhaeuser and Hodgkin (1956), J Physiol 131:341. De Schutter and Smolen (1998), in Methods
    in Neuronal Modeling, ed Koch and Segev (shells); Carnevale and Hines (2006), The NEURON Book,
    chapter 9.
    """

    inside: Quantity = quantity(10 * mM, "concentration inside at the start", above=0 * mM)
    outside: Quantity = quantity(145 * mM, "concentration outside", above=0 * mM)
    _: KW_ONLY
    depth: Quantity = quantity(
        0 * um, "depth of the shell under the membrane; 0: whole cross-section", at_least=0 * um
    )
    free: Quantity = quantity(Quantity(1.0), "share that buffers leave free", above=0, at_most=1)
    held: bool = False
    outside_depth: Quantity = quantity(
        0 * um, "depth of the space around the membrane; 0: outside is fixed", at_least=0 * um
    )
    outside_tau: Quantity = quantity(
        100 * ms, "time constant of exchange with the bath", above=0 * ms
    )
    diffusion: Quantity = quantity(
        0 * um**2 / ms, "diffusion coefficient inside; 0: none", at_least=0 * um**2 / ms
    )
    shells: int | Quantity = 1

    valence: ClassVar[int] = 1

    def check(self) -> None:
        label = type(self).__name__
        if not isinstance(self.held, bool):
            raise ParameterError(f"{label}: held must be True or False; got {self.held!r}")
        if isinstance(self.shells, np.ndarray | list | tuple):
            given = check_quantity(self.shells, 0.1 * um, f"{label}: shells", above=0 * um, many=1)
            object.__setattr__(self, "shells", Quantity(np.atleast_1d(given), dim=um.dim))
        else:
            object.__setattr__(self, "shells", check_whole(self.shells, f"{label}: shells"))
        self._check_diffusion(label)

    def _check_diffusion(self, label: str) -> None:
        """Refuse shells and diffusion that could not be."""
        shells = self.shell_count > 1
        if self.held and (shells or float(self.diffusion)):
            raise ParameterError(
                f"{label}: {'shells' if shells else 'diffusion'} has no effect where the "
                "concentration inside is held; leave out held=True"
            )
        if shells and float(self.depth):
            raise ParameterError(
                f"{label}: give depth (one shell under the membrane, without what is further in) "
                "or shells (the whole cross-section), not both"
            )
        if shells and not float(self.diffusion):
            raise ParameterError(
                f"{label}: shells without diffusion would never exchange; give a coefficient, such "
                f"as diffusion={self.D_water * ms / um**2:.3g}*um**2/ms, that in water"
            )

    @property
    def inside_moves(self) -> bool:
        """Whether currents move the concentration inside."""
        return not self.held

    @property
    def outside_moves(self) -> bool:
        """Whether currents move the concentration outside."""
        return float(self.outside_depth) > 0

    @property
    def D_water(self) -> Quantity:
        """Diffusion coefficient of the ion in water."""
        return DIFFUSION[self.ion]

    @property
    def shell_count(self) -> int:
        """Into how many shells the cross-section is cut."""
        return self.shells if isinstance(self.shells, int) else 1 + len(self.shells)

    def shell_edges(self, radius_m: np.ndarray) -> np.ndarray:
        """Return where shells begin and end, from the membrane to the centre, in metre.

        Parameters
        ----------
        radius_m : ndarray, shape (n,)
            Radius of the cross-section.

        Returns
        -------
        ndarray, shape (shells + 1, n)
            Radii; the last but one is not above 0 where the shells are thicker than the radius.

        Examples
        --------
        >>> from neurosim.ions import Calcium
        >>> pool = Calcium(shells=[0.1, 0.2] * um, diffusion=0.2 * um**2 / ms)
        >>> (1e6 * pool.shell_edges(np.array([1e-6]))[:, 0]).round(3).tolist()
        [1.0, 0.9, 0.7, 0.0]
        """
        count = self.shell_count
        if isinstance(self.shells, int):
            return np.asarray(radius_m * np.linspace(1, 0, count + 1)[:, np.newaxis])
        depth = np.concatenate([[0.0], np.cumsum(np.asarray(self.shells))])
        return np.concatenate([radius_m - depth[:, np.newaxis], np.zeros((1, len(radius_m)))])

    @property
    def variant(self) -> tuple[Any, ...]:
        shells = self.shells if isinstance(self.shells, int) else tuple(map(float, self.shells))
        return (self.inside_moves, self.outside_moves, shells)

    def parameters(self) -> dict[str, Quantity]:
        return {name: getattr(self, name) for name in self.quantity_fields() if name != "q10_g"}

    def reversal_potential(self, celsius: float = 37.0) -> Quantity:
        """Return the Nernst potential of the concentrations at the start.

        Examples
        --------
        >>> from brian2 import mV
        >>> from brian2.units.stdunits import mM
        >>> from neurosim.ions import Potassium
        >>> Potassium(140 * mM, 3.5 * mM).reversal_potential(37).in_unit(mV, precision=4)
        '-98.5914 mV'
        """
        ratio = float(self.outside) / float(self.inside)
        return self.constants(celsius)["RT_F"] / self.valence * np.log(ratio)

    def __repr__(self) -> str:
        hidden = {"q10_g", "outside_tau"} if not self.outside_moves else {"q10_g"}
        hidden |= {"held"} if not self.held else set()
        hidden |= {"shells"} if self.shell_count == 1 else set()
        hidden |= {n for n, x in _UNSET.items() if getattr(self, n) == x}
        shown = [f"{f.name}={getattr(self, f.name)}" for f in fields(self) if f.name not in hidden]
        return f"{type(self).__name__}({', '.join(shown)})"
