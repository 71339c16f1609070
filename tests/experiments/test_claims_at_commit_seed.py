"""A few short experiments at a seed that nobody chose: it is taken from the commit.

The first lines of pytest's output say which seed it is.
"""

import subprocess

import pytest

from experiments import Context, find


def test_the_seed_is_that_of_the_commit(seed_of_commit):
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode:
        pytest.skip("there is no commit here: the seed is a fixed one")
    assert f"{seed_of_commit:07x}" == head.stdout[:7]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["reset-error", "same-spikes", "reliability", "known-loss", "noisy-lif-siegert"]
)
def test_the_claim_holds_at_the_seed_of_the_commit(name, seed_of_commit):
    """A verdict holds at 19 of 20 seeds or more, so one may fail at the seed of a commit.

    An experiment that fails is run once more, at the next seed: if verdicts held at 95 % of the
    seeds, the same one would fail at both in 0.25 % of the commits.
    """
    first = failures(name, seed_of_commit)
    if first:
        second = failures(name, seed_of_commit + 1)
        print(f"{name} failed at seed {seed_of_commit}: {first}; at the next: {second}")
        assert not set(first) & set(second), f"seed {seed_of_commit}: {first}, then {second}"


def failures(name, seed):
    """Return the verdicts that do not hold, by what they judge."""
    result = find(name).run(context=Context(seed=seed, jobs=2, quick=True))
    assert result.verdicts
    assert result.figures
    assert result.tables
    return {v.what: str(v) for v in result.verdicts if not v.holds}
