"""Filter a raster of classes: every pixel takes the commonest class around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tools.contract import Fact, Outcome, Source, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geo import focal
from tools.geo.edges import StripBorders
from tools.geo.grid import window_grid
from tools.geo.nodata import free_value
from tools.geo.pixels import area_method, pixel_areas
from tools.raster.filters import SOURCES
from tools.raster.neighbourhood import read_around
from tools.raster.output import bbox_degrees, class_facts
from tools.raster.strips import STRIP_PX, ClassAreas
from tools.storage.class_labels import value_text
from tools.storage.cog import BandMark, cog_writer
from tools.storage.rasters import RasterInfo, iter_strips, read_band

if TYPE_CHECKING:
    from tools.raster.filter_raster import FilterRasterParams

MOST_CLASSES = 256


@dataclass(frozen=True)
class Codes:
    """The classes that a raster holds, and how they are stored."""

    values: tuple[float, ...]
    """Ascending."""
    dtype: str
    nodata: float


def commonest(params: FilterRasterParams, context: ToolContext, info: RasterInfo) -> ToolOutput:
    """Write the classes with the codes, type and labels they came with; tell the area and share of each."""
    from tools.raster.filter_raster import FILE, NODATA

    codes = _codes(context.source(params.raster), params.band, info)
    labels = [info.name_of(code) for code in codes.values]
    areas = _write(params, context, info, codes)
    is_there = areas.valid_area_m2 > 0
    return ToolOutput(
        summary=f"Gave every pixel the commonest class of {params.size} x {params.size} pixels."
        if is_there
        else "Every pixel of the raster is nodata.",
        facts=class_facts(labels, areas) if is_there else (Fact("valid_share", 0.0, "%"),),
        outcome=Outcome.VALUE if is_there else Outcome.NO_COVERAGE,
        files=(FILE,),
        kind="raster",
        method={
            "operation": "majority",
            "source": SOURCES["majority"],
            "size_px": params.size,
            "nodata": NODATA,
            "area": area_method(info.grid),
            "share": "of the valid area",
        },
        bbox=bbox_degrees(info.grid),
    )


def _write(params: FilterRasterParams, context: ToolContext, info: RasterInfo, codes: Codes) -> ClassAreas:
    from tools.raster.filter_raster import FILE

    source, known_codes = context.source(params.raster), np.asarray(codes.values)
    mark = BandMark(info.name, classes={value_text(code): info.name_of(code) for code in codes.values})
    area_m2, borders = np.zeros(len(known_codes) + 1), StripBorders()
    with cog_writer(context.folder / FILE, info.grid, [mark], dtype=codes.dtype, nodata=codes.nodata) as writer:
        for window in iter_strips(info.height, info.width, STRIP_PX):
            part = focal.majority(read_around(source, params.band, info, window, params.size // 2), params.size)
            known = ~np.isnan(part)
            writer.write(window, np.where(known, part, codes.nodata).astype(codes.dtype))
            place = np.where(known, np.searchsorted(known_codes, part) + 1, 0)
            areas = pixel_areas(window_grid(info.grid, window))
            borders.add_strip(place, areas)
            pixel_m2 = np.broadcast_to(areas.dense(), part.shape)
            area_m2 += np.bincount(place.ravel(), weights=pixel_m2.ravel(), minlength=len(area_m2))
            context.progress((window[0] + window[2]) / info.height)
    return ClassAreas(area_m2, borders.by_code(len(area_m2)))


def _codes(source: Source, band: int, info: RasterInfo) -> Codes:
    """Look through the raster once; raise ParameterError where it holds too many values for classes."""
    found = np.zeros(0)
    dtype = np.dtype(info.dtype)
    for window in iter_strips(info.height, info.width, STRIP_PX):
        values = read_band(source, band, window)
        dtype = values.dtype
        found = np.union1d(found, values.compressed())
        if len(found) > MOST_CLASSES:
            raise ParameterError(
                f"The band holds more than {MOST_CLASSES} values, so they are hardly classes.", hint="Classify it first, or use 'median'."
            )
    return Codes(tuple(found.tolist()), dtype.name, free_value(np.ma.MaskedArray(found.astype(dtype)), info.nodata))
