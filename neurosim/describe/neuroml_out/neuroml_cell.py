"""A neuron as a cell of NeuroML 2: what both can say, and the names of what only we can."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Quantity
from brian2.units.constants import faraday_constant

from neurosim.atomic_write import write_text
from neurosim.channels.base import Channel, IonPool
from neurosim.channels.calcium_pool import CalciumPool
from neurosim.channels.neuroml_channel import NeuroMLChannel, NeuroMLPool
from neurosim.describe.neuroml_out.neuroml_gates import ion_channel
from neurosim.describe.neuroml_out.neuroml_shape import ShapeText, note, plain_id, shortest_region
from neurosim.describe.parts import Cable, Painted
from neurosim.describe.profiles import factors
from neurosim.errors import ExtraMissingError, ParameterError
from neurosim.morphology import (
    MorphologyWarning,
    root_site,
)

__all__ = ["write_neuroml"]

_HEAD = (
    '<neuroml xmlns="http://www.neuroml.org/schema/neuroml2"\n'
    '  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"\n'
    '  xsi:schemaLocation="http://www.neuroml.org/schema/neuroml2 '
    'https://raw.github.com/NeuroML/NeuroML2/development/Schemas/NeuroML2/NeuroML_v2.3.xsd"\n'
)
# The threshold of a neuron that has no detector.
_THRESHOLD = -0.02
# What the schema asks for where a cell says nothing of calcium outside.
_OUTSIDE_MM = 2.0


def write_neuroml(
    neuron: Any, path: str | PathLike[str], *, name: str, validate: bool
) -> list[str]:
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
        raise ParameterError(
            f"to_neuroml: the name of the file must end with .nml; got {path.name}"
        )
    written = _Cell(neuron, plain_id(name))
    text = written.text()
    write_text(path, text)
    for loss in written.losses:
        warnings.warn(f"to_neuroml: {loss}", MorphologyWarning, stacklevel=3)
    if validate:
        _validate(path)
    return written.losses


def _validate(path: Path) -> None:
    try:
        from neuroml.utils import validate_neuroml2
    except ImportError:
        raise ExtraMissingError.needed_for("to_neuroml(validate=True)", "neuroml") from None
    try:
        validate_neuroml2(str(path))
    except Exception as error:
        raise ParameterError(
            f"{path.name} does not follow the schema of NeuroML: {error}"
        ) from None


@dataclass
class _Cell(ShapeText):
    """Writes one neuron."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # By id: the channel as it is apart from g and E, with whether it follows Nernst; its lines.
        self.channels: dict[str, tuple[Any, list[str]]] = {}
        self.types: list[str] = []
        # Ids of densities that are taken.
        self.labels: set[str] = set()
        self.models: list[str] = []

    # ---- the file -------------------------------------------------------------------------------
    def text(self) -> str:
        if int((self.shape.parents < 0).sum()) > 1:
            raise ParameterError("to_neuroml: the shape has several roots, and a cell has one")
        tags = self.tag_groups()
        membrane, inside = self._covers()
        capacitance, resistivity = map(self._capacitance, ("specificCapacitance", "resistivity"))
        self._name_losses()
        neuron = self.neuron
        cell = [
            f'<cell id="{self.name}">',
            *self._notes(),
            f'  <morphology id="{self.name}_morphology">',
            *self.segments(),
            *self.cable_groups(),
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
            f"  {note('temperature', 'of the cell')}",
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
            lines.append(f"  {note('rule', said)}")
        else:
            self.losses.append(f"the rule {rule!r} that cuts the shape is not written")
        base = json.dumps([float(self.neuron.cable.C_m), float(self.neuron.cable.R_a)])
        lines.append(f"  {note('cable', base)}")
        if not self.neuron.detectors:
            lines.append(f"  {note('detector', 'none')}")
        return lines

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
                where = list(self.branches(painted.region.mask(self.cut), painted.label))
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
        whole = self.branches(painted.region.mask(self.cut), painted.label)
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
            group = self.group(self.branches(where, painted.label))
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
        name, number = plain_id(part.name), 1
        while name in self.channels and self.channels[name][0][0] != alike:
            number += 1
            name = f"{plain_id(part.name)}_{number}"
        if number > 1 and isinstance(part, NeuroMLChannel):
            raise ParameterError(
                f"to_neuroml: two channels of different equations are called {part.name!r}; name "
                "them apart"
            )
        if name not in self.channels:
            found = ion_channel(part, name, float(self.neuron.celsius), label)
            self.losses += found.losses
            species = f' species="{part.ion}"' if part.ion else ""
            kind = (
                "ionChannelHH"
                if any("<gate" in line for line in found.body)
                else ("ionChannelPassive" if float(part.q10_g) == 1 else "ionChannelHH")
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
        model = plain_id(part.name)
        if not any(f'id="{model}"' in line for line in self.models):
            rho = float(part.free) / (2 * float(faraday_constant) * float(part.depth))
            said = json.dumps({"depth": float(part.depth), "free": float(part.free)})
            self.models.append(
                f'<fixedFactorConcentrationModel id="{model}" ion="ca" '
                f'restingConc="{float(part.rest)!r}mM" decayConstant="{float(part.tau)!r}s" '
                f'rho="{rho!r}mol_per_m_per_A_per_s">{note("pool", said)}'
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
        group = self.group(self.branches(painted.region.mask(self.cut), painted.label))
        return (
            f'<species id="{plain_id(painted.label)}" ion="ca" concentrationModel="{model}" '
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
            f'<{tag} value="{value!r}{unit}" segmentGroup="{self.group(frozenset(where))}"/>'
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
            plain = detector.label == "detector_0" and repr(detector.site) == repr(root_site)
            if number or not at_root or not plain or detector.refractory:
                self.losses.append(
                    f"the detector {detector.label!r} is written as a threshold at the root, "
                    "without label and refractory period"
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
