"""Every example of CONTRIBUTING.md is a change that works: its file imports, its test passes."""

import importlib
import re
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def _examples():
    """One example a heading `Add ...`: the files it adds, and its tests."""
    found = {}
    for section in PAGE.split("\n## Add ")[1:]:
        blocks = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
        files = dict(
            re.match(r"# file: (\S+)\n(.*)", b, re.DOTALL).groups()
            for b in blocks
            if b.startswith("# file: ")
        )
        found[section.splitlines()[0]] = (files, [b for b in blocks if b.startswith("# test\n")])
    return found


EXAMPLES = _examples()


@pytest.fixture
def add_files(tmp_path, monkeypatch):
    """Make files importable as modules of the packages they would stand in."""
    added = []

    def add(files):
        for name, content in files.items():
            place = tmp_path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, encoding="utf-8")
            package = importlib.import_module(".".join(Path(name).parent.parts))
            monkeypatch.setattr(package, "__path__", [*package.__path__, str(place.parent)])
            added.append(".".join(Path(name).with_suffix("").parts))

    yield add
    for module in added:
        sys.modules.pop(module, None)


def test_there_is_an_example_of_each_kind():
    kinds = {"a channel", "a receptor", "a stimulus", "a unit", "an experiment", "a command"}
    assert set(EXAMPLES) == kinds
    assert all(files and tests for files, tests in EXAMPLES.values())


@pytest.mark.slow
@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_example_works(kind, add_files):
    files, tests = EXAMPLES[kind]
    add_files(files)
    ran = 0
    for text in tests:
        names = {"__name__": "example"}
        exec(compile(text, f"CONTRIBUTING.md: {kind}", "exec"), names)
        for name, function in list(names.items()):
            if name.startswith("test_"):
                function()
                ran += 1
    assert ran


def test_places_it_names_are_there():
    """Every folder and file in backticks that belongs to the project exists."""
    root = Path(__file__).resolve().parents[1]
    outside = "\n".join(re.split(r"```.*?```", PAGE, flags=re.DOTALL))
    named = set(re.findall(r"`((?:neurosim|ann|bridge|experiments|docs|tests)/[\w/.]*)`", outside))
    assert len(named) >= 35
    assert not {name for name in named if not (root / name).exists()}


def test_pre_commit_runs_what_continuous_integration_runs():
    root = Path(__file__).resolve().parents[1]
    hooks = re.findall(r"entry: (.*)", (root / ".pre-commit-config.yaml").read_text())
    assert hooks == ["ruff format --check .", "ruff check .", "mypy"]
    lines = (root / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if line in hooks] == hooks
