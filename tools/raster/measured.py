"""Whether a band holds numbers that can be measured: neither codes of classes nor complex numbers."""

from __future__ import annotations

from tools.errors import DataError, ParameterError
from tools.storage.rasters import RasterInfo


def check_measured(info: RasterInfo, what: str, hint: str) -> None:
    """Raise ParameterError for classes, which are no such thing as `what`; DataError for complex numbers."""
    check_real(info)
    if info.value_kind == "categorical":
        raise ParameterError(f"The band holds classes, which are no {what}.", hint=hint)


def check_real(info: RasterInfo) -> None:
    """Raise DataError for complex numbers, whose imaginary part would be lost."""
    if info.dtype.startswith("complex"):
        raise DataError("The band holds complex numbers.", hint="Compute an amplitude first and add that raster.")
