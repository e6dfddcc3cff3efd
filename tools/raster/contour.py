"""Draw the contours of a surface: lines of equal value, or the polygons between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from tools.contract import Outcome, Tool, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geotypes import Params, RasterRef

if TYPE_CHECKING:
    from tools.geo.moments import Spread
    from tools.storage.rasters import RasterInfo


class ContourParams(Params):
    """Draw contour lines of a raster of measured values (elevation, temperature, depth) every 'interval' or at given levels, with their lengths; or, filled, the polygons between the levels with their areas."""

    raster: RasterRef
    band: int = Field(default=1, ge=1, description="Band number, from 1.")
    interval: float | None = Field(
        default=None, gt=0, description="Distance between levels, in the band's unit; levels are multiples of it."
    )
    levels: list[float] = Field(default_factory=list, max_length=1000, description="Instead of 'interval': the levels.")
    shape: Literal["lines", "polygons"] = Field(default="lines", description="Lines of equal value, or the areas between levels.")

    @model_validator(mode="after")
    def _one_way(self) -> ContourParams:
        if (self.interval is None) == (not self.levels):
            raise ValueError("give either 'interval' or 'levels'")
        return self


MOST_LEVELS = 1000


def run(params: ContourParams, context: ToolContext) -> ToolOutput:
    """Write lines (columns `level`, `length_m`) or one multipolygon between each two levels (`minimum`, `maximum`, `area_m2`).

    Facts: min and max of the band and `valid_share`; of lines `count` and `length` (m), of polygons `area` (m2) and `share`, each by
    level and over all. The outcome is a true zero where no level lies between the least and the greatest value, no coverage
    where every pixel is nodata. Raises ParameterError for classes and for too many levels, LimitError for too many vertices.
    """
    from tools.raster.contouring import bands_between, lines_at
    from tools.storage.rasters import raster_info

    source = context.source(params.raster)
    info = raster_info(source, params.band)
    if info.value_kind == "categorical":
        raise ParameterError(f"Band {params.band} holds classes, which have no levels between them.", hint="Use polygonize for classes.")
    spread = _spread(params, context, info)
    if not spread.has_values:
        return ToolOutput("Every pixel of the raster is nodata.", outcome=Outcome.NO_COVERAGE)
    levels = _levels(params, spread)
    draw = lines_at if params.shape == "lines" else bands_between
    return draw(params, context, info, spread, levels)


def _spread(params: ContourParams, context: ToolContext, info: RasterInfo) -> Spread:
    """Read the band once for its least and greatest value."""
    from tools.geo.grid import window_grid
    from tools.geo.moments import Spread
    from tools.geo.pixels import area_varies, pixel_area_m2
    from tools.raster.strips import STRIP_PX
    from tools.storage.rasters import band_array, iter_strips, open_raster

    spread = Spread(by_area=area_varies(info.grid))
    with open_raster(context.source(params.raster)) as dataset:
        for window in iter_strips(info.height, info.width, STRIP_PX):
            spread.add(band_array(dataset, params.band, window), pixel_area_m2(window_grid(info.grid, window)))
            context.progress(0.3 * (window[0] + window[2]) / info.height)
    return spread


def _levels(params: ContourParams, spread: Spread) -> list[float]:
    """Return the levels that the surface has, ascending."""
    from math import ceil

    least, greatest = spread.minimum, spread.maximum
    if params.interval is None:
        return [level for level in sorted(set(params.levels)) if least <= level < greatest]
    count = (greatest - least) / params.interval
    if count > MOST_LEVELS:
        raise ParameterError(
            f"Values from {least:g} to {greatest:g} every {params.interval:g} give {count:,.0f} levels, more than {MOST_LEVELS:,}.",
            hint=f"Give an interval of at least {(greatest - least) / MOST_LEVELS:.2g}.",
        )
    first = ceil(least / params.interval)
    found = [number * params.interval for number in range(first, first + int(count) + 2)]
    return [level for level in found if least <= level < greatest]


TOOL = Tool(
    "contour",
    ContourParams,
    run,
    "pure",
    libraries=("rasterio", "odc-geo", "pyproj", "numpy", "shapely", "contourpy", "geopandas", "pyarrow", "pandas"),
)
