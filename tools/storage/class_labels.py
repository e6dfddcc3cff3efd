"""Labels of raster classes: declared, written by us into the band's tags, or GDAL's category names and attribute tables."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from tools.contract import Source
from tools.geo.roles import SCL_CLASSES, role_of
from tools.settings import current_settings

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

TAG = "TERRACITE_CLASSES"
"""Band tag that holds {value text: label} as JSON; rasterio cannot write GDAL's category names."""
NAME_USAGE = "2"
VALUE_USAGES = ("5", "0")
"""Usage codes of attribute table columns: GFU_Name, and GFU_MinMax or GFU_Generic (GDAL, gdal_rat.h)."""


def value_text(value: float) -> str:
    """Write a class value as text: `3` for 3 and 3.0, the shortest exact form for other floats."""
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


def class_labels(dataset: DatasetReader, band: int, source: Source) -> dict[str, str]:
    """Return value text → label of a band: declared labels win, then our own tag, then the file's category names, then those of its role."""
    found = _tagged(dataset.tags(band).get(TAG, "")) or ({} if source.url else side_file_labels(source.path, band))
    if not found and role_of(band, dataset.descriptions, source.declared.bands) == "scl":
        found = {str(value): label for value, label in SCL_CLASSES.items()}
    return {**found, **{value_text(float(value)): label for value, label in source.declared.classes.items()}}


def _tagged(text: str) -> dict[str, str]:
    """Read our own tag; in a file of others it may hold anything, and then names nothing."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {value: label for value, label in found.items() if isinstance(label, str)} if isinstance(found, dict) else {}


def side_file_labels(path: Path, band: int) -> dict[str, str]:
    """Read category names, else an attribute table, of a band from `x.tif.aux.xml` or from the .vrt itself.

    rasterio offers neither. A side file that is not XML names nothing, as for GDAL.
    """
    side = path if path.suffix.lower() == ".vrt" else path.with_name(path.name + ".aux.xml")
    try:
        state = side.stat()
    except OSError:
        return {}
    if not side.is_file() or state.st_size > current_settings().max_side_file_bytes:
        return {}
    return _labels_in(side, state.st_size, state.st_mtime_ns).get(str(band), {})


@lru_cache(maxsize=8)
def _labels_in(side: Path, _size: int, _mtime_ns: int) -> dict[str, dict[str, str]]:
    """Return band → value text → label of a whole side file, kept as long as it is the same: it is asked once per band."""
    try:
        root = ElementTree.fromstring(side.read_bytes())  # noqa: S314 - size is bounded, and expat refuses entity bombs
    except ElementTree.ParseError:
        return {}
    labels: dict[str, dict[str, str]] = {}
    for element in root.findall("*"):
        labels.setdefault(element.get("band", ""), _category_names(element) or _attribute_table(element))
    return labels


def _category_names(band: ElementTree.Element) -> dict[str, str]:
    """Category n names the value n; empty names are gaps."""
    names = [(child.text or "").strip() for child in band.findall("CategoryNames/Category")]
    return {str(value): name for value, name in enumerate(names) if name}


def _attribute_table(band: ElementTree.Element) -> dict[str, str]:
    table = band.find("GDALRasterAttributeTable")
    if table is None:
        return {}
    usages = [field.findtext("Usage", "") for field in table.findall("FieldDefn")]
    name = next((position for position, usage in enumerate(usages) if usage == NAME_USAGE), None)
    value = next((usages.index(usage) for usage in VALUE_USAGES if usage in usages), None)
    if name is None or value is None:
        return {}
    rows = [[cell.text or "" for cell in row.findall("F")] for row in table.findall("Row")]
    return {value_text(float(row[value])): row[name].strip() for row in rows if _is_number(row[value]) and row[name].strip()}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
