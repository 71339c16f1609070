"""Pictures of a fitted estimator, each one line: training history, boundary, weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from ann.drawing.class_regions import draw_regions
from ann.errors import ParameterError
from ann.network.network import Network

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Plotting"]


class Plotting:
    """What an estimator with ``network_`` can show of itself.

    Every method draws into the axes it is given, or into new ones, and returns the axes.
    """

    network_: Network

    def plot_boundary(self, X: Any, y: Any, ax: Axes | None = None) -> Axes:
        """Draw the regions of the classes over two columns, with the rows given.

        Parameters
        ----------
        X : array_like or DataFrame of shape (n, 2)
        y : array_like of shape (n,)
            Their classes.
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ParameterError
            If quantities are predicted.
        ShapeError
            If X does not have two columns or y not one class for each row.
        """
        check_is_fitted(self, "network_")
        if not hasattr(self, "classes_"):
            raise ParameterError("only classes have a boundary; this model predicts quantities")
        predict: Any = self.predict  # type: ignore[attr-defined]
        return draw_regions(predict, self.classes_, X, y, ax)

    def plot_weights(
        self,
        layer: int = 1,
        shape: tuple[int, int] | None = None,
        ax: Axes | None = None,
        *,
        most: int = 64,
    ) -> Axes:
        """Draw the weights into the units of a layer; see `ann.Network.plot_weights`."""
        check_is_fitted(self, "network_")
        return self.network_.plot_weights(layer, shape, ax, most=most)
