"""The contours of a raster as layers: lines with their level and length, or polygons with their limits and area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.contours import contour_bands, contour_lines
from tools.geo.frame import Floats
from tools.geo.grid import Window
from tools.geo.measure import area_method, geodesic_area, geodesic_length
from tools.geo.moments import Spread
from tools.geo.rings import Geometries
from tools.raster.output import bbox_degrees, known_unit
from tools.raster.strips import STRIP_PX
from tools.storage.rasters import RasterInfo, band_array, open_raster
from tools.storage.vectors import write_layer

if TYPE_CHECKING:
    from tools.geo.band_math import MaskedArray
    from tools.raster.contour import ContourParams

FILE = "contours.parquet"


def lines_at(params: ContourParams, context: ToolContext, info: RasterInfo, spread: Spread, levels: Sequence[float]) -> ToolOutput:
    """Write a feature per line."""
    with open_raster(context.source(params.raster)) as dataset:

        def read(window: Window) -> MaskedArray:
            context.progress(0.3 + 0.5 * window[0] / info.height)
            return band_array(dataset, params.band, window)

        at, lines = contour_lines(read, (info.height, info.width), levels, max(1, STRIP_PX // info.width))
    placed = _placed(lines, info)
    length_m = geodesic_length(placed, info.crs)
    _write(context, {"level": at, "length_m": length_m}, placed, info)
    facts = [Fact("count", len(at), "count"), Fact("length", float(length_m.sum()), "m")]
    for level in levels:
        own, subject = at == level, {"level": _text(level)}
        facts += [Fact("count", int(own.sum()), "count", subject), Fact("length", float(length_m[own].sum()), "m", subject)]
    return _output(info, spread, levels, (f"Drew {len(at)} contour lines at {len(levels)} levels.", facts))


def bands_between(params: ContourParams, context: ToolContext, info: RasterInfo, spread: Spread, levels: Sequence[float]) -> ToolOutput:
    """Write a feature between each two levels, below the first and above the last."""
    edges = [float(np.nextafter(spread.minimum, -np.inf)), *(level for level in levels if level > spread.minimum), spread.maximum]
    with open_raster(context.source(params.raster)) as dataset:

        def read(window: Window) -> MaskedArray:
            context.progress(0.3 + 0.5 * window[0] / info.height)
            return band_array(dataset, params.band, window)

        bands = contour_bands(read, (info.height, info.width), edges, max(1, STRIP_PX // info.width))
    limits = list(zip([spread.minimum, *edges[1:-1]], edges[1:], strict=True))
    there = np.flatnonzero(~shapely.is_missing(bands))
    placed = shapely.orient_polygons(_placed(bands[there], info))
    area_m2, whole = geodesic_area(placed, info.crs), [limits[number] for number in there]
    _write(context, {"minimum": [low for low, _ in whole], "maximum": [high for _, high in whole], "area_m2": area_m2}, placed, info)
    total = float(area_m2.sum())
    facts = [Fact("area", total, "m2")]
    for (low, high), area in zip(whole, area_m2.tolist(), strict=True):
        subject = {"from": _text(low), "to": _text(high)}
        facts += [Fact("area", area, "m2", subject), Fact("share", 100 * area / total if total else 0.0, "%", subject)]
    return _output(info, spread, levels, (f"Drew the areas between {len(levels)} levels.", facts))


def _placed(pixel_geometries: Geometries, info: RasterInfo) -> Geometries:
    """Return geometries in pixel coordinates in the raster's CRS."""
    transform = info.transform

    def place(pixels: Floats) -> Floats:
        col, row = pixels.T
        return np.column_stack([transform.a * col + transform.b * row + transform.c, transform.d * col + transform.e * row + transform.f])

    return wrap_longitudes(np.asarray(shapely.transform(pixel_geometries, place), dtype=object), info.crs)[0]


def _write(context: ToolContext, columns: dict[str, Any], geometries: Geometries, info: RasterInfo) -> None:  # Any: arrays of numbers
    import geopandas

    write_layer(context.folder / FILE, geopandas.GeoDataFrame(columns, geometry=list(geometries), crs=info.crs))


def _output(info: RasterInfo, spread: Spread, levels: Sequence[float], made: tuple[str, list[Fact]]) -> ToolOutput:
    summary, facts = made
    unit = known_unit(info.unit)
    band = [Fact("min", spread.minimum, unit), Fact("max", spread.maximum, unit), Fact("valid_share", spread.valid_share, "%")]
    return ToolOutput(
        summary=summary if levels else f"No level lies between the least value {spread.minimum:g} and the greatest {spread.maximum:g}.",
        facts=(*facts, *band),
        outcome=Outcome.VALUE if levels else Outcome.TRUE_ZERO,
        files=(FILE,),
        kind="vector",
        method={
            **area_method(info.crs),
            "surface": "bilinear between pixel centres (marching squares); level from the outermost centres to the raster's edge",
            "nodata": "no contours between a pixel and one that is not valid",
            "levels": [float(level) for level in levels],
        },
        bbox=bbox_degrees(info.grid),
    )


def _text(level: float) -> str:
    return f"{level:.10g}"
