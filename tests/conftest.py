"""Fixtures every test folder shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest


def _shared() -> Path:
    """Folder with recordings, images and acceptance targets that do not ship with the project."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("NEUROSIM_SHARED", beside))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """`shared/data`: real recordings, images and tables; skips where they are absent."""
    folder = _shared() / "data"
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder} (set NEUROSIM_SHARED)")
    return folder


@pytest.fixture(scope="session")
def shared_targets() -> Path:
    """`shared/targets`: acceptance problems with reference values; skips where they are absent."""
    folder = _shared() / "targets"
    if not folder.is_dir():
        pytest.skip(f"acceptance targets not found at {folder} (set NEUROSIM_SHARED)")
    return folder


@pytest.fixture(autouse=True)
def _prints_as_by_default() -> Iterator[None]:
    """A test leaves the printing of arrays as it was; a package it imports may set it."""
    with np.printoptions():
        yield
