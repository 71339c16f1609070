"""The book: its pages, its kept results, published numbers, and a build that checks answers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from experiments.book import explorer_page, source_pages
from experiments.book.chapter_pages import with_values
from experiments.book.gallery_pages import page_of
from experiments.book.published_outcomes import MISSING, OUTCOMES, outcomes_page
from experiments.book.reference_pages import names_in, public_objects, reference_pages, uses_of
from experiments.book.source_pages import Layout, book_folder
from experiments.book.stored_results import StoredResult, run_and_store, stored_result
from experiments.command.main import app
from experiments.kit.code_digest import code_digest
from experiments.kit.registry import Context, contents
from experiments.kit.result import Verdict
from neurosim.errors import EngineError, NeurosimError

DOCS = Path(__file__).resolve().parents[2] / "docs"
ENTRIES = contents()

CHAPTER = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {name: python3, display_name: Python 3}
---
# A tiny chapter

```{code-cell} ipython3
answer = 6 * 7
```

The answer is {eval}`answer` and half of it is {eval}`f"{answer / 2:.1f}"`.

```{math}
:label: eq-tiny
6 \\cdot 7 = 42
```

Equation {eq}`eq-tiny` is [explained](../elsewhere.md).

```{exercise} Double it
:label: ex-1-1
Write `double`.
```

```{solution-start} ex-1-1
:class: dropdown
```

```{code-cell} ipython3
def double(x):
    return 2 * x
```

```{code-cell} ipython3
:tags: [remove-cell]
assert double(21) == answer
```

```{solution-end}
```
"""


def _kept(name: str, *, value: float = 1.0, code: str = "old", **numbers) -> StoredResult:
    return StoredResult(
        name=name,
        verdicts=(Verdict("error (%)", value, 2.0),),
        numbers=numbers,
        tables={},
        figures=(),
        seconds=12.0,
        quick=True,
        seed=1,
        versions={"numpy": "2.0"},
        code=code,
    )


# ---- chapters -----------------------------------------------------------------------------------
def test_a_value_in_the_prose_becomes_a_cell_that_keeps_it_and_a_role_that_shows_it():
    page = with_values(CHAPTER, "1-tiny")
    assert "{eval}" not in page
    assert page.count("_glue(") == 2
    assert page.index("answer = 6 * 7") < page.index("_glue('1-tiny-0', answer,")
    assert page.index("_glue('1-tiny-1', f") < page.index("The answer is")
    assert "is {glue:text}`1-tiny-0` and half of it is {glue:text}`1-tiny-1`." in page


def test_a_value_within_a_box_is_kept_before_the_box_and_code_stays_as_it_is():
    box = ":::{admonition} Box\nIt is {eval}`x`.\n:::\n"
    page = with_values(f"```python\n# {{eval}}`y`\n```\n\n{box}", "c")
    assert "# {eval}`y`" in page
    assert page.index("_glue('c-0', x") < page.index(":::{admonition}")
    assert "It is {glue:text}`c-0`." in page


# ---- gallery ------------------------------------------------------------------------------------
def test_a_page_says_whether_its_result_came_from_the_code_of_today():
    entry = ENTRIES["lif-closed-form"]
    current = _kept(entry.name, code=code_digest(entry.module))
    assert "has changed since" in page_of(entry, _kept(entry.name), ())
    page = page_of(entry, current, ("neurosim.simulate",))
    assert "has changed since" not in page
    assert "neurosim run lif-closed-form --quick" in page
    assert "| holds | error (%) | 1 |" in page
    assert "{py:obj}`neurosim.simulate`" in page


def test_a_page_without_a_kept_result_shows_no_verdict():
    page = page_of(ENTRIES["validate"], None, ())
    assert "No result of this experiment is kept" in page
    assert "holds" not in page


def test_every_kept_result_is_of_an_experiment_and_can_be_read():
    folders = sorted(p.name for p in (DOCS / "gallery_results").glob("*") if p.is_dir())
    assert set(folders) <= set(ENTRIES)
    for name in folders:
        kept = stored_result(DOCS / "gallery_results", name)
        assert kept.verdicts
        assert kept.figures
        assert all(file.is_file() for file in kept.figures)


def test_a_result_that_is_kept_is_read_as_it_was(tmp_path):
    fields = ("what", "value", "bar", "sense", "low", "high", "draws", "method", "level")
    verdict = Verdict("error (%)", 0.3, 0.5, low=-0.1, high=0.4, draws=5, method="bootstrap")
    kept = {
        "verdicts": [{name: getattr(verdict, name) for name in fields}],
        "numbers": {"a": 1.5},
        "tables": {},
        "figures": ["one.svg"],
        "seconds": 3.0,
        "quick": False,
        "seed": 1,
        "versions": {},
        "code": "x",
    }
    (tmp_path / "reliability").mkdir()
    (tmp_path / "reliability" / "result.json").write_text(json.dumps(kept))
    found = stored_result(tmp_path, "reliability")
    assert found.verdicts == (verdict,)
    assert found.figures == (tmp_path / "reliability" / "one.svg",)
    assert found.command == "neurosim run reliability"
    assert stored_result(tmp_path, "validate") is None


def test_a_number_that_is_infinite_is_kept(tmp_path, monkeypatch):
    """It was written as null, with which no bar can be compared: the page could not be made."""
    verdicts = [Verdict("units that are needed", float("inf"), 4, ">="), Verdict("x", 1.0, 2.0)]
    result = SimpleNamespace(verdicts=verdicts, figures={}, tables={}, numbers={})
    made = SimpleNamespace(run=lambda context: result)
    monkeypatch.setattr("experiments.book.stored_results.find", lambda name: made)
    kept = run_and_store(tmp_path, ENTRIES["lif-closed-form"], Context(quick=True))
    assert kept.verdicts == tuple(verdicts)
    assert kept.holds
    assert "inf" in page_of(ENTRIES["lif-closed-form"], kept, ())


# ---- published numbers --------------------------------------------------------------------------
def test_twelve_numbers_of_papers_are_compared_each_with_its_tolerance_and_reason():
    assert len(OUTCOMES) >= 12
    for one in OUTCOMES:
        assert one.experiment in ENTRIES
        assert one.why
        # A count has no tolerance: it is right or wrong.
        assert one.tolerance > 0 or one.sense != "=" or float(one.published).is_integer()
    assert MISSING


def test_what_is_kept_has_a_number_for_every_outcome():
    kept = {name: stored_result(DOCS / "gallery_results", name) for name in ENTRIES}
    stored = {name: one for name, one in kept.items() if one is not None}
    for one in OUTCOMES:
        if one.experiment in stored:
            assert one.ours(stored) is not None, one.what


def test_a_number_beyond_its_tolerance_is_missed_and_one_that_is_not_kept_is_not_claimed():
    near = {"pump-modes": _kept("pump-modes", **{"backward Euler": {"silence_s": 8.5}})}
    far = {"pump-modes": _kept("pump-modes", **{"backward Euler": {"silence_s": 9.5}})}
    assert outcomes_page(ENTRIES, {}).count("| no kept result |") == len(OUTCOMES)
    assert f"**0 of {len(OUTCOMES)} published" in outcomes_page(ENTRIES, {})
    assert "| 8.3 s (program) | 8.5 s | ±10 %: the published run" in outcomes_page(ENTRIES, near)
    assert f"**1 of {len(OUTCOMES)} published" in outcomes_page(ENTRIES, near)
    assert "| missed |" in outcomes_page(ENTRIES, far)
    # What is missed is shown with the difference, and with the cause or the lack of one.
    assert "by +1.2 s (+14 %). The cause has not been found." in outcomes_page(ENTRIES, far)
    assert "by +" not in outcomes_page(ENTRIES, near)
    assert f"**0 of {len(OUTCOMES)} published" in outcomes_page(ENTRIES, far)


# ---- reference ----------------------------------------------------------------------------------
@pytest.mark.slow
def test_an_object_lists_the_experiments_that_import_it(tmp_path):
    objects = public_objects()
    assert {"neurosim.simulate", "ann.DeepNetwork", "bridge.select"} <= set(objects)
    # Offered by two rooms, described under the shorter name.
    assert "neurosim.catalogue.LIF" not in objects
    uses = uses_of({"lif-closed-form": ENTRIES["lif-closed-form"]}, objects)
    assert "neurosim.LIF" in uses["lif-closed-form"]
    layout = Layout(tmp_path)
    reference_pages(layout, objects, {"gallery/lif-closed-form": uses["lif-closed-form"]})
    page = (tmp_path / "api" / "neurosim.LIF.rst").read_text()
    assert ":doc:`/gallery/lif-closed-form`" in page
    assert "No page of the book uses it yet" in (tmp_path / "api" / "ann.SGD.rst").read_text()


def test_names_are_found_in_code_whichever_room_they_come_from():
    import neurosim

    known = {(neurosim.LIF.__module__, neurosim.LIF.__qualname__): "neurosim.LIF"}
    assert names_in("from neurosim.catalogue import LIF\nimport numpy", known) == {"neurosim.LIF"}
    assert names_in("from bridge.absent import LIF", known) == set()


# ---- the explorer -------------------------------------------------------------------------------
def _no_compiler():
    raise EngineError("pip install 'neurosim-bridge[explore]'")


def test_the_explorer_is_shown_where_its_neurons_can_be_compiled_or_were(tmp_path, monkeypatch):
    def built(file):
        file.write_text("the explorer")

    monkeypatch.setattr(explorer_page, "build_page", built)
    monkeypatch.setattr(explorer_page, "wasm_compiler", _no_compiler)
    monkeypatch.setattr(explorer_page, "packed_neurons", lambda: {"models": {}})
    explorer_page.explorer_page(Layout(tmp_path / "source"), tmp_path)
    explorer_page.publish_explorer(tmp_path)
    page = (tmp_path / "source" / "try-it.md").read_text()
    (shown,) = re.findall(r'<iframe class="explorer" src="([^"]+)" title="[^"]+"', page)
    assert (tmp_path / "html" / shown).read_text() == "the explorer"
    assert f'<a href="{shown}">' in page


def test_without_neurons_the_book_says_how_to_get_the_explorer(tmp_path, monkeypatch):
    monkeypatch.setattr(explorer_page, "wasm_compiler", _no_compiler)
    monkeypatch.setattr(explorer_page, "packed_neurons", lambda: None)
    left = tmp_path / "html" / "_static" / "neurosim-explorer.html"
    left.parent.mkdir(parents=True)
    left.write_text("of an earlier build")
    explorer_page.explorer_page(Layout(tmp_path / "source"), tmp_path)
    explorer_page.publish_explorer(tmp_path)
    page = (tmp_path / "source" / "try-it.md").read_text()
    assert "iframe" not in page
    assert "neurosim-bridge[explore]" in page
    assert "`neurosim explore`" in page
    assert not left.exists()


# ---- the command --------------------------------------------------------------------------------
def test_without_its_pages_the_command_says_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(source_pages, "_BESIDE", tmp_path / "docs")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NeurosimError, match=r'pip install "\.\[book\]" && neurosim book --build'):
        book_folder()


def test_the_command_says_how_to_build_a_book_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["book", "--no-open"])
    assert "neurosim book --build neurosim-book" in str(done.exception)
    page = tmp_path / "neurosim-book" / "html" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("")
    assert str(page.relative_to(tmp_path)) in CliRunner().invoke(app, ["book", "--no-open"]).output


def test_pages_that_are_no_longer_made_are_swept(tmp_path):
    Layout(tmp_path).text("old/a.md", "a")
    layout = Layout(tmp_path)
    layout.text("b.md", "b")
    layout.sweep()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["b.md"]


# ---- a build ------------------------------------------------------------------------------------
NEEDED = ("sphinx", "myst_nb", "sphinx_exercise", "numpydoc", "pydata_sphinx_theme")


def _build(folder: Path, *chapters: str) -> subprocess.CompletedProcess[str]:
    docs = folder / "docs"
    shutil.copytree(DOCS / "site", docs / "site")
    (docs / "book").mkdir()
    shutil.copy(DOCS / "book" / "index.md", docs / "book" / "index.md")
    for number, chapter in enumerate(chapters, start=1):
        (docs / "book" / f"{number}-tiny.md").write_text(chapter)
    command = ["book", "--chapters", "--build", "site", "--docs", "docs", "--no-open"]
    return subprocess.run(
        [sys.executable, "-m", "experiments.command.main", *command, "--jobs", "2"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.skipif(
    any(find_spec(name) is None for name in NEEDED), reason="the extra [book] is not installed"
)
class TestBuild:
    def test_an_answer_that_is_wrong_ends_the_build(self, tmp_path):
        done = _build(tmp_path, CHAPTER.replace("return 2 * x", "return 3 * x"))
        assert done.returncode == 1
        assert "AssertionError" in done.stderr
        assert "the book was not built: 1-tiny.md" in done.stderr

    def test_a_chapter_shows_its_values_and_comes_as_a_notebook(self, tmp_path):
        # The second one writes down each time that it is run: once.
        second = CHAPTER.replace("-1-1", "-2-1").replace("eq-tiny", "eq-second")
        second = second.replace("answer = 6 * 7", 'answer = 42; print("x", file=open("runs", "a"))')
        done = _build(tmp_path, CHAPTER, second)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (tmp_path / "site" / "source" / "book" / "runs").read_text() == "x\n"
        site = tmp_path / "site" / "html" / "book"
        page = (site / "1-tiny.html").read_text()
        assert "The answer is <span" in page.replace("\n", " ") or "The answer is 42" in page
        assert "assert double" not in page
        assert "https://cdn" not in page
        notebook = json.loads((site / "1-tiny.ipynb").read_text())
        code = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
        assert not any("myst_nb" in cell for cell in code)
        # It runs by itself.
        exec("\n".join(code), {})
        prose = "".join("".join(c["source"]) for c in notebook["cells"])
        assert "The answer is 42 and half of it is 21.0." in prose
        assert "$$\n6 \\cdot 7 = 42\n\\tag{1.1}\n$$" in prose
        assert "Equation (1.1) is explained." in prose
