"""Stacks: several bands on one grid in one file, each under the name by which tools find it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.storage.class_labels import value_text
from tools.storage.cog import BandMark, write_cog

if TYPE_CHECKING:
    import numpy as np
    from odc.geo.geobox import GeoBox

    MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype that GDAL reads

NO_CLASSES: Mapping[str, Mapping[int, str]] = {}


def write_stack(
    path: Path,
    bands: Sequence[MaskedArray],
    grid: GeoBox,
    names: Sequence[str],
    classes: Mapping[str, Mapping[int, str]] = NO_CLASSES,
    unit: str = "",
) -> None:
    """Write bands, each `(row, col)` with True in the mask for not valid, as one Cloud Optimized GeoTIFF.

    `names` become the bands' descriptions, from which `band_roles` finds them; `classes` (name → value → label) makes these
    bands categorical; `unit` is that of all other bands, e.g. `1`. Integers of one type keep it, with a nodata value that no valid pixel
    has; anything else becomes float32 with NaN (float64 where float32 cannot hold the integers). Equal input, equal bytes.
    """
    if not (len(bands) == len(names) == len(set(names))):
        raise ValueError(f"{len(bands)} bands need as many different names, not {list(names)}")
    array, nodata = _filled(bands)
    labels = {name: {value_text(value): label for value, label in table.items()} for name, table in classes.items()}
    marks = [BandMark(name, "" if name in labels else unit, labels.get(name, {})) for name in names]
    write_cog(path, array, grid, marks, nodata=nodata)


def _filled(bands: Sequence[MaskedArray]) -> tuple[np.ndarray[Any, Any], float | None]:
    """Return `(band, row, col)` in the type of the file, and the nodata value that fills it."""
    import numpy as np

    from tools.errors import DataError
    from tools.geo.nodata import free_value

    types = {band.dtype for band in bands}
    if len(types) == 1 and bands[0].dtype.kind in "iu":
        stack = np.ma.stack(list(bands))
        if not np.ma.getmaskarray(stack).any():
            return stack.data, None
        try:
            fill = free_value(stack, None)
        except DataError:
            pass  # every integer of the type occurs: floats below
        else:
            return stack.filled(int(fill)), fill
    wide = any(dtype.kind in "iu" and dtype.itemsize > 2 for dtype in types)
    dtype = "float64" if wide else "float32"
    return np.stack([np.ma.filled(band.astype(dtype), np.nan) for band in bands]), float("nan")
