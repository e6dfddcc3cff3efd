"""Layers as points and short segments in longitude, latitude: what distances on the ellipsoid are measured between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import CRS, Geod

from tools.geo.frame import Floats, geodetic_frame, transformer
from tools.geo.rings import Geometries, Indexes, line_paths, parts_of

LONLAT_PIECE_M = 2_000.0
"""Longest segment where edges are straight in longitude, latitude: short enough for the plane around a point."""
PROJECTED_PIECE_M = 500.0
"""Longest segment of other layers: its chord in longitude, latitude is off by 1 cm at 60 degrees, 0.3 m at 89 degrees."""
_TURN = 360.0


@dataclass(frozen=True)
class Elements:
    """Segments (a point is a segment without length), all arrays of shape (element,)."""

    start: Floats
    """Longitude (-180 to 180), latitude in degrees, shape (element, 2)."""
    end: Floats
    """The same of the end; its longitude runs on from the start's without a jump."""
    owner: Indexes
    """Number of the geometry, ascending within points and within segments."""

    def take(self, positions: Indexes) -> Elements:
        """Return the elements at these positions."""
        return Elements(self.start[positions], self.end[positions], self.owner[positions])

    def lines(self) -> Geometries:
        """Return the elements as shapely lines in planar longitude, latitude."""
        return np.asarray(shapely.linestrings(np.stack([self.start, self.end], axis=1)))

    @property
    def has_length(self) -> bool:
        """Whether any of them is more than a point."""
        return bool((self.start != self.end).any())


def elements_of(geometries: Geometries, crs: CRS, geodetic: CRS) -> Elements:
    """Return points, and the edges of lines and of polygons' rings, on the datum of `geodetic`.

    Edges are straight in `crs` and cut to 2 km (500 m where `crs` is projected). Missing geometries have no elements.
    """
    points, point_owner = parts_of(geometries, 0)
    xy = shapely.get_coordinates(points)
    frame = geodetic_frame(crs)
    piece = LONLAT_PIECE_M if frame.is_lonlat else PROJECTED_PIECE_M
    paths = line_paths(geometries).split(piece / frame.metres_per_unit)
    starts = paths.edges
    lonlat = _lonlat(np.concatenate([xy, paths.xy]), crs, geodetic)
    alone, vertices = lonlat[: len(xy)], lonlat[len(xy) :]
    start = np.concatenate([alone, vertices[starts]])
    end = np.concatenate([alone, vertices[starts + 1]])
    end[:, 0] += _TURN * np.round((start[:, 0] - end[:, 0]) / _TURN)
    return Elements(start, end, np.concatenate([point_owner, paths.owner[paths.path[starts]]]))


def element_distances(a: Elements, b: Elements, geod: Geod) -> Floats:
    """Return the geodesic distance in metres between the elements at the same positions of two sets, shape (element,).

    The nearest place is sought in the azimuthal equidistant plane around each end, its distance then taken on the
    ellipsoid; the error is below 1e-6 of the distance. Crossing segments are not noticed: test intersection apart.
    """
    distance = np.minimum(_to_segment(a.start, b, geod), _to_segment(a.end, b, geod)) if a.has_length else _to_segment(a.start, b, geod)
    if a.has_length:
        distance = np.minimum(distance, np.minimum(_to_segment(b.start, a, geod), _to_segment(b.end, a, geod)))
    return distance


def _to_segment(point: Floats, segment: Elements, geod: Geod) -> Floats:
    """Distance in metres from points, shape (element, 2), to segments."""
    near = _inverse(point, segment.start, geod)
    if not segment.has_length:
        return np.asarray(np.hypot(*near.T))
    far = _inverse(point, segment.end, geod)
    along = far - near
    squared = (along**2).sum(axis=1)
    fraction = np.clip(-(near * along).sum(axis=1) / np.where(squared > 0, squared, 1.0), 0.0, 1.0)[:, None]
    foot = segment.start * (1 - fraction) + segment.end * fraction
    return np.asarray(np.hypot(*_inverse(point, foot, geod).T))


def _inverse(origin: Floats, target: Floats, geod: Geod) -> Floats:
    """Return the targets in the azimuthal equidistant plane around each origin, in metres east and north."""
    azimuth, _, metres = geod.inv(origin[:, 0], origin[:, 1], target[:, 0], target[:, 1])
    radians = np.radians(azimuth)
    return np.column_stack([metres * np.sin(radians), metres * np.cos(radians)])


def _lonlat(xy: Floats, crs: CRS, geodetic: CRS) -> Floats:
    frame, target = geodetic_frame(crs), geodetic_frame(geodetic)
    lon, lat = target.to_lonlat(*transformer(frame.located, target.located).transform(xy[:, 0], xy[:, 1]))
    return np.column_stack([(lon + _TURN / 2) % _TURN - _TURN / 2, lat])
