"""Shapes of other programs, read by us and by the libraries whose own they are.

``python benchmarks/shapes_corpus.py FOLDER`` walks through a folder and reads every file in ASC,
HDF5 and NeuroML in it, beside MorphIO (ASC, HDF5), NEURON's Import3d (ASC) and libNeuroML, as far
as they are installed (extra ``compare``). It prints for each file the number of sections and the
membrane area, of the soma and of the rest apart, or the reason of a refusal; at the end how many
were read with the same sections and an area within 0.1 %, and how many were refused. Test data of
MorphIO, NeuroM, libNeuroML and NeuroML2 were read for the table in docs/morphology.md; a folder
with copies of these repositories gives it again. NEURON runs in a process of
its own for each file, which is ended after a minute.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim import from_neuroml
from neurosim.errors import NeurosimError
from neurosim.morphology import Morphology, read_shape

BAR = 1e-3
# What of NEURON's answer follows its own messages.
MARK = "shape of NEURON:"


@dataclass(frozen=True)
class Said:
    """What one reader says of a file: sections and areas (um^2), or why it does not read it.

    Attributes
    ----------
    sections : int
        Without the soma.
    area : float
        Of these sections.
    soma : float or None
        Area of the soma, None where the reader gives it none.
    refused : str
        The reason, "" where the file was read.
    """

    sections: int = 0
    area: float = 0.0
    soma: float | None = None
    refused: str = ""

    def __str__(self) -> str:
        if self.refused:
            return f"refused: {self.refused}"
        soma = "" if self.soma is None else f", soma {self.soma:.5g}"
        return f"{self.sections} sections, {self.area:.6g}{soma}"

    def agrees(self, other: Said) -> bool:
        """Whether sections and areas are those of another reader."""
        pairs = [(self.area, other.area)]
        if other.soma is not None and self.soma is not None:
            pairs.append((self.soma, other.soma))
        # An area of 0 is 0 to rounding beside the other one.
        least = 1e-9 * max(self.area, self.soma or 0.0)
        close = all(abs(a - b) <= max(BAR * max(abs(a), abs(b)), least) for a, b in pairs)
        return self.sections == other.sections and close


def ours(path: Path) -> tuple[Said, list[str]]:
    """Return what we read, and what was said of the file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            shape = _read(path)
        except NeurosimError as error:
            return Said(refused=str(error)), []
    said = [str(one.message) for one in caught]
    # Sections without length carry no membrane; we say which they are and leave them out.
    left_out = [line for line in said if "sections without length" in line]
    count = sum(line.split(", are left out")[0].count(",") for line in left_out)
    found = of_shape(shape)
    return Said(found.sections + count, found.area, found.soma), said


def _read(path: Path) -> Morphology:
    """Return a shape; of NeuroML what covers it is read too, and whether it can be is said."""
    if path.suffix != ".nml":
        return read_shape(path)
    shape = from_neuroml(path, membrane=False).morphology
    try:
        found = from_neuroml(path, celsius=37)
        warnings.warn(f"the membrane is read: {len(found.painted)} painted parts", stacklevel=2)
    except NeurosimError as error:
        warnings.warn(f"the membrane is refused: {error}", stacklevel=2)
    return shape


def of_shape(shape: Morphology) -> Said:
    """Return sections and areas of a shape."""
    soma = np.array([tag == "soma" for tag in shape.tags])
    areas = shape.areas_m2 * 1e12
    body = float(areas[soma].sum()) if soma.any() else None
    return Said(int((~soma).sum()), float(areas[~soma].sum()), body)


def by_morphio(path: Path) -> Said:
    """Return what MorphIO reads: of an outline it gives no area."""
    import morphio

    morphio.set_maximum_warnings(0)
    try:
        cell = morphio.Morphology(str(path))
        area = 0.0
        for section in cell.iter():
            points = np.asarray(section.points, dtype=float)
            area += frusta(points, np.asarray(section.diameters, dtype=float))
    except Exception as error:
        return Said(refused=" ".join(str(error).split()))
    return Said(len(cell.sections), area)


def frusta(points: np.ndarray, diameters: np.ndarray) -> float:
    """Return the lateral area of a chain of frusta."""
    r, steps = diameters / 2, np.linalg.norm(np.diff(points, axis=0), axis=1)
    return float(np.sum(np.pi * (r[1:] + r[:-1]) * np.hypot(steps, np.diff(r))))


def by_neuron(path: Path) -> Said:
    """Return what NEURON's Import3d reads, in a process of its own."""
    command = [sys.executable, __file__, "--neuron", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return Said(refused="no answer within a minute")
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return Said(**json.loads(line.removeprefix(MARK)))
    lines = (done.stdout + done.stderr).strip().splitlines()
    told = [line.strip() for line in lines if "error" in line.lower() or "line" in line.lower()]
    return Said(refused=(told or lines or ["ended"])[-1][:100])


def answer_of_neuron(path: str) -> None:
    """Read a file with NEURON and print what it is."""
    from neuron import h

    h.load_file("stdlib.hoc")
    h.load_file("import3d.hoc")
    reader = h.Import3d_Neurolucida3()
    reader.quiet = 1
    reader.input(path)
    h.Import3d_GUI(reader, False).instantiate(None)
    sections = list(h.allsec())
    bodies = [section for section in sections if section.name().startswith("soma")]
    rest = [section for section in sections if section not in bodies]

    def area(some: list[object]) -> float:
        return float(sum(segment.area() for section in some for segment in section))

    soma = area(bodies) if bodies else None
    if not sections:
        sys.exit("Import3d read no section")
    print(MARK, json.dumps({"sections": len(rest), "area": area(rest), "soma": soma}))


def by_libneuroml(path: Path, own: Said) -> Said:
    """Return the area that libNeuroML gives the segments of the first cell of a file.

    It has no sections and no soma apart; these are taken from what we read.
    """
    from neuroml.loaders import read_neuroml2_file

    try:
        document = read_neuroml2_file(str(path), include_includes=True)
        cells = [cell for cell in document.cells if cell.morphology is not None]
        if not cells:
            return Said(refused="no cell with a morphology in it")
        area = sum(cells[0].get_segment_surface_area(s.id) for s in cells[0].morphology.segments)
    except Exception as error:
        return Said(refused=" ".join(f"{type(error).__name__} {error}".split())[:100])
    return Said(own.sections, float(area) - (own.soma or 0.0), own.soma)


def files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, in order."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (".asc", ".h5", ".nml") and path.is_file():
            yield path


def judged(path: Path) -> tuple[Said, dict[str, Said], list[str]]:
    """Return what we read, what others read, and what was said."""
    own, said = ours(path)
    others: dict[str, Said] = {}
    if path.suffix.lower() != ".nml" and importlib.util.find_spec("morphio"):
        others["MorphIO"] = by_morphio(path)
    if path.suffix.lower() == ".asc" and importlib.util.find_spec("neuron"):
        others["NEURON"] = by_neuron(path)
    if path.suffix.lower() == ".nml" and importlib.util.find_spec("neuroml"):
        others["libNeuroML"] = by_libneuroml(path, own)
    return own, others, said


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--neuron", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--said", action="store_true", help="print what is said of each file too")
    given = parser.parse_args()
    if given.neuron:
        answer_of_neuron(str(given.folder))
        return
    counts = {"read as they do": 0, "read otherwise": 0, "read alone": 0, "refused": 0}
    for path in files(given.folder):
        own, others, said = judged(path)
        read = {name: one for name, one in others.items() if not one.refused}
        if own.refused:
            verdict = "refused"
        elif not read:
            verdict = "read alone"
        else:
            same = [name for name, one in read.items() if own.agrees(one)]
            verdict = "read as they do" if same else "read otherwise"
        counts[verdict] += 1
        print(f"{path.relative_to(given.folder)}: {verdict}\n    neurosim: {own}")
        for name, one in others.items():
            mark = "" if one.refused or own.refused or own.agrees(one) else "   <- differs"
            print(f"    {name}: {one}{mark}")
        if given.said:
            for line in said:
                print(f"    said: {line}")
    print("; ".join(f"{count} {what}" for what, count in counts.items()))


if __name__ == "__main__":
    main()
