"""Files that are registered by their address: fetched, known by where they come from, and fetched again only when they change."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

from agent import Agent
from agent.errors import RunInterruptedError
from agent.interfaces.cli import app
from agent.interfaces.shell import fetching
from catalog_files import BOXES, GREY, NAMES, only
from range_server import Fault, RangeServer
from tools.catalog.datasets import Datasets
from tools.contract import Declared
from tools.errors import NotFoundError, ParameterError

if TYPE_CHECKING:
    from conftest import MakeLayer, MakeRaster
    from tools.workspace import Workspace

CSV = b"name,n\nAlpha,1\nBeta,2\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", "127.0.0.1")
    monkeypatch.setenv("TERRACITE_HTTP_ATTEMPTS", "1")
    with RangeServer() as running:
        yield running


@pytest.fixture
def datasets(workspace: Workspace) -> Datasets:
    return Datasets(workspace)


def serve(server: RangeServer, *files: Path) -> str:
    """Serve files beside each other, and return the address of the first."""
    first, *_ = [server.put(f"/data/{file.name}", file.read_bytes()) for file in files]
    return first


def test_a_raster_at_an_address_is_a_dataset_that_knows_where_it_comes_from(
    server: RangeServer, datasets: Datasets, workspace: Workspace, make_raster: MakeRaster
) -> None:
    url = serve(server, make_raster(GREY, name="depth.tif"))
    record = only(datasets, url, title="Depth", declared=Declared(unit="m"))
    assert (record.kind, record.id, record.title, record.origin) == ("raster", "depth", "Depth", url)
    assert "Only the file itself was fetched" in record.warnings[-1]
    assert Path(record.path).is_relative_to(workspace.downloads)
    assert datasets.resolve("depth").path.read_bytes() == server.files["/data/depth.tif"]
    assert only(datasets, url) == record
    assert [each.status for each in server.seen] == [200, 304]


def test_a_file_that_changed_at_its_address_is_the_same_dataset_with_what_was_said_of_it(
    server: RangeServer, datasets: Datasets, make_layer: MakeLayer
) -> None:
    path = make_layer(BOXES, columns=NAMES, name="parks.gpkg")
    url = serve(server, path)
    before = only(datasets, url, licence="CC0")
    path.unlink()
    serve(server, make_layer(BOXES[:2], name="parks.gpkg"))
    after = only(datasets, url)
    assert (after.id, after.licence, after.origin) == (before.id, "CC0", url)
    assert (before.feature_count, after.feature_count) == (3, 2)
    assert [record["id"] for record in datasets.records()] == ["parks"]


def test_every_layer_of_a_fetched_geopackage_knows_its_address(
    server: RangeServer, datasets: Datasets, make_layer: MakeLayer, tmp_path: Path
) -> None:
    import geopandas

    path = make_layer(BOXES, columns=NAMES, name="city.gpkg")
    geopandas.GeoDataFrame(geometry=BOXES, crs=4326).to_file(path, layer="roads", engine="pyogrio")
    url = serve(server, path)
    for _ in range(2):
        assert {(record.id, record.origin) for record in datasets.add(url).records} == {("city.city", url), ("city.roads", url)}


def test_a_shapefile_comes_with_its_parts(server: RangeServer, datasets: Datasets, make_layer: MakeLayer) -> None:
    path = make_layer(BOXES, columns=NAMES, name="parks.shp")
    record = only(datasets, serve(server, path, *(path.with_suffix(suffix) for suffix in (".shx", ".dbf", ".prj"))))
    assert (record.feature_count, record.crs, [column.name for column in record.columns]) == (3, "EPSG:4326", ["name", "n"])


def test_a_table_behind_an_address_without_a_suffix_is_known_by_its_type(server: RangeServer, datasets: Datasets) -> None:
    assert only(datasets, server.put("/export", CSV, "text/csv")).kind == "table"


def test_features_behind_an_address_that_ends_like_a_catalogue_are_a_layer(
    server: RangeServer, datasets: Datasets, make_layer: MakeLayer
) -> None:
    layer = make_layer(BOXES, columns=NAMES, name="parks.geojson")
    assert only(datasets, server.put("/parks.json", layer.read_bytes(), "application/json")).feature_count == 3


@pytest.mark.parametrize(
    ("path", "content", "content_type", "message"),
    [
        ("/", b"<!doctype html><title>Welcome</title>", "text/html", "answers with a web page"),
        ("/api", b'{"a": 1}', "application/json", "is no STAC"),
        ("/a.json", b'{"a": 1}', "application/json", "is no STAC"),
        ("/a.tif", b"<!doctype html><title>Log in</title>", "image/tiff", "a web page, not the file"),
        ("/a.zip", b"PK\x03\x04", "application/zip", "is an archive"),
        ("/a", b"PK\x03\x04", "application/zip", "something that is no JSON"),
    ],
)
def test_what_is_neither_data_nor_a_catalogue_is_refused_in_words(
    server: RangeServer, datasets: Datasets, path: str, content: bytes, content_type: str, message: str
) -> None:
    report = datasets.add(server.put(path, content, content_type))
    assert [message in refusal.message for refusal in report.refused] == [True], report
    assert not datasets.records()


def test_a_file_is_held_to_the_checksum_that_is_given(server: RangeServer, datasets: Datasets, tmp_path: Path) -> None:
    url = server.put("/a.csv", CSV)
    (refusal,) = datasets.add(url, checksum=f"sha256:{hashlib.sha256(b'other').hexdigest()}").refused
    assert (refusal.code, refusal.path) == ("bad_data", url)
    assert only(datasets, url, checksum=f"sha256:{hashlib.sha256(CSV).hexdigest()}").origin == url
    with pytest.raises(ParameterError, match="which is not fetched"):
        datasets.add(tmp_path / "a.csv", checksum="sha256:00")


def test_a_file_whose_server_is_gone_stays_as_it_was_fetched(server: RangeServer, datasets: Datasets) -> None:
    record = only(datasets, server.put("/a.csv", CSV))
    server.always_fail("/a.csv", Fault(503))
    assert only(datasets, record.origin or "") == record
    server.always_fail("/a.csv", Fault(404))
    assert [refusal.code for refusal in datasets.add(record.origin or "").refused] == ["not_found"]
    assert datasets.resolve("a").path.read_bytes() == CSV


def test_a_fetched_file_that_was_removed_here_is_said_to_be_gone_and_comes_back(server: RangeServer, datasets: Datasets) -> None:
    record = only(datasets, server.put("/a.csv", CSV))
    shutil.rmtree(Path(record.path).parent)
    with pytest.raises(NotFoundError, match="is gone"):
        datasets.resolve("a")
    assert only(datasets, record.origin or "").id == "a"
    assert datasets.resolve("a").path.read_bytes() == CSV


def test_a_local_copy_that_is_registered_gets_the_address_of_the_same_file(server: RangeServer, datasets: Datasets, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    local = only(datasets, tmp_path / "a.csv")
    fetched = only(datasets, server.put("/a.csv", CSV))
    assert (fetched.id, fetched.path, fetched.origin) == (local.id, local.path, server.url("/a.csv"))


def test_a_host_that_is_not_allowed_is_refused_with_the_setting_that_would_allow_it(datasets: Datasets) -> None:
    (refusal,) = datasets.add("https://files.example.org/scene.TIF").refused
    assert (refusal.code, "TERRACITE_ALLOWED_HOSTS=default,files.example.org" in refusal.hint) == ("bad_parameter", True)


@pytest.mark.parametrize(
    "address", ["https://[::1/a.tif", "https://][/a.tif", "https://\ud800/a.tif", "https://xn--a/a.tif", "https://a:b/a.tif"]
)
def test_what_is_no_address_is_refused_as_one(datasets: Datasets, address: str) -> None:
    (refusal,) = datasets.add(address).refused
    assert refusal.code == "bad_parameter"


@pytest.mark.heavy
def test_an_answer_cites_the_address_of_what_it_was_computed_from(
    server: RangeServer, workspace: Workspace, make_raster: MakeRaster, make_layer: MakeLayer
) -> None:
    deep = np.full((10, 10), 2, "float32")
    parks = [shapely.box(0, 0, 50, 100), shapely.box(50, 0, 100, 100)]
    urls = [
        serve(server, make_raster(deep, name="depth.tif", bounds=(500_000, 0, 500_100, 100))),
        serve(server, make_layer([shapely.box(500_000 + b.bounds[0], 0, 500_000 + b.bounds[2], 100) for b in parks],
                                 crs="EPSG:32631", columns={"name": ["West", "East"]}, name="parks.gpkg")),
    ]  # fmt: skip
    result = Agent(workspace.root, engine="planner").run("How many hectares of each park have a depth above 1 m?", data=urls)
    assert result.status == "answered", result.answer
    assert {source for citation in result.citations for source in citation["source"]} == set(urls)


def test_a_question_that_is_given_up_stops_fetching_at_once(server: RangeServer, workspace: Workspace) -> None:
    url = server.put("/a.csv", CSV * 100_000)
    cancel = threading.Event()
    server.fail("/a.csv", Fault(stall_at=1_000_000))
    started = time.monotonic()
    threading.Timer(0.3, cancel.set).start()
    with pytest.raises(RunInterruptedError):
        list(Agent(workspace.root, engine="planner").stream("How many rows?", data=[url], cancel=cancel))
    assert time.monotonic() - started < 5.0


def test_the_command_line_says_where_a_dataset_comes_from_and_takes_a_checksum(server: RangeServer, tmp_path: Path) -> None:
    url = server.put("/a.csv", CSV)
    args = ["add", url, "--workspace", str(tmp_path / "ws"), "--checksum"]
    good = CliRunner().invoke(app, [*args, f"sha256:{hashlib.sha256(CSV).hexdigest()}"])
    assert (good.exit_code, good.output) == (0, f"a: a (table, 2 rows, no CRS), from {url}\n")
    bad = CliRunner().invoke(app, [*args, f"sha256:{hashlib.sha256(b'other').hexdigest()}"])
    assert bad.exit_code == 65


def test_progress_is_told_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    tell = fetching(every_s=0.0)
    tell(1_500_000, 3_000_000)
    tell(2_000_000, None)
    fetching()(1, 2)
    assert capsys.readouterr().err == "· fetched 1.5 of 3.0 MB\n· fetched 2.0 MB\n"
