"""The mistake of a shape: loops, missing parents, radii of zero, files that are not SWC."""

from __future__ import annotations

from neurosim.errors import ParameterError

__all__ = ["MorphologyError", "MorphologyNote", "MorphologyWarning"]


class MorphologyError(ParameterError):
    """A shape that no neuron has; from a file, with its name and line."""


class MorphologyWarning(UserWarning):
    """A shape that was read, with something the reader of the result should know."""


class MorphologyNote(MorphologyWarning):
    """How something was read that has one usual reading: nothing in the file is doubtful."""
