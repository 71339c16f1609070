"""When the blocks of a file run, and what each reads of the others.

NEURON runs INITIAL once; then, in every step, BREAKPOINT without its SOLVE at the potential of the
step, and what SOLVE names. A variable that one of them reads before it sets it was set by another:
by the SOLVEd block or by BREAKPOINT, both of the last step, or once and for all by INITIAL. As the
step gets short these are values of the present moment, which is what equations say. A variable that
depends on its own earlier value has a history of its own and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NoReturn

from neurosim.errors import ModError
from neurosim.mod.flow import Flow
from neurosim.mod.formulas import Flows, HistoryError
from neurosim.mod.reactions import Machine
from neurosim.mod.reading.tree import Assign, Block, If, Loop, ModFile, Solve, Statement
from neurosim.mod.sameness import same
from neurosim.mod.terms import (
    Term,
    as_dt_shortens,
    constant,
    derivative,
    number,
    replaced,
    symbol,
)

__all__ = ["BUILT_IN", "run_flows", "set_anywhere", "targets"]

BUILT_IN = {"v", "celsius", "diam", "area", "dt", "t", "usetable"}
_METHODS = {"cnexp", "derivimplicit", "euler", "sparse", "runge", "after_cvode", "cvode_t", ""}


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
            for one, before in zip(self.initial.solved, self.initial.before, strict=True):
                block = self._block(one.block, one.line)
                if block.kind == "LINEAR":
                    self._solve_linear(one, block, before)
                    continue
                if not one.steady:
                    self._fail(one.line, "SOLVE", "in INITIAL it can only be a STEADYSTATE")
                scratch = Flow("initial", dict(self.initial.known) | self.step.known)
                machine.run(scratch, block)
                self.initial.steady |= set(scratch.rates)
                self._keep_solved(set(scratch.rates), before)
        breakpoint_ = file.blocks.get(("BREAKPOINT", ""))
        if breakpoint_ is not None:
            machine.run(self.step, breakpoint_)
        for one in self.step.solved:
            if one.steady:
                self._fail(one.line, "STEADYSTATE", "at every step it is no differential equation")
            if one.method not in _METHODS:
                self._fail(one.line, f"METHOD {one.method}", "this method is not known")
            block = self._block(one.block, one.line)
            if block.kind == "LINEAR":
                why = "equations that are solved at each step cannot be written as states"
                self._fail(block.line, "LINEAR", why)
            machine.run(self.solved, block)
        received = file.blocks.get(("NET_RECEIVE", ""))
        if received is not None:
            if len(received.arguments) != 1:
                self._fail(received.line, "NET_RECEIVE", "each stream of events would have a state")
            self.event.known[received.arguments[0]] = symbol("weight")
            machine.run(self.event, received)
        done = {one.block for one in self.step.solved} | {one.block for one in self.initial.solved}
        for (kind, name), block in file.blocks.items():
            if kind in ("DERIVATIVE", "KINETIC", "LINEAR") and name not in done:
                self._fail(block.line, f"{kind} {name}", "nothing solves it")

    def _keep_solved(self, states: set[str], before: dict[str, Term]) -> None:
        """Refuse what INITIAL does to states after it has solved for them."""
        for name in states:
            if self.initial.values.get(name) != before.get(name):
                line = self.initial.set_at.get(name, 1)
                self._fail(line, name, "INITIAL sets a state after it has solved for it")

    def _solve_linear(self, one: Solve, block: Block, before: dict[str, Term]) -> None:
        """Take note of equations that say where states start."""
        initial, symbols_of = self.initial, {name: symbol(name) for name in self.states}
        scratch = Flow("initial", dict(initial.known) | symbols_of)
        scratch.values = {k: v for k, v in before.items() if k not in self.states}
        self.machine.run(scratch, block)
        for name, line in scratch.set_at.items():
            if name in self.states:
                self._fail(line, name, "a state is set among the equations that say where it is")
        initial.read |= scratch.read
        self.flows.equations.append((scratch.equations, one.line))
        held = {name for term in scratch.equations for name in self.flows.depends(term)}
        initial.steady |= held & self.states
        self._keep_solved(held & self.states, before)

    def _block(self, name: str, line: int) -> Block:
        for kind in ("DERIVATIVE", "KINETIC", "PROCEDURE", "LINEAR"):
            if (kind, name) in self.file.blocks:
                return self.file.blocks[kind, name]
        for one in self.file.refused:
            self._fail(one.line, one.construct, one.why)
        raise ModError(self.path, line, f"SOLVE {name}", "the file has no such block")

    # Putting the flows together -------------------------------------------------------------

    def _join(self) -> None:
        flows, step, solved = self.flows, self.step, self.solved
        bounds = "BREAKPOINT itself sets a state; say in its differential equation what bounds it"
        for name in self.states & set(step.values):
            flows.broken[name] = step.set_at.get(name, 1), bounds
            step.values.pop(name)
        flows.lines = {**self.initial.set_at, **solved.set_at, **step.set_at}
        for name in self.states & set(solved.values) & set(solved.rates):
            flows.broken[name] = solved.set_at.get(name, 1), "a state is set beside its derivative"
            solved.values.pop(name)
        by_difference = (self.states & set(solved.values)) - set(solved.rates)
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
                flows.broken[name] = line, "an event can only move states"
        flows.jumps = {k: v for k, v in self.event.values.items() if k in self.states}
        for name in self.initial.read:
            flows.definitions[f"?initial:{name}"] = self._at_first(name)
            flows.bases[f"?initial:{name}"] = name
        flows.values = {**solved.values, **step.values}
        flows.rates = dict(solved.rates)
        flows.steady, flows.totals = self.initial.steady, solved.totals
        flows.initial, flows.said = dict(self.initial.values), set(self.initial.values)
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
        for name, term in flows.definitions.items():
            if name.startswith(("?step:", "?solved:")) and constant(term) is not None:
                still[name] = term
        for name in flows.definitions:
            flows.definitions[name] = replaced(flows.definitions[name], still)
        flows.rates = {name: replaced(term, still) for name, term in flows.rates.items()}
        flows.values = {name: replaced(term, still) for name, term in flows.values.items()}

    def _resolved(self, name: str, line: int, flow: Flow, other: Flow) -> Term:
        if name in other.values:
            return other.values[name]
        if name in flow.values:
            before = f"?{flow.title}:{name}"
            settled = self._settled(name, flow.values[name], before)
            if settled is not None:
                return settled
            if self._is_kept(name, flow.values[name], before):
                # Some parameters let nothing set it, and it stays what it was at first.
                return self.initial.values.get(name) or self._at_first(name)
            # The value of the step before, which is what it will be.
            return flow.values[name]
        if name in self.initial.values:
            return self.initial.values[name]
        return self._never_set(name, line)

    def _settled(self, name: str, after: Term, before: str) -> Term | None:
        """Return the number at which INITIAL leaves a variable, if every step leaves it there."""
        first = self.initial.values.get(name)
        while first is not None and first.text in self.flows.definitions:
            first = self.flows.definitions[first.text]
        value = None if first is None else constant(first)
        if first is None or value is None:
            return None
        whole = replaced(self.flows.written_out(after, before), {before: first})
        return first if constant(whole) == value else None

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
        whole = as_dt_shortens(flows.written_out(after, "dt"))
        at_zero = replaced(whole, {"dt": number("0")})
        if at_zero != symbol(name) and not same(flows, self.file, at_zero, symbol(name)):
            switches = flows.depends(at_zero) & set(self.file.parameters)
            reason = "a step of length 0 would change this state"
            raise HistoryError(self.path, line, name, reason, switches - self.ions - BUILT_IN)
        slope = derivative(whole, "dt")
        if slope is None:
            self._fail(line, name, "its step has no derivative with respect to dt")
        return replaced(slope, {"dt": number("0")})
