"""One neuron as a page: what is written, what is refused, and that hostile words stay words."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import shutil
from importlib.metadata import files
from importlib.util import find_spec
from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2 import Mohm, cm, mmolar, ms, mV, nA, ohm, pA, uA
from typer.testing import CliRunner

from experiments.command.main import app
from experiments.explore import exported_page, packed_neurons, page_builder
from experiments.explore.exported_page import export_page
from experiments.explore.kernel.package import KernelPackage, Parameter
from experiments.explore.kernel.slider_places import Place
from experiments.explore.page_builder import page_text
from experiments.explore.page_model import Curve, shown_as, tab_of_one
from neurosim import LIF, AdEx, HodgkinHuxley, from_brian2
from neurosim.catalogue import textbook_neuron
from neurosim.clamps import VoltageClamp
from neurosim.describe.circuit import Circuit
from neurosim.errors import EngineError, ParameterError, UnknownNameError
from neurosim.morphology import at
from neurosim.quantities import unit_name

HOSTILE = "</script><img src=x onerror=alert(1)>"
needs_ziglang = pytest.mark.skipif(
    find_spec("ziglang") is None, reason="ziglang (extra 'explore') is not installed"
)
needs_axe = pytest.mark.skipif(
    find_spec("axe_playwright_python") is None,
    reason="axe_playwright_python (extra 'book-check') is not installed",
)
needs_browser = pytest.mark.skipif(
    find_spec("playwright") is None or shutil.which("chromium") is None,
    reason="playwright (extra 'book-check') or chromium is not installed",
)


def own_neuron(name=HOSTILE, expression="(E_L - v + R*I_stim - R*w)/tau"):
    """Own equations, with a number that no decimal fraction says and a parameter that is 0."""
    return from_brian2(
        f"dv/dt = {expression} : volt\ndw/dt = -w/tau_w : amp",
        threshold="v > V_th",
        reset="v = E_L; w += constructor",
        parameters={
            "E_L": -70 * mV, "V_th": -55 * mV, "R": 100 * Mohm, "tau": 20 * ms / 3,
            "tau_w": 100 * ms, "constructor": 5 * pA, "w": 0 * pA,
        },
        name=name,
    )  # fmt: skip


def a_package(*names, head="", default=-0.07):
    """A package that never runs: what the page is told of it needs no compiler."""
    ends = {"unit": "volt", "default": default, "low": -0.09, "high": -0.05, "meaning": "as given"}
    current, noise = f"{head}constant.current", f"{head}white_noise.intensity"
    injected = [
        Parameter(current, "amp", 1e-10, 0, 2e-10, "", (Place("a", (0,), (1.0,)),)),
        Parameter(noise, "amp*second**0.5", 0, 0, 1e-12, "", ()),
    ]
    made = [Parameter(name, places=(), **ends) for name in names]
    return KernelPackage(b"\0asm", {}, (*injected, *made), {"bent": "it is no straight line"}, {})


def told(package, neuron=None, **changes):
    asked = {
        "label": HOSTILE, "source": "neuron = LIF()  # {seed}", "duration_ms": 100, "most_pA": 200,
        "sliders": {}, "curve": Curve(),
    }  # fmt: skip
    return tab_of_one(neuron or LIF(), package, **asked | changes)


@pytest.mark.parametrize(
    ("neuron", "line"),
    [
        (LIF(), {"slider": "V_th", "mV": -55, "label": "V_th"}),
        (HodgkinHuxley(), {"slider": "V_detect", "mV": 0, "label": "V_detect"}),
        (AdEx(), {"slider": "V_peak", "mV": 0, "label": "V_peak"}),
        (textbook_neuron(), None),
        (own_neuron().replace(V_th=-40 * mV),
         {"slider": "V_th", "mV": -40, "label": "V_th"}),
    ],
)  # fmt: skip
def test_the_line_stands_at_the_threshold_that_the_neuron_has(neuron, line):
    name = line["slider"] if line else "E_L"
    head = "" if line else "stimulus."
    volts = line["mV"] * 1e-3 if line else -0.07
    tab = told(a_package(name, head=head, default=volts), neuron=neuron)
    assert tab["models"]["neuron"]["threshold"] == line


def test_hostile_words_stay_in_the_data():
    tab = told(a_package("E_L"), sliders={"E_L": HOSTILE}, source=HOSTILE)
    text = page_text({"neuron": tab}, title=HOSTILE)
    assert "<img" not in text
    assert text.count("<script") == text.count("</script>") == 2


def test_a_slider_has_the_unit_of_readers_and_its_first_value_lies_between_its_ends():
    tab = told(a_package("E_L"), sliders={"E_L": "rest"})
    (*_, slider) = tab["models"]["neuron"]["sliders"]
    assert (slider["unit"], slider["low"], slider["high"]) == ("mV", -90, -50)
    assert slider["initial"] == -70
    assert slider["described"]


@pytest.mark.parametrize(
    "quantity",
    [LIF().tau_m, LIF().R_m, AdEx().a, AdEx().C, HodgkinHuxley().area, HodgkinHuxley().C_m,
     HodgkinHuxley().g_Na, 5 * uA / cm**2, 10 * mmolar, 150 * ohm * cm],
)  # fmt: skip
def test_a_number_in_units_of_readers_is_the_same_in_python(quantity):
    shown = shown_as(unit_name(quantity))
    # A unit that readers know, and no product of SI units.
    assert "**" not in shown.unit
    again = float(quantity) / shown.scale * eval(shown.python, vars(brian2))
    assert float(again) == pytest.approx(float(quantity), rel=1e-14)
    assert again.has_same_dimensions(quantity)


def test_a_parameter_of_a_channel_may_be_called_shift():
    # What moves several places together ends so too, and stands elsewhere in the Python lines.
    names = ("traub_miles_sodium.V_T.shift", "channel.shift")
    package = a_package(*names, head="stimulus.")
    tab = told(package, textbook_neuron(), sliders={name: name for name in names})
    sliders = {one["name"]: one["together"] for one in tab["models"]["neuron"]["sliders"]}
    assert [sliders[name] for name in names] == [True, False]


def test_a_slider_that_there_cannot_be_is_refused_with_the_reason():
    with pytest.raises(ParameterError, match="no slider bent: it is no straight line"):
        told(a_package(), sliders={"bent": "bent"})
    with pytest.raises(ParameterError, match="no slider tau: no such parameter; known are"):
        told(a_package("E_L"), sliders={"tau": "tau"})


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Circuit({"a": LIF()}), "Circuit cannot run in a page"),
        (lambda: "LIF", "a str cannot run in a page"),
        (
            lambda: textbook_neuron().place(VoltageClamp(), at("soma", 0.5)),
            "a clamp cannot run in a page",
        ),
    ],
)
def test_what_no_page_runs_is_refused_before_anything_is_compiled(tmp_path, made, said):
    with pytest.raises(ParameterError, match=said):
        export_page(made(), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def no_compiler():
    raise EngineError("pip install 'neurosim-bridge[explore]'")


def test_without_a_compiler_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(exported_page, "wasm_compiler", no_compiler)
    with pytest.raises(EngineError, match=r"neurosim-bridge\[explore\]"):
        export_page(LIF(), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_without_a_compiler_the_packed_neurons_are_shown(monkeypatch, tmp_path):
    monkeypatch.setattr(page_builder, "wasm_compiler", no_compiler)
    monkeypatch.setattr(page_builder, "packed_neurons", lambda: None)
    with pytest.raises(EngineError, match="brings no compiled ones"):
        page_builder._neurons()
    neurons = told(a_package())
    monkeypatch.setattr(packed_neurons, "neuron_data", lambda: neurons)
    file = packed_neurons.pack_neurons(tmp_path / "packed" / "neurons.json")
    monkeypatch.setattr(page_builder, "packed_neurons", lambda: packed_neurons.packed_neurons(file))
    assert page_builder._neurons() == neurons


def test_neurons_that_were_packed_by_other_code_are_not_shown(monkeypatch, tmp_path):
    monkeypatch.setattr(packed_neurons, "neuron_data", dict)
    file = packed_neurons.pack_neurons(tmp_path / "neurons.json")
    assert packed_neurons.packed_neurons(file) == {}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"code": "older"}))
    assert packed_neurons.packed_neurons(file) is None


def test_a_wheel_takes_the_packed_neurons_along():
    import tomllib

    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    (taken,) = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["artifacts"]
    assert Path(__file__).parents[2] / taken.lstrip("/") == packed_neurons.PACKED


def test_the_command_says_what_does_not_go_together(tmp_path):
    def error(*words):
        return CliRunner().invoke(app, ["export", *map(str, words)]).exception

    page = tmp_path / "page.html"
    assert "either --out FOLDER" in str(error("LIF"))
    assert "either --out FOLDER" in str(error("LIF", "--out", tmp_path / "a", "--html", page))
    assert "belong to --out" in str(error("LIF", "--html", page, "--to", "arbor"))
    assert "belongs to --html" in str(error("LIF", "--out", tmp_path / "a", "--most", 5))
    unknown = error("LIFF", "--html", page)
    assert isinstance(unknown, UnknownNameError)
    assert "'LIF'" in str(unknown)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@needs_ziglang
class TestExported:
    @pytest.fixture(scope="class")
    @staticmethod
    def folder(tmp_path_factory):
        return tmp_path_factory.mktemp("exported")

    @pytest.fixture(scope="class")
    @staticmethod
    def page(folder):
        """The page of own equations under hostile names."""
        return export_page(
            own_neuron(), folder / "own.html", title=HOSTILE, most=500 * pA,
            source=f"\nneuron = own_neuron()  # {HOSTILE} {{seed}}",
        )  # fmt: skip

    def test_its_size_and_sliders_are_said(self, page):
        assert page.size == page.file.stat().st_size < 300_000
        assert page.sliders == ("E_L", "R", "V_th", "constructor", "tau", "tau_w")

    def test_an_equation_that_no_page_computes_is_refused_by_name(self, folder):
        bent = own_neuron("Bent", "(E_L - v + R*I_stim*sin(v/E_L))/tau")
        with pytest.raises(EngineError, match="has no sin of its own"):
            export_page(bent, folder / "bent.html", most=500 * pA)
        assert not (folder / "bent.html").exists()

    def test_a_neuron_that_fires_by_itself_needs_a_largest_current(self, folder):
        restless = own_neuron("Restless").replace(E_L=-50 * mV)
        with pytest.raises(ParameterError, match="most=500"):
            export_page(restless, folder / "restless.html")

    @needs_browser
    def test_hostile_names_are_text_and_the_spikes_are_those_of_python(self, page):
        with opened(page.file) as (reader, faults, requests):
            assert reader.title() == HOSTILE
            assert reader.inner_text("h1") == HOSTILE
            assert reader.locator("img").count() == 0
            slider(reader, "white_noise.intensity").press("End")
            settled(reader)
            figure = reader.locator('[data-figure="spikes"]')
            rows = saved_rows(reader, figure)
            figure.locator("summary").click()
            code = figure.locator("code").inner_text()
            # What the description says in its words is not searched for places.
            assert f"# {HOSTILE} {{seed}}" in code
            known = {"own_neuron": own_neuron}
            with contextlib.redirect_stdout(io.StringIO()):
                exec(code, known)
            recording = known["recording"]
            assert len(rows) > 30
            assert [int(row[2]) - 1 for row in rows] == recording.spike_row.tolist()
            shown = np.array([float(row[1]) for row in rows])
            np.testing.assert_allclose(shown, 1e3 * recording.spike_time_s, rtol=0, atol=1e-6)

            figure = reader.locator('[data-figure="curve"]')
            slider(reader, "tau_w").press("Home")
            settled(reader)
            rates = [float(row[2]) for row in saved_rows(reader, figure) if row[0] == "rate"]
            figure.locator("summary").click()
            with contextlib.redirect_stdout(io.StringIO()):
                exec(figure.locator("code").inner_text(), known)
            assert rates == known["recording"].counts().tolist()
            assert max(rates) > 30
            assert "neuron.tau_w=" in reader.evaluate("location.hash")
        assert not faults
        assert all(url.startswith(("file:", "data:", "blob:", "about:")) for url in requests)

    @pytest.fixture(scope="class")
    @staticmethod
    def hodgkin_huxley(folder):
        return export_page(HodgkinHuxley(), folder / "hh.html", most=200 * pA)

    @needs_browser
    @needs_axe
    @pytest.mark.parametrize("width", [360, 1280])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_nothing_is_cut_and_axe_finds_nothing_serious(self, hodgkin_huxley, width, scheme):
        (shipped,) = (f for f in files("axe-playwright-python") if f.name == "axe.min.js")
        axe = Path(str(shipped.locate())).read_text("utf-8")
        context = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
        with opened(hodgkin_huxley.file, bypass_csp=True, **context) as (reader, faults, _):
            ground = reader.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
            wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert reader.evaluate(wider) <= 0
            for summary in reader.locator("figure:not([hidden]) summary").all():
                summary.click()
            reader.evaluate(axe)
            found = reader.evaluate("axe.run(document, {resultTypes: ['violations']})")
            serious = [
                (one["id"], one["nodes"][0]["html"][:200])
                for one in found["violations"]
                if one["impact"] in ("serious", "critical")
            ]
            assert not serious
        assert not faults

    @needs_browser
    def test_its_line_follows_the_slider_of_its_own_threshold(self, page, hodgkin_huxley):
        def lines(reader):
            words = reader.locator('[data-figure="potential"] svg text').all_text_contents()
            return [said for said in words if "mV" in said and "(" not in said]

        with opened(hodgkin_huxley.file) as (reader, _, _):
            assert lines(reader) == ["V_detect, 0 mV"]
        with opened(page.file) as (reader, _, _):
            assert lines(reader) == ["V_th, −55 mV"]
            slider(reader, "V_th").press("End")
            settled(reader)
            assert lines(reader) == ["V_th, −35 mV"]

    @needs_browser
    def test_a_neuron_with_extent_has_its_curve_current_by_current(self, folder):
        source = "from neurosim.catalogue import textbook_neuron\n\nneuron = textbook_neuron()"
        page = export_page(textbook_neuron(), folder / "cell.html", most=1 * nA, source=source)
        assert "leak.g" in page.sliders
        with opened(page.file) as (reader, faults, _):
            figure = reader.locator('[data-figure="curve"]')
            rates = [float(row[2]) for row in saved_rows(reader, figure) if row[0] == "rate"]
            figure.locator("summary").click()
            known = {}
            with contextlib.redirect_stdout(io.StringIO()):
                exec(figure.locator("code").inner_text(), known)
            assert len(rates) == 11
            assert rates == (known["recording"].counts() / 0.5).tolist()
            assert max(rates) > 30
        assert not faults

    @needs_browser
    def test_concentrations_are_drawn_by_themselves_and_many_sliders_are_folded(self, folder):
        source = (
            "from neurosim.catalogue import pumping_cell\n"
            "from neurosim.morphology import at\n\n"
            'neuron = pumping_cell().probe("na_i", at("cell", 0.5), label="sodium")'
        )
        known = {}
        exec(source, known)
        page = export_page(known["neuron"], folder / "pump.html", most=300 * pA, source=source)
        with opened(page.file, viewport={"width": 360, "height": 740}) as (reader, faults, _):
            potential = saved_rows(reader, reader.locator('[data-figure="potential"]'))
            assert {row[0] for row in potential} == {"cell"}
            figure = reader.locator('[data-figure="probes-1"]')
            assert "in mM" in figure.locator("figcaption").inner_text()
            shown = np.array([float(row[2]) for row in saved_rows(reader, figure)])
            figure.locator("summary").click()
            with contextlib.redirect_stdout(io.StringIO()):
                exec(figure.locator("code").inner_text(), known)
            recording = known["recording"]
            # A mole in a cubic metre is 1 mM.
            np.testing.assert_allclose(shown, recording.traces_si["sodium"][0], rtol=0, atol=1e-9)
            assert np.ptp(shown) > 0.01
            folded = slider(reader, "potassium.outside")
            assert not folded.is_visible()
            reader.get_by_text(f"All {len(page.sliders)} parameters of the neuron").click()
            folded.press("End")
            settled(reader)
            wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert reader.evaluate(wider) <= 0
            reader.reload()
            settled(reader)
            assert folded.is_visible()
        assert not faults


@contextlib.contextmanager
def opened(file, **context):
    """Open a page in Chromium: the page, what went wrong on it, and what it asked for."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        reader = browser.new_page(**context)
        faults, requests = [], []
        reader.on("pageerror", lambda error: faults.append(str(error)))
        reader.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
        reader.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        reader.on("request", lambda request: requests.append(request.url))
        reader.goto(file.as_uri())
        settled(reader)
        yield reader, faults, requests
        browser.close()


def settled(reader):
    """Wait until the neuron has run; the page's policy forbids Playwright's own way."""
    idle = "!Explorer.sharedRunner.busy && !Explorer.sharedRunner.waiting.size"
    for _ in range(1200):
        reader.wait_for_timeout(50)
        if reader.evaluate(idle):
            return
    raise AssertionError("the neuron of the page runs on and on")


def slider(reader, name):
    return reader.locator(f'[data-control="neuron.{name}"] input')


def saved_rows(reader, figure):
    with reader.expect_download() as waiting:
        figure.get_by_text("CSV", exact=True).click()
    text = Path(waiting.value.path()).read_text("utf-8")
    return list(csv.reader(io.StringIO(text)))[1:]
