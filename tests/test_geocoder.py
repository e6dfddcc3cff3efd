"""An online geocoder behind find_place: only where one is set, only for what no layer names, politely, and never believed blindly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import pytest
import shapely

from scripted_stac import Call, Json, Reply, ScriptedServer
from tools.catalog.datasets import Datasets
from tools.catalog.find_place import TOOL, FindPlaceParams
from tools.catalog.find_place import run as find_place
from tools.contract import Fact, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.storage import geocoder

if TYPE_CHECKING:
    from tools.workspace import Workspace

LICENCE = "Data © OpenStreetMap contributors, ODbL 1.0. http://osm.org/copyright"
SQUARE = {"type": "Polygon", "coordinates": [[[16, 48], [17, 48], [17, 49], [16, 49], [16, 48]]]}
VIENNA: Json = {
    "lat": "48.2083537", "lon": "16.3725042", "display_name": "Vienna,\n Austria", "type": "city", "licence": LICENCE,
    "boundingbox": ["48", "49", "16", "17"], "geojson": SQUARE,
}  # fmt: skip


class Service:
    """A geocoder that answers as the test sets it."""

    def __init__(self) -> None:
        self.reply = Reply([VIENNA])
        self.server = ScriptedServer(self._answer)

    def _answer(self, _call: Call, _url: str) -> Reply:
        return self.reply


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(geocoder, "PACE_S", 0.05)
    monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", "127.0.0.1")
    made = Service()
    with made.server as server:
        monkeypatch.setenv("TERRACITE_GEOCODER_URL", f"{server.url}/search")
        yield made


@pytest.fixture
def datasets(workspace: Workspace, tmp_path: Path) -> Datasets:
    found = Datasets(workspace)
    geopandas.GeoDataFrame({"name": ["Graz", "Linz"]}, geometry=[shapely.Point(15, 47), shapely.Point(14, 48)], crs=4326).to_file(
        tmp_path / "towns.geojson"
    )
    found.add(tmp_path / "towns.geojson")
    return found


def find(datasets: Datasets, name: str, folder: Path, **params: Any) -> ToolOutput:
    return find_place(FindPlaceParams(name=name, **params), ToolContext(folder, {}, catalog=datasets))


def test_place_that_no_layer_names_comes_from_the_geocoder(service: Service, datasets: Datasets, tmp_path: Path) -> None:
    output = find(datasets, "Vienna", tmp_path, limit=5)
    call = service.server.calls[0]
    assert (call.query["q"], call.query["format"], call.query["limit"]) == (["Vienna"], ["jsonv2"], ["5"])
    assert call.headers["user-agent"].startswith("terracite/")
    assert output.facts == (
        Fact("count", 1, "count"),
        Fact("longitude", 16.3725042, "degree", {"place": "Vienna, Austria"}),
        Fact("latitude", 48.2083537, "degree", {"place": "Vienna, Austria"}),
    )
    assert output.bbox == (16, 48, 17, 49)
    assert output.data["attribution"] == LICENCE
    assert LICENCE in output.warnings[-1]
    layer = geopandas.read_parquet(tmp_path / output.files[0])
    assert (layer.crs.to_epsg(), layer.geometry[0].equals(shapely.box(16, 48, 17, 49))) == (4326, True)


@pytest.mark.parametrize("name", ["graz", "Gra"])
def test_geocoder_is_not_asked_for_what_a_layer_names(service: Service, datasets: Datasets, tmp_path: Path, name: str) -> None:
    assert find(datasets, name, tmp_path).data["candidates"][0]["dataset"] == "towns"
    assert service.server.calls == []


def test_geocoder_is_not_asked_where_the_search_is_narrowed_to_layers(service: Service, datasets: Datasets, tmp_path: Path) -> None:
    context = ToolContext(tmp_path, {}, catalog=datasets)
    assert find_place(FindPlaceParams(name="Vienna", layers=["towns"]), context).data["candidates"] == []
    assert service.server.calls == []


def test_no_geocoder_is_asked_unless_one_is_set(
    service: Service, datasets: Datasets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert TOOL.goes_online is not None
    assert TOOL.goes_online()
    monkeypatch.delenv("TERRACITE_GEOCODER_URL")
    assert not TOOL.goes_online()
    assert find(datasets, "Vienna", tmp_path).data["candidates"] == []
    assert service.server.calls == []


def test_host_that_is_not_allowed_is_refused(service: Service, datasets: Datasets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", "default")
    with pytest.raises(ParameterError, match="not on the list of allowed hosts"):
        find(datasets, "Vienna", tmp_path)
    assert service.server.calls == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"error": "no"}),
        Reply(b"<html>", headers={"content-type": "text/html"}),
        Reply([{"lat": "north", "lon": "16"}]),
        Reply([{"lat": "480", "lon": "16"}]),
        Reply(["Vienna"]),
        Reply(status=404),
    ],
)
def test_answer_that_is_none_is_a_warning_and_no_place(service: Service, datasets: Datasets, tmp_path: Path, reply: Reply) -> None:
    service.reply = reply
    output = find(datasets, "Vienna", tmp_path)
    assert (output.data["candidates"], output.facts) == ([], (Fact("count", 0, "count"),))
    assert output.warnings[0].startswith("The geocoder was not of use: ")


@pytest.mark.parametrize("outline", [None, "text", {"type": "GeometryCollection", "geometries": []}, {"type": "Polygon", "coordinates": 7}])
def test_place_without_a_sound_outline_is_a_point(service: Service, datasets: Datasets, tmp_path: Path, outline: Any) -> None:
    service.reply = Reply([{**VIENNA, "geojson": outline}])
    layer = geopandas.read_parquet(tmp_path / find(datasets, "Vienna", tmp_path).files[0])
    assert layer.geometry[0].equals(shapely.Point(16.3725042, 48.2083537))


def test_a_geocoder_that_knows_nothing_leaves_nothing_found(service: Service, datasets: Datasets, tmp_path: Path) -> None:
    service.reply = Reply([])
    assert find(datasets, "Atlantis", tmp_path).summary == "No feature named 'Atlantis' was found; 1 layer searched."


def test_questions_are_asked_no_faster_than_the_pace(
    service: Service, datasets: Datasets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geocoder, "PACE_S", 0.2)
    began = time.monotonic()
    for name in ("Vienna", "Wels"):
        find(datasets, name, tmp_path)
    assert (len(service.server.calls), time.monotonic() - began >= 0.4) == (2, True)
