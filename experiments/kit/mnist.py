"""Handwritten digits of 28 by 28 pixels, which do not ship with the project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.errors import ParameterError

__all__ = ["Digits", "load_mnist"]


@dataclass(frozen=True, eq=False)
class Digits:
    """Images as rows between 0 and 1, and their labels."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def load_mnist(path: str) -> Digits:
    """Read the file that Keras distributes as ``mnist.npz``.

    Raises
    ------
    ParameterError
        There is no such file, or it holds something else.
    """
    file = Path(path)
    if not file.is_file():
        raise ParameterError(
            f"no images at {path!r}: give the file that Keras distributes as mnist.npz, with "
            "--set images=PATH"
        )
    with np.load(file) as data:
        missing = {"x_train", "y_train", "x_test", "y_test"} - set(data)
        if missing:
            raise ParameterError(
                f"{path} lacks {', '.join(sorted(missing))}; give Keras' mnist.npz"
            )
        return Digits(
            data["x_train"].reshape(-1, 784) / np.float32(255),
            data["y_train"],
            data["x_test"].reshape(-1, 784) / np.float32(255),
            data["y_test"],
        )
