"""The Network tab computes what `ann` and `bridge` compute: its script runs in node beside them."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from brian2 import ms
from page_scripts import needs_node, run_scripts

from experiments.explore.digit_twin import (
    LEVELS,
    LINES,
    SETTLE_MS,
    SHOWN_MS,
    digit_data,
    digit_twin,
)
from neurosim.randomness import gaussian, row_keys

SCRIPTS = ["base.js", "dense_network.js", "normal_deviates.js", "spiking_twin.js"]
TIMES_MS = (5, 50, SHOWN_MS)
READ = """
const twin = new Explorer.SpikingTwin(data.network);
const trained = new Explorer.TrainedNetwork(data.network);
answer(data.images.map((image) => {
  const shown = image.map((level) => level / data.network.levels);
  const spikes = twin.run(shown, data.seed);
  const spiking = data.times_ms.map((time) => twin.read(spikes, time / 1e3));
  return { trained: trained.read(shown), spiking };
}));
"""


@needs_node
@pytest.mark.parametrize("seed", [1, 4])
def test_both_networks_answer_as_in_python(seed):
    twin = digit_twin()
    images = twin.images[::2] if seed == 1 else twin.images[1::4]
    given = {"network": digit_data(), "images": images.tolist(), "times_ms": TIMES_MS, "seed": seed}
    answers = run_scripts(SCRIPTS, READ, given)
    assert len(answers) == len(images)
    for image, answer in zip(images / LEVELS, answers, strict=True):
        trained = answer["trained"]
        np.testing.assert_allclose(
            trained["probabilities"], twin.network.output(image[None])[0], rtol=1e-6
        )
        hidden = twin.network.activations(image[None])[0][0]
        np.testing.assert_allclose(trained["activations"], hidden, rtol=1e-6)
        run = twin.spiking.run(image[None], SHOWN_MS * ms, settle=SETTLE_MS * ms, seed=seed)
        for at, read in zip(TIMES_MS, answer["spiking"], strict=True):
            assert read["counts"] == run.spikes_by_neuron(at * ms)[0].tolist()
            np.testing.assert_allclose(read["rates"], run.rates(at * ms)[0][0], rtol=1e-9)
            np.testing.assert_allclose(
                read["activations"], run.activations(at * ms)[0][0], rtol=1e-9, atol=1e-12
            )
            np.testing.assert_allclose(
                read["probabilities"], run.probabilities(at * ms)[0], rtol=1e-6
            )
        assert sum(answer["spiking"][-1]["counts"]) > 50


@needs_node
def test_deviates_are_those_of_the_engine():
    low, high = row_keys(np.array([1, 2**40 + 7, 3]), np.array([0, 5, 9]))
    given = {
        "neuron": digit_data()["neuron"],
        "keys": np.stack([high, low], axis=1).tolist(),
        "steps": [0, 1, 2999, 123_456_789, 2**31],
        "many": 4000,
    }
    code = """
    const of = Explorer.normalDeviates(data.neuron);
    answer(data.keys.map(([high, low]) => {
      const draw = of(high, low);
      return [...data.steps, ...Array(data.many).keys()].map(draw);
    }));
    """
    answers = np.array(run_scripts(SCRIPTS, code, given))
    steps = np.array([*given["steps"], *range(given["many"])])
    stream = given["neuron"]["stream"]
    for k in range(3):
        drawn = gaussian(low[k : k + 1], high[k : k + 1], stream, steps)
        # The tails need a logarithm, whose last digit may differ.
        np.testing.assert_allclose(answers[k], drawn, rtol=1e-13)
        # Both tails beyond AS 241's centre were drawn.
        assert drawn.min() < -2
        assert drawn.max() > 2


def test_the_network_reads_images_that_it_was_not_trained_on():
    twin = digit_twin()
    assert twin.accuracy > 0.95
    assert np.bincount(twin.digits).tolist() == [3] * 10


def test_the_python_lines_print_what_the_page_shows():
    twin = digit_twin()
    image = twin.images[3]
    text = LINES
    values = {"image": image.tolist(), "levels": LEVELS, "shown": SHOWN_MS, "settle": SETTLE_MS}
    for name, value in (values | {"seed": 2, "at": 50}).items():
        text = text.replace("{" + name + "}", str(value))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(text, {})
    run = twin.spiking.run(image[None] / LEVELS, SHOWN_MS * ms, settle=SETTLE_MS * ms, seed=2)
    counts = " ".join(str(run.spikes_by_neuron(50 * ms)[0]).split())
    assert counts in " ".join(printed.getvalue().split())
