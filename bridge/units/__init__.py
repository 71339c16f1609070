"""Artificial units: mean firing rate as a function of current, one dataclass a family.

Each serves as an activation too: it has a `name`, a `value` and a `gradient`.
"""

from __future__ import annotations

from bridge.units.base import Unit
from bridge.units.block import Block
from bridge.units.lif import LIFRate
from bridge.units.logistic import Logistic
from bridge.units.naka_rushton import NakaRushton
from bridge.units.noisy_lif import NoisyLIF
from bridge.units.rate_function import Parameter
from bridge.units.relu import ReLU
from bridge.units.softplus import Softplus
from bridge.units.square_root import SquareRoot
from bridge.units.type_two import TypeTwo

__all__ = [
    "EVERY_FAMILY",
    "FAMILIES",
    "Block",
    "LIFRate",
    "Logistic",
    "NakaRushton",
    "NoisyLIF",
    "Parameter",
    "ReLU",
    "Softplus",
    "SquareRoot",
    "TypeTwo",
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
    TypeTwo,
    Block,
)
"""The families that every choice of a unit tries, the sigmoid first.

Seven begin at zero and never fall; the type-two unit begins with a jump, and the block unit
collapses in depolarisation block.
"""

EVERY_FAMILY = FAMILIES
"""An older name of `FAMILIES`."""
