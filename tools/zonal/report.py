"""What the reader must know beside the numbers, and the zones as a layer that can be mapped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.geo.measure import area_method
from tools.geo.pixels import area_method as pixel_area_method
from tools.storage.rasters import RasterInfo
from tools.storage.vectors import write_layer
from tools.zonal.findings import Finding
from tools.zonal.survey import Survey
from tools.zonal.table import Table
from tools.zonal.zones import Zones

FILE = "zones.parquet"
MOST_ROWS = 200
"""Most rows and names in the payload; the facts and the file hold all."""
NAMES_TOLD = 10
"""So many zones are named in a warning; the rest is counted."""


def coverage_warnings(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Say which zones lie off the raster, partly or wholly, and which have no valid pixel."""
    outside = [finding.name for finding in findings if finding.is_outside]
    partly = [finding for finding in findings if finding.is_partly_outside and finding.tally.has_values]
    empty = [finding.name for finding in findings if not finding.is_outside and not finding.tally.has_values]
    sentences = (
        (outside, "Outside the raster, no number given: {}"),
        (
            [f"{finding.name or 'the zones'} ({finding.valid_share:.2f} % valid)" for finding in partly],
            "Partly outside the raster, numbers hold for the part inside: {}",
        ),
        (empty, "On the raster, but without a valid pixel, no number given: {}"),
    )
    return tuple(sentence.format(_listed(names)) for names, sentence in sentences if names)


def _listed(names: Sequence[str | None]) -> str:
    told = ", ".join(name or "the zones" for name in names[:NAMES_TOLD])
    return told if len(names) <= NAMES_TOLD else f"{told} and {len(names) - NAMES_TOLD} more"


def method_of(survey: Survey, info: RasterInfo, zones: Zones | None) -> dict[str, Any]:
    """Return, JSON-safe, how the numbers were made."""
    smallest, largest = survey.pixel_area_m2
    variation = 100 * (largest / smallest - 1) if smallest else 0.0
    weighting = "coverage fraction x true pixel area" if survey.by_area else "coverage fraction"
    return {
        "weighting": weighting,
        "weighting_reason": f"pixel area varies by {variation:.3g} % over the pixels read (limit 0.1 %)",
        "coverage": "exact share of every pixel" if zones else "whole pixels",
        "pixel_area_m2": {"smallest": smallest, "largest": largest},
        "class_areas": f"coverage fraction x {pixel_area_method(info.grid)}",
        "sum": "values weighted by coverage fraction, not by area",
        "std": "of the population",
        "percentiles": "weighted type 7, linear between pixels",
        "area": area_method(zones.crs if zones else info.crs),
        "transformations": list(survey.transformations),
        "raster": {"crs": info.crs.name, "value_kind": info.value_kind, "unit": info.unit, "nodata": _nodata(info.nodata)},
    }


def data_of(table: Table, findings: Sequence[Finding]) -> Mapping[str, Any]:
    """Return the rows in order and the zones that got none, at most `MOST_ROWS` of each."""
    outside = [finding.name for finding in findings if finding.is_outside]
    empty = [finding.name for finding in findings if not finding.is_outside and not finding.tally.has_values]
    return {
        "rows": [row.to_json() for row in table.rows[:MOST_ROWS]],
        "row_count": len(table.rows),
        "zone_count": len(findings),
        "classes": list(table.labels),
        "outside": outside[:MOST_ROWS],
        "without_values": empty[:MOST_ROWS],
    }


def write_zones(folder: Path, table: Table, zones: Zones) -> str:
    """Write the zones of the table, in its order, with their numbers as columns; return the file's name."""
    import geopandas

    rows = [{"zone": "all zones", **row.to_json()} for row in table.rows]
    geometries = [zones.geometries[row.finding.position] for row in table.rows]
    write_layer(folder / FILE, geopandas.GeoDataFrame(rows, geometry=geometries, crs=zones.crs))
    return FILE


def _nodata(value: float | None) -> float | str | None:
    """Return the nodata value as JSON holds it, which has no NaN."""
    return "NaN" if value is not None and math.isnan(value) else value
