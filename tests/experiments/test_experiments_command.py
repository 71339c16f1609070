"""The command as a stranger types it: what it prints, what it refuses, what it leaves behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import neurosim

from experiments.command.run import run_command
from experiments.kit.registry import Context, contents, find
from neurosim.errors import ParameterError, UnknownNameError

HEADER = "current_pA,count,window_s\n"


def test_list_tells_the_parameters_of_one_experiment():
    done = neurosim("list", "lif-closed-form")
    assert done.returncode == 0
    assert "closed form within 0.5 %" in done.stdout
    assert "highest_over_rheobase" in done.stdout
    wrong = neurosim("list", "lif-closed")
    assert wrong.returncode != 0
    assert "did you mean 'lif-closed-form'" in wrong.stderr


@pytest.mark.parametrize(("name", "given"), [
    ("same-spikes", {"rows": "-1"}),
    ("known-units", {"data_sets": "0"}),
    ("coverage", {"currents": "10,0"}),
    ("synapse-gradients", {"perturbed": "-1"}),
])  # fmt: skip
def test_a_count_below_the_least_is_refused(name, given):
    (parameter,) = given
    with pytest.raises(ParameterError, match=f"{name}: {parameter} must be at least"):
        find(name).with_values(given)


def test_a_count_that_may_be_zero_and_a_switch_are_taken():
    assert find("synapse-gradients").with_values({"perturbed": "0"}).perturbed == 0
    assert find("coverage").with_values({"rivals": "0"}).rivals == 0
    assert find("slow-unit").with_values({"pump": "false"}).pump is False


@pytest.mark.parametrize("given", [{"families": "lif,banana"}, {"noises": "banana"}])
def test_coverage_refuses_an_unknown_name_before_its_first_cell(given):
    coverage = find("coverage")
    with pytest.raises(UnknownNameError, match="'banana'"):
        coverage.run(coverage.with_values(given), Context(quick=True))


@pytest.mark.parametrize("name", sorted(contents()))
def test_defaults_are_within_what_is_taken(name):
    one = find(name)
    counts = {
        parameter: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for parameter, value in contents()[name].defaults.items()
    }
    assert one.with_values(counts) == one.parameters()


def test_list_names_every_experiment():
    done = neurosim("list")
    assert done.returncode == 0
    for name in ("lif-closed-form", "noisy-lif-siegert", "hodgkin-huxley-onset", "known-units"):
        assert name in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["list"],
        ["run", "lif-close-form"],
        ["convert", "--help"],
        ["data", "train", "--help"],
        ["unit", "--out", "/proc/x", "--sett"],
    ],
)
def test_nothing_heavy_is_imported_before_a_command_needs_it(words):
    program = (
        "import sys, experiments.command.main as command\n"
        "try:\n    command.main()\n"
        "finally:\n    print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )
    imported = set(done.stdout.splitlines()[-1][1:-1].replace("'", "").split(", "))
    assert "experiments" in imported, done.stderr
    heavy = {"brian2", "jinja2", "matplotlib", "numpy", "pandas", "scipy", "sklearn", "sympy"}
    assert not imported & heavy


@pytest.mark.slow
def test_the_first_command_does_not_wait_for_the_plots_of_brian2():
    program = (
        "import sys, experiments.command.main as command\n"
        "try:\n    command.main()\n"
        "finally:\n    print('brian2' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    words = [sys.executable, "-c", program, "unit", "LIFE"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["True", "False"], done.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a script stands in for the compiler")
def test_a_model_starts_the_compiler_once_a_file(tmp_path):
    calls = tmp_path / "calls"
    for name in ("gcc", "g++", "cc", "c++"):
        real = shutil.which(name)
        if real is None:
            continue
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\necho "$@" >> {calls}\nexec {real} "$@"\n')
        script.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = neurosim("unit", "LIF", "--intervals", "none", PATH=path, NEUROSIM_CACHE=tmp_path / "c")
    assert done.returncode == 0, done.stderr
    started = calls.read_text().splitlines()
    # Which version, whether it knows this processor, two files, and one program of them.
    assert sum(" -c " in f"{line} " for line in started) == 2, started
    assert len(started) == 5, started


@pytest.mark.slow
def test_doctor_ends_with_a_real_run():
    done = neurosim("doctor")
    assert done.returncode == 0, done.stdout
    assert "LIF at 200 pA fires 33" in done.stdout
    assert "compiled models" in done.stdout


@pytest.mark.slow
def test_doctor_without_a_compiler_says_what_to_do():
    done = neurosim("doctor", CXX="")
    assert done.returncode == 0
    assert "none found; runs use NumPy" in done.stdout
    assert "apt install g++" in done.stdout
    assert "engine numpy" in done.stdout


@pytest.mark.slow
def test_run_writes_a_result_with_seed_and_versions(tmp_path):
    out = tmp_path / "new" / "folder"
    done = neurosim("run", "lif-closed-form", "--out", out, "--set", "dt_ms=0.02", "--seed", 4)
    assert done.returncode == 0, done.stderr
    assert "holds: largest error of the rate" in done.stdout
    result = json.loads((out / "result.json").read_text())
    assert result["provenance"]["parameters"]["dt_ms"] == 0.02
    assert {"brian2", "numpy"} <= set(result["provenance"]["versions"])
    assert result["verdicts"][0]["holds"] is True
    assert (out / "lif-closed-form.svg").read_text().count("<svg") == 1
    assert (out / "rates.csv").read_text().startswith("current_pA,closed_form_Hz")
    # No progress bar where the output is no terminal.
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "lif-close-form"], "no experiment is called 'lif-close-form': did you mean"),
        (
            ["run", "lif-closed-form", "--set", "dt=1"],
            "has no parameter 'dt': did you mean 'dt_ms'",
        ),
        (["run", "No/Such.swc"], "no experiment is called 'No/Such.swc': "),
        (["run", "lif-closed-form", "--set", "dt_ms=fast"], "dt_ms must be a number; got 'fast'"),
        (["run", "lif-closed-form", "--set", "dt_ms"], "--set takes NAME=VALUE"),
        (["run", "lif-closed-form", "--set", "dt_ms=-1"], "dt must be greater than 0"),
        (["run", "lif-closed-form", "--set", "dt_ms=nan"], "dt must be finite"),
        (["run", "lif-closed-form", "--set", "duration_s=-1"], "duration must be greater than 0"),
        (["run", "lif-closed-form", "--seed", "-1"], "--seed"),
        (["compare", "--colour"], "No such option"),
        (["simulate"], "No such command"),
    ],
)
def test_wrong_words_are_one_clear_error_with_exit_code_2(commands, arguments, said):
    done = commands.run(*arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Cell.swc", "neurosim unit {0} --membrane textbook or neurosim morphology {0};"),
        ("Cell.abf", "give it to neurosim unit {0};"),
        ("Cell.nml", "give it to neurosim unit {0} or neurosim morphology {0};"),
        ("Notes.md", "which is a file: `neurosim list` shows"),
    ],
)
def test_a_file_that_is_no_experiment_is_sent_where_it_belongs(tmp_path, name, said):
    file = tmp_path / "Folder" / name
    file.parent.mkdir()
    file.touch()
    with pytest.raises(UnknownNameError) as caught:
        run_command(str(file))
    assert f"no experiment is called '{file}'" in str(caught.value)
    assert said.format(file) in str(caught.value)


def test_all_parameters_of_an_experiment_are_listed():
    found = find("synapse-gradients")
    with pytest.raises(UnknownNameError) as caught:
        found.with_values({"nothing": "1"})
    for name in contents()["synapse-gradients"].defaults:
        assert name in str(caught.value)
    assert "more" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such file"),
        ("current_pA,spikes_in_step,window_s\n0,0,1\n", "count"),
        (HEADER + "0,0,1\n50,many,1\n", "line 3"),
        (HEADER + "0,0,1\n100,5,1\n50,2,1\n", "line 4"),
        (HEADER + "0,0,1\n50,nan,1\n", "line 3"),
        (HEADER + "0,0,1\n50,-2,1\n", "line 3"),
        (HEADER + "0,0,1\n50,2,0\n", "line 3"),
        (HEADER, "no"),
        ("", "empty"),
    ],
)
def test_a_faulty_recording_is_refused_before_anything_runs(commands, tmp_path, text, said):
    file = tmp_path / "cell.csv"
    if text is not None:
        file.write_text(text)
    done = commands.run("compare", "--recording", file, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "cell.csv" in done.stderr
    assert said in done.stderr.lower() + done.stderr
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_named_before_anything_runs(commands, tmp_path):
    (tmp_path / "file").write_text("")
    started = time.perf_counter()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        done = commands.run("compare", "--out", out)
        assert done.returncode == 2
        assert "name" in done.stderr
        assert "--out" in done.stderr
    assert time.perf_counter() - started < 30
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.slow
def test_an_interrupted_main_job_leaves_nothing_behind(tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.command.main", "compare", "--quick", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(8)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; nothing was written" in complaints
    assert "Traceback" not in complaints
    assert not list(tmp_path.rglob("*.*"))


IGNORED = """
def ended(_):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)

def step():
    thing = Thing()
    known = weakref.ref(thing, ended)
    del thing
    time.sleep(20)
"""
# Trainings keep their best weights when interrupted, and return.
TRAINED = """
class Strikes(Hook):
    def after_epoch(self, trainer):
        if trainer.epoch == 3:
            os.kill(os.getpid(), signal.SIGINT)

def step():
    X = np.random.default_rng(1).normal(size=(50, 2))
    ShallowNetwork(max_epochs=10, hooks=[Strikes()]).fit(X, X[:, 0] > 0)
"""
SOLVED = """
def step():
    X = np.random.default_rng(1).normal(size=(50, 2))
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    while True:
        fit_lbfgs(Network([2, 3, 1]), Quadratic(), X, X[:, :1])
"""
COMMAND = """
import os, signal, sys, time, weakref
import numpy as np
from ann import Network
from ann import Hook, ShallowNetwork
from ann.network.losses import Quadratic
from ann.training.lbfgs import fit_lbfgs
from experiments.command import main

class Thing: pass

def swallows():
    step()
    print("went on")

{step}
main.app.command("swallows")(swallows)
sys.argv = ["neurosim", "swallows"]
main.main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("step", [IGNORED, TRAINED, SOLVED])
def test_an_interrupt_ends_the_command_whatever_would_catch_it(step):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND.format(step=step)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 130, done.stderr
    assert "interrupted; nothing was written" in done.stderr
    assert "went on" not in done.stdout


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    table = out / "mine.csv"
    rows = [(i, max(0, (i - 100) // 10), 1.0) for i in range(0, 500, 25)]
    table.write_text(HEADER + "".join(f"{i},{n},{w}\n" for i, n, w in rows))
    (out / "units.png").write_bytes(b"of an earlier run")
    done = neurosim("compare", "--quick", "--recording", table, "--out", out, "--seed", 2)
    return out, done


@pytest.mark.slow
def test_the_main_job_holds_on_a_cell_of_the_user(report):
    out, done = report
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((out / "result.json").read_text())
    accuracy = {row["time_ms"]: row for row in result["tables"]["accuracy"]}
    # A quick run has all five networks, on which the claim rests, and only the times up to the last
    # that is judged.
    assert list(accuracy) == [10, 25, 50, 100]
    assert accuracy[50]["ann_accuracy"] > 0.965
    assert accuracy[100]["points_lost"] < 0.75
    assert [row["neuron"] for row in result["tables"]["units"]][-1] == "recorded: mine"
    assert result["provenance"]["seed"] == 2
    assert result["numbers"]["units"]["recorded: mine"]["best"]
    # The sentences that are printed stand on the page.
    said = result["numbers"]["sentences"]
    printed, page = " ".join(done.stdout.split()), (out / "report.html").read_text()
    for sentence in (
        *(said[part] for part in ("neuron", "units in short", "network")),
        *said["kept and lost"],
    ):
        assert sentence in printed
        assert sentence in page.replace("&#39;", "'")
    assert said["units"] in page.replace("&#39;", "'")
    assert -56 < result["numbers"]["neuron"]["threshold_mV"] < -54


@pytest.mark.slow
def test_the_report_stands_alone(report):
    out, _ = report
    page = (out / "report.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 5
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert 'src="http' not in page
    for name in ("neuron", "units", "voltage", "activation", "accuracy"):
        assert f'href="{name}.svg"' in page
        assert (out / f"{name}.svg").stat().st_size > 10_000
        # A quick run draws none, and that of an earlier run would show other numbers.
        assert not (out / f"{name}.png").exists()
    assert "The quick version counts spikes at fewer currents" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "first"), [("ann", True), ("neurosim", True), ("bridge", True), ("ann", False)]
)
def test_doctor_names_a_package_in_the_place_of_ours(tmp_path, name, first):
    """Another distribution on the index has the import name too."""
    root = Path(__file__).parents[2]
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    info = tmp_path / "some_other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some_other\nVersion: 1.0\n")
    (info / "RECORD").write_text(f"{name}/__init__.py,,\n")
    order = [tmp_path, root] if first else [root, tmp_path]
    program = (
        f"import sys; sys.path[:1] = {[str(place) for place in order]!r}\n"
        "from experiments.command.doctor import examine\n"
        "for f in examine(): print(f.state, f.what, '|', f.found, '|', f.remedy)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd="/"
    )
    lines = [line for line in done.stdout.splitlines() if f"package {name} " in line]
    assert len(lines) == 1, done.stdout + done.stderr
    assert "pip uninstall some_other;" in lines[0]
    if first:
        # Nothing else is looked at: what it would say is said by the other package.
        assert done.stdout.splitlines() == lines
        assert lines[0].startswith("broken")
        assert str(tmp_path / name) in lines[0]
    else:
        assert lines[0].startswith("note")
        assert "ok a test run" in done.stdout


def test_the_name_of_the_distribution_is_the_same_wherever_it_is_said():
    from ann.errors import MissingExtraError
    from experiments.command.doctor import DISTRIBUTION
    from neurosim.errors import ExtraMissingError, install_command

    assert install_command("x") == f"python -m pip install '{DISTRIBUTION}[x]'"
    for kind in (ExtraMissingError, MissingExtraError):
        assert str(kind.needed_for("this", "x")).endswith(install_command("x"))


def test_doctor_prints_the_brackets_of_an_extra(monkeypatch, capsys):
    import experiments.command.doctor
    from experiments.command.doctor import doctor_command

    remedy = "pip install 'neurosim-bridge[neo]'"
    found = experiments.command.doctor.Finding("extras", "note", "none", remedy)
    monkeypatch.setattr(experiments.command.doctor, "examine", lambda: [found])
    doctor_command(clear_cache=False)
    assert remedy in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--recording", "no-such-file.abf"), "no such file"),
        (("--recording", "."), "is a folder"),
        (("--voltage", "IN 0"), "goes with --recording"),
    ],
)
def test_a_recording_of_the_main_job_is_looked_at_first(commands, tmp_path, words, said):
    done = commands.run("compare", *words, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
