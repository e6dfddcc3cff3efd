"""The output of the tool `shapes`: the layer made, a measure of every shape, and what was done."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np
import shapely

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.errors import DataError
from tools.geo.frame import Floats
from tools.geo.measure import WGS84, area_method, geodesic_area, geodesic_length
from tools.geo.rings import Geometries, Indexes
from tools.geo.transform import is_known, transform
from tools.geo.vicinity import lonlat_bounds
from tools.storage.vectors import attribute_columns, write_layer
from tools.vector.layers import AREA_COLUMN, LENGTH_COLUMN, Layer
from tools.vector.repeats import PART_OF, mark_parts
from tools.vector.report import SEARCHED
from tools.vector.rows import FID, as_layer
from tools.vector.shaped import Shaped

if TYPE_CHECKING:
    import geopandas

    from tools.vector.shapes import ShapesParams

FILE = "shapes.parquet"


def nothing(layer: Layer) -> ToolOutput:
    """Report that no feature satisfies the filter."""
    return ToolOutput(
        summary="No feature satisfies the conditions, so no shape was made.",
        facts=(Fact("count", 0, "count"), Fact(SEARCHED, layer.total, "count")),
        outcome=Outcome.TRUE_ZERO if not layer.absent else Outcome.NO_COVERAGE,
        warnings=(*layer.warnings, *(absent.warning for absent in layer.absent)),
        bbox=lonlat_bounds(layer.bounds, layer.crs),
    )


def report(params: ShapesParams, layer: Layer, shaped: Shaped, context: ToolContext) -> ToolOutput:
    """Write the shapes and measure them; raise DataError where none could be made."""
    made = ~shapely.is_missing(shaped.geometries)
    if not made.any():
        raise DataError(
            f"The features have no {params.operation.replace('_', ' ')}.", hint="Check the kind of the features with describe_dataset."
        )
    measured = _measured(layer, shaped)
    write_layer(context.folder / FILE, as_layer(_frame(layer, shaped, measured)))
    shapes = int(made.sum())
    measures = _facts(layer, shaped, measured) if shaped.unit_measures else ()
    return ToolOutput(
        summary=f"{params.operation.replace('_', ' ')}: {shapes:,} shapes from {len(layer.frame):,} features.",
        facts=(Fact("count", shapes, "count"), *shaped.facts, *measures),
        files=(FILE,),
        kind="vector",
        warnings=(*layer.warnings, *(absent.warning for absent in layer.absent), *shaped.warnings),
        method={**area_method(layer.crs), **shaped.method},
        bbox=_bbox(shaped.geometries[made], layer),
    )


@dataclass(frozen=True)
class Measured:
    """Measures of every shape, shape (shape,)."""

    areas: Floats
    lengths: Floats
    dimensions: Indexes

    def columns(self, kept: Indexes) -> dict[str, Floats]:
        """Return the computed columns that fit the shapes at these positions."""
        there = self.dimensions[kept]
        found = {AREA_COLUMN: (2, self.areas), LENGTH_COLUMN: (1, self.lengths)}
        return {name: values[kept] for name, (dimension, values) in found.items() if (there == dimension).any()}


def _measured(layer: Layer, shaped: Shaped) -> Measured:
    geometries = shaped.geometries
    return Measured(geodesic_area(geometries, layer.crs), geodesic_length(geometries, layer.crs), shapely.get_dimensions(geometries))


def _facts(layer: Layer, shaped: Shaped, measured: Measured) -> tuple[Fact, ...]:
    """Return the area of each polygon, the length of each line, the place of each point."""
    points = shaped.geometries.copy()
    points[measured.dimensions != 0] = None
    lonlat = transform(points, layer.crs, WGS84) if is_known(layer.crs, WGS84) else None
    facts = []
    for position, subject in enumerate(shaped.subjects):
        if measured.dimensions[position] == 2:
            facts.append(Fact("area", float(measured.areas[position]), "m2", subject))
        elif measured.dimensions[position] == 1:
            facts.append(Fact("length", float(measured.lengths[position]), "m", subject))
        elif lonlat is not None and shapely.get_type_id(lonlat[position]) == 0:
            lon, lat = shapely.get_coordinates(lonlat[position])[0]
            facts += [Fact("longitude", float(lon), "degree", subject), Fact("latitude", float(lat), "degree", subject)]
    return tuple(facts)


def _frame(layer: Layer, shaped: Shaped, measured: Measured) -> geopandas.GeoDataFrame:
    """Return a row per shape: with the attributes of its feature, or with the values of its group."""
    import geopandas

    kept = np.flatnonzero(~shapely.is_missing(shaped.geometries))
    geometries = list(shaped.geometries[kept])
    columns = measured.columns(kept)
    if shaped.rows is None:
        subjects = [shaped.subjects[position] for position in kept]
        groups = {key: [subject[key] for subject in subjects] for key in subjects[0]}
        return geopandas.GeoDataFrame({**groups, **columns}, geometry=geometries, crs=layer.crs)
    frame = layer.frame.iloc[[shaped.rows[position] for position in kept]]
    own = frame.assign(**{FID: frame.index}, **columns).reset_index(drop=True)
    made = own.set_geometry(geopandas.GeoSeries(geometries, crs=layer.crs))
    return _parts(made, layer) if frame.index.has_duplicates else made


def _parts(made: geopandas.GeoDataFrame, layer: Layer) -> geopandas.GeoDataFrame:
    """Note of which feature each row is a part, so that its numbers count once in a sum."""
    key = next(name for name in chain([PART_OF], (f"{PART_OF}_{number}" for number in count(2))) if name not in made.columns)
    named = made.rename(columns={FID: key})
    mark_parts(named, key, layer.frame, attribute_columns(layer.frame))
    return named


def _bbox(geometries: Geometries, layer: Layer) -> tuple[float, float, float, float]:
    left, bottom, right, top = (float(value) for value in shapely.total_bounds(geometries))
    return lonlat_bounds((left, bottom, right, top), layer.crs)
