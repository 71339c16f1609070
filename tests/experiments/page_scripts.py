"""The explorer's scripts in node, without a page."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from typing import Any

import pytest

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")


def run_scripts(names: list[str], code: str, data: Any) -> Any:
    """Run parts of the page and then some code on `data`; return what it gives to `answer`."""
    parts = [
        (files("experiments.explore") / "templates" / n).read_text(encoding="utf-8") for n in names
    ]
    given = 'const data = JSON.parse(require("fs").readFileSync(0, "utf8"));'
    told = "const answer = (value) => console.log(JSON.stringify(value));"
    done = subprocess.run(
        ["node", "-e", "\n".join([*parts, given, told, code])],
        input=json.dumps(data),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
