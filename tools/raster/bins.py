"""Count the pixels of a raster, and their area, by bins of value or by class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow
import pyarrow.parquet
import shapely

from tools.contract import Fact, Source, ToolContext, Unit
from tools.errors import ParameterError
from tools.geo.coverage import to_pixels
from tools.geo.grid import window_grid
from tools.geo.moments import Floats, Spread
from tools.geo.pixels import area_varies, pixel_area_m2
from tools.geo.quantiles import quantiles
from tools.geo.rings import Geometries
from tools.geotypes import EVERYTHING
from tools.raster.extremes import Extreme
from tools.raster.features import read_features
from tools.raster.strips import STRIP_PX
from tools.storage.features_mask import burned_counts
from tools.storage.rasters import RasterInfo, iter_strips, read_band

if TYPE_CHECKING:
    from tools.raster.histogram import HistogramParams

MOST_CLASSES = 4_096
MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype of a raster


@dataclass(frozen=True)
class Bin:
    """Pixels of one bin or class."""

    label: str
    count: int
    area_m2: float
    limits: tuple[float, float] | None = None
    """Lower and upper limit of a bin; the lower one belongs to it, and the upper one of the last."""


class Band:
    """A band that is read strip by strip, as often as needed."""

    def __init__(self, params: HistogramParams, context: ToolContext, info: RasterInfo, passes: int) -> None:
        self.info, self.by_area, self.folder = info, area_varies(info.grid), context.folder
        self._source: Source = context.source(params.raster)
        self._band, self._context, self._passes, self._done = params.band, context, passes, 0
        self.warnings: tuple[str, ...] = ()
        self.method: dict[str, object] = {}
        self._outlines = None if params.within is None else self._placed(params.within, context)

    def _placed(self, within: str, context: ToolContext) -> Geometries:
        """Return the polygons on the pixels of the raster; raise ParameterError for a layer of other things."""
        features = read_features(context.source(within), EVERYTHING)
        there, records = features.onto(self.info.grid)
        if (shapely.get_dimensions(there[~shapely.is_missing(there)]) < 2).any():
            raise ParameterError(f"The layer {within!r} holds lines or points.", hint="Name polygons, or buffer it first with overlay.")
        self.warnings, self.method = (
            features.warnings,
            {"within": "pixels whose centre lies in a polygon", "transformations of within": records},
        )
        return to_pixels(there, self.info.grid)

    def strips(self) -> Iterator[tuple[tuple[int, int, int, int], MaskedArray, Floats]]:
        """Yield window, values with what is not finite masked, and the area of every pixel that counts, else 0, once over the raster."""
        height = self.info.height
        for window in iter_strips(height, self.info.width, STRIP_PX):
            values = np.ma.masked_invalid(read_band(self._source, self._band, window), copy=False)
            area = np.broadcast_to(pixel_area_m2(window_grid(self.info.grid, window)), values.shape)
            if self._outlines is not None:
                area = np.where(burned_counts(self._outlines, window, height, touched=False) > 0, area, 0.0)
            yield window, values, area
            self._context.progress((self._done + (window[0] + window[2]) / height) / self._passes)
        self._done += 1

    def weighed(self) -> Iterator[tuple[Floats, Floats]]:
        """Yield the valid values and their weights: pixel area where it varies, else 1."""
        for _, values, area in self.strips():
            valid = ~np.ma.getmaskarray(values) & (area > 0)
            yield values.data[valid].astype(np.float64), area[valid] if self.by_area else np.ones(int(valid.sum()))


def survey(band: Band) -> tuple[Spread, Extreme, Extreme]:
    """Return what the values are like, and the smallest and the largest with their place."""
    spread, smallest, largest = Spread(by_area=band.by_area), Extreme(1), Extreme(-1)
    for window, values, area in band.strips():
        spread.add(values, area)
        on_earth = np.ma.MaskedArray(values.data, mask=np.ma.getmaskarray(values) | (area <= 0))
        smallest.add(on_earth, window)
        largest.add(on_earth, window)
    return spread, smallest, largest


def bin_edges(params: HistogramParams, band: Band, spread: Spread) -> Floats:
    """Return the limits of the bins, ascending, without those that coincide."""
    if params.edges:
        return np.asarray(params.edges)
    if params.method == "equal":
        edges = np.linspace(spread.minimum, spread.maximum, params.bins + 1)
    else:
        edges = np.asarray(quantiles(band.weighed, np.linspace(0, 1, params.bins + 1).tolist()))
    edges = np.unique(edges)
    return edges if len(edges) > 1 else np.array([edges[0], edges[0]])


def by_value(band: Band, edges: Floats) -> list[Bin]:
    """Return the bins between the limits, and where values lie beyond them what is below and above."""
    size = len(edges) + 1
    counts, areas = np.zeros(size, np.int64), np.zeros(size)
    for _, values, area in band.strips():
        valid = ~np.ma.getmaskarray(values) & (area > 0)
        numbers = values.data[valid].astype(np.float64)
        place = np.searchsorted(edges, numbers, side="right")
        place[numbers == edges[-1]] = size - 2
        counts += np.bincount(place, minlength=size)
        areas += np.bincount(place, weights=area[valid], minlength=size)
    names = _bin_names(edges)
    inside = [
        Bin(name, count, m2, (low, high))
        for name, count, m2, low, high in zip(
            names, counts[1:-1].tolist(), areas[1:-1].tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True
        )
    ]
    beyond = [(f"below {_short(edges[0])}", 0), (f"above {_short(edges[-1])}", -1)]
    return [*inside, *(Bin(name, int(counts[at]), float(areas[at])) for name, at in beyond if counts[at])]


def by_class(band: Band) -> list[Bin]:
    """Return the classes there are, the largest first; raise ParameterError where they are too many to be classes."""
    counts: defaultdict[float, int] = defaultdict(int)
    areas: defaultdict[float, float] = defaultdict(float)
    for _, values, area in band.strips():
        valid = ~np.ma.getmaskarray(values) & (area > 0)
        found, place, pixels = np.unique(values.data[valid], return_inverse=True, return_counts=True)
        for code, count, m2 in zip(found.tolist(), pixels.tolist(), np.bincount(place, weights=area[valid]).tolist(), strict=True):
            counts[code] += count
            areas[code] += m2
        if len(counts) > MOST_CLASSES:
            raise ParameterError(f"The band has more than {MOST_CLASSES:,} classes.", hint="Classify it first, or declare it continuous.")
    bins = [Bin(band.info.name_of(code), count, areas[code]) for code, count in counts.items()]
    return sorted(bins, key=lambda each: (-each.area_m2, each.label))


def bin_facts(bins: Sequence[Bin], unit: Unit, subject: str) -> Iterator[Fact]:
    """Yield count, area and share of the valid area of each bin, and its limits; `subject` is `bin` or `class`."""
    whole = sum(each.area_m2 for each in bins)
    for each in bins:
        about = {subject: each.label}
        yield Fact("count", each.count, "count", about)
        yield Fact("area", each.area_m2, "m2", about)
        yield Fact("share", 100 * each.area_m2 / whole, "%", about)
        if each.limits is not None:
            yield Fact("lower", each.limits[0], unit, about)
            yield Fact("upper", each.limits[1], unit, about)


def write_bins(path: Path, bins: Sequence[Bin]) -> None:
    """Write the bins as Parquet, in their order; the limits are null where there are none."""
    limits = [each.limits or (None, None) for each in bins]
    columns = {
        "name": pyarrow.array([each.label for each in bins]),
        "lower": pyarrow.array([low for low, _ in limits], pyarrow.float64()),
        "upper": pyarrow.array([high for _, high in limits], pyarrow.float64()),
        "count": pyarrow.array([each.count for each in bins], pyarrow.int64()),
        "area_m2": pyarrow.array([each.area_m2 for each in bins], pyarrow.float64()),
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="zstd")


def _bin_names(edges: Floats) -> list[str]:
    texts = [_short(edge) for edge in edges]
    if len(set(texts)) < len(set(edges.tolist())):
        texts = [repr(edge) for edge in edges.tolist()]
    return [f"{low} to {high}" for low, high in pairwise(texts)]


def _short(edge: float) -> str:
    return f"{edge:.6g}"
