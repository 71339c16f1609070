"""Neurons of the catalogue in a page beside Python: the same spikes, and how long a redraw takes.

``python benchmarks/page_kernel.py`` compiles each neuron to WebAssembly, draws sets of parameters
at random (half of them with white noise), runs them in node and in Python, and prints a line a
neuron: spikes, whether the counts agree, the largest difference of a spike time, of a potential and
of a concentration from Python's own arithmetic, whether every bit agrees with its portable one, and
the size of the program. ``--last-digit`` prints besides by how much Python's own potentials change
with the last digit of the injected current. ``--browser`` runs the script in headless Chromium
instead (package playwright). ``--speed`` prints what a redraw takes there: 21 LIF neurons for 1 s,
a Hodgkin-Huxley neuron and the textbook neuron for 100 ms, the median and the shortest of 50 after
the first: other load counts for the median.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from brian2.units import Quantity, ms, nA, pA, second

import neurosim.catalogue as catalogue
from experiments.explore.kernel.package import KernelPackage, kernel_of, kernel_script
from experiments.explore.kernel.page_agreement import Request, agreement, driver
from neurosim import Constant
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron

# By name: the neuron, how long it runs, and a current that makes it fire.
NEURONS: dict[str, tuple[Callable[[], PointNeuron | Neuron], Quantity, Quantity]] = {
    "LIF": (catalogue.LIF, 500 * ms, 200 * pA),
    "textbook_lif": (catalogue.textbook_lif, 500 * ms, 500 * pA),
    "AdEx": (catalogue.AdEx, 500 * ms, 700 * pA),
    "textbook_adex": (catalogue.textbook_adex, 500 * ms, 700 * pA),
    "GLIF": (catalogue.GLIF, 500 * ms, 400 * pA),
    "InactivatingGIF": (catalogue.InactivatingGIF, 500 * ms, 400 * pA),
    "HodgkinHuxley": (catalogue.HodgkinHuxley, 200 * ms, 100 * pA),
    "TraubMiles": (catalogue.TraubMiles, 200 * ms, 500 * pA),
    "textbook_neuron": (catalogue.textbook_neuron, 100 * ms, 1 * nA),
    "fast_spiking_interneuron": (catalogue.fast_spiking_interneuron, 100 * ms, 300 * pA),
    "bipolar_cell": (catalogue.bipolar_cell, 100 * ms, 10 * pA),
    "spinal_motoneuron": (catalogue.spinal_motoneuron, 100 * ms, 10 * nA),
    "ca1_pyramidal": (catalogue.ca1_pyramidal, 100 * ms, 500 * pA),
    "layer5_pyramidal": (catalogue.layer5_pyramidal, 100 * ms, 1 * nA),
    "purkinje_cell": (catalogue.purkinje_cell, 50 * ms, 1 * nA),
    "pumping_cell": (catalogue.pumping_cell, 100 * ms, 300 * pA),
    "mitral_pump_cell": (catalogue.mitral_pump_cell, 100 * ms, 20 * pA),
    "purkinje_pump_cell": (catalogue.purkinje_pump_cell, 100 * ms, 100 * pA),
    "layer5_pump_cell": (catalogue.layer5_pump_cell, 50 * ms, 1500 * pA),
    "astrocyte": (catalogue.astrocyte, 50 * ms, 100 * pA),
    "oligodendrocyte": (catalogue.oligodendrocyte, 50 * ms, 100 * pA),
    "schwann_cell": (catalogue.schwann_cell, 50 * ms, 20 * pA),
}
_NODE = """
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
answers(new Uint8Array(Buffer.from(given.wasm, "base64")), given.pkg, given.requests)
    .then((found) => console.log(JSON.stringify(found)));
"""
_PAGE = """
async (given) => {
    const text = atob(given.wasm);
    const wasm = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    return await answers(wasm, given.pkg, given.requests);
}
"""
_SPEED = """
async (given) => {
    const text = atob(given.wasm);
    const kernel = await Kernel.load(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
    const took = [];
    for (let k = 0; k <= 50; k++) {
        const begun = performance.now(), files = Kernel.inputs(given.pkg);
        if (given.currents) {
            Kernel.untraced(files, given.pkg);
            Kernel.widen(files, given.pkg, given.currents.length);
            Kernel.set(files, given.pkg, "constant.current", given.currents);
        }
        Kernel.read(kernel.run(files), given.pkg);
        took.push(performance.now() - begun);
    }
    return took.slice(1).sort((a, b) => a - b);
}
"""


def _given(package: KernelPackage, requests: Sequence[Request]) -> dict[str, Any]:
    wasm = base64.b64encode(package.wasm).decode()
    return {"wasm": wasm, "pkg": package.to_json(), "requests": [asdict(one) for one in requests]}


def in_node(package: KernelPackage, requests: Sequence[Request]) -> list[dict[str, Any]]:
    """Run requests in node."""
    script = driver(kernel_script()) + _NODE
    with tempfile.NamedTemporaryFile("w", suffix=".js") as file:
        file.write(script)
        file.flush()
        given = json.dumps(_given(package, requests))
        done = subprocess.run(["node", file.name], input=given, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


class Browser:
    """Headless Chromium with the kernel's script in a page from disk."""

    def __enter__(self) -> Browser:
        from playwright.sync_api import sync_playwright

        self._folder = tempfile.TemporaryDirectory()
        page = Path(self._folder.name) / "kernel.html"
        page.write_text(f"<!doctype html><script>{driver(kernel_script())}</script>")
        self._playwright = sync_playwright().start()
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        options = ["--no-sandbox"]
        self._browser = self._playwright.chromium.launch(executable_path=path, args=options)
        self._page = self._browser.new_page()
        self._page.goto(page.as_uri())
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()
        self._folder.cleanup()

    def run(self, package: KernelPackage, requests: Sequence[Request]) -> list[dict[str, Any]]:
        """Run requests in the page."""
        found: list[dict[str, Any]] = self._page.evaluate(_PAGE, _given(package, requests))
        return found

    def took_ms(self, package: KernelPackage, currents: Sequence[float] = ()) -> list[float]:
        """Return how long 50 redraws take, the shortest first."""
        given = _given(package, []) | {"currents": list(currents) or None}
        return [float(one) for one in self._page.evaluate(_SPEED, given)]


def _speed() -> None:
    lif = kernel_of(catalogue.LIF(), 1 * second, Constant(200 * pA))
    hh = kernel_of(catalogue.HodgkinHuxley(), 100 * ms, Constant(100 * pA))
    textbook = kernel_of(catalogue.textbook_neuron(), 100 * ms, Constant(1 * nA))
    with Browser() as browser:
        currents = [20e-12 * k for k in range(21)]
        rows = (
            ("LIF, 21 currents, 1 s", browser.took_ms(lif, currents), 50, lif),
            ("Hodgkin-Huxley, 100 ms", browser.took_ms(hh), 30, hh),
            ("textbook neuron, 100 ms", browser.took_ms(textbook), 150, textbook),
        )
    for name, took, bar, package in rows:
        print(
            f"{name}: median {took[25]:.1f} ms (bar {bar}), shortest {took[0]:.1f} ms, "
            f"{len(package.wasm)} bytes",
            flush=True,
        )


def _concentrations(most_mM: float | None) -> str:
    return "" if most_mM is None else f"concentrations {most_mM:.1e} mM, "


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("neurons", nargs="*", help=f"of {', '.join(NEURONS)} (default: all)")
    parser.epilog = "It needs node, and the package ziglang (extra explore)."
    parser.add_argument("--sets", type=int, default=20)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--last-digit", action="store_true")
    given = parser.parse_args()
    if unknown := [name for name in given.neurons if name not in NEURONS]:
        parser.error(f"no neuron {unknown[0]!r}; known are {', '.join(NEURONS)}")
    if given.speed:
        _speed()
        return
    browser = Browser().__enter__() if given.browser else None
    for name in given.neurons or NEURONS:
        make, duration, current = NEURONS[name]
        run = browser.run if browser else in_node
        found = agreement(
            make(), duration, current, run, sets=given.sets, last_digit=given.last_digit
        )
        own = "" if found.own_V is None else f"own last digit {found.own_V * 1e3:.1e} mV, "
        print(
            f"{name}: {found.sets} sets, {found.spikes} spikes, counts equal {found.counts_equal}, "
            f"times {found.most_s:.1e} s, potentials {found.most_V * 1e3:.1e} mV, "
            f"{own}{_concentrations(found.most_mM)}"
            f"same bits {found.same_bits}, {found.wasm_bytes} bytes, {found.refused} refused",
            flush=True,
        )
    if browser:
        browser.__exit__()


if __name__ == "__main__":
    main()
