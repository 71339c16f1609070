"""A few short experiments at a seed that nobody chose: it is taken from the commit."""

import subprocess
from pathlib import Path

import pytest

from experiments import Context, find

ROOT = Path(__file__).parents[2]
# Where there is no commit, as in an unpacked archive.
FALLBACK = 20_251


def commit_seed(root=ROOT):
    """Return a seed below 2**28 from the commit that is checked out."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True
        )
        return int(done.stdout.strip()[:7], 16)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return FALLBACK


def test_the_seed_is_that_of_the_commit(tmp_path):
    assert commit_seed(tmp_path / "absent") == FALLBACK
    assert 0 <= commit_seed() < 2**28


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["reset-error", "same-spikes", "reliability", "known-loss", "noisy-lif-siegert"]
)
def test_the_claim_holds_at_the_seed_of_the_commit(name):
    """A verdict holds at 19 of 20 seeds or more, so one may fail at the seed of a commit.

    An experiment that fails is run once more, at the next seed: if verdicts held at 95 % of the
    seeds, the same one would fail at both in 0.25 % of the commits.
    """
    seed = commit_seed()
    print(f"{name}: seed {seed}")
    failed = [failures(name, seed)]
    if failed[0]:
        failed.append(failures(name, seed + 1))
        print(f"{name}: failed at seed {seed}: {failed[0]}; at {seed + 1}: {failed[1]}")
        again = set(failed[0]) & set(failed[1])
        assert not again, f"at seeds {seed} and {seed + 1}: {failed}"


def failures(name, seed):
    """Return the verdicts that do not hold, by what they judge."""
    result = find(name).run(context=Context(seed=seed, jobs=2, quick=True))
    assert result.verdicts
    return {v.what: str(v) for v in result.verdicts if not v.holds}
