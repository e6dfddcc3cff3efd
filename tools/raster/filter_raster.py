"""Smooth a raster, or take the speckle out of radar, by what lies in a square around each pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from tools.contract import Fact, Outcome, Source, Tool, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geotypes import Params, RasterRef

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.geo.band_math import Calculated
    from tools.geo.grid import Window
    from tools.raster.strips import Values
    from tools.storage.rasters import RasterInfo

FILE = "filtered.tif"
LARGEST_PX = 51
NODATA = "stays nodata, and counts for nothing in the squares of others; beyond the raster there is nothing"


class FilterRasterParams(Params):
    """Filter a raster by the square of pixels around each pixel: mean, median, min, max, std (local variation), gaussian (smoothing), lee (speckle of radar backscatter, SAR), majority (of a raster of classes: the commonest class, removes single pixels). Nodata stays nodata and counts for nothing."""

    raster: RasterRef
    band: int = Field(default=1, ge=1, description="Band number, from 1.")
    operation: Literal["mean", "median", "min", "max", "std", "gaussian", "lee", "majority"] = Field(description="What to do.")
    size: int = Field(default=3, ge=3, le=LARGEST_PX, description="Side of the square in pixels, an odd number.")
    values: Literal["auto", "linear", "db"] = Field(
        default="auto", description="Whether the values are decibels, which are averaged as power; 'auto': by the band's unit."
    )
    result: Literal["same", "linear", "db"] = Field(
        default="same", description="Radar: whether the result is linear power or decibels; what has no logarithm becomes nodata."
    )
    looks: float = Field(default=4.4, gt=0, le=10_000, description="Lee: equivalent number of looks; Sentinel-1 IW GRD has 4.4.")

    @field_validator("size")
    @classmethod
    def _is_odd(cls, size: int) -> int:
        if size % 2 == 0:
            raise ValueError(f"size {size} has no pixel in the middle; give an odd number")
        return size


def resolve(params: FilterRasterParams, sources: Mapping[str, Source]) -> FilterRasterParams:
    """Settle what values and result are, so that the key holds what is really done; raise ParameterError where they do not fit."""
    from tools.raster.decibels import scale_of
    from tools.raster.measured import check_measured, check_mixable, check_real
    from tools.storage.rasters import raster_info

    info = raster_info(sources[params.raster], params.band)
    values = scale_of(info) if params.values == "auto" else params.values
    result = values if params.result == "same" else params.result
    if params.operation != "majority":
        check_measured(info, f"values with a {params.operation}", "Use operation 'majority'.")
        check_mixable(info, params.operation)
    elif info.value_kind == "continuous" or (values, result) != ("linear", "linear"):
        check_real(info)
        raise ParameterError("The band holds measured values, of which none is the commonest.", hint="Classify it first, or use 'median'.")
    if params.operation == "std" and values != result:
        raise ParameterError("A standard deviation of decibels is none of power.", hint="Leave out 'result'.")
    return params.model_copy(update={"values": values, "result": result})


def run(params: FilterRasterParams, context: ToolContext) -> ToolOutput:
    """Write the filtered band as float32 with NaN for nodata (float64 where it holds more digits), classes as they came.

    Facts: `mean`, `min`, `max`, `std` of what is written, or `area` (m2) and `share` (%) of each class; `valid_share` (%); the
    `count` of pixels that have no logarithm, if any. No coverage where every pixel is nodata.
    Raises ParameterError for values that do not suit the operation, LimitError for a raster that is too large.
    """
    from tools.raster.commonest import commonest
    from tools.storage.limits import check_output_size
    from tools.storage.rasters import raster_info

    info = raster_info(context.source(params.raster), params.band)
    check_output_size(info.grid)
    if params.operation == "majority":
        return commonest(params, context, info)
    return _measured(params, context, info)


def _measured(params: FilterRasterParams, context: ToolContext, info: RasterInfo) -> ToolOutput:
    from tools.raster.calc import WIDE
    from tools.raster.decibels import DECIBEL
    from tools.raster.strips import values_by_strip
    from tools.storage.cog import BandMark

    same = "" if info.unit == "unspecified" else info.unit
    unit = DECIBEL if params.result == "db" else "1" if params.values == "db" else same
    dtype = "float64" if info.dtype in WIDE else "float32"
    mark = BandMark(info.name, unit=unit)
    found = values_by_strip(context.folder / FILE, info.grid, mark, _calculate(params, context, info), context.progress, dtype)
    return _output(params, info, unit, found)


def _calculate(params: FilterRasterParams, context: ToolContext, info: RasterInfo) -> Callable[[Window], Calculated]:
    from tools.raster.filters import filtered
    from tools.raster.neighbourhood import read_around

    source = context.source(params.raster)
    return lambda window: filtered(params, read_around(source, params.band, info, window, params.size // 2))


def _output(params: FilterRasterParams, info: RasterInfo, unit: str, found: Values) -> ToolOutput:
    from tools.geo.units import norm_unit
    from tools.raster.filters import SOURCES
    from tools.raster.output import bbox_degrees, undefined_facts, value_facts, weighting

    spread, share = found.spread, Fact("valid_share", found.spread.valid_share, "%")
    facts = (*value_facts(spread, norm_unit(unit)), share) if spread.has_values else (share,)
    looks = {"looks": params.looks} if params.operation == "lee" else {}
    method = {"operation": params.operation, "source": SOURCES[params.operation], "size_px": params.size, **looks}
    return ToolOutput(
        summary=f"Filtered the raster: {params.operation} of {params.size} x {params.size} pixels."
        if spread.has_values
        else "Every pixel of the raster is nodata.",
        facts=(*facts, *undefined_facts(found.undefined)),
        outcome=Outcome.VALUE if spread.has_values else Outcome.NO_COVERAGE,
        files=(FILE,),
        kind="raster",
        warnings=_warnings(params, info, found),
        method={**method, "values": params.values, "result": params.result, "nodata": NODATA, **weighting(spread)},
        bbox=bbox_degrees(info.grid),
    )


def _warnings(params: FilterRasterParams, info: RasterInfo, found: Values) -> tuple[str, ...]:
    warnings = []
    if found.undefined:
        warnings.append(f"{found.undefined:,} pixels of 0 or below have no decibels; they are nodata.")
    if info.value_kind == "unknown":
        warnings.append("Whether the whole-number values are quantities or classes is not declared; they were taken as quantities.")
    if "db" in (params.values, params.result):
        warnings.append("The mean and std told are those of the values as written; a mean of decibels is not that of power.")
    return tuple(warnings)


TOOL = Tool(
    "filter_raster", FilterRasterParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "scipy", "numpy"), resolve=resolve
)
