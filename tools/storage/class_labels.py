"""Labels of raster classes: declared, written by us into the band's tags, or GDAL's category names and attribute tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from tools.contract import Source
from tools.geo.roles import SCL_CLASSES, role_of

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

TAG = "TERRACITE_CLASSES"
"""Band tag that holds {value text: label} as JSON; rasterio cannot write GDAL's category names."""
MAX_SIDE_FILE_BYTES = 16_000_000
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
    if not side.is_file() or side.stat().st_size > MAX_SIDE_FILE_BYTES:
        return {}
    try:
        root = ElementTree.fromstring(side.read_bytes())  # noqa: S314 - size is bounded, and expat refuses entity bombs
    except ElementTree.ParseError:
        return {}
    element = next((child for child in root.findall("*") if child.get("band") == str(band)), None)
    if element is None:
        return {}
    return _category_names(element) or _attribute_table(element)


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
