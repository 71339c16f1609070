"""The textbook neuron: rest -70 mV, threshold -55 mV, and the spike starts in the initial segment.

Nothing in it says -55 mV. The threshold emerges from channel densities, from curves that lie lower
in the initial segment than in the soma, and from the geometry that couples the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from brian2.units import Mohm, Quantity, cm, mS, ms, mV, nS, ohm, pA, um

from neurosim.catalogue.adex import AdEx
from neurosim.catalogue.lif import LIF
from neurosim.channels.leak import Leak
from neurosim.channels.m_current import MCurrent
from neurosim.channels.traub_miles import TraubMilesPotassium, TraubMilesSodium
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.errors import UnknownNameError, suggest
from neurosim.morphology import (
    DLambda,
    Morphology,
    PerBranch,
    Region,
    Rule,
    at,
    axon,
    cone,
    cylinder,
    soma_with_axon,
    tagged,
)
from neurosim.morphology.regions import FAMILIES

__all__ = [
    "INITIATION_COUNTS",
    "Zone",
    "bare_neuron",
    "initiation_membrane",
    "textbook_adex",
    "textbook_lif",
    "textbook_membrane",
    "textbook_morphology",
    "textbook_neuron",
    "with_textbook_axon",
]

_UNIT = mS / cm**2

# Compartments of the parts where the spike starts: 3.3 um in the initial segment.
INITIATION_COUNTS = {"hillock": 3, "initial_segment": 9, "axon": 51}

_FINE = frozenset(INITIATION_COUNTS)


@dataclass(frozen=True)
class Zone:
    """Excitable membrane of one part of the cell, with Traub and Miles's channels.

    Attributes
    ----------
    tag : str
        Where.
    sodium, potassium : float
        Peak conductances, in mS/cm².
    shift : float
        V_T of the sodium channel, in mV; that of potassium lies 3 mV lower.
    speed : float
        Factor on the rates of both.
    """

    tag: str
    sodium: float
    potassium: float
    shift: float
    speed: float = 1.0

    def channels(self) -> list[TraubMilesSodium | TraubMilesPotassium]:
        """Return the channels that are there at all."""
        found: list[TraubMilesSodium | TraubMilesPotassium] = []
        if self.sodium:
            g, shift = self.sodium * _UNIT, self.shift * mV
            found.append(TraubMilesSodium(g=g, E=55 * mV, V_T=shift, speed=self.speed))
        if self.potassium:
            g, shift = self.potassium * _UNIT, (self.shift - 3) * mV
            found.append(TraubMilesPotassium(g=g, E=-90 * mV, V_T=shift, speed=self.speed))
        return found


# Soma at the density of the channels' own model; five times that in the initial segment, and
# curves 6 mV lower there.
_ZONES = (
    Zone("soma", 100, 100, -62),
    Zone("hillock", 100, 100, -62),
    Zone("initial_segment", 500, 250, -68),
    Zone("axon", 100, 60, -66),
)


def bare_neuron(shape: Morphology, counts: Mapping[str, int], R_a: float, rest: float) -> Neuron:
    """Return a neuron at 36 °C that is to be painted; axial resistivity in ohm cm, rest in mV.

    It is cut into the given counts by name or tag, and finer where the spike starts.
    """
    rule = PerBranch(1, {**counts, **INITIATION_COUNTS})
    return Neuron(shape, rule, cable=Cable(R_a=R_a * ohm * cm), celsius=36.0, rest=rest * mV)


def textbook_morphology() -> Morphology:
    """Return soma, one apical and three basal dendrites, hillock, initial segment and axon.

    Examples
    --------
    >>> textbook_morphology()
    Morphology(8 branches: 1 soma, 3 basal, 1 apical, 1 hillock, 1 initial_segment, ...
    """
    dendrites = [
        cylinder(200 * um, 2 * um, name=f"basal[{k}]", tag="basal", direction=(k - 1, -1, 0))
        for k in range(3)
    ]
    apical = cylinder(500 * um, 3 * um, name="apical", tag="apical", direction=(0, 1, 0))
    return soma_with_axon(
        20 * um,
        dendrites=[*dendrites, apical],
        hillock_length=10 * um,
        hillock_diameter=4 * um,
        initial_segment_length=30 * um,
        initial_segment_diameter=1.5 * um,
        axon=axon(1000 * um, 1 * um),
    )


def with_textbook_axon(morphology: Morphology) -> Morphology:
    """Return a reconstruction with hillock, initial segment and axon of the textbook neuron.

    Slices cut axons, and stains seldom show the initial segment: whatever is tagged axon is
    removed and replaced.

    Parameters
    ----------
    morphology : Morphology
        With one branch tagged ``soma`` (or several, of which the last one carries the axon).
    """
    if "axon" in morphology.tags:
        morphology = morphology.without("axon")
    soma = [n for n, tag in zip(morphology.names, morphology.tags, strict=True) if tag == "soma"]
    if not soma:
        raise UnknownNameError(
            "with_textbook_axon: no branch is tagged 'soma'; give a reconstruction with a soma "
            "(type 1 of SWC)"
        )
    start = cone(10 * um, 4 * um, 1.5 * um, name="hillock", tag="hillock", direction=(0, -1, 0))
    segment = cylinder(
        30 * um, 1.5 * um, name="initial_segment", tag="initial_segment", direction=(0, -1, 0)
    )
    rest = cylinder(1000 * um, 1 * um, name="axon", tag="axon", direction=(0, -1, 0))
    return morphology.join(start, soma[-1]).join(segment, "hillock").join(rest, "initial_segment")


def initiation_membrane(neuron: Neuron, *, raised_by: Quantity = 0 * mV) -> Neuron:
    """Return a neuron with the spiking membrane of soma, hillock, initial segment and axon.

    Parameters
    ----------
    neuron : Neuron
        Its morphology has the tags soma, hillock, initial_segment and axon.
    raised_by : Quantity
        Shift of all curves, which moves the threshold by about as much.
    """
    more = float(raised_by / mV)
    for zone in _ZONES:
        moved = replace(zone, shift=zone.shift + more)
        neuron = neuron.paint(moved.channels(), tagged(zone.tag))
    return neuron


def textbook_membrane(neuron: Neuron | Morphology) -> Neuron:
    """Return a neuron with the textbook neuron's membrane painted by tags.

    Soma, hillock, initial segment and axon carry the channels of Traub and Miles; the dendrites a
    tenth of the soma's delayed rectifier; soma and dendrites an M current, the cause of the
    slow part of the after-hyperpolarisation and of adaptation.

    Parameters
    ----------
    neuron : Neuron or Morphology
        A neuron with the tags soma, hillock, initial_segment and axon; or a bare shape, such as a
        reconstruction. A shape without hillock and initial segment gets those of the textbook
        neuron (`with_textbook_axon`), 36 °C, an axial resistivity of 150 ohm cm, compartments of a
        tenth of the length constant at 100 Hz, and the probes and detectors of `textbook_neuron`.

    Raises
    ------
    UnknownNameError
        No branch of the shape is tagged soma, or none is a dendrite.

    Examples
    --------
    >>> from neurosim.morphology import ball_and_stick
    >>> cell = textbook_membrane(ball_and_stick())
    >>> cell.morphology.tags
    ('soma', 'dendrite', 'hillock', 'initial_segment', 'axon')
    """
    if isinstance(neuron, Morphology):
        if not set(neuron.tags) & set(FAMILIES["dendrite"]):
            raise UnknownNameError(
                f"the textbook membrane needs a dendrite, and the shape has only "
                f"{', '.join(dict.fromkeys(neuron.tags))}: give a reconstruction with dendrites "
                "(types 3 and 4 of SWC), or say which type is one: tags={5: 'basal'} of read_shape "
                "(--tag 5=basal)"
            )
        return _watched(textbook_membrane(neuron_of_shape(neuron)))
    dendrites: Region = tagged("dendrite")
    return (
        initiation_membrane(neuron)
        .paint(Zone("dendrite", 0, 10, -62).channels(), dendrites)
        .paint(MCurrent(g=0.2 * _UNIT, E=-90 * mV), tagged("soma") | dendrites)
        .paint(Leak(g=0.05 * _UNIT, E=-70 * mV))
    )


def neuron_of_shape(shape: Morphology, R_a: float = 150, rest: float = -70) -> Neuron:
    """Return an unpainted neuron of a shape, with an axon, cut finely where the spike starts.

    Axial resistivity in ohm cm, rest in mV. A shape without hillock and initial segment gets those
    of the textbook neuron.
    """
    if not {"hillock", "initial_segment", "axon"} <= set(shape.tags):
        shape = with_textbook_axon(shape)
    by_length = DLambda(R_a=R_a * ohm * cm).counts(shape).tolist()
    counts = dict(zip(shape.names, by_length, strict=True))
    fine = {name for name, tag in zip(shape.names, shape.tags, strict=True) if tag in _FINE}
    counts = {name: n for name, n in counts.items() if name not in fine}
    return bare_neuron(shape, counts, R_a=R_a, rest=rest)


def textbook_neuron(rule: Rule | None = None) -> Neuron:
    """Return the textbook neuron: rest -70 mV, emergent somatic threshold -55 mV.

    Channels of Traub and Miles at 36 °C, with the rates of their publication. The soma has the
    density of that model; the initial segment (30 µm, after a hillock of 10 µm) five times the
    sodium conductance, with curves 6 mV lower, which is within what is measured: 7 mV (Colbert and
    Pan), 5-10 mV (Hu et al.), and a density of 2500 pS/µm² and more (Kole et al.). The leak of
    0.05 mS/cm² makes a membrane time constant of 20 ms. No number was fitted but the common shift
    of all curves, which puts the threshold at -55 mV (dV/dt reaching 10 mV/ms).

    Probes ``soma``, ``initial_segment`` and ``axon`` trace the potential, detectors of the same
    names give the spikes (-20 mV).

    Parameters
    ----------
    rule : Rule, optional
        How it is cut; by default 3.3 µm in the initial segment and 20-30 µm elsewhere.

    References
    ----------
    Traub and Miles (1991), Neuronal Networks of the Hippocampus. Colbert and Pan (2002), Nat
    Neurosci 5:533. Kole et al. (2008), Nat Neurosci 11:178. Hu et al. (2009), Nat Neurosci 12:996.

    Examples
    --------
    >>> from brian2 import pA
    >>> from neurosim import Constant, simulate
    >>> recording = simulate(textbook_neuron(), 100 * ms, stimulus=Constant(120 * pA))
    >>> bool(recording.counts()[0] > 0)
    True
    """
    cell = bare_neuron(textbook_morphology(), {"basal": 7, "apical": 17}, R_a=150, rest=-70)
    if rule is not None:
        cell = cell.replace(rule=rule)
    return _watched(textbook_membrane(cell))


def _watched(neuron: Neuron) -> Neuron:
    """Return a neuron probed and watched at soma, initial segment and axon."""
    for name, where in (("soma", 0.5), ("initial_segment", 0.75), ("axon", 0.02)):
        neuron = neuron.probe("v", at(name, where), label=name)
        neuron = neuron.detect(at(name, where), -20 * mV, label=name)
    return neuron


# What `neurosim.measure.intrinsic` finds of the textbook neuron (steps of 500 ms); a test measures
# it again.
_RESISTANCE = 177.5 * Mohm
_TAU = 19.3 * ms
_RHEOBASE = 45.2 * pA
_TROUGH = -73.7 * mV


def textbook_lif(match: str = "resistance") -> LIF:
    """Return the leaky integrate-and-fire twin of the textbook neuron: rest -70, threshold -55 mV.

    With rest, threshold and time constant given, a linear cell has either the input resistance of
    the textbook neuron or its rheobase: in the conductance-based cell the sodium current that flows
    below threshold does part of the work, so that 45 pA suffice where Ohm's law asks for 85.

    Parameters
    ----------
    match : {"resistance", "rheobase"}
        Which of the two to keep.

    Examples
    --------
    >>> textbook_lif("rheobase").rheobase
    45.2 * pamp
    """
    resistances = {"resistance": _RESISTANCE, "rheobase": 15 * mV / _RHEOBASE}
    if match not in resistances:
        raise UnknownNameError(f"textbook_lif: match {match!r}: {suggest(match, resistances)}")
    return LIF(
        E_L=-70 * mV,
        V_th=-55 * mV,
        V_reset=_TROUGH,
        tau_m=_TAU,
        R_m=resistances[match],
        t_ref=2 * ms,
    )


def textbook_adex() -> AdEx:
    r"""Return the exponential integrate-and-fire twin, by the same rest, R_in, tau and rheobase.

    Its two numbers for the upstroke follow from two of the textbook neuron. Without adaptation the
    rheobase is :math:`g_L (V_T - E_L - \Delta_T)`, and dV/dt reaches 10 mV/ms at -55 mV where
    :math:`\Delta_T e^{(-55 - V_T)/\Delta_T}` is 10 mV/ms times the time constant, less what leak
    and current leave: V_T = -60.8 mV and Delta_T = 1.13 mV. So V_T, where the potential runs away
    if it is held there, lies below the threshold that is read off a spike, as in real cells.

    Examples
    --------
    >>> twin = textbook_adex()
    >>> twin.g_L * (twin.V_T - twin.E_L - twin.Delta_T)
    45.2 * pamp
    """
    slope = 1.13 * mV
    return AdEx(
        C=_TAU / _RESISTANCE,
        g_L=1 / _RESISTANCE,
        E_L=-70 * mV,
        V_T=-70 * mV + _RHEOBASE * _RESISTANCE + slope,
        Delta_T=slope,
        a=0 * nS,
        b=0 * pA,
        V_reset=_TROUGH,
        V_peak=0 * mV,
        t_ref=2 * ms,
    )
