"""Statistics and class areas of a raster in zones, by exact coverage fractions and true pixel area."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import EVERYTHING, Params, RasterRef, VectorRef, Where

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
        description="Column that names the zones; zones of the same name are merged, overlap counted once. Default: the layer's name column; without one, every feature is a zone.",
    )
    merge_zones: bool = Field(default=False, description="Treat all zones as one, overlap counted once.")
    statistics: list[Statistic] = Field(default_factory=list, description="Statistics of the values.")
    classes: bool = Field(default=False, description="Area and share of every class (value) instead.")
    order_by: str | None = Field(default=None, description="Statistic by which to rank the zones, e.g. 'mean'; or 'area' with classes.")
    descending: bool = Field(default=False, description="Largest first.")
    limit: int | None = Field(default=None, ge=1, le=10_000, description="At most so many zones.")

    @model_validator(mode="after")
    def _something_asked(self) -> ZonalStatsParams:
        if not self.statistics and not self.classes:
            raise ValueError("ask for 'statistics' (e.g. ['mean']) or for 'classes'")
        if self.zones is None and (self.zone_column or self.merge_zones or self.where.conditions):
            raise ValueError("'zone_column', 'merge_zones' and 'where' need 'zones'")
        return self


def run(params: ZonalStatsParams, context: ToolContext) -> ToolOutput:
    """Compute the statistics; see `ZonalStatsParams`."""
    raise NotImplementedError


TOOL = Tool(
    "zonal_stats", ZonalStatsParams, run, "pure", libraries=("exactextract", "rasterio", "geopandas", "shapely", "pyproj", "pyogrio")
)
