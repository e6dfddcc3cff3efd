"""Combine layers into new geometry: intersection, difference, union, buffer, dissolve, in true metres."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import EVERYTHING, Params, SurfaceChoice, VectorRef, Where
from tools.vector.query import Measure

Operation = Literal["intersection", "difference", "symmetric_difference", "union", "buffer", "dissolve"]

STATISTICS = ("count", "sum", "mean", "min", "max", "median")
"""What a dissolve may say of the features that it merges."""


class OverlayParams(Params):
    """Make new geometry from one or two layers and measure it: intersection (A inside B), difference (A not in B), symmetric_difference, union, buffer (true metres), dissolve. The area is counted once where features overlap, per group of `by` and in total."""

    operation: Operation = Field(description="What to make.")
    layer: VectorRef
    where: Where = Field(default=EVERYTHING, description="Which features of the layer.")
    other: VectorRef | None = Field(
        default=None, description="The second layer, for intersection, difference, symmetric_difference and union."
    )
    other_where: Where = Field(default=EVERYTHING, description="Which features of the second layer.")
    distance_m: float | None = Field(default=None, description="For buffer: metres on the ground; negative shrinks polygons.")
    by: list[str] = Field(default_factory=list, description="Columns of the layer whose values form groups of the result.")
    other_by: list[str] = Field(
        default_factory=list, description="Columns of the second layer whose values form groups (intersection only)."
    )

    surface: SurfaceChoice = "ellipsoid"
    aggregates: list[Measure] = Field(
        default_factory=list, description="For dissolve: numbers of the merged features, e.g. sum of a column."
    )

    @model_validator(mode="after")
    def _inputs_fit_operation(self) -> OverlayParams:
        needs_other = self.operation in ("intersection", "difference", "symmetric_difference", "union")
        if needs_other != (self.other is not None):
            raise ValueError(f"operation {self.operation!r} {'needs' if needs_other else 'takes no'} 'other'")
        if (self.operation == "buffer") != (self.distance_m is not None):
            raise ValueError("'distance_m' goes with buffer, and only with it")
        if self.other_by and self.operation != "intersection":
            raise ValueError("'other_by' goes with intersection only")
        if self.aggregates and (self.operation != "dissolve" or any(one.aggregate not in STATISTICS for one in self.aggregates)):
            raise ValueError(f"'aggregates' go with dissolve only, and are {', '.join(STATISTICS)}; area and length are measured anyway")
        return self


def run(params: OverlayParams, context: ToolContext) -> ToolOutput:
    """Run the overlay; see `OverlayParams`."""
    from tools.vector.combine import combine
    from tools.vector.layers import read
    from tools.vector.overlay_report import nowhere, report

    layer = read(context, params.layer, params.where)
    other = None if params.other is None else read(context, params.other, params.other_where, noun="features of the other layer")
    made = combine(params, layer, other)
    if other is not None and (other.is_nowhere or (params.operation == "intersection" and not made.reached)):
        return nowhere(params, layer, other)
    return report(params, layer, other, made, context)


TOOL = Tool("overlay", OverlayParams, run, "pure", libraries=("geopandas", "shapely", "pyproj", "pyogrio", "pyarrow", "pandas"))
