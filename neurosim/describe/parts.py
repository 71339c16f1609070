"""What describes a neuron with extent: cable, spines, and parts painted, placed and probed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Hz, Quantity, cm, ohm, uF

from neurosim.channels.base import Channel, IonPool, Mechanism
from neurosim.ions.transporter import Transporter
from neurosim.morphology import Compartments, Region, Site
from neurosim.outside import Extracellular, Field
from neurosim.quantities import Description, quantity
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor
from neurosim.synapses.events import Events

__all__ = ["Cable", "Detector", "Painted", "Part", "Placed", "Poisson", "Probed", "Spines"]


@dataclass(frozen=True, eq=False, repr=False)
class Cable(Description):
    """Capacitance of the membrane and resistivity of the cytoplasm.

    Examples
    --------
    >>> from brian2 import cm, ohm
    >>> round(float(Cable(R_a=150 * ohm * cm).C_m), 6)
    0.01
    """

    C_m: Quantity = quantity(1 * uF / cm**2, "specific capacitance", above=0 * uF / cm**2)
    R_a: Quantity = quantity(100 * ohm * cm, "axial resistivity", above=0 * ohm * cm)


@dataclass(frozen=True, eq=False, repr=False)
class Spines(Description):
    """Spines too many to draw, as membrane added to the dendrite that carries them.

    The membrane area is multiplied by `factor`, F = (A_dendrite + A_spines) / A_dendrite, which
    scales capacitance and every painted conductance; the axial resistance stays.

    References
    ----------
    Holmes and Rall (1992), in Single Neuron Computation; Stratford et al. (1989), in The Computing
    Neuron.
    """

    factor: Quantity = quantity(
        Quantity(1.9), "membrane area with spines over that without", at_least=1
    )

    @classmethod
    def of_density(cls, per_length: Quantity, area: Quantity, diameter: Quantity) -> Spines:
        """Return the factor of spines of a known density and area on a dendrite of a diameter."""
        return cls(factor=Quantity(1.0) + per_length * area / (np.pi * diameter))


@dataclass(frozen=True, eq=False, repr=False)
class Poisson(Description):
    """Independent Poisson trains, one a synapse; cells of a batch that share a seed share them."""

    rate: Quantity = quantity(5 * Hz, "rate of each synapse", at_least=0 * Hz)


Part = Channel | IonPool | Transporter | Cable | Spines | Extracellular


@dataclass(frozen=True)
class Painted:
    """A part, where it covers the membrane, and the name its parameters are varied by.

    `scale` and `values` say what differs over the region; functions among them are functions `of`
    these places (`neurosim.describe.profiles`).
    """

    part: Part
    region: Region
    label: str
    scale: Any = None
    of: tuple[str, ...] = ("distance",)
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def strength(self) -> str:
        """The parameter that `scale` multiplies: a conductance, or a permeability."""
        return self.part.strength if isinstance(self.part, Mechanism) else ""


@dataclass(frozen=True)
class Placed:
    """An electrode or receptors, where they sit, and what arrives there.

    With a `field`, the current is that of electrodes outside, which act on the whole neuron.
    """

    part: Stimulus | Receptor
    site: Site
    label: str
    arrivals: tuple[Events, ...] | Poisson | None = None
    field: Field | None = None


@dataclass(frozen=True)
class Probed:
    """A variable that is traced, in every compartment that the points of a site fall on."""

    variable: str
    site: Site
    label: str

    def traces(self, cut: Compartments) -> list[tuple[str, int]]:
        """Return name and compartment of each trace."""
        points = list(dict.fromkeys(self.site.compartments(cut).tolist()))
        if len(points) == 1:
            return [(self.label, points[0])]
        return [(f"{self.label}[{k}]", point) for k, point in enumerate(points)]


@dataclass(frozen=True)
class Detector:
    """Where a spike is detected: an upward crossing of a potential (SI units)."""

    site: Site
    threshold: float
    label: str
    refractory: float = 0.0


@dataclass(frozen=True)
class Initial:
    """Where a run starts, compartment by compartment, in the order of the compartments.

    Attributes
    ----------
    potential : tuple of float
        Membrane potential, in volt.
    states : tuple of (str, tuple of float)
        By part and state, such as ``("membrane.m", (0.05, 0.05))``; states that are left out
        start steady.
    """

    potential: tuple[float, ...]
    states: tuple[tuple[str, tuple[float, ...]], ...] = ()
