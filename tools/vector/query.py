"""Query a vector layer: filter by attributes and place, then count, measure, group, rank, or find the nearest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from tools.contract import Needs, Tool, ToolContext, ToolOutput
from tools.geotypes import EVERYTHING, Params, RowsRef, SurfaceChoice, VectorRef, Where
from tools.sql.request import DEFAULT_ROWS, MOST_VIEWS, SqlRequest, check_views, norm_sql

Predicate = Literal["intersects", "within", "contains", "touches", "crosses", "overlaps", "disjoint", "within_distance"]
Aggregate = Literal["count", "area", "length", "perimeter", "length_3d", "sum", "mean", "min", "max", "median"]

EXTENTS = ("area", "length", "perimeter", "length_3d")
"""Aggregates of the geometry."""


class SpatialFilter(Params):
    """Keep features in a relation to another layer or a geometry."""

    predicate: Predicate = Field(description="What a feature does to the other; 'within' = lies inside it.")
    other: VectorRef | None = Field(default=None, description="The other layer.")
    where: Where = Field(default=EVERYTHING, description="Which features of the other layer.")
    geometry: str | None = Field(default=None, description="Instead of a layer: WKT in longitude, latitude (EPSG:4326).")
    distance_m: float | None = Field(default=None, gt=0, description="within_distance: metres.")

    @model_validator(mode="after")
    def _one_other(self) -> SpatialFilter:
        if (self.other is None) == (self.geometry is None):
            raise ValueError("give either 'other' (a layer) or 'geometry' (WKT in EPSG:4326)")
        if (self.distance_m is None) == (self.predicate == "within_distance"):
            raise ValueError("'distance_m' goes with the predicate within_distance, and only with it")
        return self


class Nearest(Params):
    """For every feature kept, the nearest features of another layer, by geodesic distance."""

    other: VectorRef = Field(description="The other layer.")
    where: Where = Field(default=EVERYTHING, description="Which of its features.")
    k: int = Field(default=1, ge=1, le=20, description="How many neighbours per feature.")
    max_distance_m: float | None = Field(default=None, gt=0, description="At most so far, metres.")


class Zones(Params):
    """Measure within the zones of another layer: features are counted where they intersect, areas and lengths cut at the zone's edge."""

    layer: VectorRef = Field(description="The layer of zones.")
    where: Where = Field(default=EVERYTHING, description="Which zones.")
    name_column: str | None = Field(default=None, description="Column that names the zones, where not found by itself.")


class Measure(Params):
    """One number per group."""

    aggregate: Aggregate = Field(
        description="What to compute. length: of lines; perimeter: of polygons; length_3d: of lines with their heights."
    )
    column: str | None = Field(default=None, description="A numeric column; default: the only one that fits.")
    weight: str | None = Field(
        default=None,
        description="Of a mean: column, '@area_m2' or '@none'; default: the base of a rate.",
    )

    @model_validator(mode="after")
    def _column_fits(self) -> Measure:
        if self.column is not None and self.aggregate in ("count", *EXTENTS):
            raise ValueError(f"aggregate {self.aggregate!r} takes no column")
        if self.weight is not None and self.aggregate != "mean":
            raise ValueError("'weight' goes with mean only")
        return self


class QueryVectorParams(Params):
    """Filter a vector layer by attributes and place; return features (ranked, limited) or measures: count, area, length, sum, mean, per group or zone; or the nearest features of another layer. Overlapping features count once in an area. Or answer by SQL what these parts cannot say, over layers and tables."""

    layer: VectorRef | None = Field(default=None, description="The layer; none with sql.")
    where: Where = Field(default=EVERYTHING, description="Attribute filter.")
    spatial: list[SpatialFilter] = Field(default_factory=list, description="Spatial filters; all must hold.")
    nearest: Nearest | None = Field(default=None, description="The nearest features of another layer for each feature kept.")
    zones: Zones | None = Field(default=None, description="Measure per zone of another layer.")
    measures: list[Measure] = Field(default_factory=list, description="Numbers, per group or zone. Empty: the features themselves.")
    group_by: list[str] = Field(default_factory=list, description="Columns whose values form groups.")
    select: list[str] = Field(
        default_factory=list,
        description="Columns to return; computed: 'area', 'length', 'perimeter', of points 'longitude', 'latitude', 'x', 'y'.",
    )
    surface: SurfaceChoice = "ellipsoid"
    order_by: str | None = Field(default=None, description="Column, 'area', 'length', 'distance', or a measure, e.g. 'sum of population'.")
    descending: bool = Field(default=False, description="Largest first.")
    limit: int | None = Field(default=None, ge=1, le=10_000, description="At most so many features or groups.")
    sql: Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(norm_sql)] | None = Field(
        default=None,
        description="One SELECT over the views, e.g. SELECT d.name, COUNT(*) AS n FROM c JOIN d ON ST_Within(c.geometry, d.geometry) GROUP BY d.name. Layers have geometry and geodesic area_m2, length_m, perimeter_m. Results with own numbers but 0 and 1 cannot be cited.",
    )
    views: dict[str, RowsRef] = Field(default_factory=dict, max_length=MOST_VIEWS, description="sql: table name → layer or table.")

    @model_validator(mode="after")
    def _sql_stands_alone(self) -> QueryVectorParams:
        given = {
            name for name, field in type(self).model_fields.items() if getattr(self, name) != field.get_default(call_default_factory=True)
        }
        if self.sql is None:
            if self.layer is None or self.views:
                raise ValueError("give 'layer', or 'sql' with its 'views'")
            return self
        if extra := sorted(given - {"sql", "views", "limit"}):
            raise ValueError(f"{extra[0]!r} does not go with 'sql', which takes 'views' and 'limit'")
        check_views(self.sql, self.views)
        return self

    @model_validator(mode="after")
    def _modes_do_not_mix(self) -> QueryVectorParams:
        if (self.group_by or self.zones) and not self.measures:
            raise ValueError("'group_by' and 'zones' need 'measures', e.g. [{'aggregate': 'count'}]")
        if self.measures and (self.select or self.nearest):
            raise ValueError("'measures' cannot be combined with 'select' or 'nearest'; make two calls")
        if self.zones and any(measure.aggregate == "length_3d" for measure in self.measures):
            raise ValueError("'length_3d' measures whole lines, not their pieces in 'zones'")
        return self


def run(params: QueryVectorParams, context: ToolContext) -> ToolOutput:
    """Run the query; see `QueryVectorParams`."""
    from tools.vector.filters import select
    from tools.vector.layers import read
    from tools.vector.report import of_features, of_measures, outside

    if params.layer is None:
        return _by_sql(params, context)
    layer = read(context, params.layer, params.where)
    extents = any(measure.aggregate in EXTENTS for measure in params.measures) and params.zones is None
    selection = select(layer, params.spatial, context, measured=extents)
    if not selection.reached:
        return outside(selection)
    return of_measures(selection, params, context) if params.measures else of_features(selection, params, context)


def _by_sql(params: QueryVectorParams, context: ToolContext) -> ToolOutput:
    from tools.sql.answering import answer

    return answer(SqlRequest(params.sql or "", params.views, params.limit or DEFAULT_ROWS), context)


def needs(params: QueryVectorParams) -> Needs:
    """Name the libraries that only SQL uses."""
    return Needs() if params.sql is None else Needs(("sqlglot", "sedonadb"))


TOOL = Tool(
    "query_vector",
    QueryVectorParams,
    run,
    "pure",
    libraries=("geopandas", "shapely", "pyproj", "pyogrio", "pyarrow", "pandas"),
    needs=needs,
)
