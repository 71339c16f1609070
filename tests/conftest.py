"""Fixtures every test folder shares."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
#: Recordings, reconstructions and tables of others, which do not ship with the project.
REAL_DATA = Path(os.environ.get("NEUROSIM_SHARED", HERE.parents[1] / "shared")) / "data"


#: Seed of the experiments where there is no commit, as in an unpacked archive.
FALLBACK_SEED = 20_251


def commit_seed(root: Path = HERE) -> int:
    """Return a seed below 2**28 that nobody chose: it is that of the commit checked out."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True
        )
        return int(done.stdout.strip()[:7], 16)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return FALLBACK_SEED


def pytest_configure() -> None:
    """Import Brian2 in the main thread.

    The process that hands tests to workers reads their warnings in another thread; a warning class
    of ours would import Brian2 there, which may set its signal handler in the main thread only.
    """
    import brian2  # noqa: F401


def pytest_report_header() -> str:
    """Say at which seed the claims of a few experiments are tried."""
    return f"seed from the commit: {commit_seed()}"


@pytest.fixture(scope="session")
def seed_of_commit() -> int:
    """A seed for experiments, from the commit."""
    return commit_seed()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings, images and tables; skips where they are absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"real data not found at {REAL_DATA} (set NEUROSIM_SHARED to its parent)")
    return REAL_DATA


@pytest.fixture(scope="session")
def shared_targets() -> Path:
    """Acceptance problems with their reference values, see `tests/targets/README.md`."""
    return HERE / "targets"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where real data are absent, a test that runs once a file is skipped once, not once a file."""
    if REAL_DATA.is_dir():
        return
    seen: set[str] = set()
    kept = []
    for item in items:
        name = item.nodeid.partition("[")[0]
        if "shared_data" not in getattr(item, "fixturenames", ()) or name not in seen:
            kept.append(item)
        if "shared_data" in getattr(item, "fixturenames", ()):
            seen.add(name)
    items[:] = kept


#: How arrays are printed before any test module imports a package that sets it, as pyABF does.
PRINTED = np.get_printoptions()


@pytest.fixture(autouse=True)
def _prints_as_by_default() -> Iterator[None]:
    """A test prints arrays as by default, and leaves their printing as it was."""
    with np.printoptions(**PRINTED):
        yield
