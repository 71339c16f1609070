"""Painted channels as kernels: compartments with the same set of channels are one patch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from brian2.units import Quantity
from brian2.units.constants import faraday_constant

from neurosim.channels.base import SHARED, Mechanism
from neurosim.channels.calcium_pool import CalciumPool
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable, Painted, Spines
from neurosim.describe.profiles import factors, profiles
from neurosim.engine.cable.draft import TEMPERATURE, Draft, Run, Varied, single
from neurosim.engine.cable.equations import Text, instead, write_counts, write_membrane
from neurosim.engine.cable.inputs import Layer
from neurosim.engine.cable.model import HeldIon
from neurosim.engine.diffusion.pools import Pool, pool_of_calcium, pool_of_ion
from neurosim.errors import ParameterError
from neurosim.ions.ion import Ion
from neurosim.outside import Extracellular
from neurosim.outside.layers import GROUNDED, join_layers
from neurosim.synapses.base import Receptor

__all__ = ["Membrane", "draft_layer", "draft_patches", "ions_move"]


class _Painter(NamedTuple):
    """Who paints a part on a patch, on which of its members, and what differs among these."""

    painted: Painted
    part: Mechanism
    here: np.ndarray
    factors: np.ndarray | None
    profiles: dict[str, np.ndarray]


# By name of a part, who paints a part of that name on a patch.
_Painters = list[_Painter]


def _painter(
    mechanism: tuple[Painted, Mechanism],
    covered: np.ndarray,
    members: np.ndarray,
    over: tuple[np.ndarray | None, dict[str, np.ndarray]],
) -> _Painter:
    """Return who paints on a patch; values over the region are in the order of `covered`."""
    here = covered[members]
    scale, fields = over
    place = (np.cumsum(covered) - 1)[members[here]] if scale is not None or fields else here
    return _Painter(
        *mechanism,
        here,
        None if scale is None else scale[place],
        {field: values[place] for field, values in fields.items()},
    )


class Membrane:
    """What every stretch of membrane has, painted or not.

    Attributes
    ----------
    C_m : ndarray, shape (compartments,) or (compartments, cells)
        Capacitance of an area, in farad per square metre.
    R_a : ndarray, shape (compartments,)
        Axial resistivity, in ohm metre.
    area : ndarray, shape (compartments,)
        Area with spines, in square metre.
    """

    def __init__(self, neuron: Neuron, cells: int, varied: Varied) -> None:
        self._cells, self._varied = cells, varied
        shape, cable = neuron.compartments, neuron.cable
        # One number for all until something is painted.
        everywhere = _everywhere(cable.C_m, len(shape))
        self.C_m = self._capacitance("everywhere", everywhere, ...)
        self.R_a = _everywhere(cable.R_a, len(shape))
        self.area = np.asarray(shape.area_m2, dtype=float)
        for painted in neuron.painted:
            if isinstance(painted.part, Cable):
                mask = painted.region.mask(shape)
                self.C_m, self.R_a = np.array(self.C_m), np.array(self.R_a)
                over = profiles(painted, shape)
                own = over.get("C_m", np.asarray(float(painted.part.C_m)))
                self.C_m[mask] = own if self.C_m.ndim == 1 else own[..., np.newaxis]
                self.C_m = self._capacitance(painted.label, self.C_m, mask, fixed="C_m" in over)
                self.R_a[mask] = over.get("R_a", float(painted.part.R_a))
            elif isinstance(painted.part, Spines):
                self.area = np.array(self.area)
                more = profiles(painted, shape).get("factor", float(painted.part.factor))
                self.area[painted.region.mask(shape)] *= more

    def _capacitance(
        self, label: str, now: np.ndarray, where: Any, *, fixed: bool = False
    ) -> np.ndarray:
        """Return the capacitance with what the batch varies, shape (compartments[, cells])."""
        given = self._varied.get(f"{label}.C_m")
        if given is None:
            return now
        _refuse_both(label, "C_m", fixed=fixed)
        if now.ndim == 1:
            now = np.repeat(now[:, np.newaxis], self._cells, axis=1)
        now[where] = given
        return now


def draft_patches(neuron: Neuron, membrane: Membrane, run: Run, varied: Varied) -> Iterator[Draft]:
    """Write the patches, in the order in which they first occur along the morphology."""
    shape = neuron.compartments
    mechanisms = [(p, p.part) for p in neuron.painted if isinstance(p.part, Mechanism)]
    # Parts of one name may differ in what their equations are.
    kinds = [(part.name, part.variant) for _, part in mechanisms]
    names = list(dict.fromkeys(kinds))
    over = [(factors(painted, shape), profiles(painted, shape)) for painted, _ in mechanisms]
    # By kind and compartment, which of the mechanisms of that name covers it; -1: none.
    owner = np.full((len(names), len(shape)), -1, dtype=np.int16)
    for k, (painted, _) in enumerate(mechanisms):
        owner[names.index(kinds[k]), painted.region.mask(shape)] = k
    kind = _kinds(owner >= 0)
    for number in range(int(kind.max()) + 1):
        members = np.flatnonzero(kind == number).astype(np.int32)
        # Parts in the order in which they were painted.
        here = sorted((int(row[members[0]]), n) for n, row in enumerate(owner))
        covers: dict[str, _Painters] = {
            names[n][0]: [
                _painter(mechanisms[m], owner[n] == m, members, over[m])
                for m in np.unique(owner[n, members])
            ]
            for m, n in here
            if m >= 0
        }
        yield _patch(f"patch{number}", neuron, members, covers, membrane, run, varied)


def draft_layer(
    neuron: Neuron, membrane: Membrane, run: Run, varied: Varied, number: np.ndarray
) -> Layer | None:
    """Write the layers outside the membrane, None where there are none.

    Parameters
    ----------
    number : ndarray of int, shape (nodes,)
        Number in the engine of each node of the morphology.
    """
    cut = neuron.compartments
    resistance = np.full(len(cut), np.nan)
    wall, capacity = np.zeros((2, len(cut), run.cells))
    area = np.asarray(membrane.area)
    for painted in neuron.painted:
        part = painted.part
        if not isinstance(part, Extracellular):
            continue
        here = painted.region.mask(cut)
        over = profiles(painted, cut)
        resistance[here] = over.get("R_axial", float(part.R_axial))
        for values, name in ((wall, "g"), (capacity, "C")):
            own = over.get(name, np.asarray(float(getattr(part, name))))
            given = varied.get(f"{painted.label}.{name}")
            if given is not None:
                _refuse_both(painted.label, name, fixed=name in over)
            values[here] = area[here, np.newaxis] * (
                own[..., np.newaxis] if given is None else given
            )
    if np.isnan(resistance).all():
        return None
    joined = join_layers(cut, resistance)
    nodes = len(cut.node_parent)
    up, walls, capacities = np.zeros(nodes), *np.zeros((2, nodes, run.cells))
    up[number] = joined.up
    at_node = cut.node_compartment >= 0
    walls[number[at_node]] = wall[cut.node_compartment[at_node]]
    capacities[number[at_node]] = capacity[cut.node_compartment[at_node]]
    walls[number[joined.grounded]] = GROUNDED
    return Layer(up, _once(walls), _once(capacities), [])


def _once(values: np.ndarray) -> np.ndarray:
    """Return one column where all cells agree, shape (nodes,)."""
    return values[:, 0] if np.all(values == values[:, :1]) else values


def _kinds(covered: np.ndarray) -> np.ndarray:
    """Return by compartment which mechanisms it has, numbered in the order of first occurrence.

    Parameters
    ----------
    covered : ndarray of bool, shape (mechanisms, compartments)
        Whether a mechanism is there.
    """
    kind = np.zeros(covered.shape[1], dtype=np.int32)
    for row in covered:
        if row.any() and not row.all():
            _, place, parted = np.unique(2 * kind + row, return_index=True, return_inverse=True)
            kind = np.argsort(np.argsort(place)).astype(np.int32)[parted]
    return kind


def _patch(
    name: str,
    neuron: Neuron,
    members: np.ndarray,
    covers: dict[str, _Painters],
    membrane: Membrane,
    run: Run,
    varied: Varied,
) -> Draft:
    parts = {part_name: painters[0].part for part_name, painters in covers.items()}
    text = Text()
    carried = write_membrane(text, parts, _carried(neuron, members), run.shared)
    values: dict[str, np.ndarray] = {}
    like: dict[str, Any] = {}
    for part_name, part in parts.items():
        for field in part.parameters():
            if field in instead(part, text.told):
                _refuse_followed(covers[part_name], field, run)
                continue
            painted = _painted_values(covers[part_name], field, neuron, members, run, varied)
            alone = _is_one_number(covers[part_name], field, run)
            values[f"{part_name}_{field}"] = single(painted) if alone else _by_cell(painted, run)
            like[f"{part_name}_{field}"] = getattr(part, field)
        for constant, value in part.constants(neuron.celsius).items():
            # By painting, since each has a q10 of its own.
            held = np.empty(len(members))
            for one in covers[part_name]:
                held[one.here] = float(one.part.constants(neuron.celsius)[constant])
            alone = _is_one_number(covers[part_name], TEMPERATURE, run)
            values[f"{part_name}_{constant}"] = single(held) if alone else _by_cell(held, run)
            like[f"{part_name}_{constant}"] = value
    values |= {variable: np.zeros(len(members)) for variable in carried}
    empties: tuple[str, ...] = ()
    if ions_move(neuron, run):
        empties = tuple(n for n, part in parts.items() if isinstance(part, CalciumPool))
    updates = [line for one in empties for line in write_counts(text, one)]
    counters = [line.split(" = ")[0] for line in updates]
    values |= {name: np.zeros((len(members), run.cells)) for name in counters}
    values |= _of_place(text, neuron, members, like)
    pools = []
    for ion in text.ions:
        moved, pool = _of_ion(ion, parts[ion.part], values, membrane, neuron, members)
        values |= moved
        pools.append(pool)
    pools += [
        pool_of_calcium(part_name, part, values, neuron.compartments, members, membrane.area)
        for part_name, part in parts.items()
        if isinstance(part, CalciumPool)
    ]
    # A copy only where a patch is less than the cell.
    chosen = members if len(members) < len(membrane.area) else slice(None)
    values["C_m"] = single(membrane.C_m[chosen])
    values["area"] = single(membrane.area[chosen])
    values["implicit_dt"] = np.asarray(run.dt * run.theta)
    like["C_m"] = neuron.cable.C_m
    for parameter, quantity in like.items():
        text.declare(parameter, quantity, shared=values[parameter].ndim == 0)
    shared = ", shared" if values["area"].ndim == 0 else ""
    text.lines.append(f"area : meter**2 (constant{shared})")
    text.lines.append("implicit_dt : second (constant, shared)")
    diffusing = tuple(pool for pool in pools if pool is not None)
    return Draft(
        name,
        text,
        values,
        members,
        density=True,
        updates=tuple(updates),
        empties=empties,
        pools=diffusing,
    )


def ions_move(neuron: Neuron, run: Run) -> bool:
    """Return whether currents move any concentration of an ion that is held."""
    held = [p.part for p in neuron.painted if isinstance(p.part, Ion)]
    return bool(run.shared) or any(part.inside_moves or part.outside_moves for part in held)


def _refuse_followed(painters: _Painters, field: str, run: Run) -> None:
    """Refuse values of a field that is not used, since the ion's concentrations are."""
    for one in painters:
        name = f"{one.painted.label}.{field}"
        if name in run.batch or field in one.profiles:
            raise ParameterError(
                f"{name} has no effect where the concentrations of its ion are held: the "
                "reversal potential follows them. Vary the concentrations, or paint "
                f'{type(one.part).__name__}(..., reversal="fixed")'
            )


def _of_place(
    text: Text, neuron: Neuron, members: np.ndarray, like: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Return the radius and surface-to-volume ratio where equations read them."""
    shape = neuron.compartments
    known = {
        "radius": lambda: shape.diameter_m[members] / 2,
        "surface_to_volume": lambda: (shape.area_m2 / shape.volume_m3)[members],
    }
    like |= {name: SHARED[name] for name in text.places}
    return {name: single(np.asarray(known[name]())) for name in text.places}


def _of_ion(
    held: HeldIon,
    part: Mechanism,
    values: dict[str, np.ndarray],
    membrane: Membrane,
    neuron: Neuron,
    members: np.ndarray,
) -> tuple[dict[str, np.ndarray], Pool | None]:
    """Return the concentrations of an ion that move, and by how much a charge moves them.

    And the pool inside, if it diffuses.
    """
    assert isinstance(part, Ion)
    found: dict[str, np.ndarray] = {}
    rows = {f: values[f"{held.part}_{f}"] for f in ("inside", "outside", "depth", "free")}
    pool = pool_of_ion(held.part, part, values, neuron.compartments, members, membrane.area)
    per = 1 / (part.valence * float(faraday_constant))
    if held.inside:
        whole = (neuron.compartments.volume_m3 / membrane.area)[members]
        depth = rows["depth"]
        whole = whole[:, np.newaxis] if depth.ndim == 2 or rows["free"].ndim == 2 else whole
        width = np.where(depth > 0, depth, whole)
        if pool is not None and held.shells > 1:
            width = whole * _across(pool.share[0, :, 0], whole)
            deeper = _full(rows["inside"], len(members))
            found |= {name: deeper.copy() for name in held.deeper}
        found[f"{held.part}_per_inside"] = per * rows["free"] / width
        found[f"{held.ion}_i"] = _full(rows["inside"], len(members))
    if held.shared:
        found[f"{held.ion}_o"] = _full(rows["outside"], len(members))
    elif held.outside:
        around = values[f"{held.part}_outside_depth"]
        if np.any(around <= 0):
            raise ParameterError(
                f"{held.part}.outside_depth must be greater than 0 in every cell of a batch"
            )
        found[f"{held.part}_per_outside"] = _full(-per / around, len(members))
        found[f"{held.ion}_o"] = _full(rows["outside"], len(members))
    return found, pool


def _full(values: np.ndarray, rows: int) -> np.ndarray:
    return np.full(rows, values) if values.ndim == 0 else np.array(values)


def _carried(neuron: Neuron, members: np.ndarray) -> list[str]:
    """Return the ions that receptors on a patch carry."""
    found: dict[str, None] = {}
    for placed in neuron.placed:
        ion = placed.part.ion if isinstance(placed.part, Receptor) else None
        if (
            ion is not None
            and np.isin(placed.site.compartments(neuron.compartments), members).any()
        ):
            found[ion] = None
    return list(found)


def _is_one_number(painters: _Painters, field: str, run: Run) -> bool:
    """Return whether a parameter stays one number for all rows while courses run."""
    names = [f"{one.painted.label}.{field}" for one in painters]
    # The temperature moves what follows from it, and conductances that have a q10.
    if field == TEMPERATURE or any(field == one.part.strength for one in painters):
        names.append(TEMPERATURE)
    following = [name for name in names if name in run.courses]
    scaled = any(one.factors is not None and field == one.part.strength for one in painters)
    alone = len(painters) == 1 and not scaled and field not in painters[0].profiles
    return not following or (alone and run.one_for_all(*following) and not run.batch_has(names))


def _by_cell(values: np.ndarray, run: Run) -> np.ndarray:
    return values if values.ndim == 2 else np.repeat(values[:, np.newaxis], run.cells, axis=1)


def _painted_values(
    painters: _Painters,
    field: str,
    neuron: Neuron,
    members: np.ndarray,
    run: Run,
    varied: Varied,
) -> np.ndarray:
    """Return a parameter over the compartments of a patch, with what the batch varies."""
    base = np.empty(len(members))
    factor: np.ndarray | None = None
    for painted, part, here, scale, over in painters:
        base[here] = _across(over.get(field, np.asarray(float(getattr(part, field)))), base)
        given = varied.get(f"{painted.label}.{field}")
        if given is not None:
            _refuse_both(painted.label, field, fixed=field in over)
            if base.ndim == 1:
                base = np.repeat(base[:, np.newaxis], run.cells, axis=1)
            base[here] = given
        if field != part.strength:
            continue
        warmed = part.conductance_factor(neuron.celsius)
        if scale is not None or warmed != 1:
            factor = np.ones(len(members)) if factor is None else factor
            factor[here] = warmed if scale is None else scale * warmed
    if factor is None:
        return base
    scaled: np.ndarray = base * _across(factor, base)
    return scaled


def _across(values: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return values of compartments so that they fit an array with or without cells."""
    return values[:, np.newaxis] if values.ndim == 1 and base.ndim == 2 else values


def _refuse_both(label: str, field: str, *, fixed: bool) -> None:
    if fixed:
        raise ParameterError(
            f"{label}.{field} has a value of its own in each compartment (paint(values=...)), "
            "which a value or a course of a batch would replace; run the variants one by one, or "
            "paint it with scale, which multiplies what the batch or the course says"
        )


def _everywhere(value: Quantity, count: int) -> np.ndarray:
    """Return one value for all, in the memory of one."""
    return np.broadcast_to(float(value), count)
