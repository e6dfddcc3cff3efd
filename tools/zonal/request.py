"""What may be asked of a band, given what its values are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.errors import DataError, ParameterError

if TYPE_CHECKING:
    from tools.storage.rasters import RasterInfo
    from tools.zonal.stats import ZonalStatsParams

OF_CLASSES = ("majority", "minority", "variety")
"""Statistics that make sense for class codes."""
OF_DISTRIBUTION = ("median", "p5", "p10", "p25", "p75", "p90", "p95", *OF_CLASSES)
"""Statistics that need all values, not just running sums."""


def check_request(params: ZonalStatsParams, info: RasterInfo) -> tuple[str, ...]:
    """Raise ParameterError for what the values do not allow; return what had to be assumed about them.

    Means of class codes and areas of measured values are refused; whole numbers of which nothing is known are taken for
    measurements in statistics and for codes in classes.
    """
    if info.dtype.startswith("complex"):
        raise DataError("The band holds complex numbers.", hint="Compute an amplitude first and add that raster.")
    of_measurements = [statistic for statistic in params.statistics if statistic not in OF_CLASSES]
    if of_measurements and info.value_kind == "categorical":
        raise ParameterError(
            f"The band holds class codes, so {', '.join(of_measurements)} of them means nothing.",
            hint="Ask for classes (area and share of each), or for majority, minority or variety.",
        )
    if of_measurements and info.is_direction:
        raise ParameterError(
            f"The band holds directions, where 359 and 1 degree are neighbours, so {', '.join(of_measurements)} of them means nothing.",
            hint="Classify them by direction first (N: above 337.5 or below 22.5 degrees), and ask for classes.",
        )
    if params.classes and info.value_kind == "continuous":
        raise ParameterError(
            "The band holds measured values, not classes, so there is no area of each class.",
            hint="Classify it first with ranges of values; or, where its values are codes, add it with --kind categorical.",
        )
    assumed = []
    if info.value_kind == "unknown":
        if of_measurements:
            assumed.append(
                "Nothing says whether the band's whole numbers are measurements or class codes; assumed continuous for statistics"
            )
        if params.classes:
            assumed.append("Nothing says whether the band's whole numbers are measurements or class codes; assumed class codes for areas")
    return tuple(assumed)


def keeps_values(params: ZonalStatsParams) -> bool:
    """Tell whether the request needs the distribution of values."""
    return params.classes or any(statistic in OF_DISTRIBUTION for statistic in params.statistics)
