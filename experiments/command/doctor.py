"""`neurosim doctor`: what works on this machine, and what to do about what does not."""

from __future__ import annotations

import os
import platform
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from experiments.command.console import console

__all__ = ["Finding", "doctor_command", "examine"]

PACKAGES = ("neurosim", "ann", "bridge", "experiments")
# As in neurosim/errors.py, which cannot be asked when another `neurosim` is imported.
DISTRIBUTION = "neurosim-bridge"


def doctor_command(
    clear_cache: Annotated[
        bool,
        typer.Option("--clear-cache", help="Delete every compiled model and stored result first."),
    ] = False,
) -> None:
    """Say what works on this machine, and what to do about what does not."""
    from rich.markup import escape
    from rich.table import Table

    if clear_cache:
        from experiments.kit.store import Store, store_folder
        from neurosim.engine.programs import cache

        results = Store(store_folder()).clear()
        console().print(
            f"deleted {cache.clear_cache()} compiled models and {results} stored results"
        )
    findings = examine()
    table = Table("", "", "", box=None, show_header=False)
    colours = {"ok": "green", "note": "yellow", "broken": "red"}
    for finding in findings:
        found = finding.found + (f"\n-> {finding.remedy}" if finding.remedy else "")
        # Extras stand in square brackets, which would be taken for markup.
        state = f"[{colours[finding.state]}]{finding.state}[/]"
        table.add_row(state, finding.what, escape(found))
    console().print(table)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes
    ----------
    what : str
        What was looked at.
    state : {"ok", "note", "broken"}
        Whether it works, works but could be better, or does not work.
    found : str
        What was found.
    remedy : str
        What to do; empty when nothing needs doing.
    """

    what: str
    state: str
    found: str
    remedy: str = ""


def _shadowed() -> list[Finding]:
    """Find packages that bear one of our names: imported instead of ours, or installed beside."""
    here = Path(__file__).resolve().parents[2]
    installed = packages_distributions()
    found = []
    for name in PACKAGES:
        spec = find_spec(name)
        places = [Path(p).resolve() for p in (spec and spec.submodule_search_locations) or ()]
        others = sorted({d for d in installed.get(name, ()) if _plain_name(d) != DISTRIBUTION})
        by = f", installed by {', '.join(others)}" if others else ""
        again = f"python -m pip install --force-reinstall {DISTRIBUTION}"
        if others:
            again = f"python -m pip uninstall {' '.join(others)}; {again}"
        if here / name not in places:
            where = ", ".join(map(str, places)) or "nowhere"
            what = f"`import {name}` finds {where}{by}, not {here / name}"
            found.append(Finding(f"package {name}", "broken", what, again))
        elif others:
            what = f"{', '.join(others)} has installed another package of this name"
            found.append(Finding(f"package {name}", "note", what, again))
    return found or [Finding("packages", "ok", f"{', '.join(PACKAGES)} in {here}")]


def _plain_name(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


# What each look finds: how it stands, what was found, and what to do.
Look = tuple[str, str] | tuple[str, str, str]


def _compiler() -> Look:
    from neurosim.engine.programs.compiler import find_compiler

    compiler = find_compiler()
    if compiler is None:
        remedy = (
            "install one (Debian/Ubuntu: apt install g++; macOS: xcode-select --install), "
            "or name it in the environment variable CXX"
        )
        return "note", "none found; runs use NumPy and take longer", remedy
    return "ok", f"{compiler.path}: {compiler.version}"


def _numpy_with_brian2() -> Look:
    from neurosim.run.recording import versions

    found = versions()
    brian2 = tuple(int(part) for part in found["brian2"].split(".")[:2])
    numpy = tuple(int(part) for part in found["numpy"].split(".")[:2])
    text = f"Brian2 {found['brian2']}, NumPy {found['numpy']}"
    if brian2 <= (2, 9) and numpy >= (2, 4):
        found_wrong = f"{text}: Brian2 2.9 does not work with NumPy 2.4 or newer"
        return "broken", found_wrong, 'python -m pip install "numpy<2.4"'
    return "ok", text


def _cache() -> Look:
    from neurosim.engine.programs.cache import cache_folder, cache_state

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        remedy = "set the environment variable NEUROSIM_CACHE to a folder that can"
        return "broken", f"{folder} cannot be written ({error.strerror})", remedy
    state = cache_state()
    return "ok", f"{state.folder}: {state.models} compiled models, {state.bytes / 1e6:.1f} MB"


def _run() -> Look:
    import numpy as np
    from brian2.units import pA, second

    from neurosim import LIF, Constant, simulate
    from neurosim.errors import NeurosimError

    try:
        recording = simulate(LIF(), 1 * second, stimulus=Constant(200 * pA))
    except NeurosimError as error:
        return "broken", str(error), "see the lines above"
    rate = float(np.asarray(recording.interval_rate())[0])
    expected = 1 / (2e-3 + 20e-3 * np.log(4))
    said = f"LIF at 200 pA fires {rate:.2f} Hz ({expected:.2f} expected)"
    state = "ok" if abs(rate / expected - 1) < 0.01 else "broken"
    return state, f"{said}, engine {recording.engine}"


def _extras() -> Look:
    from neurosim.errors import install_command

    wanted = ("neo", "xarray")
    missing = [name for name in wanted if find_spec(name) is None]
    if missing:
        return "note", f"not installed: {', '.join(missing)}", install_command(*missing)
    return "ok", f"{', '.join(wanted)} installed"


LOOKS: dict[str, Callable[[], Look]] = {
    # An older Python than 3.11 cannot import this command.
    "Python": lambda: (
        "ok",
        f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    ),
    "Brian2 and NumPy": _numpy_with_brian2,
    "processor cores": lambda: ("ok", f"{os.cpu_count()} (used by --jobs)"),
    "C++ compiler": _compiler,
    "model cache": _cache,
    "temporary folder": lambda: ("ok", str(Path(tempfile.gettempdir()))),
    "optional extras": _extras,
    "a test run": _run,
}


def examine() -> list[Finding]:
    """Look at everything a run depends on, ending with a real run.

    If another package is imported in the place of one of ours, nothing else is looked at.
    """
    packages = _shadowed()
    if any(finding.state == "broken" for finding in packages):
        return packages
    return [*packages, *(Finding(what, *look()) for what, look in LOOKS.items())]
