"""The Python lines that a page shows beside a neuron without extent: they run what the page runs.

Braces in pairs stay for the page, which puts there what a reader has chosen.
"""

__all__ = ["CURVE_LINES", "POINT_LINES"]

POINT_LINES = """\
import numpy as np
from brian2 import {units}
from neurosim import Constant, WhiteNoise, settle, simulate
{source}

recording = simulate(
    neuron, {duration} * ms, stimulus=Constant(0 * pA) + WhiteNoise(), record=["v"],
    batch={{batch}}, initial=settle(neuron, {settle} * ms), seed={{seeds}},
)
print(recording.spike_row)
print(recording.spike_time_s)
"""
CURVE_LINES = """\
import numpy as np
from brian2 import {units}
from neurosim import Constant, WhiteNoise, settle, simulate
{source}

currents = np.linspace(0, {most:g}, {count}) * pA
recording = simulate(
    neuron, {duration} * ms, stimulus=Constant(0 * pA) + WhiteNoise(),
    batch={{batch}} | {{"constant.current": currents}},
    initial=settle(neuron, {settle} * ms), seed={{seed}},
)
print(recording.counts() / {seconds:g})
"""
