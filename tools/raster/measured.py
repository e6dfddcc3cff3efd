"""Whether a band holds numbers that can be measured: neither codes of classes nor complex numbers."""

from __future__ import annotations

from tools.errors import DataError, ParameterError
from tools.storage.rasters import RasterInfo


def check_measured(info: RasterInfo, what: str, hint: str) -> None:
    """Raise ParameterError for classes, which are no such thing as `what`; DataError for complex numbers."""
    check_real(info)
    if info.value_kind == "categorical":
        raise ParameterError(f"The band holds classes, which are no {what}.", hint=hint)


def check_mixable(info: RasterInfo, operation: str) -> None:
    """Raise ParameterError for directions in degrees, of which 359 and 1 are neighbours."""
    if info.is_direction:
        raise ParameterError(
            f"The band holds directions, where 359 and 1 degree are neighbours, so {operation} of them means nothing.",
            hint="Filter the heights before the aspect is derived, or classify the directions first.",
        )


def check_real(info: RasterInfo) -> None:
    """Raise DataError for complex numbers, whose imaginary part would be lost."""
    if info.dtype.startswith("complex"):
        raise DataError("The band holds complex numbers.", hint="Compute an amplitude first and add that raster.")
