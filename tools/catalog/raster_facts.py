"""The numbers of a raster: size, resolution, and the values of every band over all pixels, read in strips."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from tools.catalog.records import Band, Content
from tools.contract import UNITS, Fact, Source, Unit
from tools.storage.rasters import band_array, crs_of, iter_strips, open_raster

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


def raster_facts(source: Source, content: Content) -> tuple[Fact, ...]:
    """Return width, height and bands; resolution in m or degrees; the area of the extent on the ground and in the plane; per band the valid share, and min, max and mean of values.

    Bands are told apart by the subject `band` where there are several. Categories have no mean. Raises DataError where
    pixels cannot be read.
    """
    with open_raster(source, located=False) as dataset:
        size = (Fact("width", dataset.width, "count"), Fact("height", dataset.height, "count"), Fact("bands", dataset.count, "count"))
        bands = (fact for band in content.bands for fact in _band_facts(dataset, band))
        return (*size, *_resolution(dataset, content), *_extent(dataset, content), *bands)


def _resolution(dataset: DatasetReader, content: Content) -> Iterator[Fact]:
    """Yield the pixel size where its unit is known: degrees, or metres also for a CRS in feet."""
    if content.resolution is None or content.crs is None:
        return
    crs = crs_of(dataset)
    factor = 1.0 if crs.is_geographic else crs.axis_info[0].unit_conversion_factor
    unit: Unit = "degree" if crs.is_geographic else "m"
    x, y = (size * factor for size in content.resolution)
    if math.isclose(x, y, rel_tol=1e-9):
        yield Fact("resolution", x, unit)
    else:
        yield Fact("resolution", x, unit, {"axis": "x"})
        yield Fact("resolution", y, unit, {"axis": "y"})


def _extent(dataset: DatasetReader, content: Content) -> Iterator[Fact]:
    """Yield the area that all pixels cover, valid or not: on the ellipsoid, and in the plane of a projected CRS."""
    import numpy as np
    from odc.geo.geobox import GeoBox

    from tools.geo.pixels import pixel_areas
    from tools.geo.surface import metres_per_unit

    if content.resolution is None or content.crs is None:
        return
    crs, (height, width) = crs_of(dataset), dataset.shape
    if not (crs.is_projected or crs.is_geographic):  # a local system, that lies nowhere on the Earth
        return
    if crs.is_projected:
        pixel_m2 = abs(dataset.transform.determinant) * metres_per_unit(crs) ** 2
        yield Fact("area", width * height * pixel_m2, "m2", {"of": "extent", "surface": "plane"})
    rows = np.arange(height)
    row_areas = pixel_areas(GeoBox((height, width), dataset.transform, crs)).along(rows, np.zeros_like(rows), np.full_like(rows, width))
    yield Fact("area", float(row_areas.sum()), "m2", {"of": "extent", "surface": "ellipsoid"})


def _band_facts(dataset: DatasetReader, band: Band) -> Iterator[Fact]:
    import numpy as np

    subject = {"band": str(band.index)} if dataset.count > 1 else {}
    counts, sums, lows, highs = [], [], [], []
    for window in iter_strips(dataset.height, dataset.width):
        values = band_array(dataset, band.index, window).compressed()
        if values.size and values.dtype.kind != "c":
            counts.append(values.size)
            sums.append(values.sum(dtype=np.float64).item())
            lows.append(values.min().item())
            highs.append(values.max().item())
    total = dataset.width * dataset.height
    yield Fact("valid_share", 100 * sum(counts) / total, "%", subject)
    statistics = {} if not counts else {"min": min(lows), "max": max(highs), "mean": math.fsum(sums) / sum(counts)}
    if band.value_kind == "categorical":
        return
    unit = cast("Unit", band.unit) if band.unit in UNITS else "unspecified"
    yield from (Fact(name, value, unit, subject) for name, value in statistics.items() if math.isfinite(value))
