"""What goes into a run of branched neurons and what comes out, as plain SI arrays.

An array of a batch has the shape (sites,) where all cells agree and (sites, cells) where not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import depth_first_order

from neurosim.engine.diffusion.along_tree import Diffusion
from neurosim.engine.programs.course_tables import CourseTable

__all__ = [
    "LAYER",
    "NEVER",
    "Arrivals",
    "CableInputs",
    "CableResults",
    "Combined",
    "Counted",
    "CountedRows",
    "Following",
    "KernelInputs",
    "Layer",
    "Tree",
]

# When a detector without a spike in its past saw the last one, in second.
NEVER = -1e30


@dataclass(frozen=True)
class Tree:
    """Nodes joined by axial conductances: the compartments first, then junctions.

    Attributes
    ----------
    parent : ndarray of int, shape (nodes,)
        Parent of each node, -1 at a root.
    up : ndarray, shape (nodes,)
        Conductance to the parent, in siemens (0 at a root).
    compartments : int
        How many of the nodes are compartments.
    """

    parent: np.ndarray
    up: np.ndarray
    compartments: int

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.parent)

    def around(self) -> np.ndarray:
        """Return the sum of the conductances of each node to its neighbours."""
        return _around(self.parent, self.up)

    def order(self) -> np.ndarray:
        """Return the nodes, children before parents, along branches where possible."""
        # A node before all is the parent of the roots, so that one search finds every tree.
        above = (self.parent + 1).astype(np.int32)
        children = np.argsort(above, kind="stable").astype(np.int32) + np.int32(1)
        counts = np.bincount(above, minlength=self.nodes + 1)
        ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        edges = csr_array((np.ones(self.nodes), children, ends), shape=(self.nodes + 1,) * 2)
        found: np.ndarray = depth_first_order(edges, 0, return_predecessors=False)
        return found[:0:-1] - np.int32(1)


@dataclass(frozen=True)
class Arrivals:
    """Increments that arrive at sites of a kernel, sorted by time.

    Attributes
    ----------
    time_s : ndarray, shape (events,)
        When they arrive, in second.
    site : ndarray of int, shape (events,)
        Site of the kernel.
    cell : ndarray of int, shape (events,)
        Cell of the batch, -1 for all cells.
    weight : ndarray, shape (events,)
        How many quanta arrive.
    factors : dict of str to ndarray, each of shape (sites,) or (sites, cells)
        By state, the increment of one quantum.
    """

    time_s: np.ndarray
    site: np.ndarray
    cell: np.ndarray
    weight: np.ndarray
    factors: dict[str, np.ndarray]


@dataclass(frozen=True)
class KernelInputs:
    """Values of one kernel.

    Attributes
    ----------
    sites : int
        Compartments of a patch, or points.
    nodes : ndarray of int, shape (sites,)
        Compartment of each site.
    values : dict of str to ndarray
        Parameters and initial states; shape () where shared by all rows.
    events : Arrivals, optional
        What arrives.
    """

    sites: int
    nodes: np.ndarray
    values: dict[str, np.ndarray]
    events: Arrivals | None = None


def _around(parent: np.ndarray, up: np.ndarray) -> np.ndarray:
    inner = parent >= 0
    # Counting nothing, as on a single compartment, would give whole numbers.
    below = np.bincount(parent[inner], weights=up[inner], minlength=len(parent))
    return up + below


@dataclass(frozen=True)
class Layer:
    """Layers outside the membrane: a second cable along the tree.

    Attributes
    ----------
    up : ndarray, shape (nodes,)
        Conductance along the layer to the parent, in siemens.
    wall : ndarray, shape (nodes,) or (nodes, cells)
        Conductance to the outside, in siemens.
    capacity : ndarray, shape (nodes,) or (nodes, cells)
        Capacitance to the outside, in farad.
    kernels : list of int
        Kernels whose current flows into the layer, those of fields outside.
    start : ndarray, shape (compartments, cells), optional
        Potential in the layer at the start (default: 0). Where branches join there is no
        capacitance, and so no potential that a step leaves to the next.
    """

    up: np.ndarray
    wall: np.ndarray
    capacity: np.ndarray
    kernels: list[int]
    start: np.ndarray | None = None

    def around(self, parent: np.ndarray) -> np.ndarray:
        """Return the sum of the conductances of each node to its neighbours."""
        return _around(parent, self.up)


# In place of the number of a kernel.
LAYER = -1


@dataclass(frozen=True)
class Following:
    """A parameter that follows a course during the run.

    Attributes
    ----------
    kernel : int
        Kernel whose array it is; `LAYER` for the conductance of the wall of the layer outside.
    name : str
        Name of the parameter, or of the state whose increments by events follow.
    event : bool
        Whether it is such an increment.
    sites : ndarray of int, shape (k,)
        Sites that follow.
    factors : ndarray, shape (k,)
        What the course is multiplied by at each.
    tables : ndarray of int, shape (cells,)
        Number of the course of each cell.
    """

    kernel: int
    name: str
    event: bool
    sites: np.ndarray
    factors: np.ndarray
    tables: np.ndarray


@dataclass(frozen=True)
class Combined:
    """Sums of axial currents and of variables of kernels that are traced.

    Term k of a sum is its weight times the axial current from node ``term[k]`` to its parent
    (ampere), or times variable ``term[k] - nodes`` of `variables`. Axial currents are those of the
    potentials that the implicit step solved for.

    Attributes
    ----------
    starts : ndarray of int, shape (sums + 1,)
        Where the terms of each sum begin.
    term : ndarray of int, shape (terms,)
        What is summed.
    weight : ndarray, shape (terms,) or (terms, cells)
        What it is multiplied by.
    variables : list of (int, int, int)
        Kernel, variable and site.
    """

    starts: np.ndarray
    term: np.ndarray
    weight: np.ndarray
    variables: list[tuple[int, int, int]]


@dataclass(frozen=True)
class CableInputs:
    """One batch of cells.

    Attributes
    ----------
    tree : Tree
        Shape. The compartments of the kernels that are patches follow one another.
    kernels : tuple of KernelInputs
        In the order of the model.
    start : ndarray, shape (compartments,) or (compartments, cells)
        Initial membrane potential.
    cells : int
        Size of the batch.
    waveforms : list of ndarray
        Sampled currents.
    followings : list of Following
        Parameters that follow courses.
    courses : list of CourseTable
        The courses of all groups of a run.
    probes : list of (kernel, variable, site)
        What is traced; kernel -1: potential of the compartment `site`; kernel -2: sum number
        `variable` of `combined`.
        Kernel -3: potential in the layer outside the compartment `site`.
    combined : Combined, optional
        Sums that probes read.
    layer : Layer, optional
        Layers outside the membrane.
    detector_nodes, detector_thresholds, detector_refractory : ndarray, shape (detectors,)
        Where spikes are detected, the potential that is crossed upwards (volt), and how long after
        a spike a crossing does not count (second).
    duration, settle, dt, trace_dt : float
        In second; `settle` is run before, without electrodes and events.
    start_step : int
        Number of the first step, counted from time 0: a run that goes on from another continues
        its clock, and with it whatever follows time.
    last_spike : ndarray, shape (detectors, cells), optional
        Time of the last spike at each detector (second); by default there was none.
    theta : float
        1 for backward Euler, 1/2 for Crank-Nicolson.
    diffusions : list of Diffusion
        Concentrations that diffuse inside the cells.
    """

    tree: Tree
    kernels: tuple[KernelInputs, ...]
    start: np.ndarray
    cells: int
    duration: float
    dt: float
    trace_dt: float
    settle: float = 0.0
    theta: float = 1.0
    waveforms: list[np.ndarray] = field(default_factory=list)
    probes: list[tuple[int, int, int]] = field(default_factory=list)
    combined: Combined | None = None
    layer: Layer | None = None
    detector_nodes: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))
    detector_thresholds: np.ndarray = field(default_factory=lambda: np.zeros(0))
    detector_refractory: np.ndarray = field(default_factory=lambda: np.zeros(0))
    start_step: int = 0
    followings: list[Following] = field(default_factory=list)
    courses: list[CourseTable] = field(default_factory=list)
    last_spike: np.ndarray | None = None
    diffusions: list[Diffusion] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Number of time steps after settling."""
        return round(self.duration / self.dt)

    @property
    def settle_steps(self) -> int:
        """Number of time steps of settling."""
        return round(self.settle / self.dt)

    @property
    def trace_stride(self) -> int:
        """Time steps between two samples."""
        return max(1, round(self.trace_dt / self.dt))

    def trace_time(self) -> np.ndarray:
        """Return the times of the samples, in second: the end of each sampled step."""
        stride = self.trace_stride
        first, last = self.start_step, self.start_step + self.steps
        return np.arange(first // stride + 1, last // stride + 1) * stride * self.dt

    def last_spikes(self) -> np.ndarray:
        """Return when each detector saw its last spike, long ago where it saw none."""
        if self.last_spike is not None:
            return self.last_spike
        return np.full((len(self.detector_nodes), self.cells), NEVER)

    def moment(self, step: int) -> float:
        """Return the time (second) that the implicit step from a step on is about."""
        return (step + 1 - self.theta) * self.dt

    def arrival_steps(self, arriving: Arrivals) -> np.ndarray:
        """Return the step at whose start each event acts; those before `start_step` are past."""
        steps = np.ceil(arriving.time_s / self.dt - 1e-6).astype(np.int64)
        return np.asarray(np.maximum(steps, 0))


@dataclass(frozen=True)
class CountedRows:
    """What crossed in the rows of one kernel since the start of a run.

    Attributes
    ----------
    crossed : dict of str to ndarray, each of shape (sites, cells)
        By carrier, the charge on an area (coulomb/meter**2).
    starts : dict of str to ndarray, each of shape (sites, cells)
        By concentration that moves, such as ``"na_i"``, where it started.
    exchanged : dict of str to ndarray, each of shape (sites, cells)
        By concentration outside, what it lost to the bath.
    passed : ndarray, shape (sites, cells)
        Of receptors and electrodes, the charge that entered (coulomb).
    """

    crossed: dict[str, np.ndarray]
    starts: dict[str, np.ndarray]
    exchanged: dict[str, np.ndarray]
    passed: np.ndarray


@dataclass(frozen=True)
class Counted:
    """What a run whose ions move counted: the potential at the start, and by kernel what crossed.

    Attributes
    ----------
    v : ndarray, shape (compartments, cells)
        Potential at the start, in volt.
    kernels : list of CountedRows
        In the order of the model.
    shells : list of (ndarray, ndarray), each of shape (compartments, cells)
        Of each shell of each concentration that diffuses, where it started, and what came to it
        along the cell (mol).
    """

    v: np.ndarray
    kernels: list[CountedRows]
    shells: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)


@dataclass(frozen=True)
class CableResults:
    """What a run produced.

    Attributes
    ----------
    spike_detector, spike_cell, spike_time : ndarray, shape (spikes,)
        Detector, cell and time (second).
    traces : ndarray, shape (probes, cells, samples)
        Traced variables, in SI units.
    final : ndarray, shape (compartments, cells)
        Membrane potential at the end, in volt.
    kept : list of dict of str to ndarray, each of shape (sites, cells)
        By kernel, what `Kernel.kept` names, at the end.
    last_spike : ndarray, shape (detectors, cells)
        Time of the last spike at each detector (second).
    counted : Counted, optional
        What crossed, where ions move.
    layer : ndarray, shape (compartments, cells), optional
        Potential at the end in the layer outside, where there is one, in volt.
    """

    spike_detector: np.ndarray
    spike_cell: np.ndarray
    spike_time: np.ndarray
    traces: np.ndarray
    final: np.ndarray
    kept: list[dict[str, np.ndarray]]
    last_spike: np.ndarray
    counted: Counted | None = None
    layer: np.ndarray | None = None
