"""The glia that own the myelin: potassium that leaves at nodes of Ranvier is taken up."""

from __future__ import annotations

import numpy as np
from brian2.units import Quantity, ms, um
from brian2.units.stdunits import mM

from neurosim.axon.myelin import myelinated
from neurosim.catalogue.glial_cells import schwann_cell
from neurosim.catalogue.pumping_cell import balanced_membrane
from neurosim.channels import ranvier_node
from neurosim.describe.circuit import Circuit
from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError
from neurosim.morphology import at, tagged
from neurosim.outside import Space
from neurosim.quantities import check_quantity, check_whole
from neurosim.stimuli import Stimulus

__all__ = ["axon_and_glia"]


def axon_and_glia(
    diameter: Quantity = 10 * um,
    internodes: int = 10,
    *,
    stimulus: Stimulus | None = None,
    glia: Neuron | None = None,
    present: bool = True,
    gap: Quantity = 1 * um,
    tau: Quantity = 50 * ms,
) -> Circuit:
    """Return a myelinated axon and the cells that own its myelin, around the gaps at its nodes.

    Spikes give off potassium at the nodes into a narrow gap. The glial cells, one a node, take it
    up from there, and it diffuses on into a bath. Axon, glia and gaps are at rest before the
    stimulus. The populations are named ``axon`` and ``glia``, the gaps ``gaps``.

    The gaps of all nodes are one volume, well mixed. That is right as long as every spike travels
    along the whole axon, so that all nodes give off the same.

    Not modelled: the space under the myelin and what leaves there, which the double cable of
    `mammalian_fibre` has without its ions; axial diffusion of ions in the axon.

    Parameters
    ----------
    diameter : Quantity
        Of the axon inside its myelin.
    internodes : int
        Number of internodes; there is one node more.
    stimulus : Stimulus, optional
        Current into the first node.
    glia : Neuron, optional
        The glial cell of a node, at rest between 3.5 mM of potassium and 145 mM of sodium and at
        the axon's 18.5 °C; by default a `schwann_cell`. For a central axon give
        ``oligodendrocyte(potassium=3.5*mM, sodium=145*mM, celsius=18.5)``.
    present : bool
        Whether the glial cells are there. Without them the gaps are alone.
    gap : Quantity
        Width of the gap around a node. The default is assumed.
    tau : Quantity
        Time constant of the diffusion from the gap into the bath. The default is assumed.

    Raises
    ------
    ParameterError
        The gap has no width, or `glia` is no neuron.

    References
    ----------
    Frankenhaeuser and Hodgkin (1956), J Physiol 131:341 (a space that spikes fill and a bath
    empties). Rushton (1951), J Physiol 115:101 (axon). Mi, Deerinck, Ellisman and Schwarz (1996), J
    Neurosci 16:2421 (inward rectifiers of Schwann cells at the node).

    Examples
    --------
    >>> axon_and_glia(internodes=4)
    Circuit(1 axon, 5 glia; 0 contacts)
    """
    count = check_whole(internodes, "axon_and_glia: internodes") + 1
    wide = float(check_quantity(gap, 1 * um, "axon_and_glia: gap", above=0 * um))
    if glia is not None and not isinstance(glia, Neuron):
        raise ParameterError(
            f"axon_and_glia: glia must be a Neuron, such as schwann_cell(); got {glia!r}"
        )
    if glia is not None and not present:
        raise ParameterError(
            "axon_and_glia: present=False leaves out the glial cell; leave out glia= as well"
        )
    k_o, na_o = 3.5 * mM, 145 * mM
    bare = myelinated(diameter, internodes)
    names = {channel.name for channel in ranvier_node()}
    kept = tuple(one for one in bare.painted if one.label not in names)
    axon = bare.replace(painted=kept).paint(balanced_membrane(10), tagged("node"))
    for k in (0, internodes):
        axon = axon.probe("v", at(f"node[{k}]"), label=f"node[{k}]")
    cut = axon.compartments
    nodes = tagged("node").mask(cut)
    # A tube around each node: its area times the width, and what the curvature adds.
    area = cut.area_m2[nodes]
    radius = cut.volume_m3[nodes] * 2 / area
    volume = float(np.sum(area * wide * (1 + wide / (2 * radius))))
    circuit = Circuit().add("axon", axon, stimulus=stimulus)
    if present:
        owner = glia or schwann_cell(potassium=k_o, sodium=na_o, celsius=axon.celsius)
        if owner.celsius != axon.celsius:
            raise ParameterError(
                f"axon_and_glia: the axon is at {axon.celsius:g} °C and the glial cell at "
                f"{owner.celsius:g} °C; give it celsius={axon.celsius:g}"
            )
        circuit = circuit.add("glia", owner, count)
    space = Space(na_o=na_o, k_o=k_o, volume=Quantity(volume, dim=(um**3).dim), tau=tau)
    return circuit.share(space, label="gaps")
