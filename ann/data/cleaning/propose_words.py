"""Recognising a column of words: missing values, yes and no, dates, categories, free text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from ann.data.cells.dates import iso, looks_like_date, read_date_style
from ann.data.cells.lexicon import MISSING_ALWAYS, MISSING_AMONG_NUMBERS, PAIRS, fold
from ann.data.cells.numerals import is_plain
from ann.data.cleaning.inspection import MOSTLY, Inspection
from ann.data.cleaning.rules import loose

__all__ = ["as_dates", "as_words", "as_yes_no", "blank_missing"]

#: Two letters that are a word, whatever their case.
_SHORT_ANSWERS = frozenset(word for word in PAIRS[0][0] | PAIRS[0][1] if len(word) == 2)


def blank_missing(seen: Inspection) -> None:
    """Blank out the spellings of "missing" that mean it in any column."""
    words = [v for v, _ in seen.weighed()]
    codes = [v for v in words if len(v) == 2 and v.isalpha() and v.isupper()]
    # NA is Namibia, sodium or North America among other codes of two letters.
    doubtful = {"na"} if len(codes) >= 10 and len(codes) >= 0.9 * len(words) else set()
    settings: dict[str, Any] = {"usual": True}
    found = sorted({v for v in words if fold(v) in MISSING_ALWAYS - doubtful})
    if doubtful:
        settings["but not"] = sorted(doubtful)
    shown = ", ".join(repr(v) if v else "as a blank cell" for v in found[:6])
    seen.rule("missing", settings, why=f"written {shown}" if found else "the usual spellings")
    if doubtful and "NA" in words:
        seen.rule(
            "missing",
            {"usual": False, "spellings": ["NA"]},
            why="NA stands among other codes of two letters: missing, or a code?",
            apply=False,
        )


def as_yes_no(seen: Inspection) -> str | None:
    """Bring several spellings of yes and no, or of a sex, to one pair."""
    counts = seen.text_counts()
    if len(counts) > 40:
        return None
    folded = {fold(v) for v in counts}
    for yes, no in PAIRS:
        if not (folded <= yes | no and folded & yes and folded & no):
            continue
        if all(is_plain(v) for v in counts) or (len(counts) == 2 and len(folded) == 2):
            return None
        whole = {"yes", "no", "true", "false", "male", "female"}
        short = ({"y", "n", "1", "0"}, {"t", "f", "1", "0"})
        if not (folded & whole or any(folded <= s for s in short)):
            return None
        first = _commonest(counts, yes)
        second = _commonest(counts, no)
        words = dict.fromkeys(sorted(yes), first) | dict.fromkeys(sorted(no), second)
        seen.rule("yes/no", {"words": words}, why=f"{len(counts)} spellings of two answers")
        return "category"
    return None


def _commonest(counts: Counter[str], words: Iterable[str]) -> str:
    few = {v: n for v, n in counts.items() if fold(v) in words and not is_plain(v)}
    few = few or {v: n for v, n in counts.items() if fold(v) in words}
    # Among equals the longer word, then the capitalised one, says more.
    return max(few, key=lambda v: (few[v], len(v), v[:1].isupper(), v))


def as_dates(seen: Inspection) -> str | None:
    dated = {v: n for v, n in seen.weighed() if looks_like_date(v)}
    total = sum(n for v, n in seen.weighed() if fold(v) not in MISSING_AMONG_NUMBERS)
    if not dated or sum(dated.values()) < MOSTLY * total:
        return None
    style = read_date_style(dated)
    guess = "" if style.certain else "; day and month could be the other way round"
    order = "day first" if style.day_first else "month first"
    plainly = all(iso(v, style) == v for v in dated)
    seen.rule(
        "date",
        {"day first": style.day_first},
        why="dates in ISO form" if plainly else f"dates, {order}{guess}",
    )
    bad = [v for v, _ in seen.weighed() if v not in dated and not looks_like_date(v)]
    seen.rule(
        "not a date",
        why=f"text among dates: {', '.join(map(repr, bad[:5]))}" if bad else "dates only",
    )
    return "date"


def as_words(seen: Inspection) -> str:
    """Recognise categories and bring variants of case and spacing together."""
    counts = seen.text_counts()
    if _is_text(seen, counts):
        return "text"
    groups: dict[str, list[str]] = defaultdict(list)
    for v in counts:
        groups[loose(v)].append(v)
    words: dict[str, str] = {}
    doubtful: dict[str, str] = {}
    for key, variants in groups.items():
        # Among equals the capitalised one, as in most tables.
        best = max(variants, key=lambda v: (counts[v], v[:1].isupper() and not v.isupper(), v))
        weakest = min(counts[v] for v in variants)
        # AA, Aa and aa are three genotypes: short codes that are all frequent stay apart.
        code = len(key) <= 2 and key not in _SHORT_ANSWERS
        if len(variants) > 1 and code and weakest >= 0.1 * counts[best]:
            doubtful[key] = best
        elif len(variants) > 1 or len(key) > 2:
            words[key] = best
    several = [key for key, variants in groups.items() if len(variants) > 1 and key in words]
    numbers = sum(n for v, n in counts.items() if is_plain(v))
    if numbers >= 0.5 * seen.filled() and len(counts) > 20:
        odd = [repr(v) for v in counts if not is_plain(v)][:5]
        seen.rule(
            "not a number",
            why=f"{numbers} of {seen.filled()} cells are numbers, others are not: "
            f"{', '.join(odd)}; a number column, if you say so",
            apply=False,
            only_if_found=True,
        )
    if len(counts) <= max(200, 0.5 * seen.filled()) or several:
        shown = ", ".join(repr(words[k]) for k in several[:5])
        why = f"variants of {shown}" if several else "one spelling each"
        seen.rule("spelling", {"words": words}, why=why)
    if doubtful:
        why = "short codes that differ in case only: one, or several?"
        seen.rule("spelling", {"words": doubtful}, why=why, apply=False)
    return "category"


def _is_text(seen: Inspection, counts: Counter[str]) -> bool:
    filled = seen.filled()
    words = sum(len(v.split()) * n for v, n in counts.items()) / filled
    if words >= 5:
        return len(counts) > 5
    return words >= 2 and len(counts) > max(50, 0.5 * filled)
