"""Turn a raster of values into a raster of classes by ranges."""

from __future__ import annotations

from pydantic import Field, model_validator

from tools.contract import Fact, Outcome, Tool, ToolContext, ToolOutput
from tools.errors import LimitError
from tools.geotypes import Params, RasterRef


class ClassRange(Params):
    """One class: the values between two limits (or lists of values)."""

    label: str = Field(min_length=1, max_length=80, description="Name of the class.")
    min: float | None = Field(default=None, description="Lower limit, in the band's unit; none = open.")
    max: float | None = Field(default=None, description="Upper limit, in the band's unit; none = open.")
    min_inclusive: bool = Field(default=True, description="Whether the lower limit belongs to the class.")
    max_inclusive: bool = Field(default=False, description="Whether the upper limit belongs to the class.")
    values: list[float] = Field(default_factory=list, description="Instead of limits: the exact values of the class.")

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


CLASS_FILE = "classes.tif"
OTHER = "other"


def run(params: ClassifyParams, context: ToolContext) -> ToolOutput:
    """Write the class raster: class 1 … n in the order given, then `other`; nodata is 0 and stays nodata.

    Facts: `area` (m2) and `share` (% of the valid area) of every class, `valid_share` (%). The outcome is a true zero where
    all classes asked for cover nothing, and no coverage where every pixel is nodata.
    Raises ParameterError for classes that overlap, are too many, or a band that does not exist; LimitError for a raster that
    is too large.
    """
    import numpy as np

    from tools.geo.grid import window_grid
    from tools.geo.pixels import pixel_area_m2
    from tools.raster.ranges import check_apart, codes_of
    from tools.storage.rasters import iter_strips, raster_info, read_band, write_class_raster

    check_apart(params.classes)
    source = context.source(params.raster)
    info = raster_info(source, params.band)
    _check_size(info.height * info.width)
    codes = np.zeros((info.height, info.width), "uint8")
    area_m2 = np.zeros(len(params.classes) + 2)
    for window in iter_strips(info.height, info.width):
        strip = codes_of(read_band(source, params.band, window), params.classes)
        row, _, height, _ = window
        codes[row : row + height] = strip
        pixel_m2 = np.broadcast_to(pixel_area_m2(window_grid(info.grid, window)), strip.shape)
        area_m2 += np.bincount(strip.ravel(), weights=pixel_m2.ravel(), minlength=len(area_m2))
    labels = [*(each.label for each in params.classes), OTHER]
    write_class_raster(context.folder / CLASS_FILE, codes, info.grid, dict(enumerate(labels, start=1)))
    return _output(labels, [float(area) for area in area_m2], info.value_kind == "unknown")


def _check_size(pixels: int) -> None:
    from tools.settings import ToolSettings

    limit = ToolSettings().max_output_pixels
    if pixels > limit:
        raise LimitError(
            f"The class raster would have {pixels:,} pixels, more than the limit of {limit:,}.",
            hint="Cut the raster to the area of interest first, or raise TERRACITE_MAX_OUTPUT_PIXELS.",
        )


def _output(labels: list[str], area_m2: list[float], assumed: bool) -> ToolOutput:
    """Report the areas; `area_m2` starts with that of nodata."""
    valid, whole = sum(area_m2[1:]), sum(area_m2)
    if valid == 0:
        return ToolOutput("Every pixel of the raster is nodata.", outcome=Outcome.NO_COVERAGE, files=(CLASS_FILE,), kind="raster")
    facts = [
        fact
        for label, area in zip(labels, area_m2[1:], strict=True)
        for fact in (Fact("area", area, "m2", {"class": label}), Fact("share", 100 * area / valid, "%", {"class": label}))
    ]
    return ToolOutput(
        summary=f"Classified the raster into {', '.join(labels)}.",
        facts=(*facts, Fact("valid_share", min(100.0, 100 * valid / whole), "%")),
        outcome=Outcome.VALUE if sum(area_m2[1:-1]) else Outcome.TRUE_ZERO,
        files=(CLASS_FILE,),
        kind="raster",
        warnings=("Whether the whole-number values are quantities or classes is not declared; they were taken as quantities.",)
        if assumed
        else (),
        method={"area": "true area of every pixel on the ellipsoid", "share": "of the valid area"},
    )


TOOL = Tool("classify", ClassifyParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "numpy"))
