"""The place that a call names: a box in degrees, or the features of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.contract import Source
from tools.errors import DataError, ParameterError
from tools.geotypes import Where

if TYPE_CHECKING:
    from tools.geo.read_grid import Region

Box = tuple[float, float, float, float]


def box_region(box: Box) -> Region:
    """Return west, south, east, north in degrees as a region; west may exceed east, across the antimeridian."""
    from pyproj import CRS
    from shapely import MultiPolygon
    from shapely import box as rectangle

    from tools.geo.read_grid import Region

    west, south, east, north = box
    parts = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
    return Region(MultiPolygon([rectangle(left, south, right, north) for left, right in parts if left < right]), CRS.from_epsg(4326))


def features_region(source: Source, where: Where) -> tuple[Region, tuple[str, ...]]:
    """Return the polygons of a layer that satisfy `where`, as one, and what had to be done to them.

    Raises ParameterError where no feature satisfies the conditions, DataError where none is a polygon.
    """
    import shapely

    from tools.geo.antimeridian import wrap_longitudes
    from tools.geo.geometry import only_dimension, repair
    from tools.geo.read_grid import Region
    from tools.storage.vectors import read_layer

    frame = read_layer(source, where=where)
    if not len(frame):
        raise ParameterError(
            f"No feature of {source.path.name!r} satisfies the conditions.", hint="describe_dataset shows the columns and their values."
        )
    geometries, report = repair(frame.geometry.to_numpy(), frame.crs)
    areal = only_dimension(wrap_longitudes(geometries, frame.crs)[0], 2)
    union = shapely.union_all([shape for shape in areal if shape is not None])
    if union.is_empty:
        raise DataError(f"The layer {source.path.name!r} has no polygons among the features asked for.", hint="Name a layer of polygons.")
    return Region(union, frame.crs), tuple(report.warnings("features"))
