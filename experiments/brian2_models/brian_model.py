"""One model: how its group is made in Brian2, and how it is taken over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["BrianModel"]


@dataclass(frozen=True)
class BrianModel:
    """A model after one of Brian2's examples.

    Attributes
    ----------
    example : str
        Path of the example under Brian2's ``examples/``, without its suffix.
    make : callable
        Returns the group, and what else of Brian2 must stay alive.
    duration_ms : float
        How long it is run both ways.
    variable : str
        What is compared, in the group's words.
    options : mapping
        Arguments of `from_brian2`.
    random : bool
        Whether it draws random numbers, so that laws are compared and not steps.
    refused : str
        A part of the message with which it is refused; empty where it is carried over.
    title : str
        What tells it from another model of the same example.
    """

    example: str
    make: Callable[[], tuple[Any, ...]]
    duration_ms: float = 200.0
    variable: str = "v"
    options: Mapping[str, Any] = field(default_factory=dict)
    random: bool = False
    refused: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        """Example and title."""
        return f"{self.example} {self.title}".strip()
