"""How the states of a part advance and where they start, as blocks of NMODL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from brian2.equations.equations import Equations

from neurosim.equations.evaluate import identifiers
from neurosim.equations.linear import Linear, linear_in
from neurosim.equations.schemes import Group, find_groups
from neurosim.errors import not_linear
from neurosim.exchange.errors import ExchangeError

__all__ = ["States", "in_order", "read_states"]


@dataclass(frozen=True)
class States:
    """The states of a part, sorted by how NEURON advances them.

    Attributes
    ----------
    alone : dict of str to Linear
        States that are linear in themselves, dx/dt = drive + rate x: METHOD cnexp.
    curved : dict of str to str
        States that are not linear in themselves, and their rates: METHOD derivimplicit.
    schemes : tuple of Group
        Kinetic schemes: METHOD sparse.
    needs : dict of str to set of str
        By state of `alone`, the others that its equation depends on.
    order : tuple of str
        The states `alone` in an order in which each starts from those before it.
    told : bool
        Whether such an order exists; otherwise the states that depend on one another start where
        the exported file says.
    """

    alone: dict[str, Linear]
    curved: dict[str, str]
    schemes: tuple[Group, ...]
    needs: dict[str, set[str]]
    order: tuple[str, ...]
    told: bool

    def solve(self) -> list[str]:
        """Return the statements that advance the states by a step."""
        lines = [f"SOLVE scheme{k or ''} METHOD sparse" for k in range(len(self.schemes))]
        lines += ["SOLVE curved METHOD derivimplicit"] if self.curved else []
        return lines + (["SOLVE states METHOD cnexp"] if self.alone else [])

    def blocks(
        self, write: Callable[[str], str], name: Callable[[str], str], before: str
    ) -> list[str]:
        """Return the blocks that those statements solve.

        Parameters
        ----------
        write : callable
            Returns an expression in NMODL.
        name : callable
            Returns what a state is called.
        before : str
            Statement that works out the named expressions, "" if there are none.
        """
        blocks = []
        head = [f"    {before}"] if before else []
        for k, group in enumerate(self.schemes):
            lines = [f"KINETIC scheme{k or ''} {{", *head]
            states = group.states
            for i, a in enumerate(states):
                for j in range(i + 1, len(states)):
                    there, back = group.matrix[j][i], group.matrix[i][j]
                    if (there, back) != ("0", "0"):
                        rates = f"({write(there)}, {write(back)})"
                        lines.append(f"    ~ {name(a)} <-> {name(states[j])} {rates}")
            lines.append(f"    CONSERVE {' + '.join(name(one) for one in states)} = 1")
            blocks.append("\n".join([*lines, "}"]))
        if self.curved:
            lines = ["DERIVATIVE curved {", *head]
            lines += [f"    {name(x)}' = {write(rate)}" for x, rate in self.curved.items()]
            blocks.append("\n".join([*lines, "}"]))
        if self.alone:
            lines = ["DERIVATIVE states {", *head]
            lines += [f"    {name(x)}' = {self._right(x, write, name)}" for x in self.alone]
            blocks.append("\n".join([*lines, "}"]))
        return blocks

    def _right(self, x: str, write: Callable[[str], str], name: Callable[[str], str]) -> str:
        linear = self.alone[x]
        rate, drive = write(linear.rate), write(linear.drive)
        if linear.rate == "0":
            return drive
        product = f"({rate})*{name(x)}"
        return product if linear.drive == "0" else f"{drive} + {product}"

    def starts(
        self,
        write: Callable[[str], str],
        name: Callable[[str], str],
        before: str,
        given: Mapping[str, str],
    ) -> list[str]:
        """Return the statements of INITIAL that put the states where they start.

        `given` holds the states that start elsewhere than at rest, and where, in NMODL.
        """
        # A start may use a named expression, but none that depends on a state.
        told = before and any(text for x, text in given.items() if not _is_number(text))
        lines = [before] if told else []
        lines += [f"{name(x)} = {given.get(x, '0')}" for x in (*self.alone, *self.curved)]
        lines += [f"{name(x)} = 0" for group in self.schemes for x in group.states]
        stale = {*self.alone}
        for x in self.order:
            linear = self.alone[x]
            if x in given or linear.rate == "0":
                continue
            if before and (stale & self.needs[x] or len(stale) == len(self.alone)):
                lines.append(before)
                stale = set()
            lines.append(f"{name(x)} = -({write(linear.drive)})/({write(linear.rate)})")
            stale.add(x)
        # The block works out the named expressions itself.
        lines += [f"SOLVE scheme{k or ''} STEADYSTATE sparse" for k in range(len(self.schemes))]
        return lines


def read_states(system: Equations, where: str, nonlinear: Collection[str] = ()) -> States:
    """Sort the states of a part by how they advance; `nonlinear` are not linear in themselves.

    Raises
    ------
    ExchangeError
        An equation is not linear in its state.
    """
    schemes = tuple(group for group in find_groups(system) if group.sums_to_one)
    for group in schemes:
        if any(drive != "0" for drive in group.drive):
            raise ExchangeError(
                f"{where}: the kinetic scheme of {', '.join(group.states)} is driven from outside, "
                "which a KINETIC block that keeps their sum cannot say"
            )
    joint = {name for group in schemes for name in group.states}
    named = {name: system[name].expr.code for name in system.subexpr_names}
    alone, needs = {}, {}
    curved = {x: system[x].expr.code for x in sorted(set(nonlinear) - joint)}
    for x in sorted(system.diff_eq_names - joint - {*curved}):
        code = system[x].expr.code
        reached = _reached(code, named)
        needs[x] = (reached & set(system.diff_eq_names)) - joint - {x, *curved}
        # Named expressions stand still during a step, as they do here.
        linear = linear_in(x, code)
        if linear is None:
            raise ExchangeError(f"{where}: {not_linear(x, code)}")
        alone[x] = linear
    try:
        order = tuple(TopologicalSorter(needs).static_order())
    except CycleError:
        return States(alone, curved, schemes, needs, (), told=False)
    return States(alone, curved, schemes, needs, order, told=True)


def in_order(system: Equations) -> list[str]:
    """Return the named expressions, each after those that it uses."""
    names = set(system.subexpr_names)
    uses = {name: identifiers(system[name].expr.code) & names for name in sorted(names)}
    return list(TopologicalSorter(uses).static_order())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _reached(code: str, named: Mapping[str, str]) -> set[str]:
    """Return all names that an expression depends on."""
    waiting, found = set(identifiers(code)), set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= identifiers(named[name]) if name in named else set()
    return found
