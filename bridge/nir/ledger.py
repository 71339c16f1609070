"""The ledger of a NIR file: the numbers of a converted network themselves, and a checksum."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from brian2.units import ms, ohm, pA, second, volt

from ann.errors import AnnError
from ann.network.activations import resolve
from bridge.counts.curve import FICurve
from bridge.counts.spike_timing import SpikeTiming
from bridge.mapping.calibration import PER_UNIT, Calibration
from bridge.mapping.input_range import InputRange
from bridge.mapping.unit_splitting import Copies, Half, SplitNetwork
from bridge.nir.nir_graph import NirError
from bridge.slow_state.outrun import Outrun
from bridge.spiking.answers import Answers
from bridge.spiking.spiking_network import SpikingLayer, SpikingNetwork
from bridge.spiking.synapse import Synapse
from neurosim import LIF, WhiteNoise

__all__ = ["has_ledger", "network_of", "write_ledger"]

_WORDS = "neurosim"
_SUM = "sha256"
_UNITS = {
    "millivolt": {
        "v": "volt", "tau": "second", "r": "ohm", "first weight": "ampere per unit of input",
        "weight": "coulomb", "bias": "ampere", "output weight": "second", "output bias": "1",
    },
    "normalised": {
        "v": "(v - E_L)/(V_th - E_L)", "tau": "second", "r": "1",
        "first weight": "1 per unit of input", "weight": "second", "bias": "1",
        "output weight": "second", "output bias": "1",
    },
}  # fmt: skip
_CURVE = ("source", "neuron", "background")
_NEURON = {"E_L": volt, "V_th": volt, "V_reset": volt, "tau_m": second, "R_m": ohm, "t_ref": second}


def write_ledger(network: SpikingNetwork, form: str, drop: tuple[str, ...]) -> dict[str, Any]:
    """Return everything that reading back needs, as strings and arrays."""
    neuron, background = network.neuron, network.background
    assert isinstance(neuron, LIF)
    assert isinstance(background, WhiteNoise)
    split, curve, answers = network.split, network.curve, network.answers
    names, seen = network.feature_names, network.seen
    ledger: dict[str, Any] = {
        _WORDS: json.dumps(
            {
                "form": form,
                "units": _UNITS[form],
                "dropped": list(drop),
                "functions": [
                    [[_activation_dict(f), [place.start, place.stop]] for f, place in runs]
                    for runs in split.functions
                ],
                "curve": {name: getattr(curve, name) for name in _CURVE},
                "classes": _class_names(network.classes),
                "answers": {**vars(answers), "link": _activation_dict(answers.link)},
                "feature names": None if names is None else list(names),
                "spike timing": None if curve.timing is None else curve.timing.to_dict(),
                "inputs": None if seen is None else _range_dict(seen),
                "outruns": [_outrun_dict(one) for one in network.outruns],
            }
        ),
        "si": np.array([float(getattr(neuron, name)) for name in _NEURON]),
        "noise": float(background.intensity),
        "timing": np.array([float(network.tau_syn), float(network.dt)]),
        "curve": np.stack([curve.current_pA, curve.count, curve.window_s, curve.trial]),
    }
    for k, (layer, copies) in enumerate(zip(network.layers, split.copies, strict=True)):
        ledger[f"layer{k}"] = {
            "weights_pA": layer.weights_pA,
            "holding_pA": layer.holding_pA,
            "calibration": np.stack([getattr(layer.calibration, name) for name in PER_UNIT]),
            "decision_ms": float(layer.calibration.decision_ms),
            "copies": np.stack([copies.unit, copies.share]),
            "units": int(copies.units),
        }
    for k, (weights, bias) in enumerate(zip(split.weights, split.biases, strict=True)):
        ledger[f"trained{k}"] = {"weights": weights, "bias": bias}
    ledger[_SUM] = _digest(ledger, len(network.layers))
    return ledger


def _outrun_dict(one: Outrun) -> dict[str, Any]:
    # JSON has no word for never.
    return {name: x if np.isfinite(x) else None for name, x in vars(one).items()}


def _outrun(said: dict[str, Any]) -> Outrun:
    told: dict[str, Any] = {name: np.inf if x is None else x for name, x in said.items()}
    return Outrun(**told)


def _range_dict(seen: InputRange) -> dict[str, Any]:
    return {"low": seen.low.tolist(), "high": seen.high.tolist(), "size": float(seen.size)}


def _range(said: dict[str, Any] | None) -> InputRange | None:
    if said is None:
        return None
    return InputRange(np.array(said["low"]), np.array(said["high"]), float(said["size"]))


def _parts(hidden: int) -> list[str]:
    """Return the entries of a ledger, those that other tools may add left out."""
    layers = [f"layer{k}" for k in range(hidden)]
    return [_WORDS, "si", "noise", "timing", "curve", *layers] + [
        f"trained{k}" for k in range(hidden + 1)
    ]


def _digest(ledger: dict[str, Any], hidden: int) -> str:
    """Return a checksum of the names, types, shapes and bytes of all entries.

    The byte order of the machine does not matter.
    """
    total = hashlib.sha256()

    def add(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key in sorted(value):
                add(f"{name}/{key}", value[key])
            return
        if isinstance(value, str | bytes):
            kind, content = "text", _text(value).encode()
        else:
            array = np.asarray(value)
            array = array.astype(array.dtype.newbyteorder("<"))
            kind, content = f"{array.dtype.str} {array.shape}", array.tobytes()
        total.update(f"{name}\0{kind}\0{len(content)}\0".encode() + content)

    for key in _parts(hidden):
        add(key, ledger[key])
    return total.hexdigest()


def _text(value: Any) -> str:
    return value.decode("utf8") if isinstance(value, bytes) else str(value)


def _class_names(classes: np.ndarray | None) -> list[Any] | None:
    if classes is None:
        return None
    names = np.asarray(classes).tolist()
    if not all(isinstance(name, str | bool | int | float) for name in names):
        raise NirError(
            f"classes of type {np.asarray(classes).dtype} cannot be written down; use text or "
            "whole numbers"
        )
    return list(names)


def _activation_dict(function: Any) -> Any:
    if function is None:
        return None
    try:
        if isinstance(function, Half):
            return {"half": function.sign, "of": function.function.to_dict()}
        return function.to_dict()
    except (AnnError, AttributeError):
        raise NirError(
            f"the activation {function.name!r} is an object of your own and cannot be written down"
        ) from None


def _activation(said: Any) -> Any:
    if said is None:
        return None
    return Half(resolve(said["of"]), int(said["half"])) if "half" in said else resolve(said)


def has_ledger(metadata: dict[str, Any]) -> bool:
    """Whether a graph was written here, even if parts of its ledger are lost since."""
    return any(name in metadata for name in (_WORDS, _SUM, "layer0", "trained0"))


def network_of(ledger: dict[str, Any]) -> tuple[SpikingNetwork, str]:
    """Return the network that a ledger describes, and the form of the graph beside it.

    Raises
    ------
    NirError
        Parts of the ledger are missing, or it is not as it was written.
    """
    remedy = "write the network again, or delete the metadata of the graph to read the graph alone"
    try:
        said = json.loads(_text(ledger[_WORDS]))
        hidden = len(said["functions"])
    except (ValueError, KeyError, TypeError) as error:
        raise NirError(f"its ledger cannot be read ({error!r}); {remedy}") from None
    missing = [name for name in (*_parts(hidden), _SUM) if name not in ledger]
    if missing:
        raise NirError(
            f"its ledger lacks {', '.join(missing)} (it was changed, or an earlier version wrote "
            f"it); {remedy}"
        )
    if _text(ledger[_SUM]) != _digest(ledger, hidden):
        raise NirError(
            "its ledger was changed after it was written, or an earlier version wrote it (the "
            f"checksum does not match); {remedy}"
        )
    return _network(ledger, said, hidden), said["form"]


def _network(ledger: dict[str, Any], said: dict[str, Any], hidden: int) -> SpikingNetwork:
    values = zip(_NEURON.items(), ledger["si"], strict=True)
    tau_syn, dt = (float(x) * second for x in ledger["timing"])
    parts = [ledger[f"layer{k}"] for k in range(hidden)]
    trained = [ledger[f"trained{k}"] for k in range(hidden + 1)]
    layers = tuple(
        SpikingLayer(
            part["weights_pA"],
            part["holding_pA"],
            Calibration(
                **dict(zip(PER_UNIT, part["calibration"], strict=True)),
                decision_ms=float(part["decision_ms"]),
            ),
        )
        for part in parts
    )
    split = SplitNetwork(
        weights=tuple(part["weights"] for part in trained),
        biases=tuple(part["bias"] for part in trained),
        copies=tuple(
            Copies(part["copies"][0].astype(int), part["copies"][1], int(part["units"]))
            for part in parts
        ),
        functions=tuple(
            tuple((_activation(name), slice(*place)) for name, place in runs)
            for runs in said["functions"]
        ),
    )
    current, count, window, trial = ledger["curve"]
    answers, names = said["answers"], said["feature names"]
    timing = said.get("spike timing")
    timing = None if timing is None else SpikeTiming(**timing)
    return SpikingNetwork(
        neuron=LIF(**{name: value * unit for (name, unit), value in values}),
        background=WhiteNoise(intensity=float(ledger["noise"]) * (1 * second) ** 0.5 * 1e12 * pA),
        layers=layers,
        classes=None if said["classes"] is None else np.array(said["classes"]),
        tau_syn=tau_syn,
        dt=dt,
        curve=FICurve(current, count, window, trial, timing=timing, **said["curve"]),
        split=split,
        synapse=Synapse(),
        delay=0 * ms,
        answers=Answers(**{**answers, "link": _activation(answers["link"])}),
        feature_names=None if names is None else tuple(names),
        seen=_range(said.get("inputs")),
        outruns=tuple(_outrun(one) for one in said.get("outruns", ())),
    )
