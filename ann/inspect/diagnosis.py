"""What ails this network? Numbers for each layer, and what they mean in plain words.

A unit can be *dead* (the same output for every row), *saturated* (a sigmoid or tanh at one of
its ends for nearly every row, where its slope is almost nothing), and gradients can fade or grow
from layer to layer. `layer_statistics` measures these, `diagnose` adds what the training history
tells and says what to try.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ann.errors import ParameterError
from ann.estimators.dense import DenseEstimator, baseline_loss
from ann.network.calls import run
from ann.network.losses import Loss
from ann.network.network import Network
from ann.plan.optimisers import SGD
from ann.plan.plan import Plan

__all__ = ["Diagnosis", "LayerStatistics", "diagnose", "layer_statistics"]

#: Slope below this share of the largest possible counts as saturated.
_FLAT = 0.05
_ROWS = 2000


@dataclass(frozen=True)
class LayerStatistics:
    """One hidden or output layer over some rows.

    Attributes
    ----------
    layer : int
        Counted from 1.
    activation : str
    units : int
    mean, spread : float
        Of the outputs, over rows and units.
    dead : tuple of int
        Units with the same output for every row.
    saturated : tuple of int
        Units whose slope is below a twentieth of its maximum for at least 95 % of the rows.
    saturation : float
        Share of all outputs at which the slope is that small.
    weight_rms, gradient_rms : float
        Root mean square of the weights, and of the derivative of the mean loss by them.
    """

    layer: int
    activation: str
    units: int
    mean: float
    spread: float
    dead: tuple[int, ...]
    saturated: tuple[int, ...]
    saturation: float
    weight_rms: float
    gradient_rms: float


def layer_statistics(
    network: Network, loss: Loss, X: np.ndarray, T: np.ndarray
) -> list[LayerStatistics]:
    """Measure every layer.

    Parameters
    ----------
    network : Network
    loss : Loss
    X : ndarray of shape (n, n_inputs)
    T : ndarray of shape (n, n_outputs)

    Returns
    -------
    list of LayerStatistics

    Examples
    --------
    >>> from ann.network.losses import Quadratic
    >>> net = Network([1, 2, 1], ["relu", "identity"], rng=0)
    >>> net.layers[0].weights[:] = [[1.0, 0.0]]
    >>> layer_statistics(net, Quadratic(), np.array([[1.0], [2.0]]), np.zeros((2, 1)))[0].dead
    (1,)
    """
    plain = network.folded()
    plan = Plan(plain, loss, SGD())
    program = plan.program(len(X), np.ascontiguousarray(X, plain.dtype), T.astype(plain.dtype))
    program.index[:] = np.arange(len(X))
    with np.errstate(all="ignore"):
        run(program.gather)
        run(program.learn)
    outputs = plain.activations(X)
    found = []
    for i, (layer, a) in enumerate(zip(plain.layers, outputs, strict=True)):
        dead = np.flatnonzero(np.ptp(a, axis=0) <= 1e-6 * max(float(np.abs(a).max()), 1e-30))
        flat = np.zeros(a.shape, bool)
        kind = layer.activation
        if kind.name in ("sigmoid", "tanh") and i < len(outputs) - 1:
            slope = a * (1 - a) * 4 if kind.name == "sigmoid" else 1 - a * a
            flat = slope < _FLAT
        share = flat.mean(axis=0)
        g = plain.parts(i, plan.gradient).weights
        found.append(
            LayerStatistics(
                i + 1,
                kind.name,
                layer.n_out,
                float(a.mean()),
                float(a.std()),
                tuple(int(u) for u in dead),
                tuple(int(u) for u in np.flatnonzero(share >= 0.95)),
                float(flat.mean()),
                float(np.sqrt(np.mean(np.square(layer.weights, dtype=np.float64)))),
                float(np.sqrt(np.mean(np.square(g, dtype=np.float64)))),
            )
        )
    return found


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes
    ----------
    findings : tuple of str
        Sentences, the gravest first; empty if nothing is wrong.
    layers : tuple of LayerStatistics
    """

    findings: tuple[str, ...]
    layers: tuple[LayerStatistics, ...]

    def __str__(self) -> str:
        lines = list(self.findings) or ["nothing wrong was found"]
        lines.append("layer  activation  units  mean ± spread      saturated  dead  gradient")
        for s in self.layers:
            lines.append(
                f"{s.layer:5d}  {s.activation:10s}  {s.units:5d}  {s.mean:7.3f} ± {s.spread:6.3f}"
                f"  {s.saturation:9.0%}  {len(s.dead):4d}  {s.gradient_rms:.2g}"
            )
        return "\n".join(lines)


def diagnose(model: Any, X: Any, y: Any, X_new: Any = None, y_new: Any = None) -> Diagnosis:
    """Say in plain words what ails a fitted network.

    Parameters
    ----------
    model : ShallowNetwork or DeepNetwork
        Fitted.
    X : array_like of shape (n, n_columns)
        Rows it was trained on; at most 2000 are looked at.
    y : array_like
        Their answers.
    X_new, y_new : array_like, optional
        Rows it has not seen.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ParameterError
        If the model is of another kind.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from ann import ShallowNetwork
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ShallowNetwork(hidden=8, random_state=0).fit(X, y)
    >>> diagnose(model, X, y).findings
    ()
    """
    if not isinstance(model, DenseEstimator):
        raise ParameterError(f"{type(model).__name__} has no layers to look into")
    check_is_fitted(model, "network_")
    rows = np.random.default_rng(0).permutation(len(y))[:_ROWS]
    X, y = np.asarray(X)[rows], np.asarray(y)[rows]
    scaled, T = model._coded(X, y)
    layers = layer_statistics(model._inner, model.loss_, scaled, T)
    findings = [
        *_from_history(model, T),
        *_from_layers(layers),
        *_from_scores(model, X, y, X_new, y_new),
    ]
    return Diagnosis(tuple(findings), tuple(layers))


def _named(units: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, units[:8]))
    return shown + (f" and {len(units) - 8} more" if len(units) > 8 else "")


def _from_layers(layers: list[LayerStatistics]) -> list[str]:
    said = []
    for s in layers[:-1]:
        if s.saturation > 0.5 or len(s.saturated) > s.units / 4:
            said.append(
                f"saturated in layer {s.layer}: {s.saturation:.0%} of the outputs of its "
                f"{s.units} {s.activation} units lie where the slope is below a twentieth of its "
                f"maximum (units {_named(s.saturated)}); try standardised inputs, a smaller "
                "learning_rate, or more l2"
            )
        if s.dead:
            cause = "relu units stay so" if s.activation == "relu" else "they carry no information"
            said.append(
                f"dead in layer {s.layer}: units {_named(s.dead)} give the same output for every "
                f"row; {cause}. Try a smaller learning_rate or leaky_relu"
            )
    hidden = [s.gradient_rms for s in layers if s.gradient_rms > 0]
    if len(layers) > 2 and len(hidden) == len(layers):
        ratio = hidden[0] / hidden[-1]
        if ratio < 1e-3:
            said.append(
                f"gradients fade: in layer 1 they are {ratio:.1g} times those of the last layer; "
                "try initialisation='auto', batch_norm=True, or fewer layers"
            )
        if ratio > 1e3:
            said.append(
                f"gradients grow: in layer 1 they are {ratio:.1g} times those of the last layer; "
                "try clip_norm=1 or initialisation='auto'"
            )
    return said


def _from_history(model: Any, T: np.ndarray) -> list[str]:
    losses = np.array(model.loss_curve_)
    said = []
    baseline = baseline_loss(model.loss_, model._inner, T)
    if np.isfinite(baseline) and losses[-1] > 0.97 * baseline:
        said.append(
            f"nothing learnt: the loss {losses[-1]:.3g} is that of a constant answer "
            f"({baseline:.3g}); try more epochs, another learning_rate or fewer layers"
        )
    elif len(losses) >= 20:
        early, late = losses[-10:-5].mean(), losses[-5:].mean()
        if late < 0.95 * early:
            said.append(
                f"still learning: over the last five epochs the loss fell from {early:.3g} to "
                f"{late:.3g}; train longer"
            )
        rises = np.diff(losses[-20:])
        if np.std(rises) > 0.2 * losses[-20:].mean() and late > 1e-2:
            said.append(
                "restless: the loss jumps up and down from epoch to epoch; try a smaller "
                "learning_rate or a larger batch_size"
            )
    return said


def _from_scores(model: Any, X: Any, y: Any, X_new: Any, y_new: Any) -> list[str]:
    if X_new is None:
        return []
    seen, new = model.score(X, y), model.score(X_new, y_new)
    name = "accuracy" if model.task == "classification" else "R²"
    # Two standard errors of a frequency; for R² the same number serves as a margin.
    margin = 2 * np.sqrt(max(new * (1 - new), 0.01) / max(len(y_new), 1))
    if seen - new > max(0.05, margin):
        return [
            f"learnt by heart: {name} {seen:.3f} on rows it was trained on, {new:.3f} on new "
            "ones; try more l2, dropout, early_stopping or fewer units"
        ]
    return []
