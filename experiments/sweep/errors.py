"""What can go wrong in a sweep, one class a kind of mistake."""

from __future__ import annotations

from neurosim.errors import NeurosimError, OutputError

__all__ = ["MeasureError", "StoreBusyError", "SweepError", "SweepStoreError"]


class SweepError(NeurosimError, RuntimeError):
    """A sweep could not go on; what was computed is in its store."""


class MeasureError(NeurosimError, ValueError):
    """A measure cannot be used in a sweep, or returned what it did not promise."""


class SweepStoreError(OutputError):
    """The store holds another sweep, or cannot be read or written."""


class StoreBusyError(SweepStoreError):
    """Another process is computing into the store."""
