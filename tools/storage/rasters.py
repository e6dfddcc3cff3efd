"""Read rasters, and write them: one checked way to open them, what they are, and their values with every mask honoured.

What a user declared (CRS, bounds, nodata, scale, offset) is laid over the file as a virtual raster, so that whoever reads
the dataset sees the declared values and nobody else has to know. Arrays are `(row, col)`; bands count from 1; windows are
`(row0, col0, height, width)`; masks follow numpy (True = not valid).
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tools.contract import Source
from tools.errors import DataError, ParameterError
from tools.geo.accuracy import ConfusionMatrix
from tools.geo.grid import Window
from tools.geo.roles import QUALITY_ROLES, role_of
from tools.storage import confusion, observed
from tools.storage.bootstrap import bootstrap
from tools.storage.class_labels import class_labels, value_text
from tools.storage.cog import UNMARKED, BandMark, CogWriter, cog_writer, first_line, write_cog
from tools.storage.crs import crs_from_wkt
from tools.storage.declared import check_located, check_numbers, declared_view, needs_view
from tools.storage.observed import Observed
from tools.storage.paths import source_file
from tools.storage.raster_files import opened_file

if TYPE_CHECKING:
    import numpy as np
    from affine import Affine
    from odc.geo.geobox import GeoBox
    from pyproj import CRS
    from rasterio.io import DatasetReader

    MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype that GDAL reads

ValueKind = Literal["categorical", "continuous", "unknown"]
_WARNINGS = threading.Lock()
"""The filters of warnings belong to the process, not to a thread."""


@dataclass(frozen=True)
class RasterInfo:
    """What a band of a raster is, as its values will be read."""

    crs: CRS
    transform: Affine
    """Pixel → CRS coordinates; pixel (0, 0) is the outer corner of the first pixel."""
    width: int
    height: int
    nodata: float | None
    """In raw values, before scale and offset; None where none is set. Masks are applied on reading either way."""
    dtype: str
    count: int
    """Number of bands."""
    unit: str
    """Declared, else the file's own text, else `unspecified`."""
    value_kind: ValueKind
    """Categorical for bands of quality codes; else declared, else categorical by palette or category table, else continuous for
    floats and for the bands of a known spectral role, and unknown for other integers."""
    classes: Mapping[str, str] = field(default_factory=dict)
    """Class value (as text) → label."""
    name: str = ""
    """The file's description of the band."""
    confusion: ConfusionMatrix | None = None
    """What a test of these classes found, where the tool that made them knew one."""
    observed: Observed | None = None
    """When the pixels were observed, where the tool that made them knew it."""
    block_shape: tuple[int, int] = (1, 1)
    """Rows and columns that the file stores, and unpacks, together."""

    def name_of(self, value: float) -> str:
        """Return the label of a class value, or the value as text where it has none."""
        text = value_text(value)
        return self.classes.get(text, text)

    @property
    def is_direction(self) -> bool:
        """Whether the values are directions in degrees, of which 359 and 1 are neighbours: their plain mean means nothing."""
        return self.name.strip().casefold() == "aspect"

    @property
    def is_rotated(self) -> bool:
        """Whether rows and columns run askew to the axes of the CRS."""
        return not math.isclose(self.transform.b, 0.0, abs_tol=1e-12) or not math.isclose(self.transform.d, 0.0, abs_tol=1e-12)

    @property
    def is_south_up(self) -> bool:
        """Whether the first row is the southernmost."""
        return self.transform.e > 0

    @property
    def grid(self) -> GeoBox:
        """The grid of the pixels."""
        from odc.geo.geobox import GeoBox

        return GeoBox((self.height, self.width), self.transform, self.crs)


@contextmanager
def open_raster(source: Source, *, located: bool = True) -> Iterator[DatasetReader]:
    """Open a raster read-only, with everything declared laid over it; close it on leaving.

    `located=False` also passes rasters whose place on the ground is unknown.
    Raises NotFoundError, DataError for a file that is no raster or is broken, MissingCrsError without a CRS.
    """
    bootstrap()
    from rasterio._err import CPLE_BaseError  # what GDAL signals outside reading and writing; rasterio exports it nowhere else
    from rasterio.errors import CRSError, RasterioError

    path = source_file(source)
    try:
        is_ours, in_place = source.producer is not None, needs_view(source.declared)
        with (
            opened_file(path, is_ours=is_ours, in_place=in_place, declared=source.declared) as dataset,
            declared_view(dataset, source.declared) as view,
        ):
            check_numbers(view, path)
            if located:
                check_located(view, path)
            yield view
    except (RasterioError, CRSError, CPLE_BaseError) as error:
        raise DataError(
            f"The raster {path.name!r} cannot be read ({first_line(error)}).",
            hint="It may be damaged, incomplete or no raster; fetch it again.",
        ) from error


def raster_info(source: Source, band: int = 1) -> RasterInfo:
    """Return what a band is; declared values win over the file's.

    Raises ParameterError for a band that does not exist, and whatever `open_raster` raises.
    """
    with open_raster(source) as dataset:
        check_band(dataset, band, source.path)
        return RasterInfo(
            crs=crs_of(dataset),
            transform=dataset.transform,
            width=dataset.width,
            height=dataset.height,
            nodata=dataset.nodatavals[band - 1],
            dtype=dataset.dtypes[band - 1],
            count=dataset.count,
            unit=source.declared.unit or dataset.units[band - 1] or "unspecified",
            value_kind=value_kind(dataset, band, source),
            classes=class_labels(dataset, band, source),
            name=dataset.descriptions[band - 1] or "",
            confusion=confusion.from_tag(dataset.tags(band).get(confusion.TAG, "")),
            observed=observed.from_tag(dataset.tags(band).get(observed.TAG, "")),
            block_shape=dataset.block_shapes[band - 1],
        )


def check_band(dataset: DatasetReader, band: int, path: Path) -> None:
    """Raise ParameterError, naming the bands there are, unless the band exists."""
    if not 1 <= band <= dataset.count:
        there = "only band 1" if dataset.count == 1 else f"bands 1 to {dataset.count}"
        raise ParameterError(f"The raster {path.name!r} has no band {band}; it has {there}.", hint="Choose one of these.")


def crs_of(dataset: DatasetReader) -> CRS:
    """Return the CRS of an open dataset that has one."""
    return crs_from_wkt(dataset.crs.to_wkt())


def value_kind(dataset: DatasetReader, band: int, source: Source, colours: Sequence[Any] | None = None) -> ValueKind:
    """Return how the values are to be understood; see `RasterInfo.value_kind`. `colours` is `dataset.colorinterp` where many bands are asked for."""
    role = role_of(band, dataset.descriptions, source.declared.bands)
    if role in QUALITY_ROLES:
        return "categorical"  # also where the file as a whole is declared to be continuous
    if source.declared.kind is not None:
        return source.declared.kind
    from rasterio.enums import ColorInterp

    if (colours or dataset.colorinterp)[band - 1] == ColorInterp.palette or class_labels(dataset, band, source):
        return "categorical"
    return "continuous" if role or dataset.dtypes[band - 1].startswith(("float", "complex")) else "unknown"


def read_band(source: Source, band: int = 1, window: Window | None = None) -> MaskedArray:
    """Read a band, or a window of it, as `(row, col)`; True in the mask is not valid.

    Masked are nodata, NaN, alpha 0, and what the file's mask excludes. Values keep the file's dtype, and become float64
    where a scale or offset applies. The fill of masked pixels has no meaning.
    Raises DataError where the pixels cannot be read, ParameterError for a band that does not exist.
    """
    with open_raster(source) as dataset:
        check_band(dataset, band, source.path)
        return band_array(dataset, band, window)


def band_array(dataset: DatasetReader, band: int, window: Window | None = None, out_shape: tuple[int, int] | None = None) -> MaskedArray:
    """Read as `read_band` does, from a dataset that `open_raster` opened; `out_shape` decimates by nearest."""
    return band_arrays(dataset, (band,), window, out_shape)[0]


def band_arrays(
    dataset: DatasetReader, bands: Sequence[int], window: Window | None = None, out_shape: tuple[int, int] | None = None
) -> list[MaskedArray]:
    """Read several bands of one type at once, each as `band_array` does: rasterio looks at all bands of a file at every read."""
    from rasterio.windows import Window as PixelWindow

    where = None if window is None else PixelWindow(window[1], window[0], window[3], window[2])
    shape = None if out_shape is None else (len(bands), *out_shape)
    values = dataset.read(list(bands), window=where, out_shape=shape)
    own = _masks_beside_nodata(dataset, bands, where, shape)
    return [_masked(dataset, band, values[at], None if own is None else own[at] == 0) for at, band in enumerate(bands)]


def _masks_beside_nodata(dataset: DatasetReader, bands: Sequence[int], where: Any, shape: Any) -> Any:  # Any: rasterio has no types
    """Return GDAL's masks of bands, `(band, row, col)`, or None where all that masks them is nodata: that is told from the values, in half the time."""
    from rasterio.enums import MaskFlags
    from rasterio.errors import NodataShadowWarning

    with _WARNINGS, warnings.catch_warnings():
        # Where a file has both, nodata wins over the alpha band, as in GDAL: "alpha" of such files is often near infrared.
        warnings.simplefilter("ignore", NodataShadowWarning)
        flags = dataset.mask_flag_enums
        if all(flags[band - 1] in ([MaskFlags.all_valid], [MaskFlags.nodata]) for band in bands):
            return None
        return dataset.read_masks(list(bands), window=where, out_shape=shape)


def _masked(dataset: DatasetReader, band: int, values: Any, invalid: Any) -> MaskedArray:  # Any: arrays of every dtype
    """Return values of a band, scaled, with everything masked that is not valid; `invalid` is what else is known of that, or None."""
    import numpy as np

    nodata = dataset.nodatavals[band - 1]
    if invalid is None:
        invalid = np.zeros(values.shape, dtype=bool)
    if nodata is not None and not math.isnan(nodata):
        invalid |= values == nodata  # beside a mask file, which GDAL prefers to nodata
    if values.dtype.kind in "fc":
        invalid |= np.isnan(values)
    scale, offset = dataset.scales[band - 1], dataset.offsets[band - 1]
    if (scale, offset) != (1.0, 0.0):
        with np.errstate(over="ignore", invalid="ignore"):  # of pixels that are masked
            scaled = values.astype("float64") * scale + offset
        if (~np.isfinite(scaled) & np.isfinite(values) & ~invalid).any():
            raise DataError(
                f"Values of band {band} with its scale {scale:g} and offset {offset:g} are too large for any number.",
                hint="Declare the true ones: terracite add PATH --scale … --offset ….",
            )
        values = scaled
    return np.ma.MaskedArray(values, mask=invalid)


def iter_strips(height: int, width: int, max_pixels: int = 4_000_000) -> Iterator[Window]:
    """Yield windows of whole rows that cover the raster once, top down, each of at most `max_pixels` or one row."""
    rows = max(1, max_pixels // max(1, width))
    for row in range(0, height, rows):
        yield row, 0, min(rows, height - row), width


def class_writer(path: Path, grid: GeoBox, classes: Mapping[int, str], mark: BandMark = UNMARKED) -> AbstractContextManager[CogWriter]:
    """Return a `cog_writer` of classes 1…255 with nodata 0 (uint8).

    The labels stand in the band's tag `TERRACITE_CLASSES`, from which `raster_info` reads them back.
    """
    labels = {value_text(value): label for value, label in classes.items()}
    return cog_writer(path, grid, [replace(mark, classes=labels)], dtype="uint8", nodata=0)


def write_class_raster(path: Path, array: np.ndarray[Any, Any], grid: GeoBox, classes: Mapping[int, str]) -> None:
    """Write a whole raster of classes, `(row, col)` uint8, as `class_writer` does."""
    with class_writer(path, grid, classes) as writer:
        writer.write((0, 0, *grid.shape), array.astype("uint8", copy=False))


def write_raster(
    path: Path,
    array: np.ndarray[Any, Any],  # Any: every dtype that GeoTIFF holds
    grid: GeoBox,
    nodata: float | None = None,
    unit: str = "unspecified",
    classes: Mapping[str, str] | None = None,
) -> None:
    """Write `(row, col)` or `(band, row, col)` as a Cloud Optimized GeoTIFF; NaN of a float raster should be its nodata.

    `classes` (value as text → label) makes the first band categorical. Equal input gives equal bytes.
    """
    text = "" if unit == "unspecified" else unit
    count = len(array) if array.ndim == 3 else 1
    marks = (BandMark(unit=text, classes=classes or {}), *[BandMark(unit=text)] * (count - 1))
    write_cog(path, array, grid, marks, nodata=nodata)
