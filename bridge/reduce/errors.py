"""What can go wrong when a neuron is reduced."""

from __future__ import annotations

from bridge.errors import BridgeError

__all__ = ["ReductionError"]


class ReductionError(BridgeError, ValueError):
    """A neuron, a drive or a tolerance from which no reduction can be found; says the remedy."""
