"""Frozen noise: any current waveform, given sample by sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity, ms, pA

from neurosim.errors import ParameterError
from neurosim.quantities import quantity
from neurosim.stimuli.base import TIMES_ARE_DATA, Drive, Stimulus

__all__ = ["FrozenNoise"]


@dataclass(frozen=True, eq=False, repr=False)
class FrozenNoise(Stimulus):
    """A sampled current, the same every time it is played.

    Each sample is held for `interval`; before `onset` and after the last sample the current
    is 0. Several waveforms may be given as the rows of an array; ``batch={"channel": [0, 1]}``
    then says which row of the batch plays which.

    Parameters
    ----------
    samples : Quantity, shape (n_samples,) or (n_channels, n_samples)
        Current of each sample.
    interval : Quantity
        Time from one sample to the next; need not be the time step of the run.
    onset : Quantity
        When the first sample begins.
    channel : Quantity
        Which waveform to play (a plain number).
    amplitude : Quantity
        Factor on the samples (a plain number), so that a batch can vary how strong it is.

    Examples
    --------
    >>> import numpy as np
    >>> from brian2 import ms, pA
    >>> noise = np.random.default_rng(1).normal(200, 50, 1000)
    >>> FrozenNoise(noise * pA, interval=1 * ms).channels
    1
    """

    samples: Quantity = quantity(np.zeros(1) * pA, "current of each sample", many=2)
    interval: Quantity = quantity(
        0.1 * ms, "time between samples", above=0 * ms, instead_of_course=TIMES_ARE_DATA
    )
    onset: Quantity = quantity(
        0 * ms, "when the first sample begins", at_least=0 * ms, instead_of_course=TIMES_ARE_DATA
    )
    channel: Quantity = quantity(
        Quantity(0), "waveform to play", at_least=0, instead_of_course=TIMES_ARE_DATA
    )
    amplitude: Quantity = quantity(Quantity(1.0), "factor on the samples")
    label = "frozen_noise"

    @property
    def channels(self) -> int:
        """Number of waveforms."""
        return len(np.atleast_2d(np.asarray(self.samples)))

    def check(self) -> None:
        """Check that there is a waveform of that number."""
        self.check_channels(np.asarray(self.channel))

    def check_channels(self, wanted: np.ndarray) -> None:
        """Refuse numbers that no waveform has.

        Raises
        ------
        ParameterError
            A channel is no whole number, or too large.
        """
        wrong = [k for k in np.ravel(wanted).tolist() if k not in range(self.channels)]
        if wrong:
            raise ParameterError(
                f"FrozenNoise: channel must be a whole number from 0 to {self.channels - 1}, one "
                f"of the {self.channels} waveforms; got {wrong[0]:g}"
            )

    def values(self) -> dict[str, Quantity]:
        return {name: getattr(self, name) for name in ("interval", "onset", "channel", "amplitude")}

    def waveforms(self) -> list[np.ndarray]:
        return list(np.atleast_2d(np.asarray(self.samples, dtype=float)))

    def drive(self, prefix: str, stream: int) -> Drive:
        # first_channel is where this part's waveforms start among those of the whole run.
        position = f"(t - {prefix}onset)/{prefix}interval"
        return Drive(
            f"{prefix}amplitude"
            f"*waveform(int({prefix}channel + 0.5) + {prefix}first_channel, {position})*amp",
            self._units(prefix, *self.values()) | {f"{prefix}first_channel": "1"},
            integers=(f"{prefix}first_channel",),
        )

    def __repr__(self) -> str:
        shape = np.shape(self.samples)
        factor = "" if float(self.amplitude) == 1 else f", amplitude={float(self.amplitude):g}"
        return f"FrozenNoise({shape} samples every {self.interval}, onset={self.onset}{factor})"
