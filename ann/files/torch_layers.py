"""Stacks of PyTorch layers as networks: read as they compute, or refused by name."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ann.errors import ParameterError
from ann.network.network import Network

__all__ = ["from_pytorch", "refuse_extras", "stacked_layers"]

_PYTORCH = {"Sigmoid": "sigmoid", "Tanh": "tanh", "ReLU": "relu", "Softmax": "softmax",
            "LeakyReLU": "leaky_relu", "Softplus": "softplus"}  # fmt: skip

_SOFTPLUS_THRESHOLD = 15.0
#: Where PyTorch keeps functions that see or change what goes into a layer, or comes out of it.
_HOOKS = {
    "_forward_pre_hooks": "a forward pre-hook",
    "_forward_hooks": "a forward hook",
}


def from_pytorch(module: Any) -> Network:
    """A network with the numbers of a PyTorch stack of layers.

    Parameters
    ----------
    module : torch.nn.Sequential
        Of Linear, activations (Sigmoid, Tanh, ReLU, LeakyReLU, Softplus, Softmax, Identity) and
        Dropout and Flatten, which are of no effect after training.

    Returns
    -------
    Network
        In the precision of the module; half precisions become single.

    Raises
    ------
    ParameterError
        If a layer is of another kind, or a layer or stack computes more than its numbers tell:
        hooks, parametrizations, a ``forward`` of its own, dropout or batch normalisation in
        training mode, a Softmax over rows; says which and where.
    """
    weights: list[np.ndarray] = []
    biases: list[np.ndarray] = []
    kinds: list[Any] = []
    dtype: Any = np.float32
    for i, layer in enumerate(stacked_layers(module)):
        name = type(layer).__name__
        refuse_extras(f"layer {i}", layer)
        if name == "Linear":
            weight = _numbers(layer.weight)
            dtype = weight.dtype
            weights.append(weight.T)
            no_bias = np.zeros(weight.shape[0], weight.dtype)
            biases.append(no_bias if layer.bias is None else _numbers(layer.bias))
            kinds.append("identity")
        elif name in ("Dropout", "Flatten", "Identity"):
            _refuse_settings(i, layer)
        elif name not in _PYTORCH:
            raise ParameterError(
                f"layer {i} is a {name}; Linear, {', '.join(_PYTORCH)}, Dropout, Flatten and "
                "Identity are read"
            )
        elif not kinds or kinds[-1] != "identity":
            raise ParameterError(f"layer {i} ({name}) does not follow a Linear layer")
        else:
            kinds[-1] = _PYTORCH[name]
            if name == "LeakyReLU":
                kinds[-1] = {"name": "leaky_relu", "leak": float(layer.negative_slope)}
            _refuse_settings(i, layer)
    if not weights:
        raise ParameterError("this module has no Linear layer")
    return Network.from_arrays(weights, biases, kinds, dtype=dtype)


def stacked_layers(module: Any) -> list[Any]:
    """The layers of a PyTorch stack in the order they are applied, stacks within it opened.

    Parameters
    ----------
    module : torch.nn.Sequential
        A layer used twice comes twice.

    Returns
    -------
    list of torch.nn.Module

    Raises
    ------
    ParameterError
        If a kind of Sequential within it has a ``forward`` of its own, or hooks.
    """
    stack = next(
        (
            kind
            for kind in type(module).__mro__
            if kind.__name__ == "Sequential" and kind.__module__.split(".")[0] == "torch"
        ),
        None,
    )
    if stack is None:
        return [module]
    if getattr(type(module), "forward", None) is not getattr(stack, "forward", None):
        raise ParameterError(
            f"{type(module).__name__} is a Sequential with a forward of its own, so its layers are "
            "not all that it computes; only plain torch.nn.Sequential is read"
        )
    _refuse_hooks(type(module).__name__, module)
    # Not children(): that leaves out what comes a second time.
    return [layer for part in module._modules.values() for layer in stacked_layers(part)]


def _numbers(tensor: Any) -> np.ndarray:
    """The numbers of a tensor in double precision where it has that, else in single."""
    values = tensor.detach().cpu()
    if str(values.dtype) != "torch.float64":
        # NumPy has no bfloat16, and a Network no half precision.
        values = values.float()
    return np.asarray(values.numpy())


def refuse_extras(where: str, layer: Any) -> None:
    """Refuse a layer that computes something else than its class and numbers say.

    Parameters
    ----------
    where : str
        Which layer, for the message.
    layer : torch.nn.Module

    Raises
    ------
    ParameterError
        If it has parametrizations, hooks, or a ``forward`` of its own.
    """
    name = type(layer).__name__
    if hasattr(layer, "parametrizations"):
        raise ParameterError(
            f"{where} ({name}) has parametrizations of {', '.join(layer.parametrizations)}; make "
            "them plain numbers with torch.nn.utils.parametrize.remove_parametrizations"
        )
    _refuse_hooks(where, layer)
    nn = getattr(sys.modules.get("torch"), "nn", None)
    own = getattr(nn, name, None)
    if "forward" in vars(layer) or (own is not None and type(layer).forward is not own.forward):
        raise ParameterError(
            f"{where} is a {name} with a forward of its own; only PyTorch's own layers are read"
        )


def _refuse_hooks(where: str, module: Any) -> None:
    kept = getattr(sys.modules.get("torch.nn.modules.module"), "__dict__", {})
    for attribute, called in _HOOKS.items():
        if getattr(module, attribute, None):
            raise ParameterError(
                f"{where} has {called}, which may change what it computes (pruning and the older "
                "weight_norm and spectral_norm are such hooks); remove it first"
            )
        if kept.get(f"_global{attribute}"):
            raise ParameterError(
                f"{called} is registered for all modules, and may change what they compute; "
                "remove it first"
            )


def _refuse_settings(i: int, layer: Any) -> None:
    """Refuse settings under which a layer of a known kind does something unusual."""
    name = type(layer).__name__
    if name == "Dropout" and layer.training and layer.p > 0:
        raise ParameterError(
            f"layer {i} is a Dropout in training mode, so its outputs are random; call "
            "module.eval() first"
        )
    if name == "Flatten" and (layer.start_dim, layer.end_dim) not in ((1, -1), (1, 1)):
        raise ParameterError(
            f"layer {i}: Flatten from dimension {layer.start_dim} to {layer.end_dim} does not "
            "leave a row for each input; only Flatten() is read"
        )
    if name == "Softmax" and layer.dim not in (1, -1, None):
        raise ParameterError(
            f"layer {i}: Softmax over dimension {layer.dim} mixes the inputs of a batch; only one "
            "over the outputs is read (dim=1 or -1)"
        )
    if name == "Softplus" and layer.beta != 1:
        raise ParameterError(f"layer {i}: Softplus with beta {layer.beta}; only 1 is read")
    # From there on PyTorch's is the identity: no difference where exp(-z) is rounded.
    if name == "Softplus" and layer.threshold < _SOFTPLUS_THRESHOLD:
        raise ParameterError(
            f"layer {i}: Softplus with threshold {layer.threshold:g} is cut off where "
            f"it still bends; only one of {_SOFTPLUS_THRESHOLD:g} or more is read"
        )
