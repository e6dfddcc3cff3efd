"""Draw layers on a map: a PNG with legend, scale bar and attribution."""

from __future__ import annotations

from pydantic import Field

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import AnyRef, Params


class MapLayer(Params):
    """One layer of a map, drawn in the order given."""

    source: AnyRef
    column: str | None = Field(default=None, description="Column by which to colour a vector layer.")
    label: str | None = Field(default=None, description="Name in the legend; default: the dataset's title.")


class RenderMapParams(Params):
    """Draw one or more rasters, layers or earlier results on a map (PNG) with legend, scale bar and attribution."""

    layers: list[MapLayer] = Field(min_length=1, max_length=8, description="What to draw, bottom first.")
    title: str = Field(default="", max_length=120, description="Title of the map.")
    width_px: int = Field(default=1000, ge=200, le=4000, description="Width of the picture in pixels.")
    attribution: str | None = Field(default=None, description="Credit line; default: the attributions of the layers.")


def run(params: RenderMapParams, context: ToolContext) -> ToolOutput:
    """Draw the map; see `RenderMapParams`."""
    raise NotImplementedError


TOOL = Tool("render_map", RenderMapParams, run, "pure", libraries=("matplotlib", "rasterio", "geopandas", "pyproj"))
