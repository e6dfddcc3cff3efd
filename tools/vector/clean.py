"""Clean a layer: repair, deduplicate, drop slivers, make kinds and values uniform; every change is reported."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import Params, RowsRef

Step = Literal["missing_geometry", "invalid_geometry", "mixed_geometry", "slivers", "winding", "text", "duplicates", "numbers"]
OF_TABLES: tuple[Step, ...] = ("text", "duplicates", "numbers")
"""Steps that need no geometry."""
DEFAULT_STEPS: tuple[Step, ...] = ("missing_geometry", "invalid_geometry", "winding", "duplicates")
"""What is done where nothing is asked for; of a table duplicates alone."""


class CleanParams(Params):
    """Clean a layer or table and report every change: features without geometry dropped, invalid rings repaired, mixed kinds split, slivers dropped, rings wound right (RFC 7946), text tidied (spaces, missing-value words), duplicates dropped, text numbers made numbers. What is not asked for stays as it is; what is unclear is reported and left."""

    layer: RowsRef
    steps: list[Step] = Field(default=list(DEFAULT_STEPS), min_length=1, description="What to do; the order is fixed.")
    duplicate_columns: list[str] | None = Field(
        default=None, description="Columns that must be equal beside the geometry; [] compares geometry alone. Default: all columns."
    )
    min_area_m2: float | None = Field(default=None, gt=0, description="slivers: polygons with less area go.")
    min_width_m: float | None = Field(default=None, gt=0, description="slivers: polygons with less mean width (2 x area / perimeter) go.")
    keep_kind: Literal["point", "line", "polygon"] | None = Field(
        default=None, description="mixed_geometry: keep only this kind. Default: all, one kind per row, told by the column geometry_kind."
    )
    columns: list[str] | None = Field(default=None, description="text, numbers: only these columns. Default: all text columns.")
    decimal: Literal[".", ","] | None = Field(default=None, description="numbers: the decimal mark, where 1.234 could be read two ways.")
    case: Literal["unify", "lower", "upper"] | None = Field(
        default=None, description="text: 'unify' gives values that differ only in case their most frequent spelling."
    )
    missing_values: list[str] | None = Field(
        default=None, description="text: words that mean no value. Default: '', -, --, n/a, #n/a, null, nan; never NA or none."
    )

    @model_validator(mode="after")
    def _options_fit_steps(self) -> CleanParams:
        if ("slivers" in self.steps) != (self.min_area_m2 is not None or self.min_width_m is not None):
            raise ValueError("the step slivers goes with 'min_area_m2' or 'min_width_m', and only with it")
        needs = {
            "duplicate_columns": ("duplicates",), "keep_kind": ("mixed_geometry",), "columns": ("text", "numbers"),
            "decimal": ("numbers",), "case": ("text",), "missing_values": ("text",),
        }  # fmt: skip
        for name, steps in needs.items():
            if getattr(self, name) is not None and not set(steps).intersection(self.steps):
                raise ValueError(f"'{name}' goes with the step {' or '.join(steps)}")
        return self


def run(params: CleanParams, context: ToolContext) -> ToolOutput:
    """Clean the layer; see `CleanParams`."""
    from tools.storage.vectors import read_rows
    from tools.vector.clean_report import report
    from tools.vector.cleaning import clean, fit_to_clean

    frame = read_rows(context.source(params.layer))
    steps = fit_to_clean(params, frame, context.source(params.layer).path.name)
    return report(frame, clean(params, steps, frame), context)


TOOL = Tool("clean", CleanParams, run, "pure", libraries=("geopandas", "shapely", "pyproj", "pyogrio", "pyarrow", "pandas"))
