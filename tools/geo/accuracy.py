"""Areas of map classes corrected for the errors of the map, with their 95 % interval, from a sample of places whose class is known.

Olofsson, Foody, Herold, Stehman, Woodcock and Wulder (2014), Good practices for estimating area and assessing accuracy of land
change, Remote Sensing of Environment 148, 42-57: equations 1 (overall accuracy) and 9 to 11 for a sample that is random or stratified
by the classes of the map. The rows of the matrix are classes of the map, the columns classes of the reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tools.errors import ParameterError
from tools.geo.frame import Floats

Z_95 = 1.96
"""Standard errors in half of a 95 % interval, as the source rounds them."""


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts of sampled places."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """One row per class of the map, one column per class of the reference, both in the order of the labels."""


@dataclass(frozen=True)
class Adjusted:
    """What a map and a sample of it tell of areas."""

    area_m2: Mapping[str, float]
    """Class → area corrected for the errors of the map."""
    margin_m2: Mapping[str, float]
    """Class → half the width of its 95 % interval."""
    overall_accuracy: float
    """Share of the mapped area that is right, 0 to 1."""


def adjusted_areas(matrix: ConfusionMatrix, mapped_m2: Mapping[str, float]) -> Adjusted:
    """Return corrected areas, given the mapped area of each class.

    Raises ParameterError for a mapped class without a row, or with fewer than two sampled places, of which no error can be told.
    """
    unknown = [label for label, area in mapped_m2.items() if area > 0 and label not in matrix.labels]
    if unknown:
        raise ParameterError(
            f"The confusion matrix has no row for {', '.join(unknown)}; it has {', '.join(matrix.labels)}.",
            hint="Give a matrix of this map, whose classes are named as the map names them.",
        )
    mapped = np.array([mapped_m2.get(label, 0.0) for label in matrix.labels])
    counts = np.array(matrix.counts, dtype=float)
    sampled = counts.sum(axis=1)
    _check_sampled(matrix.labels, mapped, sampled)
    rows = mapped > 0
    weights = mapped[rows, None] / mapped.sum()
    shares = counts[rows] / sampled[rows, None]
    variance = (weights**2 * shares * (1 - shares) / (sampled[rows, None] - 1)).sum(axis=0)
    areas, margins = mapped.sum() * (weights * shares).sum(axis=0), Z_95 * mapped.sum() * np.sqrt(variance)
    right = float((weights[:, 0] * shares[np.arange(len(shares)), np.flatnonzero(rows)]).sum())
    return Adjusted(_named(matrix.labels, areas), _named(matrix.labels, margins), right)


def _check_sampled(labels: Sequence[str], mapped: Floats, sampled: Floats) -> None:
    few = [f"{label} ({count:g})" for label, area, count in zip(labels, mapped, sampled, strict=True) if area > 0 and count < 2]
    if few:
        raise ParameterError(
            f"Too few places were sampled where the map says {', '.join(few)}: of fewer than 2 no error can be told.",
            hint="Sample at least 50 places in each class of the map.",
        )


def _named(labels: Sequence[str], numbers: Floats) -> dict[str, float]:
    return dict(zip(labels, numbers.tolist(), strict=True))
