"""Texts of Shapefiles are read in their encoding, and large codes keep every digit in every format."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from tools.catalog.vector_content import describe_vector
from tools.contract import Source
from tools.storage.vectors import read_rows


def source(path: Path) -> Source:
    return Source("", "vector", path, "")


def shapefile(folder: Path, texts: list[str], encoding: str) -> Path:
    frame = gpd.GeoDataFrame({"t": texts}, geometry=[shapely.Point(0, 0)] * len(texts), crs=4326)
    pyogrio.write_dataframe(frame, folder / "x.shp", driver="ESRI Shapefile", encoding=encoding)
    return folder / "x.shp"


@pytest.mark.parametrize(
    ("encoding", "texts"),
    [("UTF-8", ["Größe", "漢字"]), ("CP936", ["汉", "字"]), ("ISO-8859-1", ["Größe", "é"]), ("CP1251", ["Привет", "мир"])],
)
def test_the_encoding_beside_the_table_is_followed(tmp_path: Path, encoding: str, texts: list[str]) -> None:
    assert read_rows(source(shapefile(tmp_path, texts, encoding)))["t"].tolist() == texts


@pytest.mark.parametrize(("language", "texts"), [(0x57, ["Größe", "é"]), (0xC9, ["Привет", "мир"]), (0x4D, ["汉", "字"])])
def test_the_encoding_in_the_header_is_followed(tmp_path: Path, language: int, texts: list[str]) -> None:
    codec = {0x57: "cp1252", 0xC9: "cp1251", 0x4D: "cp936"}[language]
    path = shapefile(tmp_path, texts, codec if codec != "cp1252" else "ISO-8859-1")
    (tmp_path / "x.cpg").unlink()
    table = bytearray((tmp_path / "x.dbf").read_bytes())
    table[29] = language
    (tmp_path / "x.dbf").write_bytes(table)
    assert read_rows(source(path))["t"].tolist() == texts
    assert not any("encoding" in warning for warning in describe_vector(source(path)).warnings)


@pytest.mark.parametrize(("encoding", "texts"), [("UTF-8", ["Größe", "漢字"]), ("ISO-8859-1", ["Größe", "é"])])
def test_an_encoding_that_nothing_states_is_told_by_the_bytes(tmp_path: Path, encoding: str, texts: list[str]) -> None:
    path = shapefile(tmp_path, texts, encoding)
    (tmp_path / "x.cpg").unlink()
    assert read_rows(source(path))["t"].tolist() == texts
    assert any(f"taken as {encoding}" in warning for warning in describe_vector(source(path)).warnings)


def test_plain_letters_need_no_encoding(tmp_path: Path) -> None:
    path = shapefile(tmp_path, ["plain"], "UTF-8")
    (tmp_path / "x.cpg").unlink()
    assert not any("encoding" in warning for warning in describe_vector(source(path)).warnings)


@pytest.mark.parametrize("form", ["geojson", "gpkg"])
def test_a_gap_beside_a_large_code_costs_no_digit(tmp_path: Path, form: str) -> None:
    codes = [9007199254740993, None]
    point = {"type": "Point", "coordinates": [0, 0]}
    features = [{"type": "Feature", "properties": {"code": code}, "geometry": point} for code in codes]
    path = tmp_path / "x.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    if form == "gpkg":
        pyogrio.write_arrow(
            pyogrio.read_arrow(path)[1], tmp_path / "x.gpkg", geometry_type="Point", geometry_name="wkb_geometry", crs="EPSG:4326"
        )
        path = tmp_path / "x.gpkg"
    read = read_rows(source(path))["code"]
    assert read.iloc[0] == "9007199254740993"
    assert read.isna().tolist() == [False, True]
