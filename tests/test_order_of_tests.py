"""Modules of tests that take longest start first, so that no worker waits long for another."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture
def shared(request):
    return request.config.pluginmanager.get_plugin(str(HERE / "conftest.py"))


def test_longest_first_by_what_is_run(shared, tmp_path, monkeypatch):
    """A module with minutes of slow tests comes last where only its quick ones are run."""
    table = tmp_path / "durations.txt"
    table.write_text("300 slow a.py\n20 default b.py\n9 default c.py\n")
    monkeypatch.setattr(shared, "SECONDS", table)

    def order(*items):
        items = [SimpleNamespace(nodeid=name, keywords={mark}) for name, mark in items]
        shared.pytest_collection_modifyitems(items)
        return [item.nodeid for item in items]

    quick = [("a.py::one", ""), ("c.py::one", ""), ("d.py::one", ""), ("b.py::one", "")]
    assert order(*quick) == ["b.py::one", "c.py::one", "a.py::one", "d.py::one"]
    # A module stays together, in its own order.
    mixed = [*quick, ("a.py::two", "slow")]
    assert order(*mixed)[:3] == ["a.py::one", "a.py::two", "b.py::one"]


def test_workers_keep_that_order(request):
    assert request.config.getoption("loadscopereorder", False) is False


def test_every_module_of_the_table_is_there(shared):
    parts = shared.kept_seconds()
    assert {kind for kind, _ in parts} == {"slow", "default"}
    assert not [module for _, module in parts if not (HERE.parent / module).is_file()]
