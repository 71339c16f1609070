"""Write the table of voltage-clamp currents that tests compare with, by NEURON's SEClamp.

``python benchmarks/seclamp_neuron.py tests/targets/seclamp.json`` needs NEURON alone (9.0.2 wrote
the table that is kept). Backward Euler with a fixed step, rate tables off. Every parameter of a
case is written beside its numbers. NEURON's SEClamp takes the potential after the step for its
current, as the implicit step itself does.
"""

import argparse
import json
from itertools import pairwise

import numpy as np
from neuron import h

CELLS = {
    "compartment": {"soma": {"L_um": 20, "diam_um": 20, "nseg": 1, "membrane": "hh"}},
    "ball and stick": {
        "soma": {"L_um": 20, "diam_um": 20, "nseg": 1, "membrane": "hh"},
        "dendrite": {
            "L_um": 500, "diam_um": 2, "nseg": 51, "membrane": "pas", "g_S_cm2": 1e-4, "e_mV": -65,
        },
    },
}  # fmt: skip
COMMON = {
    "Ra_ohm_cm": 100, "cm_uF_cm2": 1, "celsius": 6.3, "start_mV": -65, "hh_el_mV": -54.387,
    "holding_mV": -70, "holding_ms": 5, "test_ms": 20, "tail_mV": -50, "tail_ms": 10,
}  # fmt: skip
CASES = [
    {"cell": cell, "section": section, "at": 0.5, "Rs_Mohm": resistance, "dt_ms": dt}
    for cell, section, dt in (
        ("compartment", "soma", 0.01),
        ("ball and stick", "soma", 0.01),
        ("ball and stick", "dendrite", 0.025),
    )
    for resistance in (0.001, 1, 10, 40)
]
TESTS_mV = (-100, -30, 20)
#: After each edge of the command, and in between.
WAITS_ms = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20)


def make(cell: str) -> dict:
    """Return the sections of a cell."""
    sections = {}
    for name, given in CELLS[cell].items():
        section = sections[name] = h.Section(name=name)
        section.L, section.diam, section.nseg = given["L_um"], given["diam_um"], given["nseg"]
        section.Ra, section.cm = COMMON["Ra_ohm_cm"], COMMON["cm_uF_cm2"]
        section.insert(given["membrane"])
        if given["membrane"] == "hh":
            section.el_hh = COMMON["hh_el_mV"]
        if given["membrane"] == "pas":
            section.g_pas, section.e_pas = given["g_S_cm2"], given["e_mV"]
            section.connect(sections["soma"](1))
    return sections


def run(case: dict, test: float) -> dict:
    """Return potential (mV) and current (nA) at the asked times."""
    sections = make(case["cell"])
    clamp = h.SEClamp(sections[case["section"]](case["at"]))
    clamp.rs = case["Rs_Mohm"]
    clamp.dur1, clamp.amp1 = COMMON["holding_ms"], COMMON["holding_mV"]
    clamp.dur2, clamp.amp2 = COMMON["test_ms"], test
    clamp.dur3, clamp.amp3 = COMMON["tail_ms"], COMMON["tail_mV"]
    current = h.Vector().record(clamp._ref_i)
    potential = h.Vector().record(sections[case["section"]](case["at"])._ref_v)
    h.usetable_hh, h.secondorder, h.celsius = 0, 0, COMMON["celsius"]
    h.dt, h.steps_per_ms = case["dt_ms"], 1 / case["dt_ms"]
    h.finitialize(COMMON["start_mV"])
    edges = np.cumsum([0, COMMON["holding_ms"], COMMON["test_ms"], COMMON["tail_ms"]])
    h.continuerun(float(edges[-1] - case["dt_ms"]))
    times = [a + w for a, b in pairwise(edges) for w in WAITS_ms if a + w < b]
    steps = np.round(np.array(times) / case["dt_ms"]).astype(int)
    return {
        "test_mV": test,
        "t_ms": [float(round(s * case["dt_ms"], 6)) for s in steps],
        "v_mV": [float(f"{x:.10g}") for x in np.asarray(potential)[steps]],
        "i_nA": [float(f"{x:.10g}") for x in np.asarray(current)[steps]],
    }


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    path = parser.parse_args().path
    h.load_file("stdrun.hoc")
    cases = [{**case, "family": [run(case, test) for test in TESTS_mV]} for case in CASES]
    table = {
        "written_by": f"benchmarks/seclamp_neuron.py, NEURON {h.nrnversion(5)}",
        "cells": CELLS,
        "common": COMMON,
        "cases": cases,
    }
    with open(path, "w") as file:
        json.dump(table, file, indent=None, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
