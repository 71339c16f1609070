"""Artificial units: mean firing rate as a function of current, one dataclass a family.

Each serves as an activation too: it has a `name`, a `value` and a `gradient`.
"""

from __future__ import annotations

from bridge.units.base import Parameter, Unit
from bridge.units.lif import LIFRate
from bridge.units.logistic import Logistic
from bridge.units.naka_rushton import NakaRushton
from bridge.units.noisy_lif import NoisyLIF
from bridge.units.relu import ReLU
from bridge.units.softplus import Softplus
from bridge.units.square_root import SquareRoot

__all__ = [
    "FAMILIES",
    "LIFRate",
    "Logistic",
    "NakaRushton",
    "NoisyLIF",
    "Parameter",
    "ReLU",
    "Softplus",
    "SquareRoot",
    "Unit",
]

FAMILIES: tuple[type[Unit], ...] = (
    Logistic,
    Softplus,
    ReLU,
    SquareRoot,
    NakaRushton,
    LIFRate,
    NoisyLIF,
)
"""Every family, the sigmoid first."""
