"""Tables of counts as people write them: other names and units, several cells, wrong windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bridge.counts.curve import FICurve
from bridge.errors import CurveError

CURRENTS = np.arange(0, 251, 25)
COUNTS = [0, 0, 1, 3, 6, 9, 12, 14, 17, 19, 22]


def _table(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def _refusal(path: Path) -> str:
    with pytest.raises(CurveError) as caught:
        FICurve.from_csv(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("header", "pA", "s"),
    [
        ("Current_pA,Count,Window_s", 1, 1),
        ("Current (pA),Spikes,Window (s)", 1, 1),
        ("current_nA,spikes,window_ms", 1e-3, 1e3),
        ("I [nA],Spike count,Duration [ms]", 1e-3, 1e3),
        ("CURRENT,SPIKES,WINDOW", 1, 1),
    ],
)
def test_columns_by_other_names_and_units(tmp_path: Path, header: str, pA: float, s: float) -> None:
    rows = [f"{i * pA:g},{n},{0.5 * s:g}" for i, n in zip(CURRENTS, COUNTS, strict=True)]
    curve = FICurve.from_csv(_table(tmp_path / "k.csv", header, rows))
    assert curve.current_pA.tolist() == CURRENTS.tolist()
    assert curve.count.tolist() == COUNTS
    assert set(curve.window_s) == {0.5}


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("current_mV,count,window_s", "'current_mV'"),
        ("current_pA,count,window_days", "'window_days'"),
        ("current_pA,Spikes/s,window_s", "not a rate"),
        ("Current_pA,Current_nA,count,window_s", "'Current_pA' and 'Current_nA'"),
    ],
)
def test_a_unit_that_is_not_known_is_asked_for(tmp_path: Path, header: str, told: str) -> None:
    columns = header.count(",") + 1
    path = _table(tmp_path / "k.csv", header, [",".join(["1"] * columns)] * 2)
    assert told in _refusal(path)


@pytest.mark.parametrize("column", ["cell", "Cell ID", "batch", "day"])
@pytest.mark.parametrize("by_cell", [True, False])
def test_two_cells_are_not_one(tmp_path: Path, column: str, by_cell: bool) -> None:
    rows = [(i, m * n, "ab"[m - 1]) for m in (1, 2) for i, n in zip(CURRENTS, COUNTS, strict=True)]
    rows = rows if by_cell else sorted(rows)
    text = [f"{i},{n},0.5,{who}" for i, n, who in rows]
    told = _refusal(_table(tmp_path / "k.csv", f"current_pA,count,window_s,{column}", text))
    assert f"{column!r} tells 2 curves apart (a, b)" in told


def test_steps_that_are_numbered_as_trials_are_repeats(tmp_path: Path) -> None:
    rows = [f"{i},{n},0.5,{k}" for k in (1, 2) for i, n in zip(CURRENTS, COUNTS, strict=True)]
    header = "current_pA,count,window_s,step"
    assert set(FICurve.from_csv(_table(tmp_path / "k.csv", header, rows)).trial) == {0, 1}
    drugs = [f"{row[:-1]}{'before' if row[-1] == '1' else 'after'}" for row in rows]
    told = _refusal(_table(tmp_path / "k.csv", f"{header[:-4]}drug", drugs))
    assert "column `trial`" in told
    numbered = [f"{row},{row[-1]}" for row in rows]
    curve = FICurve.from_csv(_table(tmp_path / "k.csv", f"{header},trial", numbered))
    assert set(curve.trial) == {1, 2}
    with pytest.raises(CurveError, match="without 'cell'"):
        FICurve.from_csv(_table(tmp_path / "k.csv", f"{header[:-4]}cell,trial", numbered))


def test_two_cells_at_different_currents(tmp_path: Path) -> None:
    text = [f"{i},{k},1,{'ab'[k % 2]}" for k, i in enumerate(CURRENTS)]
    told = _refusal(_table(tmp_path / "k.csv", "current_pA,count,window_s,cell", text))
    assert "'cell'" in told


def test_columns_that_tell_no_curves_apart(tmp_path: Path) -> None:
    """One cell throughout, a number a row, what follows from the counts: repeats as before."""
    rows = [
        f"{i},{n + m},0.5,{(n + m) / 0.5},a,{k + 11 * m},{i / 2}"
        for m in (0, 1)
        for k, (i, n) in enumerate(zip(CURRENTS, COUNTS, strict=True))
    ]
    header = "current_pA,count,window_s,rate,cell,sweep,sweep"
    curve = FICurve.from_csv(_table(tmp_path / "k.csv", header, rows))
    assert len(curve) == 22
    assert set(curve.trial) == {0, 1}


def test_windows_in_the_wrong_unit(tmp_path: Path) -> None:
    def told(header: str, window: float) -> str:
        rows = [f"{i},{n},{window}" for i, n in zip(CURRENTS, COUNTS, strict=True)]
        return _refusal(_table(tmp_path / "k.csv", header, rows))

    assert "milliseconds" in told("current_pA,count,window_s", 500)
    assert "seconds told as milliseconds" in told("current_pA,count,window_ms", 0.5)


def test_scattered_currents_of_repeats_are_to_be_rounded(tmp_path: Path) -> None:
    rows = [f"{i + d},{n},0.5" for d in (-0.3, 0.3) for i, n in zip(CURRENTS, COUNTS, strict=True)]
    told = _refusal(_table(tmp_path / "k.csv", "current_pA,count,window_s", rows))
    assert "column `trial`" in told
    assert "round the currents" in told


def test_a_rate_is_no_count(tmp_path: Path) -> None:
    told = _refusal(_table(tmp_path / "k.csv", "current_pA,rate_Hz,window_s", ["0,0,1", "50,4,1"]))
    assert "not a rate" in told
    assert "meant?" not in told


def test_other_columns_may_have_any_name() -> None:
    frame = pd.DataFrame({"current": [0, 0, 50, 50], "spikes": [0, 1, 4, 5], "window": 1.0, 7: "x"})
    assert len(FICurve.from_frame(frame)) == 4


@pytest.mark.parametrize("name", ["step", "sweep", "Run", "step_on_s"])
def test_a_number_of_the_order_of_measurement_tells_no_cells_apart(name):
    table = pd.DataFrame(
        {"current_pA": [0, 50, 0, 50], "count": [0, 4, 0, 5], "window_s": 1.0, name: [1, 1, 2, 2]}
    )
    assert FICurve.from_frame(table).trial.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("file", ["171116sh_0019", "2019_07_24_0055_fsi"])
def test_counted_recordings_are_curves(shared_data, file):
    assert len(FICurve.from_csv(shared_data / f"recordings/counted/{file}.csv")) > 10
