"""Electrodes that record outside cells: where they are, and the potential they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from brian2.units import Quantity, meter, second, siemens, um, volt

from neurosim.drawing.recordings import draw_traces
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.morphology import Compartments
from neurosim.outside.line_sources import line_source, pieces_of, point_source
from neurosim.outside.placement import Placement
from neurosim.quantities import Description, in_best_unit, quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ElectrodeArray", "ExtracellularPotential", "common_length"]

_METHODS = ("line", "point")


@dataclass(frozen=True, eq=False, repr=False)
class ElectrodeArray(Description):
    r"""Electrodes that record the potential in an infinite homogeneous medium around the cells.

    Each compartment is a source of current, its membrane current:

    .. math:: \phi(r, t) = \sum_k M_k(r) I_k(t)

    The currents of a cell sum to zero. What an electrode in the cell injects counts as current
    through the membrane at its place, as that of a synapse does.

    Attributes
    ----------
    x, y, z : Quantity
        Positions; a single value stands for all electrodes.
    conductivity : Quantity
        Of the medium.
    method : {"line", "point"}
        Whether the current of a compartment leaves evenly along its path, or at its centre.

    Raises
    ------
    ParameterError
        Positions differ in number, or the method is none.

    Notes
    -----
    An electrode nearer to the axis of a compartment than the radius counts as that far away.

    References
    ----------
    Holt and Koch (1999), J Comput Neurosci 6:169; Linden et al. (2014), Front Neuroinform 7:41.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import um
    >>> shank = ElectrodeArray(x=30 * um, z=np.arange(-100, 101, 50) * um)
    >>> len(shank)
    5
    """

    x: Quantity = quantity(50 * um, "positions along x", many=1)
    y: Quantity = quantity(0 * um, "positions along y", many=1)
    z: Quantity = quantity(0 * um, "positions along z", many=1)
    conductivity: Quantity = quantity(
        0.3 * siemens / meter, "conductivity of the medium", above=0 * siemens / meter
    )
    method: str = "line"

    def check(self) -> None:
        common_length(self, ("x", "y", "z"))
        if self.method not in _METHODS:
            raise UnknownNameError(
                f"ElectrodeArray: method {self.method!r}: {suggest(str(self.method), _METHODS)}"
            )

    def __len__(self) -> int:
        return common_length(self, ("x", "y", "z"))

    @property
    def positions_m(self) -> np.ndarray:
        """Position of each electrode in metre, shape (electrodes, 3)."""
        columns = (np.asarray(getattr(self, name), dtype=float).ravel() for name in "xyz")
        return np.stack([np.broadcast_to(column, len(self)) for column in columns], axis=1)

    def transfer(self, cut: Compartments, placement: Placement) -> np.ndarray:
        """Return the potential at each electrode per ampere from each compartment.

        Parameters
        ----------
        cut : Compartments
            Of the cells.
        placement : Placement
            Where they lie.

        Returns
        -------
        ndarray, shape (cells of the placement, electrodes, compartments)
            In ohm.
        """
        nearest = cut.diameter_m / 2
        found = np.zeros((placement.cells, len(self), len(cut)))
        sigma, here = float(self.conductivity), self.positions_m
        if self.method == "point":
            for cell, centres in enumerate(placement.place(cut.xyz_m)):
                found[cell] = point_source(here, centres, nearest, sigma)
            return found
        pieces = pieces_of(cut)
        begins, ends = placement.place(pieces.begin_m), placement.place(pieces.end_m)
        starts = np.searchsorted(pieces.compartment, np.arange(len(cut)))
        for cell in range(placement.cells):
            parts = line_source(here, begins[cell], ends[cell], nearest[pieces.compartment], sigma)
            found[cell] = np.add.reduceat(parts * pieces.share, starts, axis=1)
        return found


@dataclass(frozen=True, eq=False, repr=False)
class ExtracellularPotential:
    """The potential that electrodes outside the cells read.

    Attributes
    ----------
    electrodes : ElectrodeArray
        Where it was read.
    values_si : ndarray, shape (rows, electrodes, samples)
        Potential that each row (cell) makes, in volt; of a circuit one row, the sum of all cells.
    time_s : ndarray, shape (samples,)
        When, in second: the moment of the time step that the implicit step is about, half a step
        before the sample of the membrane potential in a Crank-Nicolson run.
    """

    electrodes: ElectrodeArray
    values_si: np.ndarray
    time_s: np.ndarray

    @property
    def values(self) -> Quantity:
        """The potential, shape (rows, electrodes, samples)."""
        return Quantity(self.values_si, dim=volt.dim)

    @property
    def time(self) -> Quantity:
        """When, shape (samples,)."""
        return self.time_s * second

    def plot(self, row: int = 0, ax: Axes | None = None) -> Axes:
        """Draw the potential at each electrode over time.

        Parameters
        ----------
        row : int
            Which cell of the batch.
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).

        Raises
        ------
        ParameterError
            There is no such row.
        """
        if not -len(self.values_si) <= row < len(self.values_si):
            raise ParameterError(
                f"plot: there is no row {row}: rows are 0 to {len(self.values_si) - 1}"
            )
        shown, said = in_best_unit(self.values[row], "potential")
        where = self.electrodes.positions_m * 1e6
        names = [f"({x:.4g}, {y:.4g}, {z:.4g}) µm" for x, y, z in where]
        last = float(self.time_s[-1]) if len(self.time_s) else 0.0
        none = [np.zeros(0)] * len(names)
        return draw_traces(self.time_s, shown, none, last, said, names, ax)

    def __repr__(self) -> str:
        rows, electrodes, samples = self.values_si.shape
        return f"ExtracellularPotential({rows} rows, {electrodes} electrodes, {samples} samples)"


def common_length(given: Description, names: tuple[str, ...]) -> int:
    """Return how many values fields have together, where single ones stand for all.

    Raises
    ------
    ParameterError
        They differ.
    """
    sizes = {name: int(np.size(getattr(given, name))) for name in names}
    many = {name: size for name, size in sizes.items() if size != 1}
    if len(set(many.values())) > 1:
        said = ", ".join(f"{size} for {name}" for name, size in many.items())
        raise ParameterError(
            f"{type(given).__name__}: give one value, or as many for each of {', '.join(names)}; "
            f"got {said}"
        )
    return max(sizes.values())
