"""The product knows nothing of the real data it is accepted on: no distinctive name of it stands in the code or the prompts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PRODUCT = ("agent", "tools", "prompts")

# Words of file names that are the field's own: formats, kinds of data, parts of a map, defects, plain English; those who make
# public products, whose documents are cited, and the prefix of a public catalogue's own properties.
GENERAL = frozenset(
    """
    above across admin alpha annual antimeridian area areas black boundary boundaries built buildings centerlines chips cloud clouds
    collection collections corrupt countries curves datasets dataset data depth documents earthquake earthquakes edge empty event events
    external facts feature features file first flood floods float footprint gcps geometry geomatrix image images index info interest
    invalid label labels lake lakes landcover landuse lulc map mask masks matched marble missing mixed moisture nodata null only
    observed orientation overview paging parcels parks points populated places provinces raster rasters readme recorded right ring
    rivers rotated root search simple single soil source south split stac states summary tiles truncated uint vectors waterways west
    duplicates nightlights nonconformant state product awkward zipoutput maps productinfo hurricane
    landsat sentinel srtm nlcd naip rgba epsg uint16
    earthsearch nasa usgs
    """.split()
)

# Columns of a name that any file may have.
GENERAL_COLUMNS = frozenset(
    "obj_type event_type featurecla area_id name_en name_len type_en min_zoom min_label max_label map_type metadata continent wikipedia".split()
)


def distinctive_words(data: Path) -> Iterator[str]:
    """Yield words of file and folder names that only this data has, and the places of its index."""
    for path in data.rglob("*"):
        for word in re.findall(r"[^\W\d_]+", path.stem):
            if len(word) >= 4:
                yield word.lower()
    for row in re.findall(r"^\| ([A-Z][^|]+) \| [^|]*\.tif", (data / "INDEX.md").read_text(encoding="utf-8"), re.MULTILINE):
        yield from (word.lower() for word in re.findall(r"[^\W\d_]{4,}", row.split("(")[0]))


def distinctive_columns(data: Path) -> Iterator[str]:
    """Yield names of columns that are spelled as no plain word is: with an underscore, a digit, or in long capitals."""
    import pyogrio

    for path in (data / "vectors").rglob("*"):
        if path.suffix in (".shp", ".gpkg", ".fgb", ".geojson", ".json"):
            for layer, _ in pyogrio.list_layers(path):
                yield from (name for name in pyogrio.read_info(path, layer=layer)["fields"] if _is_distinctive(name))


def _is_distinctive(column: str) -> bool:
    return len(column) >= 5 and column.lower() not in GENERAL_COLUMNS and bool(re.search(r"[_\d]|^[A-Z]{8,}$", column))


def product_files() -> Iterator[Path]:
    """Yield every text that ships."""
    for package in PRODUCT:
        for path in sorted((REPOSITORY / package).rglob("*")):
            if path.is_file() and path.suffix in (".py", ".md", ".json", ".txt", ".toml", ".yaml"):
                yield path


@pytest.mark.realdata
def test_no_name_of_the_real_data_stands_in_the_product(shared_data: Path) -> None:
    words = set(distinctive_words(shared_data)) - GENERAL
    assert len(words) > 20, "the folder has names of its own"
    pattern = re.compile(rf"(?<![^\W_])(?:{'|'.join(sorted(map(re.escape, words)))})(?![^\W_])", re.IGNORECASE)
    found = {
        (str(path.relative_to(REPOSITORY)), match)
        for path in product_files()
        for match in pattern.findall(path.read_text(encoding="utf-8"))
    }
    assert not found


@pytest.mark.realdata
def test_no_column_of_the_real_data_stands_in_the_product(shared_data: Path) -> None:
    columns = set(distinctive_columns(shared_data))
    assert len(columns) > 50, "the layers have columns of their own"
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, columns)))})\b")
    found = {
        (str(path.relative_to(REPOSITORY)), match)
        for path in product_files()
        for match in pattern.findall(path.read_text(encoding="utf-8"))
    }
    assert not found
