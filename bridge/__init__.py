"""From neurons to artificial units, and from trained networks to neurons.

Names are loaded when first used: the units alone, which may serve as activations of a network, do
not bring the simulator with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.calibration import calibrate
    from bridge.choose import select
    from bridge.conversion import convert
    from bridge.curve import FICurve, merge
    from bridge.measure import fi_curve
    from bridge.readout import CountReadout
    from bridge.selection import Selection
    from bridge.spiking import SpikingNetwork, SpikingRun
    from bridge.units import (
        LIFRate,
        Logistic,
        NakaRushton,
        NoisyLIF,
        ReLU,
        Softplus,
        SquareRoot,
        Unit,
    )

__all__ = [
    "CountReadout",
    "FICurve",
    "LIFRate",
    "Logistic",
    "NakaRushton",
    "NoisyLIF",
    "ReLU",
    "Selection",
    "Softplus",
    "SpikingNetwork",
    "SpikingRun",
    "SquareRoot",
    "Unit",
    "calibrate",
    "convert",
    "fi_curve",
    "merge",
    "select",
]

_PLACES = {
    **dict.fromkeys(
        [
            "LIFRate",
            "Logistic",
            "NakaRushton",
            "NoisyLIF",
            "ReLU",
            "Softplus",
            "SquareRoot",
            "Unit",
        ],
        "bridge.units",
    ),
    "CountReadout": "bridge.readout",
    "FICurve": "bridge.curve",
    "Selection": "bridge.selection",
    "SpikingNetwork": "bridge.spiking",
    "SpikingRun": "bridge.spiking",
    "calibrate": "bridge.calibration",
    "convert": "bridge.conversion",
    "fi_curve": "bridge.measure",
    "merge": "bridge.curve",
    "select": "bridge.choose",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'bridge' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__
