"""From neurons to artificial units, and from trained networks to neurons.

Names are loaded when first used: the units alone, which may serve as activations of a network, do
not bring the simulator with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.certificate.certificate import Certificate
    from bridge.certificate.certify import certify
    from bridge.choice.select_unit import select
    from bridge.choice.selection import Selection
    from bridge.conversion.convert import convert
    from bridge.counts.curve import FICurve, merge
    from bridge.equivalent.equivalent_unit import EquivalentUnit, equivalent_unit
    from bridge.mapping.calibration import calibrate
    from bridge.mapping.measured_unit import MeasuredUnit
    from bridge.mapping.normalisation import Normalisation
    from bridge.nir.exchange import read_nir, write_nir
    from bridge.spiking.codes import LatencyCode
    from bridge.spiking.energy import Cost, cost
    from bridge.spiking.integrator import Integrator, ResettingIntegrator, SubtractingLIF
    from bridge.spiking.readout import CountReadout
    from bridge.spiking.spiking_network import SpikingNetwork, SpikingRun
    from bridge.spiking.synapse import Synapse
    from bridge.stimulate.fi_curve import fi_curve
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
    "Certificate": "bridge.certificate.certificate",
    "Cost": "bridge.spiking.energy",
    "Integrator": "bridge.spiking.integrator",
    "LatencyCode": "bridge.spiking.codes",
    "MeasuredUnit": "bridge.mapping.measured_unit",
    "Normalisation": "bridge.mapping.normalisation",
    "ResettingIntegrator": "bridge.spiking.integrator",
    "SubtractingLIF": "bridge.spiking.integrator",
    "EquivalentUnit": "bridge.equivalent.equivalent_unit",
    "equivalent_unit": "bridge.equivalent.equivalent_unit",
    "Synapse": "bridge.spiking.synapse",
    "certify": "bridge.certificate.certify",
    "cost": "bridge.spiking.energy",
    "read_nir": "bridge.nir.exchange",
    "write_nir": "bridge.nir.exchange",
    "CountReadout": "bridge.spiking.readout",
    "FICurve": "bridge.counts.curve",
    "Selection": "bridge.choice.selection",
    "SpikingNetwork": "bridge.spiking.spiking_network",
    "SpikingRun": "bridge.spiking.spiking_network",
    "calibrate": "bridge.mapping.calibration",
    "convert": "bridge.conversion.convert",
    "fi_curve": "bridge.stimulate.fi_curve",
    "merge": "bridge.counts.curve",
    "select": "bridge.choice.select_unit",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'bridge' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__
