"""The README is the first minute of every user: its code runs as it stands there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_the_code_runs_from_top_to_bottom(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 5
    names = {"__name__": "readme"}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    said = capsys.readouterr().out
    assert "[0 1 8]" in said
    assert "unit stands for this neuron" in said
    assert "holds: largest error" in said
    assert names["network"].score(names["X"][1200:] / 16, names["y"][1200:]) > 0.85


def test_every_file_it_links_to_is_there():
    links = re.findall(r"\]\(([^)]+)\)", README)
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert links
    assert not missing


def test_the_test_command_is_the_one_that_ci_runs():
    command = 'python -m pip install -e ".[test]" && python -m pytest'
    assert command in README.splitlines()
    assert "s/^\\(python -m pip install .*pytest.*\\)$/" in (ROOT / ".ci" / "run").read_text()
