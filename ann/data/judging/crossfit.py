"""Out-of-fold scores: every row predicted by a model that never saw it, cleaning included."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline

from ann.data.cleaning.cleaner import Cleaner
from ann.data.encoding.encoder import Encoder
from ann.data.judging.measures import mean_auc, r_squared

__all__ = ["Scores", "compare", "cross_fit", "fit_quietly"]


@dataclass
class Scores:
    """How well a model did on rows it did not see.

    Attributes
    ----------
    accuracy, balanced_accuracy, auc, log_loss : float
        Of a classification; NaN otherwise. The AUC is the mean over classes, one against the rest.
    r2, rmse : float
        Of a regression; NaN otherwise.
    effect : float
        2 AUC - 1 or R²: zero for a guess, one for perfection.
    effect_se : float
        Its standard error, from the spread over folds.
    calibration : float
        Mean distance between the stated chance and the observed share, in ten bins.
    losses : (rows,) array
        Log-loss or squared error of each row.
    folds : list of float
        Accuracy (or R²) of each fold.
    doubts : list of str
        What a fit that did not reach its best said of it, one a fold.
    """

    accuracy: float = np.nan
    balanced_accuracy: float = np.nan
    auc: float = np.nan
    log_loss: float = np.nan
    r2: float = np.nan
    rmse: float = np.nan
    effect: float = 0.0
    effect_se: float = 0.0
    calibration: float = np.nan
    losses: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    folds: list[float] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return the scores as plain values; what does not apply is left out."""
        out: dict[str, Any] = {
            k: float(v)
            for k, v in vars(self).items()
            if k not in ("losses", "folds", "doubts") and not np.isnan(v)
        }
        out["folds"] = [float(f) for f in self.folds]
        return out


def cross_fit(
    X: pd.DataFrame,
    y: NDArray[Any],
    models: dict[str, Any],
    *,
    cleaner: Cleaner,
    groups: NDArray[np.intp] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> dict[str, Scores]:
    """Fit cleaning, encoding and models on all folds but one, and predict that one.

    Parameters
    ----------
    X : pandas.DataFrame
        Text, as read.
    y : (rows,) array
        object for classes, float for quantities.
    models : dict of str to estimator
        What to try; a dummy is added.
    cleaner : Cleaner
    groups : (rows,) array of int, optional
        Rows of one group share a fold.
    folds, seed : int

    Returns
    -------
    dict of str to Scores
        ``"dummy"`` first.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"a": np.arange(100) % 7})
    >>> y = np.where(X["a"] > 3, "u", "v").astype(object)
    >>> scores = cross_fit(X, y, {"lr": LogisticRegression()}, cleaner=Cleaner())
    >>> scores["dummy"].accuracy < scores["lr"].accuracy
    True
    """
    classify = y.dtype == object
    labels = y.astype(str) if classify else y.astype(float)
    classes = np.unique(labels) if classify else np.zeros(1)
    dummy = DummyClassifier(strategy="prior") if classify else DummyRegressor()
    models = {"dummy": dummy, **models}
    out = {name: np.zeros((len(y), len(classes))) for name in models}
    doubts: dict[str, list[str]] = {name: [] for name in models}
    prepare = make_pipeline(cleaner, Encoder())
    fold_of = np.zeros(len(y), dtype=int)
    # Not `cross_val_predict`: here all models share what each fold has cleaned and encoded.
    for k, (train, test) in enumerate(_folds(labels, classify, groups, folds, seed)):
        fold_of[test] = k
        code = clone(prepare)
        A, B = code.fit_transform(X.iloc[train]), code.transform(X.iloc[test])
        for name, model in models.items():
            fitted, told = fit_quietly(clone(model), A, labels[train])
            doubts[name] += told[:1]
            if classify:
                at = np.searchsorted(classes, fitted.classes_)
                out[name][np.ix_(test, at)] = fitted.predict_proba(B)
            else:
                out[name][test, 0] = np.asarray(fitted.predict(B)).ravel()
    found = {
        name: _class_scores(p, np.searchsorted(classes, labels), fold_of)
        if classify
        else _quantity_scores(p[:, 0], labels, fold_of)
        for name, p in out.items()
    }
    return {name: replace(s, doubts=doubts[name]) for name, s in found.items()}


def fit_quietly(model: Any, X: Any, y: NDArray[Any]) -> tuple[Any, list[str]]:
    """Fit a model and return what it said of a fit that fell short, which a page can then say.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.arange(60.0)[:, None] ** [1, 2, 3], np.arange(60) % 7 > 3
    >>> _, told = fit_quietly(LogisticRegression(max_iter=1), X, y)
    >>> len(told), fit_quietly(DummyClassifier(), X, y)[1]
    (1, [])
    """
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", ConvergenceWarning)
        fitted = model.fit(X, y)
    for w in found:
        if not issubclass(w.category, ConvergenceWarning):
            warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)
    told = [str(w.message) for w in found if issubclass(w.category, ConvergenceWarning)]
    return fitted, list(dict.fromkeys(told))


def _folds(
    labels: NDArray[Any], classify: bool, groups: NDArray[np.intp] | None, folds: int, seed: int
) -> Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    if groups is not None:
        number = min(folds, len(np.unique(groups)))
        return list(GroupKFold(number).split(labels, groups=groups))
    if classify and np.unique(labels, return_counts=True)[1].max() >= folds:
        with warnings.catch_warnings():
            # Classes with fewer rows than folds are a reason of the verdict already.
            warnings.simplefilter("ignore", UserWarning)
            splits = StratifiedKFold(folds, shuffle=True, random_state=seed).split(labels, labels)
            return list(splits)
    return list(KFold(folds, shuffle=True, random_state=seed).split(labels))


def _class_scores(
    p: NDArray[np.float64], codes: NDArray[np.intp], fold_of: NDArray[np.intp]
) -> Scores:
    guess = p.argmax(axis=1)
    losses = -np.log(np.clip(p[np.arange(len(p)), codes], 1e-12, 1.0))
    right = guess == codes
    each = np.unique(fold_of)
    aucs = np.array([mean_auc(p[fold_of == k], codes[fold_of == k]) for k in each])
    auc = float(np.nanmean(aucs)) if np.isfinite(aucs).any() else 0.5
    spread = float(np.nanstd(aucs)) if np.isfinite(aucs).sum() > 1 else 0.0
    confidence = p.max(axis=1)
    bins = np.minimum((confidence * 10).astype(int), 9)
    gap = sum(
        abs(confidence[bins == b].mean() - right[bins == b].mean()) * np.mean(bins == b)
        for b in np.unique(bins)
    )
    return Scores(
        accuracy=float(right.mean()),
        balanced_accuracy=float(balanced_accuracy_score(codes, guess)),
        auc=auc,
        log_loss=float(losses.mean()),
        effect=2 * auc - 1,
        effect_se=2 * spread / np.sqrt(len(each)),
        calibration=float(gap),
        losses=losses,
        folds=[float(right[fold_of == k].mean()) for k in each],
    )


def _quantity_scores(
    p: NDArray[np.float64], values: NDArray[np.float64], fold_of: NDArray[np.intp]
) -> Scores:
    losses = (values - p) ** 2
    each = np.unique(fold_of)
    parts = [r_squared(values[fold_of == k], p[fold_of == k]) for k in each]
    r2 = r_squared(values, p)
    return Scores(
        r2=r2,
        rmse=float(np.sqrt(losses.mean())),
        effect=r2,
        effect_se=float(np.std(parts) / np.sqrt(len(parts))),
        losses=losses,
        folds=parts,
    )


def compare(better: Scores, worse: Scores) -> tuple[float, float]:
    """Compare two models row by row.

    Parameters
    ----------
    better, worse : Scores
        Of the same rows.

    Returns
    -------
    gain : float
        By how much the first one's mean loss is lower.
    error : float
        Standard error of that difference, rows taken in pairs.

    Examples
    --------
    >>> a, b = Scores(losses=np.array([1.0, 2.0])), Scores(losses=np.array([2.0, 3.0]))
    >>> compare(a, b)
    (1.0, 0.0)
    """
    difference = worse.losses - better.losses
    return float(difference.mean()), float(difference.std() / np.sqrt(len(difference)))
