"""What converted networks and certificates show: pictures by their content, texts at a glance."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from brian2 import ms, mV

from ann import Network
from bridge.certificate.certificate import PARTS
from bridge.certificate.certify import certify
from bridge.conversion.convert import convert
from bridge.conversion.drive import background_for, measure_for_conversion
from bridge.counts.curve import FICurve
from bridge.errors import ConversionError
from bridge.mapping.measured_unit import MeasuredUnit
from neurosim import LIF

ROOT = Path(__file__).resolve().parents[2]
X = np.random.default_rng(0).normal(size=(40, 4))
NET = Network([4, 6, 5, 3], ["tanh", "sigmoid", "identity"], rng=0, dtype=np.float64)


@pytest.fixture(scope="module")
def spiking():
    curve = measure_for_conversion(LIF(), background_for(LIF(), 2 * mV), dt=0.1 * ms)
    return convert(NET, X, curve=curve, dale=True)


@pytest.fixture(scope="module")
def run(spiking):
    return spiking.run(X[:12], 40 * ms, seed=1)


@pytest.fixture(scope="module")
def certificate(spiking):
    return certify(spiking, X[:32], 40 * ms, trials=2, repeats=2)


@pytest.fixture(autouse=True)
def _plain_figures():
    with mpl.rc_context({"backend": "agg"}):
        yield
    plt.close("all")


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


@pytest.mark.slow
def test_a_run_is_drawn_against_the_trained_network(run):
    ax = run.plot_against(NET, at=20 * ms)
    upper, lower = ax.figure.axes
    assert ax is upper
    *layers, identity = upper.lines
    wanted, found = NET.activations(X[:12])[:2], run.unit_activations(20 * ms)
    for line, rest, a, b in zip(layers, lower.lines[:2], wanted, found, strict=True):
        np.testing.assert_allclose(line.get_xdata(), a.ravel())
        np.testing.assert_allclose(line.get_ydata(), b.ravel())
        np.testing.assert_allclose(rest.get_ydata(), (b - a).ravel())
    np.testing.assert_array_equal(identity.get_xdata(), identity.get_ydata())
    assert np.all(np.asarray(lower.lines[2].get_ydata()) == 0)
    assert "20 ms" in upper.get_ylabel()
    assert all("no unit" in label for label in (lower.get_xlabel(), lower.get_ylabel()))
    said = [text.get_text() for text in upper.get_legend().get_texts()]
    rms = np.sqrt(np.mean((found[1] - wanted[1]) ** 2))
    assert said[1:] == [f"hidden layer 2: rms residual {rms:.2g}", "identity"]
    # What is drawn by default is what the neurons carry: the same activations.
    default = run.plot_against(at=20 * ms).lines[0]
    np.testing.assert_allclose(default.get_xdata(), layers[0].get_xdata(), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("placed", ["grid", "constrained", "free"])
def test_a_run_is_drawn_where_it_is_asked_for(run, placed):
    if placed == "free":
        figure = plt.figure()
        given, other = figure.add_axes((0.1, 0.2, 0.3, 0.7)), figure.add_axes((0.5, 0.2, 0.4, 0.7))
    else:
        layout = "constrained" if placed == "constrained" else "none"
        figure, (given, other) = plt.subplots(1, 2, figsize=(10, 4), layout=layout)
    before = pixels(figure)
    assert run.plot_against(NET, ax=given) is given
    changed = np.any(pixels(figure) != before, axis=(0, 2))
    height, right = pixels(figure).shape[:2]
    assert changed.sum() > 0.2 * right
    if placed != "constrained":
        # Nothing beside it moved.
        assert not changed[right // 2 :].any()
    lower = next(ax for ax in figure.axes if ax not in (given, other))
    boxes = [ax.get_tightbbox() for ax in (given, lower)]
    assert boxes[1].y1 < boxes[0].y1
    assert boxes[1].y0 >= 0
    assert boxes[0].y1 <= height


@pytest.mark.slow
def test_only_the_network_that_was_converted_is_drawn(run):
    other = Network([4, 7, 5, 3], ["tanh", "sigmoid", "identity"], rng=0)
    with pytest.raises(ConversionError, match=r"\[7, 5\] units, the one that ran \[6, 5\]"):
        run.plot_against(other)
    with pytest.raises(ConversionError, match="shown for 40"):
        run.plot_against(NET, at=50 * ms)


@pytest.mark.slow
def test_a_certificate_draws_the_share_of_each_source(certificate):
    ax = certificate.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == list(PARTS)
    assert "(%)" in ax.get_xlabel()
    for bars, layer in zip(ax.containers, certificate.layers, strict=True):
        drawn = [bar.get_width() for bar in bars]
        np.testing.assert_allclose(drawn, [100 * layer.shares[name] for name in PARTS])
        assert sum(drawn) == pytest.approx(100)
        assert f"rms error {np.sqrt(layer.mean_square):.2g}" in bars.get_label()
    # The first source stands on top, and bars of two layers do not cover each other.
    assert ax.yaxis_inverted()
    first, second = (bars[2] for bars in ax.containers)
    assert first.get_y() + first.get_height() <= second.get_y() + 1e-9
    figure, given = plt.subplots()
    blank = pixels(figure)
    assert certificate.plot(ax=given) is given
    assert np.mean(np.any(pixels(figure) != blank, axis=2)) > 0.05


@pytest.mark.slow
def test_texts_say_at_a_glance_what_a_thing_is(spiking, run, certificate):
    assert repr(spiking).startswith("SpikingNetwork(4-24-10-3 on LIF, current synapses")
    assert repr(run).startswith("SpikingRun(12 inputs for 40 ms, ")
    assert repr(certificate).startswith("Certificate(4-24-10-3 at 40 ms, 32 inputs in 2 runs, ")
    worst = max(certificate.layers, key=lambda layer: layer.logit_rms)
    assert f"{worst.largest} in hidden layer {worst.layer})" in repr(certificate)
    unit = MeasuredUnit(FICurve(np.arange(5) * 100.0, np.arange(5), 1.0), 100, 50, 20)
    assert repr(unit) == (
        "MeasuredUnit(100 pA at z = 0, 50 pA for each unit of z, 20 Hz stand for 1)"
    )
    page = certificate._repr_html_()
    assert page.count("<tr>") == 3
    assert all(f"<th>{name} (%)</th>" in page for name in PARTS)
    assert f"<td>{100 * certificate.layers[0].shares['f-I bias']:.0f}</td>" in page
    page = spiking._repr_html_()
    for said in ("<td>24</td>", "<td>10</td>", "3 (label)", "LIF(E_L=-70. mV", "(current)"):
        assert said in page


@pytest.mark.slow
def test_hostile_names_are_escaped(spiking, certificate):
    bad = type("<script>alert(1)</script>", (LIF,), {})
    named = replace(spiking, neuron=bad())
    for page in (named._repr_html_(), replace(certificate, network=named)._repr_html_()):
        assert "<script>" not in page
    assert "&lt;script&gt;" in named._repr_html_()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("convert", "bridge.conversion.convert"),
        ("certify", "bridge.certificate.certify"),
        ("calibrate", "bridge.mapping.calibration"),
        ("cost", "bridge.spiking.energy"),
    ],
)
def test_public_functions_stay_functions_whatever_is_imported_first(name, module):
    program = (
        f"import {module}, bridge.nir.nir_files, bridge.certificate.certificate\n"
        f"from bridge import {name}, certify, convert\n"
        "import bridge\n"
        f"assert all(callable(f) for f in ({name}, bridge.{name}, convert, certify))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
