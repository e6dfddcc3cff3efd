"""The published limits of what a tool may write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.errors import LimitError
from tools.settings import ToolSettings

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox


def check_output_size(grid: GeoBox, bands: int = 1) -> None:
    """Raise LimitError for a raster that would be larger than the published limit."""
    pixels = grid.shape[0] * grid.shape[1] * bands
    limit = ToolSettings().max_output_pixels
    if pixels > limit:
        raise LimitError(
            f"The result would have {pixels:,} pixels in all bands, more than the limit of {limit:,}.",
            hint="Cut the raster to the area of interest or make it coarser first, or raise TERRACITE_MAX_OUTPUT_PIXELS.",
        )
