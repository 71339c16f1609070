"""The rungs of the ladder: their size, their answers, and their files."""

import numpy as np
import pytest

from ann import Variable, load, save
from ann.files.tensor_file import read_tensors, write_tensors
from bridge.reduce import FilterBank, PointUnit, ReductionError, TemporalConvolution, TwoLayer
from bridge.reduce.architectures import LAGS_MS, Layout
from bridge.reduce.files import load_reduction, save_network
from bridge.reduce.filtered_events import DECAYS_MS, Scale, filtered
from bridge.reduce.reduced_network import ReducedNetwork

MODELS = [PointUnit(), TwoLayer(3), FilterBank(1), FilterBank(4), TemporalConvolution(2)]
NAMES = [model.name for model in MODELS]


@pytest.fixture(scope="module")
def layout():
    branch = np.repeat([0, 1, 2], 4)
    return Layout(branch, np.tile([True, True, True, False], 3), len(DECAYS_MS))


@pytest.fixture(scope="module")
def events():
    return (np.random.default_rng(1).random((2, 12, 400)) < 0.05).astype(np.uint8)


@pytest.fixture(scope="module")
def scale(events):
    seen = np.concatenate([filtered(one) for one in events])
    return Scale(seen.mean(axis=0), seen.std(axis=0), -64.0, 3.0)


def network(model, layout, scale, seed=0):
    random = np.random.default_rng(seed)
    return ReducedNetwork(model, layout, scale, model.start(layout, -5.0, random))


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_the_count_is_that_of_the_numbers_that_matter(model, layout, scale):
    """A number counts if changing it changes an answer to some features."""
    numbers = model.start(layout, -5.0, np.random.default_rng(0))
    features = np.random.default_rng(2).standard_normal((6, model.lags, 12 * 5))
    features = features.astype(np.float32)

    def answers(parameters):
        z, u = model.answers(layout, [Variable(p) for p in parameters], features)
        return np.concatenate([z.value, u.value])

    before, counted = answers(numbers), 0
    for k, array in enumerate(numbers):
        for where in np.ndindex(array.shape):
            changed = [p.copy() for p in numbers]
            changed[k][where] += 0.5
            counted += bool(np.any(answers(changed) != before))
    assert counted == model.count(layout)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_an_answer_to_events_is_that_to_their_features(model, layout, scale, events):
    """Weighing before filtering is filtering before weighing."""
    one = network(model, layout, scale)
    odds, volts = one.answer(events, first=50)
    bins = np.arange(50, 400)
    lags = LAGS_MS[: model.lags]
    late = (bins[:, np.newaxis] - np.array(lags)).ravel()
    features = scale.apply(filtered(events[1], late)).reshape(len(bins), len(lags), -1)
    z, u = model.answers(layout, [Variable(p) for p in one.parameters], features)
    np.testing.assert_allclose(odds[1], z.value, atol=2e-4)
    np.testing.assert_allclose(volts[1], u.value * 3 - 64, atol=2e-3)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_no_answer_looks_ahead(model, layout, scale, events):
    one = network(model, layout, scale)
    later = events.copy()
    later[:, :, 200:] = 1
    before, after = one.answer(events)[0], one.answer(later)[0]
    np.testing.assert_array_equal(before[:, :200], after[:, :200])
    assert np.any(before[:, 200:] != after[:, 200:])


def test_a_subunit_sees_its_branch_only(layout, scale, events):
    one = network(TwoLayer(3), layout, scale)
    full = one.model.filters(layout, [Variable(p) for p in one.parameters]).value
    seen = full.reshape(len(DECAYS_MS), 12, 3) != 0
    assert np.array_equal(seen.all(axis=0), layout.branch[:, np.newaxis] == np.arange(3))


@pytest.mark.parametrize("model", MODELS[:4], ids=NAMES[:4])
def test_dense_ones_are_networks_of_ann(model, layout, scale, events, tmp_path):
    one = network(model, layout, scale)
    dense = one.to_network()
    save(dense, tmp_path / "dense.safetensors")
    rows = scale.apply(filtered(events[0]))
    answer = load(tmp_path / "dense.safetensors").activations(rows)[-1]
    np.testing.assert_allclose(answer[:, 0], one.answer(events)[0][0], atol=2e-4)


def test_a_convolution_is_no_stack_of_dense_layers(layout, scale):
    with pytest.raises(ReductionError, match=r"ReducedNetwork\.answer"):
        network(TemporalConvolution(2), layout, scale).to_network()


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_file_with_other_arrays_than_its_network_has_is_refused(model, layout, scale, tmp_path):
    """Whoever changes a file may set its checksum right."""
    path = tmp_path / "network.safetensors"
    save_network(network(model, layout, scale), path)
    tensors, card = read_tensors(path)
    damaged = [({**tensors, "more": np.zeros(1)}, card)]
    for name, array in tensors.items():
        without = {key: value for key, value in tensors.items() if key != name}
        damaged += [(without, card), ({**without, f"{name}_": array}, card)]
        damaged += [({**tensors, name: array[..., np.newaxis]}, card)]
    kind = card["model"]["kind"]
    # The size of a point unit says nothing.
    for size in (None, -1, "x", *([10**9] if kind != "point unit" else [])):
        damaged += [(tensors, {**card, "model": {"kind": kind, "size": size}})]
    damaged += [(tensors, {**card, "model": odd}) for odd in (None, {}, "x", {"kind": "none"})]
    damaged += [(tensors, {key: v for key, v in card.items() if key != k}) for k in card]
    for arrays, about in damaged:
        write_tensors(path, arrays, about)
        with pytest.raises(ReductionError):
            load_reduction(path)
    path.write_bytes(b"not a file of tensors")
    with pytest.raises(ReductionError, match="damaged"):
        load_reduction(path)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_file_brings_back_the_same_answers(model, layout, scale, events, tmp_path):
    one = network(model, layout, scale)
    save_network(one, tmp_path / "network.safetensors")
    back = load_reduction(tmp_path)
    assert back.model == model
    for here, there in zip(one.answer(events), back.answer(events), strict=True):
        np.testing.assert_array_equal(here, there)


def test_events_of_another_cell_are_refused(layout, scale, events):
    with pytest.raises(ReductionError, match="5 inputs for a network of 12"):
        network(PointUnit(), layout, scale).answer(events[:, :5])
