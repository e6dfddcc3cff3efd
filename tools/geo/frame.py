"""What a coordinate reference system says about the ellipsoid below it: datum, axes, unit of angle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import ProjError

from tools.errors import DataError

Floats = NDArray[np.float64]

SATELLITE_AGE = (6_378_137.0, 298.2572)
"""Semi-major axis in metres and inverse flattening that GRS 1980, WGS 84 and CGCS2000 share to a metre and to 1e-3."""


@dataclass(frozen=True)
class Axes:
    """What coordinates mean, whatever CRS they belong to."""

    is_lonlat: bool
    """Whether they are longitude and latitude on the ellipsoid."""
    radians_per_unit: float
    """Size of the angular unit (degree, grad); for a projected CRS that of its geodetic base."""
    metres_per_unit: float
    """Size of the linear unit; for longitude, latitude the length of one unit along the equator."""


@dataclass(frozen=True)
class Frame(Axes):
    """A horizontal CRS and the geodetic CRS on the same datum, so that going between them shifts no datum."""

    crs: CRS
    """Horizontal part of the CRS; coordinates are (x, y) = (easting, northing) or (longitude, latitude)."""
    located: CRS
    """The same with the shift to WGS 84 that the file itself states, where it states one; else equal to `crs`."""
    geodetic: CRS
    """Longitude, latitude on the same ellipsoid and prime meridian."""
    geod: Geod

    @cached_property
    def to_geodetic(self) -> Transformer:
        """From the CRS to longitude, latitude; kept here, since to look one up a CRS is written as text, which takes 0.1 ms."""
        return transformer(self.crs, self.geodetic)

    def to_lonlat(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return longitude, latitude in degrees; raise DataError where the CRS has no inverse at a point."""
        if self.is_lonlat:
            lon, lat = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        else:
            lon, lat = self.to_geodetic.transform(x, y)
        _require_finite(lon, lat, self.crs)
        to_degrees = np.degrees(self.radians_per_unit)
        return np.asarray(lon) * to_degrees, np.asarray(lat) * to_degrees


@lru_cache(maxsize=64)
def geodetic_frame(crs: CRS) -> Frame:
    """Return the frame of a CRS; raise DataError for a CRS that is not tied to the Earth (local, engineering)."""
    horizontal = _horizontal(crs)
    is_lonlat = horizontal.is_geographic and not horizontal.is_derived
    geodetic = horizontal if is_lonlat else _base(horizontal)
    ellipsoid = geodetic.ellipsoid if geodetic is not None else None
    if geodetic is None or ellipsoid is None:
        raise DataError(
            f"The coordinate reference system {crs.name!r} has no ellipsoid, so nothing on the ground can be measured in it.",
            hint="Declare the true CRS of the layer, e.g. --crs EPSG:32632.",
        )
    radians = float(geodetic.axis_info[0].unit_conversion_factor)
    geod = Geod(a=ellipsoid.semi_major_metre, f=1 / ellipsoid.inverse_flattening if ellipsoid.inverse_flattening else 0.0)
    metres = radians * geod.a if horizontal.is_geographic else float(horizontal.axis_info[0].unit_conversion_factor)
    return Frame(is_lonlat, radians, metres, horizontal, crs if crs.is_bound else horizontal, geodetic, geod)


@lru_cache(maxsize=64)
def transformer(src_crs: CRS, dst_crs: CRS) -> Transformer:
    """Return the (cached) transformer from one CRS to another, with axes in the order x, y.

    Of the operations between two datums PROJ takes for every place the best that can be had there. It is never left to guess that
    two datums agree (its "ballpark" operation) unless both lie within some metres of one another by their making, see `_agree`.
    Raises DataError where no operation is known.
    """
    known = _made(src_crs, dst_crs, allow_ballpark=False)
    if known is None and _agree(src_crs, dst_crs):
        known = _made(src_crs, dst_crs, allow_ballpark=True)
    if known is None:
        raise DataError(
            f"No transformation is known from the datum {_datum(src_crs)!r} to the datum {_datum(dst_crs)!r}: to leave the coordinates as "
            "they are would be a guess of unknown accuracy, hundreds of metres wrong for many old datums.",
            hint="Transform the data with its agency's own method first, or declare the true CRS of the data, e.g. --crs EPSG:32632.",
        )
    return known


@lru_cache(maxsize=64)
def rough_transformer(src_crs: CRS, dst_crs: CRS) -> Transformer:
    """Return a transformer for extents that are only shown or searched by: as `transformer`, else without any shift of datum.

    Raises DataError where PROJ knows none at all, as between the Earth and the Moon.
    """
    found = _made(src_crs, dst_crs, allow_ballpark=False) or _made(src_crs, dst_crs, allow_ballpark=True)
    if found is None:
        raise DataError(
            f"No transformation is known from the coordinate reference system {src_crs.name!r} to {dst_crs.name!r}.",
            hint="Declare the true CRS of the data, e.g. --crs EPSG:32632.",
        )
    return found


def _made(src_crs: CRS, dst_crs: CRS, *, allow_ballpark: bool) -> Transformer | None:
    try:
        return Transformer.from_crs(src_crs, dst_crs, always_xy=True, allow_ballpark=allow_ballpark)
    except ProjError:
        return None


def _agree(src_crs: CRS, dst_crs: CRS) -> bool:
    """Whether two datums between which no operation is published may be taken for one.

    So it is where both are of the satellite age, centred on the Earth to some metres (on GRS 1980, WGS 84 or alike, as CGCS2000),
    and where one is a sphere: those, as of MODIS and NSIDC, take latitudes of WGS 84 as they are, by the makers' definition.
    """
    ellipsoids = [crs.ellipsoid for crs in (src_crs, dst_crs)]
    return all(
        ellipsoid is not None
        and (
            not ellipsoid.inverse_flattening
            or (abs(ellipsoid.semi_major_metre - SATELLITE_AGE[0]) < 1 and abs(ellipsoid.inverse_flattening - SATELLITE_AGE[1]) < 1e-3)
        )
        for ellipsoid in ellipsoids
    )


def _datum(crs: CRS) -> str:
    datum = crs.datum or (crs.geodetic_crs.datum if crs.geodetic_crs is not None else None)
    return datum.name if datum is not None else crs.name


def _horizontal(crs: CRS) -> CRS:
    if crs.is_compound:
        return _horizontal(crs.sub_crs_list[0])
    if crs.is_bound and crs.source_crs is not None:
        return _horizontal(crs.source_crs)
    return crs.to_2d() if len(crs.axis_info) > 2 else crs


def _base(crs: CRS) -> CRS | None:
    base = crs.source_crs if crs.is_geographic else crs.geodetic_crs
    return base.to_2d() if base is not None and len(base.axis_info) > 2 else base


def _require_finite(lon: Floats, lat: Floats, crs: CRS) -> None:
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise DataError(
            f"Some coordinates lie where {crs.name!r} has no place on the Earth.",
            hint="Check the CRS of the layer; declare the true one, or reproject the layer to a CRS that covers it.",
        )
