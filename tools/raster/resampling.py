"""Which resampling a raster may have."""

from __future__ import annotations

from tools.errors import ParameterError
from tools.storage.rasters import RasterInfo

FOR_CATEGORIES = ("nearest", "mode")
"""All others would mix class numbers into classes that are not there."""


def kind_to_resample(info: RasterInfo) -> str:
    """Return the kind of a band's values; directions in degrees mix no better than classes do."""
    return "categorical" if info.is_direction else info.value_kind


def choose(asked: str, value_kind: str) -> str:
    """Return the resampling to use: `auto` is bilinear for continuous values, nearest for categories and unknown integers.

    Raises ParameterError for a resampling that would mix categories.
    """
    if asked == "auto":
        return "bilinear" if value_kind == "continuous" else "nearest"
    if value_kind == "categorical" and asked not in FOR_CATEGORIES:
        raise ParameterError(
            f"Resampling {asked!r} would mix the classes of a categorical raster, or directions in degrees.",
            hint="Use 'nearest' or 'mode'.",
        )
    return asked


COARSER = 1.5
"""From this ratio of pixel sizes on quantities are averaged; nearer to 1 an average would only shift values to whole pixels."""


def choose_for_scale(asked: str, value_kind: str, ratio: float) -> str:
    """Return the resampling to use onto pixels `ratio` times as large: `auto` averages onto coarser ones and takes the commonest class.

    Raises ParameterError for a resampling that would mix categories.
    """
    if asked != "auto" or ratio < COARSER or value_kind == "unknown":
        return choose(asked, value_kind)
    return "mode" if value_kind == "categorical" else "average"


def for_band(chosen: str, value_kind: str) -> str:
    """Return the resampling of one band of several: that of the measured bands would mix the classes beside them."""
    return "nearest" if value_kind == "categorical" and chosen not in FOR_CATEGORIES else chosen
