"""A neuron with extent: a morphology, what covers it, what sits on it, and what is read from it.

Three verbs build it, each returning a new value: `Neuron.paint` puts a channel on an area,
`Neuron.place` an electrode or synapses at points, `Neuron.probe` reads a variable.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from brian2.units import Quantity, ms, mV

from neurosim.channels.base import Channel, IonPool, Mechanism
from neurosim.describe.neuroml_out.neuroml_cell import write_neuroml
from neurosim.describe.parts import (
    Cable,
    Detector,
    Initial,
    Painted,
    Part,
    Placed,
    Poisson,
    Probed,
)
from neurosim.describe.profiles import as_pairs, check_profiles, factors, profiles, read_places
from neurosim.display import html_table
from neurosim.drawing.cable import mark_sites
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.ions.ion import Ion
from neurosim.morphology import (
    Compartments,
    DLambda,
    Morphology,
    Region,
    Rule,
    Site,
    every,
    everywhere,
    plot_morphology,
)
from neurosim.outside import Extracellular, Field
from neurosim.quantities import check_celsius, check_quantity
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor
from neurosim.synapses.events import Events

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Neuron"]


_LABEL = r"[A-Za-z][A-Za-z0-9_]*"
# What a batch calls the membrane as a whole.
_RESERVED = {"everywhere"}


@dataclass(frozen=True, eq=False, repr=False)
class Neuron:
    """A neuron with dendrites, soma and axon, as a frozen value.

    Parameters
    ----------
    morphology : Morphology
        Its shape.
    rule : Rule
        How it is cut into compartments.
    cable : Cable
        Capacitance and axial resistivity where no other `Cable` is painted.
    celsius : float
        Temperature, in °C.
    rest : Quantity
        Membrane potential at the start; gates start at their steady state there.
    initial : Initial, optional
        Potentials and states at the start by compartment, in place of `rest`.

    Examples
    --------
    >>> from brian2 import ms, nA, um
    >>> from neurosim import Constant, simulate
    >>> from neurosim.channels import HHPotassium, HHSodium, Leak
    >>> from neurosim.morphology import PerBranch, ball_and_stick, branch
    >>> cell = (
    ...     Neuron(ball_and_stick(20 * um, 500 * um, 2 * um), PerBranch(21), celsius=6.3)
    ...     .paint(Leak())
    ...     .paint(HHSodium(), branch("soma"))
    ...     .paint(HHPotassium(), branch("soma"))
    ... )
    >>> recording = simulate(cell, 50 * ms, stimulus=Constant(0.3 * nA), dt=0.01 * ms)
    >>> int(recording.counts()[0]) > 0
    True
    """

    morphology: Morphology
    rule: Rule = field(default_factory=DLambda)
    cable: Cable = field(default_factory=Cable, kw_only=True)
    celsius: float = field(default=37.0, kw_only=True)
    rest: Quantity = field(default_factory=lambda: -70 * mV, kw_only=True)
    painted: tuple[Painted, ...] = field(default=(), kw_only=True)
    placed: tuple[Placed, ...] = field(default=(), kw_only=True)
    probed: tuple[Probed, ...] = field(default=(), kw_only=True)
    detectors: tuple[Detector, ...] = field(default=(), kw_only=True)
    initial: Initial | None = field(default=None, kw_only=True)

    default_dt_ms: ClassVar[float] = 0.025

    def __post_init__(self) -> None:
        if not isinstance(self.morphology, Morphology):
            raise ParameterError(
                "Neuron: morphology must be a Morphology, such as ball_and_stick() or "
                f"read_swc(path); got {self.morphology!r}"
            )
        if not isinstance(self.rule, Rule):
            raise ParameterError(
                f"Neuron: rule must say how the shape is cut, such as DLambda() or PerBranch(3); "
                f"got {self.rule!r}"
            )
        if not isinstance(self.cable, Cable):
            raise ParameterError(
                f"Neuron: cable must be a Cable, such as Cable(C_m=1*uF/cm**2); got {self.cable!r}"
            )
        rest = check_quantity(self.rest, -70 * mV, "Neuron: rest")
        object.__setattr__(self, "rest", rest)
        check_celsius(self.celsius, "Neuron: celsius")

    def paint(
        self,
        part: Part | Sequence[Part],
        region: Region = everywhere,
        *,
        label: str = "",
        scale: Any = None,
        of: str | Sequence[str] = "distance",
        values: Mapping[str, Any] | None = None,
    ) -> Neuron:
        """Return the neuron with a part covering a region.

        Where two of `Cable`, `Spines` or (with labels of their own) `Extracellular` overlap, the
        one that is painted later replaces the earlier one. Channels, ions and transporters add up;
        two of one name must not overlap.

        What differs from compartment to compartment is given as a function of the place, or as an
        array with a number for each compartment of the region, or of the whole neuron. Functions
        get arrays in µm, of shape (n,), and return one number or n of them.

        Parameters
        ----------
        part : Channel, IonPool, Transporter, Cable, Spines or Extracellular, or several
            What covers it; several are painted one after the other.
        region : Region
            Where; by default everywhere.
        label : str
            Name by which a batch varies its parameters (default: the name of the part).
        scale : callable or array, optional
            What the conductance ``g`` (or permeability ``P``) of the channel is multiplied by.
        of : str or sequence of str
            Arguments of the functions: ``"distance"`` (path from the soma), ``"x"``, ``"y"``,
            ``"z"`` (centre of the compartment) or ``"diameter"``.
        values : mapping of str to callable or Quantity array, optional
            Parameters of the part, or ``C_m`` and ``R_a`` of a `Cable`, that take other values than
            those of `part`.

        Raises
        ------
        ParameterError
            Part or region are none, the region is empty, a channel of that name is there, or a
            function or array does not give a number for every compartment.
        UnknownNameError
            `values` or `of` names what is not there.

        Examples
        --------
        A leak that reverses further up where the dendrite is thin, and an h current that grows with
        the distance from an axis:

        >>> from brian2 import mV, um
        >>> from neurosim.channels import HCurrent, Leak
        >>> from neurosim.morphology import cone
        >>> cell = Neuron(cone(500 * um, 8 * um, 1 * um)).paint(
        ...     Leak(), of="diameter", values={"E": lambda d: (-70 + 5 / d) * mV}
        ... )
        >>> cell = cell.paint(
        ...     HCurrent(), scale=lambda y, z: 1 + np.hypot(y, z) / 100, of=("y", "z")
        ... )
        """
        if isinstance(part, (tuple, list)):
            if label and len(part) > 1:
                raise ParameterError(
                    f"paint: one label {label!r} for {len(part)} parts; paint them one by one"
                )
            several = self
            for one in part:
                several = several.paint(one, region, label=label, scale=scale, of=of, values=values)
            return several
        if not isinstance(part, Part):
            raise ParameterError(
                f"paint: {part!r} cannot cover an area; paint channels, ions, Cable, Spines "
                "or Extracellular, place stimuli and receptors, and expose the neuron to fields"
            )
        if not isinstance(region, Region):
            raise ParameterError(f"paint: region must be a Region such as everywhere; got {region}")
        mask = region.mask(self.compartments)
        if isinstance(part, Mechanism):
            self._check_overlap(part, mask)
        named = label or (part.name if isinstance(part, Mechanism) else type(part).__name__.lower())
        others = {p.label for p in self.painted if type(p.part) is not type(part)}
        _check_label("paint", named, others | {p.label for p in self.placed})
        if isinstance(part, Extracellular):
            self._check_layer(named, mask)
        painted = Painted(part, region, named, scale, read_places(of), as_pairs(values))
        check_profiles(painted, self.compartments)
        return self._with(painted=(*self.painted, painted))

    def _check_layer(self, label: str, mask: np.ndarray) -> None:
        """Refuse a layer that would replace another one of its label without saying so."""
        for other in self.painted:
            if not isinstance(other.part, Extracellular) or other.label != label:
                continue
            shared = np.flatnonzero(mask & other.region.mask(self.compartments))
            if len(shared):
                branch = self.compartments.branch_names[int(self.compartments.branch[shared[0]])]
                raise ParameterError(
                    f"paint: a layer Extracellular labelled {label!r} surrounds {len(shared)} of "
                    f"these compartments already (the first on branch {branch!r}), and a place has "
                    "one layer. To replace it there, give this one a label of its own, such as "
                    f"label='{label}_2'; otherwise paint regions that do not overlap"
                )

    def _check_overlap(self, part: Mechanism, mask: np.ndarray) -> None:
        """Refuse a second part of one name, but where it covers another region."""
        for other in self.painted:
            if not isinstance(other.part, Mechanism):
                continue
            overlaps = np.any(mask & other.region.mask(self.compartments))
            if other.part.name != part.name:
                if overlaps:
                    _check_one_pool(part, other.part)
                continue
            if type(other.part) is not type(part):
                raise ParameterError(
                    f"paint: the name {part.name!r} belongs to {type(other.part).__name__}; give "
                    f"this part another, {type(part).__name__}(..., name='...')"
                )
            if overlaps:
                raise ParameterError(
                    f"paint: a part named {part.name!r} covers some of that region already; give "
                    f"this one another name, {type(part).__name__}(..., name='...'), or paint "
                    "regions that do not overlap"
                )

    def place(
        self,
        part: Stimulus | Receptor,
        site: Site,
        arrivals: Events | Sequence[Events] | Poisson | None = None,
        *,
        label: str = "",
    ) -> Neuron:
        """Return the neuron with an electrode or receptors at a site.

        Parameters
        ----------
        part : Stimulus or Receptor
            An injected current, or a receptor at each point of the site.
        site : Site
            Where.
        arrivals : Events, sequence of Events or Poisson, optional
            For receptors: what arrives at every point, at each point in turn, or Poisson trains.
        label : str
            Name by which a batch varies its parameters.
        """
        if not isinstance(part, (Stimulus, Receptor)):
            raise ParameterError(
                f"place: {part!r} cannot sit at a point; place stimuli and receptors, paint "
                "channels, and expose the neuron to fields"
            )
        if not isinstance(site, Site):
            raise ParameterError(f"place: site must be a Site such as at('soma', 0.5); got {site}")
        given = _given(part, arrivals, len(site.compartments(self.compartments)))
        kind = part.label if isinstance(part, Stimulus) else part.name
        named = label or self._free(kind)
        _check_label("place", named, self._labels())
        return self._with(placed=(*self.placed, Placed(part, site, named, given)))

    def expose(self, field: Field, current: Stimulus, *, label: str = "field") -> Neuron:
        """Return the neuron in a field outside: electrodes or plates that carry a current.

        The field drives currents along the inside of the neuron. The recorded ``v`` is the
        potential across the membrane, inside less outside.

        Parameters
        ----------
        field : Field
            The potential around the neuron that the current makes, such as ``PointElectrodes()``
            or ``UniformField()``.
        current : Stimulus
            Course of the current. It is off while the neuron settles.
        label : str
            Name by which a batch varies its parameters.

        Raises
        ------
        ParameterError
            It is no field or no stimulus, or the label is taken.

        Examples
        --------
        >>> from brian2 import mA, ms, um
        >>> from neurosim import Steps
        >>> from neurosim.morphology import cylinder
        >>> from neurosim.outside import PointElectrodes
        >>> pulse = Steps(amplitude=-1 * mA, onset=1 * ms, duration=0.1 * ms)
        >>> fibre = Neuron(cylinder(5000 * um, 10 * um))
        >>> fibre.expose(PointElectrodes(x=2500 * um, y=1000 * um), pulse).placed[0].label
        'field'
        """
        if not isinstance(field, Field):
            raise ParameterError(
                "expose: field must be PointElectrodes or UniformField, such as "
                f"PointElectrodes(y=100*um); got {field!r}"
            )
        if not isinstance(current, Stimulus):
            raise ParameterError(
                "expose: current must be a stimulus such as Steps(amplitude=-1*mA); got "
                f"{current!r}"
            )
        if any(p.stands_alone or p.follows_potential for p in current.components().values()):
            raise ParameterError(
                "expose: give the course of a current, such as Steps(amplitude=-1*mA); "
                f"{type(current).__name__} is an electrode in a cell"
            )
        named = self._free(label) if label == "field" else label
        _check_label("expose", named, self._labels())
        return self._with(placed=(*self.placed, Placed(current, every(), named, field=field)))

    def probe(self, variable: str, site: Site | Region, *, label: str = "") -> Neuron:
        """Return the neuron with a variable traced at a site.

        Parameters
        ----------
        variable : str
            ``"v"``, a state or expression of a painted part (``"hh_sodium.m"``), its current
            (``"hh_sodium.current"``), a concentration (``"ca_i"``), or that of a placed receptor
            by its label (``"ampa.current"``), or ``"i_membrane"``, the whole current that leaves
            the compartment through the membrane (and the layer outside, where one is painted),
            less what an electrode in it injects, or ``"v_ext"``, the potential in that layer.
        site : Site or Region
            Where; every compartment the points of the site fall on is traced, or every one of the
            region. Of several placed receptors or electrodes on one compartment, the first is.
        label : str
            Name of the trace (default: the variable), by which `NeuronRecording.matrix` finds it.
        """
        site = every(site) if isinstance(site, Region) else site
        if not isinstance(site, Site):
            raise ParameterError(f"probe: site must be a Site such as at('soma', 0.5); got {site}")
        site.compartments(self.compartments)
        taken = {probe.label for probe in self.probed}
        named = label or variable
        if named in taken:
            raise ParameterError(f"probe: a trace {named!r} exists; give this one a label")
        return self._with(probed=(*self.probed, Probed(variable, site, named)))

    def detect(
        self,
        site: Site,
        threshold: Quantity = -20 * mV,
        *,
        refractory: Quantity = 0 * ms,
        label: str = "",
    ) -> Neuron:
        """Return the neuron with a spike detector at a site; the first one gives the spike trains.

        Without any, spikes are detected at the root of the morphology, at -20 mV.

        Parameters
        ----------
        site : Site
            A single point.
        threshold : Quantity
            Potential that is crossed upwards.
        refractory : Quantity
            How long after a spike another crossing does not count; the membrane is not touched.
        label : str
            Name, by which `NeuronRecording.spike_times_at` and `Circuit.connect` find it.

        Raises
        ------
        ParameterError
            The site is no single point, the label is taken, or the refractory period is negative.
        """
        if not isinstance(site, Site):
            raise ParameterError(f"detect: site must be a Site such as at('soma', 0.5); got {site}")
        value = float(check_quantity(threshold, -20 * mV, "detect: threshold"))
        if len(site.compartments(self.compartments)) != 1:
            raise ParameterError("detect: the site must be a single point")
        silent = check_quantity(refractory, 1 * ms, "detect: refractory", at_least=0 * ms)
        named = label or f"detector_{len(self.detectors)}"
        if any(named == other.label for other in self.detectors):
            raise ParameterError(f"detect: a detector {named!r} exists; give this one a label")
        return self._with(detectors=(*self.detectors, Detector(site, value, named, float(silent))))

    # ---- what it is made of ---------------------------------------------------------------------
    @cached_property
    def compartments(self) -> Compartments:
        """The morphology cut by the rule."""
        return self.morphology.discretise(self.rule)

    def replace(self, **changes: Any) -> Neuron:
        """Return a copy with some fields changed."""
        known = {f.name for f in dataclasses.fields(self)}
        for name in changes:
            if name not in known:
                raise UnknownNameError(f"Neuron has no field {name!r}: {suggest(name, known)}")
        return self._with(**changes)

    def to_dict(self) -> dict[str, Any]:
        """Return what identifies the neuron, in plain values."""
        return {
            "kind": "Neuron",
            "morphology": repr(self.morphology),
            "rule": repr(self.rule),
            "compartments": len(self.compartments.area_m2),
            "shape_sha256": self.shape_digest(),
            "celsius": self.celsius,
            "rest_V": float(self.rest),
            "cable": self.cable.to_dict(),
            "painted": [
                {
                    "part": p.part.to_dict(),
                    "region": repr(p.region),
                    "label": p.label,
                    "covers_sha256": self._cover_digest(p),
                }
                for p in self.painted
            ],
            "placed": [
                {
                    "part": p.part.to_dict(),
                    "site": repr(p.site),
                    "label": p.label,
                    "points_sha256": _digest(p.site.compartments(self.compartments)),
                    "arrivals": _arrivals(p.arrivals),
                }
                | ({} if p.field is None else {"field": p.field.to_dict()})
                for p in self.placed
            ],
            "detectors": [
                {
                    "site": repr(d.site),
                    "threshold_V": d.threshold,
                    "refractory_s": d.refractory,
                    "label": d.label,
                }
                for d in self.detectors
            ],
        } | ({} if self.initial is None else {"initial_sha256": self._initial_digest()})

    def to_neuroml(
        self, path: str | PathLike[str], *, name: str = "neuron", validate: bool = False
    ) -> tuple[str, ...]:
        """Write shape and membrane as a cell of NeuroML 2; `neurosim.from_neuroml` reads it back.

        Parameters
        ----------
        path : path
            The file; its name ends with ``.nml``.
        name : str
            Id of the cell in the file.
        validate : bool
            Whether libNeuroML (extra ``neuroml``) is asked if the file follows the schema.

        Returns
        -------
        tuple of str
            What is not the same in the file, a sentence each; they are warned of too.

        Raises
        ------
        ParameterError
            A part cannot be said in NeuroML; the message names it.

        Warns
        -----
        MorphologyWarning
            Something was left out, such as electrodes and probes.

        Notes
        -----
        Channels are written with the gates that their equations have: in NeuroML's own forms where
        they are such, otherwise as component types. Names, the rule that cuts the shape and the
        class of a channel are noted as properties, which other programs skip. The temperature is
        that of a network of this one cell.

        References
        ----------
        Cannon et al. (2014), Front Neuroinform 8:79.

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from neurosim.channels import HHSodium
        >>> from neurosim.morphology import ball_and_stick
        >>> with TemporaryDirectory() as folder:
        ...     Neuron(ball_and_stick()).paint(HHSodium()).to_neuroml(Path(folder, "cell.nml"))
        ()
        """
        return tuple(write_neuroml(self, path, name=name, validate=validate))

    def shape_digest(self) -> str:
        """Return what two shapes share only if they are cut and joined alike."""
        shape = self.compartments
        return _digest(
            shape.area_m2,
            shape.node_parent,
            shape.own_factor_per_m,
            shape.parent_factor_per_m,
            shape.distance_m,
        )

    def _initial_digest(self) -> str:
        """Return what tells where it starts."""
        assert self.initial is not None
        arrays = [np.array(values) for _, values in self.initial.states]
        return _digest(np.array(self.initial.potential), *arrays)

    def _cover_digest(self, painted: Painted) -> str:
        """Return what tells where a part covers, and how densely."""
        cut = self.compartments
        scale = factors(painted, cut)
        over = profiles(painted, cut)
        more = [np.frombuffer(name.encode(), dtype=np.uint8) for name in over]
        arrays = [] if scale is None else [scale]
        return _digest(painted.region.mask(cut), *arrays, *more, *over.values())

    def plot(self, values: Any = None, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the shape, with a marker at everything that is placed, probed or detects spikes.

        Parameters
        ----------
        values : Quantity or ndarray, optional
            One a compartment or branch, shown as colour (default: a colour a tag).
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        **options
            Of `neurosim.morphology.plot_morphology`, such as ``label`` or ``projection="3d"``.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from brian2 import pA
        >>> from neurosim import Constant
        >>> from neurosim.morphology import at, ball_and_stick
        >>> cell = Neuron(ball_and_stick()).place(Constant(1 * pA), at("soma"))
        >>> cell.plot().get_legend_handles_labels()[1]
        ['constant']
        """
        cut = self.compartments
        axes = plot_morphology(cut, values, ax=ax, **options)
        shown = [probe for probe in self.probed if probe.site != every()]
        sitting = [placed for placed in self.placed if placed.field is None]
        named: list[Placed | Probed | Detector] = [*sitting, *shown, *self.detectors]
        sites = {entry.label: cut.xyz_m[entry.site.compartments(cut)] * 1e6 for entry in named}
        seen = {name: options[name] for name in ("plane", "flip") if name in options}
        return mark_sites(axes, sites, **seen)

    def _repr_html_(self) -> str:
        rows = [
            *(
                ("painted", p.label, _brief(p.part) + self._reversal(p), repr(p.region))
                for p in self.painted
            ),
            *(
                ("placed", p.label, _brief(p.part), repr(p.site))
                if p.field is None
                else ("exposed", p.label, _brief(p.part), _brief(p.field))
                for p in self.placed
            ),
            *(("probed", p.label, p.variable, repr(p.site)) for p in self.probed),
            *(
                ("detects", d.label, f"crossings of {d.threshold * 1e3:g} mV", repr(d.site))
                for d in self.detectors
            ),
        ]
        note = (
            f"{self.morphology!r}; {len(self.compartments)} compartments by {self.rule!r}; "
            f"{self.cable!r}; {self.celsius:g} °C; rest at {self.rest}"
        )
        return html_table("Neuron", rows, ("", "label", "what", "where"), note)

    def _reversal(self, painted: Painted) -> str:
        """Return which reversal potential a channel uses where something holds its ion."""
        part = painted.part
        ion = part.ion if isinstance(part, Channel) else None
        mask = painted.region.mask(self.compartments)
        if ion is None or not any(
            isinstance(other.part, Ion)
            and other.part.ion == ion
            and np.any(mask & other.region.mask(self.compartments))
            for other in self.painted
        ):
            return ""
        assert isinstance(part, Channel)
        if "E" in part.followed:
            return f" (reversal follows the concentrations: {part.followed['E']})"
        return " (reversal fixed)" if "E" in part.parameters() else ""

    def __repr__(self) -> str:
        parts = ", ".join(dict.fromkeys(p.label for p in self.painted)) or "bare"
        return (
            f"Neuron({self.morphology!r}, {len(self.compartments.area_m2)} compartments; {parts})"
        )

    def _with(self, **changes: Any) -> Neuron:
        changed = dataclasses.replace(self, **changes)
        if "compartments" in self.__dict__ and not changes.keys() & {"morphology", "rule"}:
            changed.__dict__["compartments"] = self.__dict__["compartments"]
        return changed

    def _labels(self) -> set[str]:
        return {p.label for p in self.placed} | {p.label for p in self.painted}

    def _free(self, kind: str) -> str:
        taken = self._labels()
        kind = re.sub(r"\W", "_", kind)
        number = 1
        while (name := kind if number == 1 else f"{kind}_{number}") in taken:
            number += 1
        return name


def _check_one_pool(part: Mechanism, other: Mechanism) -> None:
    """Refuse a second pool of one ion in one place."""
    if isinstance(part, IonPool) and isinstance(other, IonPool) and part.ion == other.ion:
        raise ParameterError(
            f"paint: {other.name!r} holds {part.ion} on some of that region already, and a place "
            f"has one pool of an ion; leave out {part.name!r}, or paint regions that do not overlap"
        )


def _check_label(verb: str, label: str, taken: set[str]) -> None:
    if not re.fullmatch(_LABEL, label):
        raise ParameterError(
            f"{verb}: a label is one word of letters, digits and underscores; got {label!r}"
        )
    if label in taken | _RESERVED:
        raise ParameterError(f"{verb}: the label {label!r} is taken; give another")


def _given(
    part: Stimulus | Receptor, arrivals: Events | Sequence[Events] | Poisson | None, points: int
) -> tuple[Events, ...] | Poisson | None:
    """Return what arrives at a part in a number of points, or say what is wrong with it."""
    if isinstance(part, Stimulus):
        if arrivals is not None:
            raise ParameterError("place: events arrive at receptors, not at an electrode")
        return None
    if isinstance(arrivals, Poisson) and not part.lumps:
        raise ParameterError(
            f"place: {part.name!r} needs the times of its releases, since receptors on one "
            "compartment do not add; give Events, one list a point"
        )
    if arrivals is None or isinstance(arrivals, Poisson):
        return arrivals
    lists = (arrivals,) if isinstance(arrivals, Events) else arrivals
    known = isinstance(lists, (tuple, list))
    if not known or not all(isinstance(one, Events) for one in lists):
        raise ParameterError(
            "place: what arrives is Events.at([1, 5] * ms), or one such a point, or "
            f"Poisson(10 * Hz); got {arrivals!r}"
        )
    if len(lists) not in (1, points):
        raise ParameterError(
            f"place: {len(lists)} lists of events for {points} points of the site; give one list, "
            "or one a point"
        )
    # A kinetic receptor takes the edges of the transmitter's pulses, not the releases.
    return tuple(part.arrivals(one) for one in lists)


def _brief(part: Any) -> str:
    text = repr(part)
    return text if len(text) <= 160 else f"{text[:157]}..."


def _arrivals(given: tuple[Events, ...] | Poisson | None) -> Any:
    """Return what arrives at receptors in plain values; trains by number and digest."""
    if isinstance(given, tuple):
        return [
            {"events": len(one.time_s), "sha256": _digest(one.time_s, one.weight)} for one in given
        ]
    return None if given is None else given.to_dict()


def _digest(*arrays: Any) -> str:
    """Return a name made from the content of arrays."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]
