"""Which trained networks can be put onto neurons, and what to do about the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from ann import Network
from ann.errors import AnnError
from ann.files.other_libraries import from_scikit_learn
from bridge.errors import ConversionError
from bridge.mapping.torch_stacks import network_of_module

__all__ = ["validate"]


def validate(network: Any) -> Network:
    """Return the trained network inside `network`, or say why it cannot be converted.

    Parameters
    ----------
    network : ann.Network, fitted estimator, scikit-learn MLP or torch.nn.Sequential
        Dense layers. Batch normalisation is folded into weights and biases.

    Raises
    ------
    ConversionError
        It is not trained, has no hidden layer, holds a layer that is not dense, an activation that
        falls, or weights that are not finite.
    """
    inner: Any = getattr(network, "network_", network)
    if getattr(inner, "layers", None) is None:
        inner = _imported(network)
    layers = inner.layers
    if len(layers) < 2:
        raise ConversionError(
            "the network has no hidden layer, so there is nothing to put onto neurons"
        )
    for k, layer in enumerate(layers):
        for what in ("weights", "bias"):
            values = np.asarray(getattr(layer, what))
            if not np.all(np.isfinite(values)):
                raise ConversionError(
                    f"layer {k + 1}: its {what} hold NaN or infinity; train it again with a lower "
                    "learning rate, or load the right file"
                )
        if k < len(layers) - 1:
            _check_rising(k, layer.activation)
    found: Network = inner.folded() if any(layer.norm is not None for layer in layers) else inner
    return found


def _imported(model: Any) -> Network:
    """Return a scikit-learn or PyTorch model as a network."""
    name = type(model).__name__
    try:
        if hasattr(model, "coefs_"):
            return from_scikit_learn(model)
        if any(kind.__module__.split(".")[0] == "torch" for kind in type(model).__mro__):
            return network_of_module(model)
    except AnnError as error:
        remedy = "; write the model as dense layers in a torch.nn.Sequential, one activation after "
        remedy = "" if hasattr(model, "coefs_") else remedy + "each"
        raise ConversionError(f"{name} cannot be converted: {error}{remedy}") from None
    raise ConversionError(_no_network(model, name))


def _no_network(model: Any, name: str) -> str:
    """Say why a model is no network of dense layers, and what would be one."""
    if hasattr(model, "steps"):
        return (
            f"{name} is several steps, of which only the last can be a network: "
            "convert(pipe[-1], pipe[:-1].transform(X)), and give run() inputs transformed so, too"
        )
    if hasattr(model, "best_estimator_"):
        return f"{name} is a search: convert its best_estimator_"
    if hasattr(model, "coef_") or hasattr(model, "support_vectors_"):
        return f"{name} has no hidden layer, so there is nothing to put onto neurons"
    if hasattr(model, "hidden_layer_sizes") or hasattr(model, "hidden"):
        return f"{name} holds no trained layers: fit it first"
    return (
        f"{name} is no network of dense layers; these can be converted: a fitted estimator of ann, "
        "an ann.Network, a fitted scikit-learn MLP, a torch.nn.Sequential"
    )


def _check_rising(k: int, activation: Any) -> None:
    with np.errstate(all="ignore"):
        value = np.asarray(activation.value(np.linspace(-20.0, 20.0, 401)))
    span = float(np.ptp(value)) if np.all(np.isfinite(value)) else np.nan
    if not span > 0 or np.min(np.diff(value)) < -1e-6 * span:
        raise ConversionError(
            f"hidden layer {k + 1} has the activation {activation.name!r}, which does not rise "
            "everywhere; a neuron fires more with more current: use 'sigmoid', 'tanh', 'relu', "
            "'softplus' or a measured unit"
        )
