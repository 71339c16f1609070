"""Cells of the Allen Institute's Cell Types Database, from their fit file and reconstruction."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brian2.units import Quantity, cm, mV, ohm, siemens, uF

from neurosim.allen.allen_file import PASSIVE, SECTIONS, AllenFit, read_allen_fit
from neurosim.allen.allen_shape import allen_rule, allen_shape
from neurosim.allen.errors import AllenError
from neurosim.channels import Leak
from neurosim.channels.base import Channel, IonPool
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.errors import suggest
from neurosim.mod import from_mod, read_part
from neurosim.mod.classes import unit_of
from neurosim.morphology import tagged

__all__ = ["AXONS", "allen_files", "from_allen"]

#: What may take the place of the axon, by kind of model; the first is what the AllenSDK takes.
AXONS = {"perisomatic": ("stub",), "all active": ("truncated", "stub")}


def from_allen(
    fit: str | os.PathLike[str],
    swc: str | os.PathLike[str] | None = None,
    *,
    mod: str | os.PathLike[str] | None = None,
    axon: str | None = None,
) -> Neuron:
    """Return a biophysical model of the Allen Cell Types Database as a neuron.

    Shape and covering follow the rules of the AllenSDK: the reconstructed axon is replaced by two
    pieces of 30 um, and a section of L um has 1 + 2 int(L/40) compartments. Numbers of the file are
    taken with all their digits. (The AllenSDK rounds those of a perisomatic model to six.)

    Parameters
    ----------
    fit : path
        The fit file (``fit_parameters.json``, ``*_fit.json``) of a perisomatic or an all-active
        model, or the folder that holds a model as it is downloaded.
    swc : path, optional
        The reconstruction; by default the one SWC file beside the fit file.
    mod : path, optional
        Folder of the MOD files that the fit file names; by default ``modfiles`` beside it.
    axon : {"stub", "truncated"}, optional
        What takes the place of the axon. Perisomatic models have a stub, 1 um thick. Older
        all-active models have a truncated axon, as thick as the reconstructed one, newer ones a
        stub; the file does not say which, and the default is the AllenSDK's, "truncated".

    Returns
    -------
    Neuron
        At rest at the file's ``v_init``. Its potential is that of the model; recordings of the
        Institute are not corrected for the junction potential, so that 14 mV must be added to it
        before it is compared with one.

    Raises
    ------
    AllenError
        A file is missing or is no such file, a section lacks something, or a mechanism has no MOD
        file or not that parameter; the message names it.
    ModError
        A MOD file holds what has no equal here.
    """
    fit_path, swc_path, folder = allen_files(fit, swc, mod)
    told = read_allen_fit(fit_path)
    known = AXONS[told.kind]
    chosen = known[0] if axon is None else axon
    if chosen not in known:
        raise AllenError(
            f"from_allen: axon={chosen!r}: {told.source} is a {told.kind} model, whose axon is "
            f"{' or '.join(map(repr, known))}"
        )
    shape = allen_shape(swc_path, chosen)
    sections = {name: tag for name, tag in SECTIONS.items() if tag in shape.tags}
    for section in sections:
        missing = [name for name in PASSIVE if name not in told.passive[section]]
        if missing:
            raise AllenError(
                f"from_allen: {told.source} gives no {' and no '.join(missing)} for {section}, "
                f"which {swc_path.name} has"
            )
    neuron = Neuron(
        shape,
        allen_rule(shape),
        cable=_cable(told.passive["soma"]),
        celsius=told.celsius,
        rest=told.v_init_mV * mV,
    )
    for section, tag in sections.items():
        values = told.passive[section]
        if section != "soma":
            neuron = neuron.paint(_cable(values), tagged(tag))
        leak = Leak(g=values["g_pas"] * siemens / cm**2, E=values["e_pas"] * mV)
        neuron = neuron.paint(leak, tagged(tag))
    for mechanism in told.mechanisms:
        neuron = _with_mechanism(neuron, told, mechanism, folder, sections)
    return neuron


def allen_files(
    fit: str | os.PathLike[str],
    swc: str | os.PathLike[str] | None = None,
    mod: str | os.PathLike[str] | None = None,
) -> tuple[Path, Path, Path]:
    """Return fit file, reconstruction and folder of MOD files; the last two may lie beside it.

    Raises
    ------
    AllenError
        One of them is not there, or several could be meant.
    """
    path = Path(fit)
    if path.is_dir():
        found = {*path.glob("fit_parameters*.json"), *path.glob("*_fit.json")}
        path = _only_one(found, path, "fit file (fit_parameters.json or *_fit.json)", "the file")
    beside = path.parent
    if swc is None:
        swc = _only_one(
            set(beside.glob("*.swc")),
            beside,
            "reconstruction (*.swc)",
            "swc= (--swc of `neurosim import`)",
        )
    folder = beside / "modfiles" if mod is None else Path(mod)
    if not folder.is_dir():
        raise AllenError(
            f"from_allen: there is no folder {folder}; put the MOD files that came with the model "
            "there, or give their folder: mod= (--mod of `neurosim import`)"
        )
    return path, Path(swc), folder


def _only_one(found: set[Path], folder: Path, what: str, give: str) -> Path:
    if len(found) != 1:
        names = ", ".join(sorted(one.name for one in found)) or "none"
        raise AllenError(f"from_allen: {folder} holds no single {what}: {names}; give {give}")
    return found.pop()


def _cable(values: Mapping[str, float]) -> Cable:
    return Cable(C_m=values["cm"] * uF / cm**2, R_a=values["Ra"] * ohm * cm)


def _with_mechanism(
    neuron: Neuron, told: AllenFit, mechanism: str, folder: Path, sections: Mapping[str, str]
) -> Neuron:
    """Return the neuron with a mechanism on the sections that the file gives it to."""
    path = _mod_file(mechanism, folder)
    if path is None:
        raise AllenError(
            f"from_allen: {told.source} names the mechanism {mechanism}, and no MOD file in "
            f"{folder} has SUFFIX {mechanism}; put it there, or give the folder that has it: mod= "
            "(--mod of `neurosim import`)"
        )
    part, kind = read_part(path), from_mod(path)
    if not issubclass(kind, Channel | IonPool):
        raise AllenError(
            f"from_allen: {told.source} covers sections with {mechanism}, and {path.name} is a "
            "POINT_PROCESS"
        )
    in_file = {here: there for there, here in part.names.items()}
    fields = {in_file.get(one.name, one.name): one for one in part.fields}
    for section, given in told.mechanisms[mechanism].items():
        if section not in sections:
            continue
        values: dict[str, Any] = {}
        for name, number in {**_reversals(told, section, mechanism, fields), **given}.items():
            if name not in fields:
                raise AllenError(
                    f"from_allen: {told.source} gives {name} of {mechanism} in {section}, and no "
                    f"formula of {path.name} uses such a parameter: {suggest(name, fields)}"
                )
            values[fields[name].name] = Quantity(number * unit_of(fields[name].unit))
        neuron = neuron.paint(kind(**values, name=mechanism), tagged(sections[section]))
    return neuron


def _mod_file(mechanism: str, folder: Path) -> Path | None:
    """Return the MOD file of a mechanism, None where there is none."""
    wanted = re.compile(rf"\b(?:SUFFIX|POINT_PROCESS)\s+{re.escape(mechanism)}\b")
    files = sorted(folder.glob("*.mod"))
    return next((f for f in files if wanted.search(f.read_text(errors="replace"))), None)


def _reversals(
    told: AllenFit, section: str, mechanism: str, fields: Mapping[str, Any]
) -> dict[str, float]:
    """Return the reversal potentials that a mechanism reads."""
    found = {}
    for name in ("ek", "ena"):
        if name not in fields:
            continue
        if name not in told.reversal.get(section, {}):
            raise AllenError(
                f"from_allen: {told.source} puts {mechanism}, which reads {name}, into {section}, "
                "and erev in its conditions does not give it there"
            )
        found[name] = told.reversal[section][name]
    return found
