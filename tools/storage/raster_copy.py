"""Copy a raster as it is into another GeoTIFF, block by block."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tools.contract import Source
from tools.errors import StorageError
from tools.storage.cog import first_line
from tools.storage.limits import check_output_size
from tools.storage.rasters import open_raster, raster_info

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "COG": {"compress": "deflate", "predictor": "yes", "overview_resampling": "nearest", "bigtiff": "if_safer"},
    "GTiff": {"compress": "deflate", "tiled": True, "blockxsize": 512, "blockysize": 512, "bigtiff": "if_safer"},
}
"""Overviews are by nearest, which invents no value."""


def copy_raster(source: Source, path: Path, driver: Literal["COG", "GTiff"]) -> GeoBox:
    """Write the raster with all that is declared of its place and values; return its grid.

    Bands, dtype, mask, nodata, scale, offset, CRS and descriptions stay; what a GeoTIFF has no tag for lies in `.aux.xml` beside it.
    Memory is that of GDAL's block cache. Raises LimitError for a raster that is too large, StorageError where it cannot be written.
    """
    import rasterio.shutil
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError

    grid = raster_info(source).grid
    with open_raster(source) as dataset:
        check_output_size(grid, dataset.count)
        try:
            rasterio.shutil.copy(dataset, path, driver=driver, **OPTIONS[driver])
        except (RasterioError, CPLE_BaseError) as error:
            raise StorageError(
                f"The raster {path.name!r} cannot be written ({first_line(error)}).", hint="Check the disk's free space."
            ) from error
    return grid
