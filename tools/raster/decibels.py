"""Backscatter as linear power or in decibels: which a band holds, and the way between the two."""

from __future__ import annotations

import numpy as np

from tools.errors import ParameterError
from tools.geo.moments import Floats
from tools.storage.rasters import RasterInfo

DECIBEL = "dB"


def scale_of(info: RasterInfo) -> str:
    """Return `db` where the band's unit says so, else `linear`."""
    return "db" if info.unit.strip().casefold() in ("db", "decibel", "decibels") else "linear"


def to_linear(values: Floats) -> Floats:
    """Return power: 10 ** (dB / 10); NaN stays."""
    return np.asarray(10 ** (values / 10))


def to_decibels(power: Floats) -> Floats:
    """Return 10 · log10 of power; NaN for 0 and below, which have no logarithm."""
    return 10 * np.log10(np.where(power > 0, power, np.nan))


def check_power(values: Floats) -> None:
    """Raise ParameterError for values below 0, which are no power: most likely decibels whose file does not say so."""
    if (values < 0).any():
        raise ParameterError(
            "Some values are below 0, so they are no linear backscatter, whose speckle 'lee' takes away.",
            hint="If they are decibels, give values 'db'.",
        )
