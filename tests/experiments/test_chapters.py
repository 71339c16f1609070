"""Each chapter has its parts, and each exercise a solution that the build checks.

The chapters are executed where the book is built. Here nothing is run but chapter 4's own layer,
which needs the page and NumPy alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.book.chapter_pages import cells_of, chapters_of, modules_of

BOOK = Path(__file__).resolve().parents[2] / "docs" / "book"
CHAPTERS = chapters_of(BOOK)
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXERCISE = re.compile(r"^[`:]{3,}\{exercise(?:-start)?\}[^\n]*\n:label: (\S+)", re.MULTILINE)
# With what follows it up to the next exercise: the check may stand after the end.
SOLUTION = re.compile(
    r"^[`:]{3,}\{solution-start\} (\S+)\n(.*?)(?=^[`:]{3,}\{exercise|^## |\Z)",
    re.DOTALL | re.MULTILINE,
)
# A notebook that is downloaded runs with these alone.
MAY_IMPORT = {"numpy", "matplotlib", "sklearn", "scipy", "pandas", "brian2", "IPython"}
MAY_IMPORT |= {"neurosim", "ann", "bridge", "experiments"}


def faults(page: Path) -> list[str]:
    """Return what a chapter lacks."""
    text, found = page.read_text(encoding="utf-8"), []
    for part in ("{admonition} The question", "{admonition} What an expert would object"):
        if part not in text:
            found.append(f"no box {part!r}")
    if not re.search(r"doi:10\.\d{4}", text.partition("\n## Further reading\n")[2]):
        found.append("no source with a DOI for further reading")
    exercises, solutions = EXERCISE.findall(text), dict(SOLUTION.findall(text))
    if len(set(exercises)) < 5 or len(set(exercises)) < len(exercises):
        found.append(f"{len(set(exercises))} of {len(exercises)} exercises")
    for label in exercises:
        checks = [c for c in CELL.findall(solutions.get(label, "")) if "remove-cell" in c]
        if not any("assert " in check for check in checks):
            found.append(f"{label}: no solution with a hidden check")
    for cell in CELL.findall(text):
        if draws(cell) and not re.search(r"^ {4}alt: \S.{40}", cell, re.M):
            found.append(f"a figure without words for who cannot see it: {cell[:60]!r}")
    packages = {name.partition(".")[0] for name in modules_of([page])}
    return found + [
        f"imports {name}" for name in sorted(packages - MAY_IMPORT - set(sys.stdlib_module_names))
    ]


def draws(code: str) -> bool:
    """Whether a cell leaves a figure."""
    return "plt.subplots" in code or ".plot(ax" in code


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda page: page.stem)
def test_a_chapter_is_whole(chapter):
    assert faults(chapter) == []


def test_what_is_missing_is_found(tmp_path):
    page = tmp_path / "1-a.md"
    exercise = "```{exercise} A\n:label: ex-1-1\n```\n"
    solution = (
        "```{solution-start} ex-1-1\n```\n```{code-cell} ipython3\n:tags: [remove-cell]\n"
        "assert True\n```\n```{solution-end}\n```\n"
    )
    parts = (
        "```{admonition} The question\n```\n```{admonition} What an expert would object\n```\n"
        f"{exercise}"
    )
    sources = "\n## Further reading\ndoi:10.1000/1\n"
    page.write_text(parts + sources)
    assert faults(page) == ["1 of 1 exercises", "ex-1-1: no solution with a hidden check"]
    page.write_text(parts + solution + sources)
    assert faults(page) == ["1 of 1 exercises"]
    page.write_text("```{code-cell} ipython3\nimport torch, os\nplt.subplots()\n```\n")
    said = faults(page)
    assert "imports torch" in said
    assert sum("figure without words" in one for one in said) == 1
    assert "no source with a DOI for further reading" in said


def own_layer(wrong: str = "", right: str = "") -> str:
    """Return chapter 4's own layer with what it says to copy, and nothing else of the page."""
    cells = list(cells_of(BOOK / "4-logistic-regression.md"))

    def cell(holds: str) -> str:
        return next(code for code in cells if holds in code)

    parts = [
        "import numpy as np",
        cell("def sigmoid(").split("def loss_and_slopes")[0],
        *(cell(f"def {name}(") for name in ("numerical_slopes", "check_layer")),
        cell("class Affine:"),
        "x_try = np.random.default_rng(1).normal(size=(5, 3))",
        cell("def train_layers("),
        cell("class SoftplusUnits:").replace(wrong, right),
        "good = check_layer(SoftplusUnits(3), x_try)",
        "import sys; sys.exit(0 if good and own[-1] < 0.1 else 1)",
    ]
    return "\n\n".join(parts)


def outcome_of(code: str) -> subprocess.CompletedProcess[str]:
    # Isolated: what the page does not hold is not found, and no package of ours either.
    return subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
    )


def test_the_layer_of_ones_own_needs_the_page_and_numpy_alone():
    done = outcome_of(own_layer())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sklearn" not in own_layer()


def test_the_checker_of_the_page_refuses_a_wrong_layer_and_says_where():
    forgotten = "(self.x * on / s - self.soft / s**2)"
    done = outcome_of(own_layer(forgotten, "(self.x * on / s)"))
    assert done.returncode == 1
    assert "s: WRONG, largest error" in done.stdout
    unsummed = 'self.slopes["a"] = (slope_y * self.soft / s).sum(axis=0)'
    done = outcome_of(own_layer(unsummed, 'self.slopes["a"] = slope_y * self.soft / s'))
    assert "a: WRONG SHAPE (5, 3), should be (3,)" in done.stdout
