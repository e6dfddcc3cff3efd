"""Classes by an index and a threshold: what needs no network, and is the measure of every network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tools.contract import Source
from tools.geo.indices import INDICES, SpectralIndex, check_reflectance
from tools.storage.observations import Quality, check_measurements, read_seen
from tools.storage.observed import together
from tools.storage.rasters import iter_strips, raster_info
from tools.vision.classes import ClassStrip, Segmentation

OTHER = "other"
HIGH_MEANS: dict[str, str] = {
    "MNDWI": "water", "NDWI": "water", "AWEI_NSH": "water", "AWEI_SH": "water", "NDVI": "vegetation", "EVI": "vegetation",
    "EVI2": "vegetation", "SAVI": "vegetation", "MSAVI": "vegetation", "GNDVI": "vegetation", "NDRE": "vegetation", "NDSI": "snow",
    "NDBI": "built-up", "BSI": "bare soil",
}  # fmt: skip
"""What an index is high over, by its authors; of the others, the class is called `above`."""


@dataclass(frozen=True)
class Rule:
    """What belongs to the class: where an index exceeds a threshold."""

    name: str
    """Of the index."""
    threshold: float
    bands: Mapping[str, int]
    """Role → 1-based band, of every role of the index."""
    quality: Quality | None
    """Which pixels count."""

    @property
    def index(self) -> SpectralIndex:
        """The index itself."""
        return INDICES[self.name]


def segment_by_index(raster: Source, rule: Rule, progress: Callable[[float], None]) -> Segmentation:
    """Return where an index exceeds a threshold.

    Raises ParameterError for a band of classes, and while the strips are read for values that are no reflectance where the
    index needs it.
    """
    check_measurements(raster, rule.bands)
    label = HIGH_MEANS.get(rule.name, "above")
    return Segmentation(
        summary=f"Divided the raster into {label} ({rule.name} above {rule.threshold:g}) and {OTHER}.",
        labels=(label, OTHER),
        observed=together(raster_info(raster, band).observed for band in rule.bands.values()),
        strips=_strips(raster, rule, progress),
        method={
            "method": "index",
            "index": rule.name,
            "formula": rule.index.formula,
            "source": rule.index.source,
            "threshold": rule.threshold,
            "bands": dict(rule.bands),
            "mask": rule.quality.text if rule.quality else "none",
        },
        sought=1,
    )


def _strips(raster: Source, rule: Rule, progress: Callable[[float], None]) -> Iterator[ClassStrip]:
    info = raster_info(raster)
    sums, counts = dict.fromkeys(rule.bands, 0.0), dict.fromkeys(rule.bands, 0)
    for window in iter_strips(info.height, info.width):
        arrays = read_seen(raster, rule.bands, rule.quality, window)
        for role, array in arrays.items():
            sums[role] += float(array.sum(dtype=np.float64)) if array.count() else 0.0
            counts[role] += int(array.count())
        values = rule.index.evaluate(arrays).values
        codes = np.where(np.ma.getmaskarray(values), 0, np.where(values.data > rule.threshold, 1, 2)).astype(np.uint8)
        yield ClassStrip(window[0], codes)
        progress((window[0] + window[2]) / info.height)
    if rule.index.needs_reflectance:
        check_reflectance({role: sums[role] / max(1, counts[role]) for role in rule.bands})
