"""Rules that change cells: each a name, a few settings a person can edit, and a reason.

A rule maps the text of one cell to another text, or to None for "missing", and looks at nothing
else; so it can be replayed on any later file, switched off, or taken back. The table `RULE_KINDS`
holds them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ann.data.cells.dates import PIVOT, DateStyle, fits, iso
from ann.data.cells.lexicon import MISSING_ALWAYS, fold, unit_key
from ann.data.cells.numerals import NumberStyle, is_plain, plain, split_affixes, split_money, times
from ann.data.errors import ContradictionError, SchemaError, require_known
from ann.data.log import Step

__all__ = ["KEEPS_TEXT", "RULE_KINDS", "CellMap", "Effect", "Rule", "loose", "tidy"]

CellMap = Callable[[str], str | None]
Effect = Literal["lossless", "reversible", "destructive", "left out"]
_MOJIBAKE = re.compile("[ÃÂâ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
#: Zero-width space, word joiner, byte order mark, soft hyphen.
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))
#: What may stand between the words of a label: not a hyphen at its ends or between two digits.
_GAP = re.compile(r"[\s_]+|(?<=[^\W\d])[\s_]*-[\s_]*(?=\w)|(?<=\w)[\s_]*-[\s_]*(?=[^\W\d])")


def loose(text: str) -> str:
    """Return what two spellings of one word share: no case, one kind of gap, no marks around it.

    Signs before and after it are kept, because they carry meaning: ``-high``, ``A+``, ``<5``.

    Examples
    --------
    >>> loose("New_York. ") == loose("new  york"), loose("-high") == loose("high")
    (True, False)
    """
    key = " ".join(_GAP.sub(" ", text).split()).casefold()
    if any(c.isalpha() for c in key):
        key = key.strip(" .,;:\"'") or key
    return key


def tidy(text: str) -> str:
    """Return the text without invisible characters, with single spaces and none at its ends."""
    return " ".join((text if text.isascii() else text.translate(_INVISIBLE)).split())


def _trim(settings: Mapping[str, Any]) -> CellMap:
    if "labels" in settings:
        labels = {str(v) for v in settings["labels"]}
        return lambda text: new if (new := tidy(text)) in labels else text
    kept = {str(v) for v in settings.get("but not", ())}
    return (lambda text: text if text in kept else tidy(text)) if kept else tidy


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
    # In lower case it stands for every case.
    kept = {str(s) for s in settings.get("but not", ())}
    return lambda text: (
        None if fold(text) in spellings and text not in kept and fold(text) not in kept else text
    )


def _style(settings: Mapping[str, Any]) -> NumberStyle:
    return NumberStyle(settings.get("decimal", "."), settings.get("thousands", ","))


def _on_numbers(change: Callable[[str, str, str], str | None]) -> CellMap:
    """Map what stands before, in and after a number; where it gives None the cell stays."""

    def rewrite(text: str) -> str:
        parts = split_affixes(text)
        new = None if parts is None else change(*parts)
        return text if new is None else new

    return rewrite


def _unit(settings: Mapping[str, Any]) -> CellMap:
    factors = {unit_key(str(k)): str(v) for k, v in settings["factors"].items()}
    style = _style(settings)

    def strip(_prefix: str, body: str, suffix: str) -> str | None:
        factor, number = factors.get(unit_key(suffix)), plain(body, style)
        if factor is None or number is None or (not suffix and factor == "1"):
            return None
        return body if factor == "1" else times(number, factor)

    return _all_numbers(_on_numbers(strip), settings)


def _all_numbers(rewrite: CellMap, settings: Mapping[str, Any]) -> CellMap:
    """Map to a number in plain digits, or to missing, where a person asks for that."""
    if settings.get("others") != "missing":
        return rewrite
    digits = _thousands(settings)

    def number(text: str) -> str | None:
        new = digits(rewrite(text) or text)
        return new if new is not None and is_plain(new) else None

    return number


def _currency(settings: Mapping[str, Any]) -> CellMap:
    signs = {str(s).casefold() for s in settings["signs"]}

    def strip(prefix: str, body: str, suffix: str) -> str | None:
        rest, sign = split_money(suffix)
        if sign.casefold() in signs:
            return f"{body} {rest}".rstrip()
        return f"{body} {suffix}".rstrip() if prefix.casefold() in signs else None

    return _all_numbers(_on_numbers(strip), settings)


def _percent(settings: Mapping[str, Any]) -> CellMap:
    factor = str(settings.get("factor", "1"))
    style = _style(settings)

    def strip(_prefix: str, body: str, suffix: str) -> str | None:
        number = plain(body, style) if suffix == "%" else None
        return number if number is None or factor == "1" else times(number, factor)

    return _on_numbers(strip)


def _thousands(settings: Mapping[str, Any]) -> CellMap:
    style = _style(settings)
    rewrite = _on_numbers(
        lambda prefix, body, suffix: None if prefix or suffix else plain(body, style)
    )
    if style.thousands == ".":
        return rewrite
    # Most numbers are plain already, and asking that first takes a third of the time.
    return lambda text: text if is_plain(text) else rewrite(text)


def _date(settings: Mapping[str, Any]) -> CellMap:
    day_first = bool(settings.get("day first", True))
    style = DateStyle(day_first, pivot=int(settings.get("pivot", PIVOT)))

    def rewrite(text: str) -> str:
        new = iso(text, style)
        if new is None and fits(text, day_first=not day_first):
            raise ContradictionError(
                f"dates are to be read {_order(day_first)}, but {text!r} is a date only "
                f'{_order(not day_first)}; change "day first" in the rules, or mend the cell'
            )
        return new or text

    return rewrite


def _order(day_first: bool) -> str:
    return "day first" if day_first else "month first"


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


@dataclass(frozen=True)
class RuleKind:
    """What a rule of one name does and needs.

    Attributes
    ----------
    make : callable or None
        Builds the map of a cell from the settings; None for rules about columns and rows.
    needed, optional : tuple of str
        Its settings.
    effect : str
        ``"lossless"`` (another spelling of the same), ``"reversible"`` (a value gives way to
        "missing", and a column beside it keeps what stood there), ``"destructive"`` (labels
        merged, values changed, rows removed) or ``"left out"`` (a column is no feature; its cells
        are kept as they are).
    merging : str
        The setting with which the rule makes one label out of several, or takes for the same what
        may differ; empty where none does.
    """

    make: Callable[[Mapping[str, Any]], CellMap] | None
    effect: Effect
    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    merging: str = ""


_STYLE = ("decimal", "thousands")
#: Every rule; those that work on one cell in the order in which a column's rules run.
RULE_KINDS: dict[str, RuleKind] = {
    "encoding": RuleKind(_mojibake, "lossless"),
    "trim": RuleKind(_trim, "lossless", (), ("but not", "labels"), "labels"),
    "missing": RuleKind(_missing, "reversible", (), ("usual", "spellings", "but not")),
    "currency": RuleKind(_currency, "lossless", ("signs",), (*_STYLE, "others"), "others"),
    "percent": RuleKind(_percent, "lossless", (), ("factor", *_STYLE)),
    "unit": RuleKind(_unit, "lossless", ("factors",), (*_STYLE, "others"), "others"),
    "thousands": RuleKind(_thousands, "lossless", (), _STYLE),
    "date": RuleKind(_date, "lossless", (), ("day first", "pivot")),
    "yes/no": RuleKind(_spelling, "destructive", ("words",)),
    "spelling": RuleKind(_spelling, "destructive", ("words",)),
    "sentinel": RuleKind(_sentinel, "reversible", ("values",)),
    "scale": RuleKind(_scale, "destructive", ("factor", "from", "to")),
    "outlier": RuleKind(_range, "destructive", (), ("low", "high")),
    "not a number": RuleKind(_not_a_number, "reversible"),
    "not a date": RuleKind(_not_a_date, "reversible"),
    "drop": RuleKind(None, "left out", (), ("kind",)),
    "duplicates": RuleKind(None, "destructive"),
}
#: Rules after which a column beside the cleaned one keeps the text that became missing.
KEEPS_TEXT = ("sentinel", "not a number", "not a date")


@dataclass
class Rule:
    """One rule of one column.

    Attributes
    ----------
    column : str
        Where; empty for the rows as a whole.
    rule : str
        A name from `RULE_KINDS`.
    apply : bool
        False for what only a person may decide.
    proposed : bool
        Of a rule that is not applied: whether the evidence is strong enough to recommend it. If
        not, it is only reported.
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
    proposed: bool = False

    @property
    def effect(self) -> Effect:
        """What it does to the data: see `RuleKind`."""
        kind = RULE_KINDS[self.rule]
        return "destructive" if kind.merging in self.settings else kind.effect

    def function(self) -> CellMap:
        """Return the map from a cell's text to its new text, None for missing."""
        make = RULE_KINDS[self.rule].make
        if make is None:
            raise SchemaError(f"rule {self.rule!r} is about rows or columns, not about cells")
        return make(self.settings)

    def step(self, rows: int, before: str | None = None, after: str | None = None) -> Step:
        """Return the step for the log: rows touched, and an example if not that of the rule."""
        before = self.before if before is None else before
        after = self.after if after is None else after
        # Without an effect no option is printed: dates that contradict fit no order.
        stuck = self.rule == "date" and not self.apply and bool(self.before) and not self.after
        told = (
            self.why,
            self.apply,
            "" if stuck else self.effect,
            self.proposed and not self.apply,
        )
        return Step(self.column, self.rule, rows, before, after, *told)

    def tried(
        self, texts: list[str | None], counts: NDArray[np.int64]
    ) -> tuple[list[str | None], NDArray[np.intp], Step]:
        """Apply the rule to distinct texts.

        Parameters
        ----------
        texts : list of str or None
        counts : (texts,) array of int
            How many rows hold each.

        Returns
        -------
        new : list of str or None
        changed : array of int
            Places of the texts that are not what they were.
        step : Step
            For the log, with the commonest of them as the example.

        Raises
        ------
        ContradictionError
            If the rule is applied, and a cell cannot be read the way it reads the column.
        """
        function = self.function()
        try:
            new = [None if v is None else function(v) for v in texts]
        except ContradictionError as error:
            if not self.apply:
                return texts, np.array([], dtype=np.intp), self.step(self.rows)
            raise ContradictionError(f"column {self.column!r}: {error}") from None
        if new == texts:
            return texts, np.array([], dtype=np.intp), self.step(0, "", "")
        changed = np.flatnonzero([a != b for a, b in zip(texts, new, strict=True)])
        best = max(changed, key=lambda k: (counts[k], -k))
        step = self.step(int(counts[changed].sum()), texts[best] or "", new[best] or "")
        return new, changed, step

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
        require_known("a rule has no", document, cls.__dataclass_fields__)
        for key in ("column", "rule"):
            if key not in document:
                raise SchemaError(f"a rule needs {key!r}; this one has {sorted(document)}")
        name, settings = document["rule"], document.get("settings", {})
        require_known("there is no rule", [name], RULE_KINDS)
        kind, where = RULE_KINDS[name], f"rule {name!r} of column {document['column']!r}"
        if lacking := set(kind.needed) - set(settings):
            raise SchemaError(
                f"{where} needs the settings {list(kind.needed)}; {sorted(lacking)} are not there"
            )
        require_known(f"{where} has no setting", settings, (*kind.needed, *kind.optional))
        for key in ("apply", "proposed"):
            if not isinstance(document.get(key, True), bool):
                raise SchemaError(f"{where}: {key} is true or false, not {document[key]!r}")
        if not isinstance(document.get("rows", 0), int):
            raise SchemaError(f"{where}: rows is a number of rows, not {document['rows']!r}")
        rule = cls(**{**document, "settings": dict(settings)})
        if kind.make is not None:
            try:
                for factor in (settings.get("factor", "1"), *settings.get("factors", {}).values()):
                    float(factor)
                rule.function()
            except (TypeError, ValueError, AttributeError) as error:
                raise SchemaError(f"{where} has settings it cannot use: {error}") from None
        return rule
