"""Reading a shape from a file of any kind that is known, by its ending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path

from brian2.units import Quantity

from neurosim.morphology.errors import MorphologyError
from neurosim.morphology.reconstruction.hdf5 import read_hdf5
from neurosim.morphology.reconstruction.neurolucida import read_neurolucida
from neurosim.morphology.reconstruction.traces import Reading, Traced, assemble
from neurosim.morphology.shape import Morphology
from neurosim.morphology.swc import read_swc

__all__ = ["SHAPE_ENDINGS", "read_shape"]

_TRACED: Mapping[str, Callable[[Path], Traced]] = {
    ".asc": read_neurolucida,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
}
SHAPE_ENDINGS = (".swc", *_TRACED)
"""Endings of the files that `read_shape` reads."""

_ELSEWHERE = {
    ".nml": "NeuroML: read it with neurosim.from_neuroml(path, membrane=False).morphology",
    ".dat": "Neurolucida's binary file: save it there as ASCII (.asc)",
    ".mod": "a mechanism of NEURON: read it with neurosim import",
    ".hoc": "a program of NEURON, not a shape: export the shape there as SWC",
    ".ims": "a file of Imaris: export the filament as SWC",
    ".nrx": "a file of Neuronland: convert it to SWC",
}


def read_shape(
    path: str | PathLike[str],
    *,
    tree: int | None = None,
    unit: Quantity | None = None,
    soma_diameter: Quantity | None = None,
    least_diameter: Quantity | None = None,
    tags: Mapping[int, str] | None = None,
) -> Morphology:
    """Read one neuron from a reconstruction: SWC, Neurolucida's text (ASC) or HDF5.

    Parameters
    ----------
    path : path
        The file; its ending says its kind: ``.swc``, ``.asc``, ``.h5`` or ``.hdf5``.
    tree : int, optional
        Which cell, counted from 0, of a file that holds several cell bodies apart from each other,
        or several trees without one.
    unit : Quantity, optional
        Length that a 1 in the file means (default: 1 um, unless the lengths cannot be those of a
        neuron in micrometres, which is an error that asks for the unit).
    soma_diameter : Quantity, optional
        Diameter of a sphere in place of the soma of the file.
    least_diameter : Quantity, optional
        Diameter given to thinner points of axon and dendrites; needed where the file says 0.
    tags : mapping of int to str, optional
        Tags of types beyond 1 soma, 2 axon, 3 basal, 4 apical (default ``undefined`` for 0,
        ``custom5``, ``custom6``, ...). A type that no point has is no error, so that one mapping
        serves many files.

    Returns
    -------
    Morphology
        Branches are called by tag and number: ``soma``, ``basal[0]``, ``apical[12]``.

    Raises
    ------
    MorphologyError
        The file is no neuron; the message says the line, or the section, and the reason.
    ExtraMissingError
        HDF5 needs the extra ``morphology``.

    Warns
    -----
    MorphologyWarning
        How the soma was read, and what the file holds that is no part of a shape: contours,
        markers, spines, texts, organelles.

    Notes
    -----
    SWC is read by `read_swc`. Sections of ASC and HDF5 stay those of the file, also where one has a
    single child. A section of ASC begins at the end of its parent, with its own first diameter. A
    single outline of a cell body becomes 21 circles across its longest axis, a stack of outlines a
    circle for each. Neurites attach to the middle of the soma and begin at their own first point;
    the way to it carries neither membrane nor resistance.

    References
    ----------
    NEURON 9, ``import3d/read_nlcda3.hoc`` and ``import3d_gui.hoc``. MorphIO 3.5, "Specification".

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "cell.asc")
    ...     _ = path.write_text("((Axon) (0 0 0 1) (0 5 0 1) ((3 9 0 1) | (-3 9 0 1)))")
    ...     read_shape(path)
    Morphology(3 branches: 3 axon; 15 um, 47.12 um^2)
    """
    path = Path(path)
    ending = path.suffix.lower()
    how = Reading(tree, unit, soma_diameter, least_diameter, tags)
    if ending == ".swc":
        return read_swc(path, **vars(how))
    if ending not in _TRACED:
        known = _ELSEWHERE.get(ending, "its ending is none of " + ", ".join(SHAPE_ENDINGS))
        raise MorphologyError(f"{path.name}: {known}")
    if path.is_dir():
        raise MorphologyError(f"{path} is a folder; give the path of a file in it")
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise MorphologyError(f"{path}: the file cannot be read: {error.strerror}") from error
    return assemble(_TRACED[ending](path), how)
