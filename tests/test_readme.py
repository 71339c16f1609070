"""The README is the first minute of every user: its code runs as it stands there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_each_block_of_code_is_followed_by_what_it_prints():
    """`test_printed_outputs.py` runs all blocks as one session and compares every output."""
    _, *blocks = README.split("```python\n")
    assert len(blocks) == 5
    shown = [re.findall(r"<!-- printed by: this page.*?```text\n(.*?)```", b, re.S) for b in blocks]
    assert all(len(one) == 1 for one in shown)
    (_,), (counts,), (choice,), (score,), (verdict,) = shown
    assert "[0 1 8]" in counts
    assert "unit stands for this neuron" in choice
    assert float(score) > 0.85
    assert "holds: largest error" in verdict


def test_every_file_it_links_to_is_there():
    links = re.findall(r"\]\(([^)]+)\)", README)
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert links
    assert not missing


def test_the_test_command_is_the_one_that_ci_runs():
    command = 'python -m pip install -e ".[test]" && python -m pytest'
    assert command in README.splitlines()
    assert "s/^\\(python -m pip install .*pytest.*\\)$/" in (ROOT / ".ci" / "run").read_text()
