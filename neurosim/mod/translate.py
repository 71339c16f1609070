"""From the formulas of a MOD file to a part: ions, currents, fields, names and units."""

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
from neurosim.mod.compare import is_linear, same
from neurosim.mod.flows import BUILT_IN, run_flows, set_anywhere, targets
from neurosim.mod.part import Field, Part
from neurosim.mod.terms import (
    Term,
    constant,
    derivative,
    number,
    operate,
    symbol,
    symbols,
    written,
)
from neurosim.mod.tree import Declared, If, IonUse, ModFile, Statement, names_of
from neurosim.mod.units import constant_value, spelling
from neurosim.synapses.base import Receptor

__all__ = ["translate"]

# What NEURON takes where nothing else is said: reversal potentials (mV) and concentrations (mM).
_REVERSAL = {"na": 50.0, "k": -77.0, "ca": 132.4579341637009, "cl": 0.0}
_OUTSIDE = {"na": 140.0, "k": 2.5, "ca": 2.0, "cl": 1.0}
_INSIDE = {"na": 10.0, "k": 54.4, "ca": 5e-5, "cl": 1.0}
_CELSIUS = 6.3
_DENSITY = "(mA/cm**2)"
_RESERVED = {
    *("v", "t", "dt", "i", "j", "N", "xi", "e", "pi", "inf", "weight", "name", "current", "rate"),
    *("celsius", "RT_F", "F", "phi", "area", "C_m", "implicit_dt", "v_mV", "E", "outside", "start"),
    *("lastspike", "not_refractory", "refractory", "t_in_timesteps", "E_na", "E_k", "E_ca", "E_cl"),
    *("amp", "ion_current", "g", "P"),
}


def translate(file: ModFile, path: str) -> Part:
    """Return the part that a MOD file describes.

    Raises
    ------
    ModError
        Something in the file cannot be said with the meaning it has in NEURON.
    """
    try:
        return _Translator(file, path).part()
    except HistoryError as error:
        # A switch of the file may be what gives the variable a history: off, it has none.
        switches = _switches(file, error.construct)
        if not switches:
            raise
        try:
            return _Translator(file, path, switches).part()
        except ModError:
            raise error from None


class HistoryError(ModError):
    """A variable depends on its own earlier value."""


def _switches(file: ModFile, variable: str) -> dict[str, str]:
    """Return the parameters that alone decide whether a variable is set, and their values."""
    moved = {name for use in file.ions for name in (*use.reads, *use.writes)}
    constant_ones = set(file.parameters) - set(set_anywhere(file)) - moved - BUILT_IN
    found: dict[str, str] = {}

    def look(statements: tuple[Statement, ...]) -> None:
        for one in statements:
            if isinstance(one, If):
                names = names_of(one.test)
                inside: dict[str, int] = {}
                targets(one.then + one.otherwise, inside)
                if names and names <= constant_ones and variable in inside:
                    found.update({name: file.parameters[name].value for name in names})
                look(one.then)
                look(one.otherwise)

    for block in file.blocks.values():
        look(block.body)
    return found


class _Translator:
    def __init__(
        self, file: ModFile, path: str, frozen: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.file, self.path, self.frozen = file, path, frozen
        # By variable of the file: the ion and what it is of it ("E", "i", "o", "current").
        self.of_ions: dict[str, tuple[str, str]] = {}
        self.written_ions: dict[str, tuple[str, str]] = {}
        self.fields: dict[str, Field] = {}
        self.reads: list[str] = []
        self.follows: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.taken: set[str] = set()
        self.spelt: dict[str, str] = {}
        self.lines: list[str] = []
        self.notes: list[str] = []
        self.emitted: set[str] = set()
        self.pool_state = ""

    def fail(self, line: int, construct: str, reason: str) -> NoReturn:
        raise ModError(self.path, line, construct, reason)

    def part(self) -> Part:
        """Return the part."""
        file = self.file
        if file.kind == "ARTIFICIAL_CELL":
            self.fail(file.line, "ARTIFICIAL_CELL", "it is a source of events, not membrane")
        for one in file.refused:
            self.fail(one.line, one.construct, one.why)
        if file.electrode:
            self.fail(
                file.line,
                "ELECTRODE_CURRENT",
                "electrodes are stimuli and clamps, not parts: neurosim.clamps",
            )
        point = file.kind == "POINT_PROCESS"
        if point and ("NET_RECEIVE", "") not in file.blocks:
            self.fail(
                file.line,
                "POINT_PROCESS",
                "without NET_RECEIVE nothing tells it when to act; electrodes are neurosim.clamps",
            )
        if point and file.ions:
            self.fail(file.ions[0].line, "USEION", "a POINT_PROCESS that carries an ion")
        for use in file.ions:
            self._take_ion(use)
        for name in file.defines:
            file.parameters.pop(name, None)
        self.flows = run_flows(file, self.path, set(self.of_ions), self.frozen)
        for name, value in self.frozen.items():
            self.notes.append(
                f"{name} is {value or 0}, as in the file: with other values variables of the file "
                "have a history, which equations cannot say."
            )
        self._check_history()
        pools = {name: ion for name, (ion, what) in self.written_ions.items() if what in "io"}
        currents = self._currents()
        if pools and currents:
            name = next(iter(pools))
            self.fail(
                self._line_of(name),
                f"WRITE {name}",
                "it sets a concentration and carries a current; a part does one of them",
            )
        if pools:
            return self._pool(pools)
        if point and currents:
            return self._receptor(currents)
        if not currents:
            self.fail(file.line, file.name, "it carries no current and sets no concentration")
        return self._channel(currents)

    # Ions -----------------------------------------------------------------------------------

    def _take_ion(self, use: IonUse) -> None:
        ion = use.ion
        meaning = {f"e{ion}": "E", f"{ion}i": "i", f"{ion}o": "o", f"i{ion}": "current"}
        for name in (*use.reads, *use.writes):
            if name not in meaning:
                self.fail(use.line, f"USEION {ion}", f"{name} is nothing that belongs to it")
        for name in use.reads:
            what = meaning[name]
            if ion not in IONS and what != "E":
                self.fail(
                    use.line,
                    f"USEION {ion} READ {name}",
                    f"the engine follows {', '.join(IONS)}, and a mechanism that reads what others "
                    f"do to {ion} would lose its meaning",
                )
            if name not in use.writes:
                self.of_ions[name] = ion, what
        for name in use.writes:
            what = meaning[name]
            if ion not in IONS and what != "current":
                self.fail(
                    use.line,
                    f"USEION {ion} WRITE {name}",
                    f"the engine holds concentrations of {', '.join(IONS)}",
                )
            if what == "E":
                self.fail(
                    use.line,
                    f"WRITE {name}",
                    "a reversal potential follows from the concentrations; it is not set",
                )
            if what == "current" and name in use.reads:
                self.fail(use.line, f"READ {name}", "it reads and writes the same current")
            self.written_ions[name] = ion, what

    def _line_of(self, name: str) -> int:
        for use in self.file.ions:
            if name in use.writes or name in use.reads:
                return use.line
        return self.flows.lines.get(name, self.file.line)

    def _check_history(self) -> None:
        """Refuse what depends on its own earlier value, and what keeps a value of the start."""
        flows = self.flows
        moving = {*flows.rates, "v", *self.of_ions}
        for name, term in list(flows.definitions.items()):
            if not name.startswith("?") or name.startswith("?initial"):
                continue
            variable = name.split(":", 1)[1]
            if name in flows.depends(term):
                self._refuse_history(variable)
            first = flows.initial.get(variable)
            if first is not None and variable not in flows.values and variable not in flows.rates:
                # Set by INITIAL alone: it must be the same whatever the start is.
                kept = flows.depends(first) & moving
                if kept:
                    self.fail(
                        flows.lines.get(variable, self.file.line),
                        variable,
                        f"INITIAL alone sets it, from {', '.join(sorted(kept))}, so that it "
                        "remembers the start",
                    )

    def _refuse_history(self, variable: str) -> NoReturn:
        raise HistoryError(
            self.path,
            self.flows.lines.get(variable, self.file.line),
            variable,
            "it depends on its own earlier value; only states may have a history",
        )

    # Currents -------------------------------------------------------------------------------

    def _currents(self) -> list[tuple[str, str | None]]:
        """Return the variables that hold currents, and the ion each carries."""
        found: list[tuple[str, str | None]] = []
        for name, (ion, what) in self.written_ions.items():
            if what == "current":
                found.append((name, ion if ion in IONS else None))
                if ion not in IONS:
                    self.notes.append(
                        f"NEURON counts {name} as the ion {ion}; here it belongs to no ion."
                    )
        found += [(name, None) for name in self.file.nonspecific]
        known = []
        for name, ion_name in found:
            if name not in self.flows.values:
                # Zero in NEURON too.
                self.notes.append(f"The file declares the current {name} and never sets it.")
                continue
            known.append((name, ion_name))
        return known

    def _channel(self, currents: list[tuple[str, str | None]]) -> Part:
        ions = list(dict.fromkeys(ion for _, ion in currents))
        uses = [use.ion for use in self.file.ions for name, _ in currents if name in use.writes]
        self._prepare(uses[0] if len(ions) == len(uses) == 1 else None)
        flows = self.flows
        codes: dict[str, list[str]] = {}
        for name, ion in currents:
            text = self._text_of(flows.values[name], name)
            codes.setdefault(ion or "", []).append(f"-{text}*{_DENSITY}")
        sums = {ion: " - ".join(code).replace(" - -", " - ") for ion, code in codes.items()}
        starts, nonlinear = self._states()
        ion = next(iter(sums))
        single = len(sums) == 1
        return Part(
            kind="Channel",
            current=" + ".join(f"({code})" for code in sums.values()) if not single else sums[ion],
            ion=ion or None if single else None,
            carries={} if single else sums,
            starts=starts,
            nonlinear=nonlinear,
            **self._common(),
        )

    def _receptor(self, currents: list[tuple[str, str | None]]) -> Part:
        """Return a part that events open; its current is in nA."""
        flows = self.flows
        self._prepare(None)
        total = [f"-{self._text_of(flows.values[name], name)}*nA" for name, _ in currents]
        starts, nonlinear = self._states()
        for state, start in flows.initial.items():
            if state in flows.rates and constant(self._plain(start)) != 0:
                self.fail(
                    self.file.line, state, "receptors rest at 0, and this state starts elsewhere"
                )
        if nonlinear:
            self.fail(self.file.line, nonlinear[0], "a receptor's state that is not linear")
        events: dict[str, str] = {}
        self.spelt["weight"] = "weight"
        for state, after in flows.jumps.items():
            step = derivative(flows.written_out(after, "weight"), "weight")
            line = self.file.blocks["NET_RECEIVE", ""].line
            own = symbol(state)
            if step is None or not same(
                flows, self.file, after, operate("+", own, operate("*", symbol("weight"), step))
            ):
                self.fail(line, state, "an event must add to the state what its weight says")
            if flows.depends(step) & {"v", "weight", *flows.rates}:
                self.fail(line, state, "what an event adds depends on more than parameters")
            events[self.names[state]] = f"weight*({self._written(step)})"
        if not events:
            self.fail(self.file.line, "NET_RECEIVE", "events move no state")
        return Part(kind="Receptor", current=" + ".join(total), on_event=events, **self._common())

    def _pool(self, pools: dict[str, str]) -> Part:
        if len(pools) > 1:
            name = list(pools)[1]
            self.fail(self._line_of(name), f"WRITE {name}", "a pool sets one concentration")
        name, ion = next(iter(pools.items()))
        side = self.written_ions[name][1]
        self.pool_state = name
        if name not in self.flows.rates:
            term = self.flows.values.get(name)
            held = None if term is None else self._plain(term)
            if held is None or held.head != "symbol" or held.text not in self.flows.rates:
                self.fail(
                    self._line_of(name),
                    f"WRITE {name}",
                    "the concentration is not one of the file's states",
                )
            self.pool_state = held.text
        other = "o" if side == "i" else "i"
        shared = f"{ion}_{side}"
        self.taken |= {shared, f"{ion}_{other}", f"E_{ion}"}
        self.spelt[self.pool_state] = f"({shared}/mM)"
        self.names[self.pool_state] = shared
        beside = f"{ion}{other}"
        typical = (_OUTSIDE if other == "o" else _INSIDE)[ion]
        declared = self.file.parameters.get(beside)
        if declared is not None and declared.value and beside in self.of_ions:
            self.notes.append(f"NEURON ignores the {beside} = {declared.value} of the file.")
        where = "outside" if other == "o" else "inside"
        self.fields[where] = Field(where, typical, "mM", f"concentration {where}, {beside}", 0.0)
        self.of_ions.pop(beside, None)
        self.spelt[beside] = f"({where}/mM)"
        if self.pool_state == name and self._starts_unsaid(name):
            # NEURON takes one number for all pools of the ion, which a model sets.
            typical = (_INSIDE if side == "i" else _OUTSIDE)[ion]
            doc = f"concentration at the start, {name}0_{ion}_ion in NEURON"
            self.fields["start"] = Field("start", typical, "mM", doc, 0.0)
            self.flows.initial[self.pool_state] = symbol("start")
            self.spelt["start"] = "(start/mM)"
            self.taken.add("start")
        self._prepare(ion)
        starts, nonlinear = self._states()
        valence = {"na": 1, "k": 1, "ca": 2, "cl": -1}[ion]
        self.lines.append(f"{ion}_{other} = {where} : mM")
        self.lines.append(f"E_{ion} = RT_F/({valence})*log({ion}_o/{ion}_i) : volt")
        return Part(
            kind="IonPool",
            ion=ion,
            writes=shared,
            nernst=True,
            starts=starts,
            nonlinear=nonlinear,
            **self._common(),
        )

    def _starts_unsaid(self, name: str) -> bool:
        first = self.flows.initial.get(name)
        return first is None or (first == number("0") and f"{name}0" not in self.file.parameters)

    def _plain(self, term: Term) -> Term:
        while term.head == "symbol" and term.text in self.flows.definitions:
            term = self.flows.definitions[term.text]
        return term

    def _common(self) -> dict[str, object]:
        file = self.file
        title = re.sub(r"^[^A-Za-z]+", "", file.name)
        title = title[:1].upper() + title[1:] or "Mechanism"
        if keyword.iskeyword(title) or title in ("Channel", "IonPool", "Receptor", "Quantity"):
            title += "Mod"
        return {
            "title": title,
            "suffix": file.name,
            "source": self.path.replace("\\", "/").rsplit("/", 1)[-1],
            "heading": file.title,
            "fields": tuple(self.fields.values()),
            "equations": "\n".join(self.lines),
            "reads": tuple(dict.fromkeys(self.reads)),
            "follows": self.follows,
            "temperature_ref": self._celsius(),
            "notes": tuple(self.notes),
            "names": {a: b for a, b in self.names.items() if a != b and not a.startswith("%")},
        }

    def _celsius(self) -> float:
        declared = self.file.parameters.get("celsius")
        value = float(declared.value) if declared is not None and declared.value else _CELSIUS
        return value if -10 <= value <= 60 else _CELSIUS

    # Names and text -------------------------------------------------------------------------

    def _prepare(self, ion: str | None) -> None:
        """Decide how each symbol is spelt."""
        flows, file = self.flows, self.file
        used: set[str] = set()
        for term in self._outputs():
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

    def _outputs(self) -> list[Term]:
        flows = self.flows
        found = list(flows.rates.values())
        wanted = [n for n, (_, what) in self.written_ions.items() if what == "current"]
        wanted += self.file.nonspecific
        found += [flows.values[name] for name in wanted if name in flows.values]
        found += [flows.initial[state] for state in flows.rates if state in flows.initial]
        found += flows.jumps.values()
        return found

    def _spell_ion(self, name: str, ion: str, what: str, own: str | None) -> None:
        declared = self.file.parameters.get(name)
        if what == "current":
            self.reads.append(f"i_{ion}")
            self.spelt[name] = f"(-i_{ion}/{_DENSITY})"
            return
        if what == "i":
            self.reads.append(f"{ion}_i")
            self.spelt[name] = f"({ion}_i/mM)"
            return
        if what == "o":
            field, value, unit = f"{ion}_o", _OUTSIDE.get(ion, 1.0), "mM"
            doc = f"concentration of {ion} outside where nothing holds it, {name} in the file"
        else:
            field = "E" if ion == own else f"E_{ion}"
            value, unit = _REVERSAL.get(ion, 0.0), "mV"
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

    def _written(self, term: Term) -> str:
        for one in symbols(term):
            self._spell(one)
        return written(term, self._spell)

    # States ---------------------------------------------------------------------------------

    def _states(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """Write the differential equations; return where states start that are not at rest."""
        flows = self.flows
        starts: dict[str, str] = {}
        nonlinear: list[str] = []
        equations: list[str] = []
        for state, rate in flows.rates.items():
            own, concentration = self.names[state], state == self.pool_state
            text = self._written(rate)
            unit, factor = ("mM", "*mM/ms") if concentration else ("1", "/ms")
            equations.append(f"d{own}/dt = ({text}){factor} : {unit}")
            if not is_linear(flows, self.file, state):
                nonlinear.append(own)
            if state in flows.steady:
                if own in nonlinear:
                    self.fail(
                        self.file.states[state.split("[")[0]].line,
                        state,
                        "the steady state of equations that are not linear is not solved for",
                    )
                continue
            start = flows.initial.get(state, number("0"))
            # A pool starts where INITIAL says, whatever currents there are at rest.
            at_rest = not concentration and own not in nonlinear
            if at_rest and same(flows, self.file, state, start):
                continue
            text = self._written(start)
            starts[own] = f"({text})*mM" if concentration else text
        self._check_totals()
        self.lines += equations
        return starts, tuple(nonlinear)

    def _check_totals(self) -> None:
        """Refuse a CONSERVE that the start does not keep: it would take charge of a state."""
        for terms, total, line in self.flows.totals:
            states = [name for name in terms if name in self.flows.rates]
            if all(state in self.flows.steady for state in states):
                if constant(self._plain(total)) != 1 or set(terms.values()) != {1.0}:
                    self.fail(line, "CONSERVE", "a steady state whose total is not 1")
                continue
            start = number("0")
            for name, count in terms.items():
                term = self.flows.initial.get(name, number("0"))
                part = operate("*", number(count), term) if count != 1 else term
                start = operate("+", start, part)
            if not same(self.flows, self.file, start, total):
                self.fail(line, "CONSERVE", "INITIAL does not start with the total that it keeps")


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
