"""The shape of an Allen Institute model: its reconstruction with an axon of two short pieces.

The rules are those of the AllenSDK, which builds the models (``allensdk.model.biophysical.utils``):
the reconstructed axon goes, and two pieces of 30 um take its place. In a *stub* both are 1 um
thick and leave the middle of the soma. In a *truncated* axon they leave its far end, the first as
thick as the middle of the first section of the axon, the second as thick as the middle of the first
section whose middle lies more than 60 um from the beginning of the soma. A section of length L um
has 1 + 2 int(L/40) compartments.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from neurosim.allen.allen_file import SECTIONS
from neurosim.allen.errors import AllenError
from neurosim.morphology import Branch, Morphology, PerBranch, read_swc, read_swc_forest

__all__ = ["allen_rule", "allen_shape"]

_PIECE = 30e-6
_STUB = 1e-6
_FAR = 60e-6
_LONGEST_COMPARTMENT = 40.0  # um


def allen_shape(path: str | Path, axon: str) -> Morphology:
    """Return the shape of a model.

    Parameters
    ----------
    path : path
        The reconstruction, in SWC.
    axon : {"stub", "truncated"}
        What takes the place of the reconstructed axon.

    Raises
    ------
    AllenError
        The file has no soma, branches of types the models do not have, or no axon to truncate.
    """
    place = Path(path)
    whole, loose = _tree_of_soma(place)
    if loose and axon == "truncated":
        raise AllenError(
            f"from_allen: {place.name} has pieces of axon that hang on nothing, so that it is open "
            "which comes first; join them, or use axon='stub', which leaves out all of them"
        )
    if whole.tags[0] != "soma":
        raise AllenError(f"from_allen: {place.name} has no soma (points of type 1)")
    for name, tag in zip(whole.names, whole.tags, strict=True):
        if tag not in SECTIONS.values():
            raise AllenError(
                f"from_allen: the branch {name} of {place.name} is none of soma, axon, basal and "
                "apical dendrite (types 1 to 4), the sections that a fit file knows"
            )
    return _with_pieces(whole, axon, place.name)


def allen_rule(shape: Morphology) -> PerBranch:
    """Return the numbers of compartments: 1 + 2 int(L/40 um) in each branch."""
    return PerBranch(1, {name: _count(float(shape[name].length)) for name in shape.names})


def _count(length_m: float) -> int:
    # A length of 160 um stays one on its way through metres.
    return 1 + 2 * int(round(length_m * 1e6, 6) / _LONGEST_COMPARTMENT)


def _tree_of_soma(path: Path) -> tuple[Morphology, bool]:
    """Return the tree that has the soma, and whether there are pieces of axon beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forest = read_swc_forest(path)
    if len(forest) == 1:
        return read_swc(path), False
    with_soma = [k for k, tree in enumerate(forest) if "soma" in tree.tags]
    others = {tag for k, tree in enumerate(forest) if k not in with_soma for tag in tree.tags}
    if len(with_soma) != 1 or others - {"axon"}:
        raise AllenError(
            f"from_allen: {path.name} holds {len(forest)} trees, {len(with_soma)} of them with a "
            f"soma; beside that of the soma only pieces of axon may stand, and there are "
            f"{', '.join(sorted(others)) or 'none'}"
        )
    return read_swc(path, tree=with_soma[0]), True


def _with_pieces(whole: Morphology, axon: str, file: str) -> Morphology:
    """Return a shape whose axon is two pieces."""
    old = [k for k, tag in enumerate(whole.tags) if tag == "axon"]
    if axon == "truncated":
        if not old:
            raise AllenError(
                f"from_allen: {file} has no axon (points of type 2) to truncate; use axon='stub'"
            )
        thick, at = _truncated_diameters(whole, old), 1.0
    else:
        thick, at = (_STUB, _STUB), 0.5
    kept = [whole[name] for name, tag in zip(whole.names, whole.tags, strict=True) if tag != "axon"]
    for branch in kept:
        if branch.parent is not None and whole[branch.parent].tag == "axon":
            raise AllenError(
                f"from_allen: {branch.name} of {file} hangs on the axon, which is replaced"
            )
    soma = whole.names[0]
    begin = whole.positions_m(np.array([0]), np.array([at]))[0]
    way = _way(whole, old, begin)
    parent, where = soma, at
    for number, diameter in enumerate(thick):
        points = np.array([begin, begin + _PIECE * way])
        name = f"axon[{number}]"
        kept.append(Branch(name, "axon", points, np.full(2, diameter), parent, where))
        begin, parent, where = points[1], name, 1.0
    return Morphology.from_branches(kept)


def _way(whole: Morphology, old: list[int], begin: np.ndarray) -> np.ndarray:
    """Return the direction of the reconstructed axon, or down: it matters for pictures alone."""
    if old:
        first = whole[whole.names[old[0]]].points_m[-1] - begin
        if np.linalg.norm(first) > 0:
            return np.asarray(first / np.linalg.norm(first))
    return np.array([0.0, -1.0, 0.0])


def _truncated_diameters(whole: Morphology, old: list[int]) -> tuple[float, float]:
    """Return how thick both pieces are."""
    # Path from the beginning of the soma to that of each branch.
    begins = np.zeros(len(whole.names))
    for k, (parent, at) in enumerate(zip(whole.parents, whole.attach, strict=True)):
        if parent >= 0:
            begins[k] = begins[parent] + at * whole.lengths_m[parent]
    first = _middle_diameter(whole, old[0])
    far = [k for k in old if begins[k] + whole.lengths_m[k] / 2 > _FAR]
    return first, _middle_diameter(whole, far[0]) if far else first


def _middle_diameter(whole: Morphology, number: int) -> float:
    """Return the mean diameter of the compartment in the middle of a branch, as NEURON has it."""
    branch = whole[whole.names[number]]
    along = np.concatenate(
        [[0.0], np.cumsum(np.linalg.norm(np.diff(branch.points_m, axis=0), axis=1))]
    )
    length = along[-1]
    count = _count(length)
    low, high = length * (count - 1) / (2 * count), length * (count + 1) / (2 * count)
    inside = along[(along > low) & (along < high)]
    places = np.concatenate([[low], inside, [high]])
    thick = np.interp(places, along, branch.diameters_m)
    return float(np.sum(np.diff(places) * (thick[1:] + thick[:-1]) / 2) / (high - low))
