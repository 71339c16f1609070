"""What a dense estimator can be told, and what it refuses: settings and data that cannot work."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, column_or_1d, validate_data

from ann.errors import DataError, ParameterError, require_number, require_one_of
from ann.estimators.target_checks import check_targets
from ann.estimators.targets import class_weights
from ann.network.arrays import physical_memory
from ann.plan.optimisers import resolve_optimiser
from ann.plan.threads import count_threads
from ann.training.trainer import Hook

__all__ = ["Settings", "checked_data"]


def checked_data(
    model: Any, X: Any, y: Any, sample_weight: Any, **options: Any
) -> tuple[Any, Any, np.ndarray | None]:
    """Check rows, targets and their weights, as scikit-learn's `validate_data` does with `options`.

    Raises
    ------
    DataError
        If no row counts, or y is nothing to learn.
    """
    y = check_targets(y, model.task == "regression")
    X, y = validate_data(model, X, y, accept_sparse="csr", multi_output=True, **options)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    if sample_weight is None:
        return X, y, None
    weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
    if not np.any(weights > 0):
        raise DataError("every sample weight is 0; nothing is left to learn from")
    return X, y, weights


@dataclass(eq=False, repr=False)
class Settings:
    """The settings of `ann.estimators.dense.DenseEstimator`, which explains them, and checks."""

    hidden: Any = 64
    _: KW_ONLY
    task: str = "classification"
    activation: Any = "sigmoid"
    loss: Any = "auto"
    optimiser: Any = "adam"
    learning_rate: Any = "auto"
    schedule: Any = "one_cycle"
    max_epochs: int = 150
    batch_size: int = 32
    l1: float = 0.0
    l2: float = 0.15
    dropout: Any = 0.0
    batch_norm: bool = False
    max_norm: float | None = None
    clip_norm: float | None = None
    initialisation: str = "auto"
    standardise: Any = "auto"
    class_weight: Any = None
    early_stopping: bool = False
    validation_fraction: float = 0.1
    patience: int = 20
    tol: float = 1e-4
    hooks: Any = None
    progress: bool = False
    warm_start: bool = False
    n_jobs: int | None = None
    dtype: Any = "auto"
    random_state: Any = None

    def _check_settings(self) -> None:
        require_one_of("task", self.task, ("classification", "regression"))
        for name in ("max_epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise ParameterError(f"{name} must be a whole number of at least 1, not {value!r}")
        require_number("validation_fraction", self.validation_fraction, 0.0, 1.0, low_too=False)
        require_one_of("standardise", self.standardise, ("auto", True, False))
        if self.dtype not in ("auto", "float32", "float64", np.float32, np.float64):
            raise ParameterError(f"dtype must be 'auto', float32 or float64, not {self.dtype!r}")
        for name in ("l1", "l2", "tol"):
            require_number(name, getattr(self, name), 0.0)
        if not all(isinstance(hook, Hook) for hook in self._own_hooks()):
            raise ParameterError(
                f"hooks is a list of objects of subclasses of ann.Hook, not {self.hooks!r}"
            )
        count_threads(self.n_jobs)
        self._hidden_sizes()

    def _hidden_sizes(self) -> tuple[int, ...]:
        given = self.hidden
        sizes = tuple(given) if isinstance(given, list | tuple | np.ndarray) else (given,)
        if not all(isinstance(n, int | np.integer) and n >= 1 for n in sizes):
            raise ParameterError(
                f"hidden is a number of units or one number for each layer, not {self.hidden!r}"
            )
        return tuple(int(n) for n in sizes)

    def _own_hooks(self) -> list[Any]:
        """What the setting `hooks` holds."""
        if self.hooks is None:
            return []
        return list(self.hooks) if isinstance(self.hooks, list | tuple) else [self.hooks]

    def _generator(self) -> np.random.Generator:
        if isinstance(self.random_state, np.random.Generator):
            return self.random_state
        state = check_random_state(self.random_state)
        return np.random.default_rng(state.randint(0, 2**31, size=4))

    def _checked(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> tuple[Any, Any, Any]:
        X, y, weights = checked_data(
            self,
            X,
            y,
            sample_weight,
            dtype=(np.float64, np.float32),
            y_numeric=self.task == "regression",
            reset=reset,
        )
        if weights is not None and not np.all(weights > 0):
            counted = weights > 0
            X, y, weights = X[counted], y[counted], weights[counted]
        if self.task == "classification":
            balance = class_weights(self.class_weight, y)
            if balance is not None:
                weights = balance if weights is None else weights * balance
        return X, y, weights

    def _refuse_what_does_not_fit(self, sizes: list[int], n: int) -> None:
        """Say so before the system runs out of memory, which it may do without a word."""
        parameters = sum((a + 1) * b for a, b in pairwise(sizes))
        slots = 1 if self.optimiser == "lbfgs" else len(resolve_optimiser(self.optimiser).slots)
        # Parameters, gradient and best weights; the optimiser's vectors; the finished network.
        needed = parameters * (np.dtype(self._precision(n)).itemsize * (3 + slots) + 8)
        there = physical_memory()
        if there is not None and needed > there:
            raise DataError(
                f"a network of {'-'.join(map(str, sizes))} units has {parameters:,} weights and "
                f"needs {needed / 1e9:,.0f} GB to train; this machine has {there / 1e9:,.0f} GB. "
                "Choose fewer columns (sklearn.feature_selection) or fewer hidden units"
            )

    def _precision(self, n: int) -> Any:
        """Double where all rows fit one batch: it costs nothing there, and a fit on one batch is
        then the same, to rounding, for weighted and for repeated rows in any order."""
        if isinstance(self.dtype, str) and self.dtype == "auto":
            whole = n <= self.batch_size or self.optimiser == "lbfgs"
            return np.float64 if whole else np.float32
        return self.dtype
