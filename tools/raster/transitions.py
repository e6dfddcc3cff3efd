"""Which class became which: the matrix of true areas between two times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.errors import LimitError
from tools.geo.grid import window_grid
from tools.geo.pixels import area_method, pixel_area_m2
from tools.raster.output import bbox_degrees
from tools.raster.pairs import read_pair
from tools.raster.strips import STRIP_PX
from tools.storage.cog import BandMark, cog_writer
from tools.storage.rasters import RasterInfo, iter_strips

if TYPE_CHECKING:
    from tools.raster.change import ChangeParams

FILE = "transitions.tif"
MOST_TRANSITIONS = 10_000
"""More pairs of classes than this are no classes, and no table anybody reads."""
Pair = tuple[str, str]
"""Label before, label after."""


@dataclass(frozen=True)
class Matrix:
    """What became what."""

    area_m2: Mapping[Pair, float]
    """Area of every pair that occurs, largest first."""
    whole_m2: float
    """Area of the raster, with the pixels that are not valid at both times."""
    once_m2: float
    """Area that is valid at one of the times only."""

    @cached_property
    def valid_m2(self) -> float:
        """Area that is valid at both times."""
        return sum(self.area_m2.values())

    def of(self, label: str) -> tuple[float, float, float, float]:
        """Return the areas of a class before and after, what it gained and what it lost."""
        kept = self.area_m2.get((label, label), 0.0)
        before = sum(area for (old, _), area in self.area_m2.items() if old == label)
        after = sum(area for (_, new), area in self.area_m2.items() if new == label)
        return before, after, after - kept, before - kept


def class_change(params: ChangeParams, context: ToolContext, infos: tuple[RasterInfo, RasterInfo]) -> ToolOutput:
    """Write every transition as a class of its own, labelled `from → to`; nodata is 0.

    Classes are matched by label, not by number. Facts: `area` (m2) and `share` (% of what is valid at both times) with subject
    from, to; per class `area` with subject class, time (before, after), `gained`, `lost` and `net change` (m2); the `area` and `share` of
    all that changed (subject change); `valid_share` (%). Raises LimitError where there are too many pairs to be classes.
    """
    grid, namers = infos[0].grid, _namers(infos)
    numbers: dict[Pair, int] = {}
    areas, whole, once = np.zeros(MOST_TRANSITIONS + 1), 0.0, 0.0
    for window in iter_strips(grid.shape[0], grid.shape[1], STRIP_PX):
        bands = read_pair(params, context, window)
        part = _transitions(bands, namers, numbers)
        pixel_m2 = np.broadcast_to(pixel_area_m2(window_grid(grid, window)), part.shape)
        areas += np.bincount(part.ravel(), weights=pixel_m2.ravel(), minlength=len(areas))
        whole += float(pixel_m2.sum())
        once += float(pixel_m2[np.ma.getmaskarray(bands[0]) != np.ma.getmaskarray(bands[1])].sum())
        context.progress((window[0] + window[2]) / grid.shape[0] / 2)
    largest_first = sorted(numbers.items(), key=lambda item: (-areas[item[1]], item[0]))
    _write(params, context, sorted(numbers), infos)
    return _output(Matrix({pair: float(areas[number]) for pair, number in largest_first}, whole, once), infos)


def _namers(infos: tuple[RasterInfo, RasterInfo]) -> tuple[RasterInfo, RasterInfo]:
    """Return which raster names the classes of each time: its own where both name theirs, else the one that does for both."""
    before, after = infos
    if bool(before.classes) == bool(after.classes):
        return infos
    return (before, before) if before.classes else (after, after)


def _transitions(bands: tuple[Any, Any], namers: tuple[RasterInfo, RasterInfo], numbers: dict[Pair, int]) -> NDArray[np.uint16]:
    """Return the number of the transition at every pixel, 0 where either is not valid; new pairs get the next number."""
    before, after = bands
    hidden = np.ma.getmaskarray(before) | np.ma.getmaskarray(after)
    codes = np.zeros(hidden.shape, "uint16")
    old, old_at = np.unique(before.data[~hidden], return_inverse=True)
    new, new_at = np.unique(after.data[~hidden], return_inverse=True)
    pairs, at = np.unique(old_at * len(new) + new_at, return_inverse=True)
    found = []
    for pair in pairs.tolist():
        labels = namers[0].name_of(old[pair // len(new)]), namers[1].name_of(new[pair % len(new)])
        found.append(numbers.setdefault(labels, len(numbers) + 1))
    if len(numbers) > MOST_TRANSITIONS:
        raise LimitError(
            f"More than {MOST_TRANSITIONS:,} pairs of classes occur, so these are hardly classes.",
            hint="Compare them as values, or classify both first.",
        )
    codes[~hidden] = np.asarray(found, "uint16")[at] if found else 0
    return codes


def _write(params: ChangeParams, context: ToolContext, order: Sequence[Pair], infos: tuple[RasterInfo, RasterInfo]) -> None:
    """Write the transitions, numbered in the order given.

    All strips are read a second time: numbers in the order in which strips bring them up would depend on the strips.
    """
    grid, namers = infos[0].grid, _namers(infos)
    numbers = {pair: position for position, pair in enumerate(order, start=1)}
    labels = {str(position): f"{old} → {new}" for (old, new), position in numbers.items()}
    dtype = "uint16" if len(order) > 255 else "uint8"
    with cog_writer(context.folder / FILE, grid, [BandMark(classes=labels)], dtype=dtype, nodata=0) as writer:
        for window in iter_strips(grid.shape[0], grid.shape[1], STRIP_PX):
            writer.write(window, _transitions(read_pair(params, context, window), namers, numbers).astype(dtype))
            context.progress(0.5 + (window[0] + window[2]) / grid.shape[0] / 2)


def _output(matrix: Matrix, infos: tuple[RasterInfo, RasterInfo]) -> ToolOutput:
    info, valid = infos[0], matrix.valid_m2
    share = Fact("valid_share", min(100.0, 100 * valid / matrix.whole_m2) if matrix.whole_m2 else 0.0, "%")
    method = {"area": area_method(info.grid), "classes": "matched by label", "counted": "pixels that are valid at both times"}
    changed = sum(area for (old, new), area in matrix.area_m2.items() if old != new)
    if not valid:
        return ToolOutput(
            "No pixel is valid at both times.",
            (share,),
            Outcome.NO_COVERAGE,
            (FILE,),
            "raster",
            method=method,
            bbox=bbox_degrees(info.grid),
        )
    return ToolOutput(
        summary=f"Compared {len(_labels(matrix))} classes between the two times." if changed else "No class changed between the two times.",
        facts=(*_total_facts(changed, valid), *_class_facts(matrix), *_pair_facts(matrix), share),
        outcome=Outcome.VALUE,
        files=(FILE,),
        kind="raster",
        warnings=_warnings(matrix, infos),
        method=method,
        data={"classes": _labels(matrix)},
        bbox=bbox_degrees(info.grid),
    )


def _warnings(matrix: Matrix, infos: tuple[RasterInfo, RasterInfo]) -> tuple[str, ...]:
    before, after = (set(info.classes.values()) for info in infos)
    found = []
    if before and after and not before & after:
        found.append("The two rasters share no class label, so everything counts as changed.")
    if not before and not after:
        found.append("Neither raster names its classes; they are compared by number.")
    if matrix.once_m2:
        share = 100 * matrix.once_m2 / (matrix.once_m2 + matrix.valid_m2)
        found.append(
            f"{share:.2g} % of the area has data at one time only and is not compared: class areas of each time alone may be larger."
        )
    return tuple(found)


def _labels(matrix: Matrix) -> list[str]:
    return sorted({label for pair in matrix.area_m2 for label in pair})


def _total_facts(changed: float, valid: float) -> tuple[Fact, ...]:
    about = {"change": "changed"}
    return Fact("area", changed, "m2", about), Fact("share", 100 * changed / valid, "%", about)


def _class_facts(matrix: Matrix) -> list[Fact]:
    facts = []
    for label in _labels(matrix):
        before, after, gained, lost = matrix.of(label)
        about = {"class": label}
        facts += [
            Fact("area", before, "m2", {**about, "time": "before"}),
            Fact("area", after, "m2", {**about, "time": "after"}),
            Fact("gained", gained, "m2", about),
            Fact("lost", lost, "m2", about),
            Fact("net change", after - before, "m2", about),
        ]
    return facts


def _pair_facts(matrix: Matrix) -> list[Fact]:
    return [
        fact
        for (old, new), area in matrix.area_m2.items()
        for fact in (
            Fact("area", area, "m2", {"from": old, "to": new}),
            Fact("share", 100 * area / matrix.valid_m2, "%", {"from": old, "to": new}),
        )
    ]
