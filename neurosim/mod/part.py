"""A translated mechanism, before it is a class or a file of Python."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Field", "Part"]


@dataclass(frozen=True)
class Field:
    """A parameter: its number, its unit in Brian2's words ("" for none), and what the file says."""

    name: str
    value: float
    unit: str
    doc: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Part:
    """What a class of `neurosim.channels`, `neurosim.ions` or `neurosim.synapses` says.

    Attributes
    ----------
    kind : {"Channel", "IonPool", "Receptor"}
        The class it derives from.
    title : str
        Class name.
    suffix : str
        Name in NEURON, and by default that of the part.
    source : str
        Name of the file.
    notes : tuple of str
        What a reader should know of the translation.
    names : dict of str to str
        By name in the file, the name of a field, state or expression, where it differs.
    """

    kind: str
    title: str
    suffix: str
    source: str
    heading: str
    fields: tuple[Field, ...]
    equations: str
    current: str = ""
    ion: str | None = None
    ion_current: str = ""
    carries: dict[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    follows: dict[str, str] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)
    nonlinear: tuple[str, ...] = ()
    writes: str = ""
    nernst: bool = False
    temperature_ref: float = 6.3
    on_event: dict[str, str] = field(default_factory=dict)
    lumps: bool = True
    notes: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
