"""Numbers of things are whole; nothing is cut off without a word."""

import numpy as np
import pytest

from ann import Network
from ann.errors import ParameterError, require_whole
from ann.files.checkpoints import Checkpoint
from ann.network.losses import Quadratic
from ann.plan.optimisers import OPTIMISERS
from ann.plan.plan import Plan
from ann.training.hooks import EarlyStopping
from ann.training.trainer import Trainer

ODD = [2.9, 0, -1, np.nan, np.inf, True, "2", None, 1e400]


def plan():
    return Plan(Network([2, 1], "identity", rng=0), Quadratic(), OPTIMISERS["sgd"]())


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_number_of_things_is_refused(odd):
    for make in (
        lambda: Network([4, odd]),
        lambda: Network([odd, 3, 1]),
        lambda: Trainer(plan(), batch_size=odd),
        lambda: Checkpoint("c", every=odd),
        lambda: EarlyStopping(patience=odd),
    ):
        with pytest.raises(ParameterError, match="must be a whole number of at least 1, not"):
            make()
    if odd != 0:
        with pytest.raises(ParameterError, match="epochs must be a whole number"):
            Trainer(plan()).fit(np.zeros((3, 2)), np.zeros((3, 1)), epochs=odd)


@pytest.mark.parametrize("sizes", [[4], [], 4, None])
def test_sizes_are_a_list_of_two_or_more(sizes):
    with pytest.raises(ParameterError, match="sizes lists the inputs"):
        Network(sizes)


def test_whole_numbers_of_any_type_are_taken():
    assert Network([np.int64(4), 3.0]).sizes == (4, 3)
    assert require_whole("n", np.uint8(7), 1) == 7


@pytest.mark.parametrize("power", [12, 18, 30, 400, 5000])
def test_a_network_beyond_all_memory_is_refused(power):
    """NumPy's own ValueError or MemoryError came through."""
    for sizes in ([4, 10**power], [10**power, 3, 1]):
        with pytest.raises(ParameterError, match=r"GB of parameters|below 1e308"):
            Network(sizes)
