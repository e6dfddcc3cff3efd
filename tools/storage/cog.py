"""Write Cloud Optimized GeoTIFFs whose bands carry their name, unit and class labels."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.errors import StorageError
from tools.geo.accuracy import ConfusionMatrix
from tools.geo.grid import Window
from tools.storage import confusion, observed
from tools.storage.bootstrap import bootstrap
from tools.storage.class_labels import TAG
from tools.storage.observed import Observed
from tools.storage.raster_folder import plain_reason

if TYPE_CHECKING:
    import numpy as np
    from odc.geo.geobox import GeoBox

IN_MEMORY_BYTES = 64_000_000
TILE_PX = 512
"""That of the COG driver, which then reads every tile of the draft once."""


@dataclass(frozen=True)
class BandMark:
    """What is written with a band beside its values."""

    name: str = ""
    """The band's description: a role such as `green`, or what it holds."""
    unit: str = ""
    classes: Mapping[str, str] = field(default_factory=dict)
    """Value text → label; makes the band categorical."""
    confusion: ConfusionMatrix | None = None
    """What a test of these classes found."""
    observed: Observed | None = None
    """When, and under which clouds."""


UNMARKED = BandMark()


def first_line(error: Exception) -> str:
    """Return GDAL's own reason, which rasterio keeps as the cause of a failed read or write."""
    return plain_reason((str(error.__cause__ or error).strip().splitlines() or [type(error).__name__])[0].removesuffix("."))


class CogWriter:
    """Takes the pixels of one raster, window by window."""

    def __init__(self, dataset: Any) -> None:  # Any: rasterio's DatasetWriter has no types
        self._dataset = dataset

    def write(self, window: Window, array: np.ndarray[Any, Any]) -> None:
        """Write `(row, col)` or `(band, row, col)` of a window, in the raster's dtype; what is never written has no meaning."""
        from rasterio.windows import Window as PixelWindow

        row, col, height, width = window
        self._dataset.write(array if array.ndim == 3 else array[None], window=PixelWindow(col, row, width, height))


@contextmanager
def cog_writer(path: Path, grid: GeoBox, marks: Sequence[BandMark], *, dtype: str, nodata: float | None) -> Iterator[CogWriter]:
    """Give a writer of the windows of a raster, one mark per band; on leaving they become a Cloud Optimized GeoTIFF.

    Equal pixels give equal bytes, in whatever windows they come. The driver can only copy: a raster of up to
    `IN_MEMORY_BYTES` waits in memory, a larger one uncompressed in a file beside `path`, which is removed. Overviews are by nearest, which invents no value.
    Raises StorageError where the file cannot be written.
    """
    bootstrap()
    import numpy as np
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    height, width = grid.shape
    crs = grid.crs.to_wkt() if grid.crs else None
    profile = {"count": len(marks), "height": height, "width": width, "dtype": dtype, "nodata": nodata, "crs": crs}
    size = len(marks) * height * width * np.dtype(dtype).itemsize
    try:
        with ExitStack() as stack:
            # A grid of unit pixels at the origin looks like none at all.
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            held = stack.enter_context(draft_raster(path, size))
            layout = {"tiled": True, "blockxsize": TILE_PX, "blockysize": TILE_PX, "bigtiff": "if_safer", "sparse_ok": True}
            with held.open(driver="GTiff", transform=grid.affine, **layout, **profile) as dataset:
                _mark(dataset, marks)
                yield CogWriter(dataset)
            with held.open() as dataset:
                _copy(dataset, path)
    except (RasterioError, CPLE_BaseError) as error:
        raise StorageError(
            f"The raster {path.name!r} cannot be written ({first_line(error)}).", hint="Check the disk's free space."
        ) from error


def write_cog(
    path: Path,
    array: np.ndarray[Any, Any],  # Any: every dtype that GeoTIFF holds
    grid: GeoBox,
    marks: Sequence[BandMark],
    *,
    nodata: float | None,
) -> None:
    """Write a whole raster, `(row, col)` or `(band, row, col)`, as `cog_writer` does."""
    with cog_writer(path, grid, marks, dtype=array.dtype.name, nodata=nodata) as writer:
        writer.write((0, 0, *grid.shape), array)


@contextmanager
def draft_raster(path: Path, size: int) -> Iterator[Any]:  # Any: rasterio's MemoryFile has no types
    """Give a place where a raster of `size` bytes waits for its next use, `open` as of rasterio's MemoryFile: memory, or a file beside `path`."""
    from rasterio.io import MemoryFile

    if size <= IN_MEMORY_BYTES:
        with MemoryFile() as memory:
            yield memory
        return
    draft = path.with_name(f".{path.stem}.draft.tif")
    try:
        yield _DraftFile(draft)
    finally:
        draft.unlink(missing_ok=True)


@dataclass(frozen=True)
class _DraftFile:
    """A file on disk that opens as rasterio's MemoryFile does."""

    path: Path

    def open(self, **profile: Any) -> Any:  # Any: rasterio has no types
        import rasterio

        return rasterio.open(self.path, "w" if profile else "r", **profile)


def quietly(held: Any, **profile: Any) -> Any:  # Any: rasterio has no types
    """Open a draft, which lies nowhere on the ground, without a word about that."""
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return held.open(**profile)


def _copy(dataset: Any, path: Path) -> None:  # Any: rasterio's DatasetReader has no types
    import rasterio.shutil

    options = {"compress": "deflate", "predictor": "yes", "overview_resampling": "nearest", "bigtiff": "if_safer"}
    # The number of threads does not show in the bytes: blocks are written in their order.
    rasterio.shutil.copy(dataset, path, driver="COG", num_threads="all_cpus", **options)


def _mark(dataset: Any, marks: Sequence[BandMark]) -> None:  # Any: rasterio's DatasetWriter has no types
    for band, mark in enumerate(marks, start=1):
        if mark.name:
            dataset.set_band_description(band, mark.name)
        if mark.classes:
            dataset.update_tags(band, **{TAG: json.dumps(dict(mark.classes), ensure_ascii=False, sort_keys=True)})
        if mark.confusion:
            dataset.update_tags(band, **{confusion.TAG: confusion.as_tag(mark.confusion)})
        if mark.observed:
            dataset.update_tags(band, **{observed.TAG: observed.as_tag(mark.observed)})
    dataset.units = tuple(mark.unit for mark in marks)
