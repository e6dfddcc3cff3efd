"""Join a layer with another layer or a table: by key, place or distance, or bring its numbers into zones."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import EVERYTHING, Params, RowsRef, VectorRef, Where

JoinOperation = Literal["attributes", "spatial", "distance", "nearest", "zones"]
JoinPredicate = Literal[
    "intersects", "within", "contains", "covers", "covered_by", "touches", "crosses", "overlaps", "equals", "disjoint"
]  # fmt: skip


class ZoneNumber(Params):
    """A number for zones."""

    column: str = Field(min_length=1, description="Column of the other.")
    weight: str | None = Field(default=None, description="Of a mean of rates: their base.")
    aggregate: Literal["sum", "mean"] = Field(description="By area, or length of lines.")


class JoinParams(Params):
    """Join another layer or table to a layer: attributes (by key), spatial (by predicate), distance, nearest; one row per pair. Or zones: count, and interpolate numbers of the other layer into the layer's polygons."""

    operation: JoinOperation = Field(description="What joins them.")
    layer: VectorRef
    where: Where = Field(default=EVERYTHING, description="Which features of the layer.")
    other: RowsRef = Field(description="Layer joined to it; for attributes also a table.")
    other_where: Where = Field(default=EVERYTHING, description="Which rows of the other.")
    key: str | None = Field(default=None, description="Key column; default: the one both share.")
    other_key: str | None = Field(default=None, description="Key column of the other.")
    predicate: JoinPredicate = Field(default="intersects", description="spatial: what a feature does to the other.")
    distance_m: float | None = Field(default=None, gt=0, description="distance, nearest: at most so far, metres.")
    k: int = Field(default=1, ge=1, le=20, description="nearest: how many.")
    how: Literal["left", "inner"] = Field(default="left", description="left keeps features without partner.")
    keep: Literal["all", "first", "largest_overlap"] = Field(default="all", description="Which partners.")
    columns: list[str] | None = Field(default=None, description="Columns of the other; default: all.")
    numbers: list[ZoneNumber] = Field(default_factory=list, description="zones: what to interpolate.")

    @model_validator(mode="after")
    def _parts_fit_operation(self) -> JoinParams:
        if (self.key or self.other_key) and self.operation != "attributes":
            raise ValueError("'key' and 'other_key' go with attributes only")
        if self.operation == "distance" and self.distance_m is None:
            raise ValueError("operation 'distance' needs 'distance_m'")
        if self.distance_m is not None and self.operation not in ("distance", "nearest"):
            raise ValueError("'distance_m' goes with distance and nearest only")
        if self.predicate != "intersects" and self.operation != "spatial":
            raise ValueError("'predicate' goes with spatial only")
        if self.k != 1 and self.operation != "nearest":
            raise ValueError("'k' goes with nearest only")
        if self.keep == "largest_overlap" and self.operation != "spatial":
            raise ValueError("'largest_overlap' goes with spatial only")
        if self.operation == "zones" and (self.columns is not None or self.keep != "all" or self.how != "left"):
            raise ValueError("zones take 'numbers', not 'columns', 'keep' or 'how'")
        if self.numbers and self.operation != "zones":
            raise ValueError("'numbers' go with zones only")
        return self


def run(params: JoinParams, context: ToolContext) -> ToolOutput:
    """Run the join; see `JoinParams`.

    Raises ParameterError where the key is not known for sure, DataError where no key of one side is on the other, LimitError
    for more pairs than the setting `max_features`.
    """
    from tools.vector.interpolation import into_zones
    from tools.vector.join_report import report
    from tools.vector.joining import joined

    if params.operation == "zones":
        return into_zones(params, context)
    return report(params, joined(params, context), context)


TOOL = Tool("join", JoinParams, run, "pure", libraries=("geopandas", "shapely", "pyproj", "pyogrio", "pyarrow", "pandas"))
