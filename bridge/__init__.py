"""From neurons to artificial units, and from trained networks to neurons.

Names are loaded when first used: the units alone, which may serve as activations of a network, do
not bring the simulator with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # For type checkers and editors: all that each module offers; `_OFFERED` is the choice of it.
    # ruff: noqa: F403
    from bridge.certificate.certificate import *
    from bridge.certificate.certify import *
    from bridge.choice.select_unit import *
    from bridge.choice.selection import *
    from bridge.conversion.convert import *
    from bridge.counts.curve import *
    from bridge.equivalent.equivalent_unit import *
    from bridge.equivalent.find_unit import *
    from bridge.mapping.calibration import *
    from bridge.mapping.measured_unit import *
    from bridge.mapping.normalisation import *
    from bridge.nir.nir_files import *
    from bridge.spiking.codes import *
    from bridge.spiking.energy import *
    from bridge.spiking.integrator import *
    from bridge.spiking.readout import *
    from bridge.spiking.spiking_network import *
    from bridge.spiking.synapse import *
    from bridge.stimulate.fi_curve import *
    from bridge.units import *

_OFFERED = {
    "certificate.certificate": "Certificate",
    "certificate.certify": "certify",
    "choice.select_unit": "select",
    "choice.selection": "Selection",
    "conversion.convert": "convert",
    "counts.curve": "FICurve merge",
    "equivalent.equivalent_unit": "EquivalentUnit",
    "equivalent.find_unit": "equivalent_unit",
    "mapping.calibration": "calibrate",
    "mapping.measured_unit": "MeasuredUnit",
    "mapping.normalisation": "Normalisation",
    "nir.nir_files": "read_nir write_nir",
    "spiking.codes": "LatencyCode",
    "spiking.energy": "Cost cost",
    "spiking.integrator": "Integrator ResettingIntegrator SubtractingLIF",
    "spiking.readout": "CountReadout",
    "spiking.spiking_network": "SpikingNetwork SpikingRun",
    "spiking.synapse": "Synapse",
    "stimulate.fi_curve": "fi_curve",
    "units": "EVERY_FAMILY Block LIFRate Logistic NakaRushton NoisyLIF ReLU Softplus SquareRoot "
    "TypeTwo Unit",
}
_PLACES = {name: module for module, names in _OFFERED.items() for name in names.split()}
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'bridge' has no attribute {name!r}")
    return getattr(import_module(f"bridge.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
