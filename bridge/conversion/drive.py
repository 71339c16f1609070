"""What has to be measured of a neuron before a network is put onto it: noise, range, f-I curve.

Any point neuron will do, so nothing here reads a formula of a particular one, except that the LIF
has closed forms which are used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, mV, pA, second

from bridge.counts.curve import FICurve
from bridge.errors import CalibrationError, ConversionError
from bridge.stimulate.fi_curve import fi_curve, trial_seeds
from neurosim import LIF, Constant, PointNeuron, Stimulus, WhiteNoise, simulate
from neurosim.quantities import check_quantity

__all__ = ["background_for", "firing_range_pA", "measure_for_conversion", "potentials_mV"]

# Highest rate looked for; a converted network needs far less.
_FAST_HZ = 400.0
# Neurons from which the size of the voltage noise is measured: within 2 %.
_ROWS = 1000


def background_for(neuron: PointNeuron, noise: Quantity, **running: Any) -> Stimulus:
    """Return white noise under which the free membrane fluctuates by a given amount.

    For a LIF from its closed form; for others by simulation at rest with noise too weak to matter,
    where the potential answers in proportion.

    Parameters
    ----------
    neuron : PointNeuron
        Must rest without input.
    noise : Quantity
        Wanted standard deviation of the membrane potential.
    **running
        dt, engine and jobs, as in `neurosim.simulate`. A seed is not used: the noise belongs to the
        neuron, and a curve that one conversion measured must serve the next.

    Raises
    ------
    ConversionError
        The neuron does not rest; the remedy is to give a background.
    """
    noise = check_quantity(noise, 2 * mV, "convert: noise", at_least=0 * mV)
    if isinstance(neuron, LIF):
        return WhiteNoise.for_membrane(noise, neuron)
    weak = WhiteNoise(intensity=1e-3 * pA * second**0.5)
    if noise == 0 * mV:
        return WhiteNoise()
    running = running | {"seed": trial_seeds(0, _ROWS)}
    settings: dict[str, Any] = {
        "stimulus": Constant(0 * pA) + weak,
        "batch": {"current": np.zeros(_ROWS) * pA},
    }
    ends = [simulate(neuron, length, **settings, **running) for length in (200 * ms, 400 * ms)]
    spread = [float(np.std(end.final_si["v"])) for end in ends]
    if any(len(end.spike_row) for end in ends) or not 0.7 < spread[1] / spread[0] < 1.4:
        raise ConversionError(
            f"{type(neuron).__name__} does not rest, so noise of {noise} has no meaning for it; "
            "use noise=0*mV (--noise-mv 0), or give background=WhiteNoise(...)"
        )
    return WhiteNoise(intensity=weak.intensity * float(noise / (spread[1] * 1e3 * mV)))


def firing_range_pA(
    neuron: PointNeuron, background: Stimulus, **running: Any
) -> tuple[float, float]:
    """Return the current from which a neuron fires, and that of its highest useful rate (pA).

    The second is where the rate reaches 400 Hz, or its peak if that is lower.

    Raises
    ------
    CalibrationError
        It fires nowhere between 1 pA and 100 nA.
    """
    coarse = np.geomspace(1, 1e5, 61)
    curve = fi_curve(
        neuron, coarse * pA, duration=300 * ms, settle=200 * ms, background=background, **running
    )
    rate = np.minimum(curve.mean_rate_Hz(), _FAST_HZ)
    top = int(np.argmax(rate))
    if rate[top] <= 0:
        raise CalibrationError(
            f"{type(neuron).__name__} fires no spike between 1 pA and 100 nA; check its parameters"
        )
    # Noise alone may make it fire without any current.
    first = int(np.argmax(rate > max(0.05 * rate[top], min(2 * rate[0], 0.5 * rate[top]))))
    return float(coarse[first]), float(coarse[top])


def measure_for_conversion(
    neuron: PointNeuron,
    background: Stimulus,
    *,
    progress: Callable[[float], None] | None = None,
    **running: Any,
) -> FICurve:
    """Measure the f-I curve over the range a conversion may use.

    That is from -4 times the rheobase, where noise alone makes no spike, to 25 times (LIF) or the
    highest useful rate (other neurons). dt, seed, engine and jobs are as in `neurosim.simulate`.
    """
    if isinstance(neuron, LIF):
        first, last = float(neuron.rheobase / pA), 25 * float(neuron.rheobase / pA)
    else:
        first, last = firing_range_pA(neuron, background, **running)
    near = min(4 * first, last)
    steps = np.linspace(-near, near, 65)
    if last > near:
        steps = np.concatenate([steps, np.linspace(4.5 / 4 * near, max(last, 1.2 * near), 42)])
    return fi_curve(
        neuron,
        steps * pA,
        duration=1 * second,
        settle=200 * ms,
        trials=10,
        background=background,
        progress=progress,
        **running,
    )


def potentials_mV(
    neuron: PointNeuron,
    background: Stimulus,
    current_pA: float,
    shares: Sequence[float],
    **running: Any,
) -> list[float]:
    """Return potentials below which a neuron at a constant current spends given shares of its time.

    Spikes and refractoriness included, in millivolt.
    """
    running = running | {"seed": trial_seeds(running.get("seed", 0), _ROWS)}
    end = simulate(
        neuron,
        300 * ms,
        stimulus=Constant(0 * pA) + background,
        batch={"current": np.full(_ROWS, current_pA) * pA},
        **running,
    )
    return [1e3 * float(v) for v in np.quantile(end.final_si["v"], shares)]
