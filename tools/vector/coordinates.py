"""Where point features lie: longitude and latitude in degrees of WGS 84, and x and y in the layer's own CRS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from tools.contract import Unit
from tools.errors import ParameterError
from tools.geo.frame import geodetic_frame
from tools.geo.transform import operation_for, transform, transformation_record
from tools.vector.layers import Layer

if TYPE_CHECKING:
    from pyproj import CRS

LONGITUDE, LATITUDE, X, Y = COORDINATES = ("@longitude", "@latitude", "@x", "@y")
"""Computed columns."""
COARSE_M = 1.0
"""A datum shift whose published accuracy is worse than this is said beside coordinates."""


def coordinate_columns(layer: Layer, names: Sequence[str]) -> dict[str, Any]:  # Any: arrays of numbers
    """Return the computed columns for those of `names` that are coordinates; NaN for features without geometry.

    Raises ParameterError where a feature is no single point.
    """
    wanted = [name for name in names if name in COORDINATES]
    if not wanted:
        return {}
    points = _points(layer)
    columns = dict(zip((X, Y), _xy(points), strict=True))
    if {LONGITUDE, LATITUDE} & set(wanted):
        columns |= dict(zip((LONGITUDE, LATITUDE), _xy(transform(points, layer.crs, _wgs84())), strict=True))
    return {name: columns[name] for name in wanted}


def coordinate_unit(name: str, crs: CRS) -> Unit:
    """Return the unit of a coordinate: degrees, metres, or unspecified for any other unit of the CRS."""
    if name in (LONGITUDE, LATITUDE):
        return "degree"
    frame = geodetic_frame(crs)
    if frame.is_lonlat:
        return "degree" if frame.radians_per_unit == np.radians(1) else "unspecified"
    return "m" if frame.metres_per_unit == 1 else "unspecified"


def coordinate_shift(layer: Layer, names: Sequence[str]) -> tuple[tuple[dict[str, str], ...], tuple[str, ...]]:
    """Return the record of the transformation to WGS 84, where one was needed, and what must be said of its accuracy."""
    if not {LONGITUDE, LATITUDE} & set(names) or layer.crs == _wgs84():
        return (), ()
    operation, accuracy_m = operation_for(layer.crs, _wgs84(), layer.geometries)
    record = transformation_record("layer", layer.crs, _wgs84(), layer.geometries)
    if accuracy_m is None:
        return (record,), (f"how accurately {layer.crs.name} can be taken to WGS 84 is not known ({operation})",)
    if accuracy_m <= COARSE_M:
        return (record,), ()
    return (record,), (f"longitude and latitude are those of WGS 84, taken there to about {accuracy_m:g} m ({operation})",)


def _points(layer: Layer) -> Any:  # Any: an array of points, None where there is no geometry
    geometries = layer.geometries
    single = shapely.is_missing(geometries) | (shapely.get_num_coordinates(geometries) == 1)
    if not single.all():
        raise ParameterError(
            f"{int((~single).sum())} of {len(geometries)} features are no points, so they have no one coordinate.",
            hint="Make points of them first, with shapes and its operation centroid or point_on_surface.",
        )
    return geometries


def _xy(points: Any) -> tuple[Any, Any]:  # Any: arrays
    xy = np.full((len(points), 2), np.nan)
    xy[~shapely.is_missing(points)] = shapely.get_coordinates(points)
    return xy[:, 0], xy[:, 1]


def _wgs84() -> CRS:
    from pyproj import CRS

    return CRS.from_epsg(4326)
