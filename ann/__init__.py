"""Networks of artificial units in NumPy: a calculus to read, a plan to run, estimators to use.

Names are loaded when first used, so that `ann.errors` does not bring scikit-learn with it.
"""

from __future__ import annotations

from importlib import import_module
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
    from ann.network.activations import ACTIVATIONS, Activation, Foreign
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

_PLACES = {
    "ann.calculus.gradient_check": "check_gradients",
    "ann.calculus.graph": "OPERATIONS Variable gradient hessian_vector_product",
    "ann.calculus.graph_drawing": "draw_graph",
    "ann.errors": "AnnError",
    "ann.estimators.dense": "DenseEstimator",
    "ann.estimators.models": "DeepNetwork LogisticRegression ShallowNetwork",
    "ann.files.checkpoints": "Checkpoint",
    "ann.files.other_libraries": "export_onnx from_pytorch from_scikit_learn",
    "ann.files.storage": "load save",
    "ann.inspect.diagnosis": "diagnose",
    "ann.network.activations": "ACTIVATIONS Activation Foreign",
    "ann.network.initialisation": "initial_weights",
    "ann.network.losses": "LOSSES Loss OwnLoss",
    "ann.network.network": "Layer Network",
    "ann.plan.optimisers": "OPTIMISERS SGD Adam AdamW Momentum Nesterov RMSProp",
    "ann.plan.plan": "Plan",
    "ann.training.augment": "Distort",
    "ann.training.hooks": "EarlyStopping KeepBest Progress ReduceOnPlateau Validate",
    "ann.training.rate_finder": "find_learning_rate",
    "ann.training.schedules": "SCHEDULES",
    "ann.training.trainer": "Hook Trainer",
}


def __getattr__(name: str) -> Any:
    for module, names in _PLACES.items():
        if name in names.split():
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'ann' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
