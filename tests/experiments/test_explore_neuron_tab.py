"""The tab *Neuron* of the explorer in headless Chromium: what it draws is what Python computes."""

from __future__ import annotations

import contextlib
import csv
import io
import re

import numpy as np
import pytest
from explorer_reader import IN_BROWSER

pytestmark = IN_BROWSER


@pytest.mark.parametrize(
    "address",
    [
        "&LIF.white_noise.intensity=345&LIF.constant.current=155&LIF.tau_m=17&seed=3",
        "&model=AdEx&AdEx.white_noise.intensity=120&AdEx.b=35&AdEx.tau_w=200",
        "&model=HodgkinHuxley&HodgkinHuxley.white_noise.intensity=30&HodgkinHuxley.g_Na=130",
        "&model=TraubMiles&TraubMiles.white_noise.intensity=300&TraubMiles.V_T=-60",
    ],
)
def test_point_neurons_fire_as_the_python_lines_do(explorer, address):
    reader = explorer()
    if "neuron" not in reader.tabs:
        pytest.skip("the extra [explore] is not installed: the page has no tab Neuron")
    reader.go(f"#tab=neuron{address}")
    figure = reader.page.locator('[data-figure="spikes"]')
    _, table = reader.saved(figure.get_by_text("CSV", exact=True))
    rows = list(csv.reader(io.StringIO(table)))[1:]
    figure.locator("summary").click()
    known = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(figure.locator("code").inner_text(), known)
    recording = known["recording"]
    assert len(rows) > 30
    assert [int(row[2]) - 1 for row in rows] == recording.spike_row.tolist()
    shown = [float(row[1]) for row in rows]
    assert shown == pytest.approx(1e3 * recording.spike_time_s, rel=0, abs=1e-6)


def test_without_noise_one_trial_stands_for_all_and_csv_has_every_sample(explorer):
    reader = explorer()
    if "neuron" not in reader.tabs:
        pytest.skip("the extra [explore] is not installed: the page has no tab Neuron")
    reader.go("#tab=neuron&model=HodgkinHuxley&seed=2")
    spikes = reader.page.locator('[data-figure="spikes"]')
    assert "every trial is the same: 7" in spikes.locator("svg").get_attribute("aria-label")
    _, table = reader.saved(spikes.get_by_text("CSV", exact=True))
    times = [float(row[1]) for row in list(csv.reader(io.StringIO(table)))[1:]]
    trace = reader.page.locator('[data-figure="potential"]')
    _, table = reader.saved(trace.get_by_text("CSV", exact=True))
    shown = np.array([row[1:3] for row in list(csv.reader(io.StringIO(table)))[1:]], dtype=float)
    trace.locator("summary").click()
    known = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(trace.locator("code").inner_text(), known)
    recording = known["recording"]
    assert recording.rows == 1
    assert times == pytest.approx(1e3 * recording.spike_time_s, rel=0, abs=1e-6)
    np.testing.assert_allclose(shown[:, 0], 1e3 * recording.trace_time_s, rtol=0, atol=1e-9)
    np.testing.assert_allclose(shown[:, 1], 1e3 * recording.traces_si["v"][0], rtol=0, atol=1e-7)
    reader.go("#tab=neuron&model=HodgkinHuxley&HodgkinHuxley.white_noise.intensity=50")
    assert "of 10 trials" in spikes.locator("svg").get_attribute("aria-label")


@pytest.mark.parametrize(
    ("model", "moved", "words"),
    [
        ("LIF", "V_th", "threshold"),
        ("AdEx", "V_T", "threshold of the upstroke"),
        ("textbook_neuron", None, "threshold of the soma"),
    ],
)
def test_the_threshold_line_stands_at_minus_55_mV_and_follows_its_slider(
    explorer, model, moved, words
):
    reader = explorer()
    if "neuron" not in reader.tabs:
        pytest.skip("the extra [explore] is not installed: the page has no tab Neuron")

    def line(address=""):
        reader.go(f"#tab=neuron&model={model}{address}")
        figure = reader.page.locator('[data-figure="potential"]')
        _, table = reader.saved(figure.get_by_text("CSV", exact=True))
        (found,) = [row for row in csv.reader(io.StringIO(table)) if row[0].startswith(words)]
        assert found[0] in figure.locator("svg text").all_text_contents()
        drawn = figure.locator('svg path[stroke-dasharray="5 4"]').get_attribute("d")
        height = float(re.search(r" ([\d.]+)H", drawn)[1])
        # Read off at the ticks, whose words stand 4 pixels below their lines.
        ticks = figure.locator('svg text[text-anchor="end"]').evaluate_all(
            "all => all.map(t => [t.getAttribute('y') - 4, t.textContent.replace('\u2212', '-')])"
        )
        heights, values = np.array(ticks, dtype=float)[np.argsort([tick[0] for tick in ticks])].T
        slope = (values[-1] - values[0]) / (heights[-1] - heights[0])
        assert values[0] + slope * (height - heights[0]) == pytest.approx(float(found[2]), abs=0.05)
        return float(found[2])

    assert line() == -55
    if moved:
        assert line(f"&{model}.{moved}=-57") == -57


def test_a_rate_that_hardly_any_neuron_has_gets_a_caution(explorer):
    reader = explorer()
    if "neuron" not in reader.tabs:
        pytest.skip("the extra [explore] is not installed: the page has no tab Neuron")
    cautions = reader.page.locator("figure .complaint:not([hidden])")
    reader.go("#tab=neuron&model=AdEx&AdEx.V_T=-75")
    assert cautions.count() == 2
    for said in cautions.all_inner_texts():
        rate, steps = re.search(r"Caution: (\d+) Hz .* every (\d+) time steps", said).groups()
        assert int(rate) > 1000
        assert int(rate) * int(steps) == pytest.approx(20_000, rel=0.1)
    reader.go("#tab=neuron&model=AdEx")
    assert cautions.count() == 0


def test_the_curve_is_that_of_the_python_lines(explorer):
    reader = explorer()
    if "neuron" not in reader.tabs:
        pytest.skip("the extra [explore] is not installed: the page has no tab Neuron")
    reader.go("#tab=neuron&LIF.white_noise.intensity=300&LIF.tau_m=15&seed=2")
    figure = reader.page.locator('[data-figure="curve"]')
    _, table = reader.saved(figure.get_by_text("CSV", exact=True))
    rates = [float(row[2]) for row in csv.reader(io.StringIO(table)) if row[0] == "rate"]
    figure.locator("summary").click()
    known = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(figure.locator("code").inner_text(), known)
    assert rates == known["recording"].counts().tolist()
    assert max(rates) > 50


def test_the_textbook_neuron_fires_as_the_python_lines_do(explorer):
    reader = explorer()
    if "neuron" not in reader.tabs:
        pytest.skip("the extra [explore] is not installed: the page has no tab Neuron")
    reader.go(
        "#tab=neuron&model=textbook_neuron&textbook_neuron.stimulus.constant.current=420"
        "&textbook_neuron.traub_miles_sodium.g.factor=1.2&textbook_neuron.leak.g=0.06"
    )
    figure = reader.page.locator('[data-figure="potential"]')
    figure.locator("summary").click()
    known = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(figure.locator("code").inner_text(), known)
    count = int(known["recording"].counts()[0])
    assert count > 3
    assert reader.page.inner_text(".told").startswith(f"{count} spikes in 60 ms")


def cell_table(reader):
    """Return what the map of the cell shows: part, time, distance and potential of each row."""
    figure = reader.page.locator('[data-figure="cell"]')
    _, table = reader.saved(figure.get_by_text("CSV", exact=True))
    rows = list(csv.reader(io.StringIO(table)))[1:]
    return [row[0] for row in rows], np.array([[float(x) for x in row[1:]] for row in rows])


@pytest.mark.parametrize(
    ("name", "into_dendrite", "noise", "synapses"),
    [
        ("textbook_neuron", 150, 120, "e30e35e35i3"),
        ("fast_spiking_interneuron", 200, 100, "e8e20e20i0"),
        ("ca1_pyramidal", 300, 140, "e70e75e75i3"),
        ("layer5_pyramidal", 900, 350, "e110e112e112i3"),
        ("spinal_motoneuron", 4000, 2000, "e120e122e122i3"),
        ("purkinje_cell", 600, 300, "e30e31e31i3"),
    ],
)
def test_the_cell_has_the_potential_of_the_python_lines_everywhere(
    explorer, name, into_dendrite, noise, synapses
):
    reader = explorer()
    if "neuron" not in reader.tabs:
        pytest.skip("the extra [explore] is not installed: the page has no tab Neuron")
    reader.go(
        f"#tab=neuron&model={name}&{name}.stimulus.constant.current=0"
        f"&{name}.into_dendrite.constant.current={into_dendrite}&{name}.excitatory.peak=4"
        f"&{name}.synapses={synapses}&{name}.excitatory.time=12.5"
        f"&{name}.stimulus.white_noise.intensity={noise}&{name}.at=15"
    )
    branches, shown = cell_table(reader)
    figure = reader.page.locator('[data-figure="cell"]')
    figure.locator("summary").click()
    known = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(figure.locator("code").inner_text(), known)
    found = known["recording"].matrix("cell")
    row = int(np.argmin(np.abs(np.asarray(found.time) - 15e-3)))
    assert branches[0] == "soma"
    assert shown[:, 0] == pytest.approx(15)
    expected = 1e3 * np.asarray(found.values)[0, row]
    assert np.ptp(expected) > 2
    np.testing.assert_allclose(shown[:, 2], expected, rtol=0, atol=1e-7)


def test_a_click_places_a_synapse_and_slow_motion_plays(explorer):
    reader = explorer()
    if "neuron" not in reader.tabs:
        pytest.skip("the extra [explore] is not installed: the page has no tab Neuron")
    reader.go("#tab=neuron&model=textbook_neuron&textbook_neuron.stimulus.constant.current=0")
    page = reader.page
    figure = page.locator('[data-figure="cell"]')
    assert "No spike" in page.inner_text(".told[data-told]")
    assert "No synapse" in figure.inner_text()
    where = page.evaluate("""() => {
        const picture = document.querySelector('[data-figure="cell"] svg');
        picture.scrollIntoView({ block: "center" });
        const { view } = picture.panels[0], at = picture.getBoundingClientRect();
        return [at.left + view.toX(0), at.top + view.toY(250)];
    }""")
    page.mouse.click(*where)
    reader.settle()
    assert "1 excitatory on apical, 260 µm from the soma" in figure.inner_text()
    page.mouse.click(where[0] + 150, where[1])
    reader.settle()
    assert reader.address.count("synapses=e") == 1
    assert re.search(r"synapses=e\d+(&|$)", reader.address)
    # By keyboard: an inhibitory synapse on the soma, the first place.
    figure.locator("#synapse-kind").focus()
    page.keyboard.press("ArrowDown")
    figure.get_by_role("button", name="Place it there").press("Enter")
    reader.settle()
    assert re.search(r"synapses=e\d+i0(&|$)", reader.address)
    assert "1 inhibitory on soma" in figure.inner_text()
    figure.get_by_role("button", name="Take the last away").click()
    reader.settle()
    assert re.search(r"synapses=e\d+(&|$)", reader.address)
    clock = figure.locator("#moment")
    clock.focus()
    clock.press("Home")
    first = figure.locator("svg").get_attribute("aria-label")
    figure.get_by_role("button", name="Slow motion").click()
    reader.until("document.querySelector('#moment').value > 20")
    figure.get_by_role("button", name="Pause").click()
    assert figure.locator("svg").get_attribute("aria-label") != first
    assert "textbook_neuron.at=" in reader.address
    figure.get_by_role("button", name="Take all away").click()
    reader.settle()
    assert "synapses" not in reader.address


def test_clicks_are_kept_while_a_cell_is_computed_and_slow_motion_ends_with_it(explorer):
    reader = explorer()
    if "neuron" not in reader.tabs:
        pytest.skip("the extra [explore] is not installed: the page has no tab Neuron")
    reader.go("#tab=neuron&model=textbook_neuron")
    figure = reader.page.locator('[data-figure="cell"]')
    put = figure.get_by_role("button", name="Place it there")
    put.evaluate("button => { for (let k = 0; k < 5; k++) button.click(); }")
    reader.settle()
    assert "5 excitatory on soma" in figure.inner_text()
    figure.get_by_role("button", name="Slow motion").click()
    reader.page.locator("form").get_by_label("Neuron", exact=True).select_option("ca1_pyramidal")
    reader.settle()
    assert figure.get_by_role("button", name="Slow motion").is_visible()


def test_values_that_the_description_refuses_are_said(explorer):
    reader = explorer()
    if "neuron" not in reader.tabs:
        pytest.skip("the extra [explore] is not installed: the page has no tab Neuron")
    reader.go("#tab=neuron&LIF.V_th=-65&LIF.V_reset=-61")
    assert "V_reset must lie below V_th" in reader.page.inner_text(".told")
    # What was drawn belongs to other values.
    assert not reader.page.locator('[data-figure="potential"]').is_visible()
    reader.go("#tab=neuron&LIF.V_th=-55&LIF.V_reset=-61")
    assert reader.page.locator('[data-figure="potential"]').is_visible()
