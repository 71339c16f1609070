"""`neurosim morphology`: what a reconstruction is read as, its doubts, and its picture."""

import json

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from experiments.command.main import app
from neurosim.errors import ParameterError
from neurosim.morphology import MorphologyError

CELL = (
    "1 1 0 0 0 8 -1\n2 3 8 0 0 1.5 1\n3 3 40 0 0 1 2\n4 3 60 20 0 1 3\n5 3 60 -20 0 .7 3\n"
    "6 2 0 -8 0 1 1\n7 2 0 -50 0 .6 6\n8 4 0 8 0 2 1\n9 4 0 60 0 1.5 8\n"
)


@pytest.fixture
def run():
    def call(*words):
        return CliRunner().invoke(app, ["morphology", *map(str, words)])

    return call


@pytest.fixture
def cell(tmp_path):
    path = tmp_path / "cell.swc"
    path.write_text(CELL)
    return path


def test_a_type_of_the_file_gets_a_name(run, cell):
    other = cell.with_name("other.swc")
    other.write_text(CELL.replace(" 4 0 ", " 7 0 "))
    assert "custom7" in run(other).output
    done = run(other, "--tag", "7=apical")
    assert done.exit_code == 0
    rows = {line.split()[0]: line.split() for line in done.output.splitlines() if line.strip()}
    assert rows["apical"][1:3] == ["1", "52"]
    for wrong in ("apical", "x=apical", "7=", "7=a b"):
        done = run(other, "--tag", wrong)
        assert isinstance(done.exception, ParameterError)
        assert f"--tag {wrong}: say a type" in str(done.exception)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["99=apical"], "no point of cell.swc has type 99; the file has types 1, 2, 3, 4"),
        (["1=dendrite"], "type 1 is soma in every file, not dendrite: only types beyond 1 soma"),
        (["5=basal", "5=apical"], "--tag 5=apical: type 5 is named twice"),
    ],
)
@pytest.mark.parametrize("command", ["morphology", "unit"])
def test_a_name_is_only_given_to_a_type_of_the_file(cell, command, words, said):
    given = [command, str(cell), *(["--membrane", "textbook"] if command == "unit" else [])]
    for word in words:
        given += ["--tag", word]
    done = CliRunner().invoke(app, given)
    assert isinstance(done.exception, ParameterError)
    assert said in str(done.exception)
    assert "\n" not in str(done.exception)


def test_an_experiment_says_that_it_reads_a_file_as_it_stands(cell):
    cell.write_text(CELL.replace("0 0 0 8 -1", "0 0 0 0 -1"))
    given = ["run", "back-propagation", "--quick", "--set", f"morphology={cell}"]
    done = CliRunner().invoke(app, given)
    assert isinstance(done.exception, MorphologyError)
    assert "give the soma's diameter" in str(done.exception)
    assert "An experiment reads a file as it stands: correct a copy" in str(done.exception)


def test_each_type_has_its_length_and_area(run, cell):
    done = run(cell, "--check")
    assert done.exit_code == 0
    rows = {line.split()[0]: line.split() for line in done.output.splitlines() if line.strip()}
    assert rows["soma"][1:4] == ["1", "16", "804.25"]
    assert rows["axon"][1:3] == ["1", "42"]
    assert rows["apical"][1:3] == ["1", "52"]
    assert float(rows["all"][2]) == pytest.approx(
        16 + 42 + 52 + 32 + 2 * np.hypot(20, 20), rel=1e-4
    )
    assert "nothing in the file is doubtful" in done.output


def test_doubts_are_said_and_end_with_status_1(run, tmp_path):
    path = tmp_path / "turned.swc"
    path.write_text("1 3 0 0 0 1 -1\n2 3 20 0 0 1 1\n3 1 40 0 0 8 2\n")
    assert run(path).exit_code == 0
    done = run(path, "--check")
    assert done.exit_code == 1
    assert "doubtful: turned.swc, line 3: the soma is not the root" in done.output


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        (CELL.replace("1 1 0 0 0 8", "1 1 0 0 0 0"), ["--soma-diameter", "16um"], "804.25"),
        (CELL + "10 3 900 0 0 1 -1\n11 3 950 0 0 1 10\n", ["--tree", "0"], "804.25"),
        (CELL.replace(".7 3", "0 3"), ["--least-diameter", "0.2um"], "0.2 to 3"),
        (
            "\n".join(
                f"{k + 1} {3 if k else 1} {k * 300} 0 0 {200 if k else 4000} {k or -1}"
                for k in range(40)
            ),
            ["--unit", "1nmeter"],
            "201.06",
        ),
    ],
)  # fmt: skip
def test_what_an_error_advises_can_be_typed(run, tmp_path, content, words, said):
    path = tmp_path / "odd.swc"
    path.write_text(content)
    refused = run(path)
    assert isinstance(refused.exception, MorphologyError)
    assert words[0] in str(refused.exception)
    done = run(path, *words)
    assert done.exit_code == 0
    assert said in done.output


def test_the_picture_is_of_the_cell(run, cell, tmp_path):
    for name in ("a.png", "b.png"):
        assert (
            run(cell, "--picture", tmp_path / name, *["--flip"][: name == "b.png"]).exit_code == 0
        )
    upright, flipped = (imread(tmp_path / name) for name in ("a.png", "b.png"))
    assert np.ptp(upright) > 0.5
    assert upright.shape != flipped.shape or not np.allclose(upright, flipped)
    assert run(cell, "--picture", tmp_path / "c.svg").exit_code == 0
    assert "µm" in (tmp_path / "c.svg").read_text()
    wrong = run(cell, "--picture", tmp_path / "c.jpeg")
    assert "choose a name in .svg, .png, .pdf" in str(wrong.exception)


def test_a_file_that_is_not_there(run, tmp_path):
    assert "no such file" in str(run(tmp_path / "none.swc").exception)


def unit_of(*words):
    return CliRunner().invoke(app, ["unit", *map(str, words)])


@pytest.mark.slow
def test_a_reconstruction_gets_a_membrane_and_its_unit(cell, tmp_path):
    done = unit_of(
        cell, "--membrane", "textbook", "--currents", "0:200:40", "--trials", "1", "--intervals",
        "none", "--out", tmp_path / "card",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "unit stands for this neuron" in done.output
    saved = json.loads(next((tmp_path / "card").glob("*.json")).read_text())
    counts = saved["selection"]["count"]
    assert counts[0] == 0
    assert counts[-1] > 5


def test_a_reconstruction_without_a_membrane_is_refused_with_what_to_type(cell):
    assert "--membrane textbook" in str(unit_of(cell).exception)
    assert "textbook" in str(unit_of(cell, "--membrane", "textbok").exception)
    assert "go with a reconstruction" in str(unit_of("LIF", "--membrane", "textbook").exception)
    assert "takes no parameters" in str(
        unit_of(cell, "--membrane", "textbook", "--set", "tau_m=10ms").exception
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--plane", "xq"), "choose one of xy, xz, yz"),
        (("--plane", "xq", "--picture", "cell.svg"), "choose one of xy, xz, yz"),
        (("--plane", "xz"), "such as --picture"),
        (("--flip",), "such as --picture"),
    ],
)
def test_options_of_a_picture_are_checked_before_anything_is_printed(run, cell, words, said):
    done = run(cell, *words)
    assert done.exit_code != 0
    assert said in str(done.exception)
    assert "branches" not in done.output


def test_a_folder_is_called_one(run, tmp_path):
    assert "is a folder" in str(run(tmp_path).exception)


def test_a_file_that_ends_within_its_last_line_is_doubtful(run, tmp_path):
    text = "1 1 0 0 0 5 -1\n2 3 0 10 0 1 1\n3 3 0 100 0 .5 2"
    for end, status in (("", 1), ("\n", 0)):
        file = tmp_path / f"cell{status}.swc"
        file.write_text(text + end)
        done = run(file, "--check")
        assert done.exit_code == status, done.stdout
        assert ("may have been cut" in done.stdout) is bool(status)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--unit", "1kg"], "--unit: no unit is called 'kg'; write it as in 1um"),
        (["--unit", "1mV"], "--unit: '1mV' has another unit; write it as in 1um"),
        (["--unit", "2"], "--unit: '2' has no unit; write it as in 1um"),
        (["--unit", "one"], "--unit: 'one' is no number with a unit, such as 1um"),
        (["--unit", "0um"], "--unit: '0um' must be finite and above 0, such as 1um"),
        (["--unit", "1e400um"], "must be finite and above 0"),
        (["--soma-diameter=-2um"], "--soma-diameter: '-2um' must be finite and above 0"),
        (["--least-diameter", "1ms"], "--least-diameter: '1ms' has another unit; write it as in 0"),
        (["--tree", "3"], "there is no tree 3; the file holds one tree, number 0 (tree=0, --tree"),
    ],
)
def test_an_option_that_is_wrong_is_answered_with_one_that_is_right(run, cell, words, said):
    done = run(cell, *words)
    assert done.exit_code
    assert said in str(done.exception)


ASC = "((Dendrite) (0 0 0 2) (40 0 0 2) ((60 20 0 1) | (60 -20 0 1)))"
NML = """<neuroml id="f"><cell id="c"><morphology id="m"><segment id="0" name="soma">
<proximal x="0" y="0" z="0" diameter="20"/><distal x="20" y="0" z="0" diameter="20"/></segment>
</morphology></cell></neuroml>"""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("cell.asc", ASC, "3 branches"),
        ("cell.ASC", ASC, "3 branches"),
        ("c.nml", NML, "1 branches"),
    ],
)
def test_other_kinds_are_read_by_their_ending(run, tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text)
    done = run(path)
    assert done.exit_code == 0, done.output
    assert f"{name}: {said}" in done.output


def test_what_neuroml_says_itself_is_no_option(run, tmp_path):
    path = tmp_path / "cell.nml"
    path.write_text(NML)
    assert "--unit goes with SWC, ASC and HDF5" in str(run(path, "--unit", "1um").exception)
    assert "a shape without channels" in str(unit_of(path).exception)
    assert "none of .swc, .asc, .h5" in str(run(path.rename(tmp_path / "cell.txt")).exception)


@pytest.mark.slow
def test_a_cell_of_neuroml_has_a_unit_with_its_own_channels(tmp_path):
    from brian2 import mV, um

    from neurosim import Neuron
    from neurosim.channels import HHPotassium, HHSodium, Leak
    from neurosim.morphology import PerBranch, cylinder

    cell = Neuron(cylinder(30 * um, 30 * um, tag="soma"), PerBranch(1), celsius=6.3, rest=-65 * mV)
    cell = cell.paint([HHSodium(), HHPotassium(), Leak(E=-54.4 * mV)])
    cell.to_neuroml(tmp_path / "cell.nml")
    done = unit_of(
        tmp_path / "cell.nml", "--currents", "0:600:100", "--trials", "1", "--intervals", "none"
    )
    assert "cell" in done.output, done.exception
    assert done.exit_code in (0, 1)


OUTLINE = """("CellBody" (CellBody)
  (5 0 0 0) (3.5 3.5 0 0) (0 5 0 0) (-3.5 3.5 0 0) (-5 0 0 0) (-3.5 -3.5 0 0) (0 -5 0 0)
  (3.5 -3.5 0 0))
((Dendrite) (0 5 0 1) (0 60 0 1){more})
"""


def test_the_outline_of_a_cell_body_is_read_and_not_doubtful(run, tmp_path):
    file = tmp_path / "cell.asc"
    file.write_text(OUTLINE.format(more=""))
    done = run(file, "--check")
    assert done.exit_code == 0, done.output
    words = " ".join(done.output.split())
    assert "read: " in words
    assert "the cell body is an outline of 8 points" in words
    assert "nothing in the file is doubtful" in words
    # A branch that begins far from the cell body still is.
    file.write_text(OUTLINE.format(more="").replace("(0 5 0 1)", "(40 5 0 1)"))
    done = run(file, "--check")
    assert done.exit_code == 1, done.output
    assert "doubtful: " in done.output
