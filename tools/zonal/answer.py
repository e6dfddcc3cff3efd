"""The output of zonal statistics: numbers where there are any, and why not where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import shapely

from tools.contract import Fact, Outcome, Source, ToolOutput
from tools.geo.certainty import pixel_size_fact, water_notes
from tools.geo.vicinity import lonlat_bounds
from tools.storage.observed import observed_facts, observed_method
from tools.storage.rasters import RasterInfo
from tools.zonal.certainty import Certainty, certainty
from tools.zonal.findings import Finding, findings_of
from tools.zonal.report import coverage_warnings, data_of, method_of, write_zones
from tools.zonal.survey import Survey
from tools.zonal.table import Row, Table, facts_of, tabulate, total_facts
from tools.zonal.zones import Zones

if TYPE_CHECKING:
    from tools.zonal.stats import ZonalStatsParams


@dataclass(frozen=True)
class Inquiry:
    """A band, the zones (none: the whole raster), and what was found."""

    info: RasterInfo
    zones: Zones | None
    survey: Survey
    sample: Source | None = None
    """Table of a confusion matrix."""

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """All zones, in the order of the layer."""
        return findings_of(self.survey, self.zones)

    def bbox(self, rows: Sequence[Row]) -> tuple[float, float, float, float]:
        """Extent in degrees of the zones of these rows (of all zones where there is none), or of the raster."""
        if self.zones is None:
            left, bottom, right, top = self.info.grid.boundingbox
            return lonlat_bounds((left, bottom, right, top), self.info.crs)
        positions = [row.finding.position for row in rows] or slice(None)
        left, bottom, right, top = shapely.total_bounds(self.zones.geometries[positions]).tolist()
        return lonlat_bounds((left, bottom, right, top), self.zones.crs)


def answer(params: ZonalStatsParams, inquiry: Inquiry, folder: Path, assumed: Sequence[str]) -> ToolOutput:
    """Return facts, rows and the layer of zones (written into `folder`); no statistics where no zone has a value."""
    measured = [finding for finding in inquiry.findings if finding.tally.has_values]
    warnings = [*assumed, *(inquiry.zones.warnings if inquiry.zones else ()), *coverage_warnings(inquiry.findings)]
    table = tabulate(params, inquiry.info, measured)
    if not measured:
        return _no_coverage(inquiry, table, warnings)
    facts, overlap = facts_of(table, params, inquiry.info), None
    if inquiry.zones is not None and params.classes and len(inquiry.findings) > 1:
        overlap = inquiry.zones.overlap_warning()
        warnings += [overlap] if overlap else []
        facts = facts if overlap else (*total_facts(table, inquiry.findings), *facts)
    sure = Certainty()
    if params.classes and not overlap:
        sure = certainty(inquiry.info, inquiry.survey.borders, table, inquiry.sample, in_zones=inquiry.zones is not None)
    return ToolOutput(
        summary=_summary(params, table, inquiry),
        facts=(*facts, *pixel_size_fact(inquiry.info.grid), *observed_facts(inquiry.info.observed), *sure.facts),
        files=(write_zones(folder, table, inquiry.zones),) if inquiry.zones else (),
        kind="vector" if inquiry.zones else "text",
        warnings=(*warnings, *sure.warnings),
        method={
            **method_of(inquiry.survey, inquiry.info, inquiry.zones),
            **({"uncertainty": list(sure.method)} if sure.method else {}),
            **({"permanent_water": "not removed"} if water_notes(table.labels) else {}),
            **observed_method(inquiry.info.observed),
        },
        data={**data_of(table, inquiry.findings), **observed_method(inquiry.info.observed)},
        bbox=inquiry.bbox(table.rows),
    )


def _no_coverage(inquiry: Inquiry, table: Table, warnings: Sequence[str]) -> ToolOutput:
    is_outside = all(finding.is_outside for finding in inquiry.findings)
    return ToolOutput(
        summary="None of the zones lies on the raster." if is_outside else "No valid pixel lies in what was asked for.",
        facts=tuple(Fact("valid_share", finding.valid_share, "%", finding.subject) for finding in inquiry.findings),
        outcome=Outcome.NO_COVERAGE,
        warnings=tuple(warnings),
        method=method_of(inquiry.survey, inquiry.info, inquiry.zones),
        data=data_of(table, inquiry.findings),
        bbox=inquiry.bbox(table.rows),
    )


def _summary(params: ZonalStatsParams, table: Table, inquiry: Inquiry) -> str:
    asked = [*params.statistics, *(["area and share of each class"] if params.classes else [])]
    if inquiry.zones is None:
        place = "over the whole raster"
    elif params.merge_zones:
        place = "in all zones together"
    else:
        place = f"in {len(table.rows)} of {len(inquiry.findings)} zones"
    order = f", ranked by {params.order_by} ({'largest' if params.descending else 'smallest'} first)" if params.order_by else ""
    sentence = f"{', '.join(asked)} of band {params.band} {place}{order}."
    return sentence[0].upper() + sentence[1:]
