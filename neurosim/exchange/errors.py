"""What cannot be said in the language of another program, or not be read from it."""

from __future__ import annotations

from neurosim.errors import ParameterError

__all__ = ["ExchangeError"]


class ExchangeError(ParameterError):
    """Another program has no words for something here, or this one for something there."""
