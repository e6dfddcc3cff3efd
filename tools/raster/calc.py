"""Compute a raster from an expression over bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from tools.contract import Fact, Outcome, Tool, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geotypes import Params, RasterRef

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from tools.geo.band_math import Calculated
    from tools.geo.grid import Window

FILE = "calculated.tif"
YES, NO = 1, 2
WIDE = ("int32", "uint32", "int64", "uint64", "float64")
"""Types whose values float32 cannot hold exactly."""
LABELS = ("true", "false")
"""Of the codes 1 and 2."""
"""Classes of a condition; 0 is nodata."""


class CalcBand(Params):
    """One band that the expression names."""

    raster: RasterRef
    band: int = Field(default=1, ge=1, description="Band number, from 1.")


class RasterCalcParams(Params):
    """Compute a raster pixel by pixel from an expression over bands, e.g. (a - b) / 2 or where(depth > 1, depth, 0). All rasters must be on one grid. A condition, e.g. (depth > 1) & (slope < 5), gives classes 'true' and 'false' with their areas; numbers give mean, min and max. For a known index use spectral_index, for classes by ranges classify, for two dates change."""

    expression: str = Field(
        min_length=1,
        max_length=2000,
        description="Over the names in 'rasters': numbers, + - * / **, comparisons, & | ~ with every condition in parentheses, where(condition, a, b), abs, sqrt, log (natural), log10, exp, minimum, maximum, clip(x, low, high).",
    )
    rasters: dict[str, CalcBand] = Field(
        min_length=1, max_length=26, description='Name in the expression → band, e.g. {"depth": {"raster": "flood", "band": 1}}.'
    )

    @field_validator("rasters")
    @classmethod
    def _names_are_words(cls, rasters: dict[str, CalcBand]) -> dict[str, CalcBand]:
        for name in rasters:
            if not (name.isascii() and name.isidentifier()):
                raise ValueError(f"{name!r} cannot be a name in an expression; use letters, digits and _, e.g. 'depth'")
        return rasters


def run(params: RasterCalcParams, context: ToolContext) -> ToolOutput:
    """Write the result: float32 with NaN for nodata (float64 where a band holds more digits), or the classes of a condition.

    Facts of numbers: `mean`, `min`, `max`, `std` (unit unspecified), `valid_share`; of a condition: `area` (m2) and `share`
    (%) of the classes true and false, `valid_share`. A `count` tells the pixels where the arithmetic has no result, which
    are nodata. Raises ParameterError for rasters on different grids, LimitError for one that is too large.
    """
    from tools.geo.band_math import is_condition
    from tools.raster.output import check_same_grid
    from tools.storage.limits import check_output_size
    from tools.storage.rasters import raster_info

    _check_names(params)
    infos = {name: raster_info(context.source(each.raster), each.band) for name, each in params.rasters.items()}
    check_same_grid({params.rasters[name].raster: info.grid for name, info in infos.items()})
    grid = next(iter(infos.values())).grid
    check_output_size(grid)
    if is_condition(params.expression):
        return _condition(params, context, grid)
    wide = any(info.dtype in WIDE for info in infos.values())
    return _numbers(params, context, grid, "float64" if wide else "float32")


def _check_names(params: RasterCalcParams) -> None:
    from tools.geo.band_math import names_in

    used = names_in(params.expression)
    if unknown := sorted(used - set(params.rasters)):
        raise ParameterError(
            f"The expression names {', '.join(map(repr, unknown))}, which 'rasters' does not.",
            hint=f"The names are: {', '.join(params.rasters)}.",
        )
    if unused := sorted(set(params.rasters) - used):
        raise ParameterError(f"The expression does not use {', '.join(map(repr, unused))}.", hint="Leave out what is not used.")


def _calculate(params: RasterCalcParams, context: ToolContext, window: Window) -> Calculated:
    from tools.geo.band_math import calculate
    from tools.storage.rasters import read_band

    bands = {name: read_band(context.source(each.raster), each.band, window) for name, each in params.rasters.items()}
    return calculate(params.expression, bands)


def _numbers(params: RasterCalcParams, context: ToolContext, grid: GeoBox, dtype: str) -> ToolOutput:
    from tools.raster.output import bbox_degrees, undefined_facts, value_facts, weighting
    from tools.raster.strips import values_by_strip
    from tools.storage.cog import BandMark

    values = values_by_strip(
        context.folder / FILE, grid, BandMark(), lambda window: _calculate(params, context, window), context.progress, dtype
    )
    spread, share = values.spread, Fact("valid_share", values.spread.valid_share, "%")
    return ToolOutput(
        summary=f"Computed {params.expression}." if spread.has_values else f"No pixel has a value of {params.expression}.",
        facts=(*value_facts(spread, "unspecified"), share, *undefined_facts(values.undefined)) if spread.has_values else (share,),
        outcome=Outcome.VALUE if spread.has_values else Outcome.NO_COVERAGE,
        files=(FILE,),
        kind="raster",
        warnings=_warnings(values.undefined),
        method={**_method(params), **weighting(spread)},
        bbox=bbox_degrees(grid),
    )


def _condition(params: RasterCalcParams, context: ToolContext, grid: GeoBox) -> ToolOutput:
    import numpy as np

    from tools.geo.pixels import area_method
    from tools.raster.output import bbox_degrees, class_facts, undefined_facts
    from tools.raster.strips import classes_by_strip

    undefined = 0

    def codes(window: Window) -> NDArray[np.uint8]:
        nonlocal undefined
        part = _calculate(params, context, window)
        undefined += part.undefined
        return np.where(np.ma.getmaskarray(part.values), 0, np.where(part.values.data, YES, NO)).astype("uint8")

    areas = classes_by_strip(context.folder / FILE, grid, LABELS, codes, context.progress)
    valid = areas.valid_area_m2 > 0
    found = (Outcome.VALUE if areas.area_m2[YES] else Outcome.TRUE_ZERO) if valid else Outcome.NO_COVERAGE
    facts = class_facts(LABELS, areas) if valid else (Fact("valid_share", 0.0, "%"),)
    return ToolOutput(
        summary=f"Told where {params.expression} is true." if valid else f"No pixel tells whether {params.expression} is true.",
        facts=(*facts, *undefined_facts(undefined)),
        outcome=found,
        files=(FILE,),
        kind="raster",
        warnings=_warnings(undefined),
        method={**_method(params), "area": area_method(grid), "share": "of the valid area"},
        bbox=bbox_degrees(grid),
    )


def _method(params: RasterCalcParams) -> dict[str, object]:
    return {
        "expression": params.expression,
        "bands": {name: each.band for name, each in sorted(params.rasters.items())},
        "arithmetic": "float64; nodata where a value that the result depends on is nodata",
    }


def _warnings(undefined: int) -> tuple[str, ...]:
    if not undefined:
        return ()
    return (f"In {undefined:,} pixels the expression has no finite result, e.g. by a division by zero; they are nodata.",)


TOOL = Tool("raster_calc", RasterCalcParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "numpy"))
