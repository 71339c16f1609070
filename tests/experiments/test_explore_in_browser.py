"""The explorer in headless Chromium, as a reader uses it."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import shutil
from importlib.metadata import files
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bridge.units import FAMILIES
from experiments.explore.page_builder import MOST_BYTES, build_page
from experiments.explore.unit_grid import MODELS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("playwright") is None or find_spec("axe_playwright_python") is None,
        reason="the extra [book-check] is not installed",
    ),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium"),
]
FIRST_PAINT_MS = 1000
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# The neurons of the page run beside it.
IDLE = (
    "!Explorer.sharedRunner || !Explorer.sharedRunner.busy && !Explorer.sharedRunner.waiting.size"
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The page as the command writes it."""
    return build_page(tmp_path_factory.mktemp("explorer") / "page.html").file


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


class Reader:
    """A page that is open, and everything that went wrong on it."""

    def __init__(self, browser, file, address="", **context):
        self.context = browser.new_context(
            **({"viewport": {"width": 1280, "height": 900}} | context)
        )
        self.page = self.context.new_page()
        self.faults, self.requests = [], []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.file = file
        self.go(address)

    def go(self, address):
        self.page.goto("about:blank")
        self.page.goto(self.file.as_uri() + address)
        self.settle()

    def settle(self):
        self.page.evaluate(SETTLED)
        self.until(IDLE)

    def until(self, expression):
        """Wait for something to be true; the page's policy forbids Playwright's own way."""
        for _ in range(200):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never true: {expression}")

    @property
    def address(self):
        return self.page.evaluate("location.hash")

    @property
    def tabs(self):
        return self.page.evaluate("Explorer.tabs.map(tab => tab.name)")

    def open(self, tab):
        self.page.click(f"#tab-{tab}")
        self.settle()

    def told(self):
        """Everything that the figures show, and the words beside them."""
        labels = (
            "[...document.querySelectorAll('.picture svg')].map(s => s.getAttribute('aria-label'))"
        )
        return self.page.evaluate(labels), self.page.inner_text("#panel .told")

    def drawn(self):
        """The lines of all figures: a late synapse moves no spike that the words tell of."""
        lines = "[...document.querySelectorAll('.picture path')].map(p => p.getAttribute('d'))"
        return self.page.evaluate(lines)

    def saved(self, button):
        """Press a button by keyboard, which no redraw can move away from under a mouse."""
        # Chromium drops the eleventh download that a page begins within a second; nobody presses
        # so fast.
        self.page.wait_for_timeout(120)
        with self.page.expect_download() as waiting:
            button.press("Enter")
        return waiting.value.suggested_filename, Path(waiting.value.path()).read_text("utf-8")

    def close(self):
        self.context.close()
        assert not self.faults
        assert [
            u for u in self.requests if not u.startswith(("file:", "data:", "blob:", "about:"))
        ] == []


@pytest.fixture
def read(chromium, file):
    """Open the page at an address; at the end nothing may have gone wrong on it."""
    opened = []

    def reader(address="", **context):
        opened.append(Reader(chromium, file, address, **context))
        return opened[-1]

    yield reader
    for one in opened:
        one.close()


def test_the_page_is_small_and_paints_at_once(file, read):
    assert file.stat().st_size <= MOST_BYTES
    reader = read()
    paints = "performance.getEntriesByName('first-contentful-paint').map(e => e.startTime)"
    reader.until(f"{paints}.length")
    # The first opening also starts the browser's own processes.
    times = []
    for _ in range(3):
        reader.go("")
        reader.until(f"{paints}.length")
        times.append(reader.page.evaluate(paints)[0])
    assert min(times) <= FIRST_PAINT_MS


def test_every_control_changes_the_address_and_what_is_shown(read):
    reader = read()
    assert len(reader.tabs) >= 2
    first = {
        "learn": ["&steps=20"],
        "unit": [f"&model={name}" for name in MODELS],
        "neuron": [
            "&model=LIF&LIF.white_noise.intensity=300",
            "&model=AdEx&AdEx.white_noise.intensity=300",
            "&model=HodgkinHuxley&HodgkinHuxley.white_noise.intensity=60",
            "&model=TraubMiles&TraubMiles.white_noise.intensity=300",
            "&model=textbook_neuron&textbook_neuron.stimulus.white_noise.intensity=120"
            "&textbook_neuron.synapses=e30e30i0",
            "&model=ca1_pyramidal",
            "&model=layer5_pyramidal",
        ],
    }
    views = [(tab, more) for tab in reader.tabs for more in first.get(tab, [""])]
    for tab, more in views:
        reader.go(f"#tab={tab}{more}")
        names = reader.page.eval_on_selector_all(
            ".control:not([hidden])", "all => all.map(e => e.dataset.control)"
        )
        assert names
        # Which model is shown comes last: other controls belong to it.
        for name in sorted(names, key=lambda one: one == "model"):
            control = reader.page.locator(f'[data-control="{name}"]').locator("select, input")
            before, address = (reader.told(), reader.drawn()), reader.address
            control.focus()
            control.press("End")
            if reader.address == address:
                control.press("Home")
            reader.settle()
            assert reader.address != address, (tab, name)
            assert (reader.told(), reader.drawn()) != before, (tab, name)


def test_a_link_restores_what_was_shown(read):
    reader = read()
    for tab in reader.tabs:
        reader.go(f"#tab={tab}")
        for control in reader.page.locator(".control:not([hidden]) input[type=range]").all():
            control.focus()
            for _ in range(2):
                control.press("ArrowRight")
        reader.settle()
        other = read(reader.address)
        assert other.told() == reader.told(), tab
        assert other.address == reader.address


def test_back_to_a_tab_finds_it_as_it_was(read):
    reader = read("#tab=learn&steps=30")
    before = reader.told()
    reader.open("network")
    reader.open("learn")
    assert reader.told() == before


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("#tab=nowhere", "there is no tab"),
        ("#tab=learn&shape=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E", "shape must be one of"),
        ("#tab=learn&rate=7", "rate must be one of"),
        ("#tab=learn&steps=-1", "steps must be a number from 0"),
        ("#tab=learn&steps=", "steps must be a number from 0"),
        ("#tab=learn&steps=1e999", "steps must be a number from 0"),
        ("#tab=learn&__proto__=1", "has no"),
        ("#tab=learn&shape=toString", "shape must be one of"),
        ("#%E0%A4%A=1", "cannot be read"),
        ("#theme=pink", "none of auto, light, dark"),
        ("#tab=network&ink=zz", "ink must be 64 signs"),
        ("#tab=neuron&textbook_neuron.synapses=e999", "with the number of a site below"),
        ("#tab=neuron&textbook_neuron.at=1e9", "a time from 0 to"),
        ("#" + "x" * 100_000, "has no"),
    ],
)
def test_a_bad_address_is_said_and_the_rest_is_shown(read, address, said):
    reader = read(address)
    assert said in reader.page.inner_text("#complaint")
    assert reader.page.locator(".picture svg").count() >= 2
    assert reader.page.locator("#complaint img").count() == 0


def test_a_good_address_has_no_complaint(read):
    assert read("#tab=learn&rate=0.1&theme=dark").page.locator("#complaint").is_hidden()


def test_every_view_is_saved_as_svg_csv_and_python(read):
    reader = read()
    for tab in reader.tabs:
        reader.go(f"#tab={tab}" + ("&steps=5" if tab == "learn" else ""))
        figures = reader.page.locator("figure:not([hidden])").all()
        assert len(figures) >= 2
        for figure in figures:
            name, svg = reader.saved(figure.get_by_text("SVG", exact=True))
            assert name.endswith(".svg")
            ElementTree.fromstring(svg)
            name, table = reader.saved(figure.get_by_text("CSV", exact=True))
            rows = list(csv.reader(io.StringIO(table)))
            assert len(rows) > 3
            assert {len(row) for row in rows} == {4}
            figure.locator("summary").click()
            name, code = reader.saved(figure.get_by_text("Save these lines"))
            assert name.endswith(".py")
            compile(code, name, "exec")
            assert not re.search(r"\{\w+\}", code)


def test_the_python_lines_of_learn_print_the_loss_that_is_shown(read):
    reader = read("#tab=learn&steps=40&shape=ring&network=deep&seed=2&rate=0.1")
    reader.page.locator("summary").first.click()
    code = reader.page.locator("figure code").first.inner_text()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    loss = float(printed.getvalue().split()[0])
    assert f"loss {loss:.4f}" in reader.page.inner_text(".told")


def test_the_nearest_point_of_the_grid_is_named(read):
    reader = read("#tab=unit&LIF.noise=3.4&LIF.tau_m=33")
    assert "noise = 3\u00a0mV, tau_m = 40\u00a0ms" in reader.page.inner_text(".told")
    listed = reader.page.locator("tbody tr").count()
    assert listed >= 5
    # A family that is not in the table is named beneath it, with the reason.
    assert f"{listed} of {len(FAMILIES)} families are listed." in reader.page.inner_text("#panel")
    refused = re.findall(r"Refused \(([\w, -]+)\): \w", reader.page.inner_text("#panel"))
    assert sum(len(names.split(", ")) for names in refused) == len(FAMILIES) - listed
    reader.page.locator("summary").first.click()
    code = reader.page.locator("figure code").first.inner_text()
    assert "equivalent_unit(LIF(tau_m=40 * ms), noise=3 * mV," in code


@pytest.mark.parametrize(
    "address",
    [
        "&LIF.white_noise.intensity=345&LIF.constant.current=155&LIF.tau_m=17&seed=3",
        "&model=AdEx&AdEx.white_noise.intensity=120&AdEx.b=35&AdEx.tau_w=200",
        "&model=HodgkinHuxley&HodgkinHuxley.white_noise.intensity=30&HodgkinHuxley.g_Na=130",
        "&model=TraubMiles&TraubMiles.white_noise.intensity=300&TraubMiles.V_T=-60",
    ],
)
def test_point_neurons_fire_as_the_python_lines_do(read, address):
    reader = read()
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


def test_without_noise_one_trial_stands_for_all_and_csv_has_every_sample(read):
    reader = read()
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
def test_the_threshold_line_stands_at_minus_55_mV_and_follows_its_slider(read, model, moved, words):
    reader = read()
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


def test_a_rate_that_no_neuron_has_gets_a_caution(read):
    reader = read()
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


def test_the_curve_is_that_of_the_python_lines(read):
    reader = read()
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


def test_the_textbook_neuron_fires_as_the_python_lines_do(read):
    reader = read()
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
    read, name, into_dendrite, noise, synapses
):
    reader = read()
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


def test_a_click_places_a_synapse_and_slow_motion_plays(read):
    reader = read()
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


def test_clicks_are_kept_while_a_cell_is_computed_and_slow_motion_ends_with_it(read):
    reader = read()
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


def test_values_that_the_description_refuses_are_said(read):
    reader = read()
    if "neuron" not in reader.tabs:
        pytest.skip("the extra [explore] is not installed: the page has no tab Neuron")
    reader.go("#tab=neuron&LIF.V_th=-65&LIF.V_reset=-61")
    assert "V_reset must lie below V_th" in reader.page.inner_text(".told")
    # What was drawn belongs to other values.
    assert not reader.page.locator('[data-figure="potential"]').is_visible()
    reader.go("#tab=neuron&LIF.V_th=-55&LIF.V_reset=-61")
    assert reader.page.locator('[data-figure="potential"]').is_visible()


def test_run_and_pause_and_step(read):
    reader = read("#tab=learn")
    steps = "Number(Explorer.readAddress(location.hash, Explorer.tabs).values.steps)"
    reader.page.get_by_role("button", name="Run").click()
    reader.until(f"{steps} > 20")
    reader.page.get_by_role("button", name="Pause").click()
    stood = reader.page.evaluate(steps)
    reader.page.get_by_role("button", name="One step").click()
    assert reader.page.evaluate(steps) == stood + 1
    reader.page.get_by_role("button", name="Begin again").click()
    assert reader.page.evaluate(steps) == 0


def test_tabs_by_keyboard(read):
    reader = read()
    names = reader.tabs
    reader.page.focus(f"#tab-{names[0]}")
    for key, at in (
        ("ArrowRight", 1),
        ("End", -1),
        ("ArrowRight", 0),
        ("ArrowLeft", -1),
        ("Home", 0),
    ):
        reader.page.keyboard.press(key)
        chosen = reader.page.locator('[role=tab][aria-selected="true"]')
        assert chosen.get_attribute("id") == f"tab-{names[at]}"
        assert reader.page.evaluate("document.activeElement.id") == f"tab-{names[at]}"


def test_a_digit_is_drawn_by_touch_and_by_keyboard(read):
    reader = read("#tab=network", has_touch=True, viewport={"width": 360, "height": 740})
    pad = reader.page.locator("canvas.pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    # A stroke from top to bottom is a 1.
    x = box["x"] + box["width"] / 2
    reader.page.mouse.move(x, box["y"] + 20)
    reader.page.mouse.down()
    for k in range(1, 9):
        reader.page.mouse.move(x, box["y"] + 20 + k * 20)
    reader.page.mouse.up()
    reader.settle()
    assert "image=drawn" in reader.address
    assert "network says 1" in reader.page.inner_text(".told")
    touched = reader.address
    reader.page.touchscreen.tap(x, box["y"] + box["height"] / 2)
    reader.settle()
    assert reader.address != touched
    reader.page.get_by_role("button", name="Clear the pad").click()
    reader.settle()
    # An empty pad is the first value, which no address names.
    assert "ink=" not in reader.address
    pad.focus()
    for key in (" ", "ArrowDown", " ", "ArrowRight", " "):
        pad.press(key)
    ink = re.search(r"ink=([0-9a-g]{64})", reader.address).group(1)
    assert ink.count("g") == 3


def test_the_time_plays_to_the_end(read):
    reader = read("#tab=network&at=190")
    reader.page.get_by_role("button", name="Play the time").click()
    reader.until("location.hash.includes('at=200')")
    reader.settle()
    assert "at=200" in reader.address
    # At the end it no longer offers to stop.
    assert reader.page.get_by_role("button", name="Play the time").is_visible()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_and_axe_finds_nothing_serious(read, width, scheme):
    (shipped,) = (f for f in files("axe-playwright-python") if f.name == "axe.min.js")
    axe = Path(str(shipped.locate())).read_text("utf-8")
    reader = read(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    views = [f"#tab={tab}" for tab in reader.tabs]
    if "neuron" in reader.tabs:
        drawn = "&textbook_neuron.synapses=e30e30i0"
        views.append(f"#tab=neuron&model=textbook_neuron{drawn}")
        views.append("#tab=neuron&model=purkinje_cell")
    for view in views:
        reader.go(view)
        reader.page.evaluate(axe)
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert reader.page.evaluate(wider) <= 0
        for summary in reader.page.locator("figure:not([hidden]) summary").all():
            summary.click()
        found = reader.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [
            (one["id"], one["nodes"][0]["html"][:200])
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert not serious, (view, serious)


def test_colours_follow_the_system_and_the_choice(read):
    ground = "getComputedStyle(document.body).backgroundColor"
    assert read(color_scheme="dark").page.evaluate(ground) == "rgb(20, 24, 29)"
    reader = read(color_scheme="light")
    assert reader.page.evaluate(ground) == "rgb(255, 255, 255)"
    reader.page.select_option("#theme", "dark")
    assert reader.page.evaluate(ground) == "rgb(20, 24, 29)"
    assert "theme=dark" in reader.address
