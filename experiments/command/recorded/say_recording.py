"""`neurosim recording FILE...`: what recordings are read as, and what a second reader says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.command.console import console, print_table
from experiments.command.options import Injected, RecordingReading, as_flags, spread

__all__ = ["recording_command"]


@spread
def recording_command(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Recordings (ABF, ATF, IBW, NWB, CSV, WCP, ...)."),
    ],
    *,
    recording: RecordingReading,
    current: Injected = None,
    unit: Annotated[
        str | None, typer.Option(help="Of the stored voltage or current, such as V or 400pA.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="End with status 1 if the two readers of a file differ."),
    ] = False,
) -> None:
    """Say what recordings are read as: sweeps, steps, spikes; ABF files by two readers.

    A file that is refused ends the command with status 2, after the others are told.
    """
    settings = recording.settings(current, unit)
    rows, doubtful, refused = [], 0, 0
    for file in files:
        said, sound = _read_as(file, settings)
        readers, agree = _readers(file)
        refused += not sound
        doubtful += not (sound and agree)
        rows.append([file.name, said, readers])
    print_table("", ["file", "read as", "two readers"], rows)
    if check:
        out = console()
        out.print(f"{doubtful} of {len(files)} refused or read differently by two readers")
    if refused:
        raise typer.Exit(2)
    if check and doubtful:
        raise typer.Exit(1)


def _read_as(file: Path, settings: dict[str, Any]) -> tuple[str, bool]:
    """Say the sweeps and the f-I curve of a file, or why it is refused."""
    from bridge.recordings import RecordingError, read

    of_curve = {name: settings[name] for name in ("step", "window") if name in settings}
    of_file = {k: v for k, v in settings.items() if k not in ("step", "window", "trial")}
    try:
        cell = read(file, **of_file)
        curve = cell.fi_curve(**of_curve)
    except RecordingError as error:
        return f"refused ({error.reason}): {error.wrong}; {as_flags(error.remedy)}", False
    rates = " and ".join(f"{r / 1e3:g}" for r in sorted({s.sampling_rate_Hz for s in cell.sweeps}))
    counts = ", ".join(
        f"{count:g} at {pA:.4g}" for pA, count in zip(curve.current_pA, curve.count, strict=True)
    )
    longest = max(sweep.duration_s for sweep in cell.sweeps)
    return f"{len(cell)} sweeps of {longest:g} s, {rates} kHz; spikes at pA: {counts}", True


def _readers(file: Path) -> tuple[str, bool]:
    """Say how a second reader compares, where there is one."""
    from bridge.recordings import RecordingError, compare_readers

    if file.suffix.lower() != ".abf":
        return "", True
    try:
        found = compare_readers(file)
    except RecordingError as error:
        return f"refused ({error.reason})", False
    said = ["agree"] if found.agree else [str(difference) for difference in found.differences]
    return "\n".join([*said, *found.not_compared]), found.agree
