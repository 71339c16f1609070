"""A store on a disk that is full or read-only, and two drivers on one store."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from sweeps import contents, run

from experiments.sweep.chunk_store import ChunkStore
from experiments.sweep.errors import StoreBusyError

pytest.importorskip("zarr", reason="needs the extra 'sweep'")

HERE = Path(__file__).resolve().parent
# Blocks of 4 kB: room for a few chunks of eleven files and folders, but not for all of them.
SMALL, LARGE = "size=100k", "size=20m"


@cache
def may_mount():
    """Whether this user may have a file system of its own, in a namespace of its own."""
    word = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "mount",
        "-t",
        "tmpfs",
        "none",
        "/mnt",
    ]
    try:
        return subprocess.run(word, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def on_a_disk(folder, program):
    """Run a program that finds a small disk mounted at a folder, which it may mount anew."""
    folder.mkdir()
    start = (
        "import subprocess\n"
        "from pathlib import Path\n"
        "from sweeps import *\n"
        "from experiments.sweep.chunk_store import ChunkStore\n"
        "from experiments.sweep.errors import SweepStoreError\n"
        "from experiments.sweep.run_sweep import Prepared\n"
        "from experiments.sweep.stored_rows import open_sweep, status, verify\n"
        f"DISK = Path({str(folder)!r})\n"
        "def mount(options, *more):\n"
        "    subprocess.run(['mount', *more, '-o', options, 'none', DISK], check=True)\n"
        "def refused(out, **more):\n"
        "    try:\n"
        "        run(out, **more)\n"
        "    except SweepStoreError as error:\n"
        "        return str(error)\n"
        "    raise AssertionError('the sweep went through')\n"
        f"mount({SMALL!r}, '-t', 'tmpfs')\n"
    )
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", start + program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not may_mount(), reason="this user may not mount a file system")
def test_a_disk_that_is_really_full(tmp_path):
    """It is named, what was written stays, and with more room the data are the same bytes."""
    done = on_a_disk(
        tmp_path / "disk",
        "said = refused(DISK / 's', jobs=1)\n"
        "assert 'No space left on device' in said and 'resumes' in said, said\n"
        "kept = ChunkStore(DISK / 's').names()\n"
        "assert 0 < len(kept) < 5, kept\n"
        f"mount('remount,{LARGE}')\n"
        "computed = []\n"
        "whole = run(DISK / 's', resume=True, progress=lambda p: computed.append(p.computed))\n"
        "assert computed[-1] == 24 - 5 * len(kept), computed\n"
        f"assert whole.equals(run({str(tmp_path / 't')!r}))\n"
        f"assert contents(DISK / 's') == contents({str(tmp_path / 't')!r})\n"
        "assert not list((DISK / 's').glob('.writing-*'))\n",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not may_mount(), reason="this user may not mount a file system")
def test_a_disk_that_is_really_read_only(tmp_path):
    """Nothing is computed into it, and everything can be read of it."""
    done = on_a_disk(
        tmp_path / "disk",
        f"mount('remount,{LARGE}')\n"
        "half = run(DISK / 's', GRID.where('repeat < 2'))\n"
        "before = contents(DISK / 's')\n"
        "mount('remount,ro')\n"
        "said = refused(DISK / 's', resume=True)\n"
        "assert 'Read-only file system' in said and str(DISK / 's') in said, said\n"
        "said = refused(DISK / 'other')\n"
        "assert 'Read-only file system' in said, said\n"
        "measures = ['count', 'first_spike']\n"
        "prepared = Prepared.of(NOISY, GRID, measures, DISK / 's', 7, chunk_rows=5)\n"
        "assert status(prepared).done == 12\n"
        "assert int(open_sweep(prepared)['count'].notnull().sum()) == 12\n"
        "assert verify(prepared, rows=3).ok\n"
        "mount('remount,rw')\n"
        "assert contents(DISK / 's') == before\n"
        "whole = run(DISK / 's', resume=True)\n"
        f"assert whole.equals(run({str(tmp_path / 't')!r}))\n",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a second driver")
def test_a_second_driver_is_refused_and_the_first_goes_on(tmp_path):
    """Both are sweeps; the second starts when the first has written a chunk."""
    refused = []

    def start_another(progress):
        if not refused:
            # A file lock is held by one process: the second driver must be another one.
            child = os.fork()
            if not child:
                code = 1
                try:
                    run(tmp_path / "s", resume=True)
                except StoreBusyError:
                    code = 0
                finally:
                    os._exit(code)
            refused.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    whole = run(tmp_path / "s", progress=start_another)
    assert refused == [0]
    assert whole.equals(run(tmp_path / "t"))
    assert contents(tmp_path / "s") == contents(tmp_path / "t")
    assert len(ChunkStore(tmp_path / "s").names()) == 5
