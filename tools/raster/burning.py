"""Draw the features of a layer onto a grid strip by strip, and tell what the raster holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.errors import LimitError, ParameterError
from tools.geo.coverage import Block, Outlines, to_pixels
from tools.geo.dissolve import union
from tools.geo.grid import Window, window_grid
from tools.geo.moments import Spread
from tools.geo.pixels import area_method, area_varies, pixel_area_m2
from tools.geo.rings import Geometries
from tools.raster.features import Features
from tools.raster.output import bbox_degrees, size_facts, value_facts, weighting
from tools.raster.strips import STRIP_PX
from tools.storage.class_labels import value_text
from tools.storage.cog import BandMark, cog_writer
from tools.storage.features_mask import burned_counts, burned_numbers
from tools.storage.rasters import iter_strips

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from tools.raster.rasterize import RasterizeParams

FILE = "rasterized.tif"
MOST_CLASSES = 10_000
"""More different values than this are no classes."""
NOWHERE = -(2**31)
"""Nodata of whole numbers."""
Pixels = NDArray[Any]


@dataclass(frozen=True)
class Drawing:
    """What is to be written, and how a strip of it is made."""

    dtype: str
    nodata: float | None
    strip: Callable[[Window], Pixels]
    """Window → `(row, col)`."""
    unit: str = ""
    labels: Sequence[str] = ()
    """Of the classes 1, 2, …"""
    left_out: int = 0
    """Features without a value."""


@dataclass(frozen=True)
class Table:
    """What every feature is drawn with."""

    values: Pixels
    """Shape (feature,)."""
    dtype: str
    nodata: float
    labels: Sequence[str] = ()


@dataclass
class Tally:
    """What comes up while strips are drawn."""

    drawn: set[int] = field(default_factory=set)
    """Positions of the features that have a pixel."""
    shared: int = 0
    """Pixels on which several features lie."""


@dataclass(frozen=True)
class Drawn:
    """What a raster that was written holds."""

    spread: Spread
    area_m2: NDArray[np.float64]
    """Area by class number; of anything else only that of nodata and of the rest."""
    amount_m2: float
    """Sum of value x pixel area."""


def burn(params: RasterizeParams, context: ToolContext, features: Features, grid: GeoBox) -> ToolOutput:
    """Draw the features and report what was drawn."""
    there, records = features.onto(grid)
    placed, tally = to_pixels(there, grid), Tally()
    drawing = _drawing(params, features, there, (placed, grid), tally)
    drawn = _write(context, grid, drawing)
    return _report(params, replace(features, geometries=placed), grid, drawing, drawn, (tally, records))


def nothing(features: Features) -> ToolOutput:
    """Report that there is nothing to draw."""
    return ToolOutput("No feature with a geometry is left to be drawn.", outcome=Outcome.NO_COVERAGE, warnings=features.warnings)


def _drawing(params: RasterizeParams, features: Features, there: Geometries, onto: tuple[Geometries, GeoBox], tally: Tally) -> Drawing:
    placed, grid = onto
    height = grid.shape[0]
    if params.operation == "coverage":
        return Drawing("float32", None, _covering(there, grid), unit="1")
    if params.operation == "count":
        return Drawing("int32", None, lambda window: burned_counts(placed, window, height, touched=params.touched), unit="count")
    column = features.frame[str(params.column)]
    empty = column.isna().to_numpy()
    known = placed.copy()
    known[empty] = None
    table = _numbers(column) if params.operation == "value" else _classes(column)
    values = np.append(table.values, table.nodata).astype(table.dtype)  # the last is what -1, no feature, takes

    def strip(window: Window) -> Pixels:
        numbers, shared = burned_numbers(known, window, height, touched=params.touched)
        tally.shared += shared
        tally.drawn.update(np.unique(numbers).tolist())
        return values[numbers]

    return Drawing(table.dtype, table.nodata, strip, labels=table.labels, left_out=int(empty.sum()))


def _numbers(column: Any) -> Table:  # Any: a column of any type
    """Return the values of a column and how they are stored: whole numbers as such, others in the type that holds them exactly."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not is_numeric_dtype(column) or is_bool_dtype(column):
        raise ParameterError(
            f"The column {column.name!r} holds no numbers.", hint="Use operation 'class' for text, or name another column."
        )
    values = column.to_numpy(dtype="float64", na_value=math.nan)
    present = values[np.isfinite(values)]
    if (present == np.round(present)).all() and (np.abs(present) < -NOWHERE).all():
        return Table(np.where(np.isfinite(values), values, NOWHERE), "int32", NOWHERE)
    exact = (present.astype("float32") == present).all()
    return Table(values, "float32" if exact else "float64", math.nan)


def _classes(column: Any) -> Table:  # Any: a column of any type
    """Return the number of every feature's class, from 1 in the order of the labels."""
    texts = [None if missing else _label(value) for value, missing in zip(column, column.isna(), strict=True)]
    labels = sorted({text for text in texts if text is not None})
    if len(labels) > MOST_CLASSES:
        raise LimitError(
            f"The column {column.name!r} holds {len(labels):,} different values, more than {MOST_CLASSES:,} classes.",
            hint="Name a column of types or kinds, or use operation 'value'.",
        )
    numbers = {label: number for number, label in enumerate(labels, start=1)}
    found = np.array([numbers[text] if text is not None else 0 for text in texts])
    return Table(found, "uint8" if len(labels) < 256 else "uint16", 0, labels)


def _label(value: object) -> str:
    return value_text(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _covering(there: Geometries, grid: GeoBox) -> Callable[[Window], Pixels]:
    """Return what gives the covered share of the pixels of a window; places in several polygons count once."""
    present = there[~shapely.is_missing(there)]
    if (shapely.get_dimensions(present) < 2).any():
        raise ParameterError(
            "Lines and points cover no share of a pixel.", hint="Use operation 'count', or buffer them first with overlay."
        )
    parts = to_pixels(np.asarray(shapely.get_parts(union(present)), dtype=object), grid) if len(present) else present
    outlines, height = Outlines(parts, grid), grid.shape[0]
    _, bottom, _, top = shapely.bounds(parts).reshape(-1, 4).T

    def strip(window: Window) -> Pixels:
        row, _, rows, cols = window
        near = np.flatnonzero((top > height - row - rows) & (bottom < height - row))
        return np.minimum(outlines.covered(Block(window, near)).total(rows, cols), 1).astype("float32")

    return strip


def _write(context: ToolContext, grid: GeoBox, drawing: Drawing) -> Drawn:
    height, width = grid.shape
    spread, amount = Spread(by_area=area_varies(grid)), 0.0
    area_m2 = np.zeros(max(2, len(drawing.labels) + 1))
    labels = {str(number): label for number, label in enumerate(drawing.labels, start=1)}
    mark = BandMark(unit=drawing.unit, classes=labels)
    with cog_writer(context.folder / FILE, grid, [mark], dtype=drawing.dtype, nodata=drawing.nodata) as writer:
        for window in iter_strips(height, width, STRIP_PX):
            pixels = drawing.strip(window)
            writer.write(window, pixels)
            pixel_m2 = np.broadcast_to(pixel_area_m2(window_grid(grid, window)), pixels.shape)
            hidden = np.zeros(pixels.shape, bool) if drawing.nodata is None else (pixels == drawing.nodata) | (pixels != pixels)
            spread.add(np.ma.MaskedArray(pixels, mask=hidden), pixel_m2)
            numbers = pixels if drawing.labels else (~hidden).astype("uint8")
            area_m2 += np.bincount(numbers.ravel(), weights=pixel_m2.ravel(), minlength=len(area_m2))
            amount += float((np.where(hidden, 0, pixels) * pixel_m2).sum())
            context.progress((window[0] + window[2]) / height)
    return Drawn(spread, area_m2, amount)


def _report(
    params: RasterizeParams,
    features: Features,
    grid: GeoBox,
    drawing: Drawing,
    drawn: Drawn,
    notes: tuple[Tally, list[dict[str, str]]],
) -> ToolOutput:
    tally, records = notes
    count = int((~shapely.is_missing(features.geometries)).sum())
    reached = drawn.spread.has_values if drawing.nodata is not None else drawn.spread.maximum > 0
    method: Mapping[str, Any] = {
        "operation": params.operation,
        "column": params.column,
        "pixels": "exact covered share" if params.operation == "coverage" else TOUCHED if params.touched else CENTRES,
        "several features on a pixel": SEVERAL[params.operation],
        "area": area_method(grid),
        **weighting(drawn.spread),
        "transformations": records,
    }
    return ToolOutput(
        summary=f"Drew {count} features onto {grid.shape[1]} x {grid.shape[0]} pixels." if reached else "No feature lies on the grid.",
        facts=(*_facts(params, drawing, drawn), *size_facts(grid)) if reached else (),
        outcome=Outcome.VALUE if reached else Outcome.NO_COVERAGE,
        files=(FILE,),
        kind="raster",
        warnings=(*features.warnings, *_warnings(params, drawing, tally, count)),
        method=method,
        bbox=bbox_degrees(grid),
    )


CENTRES = "those whose centre lies in a polygon; those that a line or point lies on"
TOUCHED = "all that a feature touches"
SEVERAL = {
    "value": "the last in the layer counts",
    "class": "the last in the layer counts",
    "count": "all count",
    "coverage": "each place counts once",
}


def _facts(params: RasterizeParams, drawing: Drawing, drawn: Drawn) -> list[Fact]:
    spread = drawn.spread
    if params.operation == "coverage":
        return [Fact("area", drawn.amount_m2, "m2", {"of": "covered"})]
    if params.operation == "count":
        return [Fact("mean", spread.mean, "count"), Fact("max", spread.maximum, "count")]
    share = Fact("valid_share", spread.valid_share, "%")
    if params.operation == "value":
        return [*value_facts(spread, "unspecified"), share]
    valid = float(drawn.area_m2[1:].sum())
    pairs = zip(drawing.labels, drawn.area_m2[1:].tolist(), strict=True)
    areas = [
        (Fact("area", area, "m2", {"class": label}), Fact("share", 100 * area / valid, "%", {"class": label})) for label, area in pairs
    ]
    return [*(fact for pair in areas for fact in pair), share]


def _warnings(params: RasterizeParams, drawing: Drawing, tally: Tally, count: int) -> list[str]:
    said = []
    if drawing.left_out:
        said.append(f"{drawing.left_out} features have no value in {params.column!r} and were left out.")
    if tally.shared:
        said.append(f"On {tally.shared:,} pixels several features lie; the last in the layer counts there.")
    without = count - drawing.left_out - len(tally.drawn - {-1})
    if params.operation in ("value", "class") and without > 0:
        why = "they lie outside or under others" if params.touched else "they hold no pixel centre, or lie outside or under others"
        said.append(f"{without} features have no pixel: {why}.")
    return said
