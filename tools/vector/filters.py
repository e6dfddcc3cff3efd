"""Keep the features that stand in a spatial relation to another layer or to a geometry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS

from tools.contract import ToolContext
from tools.errors import ParameterError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.frame import geodetic_frame
from tools.geo.geometry import repair
from tools.geo.nearest import nearest
from tools.geo.predicates import related
from tools.geo.rings import Geometries
from tools.geo.transform import transformation_record
from tools.geo.vicinity import bring, extent_region
from tools.geo.wkt import from_wkt
from tools.vector.layers import Layer, Mask, read

if TYPE_CHECKING:
    from tools.vector.query import SpatialFilter

WGS84 = CRS.from_epsg(4326)


@dataclass(frozen=True)
class Selection:
    """What is left of a layer after the spatial filters."""

    layer: Layer
    reached: bool = True
    """False where a filter lies wholly outside the layer's extent, or names a place that is not there: no number can be told."""
    warnings: tuple[str, ...] = ()
    transformations: tuple[dict[str, str], ...] = ()

    def and_said(self, *warnings: str) -> Selection:
        """Return the same with more warnings."""
        return replace(self, warnings=(*self.warnings, *warnings))


@dataclass(frozen=True)
class _Other:
    """The other side of a filter."""

    geometries: Geometries
    crs: CRS
    what: str
    warnings: tuple[str, ...] = ()
    is_nowhere: bool = False
    """The filter names a text value that the other layer does not hold: there is no such place."""


def select(layer: Layer, filters: list[SpatialFilter], context: ToolContext, *, measured: bool) -> Selection:
    """Apply all filters; `measured` asks for a warning where areas or lengths of whole features reach beyond a filter."""
    selection = Selection(layer, warnings=layer.warnings)
    for spatial in filters:
        other = _other(spatial, context)
        selection = _apply(selection, spatial, other, measured=measured).and_said(*other.warnings)
    return selection


def _other(spatial: SpatialFilter, context: ToolContext) -> _Other:
    if spatial.other is None:
        return _Other(_parsed(spatial.geometry or ""), WGS84, "geometry")
    layer = read(context, spatial.other, spatial.where, noun="features of the other layer")
    said = tuple(f"in the other layer {absent.warning}" for absent in layer.absent)
    return _Other(layer.geometries, layer.crs, "other layer", (*layer.warnings, *said), layer.is_nowhere)


def _parsed(wkt: str) -> Geometries:
    """Return the geometry of a WKT text in longitude, latitude, valid and within -180 to 180 degrees."""
    try:
        (geometry,) = from_wkt([wkt])
    except shapely.errors.ShapelyError as error:
        raise ParameterError(
            f"The geometry {wkt[:60]!r} is no WKT.", hint="Write e.g. POLYGON ((6 52, 7 52, 7 53, 6 52)), longitude first."
        ) from error
    if geometry is None or geometry.is_empty:
        raise ParameterError(f"The geometry {wkt[:60]!r} is empty.", hint="Write e.g. POINT (6.1 52.5), longitude first.")
    repaired, _ = repair(np.array([geometry], dtype=object))
    return wrap_longitudes(repaired, WGS84)[0]


def _apply(selection: Selection, spatial: SpatialFilter, other: _Other, *, measured: bool) -> Selection:
    layer = selection.layer
    record = () if other.crs == layer.crs else (transformation_record(other.what, other.crs, layer.crs, other.geometries),)
    selection = replace(selection, transformations=(*selection.transformations, *record))
    if other.is_nowhere:
        return replace(selection, layer=layer.keep(np.zeros(len(layer.frame), dtype=bool)), reached=False)
    if spatial.predicate == "within_distance":
        return _within_distance(selection, other, spatial.distance_m or 0.0)
    brought = bring(other.geometries, other.crs, layer.bounds, layer.crs)
    mask = related(layer.geometries, brought.geometries, spatial.predicate)
    reached = selection.reached and (spatial.predicate == "disjoint" or not len(other.geometries) or bool(brought.reaches.any()))
    kept = replace(selection, layer=layer.keep(mask), reached=reached)
    if measured and spatial.predicate == "intersects":
        return kept.and_said(*_beyond(kept.layer.geometries, brought.geometries))
    return kept


def _within_distance(selection: Selection, other: _Other, distance_m: float) -> Selection:
    layer = selection.layer
    mask: Mask = np.zeros(len(layer.frame), dtype=bool)
    mask[nearest(layer.geometries, layer.crs, other.geometries, other.crs, max_distance_m=distance_m).source] = True
    reached = bool(mask.any()) or not len(other.geometries) or _is_near(layer, other, distance_m)
    return replace(selection, layer=layer.keep(mask), reached=selection.reached and reached)


def _is_near(layer: Layer, other: _Other, distance_m: float) -> bool:
    """Whether the other side comes within a distance of the layer's extent."""
    extent = np.array([extent_region(layer.bounds, layer.crs)], dtype=object)
    near = nearest(extent, geodetic_frame(layer.crs).geodetic, other.geometries, other.crs, max_distance_m=distance_m)
    return bool(len(near.source))


def _beyond(kept: Geometries, other: Geometries) -> tuple[str, ...]:
    """Say how many of the features kept reach beyond the filter's geometry."""
    extended = kept[shapely.get_dimensions(kept) > 0]
    count = int((~related(extended, other, "within")).sum())
    if not count:
        return ()
    return (
        f"{count} of {len(kept)} features reach beyond the filter's geometry and are measured whole; use zones or overlay for what lies inside",
    )
