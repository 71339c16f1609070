"""Exponential Euler, written with the named expressions of a model left in place.

The rule is that of Brian2's method of the same name: a state that is linear in itself is advanced
exactly while everything else stands still. Brian2 first substitutes every named expression and lets
SymPy rearrange the result, after which a rate is written out several times and exp(v/18) has become
a power of exp(v); here each is computed once, and a Hodgkin-Huxley cell takes 10 ns a step for 17.
Kinetic schemes are advanced as a whole, so that their states go on summing to one.
"""

from __future__ import annotations

from typing import Any

from brian2.equations.equations import Equations, SingleEquation
from brian2.parsing.sympytools import str_to_sympy
from brian2.stateupdaters.base import StateUpdateMethod, UnsupportedEquationsException

from neurosim.equations.linear import exponential_euler, linear_in
from neurosim.equations.schemes import advance_scheme, find_groups

__all__ = ["ExponentialEuler"]

# How Brian2 writes that a state is held while the neuron is refractory. It also writes the state
# only where the flag is set, so that the factor can be left out of the update.
_HELD = "int(not_refractory)*("


class ExponentialEuler(StateUpdateMethod):  # type: ignore[misc]  # Brian2 has no types
    """Brian2 state updater for states that are linear in themselves."""

    def __call__(
        self,
        equations: Equations,
        variables: Any = None,
        method_options: Any = None,
    ) -> str:
        """Return the update as Brian2 statements.

        Raises
        ------
        UnsupportedEquationsException
            A state is not linear in itself, not even while the expressions it names are held, or
            the equations are stochastic.
        """
        if equations.is_stochastic:
            raise UnsupportedEquationsException("exponential Euler cannot advance stochastic terms")
        named = {name: str_to_sympy(equations[name].expr.code) for name in equations.subexpr_names}
        states = {}
        schemes = [group for group in find_groups(equations) if group.sums_to_one]
        joint = {name for group in schemes for name in group.states}
        for name in sorted(equations.diff_eq_names - joint):
            code = _right_side(equations[name])
            linear = linear_in(name, code, named)
            if linear is None:
                # Brian2 holds the factor of a state for the step, even where it depends on the
                # state through an expression, as m_inf(v)*v does.
                try:
                    return _brian2s(equations, variables, method_options)
                except UnsupportedEquationsException:
                    raise UnsupportedEquationsException(
                        f"d{name}/dt = {code} is not linear in {name}, which exponential Euler "
                        "needs"
                    ) from None
            states[name] = linear
        together = [line for k, group in enumerate(schemes) for line in advance_scheme(group, k)]
        return "\n".join(exponential_euler(states, together))


def _right_side(equation: SingleEquation) -> str:
    code: str = equation.expr.code
    if "unless refractory" in equation.flags and code.startswith(_HELD):
        return code.removeprefix(_HELD)[:-1]
    return code


def _brian2s(equations: Equations, variables: Any, method_options: Any) -> str:
    """Return the update that Brian2's own method of that name writes."""
    method = StateUpdateMethod.stateupdaters["exponential_euler"]
    code: str = method(equations, variables, method_options)
    return code
