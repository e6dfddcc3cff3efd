"""Scale and offset of products whose catalogues leave them out, after the documents of those who make them.

Sentinel-2 levels 1C and 2A: reflectance = (stored + offset) / 10000, offset -1000 from processing baseline 04.00 on, else 0
(ESA, Sentinel-2 Products Specification Document; SentiWiki, "S2 Products"). Landsat Collection 2 level 2: surface reflectance =
stored * 2.75e-05 - 0.2, surface temperature in K = stored * 0.00341802 + 149 (USGS, LSDS-1619, table 6-1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.geo.roles import SENTINEL_2

SENTINEL_2_OPTICAL = frozenset(SENTINEL_2.values())
SENTINEL_2_OFFSET_SINCE = 4.0
LANDSAT_OPTICAL = frozenset(("coastal", "blue", "green", "red", "nir", "nir08", "swir1", "swir2"))
LANDSAT_THERMAL = frozenset(("lwir", "lwir11"))


def product_scale(properties: Mapping[str, Any], role: str) -> tuple[float, float] | None:  # Any: JSON
    """Return (scale, offset) of a band of a scene, None where the scene is of no product known here."""
    if properties.get("s2:product_type") in ("S2MSI2A", "S2MSI1C") and role in SENTINEL_2_OPTICAL:
        return _sentinel_2(str(properties.get("s2:processing_baseline", "")))
    if properties.get("landsat:collection_number") == "02" and properties.get("landsat:correction") in ("L2SP", "L2SR"):
        return (2.75e-05, -0.2) if role in LANDSAT_OPTICAL else (0.00341802, 149.0) if role in LANDSAT_THERMAL else None
    return None


def _sentinel_2(baseline: str) -> tuple[float, float] | None:
    try:
        number = float(baseline)
    except ValueError:
        return None
    return 0.0001, (-0.1 if number >= SENTINEL_2_OFFSET_SINCE else 0.0)
