"""Recognising a column of numbers, however they are dressed: units, money, percent, thousands."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from ann.data.cells.lexicon import CURRENCIES, MISSING_AMONG_NUMBERS, UNITS, fold, unit_key
from ann.data.cells.numerals import is_plain, plain, read_style, split_affixes
from ann.data.cleaning.inspection import MOSTLY, Look
from ann.data.cleaning.suspects import find_outliers, find_scale, find_sentinels, weighted_quantile

__all__ = ["as_numbers"]

_CODE = re.compile(r"0\d+\Z")
_LONG = re.compile(r"[+-]?\d{16,}\Z")
_DOTTED = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}\Z")
_UNIT_IN_NAME = re.compile(r"[(\[]([^)\]]{1,12})[)\]]\s*\Z")


def as_numbers(look: Look) -> str | None:
    """Recognise a column of numbers, however they are dressed."""
    parts = {}
    total = numeric = coded = 0
    suffixes: Counter[str] = Counter()
    undressed: Counter[str] = Counter()
    for v, n in look.weighed():
        if fold(v) in MISSING_AMONG_NUMBERS:
            continue
        total += n
        found = split_affixes(v)
        if found is None:
            continue
        if _CODE.match(v) or _LONG.match(v):
            coded += n
            continue
        parts[v] = found
        if found[2]:
            suffixes[found[2]] += n
        numeric += n
        undressed[v] += n
    if not numeric:
        return None
    known, odd = _known_suffixes(suffixes, numeric)
    if total == 0 or coded > 0.05 * total or numeric - odd < MOSTLY * total:
        return None
    style = read_style(b for v, (_, b, s) in parts.items() if not s or s in known)
    # Versions and addresses (10.0.0.1) have digits and dots, and are no numbers in any style.
    sound = sum(n for v, n in undressed.items() if plain(parts[v][1], style) is not None)
    if sound - odd < MOSTLY * total:
        return None
    settings = {"decimal": style.decimal, "thousands": style.thousands or ","}
    if style.decimal == ".,":
        settings["thousands"] = " "
    if style.decimal == "," and settings["thousands"] == ",":
        settings["thousands"] = "."
    weak = sorted({v for v, _ in look.weighed() if fold(v) in MISSING_AMONG_NUMBERS})
    if weak:
        look.rule(
            "missing",
            {"usual": False, "spellings": weak},
            why=f"{', '.join(map(repr, weak[:6]))} among numbers",
        )
    signs = sorted({p for p, _, _ in parts.values() if p} | {s for s in known if _money(s)})
    if signs:
        look.rule("currency", {"signs": signs}, why=f"amounts written with {' '.join(signs)}")
        look.unit = signs[0]
    if "%" in known:
        _percent(look, settings)
    units = [s for s in known if s != "%" and not _money(s)]
    if units:
        _units(look, units, suffixes, settings)
    bodies = [v for v, _ in look.weighed()]
    dressed = [v for v in bodies if not is_plain(v)]
    guess = "" if style.certain else "; a decimal comma is possible too"
    say = (
        "decimal commas beside decimal points"
        if style.decimal == ".,"
        else "decimal comma"
        if style.decimal == ","
        else f"{settings['thousands']!r} between thousands"
    )
    look.rule("thousands", settings, why=(say + guess) if dressed else "numbers in plain digits")
    dotted = _dotted_thousands(look)
    if dotted:
        why = "every number has three digits after its only dot: decimals, or thousands?"
        if dotted == "sure":
            why = "'.' between thousands: read as decimals they would be far below all others"
        look.rule("thousands", {"decimal": ",", "thousands": "."}, why=why, apply=dotted == "sure")
    bad = [v for v, _ in look.weighed() if not is_plain(v)]
    look.rule(
        "not a number",
        why=f"text among numbers: {', '.join(map(repr, bad[:5]))}" if bad else "numbers only",
    )
    if not look.unit:
        named = _UNIT_IN_NAME.search(look.name)
        look.unit = named[1] if named else ""
    _suspects(look)
    return "number"


def _dotted_thousands(look: Look) -> str:
    """Tell whether 12.345 may mean twelve thousand.

    It does for sure ("sure") where whole numbers of that size stand beside it and none as small as
    12; where all cells have dots, or few digits, a person must say ("unsure").
    """
    words = [v for v, _ in look.weighed()]
    dotted = [float(v) for v in words if _DOTTED.match(v)]
    whole = [float(v) for v in words if v.lstrip("+-").isdigit()]
    if len(dotted) < 10 or len(dotted) + len(whole) < len(words):
        return ""
    large = [abs(v) for v in whole if abs(v) >= 1000]
    if len(large) >= 10 and len(large) == len(whole):
        low, high = min(large), max(large)
        sizes = [1000 * abs(v) for v in dotted]
        return "sure" if low / 3 <= min(sizes) and max(sizes) <= 3 * high else "unsure"
    return "" if large else "unsure"


def _money(suffix: str) -> bool:
    return suffix.casefold() in {c.casefold() for c in CURRENCIES}


def _known_suffixes(suffixes: Counter[str], numeric: int) -> tuple[list[str], int]:
    """Return the suffixes that can be units, and how many cells have another one."""
    known = [s for s in suffixes if s == "%" or unit_key(s) in UNITS or _money(s)]
    # A word that nearly all cells share is their unit, whether listed or not.
    common = [s for s, n in suffixes.most_common(1) if s not in known and n >= 0.8 * numeric]
    known += [s for s in common if not s.endswith((",", ".", "-", "/"))]
    # So is one that nearly all dressed cells share; a single letter may tell 14a from 14.
    dressed = sum(suffixes.values())
    for s, n in suffixes.most_common(1):
        if s not in known and n >= max(10, 0.8 * dressed) and len(unit_key(s)) >= 2:
            known += [s] if s.replace(".", "").isalpha() else []
    folded = {unit_key(k) for k in known}
    known += [s for s in suffixes if s not in known and unit_key(s) in folded]
    return known, sum(n for s, n in suffixes.items() if s not in known)


def _percent(look: Look, settings: dict[str, str]) -> None:
    style = read_style([])
    marked: list[float] = []
    bare: list[float] = []
    for v, n in look.weighed():
        parts = split_affixes(v)
        body = plain(parts[1], style) if parts else None
        if parts and body is not None:
            (marked if parts[2] == "%" else bare).extend([abs(float(body))] * min(n, 50))
    fraction = bool(bare) and max(bare) <= 1.0 and max(marked, default=0.0) > 1.5
    factor = "0.01" if fraction else "1"
    why = "percent among fractions, divided by 100" if fraction else "percent signs"
    look.rule("percent", {"factor": factor, **settings}, why=why)
    look.unit = "" if fraction else "%"


def _units(
    look: Look, units: Sequence[str], suffixes: Counter[str], settings: dict[str, str]
) -> None:
    """Strip units, and convert those that differ to the column's own."""
    style = read_style(p[1] for v, _ in look.weighed() if (p := split_affixes(v)) is not None)
    sizes: dict[str, list[float]] = defaultdict(list)
    for v, n in look.weighed():
        parts = split_affixes(v)
        body = plain(parts[1], style) if parts else None
        if parts and body is not None:
            sizes[parts[2]].extend([float(body)] * min(n, 50))
    main = max(units, key=lambda u: suffixes[u])
    dimension = UNITS.get(unit_key(main), ("", "1"))[0]
    own = UNITS.get(unit_key(main), ("", "1"))[1]
    note = ""
    if sizes.get("") and dimension:
        bare = float(np.median(np.abs(sizes[""])))
        dressed = float(np.median(np.abs(sizes[main]))) if sizes[main] else 0.0
        if dimension == "count":
            own = "1"
        elif bare > 0 and dressed > 0 and not 1 / 3 < bare / dressed < 3:
            # Bare numbers of another size are in another unit of the same kind.
            others = {u: s for u, (d, s) in UNITS.items() if d == dimension}
            guess = min(
                others,
                key=lambda u: abs(np.log(dressed * float(own) / float(others[u]) / bare)),
            )
            if others[guess] != own:
                main, own = guess, others[guess]
        note = f"; bare numbers taken to be in {main}"
    factors: dict[str, str] = {}
    for unit in units:
        kind, size = UNITS.get(unit_key(unit), ("", "1"))
        if kind == dimension and kind:
            factors[unit] = _ratio(size, own)
        elif unit_key(unit) == unit_key(main):
            factors[unit] = "1"
    if dimension == "count":
        look.unit = ""
    else:
        look.unit = main
        factors.setdefault(main, "1")
        for other, (kind, size) in UNITS.items():
            # Next month's file may use a sister unit.
            if kind == dimension and kind and unit_key(other) not in map(unit_key, factors):
                factors[other] = _ratio(size, own)
    look.rule(
        "unit", {"factors": factors, **settings}, why=f"{', '.join(units)} in the cells{note}"
    )


def _ratio(size: str, own: str) -> str:
    from decimal import Decimal

    text = format(Decimal(size) / Decimal(own), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _suspects(look: Look) -> None:
    values, counts = look.numbers()
    sure, unsure = find_sentinels(values, counts)
    if sure:
        shown = ", ".join(f"{v:g}" for v in sure)
        look.rule(
            "sentinel", {"values": sure}, why=f"{shown} stands for missing: far from the rest"
        )
    if unsure:
        shown = ", ".join(f"{v:g}" for v in unsure)
        look.rule(
            "sentinel",
            {"values": unsure},
            why=f"{shown} may stand for missing, or be a cap",
            apply=False,
            only_if_found=True,
        )
    values, counts = look.numbers()
    clump = find_scale(values, counts)
    if clump is not None:
        middle = weighted_quantile(values, counts, 0.5)
        look.rule(
            "scale",
            {"from": clump.low, "to": clump.high, "factor": clump.factor},
            why=f"{clump.rows} values off by {clump.name} from the middle, {middle:g}",
            apply=clump.rows >= 3,
            only_if_found=True,
        )
        values, counts = look.numbers()
    low, high, rows = find_outliers(values, counts)
    if rows:
        look.rule(
            "outlier",
            {"low": low, "high": high},
            why=f"{rows} values far outside of {low:g} .. {high:g}; kept, their pull is bounded",
            apply=False,
            only_if_found=True,
        )
