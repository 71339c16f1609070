"""One model: how its group is made in Brian2, and how it is taken over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import brian2 as b
from brian2 import ms

__all__ = ["NO_INPUT", "OF_NUMBER", "OF_X", "SQUID_GATES", "TRACE", "BrianModel", "group"]

# Arguments of `from_brian2`: a model that takes no current, one whose trace is compared, and models
# whose potential is called x or is a plain number.
NO_INPUT: dict[str, Any] = {"current": False}
TRACE: dict[str, Any] = {"current": False, "threshold": False}
OF_X: dict[str, Any] = {"voltage": "x", "current": False}
OF_NUMBER: dict[str, Any] = {"voltage": "v", "current": False}

SQUID_GATES = """
dm/dt = alpham*(1 - m) - betam*m : 1
dn/dt = alphan*(1 - n) - betan*n : 1
dh/dt = alphah*(1 - h) - betah*h : 1
alpham = (0.1/mV)*10*mV/exprel((-v + 25*mV)/(10*mV))/ms : Hz
betam = 4*exp(-v/(18*mV))/ms : Hz
alphah = 0.07*exp(-v/(20*mV))/ms : Hz
betah = 1/(exp((-v + 30*mV)/(10*mV)) + 1)/ms : Hz
alphan = (0.01/mV)*10*mV/exprel((-v + 10*mV)/(10*mV))/ms : Hz
betan = 0.125*exp(-v/(80*mV))/ms : Hz
"""
"""Gates of Hodgkin and Huxley (1952), potentials from rest, as the examples write them."""


@dataclass(frozen=True)
class BrianModel:
    """A model after one of Brian2's examples.

    Attributes
    ----------
    example : str
        Path of the example under Brian2's ``examples/``, without its suffix.
    make : callable
        Returns the group, and what else of Brian2 must stay alive.
    duration_ms : float
        How long it is run both ways.
    variable : str
        What is compared, in the group's words.
    options : mapping
        Arguments of `from_brian2`.
    random : bool
        Whether it draws random numbers, so that laws are compared and not steps.
    refused : str
        A part of the message with which it is refused; empty where it is carried over.
    title : str
        What tells it from another model of the same example.
    """

    example: str
    make: Callable[[], tuple[Any, ...]]
    duration_ms: float = 200.0
    variable: str = "v"
    options: Mapping[str, Any] = field(default_factory=dict)
    random: bool = False
    refused: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        """Example and title."""
        return f"{self.example} {self.title}".strip()


def group(n: int, equations: str, names: dict[str, Any] | None = None, **more: Any) -> Any:
    """Return a NeuronGroup with names and a clock of its own."""
    more.setdefault("dt", 0.1 * ms)
    return b.NeuronGroup(n, equations, namespace=names or {}, **more)
