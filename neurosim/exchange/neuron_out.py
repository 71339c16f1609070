"""A neuron written for NEURON: a folder that builds and runs the same cell without neurosim."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.atomic_write import make_folder, plain, write_text
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Placed, Poisson
from neurosim.engine.cable.draft import Varied
from neurosim.engine.cable.patches import Membrane
from neurosim.errors import OutputError, ParameterError
from neurosim.exchange.current_in_neuron import electrodes_of
from neurosim.exchange.densities_out import Densities
from neurosim.exchange.errors import ExchangeError
from neurosim.exchange.mechanism_writer import MechanismText
from neurosim.exchange.nmodl_words import in_neuron_units
from neurosim.exchange.probes_out import probes_of
from neurosim.exchange.starts_out import starts_of
from neurosim.morphology import Compartments
from neurosim.outside import Extracellular
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor

__all__ = ["InNeuron", "Written", "receptors_of", "refuse_unwritten", "to_neuron"]

CELL_FILE = Path(__file__).with_name("cell_in_neuron.py")
FORMAT = 1


@dataclass(frozen=True)
class Written:
    """A neuron as it was written for another simulator.

    Attributes
    ----------
    folder : Path
        Holds ``cell.py``, which builds and runs the cell, ``cell.json``, its numbers, and ``mod``,
        its mechanisms.
    mechanisms : tuple of str
        What the mechanisms are called there.
    losses : tuple of str
        What the other simulator was not told, a sentence each; empty if it was told everything.
    """

    folder: Path
    mechanisms: tuple[str, ...]
    losses: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        lines = [f"{self.folder}: cell.py, cell.json and {len(self.mechanisms)} mechanisms in mod"]
        lines += [f"lost: {loss}" for loss in self.losses] or ["nothing is lost"]
        return "\n".join(lines)


class InNeuron(Written):
    """A neuron as it was written for NEURON."""


def to_neuron(neuron: Neuron, folder: str | os.PathLike[str]) -> InNeuron:
    """Write a neuron for the simulator NEURON.

    The folder gets a Python file that builds the same cell from sections with the same points, cut
    into as many segments, with the same resistivities, capacitances and temperature; a MOD text
    for every painted part and every receptor, made from the equations of the part; and what is
    placed, probed and detected. It runs without neurosim: ``nrnivmodl mod`` compiles it, ``python
    cell.py --duration 100`` runs it.

    Parameters
    ----------
    neuron : Neuron
        What is written.
    folder : path
        Where; a folder that is there already must be empty, or hold an earlier export.

    Returns
    -------
    InNeuron
        The folder, the mechanisms, and what was lost.

    Raises
    ------
    ExchangeError
        NEURON cannot be told something of the cell that would change what it does: diffusion of
        ions, layers and fields outside, random currents and trains.
    OutputError
        The folder holds something else, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from neurosim.channels import Leak
    >>> from neurosim.morphology import ball_and_stick
    >>> made = to_neuron(Neuron(ball_and_stick()).paint(Leak()), tempfile.mkdtemp())
    >>> sorted(path.name for path in made.folder.iterdir())
    ['cell.json', 'cell.py', 'mod']
    >>> made.mechanisms, made.losses
    (('ns_leak',), ())
    """
    content, texts, losses = describe_for_neuron(neuron)
    place = make_folder(folder)
    strangers = {path.name for path in place.iterdir()} - _OURS
    if strangers:
        raise OutputError(
            f"{place} holds {sorted(strangers)[0]!r}, which no export wrote; give an empty folder"
        )
    mod = make_folder(place / "mod")
    for old in mod.iterdir():
        if old.stem not in texts or old.suffix != ".mod":
            old.unlink()
    for suffix, text in texts.items():
        write_text(mod / f"{suffix}.mod", text.text)
    write_text(place / "cell.json", json.dumps(plain(content), allow_nan=False) + "\n")
    write_text(place / "cell.py", CELL_FILE.read_text(encoding="utf-8"))
    return InNeuron(place, tuple(texts), tuple(losses))


_OURS = {"cell.py", "cell.json", "mod", "traces.json", "x86_64", "arm64", "__pycache__"}


def describe_for_neuron(
    neuron: Neuron,
) -> tuple[dict[str, Any], dict[str, MechanismText], list[str]]:
    """Return a neuron as plain values, the texts of its mechanisms, and what is lost.

    Raises
    ------
    ExchangeError
        As for `to_neuron`.
    """
    if not isinstance(neuron, Neuron):
        raise ParameterError(
            f"to_neuron: a Neuron with a shape is written for NEURON; got {neuron!r}"
        )
    refuse_unwritten(neuron, "NEURON")
    cut = neuron.compartments
    membrane = Membrane(neuron, 1, Varied({}))
    spines = np.asarray(membrane.area / cut.area_m2)
    densities = Densities(neuron, spines)
    losses: list[str] = []
    receptors, electrodes = [], []
    for placed in neuron.placed:
        if isinstance(placed.part, Receptor):
            receptors.append(receptors_of(placed, neuron, densities))
        else:
            made, lost = _electrodes(placed, cut)
            electrodes += made
            losses += lost
    probes, lost = probes_of(neuron, densities, receptors, electrodes, spines)
    losses += lost
    detectors = [
        (d.label, int(d.site.compartments(cut)[0]), d.threshold, d.refractory)
        for d in neuron.detectors
    ] or [("root", int(cut.first[1] // 2), -20e-3, 0.0)]
    content = {
        "format": FORMAT,
        "celsius": neuron.celsius,
        "rest": _round(1e3 * float(neuron.rest)),
        "sections": _sections(neuron, membrane.R_a),
        "cm": [_round(x) for x in np.broadcast_to(membrane.C_m, len(cut)) * spines * 1e2],
        "parts": densities.parts(),
        "densities": densities.entries(),
        "receptors": receptors,
        "electrodes": electrodes,
        "probes": probes,
        "detectors": [
            {"label": label, "segment": k, "threshold": 1e3 * v, "refractory": 1e3 * gap}
            for label, k, v, gap in detectors
        ],
        "start": starts_of(neuron, densities),
    }
    return content, densities.texts, losses


def refuse_unwritten(neuron: Neuron, program: str) -> None:
    """Refuse what would be another cell without it."""
    for painted in neuron.painted:
        if isinstance(painted.part, Extracellular):
            raise ExchangeError(
                f"{painted.label!r}: a layer outside the membrane is not written for {program}; "
                "leave out Extracellular"
            )
    for placed in neuron.placed:
        if placed.field is not None:
            raise ExchangeError(
                f"{placed.label!r}: a field outside the cell is not written for {program}; leave "
                "out expose()"
            )
        if isinstance(placed.arrivals, Poisson):
            raise ExchangeError(
                f"{placed.label!r}: every program draws its own Poisson trains, and the runs could "
                "not be compared; give their times, Events.at(...), which both can play"
            )


def _sections(neuron: Neuron, resistivity: np.ndarray) -> list[dict[str, Any]]:
    shape, cut = neuron.morphology, neuron.compartments
    rows = []
    for k, branch in enumerate(shape):
        here = slice(cut.first[k], cut.first[k + 1])
        R_a = np.broadcast_to(resistivity, len(cut))[here]
        if np.any(R_a != R_a[0]):
            raise ExchangeError(
                f"the axial resistivity differs along branch {branch.name!r}, and a section of "
                "NEURON has one; cut the shape into branches there, or paint whole branches"
            )
        points = np.column_stack([branch.points_m, branch.diameters_m]) * 1e6
        rows.append(
            {
                "name": branch.name,
                "tag": branch.tag,
                "parent": int(shape.parents[k]),
                "attach": float(shape.attach[k]),
                "nseg": int(cut.first[k + 1] - cut.first[k]),
                "Ra": _round(float(R_a[0]) * 100),
                "points": [[_round(x) for x in row] for row in points.tolist()],
            }
        )
    return rows


def _round(value: float) -> float:
    """Return a number without the rounding of a change of units, where it differs only by that."""
    near = float(f"{value:.15g}")
    return near if abs(near - value) <= 4e-16 * abs(value) else float(value)


def receptors_of(placed: Placed, neuron: Neuron, densities: Densities) -> dict[str, Any]:
    part = placed.part
    assert isinstance(part, Receptor)
    sites = placed.site.compartments(neuron.compartments)
    held = densities.held_at(sites, part.reads, part.ion)
    text = densities.text_of(part, held)
    given = placed.arrivals
    each = () if given is None else given
    assert not isinstance(each, Poisson)
    lists = [each[k if len(each) > 1 else 0] for k in range(len(sites))] if each else []
    arrivals = []
    for one in lists:
        if one.trials > 1:
            raise ExchangeError(
                f"{placed.label!r}: events of several trials are a batch, and one cell is "
                "written; place one of them, events.trial(0)"
            )
        single = one.trial(0)
        arrivals.append(
            [
                (float(weight), [_round(t) for t in 1e3 * single.time_s[single.weight == weight]])
                for weight in dict.fromkeys(single.weight.tolist())
            ]
        )
    known = {**part.parameters(), **part.constants(neuron.celsius)}
    values = {
        name: float(in_neuron_units(known.get(local, getattr(part, local, 0.0))))
        for local, name in text.parameters.items()
    }
    return {
        "label": placed.label,
        "suffix": text.suffix,
        "segments": sites.tolist(),
        "values": values,
        "arrivals": arrivals or [[] for _ in sites],
    }


def _electrodes(placed: Placed, cut: Compartments) -> tuple[list[dict[str, Any]], list[str]]:
    assert isinstance(placed.part, Stimulus)
    made, lost = electrodes_of(placed.part, placed.label)
    rows = [
        {"label": placed.label, "segment": int(site), **one}
        for site in placed.site.compartments(cut)
        for one in made
    ]
    return rows, lost
