"""A point neuron under voltage clamp: its equations with the potential held by an amplifier.

The equation of the potential is a + b I with the injected current I. An ideal clamp sets the
potential at the end of every step and reads the current that this takes, ((v - v_before)/dt - a)/b,
capacitive current included. Through a series resistance the potential takes an implicit step, so
that no resistance is too small for the time step. Both are done after the other states have
advanced, as in neurons with extent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
from brian2.equations.equations import Equations
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str
from brian2.stateupdaters.base import UnsupportedEquationsException

from neurosim.clamps import VoltageClamp
from neurosim.describe.point_neuron import Action, PointNeuron
from neurosim.engine.point.exponential_euler import ExponentialEuler
from neurosim.engine.point.model import Model, compose
from neurosim.equations.linear import written_out
from neurosim.errors import ParameterError
from neurosim.stimuli import Stimulus

__all__ = ["NAMES", "START", "clamp_numbers", "compose_run"]

_HEAD = f"{VoltageClamp.label}_"
#: What can be recorded of a clamp, by the names that neurons with extent have too.
NAMES = {"stimulus.current": "I_stim", "stimulus.command": f"{_HEAD}command"}
#: Name of the potential at which a run starts.
START = f"{_HEAD}start"

_LINES = f"""
{_HEAD}table : integer (constant)
{_HEAD}series : siemens (constant)
{_HEAD}ideal : 1 (constant)
{_HEAD}command : volt
"""
_EQUATION = re.compile(r"^dv/dt\s*=[^:]*:[^\n]*$", re.MULTILINE)
_WRITES_V = re.compile(r"\bv\s*(?:[-+*/]|\*\*|//|%)?=(?!=)")


def compose_run(neuron: PointNeuron, stimulus: Stimulus, **options: Any) -> Model:
    """Write neuron and stimulus as one set of equations: a current, or a voltage clamp.

    Parameters, and what else it raises, are those of `neurosim.engine.point.model.compose`.

    Raises
    ------
    ParameterError
        The neuron cannot be clamped.
    """
    model = compose(neuron, stimulus, **options)
    return _hold(model, neuron) if isinstance(stimulus, VoltageClamp) else model


def clamp_numbers(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what the equations call conductance, kind and first command of the clamps of rows.

    Parameters
    ----------
    values : mapping of str to ndarray, each of shape (rows,)
        Fields of the clamps, in SI units.

    Returns
    -------
    dict of str to ndarray, each of shape (rows,)
        In SI units.
    """
    left = values["R_s"] * (1 - values["compensation"])
    ideal = left == 0
    held = values["holding"] - values["junction"]
    return {
        f"{_HEAD}series": np.where(ideal, 0.0, 1 / np.where(ideal, 1.0, left)),
        f"{_HEAD}ideal": ideal.astype(float),
        f"{_HEAD}command": held,
        START: held,
    }


def _hold(model: Model, neuron: PointNeuron) -> Model:
    """Return the model of a neuron, without any injected current, under a voltage clamp."""
    equations = Equations(model.equations)
    _check_moves(neuron, equations)
    held = "unless refractory" in equations["v"].flags
    text = _EQUATION.sub("dv/dt = 0*volt/second : volt", model.equations, count=1) + _LINES.rstrip()
    updates = [Action("\n".join(model.updates))] if model.updates else []
    clamp = Action(_statements(neuron, equations, held=held), when="after_groups")
    return replace(
        model,
        equations=text,
        threshold=f"({model.threshold}) and {_HEAD}ideal < 0.5",
        method=_method(text, model.method),
        updates=(),
        drive="",
        integers=(*model.integers, f"{_HEAD}table"),
        actions=(*updates, *model.actions, clamp),
    )


def _check_moves(neuron: PointNeuron, equations: Equations) -> None:
    name = type(neuron).__name__
    if "v" not in equations.diff_eq_names:
        raise ParameterError(
            f"VoltageClamp: {name} has no differential equation of v, so that no current can hold "
            "it; inject a current such as Steps(...)"
        )
    for action in neuron.actions:
        if _WRITES_V.search(action.code):
            raise ParameterError(
                f"VoltageClamp: {name} sets its potential itself ({action.code.strip()!r}), which "
                "no clamp can hold; inject a current such as Steps(...)"
            )


def _statements(neuron: PointNeuron, equations: Equations, *, held: bool) -> str:
    """Return what sets potential and current at the end of a step, in Brian2's language."""
    v, current = sympy.Symbol("v", real=True), sympy.Symbol("I_stim", real=True)
    named = {n: str_to_sympy(equations[n].expr.code) for n in equations.subexpr_names}
    right = str_to_sympy(equations["v"].expr.code)
    for symbol in (current, v):
        right = written_out(right, symbol, named)
    gain = sympy.diff(right, current)
    if gain == 0 or gain.has(current) or _is_unknown(gain):
        raise ParameterError(
            f"VoltageClamp: the potential of {type(neuron).__name__} does not follow the injected "
            "current in a straight line (dv/dt = a + b*I_stim), so that the current of a clamp is "
            "not known; inject a current such as Steps(...)"
        )
    own = right.subs(current, 0)
    # A zero alone has lost its unit, as in a neuron that nothing but current moves.
    alone = "0*volt/second" if own == 0 else sympy_to_str(own)
    code = {"own": alone, "gain": sympy_to_str(gain), "slope": ""}
    if own.has(v):
        # A difference: the derivative of exprel is 0/0 where its argument is 0, and a clipped
        # potential has none.
        up, down = (re.sub(r"\bv\b", f"(v {sign} 1e-06*volt)", code["own"]) for sign in "+-")
        code["slope"] = f"(({up}) - ({down}))/(2e-06*volt)"
    move = f"dt*{_HEAD}rate/(1 - dt*{_HEAD}slope)"
    if held:
        move = f"int(not_refractory)*{move}"
    return "\n".join(
        [
            f"{_HEAD}command = {VoltageClamp.command_code(f'{_HEAD}table', 'dt')}",
            f"{_HEAD}before = v",
            f"{_HEAD}gain = {code['gain']}",
            f"{_HEAD}rate = {code['own']} + {_HEAD}gain*{_HEAD}series*({_HEAD}command - v)",
            # What grows by itself is not damped: it is a spike that begins.
            f"{_HEAD}slope = clip({code['slope']}-{_HEAD}gain*{_HEAD}series, -inf*hertz, 0*hertz)",
            f"v = {_HEAD}ideal*{_HEAD}command + (1 - {_HEAD}ideal)*({_HEAD}before + {move})",
            f"I_stim = {_HEAD}ideal*((v - {_HEAD}before)/dt - ({code['own']}))/({code['gain']})"
            f" + {_HEAD}series*({_HEAD}command - v)",
        ]
    )


def _is_unknown(expression: Any) -> bool:
    return bool(expression.has(sympy.Derivative, sympy.Subs))


def _method(text: str, own: str) -> str:
    """Return how the other states advance while the potential stands still.

    With a potential that is given, gates obey linear equations, which exponential Euler solves.
    """
    try:
        ExponentialEuler()(Equations(text))
    except UnsupportedEquationsException:
        return "rk4" if own in ("exact", "exponential_euler") else own
    return "exponential_euler"
