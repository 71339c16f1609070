"""Fit files of the Allen Institute: what covers the sections of one cell, as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from neurosim.allen.errors import AllenError
from neurosim.errors import suggest

__all__ = ["SECTIONS", "AllenFit", "read_allen_fit"]

#: By the file's word for a kind of section, the tag of its branches here.
SECTIONS = {"soma": "soma", "axon": "axon", "dend": "basal", "apic": "apical"}
#: What each section needs: capacitance (uF/cm2), resistivity (ohm cm), leak (S/cm2, mV).
PASSIVE = ("cm", "Ra", "g_pas", "e_pas")
_LONGEST = 5_000_000


@dataclass(frozen=True)
class AllenFit:
    """What a fit file says, with the numbers and names of the file.

    Attributes
    ----------
    source : str
        Name of the file.
    kind : {"perisomatic", "all active"}
        Channels in the soma alone, or in all sections.
    celsius, v_init_mV : float
        Temperature, and the potential at which a run starts.
    passive : mapping of str to mapping of str to float
        By section, those of cm (uF/cm2), Ra (ohm cm), g_pas (S/cm2) and e_pas (mV) that are given.
    mechanisms : mapping of str to mapping
        By mechanism and section, its parameters in the units of its MOD file.
    reversal : mapping of str to mapping of str to float
        By section, ek and ena (mV).
    junction_potential_mV : float, optional
        What the Institute takes away from the potential of the model before it is compared with the
        recording, which was not corrected.
    """

    source: str
    kind: str
    celsius: float
    v_init_mV: float  # a unit is spelt as it is
    passive: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    mechanisms: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    reversal: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    junction_potential_mV: float | None = None


def read_allen_fit(path: str | Path) -> AllenFit:
    """Read a fit file, of a perisomatic or of an all-active model.

    Raises
    ------
    AllenError
        The file is no such JSON, or something in it has no meaning here; the message names it.
    """
    return _Reader(Path(path)).fit()


class _Reader:
    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            if path.stat().st_size > _LONGEST:
                self.fail(f"it is longer than {_LONGEST:,} bytes")
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            self.fail(f"it cannot be read ({error.strerror})")
        except UnicodeDecodeError:
            self.fail("it is no text in UTF-8")
        try:
            self.all = json.loads(text)
        except (ValueError, RecursionError) as error:
            self.fail(f"it is no JSON ({error})")

    def fail(self, why: str) -> NoReturn:
        raise AllenError(f"from_allen: {self.name}: {why}")

    def fit(self) -> AllenFit:
        needed = ("passive", "conditions", "genome")
        missing = [key for key in needed if not isinstance(self.all, dict) or key not in self.all]
        if missing:
            self.fail(
                "it is no fit file of the Allen Institute, which has passive, conditions and "
                f"genome: {' and '.join(missing)} not found"
            )
        # axon_morph says in NEURON's words which axon takes the place of the reconstructed one.
        self._only(self.all, (*needed, "fitting", "axon_morph"), "the file")
        kind, passive = self._passive()
        conditions = self._one("conditions")
        # The length and step of the Institute's own runs say nothing about the cell.
        self._only(conditions, ("celsius", "v_init", "erev", "dt", "tstop"), "conditions")
        mechanisms: dict[str, dict[str, dict[str, float]]] = {}
        for number, row in enumerate(self._list(self.all["genome"], "genome")):
            self._row(row, f"row {number} of genome", passive, mechanisms)
        junction = None
        if "fitting" in self.all:
            told = self._one("fitting").get("junction_potential")
            junction = None if told is None else self._number(told, "junction_potential")
        return AllenFit(
            source=self.name,
            kind=kind,
            celsius=self._number(conditions.get("celsius"), "celsius in conditions"),
            v_init_mV=self._number(conditions.get("v_init"), "v_init in conditions"),
            passive=passive,
            mechanisms=mechanisms,
            reversal=self._reversal(conditions),
            junction_potential_mV=junction,
        )

    # ---- blocks ---------------------------------------------------------------------------------
    def _passive(self) -> tuple[str, dict[str, dict[str, float]]]:
        told = self._one("passive")
        self._only(told, ("ra", "cm", "e_pas"), "passive")
        both = {"cm", "e_pas"} & set(told)
        if len(both) == 1:
            self.fail(
                f"passive gives {both.pop()} alone; a perisomatic model gives both cm and e_pas "
                "there, an all-active one neither"
            )
        found: dict[str, dict[str, float]] = {section: {} for section in SECTIONS}
        for values in found.values():
            values["Ra"] = self._number(told.get("ra"), "ra in passive")
        if not both:
            return "all active", found
        for values in found.values():
            values["e_pas"] = self._number(told["e_pas"], "e_pas in passive")
        for one in self._list(told["cm"], "cm in passive"):
            self._only(one, ("section", "cm"), "cm in passive")
            section = self._section(one, "cm in passive")
            found[section]["cm"] = self._number(one.get("cm"), f"cm of {section}")
        return "perisomatic", found

    def _row(
        self,
        row: Any,
        where: str,
        passive: dict[str, dict[str, float]],
        mechanisms: dict[str, dict[str, dict[str, float]]],
    ) -> None:
        self._only(row, ("section", "mechanism", "name", "value"), where)
        if row.get("section") == "glob":
            self.fail(
                f"{where} sets {row.get('name')!r} for all of NEURON (section glob), which no part "
                "of a cell can say; change it in the MOD file"
            )
        section = self._section(row, where)
        name, mechanism = row.get("name"), row.get("mechanism", "")
        if not isinstance(name, str) or not isinstance(mechanism, str):
            self.fail(f"{where}: name and mechanism are texts; got {name!r} and {mechanism!r}")
        value = self._number(row.get("value"), f"{name} of {section}")
        if mechanism in ("", "pas"):
            if name not in PASSIVE:
                self.fail(f"{where}: {name!r} without a mechanism; known are {', '.join(PASSIVE)}")
            passive[section][name] = value
            return
        ending = f"_{mechanism}"
        if not name.endswith(ending) or name == ending:
            self.fail(f"{where}: {name!r} is no parameter of {mechanism}; it ends in {ending}")
        there = mechanisms.setdefault(mechanism, {}).setdefault(section, {})
        there[name.removesuffix(ending)] = value

    def _reversal(self, conditions: Mapping[str, Any]) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        for one in self._list(conditions.get("erev", []), "erev in conditions"):
            self._only(one, ("section", "ek", "ena"), "erev in conditions")
            section = self._section(one, "erev in conditions")
            found[section] = {
                name: self._number(one[name], f"{name} of {section}")
                for name in ("ek", "ena")
                if name in one
            }
        return found

    # ---- values ---------------------------------------------------------------------------------
    def _one(self, key: str) -> Mapping[str, Any]:
        """Return a block, which the file holds as it is or as a list of one."""
        told = self.all[key]
        told = told[0] if isinstance(told, list) and len(told) == 1 else told
        if not isinstance(told, dict):
            self.fail(f"{key} holds one block of names and values; got {_short(told)}")
        return told

    def _list(self, told: Any, where: str) -> list[Any]:
        if not isinstance(told, list):
            self.fail(f"{where} is a list; got {_short(told)}")
        return told

    def _only(self, told: Any, known: tuple[str, ...], where: str) -> None:
        if not isinstance(told, dict):
            self.fail(f"{where} holds names and values; got {_short(told)}")
        for key in told:
            if key not in known:
                self.fail(f"{where} has {key!r}, whose meaning is not known: {suggest(key, known)}")

    def _section(self, told: Mapping[str, Any], where: str) -> str:
        section = told.get("section")
        if section not in SECTIONS:
            self.fail(f"{where}: section {section!r}: known are {', '.join(SECTIONS)}")
        return str(section)

    def _number(self, told: Any, what: str) -> float:
        # All-active files hold numbers as texts.
        try:
            value = math.nan if isinstance(told, bool) else float(told)
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            self.fail(f"{what} is a finite number; got {_short(told)}")
        return value


def _short(told: Any) -> str:
    text = "nothing" if told is None else repr(told)
    return text if len(text) <= 60 else f"{text[:57]}..."
