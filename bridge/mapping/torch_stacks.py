"""PyTorch stacks with batch normalisation as networks of dense layers."""

from __future__ import annotations

from typing import Any

from ann import Network
from ann.files.torch_layers import from_pytorch, refuse_extras, stacked_layers
from bridge.errors import ConversionError

__all__ = ["network_of_module"]

# Of no effect after training.
_IDLE = ("Dropout", "Identity", "Flatten")


def network_of_module(module: Any) -> Network:
    """Return a PyTorch stack as a network, batch normalisation made part of the layers before it.

    Parameters
    ----------
    module : torch.nn.Sequential
        As `ann.files.torch_layers.from_pytorch` reads, and BatchNorm1d directly after Linear.

    Raises
    ------
    ConversionError
        Batch normalisation stands elsewhere, or has kept no averages.
    ann.ParameterError
        Another layer cannot be read.
    """
    from torch import nn

    layers: list[Any] = []
    last = -1  # the last layer that does anything
    for i, layer in enumerate(stacked_layers(module)):
        layers.append(layer)
        if type(layer).__name__ in _IDLE:
            continue
        if not isinstance(layer, nn.BatchNorm1d):
            last = i
            continue
        if last < 0 or not isinstance(layers[last], nn.Linear):
            after = f"after {type(layers[last]).__name__}" if last >= 0 else "first"
            raise ConversionError(
                f"layer {i}: BatchNorm1d comes {after}; only one directly after a Linear layer, "
                "before its activation, becomes part of the weights: train with that order, or "
                "fold it by hand"
            )
        layers[last], layers[i] = _fused(layers[last], layer, i), nn.Identity()
    return from_pytorch(nn.Sequential(*layers))


def _fused(linear: Any, norm: Any, i: int) -> Any:
    """Return one Linear layer for a Linear layer and the normalisation of its sums."""
    import torch

    refuse_extras(f"layer {i}", norm)
    # The stack itself is read from copies, so what is attached to the layer is looked at here.
    refuse_extras(f"layer {i - 1}", linear)
    if norm.running_mean is None:
        raise ConversionError(
            f"layer {i}: BatchNorm1d with track_running_stats=False normalises by whatever batch "
            "it is given, so it stands for no fixed weights; train it with running statistics"
        )
    if norm.training:
        raise ConversionError(
            f"layer {i} is a BatchNorm1d in training mode, which normalises by whatever batch it "
            "is given; call module.eval() first"
        )
    with torch.no_grad():
        double = linear.weight.dtype == torch.float64
        kind = torch.float64 if double else torch.float32
        # What is left out of a layer is None.
        scale, shift, before = (
            otherwise if part is None else part.double()
            for part, otherwise in ((norm.weight, 1.0), (norm.bias, 0.0), (linear.bias, 0.0))
        )
        slope = (norm.running_var.double() + norm.eps).rsqrt() * scale
        bias = -norm.running_mean.double() * slope + before * slope + shift
        fused = torch.nn.Linear(linear.in_features, linear.out_features, dtype=kind)
        fused.weight.copy_(linear.weight.double() * slope[:, None])
        fused.bias.copy_(bias)
    return fused
