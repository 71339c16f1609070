"""Running a block with symbols in the place of numbers.

What a block computes comes out as formulas, each named once: conditions become choices, loops with
known bounds are written out, functions and procedures are put in their place. Nothing of the file
is run as a program.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import NoReturn

from neurosim.errors import ModError
from neurosim.mod.flow import Flow
from neurosim.mod.formulas import FixedError
from neurosim.mod.reading.tree import (
    Assign,
    Block,
    Call,
    CallStatement,
    Compartment,
    Conserve,
    Equation,
    Expression,
    If,
    Index,
    Local,
    Loop,
    ModFile,
    Name,
    Not,
    Number,
    Reaction,
    Reread,
    Solve,
    Statement,
    Text,
    Unsupported,
)
from neurosim.mod.singular import quotient
from neurosim.mod.terms import (
    CONDITIONS,
    FUNCTIONS,
    Term,
    apply,
    choose,
    constant,
    is_positive,
    negative,
    number,
    operate,
    symbol,
    symbols,
)

__all__ = ["Runner"]

_MOST_STATEMENTS = 20_000
_LARGEST = 2_000
# Formulas up to this size are put in place of an argument; larger ones are named.
_SHORT = 4


class Runner:
    """Runs blocks of one file.

    Attributes
    ----------
    definitions : dict of str to Term
        Named formulas, in the order in which they were made; each uses earlier ones only.
    bases : dict of str to str
        By named formula, how the file calls it.
    """

    def __init__(self, file: ModFile, path: str) -> None:
        self.file, self.path = file, path
        self.definitions: dict[str, Term] = {}
        self.bases: dict[str, str] = {}
        self._named: dict[Term, Term] = {}
        self.done = 0
        self.flow = Flow()
        self.scopes: list[dict[str, Term | None]] = []
        self.under: list[Term] = []
        self.calls: list[str] = []
        # Fluxes of the last reaction, by the names that KINETIC gives them.
        self.fluxes: dict[str, Term] = {}

    def fail(self, line: int, construct: str, reason: str) -> NoReturn:
        """Refuse the file."""
        raise ModError(self.path, line, construct, reason)

    def name(self, base: str, term: Term) -> Term:
        """Return a symbol that stands for a formula, or what needs no name."""
        if not term.args or (term.head == "negative" and not term.args[0].args):
            return term
        if term not in self._named:
            label = f"%{len(self.definitions)}"
            self.definitions[label], self.bases[label] = term, base
            self._named[term] = symbol(label)
        return self._named[term]

    def run(self, flow: Flow, block: Block) -> None:
        """Run the statements of a block."""
        self.flow = flow
        self.fluxes = {}
        self.scopes.append({})
        self._all(block.body)
        self.scopes.pop()

    def _react(self, one: Reaction | Conserve | Compartment | Equation) -> None:
        self.fail(one.line, "KINETIC", "a statement of a reaction scheme")

    # Statements -----------------------------------------------------------------------------

    def _all(self, statements: Sequence[Statement]) -> None:
        for one in statements:
            self.done += 1
            if self.done > _MOST_STATEMENTS:
                self.fail(
                    one.line,
                    "length",
                    f"with loops and calls written out more than {_MOST_STATEMENTS:,} statements "
                    "would have to be read",
                )
            self._one(one)

    def _one(self, one: Statement) -> None:
        if isinstance(one, CallStatement) and one.call.name == "state_discontinuity":
            one = self._as_assignment(one)
        if isinstance(one, Assign):
            self._assign(one)
        elif isinstance(one, CallStatement):
            self._call_alone(one.call)
        elif isinstance(one, Reread):
            self._reread(one)
        elif isinstance(one, Local):
            for name, length in one.names:
                for element in [f"{name}[{k}]" for k in range(length)] or [name]:
                    self.scopes[-1][element] = None
        elif isinstance(one, If):
            self._if(one)
        elif isinstance(one, Loop):
            self._loop(one)
        elif isinstance(one, Solve):
            self._solve(one)
        elif isinstance(one, Unsupported):
            self.fail(one.line, one.construct, one.why)
        else:
            self._react(one)

    def _as_assignment(self, one: CallStatement) -> Assign:
        """Return what state_discontinuity(x, value) says: x = value."""
        arguments = one.call.arguments
        if len(arguments) != 2 or not isinstance(arguments[0], Name | Index):
            self.fail(one.line, "state_discontinuity", "it takes a state and its new value")
        return Assign(arguments[0], arguments[1], False, one.line)

    def _call_alone(self, call: Call) -> None:
        # What it prints changes nothing.
        if call.name != "printf" or ("FUNCTION", "printf") in self.file.blocks:
            self._call(call)

    def _reread(self, one: Reread) -> None:
        """Give a variable of an ion back what the ion has."""
        read = any(one.name in use.reads and one.name not in use.writes for use in self.file.ions)
        if not read or one.name in self.file.states or self.under or self._is_hidden(one.name):
            self.fail(one.line, "VERBATIM", "it is C, which is not read and never run")
        self.flow.values.pop(one.name, None)

    def _is_hidden(self, name: str) -> bool:
        return any(name in scope for scope in self._visible())

    def _assign(self, one: Assign) -> None:
        name = self._element(one.target)
        value = self.value(one.value)
        if one.prime:
            if self.under:
                self.fail(one.line, f"{name}'", "a derivative under a condition; write one formula")
            if name not in self.file.states and name.split("[")[0] not in self.file.states:
                self.fail(one.line, f"{name}'", f"{name} is not declared in STATE")
            self.flow.rates[name] = value
            return
        if value.size > _LARGEST:
            self.fail(one.line, name, f"its formula has more than {_LARGEST:,} parts")
        short = self.name(name.replace("[", "_").strip("]"), value)
        for scope in reversed(self._visible()):
            if name in scope:
                scope[name] = short
                return
        if name in ("celsius", "dt", "t", "diam", "area"):
            self.fail(one.line, name, "it belongs to the whole model; a mechanism cannot set it")
        self.flow.values[name] = short
        self.flow.set_at[name] = one.line

    def _visible(self) -> list[dict[str, Term | None]]:
        """Return the scopes of the block or procedure that runs now."""
        return self.scopes[-1:]

    def _if(self, one: If) -> None:
        test = self.name("condition", self.value(one.test))
        test = self.definitions.get(test.text, test)
        known = constant(test)
        if known is not None:
            self._all(one.then if known else one.otherwise)
            return
        flow, scope = self.flow, self.scopes[-1]
        before, scope_before = dict(flow.values), dict(scope)
        found = []
        for condition, body in ((test, one.then), (Term("!", (test,)), one.otherwise)):
            flow.values, self.scopes[-1] = dict(before), dict(scope_before)
            self.under.append(condition)
            self._all(body)
            self.under.pop()
            found.append((flow.values, self.scopes[-1]))
        (then, then_scope), (other, other_scope) = found
        merged = dict(before)
        for name in dict.fromkeys([*then, *other]):
            a = then[name] if name in then else self._earlier(name, one.line)
            b = other[name] if name in other else self._earlier(name, one.line)
            merged[name] = self.name(name.replace("[", "_").strip("]"), choose(test, a, b))
        flow.values, self.scopes[-1] = merged, scope
        for name in then_scope:
            left, right = then_scope[name], other_scope.get(name)
            if left is None or right is None:
                # Set on one side alone: it has no value after that.
                scope[name] = left if left is right else None
                continue
            base = name.replace("[", "_").strip("]")
            scope[name] = self.name(base, choose(test, left, right))

    def _loop(self, one: Loop) -> None:
        bounds = [self.value(x) for x in (one.first, one.last, one.step)]
        first, last, step = map(constant, bounds)
        if first is None or last is None or step is None:
            self._refuse_bounds(one.line, bounds)
        if first is None or last is None or step is None or step <= 0:
            self.fail(one.line, "FROM", "a loop whose bounds are not known numbers")
        scope = self.scopes[-1]
        kept = scope.get(one.name)
        k = first
        while k <= last:
            scope[one.name] = number(k)
            self._all(one.body)
            self.done += 1
            if self.done > _MOST_STATEMENTS:
                self.fail(one.line, "FROM", f"it runs more than {_MOST_STATEMENTS:,} times")
            k += step
        scope[one.name] = kept

    def _refuse_bounds(self, line: int, bounds: list[Term]) -> NoReturn:
        """Refuse a loop, unless parameters alone say how often it runs."""
        names = {name for term in bounds for name in symbols(term)}
        reason = "a loop whose bounds are not known numbers"
        moving = {"v", "celsius", "dt", "t", "diam", "area"}
        moving |= {name for use in self.file.ions for name in (*use.reads, *use.writes)}
        if names & moving or not names <= set(self.file.parameters) & set(self.flow.known):
            self.fail(line, "FROM", reason)
        note = "it says how often a loop runs, which is written out here"
        raise FixedError(self.path, line, "FROM", reason, names, note)

    def _solve(self, one: Solve) -> None:
        """Take note of what is solved; the translation runs it in its own flow."""
        if self.under or self.calls:
            self.fail(one.line, "SOLVE", "it stands under a condition or in a procedure")
        self.flow.solved.append(one)
        self.flow.before.append(dict(self.flow.values))

    # Expressions ----------------------------------------------------------------------------

    def _element(self, place: Name | Index) -> str:
        if isinstance(place, Name):
            return place.name
        index = constant(self.value(place.index))
        if index is None or index != int(index) or index < 0:
            self.fail(place.line, place.name, "an index that is not a known whole number")
        return f"{place.name}[{int(index)}]"

    def value(self, one: Expression) -> Term:
        """Return the formula of an expression."""
        if isinstance(one, Number):
            if not isfinite(float(one.text)):
                self.fail(1, one.text, "the number is too large")
            return number(one.text)
        if isinstance(one, Text):
            self.fail(one.line, "text", "a text is no number")
        if isinstance(one, Name | Index):
            return self._read(self._element(one), one.line)
        if isinstance(one, Not):
            inner = self.value(one.of)
            return negative(inner) if one.sign == "-" else Term("!", (inner,))
        if isinstance(one, Call):
            return self._call(one)
        left, right = self.value(one.left), self.value(one.right)
        if one.sign == "/":
            return self._divide(left, right)
        if one.sign == "^":
            return operate("^", self._base(left, right), right)
        if one.sign in CONDITIONS:
            return Term(one.sign, (left, right))
        if one.sign == "%":
            self.fail(1, "%", "the remainder of a division is not read")
        return operate(one.sign, left, right)

    def _divide(self, left: Term, right: Term) -> Term:
        whole = quotient(left, right, self._expanded)
        if whole is not None:
            return whole
        if self.under and not is_positive(right) and self._moves(right):
            # Where the condition does not hold, this is worked out all the same and not used.
            right = operate("+", right, Term("==", (right, number("0"))))
        return operate("/", left, right)

    def _moves(self, term: Term) -> bool:
        """Say whether a formula depends on more than parameters."""
        waiting, seen = [term], set()
        while waiting:
            for name in symbols(waiting.pop()):
                if name in self.definitions and name not in seen:
                    seen.add(name)
                    waiting.append(self.definitions[name])
                elif name not in self.file.parameters and name not in self.definitions:
                    return True
        return False

    def _expanded(self, term: Term) -> Term:
        return self.definitions.get(term.text, term) if term.head == "symbol" else term

    def _base(self, base: Term, exponent: Term) -> Term:
        known = constant(exponent)
        if self.under and (known is None or known != int(known)) and not is_positive(base):
            return apply("fabs", base)
        return base

    def _read(self, name: str, line: int) -> Term:
        for scope in reversed(self._visible()):
            if name in scope:
                found = scope[name]
                if found is None:
                    self.fail(line, name, "this LOCAL variable is read before it is set")
                return found
        if name in self.fluxes:
            return self.fluxes[name]
        if name in self.file.defines:
            return number(self.file.defines[name])
        if name in self.flow.values:
            return self.flow.values[name]
        return self._earlier(name, line)

    def _earlier(self, name: str, line: int) -> Term:
        if name in self.flow.known:
            return self.flow.known[name]
        self.flow.read.setdefault(name, line)
        return symbol(f"?{self.flow.title}:{name}")

    def _call(self, call: Call) -> Term:
        name = call.name
        arguments = [self.value(one) for one in call.arguments]
        block = self.file.blocks.get(("FUNCTION", name)) or self.file.blocks.get(
            ("PROCEDURE", name)
        )
        if block is None:
            return self._builtin(call, arguments)
        if name in self.calls:
            self.fail(call.line, name, "it calls itself")
        if len(arguments) != len(block.arguments):
            self.fail(
                call.line,
                name,
                f"it takes {len(block.arguments)} arguments and is given {len(arguments)}",
            )
        scope: dict[str, Term | None] = {}
        for argument, term in zip(block.arguments, arguments, strict=True):
            scope[argument] = term if term.size <= _SHORT else self.name(f"{name}_{argument}", term)
        scope[name] = number("0")
        self.calls.append(name)
        if len(self.calls) > 30:
            self.fail(call.line, name, "more than 30 functions call one another")
        self.scopes.append(scope)
        self._all(block.body)
        found = self.scopes.pop()[name]
        self.calls.pop()
        assert found is not None
        return found

    def _builtin(self, call: Call, arguments: list[Term]) -> Term:
        name = call.name
        if name == "pow" and len(arguments) == 2:
            return operate("^", self._base(*arguments), arguments[1])
        if name == "exprelr" and len(arguments) == 1:
            return operate("/", number("1"), apply("exprel", arguments[0]))
        if name in FUNCTIONS and name != "exprel":
            if len(arguments) != 1:
                self.fail(call.line, name, "it takes one argument")
            if self.under and name in ("log", "log10", "sqrt") and not is_positive(arguments[0]):
                inside = arguments[0]
                arguments = [choose(Term(">", (inside, number("0"))), inside, number("1"))]
            return apply(name, *arguments)
        if name in ("net_send", "net_event", "net_move", "at_time"):
            self.fail(call.line, name, "events from within a mechanism cannot be said")
        if name in ("random", "scop_random", "exprand", "normrand", "poisrand", "erand"):
            self.fail(call.line, name, "random numbers of NEURON cannot be drawn alike")
        raise ModError(
            self.path,
            call.line,
            f"{name}()",
            "no function or procedure of the file, nor one that is known",
        )
