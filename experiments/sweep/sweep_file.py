"""Sweeps from a file: TOML, or Python that defines `description`, `grid` and `measure`."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Quantity, have_same_dimensions

import neurosim.stimuli
from experiments.kit.neuron_names import CELLS, MODELS, known_name, named_neuron
from experiments.kit.words import quantity_of
from experiments.sweep.rows import grids
from experiments.sweep.rows.axes import Between
from experiments.sweep.rows.grids import Grid
from experiments.sweep.rows.swept import Run
from neurosim.errors import NeurosimError, ParameterError, UnitError, UnknownNameError, suggest
from neurosim.quantities import Description, check_whole
from neurosim.stimuli import Stimulus

__all__ = ["SweepFile", "read_sweep_file"]

_MAKERS: dict[str, Any] = {
    "product": grids.product,
    "zip": grids.zipped,
    "random": grids.random_grid,
    "latin hypercube": grids.latin_hypercube,
    "sobol": grids.sobol,
    "saltelli": grids.saltelli,
}
_ALSO = {"zipped": "zip", "random_grid": "random", "latin_hypercube": "latin hypercube"}
"""Kinds of grids by the names of the functions that make them."""
# What a table of the file may hold.
_TOP = {"run", "grid", "measure", "seed", "chunk_rows"}
_RUN = {"neuron", "stimulus", "duration", "dt", "settle", "scheme"}
_DRAWN = {"kind", "axes", "rows", "seed", "where"}
_LISTED = {"kind", "axes", "where"}
_SAMPLED = {"kind", "axes", "samples", "seed", "where"}


@dataclass(frozen=True, eq=False)
class SweepFile:
    """What a file says of a sweep."""

    description: Any
    grid: Grid
    measure: Any
    seed: int
    chunk_rows: int | None


def read_sweep_file(path: str | Path) -> SweepFile:
    """Return what a file says.

    Raises
    ------
    ParameterError, UnitError, UnknownNameError
        It says something that is no sweep; the message says where.
    """
    place = Path(path)
    if not place.is_file():
        raise ParameterError(f"{place}: no such file; check the path")
    if place.suffix == ".py":
        return _of_python(place)
    if place.suffix != ".toml":
        raise ParameterError(f"{place}: a sweep is a .toml or a .py file")
    try:
        told = tomllib.loads(place.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{place} is no TOML: {error}") from None
    return _of_toml(told, place.name)


def _of_python(place: Path) -> SweepFile:
    name = f"sweep_of_{place.stem}"
    spec = importlib.util.spec_from_file_location(name, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its functions are found under this name, and their source with them.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except NeurosimError:
        raise
    except Exception as error:
        raise ParameterError(
            f"{place}: the file fails with {type(error).__name__}: {error}; `python {place}` says "
            "where"
        ) from error
    for wanted in ("description", "grid", "measure"):
        if not hasattr(module, wanted):
            raise ParameterError(f"{place}: the file must define {wanted}")
    return SweepFile(
        module.description,
        module.grid,
        module.measure,
        getattr(module, "seed", 0),
        getattr(module, "chunk_rows", None),
    )


def _of_toml(told: dict[str, Any], file: str) -> SweepFile:
    _check_keys(told, _TOP, file)
    for wanted in ("run", "grid", "measure"):
        if wanted not in told:
            raise ParameterError(f"{file}: there is no {wanted!r}")
    run = told["run"]
    _check_keys(run, _RUN, f"{file}: [run]")
    if "neuron" not in run or "duration" not in run:
        raise ParameterError(f"{file}: [run] needs neuron and duration")
    times = {
        name: quantity_of(
            _text(run[name], f"{file}: run.{name}"), f"{file}: run.{name}", like="1ms"
        )
        for name in ("duration", "dt", "settle")
        if name in run
    }
    stimulus = run.get("stimulus")
    description = Run(
        _neurons(run["neuron"], f"{file}: run.neuron"),
        stimulus=None if stimulus is None else _stimuli(stimulus, f"{file}: run.stimulus"),
        scheme=run.get("scheme"),
        **times,
    )
    grid = _grid(told["grid"], f"{file}: [grid]")
    return SweepFile(
        description, grid, told["measure"], told.get("seed", 0), told.get("chunk_rows")
    )


def _neurons(told: Any, where: str) -> Any:
    """Return one neuron, or several by label: a table without ``model``."""
    if isinstance(told, dict) and "model" not in told:
        return {label: _neurons(one, f"{where}.{label}") for label, one in told.items()}
    given = {"model": told} if isinstance(told, str) else _table(told, where)
    model = given.pop("model")
    name = known_name(str(model))
    if not name:
        raise UnknownNameError(f"{where}: {model!r}: {suggest(str(model), (*MODELS, *CELLS))}")
    if name in CELLS and given:
        raise ParameterError(f"{where}: {name} is painted; vary its parts by axes instead")
    neuron = named_neuron(name)
    return neuron.replace(**_values(type(neuron), given, where)) if given else neuron


def _stimuli(told: Any, where: str) -> Any:
    """Return one stimulus, a sum of several (a list), or several by label."""
    if isinstance(told, list):
        if not told:
            raise ParameterError(f"{where}: the list is empty; leave it out, or name a stimulus")
        parts = [_stimuli(one, where) for one in told]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total
    if isinstance(told, dict) and "kind" not in told:
        return {label: _stimuli(one, f"{where}.{label}") for label, one in told.items()}
    given = {"kind": told} if isinstance(told, str) else _table(told, where)
    kind = given.pop("kind")
    known = {
        name: found
        for name, found in vars(neurosim.stimuli).items()
        if inspect.isclass(found) and issubclass(found, Stimulus) and _is_whole(found)
    }
    if kind not in known:
        raise UnknownNameError(f"{where}: {kind!r}: {suggest(str(kind), known)}")
    return known[kind](**_values(known[kind], given, where))


def _is_whole(kind: type[Stimulus]) -> bool:
    """Whether a kind of stimulus is made of quantities, and is no sum or base of others."""
    return dataclasses.is_dataclass(kind) and bool(kind.quantity_fields())


def _values(kind: type[Description], given: dict[str, Any], where: str) -> dict[str, Any]:
    fields = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    found = {}
    for name, value in given.items():
        if name not in fields:
            raise UnknownNameError(f"{where}: {kind.__name__}: {suggest(name, fields)}")
        found[name] = _quantity(value, f"{where}.{name}")
    return found


def _grid(told: dict[str, Any], where: str) -> Grid:
    kind = _table(told, where).get("kind", "product")
    kind = _text(kind, f"{where} kind")
    kind = _ALSO.get(kind, kind)
    if kind not in _MAKERS:
        raise UnknownNameError(f"{where}: kind {kind!r}: {suggest(kind, _MAKERS)}")
    drawn = kind not in ("product", "zip")
    size = "samples" if kind == "saltelli" else "rows"
    keys = _SAMPLED if kind == "saltelli" else _DRAWN if drawn else _LISTED
    _check_keys(told, keys, where)
    listed = _table(told.get("axes", {}), f"{where} axes")
    axes = {name: _axis(v, f"{where} {name}") for name, v in listed.items()}
    more: dict[str, Any] = {}
    if drawn:
        if size not in told:
            raise ParameterError(f"{where}: a {kind} grid needs {size}")
        more = {size: check_whole(told[size], f"{where} {size}"), "seed": told.get("seed", 0)}
    grid: Grid = _MAKERS[kind](axes, **more)
    return grid.where(_text(told["where"], f"{where} where")) if "where" in told else grid


def _axis(told: Any, where: str) -> Any:
    """Return a list of values, or a range, of what stands for an axis."""
    if isinstance(told, list):
        return _listed(told, where)
    if not isinstance(told, dict):
        raise ParameterError(f"{where}: give a list, or a table such as {{from = ..., to = ...}}")
    _check_keys(told, {"from", "to", "count", "log", "repeats"}, where)
    if "repeats" in told:
        _check_keys(told, {"repeats"}, f"{where}: an axis of repeats")
        return range(check_whole(told["repeats"], f"{where} repeats"))
    if "from" not in told or "to" not in told:
        raise ParameterError(f"{where}: a range needs from and to")
    low, high = (_quantity(told[end], where) for end in ("from", "to"))
    if not have_same_dimensions(low, high):
        raise UnitError(f"{where}: from and to need one unit")
    log = told.get("log", False)
    if not isinstance(log, bool):
        raise ParameterError(f"{where} log must be true or false; got {log!r}")
    if log and min(float(low), float(high)) <= 0:
        raise ParameterError(f"{where}: a range with log = true needs ends above 0")
    if "count" not in told:
        return Between(low, high, log=log)
    space = np.geomspace if log else np.linspace
    values = space(float(low), float(high), check_whole(told["count"], f"{where} count"))
    return Quantity(values, dim=Quantity(low).dim) if isinstance(low, Quantity) else values


def _listed(told: list[Any], where: str) -> Any:
    texts = [isinstance(one, str) for one in told]
    if not all(texts) or not told:
        return told
    try:
        return [quantity_of(one, where) for one in told]
    except UnitError:
        # Labels, unless some of them are numbers: then one is misspelt.
        if any(one[:1].isdigit() or one[:1] in "+-." for one in told):
            raise
        return told


def _quantity(told: Any, where: str) -> Any:
    if isinstance(told, list):
        several = [_quantity(one, where) for one in told]
        if any(isinstance(one, Quantity) for one in several):
            return Quantity([float(one) for one in several], dim=several[0].dim)
        return several
    return quantity_of(told, where) if isinstance(told, str) else told


def _text(told: Any, where: str) -> str:
    if not isinstance(told, str):
        raise ParameterError(f"{where} must be a text in quotes; got {told!r}")
    return told


def _table(told: Any, where: str) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise ParameterError(f"{where} must be a table, such as {{name = value}}; got {told!r}")
    return dict(told)


def _check_keys(told: Any, known: set[str], where: str) -> None:
    for name in _table(told, where):
        if name not in known:
            raise UnknownNameError(f"{where} has no {name!r}: {suggest(name, known)}")
