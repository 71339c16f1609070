"""`neurosim morphology FILE`: what a reconstruction is read as, and a picture of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.command.console import console, print_table
from experiments.command.options import spread

if TYPE_CHECKING:
    from neurosim.morphology import Morphology

__all__ = ["ShapeReading", "morphology_command"]

SUFFIXES = (".svg", ".png", ".pdf")
PLANES = ("xy", "xz", "yz")


@dataclass(frozen=True)
class ShapeReading:
    """How a reconstruction is read, where the file does not say it."""

    unit: Annotated[
        str | None,
        typer.Option(help="Length of a 1 in the file, such as 1um, 1nmeter or 0.1um (a voxel)."),
    ] = None
    tree: Annotated[
        int | None, typer.Option(min=0, help="Which tree of a file that holds several, from 0.")
    ] = None
    soma_diameter: Annotated[
        str | None, typer.Option(help="Of a one-point soma whose radius is wrong, such as 20um.")
    ] = None
    least_diameter: Annotated[
        str | None, typer.Option(help="Given to thinner points of axon and dendrites: 0.2um.")
    ] = None
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TYPE=NAME",
            help="What a type of the file stands for, beyond 1 soma, 2 axon, 3 basal, 4 apical: "
            "5=apical; repeat.",
        ),
    ] = None

    def settings(self) -> dict[str, Any]:
        """Return the options of `neurosim.morphology.read_shape` that were given."""
        from experiments.kit.words import quantity_of

        lengths = {"unit": "1um", "soma_diameter": "20um", "least_diameter": "0.2um"}
        given = {name: value for name, value in vars(self).items() if value is not None}
        for name in given.keys() & lengths:
            option = f"--{name.replace('_', '-')}"
            given[name] = quantity_of(given[name], option, like=lengths[name])
        if "tag" in given:
            given["tags"] = _types(given.pop("tag"))
        return given

    def read(self, path: Path) -> tuple[Morphology, list[str]]:
        """Return the shape, and what the reader had to say of the file.

        Raises
        ------
        MorphologyError
            The file is no neuron.
        OutputError, ParameterError
            The file cannot be opened, or an option is wrong.
        """
        from neurosim.errors import ParameterError
        from neurosim.morphology import MorphologyNote, MorphologyWarning, read_shape

        if path.is_dir():
            raise ParameterError(f"{path} is a folder; give the path of a file in it")
        if not path.is_file():
            raise ParameterError(f"{path}: no such file; check the path")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", MorphologyWarning)
            if path.suffix.lower() == ".nml":
                shape = self._of_neuroml(path)
            else:
                settings = self.settings()
                shape = read_shape(path, **settings | {"tags": None})
                if self.tag:
                    self._check_types(shape, path)
                    caught.clear()
                    shape = read_shape(path, **settings)
        told = [w for w in caught if issubclass(w.category, MorphologyWarning)]
        for one in told:
            if issubclass(one.category, MorphologyNote):
                console().print(f"read: {one.message}", markup=False)
        said = [str(w.message) for w in told if not issubclass(w.category, MorphologyNote)]
        is_swc = path.suffix.lower() == ".swc"
        if is_swc and not path.read_bytes().endswith((b"\n", b"\r")):
            said.append(
                f"{path.name}: its last line has no end, so that the file may have been cut there, "
                "within a number too; compare the last point with the source"
            )
        return shape, said

    def _check_types(self, shape: Morphology, path: Path) -> None:
        """Refuse a name for a type that is not there; `shape` is read without names of types."""
        from neurosim.errors import ParameterError

        there = sorted({_type_of(tag) for tag in shape.tags})
        known = "type" + "s" * (len(there) > 1) + " " + ", ".join(map(str, there))
        for kind, name in _types(self.tag or []).items():
            if kind not in there:
                where = "the file" if self.tree is None else f"tree {self.tree}"
                raise ParameterError(
                    f"--tag {kind}={name}: no point of {path.name} has type {kind}; {where} has "
                    f"{known}"
                )

    def _of_neuroml(self, path: Path) -> Morphology:
        """Return the shape of a cell of NeuroML, which says its unit and has one tree."""
        from neurosim import from_neuroml
        from neurosim.errors import ParameterError

        for name, value in vars(self).items():
            if value is not None:
                raise ParameterError(
                    f"--{name.replace('_', '-')} goes with SWC, ASC and HDF5; NeuroML says it"
                )
        return from_neuroml(path, membrane=False).morphology


def _types(said: list[str]) -> dict[int, str]:
    """Return the names of types of a file."""
    from neurosim.errors import ParameterError

    found: dict[int, str] = {}
    for text in said:
        number, _, name = text.partition("=")
        if not number.isdecimal() or not name.isidentifier():
            raise ParameterError(
                f"--tag {text}: say a type, which is a whole number, and its name, such as 5=apical"
            )
        if found.setdefault(int(number), name) != name:
            raise ParameterError(f"--tag {text}: type {number} is named twice; leave one out")
    return found


def _type_of(tag: str) -> int:
    """Return the type of a file that a branch without a name of its own has."""
    known = ("undefined", "soma", "axon", "basal", "apical")
    return known.index(tag) if tag in known else int(tag.removeprefix("custom"))


@spread
def morphology_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A reconstruction (SWC, ASC, HDF5 or NeuroML).")
    ],
    *,
    reading: ShapeReading,
    check: Annotated[
        bool, typer.Option("--check", help="End with status 1 if anything in the file is doubtful.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Draw it, coloured by type: a name in .svg, .png or .pdf.")
    ] = None,
    plane: Annotated[
        str | None, typer.Option(help="Plane of the picture: xy, xz or yz (default: xy).")
    ] = None,
    flip: Annotated[
        bool, typer.Option("--flip", help="Draw it upside down, for cells of image stacks.")
    ] = False,
) -> None:
    """Say what a reconstruction is read as: branches, lengths, areas, and what is doubtful."""
    from neurosim.errors import ParameterError

    if picture is not None and picture.suffix.lower() not in SUFFIXES:
        raise ParameterError(f"--picture {picture}: choose a name in {', '.join(SUFFIXES)}")
    if plane is not None and plane not in PLANES:
        raise ParameterError(f"--plane {plane}: choose one of {', '.join(PLANES)}")
    if picture is None and (plane is not None or flip):
        raise ParameterError(
            f"{'--flip' if plane is None else '--plane'} says how a picture is drawn; give its "
            "name, such as --picture cell.svg, or leave it out"
        )
    shape, said = reading.read(file)
    extent = shape.points_m.max(axis=0) - shape.points_m.min(axis=0)
    size = " x ".join(f"{x * 1e6:.0f}" for x in extent)
    out = console()
    cut = len(shape.discretise())
    said_of_size = f"{file.name}: {len(shape)} branches, {size} µm; {cut} compartments"
    out.print(f"{said_of_size} of a tenth of the length constant at 100 Hz", markup=False)
    print_table(
        "",
        ["type", "branches", "length (µm)", "membrane (µm²)", "diameter (µm)"],
        [
            [tag, str(count), f"{length:.5g}", f"{area:.5g}", f"{thin:.3g} to {thick:.3g}"]
            for tag, count, length, area, thin, thick in shape.by_tag()
        ],
    )
    for line in said:
        out.print(f"doubtful: {line}", style="yellow", markup=False)
    if picture is not None:
        _draw(shape, picture, plane=plane or PLANES[0], flip=flip)
        out.print(f"picture: {picture}", markup=False)
    if check:
        out.print("nothing in the file is doubtful" if not said else f"{len(said)} doubtful")
        if said:
            raise typer.Exit(1)


def _draw(shape: Morphology, path: Path, **options: Any) -> None:
    """Write a picture in the house style."""
    from experiments.kit.style import drawing
    from neurosim.atomic_write import whole_path

    with drawing(6.4, 5.2) as (figure, axes):
        shape.plot(ax=axes, **options)
    with whole_path(path) as part:
        figure.savefig(part, format=path.suffix[1:].lower())
