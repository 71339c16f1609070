"""MOD files against NEURON: which come in, and how far each class is from NEURON running the file.

    python benchmarks/mod_mechanisms.py FOLDER [FOLDER ...]

Every distinct MOD file of the folders is translated with `neurosim.mod.from_mod`. Those that come
in are compiled by nrnivmodl and run beside the class in one compartment: under a voltage clamp with
random steps, at two temperatures, and under current clamp with a leak. (Many files have
rates that jump at some potential. Under a ramp the moment of the jump is known to a step only, so
that nothing can be extrapolated.) Pools of ions are driven by a current of their ion. Each run is
done at three steps, from which both simulators are extrapolated to a step of 0; the error is the
largest difference of any current, concentration or potential over the largest value.
Needs the extra ``neuron`` and a C++
compiler. NEURON compiles the files and so runs what they say: use files that you trust.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from brian2 import Quantity, cm, mA, ms, mV, nA, ohm, siemens, um
from brian2.units.stdunits import mM

from neurosim import Neuron, simulate
from neurosim.channels import Leak
from neurosim.channels.base import IonPool
from neurosim.clamps import VoltageClamp
from neurosim.describe.parts import Cable
from neurosim.errors import ModError, NeurosimError
from neurosim.ions import Calcium, Chloride, Potassium, Sodium
from neurosim.mod import Part, read_part
from neurosim.mod.classes import build_class, unit_of
from neurosim.mod.reading.parser import read_mod
from neurosim.morphology import PerBranch, cylinder, every, everywhere, numbered
from neurosim.stimuli import Steps
from neurosim.synapses import Events, Receptor

HELD = {"na": Sodium, "k": Potassium, "ca": Calcium, "cl": Chloride}
INSIDE = {"na": 12.0, "k": 130.0, "ca": 4e-4, "cl": 8.0}
OUTSIDE = {"na": 141.0, "k": 3.7, "ca": 1.9, "cl": 121.0}
OTHER_E = -33.0
REVERSAL = {"na": 53.0, "k": -88.0, "ca": 118.0, "cl": -71.0}
DURATION, START, SAMPLES = 40.0, -71.3, 80
LEAK_G, LEAK_E = 3e-4, -64.0
# A step is divided at least by the first (before, extrapolations may not hold yet) and at most by
# the second, while two programs differ.
CERTAIN, SHORTEST = 16, 256
EVENTS, WEIGHT = (4.0, 9.5, 10.5, 22.0, 31.0), 0.003
DRIVER = """NEURON {{ SUFFIX drive{ion} USEION {ion} WRITE i{ion} RANGE amp, slope }}
PARAMETER {{ amp = 0.002 (mA/cm2) slope = 0.00003 (mA/cm2) }}
ASSIGNED {{ v (mV) i{ion} (mA/cm2) }}
BREAKPOINT {{ i{ion} = -amp + slope*(v + 50) }}
"""


@dataclass
class Case:
    """A mechanism, and what is set where it runs."""

    path: Path
    suffix: str
    part: Part
    made: Any
    values: dict[str, float] = field(default_factory=dict)


def protocol(seed: int) -> np.ndarray:
    """Return the potentials (mV) of the clamp, 5 ms each."""
    rng = np.random.default_rng(seed)
    return np.concatenate([[START], rng.uniform(-95, 35, 7)])


def extrapolated(runs: list[np.ndarray]) -> np.ndarray:
    """Return what runs at steps h, h/2 and h/4 tend to as h goes to 0."""
    one, half, quarter = runs
    return (one - 6 * half + 8 * quarter) / 3


def difference(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    """Return the largest difference over the largest value, of all that was recorded."""
    worst = 0.0
    for name, values in theirs.items():
        scale = np.max(np.abs(values))
        if scale == 0 and np.max(np.abs(ours[name])) == 0:
            continue
        worst = max(worst, float(np.max(np.abs(ours[name] - values)) / scale))
    return worst


def strengths(part: Part) -> dict[str, float]:
    """Return, by field, numbers for conductances and permeabilities that the file sets to 0."""
    return {
        one.name: 0.001
        for one in part.fields
        if one.value == 0 and re.match(r"(?i)g|p|.*bar", one.name)
    }


# NEURON -------------------------------------------------------------------------------------------


def run_neuron(case: Case, celsius: float, dt: float, corners: np.ndarray | None) -> dict[str, Any]:
    """Run a mechanism in NEURON; without corners, under current clamp."""
    from neuron import h

    h.celsius = celsius
    cell = h.Section(name="cell")
    cell.L = cell.diam = 20
    cell.nseg = 1
    cell.cm = 1
    made = case.made
    synapse = None
    if issubclass(made, Receptor):
        synapse = getattr(h, case.suffix)(cell(0.5))
    else:
        cell.insert(case.suffix)
    if issubclass(made, IonPool):
        cell.insert(f"drive{made.ion}")
    for name, value in case.values.items():
        original = next((k for k, v in made.mod_names.items() if v == name), name)
        if synapse is not None and hasattr(synapse, original):
            setattr(synapse, original, value)
        else:
            set_neuron(h, cell, case.suffix, original, value)
    if hasattr(h, f"usetable_{case.suffix}"):
        # Here formulas of a TABLE are evaluated, not interpolated.
        setattr(h, f"usetable_{case.suffix}", 0)
    set_ions(h, cell, made)
    set_unknown_ion(cell, case)
    keep: list[Any] = []
    if corners is None:
        cell.insert("pas")
        cell.g_pas, cell.e_pas = LEAK_G, LEAK_E
        for start, amplitude in ((5.0, 0.12), (20.0, -0.08)):
            clamp = h.IClamp(cell(0.5))
            clamp.delay, clamp.dur, clamp.amp = start, 10.0, amplitude
            keep.append(clamp)
    else:
        clamp = h.SEClamp(cell(0.5))
        clamp.rs, clamp.dur1 = 1e-7, 1e9
        times = h.Vector(5.0 * np.arange(len(corners)))
        levels = h.Vector(corners)
        levels.play(clamp._ref_amp1, times)
        keep += [clamp, times, levels]
    points = references(cell, case) if synapse is None else of_synapse(cell, synapse, case)
    traces = {name: h.Vector() for name in points}
    for name, vector in traces.items():
        vector.record(points[name][0], 0.5)
    v = h.Vector()
    v.record(cell(0.5)._ref_v, 0.5)
    h.dt = dt
    h.finitialize(START)
    if synapse is not None:
        line = h.NetCon(None, synapse)
        line.weight[0] = WEIGHT
        for time in EVENTS:
            line.event(time)
    for _ in range(round(DURATION / dt)):
        h.fadvance()
    found = {name: np.array(vector) * points[name][1] for name, vector in traces.items()}
    if recorded(made) == ["current"]:
        found = {"current": np.sum(list(found.values()), axis=0)}
    if corners is None:
        found["v"] = np.array(v)
    return {name: values[:SAMPLES] for name, values in found.items()}


def set_neuron(h: Any, cell: Any, suffix: str, name: str, value: float) -> None:
    """Set a parameter of a mechanism, of the section or of all."""
    if hasattr(cell(0.5), f"{name}_{suffix}"):
        setattr(cell, f"{name}_{suffix}", value)
    else:
        setattr(h, f"{name}_{suffix}", value)


def set_ions(h: Any, cell: Any, made: Any) -> None:
    """Hold every concentration and reversal potential that nothing moves."""
    for ion in HELD:
        name = f"{ion}_ion"
        if not h.ismembrane(name, sec=cell):
            continue
        if issubclass(made, IonPool) and made.ion == ion:
            setattr(cell, f"{ion}o" if made.writes.endswith("i") else f"{ion}i", OUTSIDE[ion])
            continue
        h.ion_style(name, 1, 1, 0, 0, 0, sec=cell)
        setattr(cell, f"e{ion}", REVERSAL[ion])
        setattr(cell, f"{ion}i", INSIDE[ion])
        setattr(cell, f"{ion}o", OUTSIDE[ion])


def set_unknown_ion(cell: Any, case: Case) -> None:
    """Set the reversal potential of an ion that belongs to this file alone."""
    for use in read_mod(case.path, case.path.parent).ions:
        if use.ion not in HELD and f"e{use.ion}" in use.reads:
            setattr(cell, f"e{use.ion}", OTHER_E)


def recorded(made: Any) -> list[str]:
    """Return what is compared, by its name here."""
    if issubclass(made, IonPool):
        return [made.writes]
    return [f"i_{ion}" for ion in getattr(made, "carries", {}) if ion] or ["current"]


def references(cell: Any, case: Case) -> dict[str, tuple[Any, float]]:
    """Return NEURON's variables for what is compared, and what each is multiplied by.

    What is compared as "current" is the sum of them: that of one ion, or of several that belong to
    no ion that the engine knows.
    """
    made, here = case.made, cell(0.5)
    if issubclass(made, IonPool):
        return {made.writes: (getattr(here, f"_ref_{made.writes.replace('_', '')}"), 1.0)}
    names = recorded(made)
    if names != ["current"]:
        return {name: (getattr(here, f"_ref_i{name[2:]}"), 1.0) for name in names}
    file = read_mod(case.path, case.path.parent)
    found = {name: (getattr(here, f"_ref_{name}"), 1.0) for use in file.ions for name in use.writes}
    for name in file.nonspecific:
        found[name] = getattr(here, f"_ref_{name}_{case.suffix}"), 1.0
    return found


def of_synapse(cell: Any, synapse: Any, case: Case) -> dict[str, tuple[Any, float]]:
    """Return the currents of a point process, and what each is multiplied by to be in nA."""
    file = read_mod(case.path, case.path.parent)
    found = {name: (getattr(synapse, f"_ref_{name}"), 1.0) for name in file.nonspecific}
    for name in (word for use in file.ions for word in use.writes):
        found[name] = getattr(cell(0.5), f"_ref_{name}"), cell(0.5).area() * 1e-2
    return found


# neurosim -----------------------------------------------------------------------------------------


def painted(cell: Neuron, k: int, case: Case, drivers: dict[str, Any]) -> Neuron:
    """Return the neuron with a mechanism, and what it needs, on compartment k."""
    made, here = case.made, numbered([k])
    units = {one.name: unit_of(one.unit) for one in case.part.fields}
    values: dict[str, Any] = {
        name: Quantity(value * units[name]) for name, value in case.values.items()
    }
    follows = getattr(made, "follows", {})
    if issubclass(made, Receptor) and made.ion and not made.ion_current:
        follows = {"E": f"E_{made.ion}"}
    for name in (one for one in units if re.fullmatch("E|E_.*", one) and one not in follows):
        values[name] = OTHER_E * mV
    for name, shared in follows.items():
        if name not in units:
            continue
        ion = shared.removeprefix("E_").removesuffix("_o")
        values[name] = REVERSAL[ion] * mV if shared.startswith("E_") else OUTSIDE[ion] * mM
    pool = issubclass(made, IonPool)
    if pool:
        values["outside" if made.writes.endswith("i") else "inside"] = OUTSIDE[made.ion] * mM
        part = made(name=f"part{k}", **values)
        cell = cell.paint(drivers[made.ion](name=f"drive{k}"), here)
    else:
        part = made(name=f"part{k}", reversal="fixed", **values)
    held = {word.split("_")[0] for word in made.reads if word[-2:] in ("_i", "_o")}
    for ion in sorted(held - ({made.ion} if pool else set())):
        holds = HELD[ion](inside=INSIDE[ion] * mM, outside=OUTSIDE[ion] * mM, held=True)
        cell = cell.paint(holds, here, label=f"{ion}{k}")
    if issubclass(made, Receptor):
        events = Events(np.array(EVENTS) * 1e-3, np.full(len(EVENTS), WEIGHT))
        cell = cell.place(part, every(here), events, label=f"part{k}")
    else:
        cell = cell.paint(part, here)
    for name in recorded(made):
        cell = cell.probe(name if pool else f"part{k}.{name}", every(here), label=f"{name} {k}")
    return cell.probe("v", every(here), label=f"v {k}")


def run_ours(
    cases: list[Case],
    celsius: float,
    dt: float,
    corners: np.ndarray | None,
    drivers: dict[str, Any],
) -> list[dict[str, Any]]:
    """Run mechanisms here, each in a compartment that no other reaches."""
    count = len(cases)
    cell = Neuron(
        cylinder(20 * count * um, 20 * um), PerBranch(count), celsius=celsius, rest=START * mV
    )
    cell = cell.paint(Cable(R_a=1e15 * ohm * cm))
    for k, case in enumerate(cases):
        cell = painted(cell, k, case, drivers)
    if corners is None:
        cell = cell.paint(Leak(g=LEAK_G * siemens / cm**2, E=LEAK_E * mV))
        stimulus: Any = Steps(amplitude=[0.12, -0.08] * nA, onset=[5, 20] * ms, duration=10 * ms)
    else:
        stimulus = VoltageClamp(
            holding=START * mV,
            levels=corners[1:] * mV,
            durations=np.full(len(corners) - 1, 5.0) * ms,
            onset=5 * ms,
        )
    run = simulate(
        cell.place(stimulus, every(everywhere)),
        (DURATION + 0.5) * ms,
        dt=dt * ms,
        settle=0 * ms,
        record_dt=0.5 * ms,
        scheme="backward-euler",
        engine=os.environ.get("MOD_ENGINE", "auto"),
    )
    results = []
    for k, case in enumerate(cases):
        found = {}
        for name in recorded(case.made):
            unit = mM if issubclass(case.made, IonPool) else -mA / cm**2
            unit = -nA if issubclass(case.made, Receptor) else unit
            found[name] = np.asarray(run.trace(f"{name} {k}") / unit, dtype=float).ravel()
        if corners is None:
            found["v"] = np.asarray(run.trace(f"v {k}") / mV, dtype=float).ravel()
        # The first sample is at the end of the first record_dt, as the second of NEURON is.
        results.append({name: values[: SAMPLES - 1] for name, values in found.items()})
    return results


# The whole ----------------------------------------------------------------------------------------


PLANS: dict[str, tuple[float, np.ndarray | None]] = {
    "clamp": (22.0, protocol(1)),
    "clamp, warm": (34.5, protocol(2)),
    "current": (30.0, None),
}


def compare(cases: list[Case], drivers: dict[str, Any], coarse: float) -> list[dict[str, Any]]:
    """Return the errors of mechanisms, by protocol, and how they fall with the step."""
    every_case: list[dict[str, Any]] = [{"silent": True} for _ in cases]
    steps = [coarse, coarse / 2, coarse / 4]
    for name, (celsius, corners) in PLANS.items():
        ours = [run_ours(cases, celsius, dt, corners, drivers) for dt in steps]
        for k, (case, found) in enumerate(zip(cases, every_case, strict=True)):
            theirs = [run_neuron(case, celsius, dt, corners) for dt in steps]
            keys = list(theirs[0])
            # At 0 NEURON shows what INITIAL left.
            best = {key: extrapolated([run[key] for run in theirs])[1:] for key in keys}
            mine = {key: extrapolated([run[k][key] for run in ours]) for key in keys}
            errors = [difference({key: run[k][key] for key in keys}, best) for run in ours]
            found[name] = difference(mine, best), errors[0] / max(errors[-1], 1e-300)
            moved = any(np.max(np.abs(values)) > 0 for key, values in best.items() if key != "v")
            found["silent"] = found["silent"] and not moved
    return every_case


def compare_all(
    cases: list[Case], drivers: dict[str, Any], coarse: float
) -> list[tuple[Case, dict[str, Any] | str]]:
    """Compare mechanisms together; where something fails, find out which of them it was."""
    try:
        return list(zip(cases, compare(cases, drivers, coarse), strict=True))
    except (NeurosimError, RuntimeError, ArithmeticError, ValueError) as error:
        if len(cases) == 1:
            return [(cases[0], f"{type(error).__name__}: {error}")]
        half = len(cases) // 2
        first = compare_all(cases[:half], drivers, coarse)
        return first + compare_all(cases[half:], drivers, coarse)


def largest(found: dict[str, Any]) -> float:
    """Return the largest error of a mechanism, over the protocols."""
    return max(found[name][0] for name in PLANS)


def refined(
    case: Case, found: dict[str, Any] | str, drivers: dict[str, Any], dt: float, limit: float
) -> tuple[dict[str, Any] | str, int]:
    """Return what is found at shorter steps, and by what the step was divided.

    A sample on a steep upstroke needs short steps before an extrapolation holds. What an
    extrapolation leaves then falls 64 times when the step falls four times. So the step is
    shortened until the error is below the limit, or until it falls less than four times: then the
    two simulators have different limits, or too few digits are left.
    """
    divided, before = 1, np.inf
    while not isinstance(found, str) and not found["silent"] and largest(found) > limit:
        if divided == SHORTEST or (divided >= CERTAIN and largest(found) > before / 4):
            break
        divided, before = 4 * divided, largest(found)
        found = compare_all([case], drivers, dt / divided)[0][1]
    return found, divided


def told(case: Case, found: dict[str, Any] | str, limit: float) -> tuple[bool, str]:
    """Return whether a mechanism passed, and a line on it."""
    if isinstance(found, str):
        return False, f"FAILED   {case.path}: {found}"
    silent = found["silent"]
    fine = not silent and largest(found) <= limit
    numbers = "  ".join(f"{name} {found[name][0]:.1e} ({found[name][1]:.1f}x)" for name in PLANS)
    word = "passed" if fine else "silent" if silent else "DIFFERS"
    return fine, f"{word:8s} {case.path}  {case.part.kind}  {numbers}"


def distinct(folders: list[Path]) -> list[Path]:
    """Return the MOD files of folders, each content once."""
    seen: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.mod")):
            seen.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
    return list(seen.values())


def with_includes(path: Path) -> str:
    """Return the text of a file, with that of the files beside it which it includes."""
    text = path.read_text(errors="replace")
    return re.sub(
        r'^\s*INCLUDE\s*"([\w.-]+)"', lambda found: with_includes(path.parent / found[1]), text,
        flags=re.MULTILINE,
    )  # fmt: skip


def build(cases: list[Case], place: Path) -> None:
    """Compile the files for NEURON, each under a name of its own, and load them."""
    source = place / "source"
    if not source.exists():
        source.mkdir(parents=True)
        for case in cases:
            # Such a block does nothing, and NEURON 9 cannot compile it where it ends INITIAL.
            text = re.sub(r"VERBATIM\s+return 0;\s+ENDVERBATIM", "", with_includes(case.path))
            name = rf"\g<1>{case.suffix}"
            # Its current must be seen from outside.
            read = read_mod(case.path, case.path.parent)
            hidden = [one for one in read.nonspecific if one not in read.ranges]
            name += f"\nRANGE {', '.join(hidden)}\n" if hidden else ""
            word = rf"((?:SUFFIX|POINT_PROCESS)\s+){case.part.suffix}\b"
            renamed = re.sub(word, name, text)
            (source / f"{case.suffix}.mod").write_text(renamed)
        for ion in HELD:
            (source / f"drive{ion}.mod").write_text(DRIVER.format(ion=ion))
        compiler = Path(sys.executable).parent / "nrnivmodl"
        subprocess.run([compiler, str(source)], cwd=place, check=True, capture_output=True)
    from neuron import h

    h.nrn_load_dll(str(next(place.glob("*/libnrnmech.so"))))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for what NEURON compiles, used again")
    parser.add_argument("--dt", type=float, default=0.02, help="largest of the three steps, in ms")
    parser.add_argument("--only", default="", help="files whose path has this in it")
    parser.add_argument("--together", type=int, default=20, help="mechanisms in one program")
    parser.add_argument("--limit", type=float, default=1e-5)
    asked = parser.parse_args()
    cases, refused = [], []
    for number, path in enumerate(distinct(asked.folders)):
        try:
            part = read_part(path, include=path.parent)
            cases.append(Case(path, f"m{number}x", part, build_class(part), strengths(part)))
        except ModError as error:
            refused.append(error)
    with tempfile.TemporaryDirectory() as folder:
        place = asked.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        build(cases, place)
        drivers = {
            ion: build_class(read_part(place / "source" / f"drive{ion}.mod")) for ion in HELD
        }
        wanted = [case for case in cases if asked.only in str(case.path)]
        passed = 0
        for first in range(0, len(wanted), asked.together):
            some = wanted[first : first + asked.together]
            for case, found in compare_all(some, drivers, asked.dt):
                found, divided = refined(case, found, drivers, asked.dt, asked.limit)
                fine, line = told(case, found, asked.limit)
                line += f"  at dt/{divided}" if divided > 1 else ""
                passed += fine
                print(line, flush=True)
    for error in refused:
        print(f"refused  {error}")
    print(f"{passed} of {len(wanted)} that came in passed; {len(refused)} refused")


if __name__ == "__main__":
    main()
