"""Reading a cell of NeuroML 2 into a neuron."""

from __future__ import annotations

import warnings
from collections import Counter
from os import PathLike
from pathlib import Path

from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.morphology import MorphologyWarning, Rule
from neurosim.neuroml.biophysics import Library, covered_groups, depends_on_temperature, paint
from neurosim.neuroml.elements import Element, NeuroMLError, read_elements
from neurosim.neuroml.ion_channels import CHANNELS
from neurosim.neuroml.neuroml_units import si_of
from neurosim.neuroml.notes import note_of, noted_rule
from neurosim.neuroml.segments import shape_of

__all__ = ["from_neuroml"]

_POOLS = ("decayingPoolConcentrationModel", "fixedFactorConcentrationModel")
# What the elements at the top are for; the others are named as not read.
_READ = ("cell", "morphology", "biophysicalProperties", "include", "ComponentType", "property",
         *CHANNELS, *_POOLS)  # fmt: skip
_MOST_FILES = 1000
# LEMS gives no temperature of its own; where nothing depends on it, this one stands.
_CELSIUS = 37.0


def from_neuroml(
    path: str | PathLike[str],
    *,
    cell: str | None = None,
    celsius: float | None = None,
    rule: Rule | None = None,
    folder: str | PathLike[str] | None = None,
    membrane: bool = True,
) -> Neuron:
    """Read a cell of NeuroML 2: its shape, and what covers it.

    Parameters
    ----------
    path : path
        The file (``.nml``).
    cell : str, optional
        Which cell of a file that holds several, by its id.
    celsius : float, optional
        Temperature in °C (default: that of the network in the file; needed where neither says it
        and a channel depends on it).
    rule : Rule, optional
        How the shape is cut (default: `DLambda` with the cell's capacitance and resistivity, or
        that of a neuron that `Neuron.to_neuroml` wrote).
    folder : path, optional
        The file includes others only from this folder and those in it (default: its own folder).
    membrane : bool
        Whether what covers the cell is read too; False reads the shape alone.

    Returns
    -------
    Neuron
        Branches are called as the unbranched cables of the file, or by tag and number. A cell
        without biophysical properties is a bare shape.

    Raises
    ------
    NeuroMLError
        The file is no NeuroML, holds no cell with a shape, or one with something that cannot be
        said here; the message says the line and the name.

    Warns
    -----
    MorphologyWarning
        What the file holds that is not part of the neuron: networks, inputs, synapses.

    Notes
    -----
    Read are segments and groups, specific capacitance, resistivity, initial potential, spike
    threshold, channel densities with a fixed reversal potential and for calcium with that of
    Nernst, and pools of calcium. Channels have gates with rates, time constants and steady states
    in NeuroML's own forms or in component types of the file; each becomes a `NeuroMLChannel` with
    these equations.

    A file is data: it opens no other than those it includes by a path within `folder`, and nothing
    over a network.

    References
    ----------
    Cannon et al. (2014), Front Neuroinform 8:79.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> text = '''<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="file">
    ...   <cell id="ball"><morphology id="shape"><segment id="0" name="soma">
    ...     <proximal x="0" y="0" z="0" diameter="20"/><distal x="20" y="0" z="0" diameter="20"/>
    ...   </segment></morphology></cell></neuroml>'''
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "ball.cell.nml")
    ...     _ = path.write_text(text)
    ...     from_neuroml(path)
    Neuron(Morphology(1 branch: 1 soma; 20 um, 1257 um^2), 1 compartments; bare)
    """
    path = Path(path)
    root = Path(folder) if folder is not None else path.parent
    tops = _with_included(path, root)
    wanted = _chosen(path, tops, cell)
    morphology = _own_or_named(wanted, "morphology", tops)
    if morphology is None:
        raise wanted.fail("it has no morphology, and a neuron is made of one")
    biophysics = _own_or_named(wanted, "biophysicalProperties", tops) if membrane else None
    wanted.only("morphology", "biophysicalProperties")
    shape = shape_of(morphology, [] if biophysics is None else covered_groups(biophysics))
    _say(path, [*shape.said, *_left_out(tops, wanted)])
    neuron = Neuron(shape.morphology)
    cut = rule if rule is not None else noted_rule(wanted)
    if cut is not None:
        neuron = neuron.replace(rule=cut)
    if biophysics is None:
        if membrane:
            _say(path, ["the cell has no biophysical properties; it is read as a bare shape"])
        return neuron if celsius is None else neuron.replace(celsius=celsius)
    library = Library(
        {one.get("id"): one for one in tops if one.tag in CHANNELS},
        {one.get("id"): one for one in tops if one.tag in _POOLS},
        {one.get("name"): one for one in tops if one.tag == "ComponentType"},
    )
    warm = _temperature(tops) if celsius is None else celsius
    asking = depends_on_temperature(biophysics, library)
    if warm is None and asking:
        raise NeuroMLError(
            f"{path.name}: the channel {asking!r} depends on the temperature, and the file says "
            "none; give it, such as celsius=37 of from_neuroml"
        )
    neuron = neuron.replace(celsius=_CELSIUS if warm is None else warm)
    # What we wrote of a neuron without a detector has the threshold that the schema asks for.
    detect = not any(n.attributes.get("tag") == "neurosim.detector" for n in wanted.all("property"))
    return paint(
        neuron,
        shape,
        biophysics,
        library,
        detect=detect,
        rule=cut,
        base=note_of(wanted, "neurosim.cable"),
    )


def _say(path: Path, lines: list[str]) -> None:
    for line in lines:
        warnings.warn(f"{path.name}: {line}", MorphologyWarning, stacklevel=3)


def _with_included(path: Path, folder: Path) -> list[Element]:
    """Return the elements at the top of a file and of all that it includes."""
    inside = folder.resolve()
    tops: list[Element] = []
    waiting, known = [path], {path.resolve()}
    while waiting:
        here = waiting.pop()
        root = read_elements(here)
        if root.tag != "neuroml":
            raise NeuroMLError(
                f"{here.name}, line {root.line}: the outermost element is {root.tag!r}; that of "
                "NeuroML 2 is 'neuroml'"
            )
        for element in root.children:
            tops.append(element)
            if element.tag != "include":
                continue
            name = element.attributes.get("href", element.attributes.get("file", ""))
            there = (here.parent / name).resolve()
            if not name or "://" in name or not there.is_relative_to(inside):
                raise element.fail(
                    f"{name!r} lies outside of the folder of the file and is not opened; put it "
                    "there, or give the folder that holds all of them: folder=..."
                )
            if there.suffix.lower() not in (".nml", ".xml"):
                raise element.fail(f"{name!r} is no file of NeuroML (.nml)")
            if not there.is_file():
                raise element.fail(f"there is no file {name!r} in that place")
            if there not in known:
                known.add(there)
                waiting.append(there)
            if len(known) > _MOST_FILES:
                raise element.fail(f"more than {_MOST_FILES} files are included")
    return tops


def _chosen(path: Path, tops: list[Element], cell: str | None) -> Element:
    cells = {one.get("id"): one for one in tops if one.tag == "cell"}
    if not cells:
        shapes = [one for one in tops if one.tag == "morphology"]
        if len(shapes) == 1:
            only = Element("cell", {"id": "cell"}, shapes[0].line, shapes[0].file)
            only.children.append(shapes[0])
            return only
        others = Counter(one.tag for one in tops if one.tag not in ("include", "property"))
        few = ", ".join(f"{count} {tag}" for tag, count in list(others.items())[:8])
        raise NeuroMLError(
            f"{path.name}: there is no cell with a shape in the file; it holds {few or 'nothing'}"
        )
    if cell is None and len(cells) > 1:
        names = ", ".join(list(cells)[:8])
        raise ParameterError(
            f"{path.name}: {len(cells)} cells; choose one: cell= of from_neuroml, one of {names}"
        )
    if cell is not None and cell not in cells:
        raise UnknownNameError(f"{path.name}: there is no cell {cell!r}: {suggest(cell, cells)}")
    return next(iter(cells.values())) if cell is None else cells[cell]


def _own_or_named(cell: Element, tag: str, tops: list[Element]) -> Element | None:
    """Return a part of a cell, written in it or elsewhere in the files."""
    own = cell.all(tag)
    if own:
        return own[0]
    name = cell.attributes.get(tag)
    if name is None:
        return None
    for one in tops:
        if one.tag == tag and one.attributes.get("id") == name:
            return one
    raise cell.fail(f"its {tag} {name!r} is not in the file or what it includes")


def _temperature(tops: list[Element]) -> float | None:
    """Return the temperature of the network, None where none is said."""
    for one in tops:
        if one.tag == "network" and "temperature" in one.attributes:
            found = si_of(one.attributes["temperature"])
            if found is None or not one.attributes["temperature"].strip().endswith("degC"):
                raise one.fail(f"temperature={one.attributes['temperature']!r} is no value in degC")
            return found[0]
    return None


def _left_out(tops: list[Element], chosen: Element) -> list[str]:
    """Return what is said of elements that are not read."""
    others = Counter(
        one.tag
        for one in tops
        if one.tag not in _READ
        # A network of ours says the temperature of its one cell, and nothing else.
        and not any(n.attributes.get("tag") == "neurosim.temperature" for n in one.all("property"))
    )
    others["cell"] = sum(one.tag == "cell" and one is not chosen for one in tops)
    for tag in ("morphology", "biophysicalProperties"):
        name = chosen.attributes.get(tag)
        others[tag] = sum(
            one.tag == tag and one.attributes.get("id") != name and one not in chosen.children
            for one in tops
        )
    listed = ", ".join(f"{count} {tag}" for tag, count in others.items() if count)
    return [f"not read, since they are no part of this cell: {listed}"] if listed else []
