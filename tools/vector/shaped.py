"""Shapes that an operation made, and what each is about; the features, or groups of them, from which it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from tools.contract import Fact
from tools.geo.dissolve import groups_of, union
from tools.geo.rings import Geometries
from tools.vector.layers import Layer
from tools.vector.measures import group_subjects
from tools.vector.rows import FEATURE

Subject = Mapping[str, str]


@dataclass(frozen=True)
class Shaped:
    """Shapes, in the layer's CRS, and what each is about."""

    geometries: Geometries
    """None where nothing could be made."""
    subjects: tuple[Subject, ...]
    """The feature, or the values of the grouping columns, of each; one empty subject where one shape was made of all."""
    rows: tuple[int, ...] | None
    """Position in the layer of the feature behind each shape; None where several stand behind one."""
    facts: tuple[Fact, ...] = ()
    """Numbers beyond the measures of the shapes."""
    method: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    unit_measures: bool = True
    """Whether the measure of each shape is worth a fact."""


def gathered(layer: Layer, by: Sequence[str] | None) -> Shaped:
    """Return the features as they are (`by` None), or one geometry per group: its features united, of several kinds their vertices."""
    if by is None:
        rows = np.flatnonzero(~shapely.is_missing(layer.geometries))
        labels = layer.labels()
        return Shaped(layer.geometries[rows], tuple({FEATURE: labels[row]} for row in rows), tuple(rows.tolist()))
    groups = groups_of(group_subjects(layer, by))
    keys = sorted(groups)
    geometries: Geometries = np.empty(len(keys), dtype=object)
    geometries[:] = [_together(layer.geometries[groups[key]]) for key in keys]
    kept = np.flatnonzero(~shapely.is_missing(geometries))
    return Shaped(geometries[kept], tuple(dict(zip(by, keys[position], strict=True)) for position in kept), None)


def _together(geometries: Geometries) -> shapely.Geometry | None:
    present = geometries[~shapely.is_missing(geometries)]
    if not len(present):
        return None
    if len(np.unique(shapely.get_dimensions(present))) == 1:
        return union(present)
    return shapely.multipoints(shapely.get_coordinates(present))
