"""How the values of a raster changed between two times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geo.band_math import Calculated, MaskedArray
from tools.geo.grid import Window, window_grid
from tools.geo.moments import Floats, Spread
from tools.geo.pixels import area_varies, pixel_area_m2
from tools.raster.output import bbox_degrees, value_facts, weighting
from tools.raster.pairs import read_pair
from tools.raster.strips import values_by_strip
from tools.storage.cog import BandMark
from tools.storage.rasters import RasterInfo

if TYPE_CHECKING:
    from tools.raster.change import ChangeParams

FILE = "difference.tif"
UNSTATED = "unspecified"
DIRECTIONS = ("increased", "decreased", "unchanged")


def value_change(params: ChangeParams, context: ToolContext, infos: tuple[RasterInfo, RasterInfo]) -> ToolOutput:
    """Write after - before as float32 with NaN for nodata.

    Facts: `mean`, `min`, `max`, `std` of the difference; `mean` of each time (subject time before, after) over the same pixels; `share` (%
    of the valid area, subject change increased, decreased, unchanged); `valid_share` (%).
    """
    unit, grid = _unit(infos), infos[0].grid
    tally = Tally.empty(by_area=area_varies(grid))

    def calculate(window: Window) -> Calculated:
        before, after = (np.ma.masked_invalid(part.astype(float)) for part in read_pair(params, context, window))
        tally.add(before, after, pixel_area_m2(window_grid(grid, window)), params.tolerance)
        return Calculated(after - before, 0)

    mark = BandMark(unit="" if unit == UNSTATED else unit)
    spread = values_by_strip(context.folder / FILE, grid, mark, calculate, context.progress).spread
    share, valid = Fact("valid_share", spread.valid_share, "%"), spread.has_values
    return ToolOutput(
        summary="Subtracted the earlier raster from the later one." if valid else "No pixel is valid at both times.",
        facts=(*value_facts(spread, unit), *tally.facts(unit), share) if valid else (share,),
        outcome=Outcome.VALUE if valid else Outcome.NO_COVERAGE,
        files=(FILE,),
        kind="raster",
        warnings=_warnings(infos),
        method={"difference": "after - before, where both are valid", "tolerance": params.tolerance, **weighting(spread)},
        bbox=bbox_degrees(grid),
    )


@dataclass(frozen=True)
class Tally:
    """Both times over the pixels that are valid at both, and where the difference goes up or down."""

    times: Mapping[str, Spread]
    area_m2: dict[str, float]
    """Direction → area."""

    @staticmethod
    def empty(*, by_area: bool) -> Tally:
        """Return a tally of nothing."""
        return Tally({time: Spread(by_area=by_area) for time in ("before", "after")}, dict.fromkeys(DIRECTIONS, 0.0))

    def add(self, before: MaskedArray, after: MaskedArray, area_m2: Floats, tolerance: float) -> None:
        """Take in a strip, `(row, col)`; `area_m2` of a pixel broadcasts to it."""
        difference = after - before
        hidden = np.ma.getmaskarray(difference)
        for time, part in zip(self.times.values(), (before, after), strict=True):
            time.add(np.ma.MaskedArray(part.data, mask=hidden), area_m2)
        valid_m2 = np.where(hidden, 0.0, area_m2)
        up, down = difference.data > tolerance, difference.data < -tolerance
        for direction, holds in zip(DIRECTIONS, (up, down, ~(up | down)), strict=True):
            self.area_m2[direction] += float(valid_m2[holds].sum())

    def facts(self, unit: str) -> tuple[Fact, ...]:
        """Return the mean of each time, and the shares of the area that went up, down or stayed."""
        valid = sum(self.area_m2.values())
        means = [value_facts(spread, unit, {"time": time})[0] for time, spread in self.times.items()]
        shares = [Fact("share", 100 * area / valid, "%", {"change": direction}) for direction, area in self.area_m2.items()]
        return (*means, *shares)


def _warnings(infos: tuple[RasterInfo, RasterInfo]) -> tuple[str, ...]:
    if all(info.value_kind == "unknown" for info in infos):
        return ("Whether the whole-number values are quantities or classes is not declared; they were compared as quantities.",)
    return ()


def _unit(infos: tuple[RasterInfo, RasterInfo]) -> str:
    """Return the unit of both; raise ParameterError where the two state different ones."""
    units = {info.unit for info in infos} - {UNSTATED}
    if len(units) > 1:
        raise ParameterError(
            f"The values are in {infos[0].unit!r} before and in {infos[1].unit!r} after, so they have no difference.",
            hint="Convert one with raster_calc, or declare the true unit with terracite add.",
        )
    return units.pop() if units else UNSTATED
