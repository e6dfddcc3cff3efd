"""The nearest features of another layer for each feature kept: one row per pair, by geodesic distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tools.contract import Fact, ToolContext
from tools.geo.nearest import FARTHEST_M, Pairs, nearest
from tools.geo.transform import transformation_record
from tools.vector.layers import Layer, read
from tools.vector.rows import DISTANCE_COLUMN, FEATURE, LABEL, NEAREST_COLUMN

if TYPE_CHECKING:
    import geopandas

    from tools.vector.query import Nearest

NEAREST = "nearest"


@dataclass(frozen=True)
class Neighbours:
    """Pairs of features and their distances."""

    frame: geopandas.GeoDataFrame
    """The features that have a neighbour, a row per pair, nearest first, with columns `nearest` and `distance_m`."""
    warnings: tuple[str, ...]
    transformations: tuple[dict[str, str], ...]
    reached: bool
    """False where there was nothing to be near to: no other feature at all, and no limit to the distance."""


def find(layer: Layer, frame: geopandas.GeoDataFrame, params: Nearest, context: ToolContext, *, same: bool) -> Neighbours:
    """Find the neighbours of the rows of `frame`; where both layers are the `same`, a feature is not its own neighbour."""
    other = read(context, params.other, params.where, noun="features of the other layer")
    limit = params.max_distance_m or FARTHEST_M
    pairs = nearest(layer.geometries, layer.crs, other.geometries, other.crs, k=params.k + same, max_distance_m=limit)
    if same:
        pairs = _without_self(pairs, layer, other, params.k)
    labels = np.array(other.labels(), dtype=object)
    found = frame.iloc[pairs.source].assign(**{NEAREST_COLUMN: labels[pairs.target], DISTANCE_COLUMN: pairs.metres})
    alone = len(frame) - len(np.unique(pairs.source))
    said = [*other.warnings, *(f"in the other layer {absent.warning}" for absent in other.absent)]
    if alone and len(pairs.source):
        said.append(f"{alone} of {len(frame)} features have no neighbour{f' within {limit:,.0f} m' if params.max_distance_m else ''}")
    record = () if other.crs == layer.crs else (transformation_record("other layer", other.crs, layer.crs, other.geometries),)
    return Neighbours(found, tuple(said), record, bool(len(pairs.source)) or params.max_distance_m is not None)


def distance_facts(frame: geopandas.GeoDataFrame) -> tuple[Fact, ...]:
    """Return the distance of every pair."""
    return tuple(
        Fact("distance", float(metres), "m", {FEATURE: feature, NEAREST: neighbour})
        for feature, neighbour, metres in zip(frame[LABEL], frame[NEAREST_COLUMN], frame[DISTANCE_COLUMN], strict=True)
    )


def _without_self(pairs: Pairs, layer: Layer, other: Layer, k: int) -> Pairs:
    """Drop the pair of each feature with itself and keep the `k` nearest of the rest."""
    fids, other_fids = layer.frame.index.to_numpy(), other.frame.index.to_numpy()
    apart = fids[pairs.source] != other_fids[pairs.target]
    source = pairs.source[apart]
    _, first, count = np.unique(source, return_index=True, return_counts=True)
    kept = np.flatnonzero(apart)[np.arange(len(source)) - np.repeat(first, count) < k]
    return Pairs(pairs.source[kept], pairs.target[kept], pairs.metres[kept])
