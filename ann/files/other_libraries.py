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
from ann.files.torch_layers import from_pytorch, stacked_layers
from ann.network.activations import LeakyReLU
from ann.network.network import Network

__all__ = ["export_onnx", "from_pytorch", "from_scikit_learn", "stacked_layers"]

_SCIKIT = {"logistic": "sigmoid", "relu": "relu", "tanh": "tanh", "identity": "identity",
           "softmax": "softmax", "exp": "exponential"}  # fmt: skip
_ONNX = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "softplus": "Softplus",
         "exponential": "Exp", "identity": "Identity", "softmax": "Softmax",
         "leaky_relu": "LeakyRelu"}  # fmt: skip


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
