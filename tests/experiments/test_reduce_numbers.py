"""`neurosim reduce`: options that are no numbers are named before anything runs."""

import pytest

from experiments.command.reduce import reduce_command
from neurosim.errors import ParameterError


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("option", ["seconds", "output_rate", "ampa_ns", "nmda_ns", "current_pa"])
def test_options_must_be_finite(option, value):
    shown = "--" + option.replace("_", "-")
    with pytest.raises(ParameterError, match=f"{shown} must be a finite number; got {value}"):
        reduce_command("LIF", jobs=1, **{option: value})
