"""Read a raster as it falls on another grid, and propose such grids; GDAL does the warping."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from tools.contract import Source
from tools.storage.datum_check import check_shift
from tools.storage.rasters import check_band, crs_of, open_raster

if TYPE_CHECKING:
    import numpy as np
    from odc.geo.geobox import GeoBox
    from pyproj import CRS
    from rasterio.io import DatasetReader

    MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype that GDAL reads

WARP_MEMORY_MB = 256
"""GDAL's working memory for one warp."""


def default_grid(source: Source, crs: CRS, resolution: float | None = None) -> GeoBox:
    """Return the grid in `crs` that holds the whole raster, with square pixels.

    Without `resolution` (units of `crs`), the pixel size is the one that keeps the source's (gdalwarp's own choice).
    """
    from odc.geo.geobox import GeoBox
    from rasterio.warp import calculate_default_transform

    with open_raster(source) as dataset:
        rotated = dataset.transform.b or dataset.transform.d
        bounds = _outline_bounds(dataset) if rotated else tuple(dataset.bounds)
        check_shift(crs_of(dataset), crs, *_middle(dataset))
        transform, width, height = calculate_default_transform(
            crs_of(dataset).to_wkt(), crs.to_wkt(), dataset.width, dataset.height, *bounds, resolution=resolution
        )
    return GeoBox((height, width), transform, crs)


def warped_band(source: Source, band: int, grid: GeoBox, resampling: str = "nearest") -> MaskedArray:
    """Return a band on `grid` as `(row, col)`; True in the mask is not valid or outside the source.

    Values keep the file's dtype, and become float64 where a scale or offset applies. Coarse grids read overviews.
    Raises what `open_raster` raises, ParameterError for a band that does not exist.
    """
    import numpy as np

    with open_raster(source) as dataset:
        check_band(dataset, band, source.path)
        scale, offset = dataset.scales[band - 1], dataset.offsets[band - 1]
        stored = warped_stored(dataset, band, grid, resampling, dataset.nodatavals[band - 1])
    if (scale, offset) != (1.0, 0.0):
        return np.ma.MaskedArray(stored.data.astype("float64") * scale + offset, mask=stored.mask)
    return stored


def warped_stored(
    dataset: DatasetReader,
    band: int,
    grid: GeoBox,
    resampling: str,
    nodata: float | None,
    *,
    dtype: str | None = None,
    scale: tuple[float, float] | None = None,
) -> MaskedArray:
    """Return the stored values of a band of an open dataset on `grid`, before scale and offset; as `warped_band` else.

    `nodata` is the value that marks what is not valid in this band, None where it has none. `dtype` is the type to compute in
    and to return, by default the file's: means of integers are then rounded. `scale` is the number of pixels of the grid per pixel
    of the file, along x and y; without it GDAL guesses it anew for every part that is read, from the shape of the part, and
    thin parts askew to the file come out blurred.
    """
    import numpy as np
    from rasterio.enums import Resampling
    from rasterio.errors import NodataShadowWarning
    from rasterio.vrt import WarpedVRT

    if grid.crs is None:
        raise ValueError("the grid has no CRS; grids are made from rasters whose CRS is known")
    check_shift(crs_of(dataset), grid.crs.proj, *_middle(dataset))
    alphas = [index for index, each in enumerate(dataset.colorinterp, start=1) if each.name == "alpha"]
    # Without nodata or an alpha band GDAL could not tell what lies outside the source.
    unmarked = nodata is None and not alphas
    marks: dict[str, float | str] = {} if nodata is None else {"src_nodata": nodata, "nodata": nodata}
    # rasterio's default YES takes a pixel for valid unless all bands have nodata there, and averages nodata of one band into its neighbours.
    marks["UNIFIED_SRC_NODATA"] = "NO"
    if scale is not None:
        marks |= {"XSCALE": scale[0], "YSCALE": scale[1]}
    with WarpedVRT(
        dataset, src_crs=crs_of(dataset).to_wkt(), crs=grid.crs.proj.to_wkt(), transform=grid.transform, width=grid.shape[1], height=grid.shape[0],
        resampling=Resampling[resampling], add_alpha=unmarked, warp_mem_limit=WARP_MEMORY_MB, dtype=dtype, **marks,
    ) as warped, warnings.catch_warnings():  # fmt: skip
        warnings.simplefilter("ignore", NodataShadowWarning)
        values = warped.read(band)
        # GDAL's own mask ignores an alpha band beside values that are neither bytes nor uint16.
        alpha = None if nodata is not None else warped.count if unmarked else alphas[0]
        invalid = (warped.read_masks(band) if alpha is None else warped.read(alpha)) == 0
    if values.dtype.kind in "fc":
        invalid |= np.isnan(values)
    return np.ma.MaskedArray(values, mask=invalid)


def _middle(dataset: DatasetReader) -> tuple[float, float]:
    x, y = dataset.transform * (dataset.width / 2, dataset.height / 2)
    return x, y


def _outline_bounds(dataset: Any) -> tuple[float, float, float, float]:  # Any: rasterio's DatasetReader has no types
    """Return the bounds of a rotated raster; `dataset.bounds` holds only two of its corners."""
    corners = [dataset.transform * (col, row) for col in (0, dataset.width) for row in (0, dataset.height)]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
