"""KML is read as a file and nothing more: its folders are layers, its placemarks features, and no link is followed."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from tools.contract import Source
from tools.errors import DataError, LimitError, TerraciteError
from tools.storage.vectors import layer_names, read_rows

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
SPACE = 'xmlns="http://www.opengis.net/kml/2.2"'
POINT = "<Placemark><name>p</name><Point><coordinates>12.5,41.9</coordinates></Point></Placemark>"


def kml(folder: Path, content: str, *, head: str = HEAD) -> Path:
    path = folder / "x.kml"
    path.write_text(f"{head}<kml {SPACE}><Document>{content}</Document></kml>", encoding="utf-8")
    return path


def source(path: Path, layer: str | None = None) -> Source:
    return Source("", "vector", path, "", layer)


def test_folders_are_layers(tmp_path: Path) -> None:
    path = kml(tmp_path, f"<Folder><name>A</name>{POINT}</Folder><Folder><name>B</name>{POINT.replace('p<', 'q<')}</Folder>")
    assert layer_names(path) == ("A", "B")
    assert read_rows(source(path, "B"))["Name"].tolist() == ["q"]


def test_only_what_the_file_says_becomes_a_column(tmp_path: Path) -> None:
    data = "<ExtendedData><Data name='beds'><value>5</value></Data></ExtendedData>"
    frame = read_rows(source(kml(tmp_path, POINT.replace("<Point>", f"<description>old</description>{data}<Point>"))))
    assert sorted(frame.columns) == ["Name", "beds", "description", "geometry"]
    assert frame.crs.to_epsg() == 4326
    assert frame.geometry.iloc[0] == shapely.Point(12.5, 41.9)
    assert not frame.geometry.has_z.any()


def test_heights_are_kept_where_there_are_any(tmp_path: Path) -> None:
    frame = read_rows(source(kml(tmp_path, POINT.replace("41.9", "41.9,0") + POINT.replace("41.9", "41.9,120"))))
    assert shapely.get_z(frame.geometry.to_numpy()).tolist() == [0, 120]


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        (f"<NetworkLink><Link><href>http://127.0.0.1:9/x.kml</href></Link></NetworkLink>{POINT}", DataError, "network link"),
        ("<Folder>" * 70 + POINT + "</Folder>" * 70, LimitError, "deeper than"),
        ("<MultiGeometry>" * 100_000, LimitError, "deeper than"),
        (POINT.replace("</Point>", ""), DataError, "no whole XML"),
    ],
    ids=["link", "folders", "geometries", "broken"],
)
def test_what_reaches_beyond_the_file_or_never_ends_is_refused(
    tmp_path: Path, content: str, error: type[TerraciteError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        read_rows(source(kml(tmp_path, content)))


@pytest.mark.parametrize("entity", ['"lol"', 'SYSTEM "file:///etc/hostname"'])
def test_a_document_type_is_refused_before_its_entities_are_read(tmp_path: Path, entity: str) -> None:
    path = kml(tmp_path, POINT.replace("p<", "&e;<"), head=f"{HEAD}<!DOCTYPE kml [<!ENTITY e {entity}>]>\n")
    with pytest.raises(DataError, match=r"first bytes|document type"):
        read_rows(source(path))


def test_a_document_type_after_a_comment_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "x.kml"
    path.write_text(f'<kml {SPACE}><!-- --></kml><!DOCTYPE kml [<!ENTITY e "x">]>')
    with pytest.raises(DataError):
        read_rows(source(path))


def test_icons_and_styles_elsewhere_are_never_fetched(tmp_path: Path) -> None:
    style = '<Style id="s"><IconStyle><Icon><href>http://127.0.0.1:9/i.png</href></Icon></IconStyle></Style>'
    linked = POINT.replace("<Point>", "<styleUrl>http://127.0.0.1:9/s.kml#s</styleUrl><Point>")
    assert len(read_rows(source(kml(tmp_path, style + linked)))) == 1
