"""Names, addresses, links of catalogues, expressions and filters that mean more than they say, each with the nearest that does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hostile_bait import CRS, OWN, PEOPLE, TEXT, Bait
from hostile_layers import ogr_vrt, pipeline
from hostile_services import tile_index, wms
from hostile_using import LAYER, RASTER
from hostile_virtual import vrt

Reach = Callable[[Bait], str]


@dataclass(frozen=True)
class NameCase:
    """A text in the place of a file's name, or of a dataset's."""

    name: str
    text: Reach
    twin: str
    """The name of a harmless file that looks like it, relative to a folder."""


@dataclass(frozen=True)
class AddressCase:
    """An address of the host that nobody may ask, of this machine, or of no machine at all."""

    name: str
    text: Reach


@dataclass(frozen=True)
class CallCase:
    """Parameters that are a small program, and the same call without it."""

    name: str
    tool: str
    params: Callable[[Bait], Mapping[str, Any]]
    twin: Mapping[str, Any]
    gives: tuple[str, float] | None = None
    """A fact that the twin must have: name and value; None where it has no facts."""


def raster(bait: Bait) -> Path:
    return bait.file("secret.tif")


def at(bait: Bait, name: str = "secret.tif") -> str:
    return f"{bait.url}{name}"


def port(bait: Bait) -> str:
    return urlsplit(bait.url).netloc.rpartition(":")[2]


NAMES: tuple[NameCase, ...] = (
    NameCase("a remote file", lambda bait: f"/vsicurl/{at(bait)}", "vsicurl/plain.tif"),
    NameCase("a remote file by its parameters", lambda bait: f"/vsicurl?use_head=no&url={at(bait)}", "vsicurl?url=plain.tif"),
    NameCase("a streamed file", lambda bait: f"/vsicurl_streaming/{at(bait)}", "vsicurl_streaming.tif"),
    NameCase("a file in a zip", lambda bait: f"/vsizip/{bait.file('secret.zip')}/secret.tif", "secret.zip.d/plain.tif"),
    NameCase("a file in a remote zip", lambda bait: f"/vsizip/vsicurl/{at(bait, 'secret.zip')}/secret.tif", "vsizip/plain.tif"),
    NameCase("a part of a file", lambda bait: f"/vsisubfile/0_100000,{raster(bait)}", "0_100000,plain.tif"),
    NameCase("a cached file", lambda bait: f"/vsicached?file={raster(bait)}", "vsicached?file=plain.tif"),
    NameCase("a packed file", lambda bait: f"/vsigzip/{raster(bait)}", "vsigzip/plain.tif"),
    NameCase("standard input", lambda _: "/vsistdin/", "vsistdin/plain.tif"),
    NameCase("a bucket", lambda _: "/vsis3/bucket/secret.tif", "vsis3/plain.tif"),
    NameCase("a root that is climbed to", lambda bait: f"/vsimem/../vsicurl/{at(bait)}", "vsimem/plain.tif"),
    NameCase("a directory of a GeoTIFF", lambda bait: f"GTIFF_DIR:1:{raster(bait)}", "GTIFF_DIR:1:plain.tif"),
    NameCase("an offset of a GeoTIFF", lambda bait: f"GTIFF_DIR:off:8:{raster(bait)}", "GTIFF_DIR:off:8:plain.tif"),
    NameCase("a raw GeoTIFF", lambda bait: f"GTIFF_RAW:{raster(bait)}", "GTIFF_RAW:plain.tif"),
    NameCase("a virtual raster in a name", lambda bait: f"vrt://{raster(bait)}?bands=1", "vrt:plain.tif"),
    NameCase("a remote virtual raster in a name", lambda bait: f"vrt:///vsicurl/{at(bait)}?bands=1", "vrt:vsicurl.tif"),
    NameCase("a virtual raster in words", lambda bait: vrt(str(raster(bait))), "<VRTDataset>.tif"),
    NameCase("a map service in words", wms, "<GDAL_WMS>.tif"),
    NameCase("a tile index in words", tile_index, "<GDALTileIndexDataset>.tif"),
    NameCase("a virtual layer in words", lambda bait: ogr_vrt(str(bait.file("secret.geojson"))), "<OGRVRTDataSource>.geojson"),
    NameCase("a pipeline in words", lambda bait: json.dumps(pipeline(str(bait.file("secret.geojson")))), '{"type": "gdal_streamed_alg"}.geojson'),
    NameCase("features in words", lambda _: f'{{"type": "Point", "coordinates": [3, 45], "name": "{TEXT[::-1]}"}}', '{"type": "Point"}.geojson'),
    NameCase("a derived raster", lambda bait: f"DERIVED_SUBDATASET:AMPLITUDE:{raster(bait)}", "DERIVED_SUBDATASET:AMPLITUDE:plain.tif"),
    NameCase("a map service", lambda bait: f"WMS:{bait.url}?SERVICE=WMS&REQUEST=GetMap&LAYERS=a", "WMS:plain.tif"),
    NameCase("a tile service", lambda bait: f"WMTS:{bait.url}caps.xml,layer=a", "WMTS:plain.tif"),
    NameCase("a coverage service", lambda bait: f"WCS:{bait.url}?version=1.0.0&coverage=a", "WCS:plain.tif"),
    NameCase("scenes", lambda bait: f'STACIT:"{at(bait, "secret.geojson")}"', "STACIT:plain.tif"),
    NameCase("a chunked raster", lambda bait: f'ZARR:"/vsicurl/{at(bait, "x.zarr")}"', "ZARR:plain.tif"),
    NameCase("an array of netCDF", lambda bait: f'NETCDF:"{raster(bait)}":a', "NETCDF:plain.tif"),
    NameCase("an array of HDF5", lambda bait: f'HDF5:"{raster(bait)}"://a', "HDF5:plain.tif"),
    NameCase("an image service", lambda bait: f"EEDAI:{bait.url}", "EEDAI:plain.tif"),
    NameCase("a feature service", lambda bait: f"WFS:{bait.url}", "WFS:plain.geojson"),
    NameCase("a service of features", lambda bait: f"OAPIF:{bait.url}", "OAPIF:plain.geojson"),
    NameCase("features of a driver", lambda bait: f"ESRIJSON:{at(bait, 'secret.geojson')}", "ESRIJSON:plain.geojson"),
    NameCase("features of another driver", lambda bait: f"GeoJSON:{at(bait, 'secret.geojson')}", "GeoJSON:plain.geojson"),
    NameCase("tiles of vectors", lambda bait: f"MVT:{at(bait, '0/0/0')}", "MVT:plain.geojson"),
    NameCase("a table of a GeoPackage", lambda bait: f"GPKG:{bait.file('secret.gpkg')}:secret", "GPKG:plain.gpkg"),
    NameCase("a program that converts", lambda bait: f"GPSBabel:gpx:{bait.file('secret.txt')}", "GPSBabel:gpx:plain.geojson"),
    NameCase("a database", lambda bait: f"PG:host=127.0.0.1 port={port(bait)} dbname=x", "PG:host=plain.geojson"),
    NameCase("another database", lambda bait: f"ADBC:postgresql://127.0.0.1:{port(bait)}/x", "ADBC:plain.geojson"),
    NameCase("a zip in rasterio's words", lambda bait: f"zip://{bait.file('secret.zip')}!/secret.tif", "zip:plain.tif"),
    NameCase("a remote zip in rasterio's words", lambda bait: f"zip+{at(bait, 'secret.zip')}!secret.tif", "zip+https.tif"),
    NameCase("a zip in fiona's words", lambda bait: f"{bait.file('secret.zip')}!secret.geojson", "plain.zip.geojson"),
    NameCase("a bucket in rasterio's words", lambda _: "s3://bucket/secret.tif", "s3:plain.tif"),
    NameCase("a file by its address", lambda bait: f"file://{raster(bait)}", "file:plain.tif"),
    NameCase("a home that is not mine", lambda _: "~nobody/secret.tif", "~nobody.tif"),
    NameCase("a command in a shell", lambda bait: f"x.tif; touch {bait.file('taken')}", "x, touch plain.tif"),
    NameCase("a command in backticks", lambda bait: f"`touch {bait.file('taken')}`.tif", "`touch`.tif"),
    NameCase("a command behind a pipe", lambda bait: f"|touch {bait.file('taken')}", "pipe plain.tif"),
    NameCase("a variable", lambda _: "$HOME/secret.tif", "$HOME.tif"),
    NameCase("an option", lambda _: "--config=GDAL_VRT_ENABLE_PYTHON=YES", "-oo.tif"),
    NameCase("a name with an end inside", lambda bait: f"{raster(bait)}\0.geojson", "x%00.tif"),
    NameCase("a name of lines", lambda _: "secret.tif\r\nHost: x", "two  lines.tif"),
    NameCase("a name without end", lambda _: "x/" * 50_000 + ".tif", "x" * 200 + ".tif"),
    NameCase("half a character", lambda _: "\udcff\ud800.tif", "\u202eplain.tif"),
    NameCase("the environment", lambda _: "/proc/self/environ", "environ.tif"),
    NameCase("an open file", lambda _: "/proc/self/fd/0", "fd0.tif"),
    NameCase("zeros without end", lambda _: "/dev/zero", "zero.tif"),
    NameCase("a share of another machine", lambda bait: f"\\\\127.0.0.1@{port(bait)}\\share\\secret.tif", "127.0.0.1@80/plain.tif"),
    NameCase("a pattern", lambda bait: f"{bait.folder}/*.tif", "[a-z]*.tif"),
    NameCase("a path of dots", lambda _: "....//elsewhere/secret.tif", "..plain.tif"),
)  # fmt: skip
"""Where a file's name is asked for, or a dataset's."""


def _ipv6(bait: Bait) -> str:
    return f"http://[::ffff:127.0.0.1]:{port(bait)}/catalog.json"


def host(name: str, scheme: str = "http") -> Reach:
    """Return another way to write the address of the host."""
    return lambda bait: f"{scheme}://{name}:{port(bait)}/catalog.json"


ADDRESSES: tuple[AddressCase, ...] = (
    AddressCase("plain", host("127.0.0.1")),
    AddressCase("by name", host("localhost")),
    AddressCase("by a name that ends in a dot", host("localhost.")),
    AddressCase("in capitals", host("LOCALHOST", "HTTP")),
    AddressCase("with TLS", host("127.0.0.1", "https")),
    AddressCase("as one number", host("2130706433")),
    AddressCase("in hexadecimal", host("0x7f000001")),
    AddressCase("in octal", host("0177.0.0.1")),
    AddressCase("cut short", host("127.1")),
    AddressCase("zero", host("0")),
    AddressCase("as IPv6", _ipv6),
    AddressCase("as IPv6 with a zone", host("[::1%25lo]")),
    AddressCase("with full-width dots", host("127\u30020\u30020\u30021")),
    AddressCase("with circled digits", host("\u2460\u2461\u2466.0.0.1")),
    AddressCase("behind a user", host("earth-search.aws.element84.com@127.0.0.1")),
    AddressCase("behind a user with a password", host("user:pass@127.0.0.1")),
    AddressCase("behind a backslash", lambda bait: f"http://127.0.0.1:{port(bait)}\\@earth-search.aws.element84.com/"),
    AddressCase("behind a fragment", lambda bait: f"http://127.0.0.1:{port(bait)}#@earth-search.aws.element84.com/"),
    AddressCase("with two slashes too few", lambda bait: f"http:127.0.0.1:{port(bait)}/"),
    AddressCase("with a line break", lambda bait: f"http://127.0.0.1:{port(bait)}/\r\nX-Y: z"),
    AddressCase("with an encoded line break", lambda bait: f"http://127.0.0.1:{port(bait)}%0d%0aX-Y:z/"),
    AddressCase("with an end inside", lambda bait: f"http://127.0.0.1:{port(bait)}\0.element84.com/"),
    AddressCase("with blanks before", lambda bait: f"  \t{at(bait, 'catalog.json')}"),
    AddressCase("with an absurd port", lambda _: "http://127.0.0.1:99999/catalog.json"),
    AddressCase("without a host", lambda _: "http:///catalog.json"),
    AddressCase("with half a bracket", lambda _: "http://[::1/catalog.json"),
    AddressCase("of the cloud's credentials", lambda _: "http://169.254.169.254/latest/meta-data/"),
    AddressCase("of a private network", lambda _: "https://10.0.0.1/catalog.json"),
    AddressCase("by file", lambda bait: f"file://{bait.file('secret.geojson')}"),
    AddressCase("by FTP", host("127.0.0.1", "ftp")),
    AddressCase("by gopher", host("127.0.0.1", "gopher")),
    AddressCase("by a web socket", host("127.0.0.1", "ws")),
    AddressCase("as data", lambda _: "data://text/plain;base64,e30="),
    AddressCase("in two schemes", lambda bait: f"https+{at(bait, 'catalog.json')}"),
)  # fmt: skip
"""Where the address of a catalogue is asked for, or of a file of a scene."""

HREFS: tuple[AddressCase, ...] = (
    AddressCase("that climbs", lambda _: "../elsewhere/secret.tif"),
    AddressCase("that climbs after going down", lambda _: "./a/b/../../../elsewhere/secret.tif"),
    AddressCase("that climbs in code", lambda _: "%2e%2e/elsewhere/secret.tif"),
    AddressCase("from the root", lambda bait: str(raster(bait))),
    AddressCase("that is a file", lambda bait: f"file://{raster(bait)}"),
    AddressCase("that is a file of a host", lambda bait: f"file://127.0.0.1{raster(bait)}"),
    AddressCase("into an archive", lambda bait: f"/vsizip/{bait.file('secret.zip')}/secret.tif"),
    AddressCase("to a remote file", lambda bait: f"/vsicurl/{at(bait)}"),
    AddressCase("to a bucket", lambda _: "s3://bucket/secret.tif"),
    AddressCase("to a directory of a GeoTIFF", lambda bait: f"GTIFF_DIR:1:{raster(bait)}"),
    AddressCase("to a virtual raster in words", lambda bait: vrt(str(raster(bait)))),
    AddressCase("to a link", lambda _: "./link.tif"),
    AddressCase("to a virtual raster beside it", lambda _: "./mosaic.vrt"),
    AddressCase("to a virtual raster named as a GeoTIFF", lambda _: "./mosaic.tif"),
    AddressCase("with an end inside", lambda bait: f"./plain.tif\0{raster(bait)}"),
    AddressCase("to a home", lambda _: "~/secret.tif"),
    AddressCase("to the environment", lambda _: "/proc/self/environ"),
    AddressCase("to a folder", lambda _: "."),
    AddressCase("to nothing", lambda _: ""),
)  # fmt: skip
"""Where a catalogue in a folder names the file of a scene."""


def catalogue(folder: Path, href: str, link: str = "./item.json") -> Path:
    """Write a catalogue of one scene, with one file of it."""
    ring = [[2.9, 44.9], [3.1, 44.9], [3.1, 45.1], [2.9, 45.1], [2.9, 44.9]]
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": "scene", "collection": "scenes", "links": [], "bbox": [2.9, 44.9, 3.1, 45.1],
        "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"datetime": "2020-07-01T10:00:00Z"},
        "assets": {"a": {"href": href, "type": "image/tiff; application=geotiff", "roles": ["data"]}},
    }  # fmt: skip
    (folder / "item.json").write_text(json.dumps(item))
    links = [{"rel": "item", "href": link}]
    path = folder / "catalog.json"
    path.write_text(json.dumps({"type": "Catalog", "stac_version": "1.0.0", "id": "own", "description": "own scenes", "links": links}))
    return path


# --- expressions, filters, reference systems, titles


def calc(expression: Reach | str) -> Callable[[Bait], Mapping[str, Any]]:
    """Return a call of raster_calc."""
    return lambda bait: {
        "expression": expression if isinstance(expression, str) else expression(bait),
        "rasters": {"a": {"raster": RASTER}},
    }


def number(expression: Reach | str) -> Callable[[Bait], Mapping[str, Any]]:
    """Return a call of calculate."""
    return lambda bait: {"expression": expression if isinstance(expression, str) else expression(bait), "numbers": {"a": 2.0, "b": 3.0}}


PROGRAMS: tuple[tuple[str, Reach | str], ...] = (
    ("an import", lambda bait: f"__import__('os').system('touch {bait.file('taken')}')"),
    ("an import by another name", lambda bait: f"a.__class__.__base__.__subclasses__()[0]('touch {bait.file('taken')}')"),
    ("the classes of everything", "().__class__.__bases__[0].__subclasses__()"),
    ("a file", lambda bait: f"open('{bait.file('secret.txt')}').read()"),
    ("an evaluation", lambda bait: f"eval('open({str(bait.file('taken'))!r}, chr(119))')"),
    ("the globals of a function", "sqrt.__globals__"),
    ("a method", "abs.__call__(a)"),
    ("a method of arrays", lambda bait: f"a.tofile('{bait.file('taken')}')"),
    ("numpy", lambda bait: f"np.load('{bait.file('secret.raw')}', allow_pickle=True)"),
    ("a tower of powers", "9**9**9**9**9"),
    ("a tower of powers of a name", "a**a**a**a**a**a**a**a"),
    ("a huge shift", "1 << 99999999999"),
    ("a huge text", "'a' * 9999999999"),
    ("a format", "'%9999999999d' % 1"),
    ("a text with code", "f'{a.__class__}'"),
    ("nested brackets", "(" * 240 + "a" + ")" * 240),
    ("many signs", "-" * 450 + "a"),
    ("many calls", "abs(" * 90 + "a" + ")" * 90),
    ("a function", "(lambda: a)()"),
    ("a list", "[x for x in (1, 2)][0]"),
    ("a choice", "a if a else b"),
    ("an assignment", "(a := 3)"),
    ("two statements", "a; a"),
    ("two lines", "a\nimport os"),
    ("an item", "a[0]"),
    ("a star", "abs(*a)"),
    ("a complex number", "a * 1j"),
    ("a number of another script", "a + \u0661"),
    ("a name of wide letters", "\uff41 + \uff42\uff42"),
    ("an end inside", "a\0+ b"),
    ("infinity", "a * 1e9999"),
    ("a quote that breaks out", "a') or ('1"),
    ("SQL", "(SELECT readfile('/etc/passwd'))"),
)  # fmt: skip


def query(**params: Any) -> Callable[[Bait], Mapping[str, Any]]:
    """Return a call of query_vector."""
    return lambda _: {"layer": LAYER, "measures": [{"aggregate": "count"}], **params}


def condition(column: str, value: object, op: str = "=") -> dict[str, object]:
    return {"where": {"conditions": [{"column": column, "op": op, "value": value}]}}


ALL = {"layer": LAYER, "measures": [{"aggregate": "count"}]}
ADAM = {**ALL, **condition("name", "Adam")}
FILTERS: tuple[tuple[str, Callable[[Bait], Mapping[str, Any]], Mapping[str, Any], tuple[str, float] | None], ...] = (
    ("a value that breaks out", query(**condition("name", "x' OR '1'='1")), ADAM, ("count", 1)),
    ("a value with a statement", query(**condition("name", "x'; DROP TABLE datasets; --")), ADAM, ("count", 1)),
    ("a value with a function", query(**condition("name", "' || readfile('/etc/passwd') || '")), ADAM, ("count", 1)),
    ("a column that breaks out", query(**condition('name" = "name', "x")), ADAM, ("count", 1)),
    ("a column with a statement", query(**condition("name = name; --", "x")), ADAM, ("count", 1)),
    ("a column of the machine", query(**condition("__class__", "x")), ADAM, ("count", 1)),
    ("an operator of SQL", query(**condition("name", "%", "LIKE")), ADAM, ("count", 1)),
    ("a pattern without end", query(**condition("name", "(a+)+$" * 500, "contains")), {**ALL, **condition("name", "da", "contains")}, ("count", 1)),
    ("a pattern of wildcards", query(**condition("name", "%" * 9_000, "contains")), {**ALL, **condition("name", "da", "contains")}, ("count", 1)),
    ("a list as long as a book", query(**condition("name", ["x"] * 200_000, "in")), {**ALL, **condition("name", ["Adam", "Berta"], "in")}, ("count", 2)),
    ("a number without end", query(**condition("people", 10**400)), {**ALL, **condition("people", 10)}, ("count", 1)),
    ("a group that breaks out", query(group_by=["name; DROP TABLE x"]), {**ALL, "group_by": ["name"]}, ("count", 1)),
    ("a selection with a function", query(select=["readfile('/etc/passwd')"], measures=[]), {**ALL, "select": ["name"], "measures": []}, None),
    ("an order with a function", query(order_by="load_extension('x')", measures=[]), ALL, ("count", 3)),
    ("a measure of a function", lambda _: {"layer": LAYER, "measures": [{"aggregate": "sum", "column": "people), readfile('x'"}]}, {"layer": LAYER, "measures": [{"aggregate": "sum", "column": "people"}]}, ("sum of people", sum(PEOPLE))),
    ("a geometry nested without end", query(spatial=[{"predicate": "intersects", "geometry": "GEOMETRYCOLLECTION(" * 50_000}]), {**ALL, "spatial": [{"predicate": "intersects", "geometry": "POLYGON((2 44, 4 44, 4 46, 2 46, 2 44))"}]}, ("count", 3)),
    ("a geometry without end", query(spatial=[{"predicate": "intersects", "geometry": "POLYGON((0 0, 1e400 0, 1 1, nan inf, 0 0))"}]), ALL, ("count", 3)),
    ("a layer that is a statement", lambda _: {"layer": "own_layer; DROP TABLE datasets"}, ALL, ("count", 3)),
    ("a layer that is a path", lambda bait: {"layer": str(bait.file("secret.geojson"))}, ALL, ("count", 3)),
)  # fmt: skip

SYSTEMS: tuple[tuple[str, Reach], ...] = (
    ("at an address", lambda bait: f"{bait.url}crs.wkt"),
    ("in a file", lambda bait: str(bait.file("secret.wkt"))),
    ("in a file of ESRI", lambda bait: f"ESRI::{bait.file('secret.wkt')}"),
    ("of a file's code", lambda bait: f"+init={bait.file('secret.txt')}:1"),
    ("of a pipeline with a file", lambda bait: f"+proj=pipeline +step +init={bait.file('secret.txt')}:1"),
    ("with a grid in a file", lambda bait: f"+proj=longlat +ellps=bessel +nadgrids={bait.file('secret.raw')} +type=crs"),
    ("with a grid at an address", lambda bait: f"+proj=longlat +ellps=bessel +nadgrids={bait.url}x.tif +type=crs"),
    ("with a height grid at an address", lambda bait: f"+proj=longlat +ellps=GRS80 +geoidgrids={bait.url}x.gtx +vunits=m +type=crs"),
    ("in PROJJSON with a schema elsewhere", lambda bait: json.dumps({"$schema": f"{bait.url}x.json", "type": "GeographicCRS", "name": "x"})),
    ("with a program", lambda bait: f"EPSG:4326; touch {bait.file('taken')}"),
    ("without end", lambda _: "EPSG:" + "9" * 100_000),
    ("nested without end", lambda _: "GEOGCS[" * 50_000),
    ("by SQL", lambda _: "EPSG:4326' UNION SELECT 1 --"),
)  # fmt: skip

LABELS: tuple[tuple[str, Reach], ...] = (
    ("a formula that is none", lambda _: r"$\notacommand{x}$"),
    ("a formula without end", lambda _: "$" + "{" * 100),
    ("a formula with a file", lambda bait: rf"$\input{{{str(bait.file('s'))[-60:]}}}$"),
    ("markup", lambda bait: f"<img src={bait.url[:60]}>"),
    ("a template", lambda _: "{0.__class__} %s %(x)s ${HOME}"),
    ("half a character", lambda _: "\ud800"),
)  # fmt: skip


def _map(label: Reach) -> Callable[[Bait], Mapping[str, Any]]:
    return lambda bait: {"layers": [{"source": LAYER, "column": "name", "label": label(bait)}], "title": label(bait), "width_px": 200}


def _reprojected(system: Reach) -> Callable[[Bait], Mapping[str, Any]]:
    return lambda bait: {"source": RASTER, "crs": system(bait)}


CALLS: tuple[CallCase, ...] = (
    *(CallCase(f"raster_calc with {name}", "raster_calc", calc(text), calc("a + 1")(Bait(Path(), "")), ("mean", OWN + 1)) for name, text in PROGRAMS),
    *(CallCase(f"calculate with {name}", "calculate", number(text), number("a + b")(Bait(Path(), "")), ("result", 5)) for name, text in PROGRAMS),
    *(CallCase(f"query_vector with {name}", "query_vector", params, twin, gives) for name, params, twin, gives in FILTERS),
    *(CallCase(f"a reference system {name}", "reproject", _reprojected(text), {"source": RASTER, "crs": CRS}, ("valid_share", 100)) for name, text in SYSTEMS),
    *(CallCase(f"render_map with {name}", "render_map", _map(text), {"layers": [{"source": LAYER, "label": "5 $ and 6 $"}], "title": "100 % <own>", "width_px": 200}) for name, text in LABELS),
    CallCase("find_place with a statement", "find_place", lambda _: {"name": "x' OR 1=1; --", "layers": [LAYER]}, {"name": "Adam", "layers": [LAYER]}, ("count", 1)),
    CallCase("find_place with a pattern without end", "find_place", lambda _: {"name": "(a|a)*" * 30 + "$", "layers": [LAYER]}, {"name": "Adam", "layers": [LAYER]}, ("count", 1)),
    CallCase("classes without end", "classify", lambda _: {"raster": RASTER, "classes": [{"label": "x", "values": [1.0] * 200_000}]}, {"raster": RASTER, "classes": [{"label": "x", "values": [7.0]}]}, ("share", 100)),
    CallCase("a resolution near zero", "reproject", lambda _: {"source": RASTER, "crs": CRS, "resolution": 1e-9}, {"source": RASTER, "crs": CRS, "resolution": 20.0}, ("valid_share", 100)),
    CallCase("a buffer around the Earth", "overlay", lambda _: {"operation": "buffer", "layer": LAYER, "distance_m": 1e300}, {"operation": "buffer", "layer": LAYER, "distance_m": 5.0}),
)  # fmt: skip
"""Where a tool takes a text or a number."""
