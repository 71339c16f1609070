"""Mechanisms of a live NEURON cell as parts: NEURON's own, and those that were written by us."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
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
    """Return a mechanism that a MOD file of the user describes.

    This is the one place where a reader of MOD files is plugged in: it gets the name of the
    mechanism, the segments that have it, and the folder of MOD files.

    Raises
    ------
    ExchangeError
        Always, as long as there is no such reader.
    """
    where = f"; the folder {mod} is not read" if mod is not None else ""
    raise ExchangeError(
        f"from_neuron: the mechanism {suffix!r} on {segments[min(segments)].sec.name()} is neither "
        f"pas nor hh nor one that to_neuron wrote{where}. Take it out of the sections, or write it "
        "as a Channel and paint it"
    )


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
