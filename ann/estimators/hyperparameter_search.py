"""Looking for good settings with Optuna, which learns from the trials it has made.

For a handful of settings scikit-learn's own searches do; this is for many at once. A trial is a
cross-validation, and a study can be kept in a file and gone on with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from ann.errors import MissingExtraError, require_whole

__all__ = ["default_space", "search"]


def default_space(trial: Any) -> dict[str, Any]:
    """Settings worth trying for a network of sigmoid units.

    Parameters
    ----------
    trial : optuna.trial.Trial

    Returns
    -------
    dict
        Settings for `ShallowNetwork` or `DeepNetwork`.
    """
    return {
        "l2": trial.suggest_float("l2", 1e-3, 30.0, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 0.2, log=True),
        "batch_size": trial.suggest_categorical("batch_size", [16, 32, 64, 128]),
    }


def search(
    model: Any,
    X: Any,
    y: Any,
    space: Callable[[Any], dict[str, Any]] = default_space,
    *,
    n_trials: int = 30,
    cv: Any = 5,
    scoring: Any = None,
    seed: int | None = None,
    **study: Any,
) -> tuple[Any, Any]:
    """Find good settings and fit with them.

    Parameters
    ----------
    model : estimator
        Cloned for every trial.
    X, y : array_like
    space : callable
        From an Optuna trial to settings.
    n_trials : int
    cv : int or splitter
    scoring : str or callable, optional
        As in scikit-learn; for classes, ``"neg_log_loss"`` tells more than accuracy.
    seed : int, optional
        Of the search.
    **study
        For ``optuna.create_study``, such as ``storage``.

    Returns
    -------
    model : estimator
        Fitted on all rows with the best settings.
    study : optuna.study.Study

    Raises
    ------
    MissingExtraError
        If Optuna is not installed.
    ParameterError
        If fewer than one trial is asked for.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError.needed_for("searching settings", "search") from error
    n_trials = require_whole("n_trials", n_trials, 1)
    settings: dict[int, dict[str, Any]] = {}

    def score(trial: Any) -> float:
        settings[trial.number] = space(trial)
        candidate = clone(model).set_params(**settings[trial.number])
        return float(np.mean(cross_val_score(candidate, X, y, cv=cv, scoring=scoring)))

    sampler = optuna.samplers.TPESampler(seed=seed)
    made = optuna.create_study(direction="maximize", sampler=sampler, **study)
    made.optimize(score, n_trials=n_trials)
    best = settings.get(made.best_trial.number, dict(made.best_trial.params))
    return clone(model).set_params(**best).fit(X, y), made
