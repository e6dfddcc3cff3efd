"""Raster tools through the runner: what is the same work has one key, and the import of a tool is light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tools.catalog.datasets import Datasets
from tools.contract import Declared
from tools.runner import Runner
from tools.workspace import Workspace

RASTER_TOOLS = ("spectral_index", "raster_calc", "composite", "change", "polygonize", "reproject", "classify")


@pytest.fixture
def runner(workspace: Workspace, make_raster) -> Runner:
    datasets = Datasets(workspace)
    rng = np.random.default_rng(3)
    for name in ("one", "two"):
        path = make_raster(rng.integers(1, 200, (3, 4, 5), "uint8"), name=f"{name}.tif", descriptions=["B03", "B11", "SCL"])
        datasets.add(path, id=name, declared=Declared(bands={"green": 1}))
    return Runner(workspace, datasets)


def test_roles_that_are_found_and_roles_that_are_given_are_one_call(runner: Runner) -> None:
    found = runner.run("spectral_index", {"raster": "one", "index": "mndwi"})
    given = runner.run("spectral_index", {"raster": "one", "index": "MNDWI", "bands": {"swir16": 2, "green": 1}})
    other = runner.run("spectral_index", {"raster": "one", "index": "MNDWI", "bands": {"swir1": 1}})
    assert (found.cache, given.cache, given.artifact.key) == ("computed", "hit", found.artifact.key)
    assert other.artifact.key != found.artifact.key


def test_what_auto_means_is_settled_before_the_key(runner: Runner) -> None:
    whole = {"raster": "one", "index": "MNDWI"}
    index = runner.run("spectral_index", whole).artifact
    auto = runner.run("change", {"before": index.ref, "after": index.ref})
    values = runner.run("change", {"before": index.ref, "after": index.ref, "kind": "values", "after_band": 1})
    assert values.cache == "hit"
    assert auto.artifact.key == values.artifact.key


def test_a_result_of_one_tool_is_the_input_of_the_next(runner: Runner) -> None:
    index = runner.run("spectral_index", {"raster": "one", "index": "MNDWI"}).artifact
    water = runner.run("raster_calc", {"expression": "i > 0", "rasters": {"i": {"raster": index.ref}}}).artifact
    patches = runner.run("polygonize", {"raster": water.ref, "classes": ["true"]}).artifact
    (area,) = [fact.value for fact in water.facts if fact.name == "area" and fact.subject == {"class": "true"}]
    (traced,) = [fact.value for fact in patches.facts if fact.name == "area" and not fact.subject]
    assert traced == pytest.approx(area, rel=1e-4)
    assert runner.run("query_vector", {"layer": patches.ref}).artifact.fact_count


def test_a_caller_who_gives_up_stops_the_work(runner: Runner) -> None:
    class GaveUpError(Exception):
        pass

    def give_up(_share: float) -> None:
        raise GaveUpError

    with pytest.raises(GaveUpError):
        runner.run("spectral_index", {"raster": "two", "index": "MNDWI"}, progress=give_up)
    assert runner.ls() == []


@pytest.mark.parametrize("tool", ["spectral_index", "raster_calc", "composite", "change", "classify"])
def test_progress_rises_to_the_end(runner: Runner, tool: str) -> None:
    index = runner.run("spectral_index", {"raster": "one", "index": "MNDWI"}).artifact.ref
    calls = {
        "spectral_index": {"raster": "two", "index": "MNDWI"},
        "raster_calc": {"expression": "a + 1", "rasters": {"a": {"raster": "two"}}},
        "composite": {"rasters": ["one", "two"], "mask": "none", "bands": ["green"]},
        "change": {"before": index, "after": index},
        "classify": {"raster": index, "classes": [{"label": "wet", "min": 0}]},
    }
    shares: list[float] = []
    runner.run(tool, calls[tool], progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_the_tools_are_described_without_loading_what_computes() -> None:
    program = f"import sys\nfrom tools import registry\n[registry.load(name) for name in {RASTER_TOOLS!r}]\nprint([name for name in ('numpy', 'rasterio', 'geopandas', 'pyproj') if name in sys.modules])"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    assert output.stdout.strip() == "[]"
