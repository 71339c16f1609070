"""Networks from and for other libraries: scikit-learn, PyTorch, ONNX.

What comes in are dense networks, and they come in as a `Network` that gives the same outputs.
What goes out is an ONNX file that any runtime of that standard reads. None of the libraries is
needed unless its own objects are handed over or its format is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_regressor

from ann.atomic_write import write_bytes
from ann.errors import MissingExtraError, ParameterError
from ann.network.activations import LeakyReLU
from ann.network.network import Network

__all__ = ["export_onnx", "from_pytorch", "from_scikit_learn", "stacked_layers"]

_SCIKIT = {"logistic": "sigmoid", "relu": "relu", "tanh": "tanh", "identity": "identity",
           "softmax": "softmax", "exp": "exponential"}  # fmt: skip
_PYTORCH = {"Sigmoid": "sigmoid", "Tanh": "tanh", "ReLU": "relu", "Softmax": "softmax",
            "LeakyReLU": "leaky_relu", "Softplus": "softplus"}  # fmt: skip
_ONNX = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "softplus": "Softplus",
         "exponential": "Exp", "identity": "Identity", "softmax": "Softmax",
         "leaky_relu": "LeakyRelu"}  # fmt: skip

_SOFTPLUS_THRESHOLD = 15.0


def from_scikit_learn(model: Any) -> Network:
    """A network with the numbers of a fitted scikit-learn model.

    Parameters
    ----------
    model : MLPClassifier, MLPRegressor, LogisticRegression or a linear regressor
        Fitted. A linear regressor is anything with ``coef_`` and ``intercept_`` that predicts
        quantities, such as LinearRegression or RidgeCV.

    Returns
    -------
    Network
        In double precision. Its output is that of ``predict_proba`` (for two classes the
        probability of the second) or ``predict``.

    Raises
    ------
    ParameterError
        If the model is of another kind or not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegression(max_iter=1000).fit(X, y)
    >>> bool(np.allclose(from_scikit_learn(model).output(X), model.predict_proba(X)))
    True
    """
    if hasattr(model, "coefs_") and hasattr(model, "out_activation_"):
        hidden = _SCIKIT[model.activation]
        kinds = [hidden] * (len(model.coefs_) - 1) + [_SCIKIT[model.out_activation_]]
        return Network.from_arrays(model.coefs_, model.intercepts_, kinds, dtype=np.float64)
    logistic = type(model).__name__ in ("LogisticRegression", "LogisticRegressionCV")
    linear = logistic or is_regressor(model)
    if linear and hasattr(model, "coef_") and hasattr(model, "intercept_"):
        coefficients = np.atleast_2d(model.coef_)
        kind = ("sigmoid" if len(coefficients) == 1 else "softmax") if logistic else "identity"
        bias = np.broadcast_to(model.intercept_, coefficients.shape[:1])
        return Network.from_arrays([coefficients.T], [bias], [kind], dtype=np.float64)
    raise ParameterError(
        f"{type(model).__name__} is not a fitted MLPClassifier, MLPRegressor, LogisticRegression "
        "or linear regressor"
    )


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
        If a layer is of another kind, or a stack computes more than its layers; says which and
        where.
    """
    weights: list[np.ndarray] = []
    biases: list[np.ndarray] = []
    kinds: list[Any] = []
    dtype: Any = np.float32
    for i, layer in enumerate(stacked_layers(module)):
        name = type(layer).__name__
        if name == "Linear":
            weight = _numbers(layer.weight)
            dtype = weight.dtype
            weights.append(weight.T)
            no_bias = np.zeros(weight.shape[0], weight.dtype)
            biases.append(no_bias if layer.bias is None else _numbers(layer.bias))
            kinds.append("identity")
        elif name in ("Dropout", "Flatten", "Identity"):
            continue
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
            if name == "Softplus" and layer.beta != 1:
                raise ParameterError(f"layer {i}: Softplus with beta {layer.beta}; only 1 is read")
            # From there on PyTorch's is the identity: no difference where exp(-z) is rounded.
            if name == "Softplus" and layer.threshold < _SOFTPLUS_THRESHOLD:
                raise ParameterError(
                    f"layer {i}: Softplus with threshold {layer.threshold:g} is cut off where "
                    f"it still bends; only one of {_SOFTPLUS_THRESHOLD:g} or more is read"
                )
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
        If a kind of Sequential within it has a ``forward`` of its own.
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
    # Not children(): that leaves out what comes a second time.
    return [layer for part in module._modules.values() for layer in stacked_layers(part)]


def _numbers(tensor: Any) -> np.ndarray:
    """The numbers of a tensor in double precision where it has that, else in single."""
    values = tensor.detach().cpu()
    if str(values.dtype) != "torch.float64":
        # NumPy has no bfloat16, and a Network no half precision.
        values = values.float()
    return np.asarray(values.numpy())


def export_onnx(network: Network, path: str | Path) -> None:
    """Write a network as an ONNX file, opset 17, in single precision.

    Parameters
    ----------
    network : Network
        Of an estimator: its ``network_``.
    path : str or Path
        Its input is called ``x``, shape (rows, n_inputs); its output ``y``.

    Raises
    ------
    MissingExtraError
        If the package ``onnx`` is not installed.
    ParameterError
        If an activation has no counterpart in ONNX.
    """
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise MissingExtraError.needed_for("exporting to ONNX", "onnx") from error
    nodes, initial = [], []
    last = "x"
    layers = network.folded().layers
    for i, layer in enumerate(layers):
        kind = layer.activation.name
        if kind not in _ONNX:
            raise ParameterError(f"layer {i + 1}: {kind} has no counterpart in ONNX")
        attributes: dict[str, Any] = {"axis": 1} if kind == "softmax" else {}
        if isinstance(layer.activation, LeakyReLU):
            attributes = {"alpha": float(layer.activation.leak)}
        w, b, z = f"W{i + 1}", f"b{i + 1}", f"z{i + 1}"
        initial.append(numpy_helper.from_array(layer.weights.astype(np.float32), w))
        initial.append(numpy_helper.from_array(layer.bias.astype(np.float32), b))
        out = "y" if i == len(layers) - 1 else f"a{i + 1}"
        nodes.append(helper.make_node("Gemm", [last, w, b], [z]))
        nodes.append(helper.make_node(_ONNX[kind], [z], [out], **attributes))
        last = out

    def rows_of(name: str, columns: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", columns])

    graph = helper.make_graph(
        nodes, "neurosim", [rows_of("x", network.sizes[0])], [rows_of("y", network.sizes[-1])],
        initial,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    write_bytes(path, model.SerializeToString())
