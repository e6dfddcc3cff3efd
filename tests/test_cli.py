"""The command line: contracts of output and exit codes, on small files made here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from shapely.geometry import Point, box

from agent.interfaces.options import declared_from, pairs, parameters_from
from tools.errors import ParameterError

CONTRACT = {
    *("schema_version", "status", "outcome", "exit_code", "answer", "claims", "citations", "artifacts", "unsupported", "warnings"),
    *("steps", "engine", "model", "usage", "run_id", "thread_id", "seconds"),
}


def terracite(*args: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from agent.interfaces.cli import main; main()", *map(str, args)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A depth raster of 10 × 10 pixels of 100 m: the west half 2 m deep, the east half dry; two districts; three clinics."""
    depth = np.zeros((10, 10), "float32")
    depth[:, :5] = 2
    with rasterio.open(
        tmp_path / "depth.tif", "w", driver="GTiff", width=10, height=10, count=1, dtype="float32", crs=32632,
        transform=from_origin(500000, 5_400_000, 100, 100), nodata=-1,
    ) as target:  # fmt: skip
        target.write(depth, 1)
    west, east = box(500000, 5_399_000, 500500, 5_400_000), box(500500, 5_399_000, 501000, 5_400_000)
    gpd.GeoDataFrame({"name": ["Weston", "Easton"]}, geometry=[west, east], crs=32632).to_file(tmp_path / "districts.gpkg")
    clinics = [Point(500100, 5_399_500), Point(500200, 5_399_600), Point(500900, 5_399_500)]
    gpd.GeoDataFrame({"name": ["Alpha", "Beta", "Gamma"]}, geometry=clinics, crs=32632).to_crs(4326).to_file(tmp_path / "clinics.geojson")
    return tmp_path


def test_ask_json_prints_exactly_one_object_of_the_contract(scene: Path) -> None:
    question = "How many hectares of each district have a depth above 1 m?"
    done = terracite("ask", question, "--data", "depth.tif", "--data", "districts.gpkg", "--engine", "planner", "--json", cwd=scene)
    assert done.returncode == 0, done.stderr + done.stdout
    result = json.loads(done.stdout)
    assert set(result) >= CONTRACT
    assert result["schema_version"] == 1
    assert (result["status"], result["outcome"], result["exit_code"]) == ("answered", "value", 0)
    # 500 m × 1000 m on the map, divided by the scale 0.9996² of UTM at its central meridian.
    areas = {fact["subject"]["zone"]: fact["value"] for c in result["citations"] for fact in c["facts"] if fact["name"] == "area"}
    assert areas == pytest.approx({"Weston": 500_000 / 0.9996**2, "Easton": 0}, rel=1e-3)
    assert all(claim["verdict"] in ("supported", "parameter") for claim in result["claims"])


def test_ask_prints_the_answer_with_its_sources_and_names_the_engine(scene: Path) -> None:
    done = terracite("ask", "How many clinics are there?", "--data", "clinics.geojson", "--engine", "planner", cwd=scene)
    assert done.returncode == 0, done.stderr
    assert "3" in done.stdout
    assert "[1] query_vector" in done.stdout
    assert "planner (embedded, no language model)" in done.stdout
    assert "\x1b" not in done.stdout


def test_stream_json_prints_one_event_a_line_and_ends_with_the_result(scene: Path) -> None:
    done = terracite("ask", "How many clinics are there?", "--data", "clinics.geojson", "--engine", "planner", "--stream-json", cwd=scene)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["type"] == "run_started"
    assert {"tool_started", "tool_finished", "grounded"} <= {event["type"] for event in events}
    assert set(events[-1]["result"]) >= CONTRACT


def test_a_missing_file_is_exit_66_and_still_one_json_object(scene: Path) -> None:
    done = terracite("ask", "What is here?", "--data", "absent.tif", "--engine", "planner", "--json", cwd=scene)
    assert done.returncode == 66
    assert json.loads(done.stdout)["status"] == "failed"


def test_add_registers_the_good_and_reports_the_bad(scene: Path) -> None:
    (scene / "broken.tif").write_bytes(b"II*\0 not a tiff")
    done = terracite("add", "districts.gpkg", "broken.tif", cwd=scene)
    assert done.returncode == 65
    assert "districts" in done.stdout
    assert "broken.tif" in done.stderr
    listed = json.loads(terracite("datasets", "--json", cwd=scene).stdout)
    assert [record["id"] for record in listed] == ["districts"]


def test_run_calls_one_tool_and_artifacts_show_what_it_left(scene: Path) -> None:
    assert terracite("add", "depth.tif", cwd=scene).returncode == 0
    call = ("run", "zonal_stats", "--raster", "depth", "--statistics", "mean", "--statistics", "max", "--json")
    first, second = (json.loads(terracite(*call, cwd=scene).stdout) for _ in range(2))
    assert (first["cache"], second["cache"]) == ("computed", "hit")
    assert first["key"] == second["key"]
    shown = terracite("artifacts", "show", f"a:{first['key'][:12]}", cwd=scene)
    assert "mean" in shown.stdout
    assert "All results are whole." in terracite("artifacts", "verify", cwd=scene).stdout
    assert first["key"][:12] in terracite("artifacts", "ls", cwd=scene).stdout


def test_run_names_a_wrong_parameter_and_exits_2(scene: Path) -> None:
    terracite("add", "depth.tif", cwd=scene)
    done = terracite("run", "zonal_stats", "--raster", "depth", "--statistics", "average", cwd=scene)
    assert done.returncode == 2
    assert "statistics" in done.stderr
    assert "Traceback" not in done.stderr


def test_replay_computes_the_last_run_again_to_the_same_bytes(scene: Path) -> None:
    question = "How many hectares of each district have a depth above 1 m?"
    terracite("ask", question, "--data", "depth.tif", "--data", "districts.gpkg", "--engine", "planner", cwd=scene)
    done = terracite("replay", "last", cwd=scene)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every result came out the same." in done.stdout


def test_tools_lists_every_tool_and_the_parameters_of_one(scene: Path) -> None:
    listed = terracite("tools", cwd=scene).stdout
    assert "zonal_stats (pure)" in listed
    assert "find_place (observation)" in listed
    assert "--merge-zones" in terracite("tools", "zonal_stats", cwd=scene).stdout


def test_option_texts_become_values() -> None:
    assert pairs("green=3, swir1=1", "--bands", "") == {"green": "3", "swir1": "1"}
    declared = declared_from(bounds="0,0,10,20", bands="green=3", classes="1=water", unit="m", crs="EPSG:4326")
    assert declared.bounds == (0, 0, 10, 20)
    assert declared.bands == {"green": 3}


def test_mappings_and_lists_of_text_may_be_written_as_json() -> None:
    from tools import registry

    calc, composite = (registry.load(name).params.model_fields for name in ("raster_calc", "composite"))
    args = ["--expression", "a + 1", "--rasters", '{"a": {"raster": "x"}}']
    assert parameters_from(args, calc) == {"expression": "a + 1", "rasters": {"a": {"raster": "x"}}}
    assert parameters_from(["--rasters", '["x", "y"]'], composite) == {"rasters": ["x", "y"]}
    assert parameters_from(["--rasters", "x", "--rasters", "2020"], composite) == {"rasters": ["x", "2020"]}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: pairs("green", "--bands", "green=3"), "green=3"),
        (lambda: declared_from(bounds="1,2,3", bands=None, classes=None, unit=None), "four numbers"),
        (lambda: declared_from(bounds=None, bands="green=x", classes=None, unit=None), "whole number"),
        (lambda: declared_from(bounds=None, bands=None, classes=None, unit="furlong"), "furlong"),
        (lambda: parameters_from(["raster", "x"], {}), "--PARAM VALUE"),
        (lambda: parameters_from(["--raster"], {}), "--PARAM VALUE"),
    ],
)
def test_option_texts_that_cannot_be_read_say_how_to_write_them(call, says: str) -> None:
    with pytest.raises(ParameterError) as error:
        call()
    assert says in str(error.value)
