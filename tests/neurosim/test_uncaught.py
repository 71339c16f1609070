"""What a user sees of an error that nothing catches."""

import subprocess
import sys

import pytest

BANNER = "Brian 2 encountered an unexpected error"


def _said(program: str) -> str:
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.returncode == 1
    assert "Traceback" in found.stderr
    return found.stderr


@pytest.mark.parametrize(
    ("program", "last"),
    [
        ("import neurosim; neurosim.LIF(tau_m=3)", "neurosim.errors.UnitError: LIF: tau_m must"),
        ("import brian2, neurosim; neurosim.LIF(tau_m=3)", "neurosim.errors.UnitError: "),
        ("import neurosim.quantities, ann; ann.Network([1])", "ann.errors.ParameterError: sizes"),
        (
            "import bridge; bridge.FICurve([1], [1], 1.0)",
            "bridge.errors.CurveError: an f-I curve of 1 measurement",
        ),
    ],
)
def test_our_errors_come_without_the_banner_of_brian2(program, last):
    said = _said(program)
    assert BANNER not in said
    assert said.splitlines()[-1].startswith(last)


@pytest.mark.slow
def test_errors_of_brian2_and_of_the_user_stay_brian2s():
    assert BANNER in _said("import neurosim, brian2; neurosim.LIF; 1 * brian2.ms + 1 * brian2.mV")
    assert BANNER in _said("import neurosim; neurosim.LIF; 1 / 0")


def test_a_hook_of_the_users_own_stays():
    program = "import sys; hook = lambda *a: print('mine', file=sys.stderr); sys.excepthook = hook"
    program = f"import brian2; {program}; import neurosim; neurosim.LIF; 1 / 0"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.stderr == "mine\n"
