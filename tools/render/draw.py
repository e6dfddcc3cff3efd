"""Draw layers into a frame with matplotlib's own canvas (no window system, no global state)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tools.render.frame import MapFrame, scale_bar_m

DPI = 100
PALETTE = (
    "#4477aa",
    "#ee6677",
    "#228833",
    "#ccbb44",
    "#66ccee",
    "#aa3377",
    "#bb5566",
    "#004488",
    "#997700",
    "#999933",
    "#882255",
    "#44aa99",
)
"""Paul Tol's bright, high-contrast and muted colours, told apart by colour-blind readers."""
MAX_CLASSES = len(PALETTE)
OTHER_COLOR = "0.7"
LEGEND_CHARS = 34
"""Characters of a line of the legend that fit beside the map."""


@dataclass(frozen=True)
class RasterLayer:
    """A band on the frame's grid; `classes` (value → label) where it is categorical."""

    label: str
    values: np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every dtype that GDAL reads
    classes: Mapping[float, str] | None
    unit: str


@dataclass(frozen=True)
class FeatureLayer:
    """Features in the frame's CRS; `column` colours them."""

    label: str
    features: geopandas.GeoDataFrame
    column: str | None


def draw_map(path: Path, frame: MapFrame, layers: Sequence[RasterLayer | FeatureLayer], *, title: str, attribution: str) -> None:
    """Write the map as PNG; the same input gives the same bytes."""
    width, height = frame.width_px / DPI, frame.height_px / DPI
    footer, head, side = 0.45, 0.5 if title else 0.2, 2.6
    figure = Figure(figsize=(width + side, height + footer + head), dpi=DPI)
    axes = figure.add_axes((0.02, footer / (height + footer + head), width / (width + side) - 0.03, height / (height + footer + head)))
    left, bottom, right, top = frame.bounds
    legend: list[Patch] = []
    over_raster = any(isinstance(layer, RasterLayer) for layer in layers)
    for order, layer in enumerate(layers):
        legend += (
            _draw_raster(axes, frame, layer)
            if isinstance(layer, RasterLayer)
            else _draw_features(axes, layer, order, over_raster=over_raster)
        )
    axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[], xlabel="", ylabel="", aspect="auto")
    if legend:
        axes.legend(handles=legend, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)
    if title:
        axes.set_title(_plain(title), loc="left", fontsize=12)
    _draw_scale_bar(axes, frame)
    figure.text(0.02, 0.12 / (height + footer + head), _plain(attribution), fontsize=7, color="0.35")
    figure.savefig(path, metadata={"Software": None})


def _draw_raster(axes: Axes, frame: MapFrame, layer: RasterLayer) -> list[Patch]:
    left, bottom, right, top = frame.bounds
    extent = (left, right, bottom, top)
    if layer.classes is None:
        shown = layer.values.compressed()
        low, high = np.percentile(shown, [2, 98]) if shown.size else (0.0, 1.0)
        norm = Normalize(float(low), float(high) if high > low else float(low) + 1)
        image = axes.imshow(layer.values, extent=extent, cmap="viridis", norm=norm, interpolation="nearest")
        _color_bar(axes, image, layer.label if layer.unit in ("unspecified", "1") else f"{layer.label} ({layer.unit})")
        return []
    present, rest = _shown_classes(layer)
    codes = np.ma.MaskedArray(np.zeros(layer.values.shape, "int16"), mask=True)
    for index, value in enumerate(present):
        codes[layer.values.filled(0) == value] = index
    if rest:
        codes[np.isin(layer.values.filled(0), rest)] = len(present)
    codes.mask |= np.ma.getmaskarray(layer.values)
    colors = [*PALETTE[: len(present)], *([OTHER_COLOR] if rest else [])] or [OTHER_COLOR]
    axes.imshow(codes, extent=extent, cmap=ListedColormap(colors), vmin=-0.5, vmax=len(colors) - 0.5, interpolation="nearest")
    named = [_patch(PALETTE[index], layer.classes[value]) for index, value in enumerate(present)]
    others = [_patch(OTHER_COLOR, f"{len(rest)} other classes")] if rest else []
    return [_heading(layer.label), *named, *others]


def _shown_classes(layer: RasterLayer) -> tuple[list[float], list[float]]:
    """Return the classes that get a colour of their own, in their order, and the rest: the least common of too many."""
    values, counts = np.unique(layer.values.compressed(), return_counts=True)
    pixels = {value: count for value, count in zip(values.tolist(), counts.tolist(), strict=True) if value in (layer.classes or {})}
    common = set(sorted(pixels, key=lambda value: -pixels[value])[:MAX_CLASSES])
    return [value for value in layer.classes or {} if value in common], [value for value in pixels if value not in common]


def _draw_features(axes: Axes, layer: FeatureLayer, order: int, *, over_raster: bool) -> list[Patch]:
    shapes = layer.features.geometry.to_numpy()
    features = layer.features[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    areal = features.geometry.geom_type.isin(["Polygon", "MultiPolygon", "GeometryCollection"]).any()
    look = {"edgecolor": "0.15", "linewidth": 0.8, "alpha": 0.6 if order else 0.85} if areal else {"linewidth": 1.6, "markersize": 28}
    plain = PALETTE[order % MAX_CLASSES]
    if layer.column is None and areal and over_raster:  # outlines only: what lies below is the subject
        features.plot(ax=axes, aspect=None, facecolor="none", edgecolor="black", linewidth=1.4)
        return [Patch(facecolor="none", edgecolor="black", linewidth=1.4, label=_wrapped(layer.label))]
    if layer.column is None:
        features.plot(ax=axes, aspect=None, color=plain, **look)
        return [_patch(plain, layer.label)]
    values = features[layer.column]
    if values.dtype.kind in "if" and values.nunique() > MAX_CLASSES:
        norm = Normalize(float(values.min()), float(values.max()))
        features.plot(ax=axes, aspect=None, column=layer.column, cmap="viridis", norm=norm, **look)
        _color_bar(axes, ScalarMappable(norm, "viridis"), f"{layer.label}: {layer.column}")
        return []
    groups = [value for value, _ in sorted(values.value_counts().items(), key=lambda item: (-item[1], str(item[0])))][:MAX_CLASSES]
    for index, value in enumerate(groups):
        features[values == value].plot(ax=axes, aspect=None, color=PALETTE[index], **look)
    rest = features[~values.isin(groups)]
    if len(rest):
        rest.plot(ax=axes, aspect=None, color=OTHER_COLOR, **look)
    named = [_heading(f"{layer.label}: {layer.column}"), *(_patch(PALETTE[index], str(value)) for index, value in enumerate(groups))]
    return [*named, _patch(OTHER_COLOR, "other")] if len(rest) else named


def _color_bar(axes: Axes, mappable: ScalarMappable, label: str) -> None:
    inset = axes.inset_axes((1.02, 0.05, 0.025, 0.4))
    inset.figure.colorbar(mappable, cax=inset).set_label(_wrapped(label), fontsize=9)


def _draw_scale_bar(axes: Axes, frame: MapFrame) -> None:
    left, bottom, right, top = frame.bounds
    metres = scale_bar_m((right - left) * frame.metres_per_unit)
    length, x, y = metres / frame.metres_per_unit, left + 0.03 * (right - left), bottom + 0.04 * (top - bottom)
    for width, color in ((5, "white"), (2.5, "black")):
        axes.plot([x, x + length], [y, y], color=color, linewidth=width, solid_capstyle="butt", zorder=20)
    text = (f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m") + (" at the centre" if frame.crs.is_geographic else "")
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    axes.text(x + length / 2, y + 0.015 * (top - bottom), text, ha="center", va="bottom", fontsize=8, bbox=box, zorder=20)


def _patch(color: str, label: str) -> Patch:
    return Patch(facecolor=color, edgecolor="0.15", linewidth=0.5, label=_wrapped(label))


def _heading(label: str) -> Patch:
    """Return a legend line without a colour: what the entries below it belong to."""
    return Patch(facecolor="none", edgecolor="none", label=_wrapped(label))


def _wrapped(label: str) -> str:
    return _plain("\n".join(textwrap.wrap(label, LEGEND_CHARS)[:3]))


def _plain(text: str) -> str:
    """Keep text from data from being read as mathematics, and leading underscores from hiding a legend entry."""
    return text.replace("$", r"\$").lstrip("_")
