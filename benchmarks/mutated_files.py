"""Change files at random, and see that each reader gives a right answer or an error of ours.

Every public reader gets files that were cut, overwritten, shuffled or filled with odd words. For
each the reader must give a result or raise one of our errors, within 20 s and 1 GB. Files with a
checksum (models, checkpoints, reductions, converted networks) must in addition come back exactly
as they were written, or be refused.

    python benchmarks/mutated_files.py --mutants 2500 --seed 0

The same seed gives the same files. A file that was answered wrongly is kept, and named.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# A script finds what stands beside it; a test that runs this file does not.
sys.path.insert(0, str(Path(__file__).parent))

from mutated_readers import READERS, Reader

MOST_SECONDS = 20
MOST_BYTES = 1_000_000_000
_WORDS = (
    "1e400", "-1e400", "nan", "NaN", "inf", "", " ", "-1", "0", "1e30", "9" * 5000, "1,5", "null",
    "true", "[]", "{}", '"', "[" * 20000, "x" * 3000, "\\u0000", "1e-400", "0x10", "--", "1_000",
    "-9223372036854775809", "é", ",", ";", "\\t", "\\n", "\\r", "#", "'" * 40, "[1, 2", '{"a": ',
)  # fmt: skip
_BYTES = (
    b"\0", b"\xff", b"\0" * 8, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x80",
    b"\xff\xff\xff\x7f", b"\0\0\xc0\x7f", b"\0\0\0\0\0\0\xf8\x7f", b"\x01", b"\x02", b"\x7f",
)  # fmt: skip


def changed(content: bytes, chance: random.Random, *, text: bool) -> bytes:
    """Return a file with one to four changes."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        size = max(len(content), 1)
        # Beginnings hold sizes and kinds, so that they are changed more often.
        place = (
            chance.randrange(size) if chance.random() < 0.5 else chance.randrange(min(size, 600))
        )
        other = chance.randrange(size)
        length = chance.choice((1, 2, 4, 8, 64, 512))
        way = chance.randrange(8)
        if text and way < 4:
            content = _odd_word(content, chance)
        elif way == 0:
            content = content[:place]
        elif way == 1:
            content = content[:place] + content[place + length :]
        elif way == 2:
            content = content[:place] + content[other : other + length] + content[place:]
        elif way == 3:
            piece = chance.choice(_BYTES)
            content = content[:place] + piece + content[place + len(piece) :]
        elif way == 4:
            content = content[:place] + chance.randbytes(length) + content[place + length :]
        elif way == 5 and content:
            bit = bytes([content[place] ^ 1 << chance.randrange(8)])
            content = content[:place] + bit + content[place + 1 :]
        elif way == 6:
            content = content[:place] + chance.choice(_BYTES) + content[place:]
        else:
            content = (
                content[other:] + content[:other] if chance.random() < 0.2 else content + b"\0"
            )
    return content


def _odd_word(content: bytes, chance: random.Random) -> bytes:
    """Put an odd word in the place of one."""
    words = []
    start = None
    for k, letter in enumerate(content):
        inside = letter > 32 and letter not in b',;:[]{}"'
        if inside and start is None:
            start = k
        if not inside and start is not None:
            words.append((start, k))
            start = None
    first, last = chance.choice(words) if words else (0, 0)
    return content[:first] + chance.choice(_WORDS).encode() + content[last:]


@contextlib.contextmanager
def _bounds() -> Iterator[None]:
    """Raise TimeoutError after the seconds, and MemoryError beyond the bytes, that are allowed."""

    def late(*_: Any) -> None:
        raise TimeoutError(f"more than {MOST_SECONDS} s")

    pages = (
        int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self").exists() else 0
    )
    old = resource.getrlimit(resource.RLIMIT_AS)
    if pages:
        resource.setrlimit(
            resource.RLIMIT_AS, (pages * resource.getpagesize() + MOST_BYTES, old[1])
        )
    signal.signal(signal.SIGALRM, late)
    # Of processor time, so that a busy machine does not decide.
    signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, old)


def judge(reader: Reader, path: Path, right: Any) -> str:
    """Return ``"same"``, ``"other"`` or ``"refused"``, or what was wrong."""
    from ann.errors import AnnError
    from neurosim.errors import NeurosimError

    try:
        with _bounds(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = reader.read(path)
    except (NeurosimError, AnnError):
        return "refused"
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)
        ours = [
            f"{Path(f.filename).name}:{f.lineno}"
            for f in where
            if "site-packages" not in f.filename
        ]
        return f"{type(error).__name__}: {str(error)[:120]} (at {', '.join(ours[-3:])})"
    if answer == right:
        return "same"
    return f"a silent change: {str(answer)[:80]}" if reader.exact else "other"


def main() -> int:
    """Change files, and print how each reader answered; the status says if anything was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mutants", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", nargs="+", help="parts of their names")
    parser.add_argument("--keep", type=Path, help="folder for files that were answered wrongly")
    chosen = parser.parse_args()
    readers = [r for r in READERS if not chosen.readers or any(p in r.name for p in chosen.readers)]
    faults = 0
    print(f"{'reader':28}{'refused':>9}{'same':>7}{'other':>7}{'wrong':>7}{'slowest':>9}")
    with tempfile.TemporaryDirectory() as name:
        for number, reader in enumerate(readers):
            many = len(range(number, chosen.mutants, len(readers)))
            faults += _try(reader, many, chosen.seed, Path(name), chosen.keep)
    print(f"{chosen.mutants} files, {faults} answered wrongly")
    return 1 if faults else 0


def _try(reader: Reader, many: int, seed: int, folder: Path, keep: Path | None) -> int:
    chance = random.Random(f"{seed} {reader.name}")
    place = folder / reader.name
    place.mkdir()
    path = place / f"file{reader.ending}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader.write(path)
        whole = path.read_bytes()
        right = reader.read(path)
    found: dict[str, int] = {"refused": 0, "same": 0, "other": 0}
    wrong, slowest = 0, 0.0
    for k in range(many):
        path.write_bytes(changed(whole, chance, text=reader.text))
        began = time.process_time()
        said = judge(reader, path, right)
        slowest = max(slowest, time.process_time() - began)
        if said in found:
            found[said] += 1
            continue
        wrong += 1
        print(f"  {reader.name}, file {k}: {said}", flush=True)
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, keep / f"{reader.name} {k}{reader.ending}")
    print(f"{reader.name:28}{found['refused']:9}{found['same']:7}{found['other']:7}{wrong:7}"
          f"{slowest:8.1f}s", flush=True)  # fmt: skip
    shutil.rmtree(place)
    return wrong


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.exit(main())
