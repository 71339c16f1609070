"""A neuron in NEURON, built from cell.json and the mechanisms of the folder mod.

Both were written by neurosim (`neurosim.exchange.to_neuron`), and this file builds and runs the
cell without it:

    nrnivmodl mod
    python cell.py --duration 100 --dt 0.025

prints the spike times at each detector and writes the traces of all probes to traces.json. In a
program of your own, ``from cell import Cell`` and ``Cell()`` give you the cell: ``cell.sections``
in order, and by tag ``cell.soma``, ``cell.axon`` and so on. Lengths are in um, resistivity in ohm
cm, capacitance in uF/cm2; parameters of mechanisms in mV, ms, mA, cm and micromole.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

try:
    from neuron import h
except ImportError:  # Said when a cell is built.
    h = None

HERE = Path(__file__).resolve().parent


def load_mechanisms(folder: Path = HERE) -> None:
    """Load the compiled mechanisms, unless NEURON did so when it started."""
    names = ("libnrnmech.so", "libnrnmech.dylib", "nrnmech.dll", ".libs/libnrnmech.so")
    found = [path for name in names for path in sorted(folder.glob(f"*/{name}"))]
    if not found:
        raise SystemExit(f"there are no compiled mechanisms in {folder}; run there: nrnivmodl mod")
    h.nrn_load_dll(str(found[0]))


class Cell:
    """The cell, with everything that is painted on it and sits on it."""

    def __init__(self, content: dict[str, Any] | None = None) -> None:
        if h is None:
            raise SystemExit("this needs NEURON: python -m pip install neuron")
        if content is None:
            content = json.loads((HERE / "cell.json").read_text(encoding="utf-8"))
        self.content = content
        suffixes = [one["suffix"] for one in content["densities"]]
        suffixes += [one["suffix"] for one in content["receptors"]]
        if any(not hasattr(h, name) for name in suffixes):
            load_mechanisms()
        self.sections: list[Any] = []
        for one in content["sections"]:
            self._add_section(one)
        by_tag: dict[str, list[Any]] = {}
        for section, one in zip(self.sections, content["sections"], strict=True):
            by_tag.setdefault(one["tag"], []).append(section)
        # By tag as attributes, but for what the cell calls something else.
        for tag, sections in by_tag.items():
            if tag.isidentifier() and not hasattr(self, tag):
                setattr(self, tag, sections)
        self.segments = [segment for section in self.sections for segment in section]
        for segment, capacitance in zip(self.segments, content["cm"], strict=True):
            segment.cm = capacitance
        for one in content["densities"]:
            self._paint(one)
        self.receptors: dict[str, list[Any]] = {}
        self.electrodes: dict[str, list[Any]] = {}
        self._kept: list[Any] = []
        for one in content["receptors"]:
            self._place(one)
        for one in content["electrodes"]:
            self._inject(one)
        self._kept.append(h.FInitializeHandler(1, self._start))
        self._kept.append(h.FInitializeHandler(2, self._send))

    def _add_section(self, one: dict[str, Any]) -> None:
        section = h.Section(name=one["name"], cell=None)
        for x, y, z, diameter in one["points"]:
            section.pt3dadd(x, y, z, diameter)
        section.nseg, section.Ra = one["nseg"], one["Ra"]
        if one["parent"] >= 0:
            section.connect(self.sections[one["parent"]](one["attach"]), 0)
        self.sections.append(section)

    def _paint(self, one: dict[str, Any]) -> None:
        segments = []
        for number in one["sections"]:
            self.sections[number].insert(one["suffix"])
            segments += list(self.sections[number])
        for name, values in one["values"].items():
            many = isinstance(values, list)
            for k, segment in enumerate(segments):
                setattr(getattr(segment, one["suffix"]), name, values[k] if many else values)

    def _place(self, one: dict[str, Any]) -> None:
        made = []
        for segment in one["segments"]:
            receptor = getattr(h, one["suffix"])(self.segments[segment])
            for name, value in one["values"].items():
                setattr(receptor, name, value)
            made.append(receptor)
        self.receptors[one["label"]] = made
        self._events = getattr(self, "_events", [])
        for receptor, arrivals in zip(made, one["arrivals"], strict=True):
            for weight, times in arrivals:
                connection = h.NetCon(None, receptor)
                connection.delay, connection.weight[0] = 0, weight
                self._events.append((connection, times))

    def _inject(self, one: dict[str, Any]) -> None:
        segment = self.segments[one["segment"]]
        made = getattr(h, one["kind"])(segment)
        for name, value in one["values"].items():
            setattr(made, name, value)
        for name, played in one.get("played", {}).items():
            times, values = h.Vector(played["t"]), h.Vector(played["y"])
            values.play(getattr(made, f"_ref_{name}"), times, int(played["linear"]))
            self._kept += [times, values]
        self.electrodes.setdefault(one["label"], []).append(made)

    def _start(self) -> None:
        """Put what NEURON does not find by itself where it starts."""
        start = self.content.get("start", {})
        for segment, v in zip(self.segments, start.get("v", ()), strict=False):
            segment.v = v
        for one in start.get("states", ()):
            for number, value in zip(one["segments"], one["values"], strict=True):
                where = self.segments[number]
                where = getattr(where, one["suffix"]) if one["suffix"] else where
                setattr(where, one["name"], value)

    def _send(self) -> None:
        for connection, times in getattr(self, "_events", ()):
            for time in times:
                connection.event(time)

    def reference(self, where: dict[str, Any]) -> Any:
        """Return NEURON's reference to a variable that a probe traces."""
        if "receptor" in where:
            holder = self.receptors[where["receptor"]][where["number"]]
        elif "electrode" in where:
            holder = self.electrodes[where["electrode"]][where["number"]]
        else:
            holder = self.segments[where["segment"]]
            holder = getattr(holder, where["suffix"]) if where["suffix"] else holder
        return getattr(holder, f"_ref_{where['name']}")

    def input_resistance(self, segment: int = 0) -> float:
        """Return the input resistance at a segment, in megaohm, by NEURON's linear circuit.

        Gates stand still; so it is exact for a passive cell.
        """
        h.celsius = self.content["celsius"]
        h.finitialize(self.content["rest"])
        circuit, here = h.Impedance(), self.segments[segment]
        circuit.loc(here.x, sec=here.sec)
        circuit.compute(0.0)
        return float(circuit.input(here.x, sec=here.sec))

    def run(self, duration: float, dt: float) -> dict[str, Any]:
        """Return traces and spike times of a run from rest.

        Parameters
        ----------
        duration, dt : float
            Length and time step, in ms. The step is fixed, by backward Euler.

        Returns
        -------
        dict
            ``t`` (ms), ``traces`` by name in SI units, ``spikes`` by detector (ms).
        """
        steps = round(duration / dt)
        h.celsius, h.secondorder = self.content["celsius"], 0
        h.CVode().active(0)
        time = h.Vector().record(h._ref_t)
        traces = [
            (one, h.Vector().record(self.reference(one["where"]))) for one in self.content["probes"]
        ]
        watched = [
            (one, h.Vector().record(self.segments[one["segment"]]._ref_v))
            for one in self.content["detectors"]
        ]
        h.dt = dt
        h.finitialize(self.content["rest"])
        for _ in range(steps):
            h.fadvance()
        return {
            "t": list(time),
            "traces": {one["label"]: [x * one["unit"] for x in v] for one, v in traces},
            "spikes": {one["label"]: _crossings(list(v), dt, one) for one, v in watched},
        }


def _crossings(v: list[float], dt: float, detector: dict[str, Any]) -> list[float]:
    """Return when a potential crosses the threshold upwards, on straight lines between steps.

    A crossing within the refractory period of one that counts does not count.
    """
    threshold = detector["threshold"]
    kept: list[float] = []
    for k, (before, after) in enumerate(pairwise(v)):
        if before < threshold <= after:
            time = (k + (threshold - before) / (after - before)) * dt
            if not kept or time - kept[-1] >= detector["refractory"]:
                kept.append(time)
    return kept


def main() -> None:
    """Run the cell and write what was seen."""
    parser = argparse.ArgumentParser(description="run the cell in NEURON")
    parser.add_argument("--duration", type=float, default=100.0, help="in ms")
    parser.add_argument("--dt", type=float, nargs="+", default=[0.025], help="time steps, in ms")
    parser.add_argument("--out", default="traces.json", help="file to write")
    given = parser.parse_args()
    cell = Cell()
    runs = [{"dt": dt, **cell.run(given.duration, dt)} for dt in given.dt]
    Path(given.out).write_text(json.dumps(runs), encoding="utf-8")
    for one in runs:
        for name, times in one["spikes"].items():
            print(f"dt {one['dt']:g} ms, {name}: {len(times)} spikes", *(f"{t:.3f}" for t in times))


if __name__ == "__main__":
    main()
