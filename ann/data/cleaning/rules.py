"""Rules that change cells: each a name, a few settings a person can edit, and a reason.

A rule maps the text of one cell to another text, or to None for "missing", and looks at nothing
else; so it can be replayed on any later file, switched off, or taken back. The table `CELL_RULES`
holds them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from typing import Any

from ann.data.cells.dates import DateStyle, iso
from ann.data.cells.lexicon import MISSING_ALWAYS, fold, unit_key
from ann.data.cells.numerals import NumberStyle, is_plain, plain, split_affixes, times
from ann.data.errors import SchemaError

__all__ = ["CELL_RULES", "CellMap", "Rule", "loose"]

CellMap = Callable[[str], str | None]
_MOJIBAKE = re.compile("[ÃÂâ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
#: Zero-width space, word joiner, byte order mark, soft hyphen.
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))


def loose(text: str) -> str:
    """Return what two spellings of one word share: no case, one kind of gap, no marks around it.

    Examples
    --------
    >>> loose("New_York. ") == loose("new  york")
    True
    """
    key = " ".join(re.sub(r"[\s_\-]+", " ", text).split()).casefold()
    return key.strip(" .,;:\"'") or key


def _trim(settings: Mapping[str, Any]) -> CellMap:
    return lambda text: " ".join(text.translate(_INVISIBLE).split())


def _mojibake(settings: Mapping[str, Any]) -> CellMap:
    def repair(text: str) -> str:
        if not _MOJIBAKE.search(text):
            return text
        for codec in ("cp1252", "latin-1"):
            try:
                return text.encode(codec).decode("utf-8")
            except UnicodeError:
                continue
        return text

    return repair


def _missing(settings: Mapping[str, Any]) -> CellMap:
    spellings = {fold(str(s)) for s in settings.get("spellings", ())}
    if settings.get("usual", True):
        spellings |= MISSING_ALWAYS
    spellings -= {fold(str(s)) for s in settings.get("but not", ())}
    return lambda text: None if fold(text) in spellings else text


def _style(settings: Mapping[str, Any]) -> NumberStyle:
    return NumberStyle(settings.get("decimal", "."), settings.get("thousands", ","))


def _unit(settings: Mapping[str, Any]) -> CellMap:
    factors = {unit_key(str(k)): str(v) for k, v in settings["factors"].items()}
    style = _style(settings)

    def strip(text: str) -> str:
        parts = split_affixes(text)
        if parts is None:
            return text
        factor = factors.get(unit_key(parts[2]))
        if factor is None or (not parts[2] and factor == "1"):
            return text
        body = plain(parts[1], style)
        if body is None:
            return text
        return parts[1] if factor == "1" else times(body, factor)

    return strip


def _currency(settings: Mapping[str, Any]) -> CellMap:
    signs = {str(s).casefold() for s in settings["signs"]}

    def strip(text: str) -> str:
        parts = split_affixes(text)
        if parts is None:
            return text
        prefix, body, suffix = parts
        if prefix.casefold() in signs:
            return body + (f" {suffix}" if suffix and suffix.casefold() not in signs else "")
        if suffix.casefold() in signs:
            return body
        return text

    return strip


def _percent(settings: Mapping[str, Any]) -> CellMap:
    factor = str(settings.get("factor", "1"))
    style = _style(settings)

    def strip(text: str) -> str:
        parts = split_affixes(text)
        if parts is None or parts[2] != "%":
            return text
        body = plain(parts[1], style)
        if body is None:
            return text
        return body if factor == "1" else times(body, factor)

    return strip


def _thousands(settings: Mapping[str, Any]) -> CellMap:
    style = _style(settings)

    def rewrite(text: str) -> str:
        if is_plain(text) and style.thousands != ".":
            return text
        parts = split_affixes(text)
        if parts is None or parts[0] or parts[2]:
            return text
        body = plain(parts[1], style)
        return text if body is None else body

    return rewrite


def _date(settings: Mapping[str, Any]) -> CellMap:
    style = DateStyle(bool(settings.get("day first", True)))
    return lambda text: iso(text, style) or text


def _spelling(settings: Mapping[str, Any]) -> CellMap:
    words = {loose(str(k)): str(v) for k, v in settings["words"].items()}
    return lambda text: words.get(loose(text), text)


def _sentinel(settings: Mapping[str, Any]) -> CellMap:
    values = {float(v) for v in settings["values"]}
    return lambda text: None if is_plain(text) and float(text) in values else text


def _scale(settings: Mapping[str, Any]) -> CellMap:
    low, high = float(settings["from"]), float(settings["to"])
    factor = str(settings["factor"])

    def convert(text: str) -> str:
        return times(text, factor) if is_plain(text) and low <= float(text) <= high else text

    return convert


def _not_a_number(settings: Mapping[str, Any]) -> CellMap:
    return lambda text: text if is_plain(text) else None


def _not_a_date(settings: Mapping[str, Any]) -> CellMap:
    style = DateStyle()
    return lambda text: text if iso(text, style) is not None else None


def _range(settings: Mapping[str, Any]) -> CellMap:
    low, high = float(settings.get("low", "-inf")), float(settings.get("high", "inf"))
    return lambda text: None if is_plain(text) and not low <= float(text) <= high else text


#: Every rule that works on one cell, in the order in which a column's rules run.
CELL_RULES: dict[str, Callable[[Mapping[str, Any]], CellMap]] = {
    "encoding": _mojibake,
    "trim": _trim,
    "missing": _missing,
    "currency": _currency,
    "percent": _percent,
    "unit": _unit,
    "thousands": _thousands,
    "date": _date,
    "yes/no": _spelling,
    "spelling": _spelling,
    "sentinel": _sentinel,
    "scale": _scale,
    "outlier": _range,
    "not a number": _not_a_number,
    "not a date": _not_a_date,
}
_NEEDED = {
    "unit": {"factors"},
    "currency": {"signs"},
    "yes/no": {"words"},
    "spelling": {"words"},
    "sentinel": {"values"},
    "scale": {"from", "to", "factor"},
}
_NUMBERS = {"decimal", "thousands"}
_ALLOWED = {
    "missing": {"usual", "spellings", "but not"},
    "currency": {"signs"},
    "percent": {"factor", *_NUMBERS},
    "unit": {"factors", *_NUMBERS},
    "thousands": _NUMBERS,
    "date": {"day first"},
    "yes/no": {"words"},
    "spelling": {"words"},
    "sentinel": {"values"},
    "scale": {"from", "to", "factor"},
    "outlier": {"low", "high"},
    "drop": {"kind"},
}
_OTHER = ("drop", "duplicates")


@dataclass
class Rule:
    """One rule of one column.

    Attributes
    ----------
    column : str
        Where; empty for the rows as a whole.
    rule : str
        A name from `CELL_RULES`, or ``"drop"`` (the column is no feature), or ``"duplicates"``.
    apply : bool
        False for a suspicion that a person must confirm.
    settings : dict
        What the rule needs to know.
    why : str
        What was seen.
    rows : int
        How many rows it touched where it was learned.
    before, after : str
        One example.

    Examples
    --------
    >>> Rule("height", "unit", settings={"factors": {"cm": "1", "m": "100"}}).function()("1.72 m")
    '172'
    """

    column: str
    rule: str
    apply: bool = True
    settings: dict[str, Any] = field(default_factory=dict)
    why: str = ""
    rows: int = 0
    before: str = ""
    after: str = ""

    def function(self) -> CellMap:
        """Return the map from a cell's text to its new text, None for missing."""
        return CELL_RULES[self.rule](self.settings)

    def document(self) -> dict[str, Any]:
        """Return the rule as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Rule:
        """Build a rule from plain values.

        Raises
        ------
        SchemaError
            If a key, the rule's name or its settings are not what they must be.
        """
        known = list(cls.__dataclass_fields__)
        for key in document:
            if key not in known:
                raise SchemaError(f"a rule has no {key!r}{_did_you_mean(key, known)}")
        for key in ("column", "rule"):
            if key not in document:
                raise SchemaError(f"a rule needs {key!r}; this one has {sorted(document)}")
        name = document["rule"]
        names = [*CELL_RULES, *_OTHER]
        if name not in names:
            raise SchemaError(f"there is no rule {name!r}{_did_you_mean(str(name), names)}")
        settings = document.get("settings", {})
        lacking = _NEEDED.get(name, set()) - set(settings)
        if lacking:
            raise SchemaError(
                f"rule {name!r} of column {document['column']!r} needs the settings "
                f"{sorted(_NEEDED[name])}; {sorted(lacking)} are not there"
            )
        for key in settings:
            allowed = sorted(_ALLOWED.get(name, set()))
            if key not in allowed:
                raise SchemaError(
                    f"rule {name!r} of column {document['column']!r} has no setting {key!r}"
                    f"{_did_you_mean(str(key), allowed)}"
                )
        if not isinstance(document.get("apply", True), bool):
            raise SchemaError(
                f"rule {name!r} of column {document['column']!r}: apply is true or false, "
                f"not {document['apply']!r}"
            )
        rule = cls(**{**document, "settings": dict(settings)})
        if name in CELL_RULES:
            try:
                for factor in (settings.get("factor", "1"), *settings.get("factors", {}).values()):
                    float(factor)
                rule.function()
            except (TypeError, ValueError, AttributeError) as error:
                raise SchemaError(
                    f"rule {name!r} of column {rule.column!r} has settings it cannot use: {error}"
                ) from None
        return rule


def _did_you_mean(given: str, known: list[str]) -> str:
    near = get_close_matches(given, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
