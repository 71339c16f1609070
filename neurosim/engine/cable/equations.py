"""Parts as the equations of a kernel: one text of all that covers a patch, each name its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from brian2.units import Quantity

from neurosim.channels.base import Channel, IonPool, Mechanism
from neurosim.equations.evaluate import line_of, parse
from neurosim.errors import ParameterError
from neurosim.quantities import unit_name
from neurosim.synapses.base import Receptor

__all__ = ["Text", "placed_current", "write_membrane", "write_receptor"]


_OF_THE_CABLE = {"C_m", "area", "implicit_dt"}


class Text:
    """Equations being written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.current = "0*amp/meter**2"

    def declare(self, name: str, like: Any, *, shared: bool) -> None:
        unit = unit_name(like) if isinstance(like, Quantity) else "1"
        self.lines.append(f"{name} : {unit} (constant{', shared' if shared else ''})")


def placed_current(ion: str) -> str:
    """Return the variable of a patch that holds what receptors carry of an ion, as a density."""
    return f"i_{ion}_placed"


def write_membrane(
    text: Text, parts: dict[str, Mechanism], carried: Collection[str] = ()
) -> tuple[str, ...]:
    """Write the equations of the parts of a patch, with the names they have together.

    Parameters
    ----------
    text : Text
        What is written to.
    parts : dict of str to Mechanism
        By name.
    carried : collection of str
        Ions that receptors on the patch carry.

    Returns
    -------
    tuple of str
        Variables that the engine sets: the current densities of those ions that a part reads.

    Raises
    ------
    ParameterError
        A part depends on the concentration of an ion that nothing there holds.
    """
    for name, part in parts.items():
        for local in [*parse(part.equations), *part.quantity_fields()]:
            if f"{name}_{local}" in _OF_THE_CABLE:
                raise ParameterError(
                    f"the variable {local!r} of the part named {name!r} would be called "
                    f"{name}_{local}, which belongs to the cable; give the part another name"
                )
    pools = {part.writes: part for part in parts.values() if isinstance(part, IonPool)}
    currents: dict[str, list[str]] = {}
    total = []
    for name, part in parts.items():
        for need in part.reads:
            if need.endswith("_i") and need not in pools:
                raise ParameterError(
                    f"{name!r} depends on {need}, and nothing there holds it: paint an ion "
                    f"pool that writes {need} (such as CalciumPool) on the same region"
                )
        keep = {*part.reads, "v"} | ({part.writes} if isinstance(part, IonPool) else set())
        rename = _renamer(name, part, keep)
        text.lines += [line_of(equation, rename) for equation in parse(part.equations).values()]
        if isinstance(part, Channel):
            text.lines.append(f"{name}_current = {rename(part.current)} : amp/meter**2")
            total.append(f"{name}_current")
            if part.ion is not None:
                currents.setdefault(part.ion, []).append(f"{name}_current")
    wanted = {need for part in parts.values() for need in part.reads if need.startswith("i_")}
    placed = tuple(placed_current(ion) for ion in carried if f"i_{ion}" in wanted)
    for ion, name in zip((i for i in carried if f"i_{i}" in wanted), placed, strict=True):
        currents.setdefault(ion, []).append(name)
        text.lines.append(f"{name} : amp/meter**2")
    for ion, terms in currents.items():
        if f"i_{ion}" in wanted:
            text.lines.append(f"i_{ion} = {' + '.join(terms)} : amp/meter**2")
    for need in wanted - {f"i_{ion}" for ion in currents}:
        text.lines.append(f"{need} = 0*amp/meter**2 : amp/meter**2")
    text.current = " + ".join(total) or "0*amp/meter**2"
    return placed


def write_receptor(text: Text, part: Receptor) -> None:
    """Write the equations of a receptor; names stay local, since its kernel holds one kind."""
    text.lines += [line_of(equation) for equation in parse(part.equations).values()]
    text.lines.append(f"current = {part.current} : amp")
    if part.ion is not None:
        text.lines.append(f"ion_current = {part.ion_current or part.current} : amp")
    text.current = "current"


def _renamer(part_name: str, part: Mechanism, keep: set[str]) -> Callable[[str], str]:
    """Return a function that gives a part's local names their names within the cell."""
    local = {*parse(part.equations), *part.quantity_fields(), *part.constants()} - keep
    pattern = re.compile(r"\b(" + "|".join(sorted(map(re.escape, local), key=len)[::-1]) + r")\b")

    def rename(code: str) -> str:
        return pattern.sub(lambda found: f"{part_name}_{found[1]}", code) if local else code

    return rename
