"""Turn a raster of values into a raster of classes by ranges."""

from __future__ import annotations

from pydantic import Field, model_validator

from tools.contract import Tool, ToolContext, ToolOutput
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
        return self


class ClassifyParams(Params):
    """Turn a raster of values into classes by thresholds or ranges, e.g. depth of 1 or more. Values in no range become the class 'other'. Tells the area of each class; use the result in zonal_stats with classes for areas by zone."""

    raster: RasterRef
    band: int = Field(default=1, ge=1, description="Band number, from 1.")
    classes: list[ClassRange] = Field(min_length=1, max_length=200, description="The classes; they must not overlap.")


def run(params: ClassifyParams, context: ToolContext) -> ToolOutput:
    """Write the class raster; see `ClassifyParams`."""
    raise NotImplementedError


TOOL = Tool("classify", ClassifyParams, run, "pure", libraries=("rasterio", "pyproj"))
