"""Measure how far every pixel is from the nearest pixel of a kind: from water, a road, a class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from tools.contract import Fact, Outcome, Source, Tool, ToolContext, ToolOutput
from tools.geotypes import MOST_VALUES, Params, RasterRef

if TYPE_CHECKING:
    from tools.raster.strips import Values
    from tools.raster.targets import Targets
    from tools.storage.rasters import RasterInfo

FILE = "distance.tif"


class RasterDistanceParams(Params):
    """Measure the distance in metres from every pixel of a raster to the nearest pixel of a kind (a class such as water, or values in a range), over the ground, on any grid. Tells mean and largest distance; use the result in zonal_stats (mean distance by zone), classify (what lies within 500 m) or sample (distance of points). Between features of layers use query_vector or join."""

    raster: RasterRef
    band: int = Field(default=1, ge=1, description="Band number, from 1.")
    targets: list[float | str] = Field(
        default_factory=list, max_length=MOST_VALUES, description="Values or class names to measure from, e.g. ['water'] or [1]."
    )
    at_least: float | None = Field(default=None, description="Instead: pixels of at least this value, in the band's unit.")
    at_most: float | None = Field(default=None, description="Instead, or with at_least: pixels of at most this value.")
    max_distance_m: float | None = Field(
        default=None, gt=0, description="Farthest distance of interest, in metres; pixels beyond become nodata. Default: none."
    )

    @model_validator(mode="after")
    def _names_targets(self) -> RasterDistanceParams:
        has_range = self.at_least is not None or self.at_most is not None
        if bool(self.targets) == has_range:
            raise ValueError("give 'targets', or 'at_least' and/or 'at_most'")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least} is greater than at_most {self.at_most}")
        return self


def resolve(params: RasterDistanceParams, sources: Mapping[str, Source]) -> RasterDistanceParams:
    """Turn class names into values, so that the key holds what is really measured; raise ParameterError for one that is not there."""
    from tools.raster.class_values import class_values
    from tools.storage.rasters import raster_info

    if not params.targets:
        return params
    info = raster_info(sources[params.raster], params.band)
    return params.model_copy(update={"targets": class_values(params.targets, info)})


def run(params: RasterDistanceParams, context: ToolContext) -> ToolOutput:
    """Write the distance in m as float32, 0 at the targets, NaN for nodata: where the raster has none, and beyond `max_distance_m`.

    Facts: `mean`, `min`, `max`, `std` (m) over the pixels with a distance, `area` (m2, subject pixels target), `valid_share` (%).
    True zero where no pixel is a target, no coverage where every pixel is nodata.
    Raises LimitError for a raster that is too large and for too many pixels along the outlines of the targets.
    """
    from tools.raster.measured import check_real
    from tools.raster.targets import find_targets
    from tools.storage.limits import check_output_size
    from tools.storage.rasters import raster_info

    info = raster_info(context.source(params.raster), params.band)
    check_real(info)
    check_output_size(info.grid)
    targets = find_targets(params, context, info)
    if not targets.count:
        return _nothing(info, targets)
    return _output(params, info, targets, _measure(params, context, info, targets))


def _measure(params: RasterDistanceParams, context: ToolContext, info: RasterInfo, targets: Targets) -> Values:
    import numpy as np

    from tools.geo.band_math import Calculated
    from tools.geo.frame import geodetic_frame
    from tools.geo.grid import Window, crs_of, window_grid
    from tools.geo.pixels import pixel_centres
    from tools.geo.proximity import Proximity
    from tools.raster.neighbourhood import read_around
    from tools.raster.strips import values_by_strip
    from tools.storage.cog import BandMark

    proximity = Proximity.to(*targets.centres(info.grid), geodetic_frame(crs_of(info.grid)))

    def calculate(window: Window) -> Calculated:
        values = read_around(context.source(params.raster), params.band, info, window, 0)
        is_target = targets.among(values)
        asked = ~np.isnan(values) & ~is_target
        x, y = pixel_centres(np.arange(float(window[2])), np.arange(float(window[3])), window_grid(info.grid, window))
        metres = np.where(is_target, 0.0, np.nan)
        metres[asked] = proximity.distances_m(x[asked], y[asked], params.max_distance_m or math.inf)
        return Calculated(np.ma.masked_invalid(metres), 0)

    mark = BandMark("distance", unit="m")
    return values_by_strip(context.folder / FILE, info.grid, mark, calculate, lambda share: context.progress((1 + share) / 2))


def _output(params: RasterDistanceParams, info: RasterInfo, targets: Targets, found: Values) -> ToolOutput:
    from tools.geo.pixels import area_method
    from tools.raster.output import bbox_degrees, value_facts, weighting

    warnings = []
    if targets.valid_share < 100:
        warnings.append("Part of the raster is nodata; a nearer target could lie there.")
    if params.max_distance_m is not None:
        warnings.append("The statistics are those of the pixels within the largest distance asked for.")
    return ToolOutput(
        summary="Measured the distance of every pixel to the nearest target.",
        facts=(
            *value_facts(found.spread, "m"),
            Fact("area", targets.area_m2, "m2", {"pixels": "target"}),
            Fact("valid_share", found.spread.valid_share, "%"),
        ),
        files=(FILE,),
        kind="raster",
        warnings=tuple(warnings),
        method={**_method(params, targets), "area": area_method(info.grid), **weighting(found.spread)},
        bbox=bbox_degrees(info.grid),
    )


def _method(params: RasterDistanceParams, targets: Targets) -> dict[str, Any]:
    limits = {name: limit for name in ("at_least", "at_most", "max_distance_m") if (limit := getattr(params, name)) is not None}
    return {
        "targets": list(targets.values) or "values in a range",
        **limits,
        "distance": "geodesic, from the centre of a pixel to that of the nearest target; 0 at a target",
        "beyond": "targets beyond the edge of the raster are not known",
    }


def _nothing(info: RasterInfo, targets: Targets) -> ToolOutput:
    from tools.raster.output import bbox_degrees

    share = Fact("valid_share", targets.valid_share, "%")
    if not targets.valid_share:
        return ToolOutput("Every pixel of the raster is nodata.", (share,), Outcome.NO_COVERAGE, bbox=bbox_degrees(info.grid))
    area = Fact("area", 0.0, "m2", {"pixels": "target"})
    summary = "No pixel is such a target, so there is no distance to one."
    return ToolOutput(summary, (area, share), Outcome.TRUE_ZERO, bbox=bbox_degrees(info.grid))


TOOL = Tool(
    "raster_distance", RasterDistanceParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "scipy", "numpy"), resolve=resolve
)
