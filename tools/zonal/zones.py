"""The zones of a layer: its polygons, repaired, named, and merged by name so that every place counts once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tools.contract import Source
from tools.errors import DataError, ParameterError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.dissolve import merge_by
from tools.geo.frame import Floats
from tools.geo.geometry import only_dimension, repair
from tools.geo.measure import geodesic_area, geodesic_perimeter
from tools.geo.overlap import cover
from tools.geo.rings import Geometries
from tools.geotypes import Where
from tools.storage.conditions import check_columns, matching
from tools.storage.feature_names import name_column_of
from tools.storage.vectors import attribute_columns, read_layer

if TYPE_CHECKING:
    import geopandas
    from pyproj import CRS

MEASURED = {"@area_m2": geodesic_area, "@perimeter_m": geodesic_perimeter}
"""Reserved columns of conditions: measures of the feature itself."""


@dataclass(frozen=True)
class Zones:
    """Zones in the CRS of their layer; everything of shape (zone,)."""

    names: tuple[str | None, ...]
    """In order of first appearance; None for all zones merged into one."""
    geometries: Geometries
    """Valid polygons."""
    crs: CRS
    areas_m2: Floats
    """On the ellipsoid."""
    features: int
    """How many features of the layer went in."""
    warnings: tuple[str, ...]

    def overlap_warning(self) -> str | None:
        """Say that zones overlap, so that their numbers do not add up; None where they do not."""
        found = cover(self.geometries, self.crs, self.areas_m2) if len(self.names) > 1 else None
        if found is None or not found.overlaps:
            return None
        return (
            f"Zones overlap: together they cover {found.area_m2:,.1f} m2, the sum of their areas is {found.sum_m2:,.1f} m2; "
            "totals over all zones are not given, since places in several zones would count several times"
        )


def load_zones(source: Source, where: Where, *, name_column: str | None, merge: bool) -> Zones:
    """Read the zones of a layer that satisfy `where`.

    Zones are named by `name_column`, else by the layer's own name column where all its names differ, else `zone N` by their
    position N in the file from 1; with `merge` all become one.
    Raises ParameterError for unknown columns and where no zone satisfies the conditions, DataError where the layer holds
    no polygons or broken ones.
    """
    whole = read_layer(source)
    frame, areal, warnings = _polygons(source, whole, where)
    if name_column is not None:
        check_columns([name_column], attribute_columns(frame))
    elif not merge:
        name_column = _telling_names(source, whole)
    names: list[str | None] = [None] * len(frame) if merge else list(_names(frame, name_column))
    groups = merge_by(areal, names)
    merged: Geometries = np.full(len(groups), None, dtype=object)
    merged[:] = [group.geometry for group in groups]
    return Zones(
        names=tuple(dict.fromkeys(names)),
        geometries=merged,
        crs=frame.crs,
        areas_m2=geodesic_area(merged, frame.crs),
        features=len(frame),
        warnings=warnings,
    )


def _telling_names(source: Source, whole: geopandas.GeoDataFrame) -> str | None:
    """Return the column that names the features of a layer, if no two share a name: what nobody asked to merge stays apart."""
    column = name_column_of(whole.drop(columns="geometry"), source.declared.name_column)
    return column if column is not None and whole[column].notna().all() and whole[column].is_unique else None


def _polygons(source: Source, whole: geopandas.GeoDataFrame, where: Where) -> tuple[geopandas.GeoDataFrame, Geometries, tuple[str, ...]]:
    """Return the features that have a polygon, their valid polygons, and what had to be done."""
    frame = _filtered(source, whole, where)
    geometries, report = repair(frame.geometry.to_numpy(), frame.crs)
    geometries, wrapped = wrap_longitudes(geometries, frame.crs)
    areal = only_dimension(geometries, 2)
    is_zone = np.array([geometry is not None for geometry in areal], dtype=bool)
    others = int(sum(geometry is not None for geometry in geometries) - is_zone.sum())
    if not is_zone.any():
        raise DataError(
            f"The layer {source.path.name!r} has no polygons among the {len(frame)} features asked for, so there are no zones.",
            hint="Choose a layer of polygons, or make some, e.g. buffers of points with overlay.",
        )
    warnings = list(report.warnings("zones"))
    if wrapped:
        warnings.append(f"{wrapped} zones reach beyond 180 degrees of longitude and were split at the antimeridian")
    if others:
        warnings.append(f"{others} of {len(frame)} features are points or lines, not zones, and were left out")
    return frame[is_zone], areal[is_zone], tuple(warnings)


def _filtered(source: Source, whole: geopandas.GeoDataFrame, where: Where) -> geopandas.GeoDataFrame:
    """Return the features that satisfy the conditions, also those on the reserved columns of measures."""
    measured = sorted({condition.column for condition in where.conditions} & set(MEASURED))
    tests = whole
    if measured:
        geometries = wrap_longitudes(repair(whole.geometry.to_numpy())[0], whole.crs)[0]
        tests = whole.assign(**{column: MEASURED[column](geometries, whole.crs) for column in measured})
    frame = whole[matching(tests, where)]
    if not len(frame):
        if not where.conditions:
            raise DataError(f"The layer {source.path.name!r} has no features.", hint="Check that it was exported completely.")
        joint = " and " if where.match == "all" else " or "
        wanted = joint.join(f"{test.column} {test.op} {test.value}" for test in where.conditions)
        raise ParameterError(
            f"No zone of {source.path.name!r} satisfies the conditions ({wanted}).",
            hint="describe_dataset shows the columns and their values; find_place looks for names.",
        )
    return frame


def _names(frame: geopandas.GeoDataFrame, column: str | None) -> list[str]:
    """Return the name of every feature; features without one share a name that says so."""
    if column is None:
        return [f"fid {fid}" for fid in frame.index]
    return [f"(no {column})" if missing else _text(value) for value, missing in zip(frame[column], frame[column].isna(), strict=True)]


def _text(value: object) -> str:
    """Write a name; whole numbers without a decimal point, since columns with gaps come as floats; an empty one in words, so that it can be told."""
    if isinstance(value, str) and not value.strip():
        return "(empty)"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
