"""`terracite export` puts a file where it is asked for, whole, and never over what is there unasked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Point
from typer.testing import CliRunner

from agent import Agent
from agent.interfaces.cli import app
from tools.errors import NotFoundError, ParameterError
from tools.placing import place


@pytest.fixture(scope="module", autouse=True)
def here() -> Iterator[None]:
    """Compute in this process: how workers run is tried elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERRACITE_WORKERS", "0")
        yield


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    gpd.GeoDataFrame({"name": ["a", "b"], "people": [1, 2]}, geometry=[Point(0, 0), Point(1, 1)], crs=4326).to_file(folder / "towns.gpkg")
    Agent(folder / "ws").add(folder / "towns.gpkg")
    return folder / "ws"


def test_the_command_writes_the_file_and_tells_what_changed(workspace: Path, tmp_path: Path) -> None:
    target = tmp_path / "towns.shp"
    asked = ["export", "towns", str(target), "--workspace", str(workspace), "--columns", "people=inhabitants,name", "--json"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert told["columns"] == {"people": "inhabitant", "name": "name"}
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".cpg", ".dbf", ".prj", ".shp", ".shx"]
    assert gpd.read_file(target)["inhabitant"].tolist() == [1, 2]


def test_what_is_there_stays_unless_it_may_go(workspace: Path, tmp_path: Path) -> None:
    agent, target = Agent(workspace), tmp_path / "towns.geojson"
    target.write_text("mine")
    with pytest.raises(ParameterError, match=r"towns\.geojson is there already"):
        agent.export("towns", target)
    assert target.read_text() == "mine"
    assert agent.export("towns", target, force=True).paths == (target,)
    assert len(gpd.read_file(target)) == 2


def test_a_layer_is_added_only_when_asked(workspace: Path, tmp_path: Path) -> None:
    agent, target = Agent(workspace), tmp_path / "all.gpkg"
    agent.export("towns", target)
    with pytest.raises(ParameterError, match="is there already"):
        agent.export("towns", target, layer="again")
    agent.export("towns", target, layer="again", add_layer=True)
    assert sorted(gpd.list_layers(target)["name"]) == ["all", "again"] or sorted(gpd.list_layers(target)["name"]) == ["again", "all"]


def test_a_name_that_fits_no_format_is_refused(workspace: Path, tmp_path: Path) -> None:
    for path, form in ((tmp_path / "x.doc", None), (tmp_path / "x.gpkg", "kml")):
        with pytest.raises(ParameterError, match="does not fit"):
            Agent(workspace).export("towns", path, format=form)
    with pytest.raises(NotFoundError, match="no folder"):
        Agent(workspace).export("towns", tmp_path / "gone" / "x.gpkg")


def test_an_index_of_an_older_shapefile_does_not_stay(tmp_path: Path) -> None:
    for name in ("new.shp", "new.dbf"):
        (tmp_path / name).write_text("new")
    (tmp_path / "old.qix").write_text("stale")
    place([tmp_path / "new.shp", tmp_path / "new.dbf"], tmp_path / "old.shp", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.dbf", "new.shp", "old.dbf", "old.shp"]


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.shp").write_text("a")
    (tmp_path / "out").mkdir()
    with pytest.raises(OSError, match="failed"):
        place([tmp_path / "a.shp", tmp_path / "b.dbf"], tmp_path / "out" / "x.shp", overwrite=False)
    assert list((tmp_path / "out").iterdir()) == []
