"""What is checked before a conversion measures or runs anything."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from brian2.units import Quantity, ms

from bridge.counts.curve import FICurve
from bridge.errors import ConversionError
from bridge.mapping.input_tables import check_whole
from bridge.mapping.unit_splitting import SplitNetwork
from bridge.stimulate.fi_curve import trial_seeds
from neurosim import PointNeuron, Stimulus
from neurosim.atomic_write import plain
from neurosim.engine.point.execute import ENGINES
from neurosim.quantities import check_quantity

__all__ = ["check_curve", "check_kind", "check_moving", "check_running"]


def check_kind(value: Any, kind: type | tuple[type, ...], said: str) -> None:
    """Refuse an argument of another kind.

    Parameters
    ----------
    value : object
    kind : type or tuple of types
    said : str
        What it must be, for the message.

    Raises
    ------
    ConversionError
        It is something else.

    Examples
    --------
    >>> check_kind(5, str, "the name must be text")
    Traceback (most recent call last):
    ...
    bridge.errors.ConversionError: the name must be text; got 5
    """
    if isinstance(value, kind):
        return
    if isinstance(value, type):
        found = f"the class {value.__name__} itself; make one, {value.__name__}()"
    elif value is None or isinstance(value, str | bool | int | float):
        found = repr(value)
    else:
        found = type(value).__name__
    raise ConversionError(f"{said}; got {found}")


def check_running(dt: Quantity, seed: int, engine: str, jobs: int) -> None:
    """Refuse what `neurosim.simulate` would refuse, before anything runs."""
    check_quantity(dt, 0.1 * ms, "convert: dt", above=0 * ms)
    trial_seeds(seed, 1)
    if engine not in ENGINES:
        raise ConversionError(f"engine must be one of {', '.join(ENGINES)}; got {engine!r}")
    check_whole(jobs, "convert: jobs", 1)


def check_moving(split: SplitNetwork, observed: list[np.ndarray], X: np.ndarray) -> None:
    """Refuse inputs on which a whole hidden layer says the same."""
    samples = len(X)
    for k, z in enumerate(observed):
        with np.errstate(over="ignore", invalid="ignore"):
            activation = split.activations(k, z)
        if not np.all(np.isfinite(activation)):
            raise ConversionError(
                f"hidden layer {k + 1} overflows: its activations are not finite on some of the "
                f"{samples} inputs; train the network again, or check that X is scaled as its "
                "training inputs were"
            )
        size = np.abs(activation).max()
        if np.ptp(activation, axis=0).max() > 1e-9 * max(float(size), 1e-300):
            continue
        if np.ptp(z, axis=0).max() > 1e-9 * np.abs(z).max():
            raise ConversionError(
                f"hidden layer {k + 1} gives {size:.3g} at most and never moves on any of the "
                f"{samples} inputs: all its units are dead; train the network again, or check that "
                "X is scaled as its training inputs were"
            )
        if np.ptp(X, axis=0).max() > 0:
            raise ConversionError(
                f"hidden layer {k + 1} does not move although the {samples} inputs differ: nothing "
                "of them reaches it, as with weights of 0; train the network again"
            )
        held = "X holds one input" if samples == 1 else f"the {samples} inputs of X are all alike"
        raise ConversionError(
            f"hidden layer {k + 1} does not move: {held}; "
            "calibrate on training inputs that differ, a hundred or more"
        )


def check_curve(curve: FICurve, neuron: PointNeuron, background: Stimulus, what: str) -> None:
    """Refuse an f-I curve that was measured on another neuron or under other noise.

    Parameters
    ----------
    curve : FICurve
        One that does not know its neuron, such as that of a recorded cell, is accepted.
    neuron, background
        What it is to be used with. Numbers may differ by 5 %: noise is measured for most neurons.
        The order of the terms of a sum does not matter.
    what : str
        How it is called in the message.

    Raises
    ------
    ConversionError
        It was measured on something else.
    """
    if curve.neuron is None:
        return
    wanted = plain([neuron.to_dict(), background.to_dict()])
    if not _alike([curve.neuron, curve.background], wanted):
        raise ConversionError(
            f"{what} was measured on {curve.source or curve.neuron['kind']}, but the network goes "
            f"onto {neuron!r} with {background!r}: rates would mean something else; leave curve "
            "out to measure it here, or give the neuron and the background (or noise) it was "
            "measured with"
        )


def _alike(one: Any, other: Any) -> bool:
    """Whether two plain descriptions are the same, numbers within 5 %, terms in any order."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.get("kind") == other.get("kind") == "Sum":
            left = list(other["parts"])
            for part in one["parts"]:
                match = next((k for k, rest in enumerate(left) if _alike(part, rest)), None)
                if match is None:
                    return False
                del left[match]
            return not left
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    numbers = (one, other)
    if all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        return math.isclose(*numbers, rel_tol=0.05)
    return bool(one == other)
