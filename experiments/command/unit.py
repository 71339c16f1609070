"""`neurosim unit`: any neuron in, its unit out; `neurosim atlas`: a folder of cells in, a table."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.errors import ParameterError, UnitError, UnknownNameError, suggest

if TYPE_CHECKING:
    from brian2.units import Quantity

    from bridge.equivalent.equivalent_unit import EquivalentUnit

__all__ = ["app"]

app = typer.Typer()

MODELS = ("LIF", "AdEx", "HodgkinHuxley", "TraubMiles")
# With dendrites and axon; their parameters are painted, so --set does not reach them.
CELLS = (
    "textbook_neuron",
    "ca1_pyramidal",
    "layer5_pyramidal",
    "purkinje_cell",
    "fast_spiking_interneuron",
    "spinal_motoneuron",
)


@app.command("unit")
def unit_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|MODEL",
            help="A recording (ABF, IBW, NWB, CSV), a table of counts (current_pA, count, "
            f"window_s), a neuron ({', '.join((*MODELS, *CELLS))}), or equations in Brian2's "
            "language.",
        ),
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter, such as tau_m=10ms."),
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(help="Background noise of a model: 3mV (LIF) or 50pA (sd of a current)."),
    ] = None,
    currents: Annotated[
        str | None,
        typer.Option(
            metavar="FROM:TO:STEP", help="Currents for a model (pA); found by itself if left out."
        ),
    ] = None,
    current_max: Annotated[
        float | None, typer.Option(help="Leave out larger currents (pA), such as those of a block.")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Repeats of each current of a model.")] = 3,
    frozen: Annotated[
        bool,
        typer.Option("--frozen", help="Play frozen noise to a model: reliability and bits lost."),
    ] = False,
    intervals: Annotated[
        str, typer.Option(help="How sure each number is: profile, bootstrap or none.")
    ] = "profile",
    threshold: Annotated[
        str | None, typer.Option(help="With equations: when it spikes, such as 'v > -55*mV'.")
    ] = None,
    reset: Annotated[str | None, typer.Option(help="With equations: what happens then.")] = None,
    current: Annotated[
        str | None, typer.Option(help="With equations: name of the injected current.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="With equations: resting potential, such as -70mV.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the card (HTML, PDF) and the numbers (JSON).")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 1,
) -> None:
    """Find the artificial unit that stands for a neuron, and say what is lost."""
    from bridge.equivalent.find_unit import equivalent_unit
    from experiments.kit.result import check_writable
    from neurosim.whole_files import plain

    if out is not None:
        check_writable(out)
    if intervals not in ("profile", "bootstrap", "none"):
        raise ParameterError(f"--intervals {intervals!r}: choose profile, bootstrap or none")
    values = dict(_assignment(text) for text in set_ or [])
    model, name, brian2 = _model(source, values, threshold, reset, current, start)
    options: dict[str, Any] = {
        "name": name,
        "current_max": current_max,
        "intervals": None if intervals == "none" else intervals,
        "seed": seed,
        "frozen": frozen,
    }
    if noise is not None:
        options["noise"] = _quantity(noise, "--noise")
    if brian2 is not None:
        options["brian2"] = brian2
    if not isinstance(model, Path):
        options["trials"] = trials
    with _bar(f"unit of {name}") as told:
        found = equivalent_unit(
            model, None if currents is None else _range(currents), progress=told, **options
        )
    _say(found)
    if out is not None:
        from bridge.equivalent.card import save_card

        pages = save_card(found, out)
        numbers = pages[0].with_suffix(".json")
        part = numbers.with_name(numbers.name + ".part")
        part.write_text(json.dumps(plain(found.to_dict()), indent=1) + "\n")
        part.replace(numbers)
        typer.echo(f"card: {pages[0]}, {pages[1].name}; numbers: {numbers.name}")
    if not found.ok:
        raise typer.Exit(1)


@app.command("atlas")
def atlas_command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of recordings, searched to the bottom.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for table, figure and cards.")] = Path(
        "neurosim-atlas"
    ),
    cards: Annotated[bool, typer.Option(help="Write a card (HTML, PDF) a cell.")] = True,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Do every cell again, also those that are done.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 1,
) -> None:
    """Find the unit of every cell in a folder; a stopped atlas goes on where it was."""
    from rich.console import Console
    from rich.table import Table

    from bridge.equivalent.atlas import build_atlas
    from experiments.kit.result import check_writable

    check_writable(out)
    with _bar(f"atlas of {folder.name}") as told:
        found = build_atlas(
            folder,
            out,
            cards=cards,
            fresh=fresh,
            seed=seed,
            progress=None if told is None else lambda share, _: told(share),
        )
    console = Console(highlight=False)
    table = Table("cell", "unit", "weight", "fits", "residual", "noise", "highest", box=None)
    for row in found.cells.to_dict("records"):
        table.add_row(
            str(row["file"]),
            str(row["family"] or "none"),
            _number(row["weight"], "{:.2f}"),
            "yes" if row["fits"] else "no",
            _number(row["residual_Hz"], "{:.2f} Hz"),
            _number(row["counting_noise_Hz"], "{:.2f} Hz"),
            _number(row["highest_rate_Hz"], "{:.3g} Hz"),
        )
    console.print(table)
    told_wins = ", ".join(f"{name} {times}" for name, times in found.winners.items())
    console.print(f"{len(found.cells)} cells: {told_wins or 'none'}")
    for row in found.failed.to_dict("records"):
        console.print(f"not used: {row['file']}: {row['reason']}", style="yellow", markup=False)
    console.print(f"written to {out}")
    if not len(found.cells):
        raise typer.Exit(1)


def _bar(description: str) -> Any:
    """A progress bar on a terminal; silence elsewhere."""
    import sys
    from contextlib import contextmanager

    @contextmanager
    def shown() -> Any:
        if not sys.stderr.isatty():
            yield None
            return
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bars:
            bar = bars.add_task(description, total=1.0)
            yield lambda share: bars.update(bar, completed=share)

    return shown()


def _say(found: EquivalentUnit) -> None:
    typer.echo(str(found))
    if not found.ok:
        typer.echo(f"refused: {found.refusal}")


def _number(value: Any, form: str) -> str:
    return "–" if value is None or value != value else form.format(value)


def _model(
    source: str,
    values: dict[str, Any],
    threshold: str | None,
    reset: str | None,
    current: str | None,
    start: str | None,
) -> tuple[Any, str, dict[str, Any] | None]:
    import neurosim

    if "/dt" in source and "=" in source:
        arguments: dict[str, Any] = {"threshold": threshold, "reset": reset, "current": current}
        arguments["parameters"] = values
        if start is not None:
            arguments["start"] = _quantity(start, "--start")
        # Equations on a command line have no callers whose variables could be meant.
        lines = source.replace("\\n", "\n")
        told = {k: v for k, v in arguments.items() if v is not None}
        return lines, "equations", {**told, "level": None}
    for option, value in (("--threshold", threshold), ("--reset", reset), ("--start", start)):
        if value is not None:
            raise ParameterError(f"{option} goes with equations; {source!r} is none")
    if source in MODELS:
        return getattr(neurosim, source)().replace(**values), source, None
    if source in CELLS:
        if values:
            raise ParameterError(f"--set goes with {', '.join(MODELS)}; {source} is painted")
        import neurosim.catalogue

        return getattr(neurosim.catalogue, source)(), source, None
    path = Path(source)
    if path.exists():
        if values:
            raise ParameterError("--set goes with a model; a recording has no parameters to set")
        return path, path.name, None
    if path.suffix or "/" in source:
        raise ParameterError(f"{source}: no such file; check the path")
    raise UnknownNameError(
        f"{source!r} is neither a file nor a neuron: {suggest(source, (*MODELS, *CELLS))}"
    )


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ParameterError(f"--set takes NAME=VALUE, such as tau_m=10ms; got {text!r}")
    return name.strip(), _quantity(value, f"--set {name.strip()}")


def _quantity(text: str, what: str) -> Quantity:
    """Read 10ms, -70*mV or '1.5 nA'."""
    from brian2.units import Quantity, allunits, stdunits
    from brian2.units.fundamentalunits import Unit

    units = {
        name: unit
        for name, unit in {**vars(allunits), **stdunits.stdunits}.items()
        if isinstance(unit, Unit)
    }
    found = re.fullmatch(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*\*?\s*(\w*)\s*", text)
    if found is None:
        raise UnitError(f"{what}: {text!r} is no number with a unit, such as 3mV or 50pA")
    number, unit = found.groups()
    try:
        value = float(number)
    except ValueError:
        raise UnitError(f"{what}: {number!r} is no number") from None
    if not unit:
        return Quantity(value)
    if unit not in units:
        raise UnitError(f"{what}: no unit is called {unit!r}; write it as in 3mV, 50pA or 10ms")
    return value * units[unit]


def _range(text: str) -> Quantity:
    import numpy as np
    from brian2.units import pA

    try:
        first, last, step = (float(part) for part in text.split(":"))
    except ValueError:
        raise ParameterError(
            f"--currents takes FROM:TO:STEP in pA, such as 0:500:25; got {text!r}"
        ) from None
    if not step > 0 or last <= first:
        raise ParameterError(f"--currents {text}: give TO above FROM and a positive STEP")
    if (last - first) / step > 10_000:
        raise ParameterError(f"--currents {text}: more than 10 000 currents; choose a larger STEP")
    return np.arange(first, last + step / 2, step) * pA
