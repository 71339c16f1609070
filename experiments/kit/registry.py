"""Experiments by name: one file, one claim, one figure."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.kit.result import Result
from neurosim.errors import ParameterError, UnknownNameError, suggest

__all__ = ["Context", "Experiment", "all_experiments", "experiment", "find"]


def _silent(_: str) -> Callable[[float], None] | None:
    return None


@dataclass(frozen=True)
class Context:
    """How an experiment is run, apart from its own parameters.

    Attributes
    ----------
    seed : int
        Everything random follows from it.
    jobs : int
        Processes that share the work.
    quick : bool
        Fewer trials and seeds; the same claim with wider intervals.
    engine : str
        Engine of `neurosim.simulate`.
    task : callable
        Given a description, returns a callback for the share done (or None for silence).
    """

    seed: int = 1
    jobs: int = 1
    quick: bool = False
    engine: str = "auto"
    task: Callable[[str], Callable[[float], None] | None] = _silent


@dataclass(frozen=True)
class Experiment:
    """A registered experiment.

    Attributes
    ----------
    name : str
        What the command calls it.
    claim : str
        What it shows, in one sentence.
    parameters : type
        Frozen dataclass of its parameters, with defaults.
    function : callable
        ``function(parameters, context) -> Result``.
    """

    name: str
    claim: str
    parameters: type
    function: Callable[[Any, Context], Result]

    def with_values(self, values: Mapping[str, str]) -> Any:
        """Make the parameters from text, as given on a command line.

        Raises
        ------
        UnknownNameError
            A name is not a parameter.
        ParameterError
            A value does not fit its type.
        """
        hints = typing.get_type_hints(self.parameters)
        known = {field.name for field in dataclasses.fields(self.parameters)}
        parsed = {}
        for name, text in values.items():
            if name not in known:
                raise UnknownNameError(
                    f"{self.name} has no parameter {name!r}: {suggest(name, known)}"
                    if known
                    else f"{self.name} has no parameters; {name!r} was given"
                )
            parsed[name] = _parse(f"{self.name}: {name}", text, hints[name])
        return self.parameters(**parsed)

    def run(self, parameters: Any = None, context: Context | None = None) -> Result:
        """Run it; `parameters` and `context` default to their own defaults."""
        return self.function(
            self.parameters() if parameters is None else parameters,
            Context() if context is None else context,
        )


_EXPERIMENTS: dict[str, Experiment] = {}


def experiment(
    name: str, claim: str, parameters: type
) -> Callable[[Callable[[Any, Context], Result]], Callable[[Any, Context], Result]]:
    """Register a function as an experiment."""

    def register(function: Callable[[Any, Context], Result]) -> Callable[[Any, Context], Result]:
        _EXPERIMENTS[name] = Experiment(name, claim, parameters, function)
        return function

    return register


def all_experiments() -> dict[str, Experiment]:
    """Return every experiment of the package by name."""
    import experiments.gallery

    for module in pkgutil.walk_packages(experiments.gallery.__path__, "experiments.gallery."):
        importlib.import_module(module.name)
    for name in ("experiments.compare.main_job", "experiments.validation.run"):
        importlib.import_module(name)
    return dict(sorted(_EXPERIMENTS.items()))


def find(name: str) -> Experiment:
    """Return an experiment by name.

    Raises
    ------
    UnknownNameError
        There is none of this name; the message offers the nearest.
    """
    known = all_experiments()
    if name not in known:
        raise UnknownNameError(f"no experiment is called {name!r}: {suggest(name, known)}")
    return known[name]


def _parse(what: str, text: str, kind: Any) -> Any:
    wanted = {int: "a whole number", float: "a number", bool: "true or false"}
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if typing.get_origin(kind) is tuple:
            inner = typing.get_args(kind)[0]
            return tuple(inner(part) for part in text.split(","))
        return kind(text)
    except (KeyError, ValueError):
        need = wanted.get(kind, "numbers separated by commas")
        raise ParameterError(f"{what} must be {need}; got {text!r}") from None
