"""`neurosim export`: a neuron of the catalogue as files for another simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.command.console import console

__all__ = ["export_command"]

PROGRAMS = ("neuron", "arbor")


def export_command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NEURON",
            help="A neuron with a shape, such as textbook_neuron or ca1_pyramidal.",
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the files; empty, or an earlier export.")],
    to: Annotated[str, typer.Option(help="For which simulator: neuron or arbor.")] = "neuron",
    check: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="Run it here and there for so many ms, and print the largest differences. "
            "The other simulator compiles and runs what was written.",
        ),
    ] = None,
) -> None:
    """Write a neuron for another simulator, and say what is lost on the way."""
    from brian2.units import ms

    from neurosim import Neuron, catalogue
    from neurosim.errors import ParameterError, UnknownNameError, suggest
    from neurosim.exchange import check_against_arbor, check_against_neuron, to_arbor, to_neuron

    if to not in PROGRAMS:
        raise ParameterError(f"--to {to!r}: choose {' or '.join(PROGRAMS)}")
    known = [one for one in dir(catalogue) if one[0].islower()]
    if name not in known:
        raise UnknownNameError(
            f"there is no neuron {name!r} in the catalogue: {suggest(name, known)}"
        )
    cell = _made(getattr(catalogue, name))
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


def _made(maker: object) -> object:
    """Return what a function of the catalogue makes, None where it wants arguments."""
    try:
        return maker() if callable(maker) else None
    except TypeError:
        return None
