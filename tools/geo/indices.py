"""Spectral indices: formula over band roles, and who published it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tools.errors import ParameterError
from tools.geo.band_math import Calculated, MaskedArray, calculate, names_in


@dataclass(frozen=True)
class SpectralIndex:
    """One index."""

    formula: str
    """In the grammar of `band_math`; the names are band roles."""
    source: str
    """The publication that defines it."""
    needs_reflectance: bool = False
    """Whether its constants suppose reflectance from 0 to 1; pure ratios are the same at any scale (but not with an offset)."""

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The band roles that the formula names, sorted."""
        return tuple(sorted(names_in(self.formula)))

    @property
    def is_ratio(self) -> bool:
        """Whether it is a normalised difference, which lies between -1 and 1 unless a band has negative values."""
        return not self.needs_reflectance

    def evaluate(self, bands: Mapping[str, MaskedArray]) -> Calculated:
        """Return the index at every pixel; `bands` is role → array, True in the mask is nodata."""
        return calculate(self.formula, bands)


MOST_REFLECTANCE = 1.5
"""A band whose mean is above this holds no reflectance from 0 to 1; single bright pixels may well exceed 1."""


def check_reflectance(means: Mapping[str, float]) -> None:
    """Raise ParameterError where the mean of a band (role → mean) shows that it holds no reflectance from 0 to 1."""
    bright = {role: mean for role, mean in means.items() if mean > MOST_REFLECTANCE}
    if bright:
        values = ", ".join(f"{role} {mean:.4g}" for role, mean in bright.items())
        raise ParameterError(
            f"The index has constants that need reflectance from 0 to 1, but the mean of the bands is {values}.",
            hint="Declare the scale, e.g. terracite add PATH --scale 0.0001 (Sentinel-2), or use a pure ratio such as NDVI.",
        )


def _normalised(one: str, other: str) -> str:
    return f"({one} - {other}) / ({one} + {other})"


INDICES: dict[str, SpectralIndex] = {
    "NDVI": SpectralIndex(_normalised("nir", "red"), "Rouse et al. 1974, NASA SP-351, 309-317"),
    "NDWI": SpectralIndex(_normalised("green", "nir"), "McFeeters 1996, Int. J. Remote Sens. 17(7), 1425-1432"),
    "MNDWI": SpectralIndex(_normalised("green", "swir1"), "Xu 2006, Int. J. Remote Sens. 27(14), 3025-3033"),
    "NDMI": SpectralIndex(_normalised("nir", "swir1"), "Wilson & Sader 2002, Remote Sens. Environ. 80(3), 385-396"),
    "NBR": SpectralIndex(_normalised("nir", "swir2"), "Key & Benson 2006, USDA RMRS-GTR-164-CD"),
    "NBR2": SpectralIndex(_normalised("swir1", "swir2"), "USGS, Landsat Normalized Burn Ratio 2"),
    "NDBI": SpectralIndex(_normalised("swir1", "nir"), "Zha et al. 2003, Int. J. Remote Sens. 24(3), 583-594"),
    "NDSI": SpectralIndex(_normalised("green", "swir1"), "Hall et al. 1995, Remote Sens. Environ. 54(2), 127-140"),
    "EVI": SpectralIndex(
        "2.5 * (nir - red) / (nir + 6 * red - 7.5 * blue + 1)", "Huete et al. 2002, Remote Sens. Environ. 83(1-2), 195-213", True
    ),
    "EVI2": SpectralIndex("2.5 * (nir - red) / (nir + 2.4 * red + 1)", "Jiang et al. 2008, Remote Sens. Environ. 112(10), 3833-3845", True),
    "SAVI": SpectralIndex("1.5 * (nir - red) / (nir + red + 0.5)", "Huete 1988, Remote Sens. Environ. 25(3), 295-309 (L = 0.5)", True),
    "MSAVI": SpectralIndex(
        "(2 * nir + 1 - sqrt((2 * nir + 1) ** 2 - 8 * (nir - red))) / 2", "Qi et al. 1994, Remote Sens. Environ. 48(2), 119-126", True
    ),
    "GNDVI": SpectralIndex(_normalised("nir", "green"), "Gitelson et al. 1996, Remote Sens. Environ. 58(3), 289-298"),
    "NDRE": SpectralIndex(_normalised("nir", "rededge1"), "Gitelson & Merzlyak 1994, J. Plant Physiol. 143(3), 286-292"),
    "BSI": SpectralIndex(
        "((swir1 + red) - (nir + blue)) / ((swir1 + red) + (nir + blue))", "Rikimaru et al. 2002, Trop. Ecol. 43(1), 39-47"
    ),
    "AWEI_NSH": SpectralIndex(
        "4 * (green - swir1) - (0.25 * nir + 2.75 * swir2)", "Feyisa et al. 2014, Remote Sens. Environ. 140, 23-35 (no shadow)", True
    ),
    "AWEI_SH": SpectralIndex(
        "blue + 2.5 * green - 1.5 * (nir + swir1) - 0.25 * swir2", "Feyisa et al. 2014, Remote Sens. Environ. 140, 23-35 (shadow)", True
    ),
}
"""Name → index, in the order in which they are presented."""
