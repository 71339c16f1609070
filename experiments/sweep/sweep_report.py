"""A page of a sweep: what was run, how far it is, what came out, what failed."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Quantity

from bridge.page_style import BLUE, new_page, page_style
from experiments.sweep.rows.axes import said_of_row
from experiments.sweep.run_sweep import Prepared
from experiments.sweep.sensitivity import Sensitivity, sensitivity
from experiments.sweep.stored_rows import open_sweep, status
from experiments.sweep.sweep_map import shown, sweep_map
from neurosim.atomic_write import write_text
from neurosim.errors import ParameterError
from neurosim.quantities import in_best_unit

__all__ = ["sweep_report"]

_MOST_FAILURES, _MOST_POINTS, _MOST_PICTURES, _MOST_VALUES = 50, 4000, 24, 9
# Axes that change the noise only are not drawn.
_NOISE = ("seed", "repeat")


def sweep_report(prepared: Prepared, path: str | os.PathLike[str]) -> Path:
    """Write what is known of a sweep as one page of HTML that needs no other file.

    Parameters
    ----------
    prepared : Prepared
        The sweep; what is computed of it so far is shown.
    path : path
        The page.

    Raises
    ------
    SweepStoreError
        There is no sweep in its folder.
    """
    import jinja2

    source = (files("experiments.sweep") / "templates" / "sweep.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    place = Path(path)
    write_text(place, environment.from_string(source).render(**_content(prepared)))
    return place


def _content(prepared: Prepared) -> dict[str, Any]:
    told, dataset = status(prepared), open_sweep(prepared)
    failures = json.loads(dataset.attrs["failures"])
    names = list(prepared.task.outputs)
    indices, refused = _indices(dataset, names) if prepared.grid.kind == "saltelli" else ([], [])
    return {
        "name": prepared.store.folder.name,
        "complete": told.done == told.rows and not told.failed and not told.damaged,
        "progress": str(told),
        "run": list(_run(prepared)),
        "grid": f"{prepared.grid.kind} of {told.rows:,} rows",
        "axes": [_axis(axis) for axis in prepared.grid.axes],
        "numbers": [_numbers(dataset[name], name) for name in names],
        "distributions": [
            (
                f"Distribution of {name} over the rows",
                _picture(_bars, dataset[name], name),
            )
            for name in names
            if _varies(dataset[name])
        ],
        "maps": list(_maps(dataset, names))[:_MOST_PICTURES],
        "indices": indices,
        "refused": refused,
        "failures": [
            (one["row"], said_of_row(one["at"], prepared.task.units), one["why"])
            for one in failures[:_MOST_FAILURES]
        ],
        "more_failures": max(0, len(failures) - _MOST_FAILURES),
        "engine": list(_engine(prepared.engine[1])),
    }


def _run(prepared: Prepared) -> Iterator[tuple[str, str]]:
    """Give what is the same in all rows."""
    description = prepared.task.description
    if hasattr(description, "neuron"):
        for name in ("neuron", "stimulus", "duration", "dt", "settle", "scheme"):
            value = getattr(description, name)
            if value is not None:
                yield name, str(value) if isinstance(value, Quantity) else repr(value)
    else:
        yield from ((str(name), repr(value)) for name, value in description.items())
    yield "measures", ", ".join(one.name for one in prepared.task.measures)
    yield "seed of the sweep", str(prepared.seed)


def _axis(axis: Any) -> tuple[str, str]:
    """Return the name of an axis with a unit that suits it, and its values."""
    if axis.values is None:
        ends, label = in_best_unit(Quantity([axis.low, axis.high], dim=axis.unit.dim), axis.name)
        scale = ", evenly in the logarithm" if axis.log else ""
        return label, f"{ends[0]:g} to {ends[1]:g}{scale}"
    values, label = axis.values, axis.name
    if axis.kind == "number":
        values, label = in_best_unit(Quantity(values, dim=axis.unit.dim), axis.name)
    shown_ones = [*values[:4], values[-1]] if len(values) > _MOST_VALUES else values
    texts = [f"{value:g}" if axis.kind == "number" else str(value) for value in shown_ones]
    if len(values) > _MOST_VALUES:
        return label, f"{len(values):,} values: {', '.join(texts[:-1])}, ..., {texts[-1]}"
    return label, ", ".join(texts)


def _numbers(array: Any, name: str) -> tuple[Any, ...]:
    values, label = shown(np.asarray(array.values, dtype=float).ravel(), array, name)
    finite = values[np.isfinite(values)]
    ends = (finite.min(), np.median(finite), finite.max()) if len(finite) else (np.nan,) * 3
    return (
        label, f"{len(values):,}", f"{len(values) - len(finite):,}",
        *(f"{value:.4g}" for value in ends),
    )  # fmt: skip


def _varies(array: Any) -> bool:
    """Whether a number has more than one value, so that there is something to draw."""
    finite = array.values[np.isfinite(array.values)]
    return len(finite) > 0 and bool(np.ptp(finite) > 0)


def _bars(ax: Any, array: Any, name: str) -> None:
    """Draw how many rows have which number."""
    values, label = shown(np.asarray(array.values, dtype=float).ravel(), array, name)
    values = values[np.isfinite(values)]
    edges: Any = 40
    if (values == np.round(values)).all():
        # As many whole numbers in each bar.
        width = max(1, int(np.ceil(np.ptp(values) / 60)))
        edges = np.arange(values.min() - 0.5, values.max() + width + 0.5, width)
    ax.hist(values, edges, color=BLUE)
    ax.set(xlabel=label, ylabel="rows")


def _maps(dataset: Any, names: list[str]) -> Iterator[tuple[str, str]]:
    """Give a map over the two longest axes of a product, or each number against each axis."""
    wide = [
        str(name) for name in dataset.coords
        if name not in (*_NOISE, "row") and dataset[name].dtype.kind in "fiu"
        and len(np.unique(dataset[name].values)) > 1
    ]  # fmt: skip
    for name in names:
        if not _varies(dataset[name]):
            continue
        if "row" in dataset.dims:
            for axis in wide:
                said = f"{name} of each row against {axis}"
                yield said, _picture(_points, dataset, name, axis)
        elif len(wide) > 1:
            y, x = sorted(wide, key=lambda one: len(dataset[one]))[-2:]
            said = f"{name} over {x} and {y}; the mean over all other axes"
            yield said, _picture(_map, dataset, name, x, y)
        elif wide:
            said = f"{name} over {wide[0]}: mean, smallest and largest over all other axes"
            yield said, _picture(_line, dataset, name, wide[0])


def _map(ax: Any, dataset: Any, name: str, x: str, y: str) -> None:
    sweep_map(dataset, name, x, y, ax=ax)


def _points(ax: Any, dataset: Any, name: str, axis: str) -> None:
    values, label = shown(np.asarray(dataset[name].values, dtype=float), dataset[name], name)
    along, x_label = shown(np.asarray(dataset[axis].values, dtype=float), dataset[axis], axis)
    some = slice(None, None, max(1, len(values) // _MOST_POINTS))
    ax.plot(along[some], values[some], ".", color=BLUE, markersize=2, rasterized=True)
    ax.set(xlabel=x_label, ylabel=label)


def _line(ax: Any, dataset: Any, name: str, axis: str) -> None:
    values = dataset[name]
    others = [one for one in values.dims if one != axis]
    along, x_label = shown(np.asarray(dataset[axis].values, dtype=float), dataset[axis], axis)
    three = np.stack([values.min(others), values.mean(others), values.max(others)])
    numbers, label = shown(three, values, name)
    order = np.argsort(along)
    ax.fill_between(along[order], numbers[0][order], numbers[2][order], color=BLUE, alpha=0.25)
    ax.plot(along[order], numbers[1][order], color=BLUE)
    ax.set(xlabel=x_label, ylabel=label)


def _indices_of(ax: Any, found: Sensitivity) -> None:
    found.plot(ax=ax)


def _indices(dataset: Any, names: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return a picture of the indices of each number, and why there is none of others."""
    pictures, refused = [], []
    for name in names:
        try:
            found = sensitivity(dataset, name)
        except ParameterError as error:
            refused.append(str(error))
            continue
        pictures.append((f"Sobol indices of {name}", _picture(_indices_of, found)))
    return pictures, refused


def _engine(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in told.items():
        if isinstance(value, dict):
            yield from ((str(one), str(version)) for one, version in value.items())
        else:
            yield name, str(value)


def _picture(draw: Callable[..., Any], *what: Any) -> str:
    """Return as a data URI what a function draws."""
    with page_style():
        figure = new_page(4.6, 2.9)
        draw(figure.add_subplot(), *what)
        stream = io.BytesIO()
        figure.savefig(stream, format="svg", dpi=150, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(stream.getvalue()).decode()
