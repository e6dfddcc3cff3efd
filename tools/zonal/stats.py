"""Statistics and class areas of a raster in zones, by exact coverage fractions and true pixel area."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import EVERYTHING, Params, RasterRef, RowsRef, VectorRef, Where
from tools.settings import ToolSettings

Statistic = Literal[
    "mean", "min", "max", "median", "std", "range", "sum", "p5", "p10", "p25", "p75", "p90", "p95", "majority", "minority", "variety"
]


class ZonalStatsParams(Params):
    """Statistics of a raster (mean, min, max, median, …) or areas and shares of its classes, inside each zone of a vector layer or over the whole raster. Uses exact pixel coverage and true pixel area; tells the share of valid pixels."""

    raster: RasterRef
    band: int = Field(default=1, ge=1, description="Band number, from 1.")
    zones: VectorRef | None = Field(default=None, description="Layer of zones; none = the whole raster.")
    where: Where = Field(default=EVERYTHING, description="Which zones.")
    zone_column: str | None = Field(
        default=None,
        description="Column that names the zones; zones of the same name are merged, overlap counted once. Default: every feature is a zone, called by the layer's name column where all names differ, else 'fid N', its place in the file from 0.",
    )
    merge_zones: bool = Field(default=False, description="Treat all zones as one, overlap counted once.")
    statistics: list[Statistic] = Field(default_factory=list, description="Statistics of the values.")
    classes: bool = Field(default=False, description="Area and share of every class (value) instead.")
    confusion: RowsRef | None = Field(
        default=None,
        description="With classes: table of sampled places (rows: mapped class; a column of counts per true class), for areas adjusted for errors, with their 95 % interval.",
    )
    order_by: str | None = Field(default=None, description="Statistic by which to rank the zones, e.g. 'mean'; or 'area' with classes.")
    descending: bool = Field(default=False, description="Largest first.")
    limit: int | None = Field(default=None, ge=1, le=10_000, description="At most so many zones.")

    @model_validator(mode="after")
    def _something_asked(self) -> ZonalStatsParams:
        if not self.statistics and not self.classes:
            raise ValueError("ask for 'statistics' (e.g. ['mean']) or for 'classes'")
        if self.zones is None and (self.zone_column or self.merge_zones or self.where.conditions):
            raise ValueError("'zone_column', 'merge_zones' and 'where' need 'zones'")
        if self.confusion is not None and not self.classes:
            raise ValueError("'confusion' needs 'classes'")
        return self


def run(params: ZonalStatsParams, context: ToolContext) -> ToolOutput:
    """Compute the statistics; see `ZonalStatsParams`."""
    from tools.storage.rasters import raster_info
    from tools.zonal.answer import Inquiry, answer
    from tools.zonal.request import check_request, keeps_values
    from tools.zonal.survey import Band, survey_raster, survey_zones
    from tools.zonal.zones import load_zones

    source = context.source(params.raster)
    info = raster_info(source, params.band)
    assumed = check_request(params, info)
    band = Band(
        source,
        params.band,
        info,
        tuple(params.statistics),
        params.classes,
        keeps_values(params),
        ToolSettings().max_pixels,
        context.progress,
    )
    zones = None
    if params.zones is not None:
        zones = load_zones(context.source(params.zones), params.where, name_column=params.zone_column, merge=params.merge_zones)
    survey = survey_raster(band) if zones is None else survey_zones(band, zones)
    sample = None if params.confusion is None else context.source(params.confusion)
    return answer(params, Inquiry(info, zones, survey, sample), context.folder, assumed)


TOOL = Tool(
    "zonal_stats",
    ZonalStatsParams,
    run,
    "pure",
    libraries=("numpy", "rasterio", "geopandas", "shapely", "pyproj", "pyogrio", "pyarrow", "pandas"),
)
