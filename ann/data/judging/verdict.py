"""An honest word on whether the data can support a model: supports, weak, or cannot.

Each reason is a number and a sentence, and stands alone. `cannot` means that some reason forbids
a model (no usable target, too few rows, nothing beyond chance); `weak` that a model can be
fitted but should not be relied on; `supports` that no reason speaks against it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from ann.data.cells.text_cells import text_frame
from ann.data.chance import generator
from ann.data.cleaning.cleaner import Cleaner
from ann.data.cleaning.duplicates import find_twins, row_hashes
from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import clean, typed
from ann.data.cleaning.schema import Rules, nearest
from ann.data.encoding.encoder import Encoder
from ann.data.errors import TargetError
from ann.data.files.reading import RawTable
from ann.data.judging.crossfit import Scores, compare, cross_fit
from ann.data.judging.leakage import Suspect, find_suspects
from ann.data.judging.signals import Signal, signal_test
from ann.data.judging.target import Target, find_target
from ann.data.log import Log, Step

__all__ = ["MOST_ROWS", "Reason", "Verdict", "assess"]

#: A signal must be this unlikely by chance, this many null standard deviations above it ...
P_BAR, Z_BAR = 0.01, 3.0
#: ... and the model this much better than a guess: 2 AUC - 1, or R².
LEAST_EFFECT, GOOD_EFFECT = 0.05, {"classification": 0.3, "regression": 0.1}
LEAST_ROWS, LEAST_A_CLASS, EVENTS_A_FEATURE = 30, 10, 10
MOST_ROWS, MOST_MODEL_ROWS = 100_000, 50_000
_ORDER = ("note", "weak", "cannot")


@dataclass(frozen=True)
class Reason:
    """One finding.

    Attributes
    ----------
    level : str
        ``"note"``, ``"weak"`` or ``"cannot"``: what it does to the verdict.
    code : str
        What it is about, such as ``"leak"``.
    text : str
        A sentence with its numbers.
    column : str
        Where, if in one column.
    """

    level: str
    code: str
    text: str
    column: str = ""


@dataclass
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
            "reasons": [asdict(r) for r in self.reasons],
            "scores": {k: s.document() for k, s in self.scores.items()},
            "signal": signal,
            "log": self.log.document(),
        }

    def has(self, code: str) -> bool:
        """Tell whether some reason is about this."""
        return any(r.code == code for r in self.reasons)

    def __str__(self) -> str:
        head = f"{self.level}: {self.target} from {self.rows} rows and {self.features} features"
        if self.leave_out:
            head += f", without {', '.join(self.leave_out)}"
        lines = [f"{k}. [{r.level}] {r.text}" for k, r in enumerate(self.reasons, 1)]
        return "\n".join([head, *lines])


def assess(
    table: Any,
    target: str,
    *,
    task: str | None = None,
    group: str | None = None,
    keep: tuple[str, ...] = (),
    leave_out: tuple[str, ...] = (),
    rules: Rules | None = None,
    network: Any = "default",
    permutations: int = 399,
    seed: int = 0,
) -> Verdict:
    """Judge whether a table supports a model of one of its columns.

    Parameters
    ----------
    table : RawTable, DataFrame or mapping of columns
        As read; cleaning rules are learned inside each fold.
    target : str
        The column, or a comparison such as ``"num > 0"``.
    task : str, optional
        ``"classification"`` or ``"regression"`` where the guess would be wrong.
    group : str, optional
        Rows that share this column's value stay in one fold.
    keep : sequence of str
        Columns to use although they give the target or the origin away.
    leave_out : sequence of str
        Columns not to use.
    rules : Rules, optional
        Clean by these instead of learning rules.
    network : estimator or None
        What to set beside logistic regression; by default a small network of this package. None
        leaves it out.
    permutations : int
        Of the signal test; at least 199, or p <= .01 could hardly be reached.
    seed : int
        Of folds, samples and shuffling.

    Returns
    -------
    Verdict

    Raises
    ------
    TargetError
        If there is no such column. (A column that cannot be a target is a verdict, no error.)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"a": rng.normal(size=200), "b": rng.normal(size=200)})
    >>> y = np.where(X["a"] + 0.3 * rng.normal(size=200) > 0, "yes", "no")
    >>> assess(X.assign(y=y), "y", network=None).level
    'supports'
    >>> assess(X.assign(y=rng.permutation(y)), "y", network=None).level
    'cannot'
    """
    log, reasons = Log(), list[Reason]()
    if isinstance(table, RawTable):
        log.extend(table.log)
        if table.sampled:
            text = (
                f"judged from a uniform sample of {len(table.frame)} of {table.rows_in_file} rows"
            )
            reasons.append(Reason("note", "sample", text))
        table = table.frame
    frame = text_frame(table).reset_index(drop=True)
    columns = list(frame.columns)
    for name in (*keep, *leave_out, *((group,) if group else ())):
        if name not in columns:
            raise TargetError(f"there is no column {name!r}{nearest(name, columns)}")
    if len(frame) > MOST_ROWS:
        text = f"judged from a uniform sample of {MOST_ROWS} of the {len(frame)} rows (seed {seed})"
        reasons.append(Reason("note", "sample", text))
        log.add(Step("", "sample", MOST_ROWS, why=text))
        picked = generator(seed, "sample").choice(len(frame), MOST_ROWS, replace=False)
        frame = frame.iloc[np.sort(picked)].reset_index(drop=True)
    try:
        goal = find_target(frame, target, task=task)
    except TargetError as error:
        if "there is no column" in str(error) or "a task is" in str(error):
            raise
        reasons.append(Reason("cannot", "target", str(error)))
        return _closed(Verdict("cannot", reasons, target, rows=len(frame)))
    log.extend(goal.steps)
    X, y, proposal = _prepare(frame, goal, rules, log, reasons)
    _judge_target(goal, y, len(frame), reasons)
    out = tuple(n for n in leave_out if n != goal.column)
    done = clean(X, proposal, rows=False)
    log.extend(done.log)
    usable = typed(done.frame, proposal).drop(columns=list(out), errors="ignore")
    if group is not None and group not in keep:
        usable = usable.drop(columns=group, errors="ignore")
        out += (group,)
    verdict = Verdict("cannot", reasons, target, goal.task, len(y), 0, log=log)
    if usable.shape[1] == 0:
        gone = "; ".join(f"{c} ({w})" for c, w in list(proposal.dropped().items())[:6])
        text = "no column is left as a feature" + (f": {gone}" if gone else "")
        reasons.append(Reason("cannot", "features", text))
    if any(r.level == "cannot" for r in reasons):
        return _closed(verdict)
    groups = None if group is None else pd.factorize(X[group].map(str))[0]
    suspects = find_suspects(usable, y, grouped=groups is not None, seed=seed)
    found = _judge_suspects(suspects, keep, log, reasons)
    for s in suspects:
        if s.kind == "group" and groups is None and s.column in found:
            groups = pd.factorize(usable[s.column].map(str))[0]
    out = tuple(dict.fromkeys((*out, *found)))
    verdict.leave_out = found
    usable = usable.drop(columns=found)
    if usable.shape[1] == 0:
        reasons.append(Reason("cannot", "features", "every feature gives the target away"))
        return _closed(verdict)
    _judge_order(y, reasons)
    if groups is None:
        groups = _judge_twins(usable, reasons)
    matrix = Encoder().fit(usable).transform(usable)
    verdict.features = matrix.shape[1]
    verdict.signal = signal_test(
        matrix, y, groups=groups, permutations=max(199, permutations), seed=seed
    )
    ceiling = _judge_repeats(usable, y, reasons)
    rows = _model_rows(len(y), seed)
    own = None if rules is None else rules.without(goal.column)
    cleaner = Cleaner(own, tuple(n for n in out if n in X.columns))
    models: dict[str, Any] = {"linear": _linear(goal.task)}
    if verdict.signal.p <= P_BAR and verdict.signal.z >= Z_BAR and network is not None:
        models["network"] = _network(goal.task, seed) if network == "default" else clone(network)
    verdict.scores = cross_fit(
        X.iloc[rows].reset_index(drop=True),
        y[rows],
        models,
        cleaner=cleaner,
        groups=None if groups is None else groups[rows],
        seed=seed,
    )
    if len(rows) < len(y):
        text = f"models were fitted to a sample of {len(rows)} of the {len(y)} rows"
        reasons.append(Reason("note", "sample", text))
    _judge_signal(verdict, reasons)
    _judge_size(goal, y, verdict, reasons)
    _judge_network(verdict, reasons)
    if ceiling is not None and goal.task == "classification":
        best = max(s.accuracy for k, s in verdict.scores.items() if k != "dummy")
        if best > ceiling:
            text = f"the models reach {best:.3f}, at the ceiling of {ceiling:.3f}"
            reasons.append(Reason("note", "ceiling", text))
    return _closed(verdict)


def _closed(verdict: Verdict) -> Verdict:
    verdict.reasons.sort(key=lambda r: -_ORDER.index(r.level))
    worst = verdict.reasons[0].level if verdict.reasons else "note"
    verdict.level = "supports" if worst == "note" else worst
    return verdict


def _prepare(
    frame: pd.DataFrame, goal: Target, rules: Rules | None, log: Log, reasons: list[Reason]
) -> tuple[pd.DataFrame, NDArray[Any], Rules]:
    """Leave out rows without target and rows entered twice; return features, target and rules."""
    kept = frame.iloc[goal.rows]
    proposal = propose(kept, goal.column) if rules is None else rules
    y = goal.values
    for rule in proposal.rules:
        if rule.rule != "duplicates" or not rule.apply:
            continue
        marked = pd.Series(row_hashes(kept)).duplicated().to_numpy()
        if not marked.any():
            continue
        n = int(marked.sum())
        log.add(Step("", "duplicates", n, rule.before, rule.after, rule.why))
        text = f"{n} rows ({n / len(kept):.1%}) come twice; the copies were left out"
        # Left in, they would stand on both sides of a split.
        reasons.append(Reason("note", "duplicates", text))
        kept, y = kept[~marked], y[~marked]
    X = kept.drop(columns=goal.column).reset_index(drop=True)
    return X, y, proposal.without(goal.column)


def _judge_target(goal: Target, y: NDArray[Any], rows: int, reasons: list[Reason]) -> None:
    add = reasons.append
    if goal.missing:
        share = goal.missing / rows
        level = "cannot" if share > 0.5 else ("weak" if share > 0.2 else "note")
        add(Reason(level, "target", f"the target is missing in {share:.0%} of the rows"))
    if len(y) < LEAST_ROWS:
        text = f"{len(y)} rows with a target; fewer than {LEAST_ROWS} settle nothing"
        add(Reason("cannot", "rows", text))
    if goal.task == "regression":
        distinct = np.unique(y)
        steps = np.diff(y.astype(float))
        if len(distinct) == len(y) and len(y) > 20 and np.mean(steps == 1) > 0.95:
            add(
                Reason("cannot", "target", "the target counts the rows: it is a label, no quantity")
            )
        return
    classes, counts = np.unique(y.astype(str), return_counts=True)
    if goal.schema.kind in ("category", "text") and len(classes) > 0.5 * len(y):
        text = f"{len(classes)} different classes in {len(y)} rows: a label, no class"
        add(Reason("cannot", "target", text))
        return
    enough = counts >= LEAST_A_CLASS
    if enough.sum() < 2:
        text = (
            f"only {int(enough.sum())} of {len(classes)} classes have {LEAST_A_CLASS} rows "
            f"(the rarest, {str(classes[counts.argmin()])!r}, has {counts.min()})"
        )
        add(Reason("cannot", "classes", text))
    elif not enough.all():
        few = ", ".join(f"{str(c)!r} ({n})" for c, n in zip(classes, counts, strict=True) if n < 10)
        add(Reason("weak", "classes", f"too few rows to learn the classes {few}"))
    if counts.max() > 0.95 * len(y):
        text = f"{counts.max() / len(y):.1%} of the rows are {str(classes[counts.argmax()])!r}"
        add(Reason("note", "imbalance", text + ": accuracy says little, look at the AUC"))


def _judge_suspects(
    suspects: list[Suspect], keep: tuple[str, ...], log: Log, reasons: list[Reason]
) -> list[str]:
    out = []
    for s in suspects:
        kept = s.column in keep
        after = "kept by request" if kept else s.step.after
        log.add(Step(s.step.column, s.kind, s.step.rows, s.step.before, after, s.why, not kept))
        action = "kept by request" if kept else "left out"
        level = "note" if s.kind == "leak" and not kept else "weak"
        reasons.append(Reason(level, s.kind, f"{s.column} ({action}): {s.why}", s.column))
        if not kept and s.column not in out:
            out.append(s.column)
    return out


def _judge_twins(features: pd.DataFrame, reasons: list[Reason]) -> NDArray[np.intp] | None:
    """Keep rows that look like copies of each other in one fold."""
    twins = find_twins(features)
    if twins is None:
        return None
    where = f"every feature but {twins.column}" if twins.column else "every feature"
    text = (
        f"{twins.rows} rows equal another one in {where}, and hardly any are nearly so: copies? "
        "They were kept in one fold; leave all but one out before you split"
    )
    reasons.append(Reason("weak", "copies", text, twins.column))
    return twins.labels


def _judge_order(y: NDArray[Any], reasons: list[Reason]) -> None:
    """Say whether the file is sorted by its target."""
    same = float(np.mean(y[1:] == y[:-1]))
    if y.dtype == object:
        _, counts = np.unique(y.astype(str), return_counts=True)
        chance = float(((counts / len(y)) ** 2).sum())
        ordered = same > 0.95 and same > chance + 0.2
    else:
        values = y.astype(float)
        rises = np.diff(values)
        ordered = bool(np.mean(rises >= 0) > 0.95 or np.mean(rises <= 0) > 0.95)
    if ordered:
        text = "the file is sorted by its target: never split it by position"
        reasons.append(Reason("note", "order", text))


def _judge_repeats(features: pd.DataFrame, y: NDArray[Any], reasons: list[Reason]) -> float | None:
    """Rows alike in all features: those that differ in the target bound every model."""
    words = features.astype(object).where(features.notna(), None)
    hashes = row_hashes(words.map(lambda v: None if v is None else str(v)))
    table = pd.DataFrame({"row": hashes, "y": y})
    sizes = table.groupby("row")["y"].transform("size")
    shared = int((sizes > 1).sum())
    if not shared or y.dtype != object:
        return None
    most = table.groupby("row")["y"].agg(lambda v: v.value_counts().iloc[0]).sum()
    ceiling = float(most) / len(y)
    conflicting = round((1 - ceiling) * len(y))
    if shared > 0.05 * len(y):
        text = f"{shared} rows ({shared / len(y):.0%}) equal another one in every feature"
        reasons.append(Reason("note", "repeats", text + "; some are on both sides of a split"))
    if conflicting > 0.001 * len(y):
        text = (
            f"{conflicting} rows contradict rows with the same features: "
            f"no model can be right more often than {ceiling:.1%}"
        )
        base = pd.Series(y).value_counts().iloc[0] / len(y)
        level = "weak" if ceiling - base < 0.5 * (1 - base) else "note"
        reasons.append(Reason(level, "contradictions", text))
    return ceiling if conflicting else None


def _model_rows(n: int, seed: int) -> NDArray[np.intp]:
    if n <= MOST_MODEL_ROWS:
        return np.arange(n)
    return np.sort(generator(seed, "sample").choice(n, MOST_MODEL_ROWS, replace=False))


def _linear(task: str) -> Any:
    if task == "classification":
        from ann.estimators.models import LogisticRegression

        return LogisticRegression()
    from sklearn.linear_model import RidgeCV

    return RidgeCV(np.logspace(-2, 3, 11))


def _network(task: str, seed: int) -> Any:
    from ann.estimators.models import ShallowNetwork

    return ShallowNetwork(hidden=16, task=task, l2=2.0, max_epochs=20, random_state=seed)


def _judge_signal(verdict: Verdict, reasons: list[Reason]) -> None:
    signal = verdict.signal
    assert signal is not None
    learned = {k: s for k, s in verdict.scores.items() if k != "dummy"}
    effect = max(s.effect for s in learned.values())
    name = "2 AUC - 1" if verdict.task == "classification" else "R²"
    numbers = (
        f"p = {signal.p:.3g}, {signal.z:.1f} null standard deviations, from "
        f"{signal.permutations} shuffled targets on {signal.rows} rows; {name} = {effect:.3f}"
    )
    if signal.p > P_BAR or signal.z < Z_BAR:
        reasons.append(Reason("cannot", "signal", f"nothing beyond chance: {numbers}"))
    elif effect < LEAST_EFFECT:
        text = f"a trace beyond chance that no model can use: {numbers}"
        reasons.append(Reason("cannot", "signal", text))
    elif effect < GOOD_EFFECT[verdict.task]:
        reasons.append(Reason("weak", "signal", f"real but faint: {numbers}"))
    else:
        reasons.append(Reason("note", "signal", f"beyond chance: {numbers}"))


def _judge_size(goal: Target, y: NDArray[Any], verdict: Verdict, reasons: list[Reason]) -> None:
    if goal.task == "classification":
        events = int(np.unique(y.astype(str), return_counts=True)[1].min())
        what = "rows of the rarest class"
    else:
        events, what = len(y), "rows"
    each = events / max(verdict.features, 1)
    if each < EVENTS_A_FEATURE:
        learned = [s for k, s in verdict.scores.items() if k != "dummy"]
        # A strong effect with a narrow interval has shown that the rows suffice.
        sure = any(s.effect - 2 * s.effect_se > 0.5 for s in learned)
        text = f"{each:.1f} {what} a feature ({events} for {verdict.features})"
        hint = "prefer few features and a strong penalty"
        reasons.append(Reason("note" if sure else "weak", "size", f"{text}; {hint}"))


def _judge_network(verdict: Verdict, reasons: list[Reason]) -> None:
    if "network" not in verdict.scores:
        return
    gain, error = compare(verdict.scores["network"], verdict.scores["linear"])
    simple = "logistic regression" if verdict.task == "classification" else "linear regression"
    what = "log-loss" if verdict.task == "classification" else "squared error"
    numbers = f"{what} lower by {gain:.4f} ± {error:.4f} a row"
    if gain > 2 * error and gain > 0:
        reasons.append(Reason("note", "network", f"a network is better than {simple}: {numbers}"))
    else:
        text = f"a network is no better than {simple} ({numbers}): use the {simple}"
        reasons.append(Reason("note", "network", text))
