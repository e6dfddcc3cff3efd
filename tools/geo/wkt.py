"""Well-known text of geometries, checked before GEOS reads it: its parser recurses, and a deep nest ends the process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

MOST_COLLECTIONS = 100
"""Most collections in one geometry, nested or not; GEOS 3.13 dies at some ten thousand levels."""


def from_wkt(texts: Sequence[str | None]) -> NDArray[np.object_]:
    """Return a geometry per text, None for None; raise ShapelyError or TypeError for what is no WKT or nests too deeply."""
    for text in texts:
        if isinstance(text, str) and text.upper().count("COLLECTION") > MOST_COLLECTIONS:
            raise shapely.errors.ShapelyError(f"more than {MOST_COLLECTIONS} collections in one geometry")
    with np.errstate(over="ignore", invalid="ignore"):  # a coordinate such as 1e400 becomes infinite, which whoever reads it refuses
        geometries: NDArray[np.object_] = shapely.from_wkt(np.asarray(texts, dtype=object))
    return geometries
