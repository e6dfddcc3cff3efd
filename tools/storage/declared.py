"""What a user declared about a raster, laid over the file as a virtual raster in memory; and what must be declared."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tools.contract import Declared
from tools.errors import DataError, MissingCrsError, ParameterError
from tools.geo.roles import QUALITY_ROLES, band_roles
from tools.storage.crs import MOST_COORDINATE
from tools.storage.raster_files import opened

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


def needs_view(declared: Declared) -> bool:
    """Tell whether anything was declared that is laid over a raster."""
    given = (declared.crs, declared.bounds, declared.nodata, declared.scale, declared.offset)
    return any(value is not None for value in given)


@contextmanager
def declared_view(dataset: DatasetReader, declared: Declared) -> Iterator[DatasetReader]:
    """Yield the dataset itself, or a virtual raster in memory over it that states what was declared."""
    if not needs_view(declared):
        yield dataset
        return
    with _overlaid(dataset, declared) as view:
        yield view


@contextmanager
def _overlaid(dataset: DatasetReader, declared: Declared) -> Iterator[DatasetReader]:
    import rasterio
    import rasterio.shutil
    from rasterio.errors import NotGeoreferencedWarning

    name = f"/vsimem/terracite-{uuid4().hex}.vrt"
    rasterio.shutil.copy(dataset, name, driver="VRT")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(name, "r+", driver="VRT") as view:
                _declare(view, declared)
        with opened(name, "VRT") as view:
            yield view
    finally:
        rasterio.shutil.delete(name, driver="VRT")


def _declare(view: Any, declared: Declared) -> None:  # Any: rasterio's DatasetWriter has no types
    from rasterio.transform import from_bounds

    if declared.crs is not None:
        view.crs = declared.crs
    if declared.bounds is not None:
        view.transform = from_bounds(*declared.bounds, view.width, view.height)
    if declared.scale is not None:
        view.scales = _measured(view, declared, declared.scale, 1.0)
    if declared.offset is not None:
        view.offsets = _measured(view, declared, declared.offset, 0.0)
    if declared.nodata is not None:
        _check_nodata(declared.nodata, view.dtypes)
        view.nodata = declared.nodata


def _measured(view: Any, declared: Declared, value: float, neutral: float) -> tuple[float, ...]:  # Any: as in _declare
    """Return a scale or offset per band: bands of quality codes beside bands of measurements have none."""
    roles = band_roles(view.descriptions, declared.bands)
    codes = {roles[role] for role in QUALITY_ROLES if role in roles}
    return tuple(neutral if band in codes else value for band in view.indexes)


def _check_nodata(nodata: float, dtypes: Sequence[str]) -> None:
    """Raise ParameterError for a value that a band cannot hold: GDAL would silently leave such a band without nodata."""
    import numpy as np

    for dtype in dtypes:
        if np.dtype(dtype).kind in "iu" and not (float(nodata).is_integer() and np.iinfo(dtype).min <= nodata <= np.iinfo(dtype).max):
            raise ParameterError(
                f"The declared nodata value {nodata:g} does not fit the band's type {dtype}.",
                hint="Declare a value that the type can hold, with --nodata VALUE.",
            )


def check_numbers(view: DatasetReader, path: Path) -> None:
    """Raise DataError where the corners are no place on the Earth, pixels have no size, or a scale or offset is no number."""
    corners = (view.transform @ corner for corner in ((0, 0), (view.width, 0), (0, view.height), (view.width, view.height)))
    if view.transform.is_degenerate or not all(abs(x) < MOST_COORDINATE and abs(y) < MOST_COORDINATE for x, y in corners):
        raise DataError(
            f"The georeferencing of the raster {path.name!r} gives its pixels no place or no size: {tuple(view.transform[:6])}.",
            hint="Correct its world file or tags, or fetch it again.",
        )
    if not all(map(math.isfinite, (*view.scales, *view.offsets))):
        raise DataError(f"A scale or offset of the raster {path.name!r} is not a finite number.", hint="Correct its side file.")


def check_located(view: DatasetReader, path: Path) -> None:
    """Raise MissingCrsError, or DataError for a raster placed by points only, unless pixels have a place on the ground."""
    by_points = bool(view.gcps[0]) and view.transform.is_identity
    if by_points:
        raise DataError(
            f"The raster {path.name!r} is placed by ground control points only, so its pixels have no regular grid.",
            hint="Warp it first, e.g. gdalwarp IN OUT.tif, and add the result.",
        )
    if view.transform.is_identity:
        raise MissingCrsError(
            f"The raster {path.name!r} has no georeferencing: neither CRS nor position.",
            hint="Say where it lies: terracite add PATH --crs EPSG:… --bounds LEFT BOTTOM RIGHT TOP.",
        )
    if view.crs is None:
        raise MissingCrsError(
            f"The raster {path.name!r} has no coordinate reference system.", hint="Say which it is: terracite add PATH --crs EPSG:…."
        )
