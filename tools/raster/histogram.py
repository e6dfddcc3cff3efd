"""Tell how the values of a raster are distributed: bins or classes, and where the extremes are."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from tools.contract import Fact, Outcome, Tool, ToolContext, ToolOutput
from tools.geotypes import Params, RasterRef, VectorRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.geo.moments import Spread
    from tools.raster.bins import Band, Bin
    from tools.storage.rasters import RasterInfo

FILE = "histogram.parquet"
PASSES = {"equal": 2, "quantile": 6}
"""How often the raster is read."""


class HistogramParams(Params):
    """Tell how the values of a raster are distributed: pixels, area and share in each bin of value, or of each class where the band holds classes; mean, std, and the smallest and largest value with the place where they are (x, y, longitude, latitude). Use it for 'where is the highest point'; for statistics by zone use zonal_stats."""

    raster: RasterRef
    band: int = Field(default=1, ge=1, description="Band number, from 1.")
    within: VectorRef | None = Field(default=None, description="Only pixels whose centre lies in the polygons of this layer, e.g. a park.")
    method: Literal["equal", "quantile"] = Field(
        default="equal", description="Bins of equal width, or that hold equal shares of the area (4 bins: quartiles)."
    )
    bins: int = Field(default=10, ge=1, le=200, description="Number of bins.")
    edges: list[float] = Field(
        default_factory=list,
        max_length=201,
        description="Instead of method and bins: the limits, ascending; a lower limit belongs to its bin.",
    )

    @model_validator(mode="after")
    def _edges_ascend(self) -> HistogramParams:
        if len(self.edges) == 1 or any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError(f"edges {self.edges} must be two or more numbers, each greater than the one before")
        return self


def run(params: HistogramParams, context: ToolContext) -> ToolOutput:
    """Write the bins as a table.

    Facts of values: `mean`, `std`, `minimum` and `maximum`, each with `x`, `y` (CRS of the raster), `longitude`, `latitude`
    (degrees, WGS 84) of the first pixel that has it; `count`, `area` (m2), `share` (% of the valid area), `lower` and `upper` of
    each bin. Of classes: `count`, `area`, `share` of each. Always `valid_share` (%). No coverage where every pixel is nodata.
    Raises ParameterError for a band that does not exist or has too many classes, DataError for complex numbers.
    """
    from tools.raster.bins import Band
    from tools.raster.measured import check_real
    from tools.storage.rasters import raster_info

    info = raster_info(context.source(params.raster), params.band)
    check_real(info)
    if info.value_kind == "categorical":
        return _classes(Band(params, context, info, 2))
    return _values(params, Band(params, context, info, PASSES["equal" if params.edges else params.method]))


def _classes(band: Band) -> ToolOutput:
    from tools.raster.bins import bin_facts, by_class, survey

    spread, *_ = survey(band)
    if not spread.has_values:
        return _nothing(band.info)
    bins = by_class(band)
    return _output(band, spread, bins, tuple(bin_facts(bins, "1", "class")), f"Counted the pixels of {len(bins)} classes.")


def _values(params: HistogramParams, band: Band) -> ToolOutput:
    from tools.geo.units import norm_unit
    from tools.raster.bins import bin_edges, bin_facts, by_value, survey
    from tools.raster.extremes import extreme_facts
    from tools.raster.output import value_facts

    spread, smallest, largest = survey(band)
    if not spread.has_values:
        return _nothing(band.info)
    unit = norm_unit(band.info.unit)
    mean, _, _, std = value_facts(spread, unit)
    if unit == "degC":  # a difference of temperatures
        std = replace(std, unit="K")
    places = [extreme_facts(name, each, band.info.grid, unit) for name, each in (("minimum", smallest), ("maximum", largest))]
    bins = by_value(band, bin_edges(params, band, spread))
    averages = () if band.info.is_direction else (mean, std)
    facts = (*averages, *places[0], *places[1], *bin_facts(bins, unit, "bin"))
    tied = [name for name, each in (("minimum", smallest), ("maximum", largest)) if each.count > 1]
    warnings = [f"Several pixels have the {name}; the place told is that of the first, row by row." for name in tied]
    if band.info.value_kind == "unknown":
        warnings.append("Whether the whole-number values are quantities or classes is not declared; they were taken as quantities.")
    return _output(band, spread, bins, facts, f"Counted the values in {len(bins)} bins.", tuple(warnings))


def _output(
    band: Band, spread: Spread, bins: Sequence[Bin], facts: tuple[Fact, ...], summary: str, warnings: tuple[str, ...] = ()
) -> ToolOutput:
    from tools.geo.pixels import area_method
    from tools.raster.bins import write_bins
    from tools.raster.extremes import place_method
    from tools.raster.output import bbox_degrees, weighting

    write_bins(band.folder / FILE, bins)
    grid = band.info.grid
    return ToolOutput(
        summary=summary,
        facts=(*facts, Fact("valid_share", spread.valid_share, "%")),
        files=(FILE,),
        kind="table",
        warnings=(*warnings, *band.warnings),
        method={**weighting(spread), **band.method, "area": area_method(grid), "share": "of the valid area", **place_method(grid)},
        bbox=bbox_degrees(grid),
    )


def _nothing(info: RasterInfo) -> ToolOutput:
    from tools.raster.output import bbox_degrees

    return ToolOutput(
        "Every pixel asked for is nodata, or the layer does not reach the raster.",
        facts=(Fact("valid_share", 0.0, "%"),),
        outcome=Outcome.NO_COVERAGE,
        bbox=bbox_degrees(info.grid),
    )


TOOL = Tool(
    "histogram",
    HistogramParams,
    run,
    "pure",
    libraries=("rasterio", "odc-geo", "geopandas", "pyogrio", "pyproj", "shapely", "numpy", "pyarrow", "pandas"),
)
