"""Recognising a column of numbers, however they are dressed: units, money, percent, thousands."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ann.data.cells.lexicon import MAGNITUDES, MISSING_AMONG_NUMBERS, UNITS, fold, unit_key, unit_of
from ann.data.cells.numerals import (
    NumberStyle,
    plain,
    ratio,
    read_style,
    split_affixes,
    split_money,
)
from ann.data.cleaning.affixes import FOOTNOTES, Affixes, keep_as_words, without_odd_money
from ann.data.cleaning.inspection import MOSTLY, Inspection
from ann.data.cleaning.roles import says_id
from ann.data.cleaning.suspects import (
    find_outliers,
    find_scale,
    find_sentinels,
    find_zeros,
    weighted_quantile,
)

__all__ = ["as_numbers"]

#: So many thousands have one that ends in 0, in 19 of 20 columns.
FEWEST_WITHOUT_ZERO = 30
#: How many times the largest of all other numbers is another quantity.
_FAR_BEYOND = 30.0
_CODE = re.compile(r"0\d+\Z")
_LONG = re.compile(r"[+-]?\d{16,}\Z")
_DOTTED = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}\Z")
_UNIT_IN_NAME = re.compile(r"[(\[]([^)\]]{1,12})[)\]]\s*\Z")


def as_numbers(seen: Inspection) -> str | None:
    """Recognise a column of numbers, however they are dressed."""
    parts: dict[str, tuple[str, str, str]] = {}
    total = coded = 0
    suffixes: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    weak: set[str] = set()
    unread: list[str] = []
    digits = seen.plain()
    for v, n in seen.weighed():
        if v in digits:
            # Nothing stands around it, and most numbers of most tables are such.
            total += n
            if (v[0] == "0" or len(v) > 15) and (_CODE.match(v) or _LONG.match(v)):
                coded += n
                continue
            parts[v] = ("", v, "")
            weights[v] += n
            continue
        if fold(v) in MISSING_AMONG_NUMBERS:
            weak.add(v)
            continue
        total += n
        found = split_affixes(v)
        if found is None:
            unread.append(v)
            continue
        if _CODE.match(v) or _LONG.match(v):
            coded += n
            continue
        prefix, body, suffix = found
        # Most numbers end in nothing, and looking for money in it takes its time.
        suffix, sign = split_money(suffix) if suffix else ("", "")
        parts[v] = (prefix or sign, body, suffix)
        weights[v] += n
        if suffix:
            suffixes[suffix] += n
    for v in without_odd_money(Affixes(parts, weights, suffixes)):
        _, _, suffix = parts.pop(v)
        suffixes[suffix] -= weights.pop(v)
        unread.append(v)
    suffixes = +suffixes
    numeric = weights.total()
    if not numeric:
        return None
    money = any(p for p, _, _ in parts.values())
    sizes = _magnitudes(suffixes, numeric, money=money)
    known, odd = _known_suffixes(suffixes, numeric, parts)
    if sizes:
        known, odd = list(suffixes), 0
    if coded > 0.05 * total:
        return None
    affixes = Affixes(parts, weights, suffixes, known, unread, magnitudes=bool(sizes))
    if keep_as_words(seen, affixes, total):
        return None
    if numeric - odd < MOSTLY * total:
        return None
    if says_id(seen.name) and weights.total() < total:
        # Numbers that are labels, such as a telephone's: what is none is a label too.
        return None
    bodies = {v: b for v, (_, b, s) in parts.items() if not s or s in known}
    style = read_style(bodies.values())
    grouped = style.thousands == ","
    if grouped and seen.commas and all(b.count(",") < 2 and "." not in b for b in bodies.values()):
        # 1,234 alone could be either. Decimals lose their last zeros, thousands keep them.
        zeros = any("," in b and b.endswith("0") for b in bodies.values())
        grouped = zeros or len(bodies) < FEWEST_WITHOUT_ZERO
        style = NumberStyle(".", ",", certain=False) if grouped else NumberStyle(",", ".")
    grouped = grouped and not _grouping_fits(bodies, weights)
    if grouped:
        style = NumberStyle(".", " ")
    # Versions and addresses (10.0.0.1) have digits and dots, and are no numbers in any style.
    sound = sum(
        n for v, n in weights.items() if v in digits or plain(parts[v][1], style) is not None
    )
    if sound - odd < MOSTLY * total:
        return None
    thousands = style.thousands or {".": ",", ",": ".", ".,": " "}[style.decimal]
    settings = {"decimal": style.decimal, "thousands": thousands}
    if weak:
        spellings = sorted(weak)
        seen.rule(
            "missing",
            {"usual": False, "spellings": spellings},
            why=f"{', '.join(map(repr, spellings[:6]))} among numbers",
        )
    signs = sorted({p for p, _, _ in parts.values() if p})
    if signs:
        seen.rule("currency", {"signs": signs}, why=f"amounts written with {' '.join(signs)}")
        seen.unit = signs[0]
    if "%" in known:
        _percent(seen, settings)
    if notes := [s for s in known if s in FOOTNOTES]:
        factors = dict.fromkeys(notes, "1")
        seen.rule(
            "unit", {"factors": factors, **settings}, why=f"{' '.join(notes)} points to a note"
        )
    units = [s for s in known if s != "%" and s not in FOOTNOTES]
    if sizes:
        why = f"{', '.join(suffixes)}: each cell by its own suffix"
        seen.rule("unit", {"factors": sizes, **settings}, why=why)
    elif units:
        _units(seen, units, suffixes, settings)
    why = "numbers in plain digits"
    if len(seen.plain()) < len(seen.text_counts()):
        marks = {".,": "decimal commas beside decimal points", ",": "decimal comma"}
        why = marks.get(style.decimal, f"{thousands!r} between thousands")
        why += "" if style.certain else "; a decimal comma is possible too"
    seen.rule("thousands", settings, why=why)
    if grouped:
        why = "',' between thousands would make these numbers far larger than all others"
        seen.rule("thousands", {"decimal": ".", "thousands": ","}, why=why, apply=False)
    dotted = _dotted_thousands(seen)
    if dotted:
        why = "three digits after the only dot of a number: decimals, or thousands?"
        if dotted == "sure":
            why = "'.' between thousands: read as decimals they would be far below all others"
        seen.rule("thousands", {"decimal": ",", "thousands": "."}, why=why, apply=dotted == "sure")
    digits = seen.plain()
    bad = [v for v, _ in seen.weighed() if v not in digits]
    seen.rule(
        "not a number",
        why=f"text among numbers: {', '.join(map(repr, bad[:5]))}" if bad else "numbers only",
    )
    if not seen.unit:
        named = _UNIT_IN_NAME.search(seen.name)
        seen.unit = named[1] if named else ""
    _suspects(seen)
    return "number"


def _grouping_fits(bodies: dict[str, str], weights: Counter[str]) -> bool:
    """Tell whether numbers with commas between thousands continue the others.

    Incomes go on from 980 to 1,204. Where the few numbers with commas would lie far beyond all
    others, as 708,661 among heights in inches does, the comma is something else.
    """
    with_commas = {v: b for v, b in bodies.items() if "," in b}
    rows = sum(weights[v] for v in with_commas)
    if rows >= 0.5 * sum(weights[v] for v in bodies):
        return True
    style = NumberStyle(".", ",")
    large = [abs(float(n)) for b in with_commas.values() if (n := plain(b, style)) is not None]
    sizes: Counter[float] = Counter()
    for v, b in bodies.items():
        if v not in with_commas and (n := plain(b, style)) is not None and float(n):
            sizes[abs(float(n))] += weights[v]
    if not large or len(sizes) < 3:
        return True
    values = np.array(sorted(sizes))
    counts = np.array([sizes[v] for v in values], dtype=np.int64)
    return min(large) <= _FAR_BEYOND * weighted_quantile(values, counts, 0.99)


def _dotted_thousands(seen: Inspection) -> str:
    """Tell whether 12.345 may mean twelve thousand.

    It does for sure ("sure") where whole numbers of that size stand beside it and none as small as
    12. A person must say ("unsure") where the whole numbers beside it are all larger than it would
    be as a decimal, and in a table whose other columns have decimal commas.
    """
    words = [v for v, _ in seen.weighed()]
    dotted = [float(v) for v in words if _DOTTED.match(v)]
    whole = [float(v) for v in words if v.lstrip("+-").isdecimal()]
    if len(dotted) < 10 or len(dotted) + len(whole) < len(words):
        return ""
    large = [abs(v) for v in whole if abs(v) >= 1000]
    if len(large) >= 10 and len(large) == len(whole):
        low, high = min(large), max(large)
        sizes = [1000 * abs(v) for v in dotted]
        return "sure" if low / 3 <= min(sizes) and max(sizes) <= 3 * high else "unsure"
    if large:
        return ""
    beside = bool(whole) and min(map(abs, whole)) > max(map(abs, dotted))
    return "unsure" if beside or (seen.commas and not whole) else ""


def _magnitudes(suffixes: Counter[str], numeric: int, *, money: bool) -> dict[str, str]:
    """Return what K, M and B stand for where the suffixes are such; empty where they may be units.

    Beside a sign of money, or beside one another, they are thousands, millions and billions; a
    single m may be a metre and a single b a part of a house.
    """
    keys = {unit_key(s) for s in suffixes}
    if not keys or not keys <= set(MAGNITUDES):
        return {}
    several = len({MAGNITUDES[k] for k in keys}) > 1
    plainly = keys <= {k for k in MAGNITUDES if k == "k" or len(k) > 2}
    millions = set(suffixes) == {"M"} and suffixes.total() >= 0.5 * numeric
    if not (money or several or plainly or millions):
        return {}
    return {s: MAGNITUDES[unit_key(s)] for s in suffixes}


def _known_suffixes(
    suffixes: Counter[str], numeric: int, parts: Mapping[str, tuple[str, str, str]]
) -> tuple[list[str], int]:
    """Return the suffixes that can be units, and how many cells have another one."""
    listed = Counter({s: n for s, n in suffixes.items() if unit_of(s)[0]})
    kinds = Counter[str]()
    for s, n in listed.items():
        kinds[unit_of(s)[0]] += n
    # A column has one dimension; and a letter that few cells have tells house 14d from house 14.
    known = [s for s in listed if unit_of(s)[0] == kinds.most_common(1)[0][0]]
    if (
        all(len(unit_key(s)) == 1 for s in known)
        and sum(suffixes[s] for s in known) < 0.5 * numeric
    ):
        known = []
    known += [s for s in suffixes if s == "%" or s in FOOTNOTES]
    # A word that nearly all cells share is their unit, whether listed or not. Behind a few of them
    # it says something of its own: 977 combined, 12 est.
    common = [s for s, n in suffixes.most_common(1) if s not in known and n >= 0.8 * numeric]
    known += [s for s in common if _may_be_unit(s, suffixes[s], parts)]
    folded = {unit_key(k) for k in known}
    known += [s for s in suffixes if s not in known and unit_key(s) in folded]
    return known, sum(n for s, n in suffixes.items() if s not in known)


def _may_be_unit(word: str, cells: int, parts: Mapping[str, tuple[str, str, str]]) -> bool:
    """Tell whether a word that nearly all numbers share, so many cells, can be their unit.

    Of a unit there are different amounts. In ``0 no`` and ``1_yes`` the word says what the number
    means, and each has its own.
    """
    if word.endswith((",", ".", "-", "/")) or word.startswith(("_", "=", ":")):
        return False
    return cells == 1 or len({body for _, body, suffix in parts.values() if suffix == word}) > 1


def _parsed(seen: Inspection, style: NumberStyle) -> Iterator[tuple[float, str, int]]:
    """Yield the numbers of a column, with suffix and count."""
    for v, n in seen.weighed():
        parts = split_affixes(v)
        body = plain(parts[1], style) if parts else None
        if parts and body is not None:
            yield float(body), parts[2], n


def _percent(seen: Inspection, settings: dict[str, str]) -> None:
    numbers = list(_parsed(seen, NumberStyle()))
    marked = max((abs(v) for v, suffix, _ in numbers if suffix == "%"), default=0.0)
    bare = max((abs(v) for v, suffix, _ in numbers if suffix != "%"), default=np.inf)
    fraction = bare <= 1.0 and marked > 1.5
    factor = "0.01" if fraction else "1"
    why = "percent among fractions, divided by 100" if fraction else "percent signs"
    seen.rule("percent", {"factor": factor, **settings}, why=why)
    seen.unit = "" if fraction else "%"


def _units(
    seen: Inspection, units: Sequence[str], suffixes: Counter[str], settings: dict[str, str]
) -> None:
    """Strip units, and convert those that differ to the column's own."""
    style = read_style(p[1] for v, _ in seen.weighed() if (p := split_affixes(v)) is not None)
    sizes: dict[str, list[float]] = defaultdict(list)
    for value, suffix, n in _parsed(seen, style):
        sizes[suffix].extend([abs(value)] * min(n, 50))
    main = max(units, key=lambda u: suffixes[u])
    dimension, own = unit_of(main)
    note = ""
    if sizes.get("") and dimension:
        bare = float(np.median(sizes[""]))
        dressed = float(np.median(sizes[main])) if sizes[main] else 0.0
        if dimension == "count":
            own = "1"
        elif bare > 0 and dressed > 0 and not 1 / 3 < bare / dressed < 3:
            # Bare numbers of another size are in another unit of the same kind.
            others = {u: s for u, (d, s) in UNITS.items() if d == dimension}
            guess = min(
                others, key=lambda u: abs(np.log(dressed * float(own) / float(others[u]) / bare))
            )
            if others[guess] != own:
                main, own = guess, others[guess]
        note = f"; bare numbers taken to be in {main}"
    factors: dict[str, str] = {}
    for unit in units:
        kind, size = unit_of(unit)
        if kind == dimension and kind:
            factors[unit] = ratio(size, own)
        elif unit_key(unit) == unit_key(main):
            factors[unit] = "1"
    if dimension == "count":
        seen.unit = ""
    else:
        seen.unit = main
        factors.setdefault(main, "1")
        for other, (kind, size) in UNITS.items():
            # Next month's file may use a sister unit.
            if kind == dimension and kind and unit_key(other) not in map(unit_key, factors):
                factors[other] = ratio(size, own)
    seen.rule(
        "unit", {"factors": factors, **settings}, why=f"{', '.join(units)} in the cells{note}"
    )


def _suspects(seen: Inspection) -> None:
    labels = says_id(seen.name)
    _sentinels(seen, labels)
    values, counts = seen.numbers()
    if zeros := find_zeros(values, counts, seen.name):
        sure = zeros == "sure" and not labels
        rest = f"all other values are at least {values[1]:g}"
        why = f"0 stands for missing: {seen.name} cannot be 0, and {rest}"
        if not sure:
            why = f"0 may stand for missing, or be 0: {rest}"
        seen.rule("sentinel", {"values": [0.0]}, why=why, apply=sure)
    values, counts = seen.numbers()
    clump = None if labels or _like_codes(values, counts) else find_scale(values, counts)
    if clump is not None:
        middle = weighted_quantile(values, counts, 0.5)
        seen.rule(
            "scale",
            {"from": clump.low, "to": clump.high, "factor": clump.factor},
            why=f"{clump.rows} values ({clump.low:g} .. {clump.high:g}) would lie among the others "
            f"(median {middle:g}) if multiplied by {clump.factor} ({clump.name})",
            apply=False,
            proposed=True,
            only_if_found=True,
        )
    low, high, rows = find_outliers(values, counts)
    if rows:
        seen.rule(
            "outlier",
            {"low": low, "high": high},
            why=f"{rows} values far outside of {low:g} .. {high:g}; kept, their pull is bounded",
            apply=False,
            only_if_found=True,
        )


def _sentinels(seen: Inspection, labels: bool) -> None:
    """Find codes for missing; in a column of labels they are only reported."""
    sure, unsure = find_sentinels(*seen.numbers())
    below, above = [v for v in unsure if v < 0], [v for v in unsure if v >= 0 and not labels]
    for found, told in (
        (sure, "stands for missing: far from the rest"),
        (below, "may stand for missing: the only negative number"),
        (above, "may stand for missing, or be a cap"),
    ):
        if found:
            why = f"{', '.join(f'{v:g}' for v in found)} {told}"
            apply = found is sure and not labels
            proposed = found is below and not labels
            seen.rule("sentinel", {"values": found}, why=why, apply=apply, proposed=proposed)


def _like_codes(values: NDArray[np.float64], counts: NDArray[np.int64]) -> bool:
    """Tell whether the numbers may be codes: whole, and hardly one of them twice."""
    whole = bool((values == np.round(values)).all())
    return whole and len(values) >= 0.9 * counts.sum()
