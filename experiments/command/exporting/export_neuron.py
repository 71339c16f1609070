"""`neurosim export`: a neuron of the catalogue for another simulator, or as a page to try."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.command.console import console, progress, warnings_as_notes

__all__ = ["export_command"]

PROGRAMS = ("neuron", "arbor")


def export_command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NEURON",
            help="A neuron of the catalogue: with a shape, such as textbook_neuron or "
            "ca1_pyramidal; for --html also one without, such as LIF or textbook_adex.",
        ),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write files for another simulator into this folder; it is empty, or holds an "
            "earlier export."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Write one page instead, on which the neuron runs: it opens from disk in any "
            "browser, without Python and without a network."
        ),
    ] = None,
    to: Annotated[
        str, typer.Option(help="With --out: for which simulator, neuron or arbor.")
    ] = "neuron",
    check: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="With --out: run it here and there for so many ms, and print the largest "
            "differences. The other simulator compiles and runs what was written.",
        ),
    ] = None,
    most: Annotated[
        float | None,
        typer.Option(
            metavar="PA",
            min=0.001,
            help="With --html: the largest current of the page, in pA. Without it, about three "
            "times the rheobase.",
        ),
    ] = None,
) -> None:
    """Write a neuron for another simulator, or as a page on which anybody can try it.

    `neurosim export textbook_neuron --out cell` writes files that NEURON runs, and says what is
    lost on the way. `neurosim export LIF --html lif.html` writes a page with sliders, potential,
    spikes and f-I curve. A neuron of your own becomes a page by
    experiments.explore.exported_page.export_page(neuron, "page.html").
    """
    from neurosim import catalogue
    from neurosim.errors import ParameterError, UnknownNameError, suggest

    if (out is None) == (html is None):
        raise ParameterError(
            "export: say either --out FOLDER, for another simulator, or --html FILE, for a page"
        )
    if html is not None and (check is not None or to != "neuron"):
        raise ParameterError("export: --to and --check belong to --out; leave them out with --html")
    if html is None and most is not None:
        raise ParameterError("export: --most belongs to --html; leave it out with --out")
    if to not in PROGRAMS:
        raise ParameterError(f"--to {to!r}: choose {' or '.join(PROGRAMS)}")
    known = [one for one in dir(catalogue) if one[0].islower() or html is not None]
    if name not in known:
        raise UnknownNameError(
            f"there is no neuron {name!r} in the catalogue: {suggest(name, known)}"
        )
    cell = _made(getattr(catalogue, name))
    if html is not None:
        _write_page(name, cell, html, most)
    elif out is not None:
        _write_files(name, cell, out, to, check)


def _write_files(name: str, cell: object, out: Path, to: str, check: float | None) -> None:
    from brian2.units import ms

    from neurosim import Neuron
    from neurosim.errors import ParameterError
    from neurosim.exchange import check_against_arbor, check_against_neuron, to_arbor, to_neuron

    if not isinstance(cell, Neuron):
        raise ParameterError(
            f"{name} is no single neuron with a shape; choose another, such as textbook_neuron"
        )
    made = to_arbor(cell, out) if to == "arbor" else to_neuron(cell, out)
    build = "arbor-build-catalogue cell mod" if to == "arbor" else "nrnivmodl mod"
    console().print(str(made), markup=False, highlight=False)
    console().print(
        f"compile and run it there: cd {made.folder}; {build}; python cell.py --duration 100",
        markup=False,
        highlight=False,
    )
    if check is not None:
        (check_against_arbor if to == "arbor" else check_against_neuron)(cell, check * ms)


def _write_page(name: str, cell: object, html: Path, most: float | None) -> None:
    from brian2.units import pA

    from experiments.explore.exported_page import export_page
    from neurosim import Neuron
    from neurosim.describe.point_neuron import PointNeuron
    from neurosim.errors import ParameterError

    if not isinstance(cell, Neuron | PointNeuron):
        raise ParameterError(
            f"{name} is no single neuron; choose another, such as LIF or textbook_neuron"
        )
    source = f"from neurosim.catalogue import {name}\n\nneuron = {name}()"
    largest = None if most is None else most * pA
    with warnings_as_notes(), progress() as task:
        page = export_page(cell, html, title=name, most=largest, source=source, progress=task)
    typer.echo(f"{page.file}: {page.size / 1000:.0f} kB, {len(page.sliders)} parameters to move")
    for left_out, why in page.left_out.items():
        typer.echo(f"  {left_out} cannot be moved: {why}")


def _made(maker: object) -> object:
    """Return what a function of the catalogue makes, None where it wants arguments."""
    try:
        return maker() if callable(maker) else None
    except TypeError:
        return None
