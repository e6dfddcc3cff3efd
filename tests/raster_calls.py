"""Calls of raster tools as the runner makes them, without a workspace; and facts by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from pyproj import Geod

from tools import registry
from tools.contract import Declared, Source, ToolContext, ToolOutput
from tools.storage.rasters import read_band
from tools.storage.stacks import write_stack

Masked = np.ma.MaskedArray[Any, np.dtype[Any]]


def raster(path: Path, ref: str = "r", **declared: Any) -> Source:
    return Source(ref, "raster", path, "xxh3:0", declared=Declared(**declared))


def call(tool_name: str, folder: Path, params: Mapping[str, object], *sources: Source) -> ToolOutput:
    """Complete the parameters and run the tool; what it writes lies in `folder`."""
    tool = registry.load(tool_name)
    by_ref = {source.ref: source for source in sources}
    asked = tool.params.model_validate(params)
    complete = tool.resolve(asked, by_ref) if tool.resolve else asked
    folder.mkdir(parents=True, exist_ok=True)
    return tool.run(complete, ToolContext(folder, by_ref))


def stack(path: Path, bands: Mapping[str, Masked], grid: GeoBox, ref: str = "r", **classes: Mapping[int, str]) -> Source:
    """Write named bands and return them as a source."""
    write_stack(path, list(bands.values()), grid, list(bands), classes)
    return raster(path, ref)


def fact(output: ToolOutput, name: str, **subject: str) -> float:
    """Return the value of the only fact of this name and exactly this subject."""
    (value,) = [each.value for each in output.facts if each.name == name and dict(each.subject) == subject]
    return value


def written(folder: Path, output: ToolOutput, band: int = 1) -> Masked:
    return read_band(raster(folder / output.files[0]), band)


def lonlat_row_areas(grid: GeoBox) -> np.ndarray[Any, Any]:
    """Return the area in m2 of one pixel of each row of a longitude, latitude grid on WGS 84, by Karney's geodesics: shape (row, 1)."""
    geod = Geod(ellps="WGS84")
    west, width = grid.affine.c, abs(grid.affine.a)
    areas = []
    for row in range(grid.shape[0]):
        north, south = grid.affine.f + row * grid.affine.e, grid.affine.f + (row + 1) * grid.affine.e
        lon = np.linspace(west, west + width, 400)
        ring = [*lon, *lon[::-1]], [north] * 400 + [south] * 400  # many points make the geodesics follow the parallels
        areas.append(abs(geod.polygon_area_perimeter(*ring)[0]))
    return np.array(areas)[:, None]
