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
    """One column's distinct texts, as the rules found so far leave them.

    What several rules ask of all texts is found once and kept until a rule changes the texts: the
    lists and counters that its methods return are not to be changed.
    """

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
        self.counts = np.bincount(codes[codes >= 0], minlength=len(uniques)).astype(np.int64)
        self.now = [str(u) for u in uniques]

    @property
    def now(self) -> list[str | None]:
        """The distinct texts, None where a rule found that nothing is there."""
        return self._now

    @now.setter
    def now(self, texts: list[str | None]) -> None:
        self._now = texts
        self._weighed: list[tuple[str, int]] | None = None
        self._text_counts: Counter[str] | None = None
        self._plain: frozenset[str] | None = None
        self._numbers: tuple[NDArray[np.float64], NDArray[np.int64]] | None = None

    def filled(self) -> int:
        """How many cells hold a value."""
        return sum(n for v, n in self.weighed() if v)

    def weighed(self) -> list[tuple[str, int]]:
        """Texts that are not missing, with their counts; one text may come twice."""
        if self._weighed is None:
            pairs = zip(self.now, self.counts.tolist(), strict=True)
            self._weighed = [(v, n) for v, n in pairs if v is not None]
        return self._weighed

    def text_counts(self) -> Counter[str]:
        """How often each text occurs."""
        if self._text_counts is None:
            pairs = self.weighed()
            counts = Counter(dict(pairs))
            if len(counts) < len(pairs):
                counts = Counter()
                for v, n in pairs:
                    counts[v] += n
            self._text_counts = counts
        return self._text_counts

    def plain(self) -> frozenset[str]:
        """The texts that are numbers in plain digits."""
        if self._plain is None:
            self._plain = frozenset(v for v, _ in self.weighed() if is_plain(v))
        return self._plain

    def by_count(self) -> list[str]:
        """The texts, the commonest first."""
        return [v for v, _ in sorted(self.text_counts().items(), key=lambda kv: (-kv[1], kv[0]))]

    def numbers(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The distinct finite numbers, sorted, and how often each occurs."""
        if self._numbers is None:
            plain = self.plain()
            found = [(float(v), n) for v, n in self.weighed() if v in plain]
            sizes = np.array([v for v, _ in found], dtype=float)
            # The index keeps the first of 0 and -0, which are one number.
            values, _, place = np.unique(sizes, return_index=True, return_inverse=True)
            weights = np.array([n for _, n in found], dtype=np.int64)
            counts = np.bincount(place, weights, len(values)).astype(np.int64)
            self._numbers = values, counts
        return self._numbers

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
        if apply and len(changed):
            self.now = new
        self.rules.append(rule)

    def drop(self, target: bool, kind: str, why: str) -> None:
        """Add the rule that the column is no feature, unless it is the target."""
        if target:
            return
        shown = [v for v in self.in_rows()[:200] if v][:3]
        example = (", ".join(shown), "no feature")
        self.rules.append(Rule(self.name, "drop", True, {"kind": kind}, why, self.rows, *example))
