"""The answer of `ann.data.assess`: supports, weak, or cannot, with the reasons for it.

Each reason is a kind and its numbers, and stands alone; its sentence is made from them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ann.data.judging.crossfit import Scores
from ann.data.judging.signals import Signal
from ann.data.log import Log
from ann.display import html_table

__all__ = ["SENTENCES", "Level", "Reason", "Verdict"]

Level = Literal["note", "weak", "cannot"]
_ORDER: tuple[Level, ...] = ("cannot", "weak", "note")
_ANSWERS = {
    "supports": "The data support a model",
    "weak": "Weak: a model, but not to be relied on",
    "cannot": "The data cannot support a model",
}
_SIGNAL = (
    ": p = {p:.3g}, {z:.1f} null standard deviations, from {permutations} shuffled targets on "
    "{rows} rows; {measure} = {effect:.3f}"
)
_WORSE = "its {loss} is higher by {gain:.4f} ± {error:.4f} a row"
_GAIN = "its {loss} is lower by {gain:.4f} ± {error:.4f} a row"
_EQUAL = "{why}. They were kept; to leave them out, type {option}"
_SUSPECT = "{column} ({action}): {why}{remedy}"

#: What a reason says, by its kind: what it is about, and the sentence that its facts complete.
SENTENCES: dict[str, tuple[str, str]] = {
    "sample kept": ("sample", "judged from a uniform sample of {kept} of {rows} rows"),
    "sample drawn": (
        "sample",
        "judged from a uniform sample of {kept} of the {rows} rows (seed {seed})",
    ),
    "models' sample": ("sample", "models were fitted to a sample of {kept} of the {rows} rows"),
    "target unusable": ("target", "{why}"),
    "target missing": ("target", "the target is missing in {share:.0%} of the rows"),
    "target words": (
        "target",
        "{words} are no numbers, and these {rows} rows are left out ({share:.1%}). If the words "
        "stand for quantities too small or too large to measure, what is left is no fair sample",
    ),
    "target of numbers and words": (
        "target",
        "{numbers} answers are numbers, {different} of them different, and {rows} are words "
        "({words}): neither classes nor a quantity. To tell the words from the numbers, give "
        "--target {example}; to predict the numbers, leave the other rows out of the file",
    ),
    "target counts rows": ("target", "the target counts the rows: it is a label, no quantity"),
    "target of labels": ("target", "{classes} different classes in {rows} rows: a label, no class"),
    "few rows": ("rows", "{rows} rows with a target; fewer than {least} settle nothing"),
    "too few classes": (
        "classes",
        "only {enough} of {classes} classes have {least} rows (the rarest, {rarest!r}, has {rows})",
    ),
    "rare classes": ("classes", "too few rows to learn the classes {classes}"),
    "imbalance": (
        "imbalance",
        "{share:.1%} of the rows are {commonest!r}: accuracy says little, look at the AUC",
    ),
    "duplicates": (
        "duplicates",
        "{rows} rows ({share:.1%}) come twice; the copies were left out: {why}",
    ),
    "equal rows": ("equal rows", _EQUAL),
    "equal rows proposed": ("equal rows", _EQUAL),
    "target changed": (
        "target",
        "the rule '{rule}' ({effect}) changed {rows} cells of the target, such as {before!r} to "
        "{after!r}: {why}",
    ),
    "target proposal": (
        "target",
        "the rule '{rule}' would change {rows} cells of the target and was not applied: {why}. "
        "If you want it, type {option}",
    ),
    "open dates": ("dates", "{column} (left out): {why} ({option})"),
    "nothing to apply": ("apply", "--apply {name}: no such rule was found in this table"),
    "no features": ("features", "no column is left as a feature{dropped}"),
    "only leaks": ("features", "every feature gives the target away"),
    "leak": ("leak", _SUSPECT),
    "group": ("group", _SUSPECT),
    "origin": ("origin", _SUSPECT),
    "copies": (
        "copies",
        "{rows} rows equal another one in {where}, and hardly any are nearly so: copies? "
        "They were kept in one fold; leave all but one out before you split",
    ),
    "entities": (
        "entities",
        "{column} names {number} things with {each:.1f} rows each, one a {time}, and the target of "
        "a row is alike within them (intraclass correlation {alike:.2f}): a model that saw other "
        "rows of one answers better than it would for a new one. Keep each on one side of a "
        "split: --group {column}",
    ),
    "sorted": ("order", "the file is sorted by its target: never split it by position"),
    "repeats": (
        "repeats",
        "{rows} rows ({share:.0%}) equal another one in every feature; some are on both sides of "
        "a split",
    ),
    "contradictions": (
        "contradictions",
        "{rows} rows contradict rows with the same features: "
        "no model can be right more often than {ceiling:.1%}",
    ),
    "ceiling": ("ceiling", "the models reach {best:.3f}, at the ceiling of {ceiling:.3f}"),
    "no signal": ("signal", "nothing beyond chance" + _SIGNAL),
    "trace": ("signal", "a trace beyond chance that no model can use" + _SIGNAL),
    "faint signal": ("signal", "real but faint" + _SIGNAL),
    "signal": ("signal", "beyond chance" + _SIGNAL),
    "not converged": ("fit", "the {model} did not reach its best fit in {folds} of 5 folds: {why}"),
    "size": (
        "size",
        "{each:.1f} {what} a feature ({events} for {features}); "
        "prefer few features and a strong penalty",
    ),
    "network better": ("network", "a network is better than {simple}: " + _GAIN),
    "network no better": (
        "network",
        "a network is no better than {simple} (" + _GAIN + "): use the {simple}",
    ),
    "network worse": (
        "network",
        "a network is no better than {simple} (" + _WORSE + "): use the {simple}",
    ),
}


@dataclass(frozen=True)
class Reason:
    """One finding.

    Attributes
    ----------
    level : str
        ``"note"``, ``"weak"`` or ``"cannot"``: what it does to the verdict.
    kind : str
        Which finding, a key of `SENTENCES`, such as ``"network better"``.
    facts : dict
        Its numbers and names.
    column : str
        Where, if in one column.

    Examples
    --------
    >>> reason = Reason("note", "sample kept", {"kept": 1000, "rows": 5000})
    >>> reason.code, reason.text
    ('sample', 'judged from a uniform sample of 1000 of 5000 rows')
    """

    level: Level
    kind: str
    facts: dict[str, Any] = field(default_factory=dict)
    column: str = ""

    @property
    def code(self) -> str:
        """What it is about, such as ``"leak"``; several kinds may share it."""
        return SENTENCES[self.kind][0]

    @property
    def text(self) -> str:
        """The finding as a sentence with its numbers."""
        facts = {"remedy": "", **self.facts, "column": self.column}
        return SENTENCES[self.kind][1].format(**facts)

    def document(self) -> dict[str, Any]:
        """Return the reason as plain values, its sentence included."""
        return {**asdict(self), "code": self.code, "text": self.text}


@dataclass(repr=False)
class Verdict:
    """What the data can support, and why.

    Attributes
    ----------
    level : str
        ``"supports"``, ``"weak"`` or ``"cannot"``.
    reasons : list of Reason
        The gravest first.
    target, task : str
        What was asked.
    rows, features : int
        Rows with a target, and columns of the encoded matrix.
    leave_out : list of str
        Features found to give the target or the rows' origin away; not used in any score.
    scores : dict of str to Scores
        Out of fold: ``"dummy"``, ``"logistic"`` (or ``"linear"``) and ``"network"``.
    signal : Signal or None
        The permutation test.
    log : Log
        How the table was cleaned on the way.
    """

    level: str
    reasons: list[Reason]
    target: str
    task: str = ""
    rows: int = 0
    features: int = 0
    leave_out: list[str] = field(default_factory=list)
    scores: dict[str, Scores] = field(default_factory=dict)
    signal: Signal | None = None
    log: Log = field(default_factory=Log)

    def document(self) -> dict[str, Any]:
        """Return the verdict as plain values, ready for JSON."""
        signal = None
        if self.signal is not None:
            signal = {k: v for k, v in asdict(self.signal).items() if k != "null"}
        return {
            "verdict": self.level,
            "target": self.target,
            "task": self.task,
            "rows": self.rows,
            "features": self.features,
            "left out": self.leave_out,
            "reasons": [r.document() for r in self.reasons],
            "scores": {k: s.document() for k, s in self.scores.items()},
            "signal": signal,
            "log": self.log.document(),
        }

    @property
    def learned(self) -> dict[str, Scores]:
        """The scores of models that learned something, the dummy's left out."""
        return {name: s for name, s in self.scores.items() if name != "dummy"}

    def has(self, about: str) -> bool:
        """Tell whether some reason is of this kind, or about this."""
        return any(about in (r.code, r.kind) for r in self.reasons)

    def add(self, level: Level, kind: str, /, column: str = "", **facts: Any) -> None:
        """Add a reason, and let the level follow from the gravest one."""
        self.reasons.append(Reason(level, kind, facts, column))
        self.reasons.sort(key=lambda r: _ORDER.index(r.level))
        worst = self.reasons[0].level
        self.level = "supports" if worst == "note" else worst

    def forget(self, kinds: Collection[str]) -> None:
        """Take reasons of some kinds back, and let the level follow."""
        self.reasons = [r for r in self.reasons if r.kind not in kinds]
        worst = self.reasons[0].level if self.reasons else "note"
        self.level = "supports" if worst == "note" else worst

    def _of_what(self) -> str:
        out = f", without {', '.join(self.leave_out)}" if self.leave_out else ""
        return f"{self.target} from {self.rows} rows and {self.features} features{out}"

    def __str__(self) -> str:
        lines = [f"{k}. [{r.level}] {r.text}" for k, r in enumerate(self.reasons, 1)]
        return "\n".join([f"{self.level}: {self._of_what()}", *lines])

    def __repr__(self) -> str:
        return f"<Verdict {self.level}: {self._of_what()}; {len(self.reasons)} reasons>"

    def _repr_html_(self) -> str:
        rows = [(r.level, r.code, r.text) for r in self.reasons]
        title = f"{_ANSWERS[self.level]}: {self._of_what()}"
        measure = "accuracy" if self.task == "classification" else "r2"
        said = [f"{name} {getattr(s, measure):.3f}" for name, s in self.scores.items()]
        note = f"Out of fold ({measure}): {', '.join(said)}" if said else ""
        return html_table(title, rows, ("weight", "about", "reason"), note)
