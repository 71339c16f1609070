"""What the blocks that run at one occasion have computed so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from neurosim.mod.reading.tree import Solve
from neurosim.mod.terms import Term

__all__ = ["Flow"]


@dataclass
class Flow:
    """What the blocks that run at one occasion have computed so far.

    Attributes
    ----------
    title : str
        What the flow is called in symbols of what is read before it is set: ``?title:name``.
    known : dict of str to Term
        What has a value before the blocks run: potential, parameters, states.
    values : dict of str to Term
        Variables that were set.
    rates : dict of str to Term
        Derivatives of states.
    read : dict of str to int
        Variables that were read before they were set, and the line.
    steady : set of str
        States that stand at their steady state.
    totals : list of (dict of str to float, Term, int)
        What CONSERVE statements say, and the line.
    equations : list of Term
        What the equations of LINEAR blocks put to 0.
    solved : list of Solve
        What is solved.
    before : list of dict of str to Term
        What variables were at each of them.
    """

    title: str = ""
    known: dict[str, Term] = field(default_factory=dict)
    values: dict[str, Term] = field(default_factory=dict)
    rates: dict[str, Term] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    steady: set[str] = field(default_factory=set)
    totals: list[tuple[dict[str, float], Term, int]] = field(default_factory=list)
    equations: list[Term] = field(default_factory=list)
    solved: list[Solve] = field(default_factory=list)
    before: list[dict[str, Term]] = field(default_factory=list)
    set_at: dict[str, int] = field(default_factory=dict)
