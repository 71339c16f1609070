"""What stands before and behind the numbers of a column, and whether it has one meaning.

Where it has not, such as ``5 PM`` beside ``11 AM`` or ``$5`` beside ``€5``, no number stands for
the whole cell: the column is kept as words, and what would make numbers of it is only proposed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ann.data.cells.dates import looks_like_date
from ann.data.cells.lexicon import CURRENCY_OF, OPPOSED_SUFFIXES, unit_key, unit_of
from ann.data.cells.numerals import ratio, read_style
from ann.data.cleaning.inspection import MOSTLY, Inspection

__all__ = ["FOOTNOTES", "Affixes", "keep_as_words", "without_odd_money"]

#: Marks behind a number that point to a note.
FOOTNOTES = frozenset(mark * n for mark in "*†‡§¶" for n in (1, 2, 3))
#: Numbers that so few others resemble are odd cells, which become missing one by one.
FEW_ODD = 0.02
#: Of one slip of the pen there are so many at most.
MOST_SLIPS = 2
_OTHER_SIGN = re.compile(r"[^\d\s+\-−.,()][^\d+\-−()]{0,5}\d[\d.,]*\Z")
_MONEY = {sign.casefold(): money for sign, money in CURRENCY_OF.items()}


@dataclass
class Affixes:
    """The numbers of a column with what stands around them.

    Attributes
    ----------
    parts : dict of str to (str, str, str)
        Cell -> sign of money, number, suffix.
    weights : Counter of str
        How often each of these cells occurs.
    suffixes : Counter of str
        How often each suffix occurs.
    known : list of str
        The suffixes that are taken for units.
    unread : list of str
        Cells that are no numbers.
    magnitudes : bool
        Whether the suffixes are thousands, millions and so on.
    """

    parts: Mapping[str, tuple[str, str, str]]
    weights: Counter[str]
    suffixes: Counter[str]
    known: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    magnitudes: bool = False

    def signs(self) -> Counter[str]:
        """How often each sign of money occurs."""
        found: Counter[str] = Counter()
        for v, (sign, _, _) in self.parts.items():
            if sign:
                found[sign] += self.weights[v]
        return found

    def others(self) -> Counter[str]:
        """How often each suffix occurs that is no unit of this column."""
        out = {s: n for s, n in self.suffixes.items() if s not in self.known}
        return Counter({s: n for s, n in out.items() if s not in FOOTNOTES})

    def few(self, odd: Counter[str]) -> bool:
        """Tell whether cells are odd ones, by what is odd about them, and no second kind of number.

        A second kind comes again and again. Slips of the pen differ: ``pxtients``, ``patientx``.
        """
        cells, total = odd.total(), self.weights.total()
        slips = len(odd) > 1 and max(odd.values()) <= MOST_SLIPS and cells <= (1 - MOSTLY) * total
        return cells <= max(1, FEW_ODD * total) or slips

    def opposed(self) -> Counter[str]:
        """How often each suffix occurs that has an opposite, where these are what the column has.

        One of them on every number says nothing; on some of them it does.
        """
        found = {s: n for s, n in self.suffixes.items() if unit_key(s) in OPPOSED_SUFFIXES}
        several = len({unit_key(s) for s in found}) > 1
        listed = not several and all(unit_of(s)[0] for s in found)
        total = self.weights.total()
        if (
            self.magnitudes
            or listed
            or sum(found.values()) < 0.5 * total
            or not (several or len(self.bare()))
        ):
            return Counter()
        return Counter(found)

    def bare(self) -> list[str]:
        """Numbers with nothing behind them."""
        return [v for v, (_, _, suffix) in self.parts.items() if not suffix]

    def bracketed(self) -> bool:
        """Tell whether brackets stand around numbers and cannot be minus signs.

        Accounting puts some numbers in brackets, and uses no other minus sign.
        """
        within = {v for v in self.parts if v.strip().startswith("(")}
        minus = any(b.startswith("-") for v, (_, b, _) in self.parts.items() if v not in within)
        return bool(within) and (minus or len(within) == len(self.parts))


def without_odd_money(found: Affixes) -> set[str]:
    """Return the cells in another money than nearly all others; they are numbers no more.

    Examples
    --------
    >>> cells = {f"${k}": ("$", str(k), "") for k in range(60)} | {"€5": ("€", "5", "")}
    >>> without_odd_money(Affixes(cells, Counter(dict.fromkeys(cells, 1)), Counter()))
    {'€5'}
    """
    money: Counter[str] = Counter()
    for sign, n in found.signs().items():
        money[_MONEY[sign.casefold()]] += n
    if len(money) < 2:
        return set()
    usual, most = money.most_common(1)[0]
    if not found.few(Counter({sign: n for sign, n in money.items() if n < most})):
        return set()
    return {v for v, (s, _, _) in found.parts.items() if s and _MONEY[s.casefold()] != usual}


def keep_as_words(seen: Inspection, found: Affixes, total: int) -> bool:
    """Leave numbers as words where what stands around them differs in meaning, and say so.

    Parameters
    ----------
    seen : Inspection
        The column; a rule that waits for a person is added to it.
    found : Affixes
    total : int
        Its filled cells.

    Returns
    -------
    bool
    """
    numeric = found.weights.total()
    bare = not found.suffixes and not found.signs() and not found.bracketed()
    if numeric < MOSTLY * total or bare:
        return False
    if sum(n for v, n in seen.weighed() if looks_like_date(v)) >= MOSTLY * total:
        return False
    style = read_style(b for _, b, _ in found.parts.values())
    thousands = style.thousands or {".": ",", ",": ".", ".,": " "}[style.decimal]
    settings = {"decimal": style.decimal, "thousands": thousands}
    if found.bracketed():
        why = "every number stands in brackets, or others have a minus sign: no minus signs"
        seen.rule("thousands", settings, why=f"{why}, kept as words", apply=False)
    elif not any(judge(seen, found, settings) for judge in _judges(found)):
        return False
    seen.open_numbers = True
    return True


def _judges(found: Affixes) -> tuple[Callable[..., bool], ...]:
    # Credit and debit say more of an amount than its money.
    judges = (_different_money, _different_units)
    return judges[::-1] if found.opposed() else judges


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{s!r} ({n})" for s, n in counts.most_common(5))


def _different_money(seen: Inspection, found: Affixes, settings: dict[str, str]) -> bool:
    signs, others = found.signs(), found.others()
    if not signs:
        return False
    foreign = [v for v in found.unread if _OTHER_SIGN.match(v)]
    odd = Counter(others)
    for v, n in seen.weighed():
        if v in foreign:
            # By what stands before the number, not by the number.
            odd[v.rstrip("0123456789., ")] += n
    if len({_MONEY[s.casefold()] for s in signs}) > 1:
        why = f"amounts of different money, {_told(signs)}: one number would hide which"
    elif not found.few(odd):
        shown = ", ".join(map(repr, [*foreign, *others][:4]))
        why = f"amounts in {_told(signs)}, and some with {shown}"
    else:
        return False
    chosen = {"signs": sorted(signs), "others": "missing", **settings}
    why += ". Kept as words; applied, all signs are left out, and what is no number is missing"
    seen.rule("currency", chosen, why=why, apply=False)
    return True


def _different_units(seen: Inspection, found: Affixes, settings: dict[str, str]) -> bool:
    others, opposed = found.others(), found.opposed()
    dated = [s for s in found.known if s.startswith("-")]
    units = [s for s in found.known if s not in FOOTNOTES]
    if not (opposed or dated or (units and not found.few(others))):
        return False
    shown = Counter({s: n for s, n in found.suffixes.items() if s not in FOOTNOTES})
    factors = _factors(opposed or Counter({s: shown[s] for s in units}))
    why = f"{_told(shown)} behind numbers do not mean the same"
    sure = bool(opposed) and set(map(unit_key, factors)) >= set(map(unit_key, shown))
    lost = "" if sure else ", and cells with another suffix become missing"
    given = ", ".join(f"{s} {f}" for s, f in factors.items())
    why += f". Kept as words; applied, numbers are multiplied ({given}){lost}"
    chosen = {"factors": factors, "others": "missing", **settings}
    seen.rule("unit", chosen, why=why, apply=False, proposed=sure)
    return True


def _factors(suffixes: Counter[str]) -> dict[str, str]:
    """Return what to multiply by behind each suffix, as far as that is known."""
    signed = {s: OPPOSED_SUFFIXES.get(unit_key(s), "") for s in suffixes}
    if any(signed.values()):
        return {s: f for s, f in signed.items() if f}
    main = suffixes.most_common(1)[0][0]
    kind, own = unit_of(main)
    known = {s: unit_of(s) for s in suffixes}
    same = {s: ratio(size, own) for s, (k, size) in known.items() if k == kind and kind}
    return same | {main: "1"}
