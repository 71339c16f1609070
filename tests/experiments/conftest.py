"""Fixtures of the tests of commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from commands import Commands


@pytest.fixture(scope="session")
def commands(tmp_path_factory) -> Iterator[Commands]:
    """Commands that are forked from one process; see `commands.Commands`."""
    found = Commands(tmp_path_factory.mktemp("commands"))
    yield found
    found.close()
