"""The tools by name, as dotted paths: a tool's module is imported when it is first used."""

from __future__ import annotations

from importlib import import_module

from tools.contract import Tool
from tools.errors import NotFoundError

MODULES: dict[str, str] = {
    "list_datasets": "tools.catalog.list_datasets",
    "describe_dataset": "tools.catalog.describe_dataset",
    "find_place": "tools.catalog.find_place",
    "search_stac": "tools.catalog.search_stac",
    "read_asset": "tools.catalog.read_asset",
    "search_knowledge": "tools.catalog.search_knowledge",
    "zonal_stats": "tools.zonal.stats",
    "classify": "tools.raster.classify",
    "spectral_index": "tools.raster.spectral_index",
    "raster_calc": "tools.raster.calc",
    "composite": "tools.raster.composite",
    "change": "tools.raster.change",
    "terrain": "tools.raster.terrain",
    "filter_raster": "tools.raster.filter_raster",
    "raster_distance": "tools.raster.raster_distance",
    "histogram": "tools.raster.histogram",
    "polygonize": "tools.raster.polygonize",
    "stack": "tools.raster.stack",
    "contour": "tools.raster.contour",
    "rasterize": "tools.raster.rasterize",
    "sample": "tools.raster.sample",
    "segment": "tools.vision.segment",
    "query_vector": "tools.vector.query",
    "overlay": "tools.vector.overlay",
    "join": "tools.vector.join",
    "clean": "tools.vector.clean",
    "shapes": "tools.vector.shapes",
    "export": "tools.vector.export",
    "reproject": "tools.raster.reproject",
    "calculate": "tools.arithmetic.calculate",
    "render_map": "tools.render.map",
}
"""Tool name → module that defines it as `TOOL`."""


def names() -> tuple[str, ...]:
    """Return the names of all tools, in the order in which they are presented."""
    return tuple(MODULES)


def load(name: str) -> Tool:
    """Import and return a tool; raise NotFoundError where there is none of that name."""
    if name not in MODULES:
        raise NotFoundError(f"There is no tool named {name!r}.", hint=f"The tools are: {', '.join(MODULES)}.")
    tool: Tool = import_module(MODULES[name]).TOOL
    return tool
