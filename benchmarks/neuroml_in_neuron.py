"""Cells of NeuroML files beside the same cells that libNeuroML and NEURON build of them.

    python benchmarks/neuroml_in_neuron.py FILE.nml [FILE.nml ...]

For each cell this prints two things. The shape: `from_neuroml` reads it, and the code below builds
it in NEURON from libNeuroML's segments, a section for each unbranched run; the areas of the
sections and the input resistance with one leak everywhere are compared. The whole: what
`from_neuroml` reads is written with `to_neuron`, and both programs run it for 20 ms with a current
at the root. The exporter of jNeuroML would be a third; it needs Java, and this does not.
Needs NEURON with its compiler (the extra ``neuron``) and libNeuroML (the extra ``neuroml``).
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Hz, cm, mS, ms, mV, nA, ohm, uF

from neurosim import Neuron, Steps, from_neuroml
from neurosim.channels import Leak
from neurosim.describe.parts import Cable
from neurosim.dynamics import impedance
from neurosim.errors import NeurosimError
from neurosim.exchange import check_against_neuron
from neurosim.morphology import PerBranch, at, root_site

LEAK, R_A, C_M = 0.05, 120.0, 1.0
COMPARTMENTS = 7


def segments_of(cell: Any) -> dict[int, dict[str, Any]]:
    """Return by id both ends (x, y, z, diameter), the parent, and where each hangs on it."""
    found: dict[int, dict[str, Any]] = {}
    for one in cell.morphology.segments:
        parent = one.parent
        end = [one.distal.x, one.distal.y, one.distal.z, one.distal.diameter]
        place = 1.0 if parent is None else float(parent.fraction_along)
        begin = one.proximal
        found[one.id] = {
            "begin": None if begin is None else [begin.x, begin.y, begin.z, begin.diameter],
            "end": [float(x) for x in end],
            "parent": None if parent is None else parent.segments,
            "place": place,
        }
    for one in found.values():
        if one["begin"] is None:
            above = found[one["parent"]]
            first, last = np.array(above["begin"]), np.array(above["end"])
            one["begin"] = (first + one["place"] * (last - first)).tolist()
        one["begin"] = [float(x) for x in one["begin"]]
        if one["begin"][:3] == one["end"][:3]:
            # A sphere: a cylinder as long as thick has its membrane.
            one["end"][0] = one["begin"][0] + one["begin"][3]
    return found


def runs_of(segments: dict[int, dict[str, Any]]) -> list[list[int]]:
    """Return unbranched runs of segments, each a section."""
    children: dict[int, list[int]] = {}
    for number, one in segments.items():
        if one["parent"] is not None:
            children.setdefault(one["parent"], []).append(number)
    runs = []
    for number, one in segments.items():
        up = one["parent"]
        goes_on = (
            up is not None
            and len(children[up]) == 1
            and one["place"] == 1
            and segments[up]["end"] == one["begin"]
        )
        if goes_on:
            continue
        run = [number]
        while len(children.get(run[-1], [])) == 1:
            after = children[run[-1]][0]
            if (
                segments[after]["place"] != 1
                or segments[after]["begin"] != segments[run[-1]]["end"]
            ):
                break
            run.append(after)
        runs.append(run)
    return runs


def in_neuron(segments: dict[int, dict[str, Any]]) -> Any:
    """Return the sections that NEURON makes of runs, by where they end."""
    from neuron import h

    sections: dict[tuple[float, ...], Any] = {}
    of_segment: dict[int, tuple[Any, float, float]] = {}
    runs = runs_of(segments)
    for number, run in enumerate(runs):
        section = h.Section(name=f"run{number}")
        points = [segments[run[0]]["begin"], *(segments[k]["end"] for k in run)]
        for point in points:
            section.pt3dadd(*point)
        path = np.cumsum([0, *np.linalg.norm(np.diff(np.array(points)[:, :3], axis=0), axis=1)])
        for k, segment in enumerate(run):
            whole = path[-1] or 1.0
            of_segment[segment] = section, path[k] / whole, path[k + 1] / whole
        key = tuple(np.round(points[-1][:3], 6).tolist())
        while key in sections:
            key = (*key, float(number))
        section.nseg, section.Ra, section.cm = COMPARTMENTS, R_A, C_M
        section.insert("pas")
        section.g_pas, section.e_pas = LEAK * 1e-3, -65
        sections[key] = section
    for run in runs:
        first = segments[run[0]]
        if first["parent"] is not None:
            above, begin, end = of_segment[first["parent"]]
            of_segment[run[0]][0].connect(above(begin + first["place"] * (end - begin)), 0)
    return sections, of_segment[runs[0][0]][0]


def shape_apart(path: Path, name: str, cell: Any) -> str:
    """Return by how much areas and the input resistance of the bare shape differ."""
    from neuron import h

    bare = from_neuroml(path, cell=name, membrane=False, rule=PerBranch(COMPARTMENTS))
    neuron = Neuron(
        bare.morphology, PerBranch(COMPARTMENTS), rest=-65 * mV,
        cable=Cable(C_m=C_M * uF / cm**2, R_a=R_A * ohm * cm),
    ).paint(Leak(g=LEAK * mS / cm**2, E=-65 * mV))  # fmt: skip
    cut, shape = neuron.compartments, neuron.morphology
    ends = [tuple(np.round(b.points_m[-1] * 1e6, 6).tolist()) for b in shape]
    sections, root = in_neuron(segments_of(cell))
    areas = {end: sum(segment.area() for segment in s) for end, s in sections.items()}
    if set(ends) == set(areas) and len(ends) == len(set(ends)):
        ours = {e: 1e12 * float(cut.area_m2[cut.branch == k].sum()) for k, e in enumerate(ends)}
        worst = max(abs(ours[end] / areas[end] - 1) for end in ends)
        said = f"{len(ends)} sections, areas {worst:.1e}"
    else:
        # The file groups segments otherwise than by where they fork.
        worst = abs(1e12 * float(cut.area_m2.sum()) / sum(areas.values()) - 1)
        said = f"{len(ends)} branches, {len(sections)} unbranched runs, whole area {worst:.1e}"
    h.finitialize(-65)
    circuit, here = h.Impedance(), root(0.5)
    circuit.loc(here.x, sec=root)
    circuit.compute(0)
    mine = impedance(neuron, 0 * Hz, inject=at(shape.names[0], 0.5))
    R = float(mine.magnitude[0]) * 1e-6
    apart = abs(R / circuit.input(here.x, sec=root) - 1)
    return f"{said}, input resistance {apart:.1e}"


def whole_apart(path: Path, name: str) -> str:
    """Return by how much a run of the whole cell differs in NEURON."""
    cell = from_neuroml(path, cell=name)
    step = Steps(0.2 * nA, onset=2 * ms, duration=1000 * ms)
    driven = cell.replace(probed=()).place(step, root_site, label="injected")
    found = check_against_neuron(driven, 20 * ms, dt=0.0125 * ms, verbose=False)
    first, half = (1e6 * x for x in found.traces[0].differences)
    (a, b), _ = found.spikes[0].counts
    return f"v {first:.2g} uV at dt, {half:.2g} at dt/2; spikes {a}/{b}"


def main() -> None:
    """Print a line a cell."""
    import neuroml.loaders

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--shapes", action="store_true", help="leave out the runs")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    for path in asked.files:
        document = neuroml.loaders.read_neuroml2_file(str(path))
        for cell in document.cells:
            if cell.morphology is None:
                continue
            said = []
            jobs = [lambda c=cell, p=path: shape_apart(p, c.id, c)]
            jobs += [] if asked.shapes else [lambda c=cell, p=path: whole_apart(p, c.id)]
            for job in jobs:
                try:
                    said.append(job())
                except NeurosimError as error:
                    said.append(f"refused: {str(error).splitlines()[0]}")
            print(f"{path.name} {cell.id}: {'; '.join(said)}", flush=True)


if __name__ == "__main__":
    main()
