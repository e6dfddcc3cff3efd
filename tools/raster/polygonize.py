"""Turn the classes of a raster into polygons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tools.contract import Fact, Outcome, Tool, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geotypes import Params, RasterRef

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tools.geo.band_math import MaskedArray
    from tools.geo.grid import Window
    from tools.storage.rasters import RasterInfo
    from tools.storage.shapes import Codes

FILE = "polygons.parquet"
MOST_UNKNOWN_CLASSES = 1000
"""More distinct whole numbers of unknown meaning than this are not class codes."""


class PolygonizeParams(Params):
    """Turn the classes of a raster (land cover, a classify or segment result) into a layer of polygons, one per connected patch, with its class and true area. Use it to count patches, to find the largest, or to join classes with other layers."""

    raster: RasterRef
    band: int = Field(default=1, ge=1, description="Band number, from 1; it must hold classes.")
    classes: list[str] = Field(default_factory=list, description="Labels (or values as text) of the classes to keep; empty = all.")
    connectivity: Literal[4, 8] = Field(
        default=4, description="4: pixels that share an edge are one patch; 8: also those that share only a corner."
    )
    minimum_area: float = Field(default=0.0, ge=0, description="Leave out patches smaller than this, in m2 of true area.")


@dataclass(frozen=True)
class Patches:
    """The polygons, and what was left out; arrays of shape (polygon,)."""

    geometries: NDArray[np.object_]
    labels: list[str]
    values: list[float]
    area_m2: NDArray[np.float64]
    dropped: int
    """Patches below the minimum area."""
    dropped_m2: float


def run(params: PolygonizeParams, context: ToolContext) -> ToolOutput:
    """Write the layer: columns `class`, `value`, `area_m2`; one row per patch, by class, then from the first row and column on.

    Facts: `count` of the patches and of those of each class; `area` (m2) of each class and of all together; nodata is no polygon. The outcome
    is a true zero where the classes asked for do not occur, and no coverage where every pixel is nodata.
    Raises ParameterError for measured values and for a class that the raster does not have, LimitError for too many patches.
    """
    from tools.storage.limits import check_output_size
    from tools.storage.rasters import raster_info

    info = raster_info(context.source(params.raster), params.band)
    if info.value_kind == "continuous":
        raise ParameterError(
            f"Band {params.band} holds measured values, which form no patches.",
            hint="Classify it first by ranges of values (classify), then polygonize the result.",
        )
    check_output_size(info.grid)
    values = _values(params, context, info)
    if not values:
        return _nothing(params, context, info, Outcome.NO_COVERAGE)
    wanted = _wanted(params, values, info)
    if not wanted:
        return _nothing(params, context, info, Outcome.TRUE_ZERO)
    patches = _patches(params, context, (values, wanted), info)
    _write(context, patches, info)
    return _output(params, patches, info)


def _values(params: PolygonizeParams, context: ToolContext, info: RasterInfo) -> list[float]:
    """Return the values that occur, ascending."""
    import numpy as np

    from tools.storage.rasters import band_array, iter_strips, open_raster

    found = np.zeros(0, info.dtype)
    with open_raster(context.source(params.raster)) as dataset:
        for window in iter_strips(info.height, info.width):
            found = np.union1d(found, band_array(dataset, params.band, window).compressed())
            if info.value_kind == "unknown" and len(found) > MOST_UNKNOWN_CLASSES:
                raise ParameterError(
                    f"The band has more than {MOST_UNKNOWN_CLASSES:,} different values, which are hardly classes.",
                    hint="Classify it first; or, where they are codes, add the raster with --kind categorical.",
                )
            context.progress(0.2 * (window[0] + window[2]) / info.height)
    return [float(value) for value in found.tolist()]


def _wanted(params: PolygonizeParams, values: list[float], info: RasterInfo) -> list[int]:
    """Return the class numbers to keep, counted from 1; raise ParameterError for a class that the raster does not know."""
    known = {info.name_of(value).casefold(): info.name_of(value) for value in values}
    known |= {label.casefold(): label for label in info.classes.values()}
    if missing := [name for name in params.classes if name.casefold() not in known]:
        raise ParameterError(
            f"The raster has no class {', '.join(map(repr, missing))}.", hint=f"Its classes are: {', '.join(sorted(known.values())[:40])}."
        )
    asked = {name.casefold() for name in params.classes} or set(known)
    return [number for number, value in enumerate(values, start=1) if info.name_of(value).casefold() in asked]


def _patches(params: PolygonizeParams, context: ToolContext, classes: tuple[list[float], list[int]], info: RasterInfo) -> Patches:
    """Trace the classes, measure every patch, and leave out the small ones."""
    from tools.geo.measure import geodesic_area
    from tools.settings import ToolSettings
    from tools.storage.rasters import band_array, open_raster
    from tools.storage.shapes import trace_shapes

    values, wanted = classes
    with open_raster(context.source(params.raster)) as dataset:
        codes = _codes(lambda window: band_array(dataset, params.band, window), values, wanted, info)
        traced = trace_shapes(context.folder / FILE, codes, params.connectivity, ToolSettings().max_features, context.progress)
    geometries, numbers = traced
    area_m2 = geodesic_area(geometries, info.crs)
    large = area_m2 >= params.minimum_area
    found = [values[number - 1] for number in numbers[large].tolist()]
    labels = [info.name_of(value) for value in found]
    return Patches(geometries[large], labels, found, area_m2[large], int((~large).sum()), float(area_m2[~large].sum()))


def _codes(read: Callable[[Window], MaskedArray], values: list[float], wanted: list[int], info: RasterInfo) -> Codes:
    """Return what gives the number of the class of every pixel, from 1 in the order of the values; 0 for nodata and what is not wanted."""
    import numpy as np

    from tools.storage.shapes import Codes

    dtype = "uint8" if len(values) < 1 << 8 else "uint16" if len(values) < 1 << 16 else "int32"
    known, numbers = np.asarray(values), np.zeros(len(values), dtype)
    numbers[np.asarray(wanted) - 1] = wanted

    def strip(window: Window) -> NDArray[np.int32]:
        band = read(window)
        at = np.searchsorted(known, np.where(np.ma.getmaskarray(band), known[0], band.data))
        codes: NDArray[np.int32] = np.where(np.ma.getmaskarray(band), 0, numbers[at]).astype(dtype)
        return codes

    return Codes(info.grid, dtype, strip)


def _write(context: ToolContext, patches: Patches, info: RasterInfo) -> None:
    import geopandas

    from tools.storage.vectors import write_layer

    columns = {"class": patches.labels, "value": patches.values, "area_m2": patches.area_m2}
    write_layer(context.folder / FILE, geopandas.GeoDataFrame(columns, geometry=patches.geometries, crs=info.crs))


def _output(params: PolygonizeParams, patches: Patches, info: RasterInfo) -> ToolOutput:
    from tools.geo.measure import area_method
    from tools.raster.output import bbox_degrees

    count = len(patches.labels)
    assumed = ("Whether the whole numbers are classes is not declared; they were taken as classes.",)
    left_out = (f"{patches.dropped:,} patches below {params.minimum_area:g} m2, {patches.dropped_m2:.0f} m2 in all, were left out.",)
    return ToolOutput(
        summary=f"Traced {count} {'patch' if count == 1 else 'patches'} of {', '.join(sorted(set(patches.labels))[:20]) or 'no class'}.",
        facts=_facts(patches),
        outcome=Outcome.VALUE if count else Outcome.TRUE_ZERO,
        files=(FILE,),
        kind="vector",
        warnings=(*(assumed if info.value_kind == "unknown" else ()), *(left_out if patches.dropped else ())),
        method={**area_method(info.crs), "connectivity": params.connectivity, "edges": "those of the pixels, not smoothed"},
        bbox=bbox_degrees(info.grid),
    )


def _facts(patches: Patches) -> tuple[Fact, ...]:
    """Return count and area of all patches, then of each class by name, where there are several."""
    counts, areas = dict.fromkeys(sorted(set(patches.labels)), 0), dict.fromkeys(sorted(set(patches.labels)), 0.0)
    for label, area in zip(patches.labels, patches.area_m2.tolist(), strict=True):
        counts[label] += 1
        areas[label] += area
    facts = [Fact("count", len(patches.labels), "count"), Fact("area", float(patches.area_m2.sum()), "m2")]
    for label, count in counts.items():
        facts += [Fact("count", count, "count", {"class": label}), Fact("area", areas[label], "m2", {"class": label})]
    return tuple(facts)


def _nothing(params: PolygonizeParams, context: ToolContext, info: RasterInfo, outcome: Outcome) -> ToolOutput:
    """Write a layer without features: nothing is there, or nothing is known."""
    import numpy as np

    from tools.raster.output import bbox_degrees

    none = Patches(np.zeros(0, object), [], [], np.zeros(0), 0, 0.0)
    _write(context, none, info)
    is_covered = outcome is Outcome.TRUE_ZERO
    return ToolOutput(
        summary=f"No pixel is of the class {', '.join(params.classes)}." if is_covered else "Every pixel of the raster is nodata.",
        facts=(Fact("count", 0, "count"), Fact("area", 0.0, "m2")) if is_covered else (Fact("valid_share", 0.0, "%"),),
        outcome=outcome,
        files=(FILE,),
        kind="vector",
        bbox=bbox_degrees(info.grid),
    )


TOOL = Tool(
    "polygonize",
    PolygonizeParams,
    run,
    "pure",
    libraries=("rasterio", "odc-geo", "pyproj", "numpy", "shapely", "geopandas", "pyarrow", "pandas"),
)
