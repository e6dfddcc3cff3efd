"""Where a GeoTIFF lies when it says so twice: in its own tags and in GDAL's side file, `.aux.xml`, which GDAL silently prefers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from tools.contract import Declared, Georeferencing
from tools.errors import DataError
from tools.storage.crs import crs_from_wkt

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader

Opener = Callable[[str], "AbstractContextManager[DatasetReader]"]
"""From GDAL's option GDAL_GEOREF_SOURCES to the open dataset."""
ORDER: dict[Georeferencing | None, str | None] = {None: None, "internal": "INTERNAL,PAM", "sidecar": "PAM,INTERNAL"}
"""What was chosen → the sources in the order in which GDAL asks them; None leaves its own order."""
SIDE = "+.aux.xml"
MOST_PIXELS = 0.01
"""Corners that lie closer together than this many pixels are the same: both were written with rounded numbers."""


def check_agreement(opener: Opener, side: Path | None, declared: Declared, name: str) -> None:
    """Raise DataError where the tags and the side file place the raster differently, and nobody said which is right.

    What was declared (`bounds`, `crs`) needs no agreement. `side` is the side file, None where there is none.
    """
    if side is None or declared.georeferencing is not None or not _places(side):
        return
    (tags, tags_crs), (beside, beside_crs) = (_placed(opener, only) for only in ("INTERNAL", "PAM"))
    moved = declared.bounds is None and not tags.is_identity and not beside.is_identity and _differ(tags, beside, opener)
    renamed = declared.crs is None and tags_crs and beside_crs and crs_from_wkt(tags_crs.to_wkt()) != crs_from_wkt(beside_crs.to_wkt())
    if not (moved or renamed):
        return
    raise DataError(
        f"The raster {name!r} has two georeferencings that disagree: its own tags say {_said(tags, tags_crs)}, "
        f"the sidecar {side.name!r} (GDAL's PAM) says {_said(beside, beside_crs)}.",
        hint="Say which is right: terracite add PATH --georeferencing internal, or sidecar; or move the side file away.",
    )


def _places(side: Path) -> bool:
    text = side.read_bytes()
    return b"<GeoTransform" in text or b"<SRS" in text


def _placed(opener: Opener, source: str) -> tuple[Affine, CRS | None]:
    with opener(source) as dataset:
        return dataset.transform, dataset.crs


def _differ(tags: Affine, beside: Affine, opener: Opener) -> bool:
    """Whether a corner of the raster lies elsewhere by more than `MOST_PIXELS` of the pixels of the tags."""
    with opener("INTERNAL") as dataset:
        corners = [(col, row) for col in (0, dataset.width) for row in (0, dataset.height)]
    places = [(~tags * (beside * corner), corner) for corner in corners]
    return any(abs(col - there[0]) > MOST_PIXELS or abs(row - there[1]) > MOST_PIXELS for (col, row), there in places)


def _said(transform: Affine, crs: CRS | None) -> str:
    system = crs_from_wkt(crs.to_wkt()).name if crs else "no CRS"
    return f"pixels of {abs(transform.a):g} × {abs(transform.e):g} from ({transform.c:.10g}, {transform.f:.10g}) in {system}"
