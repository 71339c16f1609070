"""docs/networks.md: its code runs, in order, as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"


@pytest.mark.filterwarnings("ignore:after:sklearn.exceptions.ConvergenceWarning")
def test_the_page_runs_and_says_what_comes_out(capsys):
    text = PAGE.read_text(encoding="utf-8")
    space = {}
    for block in text.split("```python")[1:]:
        exec(block.split("```")[0], space)
    np.testing.assert_allclose(space["slope"].value, [-3, -6])
    assert space["picture"].startswith("<svg")
    assert repr(space["net"]) in text
    told = capsys.readouterr().out
    assert re.search(r"^100 0\.0\d", told, flags=re.MULTILINE)
    scores = [float(s) for s in re.findall(r"(?:Regression|Network) (0\.\d+)", told)]
    assert len(scores) == 3
    assert min(scores) > 0.93


def test_every_file_the_page_names_is_there():
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`((?:ann|tests|benchmarks)/[\w/.]+)`", text)
    named += [f"docs/{p}" for p in re.findall(r"\]\(([\w/.-]+)\)", text)]
    named += re.findall(r"python (benchmarks/\w+\.py)", text)
    assert len(named) > 12
    for name in named:
        assert (PAGE.parents[1] / name).exists(), name
