"""Run the cell with a sodium pump in NEURON: trains, long steps of current, and ouabain.

``python benchmarks/pumping_cell_neuron.py`` needs NEURON with its compiler (nrnivmodl). It prints
the table that `experiments/gallery/ions/pump_reference.py` holds (9.0.2 gave it). ``--case`` adds
a protocol of yours, such as ``--case 12 0 0 0.7 3``: 12 µA/cm² for 5 s from 1 s on, no pulses at
0 Hz, and 70 % of the pumps blocked within 0.5 s from 3 s on. The cell is written down here once
more, in NEURON's language, and solved with CVODE at a tolerance of 1e-8.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

MECHANISM = """
NEURON { SUFFIX pumping  NONSPECIFIC_CURRENT i  RANGE na, dose, from, wash, share }
UNITS { (mA) = (milliamp)  (mV) = (millivolt)  (S) = (siemens)  (molar) = (1/liter)
        (mM) = (millimolar)  (um) = (micron) }
PARAMETER { dose = 0  from = 1e9 (ms)  wash = 500 (ms)  rtf = 25.13 (mV)  phi = 3.8202161018185845 }
ASSIGNED { v (mV)  i (mA/cm2)  diam (um)  sodium (mA/cm2)  pump (mA/cm2)  share
           am (/ms)  bm (/ms)  ah (/ms)  bh (/ms)  an (/ms)  bn (/ms) }
STATE { m h n na (mM) }
INITIAL {
    na = 10
    rates(v)
    m = am/(am + bm)  h = ah/(ah + bh)  n = an/(an + bn)
}
BREAKPOINT {
    SOLVE move METHOD derivimplicit
    currents(v)
    i = sodium + pump + (0.036*n^4 + 8.915673486927918e-5)*(v + 77) + 3e-4*(v + 54.387)
}
PROCEDURE currents(v (mV)) {
    share = 0
    if (t > from) { share = dose*(t - from)/wash }
    if (t > from + wash) { share = dose }
    sodium = (0.12*m^3*h + 1.5325272160003395e-5)*(v - rtf*log(145/na))
    pump = (1 - share)*5e-3/(1 + (15/na)^3)
}
DERIVATIVE move {
    rates(v)
    currents(v)
    m' = am*(1 - m) - bm*m
    h' = ah*(1 - h) - bh*h
    n' = an*(1 - n) - bn*n
    na' = -(sodium + 3*pump)*4*1e4/(96485.33212*diam)
}
PROCEDURE rates(v (mV)) {
    am = phi*0.1*ratio(-(v + 40), 10)
    bm = phi*4*exp(-(v + 65)/18)
    ah = phi*0.07*exp(-(v + 65)/20)
    bh = phi/(1 + exp(-(v + 35)/10))
    an = phi*0.01*ratio(-(v + 55), 10)
    bn = phi*0.125*exp(-(v + 65)/80)
}
FUNCTION ratio(x, y) {
    if (fabs(x/y) < 1e-6) { ratio = y*(1 - x/y/2) } else { ratio = x/(exp(x/y) - 1) }
}
"""

#: Current (µA/cm²) from 1 to 6 s; pulses and their rate (Hz) from 1 s on; share of the pumps that
#: ouabain blocks within 0.5 s, and from when (s).
CASES = [
    (0, 0, 0, 0.5, 2), (0, 0, 0, 1.0, 2),
    (2, 0, 0, 0, 0), (6, 0, 0, 0, 0), (10, 0, 0, 0, 0), (15, 0, 0, 0, 0), (30, 0, 0, 0, 0),
    (-5, 0, 0, 0, 0), (6, 0, 0, 0.5, 0.2), (6, 0, 0, 0.9, 3), (10, 0, 0, 0.9, 6),
    (15, 0, 0, 1.0, 2),
    (0, 50, 10, 0, 0), (0, 150, 30, 0, 0), (0, 250, 50, 0, 0), (0, 400, 80, 0, 0),
    (0, 250, 50, 0.25, 0.2), (0, 250, 50, 0.5, 3), (0, 250, 50, 0.9, 6), (0, 150, 30, 1.0, 6),
]  # fmt: skip
SODIUM_AT = (0.95, 2.0, 4.0, 6.0, 8.0, 10.0)
POTENTIAL_AT = (0.95, 6.5, 8.0, 10.0)


def run(h, case: tuple[float, ...]) -> tuple:
    """Return spikes from 1 to 6 s, in the last second of these, sodium (mM) and potential (mV)."""
    step, pulses, rate, dose, begin = case
    cell = h.Section(name="cell")
    cell.L, cell.diam, cell.nseg = 100, 2, 1
    cell.insert("pumping")
    one, area = cell(0.5), 3.141592653589793 * 2e-4 * 100e-4
    one.pumping.dose = dose
    if dose:
        setattr(one.pumping, "from", 1e3 * begin)
    kept = []
    for k in range(int(pulses)):
        kept.append(h.IClamp(one))
        kept[-1].delay, kept[-1].dur, kept[-1].amp = 1000 + 1000 * k / rate, 0.5, 40 * area * 1e3
    if step:
        kept.append(h.IClamp(one))
        kept[-1].delay, kept[-1].dur, kept[-1].amp = 1000, 5000, step * area * 1e3
    times = h.Vector()
    detector = h.NetCon(one._ref_v, None, sec=cell)
    detector.threshold = -20
    detector.record(times)
    h.cvode.active(1)
    h.cvode.atol(1e-8)
    h.finitialize(-65)
    if dose:
        for corner in (1e3 * begin, 1e3 * begin + 500):
            h.cvode.event(corner, h.cvode.re_init)
    found: dict[str, list[float]] = {"na": [], "v": []}
    for moment in sorted({*SODIUM_AT, *POTENTIAL_AT}):
        # Not continuerun, which goes past the moment by a step of CVODE.
        h.cvode.solve(1e3 * moment)
        if moment in SODIUM_AT:
            found["na"].append(round(one.pumping.na, 4))
        if moment in POTENTIAL_AT:
            found["v"].append(round(one.v, 3))
    spikes = [x for x in times if 1e3 <= x < 6e3]
    late = sum(x >= 5e3 for x in spikes)
    return len(spikes), late, tuple(found["na"]), tuple(found["v"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=float, nargs=5, action="append", metavar="X")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pumping.mod").write_text(MECHANISM)
        subprocess.run(["nrnivmodl"], cwd=folder, check=True, capture_output=True)
        from neuron import h

        h.nrn_load_dll(str(next(Path(folder).glob("*/libnrnmech.so"))))
        h.load_file("stdrun.hoc")
        for case in map(tuple, given.case or CASES):
            spikes, late, sodium, potential = run(h, case)
            print(f"    {case}: ({spikes}, {late},\n    {sodium}, {potential}),", flush=True)


if __name__ == "__main__":
    main()
