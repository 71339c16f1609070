"""`neurosim import FILE.mod`: what a mechanism of NEURON becomes here, and its text in Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.command.console import console, print_table

if TYPE_CHECKING:
    from neurosim.mod import Part

__all__ = ["import_command"]


def import_command(
    source: Annotated[
        Path,
        typer.Argument(
            help="A MOD file, a folder of them, or a model of the Allen Institute (its folder or "
            "fit file)."
        ),
    ],
    swc: Annotated[Path | None, typer.Option(help="Of an Allen model: its reconstruction.")] = None,
    mod: Annotated[
        Path | None, typer.Option(help="Of an Allen model: the folder of its MOD files.")
    ] = None,
    axon: Annotated[
        str | None, typer.Option(help="Of an all-active Allen model: truncated or stub.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the class is written as Python, such as kv.py.")
    ] = None,
    include: Annotated[
        Path | None,
        typer.Option(help="Folder of the files that MOD files include; none is opened without it."),
    ] = None,
) -> None:
    """Print what MOD files of NEURON or a model of the Allen Institute become here."""
    from experiments.command.importing.import_allen import is_allen, print_allen
    from neurosim.errors import ParameterError

    if is_allen(source):
        if out is not None:
            raise ParameterError(f"--out goes with a MOD file; {source} is a model of a cell")
        print_allen(source, swc, mod, axon)
        return
    if swc is not None or mod is not None or axon is not None:
        raise ParameterError(
            f"--swc, --mod and --axon go with a model of the Allen Institute; {source} has no fit "
            "file"
        )
    if source.is_dir():
        if out is not None:
            raise ParameterError(f"{source} is a folder; give the file that --out is to hold")
        _print_folder(source, include)
        return
    from neurosim.atomic_write import write_text
    from neurosim.mod import read_part, write_python

    part = read_part(source, include=include)
    if out is None:
        console().print(write_python(part), markup=False)
        return
    write_text(out, write_python(part))
    console().print(
        f"{out}: class {part.title} ({_what(part)}); it needs no NEURON, and is yours to change",
        markup=False,
    )


def _what(part: Part) -> str:
    """Return in a few words what a part is."""
    if part.kind == "IonPool":
        return f"pool of {part.writes}"
    ions = [ion or "others" for ion in part.carries] or [part.ion or "no ion"]
    return f"{part.kind.lower()} of {', '.join(ions)}"


def _print_folder(folder: Path, include: Path | None) -> None:
    from neurosim.errors import ModError, ParameterError
    from neurosim.mod import read_part

    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".mod")
    if not paths:
        raise ParameterError(f"{folder} holds no file whose name ends in .mod")
    rows: list[list[str]] = []
    taken = 0
    for path in paths:
        name = str(path.relative_to(folder))
        try:
            part = read_part(path, include=include)
        except ModError as error:
            rows.append([name, "refused", f"line {error.line}: {error.construct}: {error.reason}"])
            continue
        taken += 1
        rows.append([name, part.title, _what(part)])
    print_table(str(folder), ["file", "becomes", "what it is, or why it is refused"], rows)
    console().print(f"{taken} of {len(paths)} files come in")
