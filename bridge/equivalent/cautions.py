"""Cautions: properties of a cell outside the range that neurons have, each with its source.

A caution refuses nothing. It tells a reader that the cell may be unhealthy, the bridge or the
junction potential wrong, or a column of the file in another unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.equivalent.sentences import number
from neurosim.features.properties import CellProperties

__all__ = ["RANGES", "Caution", "Range", "cautions"]


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
    """

    name: str
    words: str
    low: float
    high: float
    unit: str
    why: str
    below: str
    above: str


_UNITS = "check the units of current and voltage"

RANGES = (
    Range(
        "rest_mV", "resting potential", -95.0, -40.0, "mV",
        "no lower than the potassium equilibrium (-95 mV at 4 mM outside, 140 mM inside, 37 °C); "
        "above -40 mV sodium channels are inactivated (Hodgkin and Huxley 1952)",
        "check the offset of the amplifier and the liquid junction potential",
        "the cell is depolarised or damaged, or the offset of the amplifier is wrong",
    ),
    Range(
        "threshold_mV", "spike threshold", -65.0, -20.0, "mV",
        "20 mV and more beyond the thresholds near -45 mV that are published (compiled by Tripathy "
        "et al. 2015)",
        "check the offset of the amplifier and the liquid junction potential",
        "check the bridge balance; a large series resistance adds to the potential",
    ),
    Range(
        "rheobase_pA", "rheobase", 1.0, 4e4, "pA",
        "a cell at rest needs a depolarising current; large motoneurons need up to 40 nA (Zengel "
        "et al. 1985)",
        "the cell fires on its own, and only a current below this one silences it",
        _UNITS,
    ),
    Range(
        "input_resistance_Mohm", "input resistance", 0.3, 5e3, "MΩ",
        "from large motoneurons (0.5 MΩ; Zengel et al. 1985) and octopus cells (2.4 MΩ; "
        "Golding et al. 1999) to small granule cells (some GΩ)",
        "the seal or the membrane leaks; or " + _UNITS,
        _UNITS,
    ),
    Range(
        "time_constant_ms", "membrane time constant", 0.1, 100.0, "ms",
        "from octopus cells (0.2 ms; Golding et al. 1999) to CA3 pyramidal cells (66 ms on "
        "average; Spruston and Johnston 1992)",
        "the step may show the electrode and not the membrane",
        "a slow current may have been taken for the membrane",
    ),
    Range(
        "width_ms", "spike width at half height", 0.1, 5.0, "ms",
        "from fast-spiking cells (0.2 ms) to dopaminergic neurons (some ms; Bean 2007)",
        "an artefact may have been taken for a spike",
        "a calcium spike or a plateau may have been taken for a spike",
    ),
)  # fmt: skip
"""The properties that are looked at.

References
----------
Bean (2007), Nat Rev Neurosci 8:451. Golding, Ferragamo and Oertel (1999), J Neurosci 19:2897.
Hodgkin and Huxley (1952), J Physiol 117:500. Spruston and Johnston (1992), J Neurophysiol 67:508.
Tripathy et al. (2015), J Neurophysiol 113:3474. Zengel et al. (1985), J Neurophysiol 53:1323.
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
            f"{one.high:g} {one.unit}, the range of neurons at rest: "
            f"{one.below if low else one.above}"
        )


def cautions(properties: CellProperties | None) -> tuple[Caution, ...]:
    """Return the properties that lie outside the range of neurons.

    Parameters
    ----------
    properties : CellProperties or None

    Returns
    -------
    tuple of Caution
        In the order of `RANGES`; a property that is not known gives none.

    Examples
    --------
    >>> from dataclasses import fields
    >>> told = {one.name: float("nan") for one in fields(CellProperties)}
    >>> cell = CellProperties(**told | {"rest_mV": -13.5, "rheobase_pA": 120.0})
    >>> [(caution.range.name, caution.value) for caution in cautions(cell)]
    [('rest_mV', -13.5)]
    """
    if properties is None:
        return ()
    found = ((one, float(getattr(properties, one.name))) for one in RANGES)
    return tuple(
        Caution(one, value)
        for one, value in found
        if np.isfinite(value) and not one.low <= value <= one.high
    )
