"""Whether a cell still says what it said, and which harmless repair it is due."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation

from corpus.truth import EITHER, MISSING, Facts, collapse, repaired

__all__ = [
    "due_counts",
    "needs",
    "plain_number",
    "same_value",
    "several_spellings",
    "shared_texts",
]


def plain_number(text: str) -> Decimal | None:
    """Return the number that a text in plain digits says, or None.

    Examples
    --------
    >>> plain_number(" 1.50"), plain_number("1,5")
    (Decimal('1.50'), None)
    """
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def same_value(facts: Facts, column: str, before: str, after: str | None) -> bool | None:
    """Tell whether a cell still says what it said, None where nobody can tell.

    Parameters
    ----------
    facts : Facts
    column : str
    before : str
        As in the file.
    after : str or None
        After cleaning; None for missing.
    """
    truth = facts.value(column, before)
    if truth is EITHER:
        return None if collapse(before) in facts.spelled("either", column) else after is None
    if after is None or truth is MISSING:
        return truth is MISSING and (after is None or collapse(before) == after)
    if isinstance(truth, Decimal):
        number = plain_number(after)
        if number is None:
            return collapse(before) == after
        # 97 % may become 97 or 0.97: the number is the same.
        sizes = (truth, truth / 100) if column in facts.percent else (truth,)
        return any(abs(number - v) <= abs(v) * Decimal("1e-12") for v in sizes)
    if isinstance(truth, datetime):
        day = _iso(after)
        return collapse(before) == after if day is None else day == truth
    if after in (collapse(before), collapse(repaired(before)), before.strip("'\" ")):
        return True
    if any({collapse(before), after} <= set(same) for same in facts.same.get(column, ())):
        return True
    return column in facts.one_label and _loosely(before) == _loosely(after)


def _iso(text: str) -> datetime | None:
    """Return what an ISO text says; of a month its first day."""
    for order in ("", "%Y-%m"):
        try:
            return datetime.strptime(text, order) if order else datetime.fromisoformat(text)
        except ValueError:
            continue
    return None


def _loosely(text: str) -> str:
    """Return a label without case, spaces and marks: in some columns these mean nothing."""
    return "".join(c for c in text.casefold() if c.isalnum())


def needs(facts: Facts, column: str, text: str, shared: frozenset[str]) -> str:
    """Return which harmless repair a cell is due, or a blank.

    Parameters
    ----------
    facts : Facts
    column : str
    text : str
        The cell.
    shared : frozenset of str
        Texts without spaces that several spellings of the column share: taking spaces away would
        merge labels there, which is not harmless.
    """
    truth = facts.value(column, text)
    if truth is EITHER or not text.strip():
        return ""
    if truth is MISSING:
        return "missing"
    if isinstance(truth, Decimal):
        return "" if plain_number(text) is not None else "number"
    if isinstance(truth, datetime):
        return "date" if _iso(text.strip()) is None else ""
    if repaired(text) != text:
        return "encoding"
    return "spaces" if collapse(text) != text and collapse(text) not in shared else ""


def due_counts(facts: Facts, column: str, cells: list[str]) -> Counter[str]:
    """Count the cells of a column that are due each harmless repair, and the doubtful ones."""
    shared = shared_texts(cells)
    out: Counter[str] = Counter()
    for text, n in Counter(cells).items():
        if kind := needs(facts, column, text, shared):
            out[kind] += n
        elif text.strip() in facts.spelled("doubtful", column):
            out["doubtful"] += n
    return out


def shared_texts(cells: Iterable[str]) -> frozenset[str]:
    """Return the texts that several spellings share once spaces are taken away."""
    spellings = Counter(collapse(v) for v in set(cells))
    return frozenset(v for v, n in spellings.items() if n > 1)


def several_spellings(facts: Facts, column: str, cells: Iterable[str]) -> set[str]:
    """Return the texts of a column that mean the same as another text of it."""
    texts = {collapse(v) for v in cells}
    groups: dict[str, set[str]] = defaultdict(set)
    if column in facts.one_label:
        for v in texts:
            groups[_loosely(v)].add(v)
    several = [texts & set(same) for same in facts.same.get(column, ())]
    return {v for g in (*groups.values(), *several) if len(g) > 1 for v in g}
