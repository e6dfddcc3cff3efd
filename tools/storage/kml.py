"""KML from outside: nothing in it is fetched or expanded, and what its reader adds to every row is taken away again."""

from __future__ import annotations

import xml.parsers.expat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.errors import DataError, LimitError
from tools.settings import current_settings
from tools.storage.json_text import check_text_size

if TYPE_CHECKING:
    import geopandas
    import pandas

CHUNK_BYTES = 1 << 20
NETWORK_LINK = "NetworkLink"
UNSET: dict[str, object] = {"tessellate": -1, "visibility": -1, "extrude": 0, "drawOrder": -1}
"""What GDAL says where a placemark says nothing, https://gdal.org/en/stable/drivers/vector/libkml.html#field-configuration."""
STANDARD = ("id", "description", "timestamp", "begin", "end", "altitudeMode", *UNSET, "icon", "Name")
"""Columns that every layer has."""


def check_kml(file: Path) -> None:
    """Look at every element before the reader does.

    Raises DataError for XML that is broken, declares a document type (whose entities can grow without end) or holds a network link,
    LimitError for a text that is too large or nests too deep: the reader calls itself for every level.
    """
    check_text_size(file)
    parser, open_elements = xml.parsers.expat.ParserCreate(), list[str]()
    most = current_settings().max_nesting

    def start(name: str, attributes: dict[str, str]) -> None:  # noqa: ARG001 - as expat calls it
        open_elements.append(name)
        if len(open_elements) > most:
            raise LimitError(f"The KML {file.name!r} nests deeper than {most} levels.", hint="If it must, raise TERRACITE_MAX_NESTING.")
        if name.rpartition(":")[2] == NETWORK_LINK:
            raise DataError(
                f"The KML {file.name!r} holds a network link, which is not followed, so its features are not all in the file.",
                hint="Save what it links to as a file of its own, and take the link out.",
            )

    def doctype(*_: object) -> None:
        raise DataError(f"The KML {file.name!r} declares a document type, which no KML needs.", hint="Take the <!DOCTYPE out.")

    parser.StartElementHandler, parser.EndElementHandler = start, lambda _: open_elements.pop() and None
    parser.StartDoctypeDeclHandler = doctype
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                parser.Parse(chunk)
            parser.Parse(b"", True)
    except xml.parsers.expat.ExpatError as error:
        raise DataError(
            f"The KML {file.name!r} is no whole XML ({error}).", hint="It may be cut short; fetch or export it again."
        ) from error


def without_defaults(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Drop the standard columns that say nothing, and heights that are all 0, which KML has where nobody gave any."""
    frame = frame.drop(columns=[name for name in STANDARD if name in frame.columns and _says_nothing(frame[name])])
    return _flat(frame) if hasattr(frame, "geometry") and frame.geometry.has_z.any() else frame


def _says_nothing(column: pandas.Series[Any]) -> bool:
    """Whether no row has a value; an `id` is the writer's number of the placemark."""
    present = column.dropna()
    return str(column.name) == "id" or present.empty or bool((present == UNSET.get(str(column.name), "")).all())


def _flat(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    import numpy as np
    import shapely

    heights = shapely.get_coordinates(frame.geometry.to_numpy(), include_z=True)[:, 2]
    return frame if np.nan_to_num(heights).any() else frame.set_geometry(shapely.force_2d(frame.geometry.to_numpy()), crs=frame.crs)
