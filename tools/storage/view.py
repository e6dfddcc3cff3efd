"""Read a raster as it falls on another grid, decimated through its overviews: for drawing, never for measuring."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from tools.contract import Source
from tools.storage.rasters import check_band, open_raster, raster_info

if TYPE_CHECKING:
    import numpy as np
    from odc.geo.geobox import GeoBox

    MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype that GDAL reads


def view_band(source: Source, band: int, grid: GeoBox) -> MaskedArray:
    """Return a band on `grid` as `(row, col)`, by nearest neighbour; True in the mask is not valid or outside.

    Scale and offset are applied. Raises what `open_raster` raises, ParameterError for a band that does not exist.
    """
    import numpy as np
    from rasterio.errors import NodataShadowWarning
    from rasterio.vrt import WarpedVRT

    info = raster_info(source, band)
    with open_raster(source) as dataset:
        check_band(dataset, band, source.path)
        with WarpedVRT(
            dataset, src_crs=info.crs.to_wkt(), crs=grid.crs.proj.to_wkt(), transform=grid.transform, width=grid.shape[1], height=grid.shape[0],
            add_alpha=info.nodata is None and dataset.count < 4,
        ) as warped, warnings.catch_warnings():  # fmt: skip
            warnings.simplefilter("ignore", NodataShadowWarning)
            values, invalid = warped.read(band), warped.read_masks(band) == 0
        scale, offset = dataset.scales[band - 1], dataset.offsets[band - 1]
    if values.dtype.kind == "f":
        invalid |= np.isnan(values)
    if (scale, offset) != (1.0, 0.0):
        values = values.astype("float64") * scale + offset
    return np.ma.MaskedArray(values, mask=invalid)
