"""Fixtures of the tests of neurons."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest


@pytest.fixture
def brian() -> Iterator[ModuleType]:
    """Brian2 with its NumPy target and a scope of its own."""
    import brian2

    kept = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    brian2.start_scope()
    yield brian2
    brian2.prefs.codegen.target = kept
