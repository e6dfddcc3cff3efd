"""Call zonal_stats on files, without a runner, and read its facts; and the small ground on which most tests of it stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from shapely import affinity
from shapely.geometry import Polygon, box

from tools.contract import Declared, Source, ToolContext, ToolOutput
from tools.zonal.stats import ZonalStatsParams, run

COUNT = np.arange(16, dtype="float32").reshape(4, 4)
"""4 x 4 pixels of 10 m: row * 4 + column."""
UTM = "EPSG:32632"
BOUNDS = (500_000.0, 5_000_000.0, 500_040.0, 5_000_040.0)


def at(left: float, bottom: float, right: float, top: float) -> Polygon:
    """A box in metres from the lower left corner of BOUNDS."""
    return affinity.translate(box(left, bottom, right, top), 500_000, 5_000_000)


def zonal(
    raster: Path, zones: Path | None = None, *, declared: Declared | None = None, folder: Path | None = None, **asked: Any
) -> ToolOutput:
    """Run the tool; files go to `folder`, else beside the raster."""
    sources = {"raster": Source("raster", "raster", raster, "-", declared=declared or Declared())}
    if zones is not None:
        sources["zones"] = Source("zones", "vector", zones, "-")
    params = ZonalStatsParams(raster="raster", zones="zones" if zones else None, **asked)
    return run(params, ToolContext(folder or raster.parent, sources))


def number(output: ToolOutput, name: str, **subject: str) -> float:
    """Return the one fact of that name and subject; `class_` stands for the word `class`."""
    wanted = {key.rstrip("_"): value for key, value in subject.items()}
    (fact,) = [fact for fact in output.facts if fact.name == name and dict(fact.subject) == wanted]
    return fact.value


def has(output: ToolOutput, name: str) -> bool:
    """Tell whether there is any fact of that name."""
    return any(fact.name == name for fact in output.facts)
