"""Kinetic schemes as text: which state leads to which, and how fast."""

from __future__ import annotations

import re

import numpy as np
from scipy.sparse.csgraph import connected_components

from neurosim.errors import ParameterError

__all__ = ["kinetic"]

_LINE = re.compile(r"~?\s*([A-Za-z]\w*)\s*(<->|->)\s*([A-Za-z]\w*)\s*\((.*)\)")


def kinetic(transitions: str) -> str:
    """Return the equations of a kinetic scheme (Markov model), for `Channel.equations`.

    The states are shares of the channels and sum to one. They start at the steady state of the
    scheme, the solution of a linear system, and are advanced together, so that their sum stays one.

    Parameters
    ----------
    transitions : str
        One a line: ``A <-> B (forward, backward)``, or ``A -> B (forward)`` for one that has no way
        back. A rate is an expression in hertz, such as the name of one of the part's own
        expressions; it may depend on ``v`` and on what the part reads. A line may begin with ``~``,
        as in NEURON's KINETIC blocks.

    Returns
    -------
    str
        A differential equation a state, in Brian2's language.

    Raises
    ------
    ParameterError
        A line is no transition, or not all states are joined.

    Examples
    --------
    >>> print(kinetic("C <-> O (alpha, beta)\\nO -> I (gamma)").strip())
    dC/dt = -(alpha)*C + (beta)*O : 1
    dO/dt = (alpha)*C - (beta)*O - (gamma)*O : 1
    dI/dt = (gamma)*O : 1

    A channel whose inactivation follows its opening:

    >>> from dataclasses import dataclass
    >>> from brian2 import Quantity, cm, mS, mV
    >>> from neurosim.channels import Channel
    >>> from neurosim.quantities import quantity
    >>> @dataclass(frozen=True, eq=False, repr=False)
    ... class Inactivating(Channel):
    ...     g: Quantity = quantity(1 * mS / cm**2, "conductance density")
    ...     E: Quantity = quantity(-90 * mV, "reversal potential")
    ...     equations = kinetic("C <-> O (alpha, beta)\\nO <-> I (0.1/ms, 0.02/ms)") + '''
    ...     alpha = 1/ms/(1 + exp(-(v + 30*mV)/(8*mV))) : Hz
    ...     beta = 0.5/ms/(1 + exp((v + 50*mV)/(8*mV))) : Hz
    ...     '''
    ...     current = "g*O*(E - v)"
    >>> gates = Inactivating().gates(-20 * mV)
    >>> [round(float(gates[state].steady), 4) for state in "COI"]
    [0.0025, 0.1663, 0.8313]
    """
    flows: dict[str, list[str]] = {}
    pairs: list[tuple[str, str]] = []
    for line in filter(None, map(str.strip, str(transitions).splitlines())):
        found = _LINE.fullmatch(line)
        rates = [] if found is None else _split(found[4])
        if found is None or found[1] == found[3] or len(rates) != (1 + (found[2] == "<->")):
            raise ParameterError(
                "kinetic: a line is 'A <-> B (forward, backward)' or 'A -> B (forward)' between "
                f"two states; got {line!r}"
            )
        ways = [(found[1], found[3]), (found[3], found[1])]
        for (source, target), rate in zip(ways, rates, strict=False):
            flows.setdefault(source, []).append(f"- ({rate})*{source}")
            flows.setdefault(target, []).append(f"+ ({rate})*{source}")
        pairs.append((found[1], found[3]))
    if not pairs:
        raise ParameterError("kinetic: give at least one transition, such as 'C <-> O (a, b)'")
    _check_joined(list(flows), pairs)
    lines = []
    for state, terms in flows.items():
        right = " ".join(terms).removeprefix("+ ")
        lines.append(f"d{state}/dt = {re.sub(r'^- ', '-', right)} : 1")
    return "\n".join(lines) + "\n"


def _split(text: str) -> list[str]:
    """Return the expressions between the commas that stand in no bracket."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [] if depth or not all(part.strip() for part in parts) else [p.strip() for p in parts]


def _check_joined(states: list[str], pairs: list[tuple[str, str]]) -> None:
    joined = np.zeros((len(states), len(states)), dtype=bool)
    for source, target in pairs:
        joined[states.index(source), states.index(target)] = True
    count, part = connected_components(joined, directed=False)
    if count > 1:
        apart = [state for state, number in zip(states, part, strict=True) if number]
        raise ParameterError(
            f"kinetic: no transition joins {', '.join(apart)} to {states[0]}; each scheme sums to "
            "one, so write two schemes apart"
        )
