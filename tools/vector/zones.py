"""Deal features out to the zones of another layer: counted where they intersect, areas and lengths cut at the edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from tools.contract import ToolContext
from tools.errors import ParameterError
from tools.geo.dissolve import Group, merge_by
from tools.geo.intersection import Pieces, intersections
from tools.geo.rings import Geometries
from tools.geo.surface import length_on
from tools.geo.transform import transformation_record
from tools.geo.vicinity import bring
from tools.vector.absent import require_columns
from tools.vector.layers import Layer, read
from tools.vector.measures import Shapes, shapes_of
from tools.vector.plain import group_label

if TYPE_CHECKING:
    from tools.vector.query import Measure, QueryVectorParams
    from tools.vector.query import Zones as ZonesParams

MOST_NAMED = 5


@dataclass(frozen=True)
class Zones:
    """Zones by name, in the CRS of the layer that is measured."""

    groups: tuple[Group, ...]
    """Key: the zone's name; geometry: the union of the zones of that name, near the layer; members: rows of `layer`."""
    layer: Layer
    """The zones as they are in their own file."""
    outside: frozenset[str]
    """Names of zones that do not reach into the layer's extent."""
    transformations: tuple[dict[str, str], ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was repaired, which names were asked for in vain, and which zones lie outside the layer's extent."""
        said = [*self.layer.warnings, *(f"in the zones {absent.warning}" for absent in self.layer.absent)]
        if self.outside:
            named = ", ".join(sorted(self.outside)[:MOST_NAMED]) + (", …" if len(self.outside) > MOST_NAMED else "")
            said.append(
                f"{len(self.outside)} of {len(self.groups)} zones lie outside the layer's extent, so their zeros may mean no data: {named}"
            )
        return tuple(said)


def read_zones(params: ZonesParams, layer: Layer, context: ToolContext) -> Zones:
    """Read the zones and take them to the layer's CRS; zones of the same name are merged, overlap counted once.

    Raises ParameterError where no zone satisfies the filter or the zones are no polygons.
    """
    zones = read(context, params.layer, params.where, noun="zones")
    if not len(zones.frame):
        raise ParameterError("No zone satisfies the conditions.", hint="Loosen 'where' of the zones; describe_dataset shows the values.")
    if (shapely.get_dimensions(zones.geometries) < 2).all():
        raise ParameterError(
            "The zones are no polygons, so nothing lies in them.", hint="Buffer them with overlay first, or name a layer of polygons."
        )
    names = _names(zones, params.name_column)
    brought = bring(zones.geometries, zones.crs, layer.bounds, layer.crs)
    groups = merge_by(brought.geometries, names)
    outside = frozenset(str(group.key) for group in groups if not brought.reaches[group.members].any())
    record = () if zones.crs == layer.crs else (transformation_record("zones", zones.crs, layer.crs, zones.geometries),)
    return Zones(groups, zones, outside, record)


def pieces_in(zones: Zones, layer: Layer) -> Pieces:
    """Return what lies of each feature (`first`) in each zone (`second`); features that only touch an edge are not in it."""
    return intersections(layer.geometries, _array([group.geometry for group in zones.groups]))


def shapes_in(zones: Zones, layer: Layer, pieces: Pieces, params: QueryVectorParams) -> Shapes:
    """Measure the pieces; the perimeter of a polygon in a zone is that of its own boundary there, not of the cut."""
    shapes = shapes_of(pieces.geometries, layer, params.measures, params.surface, pieces.first)
    polygonal = np.flatnonzero(shapely.get_dimensions(pieces.geometries) == 2)
    if not len(polygonal) or "perimeter" not in shapes.lengths:
        return shapes
    zone = _array([zones.groups[number].geometry for number in pieces.second[polygonal]])
    boundary = shapely.boundary(layer.geometries[pieces.first[polygonal]])
    perimeters = shapes.lengths["perimeter"].copy()
    perimeters[polygonal] = length_on(params.surface, shapely.intersection(boundary, zone), layer.crs)
    return replace(shapes, lengths={**shapes.lengths, "perimeter": perimeters})


def border_warning(pieces: Pieces, layer: Layer, measures: Sequence[Measure]) -> tuple[str, ...]:
    """Say how many features count in several zones, and how many of which only a part lies in a zone are summed whole."""
    several = int((np.unique(pieces.first, return_counts=True)[1] > 1).sum())
    said = [f"{several} features lie in several zones and count in each of them"] if several else []
    summed = [measure.column for measure in measures if measure.aggregate == "sum"]
    extended = np.flatnonzero(shapely.get_dimensions(pieces.geometries) > 0) if summed else np.array([], dtype=np.intp)
    own = pieces.first[extended]
    cut = len(np.unique(own[layer.geometries[own] != pieces.geometries[extended]]))  # a feature inside is its own piece
    if cut:
        said.append(
            f"the sum of {', '.join(map(str, summed))} counts {cut} features whole of which only a part lies in a zone; join with operation 'zones' shares them out by area"
        )
    return tuple(said)


def _names(zones: Layer, column: str | None) -> list[str]:
    """Return the name of the zone of each row; rows without a name are zones of their own."""
    column = column or zones.name_column
    if column is None:
        return zones.labels()
    require_columns([column], zones.frame)
    values = zones.frame[column]
    return [
        group_label(value) if there else f"fid {fid}" for value, there, fid in zip(values, values.notna(), zones.frame.index, strict=True)
    ]


def _array(geometries: list[shapely.Geometry]) -> Geometries:
    array: Geometries = np.empty(len(geometries), dtype=object)
    array[:] = geometries
    return array
