r"""Converted networks as files of the Neuromorphic Intermediate Representation (NIR), and back.

NIR (Pedersen et al. 2024, Nat Commun 15:8122) is a graph of equations in continuous time, without
units. A neuron with a threshold of -55 mV can be written in it in two ways:

- ``form="millivolt"``: SI numbers as they are; -55 mV is -0.055;
- ``form="normalised"``: v' = (v - E_L) / (V_th - E_L), so that rest is 0 and threshold 1, which
  more readers understand.

Either way a ledger in the metadata of the graph says which unit every number has, how to come back
to volts, and keeps the numbers themselves, so that reading gives back exactly what was written. A
spike is a Dirac impulse in NIR: a synapse carries a charge.

What NIR has no words for (noise, a refractory period) is refused, unless it is named in `drop`:
then it stays in the ledger, and other readers run something else. Conductances, resets by
subtraction and other neurons than the LIF are always refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Mohm, Quantity, ms, mV, ohm, pA, second, volt

from ann.activations import resolve
from bridge.calibration import Calibration
from bridge.curve import FICurve
from bridge.errors import BridgeError
from bridge.expand import Copies, Expanded, Half
from bridge.spiking import SpikingLayer, SpikingNetwork
from bridge.synapse import Synapse
from neurosim import LIF, FeedForward, WhiteNoise
from neurosim.errors import ExtraMissingError
from neurosim.quantities import check_quantity

__all__ = ["NirError", "NirNetwork", "read_nir", "write_nir"]

_FORMS = ("millivolt", "normalised")
_DROPPABLE = ("noise", "refractory")
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
_NEURON = ("E_L", "V_th", "V_reset", "tau_m", "R_m", "t_ref")


class NirError(BridgeError, ValueError):
    """NIR cannot say this, or a file says something that has no counterpart here."""


def _nir() -> Any:
    try:
        import nir
    except ImportError as error:
        raise ExtraMissingError.needed_for("NIR files", "nir") from error
    return nir


def write_nir(
    network: SpikingNetwork,
    path: str | Path,
    *,
    form: str = "millivolt",
    drop: tuple[str, ...] = (),
) -> Path:
    """Write a converted network as a NIR file.

    Parameters
    ----------
    network : SpikingNetwork
        On LIF neurons with current synapses.
    path : path
        File to write; it appears only when whole.
    form : {"millivolt", "normalised"}
        Numbers of the file.
    drop : tuple of {"noise", "refractory"}
        What other readers may lose.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    NirError
        The network holds something that NIR cannot say; the message says what would do.
    ExtraMissingError
        The package ``nir`` is not installed.
    """
    nir = _nir()
    _check_sayable(network, form, drop)
    ledger = _ledger(network, form, drop)
    neuron = network.neuron
    assert isinstance(neuron, LIF)
    span = float((neuron.V_th - neuron.E_L) / volt)
    rest = float(neuron.E_L / volt)
    resistance = float(neuron.R_m / ohm)
    plain = form == "normalised"
    # Volt, and ampere, that are 1 in the file.
    unit_volt, offset = (span, rest) if plain else (1.0, 0.0)
    unit_ampere = span / resistance if plain else 1.0
    nodes: dict[str, Any] = {}
    chain = ["input"]
    nodes["input"] = nir.Input(np.array([network.expanded.sizes[0]]))
    for k, layer in enumerate(network.layers):
        one = np.ones(layer.units)
        weights = 1e-12 * layer.weights_pA.T / unit_ampere
        if k:
            weights = weights * float(network.tau_syn / second)
        nodes[f"weights_{k + 1}"] = nir.Affine(weights, 1e-12 * layer.holding_pA / unit_ampere)
        volts = {
            "v_leak": one * (rest - offset) / unit_volt,
            "v_threshold": one * (float(neuron.V_th / volt) - offset) / unit_volt,
            "v_reset": one * (float(neuron.V_reset / volt) - offset) / unit_volt,
            "r": one * (1.0 if plain else resistance),
        }
        tau = one * float(neuron.tau_m / second)
        nodes[f"neurons_{k + 1}"] = (
            nir.CubaLIF(tau_syn=one * float(network.tau_syn / second), tau_mem=tau, **volts)
            if k
            else nir.LIF(tau=tau, **volts)
        )
        chain += [f"weights_{k + 1}", f"neurons_{k + 1}"]
    last = network.layers[-1].calibration
    nodes["readout"] = nir.Affine(
        (last.slope_s[:, None] * network.output_weights).T,
        network.output_bias + last.offset @ network.output_weights,
    )
    nodes["output"] = nir.Output(np.array([network.expanded.sizes[-1]]))
    chain += ["readout", "output"]
    graph = nir.NIRGraph(nodes, list(pairwise(chain)), metadata=ledger)
    path = Path(path)
    part = path.with_name(path.name + ".part")
    nir.write(part, graph)
    part.replace(path)
    return path


def _check_sayable(network: SpikingNetwork, form: str, drop: tuple[str, ...]) -> None:
    if form not in _FORMS:
        raise NirError(f"form must be one of {', '.join(_FORMS)}; got {form!r}")
    for name in drop:
        if name not in _DROPPABLE:
            raise NirError(f"only {' and '.join(_DROPPABLE)} can be dropped; got {name!r}")
    neuron = network.neuron
    if type(neuron) is not LIF:
        raise NirError(
            f"NIR cannot say {type(neuron).__name__}: its neurons are LIF neurons reset to a "
            "potential; convert onto LIF()"
        )
    if network.synapse.conductance:
        raise NirError("NIR has no conductance synapses; convert with synapse='current'")
    if float(network.delay) > 0:
        raise NirError("delays are not written; convert with delay=0*ms")
    if not isinstance(network.background, WhiteNoise):
        raise NirError(
            f"NIR cannot say the background {network.background!r}; convert with noise=0*mV"
        )
    if float(network.background.intensity) > 0 and "noise" not in drop:
        raise NirError(
            "NIR has no noise, and these neurons have it; convert with noise=0*mV, or write "
            "drop=('noise',) and let other readers run without"
        )
    if float(neuron.t_ref) > 0 and "refractory" not in drop:
        raise NirError(
            f"NIR has no refractory period, and this neuron has {neuron.t_ref}; convert onto "
            "LIF(t_ref=0*ms), or write drop=('refractory',) and let other readers run without"
        )


def _ledger(network: SpikingNetwork, form: str, drop: tuple[str, ...]) -> dict[str, Any]:
    """Return everything that reading back needs, as strings and arrays."""
    neuron, background = network.neuron, network.background
    assert isinstance(neuron, LIF)
    assert isinstance(background, WhiteNoise)
    expanded, curve = network.expanded, network.curve
    ledger: dict[str, Any] = {
        "neurosim": json.dumps(
            {
                "form": form,
                "units": _UNITS[form],
                "dropped": list(drop),
                "functions": [
                    [[_function_name(f), [place.start, place.stop]] for f, place in runs]
                    for runs in expanded.functions
                ],
                "curve source": curve.source,
                "classes": None
                if network.classes is None
                else np.asarray(network.classes).tolist(),
            }
        ),
        "si": np.array([float(getattr(neuron, name)) for name in _NEURON]),
        "noise": float(background.intensity),
        "timing": np.array([float(network.tau_syn), float(network.dt)]),
        "curve": np.stack([curve.current_pA, curve.count, curve.window_s, curve.trial]),
    }
    for k, layer in enumerate(network.layers):
        calibration, copies = layer.calibration, expanded.copies[k]
        ledger[f"layer{k}"] = {
            "weights_pA": layer.weights_pA,
            "holding_pA": layer.holding_pA,
            "calibration": np.stack([getattr(calibration, name) for name in _CALIBRATION]),
            "decision_ms": float(calibration.decision_ms),
            "copies": np.stack([copies.unit, copies.share]),
            "units": int(copies.units),
        }
    for k, (weights, bias) in enumerate(zip(expanded.weights, expanded.biases, strict=True)):
        ledger[f"trained{k}"] = {"weights": weights, "bias": bias}
    return ledger


_CALIBRATION = ("holding_pA", "gain_pA", "offset", "slope_s", "bias", "count_noise")


def _function_name(function: Any) -> Any:
    if isinstance(function, Half):
        return {"half": function.sign, "of": function.function.to_dict()}
    try:
        return function.to_dict()
    except Exception:
        raise NirError(
            f"the activation {function.name!r} is an object of your own and cannot be written down"
        ) from None


def _function(name: Any) -> Any:
    if "half" in name:
        return Half(resolve(name["of"]), int(name["half"]))
    return resolve(name)


@dataclass(frozen=True, eq=False)
class NirNetwork:
    """What a NIR file holds, in the terms of neurosim.

    Attributes
    ----------
    neuron : LIF
    wiring : FeedForward
        Synapses between its layers of neurons.
    input_weights_pA : ndarray, shape (n_inputs, n_units)
        Current of the first layer for each unit of input.
    holding_pA : ndarray, shape (n_neurons,)
        Constant current of every neuron.
    output_weights_s, output_bias : ndarray
        Output layer, applied to rates in hertz.
    network : SpikingNetwork or None
        The whole network, for files written here.
    """

    neuron: LIF
    wiring: FeedForward
    input_weights_pA: np.ndarray
    holding_pA: np.ndarray
    output_weights_s: np.ndarray
    output_bias: np.ndarray
    network: SpikingNetwork | None


def read_nir(path: str | Path, *, volt_per_unit: Quantity = 15 * mV) -> NirNetwork:
    """Read a NIR file: a chain of weights and LIF neurons.

    Parameters
    ----------
    path : path
        The file.
    volt_per_unit : Quantity
        For files without a ledger, whose numbers have no unit: the volts from leak to threshold
        potential. The neuron then rests at -70 mV, with 100 megaohm.

    Returns
    -------
    NirNetwork

    Raises
    ------
    NirError
        The graph is no such chain, its neurons differ, or ledger and graph disagree.
    ExtraMissingError
        The package ``nir`` is not installed.
    """
    graph = _nir().read(str(path))
    chain = _chain(graph)
    ledger = dict(graph.metadata or {})
    if "neurosim" in ledger:
        return _own(chain, ledger)
    return _foreign(chain, volt_per_unit)


def _text(value: Any) -> str:
    return value.decode("utf8") if isinstance(value, bytes) else str(value)


def _chain(graph: Any) -> list[tuple[str, Any]]:
    """Return the nodes in the order in which signals pass through them."""
    after: dict[str, str] = {}
    for source, target in graph.edges:
        if source in after:
            raise NirError(
                f"node {source!r} leads to both {after[source]!r} and {target!r}; only chains of "
                "layers can be read"
            )
        after[source] = target
    starts = [name for name, node in graph.nodes.items() if type(node).__name__ == "Input"]
    if len(starts) != 1:
        raise NirError(f"a chain has one Input; this graph has {len(starts)}")
    names = [starts[0]]
    while names[-1] in after:
        names.append(after[names[-1]])
        if len(names) > len(graph.nodes):
            raise NirError("the graph runs in a circle; recurrent networks cannot be read")
    if len(names) != len(graph.nodes):
        left = sorted(set(graph.nodes) - set(names))
        raise NirError(f"nodes {', '.join(left)} are not part of the chain from the Input")
    known = {"Input", "Output", "Affine", "Linear", "LIF", "CubaLIF"}
    for name in names:
        kind = type(graph.nodes[name]).__name__
        if kind not in known:
            raise NirError(f"node {name!r} is a {kind}; {', '.join(sorted(known))} can be read")
    return [(name, graph.nodes[name]) for name in names]


def _same(name: str, values: Any) -> float:
    values = np.unique(np.asarray(values, dtype=float))
    if len(values) != 1:
        raise NirError(
            f"{name} differs between neurons ({values[0]:g} to {values[-1]:g}); all neurons of a "
            "network are alike here"
        )
    return float(values[0])


def _foreign(chain: list[tuple[str, Any]], volt_per_unit: Quantity) -> NirNetwork:
    """Return the network of a file without units."""
    step = float(check_quantity(volt_per_unit, 15 * mV, "read_nir: volt_per_unit", above=0 * mV))
    cells = [node for _, node in chain if hasattr(node, "v_threshold")]
    if not cells:
        raise NirError("the graph has no spiking neurons")
    weights: list[np.ndarray] = []
    biases: list[np.ndarray] = []
    pending: tuple[np.ndarray, np.ndarray] | None = None
    for name, node in chain:
        kind = type(node).__name__
        if kind in ("Affine", "Linear"):
            if pending is not None:
                raise NirError(f"node {name!r} follows another layer of weights without neurons")
            matrix = np.asarray(node.weight, dtype=float).T
            pending = (matrix, np.asarray(getattr(node, "bias", np.zeros(matrix.shape[1]))))
        elif kind in ("LIF", "CubaLIF"):
            if pending is None:
                eye = np.eye(len(np.atleast_1d(node.v_threshold)))
                pending = (eye, np.zeros(len(eye)))
            w_in = getattr(node, "w_in", 1.0)
            weights.append(pending[0] * w_in)
            biases.append(pending[1] * w_in)
            pending = None
    taus = [cell.tau if hasattr(cell, "tau") else cell.tau_mem for cell in cells]
    tau_m = _same("tau", np.concatenate([np.ravel(tau) for tau in taus]))
    leak = _same("v_leak", np.concatenate([np.ravel(c.v_leak) for c in cells]))
    threshold = _same("v_threshold", np.concatenate([np.ravel(c.v_threshold) for c in cells]))
    reset = _same("v_reset", np.concatenate([np.ravel(c.v_reset) for c in cells]))
    resistance = _same("r", np.concatenate([np.ravel(c.r) for c in cells]))
    if threshold <= leak or reset >= threshold:
        raise NirError(
            f"v_reset ({reset:g}) and v_leak ({leak:g}) must lie below v_threshold ({threshold:g})"
        )
    if type(cells[0]).__name__ == "CubaLIF" or any(
        type(cell).__name__ == "LIF" for cell in cells[1:]
    ):
        raise NirError(
            "the first neurons must be LIF (their input is a current), the others CubaLIF (theirs "
            "are spikes)"
        )
    volts = step / (threshold - leak)
    neuron = LIF(
        E_L=-70 * mV,
        V_th=-70 * mV + step * volt,
        V_reset=-70 * mV + (reset - leak) * volts * volt,
        tau_m=tau_m * second,
        R_m=100 * Mohm,
        t_ref=0 * ms,
    )
    # r I of the file, in its units of voltage, is R_m I here.
    picoampere = 1e12 * resistance * volts / 1e8
    tau_syn = _same("tau_syn", [np.ravel(c.tau_syn)[0] for c in cells[1:]]) if cells[1:] else 5e-3
    synapses = tuple(w * picoampere / tau_syn * pA for w in weights[1:])
    units = weights[0].shape[1]
    out = pending or (np.eye(weights[-1].shape[1]), np.zeros(weights[-1].shape[1]))
    wiring = (
        FeedForward(weights=synapses, tau_syn=tau_syn * second)
        if synapses
        else FeedForward(width=units, tau_syn=tau_syn * second)
    )
    return NirNetwork(
        neuron=neuron,
        wiring=wiring,
        input_weights_pA=weights[0] * picoampere,
        holding_pA=np.concatenate(biases) * picoampere,
        output_weights_s=out[0],
        output_bias=out[1],
        network=None,
    )


def _own(chain: list[tuple[str, Any]], ledger: dict[str, Any]) -> NirNetwork:
    """Return the network of a file written by `write_nir`, from its ledger."""
    said = json.loads(_text(ledger["neurosim"]))
    units = (volt, volt, volt, second, ohm, second)
    values = dict(zip(_NEURON, np.asarray(ledger["si"], dtype=float), strict=True))
    neuron = LIF(**{n: values[n] * unit for n, unit in zip(_NEURON, units, strict=True)})
    tau_syn, dt = (float(x) for x in ledger["timing"])
    layers: list[SpikingLayer] = []
    copies: list[Copies] = []
    while (key := f"layer{len(layers)}") in ledger:
        part = ledger[key]
        calibration = Calibration(
            **dict(zip(_CALIBRATION, np.asarray(part["calibration"]), strict=True)),
            decision_ms=float(part["decision_ms"]),
        )
        layers.append(
            SpikingLayer(
                np.asarray(part["weights_pA"]), np.asarray(part["holding_pA"]), calibration
            )
        )
        unit, share = np.asarray(part["copies"])
        copies.append(Copies(unit.astype(int), share, int(part["units"])))
    trained = [ledger[f"trained{k}"] for k in range(len(layers) + 1)]
    expanded = Expanded(
        tuple(np.asarray(part["weights"]) for part in trained),
        tuple(np.asarray(part["bias"]) for part in trained),
        tuple(copies),
        tuple(
            tuple((_function(name), slice(*place)) for name, place in runs)
            for runs in said["functions"]
        ),
    )
    current, count, window, trial = np.asarray(ledger["curve"])
    network = SpikingNetwork(
        neuron=neuron,
        background=WhiteNoise(intensity=float(ledger["noise"]) * (1 * second) ** 0.5 * 1e12 * pA),
        layers=tuple(layers),
        output_weights=expanded.weights[-1],
        output_bias=expanded.biases[-1],
        classes=None if said["classes"] is None else np.array(said["classes"]),
        tau_syn=tau_syn * second,
        dt=dt * second,
        curve=FICurve(current, count, window, trial, said["curve source"]),
        expanded=expanded,
        synapse=Synapse(),
        delay=0 * ms,
    )
    _check_agrees(chain, network, said["form"])
    last = layers[-1].calibration
    return NirNetwork(
        neuron=neuron,
        wiring=network.wiring,
        input_weights_pA=layers[0].weights_pA,
        holding_pA=np.concatenate([layer.holding_pA for layer in layers]),
        output_weights_s=last.slope_s[:, None] * network.output_weights,
        output_bias=network.output_bias + last.offset @ network.output_weights,
        network=network,
    )


def _check_agrees(chain: list[tuple[str, Any]], network: SpikingNetwork, form: str) -> None:
    """Refuse a file whose graph was changed after its ledger was written."""
    affine = [node for _, node in chain if type(node).__name__ == "Affine"]
    neuron = network.neuron
    assert isinstance(neuron, LIF)
    ampere = float((neuron.V_th - neuron.E_L) / neuron.R_m) if form == "normalised" else 1.0
    for k, (node, layer) in enumerate(zip(affine, network.layers, strict=False)):
        charge = float(network.tau_syn) if k else 1.0
        wanted = 1e-12 * layer.weights_pA.T * charge / ampere
        if not np.allclose(np.asarray(node.weight), wanted, rtol=1e-9, atol=0):
            raise NirError(
                f"the weights of layer {k + 1} are not those in the ledger: the graph was changed "
                "after it was written; delete its metadata to read the graph alone"
            )
