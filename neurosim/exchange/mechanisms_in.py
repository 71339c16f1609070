"""Mechanisms of a live NEURON cell as parts: NEURON's own, and those that were written by us."""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from brian2.core.namespace import DEFAULT_UNITS
from brian2.units import Quantity, cm, get_dimensions, mV, siemens

from neurosim.channels import HHPotassium, HHSodium, Leak
from neurosim.channels.base import Mechanism
from neurosim.exchange.errors import ExchangeError
from neurosim.exchange.mechanism_text import write_mechanism
from neurosim.exchange.nmodl_words import si_factor
from neurosim.ions import Calcium, Chloride, Potassium, Sodium

__all__ = [
    "Covering",
    "check_equations",
    "equations_digest",
    "from_mod_file",
    "kind_of",
    "known_parts",
    "parts_of",
    "read_density",
]

_G = siemens / cm**2
# What every section has, or what only holds what others write.
_IGNORED = {"morphology", "capacitance", "na_ion", "k_ion", "ca_ion", "cl_ion"}


@dataclass(frozen=True)
class Covering:
    """A part, where it is, and the values that differ there.

    Attributes
    ----------
    part : Mechanism
        With the values of the first compartment.
    compartments : ndarray of int, shape (n,)
        Where it is.
    values : dict of str to ndarray, each of shape (n,)
        Fields that differ, in SI units.
    """

    part: Mechanism
    compartments: np.ndarray
    values: dict[str, np.ndarray]


def known_parts() -> dict[str, type[Mechanism]]:
    """Return by their full names the kinds of parts that are imported."""
    import neurosim.catalogue.pumping_cell
    import neurosim.ions
    import neurosim.synapses  # noqa: F401  # So that their kinds are known.

    found: dict[str, type[Mechanism]] = {}
    waiting: list[type[Mechanism]] = [Mechanism]
    while waiting:
        kind = waiting.pop()
        found[f"{kind.__module__}.{kind.__qualname__}"] = kind
        waiting += kind.__subclasses__()
    return found


def parts_of(
    suffix: str, segments: Mapping[int, Any], content: Mapping[str, Any], mod: Path | None
) -> Iterator[Covering]:
    """Return what a density mechanism is here.

    Parameters
    ----------
    suffix : str
        Its name in NEURON.
    segments : mapping of int to Segment
        Where it is inserted, by compartment.
    content : mapping
        The numbers of an export (``cell.json``), empty for other cells.
    mod : Path, optional
        Folder with MOD files of other mechanisms.

    Raises
    ------
    ExchangeError
        It is none that can be read; the message says which.
    """
    if suffix in _IGNORED:
        return
    told = content.get("parts", {})
    if suffix in told:
        yield read_density(suffix, segments, told[suffix])
    elif suffix == "pas":
        yield _covering(Leak, "leak", segments, {"g": ("pas.g", _G), "E": ("pas.e", mV)})
    elif suffix == "hh":
        yield _covering(HHSodium, "hh_sodium", segments, {"g": ("hh.gnabar", _G), "E": ("ena", mV)})
        yield _covering(
            HHPotassium, "hh_potassium", segments, {"g": ("hh.gkbar", _G), "E": ("ek", mV)}
        )
        yield _covering(Leak, "hh_leak", segments, {"g": ("hh.gl", _G), "E": ("hh.el", mV)})
    else:
        yield from from_mod_file(suffix, segments, mod)


def from_mod_file(suffix: str, segments: Mapping[int, Any], mod: Path | None) -> Iterator[Covering]:
    """Return a mechanism that a MOD file of the user describes, with the values it has now.

    Raises
    ------
    ExchangeError
        There is no such file, or nothing that reads it.
    """
    where = f"the mechanism {suffix!r} on {segments[min(segments)].sec.name()}"
    path = None if mod is None else _file_of(suffix, mod)
    if path is None:
        found = "give mod=, the folder of its MOD file" if mod is None else f"none is in {mod}"
        raise ExchangeError(
            f"from_neuron: {where} is neither pas nor hh nor one that to_neuron wrote, and needs "
            f"its MOD file: {found}; or take it out of the sections, and paint a Channel"
        )
    try:
        reader: Any = importlib.import_module("neurosim.mod")
    except ImportError:
        raise ExchangeError(
            f"from_neuron: {where} comes from {path.name}, and this version reads no MOD files; "
            "write it as a Channel, and paint it"
        ) from None
    told, kind = reader.read_part(path), reader.from_mod(path)
    names = {field: name for name, field in told.names.items()}
    values, like = {}, {}
    for one in told.fields:
        unit = _unit(one.unit)
        there = [
            _live(s, suffix, names.get(one.name, one.name), one.value) for s in segments.values()
        ]
        values[one.name] = _clean(np.array(there) * float(np.asarray(unit)))
        like[one.name] = unit
    yield _build(kind, suffix, segments, values, {}, like)


def _file_of(suffix: str, folder: Path) -> Path | None:
    """Return the MOD file of a mechanism, None where there is none."""
    wanted = re.compile(rf"\b(?:SUFFIX|POINT_PROCESS)\s+{re.escape(suffix)}\b")
    files = sorted(folder.glob("*.mod"))
    return next((f for f in files if wanted.search(f.read_text(errors="replace"))), None)


def _live(segment: Any, suffix: str, name: str, otherwise: float) -> float:
    """Return a parameter of a mechanism: its own, that of the segment, or one of all segments."""
    from neuron import h

    for holder, called in (
        (getattr(segment, suffix), name),
        (segment, name),
        (h, f"{name}_{suffix}"),
    ):
        if hasattr(holder, called):
            return float(getattr(holder, called))
    return otherwise


def _unit(text: str) -> Quantity:
    """Return a unit of the form "siemens/cm**2", 1 for none."""
    found, over = Quantity(1.0), False
    for sign, name, power in re.findall(r"(/|\*(?!\*))?([A-Za-z]+|1)(?:\*\*(\d))?", text):
        over = over or sign == "/"
        if name != "1":
            unit = DEFAULT_UNITS[name] ** int(power or 1)
            found = found / unit if over else found * unit
    return Quantity(found)


def _covering(
    kind: type[Mechanism],
    name: str,
    segments: Mapping[int, Any],
    fields: Mapping[str, tuple[str, Quantity]],
) -> Covering:
    values = {}
    for field, (path, unit) in fields.items():
        numbers = [_read(segment, path) for segment in segments.values()]
        values[field] = _clean(np.array(numbers) * float(np.asarray(unit)))
    return _build(kind, name, segments, values, {}, {f: u for f, (_, u) in fields.items()})


def _read(segment: Any, path: str) -> float:
    for name in path.split("."):
        segment = getattr(segment, name)
    return float(segment)


def _build(
    kind: type[Mechanism],
    name: str,
    segments: Mapping[int, Any],
    values: Mapping[str, np.ndarray],
    fixed: Mapping[str, Any],
    like: Mapping[str, Quantity],
) -> Covering:
    first = {f: Quantity(x[0], dim=get_dimensions(like[f])) for f, x in values.items()}
    part = kind(**first, **fixed, name=name)
    differing = {f: x for f, x in values.items() if np.any(x != x[0])}
    return Covering(part, np.array(list(segments), dtype=int), differing)


def read_density(suffix: str, segments: Mapping[int, Any], told: Mapping[str, Any]) -> Covering:
    """Return a mechanism that `to_neuron` wrote, with the values that the segments have now.

    Raises
    ------
    ExchangeError
        The kind of part is not known here, or its equations have changed since.
    """
    kind, fixed = kind_of(suffix, told)
    scale = told["scale"]
    here = {
        number: segment
        for number, segment in segments.items()
        if not scale or getattr(getattr(segment, suffix), scale) != 0
    }
    fields = kind.quantity_fields()
    like = {f: fields[f].metadata["unit"] for f in told["parameters"] if f in fields}
    names = told["parameters"]
    values = {
        field: _clean(
            si_factor(unit)
            * np.array([_read(segment, f"{suffix}.{names[field]}") for segment in here.values()])
        )
        for field, unit in like.items()
    }  # fmt: skip
    found = _build(kind, told["name"], here, values, fixed, like)
    check_equations(found.part, suffix, told)
    return found


def kind_of(suffix: str, told: Mapping[str, Any]) -> tuple[type[Mechanism], dict[str, Any]]:
    """Return the kind of a part that `to_neuron` wrote, and its fields that NEURON does not have.

    Raises
    ------
    ExchangeError
        No kind of that name is imported: nothing is imported because a file says so.
    """
    kind = known_parts().get(told["kind"])
    if kind is None:
        raise ExchangeError(
            f"from_neuron: {suffix!r} was made from {told['kind']}, which is not imported here; "
            "import the module that defines it first"
        )
    fields = kind.quantity_fields()
    fixed: dict[str, Any] = dict(told["plain"])
    for name, value in told["fixed"].items():
        fixed[name] = Quantity(value, dim=get_dimensions(fields[name].metadata["unit"]))
    return kind, fixed


def check_equations(part: Mechanism, suffix: str, told: Mapping[str, Any]) -> None:
    """Refuse a part whose equations are no longer those that were written.

    Raises
    ------
    ExchangeError
        They are others.
    """
    holders = {"na": Sodium, "k": Potassium, "ca": Calcium, "cl": Chloride}
    held = {ion: holders[ion]() for ion in told["held"]}
    if equations_digest(write_mechanism(part, suffix, held).text) != told["equations_sha256"]:
        raise ExchangeError(
            f"from_neuron: {type(part).__name__} has other equations here than when {suffix!r} was "
            "written; write the neuron anew with to_neuron"
        )


def equations_digest(text: str) -> str:
    """Return what two MOD texts share if they differ at most in the values of parameters."""
    plain = re.sub(r"PARAMETER \{.*?\n\}", "", text, flags=re.DOTALL)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _clean(values: np.ndarray) -> np.ndarray:
    """Return numbers without the rounding of a change of units."""
    near = np.array([float(f"{x:.15g}") for x in values.ravel()]).reshape(values.shape)
    return np.where(np.abs(near - values) <= 4e-16 * np.abs(values), near, values)
