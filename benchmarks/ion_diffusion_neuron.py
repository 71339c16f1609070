"""Hold calcium that diffuses along a branched cell and between shells beside NEURON's.

    python benchmarks/ion_diffusion_neuron.py --shells 4 --compartments 30 --ms 50

needs NEURON with its compiler (nrnivmodl). NEURON solves a kinetic scheme of shells, with its
LONGITUDINAL_DIFFUSION along each shell. A calcium current enters one branch, from which two others
leave. Printed is the largest difference of a shell anywhere, over the largest rise, at several
times; and the particles that either holds.

By default the branches follow one another and have one diameter. With ``--branched`` they meet in
one point, and with ``--unlike`` they have unlike diameters besides. There the two programs differ
by what the size of compartments makes of it, and come together as compartments get smaller.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from brian2 import Quantity, amp, meter, ms, mV, um
from brian2.units.constants import faraday_constant
from brian2.units.stdunits import mM

from neurosim import Neuron, simulate
from neurosim.channels import Channel, Leak
from neurosim.ions import Calcium
from neurosim.morphology import PerBranch, branch, cylinder, everywhere
from neurosim.quantities import quantity

DIFFUSION = 0.6  # um2/ms
DENSITY = 0.1  # A/m2
START = 1e-4  # mM
SECTIONS = {"soma": (30.0, 2.0), "first": (60.0, 2.0), "second": (60.0, 2.0)}
UNLIKE = {"soma": (10.0, 10.0), "first": (100.0, 2.0), "second": (100.0, 1.0)}

MECHANISM = """
NEURON {{ SUFFIX shelled  RANGE flux  GLOBAL d, start }}
DEFINE N {shells}
UNITS {{ (molar) = (1/liter)  (mM) = (millimolar)  (um) = (micron) }}
PARAMETER {{ d = 0.6 (um2/ms)  flux = 0 (um mM/ms)  start = 1e-4 (mM) }}
ASSIGNED {{ diam (um)  room[N]  pass[N] }}
STATE {{ c[N] (mM) }}
INITIAL {{ LOCAL r, s
    FROM k = 0 TO N-1 {{
        r = 1 - k/N
        s = 1 - (k + 1)/N
        room[k] = 3.141592653589793/4*(r*r - s*s)
        pass[k] = 2*3.141592653589793*s*N
        c[k] = start
    }}
}}
BREAKPOINT {{ SOLVE move METHOD sparse }}
KINETIC move {{
    COMPARTMENT k, diam*diam*room[k] {{ c }}
    LONGITUDINAL_DIFFUSION k, d*diam*diam*room[k] {{ c }}
    ~ c[0] << (flux*3.141592653589793*diam)
    FROM k = 0 TO N-2 {{ ~ c[k] <-> c[k+1] (d*pass[k], d*pass[k]) }}
}}
"""


@dataclass(frozen=True, eq=False, repr=False)
class Inflow(Channel):
    """A calcium current of constant density."""

    J: Quantity = quantity(DENSITY * amp / meter**2, "current density")
    current: ClassVar[str] = "J"
    ion: ClassVar[str] = "ca"


def by_neuron(given: argparse.Namespace) -> np.ndarray:
    """Return concentrations, shape (times, sections, compartments, shells), in mM."""
    # The compiled mechanism must be there before NEURON starts.
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shelled.mod").write_text(MECHANISM.format(shells=given.shells))
        subprocess.run(["nrnivmodl"], cwd=folder, check=True, capture_output=True)
        from neuron import h

        h.nrn_load_dll(str(next(Path(folder).glob("*/libnrnmech.so"))))
        h.load_file("stdrun.hoc")
        sections, before = {}, ""
        for name, (length, diameter) in SECTIONS.items():
            made = sections[name] = h.Section(name=name)
            made.L, made.diam, made.nseg = length, diameter, given.compartments
            made.insert("shelled")
            if before:
                made.connect(sections[before](1))
            before = "soma" if given.unlike or given.branched else name
        h.d_shelled, h.start_shelled = DIFFUSION, START
        for segment in sections["soma"]:
            segment.shelled.flux = DENSITY / (2 * float(faraday_constant)) * 1e3
        h.dt, h.steps_per_ms = given.dt, 1 / given.dt
        h.finitialize(-65)
        found = []
        for time in range(given.every, given.ms + 1, given.every):
            h.continuerun(time)
            found.append(
                [
                    [[one.shelled.c[k] for k in range(given.shells)] for one in made]
                    for made in sections.values()
                ]
            )
        return np.array(found)


def by_neurosim(given: argparse.Namespace) -> np.ndarray:
    """Return the same of a run of ours."""
    long, wide = SECTIONS["soma"]
    shape = cylinder(long * um, wide * um, name="soma")
    for name in ("first", "second"):
        long, wide = SECTIONS[name]
        to = "soma" if given.unlike or given.branched else shape.names[-1]
        shape = shape.join(cylinder(long * um, wide * um, name=name), to)
    cell = Neuron(shape, PerBranch(given.compartments), rest=-65 * mV)
    pool = Calcium(START * mM, shells=given.shells, diffusion=DIFFUSION * um**2 / ms)
    cell = cell.paint([pool, Leak()]).paint(Inflow(), branch("soma"))
    names = ["ca_i", *(f"ca_i_{k}" for k in range(2, given.shells + 1))]
    for name in names:
        cell = cell.probe(name, everywhere)
    run = simulate(
        cell, given.ms * ms, dt=given.dt * ms, record_dt=given.every * ms, engine=given.engine
    )
    print(f"neurosim's ledger: error {run.ledger['ca'].relative_error:.1e} of what moved")
    count = 3 * given.compartments
    found = [
        [run.traces_si[f"{name}[{k}]"][0] for name in names] for k in range(count)
    ]  # compartments, shells, times
    return np.moveaxis(np.array(found), -1, 0).reshape(-1, 3, given.compartments, given.shells)


def main() -> None:
    """Run both and print how far they lie apart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shells", type=int, default=4)
    parser.add_argument("--compartments", type=int, default=30, help="of each section")
    parser.add_argument("--ms", type=int, default=50)
    parser.add_argument("--every", type=int, default=10, help="ms between comparisons")
    parser.add_argument("--dt", type=float, default=0.025)
    parser.add_argument("--engine", default="cpp")
    parser.add_argument("--unlike", action="store_true", help="branches of unlike diameter")
    parser.add_argument("--branched", action="store_true", help="branches meet in one point")
    given = parser.parse_args()
    if given.unlike:
        SECTIONS.update(UNLIKE)
    ours, theirs = by_neurosim(given), by_neuron(given)
    rise = np.abs(theirs - START).max(axis=(1, 2, 3))
    share = (1 - np.arange(given.shells) / given.shells) ** 2
    share -= (1 - (np.arange(given.shells) + 1) / given.shells) ** 2
    room = np.array([np.pi / 4 * d**2 * L for L, d in SECTIONS.values()]) / given.compartments
    for k, time in enumerate(range(given.every, given.ms + 1, given.every)):
        apart = np.abs(ours[k] - theirs[k]).max() / rise[k]
        print(f"{time:4d} ms: rise {rise[k]:.5g} mM, apart by {apart:.1e} of it")
        came = (
            DENSITY
            * np.pi
            * np.prod(SECTIONS["soma"])
            * 1e-12
            * time
            * 1e-3
            / (2 * float(faraday_constant))
        )
        for name, found in (("NEURON", theirs[k]), ("neurosim", ours[k])):
            held = np.einsum("ijk,i,k->", found - START, room, share) * 1e-18
            print(f"         {name} holds {1e18 * held:.9g} amol of {1e18 * came:.9g} that came")


if __name__ == "__main__":
    main()
