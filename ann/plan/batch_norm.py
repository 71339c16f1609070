"""Batch normalisation while training: forward with the batch's own mean, backward through it.

With n = (z - mean) / √(var + ε) and y = scale n + shift over a batch of B, the derivative of the
loss by z is (scale / √(var + ε)) (g - mean(g) - n mean(g n)), g being that by y: the two means are
what the batch's own mean and variance contribute (Ioffe & Szegedy, 2015, ICML, section 3).
"""

from __future__ import annotations

import numpy as np

from ann.network.network import BatchNorm
from ann.plan.workspace import Workspace

__all__ = ["NormStep"]


class NormStep:
    """Batch normalisation of one layer: forward in place, backward in place."""

    def __init__(self, space: Workspace, i: int, norm: BatchNorm, z: np.ndarray) -> None:
        self.norm, self.z = norm, z
        self.normal = np.empty_like(z)
        _, _, self.g_scale, self.g_shift = space.network.parts(i, space.gradient)
        self.spread = np.ones((len(z), 1), z.dtype)

    def forward(self) -> None:
        norm, z, batch = self.norm, self.z, self.z.shape[1]
        mean = z.mean(axis=1, keepdims=True)
        z -= mean
        variance = np.einsum("ij,ij->i", z, z)[:, None] / batch
        np.sqrt(variance + norm.epsilon, out=self.spread)
        np.divide(z, self.spread, out=self.normal)
        np.multiply(self.normal, norm.scale[:, None], out=z)
        z += norm.shift[:, None]
        # The running variance estimates that of the population, hence batch / (batch - 1).
        share = 1.0 - norm.memory
        norm.mean += share * (mean[:, 0] - norm.mean)
        norm.variance += share * (variance[:, 0] * (batch / max(batch - 1, 1)) - norm.variance)

    def backward(self, delta: np.ndarray) -> None:
        np.einsum("ij,ij->i", delta, self.normal, out=self.g_scale)
        np.add.reduce(delta, 1, None, self.g_shift)
        batch = delta.shape[1]
        delta -= self.g_shift[:, None] / batch
        delta -= self.normal * (self.g_scale[:, None] / batch)
        delta *= self.norm.scale[:, None] / self.spread
