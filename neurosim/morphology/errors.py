"""The mistake of a shape: loops, missing parents, radii of zero, files that are not SWC."""

from __future__ import annotations

from neurosim.errors import ParameterError

__all__ = ["MorphologyError", "MorphologyWarning"]


class MorphologyError(ParameterError):
    """A shape that no neuron has; from a file, with its name and line."""


class MorphologyWarning(UserWarning):
    """A shape that was read, with something the reader of the result should know."""
