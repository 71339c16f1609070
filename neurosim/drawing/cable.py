"""A branched cable drawn from its frusta: in a plane, in space, or as a small inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.display import axes_or_new
from neurosim.errors import ParameterError, UnknownNameError, suggest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_cable", "mark_sites", "svg_of_cable"]

_PLANES = {"xy": (0, 1), "xz": (0, 2), "yz": (1, 2)}
_REST = "#bfbfbf"


def draw_cable(
    begin_um: np.ndarray,
    end_um: np.ndarray,
    diameters_um: np.ndarray,
    ax: Axes | None = None,
    *,
    values: np.ndarray | None = None,
    label: str = "",
    cmap: str | None = None,
    limits: tuple[float, float] | None = None,
    group: np.ndarray | None = None,
    names: Sequence[str] = (),
    rest: str | None = None,
    projection: str = "2d",
    plane: str = "xy",
    flip: bool = False,
    least_width: float = 0.8,
) -> Axes:
    """Draw frusta, coloured by values or by group.

    Parameters
    ----------
    begin_um, end_um : ndarray, shape (n, 3)
        Both ends of each frustum, in um.
    diameters_um : ndarray, shape (n, 2)
        Diameter at both ends, in um.
    ax : matplotlib Axes, optional
        Where to draw (default: a new figure).
    values : ndarray, shape (n,), optional
        Shown as colour, with a colour bar.
    label : str
        What the values are, with their unit.
    cmap : str, optional
        Colour map of the values (default: that of the style).
    limits : (float, float), optional
        Values at the ends of the colour map.
    group : ndarray of int, shape (n,), optional
        Number of each frustum's group where there are no values; each has a colour of the style.
    names : sequence of str
        Name of each group, shown in a legend.
    rest : str, optional
        Name of the group that is drawn in grey.
    projection : {"2d", "3d"}
        Flat, with a scale bar and every frustum as thick as it is; or in space, with axes in um.
    plane : {"xy", "xz", "yz"}
        Plane of a flat picture.
    flip : bool
        Draw the second axis of the plane (in space: y) downwards. Image stacks count y from the
        top, so that some published cells (Allen Institute, fly brains) stand upside down.
    least_width : float
        Least width of a line, in points.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    UnknownNameError
        There is no such plane or projection.
    ParameterError
        The axes given are flat and the picture is not.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ends = np.array([[0.0, 0, 0], [50, 20, 0], [90, 0, 0]])
    >>> ax = draw_cable(ends[:-1], ends[1:], np.full((2, 2), 3.0), values=np.array([1.0, 2.0]))
    >>> ax.texts[0].get_text()
    '10 µm'
    """
    from matplotlib import rcParams
    from matplotlib.colors import to_rgba

    for value, known, what in ((plane, _PLANES, "plane"), (projection, ("2d", "3d"), "projection")):
        if value not in known:
            raise UnknownNameError(f"a cable has no {what} {value!r}: {suggest(value, known)}")
    solid = projection == "3d" or getattr(ax, "name", "") == "3d"
    if solid and getattr(ax, "name", "3d") != "3d":
        raise ParameterError(
            "these axes are flat; make some with plt.subplots(subplot_kw={'projection': '3d'})"
        )
    paint: dict[str, Any] = {}
    cycle = rcParams["axes.prop_cycle"].by_key().get("color", ["C0"])
    colours = [
        to_rgba(_REST if name == rest else cycle[k % len(cycle)]) for k, name in enumerate(names)
    ]
    if values is not None:
        low, high = limits or (float(np.min(values)), float(np.max(values)))
        paint = {"array": values, "cmap": cmap, "clim": (low, high if high > low else low + 1)}
    elif group is not None:
        paint = {"color": np.array(colours)[group]}
    if solid:
        axes = axes_or_new(ax, figsize=(6, 6), subplot_kw={"projection": "3d"})
        drawn = _in_space(axes, begin_um, end_um, diameters_um, least_width, paint)
        if flip:
            axes.invert_yaxis()
    else:
        axes = axes_or_new(ax, figsize=(6, 6))
        ends = _flat(begin_um, plane, flip), _flat(end_um, plane, flip)
        drawn = _in_plane(axes, *ends, diameters_um, least_width, paint)
    if values is not None:
        axes.figure.colorbar(drawn, ax=axes, label=label, shrink=0.7)
    elif group is not None:
        from matplotlib.patches import Patch

        axes.legend(
            handles=[Patch(color=c, label=name) for c, name in zip(colours, names, strict=True)],
            frameon=False,
            loc="upper left",
            bbox_to_anchor=(1, 1),
            fontsize="small",
        )
    return axes


def _flat(points_um: np.ndarray, plane: str, flip: bool) -> np.ndarray:
    """Return where points stand in a flat picture, shape (n, 2)."""
    return points_um[:, list(_PLANES[plane])] * (1, -1 if flip else 1)


def _in_plane(
    ax: Axes,
    begin: np.ndarray,
    end: np.ndarray,
    diameters: np.ndarray,
    least_width: float,
    paint: dict[str, Any],
) -> Any:
    from matplotlib.collections import LineCollection, PolyCollection

    quads = _quads(begin, end, diameters)
    # A line under each frustum, so that the thinnest stay visible.
    ax.add_collection(
        LineCollection(list(np.stack([begin, end], axis=1)), linewidths=least_width, **paint)
    )
    bodies = PolyCollection(list(quads), linewidths=0.3, zorder=3, **paint)
    if "array" in paint:
        bodies.set_edgecolor("face")
    ax.add_collection(bodies)
    corners = quads.reshape(-1, 2)
    low, high = corners.min(axis=0), corners.max(axis=0)
    ax.set_aspect("equal")
    ax.set_axis_off()
    _scale_bar(ax, low, high, max(float((high - low).max()), 1e-3))
    return bodies


def _quads(begin: np.ndarray, end: np.ndarray, diameters: np.ndarray) -> np.ndarray:
    """Return the corners of each frustum seen from above, shape (pieces, 4, 2)."""
    ahead = end - begin
    length = np.linalg.norm(ahead, axis=1, keepdims=True)
    ahead = np.divide(ahead, length, out=np.zeros_like(ahead), where=length > 0)
    across = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    near, far = across * diameters[:, :1] / 2, across * diameters[:, 1:] / 2
    return np.stack([begin - near, begin + near, end + far, end - far], axis=1)


def _scale_bar(ax: Axes, low: np.ndarray, high: np.ndarray, span: float) -> None:
    """Draw a bar of a round length below the cell, at the left."""
    from matplotlib import rcParams

    wanted = span / 5
    power = 10.0 ** np.floor(np.log10(wanted))
    length = max(step * power for step in (1, 2, 5) if step * power <= wanted * 1.0001)
    below = low[1] - 0.06 * span
    ink = rcParams["text.color"]
    ax.plot([low[0], low[0] + length], [below, below], color=ink, lw=2, solid_capstyle="butt")
    said = f"{length:g} µm" if length < 1000 else f"{length / 1000:g} mm"
    ax.text(low[0] + length / 2, below - 0.015 * span, said, ha="center", va="top")
    edge = 0.04 * span
    ax.set_xlim(low[0] - edge, max(high[0], low[0] + length) + edge)
    ax.set_ylim(below - 0.08 * span, high[1] + edge)


def _in_space(
    ax: Any,
    begin: np.ndarray,
    end: np.ndarray,
    diameters: np.ndarray,
    least_width: float,
    paint: dict[str, Any],
) -> Any:
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    points = np.concatenate([begin, end])
    low, high = points.min(axis=0), points.max(axis=0)
    # A flat cell still needs a box to stand in.
    span = np.maximum(high - low, 0.1 * (high - low).max())
    middle = (low + high) / 2
    # Lines have a width on paper, not in space; the longest side spans some 60 % of the axes.
    inches = min(ax.get_window_extent().size) / ax.figure.dpi
    points_per_um = 0.6 * 72 * inches / span.max()
    widths = np.maximum(diameters.mean(axis=1) * points_per_um, least_width)
    drawn = Line3DCollection(
        list(np.stack([begin, end], axis=1)), linewidths=widths, capstyle="butt", **paint
    )
    ax.add_collection3d(drawn)
    # Cells stand upright along y, as in a plane.
    ax.view_init(elev=15, azim=30, vertical_axis="y")
    ax.set_box_aspect(tuple(span))
    for name, centre, width in zip("xyz", middle, span, strict=True):
        limits = (centre - width / 2, centre + width / 2)
        ax.set(**{f"{name}lim": limits, f"{name}label": f"{name} (µm)"})
        ax.locator_params(axis=name, nbins=max(1, round(6 * width / span.max())))
    ax.yaxis.labelpad = 10
    return drawn


def svg_of_cable(
    begin_m: np.ndarray,
    end_m: np.ndarray,
    diameter_m: np.ndarray,
    size: tuple[int, int] = (220, 160),
    most: int = 1500,
) -> str:
    """Return a small picture for a notebook, in the colour of its text.

    The cable is seen along the axis in which it extends least.

    Parameters
    ----------
    begin_m, end_m : ndarray, shape (n, 3)
        Both ends of each segment, in metre.
    diameter_m : ndarray, shape (n,)
        Diameter of each segment, in metre.
    size : (int, int)
        Largest width and height in pixels.
    most : int
        Most segments drawn; of more, the longest are.

    Examples
    --------
    >>> svg = svg_of_cable(np.zeros((1, 3)), np.array([[1e-4, 0, 0]]), np.array([2e-6]))
    >>> svg.count("<path")
    1
    """
    corners = np.concatenate([begin_m, end_m])
    flat = np.sort(np.argsort(np.ptp(corners, axis=0), kind="stable")[-2:])
    low, extent = corners[:, flat].min(axis=0), np.ptp(corners[:, flat], axis=0)
    edge = 6.0
    scale = float(np.min((np.array(size) - 2 * edge) / np.maximum(extent, 1e-9)))
    width, height = extent * scale + 2 * edge
    longest = np.sort(np.argsort(-np.linalg.norm(end_m - begin_m, axis=1), kind="stable")[:most])
    ends = np.concatenate([begin_m[longest][:, flat], end_m[longest][:, flat]], axis=1)
    x0, y0, x1, y1 = ((ends - np.tile(low, 2)) * scale + edge).T
    # Text runs down the page, the y axis of a cell up. One path for each width keeps it short.
    lines: dict[str, list[str]] = {}
    thick = np.clip(diameter_m[longest] * scale, 0.8, None)
    for a, b, c, d, w in zip(x0, height - y0, x1, height - y1, thick, strict=True):
        lines.setdefault(f"{w:.1f}", []).append(f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}")
    paths = "".join(f'<path stroke-width="{w}" d="{"".join(d)}"/>' for w, d in lines.items())
    return (
        f'<svg width="{width:.0f}" height="{height:.0f}" stroke="currentColor" '
        f'role="img" aria-label="shape of the cell">{paths}</svg>'
    )


def mark_sites(
    ax: Axes, sites_um: dict[str, np.ndarray], plane: str = "xy", flip: bool = False
) -> Axes:
    """Put a marker at each point of named sites on a picture of `draw_cable`, and a legend.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes of the picture.
    sites_um : dict of str to ndarray, each of shape (n, 3)
        Points of each site, in um.
    plane, flip
        Of the picture.
    """
    solid = getattr(ax, "name", "") == "3d"
    more: dict[str, Any] = {"depthshade": False} if solid else {}
    shapes = ("o", "s", "^", "D", "v", "P", "X", "*")
    before = ax.get_legend()
    handles = [] if before is None else list(before.legend_handles)
    for k, (name, points) in enumerate(sites_um.items()):
        marker = ax.scatter(
            *(points if solid else _flat(points, plane, flip)).T,
            marker=shapes[k % len(shapes)],
            color=f"C{(k + 4) % 10}",
            edgecolor="black",
            linewidth=0.5,
            zorder=5,
            label=name,
            **more,
        )
        handles.append(marker)
    if sites_um:
        # Beside a colour bar a legend has its place below.
        corner: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
        below: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "ncols": 3}
        where = below if before is None else corner
        ax.legend(handles=handles, frameon=False, fontsize="small", **where)
    return ax
