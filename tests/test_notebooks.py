"""Notebooks of the documentation run from top to bottom, and each picture is drawn by one line."""

import base64
import io
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

nbformat = pytest.importorskip("nbformat", reason="the [test] extra has nbformat and nbclient")
nbclient = pytest.importorskip("nbclient", reason="the [test] extra has nbformat and nbclient")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
DRAWN = (
    "recording.plot(",
    "recording.plot_raster(",
    "recording.plot_rate(",
    "neuron.plot()",
    "neuron.plot(potential_mV, label",
    'projection="3d"',
    "travelling.plot_space_time(",
    "travelling.animate(",
    "curve.plot(",
    "found.plot(",
    "unit.plot(",
    "network.plot_history(",
    "network.plot_weights(",
    "moons.plot_boundary(",
    "run.plot_against(",
    "certificate.plot(",
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.read(ROOT / "docs" / "notebooks" / "plots-in-one-line.ipynb", 4)
    # The kernel finds the packages of this checkout.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.delenv("MPLBACKEND", raising=False)
        where = {"metadata": {"path": str(folder)}}
        nbclient.NotebookClient(notebook, timeout=900, resources=where).execute()
    return notebook, folder


def _picture(cell):
    for output in cell.outputs:
        if "image/png" in output.get("data", {}):
            return matplotlib.image.imread(io.BytesIO(base64.b64decode(output.data["image/png"])))
    return None


@pytest.mark.slow
@pytest.mark.parametrize("line", DRAWN)
def test_one_line_draws(line, executed):
    notebook, folder = executed
    cell = next(c for c in notebook.cells if c.cell_type == "code" and line in c.source)
    assert len(cell.source.splitlines()) == 1
    if "animate" in line:
        film = (folder / "travelling-spike.gif").read_bytes()
        assert film.startswith(b"GIF8")
        assert len(film) > 20_000
        return
    picture = _picture(cell)
    assert picture is not None
    assert min(picture.shape[:2]) > 250
    # More than an empty frame: some hundreds of pixels differ from the most frequent colour.
    flat = picture[..., :3].reshape(-1, 3)
    background = np.median(flat, axis=0)
    assert (np.abs(flat - background).max(axis=1) > 0.1).sum() > 500


def test_things_show_themselves_as_tables(executed):
    notebook, _ = executed
    shown = [
        output.data["text/html"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
    assert len(shown) >= 6
