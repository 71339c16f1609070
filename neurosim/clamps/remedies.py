"""What to do where a setting of an amplifier is to change during a run."""

from __future__ import annotations

__all__ = ["IN_PIECES"]

IN_PIECES = (
    "run the protocol in pieces, each with another value and with the state of the last one as "
    "initial=recording.state"
)
"""A setting of the amplifier changes between runs, as between sweeps."""
