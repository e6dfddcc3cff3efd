"""Describe a raster: grid, bands, classes, and by a sample its range and whether its pixels can be read at all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tools.catalog.describing import extent_degrees, licence_and_attribution
from tools.catalog.records import Band, Bounds, Content
from tools.contract import Source
from tools.errors import DataError
from tools.geo.grid import Window
from tools.geo.roles import band_roles
from tools.storage.class_labels import class_labels
from tools.storage.crs import crs_text
from tools.storage.rasters import band_arrays, check_band, crs_of, open_raster, value_kind

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

SAMPLE_PX = 512
"""Longest side of a decimated read."""
WHOLE_PX = 100_000_000
"""Largest band without overviews that is sampled as a whole, since decimation then reads every block."""
ALL_BANDS_PX = 1_000_000_000
"""Most pixels of all bands together that are sampled so."""
AT_ONCE_PX = 16_000_000
"""Most pixels of several bands that are held at once."""
PATCHES = 6
"""Larger ones are sampled by so many windows along each side."""

Range = tuple[float | None, float | None]
"""Least and greatest value."""


def describe_raster(source: Source) -> Content:
    """Describe a raster; a missing CRS or position is a warning, pixels that cannot be read are an error."""
    with open_raster(source, located=False) as dataset:
        _check_bands(dataset, source)
        bands = _bands(dataset, source)
        placed = not dataset.transform.is_identity and not _by_points(dataset)
        bounds = _bounds(dataset) if placed else None
        crs = crs_of(dataset) if dataset.crs is not None and placed else None
        bbox, doubts = extent_degrees(bounds, crs) if bounds and crs else (None, ())
        licence, attribution = licence_and_attribution(dataset.tags())
        return Content(
            kind="raster",
            driver=_driver(dataset, source),
            crs=None if crs is None else crs_text(crs),
            bbox=bbox,
            bounds=bounds,
            time=_time(dataset),
            licence=licence,
            attribution=attribution,
            warnings=(*_warnings(dataset, bands, placed), *doubts),
            width=dataset.width,
            height=dataset.height,
            resolution=_resolution(dataset) if placed else None,
            bands=bands,
        )


def _check_bands(dataset: DatasetReader, source: Source) -> None:
    if not dataset.count:
        parts = f" It holds {len(dataset.subdatasets)} parts." if dataset.subdatasets else ""
        raise DataError(
            f"The raster {source.path.name!r} has no bands of its own.{parts}",
            hint="Write the part you need as GeoTIFF, e.g. with gdal_translate.",
        )
    for band in source.declared.bands.values():
        check_band(dataset, band, source.path)


def _driver(dataset: DatasetReader, source: Source) -> str:
    """Return the file's own format: a declared view is a virtual raster over it."""
    if dataset.driver != "VRT" or source.path.suffix.lower() == ".vrt":
        return str(dataset.driver)
    with open_raster(Source(source.ref, "raster", source.path, source.digest), located=False) as original:
        return str(original.driver)


def _by_points(dataset: DatasetReader) -> bool:
    return bool(dataset.gcps[0]) and dataset.transform.is_identity


def _bounds(dataset: DatasetReader) -> Bounds:
    """Return the extent of all four corners, which of a rotated raster is larger than the raster."""
    corners = [dataset.transform @ corner for corner in ((0, 0), (dataset.width, 0), (0, dataset.height), (dataset.width, dataset.height))]
    xs, ys = zip(*corners, strict=True)
    return float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys))


def _resolution(dataset: DatasetReader) -> tuple[float, float]:
    transform = dataset.transform
    return math.hypot(transform.a, transform.d), math.hypot(transform.b, transform.e)


def _time(dataset: DatasetReader) -> tuple[str, str] | None:
    """Return the instant of acquisition where the file states it; TIFF's own date is that of the file."""
    text = dataset.tags(ns="IMAGERY").get("ACQUISITIONDATETIME", "").strip()
    return (text, text) if text else None


def _bands(dataset: DatasetReader, source: Source) -> tuple[Band, ...]:
    roles = {index: role for role, index in band_roles(dataset.descriptions, source.declared.bands).items()}
    ranges, colours = _ranges(dataset), dataset.colorinterp
    return tuple(_band(dataset, band, source, roles.get(band), ranges[band], colours) for band in dataset.indexes)


def _band(dataset: DatasetReader, band: int, source: Source, role: str | None, found: Range, colours: Sequence[Any]) -> Band:
    nodata = dataset.nodatavals[band - 1]
    return Band(
        index=band,
        name=dataset.descriptions[band - 1],
        role=role,
        dtype=dataset.dtypes[band - 1],
        nodata=None if nodata is None or not math.isfinite(nodata) else nodata,
        scale=dataset.scales[band - 1],
        offset=dataset.offsets[band - 1],
        unit=source.declared.unit or dataset.units[band - 1] or "unspecified",
        value_kind=value_kind(dataset, band, source, colours),
        minimum=found[0],
        maximum=found[1],
        classes=class_labels(dataset, band, source),
    )


def _ranges(dataset: DatasetReader) -> dict[int, Range]:
    """Return the least and greatest valid value of a sample by band; None where it holds none.

    The last row is always read at full resolution, so that a truncated file is noticed although its overviews are whole.
    """
    found: dict[int, list[float]] = {band: [] for band in dataset.indexes}
    whole = _is_sampled_whole(dataset)
    for bands in _groups(dataset):
        last = band_arrays(dataset, bands, (dataset.height - 1, 0, 1, dataset.width))
        for arrays in (*_samples(dataset, bands, whole), last):
            for band, values in zip(bands, arrays, strict=True):
                found[band] += _extremes(values)
    return {band: (min(values), max(values)) if values else (None, None) for band, values in found.items()}


def _extremes(values: Any) -> list[float]:  # Any: a masked array of any dtype
    """Return the least and greatest finite valid value; nothing where there is none."""
    valid = values.compressed()
    valid = valid[abs(valid) != math.inf] if valid.dtype.kind == "f" else valid
    return [valid.min().item(), valid.max().item()] if valid.size and valid.dtype.kind != "c" else []


def _groups(dataset: DatasetReader) -> Iterator[tuple[int, ...]]:
    """Yield neighbouring bands of one type that are sampled at once, few enough to be held in memory."""
    most = max(1, AT_ONCE_PX // max(SAMPLE_PX**2, dataset.width))
    for _, alike in groupby(dataset.indexes, key=lambda band: dataset.dtypes[band - 1]):
        bands = tuple(alike)
        yield from (bands[at : at + most] for at in range(0, len(bands), most))


def _is_sampled_whole(dataset: DatasetReader) -> bool:
    """Tell whether decimated reads of all bands stay cheap: overviews count by the coarsest of them."""
    coarsest = max([1, *dataset.overviews(1)])  # 0 stands for an overview that claims to be larger than its raster
    pixels = int(dataset.width * dataset.height // coarsest**2)
    return pixels <= WHOLE_PX and pixels * dataset.count <= ALL_BANDS_PX


def _samples(dataset: DatasetReader, bands: tuple[int, ...], whole: bool) -> Iterator[Any]:  # Any: lists of masked arrays of every dtype
    if whole:
        shrink = max(1.0, max(dataset.width, dataset.height) / SAMPLE_PX)
        yield band_arrays(dataset, bands, out_shape=(max(1, round(dataset.height / shrink)), max(1, round(dataset.width / shrink))))
        return
    for window in _patches(dataset.height, dataset.width):
        yield band_arrays(dataset, bands, window)


def _patches(height: int, width: int) -> Iterator[Window]:
    side = min(256, height, width)
    for row in range(PATCHES):
        for column in range(PATCHES):
            yield (height - side) * row // (PATCHES - 1), (width - side) * column // (PATCHES - 1), side, side


def _warnings(dataset: DatasetReader, bands: tuple[Band, ...], placed: bool) -> tuple[str, ...]:
    found = []
    if _by_points(dataset):
        found.append("Placed by ground control points only: warp it before anything is measured.")
    elif not placed:
        found.append("No georeferencing: declare --crs and --bounds before anything is measured.")
    elif dataset.crs is None:
        found.append("No coordinate reference system: declare --crs before anything is measured.")
    if placed and (abs(dataset.transform.b) > 1e-12 or abs(dataset.transform.d) > 1e-12):
        found.append("Rotated: rows and columns run askew to the axes of the CRS.")
    if placed and dataset.transform.e > 0:
        found.append("South up: the first row is the southernmost.")
    if all(band.minimum is None for band in bands):
        found.append("No valid pixel was found in a sample: everything may be nodata.")
    return tuple(found)
