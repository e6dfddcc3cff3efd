"""In which unit the heights of a surface are: told by the call, by the band, or by the vertical part of its CRS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.errors import ParameterError
from tools.geo.roles import role_of
from tools.geo.units import convert, dimension, norm_unit
from tools.raster.measured import check_measured
from tools.storage.rasters import RasterInfo

US_FOOT_M = 1200 / 3937
"""The US survey foot: National Bureau of Standards, Mendenhall Order of 1893."""
US_FOOT = "us_ft"
US_FOOT_SPELLINGS = ("us_ft", "us-ft", "ftus", "us survey foot", "us survey feet", "foot_us", "us_survey_foot", "survey foot")
HINT = "Give 'height_unit', e.g. m or ft."


@dataclass(frozen=True)
class HeightUnit:
    """What one unit of a band's values is."""

    metres: float
    name: str
    """For the record: the unit, and who told it."""
    is_assumed: bool = False


def check_heights(info: RasterInfo, band: int, declared: Mapping[str, int]) -> None:
    """Raise ParameterError for a spectral band, whose brightness has a gradient as any surface has; `declared` is role → band."""
    role = role_of(band, [*[""] * (band - 1), info.name], declared)
    if role is not None:
        raise ParameterError(f"Band {band} is {role}, a band of an image and no heights.", hint="Use the raster of elevation.")


def height_unit(info: RasterInfo, asked: str | None) -> HeightUnit:
    """Return the unit of heights: the one asked for, else that of the band, else of a vertical CRS, else metres, as an assumption.

    Raises DataError for complex numbers, ParameterError for a band of classes, for a unit that is no length, and where what is asked for contradicts the file.
    """
    check_measured(info, "heights", "Use the raster of elevation.")
    stated = _stated(info)
    if asked is None:
        return stated or HeightUnit(1.0, "m, assumed: the file states none", is_assumed=True)
    metres = _metres(asked)
    if stated is not None and abs(metres / stated.metres - 1) > 1e-9:
        raise ParameterError(
            f"The heights were said to be in {asked!r}, and the file says: {stated.name}.",
            hint="Leave out 'height_unit', or declare the true unit with terracite add.",
        )
    return HeightUnit(metres, f"{asked}, as asked")


def _stated(info: RasterInfo) -> HeightUnit | None:
    text = info.unit.strip()
    if text and text != "unspecified":
        return HeightUnit(_metres(text), f"{text}, of the band")
    vertical = info.crs.sub_crs_list[-1] if info.crs.is_compound else None
    if vertical is None or not vertical.is_vertical:
        return None
    axis = vertical.axis_info[0]
    return HeightUnit(float(axis.unit_conversion_factor), f"{axis.unit_name}, of the vertical CRS {vertical.name}")


def _metres(text: str) -> float:
    if text.casefold() in US_FOOT_SPELLINGS:
        return US_FOOT_M
    unit = norm_unit(text)
    if dimension(unit) != "length":
        raise ParameterError(f"The values are in {text!r}, which is no length, so they are no heights.", hint=HINT)
    return convert(1.0, unit, "m")
