"""What is painted, as density mechanisms of NEURON with a value a segment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity

from neurosim.channels.base import SHARED, Channel, IonPool, Mechanism
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Painted
from neurosim.describe.profiles import factors, profiles
from neurosim.equations.evaluate import evaluate
from neurosim.exchange.errors import ExchangeError
from neurosim.exchange.mechanism_text import write_mechanism
from neurosim.exchange.mechanism_writer import MechanismText, followed_where
from neurosim.exchange.mechanisms_in import equations_digest
from neurosim.exchange.nmodl_words import in_neuron_units
from neurosim.ions.ion import Ion

__all__ = ["Densities"]

#: What writes a part, under a name, where these ions are held.
Write = Callable[[Mechanism, str, Mapping[str, IonPool]], MechanismText]


@dataclass
class _Density:
    """A mechanism, and its values by compartment; nan where it is not."""

    text: MechanismText
    part: Mechanism
    covered: np.ndarray
    values: dict[str, np.ndarray]


class Densities:
    """The painted mechanisms of a neuron, and the texts of all its mechanisms.

    Parameters
    ----------
    neuron : Neuron
        The neuron.
    spines : ndarray, shape (compartments,)
        Membrane area with spines over that without.
    write : callable, optional
        Writes the text of a part, for another program than NEURON (default: `write_mechanism`).
    """

    def __init__(self, neuron: Neuron, spines: np.ndarray, write: Write = write_mechanism) -> None:
        self._write = write
        self.neuron, self.spines, self.cut = neuron, spines, neuron.compartments
        self.texts: dict[str, MechanismText] = {}
        self._suffix: dict[Any, str] = {}
        self._made_of: dict[str, tuple[Mechanism, tuple[str, ...]]] = {}
        self._found: dict[str, _Density] = {}
        painted = [p for p in neuron.painted if isinstance(p.part, Mechanism)]
        #: By ion, which compartments hold it, and what does.
        self._ions: dict[str, list[tuple[np.ndarray, IonPool]]] = {}
        for one in painted:
            if isinstance(one.part, Ion) or (isinstance(one.part, IonPool) and one.part.nernst):
                mask = one.region.mask(self.cut)
                self._ions.setdefault(one.part.ion, []).append((mask, one.part))
        for one in painted:
            self._paint(one)
        if write is write_mechanism:
            self._check_pools()

    # ---- texts ----------------------------------------------------------------------------------
    def text_of(self, part: Mechanism, held: dict[str, IonPool]) -> MechanismText:
        """Return the mechanism of a part, where these ions are held."""
        follows = tuple(sorted(followed_where(part, held).items()))
        factor = bool(part.strength) and float(part.q10_g) != 1
        moves = part.variant if isinstance(part, Ion) else ()
        key = (type(part), part.name, follows, factor, moves)
        if key not in self._suffix:
            taken, number = f"ns_{part.name}", 1
            while (suffix := taken if number == 1 else f"{taken}_{number}") in self.texts:
                number += 1
            self._suffix[key] = suffix
            self.texts[suffix] = self._write(part, suffix, held)
            self._made_of[suffix] = part, tuple(held)
        return self.texts[self._suffix[key]]

    def held_at(
        self, sites: np.ndarray, reads: tuple[str, ...], ion: str | None
    ) -> dict[str, IonPool]:
        """Return the ions that are held at all of some compartments.

        Raises
        ------
        ExchangeError
            An ion that a receptor needs is held at some of them only.
        """
        found: dict[str, IonPool] = {}
        for name, holders in self._ions.items():
            here = np.any([mask[sites] for mask, _ in holders], axis=0)
            if here.all():
                found[name] = holders[0][1]
            elif here.any() and (name == ion or any(read.startswith(f"{name}_") for read in reads)):
                raise ExchangeError(
                    f"receptors placed together sit where {name} is held and where it is not; "
                    "place them as two"
                )
        return found

    # ---- values ---------------------------------------------------------------------------------
    def _paint(self, painted: Painted) -> None:
        part = painted.part
        assert isinstance(part, Mechanism)
        mask = painted.region.mask(self.cut)
        names = part.followed.values() if isinstance(part, Channel) else ()
        ions = sorted({ion for name in names for ion in self._ions if ion in name.split("_")})
        held = np.zeros(len(self.cut), dtype=int)
        for k, ion in enumerate(ions):
            held |= np.any([one for one, _ in self._ions[ion]], axis=0).astype(int) << k
        # One text for each set of ions that are held where the part is.
        for pattern in np.unique(held[mask])[::-1]:
            known = {ion: self._ions[ion][0][1] for k, ion in enumerate(ions) if pattern >> k & 1}
            self._cover(painted, part, mask, mask & (held == pattern), known)

    def _cover(
        self,
        painted: Painted,
        part: Mechanism,
        mask: np.ndarray,
        here: np.ndarray,
        held: dict[str, IonPool],
    ) -> None:
        text = self.text_of(part, held)
        density = self._found.get(text.suffix)
        if density is None:
            density = _Density(text, part, np.zeros(len(self.cut), dtype=bool), {})
            self._found[text.suffix] = density
        density.covered |= here
        for name, values in self._values(painted, part, text, mask).items():
            kept = density.values.setdefault(name, np.full(len(self.cut), np.nan))
            kept[here] = values[here]

    def _values(
        self, painted: Painted, part: Mechanism, text: MechanismText, mask: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return the values of a painted part by the names of its RANGE variables."""
        scale, over = factors(painted, self.cut), profiles(painted, self.cut)
        known = {**part.parameters(), **part.constants(self.neuron.celsius)}
        fields = part.quantity_fields()
        found = {}
        for local, name in text.parameters.items():
            value = known[local] if local in known else getattr(part, local)
            full = np.full(len(self.cut), float(value))
            if local in over:
                full[mask] = over[local]
            if scale is not None and local == painted.strength:
                full[mask] *= scale
            like = value if local not in fields else getattr(part, local)
            unit = Quantity(1.0, dim=getattr(like, "dim", Quantity(1.0).dim))
            found[name] = in_neuron_units(full * unit)
        return found | self._places(part, text, found)

    def _places(
        self, part: Mechanism, text: MechanismText, found: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        cut = self.cut
        known: dict[str, np.ndarray] = {
            "scale": self.spines,
            "membrane": self.spines,
            "radius": 1e2 * cut.diameter_m / 2,
            "surface_to_volume": 1e-2 * cut.area_m2 / cut.volume_m3,
        }
        if isinstance(part, Ion) and {"width", "width_"} & {*text.places}:
            whole = 1e2 * cut.volume_m3 / (cut.area_m2 * self.spines)
            depth = 1e2 * float(part.depth)
            known["width"] = np.full(len(cut), depth) if depth > 0 else whole
        return {name: known[name.rstrip("_")] for name in text.places}

    def _check_pools(self) -> None:
        """Refuse two mechanisms that hold one ion on one branch: a section has one of them."""
        holders: dict[str, tuple[str, np.ndarray]] = {}
        for density in self._found.values():
            if not isinstance(density.part, IonPool):
                continue
            cut = self.cut
            touched = np.isin(cut.branch, np.unique(cut.branch[density.covered]))
            ion = density.part.ion
            if ion in holders and np.any(holders[ion][1] & touched):
                raise ExchangeError(
                    f"{density.part.name!r} and {holders[ion][0]!r} hold {ion} on one branch, and "
                    "a section of NEURON has one of them; cut the shape where one ends"
                )
            before = holders[ion][1] if ion in holders else np.zeros(len(cut), dtype=bool)
            holders[ion] = (density.part.name, before | touched)

    # ---- what comes of it -----------------------------------------------------------------------
    def entries(self) -> list[dict[str, Any]]:
        """Return the mechanisms as plain values, by section."""
        cut, rows = self.cut, []
        for suffix, density in self._found.items():
            sections = np.unique(cut.branch[density.covered])
            inside = np.isin(cut.branch, sections)
            outside = (inside & ~density.covered)[inside]
            values: dict[str, Any] = {}
            for name, full in density.values.items():
                here = full[inside].copy()
                # What a section cannot leave out is there without effect.
                here[outside] = 0.0 if name == "scale" else here[~outside][0]
                values[name] = float(here[0]) if np.all(here == here[0]) else here.tolist()
            rows.append({"suffix": suffix, "sections": sections.tolist(), "values": values})
        return rows

    def parts(self) -> dict[str, dict[str, Any]]:
        """Return by mechanism what it was made of, for `from_neuron`."""
        told = {}
        for suffix, (part, held) in self._made_of.items():
            text, quantities = self.texts[suffix], part.quantity_fields()
            left = [n for n in quantities if n not in text.parameters]
            others = [f.name for f in dataclasses.fields(part) if f.name not in quantities]
            plain = {n: getattr(part, n) for n in others if n != "name"}
            told[suffix] = {
                "kind": f"{type(part).__module__}.{type(part).__qualname__}",
                "name": part.name,
                "held": list(held),
                "parameters": dict(text.parameters),
                "scale": "scale" if "scale" in text.places else "",
                "fixed": {n: float(getattr(part, n)) for n in left},
                "plain": {n: v for n, v in plain.items() if isinstance(v, str | bool | int)},
                "equations_sha256": equations_digest(text.text),
            }
        return told

    def of_name(self, name: str, compartment: int) -> MechanismText | None:
        """Return the mechanism of a part of that name in a compartment."""
        for density in self._found.values():
            if density.part.name == name and density.covered[compartment]:
                return density.text
        return None

    def covering(self) -> list[tuple[MechanismText, Mechanism, np.ndarray]]:
        """Return each mechanism, its part, and which compartments it covers."""
        return [(one.text, one.part, one.covered) for one in self._found.values()]

    def values(self) -> list[tuple[MechanismText, np.ndarray, dict[str, np.ndarray]]]:
        """Return each mechanism, where it is, and its values by compartment, nan elsewhere."""
        return [(one.text, one.covered, one.values) for one in self._found.values()]

    def concentration(self, painted: Painted, side: str) -> np.ndarray:
        """Return the concentration that a painted pool starts with, by compartment, in mM.

        Parameters
        ----------
        painted : Painted
            Holds an `IonPool`.
        side : str
            ``"inside"`` or ``"outside"``.
        """
        part = painted.part
        assert isinstance(part, IonPool)
        field = side if side in part.quantity_fields() else ""
        if part.writes.endswith("_i") == (side == "inside"):
            if part.writes in part.starts:
                known = part.values(self.neuron.rest, self.neuron.celsius)
                first = evaluate(part.equations, part.starts[part.writes], known)
                return np.full(len(self.cut), float(np.asarray(first)))
            field = field or "rest"
        mask = painted.region.mask(self.cut)
        typical = SHARED[f"{part.ion}_{side[0]}"]
        full = np.full(len(self.cut), float(getattr(part, field, typical)))
        if field in (over := profiles(painted, self.cut)):
            full[mask] = over[field]
        return full
