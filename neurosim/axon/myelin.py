"""Myelinated axons as neurons: nodes of Ranvier, internodes under their sheath, and its loss."""

from __future__ import annotations

from brian2.units import Quantity, cm, mV, ohm, siemens, uF, um

from neurosim.channels import myelin, ranvier_node
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.errors import ParameterError
from neurosim.morphology import (
    PerBranch,
    Region,
    Sheath,
    branch,
    myelinated_axon,
    tagged,
)

__all__ = ["demyelinated", "myelinated"]

# Leak of the sheath in proportion to its capacitance: both are membranes in series.
_LEAK_PER_CAPACITANCE = 1e-4 * siemens / uF


def myelinated(
    diameter: Quantity = 10 * um,
    internodes: int = 30,
    *,
    sheath: Sheath | None = None,
    internode_length: Quantity | None = None,
    pieces: int = 10,
) -> Neuron:
    """Return a myelinated axon at 18.5 °C with the squid's channels in its nodes.

    Parameters
    ----------
    diameter : Quantity
        Of the axon inside its myelin, 0.2 to 20 µm.
    internodes : int
        Number of internodes, together up to 2 m; there is one node more.
    sheath : Sheath, optional
        Wraps round the internodes (default: g-ratio 0.7); each wrap is two membranes of 1 µF/cm².
    internode_length : Quantity, optional
        Default: 100 diameters.
    pieces : int
        Compartments of an internode.

    Returns
    -------
    Neuron
        Branches ``node[k]`` and ``internode[k]``.

    References
    ----------
    Rushton (1951), J Physiol 115:101.

    Examples
    --------
    >>> from brian2 import um
    >>> len(myelinated(10 * um, 5).compartments)
    56
    """
    shape = myelinated_axon(diameter, internodes=internodes, internode_length=internode_length)
    axial = 70 * ohm * cm
    capacitance = (sheath or Sheath()).factor(diameter) * uF / cm**2
    return (
        Neuron(
            shape, PerBranch(1, tagged={"internode": pieces}), cable=Cable(R_a=axial),
            celsius=18.5, rest=-65 * mV,
        )
        .paint(ranvier_node(), tagged("node"))
        .paint(Cable(C_m=capacitance, R_a=axial), tagged("internode"))
        .paint(
            myelin(g=capacitance * _LEAK_PER_CAPACITANCE), tagged("internode"), label="myelin"
        )
    )  # fmt: skip


def demyelinated(axon: Neuron, internodes: range, share: float) -> Neuron:
    """Return an axon whose sheath has lost a share of its wraps over some internodes.

    Parameters
    ----------
    axon : Neuron
        From `myelinated`.
    internodes : range
        Numbers of the internodes.
    share : float
        Share of the wraps that is lost, 0 to below 1: membranes in series lose resistance and
        gain capacitance by 1 / (1 - share), up to those of bare membrane at 1 µF/cm².

    Raises
    ------
    ParameterError
        The share is out of range, or the axon has no such internodes.
    """
    if not 0 <= share < 1:
        raise ParameterError(f"demyelinated: share must lie from 0 to below 1; got {share}")
    names = [f"internode[{k}]" for k in internodes]
    known = set(axon.compartments.branch_names)
    missing = [name for name in names if name not in known]
    if missing or not names:
        what = missing[0] if missing else "internode in an empty range"
        raise ParameterError(f"demyelinated: the axon has no {what}")
    lost: Region = branch(*names)
    sheath = next(p for p in axon.painted if isinstance(p.part, Cable))
    leak = next(p for p in axon.painted if p.label == "myelin")
    assert isinstance(sheath.part, Cable)
    bare = 1 * uF / cm**2
    capacitance = min(sheath.part.C_m / (1 - share), bare)
    others = tuple(p for p in axon.painted if p is not leak)
    return (
        axon.replace(painted=others)
        .paint(leak.part, leak.region - lost, label="myelin")
        .paint(Cable(C_m=capacitance, R_a=sheath.part.R_a), lost)
        .paint(myelin(g=capacitance * _LEAK_PER_CAPACITANCE), lost, label="damaged")
    )
