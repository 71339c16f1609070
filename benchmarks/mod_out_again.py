"""MOD files that came in, written for NEURON again, and both simulators beside each other.

    python benchmarks/mod_out_again.py FOLDER [FOLDER ...]

Each distinct mechanism that `from_mod` reads is painted on one compartment, which
`neurosim.exchange.to_neuron` writes; NEURON compiles that text, not the file. The protocols, steps
and numbers are those of ``benchmarks/mod_mechanisms.py``, and so is what it needs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import mod_mechanisms as mod
import numpy as np
from brian2 import cm, ms, mV, nA, siemens, um

from neurosim import Neuron
from neurosim.channels import Leak
from neurosim.channels.base import IonPool
from neurosim.clamps import VoltageClamp
from neurosim.errors import ModError, NeurosimError
from neurosim.exchange.cell_in_neuron import Cell
from neurosim.exchange.mechanisms_in import equations_digest
from neurosim.exchange.neuron_out import describe_for_neuron
from neurosim.mod import read_part
from neurosim.mod.classes import build_class
from neurosim.morphology import PerBranch, cylinder, every, everywhere
from neurosim.stimuli import Steps


class Exports:
    """The texts of all cases, each text once, and the cells that use them."""

    def __init__(self, drivers: dict[str, Any]) -> None:
        self.drivers = drivers
        self.texts: dict[str, str] = {}
        self.names: dict[tuple[str, str], str] = {}
        self.made: dict[tuple[str, float, bool], dict[str, Any]] = {}

    def content(self, case: mod.Case, celsius: float, corners: np.ndarray | None) -> dict[str, Any]:
        """Return the numbers of a cell with a mechanism, and keep the texts that it needs."""
        key = case.suffix, celsius, corners is None
        if key in self.made:
            return self.made[key]
        cell = Neuron(
            cylinder(20 * um, 20 * um), PerBranch(1), celsius=celsius, rest=mod.START * mV
        )
        cell = mod.painted(cell, 0, case, self.drivers)
        if corners is None:
            cell = cell.paint(Leak(g=mod.LEAK_G * siemens / cm**2, E=mod.LEAK_E * mV))
            stimulus: Any = Steps([0.12, -0.08] * nA, onset=[5, 20] * ms, duration=10 * ms)
        else:
            lengths = np.full(len(corners) - 1, 5.0) * ms
            stimulus = VoltageClamp(mod.START * mV, corners[1:] * mV, lengths, onset=5 * ms)
        content, texts, lost = describe_for_neuron(cell.place(stimulus, every(everywhere)))
        traced = [one for one in lost if "probe" in one]
        if traced:
            raise ValueError(f"{case.path}: {traced[0]}")
        called = {suffix: self._called(suffix, t.text, case) for suffix, t in texts.items()}
        for part in [*content["densities"], *(p["where"] for p in content["probes"])]:
            part["suffix"] = called.get(part["suffix"], part["suffix"])
        for one in content["start"].get("states", ()):
            one["suffix"] = called.get(one["suffix"], one["suffix"])
        self.made[key] = content
        return content

    def _called(self, suffix: str, text: str, case: mod.Case) -> str:
        """Return under which name a text is compiled: the same for the same equations."""
        digest = equations_digest(text.replace(f"SUFFIX {suffix}\n", "SUFFIX\n", 1))
        if (suffix, digest) not in self.names:
            name = suffix
            while name in self.texts:
                name = f"{name}_{case.suffix}"
            self.names[suffix, digest] = name
            self.texts[name] = text.replace(f"SUFFIX {suffix}\n", f"SUFFIX {name}\n", 1)
        return self.names[suffix, digest]

    def run(
        self, case: mod.Case, celsius: float, dt: float, corners: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        """Run a mechanism in NEURON, as its export says."""
        cell = Cell(self.content(case, celsius, corners))
        seen = cell.run(mod.DURATION, dt)["traces"]
        cell._kept.clear()
        found = {}
        every_half = round(0.5 / dt)
        for name in mod.recorded(case.made):
            scale = 1.0 if issubclass(case.made, IonPool) else -0.1
            found[name] = scale * np.array(seen[f"{name} 0"])[::every_half][: mod.SAMPLES]
        if corners is None:
            found["v"] = 1e3 * np.array(seen["v 0"])[::every_half][: mod.SAMPLES]
        return found


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
    cases, refused = [], 0
    for number, path in enumerate(mod.distinct(asked.folders)):
        if asked.only not in str(path):
            continue
        try:
            part = read_part(path)
        except ModError:
            refused += 1
            continue
        made = build_class(part)
        if part.kind != "Receptor":
            cases.append(mod.Case(path, f"m{number}x", part, made, mod.strengths(part)))
    with tempfile.TemporaryDirectory() as folder:
        place = asked.keep or Path(folder)
        source = place / "mod"
        source.mkdir(parents=True, exist_ok=True)
        drivers = {}
        for ion in mod.HELD:
            (place / f"drive{ion}.mod").write_text(mod.DRIVER.format(ion=ion))
            drivers[ion] = build_class(read_part(place / f"drive{ion}.mod"))
        exports, written = Exports(drivers), []
        for case in cases:
            try:
                for celsius, corners in mod.PLANS.values():
                    exports.content(case, celsius, corners)
                written.append(case)
            except (NeurosimError, ValueError) as error:
                print(f"REFUSED  {case.path}: {error}")
        for name, text in exports.texts.items():
            if not (source / f"{name}.mod").exists():
                (source / f"{name}.mod").write_text(text)
        compiler = Path(sys.executable).with_name("nrnivmodl")
        done = subprocess.run([str(compiler), "mod"], cwd=place, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit((done.stdout + done.stderr)[-4000:])
        from neuron import h

        h.nrn_load_dll(str(next(place.glob("*/libnrnmech.so"))))
        mod.run_neuron = exports.run
        passed = 0
        for first in range(0, len(written), asked.together):
            some = written[first : first + asked.together]
            for case, found in mod.compare_all(some, drivers, asked.dt):
                fine, line = mod.told(case, found, asked.limit)
                if not fine and not isinstance(found, str) and not found["silent"]:
                    finer = mod.compare_all([case], drivers, asked.dt / 4)[0][1]
                    fine, line = mod.told(case, finer, asked.limit)
                passed += fine
                print(line, flush=True)
    print(f"{passed} of {len(cases)} that came in went out again and passed")


if __name__ == "__main__":
    main()
