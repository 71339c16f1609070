"""What the Network tab shows: a network that reads digits, and the same one on spiking neurons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from brian2.units import mV
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ann import Network, ShallowNetwork
from bridge.conversion.convert import convert
from bridge.spiking.spiking_network import SpikingNetwork
from bridge.stimulate.fi_curve import trial_seeds
from experiments.explore.embedding import packed
from neurosim import LIF, WhiteNoise
from neurosim.errors import ParameterError
from neurosim.randomness import AS241, BARRIER_SHIFT, SPLIT_MIX, row_keys

__all__ = ["DigitTwin", "digit_data", "digit_twin"]

HIDDEN = 32
HELD_OUT = 540
SEED = 1
NOISE_MV = 2.0
# How often each digit is among the images that are offered.
EACH = 3
LEVELS = 16
SEEDS = (1, 2, 3, 4, 5)
SETTLE_MS, SHOWN_MS, EVERY_MS = 100, 200, 5

LINES = """\
import numpy as np
from brian2 import ms
from experiments.explore.digit_twin import digit_twin

twin = digit_twin()
image = np.array([{image}]) / {levels}
print(twin.network.output(image)[0])
run = twin.spiking.run(image, {shown} * ms, settle={settle} * ms, seed={seed})
print(run.probabilities({at} * ms)[0])
print(run.spikes_by_neuron({at} * ms)[0])
print(run.rates({at} * ms)[0][0])
"""


@dataclass(frozen=True, eq=False)
class DigitTwin:
    """A network that reads digits and its spiking twin.

    Attributes
    ----------
    network : Network
        64 pixels between 0 and 1, 32 sigmoid units, 10 classes; double precision.
    spiking : SpikingNetwork
        The same network on the textbook's LIF.
    images : ndarray of int, shape (30, 64)
        Images that neither was trained on, from 0 (paper) to 16 (ink), three of each digit.
    digits : ndarray of int, shape (30,)
        What they show.
    accuracy : float
        Share of all 540 images held out that the network reads right.
    """

    network: Network
    spiking: SpikingNetwork
    images: np.ndarray
    digits: np.ndarray
    accuracy: float


@cache
def digit_twin() -> DigitTwin:
    """Train the network of the page and put it onto neurons; both follow from a fixed seed.

    Returns
    -------
    DigitTwin

    Notes
    -----
    The images are those of scikit-learn: Alpaydin, E. & Kaynak, C. (1998), Optical Recognition of
    Handwritten Digits, UCI Machine Learning Repository, licence CC BY 4.0.

    Examples
    --------
    >>> twin = digit_twin()
    >>> twin.accuracy > 0.95
    True
    """
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X / LEVELS, y, test_size=HELD_OUT, stratify=y, random_state=SEED
    )
    model = ShallowNetwork(hidden=HIDDEN, dropout=0.1, random_state=SEED).fit(X_train, y_train)
    chosen = np.concatenate([np.flatnonzero(y_test == digit)[:EACH] for digit in range(10)])
    return DigitTwin(
        network=model.network_,
        spiking=convert(model, X_train, neuron=LIF(), noise=NOISE_MV * mV, seed=SEED),
        images=np.round(LEVELS * X_test[chosen]).astype(int),
        digits=y_test[chosen],
        accuracy=float(model.score(X_test, y_test)),
    )


def _neuron_numbers(spiking: SpikingNetwork) -> dict[str, Any]:
    """What one step of the neuron needs, in SI units, and the generator of its noise."""
    neuron, noise = spiking.neuron, spiking.background
    if not isinstance(neuron, LIF) or not isinstance(noise, WhiteNoise):
        raise ParameterError(
            f"the page steps LIF under WhiteNoise; this network has {neuron} under {noise}"
        )
    dt = float(spiking.dt)
    fields = {name: float(getattr(neuron, name)) for name in neuron.quantity_fields()}
    return {
        **fields,
        "dt": dt,
        # Brian2's timestep(), and the step more of a noisy neuron (`neurosim.equations.barrier`).
        "heldSteps": int(np.floor((fields["t_ref"] + dt + 1e-3 * dt) / dt)),
        "intensity": float(noise.intensity),
        "barrierShift": BARRIER_SHIFT,
        # Of the third part of the stimulus: holding current, step, noise.
        "stream": 2,
        "splitMix": {name: [value >> 32, value % 2**32] for name, value in SPLIT_MIX.items()},
        "normal": {name: list(values) for name, values in AS241.items()},
    }


def digit_data() -> dict[str, Any]:
    """Return everything that the Network tab needs, as plain values.

    Returns
    -------
    dict
    """
    twin = digit_twin()
    spiking = twin.spiking
    (layer,) = spiking.layers
    if spiking.split.sizes != twin.network.sizes:
        raise ParameterError("the page shows networks in which a neuron stands for each unit")
    keys = {}
    for seed in SEEDS:
        low, high = row_keys(np.repeat(trial_seeds(seed, 1), layer.units), np.arange(layer.units))
        keys[str(seed)] = {"low": packed(low, "i4"), "high": packed(high, "i4")}
    return {
        "sizes": list(twin.network.sizes),
        "parameters": packed(twin.network.parameters),
        "activations": [one.activation.name for one in twin.network.layers],
        "accuracy": twin.accuracy,
        "heldOut": HELD_OUT,
        "levels": LEVELS,
        "images": packed(twin.images, "u1"),
        "digits": twin.digits.tolist(),
        "neuron": _neuron_numbers(spiking),
        "noise_mV": NOISE_MV,
        "weights_pA": packed(layer.weights_pA),
        "holding_pA": packed(layer.holding_pA),
        "offset": packed(layer.calibration.offset),
        "slope_s": packed(layer.calibration.slope_s),
        "outputWeights": packed(spiking.output_weights),
        "outputBias": packed(spiking.output_bias),
        "keys": keys,
        "seeds": list(SEEDS),
        "settle_ms": SETTLE_MS,
        "shown_ms": SHOWN_MS,
        "every_ms": EVERY_MS,
        "lines": LINES,
    }
