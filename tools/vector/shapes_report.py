"""The output of the tool `shapes`: the layer made, a measure of every shape, and what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.errors import DataError
from tools.geo.measure import WGS84, area_method, geodesic_area, geodesic_length
from tools.geo.rings import Geometries
from tools.geo.transform import transform
from tools.geo.vicinity import lonlat_bounds
from tools.storage.vectors import write_layer
from tools.vector.layers import AREA_COLUMN, LENGTH_COLUMN, Layer
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
    frame = _frame(layer, shaped)
    write_layer(context.folder / FILE, as_layer(frame))
    count = int(made.sum())
    measures = _measures(layer, shaped) if shaped.unit_measures else ()
    return ToolOutput(
        summary=f"{params.operation.replace('_', ' ')}: {count:,} shapes from {len(layer.frame):,} features.",
        facts=(Fact("count", count, "count"), *shaped.facts, *measures),
        files=(FILE,),
        kind="vector",
        warnings=(*layer.warnings, *(absent.warning for absent in layer.absent), *shaped.warnings),
        method={**area_method(layer.crs), **shaped.method},
        bbox=_bbox(shaped.geometries[made], layer),
    )


def _measures(layer: Layer, shaped: Shaped) -> tuple[Fact, ...]:
    """Return the area of each polygon, the length of each line, the place of each point."""
    geometries = shaped.geometries
    dimensions = shapely.get_dimensions(geometries)
    facts = []
    points = geometries.copy()
    points[dimensions != 0] = None
    lonlat = transform(points, layer.crs, WGS84)
    areas, lengths = geodesic_area(geometries, layer.crs), geodesic_length(geometries, layer.crs)
    for position, subject in enumerate(shaped.subjects):
        if dimensions[position] == 2:
            facts.append(Fact("area", float(areas[position]), "m2", subject))
        elif dimensions[position] == 1:
            facts.append(Fact("length", float(lengths[position]), "m", subject))
        elif shapely.get_type_id(geometries[position]) == 0:
            lon, lat = shapely.get_coordinates(lonlat[position])[0]
            facts += [Fact("longitude", float(lon), "degree", subject), Fact("latitude", float(lat), "degree", subject)]
    return tuple(facts)


def _frame(layer: Layer, shaped: Shaped) -> geopandas.GeoDataFrame:
    """Return a row per shape: with the attributes of its feature, or with the values of its group."""
    import geopandas

    kept = np.flatnonzero(~shapely.is_missing(shaped.geometries))
    geometries: Geometries = shaped.geometries[kept]
    columns: dict[str, Any] = {}  # Any: texts, an index, arrays of numbers
    dimensions = shapely.get_dimensions(geometries)
    if (dimensions == 2).any():
        columns[AREA_COLUMN] = geodesic_area(geometries, layer.crs)
    if (dimensions == 1).any():
        columns[LENGTH_COLUMN] = geodesic_length(geometries, layer.crs)
    subjects = [shaped.subjects[position] for position in kept]
    if shaped.rows is None:
        groups = {key: [subject[key] for subject in subjects] for key in subjects[0]}
        return geopandas.GeoDataFrame({**groups, **columns}, geometry=list(geometries), crs=layer.crs)
    rows = [shaped.rows[position] for position in kept]
    frame = layer.frame.iloc[rows]
    own = frame.assign(**{FID: frame.index}, **columns).reset_index(drop=True)
    return own.set_geometry(geopandas.GeoSeries(list(geometries), crs=layer.crs))


def _bbox(geometries: Geometries, layer: Layer) -> tuple[float, float, float, float]:
    left, bottom, right, top = (float(value) for value in shapely.total_bounds(geometries))
    return lonlat_bounds((left, bottom, right, top), layer.crs)
