"""Fixtures every test folder shares."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Container, Iterator
from pathlib import Path

import numpy as np
import pytest

# Containers often say that no bytecode is kept. Then each worker compiles all tests and packages
# before its first test, which takes 12 s. While tests are collected it is kept, in __pycache__ as
# by default; what tests do is as it was asked for.
NO_BYTECODE = sys.dont_write_bytecode
sys.dont_write_bytecode = False

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


def pytest_configure(config: pytest.Config) -> None:
    """Import Brian2 in the main thread, and give each worker its share of the processors.

    The process that hands tests to workers reads their warnings in another thread; a warning class
    of ours would import Brian2 there, which may set its signal handler in the main thread only.

    Each worker would start as many threads for linear algebra as there are processors, and these
    spin while they wait for one that another worker has: judging tables took 21 s of processor time
    with two threads a worker and 8 s with one. Workers take the environment over from here.
    """
    import brian2  # noqa: F401

    workers = getattr(config.option, "numprocesses", None) or 1
    if workers > 1:
        threads = max(1, (os.cpu_count() or 1) // workers)
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))


def pytest_collection_finish() -> None:
    """Keep bytecode, or none, as it was asked for."""
    sys.dont_write_bytecode = NO_BYTECODE


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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the modules that take longest; skip once what is skipped for want of real data.

    A worker takes a module at a time. If one of minutes comes last, the others wait for it: of 48
    minutes of slow tests one of two workers waited 2 to 3.

    A test that runs once a file is skipped once, not once a file, where real data are absent.
    """
    known, seconds = kept_seconds(), Counter()
    for part in {part_of(item.nodeid, item.keywords) for item in items}:
        seconds[part[1]] += known.get(part, 0.0)
    items.sort(key=lambda item: -seconds[part_of(item.nodeid, item.keywords)[1]])
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


#: Seconds that the slow tests of a module took, and the others; those not there take less than 5 s.
SECONDS = HERE / "durations.txt"
_took: Counter[tuple[str, str]] = Counter()


def part_of(nodeid: str, keywords: Container[str]) -> tuple[str, str]:
    """Return whether a test is slow, and its module."""
    return "slow" if "slow" in keywords else "default", nodeid.partition("::")[0]


def kept_seconds() -> dict[tuple[str, str], float]:
    """Return how long the parts of modules took when `--keep-durations` was last given."""
    lines = (line.split() for line in SECONDS.read_text().splitlines())
    return {(kind, module): float(seconds) for seconds, kind, module in lines}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes how long each module took."""
    parser.addoption(
        "--keep-durations",
        action="store_true",
        help=f"write the seconds of the longest modules into {SECONDS.name}, which orders them",
    )


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up how long each module took, over all workers."""
    _took[part_of(report.nodeid, report.keywords)] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was asked for by `--keep-durations`, from the process that hears all workers."""
    if session.config.option.keep_durations and not hasattr(session.config, "workerinput"):
        longest = {**kept_seconds(), **_took}
        lines = sorted(((s, *part) for part, s in longest.items() if s >= 5), reverse=True)
        SECONDS.write_text("".join(f"{s:.0f} {kind} {module}\n" for s, kind, module in lines))


#: How arrays are printed before any test module imports a package that sets it, as pyABF does.
PRINTED = np.get_printoptions()


@pytest.fixture(autouse=True)
def _prints_as_by_default() -> Iterator[None]:
    """A test prints arrays as by default, and leaves their printing as it was."""
    with np.printoptions(**PRINTED):
        yield
