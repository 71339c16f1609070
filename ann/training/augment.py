"""More images from the ones there are: small shifts, turns, stretches and elastic distortions.

A digit moved by a pixel or drawn with a shakier hand is the same digit. `Distort` is a hook that
changes each batch before it is learnt from, so no epoch sees the same image twice. Every image
gets its own field of displacements: an affine map plus smoothed noise (Simard, Steinkraus &
Platt, 2003, ICDAR); the new value of a pixel is read where its displacement points, linearly
between the four pixels around.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ann.errors import ShapeError, require_number, unknown_name
from ann.training.trainer import Hook, Trainer

__all__ = ["Distort", "DropInputs", "distort", "smoothing_matrix"]


def smoothing_matrix(n: int, sigma: float) -> np.ndarray:
    """Gaussian smoothing of n numbers as a matrix; what falls beyond the ends is cut off.

    Parameters
    ----------
    n : int
        Pixels along one side.
    sigma : float
        Width in pixels.

    Returns
    -------
    ndarray of shape (n, n)
        Single precision; ``M @ field @ M.T`` smooths a field.

    Examples
    --------
    >>> smoothing_matrix(3, 0.5).round(2)
    array([[0.79, 0.11, 0.  ],
           [0.11, 0.79, 0.11],
           [0.  , 0.11, 0.79]], dtype=float32)
    """
    offsets = np.arange(n)
    kernel = np.exp(-0.5 * ((offsets[:, None] - offsets) / sigma) ** 2)
    total = np.exp(-0.5 * (np.arange(-n, n + 1) / sigma) ** 2).sum()
    return np.asarray(kernel / total, np.float32)


def distort(
    images: np.ndarray,
    rng: np.random.Generator,
    *,
    shift: float = 1.0,
    rotate: float = 7.5,
    shear: float = 7.5,
    stretch: float = 0.1,
    elastic: float = 34.0,
    sigma: float = 6.0,
) -> np.ndarray:
    """Draw a distorted version of every image.

    Parameters
    ----------
    images : ndarray of shape (batch, height, width)
        Single precision; the background is 0.
    rng : numpy.random.Generator
        Source of chance.
    shift : float
        Largest shift along each axis, in pixels.
    rotate : float
        Largest turn, in degrees.
    shear : float
        Largest slant, in degrees.
    stretch : float
        Largest change of size along each axis, as a fraction.
    elastic : float
        Amplitude of the noise before smoothing, in pixels. With a `sigma` of 6, an amplitude of
        34 moves a pixel by about 1 (root mean square over both axes together).
    sigma : float
        Width of the smoothing, in pixels.

    Returns
    -------
    ndarray of shape (batch, height, width)
        New images.

    Raises
    ------
    ShapeError
        If the images are not a stack of pictures.

    Examples
    --------
    >>> square = np.zeros((1, 8, 8), np.float32); square[0, 3:5, 3:5] = 1
    >>> still = distort(square, np.random.default_rng(0), shift=0, rotate=0, shear=0,
    ...                 stretch=0, elastic=0)
    >>> bool(np.allclose(still, square))
    True
    """
    if images.ndim != 3:
        raise ShapeError(f"images must be (batch, height, width), not {images.shape}")
    batch, height, width = images.shape
    f = np.float32

    def draw(limit: float) -> np.ndarray:
        return (rng.random((batch, 1, 1), f) * 2 - 1) * f(limit)

    rows = (np.arange(height, dtype=f) - f(height - 1) / 2)[None, :, None]
    columns = (np.arange(width, dtype=f) - f(width - 1) / 2)[None, None, :]
    angle = draw(np.deg2rad(rotate))
    slant = np.tan(draw(np.deg2rad(shear)))
    size_y, size_x = 1 + draw(stretch), 1 + draw(stretch)
    cos, sin = np.cos(angle), np.sin(angle)
    y = (cos * size_y) * rows + (sin * size_y) * columns
    x = (slant - sin * size_x) * rows + (cos * size_x) * columns
    y += draw(shift) + f(height - 1) / 2
    x += draw(shift) + f(width - 1) / 2
    if elastic:
        tall, wide = smoothing_matrix(height, sigma), smoothing_matrix(width, sigma).T
        for place in (y, x):
            noise = rng.random((batch, height, width), f)
            noise *= f(2 * elastic)
            noise -= f(elastic)
            place += tall @ noise @ wide
    return _read(images, y, x)


def _read(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Values at fractional places, linearly between pixels; 0 outside."""
    batch, height, width = images.shape
    # A frame of background makes every place outside read 0 without a test for it.
    framed = np.zeros((batch, height + 3, width + 3), images.dtype)
    framed[:, 1:-2, 1:-2] = images
    y = np.clip(y + 1, 0, height + 1, out=y, dtype=np.float32)
    x = np.clip(x + 1, 0, width + 1, out=x, dtype=np.float32)
    top, left = y.astype(np.int32), x.astype(np.int32)
    y -= top
    x -= left
    stride = width + 3
    place = top * stride
    place += left
    place += (np.arange(batch, dtype=np.int32) * ((height + 3) * stride))[:, None, None]
    flat = framed.ravel()
    upper: np.ndarray = flat.take(place)
    upper += x * (flat.take(place + 1) - upper)
    place += stride
    lower = flat.take(place)
    lower += x * (flat.take(place + 1) - lower)
    upper += y * (lower - upper)
    return upper


class _ChangesInputs(Hook):
    """What changes the inputs of a batch by chance: its own, if it has a seed, or the trainer's."""

    def __init__(self, seed: np.random.Generator | int | None) -> None:
        self.rng = None if seed is None else np.random.default_rng(seed)

    def state(self) -> dict[str, Any]:
        return {} if self.rng is None else {"chance": self.rng.bit_generator.state}

    def load(self, state: dict[str, Any]) -> None:
        if self.rng is not None:
            self.rng.bit_generator.state = state["chance"]

    def _inputs(self, trainer: Trainer) -> np.ndarray:
        if trainer.batch is None or trainer.batch.is_sparse:
            raise ShapeError("only dense rows of numbers can be changed while training")
        return np.asarray(trainer.batch.x)


class Distort(_ChangesInputs):
    """Distorts every batch of images before it is learnt from.

    Parameters
    ----------
    height, width : int
        Of an image; each row of the data is one, pixel after pixel.
    fade : float
        Last fraction of the epochs in which images are left as they are, in [0, 1].
    epochs : int
        How many there will be; needed only if `fade` is above 0.
    seed : int or Generator, optional
        Source of chance; by default the trainer's own.
    **settings : float
        ``shift``, ``rotate``, ``shear``, ``stretch``, ``elastic`` and ``sigma``; see `distort`.

    Notes
    -----
    Background must be 0: switch off `standardise` in an estimator.

    Examples
    --------
    >>> Distort(28, 28, elastic=20).settings["elastic"]
    20
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        fade: float = 0.0,
        epochs: int = 0,
        seed: np.random.Generator | int | None = None,
        **settings: float,
    ) -> None:
        known = distort.__kwdefaults__ or {}
        self.settings = {**known, **settings}
        for name, value in self.settings.items():
            if name not in known:
                raise unknown_name("setting of distort", name, known)
            if name != "shear":
                top = 1.0 if name == "stretch" else np.inf
                require_number(name, value, 0.0, top, low_too=name != "sigma")
        self.height, self.width = height, width
        self.fade, self.epochs = fade, epochs
        super().__init__(seed)

    def before_batch(self, trainer: Trainer) -> None:
        if self.fade and trainer.epoch >= (1 - self.fade) * self.epochs:
            return
        x = self._inputs(trainer)
        if x.shape[1] != self.height * self.width:
            raise ShapeError(
                f"rows of {x.shape[1]} numbers are no images of {self.height} × {self.width}"
            )
        images = x.reshape(-1, self.height, self.width)
        images[...] = distort(images, self.rng or trainer.rng, **self.settings)


class DropInputs(_ChangesInputs):
    """Silences a fraction of the inputs of every batch, scaling up the rest: dropout of columns.

    Parameters
    ----------
    fraction : float
        In [0, 1).
    seed : int or Generator, optional
        Source of chance; by default the trainer's own.

    Notes
    -----
    Srivastava et al. (2014), J. Mach. Learn. Res. 15, 1929-1958, take 0.2 for inputs.

    Examples
    --------
    >>> DropInputs(0.2).fraction
    0.2
    """

    def __init__(self, fraction: float, seed: np.random.Generator | int | None = None) -> None:
        require_number("fraction", fraction, 0.0, 1.0)
        super().__init__(seed)
        self.fraction = fraction

    def before_batch(self, trainer: Trainer) -> None:
        x, rng = self._inputs(trainer), self.rng or trainer.rng
        x *= rng.random(x.shape, dtype=np.float32) >= np.float32(self.fraction)
        x *= x.dtype.type(1 / (1 - self.fraction))
