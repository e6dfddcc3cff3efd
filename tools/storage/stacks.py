"""Stacks: several bands on one grid in one file, each under the name by which tools find it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.geo.grid import Window
from tools.storage.class_labels import value_text
from tools.storage.cog import BandMark, cog_writer, draft_raster, quietly
from tools.storage.observed import Observed
from tools.storage.pixel_store import GREATEST_EXACT, WIDER

if TYPE_CHECKING:
    import numpy as np
    from odc.geo.geobox import GeoBox

    MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype that GDAL reads

NO_CLASSES: Mapping[str, Mapping[int, str]] = {}
MOST_TRIED = 16
"""Values of a wide type that are tried for nodata beside its greatest one."""
STRIP_PX = 4_000_000


@dataclass(frozen=True)
class Layout:
    """What a stack is to hold."""

    grid: GeoBox
    names: Sequence[str]
    """Of the bands, all different: descriptions from which `band_roles` finds them."""
    dtypes: Sequence[str]
    """Of the bands."""
    classes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    """Name → value → label, of the bands that are categorical."""
    unit: str = ""
    """Of all other bands, e.g. `1`."""
    observed: Mapping[str, Observed | None] = field(default_factory=dict)
    """Name → when the band was observed."""

    def __post_init__(self) -> None:
        if not (len(self.dtypes) == len(self.names) == len(set(self.names))):
            raise ValueError(f"{len(self.dtypes)} bands need as many different names, not {list(self.names)}")

    @property
    def whole_type(self) -> str | None:
        """The type that all bands share where it is one of whole numbers."""
        import numpy as np

        shared = set(self.dtypes)
        return self.dtypes[0] if len(shared) == 1 and np.dtype(self.dtypes[0]).kind in "iu" else None

    @property
    def float_type(self) -> str:
        """The floating type that holds all bands: float64 where float32 cannot hold the whole numbers."""
        import numpy as np

        return "float64" if any(np.dtype(each).kind in "iu" and np.dtype(each).itemsize > 2 for each in self.dtypes) else "float32"

    @property
    def marks(self) -> list[BandMark]:
        """What is written with each band."""
        labels = {name: {value_text(value): label for value, label in table.items()} for name, table in self.classes.items()}
        return [
            BandMark(name, "" if name in labels else self.unit, labels.get(name, {}), observed=self.observed.get(name))
            for name in self.names
        ]


class StackDraft:
    """Takes the bands of a stack one after another, each strip by strip; what stands for nodata is settled when all are there."""

    def __init__(self, dataset: Any, layout: Layout) -> None:  # Any: rasterio's DatasetWriter has no types
        import numpy as np

        self._dataset, self._layout = dataset, layout
        self._dtype, self._hidden = _draft_type(layout)
        self._has_holes = False
        self._tried = _candidates(layout)
        self._used = np.zeros(len(self._tried), bool)

    def put(self, band: int, window: Window, values: MaskedArray) -> None:
        """Take a window, `(row, col)` with True in the mask for not valid, of a band counted from 1."""
        import numpy as np
        from rasterio.windows import Window as PixelWindow

        mask = np.ma.getmaskarray(values)
        self._has_holes = self._has_holes or bool(mask.any())
        if len(self._tried):
            self._used |= np.isin(self._tried, values.data[~mask])
        with np.errstate(over="ignore", invalid="ignore"):  # of what is masked
            stored = np.where(mask, np.asarray(self._hidden, self._dtype), values.data.astype(self._dtype))
        row, col, height, width = window
        self._dataset.write(stored, band, window=PixelWindow(col, row, width, height))

    def settled(self) -> tuple[str, float | None]:
        """Return the type of the file and its nodata value: whole numbers keep theirs, if it has a value left for what is not valid."""
        whole, free = self._layout.whole_type, self._tried[~self._used]
        if whole is None or (self._has_holes and not len(free)):
            return self._layout.float_type, math.nan
        return whole, float(free[0]) if self._has_holes else None

    def final(self, stored: np.ndarray[Any, Any], dtype: str, nodata: float | None) -> np.ndarray[Any, Any]:
        """Return what was stored in the type of the file."""
        import numpy as np

        if self._layout.whole_type is None or nodata is None:
            return stored.astype(dtype, copy=False)
        return np.where(stored == self._hidden, np.asarray(nodata, dtype), stored.astype(dtype))


@contextmanager
def stack_writer(path: Path, layout: Layout) -> Iterator[StackDraft]:
    """Give a draft to put the bands into; on leaving it becomes one Cloud Optimized GeoTIFF.

    Integers of one type keep it, with a nodata value that no valid pixel has; anything else becomes float32 with NaN (float64 where
    float32 cannot hold the integers). Equal input, equal bytes. What was never put is not valid as little as what is masked.
    """
    import numpy as np

    height, width = layout.grid.shape
    dtype, _ = _draft_type(layout)
    profile = {"driver": "GTiff", "count": len(layout.names), "height": height, "width": width, "dtype": dtype, "bigtiff": "if_safer"}
    size = len(layout.names) * height * width * np.dtype(dtype).itemsize
    with draft_raster(path.with_name(f"{path.stem}-bands"), size) as held:
        with quietly(held, **profile, interleave="band") as dataset:
            draft = StackDraft(dataset, layout)
            yield draft
        final, nodata = draft.settled()
        with quietly(held) as dataset, cog_writer(path, layout.grid, layout.marks, dtype=final, nodata=nodata) as writer:
            from rasterio.windows import Window as PixelWindow

            rows = max(1, STRIP_PX // (width * len(layout.names)))
            for row in range(0, height, rows):
                window = (row, 0, min(rows, height - row), width)
                stored = dataset.read(window=PixelWindow(0, row, width, window[2]))
                writer.write(window, draft.final(stored, final, nodata))


def write_stack(
    path: Path,
    bands: Sequence[MaskedArray],
    grid: GeoBox,
    names: Sequence[str],
    classes: Mapping[str, Mapping[int, str]] = NO_CLASSES,
    unit: str = "",
) -> None:
    """Write whole bands, each `(row, col)` with True in the mask for not valid, as `stack_writer` does."""
    with stack_writer(path, Layout(grid, names, [band.dtype.name for band in bands], classes, unit)) as draft:
        for number, band in enumerate(bands, start=1):
            draft.put(number, (0, 0, *grid.shape), band)


def _draft_type(layout: Layout) -> tuple[str, float | int]:
    """Return the type in which bands wait, and the value in it that marks what is not valid; no value of the bands reaches it."""
    import numpy as np

    whole = layout.whole_type
    if whole is None:
        return layout.float_type, math.nan
    wider = WIDER.get(whole, whole)
    limits = np.iinfo(wider)
    return wider, limits.max if whole == "uint64" else limits.min if wider == "int64" else limits.max


def _candidates(layout: Layout) -> np.ndarray[Any, Any]:
    """Return the values that may stand for nodata, the best first: the greatest, the least, then upwards."""
    import numpy as np

    if layout.whole_type is None:
        return np.zeros(0, "int64")
    limits = np.iinfo(layout.whole_type)
    least, greatest = max(limits.min, -GREATEST_EXACT), min(limits.max, GREATEST_EXACT)
    last = greatest if greatest - least < 1 << 16 else least + MOST_TRIED
    return np.array([greatest, least, *range(least + 1, last)], dtype="int64")
