"""The maps of a neuron that spikes reset, in C++: a loop over rows for each, ahead and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.engine.adjoint.loop_source import Reads, Stored, write_loop
from neurosim.engine.adjoint.point_step import FREE
from neurosim.engine.adjoint.source import OF_CLOCK
from neurosim.engine.adjoint.spiking_maps import PointMap, SpikingMaps
from neurosim.engine.programs.sources import membrane_source

__all__ = ["write_spiking"]

_HERE = Path(__file__).parent


def write_spiking(maps: SpikingMaps, path: Path) -> None:
    """Write the loops of a neuron into one file.

    Arrays go by number: states in the order of `SpikingMaps.states`, what is given in that of
    `SpikingMaps.parameters`, and derivatives in that of `SpikingMaps.wanted`.

    Parameters
    ----------
    maps : SpikingMaps
        The neuron.
    path : Path
        The file.
    """
    found = [f"found{k}" for k in range(len(maps.wanted))]
    slopes = [
        Stored(maps.threshold.bars[x], f"bar{k}", "=", f"bar[{k}]")
        for k, x in enumerate(maps.states)
    ]
    slopes += [
        Stored(maps.threshold.bars[x], name, "=", f"found[{k}]")
        for k, (x, name) in enumerate(zip(maps.wanted, found, strict=True))
    ]
    steep = [Stored(maps.flow.outputs[x], x) for x in ("slope", "speed")]
    gap = [Stored(maps.threshold.outputs["gap"], "gap")]
    changed = str(any(maps.drive.outputs[x] != maps.drive.graph.input(x) for x in maps.states))

    def both(name: str, one: PointMap, told: Sequence[str], lengths: Sequence[str] = ()) -> str:
        """Return a map ahead and back."""
        ahead = [*_ahead(maps, one), *(Stored(one.outputs[x], x) for x in told)]
        back = [*_back(maps, one), *(Stored(one.bars[x], f"bar_{x}") for x in lengths)]
        return _function(name, maps, one, ahead) + _function(f"{name}_back", maps, one, back)

    text = [
        membrane_source(),
        (_HERE / "spiking.h").read_text(),
        (_HERE / "operations.h").read_text(),
        "namespace neurosim {",
        f"const bool has_drive = {changed.lower()};",
        both("drive", maps.drive, ()),
        both("flow", maps.flow, ("slope",), ("dt", "t")),
        _function("steepness", maps, maps.flow, steep),
        both("climb", maps.climb, ("elapsed",), ("dt", "t")),
        _function("threshold", maps, maps.threshold, gap),
        _function("threshold_back", maps, maps.threshold, slopes),
        both("reset", maps.reset, ("hold",)),
        "}  // namespace neurosim",
        "",
    ]
    path.write_text("\n".join(text))


_LENGTH = "const double* length, const double* time, const double* free, "
_BACK = "double* const* bar, double* const* found"
# By function, what it is given beside states and parameters: before and after them.
_GIVEN = {
    "drive": ("const Clock& clock, ", "double* const* to"),
    "drive_back": ("const Clock& clock, ", _BACK),
    "flow": (_LENGTH, "double* const* to, double* slope"),
    "steepness": (_LENGTH.partition(", ")[2], "double* slope, double* speed"),
    "flow_back": (_LENGTH, f"{_BACK}, double* bar_dt, double* bar_t"),
    "climb": (_LENGTH, "double* const* to, double* elapsed"),
    "climb_back": (_LENGTH, f"{_BACK}, const double* bar_elapsed, double* bar_dt, double* bar_t"),
    "threshold": ("", "double* gap"),
    "threshold_back": ("", _BACK),
    "reset": ("", "double* const* to, double* hold"),
    "reset_back": ("", f"{_BACK}, const double* bar_hold"),
}
_PLAIN = {
    "bar:hold": "bar_hold[row]",
    "bar:elapsed": "bar_elapsed[row]",
    "bar:gap": "1.0",
    "dt": "length[row]",
    "t": "time[row]",
    FREE: "free[row]",
}


def _ahead(maps: SpikingMaps, one: PointMap) -> list[Stored]:
    return [
        Stored(one.outputs[x], f"to{k}", stands_for=f"to[{k}]") for k, x in enumerate(maps.states)
    ]


def _back(maps: SpikingMaps, one: PointMap) -> list[Stored]:
    back = [
        Stored(one.bars[x], f"bar{k}", stands_for=f"bar[{k}]") for k, x in enumerate(maps.states)
    ]
    more = [
        Stored(one.bars[x], f"found{k}", "+=", f"found[{k}]") for k, x in enumerate(maps.wanted)
    ]
    # What does not follow a parameter would add 0.
    return back + [s for s in more if not one.graph.is_number(s.node, 0)]


def _function(name: str, maps: SpikingMaps, one: PointMap, stored: Sequence[Stored]) -> str:
    first, last = _GIVEN[name]
    reads = Reads(
        given={x: k for k, x in enumerate(maps.parameters)},
        carried={x: k for k, x in enumerate(maps.states)},
        shared=maps.shared,
        once=OF_CLOCK if name.startswith("drive") else {},
        plain=_PLAIN,
    )
    return f"""
void {name}({first}int64_t rows, const double* const* from, const double* const* given,
            {last}) {{
    {write_loop(one.graph, reads, stored)}
}}
"""
