"""One column as the rules that propose others see it: its distinct texts and their counts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ann.data.cells.numerals import is_plain
from ann.data.cleaning.rules import Rule

__all__ = ["MOSTLY", "Inspection"]

#: A column is one of numbers (or dates) when at least so many of its filled cells are.
MOSTLY = 0.9


class Inspection:
    """One column's distinct texts, as the rules found so far leave them."""

    def __init__(self, name: str, cells: pd.Series, *, commas: bool = False) -> None:
        self.name = name
        self.unit = ""
        #: Whether other columns of the table have decimal commas.
        self.commas = commas
        #: Whether they are dates whose order of day and month only a person can tell.
        self.open_dates = False
        #: Whether they are numbers with signs or suffixes that do not mean the same.
        self.open_numbers = False
        self.rules: list[Rule] = []
        codes, uniques = pd.factorize(cells.to_numpy(dtype=object), use_na_sentinel=True)
        self.codes = codes
        self.rows = len(cells)
        self.now: list[str | None] = [str(u) for u in uniques]
        self.counts = np.bincount(codes[codes >= 0], minlength=len(uniques)).astype(np.int64)

    def filled(self) -> int:
        """How many cells hold a value."""
        return sum(n for v, n in self.weighed() if v)

    def weighed(self) -> list[tuple[str, int]]:
        """Texts that are not missing, with their counts; one text may come twice."""
        return [(v, int(n)) for v, n in zip(self.now, self.counts, strict=True) if v is not None]

    def text_counts(self) -> Counter[str]:
        """How often each text occurs."""
        counts: Counter[str] = Counter()
        for v, n in self.weighed():
            counts[v] += n
        return counts

    def by_count(self) -> list[str]:
        """The texts, the commonest first."""
        return [v for v, _ in sorted(self.text_counts().items(), key=lambda kv: (-kv[1], kv[0]))]

    def numbers(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The distinct finite numbers, sorted, and how often each occurs."""
        counts: Counter[float] = Counter()
        for v, n in self.weighed():
            if is_plain(v) and abs(float(v)) < np.inf:
                counts[float(v)] += n
        values = np.array(sorted(counts), dtype=float)
        return values, np.array([counts[v] for v in values], dtype=np.int64)

    def in_rows(self) -> list[str | None]:
        """The column row by row."""
        table = np.array([*self.now, None], dtype=object)
        return list(table[self.codes])

    def rule(
        self,
        kind: str,
        settings: dict[str, Any] | None = None,
        *,
        why: str,
        apply: bool = True,
        proposed: bool = False,
        only_if_found: bool = False,
    ) -> None:
        """Add a rule and, if it is to be applied, see the column through it."""
        rule = Rule(self.name, kind, apply, settings or {}, why, proposed=proposed and not apply)
        new, changed, step = rule.tried(self.now, self.counts)
        if only_if_found and not len(changed):
            return
        rule.rows, rule.before, rule.after = step.rows, step.before, step.after
        if apply:
            self.now = new
        self.rules.append(rule)

    def drop(self, target: bool, kind: str, why: str) -> None:
        """Add the rule that the column is no feature, unless it is the target."""
        if target:
            return
        shown = [v for v in self.in_rows()[:200] if v][:3]
        example = (", ".join(shown), "no feature")
        self.rules.append(Rule(self.name, "drop", True, {"kind": kind}, why, self.rows, *example))
