"""A neuron written for Arbor: a folder that builds and runs the same cell without neurosim."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.atomic_write import make_folder, plain, write_text
from neurosim.channels.base import IONS, IonPool
from neurosim.describe.neuron import Neuron
from neurosim.engine.cable.draft import Varied
from neurosim.engine.cable.patches import Membrane
from neurosim.errors import OutputError, ParameterError
from neurosim.exchange.arbor.arbor_mechanisms import ArborText, start_name
from neurosim.exchange.arbor.arbor_placed import electrodes_for_arbor, probes_for_arbor
from neurosim.exchange.arbor.arbor_shape import arbor_shape
from neurosim.exchange.densities_out import Densities
from neurosim.exchange.errors import ExchangeError
from neurosim.exchange.mechanism_writer import MechanismText
from neurosim.exchange.neuron_out import Written, receptors_of, refuse_unwritten
from neurosim.exchange.starts_out import starts_of
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor

__all__ = ["InArbor", "to_arbor"]

CELL_FILE = Path(__file__).with_name("cell_in_arbor.py")
FORMAT = 1
_OURS = {"cell.py", "cell.json", "mod", "traces.json", "cell-catalogue.so", "__pycache__"}


class InArbor(Written):
    """A neuron as it was written for Arbor."""


def to_arbor(neuron: Neuron, folder: str | os.PathLike[str]) -> InArbor:
    """Write a neuron for the simulator Arbor.

    The folder gets a Python file that builds an ``arbor.cable_cell``: its segments, a control
    volume for each of our compartments, resistivities, capacitances and temperature, ions, and
    what is placed, probed and detected; and a text in Arbor's NMODL for every part, made from its
    equations. It runs without neurosim: ``arbor-build-catalogue cell mod`` compiles it, ``python
    cell.py --duration 100`` runs it.

    Parameters
    ----------
    neuron : Neuron
        What is written.
    folder : path
        Where; a folder that is there already must be empty, or hold an earlier export.

    Returns
    -------
    InArbor
        The folder, the mechanisms, and what was lost.

    Raises
    ------
    ExchangeError
        Arbor cannot be told something of the cell that would change what it does: diffusion of
        ions, layers and fields outside, clamps, random currents and trains.
    OutputError
        The folder holds something else, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from neurosim.channels import Leak
    >>> from neurosim.morphology import ball_and_stick
    >>> made = to_arbor(Neuron(ball_and_stick()).paint(Leak()), tempfile.mkdtemp())
    >>> sorted(path.name for path in made.folder.iterdir())
    ['cell.json', 'cell.py', 'mod']
    >>> made.mechanisms, made.losses
    (('ns_leak',), ())
    """
    content, texts, losses = describe_for_arbor(neuron)
    place = make_folder(folder)
    strangers = {path.name for path in place.iterdir()} - _OURS
    if strangers:
        raise OutputError(
            f"{place} holds {sorted(strangers)[0]!r}, which no export wrote; give an empty folder"
        )
    mod = make_folder(place / "mod")
    # A catalogue of other equations would be taken for theirs.
    (place / "cell-catalogue.so").unlink(missing_ok=True)
    for old in mod.iterdir():
        if old.stem not in texts or old.suffix != ".mod":
            old.unlink()
    for suffix, text in texts.items():
        write_text(mod / f"{suffix}.mod", text.text)
    write_text(place / "cell.json", json.dumps(plain(content), allow_nan=False) + "\n")
    write_text(place / "cell.py", CELL_FILE.read_text(encoding="utf-8"))
    return InArbor(place, tuple(texts), tuple(losses))


def describe_for_arbor(
    neuron: Neuron,
) -> tuple[dict[str, Any], dict[str, MechanismText], list[str]]:
    """Return a neuron as plain values, the texts of its mechanisms, and what is lost.

    Raises
    ------
    ExchangeError
        As for `to_arbor`.
    """
    if not isinstance(neuron, Neuron):
        raise ParameterError(
            f"to_arbor: a Neuron with a shape is written for Arbor; got {neuron!r}"
        )
    refuse_unwritten(neuron, "Arbor")
    cut = neuron.compartments
    membrane = Membrane(neuron, 1, Varied({}))
    spines = np.asarray(membrane.area / cut.area_m2)
    densities = Densities(neuron, spines, ArborText(told=False))
    start: dict[str, Any] = {}
    if neuron.initial is not None or any(
        text.starts_elsewhere for text, _, _ in densities.covering()
    ):
        densities = Densities(neuron, spines, ArborText(told=True))
        start = starts_of(neuron, densities, always=True)
    losses: list[str] = []
    receptors, electrodes = [], []
    for placed in neuron.placed:
        if isinstance(placed.part, Receptor):
            one = receptors_of(placed, neuron, densities)
            receptors.append({**one, "compartments": one.pop("segments")})
        else:
            assert isinstance(placed.part, Stimulus)
            for site in placed.site.compartments(cut):
                electrodes += electrodes_for_arbor(placed.part, placed.label, int(site))
    probes, lost = probes_for_arbor(neuron, densities, receptors)
    losses += lost
    detectors = [
        (d.label, int(d.site.compartments(cut)[0]), d.threshold, d.refractory)
        for d in neuron.detectors
    ] or [("root", int(cut.first[1] // 2), -20e-3, 0.0)]
    shape = arbor_shape(cut)
    texts = {suffix: text for suffix, text in densities.texts.items() if text.text}
    rest = 1e3 * float(neuron.rest)
    potential = np.array(start.get("v", np.full(len(cut), rest)))
    content = {
        "format": FORMAT,
        "celsius": neuron.celsius,
        "rest": rest,
        "mechanisms": list(texts),
        "segments": shape.segments,
        "middles": shape.middles,
        "ends": shape.ends,
        "begins": shape.begins,
        "labels": _labels(neuron),
        "cm": _by_value(np.broadcast_to(membrane.C_m, len(cut)) * spines),
        "rL": _by_value(np.broadcast_to(membrane.R_a, len(cut)) * 100),
        "Vm": _by_value(potential),
        "ions": _ions(neuron, densities),
        "densities": _painted(densities, texts, start),
        "receptors": receptors,
        "electrodes": electrodes,
        "probes": probes,
        "detectors": [
            {"label": label, "compartment": k, "threshold": 1e3 * v, "refractory": 1e3 * gap}
            for label, k, v, gap in detectors
        ],
    }
    return content, texts, losses


def _by_value(values: np.ndarray) -> list[tuple[float, list[int]]]:
    """Return each value, and the compartments that have it."""
    return [(float(value), np.flatnonzero(values == value).tolist()) for value in np.unique(values)]


def _labels(neuron: Neuron) -> dict[str, list[int]]:
    """Return by tag and by name of a branch its compartments, where Arbor can take the word."""
    cut = neuron.compartments
    found: dict[str, list[int]] = {}
    for words in (cut.tags, cut.branch_names):
        for word in dict.fromkeys(words):
            if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*(\[\d+\])?", word):
                branches = [k for k, other in enumerate(words) if other == word]
                found.setdefault(word, np.flatnonzero(np.isin(cut.branch, branches)).tolist())
    return found


def _ions(neuron: Neuron, densities: Densities) -> list[dict[str, Any]]:
    """Return where each ion has which concentrations, at the start and where nothing moves it."""
    count, rows = len(neuron.compartments), []
    found: dict[str, dict[str, np.ndarray]] = {}
    for painted in neuron.painted:
        part = painted.part
        if not isinstance(part, IonPool):
            continue
        both = found.setdefault(
            part.ion, {side: np.full(count, np.nan) for side in ("inside", "outside")}
        )
        mask = painted.region.mask(neuron.compartments)
        for side in both:
            both[side][mask] = densities.concentration(painted, side)[mask]
    for ion in IONS:
        if ion not in found:
            continue
        pairs = np.column_stack([found[ion]["inside"], found[ion]["outside"]])
        for pair in np.unique(pairs[np.isfinite(pairs).all(axis=1)], axis=0):
            here = np.flatnonzero((pairs == pair).all(axis=1)).tolist()
            rows.append({"ion": ion, "inside": pair[0], "outside": pair[1], "compartments": here})
    return rows


def _painted(
    densities: Densities, texts: dict[str, MechanismText], start: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return mechanisms with their values, each where all of these are the same."""
    rows: list[dict[str, Any]] = []
    for text, covered, values in densities.values():
        if text.suffix not in texts:
            continue
        columns = {name: np.array(full) for name, full in values.items()}
        for one in start.get("states", ()):
            if one["name"] in text.names.values() and one["suffix"] in (text.suffix, ""):
                full = columns.setdefault(start_name(one["name"]), np.zeros(len(covered)))
                full[one["segments"]] = one["values"]
        here = np.flatnonzero(covered)
        table = np.column_stack([full[here] for full in columns.values()] or [np.zeros(len(here))])
        if not np.isfinite(table).all():
            raise ExchangeError(f"{text.suffix}: a value of it is no number somewhere")
        kinds, which = np.unique(table, axis=0, return_inverse=True)
        for k, kind in enumerate(kinds):
            rows.append(
                {
                    "suffix": text.suffix,
                    "compartments": here[which.ravel() == k].tolist(),
                    "values": dict(zip(columns, kind.tolist(), strict=False)),
                }
            )
    return rows
