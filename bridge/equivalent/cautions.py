"""Cautions: properties and rates of a cell outside the range that neurons have, with their sources.

A caution refuses nothing. It tells a reader that the cell may be unhealthy, the bridge or the
junction potential wrong, or a column of the file in another unit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bridge.equivalent.sentences import number
from neurosim.features.properties import CellProperties

__all__ = ["HIGHEST_RATE", "RANGES", "Caution", "Range", "cautions"]


@dataclass(frozen=True)
class Range:
    """What a property is in neurons.

    Attributes
    ----------
    name : str
        Attribute of `CellProperties`.
    words : str
        What it is called.
    low, high : float
        Ends of the range.
    unit : str
    why : str
        What sets the ends, with the source.
    below, above : str
        What a value beyond each end may mean.
    whose : str
        Whose range it is.
    """

    name: str
    words: str
    low: float
    high: float
    unit: str
    why: str
    below: str
    above: str
    whose: str = "neurons at rest"


_UNITS = "check the units of current and voltage"

RANGES = (
    Range(
        "rest_mV", "resting potential", -95.0, -40.0, "mV",
        "no lower than the potassium equilibrium (-95 mV at 4 mM outside, 140 mM inside, 37 °C); "
        "at -40 mV all but 5 % of the sodium channels of the squid axon are inactivated (Hodgkin "
        "and Huxley 1952), and small cultured neurons rest at -47 mV (Johansson et al. 1992)",
        "check the offset of the amplifier and the liquid junction potential",
        "the cell is depolarised or damaged, or the offset of the amplifier is wrong",
    ),
    Range(
        "threshold_mV", "spike threshold", -65.0, -20.0, "mV",
        "20 mV and more on both sides of the -43 mV (mean; standard deviation 9 mV) of rat "
        "motoneurons (J Physiol 568:841)",
        "check the offset of the amplifier and the liquid junction potential",
        "check the bridge balance; a large series resistance adds to the potential",
    ),
    Range(
        "rheobase_pA", "rheobase", 1.0, 4e4, "pA",
        "from a cell at rest, which needs a depolarising current (less than 15 pA in small "
        "cultured neurons; Johansson et al. 1992), to twice what motoneurons of the rat need (0.8 "
        "to 17 nA; Bakels and Kernell 1993)",
        "the cell fires on its own, and only a current below this one silences it",
        _UNITS,
    ),
    Range(
        "input_resistance_Mohm", "input resistance", 0.3, 5e3, "MΩ",
        "from below motoneurons (0.8 to 5 MΩ; Bakels and Kernell 1993) and octopus cells (2.4 MΩ; "
        "Golding et al. 1999) to above small cultured neurons (3.3 GΩ; Johansson et al. 1992)",
        "the seal or the membrane leaks; or " + _UNITS,
        _UNITS,
    ),
    Range(
        "time_constant_ms", "membrane time constant", 0.1, 100.0, "ms",
        "from half that of octopus cells (0.21 ms; Golding et al. 1999) to three times that of "
        "small cultured neurons (33 ms; Johansson et al. 1992)",
        "the step may show the electrode and not the membrane",
        "a slow current may have been taken for the membrane",
    ),
    Range(
        "width_ms", "spike width at half height", 0.1, 5.0, "ms",
        "from half the shortest spike of octopus cells (0.24 ms; Golding et al. 1999) to more than "
        "twice that of histaminergic neurons (1.8 ms; Haas and Reiner)",
        "an artefact may have been taken for a spike",
        "a calcium spike or a plateau may have been taken for a spike",
    ),
)  # fmt: skip
"""The properties that are looked at.

The ends lie beyond the values that are named, so that a healthy cell gets no caution; they are no
limits of what a neuron can be.

References
----------
Bakels and Kernell (1993), J Physiol 463:307. Golding, Ferragamo and Oertel (1999), J Neurosci
19:2897. Haas and Reiner, Membrane properties of histaminergic tuberomammillary neurones of the rat
hypothalamus in vitro, J Physiol. "Hindlimb unweighting for 2 weeks alters physiological properties
of rat hindlimb motoneurones" (2005), J Physiol 568:841, table 1. Hodgkin and Huxley (1952), J
Physiol 117:500. Johansson, Friedman and Arhem (1992), J Physiol, Impulses and resting membrane
properties of small cultured rat hippocampal neurons.
"""

HIGHEST_RATE = Range(
    "highest_rate_Hz", "highest counted rate", 0.0, 1000.0, "Hz",
    "faster are only the neurons that drive the electric organs of some knifefishes, spike by "
    "spike, at up to 1800 Hz (Kramer 2019)",
    "",
    "a model fires at every time step where its reset lies above its threshold: check "
    "threshold, reset and refractory period; in a recording, artefacts may be counted",
    "nearly all neurons",
)  # fmt: skip
"""The mean rate at any of the currents; above it, something else than spikes may have been counted.

References
----------
Kramer (2019), J Ethol, doi:10.1007/s10164-018-0560-1.
"""


@dataclass(frozen=True)
class Caution:
    """One property outside its range.

    Attributes
    ----------
    range : Range
    value : float
        What was measured.
    """

    range: Range
    value: float

    def __str__(self) -> str:
        one = self.range
        low = self.value < one.low
        return (
            f"the {one.words} of {number(self.value)} {one.unit} lies outside {one.low:g} to "
            f"{one.high:g} {one.unit}, the range of {one.whose}: "
            f"{one.below if low else one.above}"
        )


def cautions(
    properties: CellProperties | None,
    highest_rate_Hz: float = 0.0,
    rest_name: str = "resting potential",
) -> tuple[Caution, ...]:
    """Return the properties that lie outside the range of neurons.

    Parameters
    ----------
    properties : CellProperties or None
    highest_rate_Hz : float
        The largest of the mean rates that were counted, if any were.
    rest_name : str
        What the potential before the steps is called; that at a holding current is none of rest.

    Returns
    -------
    tuple of Caution
        In the order of `RANGES`, the rate first; a property that is not known gives none.

    Examples
    --------
    >>> from dataclasses import fields
    >>> told = {one.name: float("nan") for one in fields(CellProperties)}
    >>> cell = CellProperties(**told | {"rest_mV": -13.5, "rheobase_pA": 120.0})
    >>> [(caution.range.name, caution.value) for caution in cautions(cell)]
    [('rest_mV', -13.5)]
    >>> print(str(cautions(None, highest_rate_Hz=20000.0)[0])[:80])
    the highest counted rate of 20000 Hz lies outside 0 to 1000 Hz, the range of nea
    """
    found = [(HIGHEST_RATE, highest_rate_Hz)]
    if properties is not None:
        found += [(one, float(getattr(properties, one.name))) for one in RANGES]
    return tuple(
        Caution(replace(one, words=rest_name) if one.name == "rest_mV" else one, value)
        for one, value in found
        if np.isfinite(value) and not one.low <= value <= one.high
    )
