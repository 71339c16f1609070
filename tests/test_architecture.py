"""The laws of the house that a machine can check."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("neurosim", "ann", "bridge", "experiments")
# Which packages each may import; arrows point down only.
MAY_IMPORT = {
    "neurosim": set(),
    "ann": set(),
    "bridge": {"neurosim", "ann"},
    "experiments": {"neurosim", "ann", "bridge"},
}


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_down(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    forbidden = set(PACKAGES) - MAY_IMPORT[package] - {package}
    if package == "ann":
        forbidden.add("brian2")
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in _imports(path)
        if name in forbidden
    ]
    assert not wrong


def test_only_the_engine_knows_code_generation():
    wrong = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "neurosim").rglob("*.py")
        if "engine" not in path.parts
        and any(word in path.read_text() for word in ("set_device", "codegen", "NeuronGroup("))
    ]
    assert not wrong


@pytest.mark.parametrize("package", ["ann", "bridge.units"])
def test_importing_it_does_not_import_brian2(package):
    program = f"import sys, {package}; raise SystemExit('brian2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_every_module_opens_with_a_docstring_and_says_what_it_offers():
    missing = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not missing
