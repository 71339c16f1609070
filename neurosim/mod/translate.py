"""From the formulas of a MOD file to a part: its ions, its currents and where its states start."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from neurosim.channels.base import IONS
from neurosim.errors import ModError
from neurosim.mod.flows import BUILT_IN, run_flows, set_anywhere, targets
from neurosim.mod.formulas import FixedError
from neurosim.mod.history import Historian
from neurosim.mod.part import Field, Part
from neurosim.mod.reading.tree import If, IonUse, ModFile, Statement, names_of
from neurosim.mod.sameness import is_linear, same
from neurosim.mod.spelling import DENSITY, INSIDE, OUTSIDE
from neurosim.mod.terms import Term, constant, derivative, number, operate, symbol

__all__ = ["translate"]

_CELSIUS = 6.3


def translate(file: ModFile, path: str) -> Part:
    """Return the part that a MOD file describes.

    Raises
    ------
    ModError
        Something in the file cannot be said with the meaning it has in NEURON.
    """
    fixed: dict[str, str] = {}
    notes: dict[str, str] = {}
    first: FixedError | None = None
    while True:
        try:
            return _Translator(file, path, fixed, notes).part()
        except FixedError as error:
            # A switch of the file may be what gives the variable a history: off, it has none.
            switches = _switches(file, error.construct) if not error.note else {}
            switches |= {name: file.parameters[name].value for name in error.switches}
            if not set(switches) - set(fixed):
                raise first or error from None
            notes |= dict.fromkeys(set(switches) - set(fixed), error.note)
            fixed |= switches
            first = first or error
        except ModError as error:
            raise first or error from None


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


class _Translator(Historian):
    def __init__(
        self,
        file: ModFile,
        path: str,
        frozen: Mapping[str, str] = MappingProxyType({}),
        why: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(file, path)
        self.why_frozen = why
        self.frozen = frozen
        self.written_ions: dict[str, tuple[str, str]] = {}

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
        for use in file.ions:
            self._take_ion(use)
        for name in file.defines:
            file.parameters.pop(name, None)
        self.flows = run_flows(file, self.path, set(self.of_ions), self.frozen)
        for name, value in self.frozen.items():
            why = self.why_frozen.get(name) or (
                "with other values something in it has a history, which equations cannot say"
            )
            self.notes.append(f"{name} is {value or 0}, as in the file: {why}.")
        self._solve_starts()
        needed = self._needed()
        self._drop_broken(needed)
        self._check_history(needed)
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
            if self.file.kind == "POINT_PROCESS" and what == "current":
                self.fail(use.line, f"READ {name}", "a receptor does not know what others carry")
        for name in use.writes:
            what = meaning[name]
            if ion not in IONS and what != "current":
                self.fail(
                    use.line,
                    f"USEION {ion} WRITE {name}",
                    f"the engine holds concentrations of {', '.join(IONS)}",
                )
            if self.file.kind == "POINT_PROCESS" and what in "io":
                self.fail(use.line, f"WRITE {name}", "a receptor cannot hold a concentration")
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

    def _line_of_ion(self, field: str) -> int:
        return self._line_of(next((a for a, b in self.names.items() if b == field), ""))

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
        self._prepare(self._outputs(), uses[0] if len(ions) == len(uses) == 1 else None)
        flows = self.flows
        codes: dict[str, list[str]] = {}
        for name, ion in currents:
            text = self._text_of(flows.values[name], name)
            codes.setdefault(ion or "", []).append(f"-{text}*{DENSITY}")
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
        ions = list(dict.fromkeys(ion for _, ion in currents if ion))
        if len(ions) > 1:
            self.fail(self.file.line, "WRITE", f"it carries {' and '.join(ions)}; one ion is known")
        alone = len(ions) == 1 and all(ion for _, ion in currents)
        self._prepare(self._outputs(), ions[0] if alone else None)
        for name, shared in self.follows.items():
            if not (alone and name == "E"):
                why = f"a receptor that carries more than one ion cannot follow {shared}"
                self.fail(self._line_of_ion(name), f"READ {name}", why)
        texts = {name: f"-{self._text_of(flows.values[name], name)}*nA" for name, _ in currents}
        total = list(texts.values())
        of_ion = "" if alone else " + ".join(texts[name] for name, ion in currents if ion)
        _, nonlinear = self._states()
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
        return Part(
            kind="Receptor",
            current=" + ".join(total),
            ion=ions[0] if ions else None,
            ion_current=of_ion,
            on_event=events,
            lumps=False,
            **self._common(),
        )

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
        typical = (OUTSIDE if other == "o" else INSIDE)[ion]
        declared = self.file.parameters.get(beside)
        if declared is not None and declared.value and beside in self.of_ions:
            self.notes.append(f"NEURON ignores the {beside} = {declared.value} of the file.")
        where = "outside" if other == "o" else "inside"
        self.fields[where] = Field(where, typical, "mM", f"concentration {where}, {beside}", 0.0)
        self.of_ions.pop(beside, None)
        self.spelt[beside] = f"({where}/mM)"
        # What INITIAL reads of it, or leaves it at: in NEURON one number for all pools of the ion.
        before = f"?initial:{name}"
        unsaid = self.pool_state == name and self._starts_unsaid(name)
        if unsaid or before in self.flows.definitions:
            typical = (INSIDE if side == "i" else OUTSIDE)[ion]
            doc = f"concentration at the start, {name}0_{ion}_ion in NEURON"
            self.fields["start"] = Field("start", typical, "mM", doc, 0.0)
            self.spelt["start"] = "(start/mM)"
            self.taken.add("start")
            self.flows.definitions[before] = symbol("start")
            if unsaid:
                self.flows.initial[self.pool_state] = symbol("start")
        self._prepare(self._outputs(), ion)
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
        if name in self.flows.said:
            return False
        first = self.flows.initial.get(name)
        return first is None or (first == number("0") and f"{name}0" not in self.file.parameters)

    def _common(self) -> dict[str, Any]:
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
            "follows": {} if self.file.kind == "POINT_PROCESS" else self.follows,
            "temperature_ref": self._celsius(),
            "notes": tuple(self.notes),
            "names": {a: b for a, b in self.names.items() if a != b and not a.startswith("%")},
        }

    def _celsius(self) -> float:
        declared = self.file.parameters.get("celsius")
        value = float(declared.value) if declared is not None and declared.value else _CELSIUS
        return value if -10 <= value <= 60 else _CELSIUS

    def _outputs(self) -> list[Term]:
        flows = self.flows
        found = list(flows.rates.values())
        wanted = [n for n, (_, what) in self.written_ions.items() if what == "current"]
        wanted += self.file.nonspecific
        found += [flows.values[name] for name in wanted if name in flows.values]
        found += [flows.initial[state] for state in flows.rates if state in flows.initial]
        found += flows.jumps.values()
        return found

    # States ---------------------------------------------------------------------------------

    def _states(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """Write the differential equations; return where states start that are not at rest."""
        flows = self.flows
        starts: dict[str, str] = {}
        nonlinear: list[str] = []
        lines: list[str] = []
        for state, rate in flows.rates.items():
            own, concentration = self.names[state], state == self.pool_state
            text = self._written(rate)
            unit, factor = ("mM", "*mM/ms") if concentration else ("1", "/ms")
            lines.append(f"d{own}/dt = ({text}){factor} : {unit}")
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
        self.lines += lines
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
