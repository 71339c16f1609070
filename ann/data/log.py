"""The record of what was done to a table: one step a rule, with a cell before and after."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace

import pandas as pd

from ann.display import html_table

__all__ = ["Log", "Step", "steps_table"]


@dataclass(frozen=True)
class Step:
    """One rule at work.

    Attributes
    ----------
    column : str
        The column touched; empty for the file or its rows as a whole.
    rule : str
        What was done, in one word or two.
    rows : int
        How many rows were touched.
    before, after : str
        One example.
    why : str
        What was seen that called for it.
    applied : bool
        False for a finding that changes nothing until a person says so.
    proposed : bool
        Of a finding: whether the evidence is strong enough to recommend it.
    effect : str
        Of a cleaning rule: ``"lossless"``, ``"reversible"``, ``"destructive"`` or, of a column
        that is no feature, ``"left out"``.
    """

    column: str
    rule: str
    rows: int
    before: str = ""
    after: str = ""
    why: str = ""
    applied: bool = True
    effect: str = ""
    proposed: bool = False

    @property
    def status(self) -> str:
        """``"applied"``, or ``"proposed"`` (recommended) or ``"reported"``, and not applied."""
        return "applied" if self.applied else ("proposed" if self.proposed else "reported")

    @property
    def option(self) -> str:
        """What to type so that a cleaning rule that was not applied is applied; else empty."""
        if self.applied or not self.effect:
            return ""
        return shlex.join(["--apply", f"{self.rule}:{self.column}" if self.column else self.rule])

    def __str__(self) -> str:
        where = f"{self.column}: " if self.column else ""
        example = f" ({self.before!r} -> {self.after!r})" if self.before or self.after else ""
        word = "" if self.applied else f" [{self.status}, not applied]"
        how = f". To do it: {self.option}; to keep the cells: do nothing" if self.option else ""
        return f"{where}{self.rule}, {self.rows} rows{example}{word}: {self.why}{how}"


@dataclass(repr=False)
class Log:
    """Steps in the order in which they happened.

    Examples
    --------
    >>> log = Log()
    >>> log.add(Step("height", "unit", 3, "154.8 cm", "154.8", "all cells end in cm"))
    >>> print(log)
    height: unit, 3 rows ('154.8 cm' -> '154.8'): all cells end in cm
    """

    steps: list[Step] = field(default_factory=list)

    def add(self, step: Step) -> None:
        """Append one step."""
        self.steps.append(step)

    def extend(self, steps: Iterable[Step]) -> None:
        """Append several steps."""
        self.steps.extend(steps)

    def merge(self, steps: Iterable[Step]) -> None:
        """Take in the steps of another part of the table: rows of the same step are added up."""
        for step in steps:
            key = (step.column, step.rule, step.applied)
            for k, old in enumerate(self.steps):
                if (old.column, old.rule, old.applied) == key:
                    self.steps[k] = replace(old, rows=old.rows + step.rows)
                    break
            else:
                self.steps.append(step)

    def find(self, column: str | None = None, rule: str | None = None) -> list[Step]:
        """Return the steps of one column, one rule, or both.

        Parameters
        ----------
        column, rule : str, optional
            What to look for; None stands for any.

        Returns
        -------
        list of Step
        """
        return [
            s
            for s in self.steps
            if (column is None or s.column == column) and (rule is None or s.rule == rule)
        ]

    def frame(self) -> pd.DataFrame:
        """Return the log as a table, one row a step."""
        names = list(Step.__dataclass_fields__)
        return pd.DataFrame([asdict(s) for s in self.steps], columns=names)

    def document(self) -> list[dict[str, object]]:
        """Return the log as plain values, ready for JSON."""
        return [asdict(s) for s in self.steps]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        return "\n".join(str(s) for s in self.steps)

    def __repr__(self) -> str:
        done = sum(s.applied for s in self.steps)
        return f"<Log of {done} steps done and {len(self) - done} findings not applied>"

    def _repr_html_(self) -> str:
        return steps_table("What was done and found", self.steps)


def steps_table(title: str, steps: Iterable[Step], note: str = "") -> str:
    """Return steps as an HTML table for a notebook; see `ann.display.html_table`."""
    head = ("column", "rule", "effect", "rows", "before", "after", "why")
    rows = [
        (
            s.column or "(table)",
            s.rule if s.applied else f"{s.rule} ({s.status}, not applied)",
            s.effect,
            s.rows or "",
            s.before,
            s.after,
            s.why + (f" To do it: {s.option}" if s.option else ""),
        )
        for s in steps
    ]
    return html_table(title, rows, head, note)
