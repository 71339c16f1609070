"""A small model in the form of the Allen Institute's, every file of it written for these tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# Number, type, x, y, z, radius, parent: a soma, two basal branches on a stem, an apical branch, and
# an axon whose first section ends 99 um from the beginning of the soma.
SWC = """\
1 1 0 0 0 8 -1
2 3 10 0 0 1 1
3 3 60 0 0 0.8 2
4 3 110 30 0 0.5 3
5 3 110 -20 0 0.6 3
6 4 0 10 0 1.5 1
7 4 0 170 0 0.7 6
8 2 0 -9 0 0.9 1
9 2 0 -50 0 0.7 8
10 2 0 -100 0 0.5 9
11 2 20 -150 0 0.4 10
12 2 -20 -150 0 0.3 10
"""

MODS = {
    "NaQ": """NEURON { SUFFIX NaQ USEION na READ ena WRITE ina RANGE gbar }
PARAMETER { gbar = 0.001 (S/cm2) }
STATE { m h }
ASSIGNED { v (mV) ena (mV) ina (mA/cm2) }
INITIAL { m = 1/(1 + exp(-(v + 38)/7)) h = 1/(1 + exp((v + 55)/7)) }
BREAKPOINT { SOLVE states METHOD cnexp ina = gbar*m*m*m*h*(v - ena) }
DERIVATIVE states {
    m' = (1/(1 + exp(-(v + 38)/7)) - m)/0.08
    h' = (1/(1 + exp((v + 55)/7)) - h)/(0.4 + 2/(1 + exp((v + 50)/8)))
}
""",
    "KQ": """NEURON { SUFFIX KQ USEION k READ ek WRITE ik RANGE gbar, vhalf }
PARAMETER { gbar = 0.001 (S/cm2) vhalf = -20 (mV) }
STATE { n }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) celsius (degC) }
INITIAL { n = 1/(1 + exp(-(v - vhalf)/9)) }
BREAKPOINT { SOLVE states METHOD cnexp ik = gbar*n*n*n*n*(v - ek) }
DERIVATIVE states { n' = (1/(1 + exp(-(v - vhalf)/9)) - n)*exp((celsius - 24)/12)/3 }
""",
    "CaQ": """NEURON { SUFFIX CaQ USEION ca READ eca WRITE ica RANGE gbar }
PARAMETER { gbar = 0.0001 (S/cm2) }
STATE { m }
ASSIGNED { v (mV) eca (mV) ica (mA/cm2) }
INITIAL { m = 1/(1 + exp(-(v + 30)/6)) }
BREAKPOINT { SOLVE states METHOD cnexp ica = gbar*m*m*(v - eca) }
DERIVATIVE states { m' = (1/(1 + exp(-(v + 30)/6)) - m)/1.5 }
""",
    "PoolQ": """NEURON { SUFFIX PoolQ USEION ca READ ica WRITE cai RANGE decay }
UNITS { FARADAY = (faraday) (coulombs) }
PARAMETER { decay = 80 (ms) }
STATE { cai (mM) }
ASSIGNED { ica (mA/cm2) }
INITIAL { cai = 1e-4 }
BREAKPOINT { SOLVE states METHOD cnexp }
DERIVATIVE states { cai' = -10000*ica*0.05/(2*FARADAY*0.1) - (cai - 1e-4)/decay }
""",
}

_ACTIVE = {
    ("NaQ", "gbar"): 0.5, ("KQ", "gbar"): 0.3, ("KQ", "vhalf"): -30.0, ("CaQ", "gbar"): 1e-4,
    ("PoolQ", "decay"): 120.0,
}  # fmt: skip


def _row(section: str, mechanism: str, name: str, value: Any) -> dict[str, Any]:
    return {"section": section, "mechanism": mechanism, "name": name, "value": value}


def perisomatic() -> dict[str, Any]:
    """Return a model with channels in the soma alone."""
    names = ("soma", "axon", "dend", "apic")
    return {
        "passive": [
            {
                "ra": 120.5,
                "e_pas": -78.25,
                "cm": [{"section": s, "cm": 1.0 if s in ("soma", "axon") else 2.5} for s in names],
            }
        ],
        "fitting": [{"junction_potential": -14.0, "sweeps": [38]}],
        "conditions": [
            {
                "celsius": 34.0,
                "v_init": -78.25,
                "erev": [{"section": "soma", "ek": -107.0, "ena": 53.0}],
            }
        ],
        "genome": [
            *(_row("soma", m, f"{name}_{m}", value) for (m, name), value in _ACTIVE.items()),
            *(_row(s, "", "g_pas", 5e-5) for s in names),
        ],
    }


def all_active() -> dict[str, Any]:
    """Return a model with channels in all sections, and numbers that are texts."""
    told = perisomatic()
    names = ("soma", "axon", "dend", "apic")
    told["passive"] = [{"ra": 100}]
    told["conditions"][0]["erev"] = [{"section": s, "ek": -107.0, "ena": 53.0} for s in names]
    told["genome"] = [
        *(_row(s, "", name, value) for s in names
          for name, value in (("g_pas", "6e-05"), ("e_pas", "-77.5"), ("cm", "1.5"), ("Ra", "90"))),
        *(_row("soma", m, f"{name}_{m}", str(x)) for (m, name), x in _ACTIVE.items()),
        *(_row(s, m, f"gbar_{m}", "0.01") for s in ("axon", "dend", "apic") for m in ("NaQ", "KQ")),
    ]  # fmt: skip
    return told


def write_model(folder: Path, told: dict[str, Any], swc: str = SWC) -> Path:
    """Write a model as it is downloaded, and return its folder."""
    mods = folder / "modfiles"
    mods.mkdir(parents=True, exist_ok=True)
    for name, text in MODS.items():
        (mods / f"{name}.mod").write_text(text)
    (folder / "reconstruction.swc").write_text(swc)
    (folder / "fit_parameters.json").write_text(json.dumps(told))
    return folder
