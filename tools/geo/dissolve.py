"""Merge geometries: the union of all, or of each group, in which every place counts once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import shapely

from tools.geo.rings import Geometries, Indexes

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Group:
    """The members of one group and their union."""

    key: Hashable
    geometry: shapely.Geometry
    """Union of the members; an empty collection where none of them has a geometry."""
    members: Indexes
    """Positions of the members, ascending."""


def groups_of(keys: Sequence[Key]) -> dict[Key, Indexes]:
    """Return the positions of each key, keys in the order of their first appearance."""
    positions: dict[Key, list[int]] = {}
    for position, key in enumerate(keys):
        positions.setdefault(key, []).append(position)
    return {key: np.array(own, dtype=np.intp) for key, own in positions.items()}


def merge_by(geometries: Geometries, keys: Sequence[Hashable]) -> tuple[Group, ...]:
    """Return the union of the geometries of each key, keys in the order of their first appearance.

    Geometries must be valid (see `geometry.repair`) and in one CRS; missing ones add nothing.
    """
    geometries = np.asarray(geometries, dtype=object)
    return tuple(Group(key, union(geometries[own]), own) for key, own in groups_of(keys).items())


def union(geometries: Geometries) -> shapely.Geometry:
    """Return the union of valid geometries of one CRS; an empty collection where there is none."""
    present = geometries[~shapely.is_missing(geometries)]
    return present[0] if len(present) == 1 else shapely.union_all(present)
