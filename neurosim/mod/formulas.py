"""What the blocks of a file come to: formulas by name, and where states start and how they move."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

from neurosim.errors import ModError
from neurosim.mod.terms import Term, replaced, symbols

__all__ = ["FixedError", "Flows", "HistoryError"]


class FixedError(ModError):
    """A file can be said only with some parameters taken as the numbers it gives them.

    Attributes
    ----------
    switches : set of str
        Parameters that may have to be numbers.
    note : str
        Why they are; "" stands for a history that they switch on.
    """

    def __init__(
        self,
        path: str,
        line: int,
        construct: str,
        reason: str,
        switches: Set[str] = frozenset(),
        note: str = "",
    ) -> None:
        super().__init__(path, line, construct, reason)
        self.switches, self.note = switches, note


class HistoryError(FixedError):
    """A variable depends on its own earlier value."""


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
    equations : list of (list of Term, int)
        What SOLVE in INITIAL puts to 0 by a LINEAR block, and the line.
    broken : dict of str to (int, str)
        Variables that move in a way which equations cannot say, the line and the reason.
    said : set of str
        Variables that INITIAL itself sets.
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
    equations: list[tuple[list[Term], int]] = field(default_factory=list)
    broken: dict[str, tuple[int, str]] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)

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
