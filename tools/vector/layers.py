"""A layer as the vector tools see it: filtered, repaired, within -180 to 180 degrees, its features named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tools.contract import ToolContext
from tools.errors import DataError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.geometry import repair
from tools.geo.measure import geodesic_area, geodesic_length, geodesic_perimeter
from tools.geo.rings import Geometries
from tools.geo.vicinity import Bounds
from tools.geotypes import Where
from tools.storage.conditions import matching
from tools.storage.feature_names import feature_labels, name_column_of
from tools.storage.vectors import read_layer
from tools.vector.absent import Absent, absent_values, refuse_misspelt

if TYPE_CHECKING:
    import geopandas
    from pyproj import CRS

Mask = NDArray[np.bool_]

AREA_COLUMN = "@area_m2"
LENGTH_COLUMN = "@length_m"
PERIMETER_COLUMN = "@perimeter_m"
MEASURED_COLUMNS = {AREA_COLUMN: geodesic_area, LENGTH_COLUMN: geodesic_length, PERIMETER_COLUMN: geodesic_perimeter}
"""Reserved column names of conditions → the measure of each feature's own geometry."""


@dataclass(frozen=True)
class Layer:
    """The features of a layer that satisfy a filter, and what is known of the whole."""

    frame: geopandas.GeoDataFrame
    """Valid two-dimensional geometries, None where missing; the index `fid` is the position in the file."""
    name_column: str | None
    bounds: Bounds
    """Extent of all features of the file, before any filter: left, bottom, right, top in `crs`."""
    total: int
    """Features in the file."""
    drawn: geopandas.GeoSeries | None
    """The geometries of all features as the file holds them, by `fid`, where any has z."""
    absent: tuple[Absent, ...] = ()
    """Text values of the filter that occur nowhere in their column."""
    warnings: tuple[str, ...] = ()

    @property
    def crs(self) -> CRS:
        """The CRS of the geometries."""
        crs: CRS = self.frame.crs
        return crs

    @property
    def is_nowhere(self) -> bool:
        """Whether nothing is left because the filter names a text value that the layer does not hold."""
        return bool(self.absent) and not len(self.frame)

    @property
    def geometries(self) -> Geometries:
        """The geometries as an array, None where missing."""
        array: Geometries = self.frame.geometry.to_numpy()
        return array

    @property
    def in_space(self) -> Geometries:
        """The geometries as they were drawn, with z where they have it, not repaired; in the order of `geometries`."""
        array: Geometries = (self.frame.geometry if self.drawn is None else self.drawn.loc[self.frame.index]).to_numpy()
        return array

    def keep(self, mask: Mask) -> Layer:
        """Return the layer with the features at which the mask is true."""
        return replace(self, frame=self.frame[mask])

    def labels(self) -> list[str]:
        """Return a unique name per feature: its name; with `fid N` added, or alone, where that is not unique or missing."""
        return feature_labels(self.frame, self.name_column)


def read(context: ToolContext, ref: str, where: Where, noun: str = "features") -> Layer:
    """Read the features of an input that satisfy `where`, fit to be measured; `noun` names them in warnings.

    Raises DataError for a layer without features or without any geometry, ParameterError for a condition on an unknown
    column and for a text value that looks misspelt.
    """
    source = context.source(ref)
    frame = read_layer(source)
    if source.producer is None:
        frame.attrs = {}  # what a foreign file says of its columns means nothing here
    if not len(frame) or frame.geometry.isna().all():
        raise DataError(
            f"The layer {source.path.name!r} has no features{' with geometry' if len(frame) else ''}.",
            hint="Check the file, or name another layer.",
        )
    absent = absent_values(frame, where)
    refuse_misspelt(absent)
    left, bottom, right, top = (float(value) for value in frame.total_bounds)
    layer = Layer(
        frame,
        name_column_of(frame, source.declared.name_column),
        (left, bottom, right, top),
        len(frame),
        frame.geometry if frame.geometry.has_z.any() else None,
        absent,
    )
    if _measured(where):
        return _matching_measures(_fit(layer, noun), where)
    return _fit(layer.keep(matching(frame, where)), noun)


def _measured(where: Where) -> set[str]:
    return {condition.column for condition in where.conditions if condition.column in MEASURED_COLUMNS}


def _matching_measures(layer: Layer, where: Where) -> Layer:
    """Filter by conditions of which some are on the area or length of the features themselves."""
    measures = {name: MEASURED_COLUMNS[name](layer.geometries, layer.crs) for name in _measured(where)}
    return layer.keep(matching(layer.frame.assign(**measures), where))


def _fit(layer: Layer, noun: str) -> Layer:
    """Repair the geometries and bring them into -180 to 180 degrees, with a warning for each thing done."""
    geometries, report = repair(layer.geometries, layer.crs)
    geometries, beyond = wrap_longitudes(geometries, layer.crs)
    said = list(report.warnings(noun))
    if beyond:
        said.append(f"{beyond} {noun} reach beyond the antimeridian and were split there")
    return replace(layer, frame=_with_geometry(layer.frame, geometries), warnings=(*layer.warnings, *said))


def _with_geometry(frame: geopandas.GeoDataFrame, geometries: Geometries) -> geopandas.GeoDataFrame:
    import geopandas

    return frame.assign(geometry=geopandas.GeoSeries(list(geometries), index=frame.index, crs=frame.crs))
