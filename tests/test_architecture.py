"""The laws of the house that a machine can check."""

import ast
import subprocess
import sys
import tomllib
from collections import defaultdict
from functools import cache
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
FLOORS = tomllib.loads((ROOT / "docs" / "floors.toml").read_text())
MOST_MODULES = 16
# Bins of parts, one a file: as many files as there are parts.
BINS = {
    "neurosim/catalogue",
    "neurosim/channels",
    "neurosim/synapses",
    "experiments/gallery/networks",
    "experiments/gallery/neurons",
    "experiments/gallery/units",
}
# Names that more than one module may bear, each with its reason.
SHARED_NAMES = {
    "atlas": "the function, and the command that calls it",
    "base": "what every part of a bin shares stands in the bin's own base",
    "errors": "each package and room that has kinds of errors of its own",
    "atomic_write": "neurosim and ann know nothing of each other",
    "display": "neurosim and ann know nothing of each other",
    "graph": "neurosim and ann know nothing of each other",
    "losses": "of runs of neurons, and of networks; neurosim and ann know nothing of each other",
    "hodgkin_huxley": "the channels, and the neuron made of them",
    "traub_miles": "the channels, and the neuron made of them",
    "lif": "the neuron, and the unit named after it",
    "execute": "the two engines have the same joints",
    "inputs": "the two engines have the same joints",
    "model": "the two engines have the same joints",
    "source": "the two engines have the same joints",
    "convert": "the function, and the command that calls it",
}


def _modules():
    """Every module of the four packages: dotted name to path; a package by its own name."""
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


# Read by the worker that runs these tests, not by every one that collects them.
@cache
def _trees():
    return {module: ast.parse(path.read_text()) for module, path in MODULES.items()}


def _imports(module):
    """Names of modules that a module imports, anywhere in it, types included."""
    for node in ast.walk(_trees()[module]):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative imports hide where a thing stands"
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if whole in MODULES else node.module


@cache
def _graph():
    return {
        module: {name for name in _imports(module) if name in MODULES} - {module}
        for module in MODULES
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_down_between_packages(package):
    forbidden = set(PACKAGES) - MAY_IMPORT[package] - {package}
    if package == "ann":
        forbidden.add("brian2")
    wrong = [
        f"{module} imports {name}"
        for module in MODULES
        if module.split(".")[0] == package
        for name in _imports(module)
        if name.split(".")[0] in forbidden
    ]
    assert not wrong


def _floor(module):
    """Number of the floor a module stands on, from the top; None for a package's own front."""
    package, _, rest = module.partition(".")
    best = None
    for number, floor in enumerate(FLOORS[package]):
        for name in floor:
            if (rest == name or rest.startswith(name + ".")) and (
                best is None or len(name) > len(best[1])
            ):
                best = (number, name)
    return best


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_down_between_floors(package):
    wrong = []
    for module, imported in _graph().items():
        if not module.startswith(package + "."):
            continue
        # A package within a package stands for what it offers, wherever that stands.
        here = _floor(module)
        if here is None:
            assert MODULES[module].name == "__init__.py", f"{module} stands on no floor"
            continue
        for name in imported:
            there = _floor(name) if name.startswith(package + ".") else None
            if there and there[1] != here[1] and there[0] <= here[0]:
                wrong.append(f"{module} ({here[1]}) imports {name} ({there[1]})")
            if name == package:
                wrong.append(f"{module} imports the front of its own package")
    assert not wrong, "\n".join(wrong)


def test_every_floor_is_furnished():
    for package, floors in FLOORS.items():
        for name in (name for floor in floors for name in floor):
            assert f"{package}.{name}" in MODULES, f"floors.toml names {package}.{name}"


def _circles(graph):
    """Sets of modules that reach each other (Tarjan 1972, SIAM J. Comput. 1:146)."""
    number, low, stack, found = {}, {}, [], []

    def visit(module):
        number[module] = low[module] = len(number)
        stack.append(module)
        for name in graph[module]:
            if name not in number:
                visit(name)
                low[module] = min(low[module], low[name])
            elif name in stack:
                low[module] = min(low[module], number[name])
        if low[module] == number[module]:
            at = stack.index(module)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for module in graph:
        if module not in number:
            visit(module)
    return [group for group in found if len(group) > 1]


def test_no_modules_import_each_other_in_a_circle():
    """Types included, imports within functions included, the fronts of packages included."""
    assert _circles(_graph()) == []


def test_a_circle_would_be_found():
    assert _circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_folders_have_at_most_sixteen_modules():
    sizes = defaultdict(int)
    for path in MODULES.values():
        if path.name != "__init__.py":
            sizes[str(path.parent.relative_to(ROOT))] += 1
    wide = {folder: n for folder, n in sizes.items() if n > MOST_MODULES and folder not in BINS}
    assert not wide


def test_no_two_modules_have_one_name():
    places = defaultdict(list)
    for module, path in MODULES.items():
        if path.name != "__init__.py":
            places[path.stem].append(module)
    double = {name for name, found in places.items() if len(found) > 1}
    assert not {name: places[name] for name in double - set(SHARED_NAMES)}
    assert double >= set(SHARED_NAMES), "a name is listed that only one module bears"


def test_no_folder_or_module_hides_a_public_function():
    """`from bridge import convert` is the function, whatever was imported before it."""
    program = (
        "import importlib, pkgutil, types\n"
        "packages = [importlib.import_module(p) for p in ('neurosim', 'ann', 'bridge')]\n"
        "for package in packages:\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "offered = [(p.__name__, n, getattr(p, n)) for p in packages for n in p.__all__]\n"
        "hidden = [f'{p}.{n}' for p, n, it in offered if isinstance(it, types.ModuleType)]\n"
        "raise SystemExit(', '.join(hidden) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


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
    missing = [module for module, tree in _trees().items() if not ast.get_docstring(tree)]
    assert not missing


def test_the_drawing_of_the_floors_is_that_of_today():
    """`python docs/draw_floors.py` draws the floors into docs/architecture.md."""
    done = subprocess.run(
        [sys.executable, "docs/draw_floors.py", "--check"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
