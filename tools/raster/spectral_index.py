"""Compute a spectral index from bands that are found by their role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tools.contract import Fact, Outcome, Source, Tool, ToolContext, ToolOutput
from tools.geotypes import BandRoles, IndexName, Params, PixelMask, RasterRef

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from tools.raster.strips import Values
    from tools.storage.observations import Quality

FILE = "index.tif"


class SpectralIndexParams(Params):
    """Compute a spectral index of a raster, one value per pixel: NDVI (vegetation), MNDWI or NDWI (water), NBR (burns), NDBI (built-up), NDSI (snow), NDMI (moisture) and others. Bands are found by their role. Tells mean, min and max; use the result in zonal_stats for means by zone, in classify for areas above a threshold (water: MNDWI above 0)."""

    raster: RasterRef
    index: IndexName
    bands: BandRoles = Field(default_factory=dict)
    mask: PixelMask = "none"


def resolve(params: SpectralIndexParams, sources: Mapping[str, Source]) -> SpectralIndexParams:
    """Settle which bands are used, so that the key holds what is really done; raise ParameterError for a role that is not there."""
    from tools.geo.indices import INDICES
    from tools.storage.band_roles import bands_of
    from tools.storage.observations import quality_of

    source = sources[params.raster]
    bands = bands_of(source, INDICES[params.index].roles, params.bands)
    if params.mask != "none":
        quality = quality_of(source, params.bands, params.mask)
        bands[quality.role] = quality.band
    return params.model_copy(update={"bands": bands})


def run(params: SpectralIndexParams, context: ToolContext) -> ToolOutput:
    """Write the index as float32 with NaN for nodata, its band described by the name of the index.

    Facts: `mean`, `min`, `max`, `std` (unit 1), `valid_share` (%), and, if there are any, the `count` of pixels where the formula
    divides by zero, which are nodata. The outcome is no coverage where no pixel is left.
    Raises ParameterError for a missing role, a categorical band, and values that are no reflectance where the formula needs it.
    """
    from tools.geo.indices import INDICES
    from tools.storage.limits import check_output_size
    from tools.storage.observations import check_measurements, quality_of
    from tools.storage.rasters import raster_info

    source, index = context.source(params.raster), INDICES[params.index]
    bands = {role: params.bands[role] for role in index.roles}
    check_measurements(source, bands)
    grid = raster_info(source).grid
    check_output_size(grid)
    quality = None if params.mask == "none" else quality_of(source, params.bands, params.mask)
    values = _compute(source, params.index, (bands, quality), grid, context)
    method = {
        "index": params.index,
        "formula": index.formula,
        "source": index.source,
        "bands": bands,
        "mask": quality.text if quality else "none",
    }
    return _output(params, values, grid, method)


def _compute(source: Source, name: str, read: tuple[dict[str, int], Quality | None], grid: GeoBox, context: ToolContext) -> Values:
    import numpy as np

    from tools.geo.band_math import Calculated
    from tools.geo.grid import Window
    from tools.geo.indices import INDICES, check_reflectance
    from tools.geo.moments import Spread
    from tools.raster.strips import values_by_strip
    from tools.storage.cog import BandMark
    from tools.storage.observations import read_seen
    from tools.storage.observed import together
    from tools.storage.rasters import raster_info

    index, (bands, quality) = INDICES[name], read
    brightness = {role: Spread(by_area=False) for role in bands}

    def calculate(window: Window) -> Calculated:
        arrays = read_seen(source, bands, quality, window)
        for role, array in arrays.items():
            brightness[role].add(array, np.ones((1, 1)))
        return index.evaluate(arrays)

    mark = BandMark(name, unit="1", observed=together(raster_info(source, band).observed for band in bands.values()))
    values = values_by_strip(context.folder / FILE, grid, mark, calculate, context.progress)
    if index.needs_reflectance:
        check_reflectance({role: spread.mean for role, spread in brightness.items()})
    return values


def _output(params: SpectralIndexParams, values: Values, grid: GeoBox, method: dict[str, Any]) -> ToolOutput:
    from tools.raster.output import bbox_degrees, undefined_facts, value_facts, weighting

    spread = values.spread
    used = ", ".join(f"{role} (band {band})" for role, band in method["bands"].items())
    share = Fact("valid_share", spread.valid_share, "%")
    facts = (*value_facts(spread, "1"), share, *undefined_facts(values.undefined)) if spread.has_values else (share,)
    kept = "" if params.mask == "none" else f" over pixels that are {params.mask.replace('_', ' ')}"
    return ToolOutput(
        summary=f"Computed {params.index} from {used}{kept}."
        if spread.has_values
        else f"No pixel has a value of {params.index} from {used}{kept}.",
        facts=facts,
        outcome=Outcome.VALUE if spread.has_values else Outcome.NO_COVERAGE,
        files=(FILE,),
        kind="raster",
        warnings=_warnings(params, values),
        method={**method, **weighting(spread)},
        bbox=bbox_degrees(grid),
    )


def _warnings(params: SpectralIndexParams, values: Values) -> tuple[str, ...]:
    from tools.geo.indices import INDICES

    found = []
    if values.undefined:
        found.append(f"In {values.undefined:,} pixels {params.index} divides by zero; they are nodata.")
    if INDICES[params.index].is_ratio and values.spread.has_values and (values.spread.minimum < -1 or values.spread.maximum > 1):
        found.append(f"Some values of {params.index} lie beyond -1 to 1, which only bands with negative values give.")
    return tuple(found)


TOOL = Tool("spectral_index", SpectralIndexParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "numpy"), resolve=resolve)
