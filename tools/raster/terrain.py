"""Derive what a surface of heights is like: slope, aspect, shade, and how rough it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tools.contract import Fact, Outcome, Tool, ToolContext, ToolOutput, Unit
from tools.geotypes import Params, RasterRef

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.geo.band_math import Calculated
    from tools.geo.grid import Window
    from tools.raster.directions import Directions
    from tools.raster.heights import HeightUnit
    from tools.raster.strips import Values
    from tools.storage.rasters import RasterInfo


class TerrainParams(Params):
    """Derive a raster from one of heights (DEM, DSM, bathymetry): slope (how steep), aspect (which way it falls), hillshade, roughness (largest - smallest of 3 x 3 pixels), tpi (height above the neighbours), tri (ruggedness). Right on any grid, degrees included. Tells mean, min and max; use the result in zonal_stats for means by zone, in classify for what is steeper than a limit."""

    raster: RasterRef
    band: int = Field(default=1, ge=1, description="Band number, from 1.")
    operation: Literal["slope", "aspect", "hillshade", "roughness", "tpi", "tri"] = Field(description="What to derive.")
    slope_unit: Literal["degree", "percent"] = Field(default="degree", description="Unit of slope; 100 percent is 45 degrees.")
    height_unit: Literal["m", "km", "cm", "ft", "us_ft"] | None = Field(
        default=None, description="Unit of the heights, only where the file does not say it; default: what it says, else m."
    )
    azimuth: float = Field(default=315.0, ge=0, le=360, description="Hillshade: direction of the sun, degrees clockwise from north.")
    altitude: float = Field(default=45.0, gt=0, le=90, description="Hillshade: height of the sun, degrees above the horizon.")


def run(params: TerrainParams, context: ToolContext) -> ToolOutput:
    """Write the surface as float32 with NaN for nodata (hillshade: 1 to 255); a pixel without all its neighbours has no value.

    Facts: `mean`, `min`, `max`, `std` in degrees, % or m; of aspect the circular `mean`, and the `share` (%) of the area that
    falls in each of eight directions or is flat; `valid_share` (%). The outcome is no coverage where no pixel has a value.
    Raises ParameterError for classes, bands of an image and values whose unit is no length, LimitError for a raster that is too large.
    """
    from tools.raster.directions import Directions
    from tools.raster.heights import check_heights, height_unit
    from tools.raster.strips import values_by_strip
    from tools.storage.cog import BandMark
    from tools.storage.limits import check_output_size
    from tools.storage.rasters import raster_info

    source = context.source(params.raster)
    info = raster_info(source, params.band)
    check_heights(info, params.band, source.declared.bands)
    unit = height_unit(info, params.height_unit)
    check_output_size(info.grid)
    directions = Directions()
    mark = BandMark(params.operation, unit="" if _unit(params) == "unspecified" else _unit(params))
    calculate = _calculate(params, context, info, unit, directions)
    values = values_by_strip(context.folder / _file(params), info.grid, mark, calculate, context.progress)
    return _output(params, info, unit, values, directions)


def _calculate(
    params: TerrainParams, context: ToolContext, info: RasterInfo, unit: HeightUnit, directions: Directions
) -> Callable[[Window], Calculated]:
    import numpy as np

    from tools.geo.band_math import Calculated
    from tools.geo.grid import window_grid
    from tools.geo.pixels import pixel_area_m2
    from tools.raster.neighbourhood import read_around
    from tools.raster.surfaces import surface

    def calculate(window: Window) -> Calculated:
        heights = read_around(context.source(params.raster), params.band, info, window, 1) * unit.metres
        grid = window_grid(info.grid, window)
        derived, is_flat = surface(params, heights, grid)
        if params.operation == "aspect":
            directions.add(derived, is_flat, pixel_area_m2(grid))
        return Calculated(np.ma.masked_invalid(derived), 0)

    return calculate


def _unit(params: TerrainParams) -> Unit:
    if params.operation == "hillshade":
        return "unspecified"
    if params.operation == "slope" and params.slope_unit == "percent":
        return "%"
    return "degree" if params.operation in ("slope", "aspect") else "m"


def _file(params: TerrainParams) -> str:
    return f"{params.operation}.tif"


def _output(params: TerrainParams, info: RasterInfo, unit: HeightUnit, values: Values, directions: Directions) -> ToolOutput:
    from tools.raster.output import bbox_degrees, value_facts, weighting

    spread, share = values.spread, Fact("valid_share", values.spread.valid_share, "%")
    if params.operation == "aspect":
        facts, has_values = directions.facts(), directions.valid_m2 > 0
    else:
        facts = (*value_facts(spread, _unit(params)), share) if spread.has_values else (share,)
        has_values = spread.has_values
    return ToolOutput(
        summary=f"Derived {params.operation} from the heights."
        if has_values
        else f"No pixel has the neighbours with a value that {params.operation} needs.",
        facts=facts,
        outcome=Outcome.VALUE if has_values else Outcome.NO_COVERAGE,
        files=(_file(params),),
        kind="raster",
        warnings=_warnings(params, unit),
        method={**_method(params, unit), **weighting(spread)},
        bbox=bbox_degrees(info.grid),
    )


def _warnings(params: TerrainParams, unit: HeightUnit) -> tuple[str, ...]:
    found = ["The file does not say in which unit its heights are; metres were taken."] if unit.is_assumed else []
    if params.operation == "aspect":
        found.append("Directions have no plain mean (359 and 1 degree would give 180); the mean here is the circular one.")
    return tuple(found)


def _method(params: TerrainParams, unit: HeightUnit) -> dict[str, Any]:
    from tools.raster.surfaces import SOURCES

    sun = {"azimuth": params.azimuth, "altitude": params.altitude} if params.operation == "hillshade" else {}
    return {
        "operation": params.operation,
        "source": SOURCES[params.operation],
        "height_unit": unit.name,
        "distance": "metres on the ellipsoid at every pixel; directions from true north",
        "edges": "a pixel without a value, or without one of its eight neighbours, has none",
        **sun,
    }


TOOL = Tool("terrain", TerrainParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "numpy"))
