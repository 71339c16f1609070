"""Claims are judged over several draws, and over many seeds."""

import ast
import dataclasses
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from scipy.stats import norm

from experiments import Context, Experiment, Result, Verdict
from experiments.kit.code_digest import code_of
from experiments.kit.estimate import (
    bootstrap,
    farthest,
    largest,
    mean,
    paired_share,
    share,
)
from experiments.kit.over_seeds import (
    NEEDED,
    OverSeeds,
    claims_table,
    run_over_seeds,
    write_claims,
)
from experiments.kit.registry import contents
from neurosim.errors import ParameterError

ROOT = Path(__file__).parents[2]


def covered(intervals, truth):
    return np.mean([one.low <= truth <= one.high for one in intervals])


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    random = np.random.default_rng(1)
    # Standard error of a coverage of .9 over 2000 sets: .0067.
    found = [mean(random.normal(3, 2, 6)) for _ in range(2000)]
    assert abs(covered(found, 3) - 0.9) < 0.02
    # Exact intervals of a share cover more often than they have to, as counts are whole.
    found = [share(int(random.binomial(40, 0.9)), 40) for _ in range(500)]
    assert 0.88 < covered(found, 0.9) < 0.99
    # Of 540 images 8 only the first gets right, 5 only the second.
    chances = [8 / 540, 5 / 540, 1 - 13 / 540]
    drawn = random.multinomial(540, chances, 2000)
    found = [paired_share(int(b), int(c), 540) for b, c, _ in drawn]
    assert 0.88 < covered(found, 3 / 540) < 0.94
    sets = random.normal(3, 2, (200, 40))
    found = [bootstrap(lambda w, x=x: float(x[w].mean()), 40, 1, repeats=200) for x in sets]
    assert 0.83 < covered(found, 3) < 0.95


def test_one_draw_has_no_interval():
    with pytest.raises(ParameterError, match="at least 2 draws; got 1"):
        mean([1.0])
    assert not np.isfinite(mean([1.0, np.nan]).value)


def test_a_verdict_holds_when_its_whole_interval_does():
    wide = mean([0.1, 0.3, 0.8])
    assert wide.value < 0.5 < wide.high
    verdict = Verdict.of("loss", wide, 0.5)
    assert (verdict.holds, verdict.undecided, verdict.word) == (False, True, "UNDECIDED")
    assert Verdict.of("loss", wide, 1.5).holds
    assert Verdict.of("loss", mean([2.0, 2.1]), 1.0).word == "FAILS"
    assert Verdict.of("gain", wide, -1.0, ">=").holds
    assert not Verdict.of("loss", mean([0.1, np.nan]), 10).holds
    assert not Verdict.of("loss", mean([0.1, np.nan]), 10).undecided
    said = str(Verdict.of("loss", mean([0.1, 0.3]), 1))
    assert said.endswith("(<= 1; 90 % interval -0.431 to 0.831, Student's t over 2 draws)")
    # A statement about every draw: no interval, but it is said how many there were.
    every = Verdict.of("rows that differ", largest([0, 0, 0]), 0)
    assert every.holds
    assert str(every) == "holds: rows that differ = 0 (<= 0; each of 3 draws)"


def test_estimates_turn_with_their_unit():
    lost = paired_share(12, 8, 1000).times(-100)
    assert lost.value == pytest.approx(-0.4)
    assert lost.low < lost.value < lost.high
    near = mean([0.48, 0.5, 0.53]).distance(0.5)
    assert near.low == 0
    assert near.high > near.value
    assert farthest([mean([0.0, 0.0, np.nan]), mean([5.0, 6.0])]).value != 5.5


def test_neighbouring_seeds_share_no_draw():
    drawn = [Context(seed=seed).seeds(20) for seed in range(50)]
    assert len(set(np.concatenate(drawn))) == 50 * 20
    assert max(max(seeds) for seeds in drawn) < 2**31
    assert len(Context(quick=True).seeds(20, quick=3)) == 3
    assert Context(quick=True).seeds(20, quick=3) == Context().seeds(20)[:3]


@dataclass(frozen=True)
class Limit:
    bar: float = 11.5


def toy(calls=None, deterministic=False):
    def function(parameters, context):
        if calls is not None:
            calls.append(context.seed)
            if calls[-1] == 4 and calls.count(4) == 1:
                raise KeyboardInterrupt
        verdicts = [Verdict("seed", context.seed, parameters.bar), Verdict("one", 1, 1)]
        return Result(verdicts=verdicts)

    return Experiment("toy", "Seeds are small.", Limit, function, deterministic)


@pytest.mark.slow
def test_the_share_of_seeds_at_which_a_verdict_holds(tmp_path):
    over = run_over_seeds(toy(), Limit(), Context(seed=1), 20, tmp_path)
    table = over.table().set_index("verdict")
    assert list(table["held"]) == [11, 20]
    assert list(table.loc["seed", ["lowest", "median", "highest"]]) == [1, 10.5, 20]
    assert not over.holds
    assert run_over_seeds(toy(), Limit(19), Context(seed=1), 20, tmp_path).holds
    row = claims_table(over.table()).iloc[0]
    assert (row["verdicts"], row["fewest"], row["at"]) == (2, "11 of 20", "seed")


def test_a_verdict_that_is_absent_at_a_seed_does_not_hold_there(tmp_path):
    def function(parameters, context):
        return Result(verdicts=[Verdict("even", 0, 0)] if context.seed % 2 == 0 else [])

    found = Experiment("toy", "", Limit, function)
    over = run_over_seeds(found, Limit(), Context(seed=1), 4, tmp_path)
    assert list(over.table()["held"]) == [2]
    assert list(over.table()["seeds"]) == [4]


def test_what_judges_nothing_shows_nothing(tmp_path):
    found = Experiment("toy", "", Limit, lambda parameters, context: Result())
    assert not run_over_seeds(found, Limit(), Context(seed=1), 2, tmp_path).holds


def test_a_statistic_without_bounds_is_kept(tmp_path):
    def function(parameters, context):
        return Result(verdicts=[Verdict("needed", float("inf"), 4, ">=")])

    found = Experiment("toy", "", Limit, function)
    over = run_over_seeds(found, Limit(), Context(seed=1), 2, tmp_path)
    assert over.holds
    assert np.isposinf(over.table()["lowest"]).all()


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    calls = []
    shares = []
    context = Context(seed=1, task=lambda _: shares.append)
    with pytest.raises(KeyboardInterrupt):
        run_over_seeds(toy(calls), Limit(), context, 6, tmp_path)
    assert calls == [1, 2, 3, 4]
    assert shares == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    # What is done has its table, though the run did not come to its end.
    assert set(pd.read_csv(tmp_path / "claims.csv")["seeds"]) == {3}
    over = run_over_seeds(toy(calls), Limit(), context, 6, tmp_path)
    assert calls == [1, 2, 3, 4, 4, 5, 6]
    assert list(over.verdicts) == [1, 2, 3, 4, 5, 6]
    # Other parameters are another run; so is a file that somebody cut short.
    run_over_seeds(toy(calls), Limit(3), context, 2, tmp_path)
    assert calls[7:] == [1, 2]
    (tmp_path / "seed-3.json").write_text("{")
    run_over_seeds(toy(calls), Limit(), context, 6, tmp_path)
    assert calls[9:] == [1, 2, 3]
    run_over_seeds(toy(calls), Limit(), dataclasses.replace(context, quick=True), 1, tmp_path)
    assert calls[12:] == [1]
    # And another experiment into the same folder.
    other = dataclasses.replace(toy(calls), name="other")
    run_over_seeds(other, Limit(), dataclasses.replace(context, quick=True), 1, tmp_path)
    assert calls[13:] == [1]


def test_kept_results_of_other_code_are_done_again(tmp_path, monkeypatch):
    calls = []
    run_over_seeds(toy(calls), Limit(), Context(seed=1), 2, tmp_path)
    monkeypatch.setattr("experiments.kit.over_seeds.code_digest", lambda _: "other")
    run_over_seeds(toy(calls), Limit(), Context(seed=1), 2, tmp_path)
    assert calls == [1, 2, 1, 2]


def test_a_result_is_kept_while_the_code_it_rests_on_is_the_same():
    module = contents()["reset-error"].module
    code = {file.relative_to(ROOT).as_posix() for file in code_of(module)}
    # Also what is imported inside functions, or named for a process of its own.
    assert "neurosim/engine/worker.py" in code
    assert "bridge/spiking/integrator.py" in code
    # Not what it has nothing to do with.
    assert not [name for name in code if name.startswith(("bridge/choice/", "ann/data/"))]
    assert "bridge/choice/select_unit.py" in {
        file.relative_to(ROOT).as_posix() for file in code_of(contents()["recorded-cells"].module)
    }


@pytest.mark.slow
def test_no_module_that_an_experiment_loads_is_left_out():
    program = (
        "import sys\n"
        "def ours():\n"
        "    packages = ('neurosim', 'ann', 'bridge', 'experiments')\n"
        "    return {m.__file__ for n, m in sys.modules.items() if n.split('.')[0] in packages}\n"
        "from experiments.kit.registry import contents, find\n"
        "contents()\n"
        "before = ours()\n"
        "found = find('reset-error')\n"
        "find('known-loss')\n"
        "found.run(found.with_values({'steps': '10,20'}))\n"
        "print(sorted(ours() - before))"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    loaded = {Path(file) for file in ast.literal_eval(done.stdout)}
    known = code_of(contents()["reset-error"].module) | code_of(contents()["known-loss"].module)
    assert len(loaded) > 100
    assert loaded - known == set()


def test_an_experiment_without_chance_must_not_depend_on_the_seed(tmp_path):
    over = run_over_seeds(toy(deterministic=True), Limit(100), Context(seed=1), 20, tmp_path)
    assert list(over.verdicts) == [1, 20]
    assert not over.agrees
    assert not over.holds


def test_the_table_of_all_experiments_is_that_of_its_numbers():
    """`python docs/draw_claims.py` draws docs/claims.csv into docs/claims.md."""
    done = subprocess.run(
        [sys.executable, "docs/draw_claims.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tables_of_a_run_that_was_stopped_are_gathered(tmp_path, monkeypatch):
    drawer = runpy.run_path(str(ROOT / "docs" / "draw_claims.py"))
    kept = tmp_path / "claims.csv"
    monkeypatch.setitem(drawer["gather"].__globals__, "CLAIMS", kept)
    for name, seeds in (("a", 20), ("b", 7)):
        over = run_over_seeds(toy(), Limit(), Context(seed=5), seeds, tmp_path / "runs" / name)
        write_claims(tmp_path / "runs" / name, over.table().assign(experiment=name))
    drawer["gather"]([tmp_path / "runs"])
    claims = pd.read_csv(kept)
    assert dict(zip(claims["experiment"], claims["seeds"], strict=True)) == {"a": 20, "b": 7}
    with pytest.raises(SystemExit, match=r"no claims\.csv in it"):
        drawer["gather"]([tmp_path / "nothing"])


def test_bars_that_were_changed_follow_from_their_reasons():
    """As docs/claims.md gives them."""
    from experiments.gallery.networks.digits_on_neurons import HELD_OUT, MOST_LOST
    from experiments.gallery.neurons.spike_reliability import IMPRECISE_MS, PRECISE_MS
    from experiments.gallery.units.two_layer_neuron import LEAST_OF_TWO_LAYERS

    half = 100 * norm.ppf(0.95) * np.sqrt(0.978 * (1 - 0.978) / HELD_OUT)
    assert half - 0.1 < MOST_LOST <= half
    assert (PRECISE_MS, IMPRECISE_MS) == (1, 5)
    assert LEAST_OF_TWO_LAYERS == 0.82
    page = (ROOT / "docs" / "claims.md").read_text()
    claims = pd.read_csv(ROOT / "docs" / "claims.csv").set_index("experiment")["bar"]
    for name, bar, told in (
        ("digits-on-neurons", MOST_LOST, "| 1 | 0.5 |"),
        ("reliability", PRECISE_MS, "| 1 | 0.5 |"),
        ("two-layer-neuron", LEAST_OF_TWO_LAYERS, "| .82 | .9 |"),
    ):
        assert bar in set(claims[name])
        assert told in page


def test_every_experiment_is_in_the_table():
    page = (ROOT / "docs" / "claims.md").read_text()
    assert [name for name in contents() if f"| `{name}` |" not in page] == []


def test_every_claim_of_the_table_meets_its_bar():
    claims = pd.read_csv(ROOT / "docs" / "claims.csv")
    missed = claims[claims["held"] < NEEDED * claims["seeds"]]
    assert missed.empty, missed.to_string()
    # What an experiment with chance in it claims rests on draws, not on one of them. Recordings are
    # as they are: chance is only in the Monte Carlo p that says whether a unit is adequate. Two
    # count what differs among many, 51 models and 109 checks.
    counts = {"recorded-cells", "brian2-models", "validate"}
    for name, part in claims[claims["chance"]].groupby("experiment"):
        assert part["draws"].max() > 1 or name in counts, name
    entries = contents()
    for name, chance in claims.groupby("experiment")["chance"].first().items():
        assert entries[name].deterministic != chance, name


@pytest.mark.parametrize("name", [e.name for e in contents().values() if e.deterministic])
def test_an_experiment_without_chance_draws_nothing(name):
    source = (ROOT / contents()[name].module.replace(".", "/")).with_suffix(".py").read_text()
    for word in ("context.seed", "default_rng", "np.random", "WhiteNoise", "seed="):
        assert word not in source


def neurosim(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "experiments.command.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
        timeout=300,
    )


@pytest.mark.slow
def test_the_command_prints_the_share_of_seeds(tmp_path):
    done = neurosim("run", "reset-error", "--seeds", 3, "--set", "steps=10,100", "--out", tmp_path)
    assert "3 of 3" in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "claims.csv").read_text().count("reset-error") >= 3
    kept = json.loads((tmp_path / "seed-2.json").read_text())
    assert kept["provenance"]["seed"] == 2
    for words in (["run"], ["run", "reset-error", "--all"]):
        assert neurosim(*words).returncode == 2
    done = neurosim("run", "--all", "--set", "nonsense=1")
    assert (done.returncode, "no experiment has a parameter 'nonsense'" in done.stderr) == (2, True)


@pytest.mark.slow
def test_an_interrupted_run_over_seeds_says_what_is_kept(tmp_path):
    command = ["run", "reset-error", "--seeds", "500", "--out", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.command.main", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "seed-2.json").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "kept in" in complaints
    assert "nothing was written" not in complaints
    assert "Traceback" not in complaints
    assert (tmp_path / "seed-1.json").exists()


@pytest.mark.slow
def test_all_experiments_in_one_table(tmp_path, monkeypatch, capsys):
    from experiments.command.run import run_command

    some = {name: contents()[name] for name in ("mnist-on-neurons", "reset-error")}
    monkeypatch.setattr("experiments.kit.registry.contents", lambda: some)
    given = {"steps": "10,100,1000", "images": str(tmp_path / "absent.npz")}
    with pytest.raises(typer.Exit) as stopped:
        run_command(
            set_=[f"{key}={text}" for key, text in given.items()],
            out=tmp_path, jobs=1, seeds=2, every=True,
        )  # fmt: skip
    assert stopped.value.exit_code == 1
    said = capsys.readouterr()
    # One that cannot run is named, and does not stop the others.
    assert "no images at" in said.err
    assert "not shown: mnist-on-neurons" in said.out
    claims = pd.read_csv(tmp_path / "claims.csv")
    assert set(claims["experiment"]) == {"reset-error"}
    assert list(claims["held"]) == [2, 2, 2]


def test_what_is_never_enough_has_an_infinite_range():
    """JSON keeps an infinite statistic as null; a verdict that holds by it is no unknown number."""
    one = {
        "what": "units needed",
        "value": None,
        "bar": 4,
        "sense": ">=",
        "holds": True,
        "draws": 0,
    }
    found = OverSeeds("any", False, True, {1: [one], 2: [one | {"value": 7.0}], 3: [one]})
    row = found.table().iloc[0]
    assert (row["lowest"], row["median"], row["highest"]) == (7.0, np.inf, np.inf)
    unknown = OverSeeds("any", False, True, {1: [one | {"holds": False}]}).table().iloc[0]
    assert np.isnan(unknown["median"])
