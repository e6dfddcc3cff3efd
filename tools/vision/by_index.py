"""Classes by an index and a threshold: what needs no network, and is the measure of every network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from tools.contract import Source
from tools.geo.indices import INDICES, SpectralIndex, check_reflectance
from tools.storage.observations import Quality, check_measurements, read_seen
from tools.storage.rasters import iter_strips, raster_info
from tools.vision.classes import ClassStrip, Segmentation

OTHER = "other"
HIGH_MEANS: dict[str, str] = {
    "MNDWI": "water", "NDWI": "water", "AWEI_NSH": "water", "AWEI_SH": "water", "NDVI": "vegetation", "EVI": "vegetation",
    "EVI2": "vegetation", "SAVI": "vegetation", "MSAVI": "vegetation", "GNDVI": "vegetation", "NDRE": "vegetation", "NDSI": "snow",
    "NDBI": "built-up", "BSI": "bare soil",
}  # fmt: skip
"""What an index is high over, by its authors; of the others, the class is called `above`."""


def segment_by_index(raster: Source, name: str, threshold: float, *, bands: Mapping[str, int], quality: Quality | None) -> Segmentation:
    """Return where an index exceeds a threshold; `bands` holds the 1-based band of every role of the index.

    Raises ParameterError for a band of classes, and while the strips are read for values that are no reflectance where the
    index needs it.
    """
    index, label = INDICES[name], HIGH_MEANS.get(name, "above")
    used = {role: bands[role] for role in index.roles}
    check_measurements(raster, used)
    return Segmentation(
        summary=f"Divided the raster into {label} ({name} above {threshold:g}) and {OTHER}.",
        labels=(label, OTHER),
        strips=_strips(raster, index, threshold, bands=used, quality=quality),
        method={
            "method": "index",
            "index": name,
            "formula": index.formula,
            "source": index.source,
            "threshold": threshold,
            "bands": used,
            "mask": quality.text if quality else "none",
        },
        sought=1,
    )


def _strips(
    raster: Source, index: SpectralIndex, threshold: float, *, bands: Mapping[str, int], quality: Quality | None
) -> Iterator[ClassStrip]:
    info = raster_info(raster)
    sums, counts = dict.fromkeys(bands, 0.0), dict.fromkeys(bands, 0)
    for window in iter_strips(info.height, info.width):
        arrays = read_seen(raster, bands, quality, window)
        for role, array in arrays.items():
            sums[role] += float(array.sum(dtype=np.float64)) if array.count() else 0.0
            counts[role] += int(array.count())
        values = index.evaluate(arrays).values
        codes = np.where(np.ma.getmaskarray(values), 0, np.where(values.data > threshold, 1, 2)).astype(np.uint8)
        yield ClassStrip(window[0], codes)
    if index.needs_reflectance:
        check_reflectance({role: sums[role] / max(1, counts[role]) for role in bands})
