"""The document between a messy file and a model: what each column is, and the rules that clean it.

It is learned once, written as JSON, read and changed by a person, and applied to next month's
file. Nothing else is remembered: the same document on the same text gives the same table, bit for
bit.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ann.atomic_write import write_text
from ann.data.cleaning.rules import KEEPS_TEXT, RULE_KINDS, Rule
from ann.data.errors import SchemaError, require_known
from ann.data.log import steps_table

__all__ = ["KINDS", "ColumnSchema", "Rules"]

#: What a column can be. Only the first three make features.
KINDS = ("number", "category", "date", "text", "id", "constant", "empty")
_UNSEEN = ("rare", "missing", "error")
_MISSING = ("impute", "error")
_ABSENT = ("error", "missing")
_FORMAT = "neurosim data rules"
#: Rules that make of a column of words one of another kind.
_MAKES = {
    "date": "date",
    "not a date": "date",
    **dict.fromkeys(("not a number", "unit", "currency", "thousands"), "number"),
}


@dataclass
class ColumnSchema:
    """What one column is, and what to do when a later file differs.

    Attributes
    ----------
    name : str
        As in the file.
    kind : str
        One of `KINDS`.
    unit : str
        Of a number column; empty where none was found.
    categories : list of str
        Of a category column, in order of frequency (the first 200).
    unseen : str
        A category that was not there: ``"rare"`` (counts as an infrequent one), ``"missing"`` or
        ``"error"``.
    missing : str
        A missing value where none was: ``"impute"`` or ``"error"``.
    absent : str
        The whole column lacking: ``"error"`` or ``"missing"``.
    had_missing : bool
        Whether values were missing where the rules were learned.
    """

    name: str
    kind: str
    unit: str = ""
    categories: list[str] = field(default_factory=list)
    unseen: str = "rare"
    missing: str = "impute"
    absent: str = "error"
    had_missing: bool = False

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ColumnSchema:
        """Build a column from plain values.

        Raises
        ------
        SchemaError
            If a key or a value is not one of those that exist.
        """
        require_known("a column has no", document, cls.__dataclass_fields__)
        if "name" not in document or "kind" not in document:
            raise SchemaError(f"a column needs 'name' and 'kind'; this one has {sorted(document)}")
        for key, allowed in (
            ("kind", KINDS),
            ("unseen", _UNSEEN),
            ("missing", _MISSING),
            ("absent", _ABSENT),
        ):
            value = document.get(key, allowed[0])
            require_known(f"column {document['name']!r}: {key} cannot be", [value], allowed)
        for key, kind, words in (
            ("categories", list, "a list of words"),
            ("had_missing", bool, "true or false"),
        ):
            if not isinstance(document.get(key, kind()), kind):
                raise SchemaError(
                    f"column {document['name']!r}: {key} must be {words}, not {document[key]!r}"
                )
        return cls(**document)


@dataclass(repr=False)
class Rules:
    """Columns and rules, as learned from one table.

    Attributes
    ----------
    columns : list of ColumnSchema
        In the order of the file.
    rules : list of Rule
        In the order in which they run.
    target : str
        The column to predict, or empty.
    rows : int
        From how many rows they were learned.

    Examples
    --------
    >>> rules = Rules([ColumnSchema("height", "number")], [Rule("height", "trim")])
    >>> Rules.loads(rules.dumps()) == rules
    True
    """

    columns: list[ColumnSchema] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    target: str = ""
    rows: int = 0

    def __repr__(self) -> str:
        kinds = Counter(c.kind for c in self.columns)
        said = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        asked = sum(not r.apply for r in self.rules)
        goal = f", to predict {self.target}" if self.target else ""
        return (
            f"<Rules of {len(self.columns)} columns ({said}){goal}: {len(self.rules)} rules, "
            f"{asked} of them not applied>"
        )

    def _repr_html_(self) -> str:
        steps = [r.step(r.rows) for r in self.rules if r.rows or not r.apply]
        idle = len(self.rules) - len(steps)
        note = f"{idle} more rules had nothing to do in the table they were learned from."
        return steps_table(repr(self).strip("<>"), steps, note if idle else "")

    def column(self, name: str) -> ColumnSchema:
        """Return one column by name.

        Raises
        ------
        SchemaError
            If there is none of that name.
        """
        require_known("there is no column", [name], (c.name for c in self.columns))
        return next(c for c in self.columns if c.name == name)

    def of(self, column: str) -> list[Rule]:
        """Return the rules of one column, in order."""
        return [r for r in self.rules if r.column == column]

    def proposals(self) -> list[Rule]:
        """Return the rules that are recommended and wait for a person to say so."""
        return [r for r in self.rules if r.proposed and not r.apply]

    def applying(self, names: Iterable[str], *, lenient: bool = False) -> Rules:
        """Return the rules with some of those that were not applied switched on.

        Parameters
        ----------
        names : iterable of str
            Each ``"RULE"`` (in every column) or ``"RULE:COLUMN"``, such as ``"spelling:city"``.
            Where some of the rules meant are proposed and others only reported, those proposed.
        lenient : bool
            Pass over a name that no rule answers to, as in a part of a table.

        Returns
        -------
        Rules
            A new object; that a column of words is read as dates changes its kind.

        Raises
        ------
        SchemaError
            If there is no such rule or column, or none of that name waits.

        Examples
        --------
        >>> kept = Rules([ColumnSchema("a", "category")], [Rule("a", "spelling", apply=False,
        ...     settings={"words": {"x": "X"}})])
        >>> kept.applying(["spelling:a"]).rules[0].apply
        True
        """
        rules, columns = list(self.rules), list(self.columns)
        known = [c.name for c in columns]
        for name in names:
            kind, _, column = name.partition(":")
            require_known("there is no rule", [kind], RULE_KINDS)
            if column:
                require_known(f"--apply {name}: there is no column", [column], known)
            chosen = [k for k, r in enumerate(rules) if r.rule == kind and column in ("", r.column)]
            # Of several, those that are recommended; what is only reported needs its own word.
            recommended = [k for k in chosen if rules[k].proposed or rules[k].apply]
            chosen = recommended if any(not rules[k].apply for k in recommended) else chosen
            if not chosen and not lenient:
                names_of = (
                    f"{r.rule}:{r.column}" if r.column else r.rule
                    for r in self.rules
                    if not r.apply
                )
                waiting = sorted(set(names_of))
                told = f"there is: {', '.join(waiting)}" if waiting else "nothing waits"
                raise SchemaError(f"--apply {name}: no such rule was found in this table; {told}")
            for k in chosen:
                rules[k] = replace(rules[k], apply=True)
                if kind in _MAKES:
                    columns = [
                        replace(c, kind=_MAKES[kind]) if c.name == rules[k].column else c
                        for c in columns
                    ]
        return Rules(columns, rules, self.target, self.rows)

    def indicators(self) -> dict[str, str]:
        """Return the columns that get one beside them which keeps what became missing.

        Returns
        -------
        dict of str to str
            Column -> name of the column beside it.
        """
        taken = {c.name for c in self.columns}
        out: dict[str, str] = {}
        for rule in self.rules:
            name = rule.column
            keeps = rule.rule in KEEPS_TEXT and rule.apply and rule.rows > 0
            if not keeps or name in out or name == self.target:
                continue
            new, k = f"{name}_code", 2
            while new in taken:
                new, k = f"{name}_code_{k}", k + 1
            taken.add(new)
            out[name] = new
        return out

    def dropped(self) -> dict[str, str]:
        """Return the columns that are no features, with the reason."""
        return {r.column: r.why for r in self.rules if r.rule == "drop" and r.apply}

    def features(self) -> list[ColumnSchema]:
        """Return the columns that make features."""
        out = self.dropped()
        return [c for c in self.columns if c.name != self.target and c.name not in out]

    def feature_names(self) -> list[str]:
        """Return the names of the columns that make features."""
        return [c.name for c in self.features()]

    def without(self, column: str) -> Rules:
        """Return the rules of all other columns, those about rows left out."""
        return Rules(
            [c for c in self.columns if c.name != column],
            [r for r in self.rules if r.column not in ("", column)],
            "",
            self.rows,
        )

    def document(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "format": _FORMAT,
            "version": 1,
            "target": self.target,
            "rows": self.rows,
            "columns": [asdict(c) for c in self.columns],
            "rules": [r.document() for r in self.rules],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Rules:
        """Build rules from plain values.

        Raises
        ------
        SchemaError
            If they are not in this format, or refer to a column that is not listed.
        """
        if not isinstance(document, Mapping) or document.get("format") != _FORMAT:
            raise SchemaError(f"not a rules file: 'format' must be {_FORMAT!r}")
        if document.get("version") != 1:
            raise SchemaError(
                f"version {document.get('version')!r} of the rules is not known, only 1"
            )
        try:
            columns = [ColumnSchema.from_document(c) for c in document["columns"]]
            rules = [Rule.from_document(r) for r in document["rules"]]
        except KeyError as error:
            raise SchemaError(f"a rules file needs {error.args[0]!r}") from None
        except TypeError as error:
            raise SchemaError(f"'columns' and 'rules' must be lists of objects: {error}") from None
        names = [c.name for c in columns]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise SchemaError(f"column {twice[0]!r} is listed twice")
        for rule in (r for r in rules if r.column):
            what = f"rule {rule.rule!r} speaks of a column"
            require_known(what, [rule.column], names, " that is not listed")
        target, rows = document.get("target", ""), document.get("rows", 0)
        return cls(columns, rules, target, rows)

    def dumps(self) -> str:
        """Return the JSON text."""
        return json.dumps(self.document(), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def loads(cls, text: str) -> Rules:
        """Build rules from JSON text.

        Raises
        ------
        SchemaError
            If it is not JSON, with the line, or not a rules document.
        """
        try:
            return cls.from_document(json.loads(text))
        except json.JSONDecodeError as error:
            raise SchemaError(f"not JSON, line {error.lineno}: {error.msg}") from None
        except SchemaError:
            raise
        except ValueError:
            # Python reads no number of more than 4,300 digits.
            raise SchemaError("not a rules file: a number has thousands of digits") from None
        except RecursionError:
            raise SchemaError("not a rules file: brackets within brackets without end") from None

    def save(self, path: str | Path) -> None:
        """Write the JSON text to a file, whole or not at all."""
        write_text(path, self.dumps())

    @classmethod
    def load(cls, path: str | Path) -> Rules:
        """Read rules from a file.

        Raises
        ------
        SchemaError
            If the file is absent or not a rules document.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SchemaError(f"cannot read rules from {path}: {error}") from None
        return cls.loads(text)
