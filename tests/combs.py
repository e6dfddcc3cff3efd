"""Valid polygons with which GEOS is busy for minutes without ever looking up."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
from shapely import Polygon

TEETH = 3000
"""Two combs of so many teeth, one laid across the other, meet in nine million squares."""


def comb(along: str) -> Polygon:
    """Return a polygon of one back with thin teeth, 1 degree wide and high; its teeth stand along x or y."""
    edges = np.linspace(0, 1, 2 * TEETH + 1)
    outline = np.empty((4 * TEETH, 2))
    outline[0::2, 0], outline[1::2, 0] = edges[:-1], edges[1:]
    outline[0::4, 1] = outline[1::4, 1] = 1.0
    outline[2::4, 1] = outline[3::4, 1] = 0.01
    ring = np.vstack([outline, [[1, 0], [0, 0]]])
    return Polygon(ring if along == "x" else ring[:, ::-1])


def write_combs(folder: Path) -> tuple[Path, Path]:
    """Write `comb_x.gpkg` and `comb_y.gpkg`; return their paths."""
    paths = (folder / "comb_x.gpkg", folder / "comb_y.gpkg")
    for along, path in zip("xy", paths, strict=True):
        gpd.GeoDataFrame({"name": [along]}, geometry=[comb(along)], crs=4326).to_file(path)
    return paths
