"""The graph of a NIR file: its nodes for a converted network, written whole, read and checked."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units import ohm, second, volt

from bridge.errors import BridgeError, optional
from neurosim import LIF
from neurosim.atomic_write import whole_path
from neurosim.errors import OutputError

if TYPE_CHECKING:
    from bridge.spiking.spiking_network import SpikingNetwork

__all__ = ["Chain", "NirError", "chain_of", "check_agrees", "nodes_of", "read_graph", "write_graph"]

#: Nodes by name, in the order in which signals pass through them.
Chain = list[tuple[str, Any]]

_READABLE = ("Affine", "CubaLIF", "Input", "LIF", "Linear", "Output")
# What of a node is not one of its numbers.
_SHAPES = ("input_type", "output_type", "metadata")


class NirError(BridgeError, ValueError):
    """NIR cannot say this, or a file says something that has no counterpart here."""


def package() -> Any:
    """Return the package nir, or name the extra that brings it."""
    return optional("nir", "NIR files", "nir")


def nodes_of(network: SpikingNetwork, form: str) -> dict[str, Any]:
    """Return the nodes that say a network, in the order in which signals pass through them.

    Parameters
    ----------
    network : SpikingNetwork
        On LIF neurons with current synapses.
    form : {"millivolt", "normalised"}
        Units of the numbers.
    """
    nir = package()
    neuron = network.neuron
    assert isinstance(neuron, LIF)
    span = float((neuron.V_th - neuron.E_L) / volt)
    rest = float(neuron.E_L / volt)
    resistance = float(neuron.R_m / ohm)
    normalised = form == "normalised"
    # Volt, and ampere, that are 1 in the file.
    unit_volt, offset = (span, rest) if normalised else (1.0, 0.0)
    unit_ampere = span / resistance if normalised else 1.0
    tau_syn = float(network.tau_syn / second)
    nodes: dict[str, Any] = {"input": nir.Input(np.array([network.split.sizes[0]]))}
    for k, layer in enumerate(network.layers):
        one = np.ones(layer.units)
        weights = 1e-12 * layer.weights_pA.T / unit_ampere
        if k:
            weights = weights * tau_syn
        nodes[f"weights_{k + 1}"] = nir.Affine(weights, 1e-12 * layer.holding_pA / unit_ampere)
        own: dict[str, Any] = {"r": one * (1.0 if normalised else resistance)}
        for name, level in (("v_leak", "E_L"), ("v_threshold", "V_th"), ("v_reset", "V_reset")):
            own[name] = one * (float(getattr(neuron, level) / volt) - offset) / unit_volt
        tau = one * float(neuron.tau_m / second)
        nodes[f"neurons_{k + 1}"] = (
            nir.CubaLIF(tau_syn=one * tau_syn, tau_mem=tau, **own) if k else nir.LIF(tau=tau, **own)
        )
    last = network.layers[-1].calibration
    nodes["readout"] = nir.Affine(
        (last.slope_s[:, None] * network.output_weights).T,
        network.output_bias + last.offset @ network.output_weights,
    )
    nodes["output"] = nir.Output(np.array([network.split.sizes[-1]]))
    return nodes


def write_graph(path: Path, nodes: dict[str, Any], ledger: dict[str, Any]) -> None:
    """Write a chain of nodes, whole or not at all.

    Raises
    ------
    NirError
        There is a folder of that name, or the file cannot be written.
    """
    nir = package()
    # Unlike those of Path, these do not fail where a name is too long.
    if os.path.isdir(path):
        raise NirError(f"{path} is a folder; name a file, such as {path / 'network.nir'}")
    if os.path.exists(path) and not os.path.isfile(path):
        raise NirError(f"{path} is not a plain file; name one that may be replaced")
    if not os.path.isdir(path.parent):
        raise NirError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    try:
        with whole_path(path) as part:
            nir.write(part, nir.NIRGraph(nodes, list(pairwise(nodes)), metadata=ledger))
    except OutputError as error:
        raise NirError(f"{error}; name another file") from error


def read_graph(path: Path) -> Any:
    """Return the graph of a file.

    Raises
    ------
    NirError
        There is no such file, it is empty or cut, or it holds no NIR graph.
    """
    nir = package()
    remedy = "name a file that write_nir or nir.write made"
    if os.path.isdir(path):
        raise NirError(f"{path} is a folder; {remedy}")
    if not os.path.isfile(path):
        raise NirError(f"there is no file {path}")
    if path.stat().st_size == 0:
        raise NirError(f"{path} is empty (0 bytes); write it again")
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "node" not in file:
                held = ", ".join(file) or "nothing"
                raise NirError(f"{path} is HDF5, but holds {held} and no NIR graph; {remedy}")
    except NirError:
        raise
    except Exception as error:  # h5py raises whatever HDF5 met
        raise NirError(f"{path} is cut short or no HDF5 file ({error}); {remedy}") from None
    try:
        # Widths are checked by `chain_of`, which names the nodes.
        graph = nir.read(str(path), type_check=False)
    except Exception as error:  # the package raises whatever its parser met
        raise NirError(
            f"{path} holds a damaged NIR graph ({type(error).__name__}: {error}); write it again"
        ) from error
    if not isinstance(graph, nir.NIRGraph):
        raise NirError(f"{path} holds a single {type(graph).__name__}, not a graph")
    return graph


def chain_of(graph: Any) -> Chain:
    """Return the nodes in the order in which signals pass through them.

    Raises
    ------
    NirError
        The graph is no chain, holds a node of another kind, widths that do not fit, or numbers
        that are not finite.
    """
    after: dict[str, str] = {}
    for source, target in graph.edges:
        for name in (source, target):
            if name not in graph.nodes:
                raise NirError(f"an edge names the node {name!r}, which does not exist")
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
    chain = [(name, graph.nodes[name]) for name in names]
    for name, node in chain:
        kind = type(node).__name__
        if kind not in _READABLE:
            raise NirError(f"node {name!r} is a {kind}; {', '.join(_READABLE)} can be read")
        for key, values in _numbers(node).items():
            if values.dtype.kind not in "buif" or not np.all(np.isfinite(values)):
                raise NirError(f"{key} of node {name!r} holds NaN, infinity or no numbers")
    for (before, giving), (name, taking) in pairwise(chain):
        given, taken = _widths(before, giving)[1], _widths(name, taking)[0]
        if given != taken:
            raise NirError(f"node {before!r} gives {given} values, but node {name!r} takes {taken}")
    return chain


def _numbers(node: Any) -> dict[str, np.ndarray]:
    """Return the numbers of a node by name."""
    return {
        name: np.asarray(value)
        for name, value in vars(node).items()
        if name not in _SHAPES and not name.startswith("_")
    }


def _widths(name: str, node: Any) -> tuple[int, int]:
    """Return how many values a node takes and gives."""
    kind = type(node).__name__
    if kind in ("Affine", "Linear"):
        shape = np.shape(node.weight)
        if len(shape) != 2:
            raise NirError(f"weight of node {name!r} has the shape {shape}; it must be a matrix")
        if kind == "Affine" and np.shape(node.bias) != shape[:1]:
            raise NirError(
                f"node {name!r} gives {shape[0]} values, but its bias has the shape "
                f"{np.shape(node.bias)}"
            )
        return shape[1], shape[0]
    if kind in ("LIF", "CubaLIF"):
        shapes = {np.shape(values) for values in _numbers(node).values()}
        if len(shapes) != 1 or len(shape := shapes.pop()) != 1:
            raise NirError(
                f"the numbers of node {name!r} must be flat arrays, all with one value a neuron"
            )
        return shape[0], shape[0]
    shape = node.input_type["input"]
    width = np.ravel(np.asarray(shape))
    if width.dtype.kind not in "iuf" or not np.all(np.isfinite(width) & (width == np.round(width))):
        raise NirError(f"node {name!r} has the shape {tuple(width)}, which is no number of values")
    if len(width) != 1:
        raise NirError(f"node {name!r} has the shape {tuple(width)}; only flat layers can be read")
    return int(width[0]), int(width[0])


def check_agrees(chain: Chain, wanted: dict[str, Any]) -> None:
    """Refuse a graph that is not what its ledger says, node by node and number by number.

    Parameters
    ----------
    chain : Chain
        The nodes of the graph.
    wanted : dict of str to node
        The nodes that say the network of the ledger, in order.

    Raises
    ------
    NirError
        They differ by more than rounding.
    """
    remedy = (
        "the graph was changed after it was written; write the network again, or delete the "
        "metadata of the graph to read the graph alone"
    )
    found = [f"{name} ({type(node).__name__})" for name, node in chain]
    meant = [f"{name} ({type(node).__name__})" for name, node in wanted.items()]
    if found != meant:
        raise NirError(
            f"the graph is {' > '.join(found)}, its ledger says {' > '.join(meant)}: {remedy}"
        )
    for name, node in chain:
        if _widths(name, node) != _widths(name, wanted[name]):
            raise NirError(
                f"node {name!r} takes and gives {_widths(name, node)} values, its ledger says "
                f"{_widths(name, wanted[name])}: {remedy}"
            )
        said = _numbers(wanted[name])
        for key, values in _numbers(node).items():
            # Sums may be rounded otherwise on another machine.
            slack = 1e-12 * np.max(np.abs(said[key]), initial=0.0)
            if not np.allclose(values, said[key], rtol=1e-9, atol=slack):
                raise NirError(f"{key} of node {name!r} is not what the ledger says: {remedy}")
