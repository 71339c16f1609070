"""What is counted for each table, and each action that did harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Score", "WrongAction"]


@dataclass(frozen=True)
class WrongAction:
    """One rule that did harm to one column.

    Attributes
    ----------
    table, column, rule : str
    harm : str
        ``"row removed"``, ``"label merged"``, ``"value rescaled"``, ``"cell blanked"``,
        ``"cell altered"``, ``"column left out"``, ``"file misread"`` or ``"wrong proposal"``.
    count : int
        Rows, cells or labels.
    examples : tuple of str
    """

    table: str
    column: str
    rule: str
    harm: str
    count: int
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = "; ".join(self.examples[:4])
        return f"{self.table} | {self.column} | {self.rule} | {self.harm} {self.count} | {shown}"


@dataclass
class Score:
    """Counts of one table.

    Attributes
    ----------
    name, group : str
    tally : Counter
        ``altered``, ``altered wrongly``, ``due``, ``done``, ``proposals``, ``right proposals``,
        ``recommended``, ``recommended rightly``, ``reports``, ``faults``, ``found``, and one count
        for each kind of harm.
    wrong : list of WrongAction
    missed : list of str
        Known faults that no rule did or proposed anything about.
    undo : bool
        Whether undoing gives back the table.
    """

    name: str
    group: str
    tally: Counter[str] = field(default_factory=Counter)
    wrong: list[WrongAction] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    undo: bool = True

    def harm(self, column: str, rule: str, harm: str, count: int, shown: Iterable[str]) -> None:
        """Write down one wrong action."""
        self.tally[harm] += count
        self.wrong.append(WrongAction(self.name, column, rule, harm, count, tuple(shown)))

    def fault(self, words: str, found: bool) -> None:
        """Count one known fault."""
        self.tally["faults"] += 1
        self.tally["found"] += found
        if not found:
            self.missed.append(f"{self.name}: {words}")
