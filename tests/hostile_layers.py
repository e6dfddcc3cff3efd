"""Harmless layers, and texts that pass for layers and describe data elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from hostile_bait import NAMES, PEOPLE, Bait, features, write_layer

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
