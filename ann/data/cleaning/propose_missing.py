"""Spaces and blanks: the two rules that run first in every column, and the labels they spare."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import Any

from ann.data.cells.dates import looks_like_date
from ann.data.cells.lexicon import MISSING_ALWAYS, PAIRS, fold
from ann.data.cells.numerals import split_affixes
from ann.data.cleaning.inspection import Inspection
from ann.data.cleaning.rules import tidy

__all__ = ["blank_missing", "trim_spaces"]

#: A label that differs from another in white space only, and is so much rarer, is the same label.
RARE_TWIN = 0.25
#: A dash among plus signs that so many cells have is a minus, and no gap.
FREQUENT_SIGN = 0.05
_SIGNS = "signs"
_ELEMENT = re.compile(r"[A-Z][a-z]?\Z")
#: Beside one of these, a word that elsewhere means a gap is an answer; of ``na``, beside two.
_OPPOSITES: dict[str, frozenset[str]] = {
    word: frozenset(others.split())
    for word, others in (
        (
            "missing",
            """present found intact complete available dead alive deceased died killed wounded
            injured captured survived rescued safe returned filled decayed extracted sound damaged
            broken replaced""",
        ),
        (
            "null",
            """wt het hom ko mut mutant wildtype wild-type heterozygous homozygous knockout
            alternative alt +/+ +/- wt/wt wt/null null/null""",
        ),
        ("not available", "available"),
        ("nan", "mum mom mother dad father gran grandad grandma grandpa nana"),
        ("na", "k ca mg cl li fe zn eu emea apac latam amer mea anz jp row"),
    )
}
_IN_CAPITALS = """
high low mid med medium none good bad fair poor pass fail red blue green white black grey left right
hot cold warm mild big small large new old open urban rural day night rain snow sunny dry wet north
south east west other never often always own rent mon tue wed thu fri sat sun
"""
#: Written in capitals these are words: "NA" beside them is no code among codes.
_ANSWERS = frozenset(_IN_CAPITALS.split()).union(*(words for pair in PAIRS for words in pair))
#: Among marks these mean "neither".
_NEUTRAL = frozenset(("0", "o", "ns", "n.s.", "="))
_PAIR = re.compile(r"[A-Za-z]/[A-Za-z]\Z")
_CODE = re.compile(r"[A-Z]{2,5}\Z")


def trim_spaces(seen: Inspection) -> None:
    """Trim, but where two labels would become one only if one of them is a rarity."""
    twins: dict[str, Counter[str]] = defaultdict(Counter)
    counts = seen.text_counts()
    keys = {v: tidy(v) for v in counts}
    changed = {key for v, key in keys.items() if key != v}
    for v, key in keys.items() if changed else ():
        if key in changed:
            twins[key][v] += counts[v]
    same: dict[str, Counter[str]] = {}
    apart: dict[str, Counter[str]] = {}
    for key, variants in twins.items():
        if len(variants) < 2 or _is_value(key):
            continue
        best, *others = (n for _, n in variants.most_common())
        (same if others[0] <= RARE_TWIN * best else apart)[key] = variants
    kept = sorted(v for group in (same, apart) for variants in group.values() for v in variants)
    settings = {"but not": kept} if kept else {}
    seen.rule("trim", settings, why="spaces at the ends or in a row")
    for group, apply, told in (
        (same, True, "the same labels: they differ in white space only, and one is rare"),
        (apart, False, "labels that differ in white space only, and both are frequent"),
    ):
        if group:
            shown = "; ".join(_told(variants) for variants in list(group.values())[:3])
            seen.rule("trim", {"labels": sorted(group)}, why=f"{told}: {shown}", apply=apply)


def _is_value(text: str) -> bool:
    """Tell whether a text is a gap, a number or a date, whose spaces mean nothing."""
    gap = fold(text) in MISSING_ALWAYS
    return gap or split_affixes(text) is not None or looks_like_date(text)


def _told(variants: Counter[str]) -> str:
    return " and ".join(f"{v!r} ({n})" for v, n in variants.most_common(3))


def blank_missing(seen: Inspection) -> None:
    """Blank out the spellings of "missing" that mean it in this column."""
    words = list(seen.text_counts())
    found = [v for v in words if fold(v) in MISSING_ALWAYS]
    gaps = set(found)
    others = [v for v in words if v not in gaps] if gaps else words
    doubtful = {v: why for v in found if (why := _label_after_all(v, others, words))}
    settings: dict[str, Any] = {"usual": True}
    if doubtful:
        settings["but not"] = sorted(doubtful)
    blanked = sorted(set(found) - set(doubtful))
    shown = ", ".join(repr(v) if v else "as a blank cell" for v in blanked[:6])
    seen.rule("missing", settings, why=f"written {shown}" if blanked else "the usual spellings")
    counts = seen.text_counts()
    for v, why in sorted(doubtful.items()):
        if why == _SIGNS and counts[v] >= FREQUENT_SIGN * counts.total():
            # As usual as the plus beside it: no question is open.
            continue
        seen.rule(
            "missing",
            {"usual": False, "spellings": [v]},
            why=f"{v!r} stands among {why}: missing, or a label? Kept as a label",
            apply=False,
        )


def _label_after_all(text: str, others: list[str], words: list[str]) -> str:
    """Return among what a spelling of "missing" is a label like them; empty where it is none.

    `others` are the texts of the column that no one takes for a gap, `words` all of them.
    """
    if not text:
        return ""
    if not any(c.isalnum() for c in text):
        return _mark_after_all(text, others, words)
    if not others:
        return ""
    opposites = _OPPOSITES.get(fold(text), frozenset()) & {fold(v) for v in others}
    if len(opposites) >= (2 if fold(text) == "na" else 1):
        return "its opposites"
    if _PAIR.match(text) and sum(bool(_PAIR.match(v)) for v in others) >= max(2, 0.9 * len(others)):
        return "other pairs of letters"
    if not text.isalpha() or fold(text) == "missing":
        return ""
    like = [v for v in others if v.isalpha() and len(v) == len(text)]
    if len(text) > 2:
        like = [v for v in like if _shape(v) == _shape(text)]
    if len(like) >= max(len(text), 0.9 * len(others)):
        return f"other codes of {len(text)} letters"
    if _code_among_codes(text, others):
        return "other codes in capitals"
    if text == "Na" and sum(bool(_ELEMENT.match(v)) for v in others) >= max(2, 0.9 * len(others)):
        return "symbols of chemical elements"
    names = sum(v.istitle() for v in others)
    if text.istitle() and names >= max(20, 0.9 * len(others)):
        return "names"
    return ""


def _code_among_codes(text: str, others: list[str]) -> bool:
    """Tell whether NA is a region as EMEA and APAC are, or EU and JP beside Other."""
    codes = [v for v in others if _CODE.match(v)]
    few = len(codes) < 2 or sum(fold(v) in _ANSWERS for v in codes) >= 0.5 * len(codes)
    if few or not _CODE.match(text):
        return False
    same = sum(len(v) == len(text) for v in codes)
    return len(codes) >= 0.9 * len(others) or (same >= 2 and same >= 0.5 * len(others))


def _mark_after_all(text: str, others: list[str], words: list[str]) -> str:
    """Return among what a mark without letters and digits is a label like them.

    A minus beside a plus, one of two or three dashes, a strand that is neither + nor -, a gap
    among the letters of a sequence.
    """
    if text.startswith("-") and any(v and set(v) <= set("+-/±") for v in others):
        return _SIGNS
    rest = [v for v in others if fold(v) not in _NEUTRAL]
    marks = all(not any(c.isalnum() for c in v) for v in rest)
    if rest and marks:
        return "marks"
    runs = [v for v in words if v and set(v) == {"-"}]
    if text in runs and len(runs) > 1 and marks:
        return "more and fewer of them"
    if text == "-" and len(others) >= 3 and all(len(v) == 1 and v.isalpha() for v in others):
        return "single letters"
    return ""


def _shape(text: str) -> str:
    return "upper" if text.isupper() else ("lower" if text.islower() else "mixed")
