"""Why a model of the Allen Institute is refused."""

from __future__ import annotations

from neurosim.errors import ParameterError

__all__ = ["AllenError"]


class AllenError(ParameterError):
    """A file of a model is missing, is none, or says what has no meaning here."""
