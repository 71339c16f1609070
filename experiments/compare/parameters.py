"""What the main job compares, and the command line that makes its page again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.gallery.networks.digits_on_neurons import Parameters as DigitsParameters
from experiments.gallery.neurons.one_spike import Parameters as SpikeParameters
from experiments.kit.registry import Context

__all__ = ["Parameters", "command_line"]


@dataclass(frozen=True)
class Parameters:
    """What the main job compares.

    Attributes
    ----------
    recording : str or None
        A recorded cell, any file that `bridge.equivalent_unit` takes; None for the one that comes
        with the project.
    reading : dict
        What the recording does not say (`recording` of `bridge.equivalent_unit`).
    cell : str
        Which of those (see `experiments.kit.recorded.CELLS`).
    shape : str or None
        A reconstruction (SWC, ASC, HDF5 or NeuroML) in place of the textbook neuron's shape.
    table, target : str or None
        A table in place of the digits, and the column that is predicted.
    options : dict
        Options of the command about shape and table, by name, as they were typed.
    noise_mV : tuple of float
        Noise of the LIF neurons whose f-I curves are measured.
    trials : int
        Repeats of every current.
    digits : DigitsParameters
        The network and its times of decision.
    spike : SpikeParameters
        The neuron that is shown, and its synapses.
    """

    recording: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    cell: str = "fast-spiking"
    shape: str | None = None
    table: str | None = None
    target: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    noise_mV: tuple[float, ...] = (1.0, 3.0, 6.0)
    trials: int = 5
    digits: DigitsParameters = field(
        # Up to twice the longest time that is judged. `neurosim run digits-on-neurons` goes on to
        # 400 ms; here these runs would take a quarter of the whole job's processor time.
        default_factory=lambda: DigitsParameters(times_ms=(10.0, 25.0, 50.0, 100.0, 200.0))
    )
    spike: SpikeParameters = field(
        default_factory=lambda: SpikeParameters(trains=4, duration_ms=150.0)
    )


def command_line(parameters: Parameters, context: Context) -> str:
    """Return the command that makes the page again.

    Examples
    --------
    >>> own = Parameters(shape="my cell.swc", table="t.csv", target="y", options={"header": False})
    >>> command_line(own, Context(seed=3))
    "neurosim compare --seed 3 --cell 'my cell.swc' --table t.csv --target y --no-header"
    >>> reading = {"window": (0.1, 1 / 3), "pairs": {"in_0": "out_1", "in_1": "out 0"}}
    >>> command_line(Parameters(recording="c.nwb", reading=reading), Context(seed=3))[38:]
    "c.nwb --window 0.1:0.3333333333333333 --pair in_0=out_1 --pair 'in_1=out 0'"
    """
    words = ["neurosim", "compare", "--seed", str(context.seed)]
    if context.quick:
        words.append("--quick")
    named = (("recording", parameters.recording), ("cell", parameters.shape),
             ("table", parameters.table), ("target", parameters.target))  # fmt: skip
    for name, given in named:
        if given is not None:
            words += [f"--{name}", given]
    for name, value in parameters.reading.items():
        if name == "pairs":
            for response, stimulus in value.items():
                words += ["--pair", f"{response}={stimulus}"]
            continue
        # The shortest digits that read as the same number.
        said = ":".join(repr(float(end)) for end in value) if name == "window" else str(value)
        # A unit of the current is said as such too.
        words += [f"--{name.replace('_', '-')}", said]
    for name, value in parameters.options.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            for one in value if isinstance(value, (list, tuple)) else (value,):
                words += [f"--{option}", str(one)]
    return shlex.join(words)
