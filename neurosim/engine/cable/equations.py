"""Parts as the equations of a kernel: one text of all that covers a patch, each name its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from brian2.units import Quantity, coulomb, meter

from neurosim.channels.base import IONS, SHARED, Channel, IonPool, Mechanism
from neurosim.engine.cable.model import Carrier, HeldIon
from neurosim.equations.evaluate import line_of, parse
from neurosim.errors import ParameterError
from neurosim.ions.ion import Ion
from neurosim.ions.transporter import VALENCE, Transporter
from neurosim.quantities import unit_name
from neurosim.synapses.base import Receptor

__all__ = [
    "POOL_OF",
    "Text",
    "instead",
    "placed_current",
    "write_counts",
    "write_membrane",
    "write_receptor",
]


_OF_THE_CABLE = {"C_m", "area", "implicit_dt"}


class Text:
    """Equations being written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.current = "0*amp/meter**2"
        self.carriers: list[Carrier] = []
        self.ions: list[HeldIon] = []
        # Parts, and the field of each that v must stay above.
        self.above: list[tuple[str, str]] = []
        # By state, an expression of where it starts.
        self.starts: dict[str, str] = {}
        # States that are not linear in themselves.
        self.nonlinear: list[str] = []
        # Ions whose Nernst potential a part there tells.
        self.told: set[str] = set()
        # What a receptor is told of the patch under it at each step.
        self.gathers: list[str] = []
        # Names of the place that some equation reads, such as its radius.
        self.places: set[str] = set()

    def declare(self, name: str, like: Any, *, shared: bool) -> None:
        unit = unit_name(like) if isinstance(like, Quantity) else "1"
        self.lines.append(f"{name} : {unit} (constant{', shared' if shared else ''})")


def placed_current(ion: str) -> str:
    """Return the variable of a patch that holds what receptors carry of an ion, as a density."""
    return f"i_{ion}_placed"


def write_membrane(
    text: Text,
    parts: dict[str, Mechanism],
    carried: Collection[str] = (),
    shared: Collection[str] = (),
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
    shared : collection of str
        Ions whose concentrations outside are those of a space that cells share.

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
    held = {part.ion: (name, part) for name, part in parts.items() if isinstance(part, Ion)}
    pools = [part for part in parts.values() if isinstance(part, IonPool) and part.nernst]
    text.told = {*held, *(part.ion for part in pools)}
    _check_reads(parts, text.told)
    for name, part in held.values():
        text.lines += _concentrations(name, part, shared=part.ion in shared)
        moves = (part.inside_moves, part.outside_moves, part.ion in shared, part.shell_count)
        text.ions.append(HeldIon(part.ion, name, part.valence, *moves))
    currents: dict[str, list[str]] = {}
    for name, part in parts.items():
        text.places |= PLACES & set(part.reads)
        keep = {*part.reads, "v"} | ({part.writes} if isinstance(part, IonPool) else set())
        keep |= {f"E_{part.ion}"} if isinstance(part, Ion) else set()
        if isinstance(part, IonPool) and part.nernst:
            keep |= {f"{part.ion}_i", f"{part.ion}_o", f"E_{part.ion}"}
        rename = _renamer(name, part, keep, instead(part, text.told))
        text.lines += [line_of(equation, rename) for equation in parse(part.equations).values()]
        text.starts |= {rename(state): rename(code) for state, code in part.starts.items()}
        text.nonlinear += map(rename, part.nonlinear)
        if isinstance(part, Channel) and part.carries:
            _write_carried(text, name, part, rename, currents)
        elif isinstance(part, Channel):
            text.lines.append(f"{name}_current = {rename(part.current)} : amp/meter**2")
            carried_by = () if part.ion is None else ((part.ion, 1),)
            text.carriers.append(Carrier(f"{name}_current", name, 1, carried_by))
            for ion, _ in carried_by:
                currents.setdefault(ion, []).append(f"{name}_current")
        elif isinstance(part, Transporter):
            _write_transporter(text, name, part, rename, currents)
            text.above += [(name, part.above)] if part.above else []
    wanted = {need for part in parts.values() for need in part.reads if need.startswith("i_")}
    placed = tuple(placed_current(ion) for ion in carried if f"i_{ion}" in wanted)
    for ion, name in zip((i for i in carried if f"i_{i}" in wanted), placed, strict=True):
        currents.setdefault(ion, []).append(name)
        text.lines.append(f"{name} : amp/meter**2")
    for ion, terms in currents.items():
        if f"i_{ion}" in wanted or ion in held:
            text.lines.append(f"i_{ion} = {' + '.join(terms)} : amp/meter**2")
    for need in wanted - {f"i_{ion}" for ion in currents}:
        text.lines.append(f"{need} = 0*amp/meter**2 : amp/meter**2")
    total = [
        one.variable if one.charge == 1 else f"{one.charge}*{one.variable}"
        for one in text.carriers
        if one.charge
    ]
    text.current = " + ".join(total) or "0*amp/meter**2"
    return placed


def write_counts(text: Text, pool: str) -> list[str]:
    """Write what the ledger counts of a pool of calcium; return the statements of each step.

    They are run with the state at the start of the step, from which `CalciumPool` advances by
    x(dt) = x_inf + (x(0) - x_inf) exp(-dt/tau). What currents bring in the step, and the integral
    of (x - rest)/tau over it, follow. The step at time 0 begins anew, after those of settling.
    """
    started, brought, removed = (f"{pool}_{what}" for what in ("started", "brought", "removed"))
    text.lines += [f"{name} : {_CONCENTRATION}" for name in (started, brought, removed)]
    influx = f"({pool}_free*i_ca/(2*{pool}_F*{pool}_depth))"
    gone = f"(1 - exp(-dt/{pool}_tau))"
    # Not of the sign of t: code generation takes time to be positive.
    first, later = "int(t < 0.5*dt)", "int(t >= 0.5*dt)"
    left = f"{influx}*(dt - {pool}_tau*{gone}) + (ca_i - {pool}_rest)*{gone}"
    return [
        f"{started} = {first}*ca_i + {later}*{started}",
        f"{brought} = {later}*{brought} + dt*{influx}",
        f"{removed} = {later}*{removed} + {left}",
    ]


# What a place is, beside what it is made of.
PLACES = {"radius", "surface_to_volume"}
_CONCENTRATION = unit_name(SHARED["na_i"])


def _check_reads(parts: dict[str, Mechanism], held: Collection[str]) -> None:
    """Refuse a part that depends on an ion of which nothing there tells the concentration."""
    inside = {part.writes for part in parts.values() if isinstance(part, IonPool)}
    both = {name for ion in held for name in (f"{ion}_i", f"{ion}_o", f"E_{ion}")}
    for name, part in parts.items():
        needs = {need: need for need in part.reads if not need.startswith("i_")}
        if isinstance(part, Transporter):
            needs |= {f"{ion}_i": ion for ion in part.moves}
        for need in needs.keys() - both - inside - PLACES:
            ion = next(one for one in IONS if one in need.split("_"))
            pool = POOL_OF[ion]
            also = " or CalciumPool()" if need == "ca_i" else ""
            raise ParameterError(
                f"{name!r} {'moves' if needs[need] == ion else 'depends on'} {needs[need]}, and "
                f"nothing there holds it: paint an ion pool that does (such as {pool}(){also}) on "
                "the same region"
            )


POOL_OF = {"na": "Sodium", "k": "Potassium", "ca": "Calcium", "cl": "Chloride"}


def _concentrations(name: str, part: Ion, *, shared: bool) -> list[str]:
    """Return the concentrations of an ion: variables where something moves them."""
    sides = (
        (f"{part.ion}_i", part.inside_moves, "inside"),
        (f"{part.ion}_o", part.outside_moves, "outside"),
    )
    deeper = range(2, part.shell_count + 1)
    lines = [f"{part.ion}_i_{shell} : {_CONCENTRATION}" for shell in deeper]
    for variable, moves, field in sides:
        if shared and field == "outside":
            lines.append(f"{variable} : {_CONCENTRATION}")
        elif moves:
            lines.append(f"{variable} : {_CONCENTRATION}")
            lines.append(f"{name}_per_{field} : {_PER_CHARGE} (constant)")
        else:
            lines.append(f"{variable} = {name}_{field} : {_CONCENTRATION}")
    return lines


# Change of a concentration by a charge on an area of membrane.
_PER_CHARGE = unit_name(SHARED["na_i"] / coulomb * meter**2)


def instead(part: Mechanism, told: Collection[str]) -> dict[str, str]:
    """Return what takes the place of fields of a channel where the concentrations are told.

    Parameters
    ----------
    part : Mechanism
        The channel; no other part has such fields.
    told : collection of str
        Ions whose concentrations and Nernst potential something there tells.
    """
    if not isinstance(part, Channel):
        return {}
    return {f: name for f, name in part.followed.items() if set(name.split("_")) & set(told)}


def _write_carried(
    text: Text,
    name: str,
    part: Channel,
    rename: Callable[[str], str],
    currents: dict[str, list[str]],
) -> None:
    """Write a part that carries several currents, each of its own ion."""
    made = []
    for ion, code in part.carries.items():
        variable = f"{name}_i_{ion or 'other'}"
        made.append(variable)
        text.lines.append(f"{variable} = {rename(code)} : amp/meter**2")
        text.carriers.append(Carrier(variable, name, 1, ((ion, 1),) if ion else ()))
        if ion:
            currents.setdefault(ion, []).append(variable)
    text.lines.append(f"{name}_current = {' + '.join(made)} : amp/meter**2")


def _write_transporter(
    text: Text,
    name: str,
    part: Transporter,
    rename: Callable[[str], str],
    currents: dict[str, list[str]],
) -> None:
    """Write a transporter: one rate, and the currents of all ions that go with it."""
    code, _ = part.expressions()["rate"]
    text.lines.append(f"{name}_rate = {rename(code)} : amp/meter**2")
    text.lines.append(f"{name}_current = {part.net_charge}*{name}_rate : amp/meter**2")
    charges = tuple((ion, VALENCE[ion] * count) for ion, count in part.moves.items())
    for ion, charge in charges:
        text.lines.append(f"{name}_i_{ion} = {charge}*{name}_rate : amp/meter**2")
        currents.setdefault(ion, []).append(f"{name}_i_{ion}")
    text.carriers.append(Carrier(f"{name}_rate", name, part.net_charge, charges))


def write_receptor(text: Text, part: Receptor, held: Ion | None = None) -> None:
    """Write the equations of a receptor; names stay local, since its kernel holds one kind.

    `held` is what holds the ion it carries: what the receptor needs of it is gathered from there.
    """
    current = part.current
    follows = part.followed.items() if held is not None else ()
    both = [f"{held.ion}_{side}" for side in "io"] if held is not None and follows else []
    there = dict.fromkeys([*part.reads, *both])
    text.lines += [f"{one} : {_CONCENTRATION}" for one in there]
    text.gathers += there
    if held is not None:
        text.carriers.append(Carrier("ion_current", "", 1, ((held.ion, 1),)))
        for field, name in follows:
            current = re.sub(rf"\b{field}\b", name, current)
            text.lines.append(f"{held.ion}_RT_F : volt")
            ratio = f"log({held.ion}_o/{held.ion}_i)"
            text.lines.append(f"{name} = {held.ion}_RT_F/{held.valence}*{ratio} : volt")
            text.gathers.append(f"{held.ion}_RT_F")
    text.lines += [line_of(equation) for equation in parse(part.equations).values()]
    text.lines.append(f"current = {current} : amp")
    if part.ion is not None:
        text.lines.append(f"ion_current = {part.ion_current or current} : amp")
    text.current = "current"


def _renamer(
    part_name: str, part: Mechanism, keep: set[str], instead: dict[str, str]
) -> Callable[[str], str]:
    """Return a function that gives a part's local names their names within the cell."""
    local = {*parse(part.equations), *part.quantity_fields(), *part.constants()} - keep
    pattern = re.compile(r"\b(" + "|".join(sorted(map(re.escape, local), key=len)[::-1]) + r")\b")

    def named(found: re.Match[str]) -> str:
        return instead.get(found[1], f"{part_name}_{found[1]}")

    def rename(code: str) -> str:
        return pattern.sub(named, code) if local else code

    return rename
