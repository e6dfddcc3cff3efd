"""From strips of classes to the class raster and its facts, whichever method told the classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.geo.accuracy import ConfusionMatrix
from tools.geo.certainty import ADJUSTED_METHOD, BORDER_METHOD, adjusted_facts, border_facts, pixel_size_fact, water_notes
from tools.geo.edges import StripBorders
from tools.geo.grid import crs_of, window_grid
from tools.geo.pixels import area_method, pixel_areas
from tools.geo.vicinity import lonlat_bounds, wrapped_bbox
from tools.storage.cog import BandMark
from tools.storage.observed import Observed, observed_facts, observed_method
from tools.storage.rasters import class_writer

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

CLASS_FILE = "classes.tif"
TESTED_ELSEWHERE = (
    "Adjusted areas and their intervals hold as far as the network errs here as it did in the test on its card: sample this map to know"
)


@dataclass(frozen=True)
class ClassStrip:
    """Whole rows of the class raster."""

    row: int
    codes: NDArray[np.uint8]
    """(row, col): 1 … n, the position of the label; 0 where there is no data."""
    probability: NDArray[np.float32] | None = None
    """(row, col): that of the class, where the method has one."""


@dataclass(frozen=True)
class Segmentation:
    """What a method found, read strip by strip."""

    summary: str
    """One sentence."""
    labels: tuple[str, ...]
    """Of the codes 1 … n."""
    strips: Iterator[ClassStrip]
    """Top down; every row once. Reading them does the work, and tells the progress."""
    method: Mapping[str, Any]
    """How it was done (JSON-safe)."""
    sought: int = 0
    """Code of the one class that was looked for; 0 where the classes are of equal rank."""
    tested: ConfusionMatrix | None = None
    """What a test of the method found."""
    observed: Observed | None = None
    """When the raster was observed."""


@dataclass
class Tally:
    """Sums over the strips, by code; 0 is no data."""

    classes: int
    area_m2: NDArray[np.float64] = field(init=False)
    probability_m2: NDArray[np.float64] = field(init=False)
    """Sum of area times probability."""
    borders: StripBorders = field(default_factory=StripBorders)

    def __post_init__(self) -> None:
        self.area_m2 = np.zeros(self.classes + 1)
        self.probability_m2 = np.zeros(self.classes + 1)

    def add(self, strip: ClassStrip, grid: GeoBox) -> None:
        """Count the pixels of a strip by their true area."""
        height, width = strip.codes.shape
        areas = pixel_areas(window_grid(grid, (strip.row, 0, height, width)))
        self.borders.add_strip(strip.codes, areas)
        pixel_m2 = np.broadcast_to(areas.dense(), strip.codes.shape).ravel()
        codes = strip.codes.ravel()
        self.area_m2 += np.bincount(codes, weights=pixel_m2, minlength=self.classes + 1)
        if strip.probability is not None:
            weighted = pixel_m2 * np.where(codes > 0, strip.probability.ravel(), 0.0)
            self.probability_m2 += np.bincount(codes, weights=weighted, minlength=self.classes + 1)


def finished(found: Segmentation, grid: GeoBox, context: ToolContext) -> ToolOutput:
    """Write the class raster and report it.

    Facts: `area` (m2) and `share` (% of the valid area) of every class, `mean probability` (1; weighted by area) of those
    that occur where the method tells probabilities, and `valid_share` (%). The outcome is no coverage where every pixel is nodata, a true
    zero where the one class that was looked for is nowhere.
    """
    tally, mark = Tally(len(found.labels)), BandMark(confusion=found.tested, observed=found.observed)
    with class_writer(context.folder / CLASS_FILE, grid, dict(enumerate(found.labels, start=1)), mark) as writer:
        for strip in found.strips:
            writer.write((strip.row, 0, *strip.codes.shape), strip.codes)
            tally.add(strip, grid)
    left, bottom, right, top = grid.boundingbox
    return _output(found, tally, grid, wrapped_bbox(lonlat_bounds((left, bottom, right, top), crs_of(grid))))


def _output(found: Segmentation, tally: Tally, grid: GeoBox, bbox: tuple[float, float, float, float]) -> ToolOutput:
    area_m2 = [float(area) for area in tally.area_m2]
    valid, whole = sum(area_m2[1:]), sum(area_m2)
    if valid == 0:
        none = "Every pixel of the raster is nodata, or hidden by the mask."
        return ToolOutput(none, outcome=Outcome.NO_COVERAGE, files=(CLASS_FILE,), kind="raster", method=dict(found.method), bbox=bbox)
    is_nowhere = found.sought > 0 and area_m2[found.sought] == 0
    return ToolOutput(
        summary=found.summary,
        facts=(
            *_class_facts(found.labels, tally),
            Fact("valid_share", min(100.0, 100 * valid / whole), "%"),
            *pixel_size_fact(grid),
            *observed_facts(found.observed),
            *_certainty_facts(found, tally),
        ),
        outcome=Outcome.TRUE_ZERO if is_nowhere else Outcome.VALUE,
        files=(CLASS_FILE,),
        kind="raster",
        bbox=bbox,
        warnings=(*([TESTED_ELSEWHERE] if found.tested else []), *water_notes(found.labels)),
        method={
            **found.method,
            **observed_method(found.observed),
            "area": area_method(grid),
            "share": "of the valid area",
            "uncertainty": [BORDER_METHOD, *([ADJUSTED_METHOD] if found.tested else [])],
        },
    )


def _certainty_facts(found: Segmentation, tally: Tally) -> tuple[Fact, ...]:
    by_label = dict(zip(found.labels, tally.borders.by_code(len(found.labels) + 1)[1:].tolist(), strict=True))
    if found.tested is None:
        return border_facts(by_label)
    mapped = dict(zip(found.labels, tally.area_m2[1:].tolist(), strict=True))
    return (*border_facts(by_label), *adjusted_facts(found.tested, mapped))


def _class_facts(labels: tuple[str, ...], tally: Tally) -> Iterator[Fact]:
    valid = float(tally.area_m2[1:].sum())
    for code, label in enumerate(labels, start=1):
        area, subject = float(tally.area_m2[code]), {"class": label}
        yield Fact("area", area, "m2", subject)
        yield Fact("share", 100 * area / valid, "%", subject)
        if area > 0 and tally.probability_m2[code] > 0:
            # What follows depends on the number of threads; a probability says no more than this anyway.
            yield Fact("mean probability", round(float(tally.probability_m2[code]) / area, 4), "1", subject)
