"""Proposing rules: what a careful person would do to each column after looking at all of it.

A column is looked at through its distinct texts and their counts. Each rule that is found is
applied to them at once, so that the next one sees what it will see when the rules run.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ann.data.dates import iso, looks_like_date, read_date_style
from ann.data.duplicates import find_duplicates, repeats
from ann.data.errors import SchemaError
from ann.data.lexicon import (
    CURRENCIES,
    ID_WORDS,
    MISSING_ALWAYS,
    MISSING_AMONG_NUMBERS,
    PAIRS,
    UNITS,
    fold,
    unit_key,
)
from ann.data.numerals import is_plain, plain, read_style, split_affixes
from ann.data.rules import Rule, loose
from ann.data.schema import ColumnSchema, Rules, nearest
from ann.data.suspects import find_outliers, find_scale, find_sentinels, weighted_quantile
from ann.data.text import text_frame

__all__ = ["propose", "propose_column"]

#: A column is one of numbers (or dates) when at least so many of its filled cells are.
MOSTLY = 0.9
#: Two letters that are a word, whatever their case.
_SHORT_ANSWERS = frozenset(word for word in PAIRS[0][0] | PAIRS[0][1] if len(word) == 2)
_CODE = re.compile(r"0\d+\Z")
_LONG = re.compile(r"[+-]?\d{16,}\Z")
_DOTTED = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}\Z")
_UNIT_IN_NAME = re.compile(r"[(\[]([^)\]]{1,12})[)\]]\s*\Z")


def propose(frame: pd.DataFrame, target: str | None = None, *, rows: bool = True) -> Rules:
    """Learn columns and rules from a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        As read from the file, or of any types (turned into text first).
    target : str, optional
        The column to predict: cleaned like the others, never dropped.
    rows : bool
        Whether to look for duplicate rows.

    Returns
    -------
    Rules

    Raises
    ------
    SchemaError
        If there is no such target.

    Examples
    --------
    >>> city = ["Rom", "rom ", "Oslo"] * 9
    >>> table = pd.DataFrame({"h": ["150 cm", "171 cm", "?"] * 9, "city": city})
    >>> rules = propose(table, rows=False)
    >>> [(c.name, c.kind, c.unit) for c in rules.columns]
    [('h', 'number', 'cm'), ('city', 'category', '')]
    >>> for rule in rules.rules:
    ...     if rule.rows:
    ...         print(rule.column, rule.rule, rule.rows, repr(rule.before), repr(rule.after))
    h missing 9 '?' ''
    h unit 18 '150 cm' '150'
    city trim 9 'rom ' 'rom'
    city spelling 9 'rom' 'Rom'
    """
    frame = text_frame(frame)
    if target is not None and target not in frame.columns:
        raise SchemaError(f"there is no column {target!r}{nearest(target, list(frame.columns))}")
    out = Rules(target=target or "", rows=len(frame))
    if rows:
        out.rules += find_duplicates(frame)
        if any(r.apply for r in out.rules):
            # Counted twice, an id would no longer differ from row to row.
            frame = frame[~repeats(frame)]
    for name in frame.columns:
        schema, found = propose_column(str(name), frame[name], target=name == target)
        out.columns.append(schema)
        out.rules += found
    return out


def propose_column(
    name: str, cells: pd.Series, *, target: bool = False
) -> tuple[ColumnSchema, list[Rule]]:
    """Learn what one column is and how to clean it.

    Parameters
    ----------
    name : str
        Its name, which may tell an id or a unit.
    cells : Series of str or None
        Its text.
    target : bool
        Whether it is the column to predict, which is never dropped.

    Returns
    -------
    ColumnSchema
    list of Rule
    """
    look = _Look(name, cells)
    look.rule("encoding", only_if_found=True, why="UTF-8 read as a Western code page")
    look.rule("trim", why="spaces at the ends or in a row")
    _missing(look)
    if not look.filled():
        schema = ColumnSchema(name, "empty", had_missing=True)
        look.drop(target, "empty", "no value in any row")
        return schema, look.rules
    kind = _yes_no(look) or _numbers(look) or _dates(look) or _words(look)
    schema = ColumnSchema(name, kind, look.unit)
    schema.had_missing = look.filled() < len(cells)
    if look.filled() == 0:
        schema.kind = "empty"
        look.drop(target, "empty", "no usable value in any row")
        return schema, look.rules
    role = _role(look, kind)
    if role is not None:
        schema.kind, why = role
        look.drop(target, schema.kind, why)
        if target:
            schema.kind = kind
    if schema.kind == "category":
        schema.categories = look.by_count()[:200]
    return schema, look.rules


class _Look:
    """One column's distinct texts, as the rules found so far leave them."""

    def __init__(self, name: str, cells: pd.Series) -> None:
        self.name = name
        self.unit = ""
        self.rules: list[Rule] = []
        codes, uniques = pd.factorize(cells.to_numpy(dtype=object), use_na_sentinel=True)
        self.codes = codes
        self.rows = len(cells)
        self.now: list[str | None] = [str(u) for u in uniques]
        self.counts = np.bincount(codes[codes >= 0], minlength=len(uniques)).astype(np.int64)

    def filled(self) -> int:
        return int(sum(n for v, n in self.weighed() if v))

    def weighed(self) -> list[tuple[str, int]]:
        """Texts that are not missing, with their counts; one text may come twice."""
        return [(v, int(n)) for v, n in zip(self.now, self.counts, strict=True) if v is not None]

    def tally(self) -> Counter[str]:
        tally: Counter[str] = Counter()
        for v, n in self.weighed():
            tally[v] += n
        return tally

    def by_count(self) -> list[str]:
        return [v for v, _ in sorted(self.tally().items(), key=lambda kv: (-kv[1], kv[0]))]

    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        tally: Counter[float] = Counter()
        for v, n in self.weighed():
            if is_plain(v) and abs(float(v)) < np.inf:
                tally[float(v)] += n
        values = np.array(sorted(tally), dtype=float)
        return values, np.array([tally[v] for v in values], dtype=np.int64)

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
        only_if_found: bool = False,
    ) -> Rule | None:
        """Add a rule and, if it is to be applied, look on through it."""
        rule = Rule(self.name, kind, apply, settings or {}, why)
        function = rule.function()
        new = [None if v is None else function(v) for v in self.now]
        changed = [k for k, (a, b) in enumerate(zip(self.now, new, strict=True)) if a != b]
        if not changed and only_if_found:
            return None
        if changed:
            rule.rows = int(self.counts[changed].sum())
            best = max(changed, key=lambda k: (self.counts[k], -k))
            rule.before, rule.after = self.now[best] or "", new[best] or ""
        if apply:
            self.now = new
        self.rules.append(rule)
        return rule

    def drop(self, target: bool, kind: str, why: str) -> None:
        if target:
            return
        shown = [v for v in self.in_rows()[:200] if v][:3]
        self.rules.append(
            Rule(
                self.name,
                "drop",
                True,
                {"kind": kind},
                why,
                self.rows,
                ", ".join(shown),
                "no feature",
            )
        )


def _missing(look: _Look) -> None:
    """Blank out the spellings of "missing" that mean it in any column."""
    words = [v for v, _ in look.weighed()]
    codes = [v for v in words if len(v) == 2 and v.isalpha() and v.isupper()]
    # NA is Namibia, sodium or North America among other codes of two letters.
    doubtful = {"na"} if len(codes) >= 10 and len(codes) >= 0.9 * len(words) else set()
    settings: dict[str, Any] = {"usual": True}
    found = sorted({v for v in words if fold(v) in MISSING_ALWAYS - doubtful})
    if doubtful:
        settings["but not"] = sorted(doubtful)
    shown = ", ".join(repr(v) if v else "as a blank cell" for v in found[:6])
    look.rule("missing", settings, why=f"written {shown}" if found else "the usual spellings")
    if doubtful and "NA" in words:
        look.rule(
            "missing",
            {"usual": False, "spellings": ["NA"]},
            why="NA stands among other codes of two letters: missing, or a code?",
            apply=False,
        )


def _yes_no(look: _Look) -> str | None:
    """Bring several spellings of yes and no, or of a sex, to one pair."""
    tally = look.tally()
    if len(tally) > 40:
        return None
    folded = {fold(v) for v in tally}
    for yes, no in PAIRS:
        if not (folded <= yes | no and folded & yes and folded & no):
            continue
        if all(is_plain(v) for v in tally) or (len(tally) == 2 and len(folded) == 2):
            return None
        whole = {"yes", "no", "true", "false", "male", "female"}
        short = ({"y", "n", "1", "0"}, {"t", "f", "1", "0"})
        if not (folded & whole or any(folded <= s for s in short)):
            return None
        first = _commonest(tally, yes)
        second = _commonest(tally, no)
        words = dict.fromkeys(sorted(yes), first) | dict.fromkeys(sorted(no), second)
        look.rule("yes/no", {"words": words}, why=f"{len(tally)} spellings of two answers")
        return "category"
    return None


def _commonest(tally: Counter[str], words: Iterable[str]) -> str:
    few = {v: n for v, n in tally.items() if fold(v) in words and not is_plain(v)}
    few = few or {v: n for v, n in tally.items() if fold(v) in words}
    # Among equals the longer word, then the capitalised one, says more.
    return max(few, key=lambda v: (few[v], len(v), v[:1].isupper(), v))


def _numbers(look: _Look) -> str | None:
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


def _dotted_thousands(look: _Look) -> str:
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


def _percent(look: _Look, settings: dict[str, str]) -> None:
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
    look: _Look, units: Sequence[str], suffixes: Counter[str], settings: dict[str, str]
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


def _suspects(look: _Look) -> None:
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


def _dates(look: _Look) -> str | None:
    dated = {v: n for v, n in look.weighed() if looks_like_date(v)}
    total = sum(n for v, n in look.weighed() if fold(v) not in MISSING_AMONG_NUMBERS)
    if not dated or sum(dated.values()) < MOSTLY * total:
        return None
    style = read_date_style(dated)
    guess = "" if style.certain else "; day and month could be the other way round"
    order = "day first" if style.day_first else "month first"
    plainly = all(iso(v, style) == v for v in dated)
    look.rule(
        "date",
        {"day first": style.day_first},
        why="dates in ISO form" if plainly else f"dates, {order}{guess}",
    )
    bad = [v for v, _ in look.weighed() if v not in dated and not looks_like_date(v)]
    look.rule(
        "not a date",
        why=f"text among dates: {', '.join(map(repr, bad[:5]))}" if bad else "dates only",
    )
    return "date"


def _words(look: _Look) -> str:
    """Recognise categories and bring variants of case and spacing together."""
    tally = look.tally()
    if _is_text(look, tally):
        return "text"
    groups: dict[str, list[str]] = defaultdict(list)
    for v in tally:
        groups[loose(v)].append(v)
    words: dict[str, str] = {}
    doubtful: dict[str, str] = {}
    for key, variants in groups.items():
        # Among equals the capitalised one, as in most tables.
        best = max(variants, key=lambda v: (tally[v], v[:1].isupper() and not v.isupper(), v))
        weakest = min(tally[v] for v in variants)
        # AA, Aa and aa are three genotypes: short codes that are all frequent stay apart.
        code = len(key) <= 2 and key not in _SHORT_ANSWERS
        if len(variants) > 1 and code and weakest >= 0.1 * tally[best]:
            doubtful[key] = best
        elif len(variants) > 1 or len(key) > 2:
            words[key] = best
    several = [key for key, variants in groups.items() if len(variants) > 1 and key in words]
    numbers = sum(n for v, n in tally.items() if is_plain(v))
    if numbers >= 0.5 * look.filled() and len(tally) > 20:
        odd = [repr(v) for v in tally if not is_plain(v)][:5]
        look.rule(
            "not a number",
            why=f"{numbers} of {look.filled()} cells are numbers, others are not: "
            f"{', '.join(odd)}; a number column, if you say so",
            apply=False,
            only_if_found=True,
        )
    if len(tally) <= max(200, 0.5 * look.filled()) or several:
        why = (
            "variants of " + ", ".join(repr(words[k]) for k in several[:5])
            if several
            else "one spelling each"
        )
        look.rule("spelling", {"words": words}, why=why)
    if doubtful:
        look.rule(
            "spelling",
            {"words": doubtful},
            why="short codes that differ in case only: one, or several?",
            apply=False,
        )
    return "category"


def _is_text(look: _Look, tally: Counter[str]) -> bool:
    filled = look.filled()
    words = sum(len(v.split()) * n for v, n in tally.items()) / filled
    if words >= 5:
        return len(tally) > 5
    return words >= 2 and len(tally) > max(50, 0.5 * filled)


def _role(look: _Look, kind: str) -> tuple[str, str] | None:
    """Return why the column cannot be a feature, or None where it can."""
    tally = look.tally()
    filled = look.filled()
    if len(tally) == 1:
        if filled == look.rows:
            return "constant", f"{next(iter(tally))!r} in every row"
        return None
    if kind == "text":
        return "text", f"free text: {len(tally)} different ones in {filled} filled rows"
    if kind == "date":
        return None
    return _id(look, kind, tally, filled)


def _id(look: _Look, kind: str, tally: Counter[str], filled: int) -> tuple[str, str] | None:
    named = _says_id(look.name)
    distinct = len(tally) / filled
    if filled < 10:
        return None
    if kind == "category":
        if sum(n for v, n in tally.items() if is_plain(v)) >= 0.5 * filled:
            # Numbers that could not all be read; a finding says so.
            return None
        if distinct >= 0.98 and filled >= 20:
            return "id", f"{len(tally)} different labels in {filled} rows"
        if named and distinct >= 0.5 and filled >= 20:
            return "id", f"named like a label, {len(tally)} different ones in {filled} rows"
        return None
    cells = [v for v in look.in_rows() if v is not None]
    if not all(is_plain(v) and float(v).is_integer() for v in tally):
        return None
    numbers = np.array([float(v) for v in cells])
    steps = np.diff(numbers)
    if len(steps) and np.mean(steps == 1) >= 0.95:
        return "id", "counts the rows: each number is one more than the one before"
    # The same counter in a part of the rows, as a split leaves it.
    if len(tally) >= 20 and np.mean((steps >= 1) & (steps <= 12)) >= 0.95 and np.median(steps) <= 2:
        return "id", "counts the rows: each number is a little more than the one before"
    if distinct >= 0.98:
        extent = numbers.max() - numbers.min() + 1
        if extent <= 1.05 * filled and filled >= 20:
            return "id", f"a numbering: {filled} different whole numbers in a range of {extent:.0f}"
        if named:
            return "id", f"named like a label, {len(tally)} different whole numbers"
        lengths = {len(v.lstrip("+-")) for v in tally}
        if len(lengths) == 1 and next(iter(lengths)) >= 7:
            return "id", f"different whole numbers of {next(iter(lengths))} digits each"
    return None


def _says_id(name: str) -> bool:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    words = [w for w in re.split(r"[^A-Za-z0-9]+", spaced.casefold()) if w]
    if not words:
        return False
    return words[-1] in ID_WORDS or words[0] in {"id", "uuid", "unnamed", "index", "rownum"}
