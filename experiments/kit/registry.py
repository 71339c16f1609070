"""Experiments by name: one file, one claim, one figure.

What there is to run is read from the sources, so that a list of names and claims, or a name that is
misspelt, costs no import of a simulator; a module is imported when its experiment is asked for.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.kit.words import parse_value
from neurosim.errors import ParameterError, UnknownNameError, suggest

if TYPE_CHECKING:
    from experiments.kit.result import Result

__all__ = ["Context", "Entry", "Experiment", "all_experiments", "contents", "experiment", "find"]


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
    task: Callable[[str], Callable[[float], None] | None] = dataclasses.field(
        default=_silent, repr=False
    )

    def running(self, task: str | None = None) -> dict[str, Any]:
        """Return the options of a simulation: engine, processes, and a bar if `task` is named."""
        told = None if task is None else self.task(task)
        return {"engine": self.engine, "jobs": self.jobs, "progress": told}

    def seeds(self, whole: int, quick: int | None = None) -> list[int]:
        """Return the seeds of `whole` draws, or of no more than `quick` in a quick run.

        No two seeds of an experiment share a draw, which seed, seed + 1, seed + 2 would: otherwise
        20 runs in a row would say less than 20 runs do.

        Examples
        --------
        >>> sorted(set(Context(seed=1).seeds(3)) & set(Context(seed=2).seeds(3)))
        []
        """
        import numpy as np

        count = whole if quick is None or not self.quick else min(whole, quick)
        made = (np.random.SeedSequence([self.seed, k]).generate_state(1)[0] for k in range(count))
        # 31 bits: scikit-learn and NumPy's older generator take no more than 32.
        return [int(state) >> 1 for state in made]


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
        Frozen dataclass of its parameters, with defaults. Whole numbers are counts, at least 1;
        its ``may_be_zero`` names those that may be 0.
    function : callable
        ``function(parameters, context) -> Result``.
    deterministic : bool
        Whether no chance is in it, so that the seed changes nothing.
    """

    name: str
    claim: str
    parameters: type
    function: Callable[[Any, Context], Result]
    deterministic: bool = False

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
        default = self.parameters()
        parsed = {}
        for name, text in values.items():
            if name not in known:
                raise UnknownNameError(
                    f"{self.name} has no parameter {name!r}: "
                    + suggest(name, known, most=len(known))
                    if known
                    else f"{self.name} has no parameters; {name!r} was given"
                )
            parsed[name] = parse_value(f"{self.name}: {name}", text, hints[name])
            self._check_counts(name, parsed[name], getattr(default, name))
        return self.parameters(**parsed)

    def _check_counts(self, name: str, value: Any, default: Any) -> None:
        """Whole numbers are counts; none of them does only where the parameters say so."""
        for one in value if isinstance(value, tuple) else (value,):
            if not isinstance(one, int) or isinstance(one, bool):
                continue
            least = 0 if name in getattr(self.parameters, "may_be_zero", ()) else 1
            if one < least:
                raise ParameterError(
                    f"{self.name}: {name} must be at least {least}; got {one} (the default is "
                    f"{default})"
                )

    def run(self, parameters: Any = None, context: Context | None = None) -> Result:
        """Run it; `parameters` and `context` default to their own defaults.

        The result bears name and claim of the experiment, and parameters, seed and versions beside
        what its function says of the run.
        """
        from neurosim.run.recording import versions

        parameters = self.parameters() if parameters is None else parameters
        context = Context() if context is None else context
        result = self.function(parameters, context)
        common = {
            "parameters": dataclasses.asdict(parameters),
            "seed": context.seed,
            "deterministic": self.deterministic,
            "versions": versions(),
        }
        return dataclasses.replace(
            result, name=self.name, claim=self.claim, provenance=common | result.provenance
        )


@dataclass(frozen=True)
class Entry:
    """What the source of an experiment says of it.

    Attributes
    ----------
    name, claim : str
        As in `Experiment`.
    defaults : dict
        Parameters by name.
    module : str
        Where it stands.
    deterministic : bool
        As in `Experiment`.
    """

    name: str
    claim: str
    defaults: dict[str, Any]
    module: str
    deterministic: bool = False


_EXPERIMENTS: dict[str, Experiment] = {}


def experiment(
    name: str, claim: str, parameters: type, *, deterministic: bool = False
) -> Callable[[Callable[[Any, Context], Result]], Callable[[Any, Context], Result]]:
    """Register a function as an experiment; claim and defaults are written out in its module.

    Parameters
    ----------
    name, claim, parameters, deterministic
        As in `Experiment`. Where chance is in an experiment, each of its verdicts rests on several
        draws (`experiments.kit.estimate`).
    """

    def register(function: Callable[[Any, Context], Result]) -> Callable[[Any, Context], Result]:
        _EXPERIMENTS[name] = Experiment(name, claim, parameters, function, deterministic)
        return function

    return register


def contents() -> dict[str, Entry]:
    """Return what there is to run, by name, without importing any of it."""
    found: list[Entry] = []
    package = importlib.import_module("experiments")
    for module in pkgutil.walk_packages(package.__path__, "experiments."):
        spec = module.module_finder.find_spec(module.name, None)
        if module.ispkg or spec is None or spec.origin is None:
            continue
        source = Path(spec.origin).read_text(encoding="utf-8")
        if "\n@experiment(" in source:
            found += _entries(source, module.name)
    return {entry.name: entry for entry in sorted(found, key=lambda entry: entry.name)}


def _entries(source: str, module: str) -> Iterator[Entry]:
    # Only the few statements that matter are parsed; whole modules would take ten times as long.
    pieces = re.split(r"\n(?=[^\s)\]}])", source)

    def piece(start: str) -> Any:
        return ast.parse(next(p for p in pieces if p.startswith(start))).body[0]

    for decorator in (p for p in pieces if p.startswith("@experiment(")):
        call: Any = ast.parse(decorator[1:], mode="eval").body
        name, claim, parameters = call.args
        if isinstance(claim, ast.Name):
            claim = piece(f"{claim.id} = ").value
        defaults = {
            ast.unparse(line.target): _value(line.value)
            for line in piece(f"class {parameters.id}").body
            if isinstance(line, ast.AnnAssign) and line.value is not None
        }
        options = {str(word.arg): _value(word.value) for word in call.keywords}
        yield Entry(_value(name), _value(claim), defaults, module, **options)


def _value(node: ast.expr) -> Any:
    """Return what a literal stands for, or the source of what is none."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def all_experiments() -> dict[str, Experiment]:
    """Return every experiment of the package by name; imports them all."""
    for entry in contents().values():
        importlib.import_module(entry.module)
    return dict(sorted(_EXPERIMENTS.items()))


def find(name: str) -> Experiment:
    """Return an experiment by name.

    Raises
    ------
    UnknownNameError
        There is none of this name; the message offers the nearest.
    """
    plain = name.lower() if name not in _EXPERIMENTS else name
    if plain not in _EXPERIMENTS:
        known = contents()
        if plain not in known:
            raise UnknownNameError(f"no experiment is called {name!r}: {suggest(name, known)}")
        importlib.import_module(known[plain].module)
    return _EXPERIMENTS[plain]
