"""Expressions and statements of NMODL, read by recursive descent.

The parser is our own: that of NEURON's wheel keeps no comments and few line numbers, is not to be
had on every platform, and a file that is nested deep enough ends the process it runs in.
"""

from __future__ import annotations

import re
from typing import NoReturn

from neurosim.errors import ModError
from neurosim.mod.reading.harmless_c import does_nothing, is_return, reread_ion
from neurosim.mod.reading.tokens import Token
from neurosim.mod.reading.tree import (
    Assign,
    Binary,
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

__all__ = ["StatementParser"]

_DEEPEST = 60
_LEVELS = (("||",), ("&&",), (">", "<", ">=", "<=", "==", "!="), ("+", "-"), ("*", "/", "%"))
_SKIPPED = {
    "WATCH": "conditions that are watched would need events of their own",
    "FOR_NETCONS": "it loops over connections, which a part does not know",
    "RESET": "it belongs to the simulator SCoP",
    "SENS": "it belongs to the simulator SCoP",
    "FORALL": "it belongs to the simulator SCoP",
    "LAG": "it looks back in time",
    "PUTQ": "it belongs to the simulator SCoP",
    "GETQ": "it belongs to the simulator SCoP",
    "MATCH": "it belongs to the simulator SCoP",
}
_ENDS = ("=", "<->", "->", "<<", "~", "}")
_LOCKS = ("PROTECT", "MUTEXLOCK", "MUTEXUNLOCK")


class StatementParser:
    """Reads from a list of words; subclasses know the blocks."""

    def __init__(self, tokens: list[Token], text: str, path: str) -> None:
        self.tokens, self.text, self.path, self.at, self.depth = tokens, text, path, 0, 0

    @property
    def now(self) -> Token:
        """The word that is next."""
        return self.tokens[self.at]

    def ahead(self, count: int = 1) -> str:
        """Return the text of a later word."""
        return self.tokens[min(self.at + count, len(self.tokens) - 1)].text

    def fail(self, reason: str, construct: str = "", line: int = 0) -> NoReturn:
        """Refuse the file at the word that is next."""
        word = self.now.text[:40] or "the end of the file"
        raise ModError(self.path, line or self.now.line, construct or f"{word!r}", reason)

    def take(self) -> Token:
        """Return the next word and go on."""
        token = self.now
        self.at += token.kind != "end"
        return token

    def has(self, *words: str) -> bool:
        """Say whether the next word is one of some."""
        return self.now.kind in ("sign", "name") and self.now.text in words

    def accept(self, *words: str) -> bool:
        """Go past the next word if it is one of some."""
        found = self.has(*words)
        self.at += found
        return found

    def expect(self, word: str) -> Token:
        """Go past a word that must be there."""
        if not self.has(word):
            self.fail(f"{word!r} was expected here")
        return self.take()

    def identifier(self) -> str:
        """Return a name that must be there."""
        if self.now.kind != "name":
            self.fail("a name was expected here")
        return self.take().text

    def whole(self) -> int:
        """Return a whole number, written out or told by DEFINE."""
        text = self.take().text
        if text in self.defined:
            return self.defined[text]
        if not re.fullmatch(r"\d{1,6}", text):
            self.at -= 1
            self.fail("a whole number of at most six digits was expected here")
        return int(text)

    @property
    def defined(self) -> dict[str, int]:
        """Whole numbers by name."""
        return {}

    def unit(self) -> str:
        """Return the unit in brackets that may come next, "" where none does."""
        if not self.has("("):
            return ""
        begin = self.take().end
        depth = 1
        while depth:
            token = self.take()
            depth += (token.text == "(") - (token.text == ")")
            if token.kind == "end" or token.end - begin > 200:
                self.fail("a unit is not closed", "unit", self.tokens[self.at - 1].line)
        return " ".join(self.text[begin : token.start].split())

    # Expressions ----------------------------------------------------------------------------

    def expression(self, level: int = 0) -> Expression:
        """Return the expression that comes next."""
        if level == 0:
            self.depth += 1
            if self.depth > _DEEPEST:
                self.fail(f"brackets or blocks are nested more than {_DEEPEST} deep", "nesting")
        if level == len(_LEVELS):
            return self._signed()
        left = self.expression(level + 1) if level + 1 < len(_LEVELS) else self._signed()
        while self.has(*_LEVELS[level]):
            sign = self.take().text
            right = self.expression(level + 1) if level + 1 < len(_LEVELS) else self._signed()
            left = Binary(sign, left, right)
        if level == 0:
            self.depth -= 1
        return left

    def _signed(self) -> Expression:
        signs = []
        while self.has("-", "!", "+"):
            signs.append(self.take().text)
        found = self._power()
        for sign in reversed(signs):
            found = Not(sign, found) if sign != "+" else found
        return found

    def _power(self) -> Expression:
        base = self._primary()
        if self.accept("^"):
            self.depth += 1
            if self.depth > _DEEPEST:
                self.fail(f"powers are nested more than {_DEEPEST} deep", "nesting")
            base = Binary("^", base, self._signed())
            self.depth -= 1
        return base

    def _primary(self) -> Expression:
        token = self.now
        if token.kind == "number":
            self.take()
            self.unit()
            return Number(token.text)
        if self.accept("("):
            inside = self.expression()
            self.expect(")")
            return inside
        if token.kind != "name":
            self.fail("an expression was expected here")
        self.take()
        if self.accept("("):
            arguments: list[Expression] = []
            while not self.accept(")"):
                if self.now.kind == "text":
                    arguments.append(Text(self.take().line))
                else:
                    arguments.append(self.expression())
                self.accept(",")
            return Call(token.text, tuple(arguments), token.line)
        return self._place(token)

    def _place(self, token: Token) -> Name | Index:
        if self.accept("["):
            index = self.expression()
            self.expect("]")
            return Index(token.text, index, token.line)
        if self.has("@"):
            self.fail("a value of another time step", "@")
        return Name(token.text, token.line)

    # Statements -----------------------------------------------------------------------------

    def statements(self) -> tuple[Statement, ...]:
        """Return the statements between braces."""
        self.expect("{")
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail(f"brackets or blocks are nested more than {_DEEPEST} deep", "nesting")
        found: list[Statement] = []
        while not self.accept("}"):
            if self.now.kind == "end":
                self.fail("a closing brace is missing")
            found += self.statement()
        self.depth -= 1
        return tuple(found)

    def statement(self) -> list[Statement]:
        """Return the statement that comes next; none for what does nothing."""
        token = self.now
        word = token.text
        if token.kind == "verbatim":
            self.take()
            return self._verbatim(token)
        if token.kind == "sign" and word == "~":
            return [self._reaction()]
        if token.kind != "name":
            self.fail("a statement was expected here")
        if word in ("IF", "if"):
            return [self._if()]
        special = getattr(self, f"_at_{word}", None) if word.isupper() else None
        if special is not None:
            self.take()
            return list(special(token.line))
        if word in ("WHILE", "while"):
            return [self._while()]
        if word in _LOCKS:
            # They keep threads apart, which here share nothing.
            self.take()
            return self.statement() if word == "PROTECT" else []
        if word in _SKIPPED:
            self.fail(_SKIPPED[word], word)
        return [self._assignment()]

    def _verbatim(self, token: Token) -> list[Statement]:
        if does_nothing(token.text) or (is_return(token.text) and self.has("}")):
            return []
        if name := reread_ion(token.text):
            return [Reread(name, token.line)]
        return [Unsupported("VERBATIM", "it is C, which is not read and never run", token.line)]

    def _assignment(self) -> Statement:
        token = self.take()
        if self.accept("("):
            self.at -= 2
            call = self._primary()
            assert isinstance(call, Call)
            return CallStatement(call, token.line)
        target = self._place(token)
        prime = self.accept("'")
        if self.has("'"):
            self.fail("only first derivatives are read", "second derivative")
        if prime and self.accept("["):
            index = self.expression()
            self.expect("]")
            target = Index(token.text, index, token.line)
        self.expect("=")
        value = self.expression()
        return Assign(target, value, prime, token.line)

    def _if(self) -> If:
        line = self.take().line
        self.expect("(")
        test = self.expression()
        self.expect(")")
        then = self.statements()
        otherwise: tuple[Statement, ...] = ()
        if self.accept("ELSE", "else"):
            if self.has("IF", "if"):
                self.depth += 1
                if self.depth > _DEEPEST:
                    self.fail(f"conditions are nested more than {_DEEPEST} deep", "nesting")
                otherwise = (self._if(),)
                self.depth -= 1
            else:
                otherwise = self.statements()
        return If(test, then, otherwise, line)

    def _while(self) -> Unsupported:
        line = self.take().line
        self.expect("(")
        self.expression()
        self.expect(")")
        self.statements()
        why = "a loop whose end depends on values cannot be written as equations"
        return Unsupported("WHILE", why, line)

    def _at_LOCAL(self, line: int) -> list[Statement]:
        return [Local(tuple(self._names_with_length()), line)]

    def _names_with_length(self) -> list[tuple[str, int]]:
        found = []
        while True:
            name, length = self.identifier(), 0
            if self.accept("["):
                length = self.whole()
                self.expect("]")
            found.append((name, length))
            if not self.accept(","):
                return found

    def _at_FROM(self, line: int) -> list[Statement]:
        name = self.identifier()
        self.expect("=")
        first = self.expression()
        self.expect("TO")
        last = self.expression()
        step: Expression = Number("1")
        if self.accept("BY"):
            step = self.expression()
        return [Loop(name, first, last, step, self.statements(), line)]

    def _at_SOLVE(self, line: int) -> list[Statement]:
        block, method, steady = self.identifier(), "", False
        if self.accept("METHOD", "USING"):
            method = self.identifier()
        elif self.accept("STEADYSTATE"):
            method, steady = self.identifier(), True
        if self.has("IFERROR"):
            self.fail("what is done on an error of the solver cannot be said", "IFERROR")
        return [Solve(block, method, steady, line)]

    def _at_TABLE(self, _line: int) -> list[Statement]:
        """Go past a table: what it would interpolate is evaluated exactly."""
        while not self.has("DEPEND", "FROM"):
            self.identifier()
            if self.accept("["):
                self.whole()
                self.expect("]")
            self.accept(",")
        if self.accept("DEPEND"):
            while not self.has("FROM"):
                self.identifier()
                self.accept(",")
        self.expect("FROM")
        self.expression()
        self.expect("TO")
        self.expression()
        self.expect("WITH")
        self.expression()
        return []

    def _at_CONDUCTANCE(self, _line: int) -> list[Statement]:
        self.identifier()
        if self.accept("USEION"):
            self.identifier()
        return []

    def _reaction(self) -> Statement:
        line = self.take().line
        begin = self.at
        if self._is_equation():
            left_side = self.expression()
            self.expect("=")
            return Equation(left_side, self.expression(), line)
        left = self._terms()
        sign = self.now.text
        if not self.accept("<->", "->", "<<"):
            self.at = begin
            self.fail("neither a reaction nor an equation", "~")
        right = () if sign == "<<" or (sign == "->" and self.has("(")) else self._terms()
        self.expect("(")
        rates = [self.expression()]
        while self.accept(","):
            rates.append(self.expression())
        self.expect(")")
        if len(rates) != (2 if sign == "<->" else 1):
            self.fail(f"{sign!r} takes {2 if sign == '<->' else 1} rates", "reaction", line)
        return Reaction(sign, left, right, tuple(rates), line)

    def _is_equation(self) -> bool:
        """Say whether an equals sign comes before an arrow."""
        for token in self.tokens[self.at :]:
            if token.kind in ("sign", "end") and token.text in (
                "=",
                "<->",
                "->",
                "<<",
                "~",
                "}",
                "",
            ):
                return token.text == "="
        return False

    def _terms(self) -> tuple[tuple[float, Name | Index], ...]:
        found = []
        while True:
            count = 1.0
            if self.now.kind == "number":
                count = float(self.take().text)
                self.accept("*")
            token = self.now
            self.identifier()
            found.append((count, self._place(token)))
            if not self.accept("+"):
                return tuple(found)

    def _at_CONSERVE(self, line: int) -> list[Statement]:
        terms = self._terms()
        self.expect("=")
        return [Conserve(terms, self.expression(), line)]

    def _at_COMPARTMENT(self, line: int) -> list[Statement]:
        index = ""
        if self.now.kind == "name" and self.ahead() == ",":
            index = self.identifier()
            self.take()
        volume = self.expression()
        return [Compartment(index, volume, self._braced_names(), line)]

    def _at_LONGITUDINAL_DIFFUSION(self, line: int) -> list[Statement]:
        if self.now.kind == "name" and self.ahead() == ",":
            self.identifier()
            self.take()
        self.expression()
        self._braced_names()
        why = (
            "diffusion between compartments belongs to the pools of neurosim.ions, such as "
            "Calcium(diffusion=...)"
        )
        return [Unsupported("LONGITUDINAL_DIFFUSION", why, line)]

    def _braced_names(self) -> tuple[str, ...]:
        self.expect("{")
        names = []
        while not self.accept("}"):
            names.append(self.identifier())
            if self.accept("["):
                self.expression()
                self.expect("]")
            self.accept(",")
        return tuple(names)

    def _at_INITIAL(self, line: int) -> list[Statement]:
        self.statements()
        return [Unsupported("INITIAL", "each stream of events would have a state", line)]
