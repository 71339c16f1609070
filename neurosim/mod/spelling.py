"""How the names of a MOD file are spelt here: fields, states, expressions, and their units."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from math import isfinite
from types import MappingProxyType
from typing import NoReturn

from brian2.core.functions import DEFAULT_FUNCTIONS

from neurosim.channels.base import IONS, SHARED, Channel, IonPool
from neurosim.equations.evaluate import known_words
from neurosim.errors import ModError
from neurosim.mod.formulas import Flows, HistoryError
from neurosim.mod.part import Field
from neurosim.mod.reading.tree import Declared, ModFile
from neurosim.mod.terms import Term, divides_by_zero, number, symbols, written
from neurosim.mod.units import constant_value, spelling
from neurosim.synapses.base import Receptor

__all__ = ["DENSITY", "INSIDE", "OUTSIDE", "Speller"]

# What NEURON takes where nothing else is said: reversal potentials (mV) and concentrations (mM).
REVERSAL = {"na": 50.0, "k": -77.0, "ca": 132.4579341637009, "cl": 0.0}
OUTSIDE = {"na": 140.0, "k": 2.5, "ca": 2.0, "cl": 1.0}
INSIDE = {"na": 10.0, "k": 54.4, "ca": 5e-5, "cl": 1.0}
DENSITY = "(mA/cm**2)"
_RESERVED = {
    *("v", "t", "dt", "i", "j", "N", "xi", "e", "pi", "inf", "weight", "name", "current", "rate"),
    *("celsius", "RT_F", "F", "phi", "area", "C_m", "implicit_dt", "v_mV", "E", "outside", "start"),
    *("lastspike", "not_refractory", "refractory", "t_in_timesteps", "E_na", "E_k", "E_ca", "E_cl"),
    *("amp", "ion_current"),
}


class Speller:
    """Writes formulas of a file as equations, each name once.

    Attributes
    ----------
    of_ions : dict of str to (str, str)
        By variable that is read of an ion: the ion, and "E", "i", "o" or "current".
    fields : dict of str to Field
        Parameters of the part.
    reads : list of str
        What the part reads of its place.
    follows : dict of str to str
        By field, what takes its place where an ion is held.
    spelt : dict of str to str
        How each symbol of the formulas is written.
    names : dict of str to str
        By name in the file, the name here.
    lines : list of str
        Equations so far.
    frozen : mapping of str to str
        Parameters that are numbers here, and their values.
    pool_state : str
        The state that is the concentration which the part holds, "" for none.
    """

    flows: Flows
    frozen: Mapping[str, str] = MappingProxyType({})

    def __init__(self, file: ModFile, path: str) -> None:
        self.file, self.path = file, path
        self.of_ions: dict[str, tuple[str, str]] = {}
        self.fields: dict[str, Field] = {}
        self.reads: list[str] = []
        self.follows: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.taken: set[str] = set()
        self.spelt: dict[str, str] = {}
        self.lines: list[str] = []
        self.notes: list[str] = []
        self.pool_state = ""

    def fail(self, line: int, construct: str, reason: str) -> NoReturn:
        """Refuse the file."""
        raise ModError(self.path, line, construct, reason)

    def _refuse_history(self, variable: str) -> NoReturn:
        raise HistoryError(
            self.path,
            self.flows.lines.get(variable, self.file.line),
            variable,
            "it depends on its own earlier value; only states may have a history",
        )

    def _plain(self, term: Term) -> Term:
        while term.head == "symbol" and term.text in self.flows.definitions:
            term = self.flows.definitions[term.text]
        return term

    def _prepare(self, outputs: list[Term], ion: str | None) -> None:
        """Decide how each symbol is spelt."""
        flows, file = self.flows, self.file
        used: set[str] = set()
        for term in outputs:
            used |= flows.depends(term)
        self.spelt.setdefault("v", "v_mV")
        if "v" in used:
            self.lines.append("v_mV = v/mV : 1")
        self.spelt["celsius"] = "celsius"
        if "diam" in used:
            self.reads.append("radius")
            self.spelt["diam"] = "(2*radius/um)"
        for name in ("area", "t", "usetable"):
            if name in used:
                why = {"t": "time", "area": "the area of a compartment"}.get(name, name)
                self.fail(self._first_use(name), name, f"the mechanism depends on {why}")
        for name, (of, what) in self.of_ions.items():
            if name in used:
                self._spell_ion(name, of, what, ion)
        # States keep their names before all else, then fields, then expressions.
        for state in sorted(flows.rates):
            if state != self.pool_state:
                own = self._free_name(state.replace("[", "_").strip("]"))
                self.names[state] = self.spelt[state] = own
        for name in sorted(used, key=self._order):
            if name in file.parameters and name not in self.spelt:
                self._add_field(file.parameters[name])
            elif name in flows.unset and name not in self.spelt:
                self._add_field(file.assigned[name])
            elif name in file.constants and name not in self.spelt:
                self._add_constant(name, file.constants[name])
            elif name in file.units and name not in self.spelt:
                self._add_unit(name)
        unused = [n for n in file.parameters if n not in self.spelt and n not in self.of_ions]
        unused = [n for n in unused if n not in ("dt", "t", "v", "celsius", *self.frozen)]
        if unused:
            self.notes.append(f"No equation uses {', '.join(unused)} of the file.")

    def _order(self, name: str) -> tuple[int, str]:
        declared = self.file.parameters.get(name)
        return (declared.line if declared is not None else 0, name)

    def _first_use(self, name: str) -> int:
        for flow_name, line in self.flows.lines.items():
            term = self.flows.values.get(flow_name)
            if term is not None and name in self.flows.depends(term):
                return line
        return self.file.line

    def _spell_ion(self, name: str, ion: str, what: str, own: str | None) -> None:
        declared = self.file.parameters.get(name)
        if what == "current":
            self.reads.append(f"i_{ion}")
            self.spelt[name] = f"(-i_{ion}/{DENSITY})"
            return
        if what == "i":
            self.reads.append(f"{ion}_i")
            self.spelt[name] = f"({ion}_i/mM)"
            return
        if what == "o" and self.file.kind == "POINT_PROCESS":
            # Receptors read concentrations, and keep no typical ones.
            self.reads.append(f"{ion}_o")
            self.spelt[name] = f"({ion}_o/mM)"
            return
        if what == "o":
            field, value, unit = f"{ion}_o", OUTSIDE.get(ion, 1.0), "mM"
            doc = f"concentration of {ion} outside where nothing holds it, {name} in the file"
        else:
            field = "E" if ion == own else f"E_{ion}"
            value, unit = REVERSAL.get(ion, 0.0), "mV"
            doc = f"reversal potential, {name} in the file"
        if declared is not None and declared.value and float(declared.value) != value:
            doc += f" (its {declared.value} there has no effect in NEURON)"
        self.fields[field] = Field(field, value, unit, doc, 0.0 if what == "o" else None)
        self.taken.add(field)
        self.names[name] = field
        self.spelt[name] = f"({field}/{unit})"
        if ion in IONS:
            self.follows[field] = f"E_{ion}" if what == "E" else f"{ion}_o"

    def _free_name(self, wanted: str) -> str:
        name = re.sub(r"\W", "_", wanted)
        name = re.sub(r"^_+", "", name) or "x"
        name = re.sub(r"_+$", "", name) or "x"
        if name[0].isdigit():
            name = f"x{name}"
        if _is_reserved(name):
            name = f"mod_{name}"
        found, k = name, 2
        while found in self.taken or _is_reserved(found):
            found, k = f"{name}_{k}", k + 1
        self.taken.add(found)
        return found

    def _add_field(self, declared: Declared) -> None:
        name = self._free_name(declared.name)
        self.names[declared.name] = name
        unit = spelling(declared.unit)
        doc = declared.comment or f"{declared.name} of the file"
        plain = declared.unit.strip()
        if not unit and plain not in ("", "1"):
            doc += f" ({plain})"
        if declared.said:
            doc += f" ({declared.said} in the file, of which NEURON keeps six digits)"
        value = float(declared.value or 0)
        if not isfinite(value):
            self.fail(declared.line, declared.name, f"{declared.value} is too large")
        low = float(declared.low) if declared.low else None
        high = float(declared.high) if declared.high else None
        if low is not None and (value < low or (high is not None and value > high)):
            # NEURON's limits bind only its panels, and this file does not keep its own.
            low = high = None
        self.fields[name] = Field(name, value, unit, doc, low, high)
        divided = f"({unit})" if re.search(r"[*/]", unit.replace("**", "")) else unit
        self.spelt[declared.name] = f"({name}/{divided})" if unit else name

    def _add_constant(self, name: str, declared: Declared) -> None:
        self._fixed(name, number(declared.value or "0"))

    def _add_unit(self, name: str) -> None:
        first, second = self.file.units[name]
        value = constant_value(first, second)
        if value is None:
            self.fail(
                self.file.line, f"UNITS {name}", f"({first}) is not known as a number of ({second})"
            )
        self._fixed(name, number(repr(value)))

    def _fixed(self, name: str, value: Term) -> None:
        own = self._free_name(name)
        self.names[name] = self.spelt[name] = own
        self.lines.append(f"{own} = {written(value, str)} : 1")

    def _spell(self, name: str) -> str:
        if name not in self.spelt:
            self._define(name)
        return self.spelt[name]

    def _define(self, name: str) -> None:
        """Write a named formula, after those that it uses."""
        begun: list[str] = []
        waiting = [name]
        while waiting:
            label = waiting[-1]
            if label in self.spelt:
                waiting.pop()
                continue
            if label not in self.flows.definitions:
                self.fail(self.file.line, label.split(":")[-1], "it has no value")
            term = self.flows.definitions[label]
            self._check_division(term, self.flows.bases.get(label, label))
            missing = [one for one in symbols(term) if one not in self.spelt]
            if missing:
                begun.append(label)
                self._check_circle(begun, missing)
                waiting += missing
                continue
            if begun and begun[-1] == label:
                begun.pop()
            if not term.args:
                self.spelt[label] = written(term, self._spell)
            else:
                own = self._free_name(self.flows.bases[label])
                self.lines.append(f"{own} = {written(term, self._spell)} : 1")
                self.spelt[label] = own
            waiting.pop()

    def _check_circle(self, begun: list[str], missing: list[str]) -> None:
        for one in missing:
            if one in begun:
                inside = [self.flows.bases.get(x, x) for x in begun[begun.index(one) :]]
                variable = next((x for x in inside if x in self.flows.lines), inside[0])
                self._refuse_history(variable)

    def _text_of(self, term: Term, name: str) -> str:
        """Return a formula as a name, written before."""
        plain = term
        while plain.head == "symbol" and plain.text in self.flows.definitions:
            if self.flows.definitions[plain.text].args:
                self._define(plain.text)
                return self.spelt[plain.text]
            plain = self.flows.definitions[plain.text]
        text = self._written(plain)
        if plain.head == "symbol":
            return text
        own = self._free_name(name)
        self.lines.append(f"{own} = {text} : 1")
        return own

    def _check_division(self, term: Term, name: str) -> None:
        """Refuse what divides by dt: as the step gets short it has no value."""
        if divides_by_zero(term):
            self.fail(
                self.flows.lines.get(name, self.file.line),
                name,
                "it divides by 0, or by dt, which equations take as short as one likes",
            )

    def _written(self, term: Term) -> str:
        self._check_division(term, "a derivative or a start")
        for one in symbols(term):
            self._spell(one)
        return written(term, self._spell)


_WORDS = known_words()


def _is_reserved(name: str) -> bool:
    return (
        name in _RESERVED
        or name in SHARED
        or name in _WORDS
        or name in DEFAULT_FUNCTIONS
        or keyword.iskeyword(name)
        or keyword.issoftkeyword(name)
        or name.startswith(("phi_", "_"))
        or name.endswith(("_pre", "_post"))
        or any(hasattr(one, name) for one in (Channel, IonPool, Receptor))
        or name in ("q10_g", "reversal", "blocked")
    )
