"""Where learning starts: weights neither so small that signals die nor so large that they saturate.

A layer multiplies the variance of what passes through it by n_in var(W) slope² on the way forward
and by n_out var(W) slope² on the way back. Glorot and Bengio's compromise, var(W) = 2 / (n_in +
n_out), keeps both near one for a slope of one; the `gain` of an activation makes up for its own
slope: 4 for the sigmoid (slope 1/4 at zero), √2 for the ReLU (half its inputs are cut off).

A unit that rests at something other than zero, as the sigmoid does at 1/2, also shifts every unit
above it; `Network` takes that away with the initial biases.
"""

from __future__ import annotations

import numpy as np

from ann.errors import unknown_name
from ann.network.activations import Activation

__all__ = ["INITIALISATIONS", "initial_weights"]

#: Names that `initial_weights` knows.
INITIALISATIONS = ("auto", "glorot", "he", "lecun", "orthogonal", "zeros")


def initial_weights(
    n_in: int,
    n_out: int,
    activation: Activation,
    rng: np.random.Generator,
    scheme: str = "auto",
) -> np.ndarray:
    """Draw the weights of a layer.

    Parameters
    ----------
    n_in, n_out : int
        Inputs and units of the layer.
    activation : Activation
        What the units do; its gain scales the weights under ``"auto"``.
    rng : numpy.random.Generator
        Source of chance.
    scheme : {"auto", "glorot", "he", "lecun", "orthogonal", "zeros"}
        ``auto`` is Glorot's uniform range times the activation's gain; ``glorot`` leaves the gain
        out; ``he`` is normal with variance 2 / n_in; ``lecun`` uniform with variance 1 / n_in;
        ``orthogonal`` a random rotation times the gain; ``zeros`` for a single layer.

    Returns
    -------
    ndarray of shape (n_in, n_out)
        Double precision.

    Raises
    ------
    ParameterError
        If there is no such scheme.

    Notes
    -----
    Glorot, X. & Bengio, Y. (2010), AISTATS, eq. 16; He, K. et al. (2015), ICCV, eq. 10; Saxe, A.
    et al. (2014), ICLR, for the orthogonal one.

    Examples
    --------
    >>> from ann.network.activations import Tanh
    >>> w = initial_weights(3, 3, Tanh(), np.random.default_rng(0))
    >>> bool((abs(w) <= 1).all())
    True
    """
    if scheme == "zeros":
        return np.zeros((n_in, n_out))
    if scheme == "he":
        return rng.normal(0.0, np.sqrt(2.0 / n_in), (n_in, n_out))
    if scheme == "lecun":
        bound = np.sqrt(3.0 / n_in)
        return rng.uniform(-bound, bound, (n_in, n_out))
    if scheme == "orthogonal":
        tall = rng.standard_normal((max(n_in, n_out), min(n_in, n_out)))
        q, r = np.linalg.qr(tall)
        q *= np.sign(np.diag(r))  # makes the rotation uniformly distributed
        return activation.gain * (q if n_in >= n_out else q.T)
    if scheme not in ("auto", "glorot"):
        raise unknown_name("initialisation", scheme, INITIALISATIONS)
    gain = activation.gain if scheme == "auto" else 1.0
    bound = gain * np.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-bound, bound, (n_in, n_out))
