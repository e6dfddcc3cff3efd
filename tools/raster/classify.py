"""Turn a raster of values into a raster of classes by ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from tools.contract import Outcome, Source, Tool, ToolContext, ToolOutput
from tools.geotypes import MOST_VALUES, Params, RasterRef

if TYPE_CHECKING:
    from tools.raster.strips import ClassAreas
    from tools.storage.rasters import RasterInfo


class ClassRange(Params):
    """One class: the values between two limits (or lists of values)."""

    label: str = Field(min_length=1, max_length=80, description="Name of the class.")
    min: float | None = Field(default=None, description="Lower limit, in the band's unit; none = open.")
    max: float | None = Field(default=None, description="Upper limit, in the band's unit; none = open.")
    min_inclusive: bool = Field(default=True, description="Whether the lower limit belongs to the class.")
    max_inclusive: bool = Field(default=False, description="Whether the upper limit belongs to the class.")
    values: list[float | str] = Field(
        default_factory=list,
        max_length=MOST_VALUES,
        description="Instead of limits: the exact values, or names of classes of the raster, that become this class.",
    )

    @model_validator(mode="after")
    def _limits(self) -> ClassRange:
        if bool(self.values) == (self.min is not None or self.max is not None):
            raise ValueError(f"class {self.label!r}: give 'min' and/or 'max', or 'values'")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"class {self.label!r}: min {self.min} is greater than max {self.max}")
        if self.min is not None and self.min == self.max and not (self.min_inclusive and self.max_inclusive):
            raise ValueError(f"class {self.label!r} holds no value: min and max are both {self.min} and not both belong to it")
        return self


class ClassifyParams(Params):
    """Turn a raster of values into classes by thresholds or ranges, e.g. depth of 1 or more. Values in no range become the class 'other'. Tells the area of each class; use the result in zonal_stats with classes for areas by zone."""

    raster: RasterRef
    band: int = Field(default=1, ge=1, description="Band number, from 1.")
    classes: list[ClassRange] = Field(min_length=1, max_length=200, description="The classes; they must not overlap.")


def resolve(params: ClassifyParams, sources: Mapping[str, Source]) -> ClassifyParams:
    """Turn names of classes into values, so that the key holds what is really done; raise ParameterError for one that is not there."""
    from tools.raster.class_values import class_values
    from tools.storage.rasters import raster_info

    if not any(each.values for each in params.classes):
        return params
    info = raster_info(sources[params.raster], params.band)
    settled = [each.model_copy(update={"values": class_values(each.values, info)}) for each in params.classes]
    return params.model_copy(update={"classes": settled})


CLASS_FILE = "classes.tif"
OTHER = "other"


def run(params: ClassifyParams, context: ToolContext) -> ToolOutput:
    """Write the class raster: class 1 … n in the order given, then `other`; nodata is 0 and stays nodata.

    Facts: `area` (m2) and `share` (% of the valid area) of every class, `valid_share` (%). The outcome is a true zero where
    all classes asked for cover nothing, and no coverage where every pixel is nodata.
    Raises ParameterError for classes that overlap, are too many, or a band that does not exist; LimitError for a raster that
    is too large.
    """
    from tools.raster.ranges import check_apart, codes_of
    from tools.raster.strips import classes_by_strip
    from tools.storage.cog import BandMark
    from tools.storage.limits import check_output_size
    from tools.storage.rasters import raster_info, read_band

    check_apart(params.classes)
    source = context.source(params.raster)
    info = raster_info(source, params.band)
    check_output_size(info.grid)
    labels = [*(each.label for each in params.classes), OTHER]
    areas = classes_by_strip(
        context.folder / CLASS_FILE,
        info.grid,
        labels,
        lambda window: codes_of(read_band(source, params.band, window), params.classes),
        context.progress,
        BandMark(observed=info.observed),
    )
    return _output(labels, areas, info)


def _output(labels: list[str], areas: ClassAreas, info: RasterInfo) -> ToolOutput:
    from tools.geo.certainty import BORDER_METHOD, pixel_size_fact
    from tools.geo.pixels import area_method
    from tools.raster.output import bbox_degrees, class_facts

    bbox = bbox_degrees(info.grid)
    if not areas.valid_area_m2:
        return ToolOutput(
            "Every pixel of the raster is nodata.", outcome=Outcome.NO_COVERAGE, files=(CLASS_FILE,), kind="raster", bbox=bbox
        )
    return ToolOutput(
        summary=f"Classified the raster into {', '.join(labels)}.",
        facts=(*class_facts(labels, areas), *pixel_size_fact(info.grid)),
        outcome=Outcome.VALUE if areas.area_m2[1:-1].any() else Outcome.TRUE_ZERO,
        files=(CLASS_FILE,),
        kind="raster",
        warnings=("Whether the whole-number values are quantities or classes is not declared; they were taken as quantities.",)
        if info.value_kind == "unknown"
        else (),
        method={"area": area_method(info.grid), "share": "of the valid area", "uncertainty": [BORDER_METHOD]},
        bbox=bbox,
    )


TOOL = Tool("classify", ClassifyParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "numpy"), resolve=resolve)
