"""Read bands by role, with what a quality band says was not seen hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.contract import Source
from tools.errors import ParameterError
from tools.geo.clouds import Seen, imaged, kept_text, seen
from tools.geo.grid import Window
from tools.geo.roles import QUALITY_ROLES, canonical_role
from tools.storage.band_roles import roles_of
from tools.storage.rasters import band_array, check_band, iter_strips, open_raster, raster_info

if TYPE_CHECKING:
    import numpy as np

    MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype that GDAL reads


@dataclass(frozen=True)
class Quality:
    """The band that tells what was seen, and which pixels to keep."""

    role: str
    """`scl` or `qa_pixel`."""
    band: int
    """1-based."""
    kept: Seen

    @property
    def text(self) -> str:
        """What is kept, in words."""
        return kept_text(self.role, self.kept)


def find_quality(source: Source, given: Mapping[str, int]) -> tuple[str, int] | None:
    """Return role and 1-based band of a raster's quality band, `scl` before `qa_pixel`; what is `given` wins."""
    roles = {**roles_of(source), **{canonical_role(name): band for name, band in given.items()}}
    return next(((role, roles[role]) for role in QUALITY_ROLES if role in roles), None)


def quality_of(source: Source, given: Mapping[str, int], kept: Seen) -> Quality:
    """Return the quality band of a raster; raise ParameterError, saying how to name it, where there is none."""
    found = find_quality(source, given)
    if found is None:
        there = ", ".join(roles_of(source)) or "none"
        raise ParameterError(
            f"The mask {kept!r} needs a band 'scl' or 'qa_pixel', which {source.ref!r} does not have; its roles are: {there}.",
            hint="Read the scene's quality asset into the same raster (read_asset), name the band in 'bands', or use mask 'none'.",
        )
    return Quality(*found, kept)


def hidden_share(source: Source, quality: Quality) -> float:
    """Return which share, 0 to 1, of the pixels that a scene has is not what the quality band is to keep; 1 where it has none."""
    hidden = there = 0
    with open_raster(source) as dataset:
        for window in iter_strips(dataset.height, dataset.width):
            codes = band_array(dataset, quality.band, window)
            image = imaged(quality.role, codes)
            there += int(image.sum())
            hidden += int((image & ~seen(quality.role, codes, quality.kept)).sum())
    return hidden / there if there else 1.0


def check_measurements(source: Source, bands: Mapping[str, int]) -> None:
    """Raise ParameterError where a band (role → 1-based band) holds classes, with which nothing can be calculated."""
    for role, band in bands.items():
        if raster_info(source, band).value_kind == "categorical":
            raise ParameterError(f"Band {band} ({role}) holds classes, not measurements.", hint="Name another band in 'bands'.")


def read_seen(source: Source, bands: Mapping[str, int], quality: Quality | None, window: Window | None = None) -> dict[str, MaskedArray]:
    """Return role → values `(row, col)` as `read_band` gives them; also masked is what the quality band does not keep."""
    import numpy as np

    with open_raster(source) as dataset:
        for band in (*bands.values(), *([quality.band] if quality else [])):
            check_band(dataset, band, source.path)
        arrays = {role: band_array(dataset, band, window) for role, band in bands.items()}
        if quality is None:
            return arrays
        hidden = ~seen(quality.role, band_array(dataset, quality.band, window), quality.kept)
        return {role: np.ma.MaskedArray(array.data, mask=np.ma.getmaskarray(array) | hidden) for role, array in arrays.items()}
