r"""Converted networks as files of the Neuromorphic Intermediate Representation (NIR), and back.

NIR (Pedersen et al. 2024, Nat Commun 15:8122) is a graph of equations in continuous time, without
units. A neuron with a threshold of -55 mV can be written in it in two ways:

- ``form="millivolt"``: SI numbers as they are; -55 mV is -0.055;
- ``form="normalised"``: v' = (v - E_L) / (V_th - E_L), so that rest is 0 and threshold 1, which
  more readers understand.

Either way a ledger in the metadata of the graph says which unit every number has, how to come back
to volts, and keeps the numbers themselves, so that reading gives back exactly what was written. A
file whose graph or ledger was changed afterwards is refused. A spike is a Dirac impulse in NIR: a
synapse carries a charge.

What NIR has no words for (noise, a refractory period) is refused, unless it is named in `drop`:
then it stays in the ledger, and other readers run something else. Conductances, resets by
subtraction and other neurons than the LIF are always refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Mohm, Quantity, ms, mV, second, volt

from bridge.nir.ledger import has_ledger, network_of, write_ledger
from bridge.nir.nir_graph import (
    Chain,
    NirError,
    chain_of,
    check_agrees,
    nodes_of,
    package,
    read_graph,
    write_graph,
)
from bridge.spiking.spiking_network import SpikingNetwork
from bridge.spiking.synapse import Synapse
from neurosim import LIF, FeedForward, PointNeuron, WhiteNoise
from neurosim.quantities import check_quantity

__all__ = ["NirError", "NirNetwork", "check_expressible", "read_nir", "write_nir"]

_FORMS = ("millivolt", "normalised")
_DROPPABLE = ("noise", "refractory")


def write_nir(
    network: SpikingNetwork,
    path: str | Path,
    *,
    form: str = "millivolt",
    drop: str | Iterable[str] = (),
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
    drop : {"noise", "refractory"} or tuple of them
        What other readers may lose.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    NirError
        The network holds something that NIR cannot say, or the file cannot be written; the message
        says what would do.
    ExtraMissingError
        The package ``nir`` is not installed.
    """
    if not isinstance(network, SpikingNetwork):
        raise NirError(
            f"write_nir takes a SpikingNetwork; got {type(network).__name__}: convert(network, X) "
            "puts a trained network onto neurons"
        )
    if form not in _FORMS:
        raise NirError(f"form must be one of {', '.join(_FORMS)}; got {form!r}")
    background = network.background
    if not isinstance(background, WhiteNoise):
        raise NirError(f"NIR cannot say the background {background!r}; convert with noise=0*mV")
    dropped = check_expressible(
        network.neuron,
        conductance=network.synapse.conductance,
        noise=float(background.intensity) > 0,
        drop=drop,
    )
    if float(network.delay) > 0:
        raise NirError("delays are not written; convert with delay=0*ms")
    path = Path(path)
    write_graph(path, nodes_of(network, form), write_ledger(network, form, dropped))
    return path


def check_expressible(
    neuron: PointNeuron,
    *,
    conductance: bool = False,
    noise: bool = False,
    drop: str | Iterable[str] = (),
) -> tuple[str, ...]:
    """Say whether NIR has words for neurons and synapses, before any network of them is made.

    Parameters
    ----------
    neuron : PointNeuron
        Every neuron is one of these.
    conductance : bool
        Whether spikes open conductances.
    noise : bool
        Whether the neurons have noise.
    drop : {"noise", "refractory"} or tuple of them
        What other readers may lose.

    Returns
    -------
    tuple of str
        What may be lost, every name once.

    Raises
    ------
    NirError
        It has not; the message says what would do.
    ExtraMissingError
        The package ``nir`` is not installed.

    Examples
    --------
    >>> from neurosim import LIF, AdEx
    >>> check_expressible(LIF(), drop="refractory")
    ('refractory',)
    >>> check_expressible(AdEx())
    Traceback (most recent call last):
    ...
    bridge.nir.nir_graph.NirError: NIR cannot say AdEx: its neurons are LIF neurons reset to a \
potential; convert onto LIF()
    """
    package()
    given = [drop] if isinstance(drop, str) or not isinstance(drop, Iterable) else list(drop)
    for name in given:
        if name not in _DROPPABLE:
            raise NirError(f"only {' and '.join(_DROPPABLE)} can be dropped; got {name!r}")
    names = tuple(dict.fromkeys(given))
    if type(neuron) is not LIF:
        raise NirError(
            f"NIR cannot say {type(neuron).__name__}: its neurons are LIF neurons reset to a "
            "potential; convert onto LIF()"
        )
    if conductance:
        raise NirError("NIR has no conductance synapses; convert with synapse='current'")
    if noise and "noise" not in names:
        raise NirError(
            "NIR has no noise, and these neurons have it; convert with noise=0*mV, or write "
            "drop=('noise',) and let other readers run without"
        )
    if float(neuron.t_ref) > 0 and "refractory" not in names:
        raise NirError(
            f"NIR has no refractory period, and this neuron has {neuron.t_ref}; convert onto "
            "LIF(t_ref=0*ms), or write drop=('refractory',) and let other readers run without"
        )
    return names


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
        The file cannot be read, the graph is no such chain, its neurons differ, or graph or ledger
        are not as they were written.
    ExtraMissingError
        The package ``nir`` is not installed.
    """
    step = float(check_quantity(volt_per_unit, 15 * mV, "read_nir: volt_per_unit", above=0 * mV))
    path = Path(path)
    graph = read_graph(path)
    ledger = dict(graph.metadata or {})
    try:
        chain = chain_of(graph)
        return _with_ledger(chain, ledger) if has_ledger(ledger) else _without_ledger(chain, step)
    except NirError as error:
        raise NirError(f"{path}: {error}") from None


def _with_ledger(chain: Chain, ledger: dict[str, Any]) -> NirNetwork:
    """Return the network of a file written by `write_nir`, from its ledger."""
    network, form = network_of(ledger)
    check_agrees(chain, nodes_of(network, form))
    last = network.layers[-1].calibration
    assert isinstance(network.neuron, LIF)
    return NirNetwork(
        neuron=network.neuron,
        wiring=network.wiring,
        input_weights_pA=network.layers[0].weights_pA,
        holding_pA=np.concatenate([layer.holding_pA for layer in network.layers]),
        output_weights_s=last.slope_s[:, None] * network.output_weights,
        output_bias=network.output_bias + last.offset @ network.output_weights,
        network=network,
    )


def _same(name: str, cells: list[Any], above_zero: bool = False) -> float:
    """Return the one value of all neurons of a graph."""
    values = np.unique(np.concatenate([np.ravel(getattr(cell, name)) for cell in cells]))
    if len(values) != 1:
        raise NirError(
            f"{name} differs between neurons ({values[0]:g} to {values[-1]:g}); all neurons of a "
            "network are alike here"
        )
    if above_zero and not values[0] > 0:
        raise NirError(f"{name} is {values[0]:g}; it must be above 0")
    return float(values[0])


def _without_ledger(chain: Chain, step: float) -> NirNetwork:
    """Return the network of a file without units, `step` volts from leak to threshold."""
    cells = [node for _, node in chain if hasattr(node, "v_threshold")]
    kinds = [type(cell).__name__ for cell in cells]
    if not cells:
        raise NirError("the graph has no spiking neurons")
    weights, biases, readout = _matrices(chain)
    if kinds != ["LIF", *["CubaLIF"] * (len(kinds) - 1)]:
        raise NirError(
            "the first neurons must be LIF (their input is a current), the others CubaLIF (theirs "
            "are spikes)"
        )
    tau_m = _same("tau", cells[:1], above_zero=True)
    if cells[1:] and (other := _same("tau_mem", cells[1:])) != tau_m:
        raise NirError(
            f"tau differs between neurons ({tau_m:g} and {other:g}); all neurons of a network are "
            "alike here"
        )
    leak, threshold, reset = (_same(name, cells) for name in ("v_leak", "v_threshold", "v_reset"))
    resistance = _same("r", cells, above_zero=True)
    tau_syn = _same("tau_syn", cells[1:], above_zero=True) if cells[1:] else 5e-3
    if threshold <= leak or reset >= threshold:
        raise NirError(
            f"v_reset ({reset:g}) and v_leak ({leak:g}) must lie below v_threshold ({threshold:g})"
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
    synapses = [w * picoampere / tau_syn for w in weights[1:]]
    return NirNetwork(
        neuron=neuron,
        wiring=Synapse().wiring(synapses, weights[0].shape[1], tau_syn * second, 0 * ms),
        input_weights_pA=weights[0] * picoampere,
        holding_pA=np.concatenate(biases) * picoampere,
        output_weights_s=readout[0],
        output_bias=readout[1],
        network=None,
    )


def _matrices(chain: Chain) -> tuple[list[np.ndarray], list[np.ndarray], tuple[np.ndarray, ...]]:
    """Return the weights into every layer of neurons, their biases, and both of the outputs."""
    weights: list[np.ndarray] = []
    biases: list[np.ndarray] = []
    pending: tuple[np.ndarray, ...] | None = None
    width = 0
    for name, node in chain:
        if hasattr(node, "weight"):
            if pending is not None:
                raise NirError(f"node {name!r} follows another layer of weights without neurons")
            matrix = np.asarray(node.weight, dtype=float).T
            pending = (matrix, np.asarray(getattr(node, "bias", np.zeros(matrix.shape[1]))))
        elif hasattr(node, "v_threshold"):
            width = len(node.v_threshold)
            matrix, bias = pending or (np.eye(width), np.zeros(width))
            w_in = getattr(node, "w_in", 1.0)
            weights.append(matrix * w_in)
            biases.append(bias * w_in)
            pending = None
    return weights, biases, pending or (np.eye(width), np.zeros(width))
