"""The myelinated fibre of McIntyre, Richardson and Grill: a double cable with paranodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, cm, mV, ohm, siemens, uF, um

from neurosim.channels import Leak
from neurosim.channels.mammalian_node import mammalian_node
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.errors import ParameterError
from neurosim.morphology import Morphology, PerBranch, Region, branch
from neurosim.outside import Extracellular
from neurosim.quantities import check_quantity, check_whole

__all__ = ["mammalian_fibre"]

# By fibre diameter: diameter of axon and node, distance from node to node, length of the fluted
# paranode (all in um), and lamellae.
_MEASURED = np.array(
    [
        [5.7, 3.4, 1.9, 500, 35, 80],
        [7.3, 4.6, 2.4, 750, 38, 100],
        [8.7, 5.8, 2.8, 1000, 40, 110],
        [10.0, 6.9, 3.3, 1150, 46, 120],
        [11.5, 8.1, 3.7, 1250, 50, 130],
        [12.8, 9.2, 4.2, 1350, 54, 135],
        [14.0, 10.4, 4.7, 1400, 56, 140],
        [15.0, 11.5, 5.0, 1450, 58, 145],
        [16.0, 12.7, 5.5, 1500, 60, 150],
    ]
)
_NODE_UM, _PARANODE_UM, _PIECES = 1.0, 3.0, 6
# Width of the space under the myelin at node and attached paranode, and elsewhere.
_NARROW, _WIDE = 0.002 * um, 0.004 * um
_AXIAL = 70 * ohm * cm


@dataclass(frozen=True)
class _Sizes:
    """Of a fibre, in um, and how many lamellae it has."""

    axon: float
    node: float
    spacing: float
    flute: float
    lamellae: float

    @classmethod
    def of(cls, fibre_um: float) -> _Sizes:
        known = _MEASURED[:, 0]
        if not known[0] <= fibre_um <= known[-1]:
            raise ParameterError(
                f"mammalian_fibre: fibre_diameter must lie from {known[0]:g} to {known[-1]:g} um, "
                f"where the fibres were measured; got {fibre_um:g} um"
            )
        return cls(*(float(np.interp(fibre_um, known, column)) for column in _MEASURED.T[1:]))

    def stretches(self) -> list[tuple[str, float, float]]:
        """Return name, length and diameter of what follows a node, up to the next."""
        between = self.spacing - _NODE_UM - 2 * _PARANODE_UM - 2 * self.flute
        return [
            ("paranode", _PARANODE_UM, self.node),
            ("flute", self.flute, self.axon),
            ("internode", between, self.axon),
            ("flute", self.flute, self.axon),
            ("paranode", _PARANODE_UM, self.node),
        ]


def mammalian_fibre(
    fibre_diameter: Quantity = 10 * um,
    nodes: int = 21,
    *,
    demyelinated: range | None = None,
    share: float = 0.0,
) -> Neuron:
    """Return a myelinated motor fibre at 37 °C whose space under the myelin conducts.

    Parameters
    ----------
    fibre_diameter : Quantity
        Over the myelin, 5.7 to 16 µm; sizes between those that were measured are interpolated.
    nodes : int
        Nodes of Ranvier, at least 2.
    demyelinated : range, optional
        Internodes that have lost some of their lamellae, their paranodes included.
    share : float
        Share of the lamellae that is lost, 0 to below 1.

    Returns
    -------
    Neuron
        Branches ``node[k]`` and, in each internode k, ``paranode[2k]``, ``flute[2k]``,
        ``internode[k]``, ``flute[2k + 1]``, ``paranode[2k + 1]``. The sheath of an internode is
        labelled ``sheath``, what is damaged ``damaged_sheath``, ...

    Raises
    ------
    ParameterError
        The diameter, the share or the internodes are out of range.

    References
    ----------
    McIntyre, Richardson and Grill (2002), J Neurophysiol 87:995 (ModelDB 3810).

    Examples
    --------
    >>> from brian2 import um
    >>> fibre = mammalian_fibre(10 * um, 3)
    >>> len(fibre.compartments), fibre.compartments.branch_names[:4]
    (23, ('node[0]', 'paranode[0]', 'flute[0]', 'internode[0]'))
    """
    thick = check_quantity(fibre_diameter, 10 * um, "mammalian_fibre: fibre_diameter")
    count = check_whole(nodes, "mammalian_fibre: nodes")
    if count < 2:
        raise ParameterError(f"mammalian_fibre: nodes must be at least 2; got {count}")
    if not 0 <= share < 1:
        raise ParameterError(f"mammalian_fibre: share must lie from 0 to below 1; got {share}")
    lost = range(0) if demyelinated is None else demyelinated
    if len(lost) and not (min(lost) >= 0 and max(lost) < count - 1):
        raise ParameterError(
            f"mammalian_fibre: demyelinated names internodes of 0 to {count - 2}; got {lost}"
        )
    sizes = _Sizes.of(round(float(thick) * 1e6, 9))
    shape = _shape(sizes, count)
    pieces = {f"internode[{k}]": _PIECES for k in range(count - 1)}
    fibre = Neuron(
        shape, PerBranch(1, pieces), cable=Cable(C_m=2 * uF / cm**2, R_a=_AXIAL),
        celsius=37.0, rest=-80 * mV,
    )  # fmt: skip
    at_nodes = branch(*(f"node[{k}]" for k in range(count)))
    fibre = fibre.paint(mammalian_node(), at_nodes)
    fibre = fibre.paint(
        Extracellular.open(sizes.node * um, space=_NARROW), at_nodes, label="node_space"
    )
    g_paranode, g_internode = 0.001 * siemens / cm**2, 0.0001 * siemens / cm**2
    fibre = _sheathed(fibre, thick, sizes, range(count - 1), sizes.lamellae, "")
    if len(lost):
        fibre = _sheathed(fibre, thick, sizes, lost, sizes.lamellae * (1 - share), "damaged_")
    paranodes = _branches("paranode", range(count - 1), 2)
    rest = _branches("flute", range(count - 1), 2) + _branches("internode", range(count - 1), 1)
    return fibre.paint(
        Leak(g=g_paranode, E=-80 * mV), branch(*paranodes), label="paranode_leak"
    ).paint(Leak(g=g_internode, E=-80 * mV), branch(*rest), label="internode_leak")


def _branches(name: str, internodes: range, each: int) -> list[str]:
    return [f"{name}[{each * k + j}]" for k in internodes for j in range(each)]


def _sheathed(
    fibre: Neuron, thick: Quantity, sizes: _Sizes, internodes: range, lamellae: float, head: str
) -> Neuron:
    """Return the fibre with the layer under the myelin of some internodes."""
    for name, diameter, space, each in (
        ("paranode", sizes.node, _NARROW, 2),
        ("flute", sizes.axon, _WIDE, 2),
        ("internode", sizes.axon, _WIDE, 1),
    ):
        layer = Extracellular.myelin(lamellae, diameter * um, thick, space=space)
        region: Region = branch(*_branches(name, internodes, each))
        label = "sheath" if name == "internode" else f"{name}_sheath"
        fibre = fibre.paint(layer, region, label=f"{head}{label}")
    return fibre


def _shape(sizes: _Sizes, nodes: int) -> Morphology:
    names, lengths, wide, tags = [], [], [], []
    numbers: dict[str, int] = {}
    for k in range(nodes):
        row = [("node", _NODE_UM, sizes.node), *(sizes.stretches() if k < nodes - 1 else ())]
        for name, length, diameter in row:
            number = numbers.get(name, 0)
            numbers[name] = number + 1
            names.append(f"{name}[{number}]")
            lengths.append(length * 1e-6)
            wide.append(diameter * 1e-6)
            tags.append("node" if name == "node" else "internode")
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    points = np.zeros((2 * len(names), 3))
    points[0::2, 0], points[1::2, 0] = ends[:-1], ends[1:]
    return Morphology(
        points_m=points,
        diameters_m=np.repeat(wide, 2),
        offsets=2 * np.arange(len(names) + 1),
        parents=np.arange(len(names)) - 1,
        attach=np.ones(len(names)),
        names=tuple(names),
        tags=tuple(tags),
    )
