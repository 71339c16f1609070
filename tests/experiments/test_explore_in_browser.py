"""The explorer in headless Chromium, as a reader uses it."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from importlib.metadata import files
from pathlib import Path
from xml.etree import ElementTree

import pytest
from explorer_reader import IN_BROWSER

from bridge.units import FAMILIES
from experiments.explore.page_builder import MOST_BYTES
from experiments.explore.unit_grid import MODELS

pytestmark = IN_BROWSER
FIRST_PAINT_MS = 1000


def test_the_page_is_small_and_paints_at_once(explorer_file, explorer):
    assert explorer_file.stat().st_size <= MOST_BYTES
    reader = explorer()
    paints = "performance.getEntriesByName('first-contentful-paint').map(e => e.startTime)"
    reader.until(f"{paints}.length")
    # The first opening also starts the browser's own processes.
    times = []
    for _ in range(3):
        reader.go("")
        reader.until(f"{paints}.length")
        times.append(reader.page.evaluate(paints)[0])
    assert min(times) <= FIRST_PAINT_MS


def test_every_control_changes_the_address_and_what_is_shown(explorer):
    reader = explorer()
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


def test_a_link_restores_what_was_shown(explorer):
    reader = explorer()
    for tab in reader.tabs:
        reader.go(f"#tab={tab}")
        for control in reader.page.locator(".control:not([hidden]) input[type=range]").all():
            control.focus()
            for _ in range(2):
                control.press("ArrowRight")
        reader.settle()
        other = explorer(reader.address)
        assert other.told() == reader.told(), tab
        assert other.address == reader.address


def test_back_to_a_tab_finds_it_as_it_was(explorer):
    reader = explorer("#tab=learn&steps=30")
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
def test_a_bad_address_is_said_and_the_rest_is_shown(explorer, address, said):
    reader = explorer(address)
    assert said in reader.page.inner_text("#complaint")
    assert reader.page.locator(".picture svg").count() >= 2
    assert reader.page.locator("#complaint img").count() == 0


def test_a_good_address_has_no_complaint(explorer):
    assert explorer("#tab=learn&rate=0.1&theme=dark").page.locator("#complaint").is_hidden()


def test_every_view_is_saved_as_svg_csv_and_python(explorer):
    reader = explorer()
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


def test_the_python_lines_of_learn_print_the_loss_that_is_shown(explorer):
    reader = explorer("#tab=learn&steps=40&shape=ring&network=deep&seed=2&rate=0.1")
    reader.page.locator("summary").first.click()
    code = reader.page.locator("figure code").first.inner_text()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    loss = float(printed.getvalue().split()[0])
    assert f"loss {loss:.4f}" in reader.page.inner_text(".told")


def test_the_nearest_point_of_the_grid_is_named(explorer):
    reader = explorer("#tab=unit&LIF.noise=3.4&LIF.tau_m=33")
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


def test_run_and_pause_and_step(explorer):
    reader = explorer("#tab=learn")
    steps = "Number(Explorer.readAddress(location.hash, Explorer.tabs).values.steps)"
    reader.page.get_by_role("button", name="Run").click()
    reader.until(f"{steps} > 20")
    reader.page.get_by_role("button", name="Pause").click()
    stood = reader.page.evaluate(steps)
    reader.page.get_by_role("button", name="One step").click()
    assert reader.page.evaluate(steps) == stood + 1
    reader.page.get_by_role("button", name="Begin again").click()
    assert reader.page.evaluate(steps) == 0


def test_tabs_by_keyboard(explorer):
    reader = explorer()
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


def test_a_digit_is_drawn_by_touch_and_by_keyboard(explorer):
    reader = explorer("#tab=network", has_touch=True, viewport={"width": 360, "height": 740})
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


def test_the_time_plays_to_the_end(explorer):
    reader = explorer("#tab=network&at=190")
    reader.page.get_by_role("button", name="Play the time").click()
    reader.until("location.hash.includes('at=200')")
    reader.settle()
    assert "at=200" in reader.address
    # At the end it no longer offers to stop.
    assert reader.page.get_by_role("button", name="Play the time").is_visible()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_and_axe_finds_nothing_serious(explorer, width, scheme):
    (shipped,) = (f for f in files("axe-playwright-python") if f.name == "axe.min.js")
    axe = Path(str(shipped.locate())).read_text("utf-8")
    reader = explorer(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
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


def test_colours_follow_the_system_and_the_choice(explorer):
    ground = "getComputedStyle(document.body).backgroundColor"
    assert explorer(color_scheme="dark").page.evaluate(ground) == "rgb(20, 24, 29)"
    reader = explorer(color_scheme="light")
    assert reader.page.evaluate(ground) == "rgb(255, 255, 255)"
    reader.page.select_option("#theme", "dark")
    assert reader.page.evaluate(ground) == "rgb(20, 24, 29)"
    assert "theme=dark" in reader.address
