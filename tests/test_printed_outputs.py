"""What the pages show of a command is what it prints today; `docs/print_outputs.py` writes it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _writer():
    place = ROOT / "docs" / "print_outputs.py"
    spec = importlib.util.spec_from_file_location("print_outputs", place)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


WRITER = _writer()
SHOWN = [one for page in WRITER.PAGES for one in WRITER.outputs(page)]
# Each of these is a process of its own that runs for seconds to minutes.
COMMANDS = [one for one in SHOWN if one.command != WRITER.SESSION]
SESSIONS = [one for one in SHOWN if one.command == WRITER.SESSION]


@pytest.mark.slow
@pytest.mark.parametrize("one", SESSIONS, ids=lambda one: f"{one.page.name}-{one.start}")
def test_code_of_a_page_prints_what_stands_below_it(one):
    assert WRITER.printed_now(one) == one.text


@pytest.mark.slow
@pytest.mark.parametrize("one", COMMANDS, ids=lambda one: one.label)
def test_a_command_prints_what_the_page_shows(one):
    assert WRITER.printed_now(one) == one.text


def test_the_readme_shows_its_commands():
    assert {one.command for one in SHOWN if one.page.name == "README.md"} >= {
        "neurosim compare",
        "neurosim unit LIF --noise 3mV",
        WRITER.SESSION,
    }


def test_no_result_of_the_readme_stands_outside_an_output():
    """Accuracies, rates and residuals are printed by a command, not written by hand."""
    page = WRITER.BLOCK.sub("", (ROOT / "README.md").read_text(encoding="utf-8"))
    prose = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    assert not re.findall(r"\d+(?:\.\d+)? ?(?:%|Hz\b|points?\b)", prose)


def test_lines_are_chosen_as_the_page_says():
    said = "one 1\ntwo 2  \nthree 3\n"
    assert WRITER.chosen_lines(said, "") == "one 1\ntwo 2\nthree 3\n"
    assert WRITER.chosen_lines(said, "lines 2-3") == "two 2\nthree 3\n"
    assert WRITER.chosen_lines(said, "lines with one, three") == "one 1\nthree 3\n"
    with pytest.raises(ValueError, match="say 'lines"):
        WRITER.chosen_lines(said, "the first two")


def test_a_stale_output_is_told_and_written_anew(tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    mark = "<!-- printed by: this page -->\n```text\n{}```\n<!-- printed: end -->\n"
    code = "```python\nprint({})\n```\n\n"
    page.write_text(code.format("6 * 7") + mark.format("41\n") + code.format("1") + mark.format(""))
    monkeypatch.setattr(WRITER, "PAGES", (page,))
    assert WRITER.main(["--check"]) == 1
    assert "42" in capsys.readouterr().out
    assert WRITER.main([]) == 0
    assert [one.text for one in WRITER.outputs(page)] == ["42\n", "1\n"]
    assert WRITER.main(["--check"]) == 0
