"""What covers the membrane of a NeuroML cell: channels, capacitance, calcium."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, meter, ms, mV, siemens
from brian2.units.allunits import ampere, farad, mole, ohm, second
from brian2.units.constants import faraday_constant

from neurosim.channels.calcium_pool import CalciumPool
from neurosim.channels.neuroml_channel import NeuroMLChannel, NeuroMLPool
from neurosim.describe.neuroml_out.neuroml_shape import shortest_region
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.morphology import DLambda, Region, Rule, root_site
from neurosim.neuroml.elements import Element, NeuroMLError
from neurosim.neuroml.ion_channels import CHANNELS, ChannelText, channel_text
from neurosim.neuroml.neuroml_units import quantity_of
from neurosim.neuroml.notes import note_of, noted_part
from neurosim.neuroml.segments import Shape

__all__ = ["Library", "covered_groups", "paint"]

_DENSITY = siemens / meter**2
_MM = mole / meter**3
_DENSITIES = ("channelDensity", "channelDensityNernst")
_POOLS = ("decayingPoolConcentrationModel", "fixedFactorConcentrationModel")
_MEMBRANE = ("spikeThresh", "specificCapacitance", "initMembPotential")
_IONS = {"na": 1, "k": 1, "ca": 2, "cl": -1}


@dataclass(frozen=True, eq=False)
class Library:
    """What the files hold beside cells, by id."""

    channels: Mapping[str, Element]
    pools: Mapping[str, Element]
    custom: Mapping[str, Element]


def covered_groups(biophysics: Element) -> list[str]:
    """Return the segment groups that something covers."""
    found = []
    for part in ("membraneProperties", "intracellularProperties"):
        for whole in biophysics.all(part):
            found += [c.attributes["segmentGroup"] for c in whole.children
                      if "segmentGroup" in c.attributes]  # fmt: skip
    return list(dict.fromkeys(found))


class _Cover:
    """Where elements lie on a shape."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def branches(self, element: Element) -> frozenset[int]:
        """Return the branches that an element covers."""
        shape = self.shape
        if "segment" in element.attributes and "segmentGroup" not in element.attributes:
            number = int(element.get("segment"))
            if number not in shape.branch_of:
                raise element.fail(f"there is no segment {number}")
            found = {shape.branch_of[number]}
            own = [n for n, k in shape.branch_of.items() if k in found]
            if len(own) > 1:
                raise element.fail(
                    f"it covers segment {number} alone, which is part of a longer branch; give it "
                    "a segment group"
                )
            return frozenset(found)
        group = element.attributes.get("segmentGroup", "all")
        if group not in shape.groups:
            raise element.fail(f"there is no segment group {group!r}")
        if not shape.groups[group]:
            raise element.fail(f"the segment group {group!r} is empty")
        return frozenset(shape.branch_of[number] for number in shape.groups[group])

    def region(self, branches: frozenset[int]) -> Region:
        """Return some branches as a region, in the shortest words."""
        return shortest_region(self.shape.morphology, branches)


def paint(
    neuron: Neuron,
    shape: Shape,
    biophysics: Element,
    library: Library,
    *,
    detect: bool,
    rule: Rule | None,
    base: object = None,
) -> Neuron:
    """Return a neuron covered with all that a file puts on it.

    Raises
    ------
    NeuroMLError
        Something is not known here; the message says the line.
    """
    cover = _Cover(shape)
    inside = biophysics.only(
        "membraneProperties", "intracellularProperties", "extracellularProperties"
    )
    wholes = {whole.tag: whole for whole in inside}
    membrane = wholes.get("membraneProperties")
    if membrane is None:
        raise biophysics.fail("membraneProperties are missing")
    intra = wholes.get("intracellularProperties")
    parts = membrane.only(*_DENSITIES, *_MEMBRANE)
    within = [] if intra is None else intra.only("species", "resistivity")
    neuron = _cables(neuron, cover, parts, within, rule, base)
    neuron = _potentials(neuron, [one for one in parts if detect or one.tag != "spikeThresh"])
    species = {one.get("ion") for one in within if one.tag == "species"}
    outside = {one.get("ion"): one for one in within if one.tag == "species"}
    taken: dict[str, set[int]] = {}
    for part in parts:
        if part.tag in _DENSITIES:
            neuron = _channel(neuron, cover, part, library, taken, outside)
    for one in within:
        if one.tag == "species":
            neuron = _pool(neuron, cover, one, library)
    _check_followed(neuron, parts, species)
    return neuron


def _cables(
    neuron: Neuron,
    cover: _Cover,
    parts: list[Element],
    within: list[Element],
    rule: Rule | None,
    base: object,
) -> Neuron:
    """Return the neuron with capacitance and resistivity, cut by a rule that knows them."""
    count = len(neuron.morphology)
    values = {"specificCapacitance": np.full(count, np.nan), "resistivity": np.full(count, np.nan)}
    units = {"specificCapacitance": farad / meter**2, "resistivity": ohm * meter}
    for part in [*parts, *within]:
        if part.tag in values:
            values[part.tag][list(cover.branches(part))] = float(
                quantity_of(part, "value", units[part.tag])
            )
    for tag, what in values.items():
        if np.isnan(what).any():
            name = neuron.morphology.names[int(np.flatnonzero(np.isnan(what))[0])]
            raise NeuroMLError(f"the branch {name!r} is given no {tag}, which it needs")
    kinds: dict[tuple[float, float], set[int]] = {}
    for k, pair in enumerate(zip(*(values[tag].tolist() for tag in values), strict=True)):
        kinds.setdefault(pair, set()).add(k)
    noted = tuple(base) if isinstance(base, list) else None
    most = max(kinds, key=lambda pair: (pair == noted, len(kinds[pair])))

    def cable(pair: tuple[float, float]) -> Cable:
        return Cable(
            C_m=pair[0] * farad / meter**2,
            R_a=pair[1] * ohm * meter,
        )

    own = cable(most)
    neuron = neuron.replace(cable=own, rule=rule or DLambda(C_m=own.C_m, R_a=own.R_a))
    for number, (pair, where) in enumerate(kinds.items()):
        if pair != most:
            region = cover.region(frozenset(where))
            label = "cable" if len(kinds) == 2 else f"cable_{number}"
            neuron = neuron.paint(cable(pair), region, label=label)
    return neuron


def _potentials(neuron: Neuron, parts: list[Element]) -> Neuron:
    """Return the neuron with its potential at the start, and where its spikes are seen."""
    for tag in ("initMembPotential", "spikeThresh"):
        found = [part for part in parts if part.tag == tag]
        values = {float(quantity_of(part, "value", mV)) for part in found}
        if len(values) > 1:
            raise found[1].fail("values that differ from place to place are not known here")
        for value in values:
            if tag == "initMembPotential":
                neuron = neuron.replace(rest=Quantity(value, dim=mV.dim))
            else:
                neuron = neuron.detect(root_site, Quantity(value, dim=mV.dim))
    return neuron


def _word(name: str) -> str:
    """Return a name of letters, digits and underscores that begins with a letter."""
    plain = re.sub(r"\W", "_", name)
    return plain if re.match(r"[A-Za-z]", plain) else f"c{plain}"


def _channel(
    neuron: Neuron,
    cover: _Cover,
    density: Element,
    library: Library,
    taken: dict[str, set[int]],
    species: Mapping[str, Element],
) -> Neuron:
    """Return the neuron with a channel painted."""
    source = library.channels.get(density.get("ionChannel"))
    if source is None:
        raise density.fail(
            f"there is no ion channel {density.get('ionChannel')!r} in the file or what it includes"
        )
    if density.all("variableParameter"):
        raise density.fail("densities that vary over a group are not known here")
    text = channel_text(source, library.custom)
    ion = density.attributes.get("ion", source.attributes.get("species", "non_specific"))
    carried = ion if ion in _IONS else None
    equations, force, more = text.equations, "(E - v)", {}
    reads = text.reads
    if density.tag == "channelDensityNernst":
        if ion != "ca" or "ca" not in species:
            raise density.fail(
                "a Nernst potential that follows concentrations is known for calcium with a "
                f"concentration model; the ion is {ion!r}"
            )
        outside = quantity_of(species["ca"], "initialExtConcentration", _MM)
        more = {"ion_o": outside}
        equations = "\n".join(
            line for line in (equations, "E_now = RT_F/2*log(ion_o/ca_i) : volt") if line
        )
        force, reads = "(E_now - v)", tuple(sorted({*reads, "ca_i"}))
    else:
        more = {"E": quantity_of(density, "erev", mV)}
    where = cover.branches(density)
    name = _word(source.get("id"))
    if taken.setdefault(name, set()) & where:
        name = _word(density.get("id"))
        if taken.setdefault(name, set()) & where:
            raise density.fail(f"a channel {name!r} covers some of these segments already")
    taken[name] |= where
    part = NeuroMLChannel(
        name=name,
        g=quantity_of(density, "condDensity", _DENSITY),
        equations=equations,
        current="*".join(one for one in ("g", text.opening, force) if one),
        ion=carried,
        reads=reads,
        q10s=text.q10s,
        temperature_ref=text.temperature_ref,
        q10_g=text.q10_g,
        reversal="fixed",
        **more,
    )
    label = _word(density.get("id"))
    note = note_of(source, "neurosim.part")
    noted = note.get("label") if isinstance(note, dict) else None
    # A label that several parts share is counted on in the file.
    if isinstance(noted, str) and re.fullmatch(re.escape(noted) + r"_\d+", label):
        label = noted
    known = noted_part(source, part, neuron.celsius)
    return neuron.paint(known or part, cover.region(where), label=label)


def _pool(neuron: Neuron, cover: _Cover, species: Element, library: Library) -> Neuron:
    """Return the neuron with a pool of calcium."""
    model = library.pools.get(species.get("concentrationModel"))
    if model is None:
        raise species.fail(
            f"there is no concentration model {species.get('concentrationModel')!r} of a kind that "
            f"is known here ({', '.join(_POOLS)})"
        )
    if species.get("ion") != "ca":
        raise species.fail(f"pools of {species.get('ion')!r} are not known here, only of 'ca'")
    model.only()
    rest = quantity_of(model, "restingConc", _MM)
    begin = quantity_of(species, "initialConcentration", _MM)
    if not float(begin) > 0:
        raise species.fail(
            "it begins at a concentration of 0; here a concentration that falls to 0 is an error. "
            "Give an initialConcentration above 0"
        )
    values, free = None, 1.0
    region = cover.region(cover.branches(species))
    if model.tag == "fixedFactorConcentrationModel":
        factor = quantity_of(model, "rho", mole / meter / ampere / second)
        free, depth = _noted_pool(model, factor)
    else:
        thick = float(quantity_of(model, "shellThickness", meter))
        cut = neuron.compartments
        area = cut.area_m2[region.mask(cut)]
        # NeuroML's shell lies under the surface of a sphere as large as the compartment.
        outer = np.sqrt(area / (4 * np.pi))
        volume = 4 / 3 * np.pi * (outer**3 - (outer - thick) ** 3)
        if not np.all(volume > 0):
            raise model.fail("the shell is thicker than a compartment")
        depths = volume / area
        depth = Quantity(float(depths[0]), dim=meter.dim)
        if np.ptp(depths) > 1e-12 * depths[0]:
            values = {"depth": Quantity(depths, dim=meter.dim)}
    given: dict[str, Any] = {
        "name": _word(model.get("id")), "rest": rest, "depth": depth, "free": free,
        "tau": quantity_of(model, "decayConstant", ms),
    }  # fmt: skip
    same = float(begin) == float(rest)
    pool = CalciumPool(**given) if same else NeuroMLPool(**given, start=begin)
    return neuron.paint(pool, region, label=_word(species.get("id")), values=values)


def _noted_pool(model: Element, factor: Quantity) -> tuple[float, Quantity]:
    """Return the free share and the depth of a pool: as we noted them, if they give its factor."""
    note = note_of(model, "neurosim.pool")
    try:
        free, depth = float(note["free"]), Quantity(float(note["depth"]), dim=meter.dim)
        if abs(float(free / (2 * faraday_constant * depth)) / float(factor) - 1) < 1e-12:
            return free, depth
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        pass
    return 1.0, 1 / (2 * faraday_constant * factor)


def _check_followed(neuron: Neuron, parts: list[Element], species: set[str]) -> None:
    """Refuse channels that read a calcium nobody holds."""
    if "ca" in species:
        return
    for painted in neuron.painted:
        if isinstance(painted.part, NeuroMLChannel) and "ca_i" in painted.part.reads:
            raise NeuroMLError(
                f"the channel {painted.part.name!r} depends on calcium, and no species 'ca' with a "
                "concentration model is in the cell"
            )


def depends_on_temperature(biophysics: Element, library: Library) -> str:
    """Return the name of a channel whose rates depend on the temperature, "" for none."""
    for whole in biophysics.all("membraneProperties"):
        for density in whole.children:
            if density.tag == "channelDensityNernst":
                return density.get("ionChannel")
            source = library.channels.get(density.attributes.get("ionChannel", ""))
            if source is not None and source.tag in CHANNELS:
                text: ChannelText = channel_text(source, library.custom)
                if text.asks_temperature:
                    return source.get("id")
    return ""
