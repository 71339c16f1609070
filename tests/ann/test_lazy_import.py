"""What `import ann` brings with it: nothing that takes longer to load than NumPy."""

import subprocess
import sys

import pytest

import ann

HEAVY = ("sklearn", "scipy", "pandas", "matplotlib", "typer", "safetensors")


@pytest.mark.parametrize(
    "statement",
    [
        "import ann",
        "from ann import Network, SGD, Variable; Network([2, 3, 1])",
        "import ann.errors",
        "import ann.network.network, ann.network.losses, ann.calculus.graph_drawing",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_used(statement):
    program = f"{statement}\nimport sys\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert told.stdout.decode().strip() == "[]"


def test_every_name_is_there_and_no_other():
    assert {name: getattr(ann, name) for name in ann.__all__}.keys() == set(dir(ann))
    assert len(ann.__all__) >= 46
    with pytest.raises(AttributeError, match="Netwrk"):
        ann.Netwrk  # noqa: B018
