"""The published limits of rasters: what a tool may read and write. Each is a setting, named in the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.errors import LimitError
from tools.settings import current_settings

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox


def check_output_size(grid: GeoBox, bands: int = 1) -> None:
    """Raise LimitError for a raster that would be larger than the published limit."""
    pixels = grid.shape[0] * grid.shape[1] * bands
    limit = current_settings().max_output_pixels
    if pixels > limit:
        raise LimitError(
            f"The result would have {pixels:,} pixels in all bands, more than the limit of {limit:,}.",
            hint="Cut the raster to the area of interest or make it coarser first, or raise TERRACITE_MAX_OUTPUT_PIXELS.",
        )


def check_raster_size(name: str, width: int, height: int, bands: int) -> None:
    """Raise LimitError for a raster of more bands, or of more pixels in a band, than may be read."""
    limits = current_settings()
    if bands > limits.max_bands:
        raise LimitError(
            f"The raster {name} has {bands:,} bands, more than the limit of {limits.max_bands:,}.",
            hint="Write out those you need, e.g. with gdal_translate -b, or raise TERRACITE_MAX_BANDS.",
        )
    if width * height > limits.max_pixels:
        raise LimitError(
            f"The raster {name} has {width * height:,} pixels in a band, more than the limit of {limits.max_pixels:,}.",
            hint="Cut it to the area of interest or make it coarser first, or raise TERRACITE_MAX_PIXELS.",
        )


def check_block(name: str, unpacked: int) -> None:
    """Raise LimitError for a raster whose smallest readable piece (tile, strip, picture) takes more bytes than may be unpacked."""
    limit = current_settings().max_block_bytes
    if unpacked > limit:
        raise LimitError(
            f"The raster {name} unpacks in blocks of {unpacked:,} bytes, more than the limit of {limit:,}.",
            hint="Write it again in tiles, e.g. with gdal_translate -of COG, or raise TERRACITE_MAX_BLOCK_BYTES.",
        )
