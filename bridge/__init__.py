"""From neurons to artificial units, and from trained networks to neurons.

Names are loaded when first used: the units alone, which may serve as activations of a network, do
not bring the simulator with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.calibration import Normalisation, calibrate
    from bridge.certificate import Certificate, certify
    from bridge.choose import select
    from bridge.codes import LatencyCode
    from bridge.conversion import convert
    from bridge.curve import FICurve, merge
    from bridge.energy import Cost, cost
    from bridge.equivalent import EquivalentUnit, equivalent_unit
    from bridge.integrator import Integrator, ResettingIntegrator, SubtractingLIF
    from bridge.measure import fi_curve
    from bridge.measured import MeasuredUnit
    from bridge.nir import read_nir, write_nir
    from bridge.readout import CountReadout
    from bridge.selection import Selection
    from bridge.spiking import SpikingNetwork, SpikingRun
    from bridge.synapse import Synapse
    from bridge.units import (
        EVERY_FAMILY,
        Block,
        LIFRate,
        Logistic,
        NakaRushton,
        NoisyLIF,
        ReLU,
        Softplus,
        SquareRoot,
        TypeTwo,
        Unit,
    )

__all__ = [
    "EVERY_FAMILY",
    "Block",
    "Certificate",
    "Cost",
    "CountReadout",
    "EquivalentUnit",
    "FICurve",
    "Integrator",
    "LIFRate",
    "LatencyCode",
    "Logistic",
    "MeasuredUnit",
    "NakaRushton",
    "NoisyLIF",
    "Normalisation",
    "ReLU",
    "ResettingIntegrator",
    "Selection",
    "Softplus",
    "SpikingNetwork",
    "SpikingRun",
    "SquareRoot",
    "SubtractingLIF",
    "Synapse",
    "TypeTwo",
    "Unit",
    "calibrate",
    "certify",
    "convert",
    "cost",
    "equivalent_unit",
    "fi_curve",
    "merge",
    "read_nir",
    "select",
    "write_nir",
]

_PLACES = {
    **dict.fromkeys(
        [
            "EVERY_FAMILY",
            "Block",
            "TypeTwo",
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
    "Certificate": "bridge.certificate",
    "Cost": "bridge.energy",
    "Integrator": "bridge.integrator",
    "LatencyCode": "bridge.codes",
    "MeasuredUnit": "bridge.measured",
    "Normalisation": "bridge.calibration",
    "ResettingIntegrator": "bridge.integrator",
    "SubtractingLIF": "bridge.integrator",
    "EquivalentUnit": "bridge.equivalent",
    "equivalent_unit": "bridge.equivalent",
    "Synapse": "bridge.synapse",
    "certify": "bridge.certificate",
    "cost": "bridge.energy",
    "read_nir": "bridge.nir",
    "write_nir": "bridge.nir",
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
