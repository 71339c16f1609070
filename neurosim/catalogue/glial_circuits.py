"""Neurons and glia around a space that they share, as ready circuits."""

from __future__ import annotations

import numpy as np
from brian2.units import Quantity, meter, mV, nA, nS, second, um
from brian2.units.stdunits import mM

from neurosim.catalogue.glial_cells import astrocyte
from neurosim.catalogue.pumping_cell import balanced_membrane
from neurosim.channels.leak import Leak
from neurosim.describe.circuit import Circuit
from neurosim.describe.neuron import Neuron
from neurosim.errors import ParameterError
from neurosim.morphology import PerBranch, at, cylinder, tagged
from neurosim.outside import Space
from neurosim.quantities import check_quantity, check_whole
from neurosim.stimuli import Constant, Stimulus

__all__ = ["astrocyte_syncytium", "neuron_and_glia"]

# Where the membrane of the neurons rests.
_CELSIUS = 18.5
_OUTSIDE = {"sodium": 145 * mM, "potassium": 3.5 * mM}


def _space(fraction: float, tau: Quantity) -> Space:
    return Space(
        na_o=_OUTSIDE["sodium"],
        k_o=_OUTSIDE["potassium"],
        fraction=Quantity(fraction),
        tau=tau,
    )


def _neuron() -> Neuron:
    bare = Neuron(
        cylinder(100 * um, 2 * um, name="cell"), PerBranch(1), celsius=_CELSIUS, rest=-65 * mV
    )
    return (
        bare.paint(balanced_membrane())
        .probe("v", at("cell"), label="cell")
        .detect(at("cell"), threshold=-20 * mV, label="cell")
    )


def neuron_and_glia(
    *,
    stimulus: Stimulus | None = None,
    neuron: Neuron | None = None,
    syncytium: Quantity = 200 * nS,
    fraction: float = 0.2,
    tau: Quantity = 0 * second,
) -> Circuit:
    """Return a neuron and an astrocyte around one space: the tripartite pair without its synapse.

    The neuron is a cylinder of 2 by 100 µm with Hodgkin and Huxley's channels at 18.5 °C, leaks and
    a sodium-potassium pump, which balance every ion at -65 mV. Its spikes give off potassium into
    the space outside, and `astrocyte` takes it up. Both cells and the space are at rest before the
    stimulus. The populations are named ``neuron`` and ``glia``, the space ``space``.

    Modelled: sodium and potassium in the space; uptake by the pumps of both cells, by Kir4.1 and
    together with chloride. The charge of the potassium that enters by Kir4.1 leaves through gap
    junctions to other astrocytes. What that takes from their potassium is not followed; for that
    see `astrocyte_syncytium`. Also not modelled: transmitter that acts on the astrocyte and what
    the astrocyte gives off in turn, changes of volume, chloride outside, which stays.

    Parameters
    ----------
    stimulus : Stimulus, optional
        Current into the neuron, such as ``Constant(0.1*nA)``; without one nothing happens.
    neuron : Neuron, optional
        Another neuron in place of that one. It holds `Sodium` and `Potassium` with 145 mM and
        3.5 mM outside; its temperature is that of the astrocyte too. Whether it is at rest, its
        own parts decide.
    syncytium : Quantity
        Conductance of the gap junctions to all other astrocytes, whose potential is taken to stay
        at rest. The default is assumed; 0: the astrocyte is alone.
    fraction : float
        Share of the tissue that lies outside the two cells.
    tau : Quantity
        Time constant of the exchange with blood and tissue around; 0: there is none.

    Raises
    ------
    ParameterError
        The neuron is none, or lies between other concentrations of sodium or potassium.

    References
    ----------
    Halnes, Ostby, Pettersen, Omholt and Einevoll (2013), PLoS Comput Biol 9:e1003386 (astrocyte).
    Somjen, Kager and Wadman (2008), J Comput Neurosci 25:349 (a neuron and glia around one space;
    their numbers are not reproduced by this pair).

    Examples
    --------
    The neuron fires, first beside its astrocyte and then alone in a space of the same volume:

    >>> from brian2 import ms, nA
    >>> from neurosim import Circuit, Constant, simulate
    >>> from neurosim.catalogue import neuron_and_glia
    >>> from neurosim.outside import Space
    >>> drive = Constant(0.1 * nA)
    >>> pair = neuron_and_glia(stimulus=drive)
    >>> settings = {"duration": 60 * ms, "dt": 0.05 * ms, "engine": "numpy"}
    >>> found = simulate(pair, **settings)
    >>> space = Space(na_o=145 * mM, k_o=3.5 * mM, volume=found.spaces["space"].volume[0])
    >>> alone = Circuit().add("neuron", pair.populations["neuron"].neuron, stimulus=drive)
    >>> bare = simulate(alone.share(space), **settings)
    >>> for name, run in (("with astrocyte", found), ("alone", bare)):
    ...     potassium = run.spaces["space"].concentration("k")[0, -1]
    ...     print(f"{name}: {run['neuron'].counts()[0]} spikes, {potassium / mM:.2f} mM outside")
    with astrocyte: 15 spikes, 4.61 mM outside
    alone: 15 spikes, 4.74 mM outside
    >>> taken = found["glia"].ledger["k"].crossed
    >>> net = sum(float(amount.sum()) for amount in taken.values())
    >>> print(f"{1e18 * net:.0f} amol of potassium into the astrocyte")
    47 amol of potassium into the astrocyte
    """
    cell = _neuron() if neuron is None else neuron
    if not isinstance(cell, Neuron):
        raise ParameterError(f"neuron_and_glia: neuron must be a Neuron; got {neuron!r}")
    glia = astrocyte(**_OUTSIDE, celsius=cell.celsius)
    joined = check_quantity(syncytium, 1 * nS, "neuron_and_glia: syncytium", at_least=0 * nS)
    if float(joined):
        soma = glia.compartments.area_m2[tagged("soma").mask(glia.compartments)].sum() * meter**2
        others = Leak(name="syncytium", g=joined / soma, E=glia.rest)
        glia = glia.paint(others, tagged("soma"))
    return (
        Circuit()
        .add("neuron", cell, stimulus=stimulus)
        .add("glia", glia)
        .share(_space(fraction, tau))
    )


def astrocyte_syncytium(
    count: int = 7,
    *,
    conductance: Quantity = 200 * nS,
    current: Quantity = 0.1 * nA,
    fraction: float = 0.2,
) -> Circuit:
    """Return a row of pairs of a neuron and an astrocyte; gap junctions join the astrocytes.

    Each pair has a space of its own. The first neuron fires, and the others are at rest. Potassium
    enters the first astrocyte, whose membrane the others keep more negative than the potassium
    equilibrium there. It flows on through the junctions and leaves at the other astrocytes (spatial
    buffering). Sodium and chloride pass the junctions, too, each by its share of the conductance
    (`Circuit.couple`). With a conductance of 0 each astrocyte is alone.

    The populations are ``neurons`` and ``astrocytes``, the spaces ``space``; the junctions are
    recorded.

    Not modelled: diffusion outside from pair to pair (over 100 µm it takes some ten seconds), and
    other ions than these three in the junctions.

    Parameters
    ----------
    count : int
        Number of pairs, at least 2.
    conductance : Quantity
        Of the junctions between two neighbours. The default makes neighbours nearly equal in
        potential, as they are measured to be; its value is assumed.
    current : Quantity
        Into the first neuron.
    fraction : float
        Share of the tissue that lies outside cells.

    Raises
    ------
    ParameterError
        There are fewer than 2 pairs.

    References
    ----------
    Orkand, Nicholls and Kuffler (1966), J Neurophysiol 29:788 (spatial buffering). Ma and
    colleagues (2016), Glia 64:214 (astrocytes of a syncytium have nearly one potential).

    Examples
    --------
    >>> astrocyte_syncytium(5)
    Circuit(5 neurons, 5 astrocytes; 0 contacts, 4 gap junctions)
    """
    many = check_whole(count, "astrocyte_syncytium: count")
    if many < 2:
        raise ParameterError(f"astrocyte_syncytium: count must be at least 2; got {many}")
    amount = float(check_quantity(current, 1 * nA, "astrocyte_syncytium: current"))
    first = np.where(np.arange(many) == 0, amount, 0.0)
    driven = {"current": Quantity(first, dim=nA.dim)}
    return (
        Circuit()
        .add("neurons", _neuron(), many, stimulus=Constant(), batch=driven)
        .add("astrocytes", astrocyte(**_OUTSIDE, celsius=_CELSIUS), many)
        .couple(
            "astrocytes", "astrocytes", conductance=conductance, sites=at("soma"),
            pairs=[(k, k + 1) for k in range(many - 1)], ions=("k", "na", "cl"), record=True,
        )
        .share(_space(fraction, 0 * second), each=True)
    )  # fmt: skip
