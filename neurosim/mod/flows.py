"""When the blocks of a file run, and what each reads of the others.

NEURON runs INITIAL once; then, in every step, BREAKPOINT without its SOLVE at the potential of the
step, and what SOLVE names. A variable that one of them reads before it sets it was set by another:
by the SOLVEd block or by BREAKPOINT, both of the last step, or once and for all by INITIAL. As the
step gets short these are values of the present moment, which is what equations say. A variable that
depends on its own earlier value has a history of its own and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NoReturn

from neurosim.errors import ModError
from neurosim.mod.execution import Flow
from neurosim.mod.reactions import Machine
from neurosim.mod.terms import Term, derivative, number, replaced, symbol, symbols
from neurosim.mod.tree import Assign, Block, If, Loop, ModFile, Statement

__all__ = ["BUILT_IN", "Flows", "HistoryError", "run_flows", "set_anywhere", "targets"]

BUILT_IN = {"v", "celsius", "diam", "area", "dt", "t", "usetable"}
_METHODS = {"cnexp", "derivimplicit", "euler", "sparse", "runge", "after_cvode", "cvode_t", ""}


class HistoryError(ModError):
    """A variable depends on its own earlier value.

    Attributes
    ----------
    switches : set of str
        Parameters that may be what makes it do so.
    """

    def __init__(
        self, path: str, line: int, construct: str, reason: str, switches: Set[str] = frozenset()
    ) -> None:
        super().__init__(path, line, construct, reason)
        self.switches = switches


@dataclass
class Flows:
    """The formulas of a file.

    Attributes
    ----------
    definitions : dict of str to Term
        Named formulas.
    bases : dict of str to str
        How the file calls them.
    values : dict of str to Term
        What every variable is in a step.
    rates : dict of str to Term
        Derivative of every state with respect to time in ms.
    initial : dict of str to Term
        Where variables and states start.
    steady : set of str
        States that INITIAL puts at their steady state by a solver.
    totals : list of (dict of str to float, Term, int)
        What CONSERVE statements keep, and the line.
    lines : dict of str to int
        Where variables are set.
    unset : dict of str to int
        Variables that only a user can set, and the line that reads them.
    jumps : dict of str to Term
        What states are after an event with the symbol ``weight``.
    """

    definitions: dict[str, Term]
    bases: dict[str, str]
    values: dict[str, Term] = field(default_factory=dict)
    rates: dict[str, Term] = field(default_factory=dict)
    initial: dict[str, Term] = field(default_factory=dict)
    steady: set[str] = field(default_factory=set)
    totals: list[tuple[dict[str, float], Term, int]] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    unset: dict[str, int] = field(default_factory=dict)
    jumps: dict[str, Term] = field(default_factory=dict)

    def depends(self, term: Term) -> set[str]:
        """Return the names a formula depends on, through all that it uses."""
        found: set[str] = set()
        waiting = list(symbols(term))
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                if name in self.definitions:
                    waiting += symbols(self.definitions[name])
        return found

    def written_out(self, term: Term, name: str) -> Term:
        """Return a formula in which no named formula depends on a symbol any more."""
        while by := {
            one: self.definitions[one]
            for one in symbols(term)
            if one in self.definitions and name in self.depends(self.definitions[one])
        }:
            term = replaced(term, by)
            if term.size > 20_000:
                raise OverflowError
        return term


def targets(statements: tuple[Statement, ...], into: dict[str, int]) -> None:
    """Add the variables that statements set, and the first line that does."""
    for one in statements:
        if isinstance(one, Assign) and not one.prime:
            into.setdefault(one.target.name, one.line)
        elif isinstance(one, If):
            targets(one.then, into)
            targets(one.otherwise, into)
        elif isinstance(one, Loop):
            targets(one.body, into)


def set_anywhere(file: ModFile) -> dict[str, int]:
    """Return the variables that some block sets, and the first line that does."""
    found: dict[str, int] = {}
    for block in file.blocks.values():
        mine: dict[str, int] = {}
        targets(block.body, mine)
        hidden = set(block.arguments) | {block.name}
        found |= {name: line for name, line in mine.items() if name not in hidden | set(found)}
    return found


def run_flows(
    file: ModFile, path: str, ions: set[str], frozen: Mapping[str, str] = MappingProxyType({})
) -> Flows:
    """Run the blocks of a file in their order.

    Parameters
    ----------
    file : ModFile
    path : str
        Named in errors.
    ions : set of str
        Variables that ions bring: reversal potentials, concentrations, currents that are read.
    frozen : mapping of str to str
        Parameters that are taken as the numbers that the file gives them.
    """
    return _Runner(file, path, ions, frozen).flows


class _Runner:
    def __init__(self, file: ModFile, path: str, ions: set[str], frozen: Mapping[str, str]) -> None:
        self.file, self.path, self.ions = file, path, ions
        self.machine = Machine(file, path)
        self.changed = set_anywhere(file)
        self.states = self._state_names()
        fixed = {*file.parameters, *BUILT_IN, *ions, *file.constants, *file.units}
        fixed -= set(self.changed) - BUILT_IN - ions
        for name in list(fixed):
            declared = file.parameters.get(name)
            if declared is not None and declared.length:
                self._fail(declared.line, name, "a parameter that is an array")
        known = {name: symbol(name) for name in fixed - self.states}
        known |= {name: number(value or "0") for name, value in frozen.items()}
        always = known | {name: symbol(name) for name in self.states}
        self.initial = Flow("initial", known | {"dt": number("0"), "t": number("0")})
        self.step, self.solved = Flow("step", dict(always)), Flow("solved", dict(always))
        self.event = Flow("event", always | {"weight": symbol("weight")})
        self.flows = Flows(self.machine.definitions, self.machine.bases)
        self._run()
        self._join()

    def _fail(self, line: int, construct: str, reason: str) -> NoReturn:
        raise ModError(self.path, line, construct, reason)

    def _state_names(self) -> set[str]:
        found: set[str] = set()
        for name, declared in self.file.states.items():
            if declared.length:
                found |= {f"{name}[{k}]" for k in range(declared.length)}
            else:
                found.add(name)
        return found

    def _run(self) -> None:
        file, machine = self.file, self.machine
        first = file.blocks.get(("INITIAL", ""))
        if first is not None:
            machine.run(self.initial, first)
            for one in self.initial.solved:
                block = self._block(one.block, one.line)
                if not one.steady:
                    self._fail(one.line, "SOLVE", "in INITIAL it can only be a STEADYSTATE")
                scratch = Flow("initial", dict(self.initial.known) | self.step.known)
                machine.run(scratch, block)
                self.initial.steady |= set(scratch.rates)
        breakpoint_ = file.blocks.get(("BREAKPOINT", ""))
        if breakpoint_ is not None:
            machine.run(self.step, breakpoint_)
        for one in self.step.solved:
            if one.steady:
                self._fail(one.line, "STEADYSTATE", "at every step it is no differential equation")
            if one.method not in _METHODS:
                self._fail(one.line, f"METHOD {one.method}", "this method is not known")
            machine.run(self.solved, self._block(one.block, one.line))
        received = file.blocks.get(("NET_RECEIVE", ""))
        if received is not None:
            if len(received.arguments) != 1:
                self._fail(received.line, "NET_RECEIVE", "each stream of events would have a state")
            self.event.known[received.arguments[0]] = symbol("weight")
            machine.run(self.event, received)
        done = {one.block for one in self.step.solved} | {one.block for one in self.initial.solved}
        for (kind, name), block in file.blocks.items():
            if kind in ("DERIVATIVE", "KINETIC") and name not in done:
                self._fail(block.line, f"{kind} {name}", "nothing solves it")

    def _block(self, name: str, line: int) -> Block:
        for kind in ("DERIVATIVE", "KINETIC", "PROCEDURE"):
            if (kind, name) in self.file.blocks:
                return self.file.blocks[kind, name]
        for one in self.file.refused:
            self._fail(one.line, one.construct, one.why)
        raise ModError(self.path, line, f"SOLVE {name}", "the file has no such block")

    # Putting the flows together -------------------------------------------------------------

    def _join(self) -> None:
        flows, step, solved = self.flows, self.step, self.solved
        for name in self.states & set(step.values):
            self._fail(
                step.set_at.get(name, 1),
                name,
                "BREAKPOINT itself sets a state; say in its differential equation what bounds it",
            )
        by_difference = (self.states & set(solved.values)) - set(solved.rates)
        for name in self.states & set(solved.values) & set(solved.rates):
            self._fail(solved.set_at.get(name, 1), name, "a state is set beside its derivative")
        flows.lines = {**self.initial.set_at, **solved.set_at, **step.set_at}
        for title, flow in (("step", step), ("solved", solved)):
            other = solved if flow is step else step
            for name, line in flow.read.items():
                flows.definitions[f"?{title}:{name}"] = self._resolved(name, line, flow, other)
                flows.bases[f"?{title}:{name}"] = name
        for name, line in self.event.read.items():
            known = self.initial.values.get(name)
            if known is None:
                known = self._never_set(name, line)
            flows.definitions[f"?event:{name}"], flows.bases[f"?event:{name}"] = known, name
        for name, line in self.event.set_at.items():
            if name not in self.states:
                self._fail(line, name, "an event can only move states")
        flows.jumps = dict(self.event.values)
        for name in self.initial.read:
            flows.definitions[f"?initial:{name}"] = self._at_first(name)
            flows.bases[f"?initial:{name}"] = name
        flows.values = {**solved.values, **step.values}
        flows.rates = dict(solved.rates)
        flows.steady, flows.totals = self.initial.steady, solved.totals
        flows.initial = dict(self.initial.values)
        for name in self.states:
            if name not in flows.initial:
                flows.initial[name] = self._at_first(name)
        # Written to by the step itself: what follows as the step gets short.
        for name in sorted(by_difference):
            if name not in flows.depends(flows.values[name]):
                # Set at each step from all else: it is a variable and no state.
                flows.definitions[name], flows.bases[name] = flows.values[name], name
                continue
            flows.rates[name] = self._limit(name, solved.values[name])
            flows.values.pop(name)
        for name in self.states - set(flows.rates) - set(flows.definitions):
            # Nothing moves it, so it stays where it starts.
            first = flows.initial[name]
            declared = self.file.states[name.split("[")[0]]
            kept = flows.depends(first) & {"v", *self.states, *self.ions}
            if kept:
                self._fail(declared.line, name, "nothing moves it from where the run begins")
            flows.definitions[name], flows.bases[name] = first, name
        still = {"dt": number("0")}
        for name in flows.definitions:
            flows.definitions[name] = replaced(flows.definitions[name], still)
        flows.rates = {name: replaced(term, still) for name, term in flows.rates.items()}
        flows.values = {name: replaced(term, still) for name, term in flows.values.items()}

    def _resolved(self, name: str, line: int, flow: Flow, other: Flow) -> Term:
        if name in other.values:
            return other.values[name]
        if name in flow.values:
            if self._is_kept(name, flow.values[name], f"?{flow.title}:{name}"):
                # Some parameters let nothing set it, and it stays what it was at first.
                return self.initial.values.get(name) or self._at_first(name)
            # The value of the step before, which is what it will be.
            return flow.values[name]
        if name in self.initial.values:
            return self.initial.values[name]
        return self._never_set(name, line)

    def _is_kept(self, name: str, term: Term, before: str) -> bool:
        """Say whether a variable is, under conditions that never change, set anew or not at all."""
        flows = self.flows
        while term.head == "symbol" and term.text in flows.definitions:
            term = flows.definitions[term.text]
        if term.head == "symbol" and term.text == before:
            return True
        if before not in flows.depends(term):
            return True
        if term.head != "if":
            return False
        test = flows.depends(term.args[0]) - set(flows.definitions)
        fixed = test <= set(self.file.parameters) - set(self.changed) - self.ions - BUILT_IN
        return fixed and all(self._is_kept(name, one, before) for one in term.args[1:])

    def _never_set(self, name: str, line: int) -> Term:
        base = name.split("[")[0]
        known = base in self.file.assigned or base in self.file.file_locals
        if not known and base not in self.file.parameters:
            self._fail(line, name, "it is declared nowhere")
        if base in self.file.parameters:
            return symbol(name)
        if name in self.file.ranges or name in self.file.globals:
            # From outside: a field, 0 as in NEURON.
            self.flows.unset[name] = line
            return symbol(name)
        return number("0")

    def _at_first(self, name: str) -> Term:
        base = name.split("[")[0]
        if name in self.states:
            start = self.file.parameters.get(f"{base}0")
            if start is not None and f"{base}0" not in self.changed:
                return symbol(f"{base}0")
            declared = self.file.states[base]
            return number(declared.value or "0")
        if base in self.file.parameters:
            # A parameter that some block sets later.
            return symbol(base)
        return number("0")

    def _limit(self, name: str, after: Term) -> Term:
        """Return dx/dt of a state that a procedure moves: what (x(dt) - x)/dt tends to."""
        flows, line = self.flows, self.solved.set_at.get(name, 1)
        whole = flows.written_out(after, "dt")
        at_zero = replaced(whole, {"dt": number("0")})
        if at_zero != symbol(name):
            switches = flows.depends(at_zero) & set(self.file.parameters)
            reason = "a step of length 0 would change this state"
            raise HistoryError(self.path, line, name, reason, switches - self.ions - BUILT_IN)
        slope = derivative(whole, "dt")
        if slope is None:
            self._fail(line, name, "its step has no derivative with respect to dt")
        return replaced(slope, {"dt": number("0")})
