"""A neuron in Arbor, built from cell.json and the mechanisms of the folder mod.

Both were written by neurosim (`neurosim.exchange.to_arbor`), and this file builds and runs the
cell without it:

    arbor-build-catalogue cell mod
    python cell.py --duration 100 --dt 0.025

prints the spike times at each detector and writes the traces of all probes to traces.json. In a
program of your own, ``from cell import cable_cell, Recipe``: ``cable_cell()`` is an
``arbor.cable_cell``, ``Recipe()`` a recipe of this one cell. Each compartment is a region of its
own, ``(tag 1)`` and so on; the labels of the cell name the parts of the shape, such as ``"soma"``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

try:
    import arbor
    from arbor import units
except ImportError:  # Said when a cell is built.
    arbor = units = None

HERE = Path(__file__).resolve().parent
IONS = {"na": (1, 10.0, 140.0, 50.0), "k": (1, 54.4, 2.5, -77.0)}
IONS |= {"ca": (2, 5e-5, 2.0, 132.458), "cl": (-1, 7.0, 130.0, -75.0)}


def read() -> dict[str, Any]:
    """Return the numbers of the cell."""
    content: dict[str, Any] = json.loads((HERE / "cell.json").read_text(encoding="utf-8"))
    return content


def joined(parts: list[str]) -> str:
    """Return the union of regions or places, nested no deeper than it must be."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"(join {joined(parts[:half])} {joined(parts[half:])})"


def compartments(numbers: list[int]) -> str:
    """Return compartments as a region of Arbor."""
    return joined([f"(tag {int(k) + 1})" for k in numbers])


def middle(content: dict[str, Any], compartment: int) -> str:
    """Return the middle of a compartment as a place of Arbor."""
    return f"(distal (segment {int(content['middles'][compartment])}))"


def tree(content: dict[str, Any]) -> Any:
    """Return the shape as a segment tree."""
    made = arbor.segment_tree()
    for parent, begin, end, compartment in content["segments"]:
        above = arbor.mnpos if parent < 0 else int(parent)
        made.append(above, arbor.mpoint(*begin), arbor.mpoint(*end), tag=int(compartment) + 1)
    return made


def boundaries(content: dict[str, Any]) -> Any:
    """Return where control volumes end: at the ends of the compartments."""
    places = [f"(distal (segment {int(k)}))" for k in content["ends"]]
    places += [f"(proximal (segment {int(k)}))" for k in content["begins"]]
    return arbor.cv_policy_explicit(joined(places)) if places else arbor.cv_policy_single()


def decorated(content: dict[str, Any]) -> Any:
    """Return everything that is painted on the cell and sits on it."""
    made = arbor.decor()
    for name, unit in (("cm", units.F / units.m2), ("rL", units.Ohm * units.cm), ("Vm", units.mV)):
        for value, numbers in content[name]:
            made.paint(compartments(numbers), **{name: value * unit})
    for one in content["ions"]:
        made.paint(
            compartments(one["compartments"]),
            ion=one["ion"],
            int_con=one["inside"] * units.mM,
            ext_con=one["outside"] * units.mM,
        )
    for one in content["densities"]:
        density = arbor.density(one["suffix"], {k: float(x) for k, x in one["values"].items()})
        made.paint(compartments(one["compartments"]), density)
    for k, one in enumerate(content["receptors"]):
        for j, number in enumerate(one["compartments"]):
            receptor = arbor.synapse(one["suffix"], {n: float(x) for n, x in one["values"].items()})
            made.place(middle(content, number), receptor, f"receptor {k} {j}")
    for one in content["electrodes"]:
        made.place(middle(content, one["compartment"]), _clamp(one))
    for k, one in enumerate(content["detectors"]):
        detector = arbor.threshold_detector(one["threshold"] * units.mV)
        made.place(middle(content, one["compartment"]), detector, f"detector {k}")
    return made


def _clamp(one: dict[str, Any]) -> Any:
    if "envelope" in one:
        return arbor.i_clamp([(t * units.ms, y * units.nA) for t, y in one["envelope"]])
    return arbor.i_clamp(
        one["onset"] * units.ms, one["duration"] * units.ms, one["amplitude"] * units.nA
    )


def cable_cell(content: dict[str, Any] | None = None) -> Any:
    """Return the cell as Arbor's cable cell."""
    if arbor is None:
        raise SystemExit("this needs Arbor: python -m pip install arbor")
    content = read() if content is None else content
    labels = arbor.label_dict(
        {k: compartments(numbers) for k, numbers in content["labels"].items()}
    )
    return arbor.cable_cell(tree(content), decorated(content), labels, boundaries(content))


def catalogue(content: dict[str, Any], folder: Path = HERE) -> Any:
    """Return the compiled mechanisms of the cell."""
    path = folder / "cell-catalogue.so"
    if content["mechanisms"] and not path.exists():
        raise SystemExit(
            f"there are no compiled mechanisms in {folder}; "
            "run there: arbor-build-catalogue cell mod"
        )
    return arbor.load_catalogue(str(path)) if content["mechanisms"] else arbor.catalogue()


class Recipe(arbor.recipe if arbor is not None else object):  # type: ignore[misc]
    """One cell, what arrives at it, and what is traced."""

    def __init__(self, content: dict[str, Any] | None = None) -> None:
        if arbor is None:
            raise SystemExit("this needs Arbor: python -m pip install arbor")
        arbor.recipe.__init__(self)
        self.content = read() if content is None else content
        self.cell = cable_cell(self.content)
        self.properties = arbor.cable_global_properties()
        self.properties.catalogue = catalogue(self.content)
        kelvin = (self.content["celsius"] + 273.15) * units.Kelvin
        rest = self.content["rest"] * units.mV
        self.properties.set_property(
            Vm=rest, cm=0.01 * units.F / units.m2, rL=100 * units.Ohm * units.cm, tempK=kelvin
        )
        for name, (valence, inside, outside, reversal) in IONS.items():
            self.properties.set_ion(
                name, valence=valence, int_con=inside * units.mM, ext_con=outside * units.mM,
                rev_pot=reversal * units.mV,
            )  # fmt: skip

    def num_cells(self) -> int:
        """Return the number of cells."""
        return 1

    def cell_kind(self, _gid: int) -> Any:
        """Return the kind of the cell."""
        return arbor.cell_kind.cable

    def cell_description(self, _gid: int) -> Any:
        """Return the cell."""
        return self.cell

    def global_properties(self, _kind: Any) -> Any:
        """Return temperature, ions and mechanisms."""
        return self.properties

    def event_generators(self, _gid: int) -> list[Any]:
        """Return what arrives at the receptors."""
        return [
            arbor.event_generator(
                f"receptor {k} {j}", weight, arbor.explicit_schedule([t * units.ms for t in times])
            )
            for k, one in enumerate(self.content["receptors"])
            for j, arrivals in enumerate(one["arrivals"])
            for weight, times in arrivals
            if times
        ]

    def probes(self, _gid: int) -> list[Any]:
        """Return what is traced."""
        return [
            self._probe(one["where"], f"probe {k}") for k, one in enumerate(self.content["probes"])
        ]

    def _probe(self, where: dict[str, Any], tag: str) -> Any:
        if "receptor" in where:
            target = f"receptor {int(where['receptor'])} {int(where['number'])}"
            return arbor.cable_probe_point_state(target, where["suffix"], where["name"], tag)
        here = middle(self.content, where["compartment"])
        if where["kind"] == "v":
            return arbor.cable_probe_membrane_voltage(here, tag)
        if where["kind"] == "current":
            return arbor.cable_probe_ion_current_density(here, where["ion"], tag)
        if where["kind"] == "inside":
            return arbor.cable_probe_ion_int_concentration(here, where["ion"], tag)
        if where["kind"] == "outside":
            return arbor.cable_probe_ion_ext_concentration(here, where["ion"], tag)
        return arbor.cable_probe_density_state(here, where["suffix"], where["name"], tag)


def run(content: dict[str, Any], duration: float, dt: float) -> dict[str, Any]:
    """Return traces and spike times of a run from rest.

    Parameters
    ----------
    content : dict
        The numbers of the cell.
    duration, dt : float
        Length and time step, in ms.

    Returns
    -------
    dict
        ``t`` (ms), ``traces`` by name in SI units, ``spikes`` by detector (ms).
    """
    simulation = arbor.simulation(Recipe(content))
    simulation.record(arbor.spike_recording.local)
    schedule = arbor.regular_schedule(dt * units.ms)
    handles = [
        (one, simulation.sample((0, f"probe {k}"), schedule))
        for k, one in enumerate(content["probes"])
    ]
    simulation.run((duration + dt) * units.ms, dt * units.ms)
    traces, time = {}, []
    for one, handle in handles:
        data, _ = simulation.samples(handle)[0]
        time = data[:, 0].tolist()
        traces[one["label"]] = (data[:, 1] * one["unit"]).tolist()
    seen: list[list[float]] = [[] for _ in content["detectors"]]
    for (_, index), moment in simulation.spikes():
        seen[index].append(float(moment))
    spikes = {
        one["label"]: _counted(sorted(times), one["refractory"], duration)
        for one, times in zip(content["detectors"], seen, strict=True)
    }
    return {"t": time, "traces": traces, "spikes": spikes}


def _counted(times: list[float], refractory: float, duration: float) -> list[float]:
    """Return spikes, without those within the refractory period of one that counts."""
    kept: list[float] = []
    for time in times:
        if time <= duration and (not kept or time - kept[-1] >= refractory):
            kept.append(time)
    return kept


def input_resistance(compartment: int = 0) -> float:
    """Return the input resistance at a compartment of a passive cell, in megaohm.

    It is the difference of the potential with a small current and without, after steps so long that
    the cell is steady at the end of each.
    """
    content = read()
    content.update(electrodes=[], probes=[], detectors=[])
    content["probes"] = [
        {"label": "v", "unit": 1.0, "where": {"kind": "v", "compartment": compartment}}
    ]
    found = []
    for amplitude in (0.0, 0.01):
        clamp = {"compartment": compartment, "onset": 0, "duration": 1e9, "amplitude": amplitude}
        content["electrodes"] = [clamp]
        found.append(run(content, 4e5, 1e5)["traces"]["v"][-1])
    return float(found[1] - found[0]) / 0.01


def main() -> None:
    """Run the cell and write what was seen."""
    parser = argparse.ArgumentParser(description="run the cell in Arbor")
    parser.add_argument("--duration", type=float, default=100.0, help="in ms")
    parser.add_argument("--dt", type=float, nargs="+", default=[0.025], help="time steps, in ms")
    parser.add_argument("--out", default="traces.json", help="file to write")
    given = parser.parse_args()
    content = read()
    runs = [{"dt": dt, **run(content, given.duration, dt)} for dt in given.dt]
    Path(given.out).write_text(json.dumps(runs), encoding="utf-8")
    for one in runs:
        for name, times in one["spikes"].items():
            print(f"dt {one['dt']:g} ms, {name}: {len(times)} spikes", *(f"{t:.3f}" for t in times))


if __name__ == "__main__":
    main()
