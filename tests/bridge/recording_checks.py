"""The cell that recordings of many formats are made of, and what tests ask of what is read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.recordings import CellRecording, RecordingError, made_recording, read

CELL = made_recording(
    [-50, 0, 60, 120, 180], [0, 0, 3, 8, 12], holding_pA=-20, sampling_rate_Hz=5000
)


def check_same_curve(found: CellRecording, wanted: CellRecording = CELL, atol: float = 0.1) -> None:
    """Hold counts, currents and windows of a recording against those of the one it was made of."""
    curve, made = found.fi_curve(), wanted.fi_curve()
    assert curve.count.tolist() == made.count.tolist()
    np.testing.assert_allclose(curve.current_pA, made.current_pA, atol=atol)
    np.testing.assert_allclose(curve.window_s, made.window_s, atol=1e-3)


def refusal(path: Path, **options: Any) -> RecordingError:
    """Return the error of a file that gives no f-I curve; it names the file."""
    with pytest.raises(RecordingError) as caught:
        read(path, **options).fi_curve()
    assert path.name in str(caught.value)
    return caught.value
