"""Who joins whom: the pairs of features and partners that an operation of a join finds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.contract import Source, ToolContext
from tools.geo.frame import Floats
from tools.geo.intersection import intersections
from tools.geo.measure import geodesic_area, geodesic_length
from tools.geo.nearest import FARTHEST_M, nearest
from tools.geo.pairs import related_pairs
from tools.geo.rings import Geometries, Indexes
from tools.geo.transform import transformation_record
from tools.geo.vicinity import bring
from tools.geotypes import Where
from tools.storage.conditions import matching
from tools.storage.vectors import read_rows
from tools.vector.absent import absent_values, refuse_misspelt
from tools.vector.keys import check_pairs, keyed
from tools.vector.layers import Layer, read

if TYPE_CHECKING:
    import pandas

    from tools.vector.join import JoinParams


@dataclass(frozen=True)
class Joined:
    """A layer, the rows joined to it, and who is whose partner."""

    layer: Layer
    other: pandas.DataFrame
    """The rows of the other side, with geometry where it is a layer; the index is the position in the file."""
    labels: tuple[str, ...]
    """Names of the other features; empty for a table."""
    first: Indexes
    """Positions in the layer, ascending."""
    second: Indexes
    """Positions in the other, by file, or nearest first."""
    metres: Floats | None = None
    """Geodesic distance of each pair."""
    reached: bool = True
    """False where the other lies wholly outside the layer's extent."""
    warnings: tuple[str, ...] = ()
    method: dict[str, Any] | None = None  # Any: JSON

    def take(self, positions: Indexes) -> Joined:
        """Return the same with the pairs at these positions."""
        metres = None if self.metres is None else self.metres[positions]
        return replace(self, first=self.first[positions], second=self.second[positions], metres=metres)


def joined(params: JoinParams, context: ToolContext) -> Joined:
    """Find the pairs of a join; see `tools.vector.join.run`."""
    layer = read(context, params.layer, params.where)
    if params.operation == "attributes":
        found = _by_key(params, layer, context)
    else:
        other = read(context, params.other, params.other_where, noun="features of the other layer")
        found = _by_place(params, layer, other) if params.operation == "spatial" else _by_distance(params, layer, other)
        said = tuple(f"in the other layer {absent.warning}" for absent in other.absent)
        record = [] if other.crs == layer.crs else [transformation_record("other layer", other.crs, layer.crs, other.geometries)]
        method = {**(found.method or {}), "transformations": record}
        reached = found.reached and not other.is_nowhere
        found = replace(found, warnings=(*found.warnings, *other.warnings, *said), method=method, reached=reached)
    check_pairs(len(found.first))
    return found if params.keep != "first" else found.take(np.unique(found.first, return_index=True)[1])


def rows_of(source: Source, where: Where) -> pandas.DataFrame:
    """Read a table or the attributes of a layer, filtered; raise ParameterError for a condition that does not fit."""
    frame = read_rows(source)
    absent = absent_values(frame, where)
    refuse_misspelt(absent)
    return frame[matching(frame, where)].drop(columns="geometry", errors="ignore")


def _by_key(params: JoinParams, layer: Layer, context: ToolContext) -> Joined:
    other = rows_of(context.source(params.other), params.other_where)
    found = keyed(layer.frame, other, params.key, params.other_key)
    key = found.key
    method = {"key": key.own, "other_key": key.other, "key_found": key.found, "cardinality": found.cardinality, "compared": "as text"}
    said = () if key.found == "given" else (f"joined by {key.own!r}" + (f" and {key.other!r}" if key.other != key.own else ""),)
    return Joined(layer, other, (), found.first, found.second, None, True, (*found.warnings, *said), method)


def _by_place(params: JoinParams, layer: Layer, other: Layer) -> Joined:
    brought = bring(other.geometries, other.crs, layer.bounds, layer.crs)
    _check_disjoint(params, layer, other)
    first, second = related_pairs(layer.geometries, brought.geometries, params.predicate)
    reached = params.predicate == "disjoint" or not len(other.frame) or bool(brought.reaches.any())
    found = Joined(layer, other.frame, tuple(other.labels()), first, second, None, reached, (), {"predicate": params.predicate})
    if params.keep != "largest_overlap":
        return found
    return found.take(_largest(layer, brought.geometries, first, second))


def _by_distance(params: JoinParams, layer: Layer, other: Layer) -> Joined:
    same = params.layer == params.other
    k = params.k if params.operation == "nearest" else max(len(other.frame), 1)
    limit = params.distance_m or FARTHEST_M
    pairs = nearest(layer.geometries, layer.crs, other.geometries, other.crs, k=k + same, max_distance_m=limit)
    found = Joined(layer, other.frame, tuple(other.labels()), pairs.source, pairs.target, pairs.metres, True)
    found = replace(found, method={"distance": "geodesic, between closest points"})
    return found.take(_others(found, k)) if same else found


def _others(found: Joined, k: int) -> Indexes:
    """Return the pairs of different features, at most `k` of each."""
    apart = np.flatnonzero(found.layer.frame.index.to_numpy()[found.first] != found.other.index.to_numpy()[found.second])
    _, start, count = np.unique(found.first[apart], return_index=True, return_counts=True)
    return apart[np.arange(len(apart)) - np.repeat(start, count) < k]


def _largest(layer: Layer, there: Geometries, first: Indexes, second: Indexes) -> Indexes:
    """Return, of each feature, the pair with the largest common area, length where there is none, else the first."""
    pieces = intersections(layer.geometries, there)
    size = np.maximum(geodesic_area(pieces.geometries, layer.crs), 1e-9 * geodesic_length(pieces.geometries, layer.crs))
    width = len(there)
    keys = pieces.first.astype(np.int64) * width + pieces.second
    wanted = first.astype(np.int64) * width + second
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    overlap = np.where(keys[place] == wanted, size[place], 0.0) if len(keys) else np.zeros(len(wanted))
    order = np.lexsort((second, -overlap, first))
    return order[np.unique(first[order], return_index=True)[1]]


def _check_disjoint(params: JoinParams, layer: Layer, other: Layer) -> None:
    if params.predicate == "disjoint":
        check_pairs(len(layer.frame) * len(other.frame))
