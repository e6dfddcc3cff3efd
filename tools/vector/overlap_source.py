"""Which column explains why features overlap: within each of its values nothing does, as with images of two dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tools.contract import Fact
from tools.geo.overlap import overlapping_pairs
from tools.geo.rings import Geometries
from tools.vector.plain import group_label

if TYPE_CHECKING:
    import geopandas

MOST_VALUES = 20


def explain_overlap(
    frame: geopandas.GeoDataFrame, geometries: Geometries, areas: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """Return the covered area of each value of the first column (2 to 20 values) whose values are each free of overlap.

    As facts and a sentence; nothing where no column explains the overlap, or there are too many overlaps to look at.
    """
    pairs = overlapping_pairs(geometries)
    if pairs is None or not len(pairs[0]):
        return (), ()
    for name in frame.columns:
        if name == "geometry" or not 2 <= frame[name].nunique(dropna=False) <= MOST_VALUES:
            continue
        texts = np.array([group_label(value) for value in frame[name]])
        if (texts[pairs[0]] != texts[pairs[1]]).all():
            return _per_value(str(name), texts, areas)
    return (), ()


def _per_value(
    column: str, texts: np.ndarray[tuple[int], np.dtype[np.str_]], areas: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    sums = {str(value): float(areas[texts == value].sum()) for value in np.unique(texts)}
    listed = ", ".join(f"{value}: {area:,.1f} m2" for value, area in sums.items())
    facts = tuple(Fact("area", area, "m2", {column: value}) for value, area in sums.items())
    return facts, (f"features with the same {column} do not overlap one another; area by {column}: {listed}",)
