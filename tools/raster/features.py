"""The features of a layer beside a raster: filtered, repaired, named, and where they lie on its grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.contract import Source
from tools.errors import DataError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.geometry import repair
from tools.geo.grid import crs_of
from tools.geo.rings import Geometries
from tools.geo.transform import transformation_record
from tools.geo.vicinity import bring
from tools.geotypes import Where
from tools.storage.conditions import matching
from tools.storage.feature_names import feature_labels, name_column_of
from tools.storage.vectors import read_layer

if TYPE_CHECKING:
    import geopandas
    from odc.geo.geobox import GeoBox
    from pyproj import CRS


@dataclass(frozen=True)
class Features:
    """The features of a layer that satisfy a filter; everything of shape (feature,)."""

    frame: geopandas.GeoDataFrame
    """Their attributes; the index `fid` is the position in the file."""
    geometries: Geometries
    """Valid and two-dimensional, None where missing."""
    labels: tuple[str, ...]
    """A unique name of each."""
    warnings: tuple[str, ...]

    @property
    def crs(self) -> CRS:
        """The CRS of the layer."""
        crs: CRS = self.frame.crs
        return crs

    def onto(self, grid: GeoBox) -> tuple[Geometries, list[dict[str, str]]]:
        """Return the geometries in the CRS of a grid, None for those that are not near it, and the transformation for the record."""
        left, bottom, right, top = grid.boundingbox
        crs = crs_of(grid)
        records = [] if self.crs == crs else [transformation_record("layer", self.crs, crs)]
        return bring(self.geometries, self.crs, (left, bottom, right, top), crs).geometries, records


def read_features(source: Source, where: Where) -> Features:
    """Read the features of a layer that satisfy a filter.

    Raises DataError for a layer without features or without any geometry, and what reading a layer raises.
    """
    whole = read_layer(source)
    if not len(whole) or whole.geometry.isna().all():
        raise DataError(
            f"The layer {source.path.name!r} has no features{' with geometry' if len(whole) else ''}.",
            hint="Check the file, or name another layer.",
        )
    frame = whole[matching(whole, where)]
    geometries, report = repair(frame.geometry.to_numpy(), frame.crs)
    geometries, beyond = wrap_longitudes(geometries, frame.crs)
    said = [*report.warnings()]
    if beyond:
        said.append(f"{beyond} features reach beyond the antimeridian and were split there")
    column = name_column_of(whole.drop(columns="geometry"), source.declared.name_column)
    return Features(frame, geometries, tuple(feature_labels(frame, column)), tuple(said))
