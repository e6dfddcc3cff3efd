"""The operations of an overlay on geometries: what each makes of a layer and another, before it is grouped and measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from tools.errors import ParameterError
from tools.geo.buffer import buffer
from tools.geo.dissolve import groups_of, merge_by, union
from tools.geo.intersection import Pieces, differences, intersections
from tools.geo.rings import Geometries, Indexes
from tools.geo.transform import transform
from tools.geo.vicinity import bring
from tools.vector.layers import Layer
from tools.vector.measures import group_subjects

if TYPE_CHECKING:
    from tools.vector.overlay import OverlayParams

Subject = Mapping[str, str]
ONLY_LAYER = {"part": "only in the layer"}
ONLY_OTHER = {"part": "only in the other layer"}


@dataclass(frozen=True)
class Made:
    """Geometries that an operation made, in the layer's CRS, and what each is about."""

    geometries: Geometries
    subjects: tuple[Subject, ...]
    """The group of each geometry; all empty where there are no groups."""
    rows: tuple[int, ...] | None
    """Position in the layer of the feature behind each geometry; None where several stand behind one."""
    empty: tuple[Subject, ...] = ()
    """Groups of which nothing was made: their measure is 0."""
    reached: bool = True
    """False where the other layer lies wholly outside the layer's extent."""

    def once(self, members: Indexes) -> Geometries:
        """Return the geometries at these positions, those of the same feature united, so that none counts twice."""
        chosen = self.geometries[members]
        if self.rows is None:
            return chosen
        rows = [self.rows[position] for position in members.tolist()]
        return chosen if len(set(rows)) == len(rows) else _array([group.geometry for group in merge_by(chosen, rows)])


def combine(params: OverlayParams, layer: Layer, other: Layer | None) -> Made:
    """Run the operation of `params` on the features of one or two layers."""
    if other is not None:
        return _of_two(params, layer, other)
    made = buffer(layer.geometries, layer.crs, params.distance_m) if params.distance_m is not None else layer.geometries
    subjects = _subjects(params.by, layer)
    kept = np.flatnonzero(~shapely.is_missing(made))
    return _checked(made[kept], [subjects[row] for row in kept], kept.tolist(), _distinct(subjects))


def other_key(column: str, by: Sequence[str]) -> str:
    """Return the key of a grouping column of the other layer in a subject; told apart where both layers have it."""
    return f"other {column}" if column in by else column


def _of_two(params: OverlayParams, layer: Layer, other: Layer) -> Made:
    if params.operation in ("union", "symmetric_difference"):
        return _whole(params, layer, other)
    brought = bring(other.geometries, other.crs, layer.bounds, layer.crs)
    reached = bool(brought.reaches.any()) or not len(other.frame)
    if params.operation == "difference":
        left = differences(layer.geometries, brought.geometries)
        subjects = _subjects(params.by, layer)
        kept = np.flatnonzero(~shapely.is_missing(left))
        return _checked(left[kept], [subjects[row] for row in kept], kept.tolist(), _distinct(subjects), reached=reached)
    return _intersection(params, layer, other, brought.geometries, reached=reached)


def _intersection(params: OverlayParams, layer: Layer, other: Layer, there: Geometries, *, reached: bool) -> Made:
    """Intersect feature by feature; what several others cover of a feature is merged within a group of the others."""
    pieces = intersections(layer.geometries, there)
    own, theirs = _subjects(params.by, layer), _subjects(params.other_by, other, params.by)
    keys = [(row, tuple(theirs[column].items())) for row, column in zip(pieces.first.tolist(), pieces.second.tolist(), strict=True)]
    groups = groups_of(keys)
    geometries = [_common(layer.geometries[row], pieces, members, there) for (row, _), members in groups.items()]
    subjects = [{**own[row], **dict(group)} for row, group in groups]
    one_sided = _distinct(theirs) if not params.by else _distinct(own) if not params.other_by else []
    return _checked(_array(geometries), subjects, [row for row, _ in groups], one_sided, reached=reached)


def _common(feature: shapely.Geometry, pieces: Pieces, members: Indexes, there: Geometries) -> shapely.Geometry:
    """Return what a feature has in common with all of several others, each place once.

    Pieces of one line end in rounded points beside it, so that where the others overlap a union of pieces would keep both:
    the line is cut once, by the union of the others.
    """
    lines = len(members) > 1 and bool((shapely.get_dimensions(pieces.geometries[members]) == 1).all())
    others = there[pieces.second[members]] if lines else there[:0]
    if lines and bool((shapely.get_dimensions(others) == 2).all()):
        cut = intersections(_array([feature]), _array([union(others)]))
        return cut.geometries[0]
    return union(pieces.geometries[members])


def _whole(params: OverlayParams, layer: Layer, other: Layer) -> Made:
    """Unite two whole layers, or tell what only one of them covers. Raises ParameterError for unlike kinds of geometry."""
    if params.by:
        raise ParameterError(
            f"The operation {params.operation!r} has no groups.", hint="Leave out 'by', or use intersection or difference."
        )
    kinds = [set(shapely.get_dimensions(one.geometries[~shapely.is_missing(one.geometries)]).tolist()) for one in (layer, other)]
    if len(kinds[0] | kinds[1]) > 1:
        raise ParameterError(
            f"The operation {params.operation!r} needs two layers of the same kind of geometry.", hint="Buffer points or lines first."
        )
    a, b = union(layer.geometries), union(transform(other.geometries, other.crs, layer.crs))
    if params.operation == "union":
        return _checked(_array([shapely.union(a, b)]), [{}], None, [])
    sides = [(shapely.difference(a, b), ONLY_LAYER), (shapely.difference(b, a), ONLY_OTHER)]
    return _checked(_array([geometry for geometry, _ in sides]), [part for _, part in sides], None, [ONLY_LAYER, ONLY_OTHER])


def _checked(
    geometries: Geometries, subjects: Sequence[Subject], rows: list[int] | None, expected: Sequence[Subject], *, reached: bool = True
) -> Made:
    """Drop empty geometries and find the expected groups of which nothing is left."""
    kept = np.flatnonzero(~shapely.is_empty(geometries)).tolist()
    there = [subjects[position] for position in kept]
    empty = tuple(subject for subject in expected if subject and subject not in there)
    return Made(geometries[kept], tuple(there), None if rows is None else tuple(rows[position] for position in kept), empty, reached)


def _subjects(columns: Sequence[str], layer: Layer, by: Sequence[str] = ()) -> list[Subject]:
    keys = [other_key(column, by) for column in columns]
    return [dict(zip(keys, values, strict=True)) for values in group_subjects(layer, columns)]


def _distinct(subjects: Sequence[Subject]) -> list[Subject]:
    return [dict(items) for items in dict.fromkeys(tuple(subject.items()) for subject in subjects)]


def _array(geometries: Sequence[shapely.Geometry]) -> Geometries:
    array: Geometries = np.empty(len(geometries), dtype=object)
    array[:] = geometries
    return array
