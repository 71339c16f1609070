"""The units of many cells: a folder of recordings in, a table and a figure out.

Every cell is kept as soon as it is done, so an atlas that was stopped goes on where it was. A file
that cannot be used is listed with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from bridge.equivalent.card import save_card
from bridge.equivalent.find_unit import equivalent_unit
from bridge.page_style import BLUE, INK, SKY, VERMILION, new_page, page_style, save_page
from bridge.recordings.read_recording import FORMATS
from neurosim.atomic_write import make_folder, whole, write_json
from neurosim.errors import NeurosimError, ParameterError

__all__ = ["Atlas", "build_atlas"]

VERSION = 4
"""Of what is kept for a cell; older ones are made again."""
SUFFIXES = tuple(FORMATS)


@dataclass(frozen=True, eq=False)
class Atlas:
    """Cells and their units.

    Attributes
    ----------
    cells : pandas.DataFrame
        One row a cell: file, family, weight, fits, rheobase-like numbers, losses.
    failed : pandas.DataFrame
        One row a file that could not be used: file, reason.
    curves : dict
        Current, its name and rate of each cell, and rate of its unit, for the figure.
    """

    cells: pd.DataFrame
    failed: pd.DataFrame
    curves: dict[str, dict[str, Any]]

    @property
    def winners(self) -> dict[str, int]:
        """How many cells each family stands for; ``"none"`` where no unit fits."""
        if not len(self.cells):
            return {}
        told = self.cells["family"].where(self.cells["fits"], "none")
        return {str(name): int(times) for name, times in told.value_counts().items()}


def build_atlas(
    folder: str | Path,
    out: str | Path,
    *,
    cards: bool = True,
    fresh: bool = False,
    seed: int = 0,
    recording: Mapping[str, Any] | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Atlas:
    """Find the unit of every recording in a folder.

    Parameters
    ----------
    folder : path
        Searched with all folders in it for files of `bridge.recordings.FORMATS`.
    out : path
        Where cells are kept: ``cells/*.json``, ``cards/``, ``atlas.csv``, ``failed.csv`` and
        ``atlas.png`` and ``.svg``.
    cards : bool
        Whether to write a card a cell.
    fresh : bool
        Whether to do again what is there already.
    seed : int
        Of the tests and the bootstrap.
    recording : mapping, optional
        What the recordings do not say, the same for all; as in `equivalent_unit`.
    progress : callable, optional
        Called with the share done and the file at hand.

    Returns
    -------
    Atlas

    Raises
    ------
    ParameterError
        The folder does not exist or holds nothing that could be a recording.
    """
    folder, out = Path(folder), Path(out)
    paths = list(_recordings(folder, out))
    kept = make_folder(out / "cells")
    done: list[dict[str, Any]] = []
    covered: set[str] = set()
    for k, path in enumerate(paths):
        label = path.relative_to(folder).as_posix()
        if progress is not None:
            progress(k / len(paths), label)
        if label in covered:
            continue
        place = kept / f"{_file_name(label)}.json"
        stat = path.stat()
        said = sorted((name, value) for name, value in (recording or {}).items())
        # As it comes back from a file.
        mark = json.loads(
            json.dumps([VERSION, label, stat.st_size, stat.st_mtime_ns, seed, cards, said])
        )
        entry = None if fresh else _kept(place, mark)
        if entry is None:
            entry = {"mark": mark, **_one(path, folder, out if cards else None, seed, recording)}
            write_json(place, entry)
        covered.update(entry["files"])
        done.append(entry)
    if progress is not None:
        progress(1.0, "")
    cells = pd.DataFrame([entry["row"] for entry in done if "row" in entry])
    failed = pd.DataFrame(
        [(entry["mark"][1], entry["reason"]) for entry in done if "reason" in entry],
        columns=["file", "reason"],
    )
    curves = {entry["row"]["file"]: entry["curve"] for entry in done if "row" in entry}
    found = Atlas(cells, failed, curves)
    _write(found, out)
    return found


def _file_name(label: str) -> str:
    """A name that no other file of the folder has.

    Examples
    --------
    >>> _file_name("a/b.csv"), _file_name("a__b.csv") == "a__b.csv"
    ('a__b.csv', False)
    """
    # A name that has the sign itself would be that of a file in a folder.
    told = f"-{crc32(label.encode()):08x}" if "__" in label else ""
    return label.replace("/", "__") + told


def _recordings(folder: Path, out: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise ParameterError(f"{folder} is no folder; name one that holds recordings")
    own = out.resolve()
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file() and own not in path.resolve().parents
    ]
    if not paths:
        raise ParameterError(
            f"{folder} holds no recording: none of its files ends in {', '.join(SUFFIXES)}"
        )
    yield from paths


def _kept(place: Path, mark: list[Any]) -> dict[str, Any] | None:
    try:
        entry = json.loads(place.read_text())
    except (OSError, ValueError, RecursionError):
        return None
    complete = (
        isinstance(entry, dict) and "files" in entry and ("row" in entry or "reason" in entry)
    )
    return entry if complete and entry.get("mark") == mark else None


def _one(
    path: Path, folder: Path, out: Path | None, seed: int, recording: Mapping[str, Any] | None
) -> dict[str, Any]:
    label = path.relative_to(folder).as_posix()
    try:
        found = equivalent_unit(path, name=path.stem, seed=seed, recording=recording)
    except NeurosimError as error:
        return {"files": [label], "reason": str(error)}
    except Exception as error:
        # One broken file must not take the others with it; it is listed, not hidden.
        return {"files": [label], "reason": f"unexpected {type(error).__name__}: {error}"}
    if out is not None:
        save_card(found, out / "cards", _file_name(label))
    best, curve, loss = found.selection.best, found.selection.curve, found.selection.sigmoid_loss
    # Files of one series are read together.
    together = [path.with_name(Path(name).name) for name in curve.provenance.get("files", ())]
    files = [label, *(other.relative_to(folder).as_posix() for other in together)]
    rates = curve.mean_rate_Hz()
    firing = curve.currents[rates > 0]
    row: dict[str, Any] = {
        "file": label,
        "family": None if best is None else best.family,
        "weight": None if best is None else best.weight,
        "fits": found.ok,
        "refusal": found.refusal or "",
        "current": curve.current_name,
        "currents": len(curve.currents),
        "spikes": int(curve.count.sum()),
        "first_firing_pA": float(firing[0]) if len(firing) else None,
        "highest_rate_Hz": float(rates.max()),
        "residual_Hz": None if best is None else best.residual_rms_Hz,
        "counting_noise_Hz": None if best is None else best.noise_rms_Hz,
        "sigmoid_residual_Hz": None if loss is None else loss.residual_rms_Hz,
    }
    row["cautions"] = "; ".join(f"{one.range.words} {one.value:.4g}" for one in found.cautions)
    if found.features is not None:
        told = found.features.to_dict()
        row |= {name: told[name] for name in ("adaptation_index", "cv", "latency_ms")}
    if found.adaptation is not None and found.adaptation.adapts:
        row["adaptation_tau_s"] = found.adaptation.unit.tau_s
    fine = np.linspace(curve.currents[0], curve.currents[-1], 200)
    drawn = {
        "current": curve.current_name,
        "current_pA": curve.currents.tolist(),
        "rate_Hz": rates.tolist(),
        "fine_pA": fine.tolist(),
        "unit_Hz": [] if best is None else np.asarray(best.unit.rate(fine)).tolist(),
    }
    return {"files": files, "row": row, "curve": drawn}


def _write(found: Atlas, out: Path) -> None:
    for name, table in (("atlas", found.cells), ("failed", found.failed)):
        with whole(out / f"{name}.csv") as stream:
            table.to_csv(stream, index=False, lineterminator="\n")
    if not len(found.cells):
        return
    with page_style():
        figure = draw_atlas(found)
    for kind in ("svg", "png"):
        save_page(figure, out / f"atlas.{kind}")


def draw_atlas(found: Atlas) -> Any:
    """One small f-I curve a cell, with its unit, and how often each family won.

    Parameters
    ----------
    found : Atlas

    Returns
    -------
    matplotlib Figure
    """
    cells = found.cells.head(60)
    columns = min(4, len(cells) + 1)
    rows = int(np.ceil((len(cells) + 1) / columns))
    figure = new_page(2.0 * columns + 0.4, 1.75 * rows + 0.4)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for place, row in zip(axes, cells.to_dict("records"), strict=False):
        curve = found.curves[row["file"]]
        place.plot(curve["current_pA"], curve["rate_Hz"], "o", ms=2.2, color=INK)
        colour = BLUE if row["fits"] else VERMILION
        if curve["unit_Hz"]:
            place.plot(curve["fine_pA"], curve["unit_Hz"], color=colour, lw=1.1)
        short = Path(row["file"]).stem
        place.set_title(short if len(short) < 25 else short[:22] + "...", fontsize=6.5)
        known = isinstance(row["family"], str)
        told = row["family"] if row["fits"] else f"{row['family']} (no fit)" if known else "no unit"
        place.text(
            0.04, 0.93, told, transform=place.transAxes, va="top", fontsize=6.5, color=colour
        )
        place.tick_params(labelsize=6)
        place.set_ylim(bottom=min(0.0, place.get_ylim()[0]) if max(curve["rate_Hz"]) else 0.0)
    for place, row in zip(axes, cells.to_dict("records"), strict=False):
        name = found.curves[row["file"]]["current"].removeprefix("injected ")
        place.set_xlabel(f"{name} (pA)", fontsize=6)
    for k in range(0, len(cells), columns):
        axes[k].set_ylabel("rate (Hz)", fontsize=7)
    wins = found.winners
    last = axes[len(cells)]
    names = list(wins)[::-1]
    last.barh(names, [wins[name] for name in names], color=SKY, height=0.6)
    last.set_title("Which unit, how often", fontsize=7)
    last.tick_params(labelsize=6)
    last.set_xlabel("cells", fontsize=7)
    last.xaxis.get_major_locator().set_params(integer=True)
    for place in axes[len(cells) + 1 :]:
        place.set_axis_off()
    return figure
