"""`neurosim import` of a model of the Allen Institute: what it is here, and which rules made it."""

from __future__ import annotations

import warnings
from pathlib import Path

from experiments.command.console import console, print_table

__all__ = ["is_allen", "print_allen"]


def is_allen(source: Path) -> bool:
    """Say whether a path is a fit file, or a folder that holds one."""
    if source.is_dir():
        return any(source.glob("fit_parameters*.json")) or any(source.glob("*_fit.json"))
    return source.suffix.lower() == ".json"


def print_allen(source: Path, swc: Path | None, mod: Path | None, axon: str | None) -> None:
    """Read a model, and print what covers its sections and how the shape was made."""
    from neurosim.allen import SECTIONS, allen_files, from_allen, read_allen_fit
    from neurosim.morphology import MorphologyWarning

    fit_path, swc_path, _ = allen_files(source, swc, mod)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MorphologyWarning)
        neuron = from_allen(source, swc, mod=mod, axon=axon)
    for one in caught:
        if issubclass(one.category, MorphologyWarning):
            console(stderr=True).print(f"said: {one.message}", style="yellow", markup=False)
    told = read_allen_fit(fit_path)
    there = {section: tag for section, tag in SECTIONS.items() if tag in neuron.morphology.tags}
    rows = []
    for section, tag in there.items():
        passive = told.passive[section]
        names = [name for name, where in told.mechanisms.items() if section in where]
        rows.append(
            [
                section,
                str(neuron.morphology.tags.count(tag)),
                f"{passive['cm']:g}",
                f"{passive['Ra']:g}",
                f"{passive['g_pas']:.3g}",
                f"{passive['e_pas']:g}",
                ", ".join(names) or "none",
            ]
        )
    print_table(
        f"{fit_path.name} on {swc_path.name}: {told.kind}, {told.celsius:g} °C, from "
        f"{told.v_init_mV:g} mV",
        ["section", "branches", "cm (uF/cm2)", "Ra (ohm cm)", "g_pas (S/cm2)", "e_pas (mV)",
         "channels and pools"],
        rows,
    )  # fmt: skip
    pieces = [neuron.morphology[f"axon[{k}]"].diameters_m[0] * 1e6 for k in (0, 1)]
    where = "middle" if neuron.morphology["axon[0]"].attach == 0.5 else "end"
    lines = [
        f"The axon is two pieces of 30 um, {pieces[0]:.3g} and {pieces[1]:.3g} um thick, at the "
        f"{where} of the soma; the reconstructed one is left out.",
        f"{len(neuron.compartments)} compartments: 1 + 2 int(L/40 um) in each branch.",
    ]
    if told.junction_potential_mV is not None:
        lines.append(
            f"Add {-told.junction_potential_mV:g} mV to its potential before you compare it with a "
            "recording of the Institute (junction potential)."
        )
    lines.append(f"its unit: neurosim unit {source}; in Python: from_allen({str(source)!r})")
    for line in lines:
        console().print(line, markup=False, highlight=False, soft_wrap=True)
