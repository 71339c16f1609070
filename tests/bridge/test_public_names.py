"""`from bridge import select` is the function, whatever was imported before."""

import subprocess
import sys
from pathlib import Path

import pytest

import bridge

ROOT = Path(bridge.__file__).parents[1]


def test_no_folder_or_module_bears_a_public_name():
    taken = {path.stem for path in (ROOT / "bridge").iterdir()}
    assert not taken & set(bridge.__all__)


@pytest.mark.slow
def test_public_functions_after_every_module_was_imported():
    program = """
import importlib, pkgutil, bridge
for module in pkgutil.walk_packages(bridge.__path__, "bridge."):
    importlib.import_module(module.name)
for name in ("select", "convert", "equivalent_unit", "fi_curve", "merge", "certify"):
    assert callable(getattr(bridge, name)), name
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert done.returncode == 0
