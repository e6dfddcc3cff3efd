"""Which pixels of a grid lie in polygons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tools.storage.bootstrap import bootstrap

if TYPE_CHECKING:
    import shapely
    from odc.geo.geobox import GeoBox


def pixels_inside(polygons: shapely.Geometry, grid: GeoBox) -> NDArray[np.bool_]:
    """Return True, as `(row, col)`, for pixels whose centre lies in the polygons (in the CRS of the grid).

    Polygons so small that they hold no centre take every pixel that they touch.
    """
    bootstrap()
    from rasterio.features import geometry_mask

    inside: NDArray[np.bool_] = geometry_mask([polygons], grid.shape, grid.transform, invert=True)
    if inside.any():
        return inside
    touched: NDArray[np.bool_] = geometry_mask([polygons], grid.shape, grid.transform, invert=True, all_touched=True)
    return touched
