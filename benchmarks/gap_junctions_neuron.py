"""Write the potentials of coupled cells that tests compare with, by NEURON.

``python benchmarks/gap_junctions_neuron.py tests/targets/gap_junctions.json`` needs NEURON alone
(9.0.2 wrote the table that is kept). The gap junctions are NEURON's LinearMechanism, which is part
of its implicit step and needs no compiled mechanism. Every parameter of a case is written beside
its numbers.
"""

import argparse
import json

import numpy as np
from neuron import h

CELL = {
    "soma": {"L_um": 20, "diam_um": 20, "nseg": 5},
    "dendrite": {"L_um": 300, "diam_um": 2, "nseg": 5},
    "Ra_ohm_cm": 100, "cm_uF_cm2": 1, "celsius": 6.3, "start_mV": -65, "hh_el_mV": -54.387,
}  # fmt: skip
#: Junctions join the end of the dendrite of the first cell to the soma of the second.
CASES = [
    {"conductance_nS": g, "current_nA": [0.5, 0.0], "duration_ms": 30, "dt_ms": 0.025}
    for g in (0, 2, 15, 60, 10000)
]


def cell():
    """Return the sections of one cell."""
    made = {}
    for name in ("soma", "dendrite"):
        section = made[name] = h.Section(name=name)
        section.L, section.diam, section.nseg = (CELL[name][k] for k in ("L_um", "diam_um", "nseg"))
        section.Ra, section.cm = CELL["Ra_ohm_cm"], CELL["cm_uF_cm2"]
        section.insert("hh")
        section.el_hh = CELL["hh_el_mV"]
    made["dendrite"].connect(made["soma"](1))
    return made


def junction(first, second, nS: float) -> list:
    """Join two segments; a row of a LinearMechanism is a current over the area of its node."""
    place, sections = h.Vector([first.x, second.x]), h.SectionList()
    for one in (first, second):
        sections.append(sec=one.sec)
    c, g = h.Matrix(2, 2), h.Matrix(2, 2)
    for row, one in enumerate((first, second)):
        share = nS * 1e-9 / (h.area(one.x, sec=one.sec) * 1e-8)
        g.setval(row, row, share)
        g.setval(row, 1 - row, -share)
    y, b = h.Vector(2), h.Vector(2)
    return [h.LinearMechanism(c, g, y, b, sections, place), c, g, y, b, sections, place]


def run(case: dict) -> dict:
    """Return potentials of both somata (mV) every 0.5 ms, and the times of their spikes (ms)."""
    cells = [cell(), cell()]
    kept = []
    for one, current in zip(cells, case["current_nA"], strict=True):
        clamp = h.IClamp(one["soma"](0.5))
        clamp.delay, clamp.dur, clamp.amp = 0, 1e9, current
        kept.append(clamp)
    kept += junction(cells[0]["dendrite"](0.9), cells[1]["soma"](0.5), case["conductance_nS"])
    traces = [h.Vector().record(one["soma"](0.5)._ref_v) for one in cells]
    spikes = []
    for one in cells:
        count = h.NetCon(one["soma"](0.5)._ref_v, None, sec=one["soma"])
        count.threshold = -20
        times = h.Vector()
        count.record(times)
        kept.append(count)
        spikes.append(times)
    h.usetable_hh, h.secondorder, h.celsius = 0, 0, CELL["celsius"]
    h.dt, h.steps_per_ms = case["dt_ms"], 1 / case["dt_ms"]
    h.finitialize(CELL["start_mV"])
    h.continuerun(case["duration_ms"])
    stride = round(0.5 / case["dt_ms"])
    return case | {
        "v_mV": [[float(f"{x:.8g}") for x in np.asarray(v)[stride::stride]] for v in traces],
        "spikes_ms": [[float(f"{x:.8g}") for x in times] for times in spikes],
    }


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    path = parser.parse_args().path
    h.load_file("stdrun.hoc")
    table = {
        "written_by": f"benchmarks/gap_junctions_neuron.py, NEURON {h.nrnversion(5)}",
        "cell": CELL,
        "cases": [run(case) for case in CASES],
    }
    with open(path, "w") as file:
        json.dump(table, file, indent=None, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
