"""A fitted estimator or a network in a file, and back: arrays as safetensors, the rest as JSON.

No pickle: a file can be read with a text editor and opened without running anything. Saved are
the network as it was trained, the scale of the columns, the coding of the answers, the settings
and the history, so a loaded model predicts bit for bit what the saved one did and can be trained
on. Objects of your own (an activation, a loss, hooks) cannot be written down; the card names them
and `load` takes them back.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ann.atomic_write import plain
from ann.errors import ModelFileError, ParameterError
from ann.estimators.dense import DenseEstimator
from ann.estimators.input_scaling import InputScale
from ann.estimators.models import DeepNetwork, LogisticRegression, ShallowNetwork
from ann.estimators.targets import ClassTargets, QuantityTargets
from ann.files.tensor_file import TensorFile, write_tensors
from ann.network.activations import CustomActivation
from ann.network.losses import OwnLoss, resolve_loss
from ann.network.network import Network

__all__ = ["load", "read_card", "save"]

WHAT = "neurosim model 1"
_SCALE = ("mean", "spread")
_LONGEST_CLASS = 100_000
# What Python says of a card that describes no model.
_UNFIT = (
    *(LookupError, TypeError, ValueError, AttributeError),
    *(ArithmeticError, RecursionError, MemoryError),
)
_KINDS: dict[str, Any] = {k.__name__: k for k in (DeepNetwork, LogisticRegression, ShallowNetwork)}


def save(model: Any, path: str | Path, notes: Any = None) -> None:
    """Write a fitted estimator, or a network alone, to a file.

    Parameters
    ----------
    model : LogisticRegression, ShallowNetwork, DeepNetwork or Network
        An estimator must be fitted.
    path : str or Path
        Ends in ``.safetensors`` by custom.
    notes : object, optional
        Anything JSON can say, kept on the card under ``notes``.

    Raises
    ------
    ParameterError
        If the model is of another kind, not fitted, or its classes cannot be written as JSON.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegression().fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, Path(folder, "iris.safetensors"))
    ...     back = load(Path(folder, "iris.safetensors"))
    >>> bool((back.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    if isinstance(model, Network):
        tensors, card = _plain_network(model)
        write_tensors(path, tensors, {"what": WHAT, "model": "Network", **card, "notes": notes})
        return
    kind = type(model).__name__
    if _KINDS.get(kind) is not type(model):
        raise ParameterError(f"{kind} cannot be saved; Network, {', '.join(_KINDS)} can")
    if not hasattr(model, "network_"):
        raise ParameterError(f"this {kind} is not fitted; there is nothing to save yet")
    tensors, described = _plain_network(getattr(model, "_inner", model.network_))
    settings, left_out = _plain_settings(model)
    card = {
        "what": WHAT,
        "model": kind,
        "settings": settings,
        "left_out": left_out,
        **described,
        "n_features": int(model.n_features_in_),
        "feature_names": plain(getattr(model, "feature_names_in_", None)),
        "n_iter": int(model.n_iter_),
        "notes": notes,
    }
    scale: InputScale | None = getattr(model, "_scale", None)
    if scale is not None:
        tensors["scale.mean"], tensors["scale.spread"] = scale.mean, scale.spread
    targets = model._targets
    if isinstance(targets, ClassTargets):
        classes = targets.classes
        card["targets"] = {
            "kind": targets.kind,
            "classes": plain(classes),
            "classes_dtype": classes.dtype.str if classes.dtype.kind != "O" else "O",
        }
    else:
        card["targets"] = {"kind": "regression", "flat": targets.flat}
        tensors["targets.mean"], tensors["targets.spread"] = targets.mean, targets.spread
    if isinstance(model, DenseEstimator):
        card["loss"] = None if isinstance(model.loss_, OwnLoss) else model.loss_.to_dict()
    else:
        card["objective"] = float(model.objective_)
    write_tensors(path, tensors, card)


def read_card(path: str | Path) -> dict[str, Any]:
    """What a model file says about itself, without building the model.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict

    Raises
    ------
    ModelFileError
        If the file is damaged or holds no model.
    """
    card: dict[str, Any] = _read(path).card
    return card


def _read(path: str | Path) -> TensorFile:
    file = TensorFile(path)
    if not isinstance(file.card, dict) or "what" not in file.card:
        raise ModelFileError(f"{path} has no card: it was not written by save")
    if file.card["what"] != WHAT:
        raise ModelFileError(f"{path} holds a {file.card['what']!r}; this version reads {WHAT!r}")
    return file


def load(path: str | Path, **own: Any) -> Any:
    """Read a fitted estimator back.

    Parameters
    ----------
    path : str or Path
    **own
        Settings that could not be written down, such as ``activation`` or ``hooks``; the card
        lists them under ``left_out``.

    Returns
    -------
    LogisticRegression, ShallowNetwork, DeepNetwork or Network
        What was saved; an estimator is fitted.

    Raises
    ------
    ModelFileError
        If the file is cut short, edited, of another version, or needs an object that was not
        given.
    """
    file = _read(path)
    try:
        model: Any = _rebuild_network(file, own)
        if file.card["model"] != "Network":
            kind = _KINDS[file.card["model"]]
            model = _rebuild(kind(**{**file.card["settings"], **own}), model, file, own)
    except ModelFileError:
        raise
    except _UNFIT as error:
        raise ModelFileError(f"{path} does not describe a model: {error!r}") from error
    file.finish()
    return model


def _rebuild_network(file: TensorFile, own: dict[str, Any]) -> Network:
    card, path = file.card, file.path
    kinds: list[Any] = []
    for i, described in enumerate(card["activations"]):
        if described is None:
            given = own.get("activation")
            described = given[i] if isinstance(given, list | tuple) else given
            if described is None:
                raise ModelFileError(
                    f"layer {i + 1} of {path} has an activation of its maker's own; pass it as "
                    "load(path, activation=...)"
                )
        kinds.append(described)
    sizes = [_whole(size) for size in card["sizes"]]
    # Before room is made for as many as the card says.
    count = sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
    count += 2 * sum(sizes[1:-1]) if card["batch_norm"] else 0
    parameters = file.take("parameters", (count,), card["dtype"])
    network = Network(
        sizes,
        kinds,
        dropout=card["dropout"],
        batch_norm=card["batch_norm"],
        initialisation="zeros",
        dtype=card["dtype"],
    )
    network.history = card["history"]
    start = 0
    for part in _in_file_order(network):
        part[...] = parameters[start : start + part.size].reshape(part.shape)
        start += part.size
    for i, layer in enumerate(network.layers):
        if layer.norm is not None:
            for name in ("mean", "variance"):
                kept = getattr(layer.norm, name)
                kept[...] = file.take(f"layer{i}.{name}", kept.shape, kept.dtype)
    return network


def _whole(number: Any) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(f"{number!r} units")
    return number


def _classes(coding: dict[str, Any]) -> np.ndarray:
    kind = np.dtype(coding["classes_dtype"])
    # Room for every class is made by this: a name is not as long as a book.
    if kind.kind not in "OUSbiuf" or kind.itemsize > _LONGEST_CLASS:
        raise ValueError(f"classes of {kind}")
    return np.array(coding["classes"], dtype=kind)


def _rebuild(model: Any, network: Network, file: TensorFile, own: dict[str, Any]) -> Any:
    card, path = file.card, file.path
    coding = card["targets"]
    if coding["kind"] == "regression":
        targets: Any = QuantityTargets.__new__(QuantityTargets)
        targets.flat, targets.columns = coding["flat"], card["sizes"][-1]
        columns = (targets.columns,)
        targets.mean, targets.spread = (file.take(f"targets.{x}", columns) for x in _SCALE)
    else:
        targets = ClassTargets.restore(coding["kind"], _classes(coding))
        model.classes_ = targets.classes
    model._targets = targets
    model.n_features_in_ = card["n_features"]
    if card["feature_names"] is not None:
        model.feature_names_in_ = np.array(card["feature_names"], dtype=object)
    if isinstance(model, LogisticRegression):
        model.network_ = network
        model.coef_ = np.ascontiguousarray(network.layers[0].weights.T)
        model.intercept_ = network.layers[0].bias.copy()
        model.objective_, model.n_iter_ = card["objective"], card["n_iter"]
        return model
    if card["loss"] is None and not callable(own.get("loss")):
        raise ModelFileError(
            f"{path} was trained with its maker's own loss; pass load(path, loss=...)"
        )
    model.loss_ = resolve_loss(own["loss"] if card["loss"] is None else card["loss"])
    model._inner = network
    has_scale = "scale.mean" in file
    features = (_whole(card["n_features"]),)
    scale = [file.take(f"scale.{x}", features) for x in _SCALE if has_scale]
    model._scale = InputScale(*scale) if has_scale else None
    model._finish(card["history"])
    return model


def _in_file_order(network: Network) -> list[np.ndarray]:
    """A file holds layer by layer W row by row, b, and what normalisation has learnt."""
    return [part for i in range(len(network.layers)) for part in network.parts(i)]


def _plain_network(network: Network) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays of a network, and what to say of it on the card."""
    tensors = {"parameters": np.concatenate([p.ravel() for p in _in_file_order(network)])}
    for i, layer in enumerate(network.layers):
        if layer.norm is not None:
            tensors[f"layer{i}.mean"] = layer.norm.mean
            tensors[f"layer{i}.variance"] = layer.norm.variance
    kinds = [layer.activation for layer in network.layers]
    card = {
        "sizes": list(network.sizes),
        "dtype": network.dtype.name,
        "activations": [None if isinstance(k, CustomActivation) else k.to_dict() for k in kinds],
        "dropout": [layer.dropout for layer in network.layers[:-1]],
        "batch_norm": network.layers[0].norm is not None,
        "history": plain(network.history),
    }
    return tensors, card


def _plain_settings(model: Any) -> tuple[dict[str, Any], list[str]]:
    """Settings JSON can say, and the names of those it cannot."""
    settings, left_out = {}, []
    for name, value in model.get_params(deep=False).items():
        if hasattr(value, "to_dict") and not isinstance(value, CustomActivation | OwnLoss):
            value = value.to_dict()
        elif isinstance(value, np.generic):
            value = value.item()
        if _is_plain(value):
            settings[name] = value
        else:
            left_out.append(name)
    return settings, left_out


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    return value is None or isinstance(value, str | bool | int | float)
