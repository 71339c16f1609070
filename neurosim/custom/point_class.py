"""The class of a neuron of own equations, and the method it is advanced by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.equations.equations import Equations
from brian2.stateupdaters.exponential_euler import get_conditionally_linear_system
from brian2.units import Quantity

from neurosim.describe.point_neuron import FIRST_SAMPLE, KEYS, Action, PointNeuron
from neurosim.equations.steady_state import steady_state
from neurosim.errors import ParameterError
from neurosim.quantities import quantity, unit_name

__all__ = ["Written", "choose_method", "make_neuron"]


@dataclass(frozen=True)
class Written:
    """A model in the words of this package, as the attributes of `PointNeuron`."""

    name: str
    equations: str
    threshold: str
    reset: str
    refractory: str
    values: Mapping[str, Quantity]
    starts: Mapping[str, str]
    changing: tuple[str, ...]
    actions: tuple[Action, ...]
    noise: tuple[str, ...]
    samples: tuple[tuple[float, ...], ...]

    def parsed(self) -> Equations:
        """Return the equations with a line a parameter."""
        lines = [f"{name} : {unit_name(value)} (constant)" for name, value in self.values.items()]
        noises = [f"{name} : second**-0.5" for name in self.noise]
        numbers = [f"{name} : integer (constant)" for name in (*KEYS, FIRST_SAMPLE)]
        return Equations("\n".join([self.equations, *lines, *noises, *numbers, "I_stim : amp"]))


def choose_method(written: Written) -> str:
    """Return exponential Euler where it applies, plain Euler under noise, else Runge-Kutta."""
    if written.noise:
        return "euler"
    try:
        get_conditionally_linear_system(written.parsed())
    except ValueError:
        return "rk4"
    return "exponential_euler"


def make_neuron(written: Written, method: str, dt_ms: float) -> PointNeuron:
    """Return the only value of a class that has a field a parameter.

    Raises
    ------
    ParameterError
        The equations do not fit together, or a state has no steady value to start from.
    """
    fields = [
        (word, Quantity, quantity(value, "as given" if word != "v_start" else "v at the start"))
        for word, value in written.values.items()
    ]
    text = written.equations
    namespace = {
        field.name: getattr(written, field.name)
        for field in dataclasses.fields(written)
        if field.name not in ("name", "values")
    }
    said = ("equations", "threshold", "reset", "refractory", "method", "start")
    kind = dataclasses.make_dataclass(
        written.name,
        fields,
        bases=(PointNeuron,),
        namespace=namespace
        | {
            "method": method,
            "default_dt_ms": dt_ms,
            "start": "v_start",
            "described_by": (*said, "beside"),
            # As JSON holds it, for `to_dict`.
            "beside": {
                "starts": dict(written.starts),
                "changing": list(written.changing),
                "actions": [dataclasses.asdict(action) for action in written.actions],
                "noise": list(written.noise),
                "samples": [list(samples) for samples in written.samples],
            },
            "__doc__": f"A neuron of own equations:\n\n{text}",
            "_key": _key,
        },
        frozen=True,
        eq=False,
        repr=False,
    )
    neuron: PointNeuron = kind()
    _check_start(written)
    return neuron


def _check_start(written: Written) -> None:
    states = {word: np.full(1, float(np.asarray(v))) for word, v in written.values.items()}
    name = written.name
    try:
        equations = written.parsed()
        with np.errstate(divide="ignore", invalid="ignore"):
            found = steady_state(equations, states, start="v_start", starts=written.starts)
    except KeyError as error:
        raise ParameterError(
            f"{name}: the steady state from which runs start cannot be found, because the "
            f"equations use {error}; write it with exp, log, sqrt, tanh, clip, abs or exprel, or "
            "give the values of all states at the start by parameters={...}"
        ) from None
    except Exception as error:
        raise ParameterError(f"{name}: the model is not consistent: {error}") from None
    for state in sorted(equations.diff_eq_names):
        if not np.all(np.isfinite(found[state])):
            raise ParameterError(
                f"{name}: {state!r} has no steady value to start from; give its value at the "
                f"start, parameters={{{state!r}: ...}}"
            )


def _key(self: Any) -> tuple[Any, ...]:
    """Return what makes two of them equal: name, model and numbers."""
    return (type(self).__name__, str(self.to_dict()))
