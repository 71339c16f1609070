"""Print what the cells of the catalogue measure: ``python -m neurosim.measure [name ...]``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from brian2.units import ms

import neurosim.catalogue as catalogue
from neurosim.errors import NeurosimError, UnknownNameError, suggest
from neurosim.measure.intrinsic import Intrinsic, intrinsic

CELLS = (
    "textbook_neuron",
    "textbook_lif",
    "textbook_adex",
    "bipolar_cell",
    "ca1_pyramidal",
    "layer5_pyramidal",
    "purkinje_cell",
    "spinal_motoneuron",
    "fast_spiking_interneuron",
)
# Head of a column, and how its number is written.
COLUMNS: dict[str, Callable[[Intrinsic], str]] = {
    "cell": lambda found: "",
    "rest (mV)": lambda found: f"{found.rest_mV:.1f}",
    "R_in (Mohm)": lambda found: f"{found.input_resistance_Mohm:.4g}",
    "tau (ms)": lambda found: f"{found.time_constant_ms:.3g}",
    "sag": lambda found: f"{abs(found.sag_ratio):.2f}",
    "threshold (mV)": lambda found: f"{found.threshold_mV:.1f}",
    "rheobase (pA)": lambda found: f"{found.rheobase_pA:.4g}",
    "width (ms)": lambda found: f"{found.width_ms:.2f}",
    "AHP (mV)": lambda found: f"{found.ahp_mV:.1f}",
    "f-I (Hz at 1.2, 1.5, 2, 3, 4 x rheobase)": lambda found: " ".join(
        f"{rate:.0f}" for rate in found.rate_Hz
    ),
}


def row(name: str) -> tuple[str, ...]:
    """Measure one cell of the catalogue."""
    found = intrinsic(getattr(catalogue, name)(), dt=0.02 * ms)
    told = [write(found).replace("nan", "-") for write in COLUMNS.values()]
    return (name, *told[1:])


def main(names: Sequence[str]) -> int:
    """Print a Markdown table, a line a cell."""
    try:
        for name in names:
            if name not in CELLS:
                raise UnknownNameError(f"no cell is called {name!r}: {suggest(name, CELLS)}")
        print("| " + " | ".join(COLUMNS) + " |")
        print("|---" * len(COLUMNS) + "|")
        for name in names or CELLS:
            print("| " + " | ".join(row(name)) + " |", flush=True)
    except NeurosimError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
