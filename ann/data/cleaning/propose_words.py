"""Recognising a column of words: missing values, yes and no, dates, categories, free text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ann.data.cells.dates import (
    DateStyle,
    fits,
    is_two_digit,
    iso,
    looks_like_date,
    read_date_style,
    turn_of_century,
    two_digit_year,
)
from ann.data.cells.lexicon import MISSING_AMONG_NUMBERS, PAIRS, PAST_WORDS, fold, words_of
from ann.data.cells.numerals import is_plain
from ann.data.cleaning.inspection import MOSTLY, Inspection
from ann.data.cleaning.roles import are_periods, says_id
from ann.data.cleaning.rules import Rule, loose, tidy

__all__ = ["as_dates", "as_words", "as_yes_no"]

_FULL_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")

#: So much rarer than the label it resembles a variant must be: equally frequent ones are labels.
RARE_VARIANT = 1 / 3
#: ... and so much rarer one that differs by a capital within it, as codes and names do.
RARE_CASE_WITHIN = 1 / 10
#: Fewer different numbers may be answers like the words beside them.
FEWEST_NUMBERS = 5
#: Two letters that are a word, whatever their case.
_SHORT_ANSWERS = frozenset(word for word in PAIRS[0][0] | PAIRS[0][1] if len(word) == 2)


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
        shown = ", ".join(f"{v!r} ({n})" for v, n in counts.most_common(8))
        why = f"{len(counts)} spellings of two answers: {shown}"
        seen.rule("yes/no", {"words": words}, why=why, apply=False, proposed=True)
        return "category"
    return None


def _commonest(counts: Counter[str], words: Iterable[str]) -> str:
    few = {v: n for v, n in counts.items() if fold(v) in words and not is_plain(v)}
    few = few or {v: n for v, n in counts.items() if fold(v) in words}
    # Among equals the longer word, then the capitalised one, says more.
    return max(few, key=lambda v: (few[v], len(v), v[:1].isupper(), v))


def as_dates(seen: Inspection) -> str | None:
    """Recognise a column of dates; where the order of day and month is open, a person decides."""
    dated = {v: n for v, n in seen.weighed() if looks_like_date(v)}
    total = sum(n for v, n in seen.weighed() if fold(v) not in MISSING_AMONG_NUMBERS)
    if not dated or sum(dated.values()) < MOSTLY * total:
        return None
    style = read_date_style(dated)
    settings: dict[str, Any] = {"day first": style.day_first}
    order = "day first" if style.day_first else "month first"
    why = f"dates, {order}"
    if any(map(is_two_digit, dated)):
        pivot, told = two_digit_years(seen.name, dated)
        settings["pivot"] = pivot
        why += f"; {told}"
    if not style.certain:
        seen.open_dates = True
        why = _open_order(style, dated)
        if not style.against:
            seen.rule("date", settings, why=why, apply=False)
            return "category"
        # No order reads all cells: nothing can be tried, only told.
        seen.rules.append(
            Rule(seen.name, "date", False, settings, why, len(dated), style.against, "")
        )
        return "category"
    if all(iso(v, style) == v for v in dated):
        why = "dates in ISO form"
    seen.rule("date", settings, why=why)
    bad = [v for v, _ in seen.weighed() if v not in dated and not looks_like_date(v)]
    seen.rule(
        "not a date",
        why=f"text among dates: {', '.join(map(repr, bad[:5]))}" if bad else "dates only",
    )
    return "date"


def _open_order(style: DateStyle, dated: Iterable[str]) -> str:
    """Say why the order of day and month is open."""
    if style.against:
        other = next(v for v in dated if fits(v, day_first=style.day_first))
        return (
            f"day and month contradict each other: {other!r} and {style.against!r} cannot be of "
            "one order. Left as words: correct the cells of one order, or leave the column out"
        )
    shown = next(v for v in dated if iso(v, DateStyle(True)) != iso(v, DateStyle(False)))
    first, second = (iso(shown, DateStyle(flag)) for flag in (True, False))
    return (
        f"dates that fit both orders: {shown!r} is {first} day first and {second} month first. "
        'Left as words; applied as the setting "day first" of the rule says'
    )


def two_digit_years(name: str, dated: Iterable[str]) -> tuple[int, str]:
    """Return the first two-digit year that is 19xx, and how it was found.

    A birth, and what else is past by its nature, is not after today. Where the years of a column
    follow each other from 1962 to 2006, none of them is 2062.
    """
    years = [y for v in dated if (y := two_digit_year(v)) is not None]
    pivot, told = turn_of_century(years)
    why = "so they follow each other without a gap" if told else "the usual reading"
    full = [int(y) for v in dated for y in _FULL_YEAR.findall(v)]
    if full and 2000 <= max(full) < 1999 + pivot:
        # Where most years are written out, the others lie among them.
        pivot, why = max(full) - 1999, f"none is after {max(full)}, the last year written out"
    if past := set(words_of(name)) & PAST_WORDS:
        pivot, why = date.today().year % 100 + 1, f"{sorted(past)[0]!r} is past"
    return pivot, f"two-digit years 00 to {pivot - 1:02d} are 20xx, the others 19xx ({why})"


def as_words(seen: Inspection) -> str:
    """Recognise categories and bring variants of case and spacing together."""
    counts = seen.text_counts()
    if not seen.open_numbers and _is_text(seen, counts):
        return "text"
    digits = seen.plain()
    numbers = sum(counts[v] for v in digits)
    odd = {v: n for v, n in counts.items() if v not in digits}
    mixed = [n for v, n in odd.items() if any(map(str.isdigit, v)) and any(map(str.isalpha, v))]
    # Labels such as 01014F and PC 17599 are no numbers that someone failed to write.
    labels = says_id(seen.name) or sum(mixed) >= 0.5 * sum(odd.values())
    phrase = _one_phrase(counts, odd)
    if numbers >= 0.5 * seen.filled() and (len(counts) > 20 or phrase) and not labels:
        seen.rule(
            "not a number",
            why=f"{numbers} of {seen.filled()} cells are numbers, others are not: "
            f"{', '.join(map(repr, list(odd)[:5]))}; a number column, if you say so",
            apply=False,
            only_if_found=True,
        )
    _spellings(seen, counts)
    return "category"


def _one_phrase(counts: Mapping[str, int], odd: Mapping[str, int]) -> bool:
    """Tell whether all that is no number is one phrase, again and again: ``Cannot be provided``.

    One word, such as ``rotary`` beside 4 and 6 cylinders, may as well be an answer.
    """
    phrases = [v for v, n in odd.items() if n > 1 and len(v.split()) > 1]
    return len(odd) == len(phrases) == 1 and len(counts) - 1 >= FEWEST_NUMBERS


def _spellings(seen: Inspection, counts: Counter[str]) -> None:
    """Propose to bring rare variants of case and marks together; report those that may be labels.

    Nothing in a file proves that two labels mean the same, so neither is done unasked.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for v in counts:
        groups[loose(v)].append(v)
    proposed: dict[str, list[str]] = {}
    reported: dict[str, list[str]] = {}
    for key, variants in groups.items():
        if len({tidy(v) for v in variants}) > 1:
            # Among equals the capitalised one, as in most tables.
            variants.sort(key=lambda v: (-counts[v], v.isupper() or not v[:1].isupper(), v))
            rare = counts[variants[1]] <= RARE_VARIANT * counts[variants[0]]
            coded = len(key) <= 2 and key not in _SHORT_ANSWERS
            odd = any(_case_within(v) for v in variants)
            if odd and counts[variants[1]] > RARE_CASE_WITHIN * counts[variants[0]]:
                # hid and hId are codes, Lafayette and LaFayette two towns.
                continue
            (proposed if rare and not coded and not odd else reported)[key] = variants
    for found, told in (
        (proposed, "rare variants of a frequent label"),
        (
            reported,
            "labels that differ in case or marks only; the file does not tell if they are one",
        ),
    ):
        if found:
            shown = "; ".join(
                " and ".join(f"{v!r} ({counts[v]})" for v in variants[:4])
                for variants in list(found.values())[:4]
            )
            words = {key: variants[0] for key, variants in found.items()}
            why = f"{told}: {shown}"
            seen.rule(
                "spelling", {"words": words}, why=why, apply=False, proposed=found is proposed
            )


def _case_within(text: str) -> bool:
    """Tell whether a word changes its case inside, as the codes hId and pH do."""
    return any(w not in (w.lower(), w.upper(), w.capitalize()) for w in re.split(r"[\W_]+", text))


def _is_text(seen: Inspection, counts: Counter[str]) -> bool:
    if are_periods(counts):
        return False
    filled = seen.filled()
    words = sum(len(v.split()) * n for v, n in counts.items()) / filled
    if words >= 5:
        # An answer to choose may be a sentence; what people write themselves is hardly ever alike.
        return len(counts) > max(5, 0.5 * filled)
    return words >= 2 and len(counts) > max(50, 0.8 * filled)
