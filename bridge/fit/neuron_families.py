"""Families of neurons that are fitted to recordings: their parameters, bounds and customary units.

A family says which neuron is run and how the numbers that a reader knows (pF, nS, mV) set what the
engine calls by other names. Sizes are bounded by the capacitance that was measured on the cell, so
that small and large cells are searched alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from brian2.units import Quantity, cm, get_dimensions, mS, ms, mV, nS, pA, pF, uF, um

from bridge.fit.family_parts import NeuronFamily, Parameter, Setting
from neurosim.catalogue import GLIF, AdEx, InactivatingGIF
from neurosim.channels import Leak, MCurrent, TraubMilesPotassium, TraubMilesSodium
from neurosim.channels.base import Channel
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import UnknownNameError, suggest
from neurosim.morphology import PerBranch, ball_and_stick, branch, cylinder

__all__ = ["FAMILIES", "HELD", "NeuronFamily", "Parameter", "Setting", "family_of"]

HELD = 1 * ms
"""How long a neuron is at its reset that tells nothing else: about as long as spikes last."""
# Membrane of the soma: 100 pF at 1 uF/cm2. Other sizes are reached through the densities.
_AREA_CM2 = 1e-4
# The dendrite has the same area; with the axial resistivity of the engine's default, the two are
# coupled by 15.9 nS.
_DENDRITE = (1000.0, 10.0 / np.pi)


def _density(per_nS: float = 1.0) -> Quantity:
    """Return what 1 nS on the soma is as a density."""
    return per_nS * 1e-6 / _AREA_CM2 * mS / cm**2


_CHANNELS = (
    Parameter("sodium", "sodium conductance", "nS", 5.0, 500.0, per_pF=True),
    Parameter("potassium", "potassium conductance", "nS", 0.5, 200.0, per_pF=True),
    Parameter("V_T", "threshold shift of the channels", "mV", -75.0, -30.0, positive=False),
    Parameter("M", "M conductance (adaptation)", "nS", 0.002, 2.0, per_pF=True),
    Parameter("speed", "speed of the spike's gates", "x", 0.15, 3.0),
)


def _channel_settings(by: tuple[tuple[str, float], ...] = (), scale: float = 1.0) -> list[Setting]:
    unit = _density(scale)
    return [
        Setting("traub_miles_sodium.g", unit, (("sodium", 1.0), *by)),
        Setting("traub_miles_potassium.g", unit, (("potassium", 1.0), *by)),
        Setting("traub_miles_sodium.V_T", 1 * mV, (("V_T", 1.0),)),
        Setting("traub_miles_potassium.V_T", 1 * mV, (("V_T", 1.0),)),
        Setting("m_current.g", unit, (("M", 1.0), *by)),
        Setting("traub_miles_sodium.speed", Quantity(1.0), (("speed", 1.0),)),
        Setting("traub_miles_potassium.speed", Quantity(1.0), (("speed", 1.0),)),
    ]


def _spiking(p: Mapping[str, float] | None = None) -> list[Channel]:
    if p is None:
        return [TraubMilesSodium(), TraubMilesPotassium(), MCurrent()]
    shift, speed = p["V_T"] * mV, Quantity(p["speed"])
    return [
        TraubMilesSodium(g=_density(p["sodium"]), V_T=shift, speed=speed),
        TraubMilesPotassium(g=_density(p["potassium"]), V_T=shift, speed=speed),
        MCurrent(g=_density(p["M"])),
    ]


def _capacitance(pF: float) -> Quantity:
    """Return what so much on the soma is as a specific capacitance."""
    return pF * 1e-6 / _AREA_CM2 * uF / cm**2


def _one_compartment(rest_mV: float) -> Neuron:
    size = np.sqrt(_AREA_CM2 / np.pi) * 1e4 * um
    bare = Neuron(cylinder(size, size), PerBranch(1), celsius=36.0, rest=rest_mV * mV)
    return bare.paint([*_spiking(), Leak()])


def _one_with(p: Mapping[str, float], rest_mV: float) -> Neuron:
    size = np.sqrt(_AREA_CM2 / np.pi) * 1e4 * um
    bare = Neuron(
        cylinder(size, size), PerBranch(1), cable=Cable(C_m=_capacitance(p["C"])), celsius=36.0,
        rest=rest_mV * mV,
    )  # fmt: skip
    return bare.paint([*_spiking(p), Leak(g=_density(p["leak"]), E=p["E_leak"] * mV)])


def _two_compartments(rest_mV: float, p: Mapping[str, float] | None = None) -> Neuron:
    size = np.sqrt(_AREA_CM2 / np.pi) * 1e4 * um
    shape = ball_and_stick(size, _DENDRITE[0] * um, _DENDRITE[1] * um)
    bare = Neuron(shape, PerBranch(1), celsius=36.0, rest=rest_mV * mV)
    cables, leaks = (Cable(), Cable()), (Leak(), Leak())
    if p is not None:
        far = p["C"] * p["dendrite"]
        # The dendrite's shape stays; its resistivity makes the coupling.
        R_a = bare.cable.R_a * (_coupling_nS(bare) / p["coupling"])
        cables = (Cable(C_m=_capacitance(p["C"]), R_a=R_a), Cable(C_m=_capacitance(far), R_a=R_a))
        leaks = (
            Leak(g=_density(p["C"] / p["tau"]), E=p["E_leak"] * mV),
            Leak(g=_density(far / p["tau"]), E=p["E_leak"] * mV),
        )
    bare = bare.paint([*_spiking(p), leaks[0]], branch("soma"))
    bare = bare.paint(cables[0], branch("soma"), label="soma")
    bare = bare.paint(cables[1], branch("dendrite"), label="dendrite")
    return bare.paint(leaks[1], branch("dendrite"), label="dendrite_leak")


def _coupling_nS(cell: Neuron) -> float:
    """Return the conductance between the middles of soma and dendrite."""
    across = cell.compartments.axial_resistance(float(cell.cable.R_a))
    return 1e9 / float(np.sum(across))


def _hh1() -> NeuronFamily:
    capacitance = _capacitance(1.0)
    return NeuronFamily(
        name="hh1",
        words="one compartment with sodium, potassium and M channels",
        parameters=(
            Parameter("C", "capacitance", "pF", 0.3, 3.0, per_pF=True, passive=True),
            Parameter("leak", "leak conductance", "nS", 0.004, 0.5, per_pF=True, passive=True),
            Parameter("E_leak", "leak reversal", "mV", -100.0, -40.0, False, passive=True),
            *_CHANNELS,
        ),
        settings=(
            Setting("everywhere.C_m", capacitance, (("C", 1.0),)),
            Setting("leak.g", _density(), (("leak", 1.0),)),
            Setting("leak.E", 1 * mV, (("E_leak", 1.0),)),
            *_channel_settings(),
        ),
        build=_one_compartment,
        neuron=_one_with,
        found_again=(20, 157, 160),
    )


def _hh2() -> NeuronFamily:
    # The engine's cell has one coupling. That of the fitted cell is reached by multiplying all
    # other conductances, the capacitances and the current by the ratio of the two.
    nominal = _coupling_nS(_two_compartments(-70.0))
    by = (("coupling", -1.0),)
    capacitance = _capacitance(nominal)
    # C/tau: pF/ms is nS.
    leak = _density(nominal)
    return NeuronFamily(
        name="hh2",
        words="a soma with sodium, potassium and M channels, and a passive dendrite",
        parameters=(
            Parameter("C", "capacitance of the soma", "pF", 0.05, 1.5, per_pF=True, passive=True),
            Parameter("tau", "membrane time constant", "ms", 2.0, 250.0, passive=True),
            Parameter("E_leak", "leak reversal", "mV", -100.0, -40.0, False, passive=True),
            Parameter("dendrite", "dendrite over soma, membrane", "x", 0.1, 10.0, passive=True),
            Parameter(
                "coupling", "coupling of soma and dendrite", "nS", 0.01, 5.0, per_pF=True,
                passive=True,
            ),
            *_CHANNELS,
        ),
        settings=(
            Setting("soma.C_m", capacitance, (("C", 1.0), *by)),
            Setting("dendrite.C_m", capacitance, (("C", 1.0), ("dendrite", 1.0), *by)),
            Setting("leak.g", leak, (("C", 1.0), ("tau", -1.0), *by)),
            Setting(
                "dendrite_leak.g", leak, (("C", 1.0), ("dendrite", 1.0), ("tau", -1.0), *by)
            ),
            Setting("leak.E", 1 * mV, (("E_leak", 1.0),)),
            Setting("dendrite_leak.E", 1 * mV, (("E_leak", 1.0),)),
            *_channel_settings(by, nominal),
        ),
        build=_two_compartments,
        neuron=lambda p, rest_mV: _two_compartments(rest_mV, p),
        found_again=(16, 160, 160),
        current=by,
        current_scale=nominal,
    )  # fmt: skip


_UNITS: dict[str, Quantity] = {
    "pF": pF, "nS": nS, "mV": mV, "ms": ms, "pA": pA, "x": Quantity(1.0)
}  # fmt: skip
# What a family calls otherwise than the neuron does.
_OTHER_NAMES = {"glif": {"V_T": "V_th"}, "igif": {"V_T": "V_th"}}
# What sets a number of the neuron together with others: in the steady state the threshold of GLIF
# follows the potential by the share a_v tau_v.
_PRODUCTS = {
    "glif": {"follow": Setting("a_v", 1 / ms, (("follow", 1.0), ("tau_v", -1.0)))}
}  # fmt: skip


def _reset(
    name: str,
    words: str,
    parameters: Sequence[Parameter],
    kind: Callable[..., PointNeuron],
    found_again: tuple[int, int, int] = (0, 0, 0),
    is_rugged: bool = False,
    starts_at: str = "",
) -> NeuronFamily:
    """Return the family of a point neuron that spikes reset and hold at the reset for a while."""

    def settings() -> Iterator[Setting]:
        for one in parameters:
            engine = _OTHER_NAMES.get(name, {}).get(one.name, one.name)
            plain = Setting(engine, 1 * _UNITS[one.unit], ((one.name, 1.0),))
            yield _PRODUCTS.get(name, {}).get(one.name, plain)
        if starts_at:
            yield Setting(starts_at, 1 * mV, (("E_L", 1.0),))

    def neuron(p: Mapping[str, float], _rest_mV: float) -> PointNeuron:
        values = {one: np.asarray(value, dtype=float) for one, value in p.items()}
        given = {
            one.engine: Quantity(float(one.value(values)), dim=get_dimensions(one.unit))
            for one in settings()
        }
        return kind(**{"t_ref": HELD} | given)

    return NeuronFamily(
        name=name,
        words=words,
        parameters=tuple(parameters),
        settings=tuple(settings()),
        build=lambda _rest_mV: kind(t_ref=HELD),
        neuron=neuron,
        dt_ms=0.05,
        is_reset=True,
        is_rugged=is_rugged,
        starts_at=starts_at,
        found_again=found_again,
    )


_PASSIVE = (
    Parameter("C", "capacitance", "pF", 0.3, 3.0, per_pF=True, passive=True),
    Parameter("g_L", "leak conductance", "nS", 0.004, 0.5, per_pF=True, passive=True),
    Parameter("E_L", "leak reversal", "mV", -100.0, -40.0, False, passive=True),
    Parameter("V_T", "threshold", "mV", -70.0, -25.0, False),
)


def _adex() -> NeuronFamily:
    parameters = (
        *_PASSIVE,
        Parameter("Delta_T", "slope factor of the upstroke", "mV", 0.3, 8.0),
        Parameter("a", "subthreshold adaptation", "nS", -0.03, 0.2, False, per_pF=True),
        Parameter("tau_w", "adaptation time constant", "ms", 10.0, 600.0),
        Parameter("b", "adaptation at each spike", "pA", 0.01, 10.0, per_pF=True),
        Parameter("V_reset", "reset potential", "mV", -80.0, -30.0, False),
    )
    words = "adaptive exponential integrate-and-fire"
    return _reset("adex", words, parameters, AdEx, (18, 150, 162))


def _glif() -> NeuronFamily:
    # The ranges of the two time constants of currents hardly overlap, or these could change places.
    parameters = (
        *_PASSIVE,
        Parameter("V_reset", "reset of a spike that begins at rest", "mV", -100.0, -20.0, False),
        Parameter("f_v", "share of its potential that a spike leaves", "x", -1.0, 2.2, False),
        Parameter("t_ref", "how long a spike lasts", "ms", 0.5, 12.0),
        Parameter("A_1", "fast current of a spike", "pA", -8.0, 4.0, False, per_pF=True),
        Parameter("tau_1", "time constant of the fast current", "ms", 2.0, 40.0),
        Parameter("A_2", "slow current of a spike", "pA", -3.0, 1.5, False, per_pF=True),
        Parameter("tau_2", "time constant of the slow current", "ms", 30.0, 600.0),
        # Not 0: a search divides by what it moves.
        Parameter("jump", "rise of the threshold at a spike", "mV", 0.01, 30.0, False),
        Parameter("tau_s", "time constant of that rise", "ms", 5.0, 300.0),
        Parameter("follow", "share of the potential in the threshold", "x", -0.5, 1.2, False),
        Parameter("tau_v", "time constant of that share", "ms", 3.0, 300.0),
    )
    words = "generalised integrate-and-fire with a threshold that follows spikes and potential"
    return _reset("glif", words, parameters, GLIF, (10, 133, 139), is_rugged=True)


def _igif() -> NeuronFamily:
    glif = {one.name: one for one in _glif().parameters}
    follows = {
        "E_L": Parameter("E_L", "resting potential", "mV", -100.0, -15.0, False, passive=True),
        "follow": Parameter("follow", "share of that in the threshold", "x", -0.2, 2.0, False),
        "tau_v": Parameter("tau_v", "time constant of that share", "ms", 2.0, 300.0),
    }
    parameters = (
        *(follows.get(name, one) for name, one in glif.items()),
        Parameter("V_i", "potential above which the threshold follows", "mV", -80.0, -15.0, False),
        Parameter(
            "g_r", "conductance that opens (below 0: closes)", "nS", -0.2, 0.8, False, per_pF=True
        ),
        Parameter("V_r", "potential that opens half of it", "mV", -110.0, -15.0, False),
        Parameter("tau_r", "how fast it opens", "ms", 0.5, 300.0),
    )
    words = (
        "generalised integrate-and-fire with a conductance that opens, and a threshold that "
        "follows, above a potential"
    )
    return _reset(
        "igif", words, parameters, InactivatingGIF, is_rugged=True, starts_at="V_0"
    )  # fmt: skip


FAMILIES: Mapping[str, Callable[[], NeuronFamily]] = {
    "adex": _adex, "glif": _glif, "igif": _igif, "hh1": _hh1, "hh2": _hh2,
}  # fmt: skip


def family_of(name: str) -> NeuronFamily:
    """Return a family by its name.

    Raises
    ------
    UnknownNameError
        There is none of that name.

    Examples
    --------
    >>> family_of("hh1").names[:3]
    ('C', 'leak', 'E_leak')
    """
    if name in FAMILIES:
        return FAMILIES[name]()
    raise UnknownNameError(f"no family of neurons is called {name!r}: {suggest(name, FAMILIES)}")
