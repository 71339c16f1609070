"""Families of neurons that are fitted to recordings: their parameters, bounds and customary units.

A family says which neuron is run and how the numbers that a reader knows (pF, nS, mV) set what the
engine calls by other names. Sizes are bounded by the capacitance that was measured on the cell, so
that small and large cells are searched alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, cm, mS, ms, mV, nA, nS, pA, pF, uF, um
from numpy.typing import NDArray

from bridge.errors import FitError
from neurosim.catalogue import AdEx
from neurosim.channels import Leak, MCurrent, TraubMilesPotassium, TraubMilesSodium
from neurosim.channels.base import Channel
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import UnknownNameError, suggest
from neurosim.morphology import PerBranch, ball_and_stick, branch, cylinder
from neurosim.stimuli import Constant, Steps, Stimulus

__all__ = ["FAMILIES", "NeuronFamily", "Parameter", "Setting", "family_of"]

Array = NDArray[np.float64]

# How long a neuron is at its reset that has no spikes of its own: about as long as spikes last.
_SPIKE = 1 * ms
# Membrane of the soma: 100 pF at 1 uF/cm2. Other sizes are reached through the densities.
_AREA_CM2 = 1e-4
# The dendrite has the same area; with the axial resistivity of the engine's default, the two are
# coupled by 15.9 nS.
_DENDRITE = (1000.0, 10.0 / np.pi)


LEAST_HELD, LEAST_FOUND = 0.9, 10
"""Share of the intervals of known neurons that must hold the truth (95 % are meant to), and of how
many neurons."""


@dataclass(frozen=True)
class Parameter:
    """One number that is fitted.

    Parameters
    ----------
    name : str
        By which programs call it.
    words : str
        What it is.
    unit : str
        Its customary unit.
    low, high : float
        Bounds of the search, in `unit`; per pF of the measured capacitance if `per_pF`.
    positive : bool
        Whether it is searched by its logarithm.
    per_pF : bool
        Whether the bounds grow with the cell.
    passive : bool
        Whether it is fitted to steps without spikes first.
    """

    name: str
    words: str
    unit: str
    low: float
    high: float
    positive: bool = True
    per_pF: bool = False
    passive: bool = False

    def bounds(self, size_pF: float) -> tuple[float, float]:
        """Return the bounds for a cell of a measured capacitance, in `unit`."""
        scale = size_pF if self.per_pF else 1.0
        return self.low * scale, self.high * scale


@dataclass(frozen=True)
class Setting:
    """What parameters do to one number of the engine: a product of powers of them.

    Parameters
    ----------
    engine : str
        Name in a batch, such as ``"leak.g"``.
    unit : Quantity
        What a product of 1 is.
    powers : tuple of (str, float)
        Parameters and their exponents.

    Examples
    --------
    >>> Setting("leak.g", 0.01 * mS / cm**2, (("leak", 1.0),)).value({"leak": np.array([5.0])})
    array([0.5])
    """

    engine: str
    unit: Quantity
    powers: tuple[tuple[str, float], ...]

    def value(self, parameters: Mapping[str, Array]) -> Array:
        """Return the number in SI units, one a row."""
        product = np.asarray(float(self.unit))
        for name, power in self.powers:
            values = parameters[name]
            product = product * (values if power == 1 else values**power)
        return np.asarray(product, dtype=float)


@dataclass(frozen=True, eq=False)
class NeuronFamily:
    """A family of neurons.

    Parameters
    ----------
    name : str
        By which the command calls it.
    words : str
        What it is, in a few words.
    parameters : tuple of Parameter
    settings : tuple of Setting
        How they set the engine's numbers.
    build : callable
        From the resting potential (mV) to the neuron that is run, whose numbers a batch sets.
    neuron : callable
        From parameters and the resting potential (mV) to the neuron that they describe.
    current : tuple of (str, float), optional
        Powers of parameters that the injected current is multiplied by, and the constant before
        them: only the ratio of currents and conductances is seen in the potential.
    current_scale : float
        That constant.
    dt_ms : float
        Step of the runs (ms).
    is_reset : bool
        Whether spikes reset the neuron, so that they have a time and no shape.
    found_again : tuple of (int, int, int)
        What ``benchmarks/fit_recovery.py`` measured: known neurons whose fit reached a minimum and
        the noise, how many of their intervals hold the truth, and of how many.
    """

    name: str
    words: str
    parameters: tuple[Parameter, ...]
    settings: tuple[Setting, ...]
    build: Callable[[float], Neuron | PointNeuron]
    neuron: Callable[[Mapping[str, float], float], Neuron | PointNeuron]
    current: tuple[tuple[str, float], ...] = ()
    current_scale: float = 1.0
    dt_ms: float = 0.025
    is_reset: bool = False
    found_again: tuple[int, int, int] = (0, 0, 0)

    @property
    def gives_intervals(self) -> bool:
        """Whether enough intervals of known neurons held the truth for them to be given at all."""
        found, held, of = self.found_again
        return found >= LEAST_FOUND and held >= LEAST_HELD * of

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(one.name for one in self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        return self.parameters[self.names.index(name)]

    def stimulus(self, onset: Quantity, length: Quantity) -> Stimulus:
        """Return a step on top of a holding current, whose sizes a batch sets."""
        return Steps(amplitude=0 * nA, onset=onset, duration=length) + Constant(0 * nA)

    def all_settings(self) -> tuple[Setting, ...]:
        """Return the settings, with those of the current in ampere per ampere."""
        one = Quantity(self.current_scale)
        return (
            *self.settings,
            Setting(self.injected[0], one, self.current),
            Setting(self.injected[1], one, self.current),
        )

    @property
    def injected(self) -> tuple[str, str]:
        """What a batch calls the step and the holding current."""
        head = "" if self.is_reset else "stimulus."
        return f"{head}steps.amplitude", f"{head}constant.current"


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
        found_again=(1, 7, 8),
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
        found_again=(9, 90, 90),
        current=by,
        current_scale=nominal,
    )  # fmt: skip


def _adex() -> NeuronFamily:
    def settings() -> Iterator[Setting]:
        units = {"pF": pF, "nS": nS, "mV": mV, "ms": ms, "pA": pA}
        for one in parameters:
            yield Setting(one.name, 1 * units[one.unit], ((one.name, 1.0),))

    def neuron(p: Mapping[str, float], _rest_mV: float) -> AdEx:
        return AdEx(t_ref=_SPIKE, **{one.engine: p[one.engine] * one.unit for one in settings()})

    parameters = (
        Parameter("C", "capacitance", "pF", 0.3, 3.0, per_pF=True, passive=True),
        Parameter("g_L", "leak conductance", "nS", 0.004, 0.5, per_pF=True, passive=True),
        Parameter("E_L", "leak reversal", "mV", -100.0, -40.0, False, passive=True),
        Parameter("V_T", "threshold", "mV", -70.0, -25.0, False),
        Parameter("Delta_T", "slope factor of the upstroke", "mV", 0.3, 8.0),
        Parameter("a", "subthreshold adaptation", "nS", -0.03, 0.2, False, per_pF=True),
        Parameter("tau_w", "adaptation time constant", "ms", 10.0, 600.0),
        Parameter("b", "adaptation at each spike", "pA", 0.01, 10.0, per_pF=True),
        Parameter("V_reset", "reset potential", "mV", -80.0, -30.0, False),
    )
    return NeuronFamily(
        name="adex",
        words="adaptive exponential integrate-and-fire",
        parameters=parameters,
        settings=tuple(settings()),
        build=lambda _rest_mV: AdEx(t_ref=_SPIKE),
        neuron=neuron,
        dt_ms=0.05,
        is_reset=True,
        found_again=(18, 148, 162),
    )


FAMILIES: Mapping[str, Callable[[], NeuronFamily]] = {"adex": _adex, "hh1": _hh1, "hh2": _hh2}

# Families that a reader may ask for and that are not offered, with the reason.
_NOT_YET = {
    "glif": "generalised integrate-and-fire neurons have no gradient here yet",
}


def family_of(name: str) -> NeuronFamily:
    """Return a family by its name.

    Raises
    ------
    FitError
        The family is known and cannot be fitted yet.
    UnknownNameError
        There is none of that name.

    Examples
    --------
    >>> family_of("hh1").names[:3]
    ('C', 'leak', 'E_leak')
    """
    if name in FAMILIES:
        return FAMILIES[name]()
    if name in _NOT_YET:
        raise FitError(
            f"the family {name!r} cannot be fitted: {_NOT_YET[name]}; choose adex, hh1 or hh2"
        )
    raise UnknownNameError(f"no family of neurons is called {name!r}: {suggest(name, FAMILIES)}")
