"""What the probes and detectors of a neuron read, as variables of kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from brian2.equations.equations import Equations
from brian2.units import Quantity, amp

from neurosim.channels.base import Mechanism
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Detector
from neurosim.engine.cable.inputs import KernelInputs
from neurosim.engine.cable.model import Kernel
from neurosim.errors import UnknownNameError, suggest
from neurosim.morphology import Compartments, root_site
from neurosim.outside import Extracellular
from neurosim.stimuli import Stimulus

__all__ = ["Reader", "Readings", "detectors"]

# What can be read of a clamp beside its current.
AMPLIFIER_READS = {
    "voltage": {"command"},
    "conductance": {"conductance"},
    "electrode": {"command", "electrode", "recorded"},
}


class Readings(NamedTuple):
    """What is traced.

    Attributes
    ----------
    probes : list of (int, int, int)
        Kernel, variable and site of each trace; kernel -1: the potential of a compartment; kernel
        -2: the membrane current of compartment `variable`; kernel -3: the potential in its layer.
    traces : list of (str, int)
        Name and compartment (of the morphology) of each trace.
    units : dict of str to Quantity
        Unit of each trace.
    """

    probes: list[tuple[int, int, int]]
    traces: list[tuple[str, int]]
    units: dict[str, Quantity]


class Reader:
    """Finds what the probes of a neuron name."""

    def __init__(self, neuron: Neuron) -> None:
        self.neuron = neuron
        self.shape: Compartments = neuron.compartments

    def recorded(self, kernel: str, equations: Equations, sites: np.ndarray) -> tuple[str, ...]:
        """Return the variables of a kernel that probes ask for."""
        wanted = []
        for probe in self.neuron.probed:
            if probe.variable in ("v", "v_ext", "i_membrane"):
                continue
            variable = self._variable(probe.variable, kernel)
            here = np.isin(probe.site.compartments(self.shape), sites).any()
            if variable is not None and here and variable in equations:
                wanted.append(variable)
        return tuple(dict.fromkeys(wanted))

    def _variable(self, name: str, kernel: str) -> str | None:
        """Return the name a probed variable has in a kernel, if it can be there."""
        labels = {p.label: p for p in self.neuron.placed}
        head, _, tail = name.partition(".")
        if head in labels:
            if kernel != f"point_{head}":
                return None
            return (
                "I_stim" if tail == "current" and isinstance(labels[head].part, Stimulus) else tail
            )
        return None if kernel.startswith("point_") else name.replace(".", "_")

    def read(
        self, kernels: list[Kernel], values: list[KernelInputs], numbering: np.ndarray
    ) -> Readings:
        """Return what the probes of the neuron read.

        Raises
        ------
        UnknownNameError
            A probe names what is not there.
        """
        found = Readings([], [], {})
        for probe in self.neuron.probed:
            for name, compartment in probe.traces(self.shape):
                number = int(numbering[compartment])
                at = self._find(probe.variable, compartment, number, kernels, values)
                found.probes.append(at)
                found.traces.append((name, compartment))
                if at[0] < 0:
                    found.units[name] = 1 * amp if at[0] == -2 else self.neuron.rest
                else:
                    kernel = kernels[at[0]]
                    traced = kernel.record[at[1]]
                    found.units[name] = Quantity(1.0, dim=kernel.parsed[traced].dim)
        return found

    def _find(
        self,
        variable: str,
        compartment: int,
        number: int,
        kernels: list[Kernel],
        values: list[KernelInputs],
    ) -> tuple[int, int, int]:
        if variable == "v":
            return (-1, 0, number)
        if variable == "i_membrane":
            return (-2, number, 0)
        layered = any(isinstance(p.part, Extracellular) for p in self.neuron.painted)
        if variable == "v_ext" and layered:
            return (-3, 0, number)
        known = {"v", "i_membrane"} | ({"v_ext"} if layered else set())
        for k, (kernel, given) in enumerate(zip(kernels, values, strict=True)):
            where = np.flatnonzero(given.nodes == number)
            if not len(where):
                continue
            name = self._variable(variable, kernel.name)
            if name in kernel.record:
                return (k, kernel.record.index(name), int(where[0]))
            known |= self._names(kernel)
        place = self.shape.branch_names[int(self.shape.branch[compartment])]
        raise UnknownNameError(
            f"probe: there is no {variable!r} on branch {place!r}: {suggest(variable, known)}"
        )

    def _names(self, kernel: Kernel) -> set[str]:
        """Return the names by which a user may probe a kernel."""
        inner = set(kernel.parsed.diff_eq_names) | set(kernel.parsed.subexpr_names)
        inner.update(*({f"{one.ion}_i", *one.deeper} for one in kernel.ions))
        if kernel.name.startswith("point_"):
            head = kernel.name.removeprefix("point_")
            inner |= AMPLIFIER_READS.get(kernel.amplifier, set())
            return {f"{head}.{name}" for name in inner} | {f"{head}.current"}
        found = set()
        parts = [p.part.name for p in self.neuron.painted if isinstance(p.part, Mechanism)]
        for name in inner:
            owner = max((p for p in parts if name.startswith(f"{p}_")), key=len, default="")
            found.add(f"{owner}.{name[len(owner) + 1 :]}" if owner else name)
        return found


def detectors(neuron: Neuron, numbering: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return compartment, threshold (volt) and refractory period (second) of each detector.

    By default one at the root, at -20 mV.
    """
    watched = neuron.detectors or (Detector(root_site, -0.02, "root"),)
    compartments = [int(one.site.compartments(neuron.compartments)[0]) for one in watched]
    return (
        numbering[compartments],
        np.array([one.threshold for one in watched]),
        np.array([one.refractory for one in watched]),
    )
