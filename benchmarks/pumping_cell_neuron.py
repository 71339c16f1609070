"""Run the cell with a sodium pump in NEURON: trains, long steps of current, and ouabain.

``python benchmarks/pumping_cell_neuron.py`` needs NEURON with its compiler (nrnivmodl). It prints
the table that `experiments/gallery/ions/pump_reference.py` holds (9.0.2 gave it). ``--case`` adds
a protocol of yours, such as ``--case 12 0 0 0.7 3``: 12 µA/cm² for 5 s from 1 s on, no pulses at
0 Hz, and 70 % of the pumps blocked within 0.5 s from 3 s on. The cell is `pumping_cell()` as
`to_neuron` writes it, solved with CVODE at a tolerance of 1e-8. The table was first found with a
mechanism that was written by hand.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile

from neurosim.catalogue import pumping_cell
from neurosim.exchange import to_neuron

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


def run(h, made, case: tuple[float, ...]) -> tuple:
    """Return spikes from 1 to 6 s, in the last second of these, sodium (mM) and potential (mV)."""
    step, pulses, rate, dose, begin = case
    one, area = made.segments[0], 3.141592653589793 * 2e-4 * 100e-4
    # Within 0.5 s, on a straight line.
    moments = h.Vector([0, 1e3 * begin, 1e3 * begin + 500, 1e9])
    blocked = h.Vector([0, 0, dose, dose])
    blocked.play(one.ns_sodium_pump._ref_blocked, moments, 1)
    kept = []
    for k in range(int(pulses)):
        kept.append(h.IClamp(one))
        kept[-1].delay, kept[-1].dur, kept[-1].amp = 1000 + 1000 * k / rate, 0.5, 40 * area * 1e3
    if step:
        kept.append(h.IClamp(one))
        kept[-1].delay, kept[-1].dur, kept[-1].amp = 1000, 5000, step * area * 1e3
    times = h.Vector()
    detector = h.NetCon(one._ref_v, None, sec=one.sec)
    detector.threshold = -20
    detector.record(times)
    h.cvode.active(1)
    h.cvode.atol(1e-8)
    h.celsius = made.content["celsius"]
    h.finitialize(-65)
    if dose:
        for corner in (1e3 * begin, 1e3 * begin + 500):
            h.cvode.event(corner, h.cvode.re_init)
    found: dict[str, list[float]] = {"na": [], "v": []}
    for moment in sorted({*SODIUM_AT, *POTENTIAL_AT}):
        # Not continuerun, which goes past the moment by a step of CVODE.
        h.cvode.solve(1e3 * moment)
        if moment in SODIUM_AT:
            found["na"].append(round(one.nai, 4))
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
        to_neuron(pumping_cell(), folder)
        subprocess.run(["nrnivmodl", "mod"], cwd=folder, check=True, capture_output=True)
        sys.path.insert(0, folder)
        from cell import Cell
        from neuron import h

        h.load_file("stdrun.hoc")
        made = Cell()
        for case in map(tuple, given.case or CASES):
            spikes, late, sodium, potential = run(h, made, case)
            print(f"    {case}: ({spikes}, {late},\n    {sodium}, {potential}),", flush=True)


if __name__ == "__main__":
    main()
