"""Layers and tables larger, deeper or wider than the published limits are stopped before they hurt; what just fits is read."""

from __future__ import annotations

import html
import json
import os
import random
import sqlite3
import struct
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from tools.contract import Declared, Source
from tools.errors import DataError, LimitError, TerraciteError
from tools.geotypes import norm_crs
from tools.storage import json_text, wkb
from tools.storage.crs import crs_from_wkt
from tools.storage.identity import parts
from tools.storage.rasters import raster_info
from tools.storage.vectors import read_features, read_rows
from tools.workers.confinement import available, confine_thread

if TYPE_CHECKING:
    from conftest import MakeLayer, MakeRaster

POINTS = [shapely.Point(x, 0) for x in range(3)]
ROWS: dict[str, list[object]] = {"a": [1, 2, 3], "b": ["x", "y", "z"]}


def source(path: Path, **more: Any) -> Source:
    return Source("x", "vector", path, "xxh3:0", **more)


def features(path: Path, geometry: str = '{"type": "Point", "coordinates": [1, 2]}', more: str = "", properties: str = "{}") -> Path:
    feature = f'{{"type": "Feature", "properties": {properties}, "geometry": {geometry}}}'
    path.write_text(f'{{"type": "FeatureCollection", {more} "features": [{feature}]}}', encoding="utf-8")
    return path


def collections(levels: int) -> str:
    """Return a point inside of so many collections."""
    return '{"type": "GeometryCollection", "geometries": [' * levels + '{"type": "Point", "coordinates": [1, 2]}' + "]}" * levels


# --- JSON


def test_json_that_nests_too_deep_is_refused_and_what_just_fits_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = features(tmp_path / "a.geojson", collections(5))
    monkeypatch.setenv("TERRACITE_MAX_NESTING", "15")  # collection, list, feature, five pairs, point, coordinates
    assert len(read_rows(source(path))) == 1
    monkeypatch.setenv("TERRACITE_MAX_NESTING", "14")
    with pytest.raises(LimitError, match="TERRACITE_MAX_NESTING"):
        read_rows(source(path))
    monkeypatch.delenv("TERRACITE_MAX_NESTING")
    with pytest.raises(LimitError, match="64 levels"):
        read_rows(source(features(path, collections(100_000))))


@given(st.lists(st.sampled_from(["{", "}", "[", "]", '"', "\\", "\\\\", '\\"', "x"]), max_size=60), st.integers(1, 9))
def test_depth_is_that_of_a_reader_that_goes_byte_by_byte(pieces: list[str], chunk: int) -> None:
    text = "".join(pieces).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "CHUNK_BYTES", chunk)
        assert json_text.depth(text) == slow_depth(text.decode())


def slow_depth(text: str) -> int:
    level = deepest = place = 0
    in_text = False
    while place < len(text):
        sign = text[place]
        if sign == "\\":
            place += 1
        elif sign == '"':
            in_text = not in_text
        elif not in_text:
            level += (sign in "{[") - (sign in "}]")
            deepest = max(deepest, level)
        place += 1
    return deepest


@pytest.mark.parametrize(
    "crs",
    [
        '"crs": {"type": "link", "properties": {"href": "http://127.0.0.1:9/"}},',
        '"crs": {"type": "url", "properties": {"url": "http://127.0.0.1:9/"}},',
        '"CRS" : {"Type": "LINKED", "properties": {"href": "http://127.0.0.1:9/"}},',
        '"\\u0063r\\u0053": {"type": "link", "properties": {"href": "http://127.0.0.1:9/"}},',
        '"crs": {"type": "name", "type": "link", "properties": {"name": "EPSG:4326", "href": "http://127.0.0.1:9/"}},',
        '"crs": {"type": "name", "TYPE": "link", "properties": {"href": "http://127.0.0.1:9/"}},',
    ],
)
def test_a_crs_that_is_an_address_is_refused_in_any_spelling(tmp_path: Path, crs: str) -> None:
    with pytest.raises(DataError, match="is an address"):
        read_rows(source(features(tmp_path / "a.geojson", more=crs)))
    inside = features(tmp_path / "b.geojson", f'{{{crs} "type": "Point", "coordinates": [1, 2]}}')
    with pytest.raises(DataError, match="is an address"):
        read_rows(source(inside))


@pytest.mark.parametrize("name", ["+init={}:x", "+proj=longlat +ellps=GRS80 +nadgrids={}", "\\u002binit={}:x"])
def test_a_crs_whose_name_is_a_file_is_refused_without_opening_it(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")  # GDAL would wait for it without end
    crs = f'"crs": {{"type": "name", "properties": {{"name": "{name.format(tmp_path / "pipe")}"}}}},'
    with pytest.raises(DataError, match="names another file"):
        read_rows(source(features(tmp_path / "a.geojson", more=crs)))


@pytest.mark.parametrize(
    ("crs", "code"),
    [
        ("", 4326),
        ('"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}},', 28992),
        ('"crs": {"type": "EPSG", "properties": {"code": 32631}},', 32631),
        ('"crs": null,', 4326),
        ('"name": "the \\"crs\\": {\\"type\\": \\"link\\"}",', 4326),
    ],
)
def test_a_crs_that_is_a_name_is_read(tmp_path: Path, crs: str, code: int) -> None:
    frame = read_features(source(features(tmp_path / "a.geojson", more=crs, properties='{"crs": "http://x/"}')))
    assert frame.crs.to_epsg() == code


def test_features_of_many_different_columns_are_stopped_before_a_table_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.geojsonl"
    path.write_text(
        "\n".join(f'{{"type": "Feature", "properties": {{"k{i}": 1}}, "geometry": null}}' for i in range(300)), encoding="utf-8"
    )
    monkeypatch.setenv("TERRACITE_MAX_UNPACKED_BYTES", str(300 * 300 * 8))
    assert read_rows(source(path)).shape[0] == 300
    monkeypatch.setenv("TERRACITE_MAX_UNPACKED_BYTES", str(300 * 300 * 8 - 1))
    with pytest.raises(LimitError, match="TERRACITE_MAX_UNPACKED_BYTES"):
        read_rows(source(path))
    monkeypatch.setenv("TERRACITE_MAX_COLUMNS", "299")
    with pytest.raises(LimitError, match="TERRACITE_MAX_COLUMNS"):
        read_rows(source(path))


@pytest.mark.parametrize("name", ["a.geojson", "a.csv"])
def test_text_larger_than_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = features(tmp_path / name) if name == "a.geojson" else tmp_path / name
    if name == "a.csv":
        path.write_text("lon,lat\n1,2\n")
    monkeypatch.setenv("TERRACITE_MAX_TEXT_BYTES", str(path.stat().st_size))
    assert len(read_rows(source(path))) == 1
    monkeypatch.setenv("TERRACITE_MAX_TEXT_BYTES", str(path.stat().st_size - 1))
    with pytest.raises(LimitError, match="TERRACITE_MAX_TEXT_BYTES"):
        read_rows(source(path))


# --- any format


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.fgb", "a.parquet", "a.geojson"])
def test_columns_cells_and_vertices_keep_their_limits_in_every_format(
    make_layer: MakeLayer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = make_layer(POINTS, columns=ROWS, name=name)
    monkeypatch.setenv("TERRACITE_MAX_VERTICES", "3")
    monkeypatch.setenv("TERRACITE_MAX_COLUMNS", "4")
    assert len(read_rows(source(path))) == 3
    for setting, value in (("MAX_VERTICES", "2"), ("MAX_UNPACKED_BYTES", "20")):
        monkeypatch.setenv(f"TERRACITE_{setting}", value)
        with pytest.raises(LimitError, match=f"TERRACITE_{setting}"):
            read_rows(source(path))
        monkeypatch.delenv(f"TERRACITE_{setting}")
    monkeypatch.setenv("TERRACITE_MAX_COLUMNS", "1")
    if name != "a.geojson":  # whose columns are counted only where their cells may be too many
        with pytest.raises(LimitError, match="TERRACITE_MAX_COLUMNS"):
            read_rows(source(path))


def test_only_the_drivers_of_our_formats_are_left_in_the_process_that_reads_layers() -> None:
    import pyogrio

    assert set(pyogrio.list_drivers()) <= {"GPKG", "ESRI Shapefile", "FlatGeobuf", "GeoJSON", "GeoJSONSeq", "LIBKML", "MEM", "Memory"}


# --- Shapefiles


def _patch(suffix: str, offset: int, content: bytes) -> Callable[[Path], object]:
    def change(shape: Path) -> None:
        part = shape.with_suffix(suffix)
        part.write_bytes(part.read_bytes()[:offset] + content + part.read_bytes()[offset + len(content) :])

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(_patch(".dbf", 4, struct.pack("<I", 2**31)), "do not fit", id="records that are not there"),
        pytest.param(_patch(".dbf", 10, struct.pack("<H", 60_000)), "do not fit", id="records larger than the file"),
        pytest.param(_patch(".dbf", 8, struct.pack("<H", 0)), "do not fit", id="no header"),
        pytest.param(_patch(".shp", 24, struct.pack(">I", 2**30)), "cut short", id="longer than the file"),
        pytest.param(_patch(".shx", 24, struct.pack(">I", 2**30)), "cut short", id="an index longer than the file"),
        pytest.param(_patch(".shp", 32, struct.pack("<I", 99)), "unknown type", id="shapes that nobody knows"),
        pytest.param(lambda shape: shape.with_suffix(".prj").write_bytes(b"PROJCS\0[]"), "no text", id="a CRS that is no text"),
        pytest.param(lambda shape: os.mkfifo(shape.with_suffix(".qix")), "no regular file", id="an index that never ends"),
        pytest.param(lambda shape: shape.with_suffix(".SHX").symlink_to("/dev/zero"), "no regular file", id="an index without end"),
    ],
)  # fmt: skip
def test_headers_of_shapefiles_must_fit_their_files(make_layer: MakeLayer, change: Callable[[Path], object], expected: str) -> None:
    path = make_layer(POINTS, columns=ROWS, name="a.shp")
    assert len(read_rows(source(path))) == 3
    change(path)
    with pytest.raises(DataError, match=expected):
        read_rows(source(path))


def test_a_table_is_read_by_itself_and_not_as_the_attributes_of_shapes_beside_it(make_layer: MakeLayer) -> None:
    path = make_layer(POINTS, columns=ROWS, name="a.shp")
    table = path.with_suffix(".dbf")
    with pytest.raises(DataError, match=r"only a part of 'a\.shp'"):
        read_rows(source(table))
    path.unlink()
    assert read_rows(source(table)).columns.tolist() == ["a", "b"]


def test_a_side_file_is_no_larger_than_its_limit(make_layer: MakeLayer, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_layer(POINTS, name="a.shp")
    size = path.with_suffix(".prj").stat().st_size
    monkeypatch.setenv("TERRACITE_MAX_SIDE_FILE_BYTES", str(size))
    assert read_features(source(path)).crs.to_epsg() == 4326
    monkeypatch.setenv("TERRACITE_MAX_SIDE_FILE_BYTES", str(size - 1))
    with pytest.raises(LimitError, match="TERRACITE_MAX_SIDE_FILE_BYTES"):
        read_rows(source(path))


# --- CSV


def test_short_rows_under_many_columns_are_stopped_before_a_table_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"c{i}" for i in range(100)) + "\n" + "1\n" * 99, encoding="utf-8")
    monkeypatch.setenv("TERRACITE_MAX_COLUMNS", "100")
    monkeypatch.setenv("TERRACITE_MAX_UNPACKED_BYTES", str(101 * 100 * 8))
    assert read_rows(source(path)).shape == (99, 100)
    monkeypatch.setenv("TERRACITE_MAX_UNPACKED_BYTES", str(101 * 100 * 8 - 1))
    with pytest.raises(LimitError, match="TERRACITE_MAX_UNPACKED_BYTES"):
        read_rows(source(path))
    monkeypatch.setenv("TERRACITE_MAX_COLUMNS", "99")
    with pytest.raises(LimitError, match="TERRACITE_MAX_COLUMNS"):
        read_rows(source(path))


def test_a_header_that_never_ends_is_not_parsed_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('name,"' + "x,\n" * 1_000_000, encoding="utf-8")
    with pytest.raises(DataError, match="broken header"):
        read_rows(source(path))


def test_wkt_that_nests_too_deep_is_refused_and_any_real_geometry_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"

    def write(wkt: str) -> Source:
        path.write_text(f'name,wkt\nA,"{wkt}"\n', encoding="utf-8")
        return source(path)

    pieces = ", ".join(f"(({x} 0, {x + 0.5} 0, {x} 1, {x} 0))" for x in range(200))
    assert read_features(write(f"GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(MULTIPOLYGON({pieces})))")).area.sum() == pytest.approx(50)
    with pytest.raises(DataError, match="collections"):
        read_rows(write("GEOMETRYCOLLECTION(" * 1_000_000 + "POINT(0 0)" + ")" * 1_000_000))  # ends the process in GEOS


# --- Parquet and WKB


def write_blobs(path: Path, blobs: list[bytes], crs: object = None) -> Path:
    geo = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB", "geometry_types": [], "crs": crs}}}
    table = pyarrow.table({"geometry": pyarrow.array(blobs, pyarrow.binary())}).replace_schema_metadata({"geo": json.dumps(geo)})
    pyarrow.parquet.write_table(table, path)
    return path


@pytest.mark.parametrize("kind", [4, 7, 11, 1007, 0x80000005, 0x00AB0006])
@pytest.mark.parametrize("order", [0, 1, 7])  # what is no byte order leaves the one before
def test_wkb_that_nests_too_deep_is_refused_before_geos_reads_it(tmp_path: Path, kind: int, order: int) -> None:
    header = struct.pack(">BII" if order == 0 else "<BII", order, kind, 1)
    with pytest.raises(LimitError, match="TERRACITE_MAX_NESTING"):
        read_rows(source(write_blobs(tmp_path / "a.parquet", [header * 50_000])))


def test_real_collections_are_read_however_many_parts_they_have(tmp_path: Path) -> None:
    parts = [shapely.MultiPoint([(x, 0), (x, 1)]) for x in range(300)]
    nested = shapely.GeometryCollection(
        [shapely.GeometryCollection(parts), shapely.MultiPolygon([shapely.box(x, 0, x + 0.5, 1) for x in range(300)])]
    )
    frame = read_features(source(write_blobs(tmp_path / "a.parquet", [shapely.to_wkb(nested, byte_order=order) for order in (0, 1)])))
    assert shapely.equals(frame.geometry.to_numpy(), nested).all()


def test_the_depth_of_wkb_is_that_of_the_geometry_in_every_spelling() -> None:
    shuffle = random.Random(4)

    def geometry(level: int) -> shapely.Geometry:
        plain: list[shapely.Geometry] = [
            shapely.Point(1, 2, 3),
            shapely.LineString([(0, 0), (1, 1)]),
            shapely.box(0, 0, 1, 1).buffer(1).exterior,
            shapely.MultiPoint([(0, 0)]),
            shapely.Polygon(),
        ]
        inner = [geometry(level - 1)] if level else []
        return shapely.GeometryCollection(shuffle.sample(plain, 3) + inner)

    def true_depth(one: Any) -> int:
        return 1 + max((true_depth(part) for part in one.geoms), default=0) if hasattr(one, "geoms") else 1

    for level in range(12):
        one = shapely.set_srid(geometry(level), 4326)
        spellings = [
            shapely.to_wkb(one, flavor=flavor, byte_order=order, include_srid=srid)
            for order in (0, 1)
            for flavor, srid in (("iso", False), ("extended", True))
        ]
        assert {wkb.depth(blob, 100) for blob in spellings} == {true_depth(one)}
        assert [wkb.nests_deeper(pyarrow.array([None, *spellings]), limit) for limit in (true_depth(one) - 1, true_depth(one))] == [
            True,
            False,
        ]


def test_a_few_kilobytes_that_unpack_to_terabytes_are_stopped_and_the_same_text_in_few_rows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"

    def write(rows: int) -> int:
        column = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * rows, pyarrow.int32()), pyarrow.array(["x" * 1_000_000]))
        pyarrow.parquet.write_table(pyarrow.table({"s": column}), path, compression="zstd", store_schema=False)
        return path.stat().st_size

    assert write(1_000_000) < 10_000
    with pytest.raises(LimitError, match="TERRACITE_MAX_UNPACKED_BYTES"):
        read_rows(source(path))
    assert write(3) < 10_000
    assert read_rows(source(path))["s"].str.len().tolist() == [1_000_000] * 3


def test_footers_of_parquet_keep_their_limit_and_lie_in_the_file(make_layer: MakeLayer, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_layer(POINTS, columns=ROWS, name="a.parquet")
    length = int.from_bytes(path.read_bytes()[-8:-4], "little")
    monkeypatch.setenv("TERRACITE_MAX_HEADER_BYTES", str(length))
    assert len(read_rows(source(path))) == 3
    monkeypatch.setenv("TERRACITE_MAX_HEADER_BYTES", str(length - 1))
    with pytest.raises(LimitError, match="TERRACITE_MAX_HEADER_BYTES"):
        read_rows(source(path))
    path.write_bytes(path.read_bytes()[:-8] + struct.pack("<I", 2**31) + b"PAR1")
    with pytest.raises(DataError, match="its end is missing"):
        read_rows(source(path))
    path.write_bytes(path.read_bytes()[:-4] + b"PARE")
    with pytest.raises(DataError, match="encrypted"):
        read_rows(source(path))


# --- CRSs


@pytest.mark.parametrize(
    "text",
    [
        "+init={}:x",
        "+proj=longlat +ellps=GRS80 +nadgrids={}",
        "+proj=longlat +ellps=GRS80 +nadgrids=@null,{}",
        "+proj=pipeline +step +proj=defmodel +model={}",
    ],
)
def test_a_crs_that_names_a_file_by_its_path_is_refused_wherever_it_stands(tmp_path: Path, text: str) -> None:
    pipe = tmp_path / "grid.gsb"
    os.mkfifo(pipe)  # PROJ would wait for it without end
    with pytest.raises(ValueError, match="names a file"):
        norm_crs(text.format(pipe))
    blob = shapely.to_wkb(shapely.Point(1, 2))
    with pytest.raises(TerraciteError):
        read_rows(source(write_blobs(tmp_path / "a.parquet", [blob], text.format(pipe))))


def test_a_bound_crs_whose_shift_is_a_file_by_its_path_is_refused() -> None:
    def bound(grid: str) -> str:
        source, target = (CRS.from_epsg(code).to_wkt() for code in (4267, 4326))
        shift = f'METHOD["NTv2",ID["EPSG",9615]],PARAMETERFILE["Latitude and longitude difference file","{grid}"]'
        return f'BOUNDCRS[SOURCECRS[{source}],TARGETCRS[{target}],ABRIDGEDTRANSFORMATION["x",{shift}]]'

    assert crs_from_wkt(bound("BETA2007.gsb")).is_bound
    with pytest.raises(DataError, match="names another file"):
        crs_from_wkt(bound("/etc/grid.gsb"))


GRID = 'GEOGCS["x",DATUM["d",SPHEROID["s",6377397.155,299.1528],EXTENSION["PROJ4_GRIDS","{}"]],PRIMEM["g",0],UNIT["degree",0.0174532925199433]]'


def with_crs(make_layer: MakeLayer, name: str, wkt: str) -> Path:
    """Return a layer in whose place for a CRS stands this text."""
    if name == "a.geojson":
        crs = json.dumps({"type": "name", "properties": {"name": wkt}})
        return features(make_layer(POINTS, name="a.shp").with_name(name), more=f'"crs": {crs},')
    if name == "a.fgb":
        return make_layer(POINTS, name=name, crs=wkt)
    path = make_layer(POINTS, name=name, crs="EPSG:31287")
    if name == "a.shp":
        path.with_suffix(".prj").write_text(wkt)
    else:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE gpkg_spatial_ref_sys SET organization = 'x', definition = ? WHERE srs_id = 31287", (wkt,))
    return path


@pytest.mark.parametrize("name", ["a.shp", "a.gpkg", "a.fgb", "a.geojson"])
def test_a_layer_whose_crs_names_a_grid_by_its_path_is_refused_unopened_and_one_by_its_name_is_not(
    make_layer: MakeLayer, tmp_path: Path, name: str
) -> None:
    harmless = "EPSG:31287" if name == "a.geojson" else GRID.format("BETA2007.gsb")  # GDAL looks for the grid of a GeoJSON at once
    assert read_features(source(with_crs(make_layer, name, harmless))).crs is not None
    path = with_crs(make_layer, name, GRID.format(tmp_path / "grid.gsb"))
    os.mkfifo(tmp_path / "grid.gsb")  # GDAL would wait for it without end
    with pytest.raises(DataError, match="names another file"):
        read_rows(source(path))


@pytest.mark.parametrize(
    "text",
    [
        "EPSG:28992",
        "+init=epsg:4326",
        "ESRI:102001",
        "+proj=utm +zone=32 +datum=WGS84",
        "+proj=longlat +ellps=bessel +nadgrids=BETA2007.gsb",
    ],
)
@pytest.mark.filterwarnings("ignore:.*init:FutureWarning")
def test_ordinary_crs_texts_are_understood(text: str) -> None:
    assert norm_crs(text)


# --- nothing is written


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.fgb", "a.geojson", "a.parquet", "a.csv"])
def test_reading_writes_nothing_beside_the_data(make_layer: MakeLayer, tmp_path: Path, name: str) -> None:
    if name == "a.csv":
        (tmp_path / name).write_text("name,lon,lat\nA,5,52\n")
    else:
        make_layer(POINTS, columns=ROWS, name=name)
    if name == "a.shp":
        (tmp_path / "a.cpg").write_text("ISO-8859-1")
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in tmp_path.iterdir()}
    frame = read_features(source(tmp_path / name))
    assert isinstance(frame, geopandas.GeoDataFrame)
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.dbf", "a.fgb", "a.geojson", "a.parquet", "log.gpkg", "journal.gpkg"])
def test_reading_needs_no_file_but_those_that_its_key_covers(make_layer: MakeLayer, name: str) -> None:
    if not available()["files"].startswith("Landlock"):
        pytest.skip("this kernel offers no Landlock")
    path = make_layer(POINTS, columns=ROWS, name="a.shp" if name == "a.dbf" else name)
    path = path.with_name(name)
    if name == "log.gpkg":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    if name == "journal.gpkg":
        path.with_name("journal.gpkg-journal").write_bytes(bytes(512))
    if name == "a.dbf":
        path.with_suffix(".shp").unlink()
    read_rows(source(path))  # what a worker has loaded before
    counts: list[object] = []

    def confined() -> None:
        confine_thread(reads=[file for _, file in parts(path)], writes=(), network=False)
        try:
            counts.append(len(read_rows(source(path))))
        except TerraciteError as error:
            counts.append(error)

    thread = threading.Thread(target=confined)
    thread.start()
    thread.join()
    assert counts == [3]


def test_notes_of_a_raster_whose_crs_names_a_grid_by_its_path_are_refused_unopened(make_raster: MakeRaster, tmp_path: Path) -> None:
    path = make_raster(np.ones((2, 2), np.uint8))
    os.mkfifo(tmp_path / "grid.gsb")  # GDAL would wait for it without end
    notes = path.with_name(path.name + ".aux.xml")
    notes.write_text(f"<PAMDataset><SRS>{html.escape(GRID.format('BETA2007.gsb'))}</SRS></PAMDataset>")
    notes_win = Declared(georeferencing="sidecar")  # the tags say another CRS
    assert raster_info(Source("x", "raster", path, "xxh3:0", declared=notes_win)).width == 2
    notes.write_text(f"<PAMDataset><SRS>{html.escape(GRID.format(tmp_path / 'grid.gsb'))}</SRS></PAMDataset>")
    with pytest.raises(DataError, match="names another file"):
        raster_info(Source("x", "raster", path, "xxh3:0"))
