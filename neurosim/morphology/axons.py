"""Axons made by hand: bare, myelinated, with telodendria, and on a soma with its initial segment.

Myelin is geometry here: where nodes and internodes lie and how thick the sheath is. What covers
them is painted on the tags ``node`` and ``internode``; `Sheath` says by how much the wraps lower
capacitance and conductance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, meter, mm, nmeter, um

from neurosim.errors import ParameterError
from neurosim.morphology.build import cone, cylinder, tree
from neurosim.morphology.shape import Morphology
from neurosim.quantities import Description, check_quantity, check_whole, quantity

__all__ = ["Sheath", "axon", "myelinated_axon", "soma_with_axon", "telodendria"]


# The longest axons that are drawn, in metre.
_LONGEST = 2.0
_ROUNDING = 1e-9


def _within(
    value: Any, low: Quantity, high: Quantity, name: str, default: float | None = None
) -> float:
    """Return a length in metre, or say between which values it must lie."""
    if value is None and default is not None:
        return default
    length = float(check_quantity(value, low, name))
    # A length that was added up or converted may miss a bound by its last digits.
    if not float(low) * (1 - _ROUNDING) <= length <= float(high) * (1 + _ROUNDING):
        raise ParameterError(f"{name} must lie between {low} and {high}; got {value}")
    return length


@dataclass(frozen=True, eq=False, repr=False)
class Sheath(Description):
    r"""The wraps of a Schwann cell (or oligodendrocyte) round an internode.

    Each wrap is two membranes in series, so that per area of axon the capacitance and conductance
    of myelin are those of one membrane times

    .. math:: \frac{p}{d \ln(1/g)}

    with the radial period p of a wrap, the axon diameter d, and g the ratio of axon to fibre
    diameter: the integral over cylindrical layers, which falls as 1/d at fixed g.

    References
    ----------
    Rushton (1951), J Physiol 115:101. Goldman and Albus (1968), Biophys J 8:596.

    Examples
    --------
    >>> from brian2 import um
    >>> float(Sheath(g_ratio=0.7).factor(10 * um))
    0.00420550...
    """

    g_ratio: Quantity = quantity(Quantity(0.7), "axon over fibre diameter", above=0)
    period: Quantity = quantity(15 * nmeter, "thickness of one wrap", above=0 * nmeter)

    def check(self) -> None:
        """Check that the g-ratio is one of a myelinated fibre."""
        if not 0.3 <= float(self.g_ratio) <= 0.98:
            raise ParameterError(
                f"Sheath: g_ratio must lie between 0.3 and 0.98; got {float(self.g_ratio):g}"
            )

    def fibre_diameter(self, axon_diameter: Quantity) -> Quantity:
        """Return the outer diameter of the fibre."""
        d = check_quantity(axon_diameter, 1 * um, "axon_diameter", above=0 * um)
        return d / float(self.g_ratio)

    def wraps(self, axon_diameter: Quantity) -> float:
        """Return the number of wraps."""
        thickness = (self.fibre_diameter(axon_diameter) - axon_diameter) / 2
        return float(thickness / self.period)

    def factor(self, axon_diameter: Quantity) -> float:
        """Return capacitance (or conductance) per area of axon over that of one membrane."""
        d = check_quantity(axon_diameter, 1 * um, "axon_diameter", above=0 * um)
        return float(float(self.period) / (float(d) * np.log(1 / float(self.g_ratio))))


def axon(length: Quantity, diameter: Quantity, *, name: str = "axon") -> Morphology:
    """Return an unmyelinated axon, a cylinder.

    Parameters
    ----------
    length : Quantity
        Up to 2 m.
    diameter : Quantity
        From 0.1 um (the thinnest of C fibres) to 1 mm (squid giant axons).

    Examples
    --------
    >>> from brian2 import mm, um
    >>> axon(120 * mm, 476 * um)
    Morphology(1 branch: 1 axon; 1.2e+05 um, 1.794e+08 um^2)
    """
    _within(diameter, 0.1 * um, 1 * mm, "axon: diameter")
    _within(length, 1 * um, _LONGEST * meter, "axon: length")
    return cylinder(length, diameter, name=name, tag="axon")


def myelinated_axon(
    diameter: Quantity = 10 * um,
    length: Quantity | None = None,
    *,
    internodes: int | None = None,
    internode_length: Quantity | None = None,
    node_length: Quantity = 1 * um,
    node_diameter: Quantity | None = None,
) -> Morphology:
    """Return an axon of nodes of Ranvier and internodes, beginning and ending with a node.

    Parameters
    ----------
    diameter : Quantity
        Of the axon inside its myelin, 0.2 to 20 um.
    length : Quantity, optional
        Of the whole, up to 2 m; internodes are stretched or shortened a little so that a whole
        number of them fits. Give this or `internodes`.
    internodes : int, optional
        Number of internodes, together up to 2 m; the nodes come on top.
    internode_length : Quantity, optional
        Default: 100 diameters.
    node_length : Quantity
        Of each node, 0.1 to 50 um.
    node_diameter : Quantity, optional
        Default: that of the axon.

    Returns
    -------
    Morphology
        Branches ``node[0]``, ``internode[0]``, ``node[1]``, ..., tagged ``node`` and ``internode``.

    References
    ----------
    Hursh (1939), Am J Physiol 127:131 (internodes in proportion to diameter).

    Examples
    --------
    >>> from brian2 import meter, um
    >>> fibre = myelinated_axon(10 * um, internodes=30)
    >>> fibre
    Morphology(61 branches: 31 node, 30 internode; 3.003e+04 um, 9.435e+05 um^2)
    >>> len(myelinated_axon(20 * um, 1 * meter)) // 2
    500
    """
    wide = _within(diameter, 0.2 * um, 20 * um, "myelinated_axon: diameter")
    node = _within(node_length, 0.1 * um, 50 * um, "myelinated_axon: node_length")
    thin = _within(node_diameter, 0.1 * um, 20 * um, "myelinated_axon: node_diameter", wide)
    name = "myelinated_axon: internode_length"
    between = _within(internode_length, 5 * um, 5 * mm, name, 100 * wide)
    if (length is None) == (internodes is None):
        raise ParameterError("myelinated_axon: give either length or internodes")
    if internodes is not None:
        count = check_whole(internodes, "myelinated_axon: internodes")
        # The nodes come on top: 1,000 internodes of 2 mm are the axon of two metres.
        if (myelin := count * between) > _LONGEST * (1 + _ROUNDING):
            raise ParameterError(
                f"myelinated_axon: {count} internodes of {between * 1e3:.6g} mm make "
                f"{myelin:.6g} m; give at most {int(_LONGEST * (1 + _ROUNDING) / between)} of them"
            )
    else:
        shortest, longest = (between + 2 * node) * meter, _LONGEST * meter
        whole = _within(length, shortest, longest, "myelinated_axon: length")
        count = max(1, round((whole - node) / (between + node)))
        between = (whole - node) / count - node

    branches = 2 * count + 1
    inside = np.arange(branches) % 2 == 1
    ends = np.concatenate([[0.0], np.cumsum(np.where(inside, between, node))])
    points = np.zeros((2 * branches, 3))
    points[0::2, 0], points[1::2, 0] = ends[:-1], ends[1:]
    return Morphology(
        points_m=points,
        diameters_m=np.repeat(np.where(inside, wide, thin), 2),
        offsets=2 * np.arange(branches + 1),
        parents=np.arange(branches) - 1,
        attach=np.ones(branches),
        names=tuple(f"{('node', 'internode')[k % 2]}[{k // 2}]" for k in range(branches)),
        tags=("node", "internode") * count + ("node",),
    )


def telodendria(
    levels: int = 3,
    length: Quantity = 50 * um,
    diameter: Quantity = 1 * um,
    *,
    children: int = 2,
    bouton_diameter: Quantity = 1.5 * um,
    direction: Any = (1, 0, 0),
) -> Morphology:
    """Return the branching end of an axon, a bouton on each tip.

    Parameters
    ----------
    levels : int
        Levels of branches; ``children ** (levels - 1)`` boutons.
    length, diameter : Quantity
        Of the first branch; thinner by Rall's 3/2 power at each branching, never below 0.2 um.
    children : int
        Branches at each branching.
    bouton_diameter : Quantity
        Of the boutons, cylinders as long as thick; 0.2 to 20 um.

    Returns
    -------
    Morphology
        Branches ``telodendron[k]`` tagged ``axon`` and ``bouton[k]`` tagged ``terminal``.

    Examples
    --------
    >>> telodendria(3)
    Morphology(11 branches: 7 axon, 4 terminal; 261.4 um, 499.5 um^2)
    """
    thick = _within(bouton_diameter, 0.2 * um, 20 * um, "telodendria: bouton_diameter")
    _within(diameter, 0.2 * um, 20 * um, "telodendria: diameter")
    arbor = tree(
        levels,
        length,
        diameter,
        children=children,
        diameter_end=0.2 * um,
        tag="axon",
        name="telodendron",
        direction=direction,
    )
    count = len(arbor)
    tips = np.setdiff1d(np.arange(count), arbor.parents)
    last = arbor.points_m[arbor.offsets[1:] - 1][tips]
    ahead = last - arbor.points_m[arbor.offsets[:-1]][tips]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    ends = np.stack([last, last + thick * ahead], axis=1).reshape(-1, 3)
    return Morphology(
        points_m=np.concatenate([arbor.points_m, ends]),
        diameters_m=np.concatenate([arbor.diameters_m, np.full(2 * len(tips), thick)]),
        offsets=2 * np.arange(count + len(tips) + 1),
        parents=np.concatenate([arbor.parents, tips]),
        attach=np.ones(count + len(tips)),
        names=(*arbor.names, *(f"bouton[{k}]" for k in range(len(tips)))),
        tags=(*arbor.tags, *("terminal",) * len(tips)),
    )


def soma_with_axon(
    soma_diameter: Quantity = 20 * um,
    *,
    soma_length: Quantity | None = None,
    dendrites: Sequence[Morphology] = (),
    hillock_length: Quantity | None = None,
    hillock_diameter: Quantity = 4 * um,
    initial_segment_length: Quantity = 40 * um,
    initial_segment_diameter: Quantity = 1.5 * um,
    axon: Morphology | None = None,
    terminals: Morphology | None = None,
) -> Morphology:
    """Return a soma with dendrites at one end and hillock, initial segment and axon at the other.

    Parameters
    ----------
    soma_diameter, soma_length : Quantity
        The soma is a cylinder, by default as long as thick.
    dendrites : sequence of Morphology
        Attached to the soma's proximal end; where their names meet they are numbered
        ``d0.``, ``d1.``, ...
    hillock_length : Quantity, optional
        Of the axon hillock, a cone that narrows to the initial segment; left out by default.
    hillock_diameter : Quantity
        Of the hillock at the soma.
    initial_segment_length, initial_segment_diameter : Quantity
        Of the initial segment, 1 to 200 um and 0.1 to 20 um.
    axon : Morphology, optional
        Attached to the end of the initial segment.
    terminals : Morphology, optional
        Attached to the end of the axon's last branch.

    Examples
    --------
    >>> from brian2 import um
    >>> soma_with_axon(dendrites=[cylinder(600 * um, 3 * um)], axon=axon(1000 * um, 1 * um)).names
    ('soma', 'dendrite', 'initial_segment', 'axon')
    """
    _within(initial_segment_length, 1 * um, 200 * um, "initial_segment_length")
    _within(initial_segment_diameter, 0.1 * um, 20 * um, "initial_segment_diameter")
    whole = cylinder(
        soma_diameter if soma_length is None else soma_length, soma_diameter, tag="soma"
    )
    names = [name for part in (whole, *dendrites) for name in part.names]
    clash = len(set(names)) < len(names)
    for k, dendrite in enumerate(dendrites):
        whole = whole.join(dendrite, "soma", at=0, prefix=f"d{k}." if clash else "")
    last = "soma"
    if hillock_length is not None:
        _within(hillock_length, 1 * um, 100 * um, "hillock_length")
        _within(hillock_diameter, 0.1 * um, 50 * um, "hillock_diameter")
        hillock = cone(hillock_length, hillock_diameter, initial_segment_diameter, tag="hillock")
        whole = whole.join(hillock, last)
        last = "hillock"
    segment = cylinder(initial_segment_length, initial_segment_diameter, tag="initial_segment")
    whole = whole.join(segment, last)
    if axon is not None:
        whole = whole.join(axon, "initial_segment")
    if terminals is not None:
        whole = whole.join(terminals)
    return whole
