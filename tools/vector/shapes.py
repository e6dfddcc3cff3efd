"""Make new shapes of features: centroids, hulls, circles, Thiessen cells, simpler outlines, lines and polygons through points."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import EVERYTHING, Params, VectorRef, Where

Operation = Literal[
    "centroid", "point_on_surface", "convex_hull", "concave_hull", "envelope", "minimum_circle", "voronoi", "simplify",
    "points_to_line", "points_to_polygon", "explode", "boundary",
]  # fmt: skip
ALONE = ("voronoi", "simplify", "explode")
"""Operations that have no groups."""


class ShapesParams(Params):
    """Make new shapes of features: centroid, point on surface, hull, envelope, smallest circle, Voronoi (Thiessen) cells of points, simplified outlines (edges of neighbours stay shared), a line or polygon through points, single parts (explode), boundary. In true metres anywhere."""

    operation: Operation = Field(description="What to make.")
    layer: VectorRef
    where: Where = Field(default=EVERYTHING, description="Which features.")
    by: list[str] | None = Field(
        default=None,
        description="Columns that group features: one shape per group; [] makes one of all. Default: one per feature, one of all points.",
    )
    order_by: str | None = Field(
        default=None, description="points_to_line, points_to_polygon: column that orders the points; default row order."
    )
    tolerance_m: float | None = Field(default=None, gt=0, description="simplify: tolerance in metres.")
    ratio: float | None = Field(default=None, ge=0, le=1, description="concave_hull: 0 hugs the points, 1 is convex; default 0.3.")
    within: VectorRef | None = Field(
        default=None, description="voronoi: layer of polygons to which the cells are cut; default: the extent, widened by a tenth."
    )
    bbox: tuple[float, float, float, float] | None = Field(
        default=None, description="voronoi: instead of 'within', west, south, east, north in degrees."
    )

    @model_validator(mode="after")
    def _options_fit_operation(self) -> ShapesParams:
        if (self.tolerance_m is None) == (self.operation == "simplify"):
            raise ValueError("'tolerance_m' goes with simplify, and only with it")
        if (self.within is not None or self.bbox is not None) and self.operation != "voronoi":
            raise ValueError("'within' and 'bbox' go with voronoi only")
        if self.within is not None and self.bbox is not None:
            raise ValueError("give either 'within' or 'bbox'")
        if self.ratio is not None and self.operation != "concave_hull":
            raise ValueError("'ratio' goes with concave_hull only")
        if self.order_by is not None and not self.operation.startswith("points_to_"):
            raise ValueError("'order_by' goes with points_to_line and points_to_polygon only")
        if self.by is not None and self.operation in ALONE:
            raise ValueError(f"operation {self.operation!r} has no groups; leave out 'by'")
        return self


def run(params: ShapesParams, context: ToolContext) -> ToolOutput:
    """Make the shapes; see `ShapesParams`."""
    from tools.vector.layers import read
    from tools.vector.shapes_report import nothing, report
    from tools.vector.shaping import shape

    layer = read(context, params.layer, params.where)
    if not len(layer.frame):
        return nothing(layer)
    return report(params, layer, shape(params, layer, context), context)


TOOL = Tool("shapes", ShapesParams, run, "pure", libraries=("geopandas", "shapely", "pyproj", "scipy", "pyogrio", "pyarrow", "pandas"))
