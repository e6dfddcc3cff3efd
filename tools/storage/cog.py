"""Write Cloud Optimized GeoTIFFs whose bands carry their name, unit and class labels."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.errors import StorageError
from tools.storage.bootstrap import bootstrap
from tools.storage.class_labels import TAG
from tools.storage.raster_folder import plain_reason

if TYPE_CHECKING:
    import numpy as np
    from odc.geo.geobox import GeoBox


@dataclass(frozen=True)
class BandMark:
    """What is written with a band beside its values."""

    name: str = ""
    """The band's description: a role such as `green`, or what it holds."""
    unit: str = ""
    classes: Mapping[str, str] = field(default_factory=dict)
    """Value text → label; makes the band categorical."""


def first_line(error: Exception) -> str:
    """Return GDAL's own reason, which rasterio keeps as the cause of a failed read or write."""
    return plain_reason((str(error.__cause__ or error).strip().splitlines() or [type(error).__name__])[0].removesuffix("."))


def write_cog(
    path: Path,
    array: np.ndarray[Any, Any],  # Any: every dtype that GeoTIFF holds
    grid: GeoBox,
    marks: Sequence[BandMark],
    *,
    nodata: float | None,
) -> None:
    """Write `(row, col)` or `(band, row, col)`, one mark per band; equal input gives equal bytes.

    It goes through memory, since the driver can only copy; overviews are by nearest, which invents no value.
    Raises StorageError where the file cannot be written.
    """
    bootstrap()
    import rasterio.shutil
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import NotGeoreferencedWarning, RasterioError
    from rasterio.io import MemoryFile

    bands = array if array.ndim == 3 else array[None]
    height, width = grid.shape
    shape = {"count": len(bands), "height": height, "width": width, "dtype": array.dtype, "nodata": nodata}
    options = {"compress": "deflate", "predictor": "yes", "overview_resampling": "nearest", "bigtiff": "if_safer"}
    crs = grid.crs.to_wkt() if grid.crs else None
    try:
        with MemoryFile() as memory, warnings.catch_warnings():
            # A grid of unit pixels at the origin looks like none at all.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with memory.open(driver="GTiff", crs=crs, transform=grid.affine, tiled=True, bigtiff="if_safer", **shape) as dataset:
                dataset.write(bands)
                _mark(dataset, marks)
            with memory.open() as dataset:
                rasterio.shutil.copy(dataset, path, driver="COG", **options)
    except (RasterioError, CPLE_BaseError) as error:
        raise StorageError(
            f"The raster {path.name!r} cannot be written ({first_line(error)}).", hint="Check the disk's free space."
        ) from error


def _mark(dataset: Any, marks: Sequence[BandMark]) -> None:  # Any: rasterio's DatasetWriter has no types
    for band, mark in enumerate(marks, start=1):
        if mark.name:
            dataset.set_band_description(band, mark.name)
        if mark.classes:
            dataset.update_tags(band, **{TAG: json.dumps(dict(mark.classes), ensure_ascii=False, sort_keys=True)})
    dataset.units = tuple(mark.unit for mark in marks)
