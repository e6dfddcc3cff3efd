"""Thiessen (Voronoi) cells of the points of a layer, each with the attributes of its own point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from tools.contract import ToolContext
from tools.errors import DataError, ParameterError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.dissolve import groups_of, union
from tools.geo.envelope import envelope
from tools.geo.rings import Geometries, Indexes, parts_of
from tools.geo.transform import transform, transformation_record
from tools.geo.voronoi import thiessen
from tools.geotypes import EVERYTHING
from tools.vector.layers import Layer, read
from tools.vector.plain import plain
from tools.vector.rows import FEATURE
from tools.vector.shaped import Shaped

if TYPE_CHECKING:
    from pyproj import CRS

    from tools.vector.shapes import ShapesParams

MARGIN = 0.1
"""Share of the longer side by which the extent of the points is widened where nothing else bounds the cells."""


def cells(params: ShapesParams, layer: Layer, context: ToolContext) -> Shaped:
    """Return the cell of each feature of a point layer, cut to what bounds it; points outside it keep their part inside.

    Raises ParameterError where the layer holds other things than points, DataError where two features with different
    attributes lie at the same place.
    """
    points, owner = parts_of(layer.geometries, 0)
    if not (shapely.get_dimensions(layer.geometries[~shapely.is_missing(layer.geometries)]) == 0).all() or not len(points):
        raise ParameterError("Voronoi cells belong to points, and the layer holds other shapes.", hint="Make centroids of them first.")
    first, repeated = _distinct(layer, points, owner)
    bound, record = _bound(params, layer, context, points)
    made, how = thiessen(points[first], layer.crs, bound)
    geometries, rows = _per_feature(made, owner[first])
    outside = int(shapely.is_missing(geometries).sum())
    said = [f"the cells of {outside} points lie outside what bounds them and were left out"] if outside else []
    if repeated:
        said.append(f"{repeated} points lie where an earlier one with the same attributes lies and have no cell of their own")
    labels = layer.labels()
    subjects = tuple({FEATURE: labels[row]} for row in rows)
    method = {"cells": f"nearest point, drawn {how}", **record}
    return Shaped(geometries, subjects, rows, method=method, warnings=tuple(said))


def _per_feature(made: Geometries, owner: Indexes) -> tuple[Geometries, tuple[int, ...]]:
    """Unite the cells of a feature of several points."""
    groups = groups_of(owner.tolist())
    rows = sorted(groups)
    geometries: Geometries = np.empty(len(rows), dtype=object)
    geometries[:] = [union(made[groups[row]]) for row in rows]
    geometries[shapely.is_empty(geometries)] = None
    return geometries, tuple(rows)


def _distinct(layer: Layer, points: Geometries, owner: Indexes) -> tuple[Indexes, int]:
    """Return the positions of points at places of their own, and how many repeat an earlier one."""
    places = groups_of([tuple(xy) for xy in shapely.get_coordinates(points).tolist()])
    attributes = layer.frame.drop(columns="geometry")
    for own in (each for each in places.values() if len(each) > 1):
        rows = owner[own]
        texts = {tuple(str(plain(value)) for value in attributes.iloc[row]) for row in set(rows.tolist())}
        if len(texts) > 1:
            named = ", ".join(f"fid {layer.frame.index[row]}" for row in rows[:5])
            raise DataError(
                f"{len(rows)} points with different attributes lie at the same place ({named}), so its cell belongs to none of them.",
                hint="Keep the first of each place: clean with steps [duplicates] and duplicate_columns []; or leave some out with 'where'.",
            )
    return np.array(sorted(int(own[0]) for own in places.values()), dtype=np.intp), len(points) - len(places)


def _bound(params: ShapesParams, layer: Layer, context: ToolContext, points: Geometries) -> tuple[shapely.Geometry, dict[str, object]]:
    """Return the polygon to which the cells are cut, in the layer's CRS, and how it came about."""
    if params.bbox is not None:
        return _box(params.bbox, layer.crs), {"cut_to": f"the box {', '.join(f'{value:g}' for value in params.bbox)} in degrees"}
    if params.within is None:
        box = envelope(shapely.multipoints(points), layer.crs, MARGIN)
        if shapely.area(box) == 0:
            raise ParameterError("One point alone has no extent to which a cell could be cut.", hint="Give 'within' or 'bbox'.")
        return box, {"cut_to": "the extent of the points, widened by a tenth of its longer side"}
    other = read(context, params.within, EVERYTHING, noun="features of 'within'")
    region = union(transform(other.geometries, other.crs, layer.crs))
    if shapely.get_dimensions(region) < 2:
        raise ParameterError("The layer 'within' has no polygons where the points lie.", hint="Name a layer of polygons, or give 'bbox'.")
    records = [transformation_record("within", other.crs, layer.crs)] if other.crs != layer.crs else []
    return region, {"cut_to": "the polygons of 'within'", "transformations": records}


def _box(bbox: tuple[float, float, float, float], crs: CRS) -> shapely.Geometry:
    """Return a box in degrees, west may exceed east, in a CRS."""
    from pyproj import CRS

    west, south, east, north = bbox
    lonlat = CRS.from_epsg(4326)
    box = np.array([shapely.box(west, south, east + 360 if west >= east else east, north)], dtype=object)
    return transform(wrap_longitudes(box, lonlat)[0], lonlat, crs)[0]
