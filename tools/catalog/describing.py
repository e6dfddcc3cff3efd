"""Describe a file: dispatch by kind; what only raster and vector readers know stands in their own modules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tools.catalog.records import Bounds, Content
from tools.contract import Source
from tools.errors import DataError
from tools.storage import formats
from tools.storage.stac_files import is_stac

if TYPE_CHECKING:
    from pyproj import CRS


def describe(source: Source) -> Content:
    """Return what the file says of itself; everything declared in the source wins. Of an address: what was known when it was added.

    A CRS that is missing, an empty layer or invalid geometry are warnings in the result.
    Raises NotFoundError, DataError or ParameterError where the file cannot be read as it is declared.
    """
    if source.kind == "catalogue" and source.url is not None:
        return Content.model_validate(source.item)
    if is_stac(source.path):
        from tools.catalog.catalogue_content import describe_catalogue

        return describe_catalogue(source)[1]
    kind = formats.kind_of(source.path)
    if kind == "document":
        return describe_document(source.path)
    if kind == "vector":
        from tools.catalog.vector_content import describe_vector

        return describe_vector(source)
    if kind == "network":
        from tools.catalog.network_content import describe_network

        return describe_network(source)
    from tools.catalog.raster_content import describe_raster

    return describe_raster(source)


def describe_document(path: Path) -> Content:
    """Describe a text; raise NotFoundError or DataError where it is not there, empty, or no text."""
    from tools.storage.texts import check_document

    check_document(path)
    return Content(kind="document", driver=formats.DRIVERS[path.suffix.lower()])


def extent_degrees(bounds: Bounds, crs: CRS) -> tuple[Bounds | None, tuple[str, ...]]:
    """Return bounds in `crs` as west, south, east, north in degrees, and warnings on what makes that doubtful.

    Longitudes are brought into -180…180, so that west exceeds east for an extent across the antimeridian.
    """
    from tools.geo.vicinity import lonlat_bounds, wrapped_bbox

    try:
        west, south, east, north = lonlat_bounds(bounds, crs)
    except DataError as error:
        return None, (error.message,)
    if max(abs(west), abs(east)) > 540 or max(abs(south), abs(north)) > 90:
        reason = f"The coordinates reach beyond the Earth ({west:g} {south:g} {east:g} {north:g}): the CRS {crs.name!r} is probably not theirs; declare the true one."
        return None, (reason,)
    return wrapped_bbox((west, south, east, north)), ()


def licence_and_attribution(tags: dict[str, str]) -> tuple[str | None, str | None]:
    """Return the licence and the credit line that a file's own metadata states, if it does."""
    folded = {key.casefold(): value.strip() for key, value in tags.items() if value.strip()}
    licence = next((folded[key] for key in ("license", "licence", "rights") if key in folded), None)
    attribution = next((folded[key] for key in ("attribution", "credit", "tifftag_copyright", "copyright") if key in folded), None)
    return licence, attribution
