"""A dense network as a scikit-learn estimator: what the shallow and the deep one share.

Constructors only store. `fit` checks the data, codes the answers (`ann.estimators.targets`), puts
columns on a common scale (`ann.estimators.input_scaling`), trains (`ann.training.trainer`) and
leaves in ``network_`` a network that reads the user's own columns.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from ann.errors import DataError, DivergenceError, ParameterError
from ann.estimators.answering import Answering
from ann.estimators.input_scaling import InputScale, fold, mean_and_spread
from ann.estimators.refusals import Checking
from ann.estimators.targets import ClassTargets, QuantityTargets
from ann.network.arrays import is_sparse
from ann.network.losses import Loss, resolve_loss
from ann.network.network import Network
from ann.plan.optimisers import Adam, Optimiser, resolve_optimiser
from ann.plan.plan import Plan
from ann.plan.threads import count_threads
from ann.training.hooks import EarlyStopping, KeepBest, Progress, ReduceOnPlateau, Validate
from ann.training.lbfgs import fit_lbfgs
from ann.training.trainer import Hook, Trainer

__all__ = ["DenseEstimator", "baseline_loss"]

#: Training that ends with a loss so many times that of a constant answer went the wrong way.
RAN_AWAY = 1000.0


class DenseEstimator(Checking, Answering, BaseEstimator):
    """What the estimators share; use `ShallowNetwork` or `DeepNetwork`."""

    def __init__(
        self,
        hidden: Any = 64,
        *,
        task: str = "classification",
        activation: Any = "sigmoid",
        loss: Any = "auto",
        optimiser: Any = "adam",
        learning_rate: Any = "auto",
        schedule: Any = "one_cycle",
        max_epochs: int = 150,
        batch_size: int = 32,
        l1: float = 0.0,
        l2: float = 0.15,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        max_norm: float | None = None,
        clip_norm: float | None = None,
        initialisation: str = "auto",
        standardise: Any = "auto",
        class_weight: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 20,
        tol: float = 1e-4,
        hooks: Any = None,
        progress: bool = False,
        warm_start: bool = False,
        n_jobs: int | None = None,
        dtype: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.task = task
        self.activation = activation
        self.loss = loss
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.l1 = l1
        self.l2 = l2
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.max_norm = max_norm
        self.clip_norm = clip_norm
        self.initialisation = initialisation
        self.standardise = standardise
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.tol = tol
        self.hooks = hooks
        self.progress = progress
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.dtype = dtype
        self.random_state = random_state

    # -- fitting ------------------------------------------------------------------------------
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train on data.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, n_columns)
            Finite numbers.
        y : array_like of shape (n,) or (n, n_outputs)
            Classes, a table of 0 and 1 (labels that may coincide), or quantities.
        sample_weight : array_like of shape (n,), optional
            How much each row counts.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the data cannot be learnt from: one class only, too few rows.
        ParameterError
            If a setting is out of range.
        DivergenceError
            If training ran away.
        """
        self._check_settings()
        fresh = not (self.warm_start and hasattr(self, "network_"))
        X, y, weights = self._checked(X, y, sample_weight, reset=fresh)
        rng = self._rng_ = self._generator()
        if fresh:
            self._begin(X, y, weights, None, rng)
        X, T, weights, held_out = self._split(X, y, weights, rng)
        if self.optimiser == "lbfgs":
            return self._fit_lbfgs(X, T, weights)
        baseline = baseline_loss(self.loss_, self._inner, T, weights)
        hooks = self._hooks(baseline, held_out)
        schedule = "constant" if self._waits_for_plateaus() else self.schedule
        trainer = self._trainer(len(T), weights, rng, schedule, hooks)
        trainer.fit(X, T, weights, epochs=self.max_epochs)
        history, whole = trainer.history, held_out is None and not trainer.stop
        del trainer, hooks  # their vectors, before the finished network takes the place
        self._finish(history)
        if whole:
            self._judge(baseline)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """One more pass over a part of the data, at a constant learning rate.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array_like, optional
            All classes that will ever come; needed at the first call of a classifier.

        Returns
        -------
        self
        """
        self._check_settings()
        if self.optimiser == "lbfgs":
            raise ParameterError("lbfgs needs all rows at once; partial_fit goes with adam or sgd")
        fresh = not hasattr(self, "network_")
        X, y, weights = self._checked(X, y, sample_weight, reset=fresh)
        if not hasattr(self, "_rng_"):
            self._rng_ = self._generator()
        if fresh:
            self._begin(X, y, weights, classes, self._rng_)
        elif (
            classes is not None
            and self.task == "classification"
            and not np.array_equal(np.unique(classes), self.classes_)
        ):
            raise DataError(
                f"classes is {np.unique(classes).tolist()}, but the first call said "
                f"{self.classes_.tolist()}"
            )
        X, T = self._coded(X, y)
        trainer = self._trainer(len(T), weights, self._rng_, "constant", self._own_hooks())
        kept = getattr(self, "_optimiser_state_", None)
        if kept is not None:
            trainer.step = kept["step"]
            for name, vector in kept["state"].items():
                trainer.plan.state[name][...] = vector
        trainer.fit(X, T, weights, epochs=1)
        # Copies, for the vectors share their memory with the buffers of a batch.
        state = {name: vector.copy() for name, vector in trainer.plan.state.items()}
        self._optimiser_state_ = {"step": trainer.step, "state": state}
        self._finish([*getattr(self, "history_", []), *trainer.history])
        return self

    def _begin(
        self, X: Any, y: np.ndarray, weights: Any, classes: Any, rng: np.random.Generator
    ) -> None:
        """Decide on coding, scale, loss and network before the first training."""
        for name in ("_optimiser_state_", "history_"):
            if hasattr(self, name):
                delattr(self, name)
        self._targets: Any
        if self.task == "classification":
            self._targets = ClassTargets(y, classes)
            self.classes_ = self._targets.classes
        else:
            own_scale = self.loss not in ("auto", "quadratic")
            self._targets = QuantityTargets(y, not own_scale, weights)
        self.loss_ = resolve_loss(self._targets.loss if self.loss == "auto" else self.loss)
        output = self.loss_.link or self._targets.output
        if self.loss_.link and self.task == "classification" and output != self._targets.output:
            raise ParameterError(
                f"the {self.loss_.name} loss needs a {output} output, but {self._targets.kind} "
                f"classes have a {self._targets.output} output: use {self._targets.loss}"
            )
        if not self.loss_.link and output == "softmax":
            output = "sigmoid"  # a loss on each output by itself, one against the rest
        self._scale = None
        if self.standardise is not False:
            self._scale = InputScale.measure(X, self.standardise is True, weights)
        hidden = self._hidden_sizes()
        kinds = self.activation
        if not isinstance(kinds, list | tuple):
            kinds = [kinds] * len(hidden)
        if len(kinds) != len(hidden):
            raise ParameterError(
                f"{len(kinds)} activations for {len(hidden)} hidden layers; give one, or one each"
            )
        sizes = [X.shape[1], *hidden, self._targets.columns]
        self._refuse_what_does_not_fit(sizes, X.shape[0])
        self._inner = Network(
            sizes,
            [*kinds, output],
            dropout=self.dropout,
            batch_norm=self.batch_norm,
            initialisation=self.initialisation,
            dtype=self._precision(X.shape[0]),
            rng=rng,
        )

    def _coded(self, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:
        if self._scale is not None:
            X = self._scale.apply(X, self._inner.dtype)
        elif is_sparse(X):
            X = X.astype(self._inner.dtype)
        else:
            X = np.ascontiguousarray(X, self._inner.dtype)
        return X, self._targets.encode(y).astype(self._inner.dtype)

    def _split(
        self, X: Any, y: np.ndarray, weights: Any, rng: np.random.Generator
    ) -> tuple[Any, np.ndarray, Any, Any]:
        X, T = self._coded(X, y)
        if not self.early_stopping:
            return X, T, weights, None
        rows = np.arange(len(T))
        strata = y if self.task == "classification" and y.ndim == 1 else None
        try:
            kept, held = train_test_split(
                rows,
                test_size=self.validation_fraction,
                stratify=strata,
                random_state=int(rng.integers(2**31)),
            )
        except ValueError as error:
            raise DataError(
                f"early stopping cannot hold out {self.validation_fraction:g} of {len(T)} rows: "
                f"{error}"
            ) from error
        return X[kept], T[kept], None if weights is None else weights[kept], (X[held], T[held])

    def _waits_for_plateaus(self) -> bool:
        return isinstance(self.schedule, str) and self.schedule == "plateau"

    def _hooks(self, baseline: float, held_out: Any) -> list[Hook]:
        hooks: list[Hook] = []
        watched = "loss" if held_out is None else "validation_loss"
        if held_out is not None:
            hooks.append(Validate(*held_out))
        if self._waits_for_plateaus():
            # Twice as patient, stopping comes only after a lower rate has had its chance.
            patience = max(1, self.patience // 2)
            hooks.append(ReduceOnPlateau(watched, patience, self.tol, baseline))
        if held_out is not None:
            hooks.append(EarlyStopping(watched, self.patience, self.tol, baseline))
        hooks.append(KeepBest(watched, restore="interrupted" if held_out is None else "always"))
        if self.progress:
            hooks.append(Progress(self.max_epochs))
        return [*hooks, *self._own_hooks()]

    def _trainer(
        self,
        n: int,
        weights: np.ndarray | None,
        rng: np.random.Generator,
        schedule: Any,
        hooks: list[Hook],
    ) -> Trainer:
        rows = n if weights is None else float(weights.sum())
        batch = min(self.batch_size, n)
        plan = Plan(
            self._inner,
            self.loss_,
            self._optimiser(schedule),
            l1=self.l1 / rows,
            l2=self.l2 / rows,
            clip_norm=self.clip_norm,
            max_norm=self.max_norm,
            batch=batch,
            rng=rng,
        )
        return Trainer(
            plan,
            batch_size=batch,
            schedule=schedule,
            hooks=hooks,
            n_threads=count_threads(self.n_jobs),
        )

    #: Rate of Adam at the height of a cycle, for up to `_narrow` columns.
    _peak_rate: ClassVar[float] = 0.1
    _narrow: ClassVar[int] = 64

    def _optimiser(self, schedule: Any) -> Optimiser:
        """The optimiser, with a rate that suits the network where none is given.

        A step moves every weight by about the rate, so the sum over n inputs moves by n times as
        much: wide inputs need a smaller one. A height that is passed through in a moment is no
        rate to stay at, hence a tenth of it where the schedule is constant.
        """
        if not (isinstance(self.learning_rate, str) and self.learning_rate == "auto"):
            if isinstance(self.learning_rate, str):
                raise ParameterError(
                    f"learning_rate must be 'auto' or a number above 0, not {self.learning_rate!r}"
                )
            return resolve_optimiser(self.optimiser, self.learning_rate)
        given = resolve_optimiser(self.optimiser)
        if not isinstance(given, Adam) or not isinstance(self.optimiser, str):
            return given
        rate = self._peak_rate * min(1.0, self._narrow / self._inner.sizes[0])
        return resolve_optimiser(given, rate * (0.1 if schedule == "constant" else 1.0))

    def _fit_lbfgs(self, X: Any, T: np.ndarray, weights: np.ndarray | None) -> Any:
        """All rows at every step; what only makes sense for batches is refused."""
        if self.early_stopping or self.l1 or self.max_norm or self.clip_norm or self.hooks:
            raise ParameterError(
                "lbfgs takes all rows at every step: early_stopping, l1, max_norm, clip_norm and "
                "hooks are for the other optimisers"
            )
        rows = len(T) if weights is None else float(weights.sum())
        history = fit_lbfgs(
            self._inner,
            self.loss_,
            X,
            T,
            weights,
            l2=self.l2 / rows,
            max_iter=self.max_epochs,
            n_threads=count_threads(self.n_jobs),
        )
        self._finish(history)
        return self

    def _finish(self, history: list[dict[str, Any]]) -> None:
        if isinstance(self._targets, QuantityTargets) and self.loss_.name == "quadratic":
            mean, spread = self._targets.mean, self._targets.spread
            self.network_ = fold(self._inner, self._scale, mean, spread)
        else:
            self.network_ = fold(self._inner, self._scale)
        self.history_ = history
        self.n_iter_ = len(history)
        self.loss_curve_ = [record["loss"] for record in history]

    def _judge(self, baseline: float) -> None:
        """Raise if training ran away without leaving the numbers; warn if nothing was learnt."""
        loss = self.loss_curve_[-1]
        if not (np.isfinite(baseline) and baseline > 0):
            return
        if loss > RAN_AWAY * baseline:
            raise DivergenceError(
                f"training diverged: after {self.n_iter_} epochs the loss is {loss:.4g}, that of "
                f"a constant answer is {baseline:.4g}; try a tenth of the learning rate, "
                "standardised inputs, or clip_norm"
            )
        if loss > 0.97 * baseline:
            warnings.warn(
                f"after {self.n_iter_} epochs the loss is {loss:.4g}, hardly below that of a "
                f"constant answer ({baseline:.4g}): nothing was learnt. More epochs, "
                "another learning_rate or fewer layers may help; or the columns tell nothing "
                "about y",
                ConvergenceWarning,
                stacklevel=3,
            )


def baseline_loss(
    loss: Loss, network: Network, T: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Mean loss of the best constant answer, for the losses where it is known; else infinity.

    Parameters
    ----------
    loss : Loss
    network : Network
    T : ndarray of shape (n, n_outputs)
    weights : ndarray of shape (n,), optional
        How much each row counts.

    Returns
    -------
    float
        For the cross-entropies the entropy of the classes, for the quadratic loss half the
        variance.

    Examples
    --------
    >>> from ann.network.losses import Quadratic
    >>> baseline_loss(Quadratic(), Network([1, 1], "identity"), np.array([[-1.0], [1.0]]))
    0.5
    """
    mean, spread = mean_and_spread(T, weights)
    if loss.name == "cross_entropy":
        return float(-np.sum(mean * np.log(np.maximum(mean, 1e-300))))
    if loss.name == "binary_cross_entropy":
        p = np.clip(mean, 1e-300, 1 - 1e-16)
        return float(-np.sum(mean * np.log(p) + (1 - mean) * np.log1p(-p)))
    if loss.name == "quadratic" and network.layers[-1].activation.name in ("identity", "sigmoid"):
        return float(0.5 * np.sum(spread**2))
    return np.inf
