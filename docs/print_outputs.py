"""Write what commands print into the pages that show it.

python docs/print_outputs.py                    run every command and write its output
python docs/print_outputs.py --check            say which output is not that of today
python docs/print_outputs.py --check README.md  only that page; more words: only commands with them

A page marks an output by two comments around a fenced block:

    <!-- printed by: neurosim unit LIF | lines 1-3 -->
    (the fenced block)
    <!-- printed: end -->

A command is one of `neurosim`, or ``this page``: the Python blocks of the page up to there, as one
session. After ``|`` stands which lines are shown: ``lines 2-5``, or ``lines with WORDS``.

Figures that a page shows of a command are written from the same run (`FIGURES`).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(
    r"<!-- printed by: (?P<command>[^\n]*?) -->\n```text\n(?P<text>.*?)```\n<!-- printed: end -->",
    re.DOTALL,
)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
SESSION = "this page"
FIGURES = {
    "neurosim compare": tuple(
        f"neurosim-report/{name}.png" for name in ("neuron", "units", "accuracy")
    )
}
"""Files that a command writes and that docs/figures shows."""
# A network that is trained ends a little differently with each set of OpenBLAS's routines, which
# are chosen by the processor: with those for AVX-512 README's networks read 97.7 %, not 98.0.
# What stands on a page, and is compared with it, is what the routines for AVX2 give everywhere.
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "OPENBLAS_CORETYPE": "Haswell", "MPLBACKEND": "Agg"}


@dataclass(frozen=True)
class Printed:
    """One output in a page: the command, which of its lines, and the text that stands there."""

    page: Path
    command: str
    lines: str
    text: str
    start: int

    @property
    def label(self) -> str:
        """The command with its page, as a test or a message names it."""
        return f"{self.page.name}: {self.command}"


def outputs(page: Path) -> Iterator[Printed]:
    """Give the outputs that a page shows, from its top."""
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        command, _, lines = (part.strip() for part in found["command"].partition("|"))
        yield Printed(page, command, lines, found["text"], found.start("text"))


def printed_now(one: Printed, figures: Path | None = None) -> str:
    """Run the command and return the lines that the page shows; put its figures into a folder."""
    said = _session(one) if one.command == SESSION else _run(one.command, figures)
    return chosen_lines(said, one.lines)


def chosen_lines(said: str, wish: str) -> str:
    """Return the wished lines of a text, without spaces at their ends.

    Examples
    --------
    >>> chosen_lines("a 1\\nb 2\\nc 3\\n", "lines 2-3")
    'b 2\\nc 3\\n'
    >>> chosen_lines("a 1\\nb 2\\n", "lines with b")
    'b 2\\n'
    """
    lines = [line.rstrip() for line in said.strip("\n").split("\n")]
    span = re.fullmatch(r"lines (\d+)-(\d+)", wish)
    words = re.fullmatch(r"lines with (.+)", wish)
    if span:
        lines = lines[int(span[1]) - 1 : int(span[2])]
    elif words:
        lines = [line for line in lines if any(one.strip() in line for one in words[1].split(","))]
    elif wish:
        raise ValueError(f"{wish!r}: say 'lines 2-5' or 'lines with WORDS, WORDS'")
    return "\n".join(lines).strip("\n") + "\n"


def _run(command: str, figures: Path | None) -> str:
    program, *words = shlex.split(command)
    if program != "neurosim":
        raise ValueError(f"{command!r}: only neurosim is run from a page")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "experiments.command.main", *words],
            cwd=folder,
            env=os.environ | ENVIRONMENT | {"COLUMNS": "100"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        for file in FIGURES.get(command, ()) if figures is not None else ():
            shutil.copyfile(Path(folder) / file, figures / Path(file).name)
    return done.stdout


def _session(one: Printed) -> str:
    """Return what the Python blocks print between the output before this one and this one."""
    page = one.page.read_text(encoding="utf-8")
    earlier = [
        found.start("text")
        for found in BLOCK.finditer(page)
        if found["command"].startswith(SESSION)
    ]
    last = max((start for start in earlier if start < one.start), default=0)
    return "".join(said for start, said in _run_blocks(page) if last <= start < one.start)


@cache
def _run_blocks(page: str) -> list[tuple[int, str]]:
    """Run the Python blocks of a page as one session: where each starts, and what it prints."""
    done = subprocess.run(
        [sys.executable, __file__, "--session"],
        env=os.environ | ENVIRONMENT,
        input=page,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [(start, said) for start, said in json.loads(done.stdout)]


def _session_of(page: str) -> list[tuple[int, str]]:
    names: dict[str, object] = {"__name__": "page"}
    told = []
    for block in PYTHON.finditer(page):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(block[1], "page", "exec", dont_inherit=True), names)
        told.append((block.start(), said.getvalue()))
    return told


def _write(page: Path, news: dict[int, str]) -> None:
    """Put new texts in the place of outputs, by their number on the page."""
    text = page.read_text(encoding="utf-8")
    shown = list(outputs(page))
    # From the end, so that what stands above keeps its place.
    for number in sorted(news, reverse=True):
        one = shown[number]
        text = text[: one.start] + news[number] + text[one.start + len(one.text) :]
    page.write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Write or check; return the exit status."""
    if arguments == ["--session"]:
        print(json.dumps(_session_of(sys.stdin.read())))
        return 0
    check = "--check" in arguments
    wanted = [word for word in arguments if word != "--check"]
    stale = 0
    for page in PAGES:
        news: dict[int, str] = {}
        for number, one in enumerate(outputs(page)):
            if wanted and not any(word in one.label for word in wanted):
                continue
            now = printed_now(one, None if check else ROOT / "docs" / "figures")
            if now == one.text:
                continue
            stale += 1
            print(f"{one.label}: not what is printed today" + ("" if check else "; written anew"))
            if check:
                print(now)
            news[number] = now
        if not check:
            _write(page, news)
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
