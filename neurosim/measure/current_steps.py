"""A neuron under steps of current that begin when it has come to rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, amp, ms, pA, second

from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.run.recording import Recording
from neurosim.run.simulate import simulate
from neurosim.stimuli import Steps

__all__ = ["CurrentSteps"]

# Rest before the step: neurons with extent settle before time 0 as well.
_SETTLE_MS = 500.0


@dataclass(frozen=True)
class CurrentSteps:
    """A neuron under steps of current at its soma.

    Attributes
    ----------
    neuron : Neuron or PointNeuron
        What is measured.
    length : float
        Length of the steps, where none other is said, in second.
    dt : Quantity, optional
        Time step.
    jobs : int
        Threads or processes.
    before, after : float
        How much is recorded before and after the steps, in second.
    """

    neuron: Neuron | PointNeuron
    length: float
    dt: Quantity | None
    jobs: int
    before: float = 0.05
    after: float = 0.02

    @property
    def watched(self) -> float:
        """Since when the neuron is at rest, in second.

        A point neuron has no time before 0 to settle in.
        """
        return 0.0 if isinstance(self.neuron, Neuron) else _SETTLE_MS * 1e-3

    @property
    def onset(self) -> float:
        """When the steps begin, in second."""
        return self.watched + self.before

    @property
    def dt_s(self) -> float:
        """Time step, in second."""
        own = self.neuron.default_dt_ms * 1e-3
        return own if self.dt is None else float(self.dt)

    def run(
        self, currents: np.ndarray, lengths: np.ndarray | None = None, *, trace: bool = True
    ) -> Recording:
        """Run steps of current (ampere), all of one length or each of its own (second)."""
        neuron, options = self.neuron, dict[str, Any](dt=self.dt, jobs=self.jobs)
        if isinstance(neuron, Neuron):
            options["settle"] = _SETTLE_MS * ms
            if trace:
                neuron = neuron.replace(probed=())
        longest = self.length if lengths is None else float(np.max(lengths))
        batch: dict[str, Quantity] = {"stimulus.steps.amplitude": currents * amp}
        if lengths is not None:
            batch["stimulus.steps.duration"] = lengths * second
        if not isinstance(neuron, Neuron):
            batch = {name.removeprefix("stimulus."): values for name, values in batch.items()}
        return simulate(
            neuron,
            (self.onset + longest + self.after) * second,
            stimulus=Steps(0 * pA, self.onset * second, longest * second),
            batch=batch,
            record=["v"] if trace else [],
            **options,
        )

    def rates(self, run: Recording) -> np.ndarray:
        """Return spikes within the step over its length, in hertz."""
        stop = (self.onset + self.length) * second
        return run.counts(self.onset * second, stop) / self.length

    def rates_at(self, currents: np.ndarray) -> np.ndarray:
        """Return the rate at each current (ampere)."""
        return self.rates(self.run(currents, trace=False))
