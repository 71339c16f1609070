"""Things that look over the training loop's shoulder: stop in time, show progress, keep the best.

A hook is any subclass of `Hook`; it overrides the events it wants and reads or sets what it needs
on the trainer. All hooks here are made of nothing more.
"""

from __future__ import annotations

import sys
from typing import Any, TextIO

import numpy as np

from ann.errors import ParameterError, require_number, require_one_of, require_whole
from ann.training.trainer import Hook, Trainer

__all__ = [
    "EarlyStopping",
    "KeepBest",
    "Progress",
    "ReduceOnPlateau",
    "Validate",
    "Watch",
]


class Validate(Hook):
    """Adds ``validation_loss`` (and ``validation_score``) to every epoch's record.

    Parameters
    ----------
    X : array_like of shape (m, n_inputs)
        Held-out samples.
    T : ndarray of shape (m, n_outputs)
        Their targets.
    score : callable, optional
        ``score(output, T)`` gives one number, such as accuracy.

    Examples
    --------
    >>> hook = Validate(np.zeros((1, 2)), np.zeros((1, 1)))
    """

    def __init__(self, X: Any, T: np.ndarray, score: Any = None) -> None:
        self.X, self.T, self.score = X, T, score

    def after_epoch(self, trainer: Trainer) -> None:
        network, loss = trainer.network, trainer.plan.loss
        logits = network.logits(self.X)
        read = logits if loss.link else network.layers[-1].activation.value(logits)
        record = trainer.history[-1]
        record["validation_loss"] = float(np.mean(loss.value(read, self.T)))
        if self.score is not None:
            output = network.layers[-1].activation.value(logits)
            record["validation_score"] = float(self.score(output, self.T))


class KeepBest(Hook):
    """Remembers the parameters of the epoch with the lowest loss and can put them back.

    Parameters
    ----------
    monitor : str
        Which entry of the epoch's record, the smaller the better.
    restore : {"interrupted", "always"}
        When to put them back: only after Ctrl-C, or at every end.

    Examples
    --------
    >>> KeepBest().monitor
    'loss'
    """

    def __init__(self, monitor: str = "loss", restore: str = "interrupted") -> None:
        require_one_of("restore", restore, ("interrupted", "always"))
        self.monitor, self.restore = monitor, restore
        self.best = np.inf
        self.parameters: np.ndarray | None = None
        self.running: list[np.ndarray] = []

    def before_fit(self, trainer: Trainer) -> None:
        if trainer.epoch == 0:  # otherwise this is a training that goes on
            self.best, self.parameters, self.running = np.inf, None, []

    def after_epoch(self, trainer: Trainer) -> None:
        value = trainer.history[-1][self.monitor]
        if value < self.best:
            self.best = value
            if self.parameters is None:
                self.parameters = trainer.network.parameters.copy()
            self.parameters[...] = trainer.network.parameters
            self.running = [x.copy() for x in trainer.network.running_averages()]

    def state(self) -> dict[str, Any]:
        if self.parameters is None:
            return {}
        running = {f"running{i}": x for i, x in enumerate(self.running)}
        return {"best": float(self.best), "parameters": self.parameters, **running}

    def load(self, state: dict[str, Any]) -> None:
        if "best" in state:
            self.best, self.parameters = state["best"], state["parameters"]
            self.running = [state[f"running{i}"] for i in range(len(state) - 2)]

    def after_fit(self, trainer: Trainer) -> None:
        wanted = self.restore == "always" or trainer.interrupted
        if wanted and self.parameters is not None:
            trainer.network.parameters[...] = self.parameters
            for now, kept in zip(trainer.network.running_averages(), self.running, strict=True):
                now[...] = kept


class Watch(Hook):
    """Counts the epochs without progress, but never those on the first plateau.

    A deep sigmoid network often stands for many epochs at the loss of knowing nothing, the
    entropy of the classes, before it begins to learn. A rule that counts idle epochs from the
    start gives up just there. This one counts only once the loss has left that plateau.

    Parameters
    ----------
    monitor : str
        Which entry of the epoch's record, the smaller the better.
    patience : int
        Epochs without progress that are put up with.
    tolerance : float
        Progress is a fall of at least this fraction of the baseline.
    baseline : float
        Loss of the best constant answer.

    Attributes
    ----------
    idle : int
        Epochs without progress until now.
    """

    def __init__(
        self,
        monitor: str = "loss",
        patience: int = 20,
        tolerance: float = 1e-4,
        baseline: float = np.inf,
    ) -> None:
        patience = require_whole("patience", patience, 1)
        self.monitor, self.patience, self.tolerance = monitor, patience, tolerance
        self.baseline = baseline
        self.best = np.inf
        self.idle = 0

    def before_fit(self, trainer: Trainer) -> None:
        if trainer.epoch == 0:
            self.best, self.idle = np.inf, 0

    def after_epoch(self, trainer: Trainer) -> None:
        record = trainer.history[-1]
        if self.monitor not in record:
            raise ParameterError(
                f"{type(self).__name__} watches {self.monitor!r}, but an epoch's record has "
                f"{', '.join(record)}; put Validate before it"
            )
        value = record[self.monitor]
        scale = self.baseline if np.isfinite(self.baseline) else max(abs(self.best), 1e-12)
        if not np.isfinite(self.best) or value < self.best - self.tolerance * scale:
            self.best, self.idle = min(value, self.best), 0
        elif record["loss"] < 0.97 * self.baseline:
            self.idle += 1

    def state(self) -> dict[str, Any]:
        return {"best": float(self.best), "idle": self.idle} if np.isfinite(self.best) else {}

    def load(self, state: dict[str, Any]) -> None:
        self.best, self.idle = state.get("best", np.inf), state.get("idle", 0)


class EarlyStopping(Watch):
    """Ends training when the loss has stopped falling; see `Watch` for the parameters.

    Examples
    --------
    >>> EarlyStopping(patience=5).patience
    5
    """

    def after_epoch(self, trainer: Trainer) -> None:
        super().after_epoch(trainer)
        if self.idle >= self.patience:
            trainer.stop = f"{self.monitor} has not fallen for {self.patience} epochs"


class ReduceOnPlateau(Watch):
    """Lowers the learning rate whenever the loss has stopped falling.

    Parameters
    ----------
    monitor, patience, tolerance, baseline
        See `Watch`.
    factor : float
        What the rate is multiplied by, in (0, 1).
    lowest : float
        The rate is not lowered below this fraction of its first value.

    Attributes
    ----------
    share : float
        The fraction of the first rate that training is at.

    Examples
    --------
    >>> ReduceOnPlateau(factor=0.5).factor
    0.5
    """

    def __init__(
        self,
        monitor: str = "loss",
        patience: int = 10,
        tolerance: float = 1e-4,
        baseline: float = np.inf,
        *,
        factor: float = 0.2,
        lowest: float = 1e-3,
    ) -> None:
        super().__init__(monitor, patience, tolerance, baseline)
        for name, value in (("factor", factor), ("lowest", lowest)):
            require_number(name, value, 0.0, 1.0, low_too=False)
        self.factor, self.lowest = factor, lowest
        self.share = 1.0

    def before_fit(self, trainer: Trainer) -> None:
        super().before_fit(trainer)
        if trainer.epoch == 0:
            self.share = 1.0
        trainer.rate_share = self.share

    def after_epoch(self, trainer: Trainer) -> None:
        super().after_epoch(trainer)
        if self.idle >= self.patience:
            self.idle = 0
            self.share = trainer.rate_share = max(self.share * self.factor, self.lowest)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "share": self.share}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.share = state.get("share", 1.0)


class Progress(Hook):
    """One line on the terminal that follows the epochs.

    Parameters
    ----------
    epochs : int
        How many there will be.
    stream : text stream, optional
        Standard error by default.

    Examples
    --------
    >>> Progress(10).epochs
    10
    """

    def __init__(self, epochs: int, stream: TextIO | None = None) -> None:
        self.epochs, self.stream = epochs, stream

    def after_epoch(self, trainer: Trainer) -> None:
        record = trainer.history[-1]
        done = int(20 * trainer.epoch / max(self.epochs, 1))
        bar = "█" * done + "·" * (20 - done)
        text = f"\r{bar} {trainer.epoch}/{self.epochs}  loss {record['loss']:.4f}"
        if "validation_loss" in record:
            text += f"  held out {record['validation_loss']:.4f}"
        stream = self.stream or sys.stderr
        stream.write(text)
        stream.flush()

    def after_fit(self, trainer: Trainer) -> None:
        (self.stream or sys.stderr).write("\n")
