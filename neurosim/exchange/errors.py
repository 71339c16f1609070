"""What cannot be said in the language of another program, or not be read from it."""

from __future__ import annotations

import warnings

from neurosim.errors import ParameterError

__all__ = ["ExchangeError", "ExchangeWarning", "say_lost"]


class ExchangeError(ParameterError):
    """Another program has no words for something here, or this one for something there."""


class ExchangeWarning(UserWarning):
    """Something of a cell of another program is not in the neuron that was read."""


def say_lost(said: str) -> None:
    """Warn of something that `from_neuron` leaves out."""
    warnings.warn(f"from_neuron: {said}", ExchangeWarning, stacklevel=3)
