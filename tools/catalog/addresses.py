"""Catalogues on other machines: registered by their address, described once by asking them; two are known without that.

The address of a file is no catalogue: the file is fetched, and registered with its address as its origin.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tools.catalog.file_records import declared_json
from tools.catalog.naming import slug
from tools.catalog.records import Content, DatasetRecord, SceneCollection
from tools.catalog.registrations import Given, declared_from_json
from tools.contract import Source
from tools.errors import DataError, LimitError, ParameterError, TerraciteError
from tools.storage.download_names import is_data, suffix_of
from tools.storage.stac_links import REMOTE


def _digest(record: DatasetRecord) -> str:
    """Return the identity of a catalogue: its address, what was declared, and what it said of itself when it was added."""
    known = record.model_dump_json(include={"path", "declared", "collections", "conforms_to"})
    return f"sha256:{hashlib.sha256(known.encode()).hexdigest()}"


def _known(name: str, title: str, address: str, collections: Mapping[str, str]) -> DatasetRecord:
    """Return the record of a catalogue that can be named without being registered; `collections` are id → title."""
    named = tuple(SceneCollection(id=each, title=said) for each, said in collections.items())
    partial = ("Only some of its collections are named here; search_stac finds all that the catalogue has.",)
    record = DatasetRecord(
        kind="catalogue", driver="STAC API", id=name, title=title, path=address, digest="", bytes=0, collections=named, warnings=partial
    )
    return record.model_copy(update={"digest": _digest(record)})


EARTH_SEARCH = _known(
    "earth-search",
    "Earth Search",
    "https://earth-search.aws.element84.com/v1",
    {
        "sentinel-2-l2a": "Sentinel-2 Level-2A",
        "sentinel-2-c1-l2a": "Sentinel-2 Collection 1 Level-2A",
        "sentinel-2-l1c": "Sentinel-2 Level-1C",
        "sentinel-1-grd": "Sentinel-1 Level-1C Ground Range Detected (GRD)",
        "landsat-c2-l2": "Landsat Collection 2 Level-2",
        "naip": "NAIP: National Agriculture Imagery Program",
        "cop-dem-glo-30": "Copernicus DEM GLO-30",
        "cop-dem-glo-90": "Copernicus DEM GLO-90",
    },
)
PLANETARY_COMPUTER = _known(
    "planetary-computer",
    "Microsoft Planetary Computer",
    "https://planetarycomputer.microsoft.com/api/stac/v1",
    {
        "sentinel-2-l2a": "Sentinel-2 Level-2A",
        "sentinel-1-rtc": "Sentinel 1 Radiometrically Terrain Corrected (RTC)",
        "sentinel-1-grd": "Sentinel 1 Level-1 Ground Range Detected (GRD)",
        "landsat-c2-l2": "Landsat Collection 2 Level-2",
        "naip": "NAIP: National Agriculture Imagery Program",
        "cop-dem-glo-30": "Copernicus DEM GLO-30",
        "io-lulc-annual-v02": "10m Annual Land Use Land Cover (9-class) V2",
        "esa-worldcover": "ESA WorldCover",
    },
)
BUILT_IN: Mapping[str, DatasetRecord] = {record.id: record for record in (EARTH_SEARCH, PLANETARY_COMPUTER)}
"""Catalogues that can be named without being registered: id → record, with the collections most asked for."""


class NoCatalogueError(Exception):
    """What answers at an address is no catalogue; it may be a file. `told` is what to say where it is none."""

    def __init__(self, told: TerraciteError) -> None:
        super().__init__(str(told))
        self.told = told


def is_file(address: str) -> bool:
    """Whether an address is that of a file of data by its name; one that ends in `.json` may be a catalogue."""
    return is_data(address) and suffix_of(address) != ".json"


def is_address(path: Path | str) -> bool:
    """Whether a path is an address on another machine."""
    return str(path).startswith(REMOTE)


def norm_address(text: str) -> str:
    """Return an address without fragment and final slash; raise ParameterError for none, and where it holds a user, password or query."""
    try:
        parts = urlsplit(text.strip())
        text.encode()  # lone surrogates are no characters
    except ValueError as error:
        raise ParameterError("The address cannot be read as one.", hint="Give an address such as https://HOST/PATH.") from error
    if not is_address(f"{parts.scheme.lower()}://"):
        raise ParameterError(
            f"An address that begins with '{parts.scheme}://' cannot be registered.", hint="Give an https address, or download the file."
        )
    if parts.username or parts.password or parts.query:
        raise ParameterError(
            f"The address on {parts.hostname or 'another machine'} holds more than host and path.",
            hint="Give the address of the file or catalogue itself, without user, password and ?query.",
        )
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def address_record(address: str, given: Given, earlier: DatasetRecord | None) -> DatasetRecord:
    """Ask a catalogue what it is and return its record.

    Raises NoCatalogueError where something else answers, ParameterError where its host is not allowed, ServiceError,
    NotFoundError or CredentialError where nothing does.
    """
    from tools.catalog.catalogue_content import describe_catalogue
    from tools.storage.stac_io import NoJsonError

    try:
        title, content = describe_catalogue(Source("", "catalogue", Path(), "", url=address))
    except (DataError, LimitError, NoJsonError) as error:
        raise NoCatalogueError(error) from error
    stated = {"time": given.time, "licence": given.licence, "attribution": given.attribution}
    record = DatasetRecord(
        **{**content.model_dump(), **{name: value for name, value in stated.items() if value is not None}},
        id=earlier.id if earlier else slug(title or urlsplit(address).hostname or address),
        title=given.title or title or address,
        path=address,
        digest="",
        bytes=0,
        declared=declared_json(given.declared),
    )
    return record.model_copy(update={"digest": _digest(record)})


def address_source(record: DatasetRecord) -> Source:
    """Return a catalogue on another machine as an input."""
    known = record.model_dump(mode="json", include=set(Content.model_fields))
    return Source(
        record.id,
        "catalogue",
        Path(),
        record.digest,
        declared=declared_from_json(record.declared),
        title=record.title,
        attribution=record.attribution or "",
        url=record.path,
        item=known,
    )
