"""Values that run through a picture of a cell, as an animation that can be saved."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.atomic_write import whole_path
from neurosim.drawing.recordings import time_scale
from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation

__all__ = ["animate_cable"]

_WRITERS = {".gif": "pillow", ".mp4": "ffmpeg"}


def animate_cable(
    draw: Callable[..., Any],
    values: np.ndarray,
    time_s: np.ndarray,
    path: str | os.PathLike[str] | None = None,
    frames_per_s: int = 20,
) -> FuncAnimation:
    """Animate a picture whose colours are values.

    Parameters
    ----------
    draw : callable
        Draws one value a compartment and returns the axes; takes ``limits`` of the colours.
    values : ndarray, shape (frames, compartments)
        What is shown.
    time_s : ndarray, shape (frames,)
        Time of each frame, in second.
    path : str or path-like, optional
        Where to save it, as ``.gif`` or ``.mp4``.
    frames_per_s : int
        Frames a second.

    Raises
    ------
    ParameterError
        No writer knows the kind of file.
    OutputError
        The file cannot be written.
    """
    from matplotlib.animation import FuncAnimation, writers

    kind = None if path is None else Path(path).suffix.lower()
    if kind is not None and kind not in _WRITERS:
        raise ParameterError(f"an animation is saved as .gif or .mp4; got {path}")
    if kind is not None and not writers.is_available(_WRITERS[kind]):
        raise ParameterError(
            f"{kind} needs {_WRITERS[kind]}, which is not installed here; save a .gif"
        )
    # Drawn once with the numbers of the compartments, which tells what each piece shows.
    limits = (float(values.min()), float(values.max()))
    axes = draw(np.arange(values.shape[1], dtype=float), limits=limits)
    pieces = [
        (drawn, np.asarray(drawn.get_array()).astype(int))
        for drawn in axes.collections
        if drawn.get_array() is not None
    ]
    scale, unit = time_scale(float(time_s[-1]))
    decimals = max(0, int(np.ceil(-np.log10(max(np.diff(time_s * scale).max(initial=0), 1e-9)))))
    title = axes.set_title("")

    def show(frame: int) -> list[Any]:
        for drawn, owner in pieces:
            drawn.set_array(values[frame][owner])
        title.set_text(f"{time_s[frame] * scale:.{decimals}f} {unit}")
        return [*(drawn for drawn, _ in pieces), title]

    show(0)
    made = FuncAnimation(axes.figure, show, frames=len(values), interval=1000 / frames_per_s)
    if path is not None and kind is not None:
        with whole_path(path) as part:
            made.save(part, writer=_WRITERS[kind], fps=frames_per_s)
    return made
