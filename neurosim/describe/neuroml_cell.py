"""A neuron as a cell of NeuroML 2: what both can say, and the names of what only we can."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from brian2.units import Quantity
from brian2.units.constants import faraday_constant

from neurosim.atomic_write import write_text
from neurosim.channels.base import Channel, IonPool
from neurosim.channels.calcium_pool import CalciumPool
from neurosim.channels.neuroml_channel import NeuroMLChannel, NeuroMLPool
from neurosim.describe.neuroml_gates import ion_channel
from neurosim.describe.parts import Cable, Painted
from neurosim.describe.profiles import factors
from neurosim.errors import ExtraMissingError, ParameterError
from neurosim.morphology import (
    Morphology,
    MorphologyWarning,
    Region,
    branch,
    everywhere,
    root_site,
    tagged,
)
from neurosim.morphology.regions import FAMILIES

__all__ = ["shortest_region", "write_neuroml"]

_HEAD = (
    '<neuroml xmlns="http://www.neuroml.org/schema/neuroml2"\n'
    '  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"\n'
    '  xsi:schemaLocation="http://www.neuroml.org/schema/neuroml2 '
    'https://raw.github.com/NeuroML/NeuroML2/development/Schemas/NeuroML2/NeuroML_v2.3.xsd"\n'
)
_CABLE = "sao864921383"
_PLACES = {"soma": "GO:0043025", "axon": "GO:0030424", "dendrite": "GO:0030425"}
# The threshold of a neuron that has no detector.
_THRESHOLD = -0.02
# What the schema asks for where a cell says nothing of calcium outside.
_OUTSIDE_MM = 2.0


def write_neuroml(neuron: Any, path: str | PathLike[str], *, name: str, validate: bool) -> list[str]:
    """Write a neuron into a file; return what is not the same in it.

    Parameters
    ----------
    neuron : Neuron
        The neuron.
    path : path
        The file.
    name : str
        Id of the cell.
    validate : bool
        Whether libNeuroML is asked if the file follows the schema.

    Raises
    ------
    ParameterError
        A part cannot be said in NeuroML.
    """
    path = Path(path)
    if path.suffix.lower() != ".nml":
        raise ParameterError(f"to_neuroml: the name of the file must end with .nml; got {path.name}")
    written = _Cell(neuron, _id(name))
    text = written.text()
    write_text(path, text)
    for loss in written.losses:
        warnings.warn(f"to_neuroml: {loss}", MorphologyWarning, stacklevel=3)
    if validate:
        _validate(path)
    return written.losses


def shortest_region(shape: Morphology, branches: frozenset[int]) -> Region:
    """Return branches of a shape as a region, in the shortest words."""
    if len(branches) == len(shape):
        return everywhere
    of_tag: dict[str, set[int]] = {}
    for k, tag in enumerate(shape.tags):
        of_tag.setdefault(tag, set()).add(k)
    for tag, family in FAMILIES.items():
        if set().union(*(of_tag.get(one, set()) for one in family)) == branches:
            return tagged(tag)
    # A word that stands for others too is no name of its own branches alone.
    alone = [tag for tag in of_tag if tag not in FAMILIES or set(FAMILIES[tag]) & set(of_tag) == {tag}]
    inside = [tag for tag in alone if of_tag[tag] <= branches]
    if sum(len(of_tag[tag]) for tag in inside) == len(branches):
        return tagged(*inside)
    return branch(*(shape.names[k] for k in sorted(branches)))


def _validate(path: Path) -> None:
    try:
        from neuroml.utils import validate_neuroml2
    except ImportError:
        raise ExtraMissingError.needed_for("to_neuroml(validate=True)", "neuroml") from None
    try:
        validate_neuroml2(str(path))
    except Exception as error:
        raise ParameterError(f"{path.name} does not follow the schema of NeuroML: {error}") from None


def _id(name: str) -> str:
    """Return a name as NeuroML allows them: letters, digits and underscores."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"


def _note(tag: str, value: str) -> str:
    return f'<property tag="neurosim.{tag}" value={quoteattr(value)}/>'


def _micrometres(metres: np.ndarray) -> np.ndarray:
    """Return lengths in um that, read and turned into metre, are the same to the last bit."""
    found = metres * 1e6
    for step in (-1, 1, -2, 2):
        wrong = found * 1e-6 != metres
        near = metres * 1e6
        for _ in range(abs(step)):
            near = np.nextafter(near, np.inf * step)
        found = np.where(wrong & (near * 1e-6 == metres), near, found)
    return np.asarray(found)


@dataclass
class _Cell:
    """Writes one neuron."""

    neuron: Any
    name: str
    losses: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shape = self.neuron.morphology
        self.cut = self.neuron.compartments
        taken: set[str] = {"all"}
        self.cables = []
        for branch in self.shape.names:
            cable = _id(branch)
            while cable in taken or cable.endswith("_group"):
                cable += "_"
            taken.add(cable)
            self.cables.append(cable)
        self.taken = taken
        self.extra: list[str] = []
        self.groups: dict[frozenset[int], str] = {frozenset(range(len(self.shape))): "all"}
        self.channels: dict[str, tuple[Any, list[str]]] = {}
        self.types: list[str] = []
        # Ids of densities that are taken.
        self.labels: set[str] = set()
        self.models: list[str] = []
        self.species: list[str] = []

    # ---- the file -------------------------------------------------------------------------------
    def text(self) -> str:
        if int((self.shape.parents < 0).sum()) > 1:
            raise ParameterError("to_neuroml: the shape has several roots, and a cell has one")
        tags = self._tag_groups()
        membrane, inside = self._covers()
        capacitance, resistivity = map(self._capacitance, ("specificCapacitance", "resistivity"))
        self._name_losses()
        neuron = self.neuron
        cell = [
            f'<cell id="{self.name}">',
            *self._notes(),
            f'  <morphology id="{self.name}_morphology">',
            *self._segments(),
            *self._cable_groups(),
            *tags,
            *self.extra,
            "  </morphology>",
            f'  <biophysicalProperties id="{self.name}_biophysics">',
            "    <membraneProperties>",
            *(f"      {line}" for line in membrane),
            f'      <spikeThresh value="{self._threshold()!r}V"/>',
            *(f"      {line}" for line in capacitance),
            f'      <initMembPotential value="{float(neuron.rest)!r}V"/>',
            "    </membraneProperties>",
            "    <intracellularProperties>",
            *(f"      {line}" for line in inside),
            *(f"      {line}" for line in resistivity),
            "    </intracellularProperties>",
            "  </biophysicalProperties>",
            "</cell>",
        ]
        channels = [line for _, lines in self.channels.values() for line in lines]
        network = [
            f'<network id="{self.name}_network" type="networkWithTemperature" '
            f'temperature="{float(neuron.celsius)!r}degC">',
            f"  {_note('temperature', 'of the cell')}",
            f'  <population id="{self.name}_one" component="{self.name}" size="1"/>',
            "</network>",
        ]
        parts = [*channels, *self.models, *cell, *network, *self.types]
        return "\n".join(
            ['<?xml version="1.0" encoding="UTF-8"?>', f'{_HEAD}  id="{self.name}_file">', *parts,
             "</neuroml>", ""]
        )  # fmt: skip

    def _notes(self) -> list[str]:
        """Return what a neuron says and a cell does not, as properties that others skip."""
        rule = self.neuron.rule
        lines = []
        kinds = ("DLambda", "MaxLength", "PerBranch")
        if type(rule).__name__ in kinds:
            values: dict[str, object] = {}
            for one in fields(rule):
                value = getattr(rule, one.name)
                values[one.name] = float(value) if "unit" in one.metadata else value
            said = json.dumps({"kind": type(rule).__name__, "values": values})
            lines.append(f"  {_note('rule', said)}")
        else:
            self.losses.append(f"the rule {rule!r} that cuts the shape is not written")
        if not self.neuron.detectors:
            lines.append(f"  {_note('detector', 'none')}")
        return lines

    # ---- the shape ------------------------------------------------------------------------------
    def _segments(self) -> Iterable[str]:
        shape = self.shape
        points, wide = _micrometres(shape.points_m), _micrometres(shape.diameters_m)
        steps = np.zeros(len(points), dtype=bool)
        steps[1:] = np.all(points[1:] == points[:-1], axis=1)
        steps[shape.offsets[:-1]] = False
        if steps.any():
            self.losses.append(
                f"{int(steps.sum())} steps in diameter at one place carry no membrane, and part "
                "their branch"
            )
        # By branch, segments: number and point at their end.
        self.numbers: list[list[tuple[int, int]]] = []
        lines: list[str] = []
        count = 0
        for k, name in enumerate(self.cables):
            own: list[tuple[int, int]] = []
            first, last = int(shape.offsets[k]), int(shape.offsets[k + 1])
            for point in range(first + 1, last):
                if steps[point]:
                    continue
                above = self._parent(k) if not own else f'<parent segment="{count - 1}"/>'
                fresh = not own or steps[point - 1]
                inside = [above] if above else []
                if fresh:
                    inside.append(_at("proximal", points[point - 1], wide[point - 1]))
                inside.append(_at("distal", points[point], wide[point]))
                lines.append(
                    f'    <segment id="{count}" name="{name}_{len(own)}">{"".join(inside)}</segment>'
                )
                own.append((count, point))
                count += 1
            self.numbers.append(own)
        return lines

    def _parent(self, k: int) -> str:
        """Return the parent of a branch: a segment, and where on it."""
        shape = self.shape
        parent = int(shape.parents[k])
        if parent < 0:
            return ""
        attach = float(shape.attach[k])
        own = self.numbers[parent]
        if attach == 1:
            return f'<parent segment="{own[-1][0]}"/>'
        along = shape.along_m[shape.offsets[parent] : shape.offsets[parent + 1]]
        way = attach * float(along[-1])
        first = int(shape.offsets[parent])
        for number, point in own:
            end = float(along[point - first])
            if way <= end:
                start = float(along[point - 1 - first])
                part = min(max((way - start) / (end - start), 0.0), 1.0)
                return f'<parent segment="{number}" fractionAlong="{part!r}"/>'
        return f'<parent segment="{own[-1][0]}"/>'

    def _cable_groups(self) -> Iterable[str]:
        for name, branch, own in zip(self.cables, self.shape.names, self.numbers, strict=True):
            note = _note("name", branch) if branch != name else ""
            members = "".join(f'<member segment="{number}"/>' for number, _ in own)
            yield f'    <segmentGroup id="{name}" neuroLexId="{_CABLE}">{note}{members}</segmentGroup>'
        inside = "".join(f'<include segmentGroup="{name}"/>' for name in self.cables)
        yield f'    <segmentGroup id="all">{inside}</segmentGroup>'

    def _tag_groups(self) -> list[str]:
        tags = self.shape.tags
        lines = []
        for tag in dict.fromkeys([*tags, *(["dendrite"] if {"basal", "apical"} & set(tags) else [])]):
            family = FAMILIES.get(tag, (tag,))
            own = frozenset(k for k, one in enumerate(tags) if one in family)
            group = f"{_id(tag)}_group"
            self.taken.add(group)
            if own not in self.groups or self.groups[own] != "all":
                self.groups.setdefault(own, group)
            lexicon = f' neuroLexId="{_PLACES[tag]}"' if tag in _PLACES else ""
            inside = "".join(f'<include segmentGroup="{self.cables[k]}"/>' for k in sorted(own))
            lines.append(
                f'    <segmentGroup id="{group}"{lexicon}>{_note("tag", tag)}{inside}</segmentGroup>'
            )
        return lines

    def _group(self, branches: frozenset[int]) -> str:
        """Return the name of a group of branches, made where there is none."""
        if branches not in self.groups:
            if len(branches) == 1:
                return self.cables[min(branches)]
            name = f"region_{len(self.extra)}"
            while name in self.taken:
                name += "_"
            self.taken.add(name)
            self.groups[branches] = name
            inside = "".join(f'<include segmentGroup="{self.cables[k]}"/>' for k in sorted(branches))
            self.extra.append(f'    <segmentGroup id="{name}">{inside}</segmentGroup>')
        return self.groups[branches]

    def _branches(self, mask: np.ndarray, label: str) -> frozenset[int]:
        """Return the branches of a mask of compartments, which must be whole."""
        owner = self.cut.branch
        whole = np.unique(owner[mask])
        if mask.sum() != np.isin(owner, whole).sum():
            raise ParameterError(
                f"to_neuroml: {label!r} covers part of a branch, and NeuroML covers segments; paint "
                "whole branches"
            )
        return frozenset(whole.tolist())

    # ---- what covers it -------------------------------------------------------------------------
    def _covers(self) -> tuple[list[str], list[str]]:
        """Return the lines of the membrane and of the inside; keep cables for `_capacitance`."""
        neuron, count = self.neuron, len(self.shape)
        self.values = {
            "specificCapacitance": np.full(count, float(neuron.cable.C_m)),
            "resistivity": np.full(count, float(neuron.cable.R_a)),
        }
        densities: dict[bool, list[str]] = {False: [], True: []}
        inside: list[str] = []
        for painted in neuron.painted:
            part = painted.part
            if isinstance(part, Cable):
                where = list(self._branches(painted.region.mask(self.cut), painted.label))
                if painted.values:
                    raise ParameterError(
                        f"to_neuroml: {painted.label!r} varies along the neuron (values=...), "
                        "which is not written"
                    )
                self.values["specificCapacitance"][where] = float(part.C_m)
                self.values["resistivity"][where] = float(part.R_a)
            elif isinstance(part, Channel):
                nernst, lines = self._densities(painted)
                densities[nernst] += lines
            elif isinstance(part, CalciumPool):
                inside.append(self._pool(painted))
            else:
                kind = "pool" if isinstance(part, IonPool) else "part"
                raise ParameterError(
                    f"to_neuroml: the {kind} {painted.label!r} ({type(part).__name__}) has no word "
                    "in NeuroML"
                )
            if painted.scale is None:
                self._check_region(painted)
        order = [_rank(painted.part) for painted in neuron.painted]
        if order != sorted(order):
            self.losses.append("parts are read back in another order: cables, channels, pools")
        return [*densities[False], *densities[True]], inside

    def _check_region(self, painted: Painted) -> None:
        whole = self._branches(painted.region.mask(self.cut), painted.label)
        again = shortest_region(self.shape, whole)
        if repr(again) != repr(painted.region):
            self.losses.append(
                f"the region of {painted.label!r}, {painted.region!r}, is read back as {again!r}"
            )

    def _densities(self, painted: Painted) -> tuple[bool, list[str]]:
        """Return whether a channel follows Nernst's potential, and its densities."""
        part = painted.part
        assert isinstance(part, Channel)
        if painted.values:
            raise ParameterError(
                f"to_neuroml: {painted.label!r} varies along the neuron (values=...), which is not "
                "written"
            )
        channel, nernst = self._ion_channel(part, painted.label)
        mask = painted.region.mask(self.cut)
        scale = factors(painted, self.cut)
        wheres = {1.0: mask}
        if scale is not None:
            wheres = {}
            covered = np.flatnonzero(mask)
            for value in np.unique(scale):
                own = np.zeros(len(mask), dtype=bool)
                own[covered[scale == value]] = True
                wheres[float(value)] = own
            self.losses.append(
                f"the scale of {painted.label!r} is written as {len(wheres)} densities"
            )
        ion = part.ion or "non_specific"
        lines = []
        for number, (value, where) in enumerate(wheres.items()):
            group = self._group(self._branches(where, painted.label))
            label = painted.label if len(wheres) == 1 else f"{painted.label}_{number}"
            count = 1
            while label in self.labels:
                count += 1
                label = f"{painted.label}_{count}"
            self.labels.add(label)
            density = float(part.g) * value  # type: ignore[attr-defined]
            kind = "channelDensityNernst" if nernst else "channelDensity"
            erev = "" if nernst else f' erev="{float(part.E)!r}V"'  # type: ignore[attr-defined]
            lines.append(
                f'<{kind} id="{label}" ionChannel="{channel}" condDensity="{density!r}S_per_m2"'
                f'{erev} segmentGroup="{group}" ion="{ion}"/>'
            )
        return nernst, lines

    def _ion_channel(self, part: Channel, label: str) -> tuple[str, bool]:
        """Return the id of an ion channel, written once for all densities that share it."""
        plain = {name: 0.0 for name in ("g", "E") if name in part.quantity_fields()}
        alike = part.replace(
            **{n: Quantity(v, dim=Quantity(getattr(part, n)).dim) for n, v in plain.items()}
        )
        name, number = _id(part.name), 1
        while name in self.channels and self.channels[name][0][0] != alike:
            number += 1
            name = f"{_id(part.name)}_{number}"
        if number > 1 and isinstance(part, NeuroMLChannel):
            raise ParameterError(
                f"to_neuroml: two channels of different equations are called {part.name!r}; name "
                "them apart"
            )
        if name not in self.channels:
            found = ion_channel(part, name, float(self.neuron.celsius), label)
            self.losses += found.losses
            species = f' species="{part.ion}"' if part.ion else ""
            kind = "ionChannelHH" if any("<gate" in line for line in found.body) else (
                "ionChannelPassive" if float(part.q10_g) == 1 else "ionChannelHH"
            )
            lines = [
                f'<ionChannel id="{name}" type="{kind}" conductance="10pS"{species}>',
                *(f"  {line}" for line in found.body),
                "</ionChannel>",
            ]
            self.types += found.types
            self.channels[name] = ((alike, found.nernst), lines)
        return name, self.channels[name][0][1]

    def _pool(self, painted: Painted) -> str:
        part = painted.part
        assert isinstance(part, CalciumPool)
        if painted.values or float(part.diffusion):
            what = "varies along the neuron" if painted.values else "diffuses along the cell"
            raise ParameterError(f"to_neuroml: {painted.label!r} {what}, which is not written")
        model = _id(part.name)
        if not any(f'id="{model}"' in line for line in self.models):
            rho = float(part.free) / (2 * float(faraday_constant) * float(part.depth))
            note = json.dumps({"depth": float(part.depth), "free": float(part.free)})
            self.models.append(
                f'<fixedFactorConcentrationModel id="{model}" ion="ca" '
                f'restingConc="{float(part.rest)!r}mM" decayConstant="{float(part.tau)!r}s" '
                f'rho="{rho!r}mol_per_m_per_A_per_s">{_note("pool", note)}'
                "</fixedFactorConcentrationModel>"
            )
        else:
            raise ParameterError(f"to_neuroml: two pools are called {model!r}; name them apart")
        start = part.start if isinstance(part, NeuroMLPool) else part.rest
        outside = {
            float(p.part.ion_o) for p in self.neuron.painted
            if isinstance(p.part, NeuroMLChannel) and "E_now" in p.part.current
        } or {_OUTSIDE_MM}  # fmt: skip
        if len(outside) > 1:
            raise ParameterError(
                "to_neuroml: channels have different concentrations of calcium outside"
            )
        group = self._group(self._branches(painted.region.mask(self.cut), painted.label))
        return (
            f'<species id="{_id(painted.label)}" ion="ca" concentrationModel="{model}" '
            f'initialConcentration="{float(start)!r}mM" '
            f'initialExtConcentration="{outside.pop()!r}mM" segmentGroup="{group}"/>'
        )

    def _capacitance(self, tag: str) -> list[str]:
        """Return the lines of specific capacitance or of resistivity."""
        unit = {"specificCapacitance": "F_per_m2", "resistivity": "ohm_m"}[tag]
        kinds: dict[float, set[int]] = {}
        for k, value in enumerate(self.values[tag].tolist()):
            kinds.setdefault(value, set()).add(k)
        return [
            f'<{tag} value="{value!r}{unit}" segmentGroup="{self._group(frozenset(where))}"/>'
            for value, where in kinds.items()
        ]

    # ---- what is left out -----------------------------------------------------------------------
    def _threshold(self) -> float:
        return float(self.neuron.detectors[0].threshold) if self.neuron.detectors else _THRESHOLD

    def _name_losses(self) -> None:
        neuron = self.neuron
        if neuron.placed:
            labels = ", ".join(placed.label for placed in neuron.placed[:5])
            self.losses.append(f"{len(neuron.placed)} electrodes and receptors ({labels}) are not "
                               "written: a cell has none")  # fmt: skip
        if neuron.probed:
            self.losses.append(f"{len(neuron.probed)} probes are not written: a cell has none")
        root = root_site.compartments(self.cut)
        for number, detector in enumerate(neuron.detectors):
            at_root = np.array_equal(detector.site.compartments(self.cut), root)
            if number or not at_root or detector.refractory:
                self.losses.append(
                    f"the detector {detector.label!r} is written as a threshold at the root only, "
                    "without a refractory period"
                    if not number
                    else f"the detector {detector.label!r} is not written: a cell has one threshold"
                )
        if neuron.initial is not None:
            self.losses.append("the state at the start is not written; the cell starts at rest")


def _rank(part: object) -> int:
    """Return where a part stands in the order of reading."""
    if isinstance(part, Channel):
        return 2 if isinstance(part, NeuroMLChannel) and "E_now" in part.current else 1
    return 0 if isinstance(part, Cable) else 3


def _at(tag: str, point: np.ndarray, diameter: float) -> str:
    x, y, z = point.tolist()
    return f'<{tag} x="{x!r}" y="{y!r}" z="{z!r}" diameter="{float(diameter)!r}"/>'

