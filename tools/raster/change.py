"""Compare a place at two times: which classes became which, or how values changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tools.contract import Source, Tool, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geotypes import Params, RasterRef

if TYPE_CHECKING:
    from tools.storage.rasters import RasterInfo


class ChangeParams(Params):
    """Compare two rasters of the same place and grid, an earlier and a later one. Classes (land cover, classify results): the area that went from each class to each other, and what every class gained, lost and changed on balance. Values (an index, heights): the difference after - before, its mean, min and max, and the share that increased and decreased."""

    before: RasterRef
    after: RasterRef
    band: int = Field(default=1, ge=1, description="Band number in both rasters, from 1.")
    after_band: int | None = Field(default=None, ge=1, description="Band number in 'after', where it is another than in 'before'.")
    kind: Literal["auto", "classes", "values"] = Field(
        default="auto",
        description="Compare as classes or as values; 'auto' goes by what the bands are, whole numbers of unknown meaning are values.",
    )
    tolerance: float = Field(default=0.0, ge=0, description="Values only: a difference of at most this, in the band's unit, is no change.")


def resolve(params: ChangeParams, sources: Mapping[str, Source]) -> ChangeParams:
    """Settle what is compared and how, so that the key holds what is really done; raise ParameterError where the two do not fit."""
    from tools.storage.rasters import raster_info

    after_band = params.after_band or params.band
    before, after = raster_info(sources[params.before], params.band), raster_info(sources[params.after], after_band)
    return params.model_copy(update={"after_band": after_band, "kind": _kind(params, before, after)})


def _kind(params: ChangeParams, before: RasterInfo, after: RasterInfo) -> Literal["classes", "values"]:
    kinds = {before.value_kind, after.value_kind}
    if params.kind == "classes" and "continuous" in kinds:
        raise ParameterError("A band holds measured values, which are no classes.", hint="Classify both first, or compare them as values.")
    if params.kind == "values" and "categorical" in kinds:
        raise ParameterError("A band holds classes, whose numbers have no difference.", hint="Compare them as classes.")
    if params.kind != "auto":
        return params.kind
    if kinds == {"categorical", "continuous"}:
        raise ParameterError(
            f"The raster {params.before!r} is {before.value_kind} and {params.after!r} is {after.value_kind}, so they cannot be compared.",
            hint="Classify the one that holds values first, with the same classes.",
        )
    return "classes" if "categorical" in kinds else "values"


def run(params: ChangeParams, context: ToolContext) -> ToolOutput:
    """Write the transitions as classes, or the difference; only pixels that are valid in both count.

    Raises ParameterError for different grids, units or bands, LimitError for rasters that are too large.
    """
    from tools.raster.output import check_same_grid
    from tools.raster.transitions import class_change
    from tools.raster.value_change import value_change
    from tools.storage.limits import check_output_size
    from tools.storage.rasters import raster_info

    after_band = params.after_band or params.band
    sources = context.source(params.before), context.source(params.after)
    infos = raster_info(sources[0], params.band), raster_info(sources[1], after_band)
    check_same_grid({params.before: infos[0].grid, params.after: infos[1].grid})
    check_output_size(infos[0].grid)
    measure = class_change if params.kind == "classes" else value_change
    return measure(params, context, infos)


TOOL = Tool("change", ChangeParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "numpy"), resolve=resolve)
