"""Print what the cells of the catalogue measure: ``python -m neurosim.measure [name ...]``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from brian2.units import ms

import neurosim.catalogue as catalogue
from neurosim.errors import NeurosimError, UnknownNameError, suggest
from neurosim.measure.intrinsic import intrinsic

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
COLUMNS = ("cell", "rest", "R_in", "tau", "sag", "threshold", "rheobase", "width", "AHP", "f-I")
UNITS = ("", "mV", "Mohm", "ms", "", "mV", "pA", "ms", "mV", "Hz at 1.2, 1.5, 2, 3, 4 x rheobase")


def row(name: str) -> tuple[str, ...]:
    """Measure one cell of the catalogue."""
    found = intrinsic(getattr(catalogue, name)(), dt=0.02 * ms)
    curve = " ".join("-" if rate != rate else f"{rate:.0f}" for rate in found.rate_Hz)
    numbers = (
        f"{found.rest_mV:.1f}",
        f"{found.input_resistance_Mohm:.4g}",
        f"{found.time_constant_ms:.3g}",
        f"{abs(found.sag_ratio):.2f}",
        f"{found.threshold_mV:.1f}",
        f"{found.rheobase_pA:.4g}",
        f"{found.width_ms:.2f}",
        f"{found.ahp_mV:.1f}",
        curve,
    )
    return (name, *("-" if number == "nan" else number for number in numbers))


def main(names: Sequence[str]) -> int:
    """Print a Markdown table, a line a cell."""
    try:
        for name in names:
            if name not in CELLS:
                raise UnknownNameError(f"no cell is called {name!r}: {suggest(name, CELLS)}")
        heads = [f"{c} ({u})" if u else c for c, u in zip(COLUMNS, UNITS, strict=True)]
        print("| " + " | ".join(heads) + " |")
        print("|---" * len(heads) + "|")
        for name in names or CELLS:
            print("| " + " | ".join(row(name)) + " |", flush=True)
    except NeurosimError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
