"""How the activations of a layer are scaled to the rates of its neurons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.errors import CalibrationError

__all__ = ["NORMALISATIONS", "Normalisation"]

NORMALISATIONS = ("curve", "maximum", "percentile")


@dataclass(frozen=True)
class Normalisation:
    """How the scale of a layer is found.

    Attributes
    ----------
    kind : {"curve", "maximum", "percentile"}
        ``"curve"`` chooses, for every unit, the line that makes the error on the measured f-I curve
        smallest. The others give the whole layer one scale: the largest activation seen, or a
        percentile of all activations seen, becomes the highest rate (Diehl et al. 2015; Rueckauer
        et al. 2017).
    percentile : float
        Which one.
    divide : float
        The scale is divided by this; above 1, larger activations are clipped.

    Examples
    --------
    >>> Normalisation("maximum", divide=2).divide
    2
    """

    kind: str = "curve"
    percentile: float = 99.9
    divide: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in NORMALISATIONS:
            raise CalibrationError(
                f"a normalisation must be one of {', '.join(NORMALISATIONS)}; got {self.kind!r}"
            )
        if not 0 < self.percentile <= 100 or not self.divide > 0:
            raise CalibrationError(
                "percentile must lie in (0, 100] and divide above 0; got "
                f"{self.percentile} and {self.divide}"
            )

    def scale(self, activations: np.ndarray) -> float:
        """Return the activation that is to become the highest rate.

        Raises
        ------
        CalibrationError
            It is not above 0.
        """
        largest = np.percentile(
            activations, self.percentile if self.kind == "percentile" else 100.0
        )
        if not largest > 0:
            raise CalibrationError(
                f"the {self.kind} of the activations of a layer is {largest:g}: it was silent on "
                "every input it was calibrated on; bring more inputs, or normalise by 'curve'"
            )
        return float(largest) / self.divide
