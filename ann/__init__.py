"""Networks of artificial units in NumPy: a calculus to read, a plan to run, estimators to use."""

from __future__ import annotations

from ann.activations import ACTIVATIONS, Activation, Foreign
from ann.augment import Distort
from ann.check import check_gradients
from ann.checkpoints import Checkpoint
from ann.dense import DenseEstimator
from ann.diagnosis import diagnose
from ann.drawing import draw_graph
from ann.errors import AnnError
from ann.estimators import DeepNetwork, LogisticRegression, ShallowNetwork
from ann.exchange import export_onnx, from_pytorch, from_scikit_learn
from ann.graph import OPERATIONS, Variable, gradient, hessian_vector_product
from ann.hooks import EarlyStopping, Hook, KeepBest, Progress, ReduceOnPlateau, Validate
from ann.initialisation import initial_weights
from ann.losses import LOSSES, Loss, OwnLoss
from ann.network import Layer, Network
from ann.optimisers import OPTIMISERS, SGD, Adam, AdamW, Momentum, Nesterov, RMSProp
from ann.plan import Plan
from ann.rate_finder import find_learning_rate
from ann.schedules import SCHEDULES
from ann.storage import load, save
from ann.training import Trainer

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
