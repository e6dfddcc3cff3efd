"""What a STAC item says of its files: which asset a name means, and how the values of its bands are to be read.

Understood are the extensions `eo:bands` and `raster:bands` (STAC 1.0) and `bands` (STAC 1.1), and class tables
(`classification:classes`, `file:values`). An item is foreign text: whatever does not fit is left out, never trusted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tools.errors import NotFoundError, ParameterError
from tools.geo.roles import ALIASES, QUALITY_ROLES, SCL_CLASSES, SENTINEL_2, STANDS_IN, canonical_role, folded
from tools.storage.product_scales import product_scale

Json = Mapping[str, Any]  # Any: JSON
LONGEST_NAME = 40
LONGEST_LABEL = 80
"""Characters of a unit or the label of a class."""
SHOWN = 40
"""Most names of assets that an error lists."""
PICTURES = {"thumbnail", "overview", "visual", "metadata", "tiles"}
"""Roles of assets that are not measurements; they are read only by their own key."""
GEOTIFF = ("image/tiff", "image/vnd.stac.geotiff")


@dataclass(frozen=True)
class BandSpec:
    """What the catalogue says of one band; None where it says nothing."""

    name: str
    """A role such as `green`, else the name of the band or asset."""
    scale: float | None = None
    offset: float | None = None
    """True value = stored value * scale + offset."""
    nodata: float | None = None
    """In stored values; may be NaN."""
    unit: str = ""
    classes: Mapping[int, str] = field(default_factory=dict)
    is_quality: bool = False
    """Whether the values are codes, never to be scaled or averaged."""
    note: str = ""
    """What was done with the catalogue's words, for the reader."""

    def to_json(self) -> dict[str, Any]:
        """Return all that shapes the values, for the identity of the asset."""
        return {**asdict(self), "nodata": None if self.nodata is None else repr(self.nodata), "classes": sorted(self.classes.items())}


def asset_of(item: Json, name: str) -> tuple[str, int | None]:
    """Return the key of the asset that a name means, and the band (from 1) where it is one of several in it.

    Names are asset keys, also written otherwise (`SCL` for `scl`), and roles of bands (`nir`, `swir16`). Raises NotFoundError,
    with the names there are, where nothing fits, ParameterError where several assets do or the file is no GeoTIFF.
    """
    assets: Mapping[str, Json] = item["assets"]
    alike = [name] if name in assets else [key for key in assets if folded(key) == folded(name)]
    found: list[tuple[str, int | None]] = [(key, None) for key in alike] or _by_role(item, canonical_role(name))
    if not found and canonical_role(name) in STANDS_IN:
        found = _by_role(item, STANDS_IN[canonical_role(name)])
    if not found:
        raise NotFoundError(f"The scene {item['id']!r} has no file {name!r}.", hint=f"It has: {', '.join(_readable(assets)[:SHOWN])}.")
    if len(found) > 1:
        raise ParameterError(
            f"Several files of the scene {item['id']!r} are {name!r}.", hint=f"Name one: {', '.join(key for key, _ in found[:SHOWN])}."
        )
    ((key, _),) = found
    kind = str(assets[key].get("type", "")).lower()
    if kind and not kind.startswith(GEOTIFF):
        raise ParameterError(
            f"The file {key!r} of the scene {item['id']!r} is {kind.split(';')[0]!r}, not a GeoTIFF.",
            hint=f"Readable are: {', '.join(_readable(assets)[:SHOWN])}.",
        )
    return found[0]


def band_specs(item: Json, key: str) -> tuple[BandSpec, ...]:
    """Return what the item says of the bands of an asset, in the order of the file; at least one.

    Earth Search's property `earthsearch:boa_offset_applied` true means that the offset of Sentinel-2's processing baseline 04.00
    (-0.1 in reflectance) was already taken off the stored values, whatever `raster:bands` says of it (its maintainers call the
    property "the truth": github.com/Element84/earth-search/issues/9); a negative offset is then not applied a second time.
    """
    asset: Json = item["assets"][key]
    eo, raster, both = (_objects(asset.get(part)) for part in ("eo:bands", "raster:bands", "bands"))
    count = max(len(eo), len(raster), len(both), 1)
    merged = [{**asset, **_at(eo, number), **_at(raster, number), **_at(both, number)} for number in range(count)]
    names = _names(item, key, merged)
    return tuple(_spec(item, name, band) for name, band in zip(names, merged, strict=True))


def _by_role(item: Json, role: str) -> list[tuple[str, int | None]]:
    """Return the assets, or bands of assets, of a role; files that hold nothing else are preferred."""
    found: list[tuple[str, int | None]] = []
    for key in _readable(item["assets"]):
        names = [canonical_role(spec.name) for spec in band_specs(item, key)]
        if not PICTURES & set(_texts(item["assets"][key].get("roles"))) and role in names and key not in PICTURES:
            found.append((key, None if len(names) == 1 else names.index(role) + 1))
    return [each for each in found if each[1] is None] or found


def _readable(assets: Mapping[str, Json]) -> list[str]:
    kinds = {key: str(asset.get("type", "")).lower() for key, asset in assets.items()}
    return [key for key, kind in kinds.items() if kind.startswith(GEOTIFF) or not kind]


def plain_name(text: str) -> str:
    """Return a name fit for a band: letters, digits, dots, dashes and underscores, at most 40; foreign text is no sentence."""
    return re.sub(r"[^\w.\-]+", "_", text).strip("_")[:LONGEST_NAME] or "band"


def _names(item: Json, key: str, bands: Sequence[Json]) -> list[str]:
    """Return a different name for each band: its role where one is known."""
    single, stem = len(bands) == 1, plain_name(key)
    found = [
        plain_name(_name(item, [key] if single else [], band, stem if single else f"{stem}_{number}"))
        for number, band in enumerate(bands, 1)
    ]
    return [name if found.count(name) == 1 else f"{stem}_{number}" for number, name in enumerate(found, 1)]


def _name(item: Json, keys: list[str], band: Json, otherwise: str) -> str:
    """Return the role that the key, the band's name or its common name says, in this order: `rededge` alone stands for three."""
    said = [*keys, *(text for part in ("name", "eo:common_name", "common_name") if isinstance(text := band.get(part), str))]
    codes = SENTINEL_2 if is_sentinel_2(item) else {}
    for text in said:
        role = codes.get(folded(text)) or canonical_role(text)
        if role in ALIASES:
            return role
    return otherwise if keys else next((text for text in said if text), otherwise)


def is_sentinel_2(item: Json) -> bool:
    """Tell whether an item is of Sentinel-2."""
    properties = item["properties"]
    said = (properties.get("constellation"), properties.get("platform"), item.get("collection"))
    return any(str(text or "").lower().startswith("sentinel-2") for text in said)


def _spec(item: Json, name: str, band: Json) -> BandSpec:
    is_quality = name in QUALITY_ROLES
    classes = _classes(band) or (SCL_CLASSES if name == "scl" else {})
    nodata = _number(band.get("nodata"))
    if is_quality or classes:
        return BandSpec(name, nodata=nodata, classes=classes, is_quality=True)
    note = ""
    scale, offset = (_finite(band.get(part, band.get(f"raster:{part}"))) for part in ("scale", "offset"))
    product = product_scale(item["properties"], name)
    if scale is None and offset is None and product is not None:
        scale, offset = product
        note = f"The catalogue states no scale for {name}; that of the product was used: stored value * {scale:g} + {offset:g}."
    offset, held = _offset(item, name, offset)
    note = held or note
    return BandSpec(name, scale or None, offset, nodata, _line(band.get("unit")), note=note)


def _offset(item: Json, name: str, offset: float | None) -> tuple[float | None, str]:
    if item["properties"].get("earthsearch:boa_offset_applied") is not True or not offset or offset > 0:
        return offset, ""
    return 0.0, f"The offset {offset:g} of {name} was not applied: the catalogue says that it is already in the stored values."


def _classes(band: Json) -> dict[int, str]:
    """Return value → label, from the extensions `classification` and `file`."""
    table = [
        (entry.get("value"), entry.get("title") or entry.get("description") or entry.get("name"))
        for entry in _objects(band.get("classification:classes"))
    ]
    for entry in _objects(band.get("file:values")):
        values = entry.get("values")
        table.extend((value, entry.get("summary")) for value in (values if isinstance(values, list) else []))
    return {value: _line(label) for value, label in table if isinstance(value, int) and _line(label)}


def _line(value: object) -> str:
    """Return text as one short line of characters that can be written; nothing for anything else."""
    shown = "".join(char if char.isprintable() else " " for char in value) if isinstance(value, str) else ""
    return " ".join(shown.split())[:LONGEST_LABEL]


def _number(value: object) -> float | None:
    """Return a number or NaN, also written as text (`nan`, `-9999`); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isinf(number) else number


def _finite(value: object) -> float | None:
    number = _number(value)
    return None if number is None or math.isnan(number) else number


def _objects(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _at(bands: Sequence[Json], number: int) -> Json:
    return bands[number] if number < len(bands) else {}
