"""Networks of artificial units in NumPy: a calculus to read, a plan to run, estimators to use.

Names are loaded when first used, so that `ann.errors` does not bring scikit-learn with it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ann.calculus.gradient_check import check_gradients
    from ann.calculus.graph import OPERATIONS, Variable, gradient, hessian_vector_product
    from ann.calculus.graph_drawing import draw_graph
    from ann.errors import AnnError
    from ann.estimators.dense import DenseEstimator
    from ann.estimators.models import DeepNetwork, LogisticRegression, ShallowNetwork
    from ann.files.checkpoints import Checkpoint
    from ann.files.other_libraries import export_onnx, from_pytorch, from_scikit_learn
    from ann.files.storage import load, save
    from ann.inspect.diagnosis import diagnose
    from ann.network.activations import ACTIVATIONS, Activation, CustomActivation, Foreign
    from ann.network.initialisation import initial_weights
    from ann.network.losses import LOSSES, Loss, OwnLoss
    from ann.network.network import Layer, Network
    from ann.plan.optimisers import OPTIMISERS, SGD, Adam, AdamW, Momentum, Nesterov, RMSProp
    from ann.plan.plan import Plan
    from ann.training.augment import Distort
    from ann.training.hooks import EarlyStopping, KeepBest, Progress, ReduceOnPlateau, Validate
    from ann.training.rate_finder import find_learning_rate
    from ann.training.schedules import SCHEDULES
    from ann.training.trainer import Hook, Trainer

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPERATIONS",
    "OPTIMISERS",
    "SCHEDULES",
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "AnnError",
    "Checkpoint",
    "CustomActivation",
    "DeepNetwork",
    "DenseEstimator",
    "Distort",
    "EarlyStopping",
    "Foreign",
    "Hook",
    "KeepBest",
    "Layer",
    "LogisticRegression",
    "Loss",
    "Momentum",
    "Nesterov",
    "Network",
    "OwnLoss",
    "Plan",
    "Progress",
    "RMSProp",
    "ReduceOnPlateau",
    "ShallowNetwork",
    "Trainer",
    "Validate",
    "Variable",
    "check_gradients",
    "diagnose",
    "draw_graph",
    "export_onnx",
    "find_learning_rate",
    "from_pytorch",
    "from_scikit_learn",
    "gradient",
    "hessian_vector_product",
    "initial_weights",
    "load",
    "save",
]


@cache
def _places() -> dict[str, str]:
    """Tell which module holds a name: the imports above say so, and only type checkers run them."""
    import ast

    return {
        alias.name: node.module
        for node in ast.walk(ast.parse(Path(__file__).read_bytes()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ann.")
        for alias in node.names
    }


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ann' has no attribute {name!r}")
    return getattr(import_module(_places()[name]), name)


def __dir__() -> list[str]:
    return __all__
