"""List and describe: what is registered, and the exact numbers of one dataset."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely

from tools.catalog.datasets import Datasets
from tools.catalog.describe_dataset import DescribeDatasetParams
from tools.catalog.describe_dataset import run as describe_dataset
from tools.catalog.list_datasets import ListDatasetsParams
from tools.catalog.list_datasets import run as list_datasets
from tools.contract import Declared, Fact, Outcome, Source, ToolContext, ToolOutput
from tools.errors import DataError, ParameterError

if TYPE_CHECKING:
    from conftest import MakeLayer, MakeRaster
    from tools.workspace import Workspace

BOXES = [shapely.box(x, 0, x + 1, 1) for x in range(3)]


@pytest.fixture
def datasets(workspace: Workspace) -> Datasets:
    return Datasets(workspace)


def context(datasets: Datasets, **sources: Source) -> ToolContext:
    return ToolContext(Path("unused"), sources, catalog=datasets)


def describe(path: Path, source_kind: Any = "raster", **declared: Any) -> ToolOutput:
    source = Source("x", source_kind, path, "xxh3:0", declared=Declared(**declared))
    return describe_dataset(DescribeDatasetParams(dataset="x"), ToolContext(Path("unused"), {"x": source}))


def values(output: ToolOutput, **subject: str) -> dict[str, tuple[float, str]]:
    return {fact.name: (fact.value, fact.unit) for fact in output.facts if fact.subject == subject}


# list_datasets


def test_nothing_registered_is_a_count_of_zero(datasets: Datasets) -> None:
    output = list_datasets(ListDatasetsParams(), context(datasets))
    assert (output.facts, output.data, output.summary) == ((Fact("count", 0, "count"),), {"datasets": []}, "No dataset is registered.")


@pytest.fixture
def filled(datasets: Datasets, make_raster: MakeRaster, make_layer: MakeLayer) -> Datasets:
    datasets.add(make_raster(np.ones((2, 3), "uint8"), name="cover.tif"), declared=Declared(classes={"1": "Forest"}, bands={"green": 1}))
    datasets.add(make_layer(BOXES, columns={"name": ["Alpha", "Beta", "Gamma"]}, name="zones.gpkg"))
    datasets.add(make_layer(BOXES, columns={"kind": ["school", "shop", "shop"]}, name="sites.geojson"), title="Public places")
    return datasets


def test_datasets_are_listed_and_counted_by_kind(filled: Datasets) -> None:
    output = list_datasets(ListDatasetsParams(), context(filled))
    assert [(fact.value, dict(fact.subject)) for fact in output.facts] == [(3, {}), (1, {"kind": "raster"}), (2, {"kind": "vector"})]
    assert output.summary == "Registered: 1 raster, 2 vectors."
    assert [entry["id"] for entry in output.data["datasets"]] == ["cover", "sites", "zones"]
    cover = output.data["datasets"][0]
    assert cover["bands"] == [{"index": 1, "role": "green", "unit": "unspecified", "value_kind": "categorical", "classes": {"1": "Forest"}}]
    assert not {"path", "digest", "bytes", "declared"} & set(cover)
    json.dumps(output.data)


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({"kind": "raster"}, ["cover"]),
        ({"text": "FOREST"}, ["cover"]),  # a class
        ({"text": "green"}, ["cover"]),  # a band role
        ({"text": "school"}, ["sites"]),  # a value
        ({"text": "public"}, ["sites"]),  # the title
        ({"text": "kind"}, ["sites"]),  # a column
        ({"text": "zon"}, ["zones"]),  # the id
        ({"text": "zon", "kind": "raster"}, []),
    ],
)
def test_list_is_narrowed_by_text_and_kind(filled: Datasets, params: dict[str, Any], ids: list[str]) -> None:
    output = list_datasets(ListDatasetsParams(**params), context(filled))
    assert [entry["id"] for entry in output.data["datasets"]] == ids
    assert [fact.value for fact in output.facts] == [len(ids)]


# describe_dataset


def test_raster_facts_are_exact_over_all_pixels(make_raster: MakeRaster) -> None:
    array = np.arange(3000 * 2000, dtype="float32").reshape(3000, 2000)  # two strips
    array[0, 0], array[2999, 1999] = -9999, np.nan
    output = describe(make_raster(array, nodata=-9999, bounds=(0, 0, 2000, 3000)), unit="m")
    # the numbers 1 … 5,999,998: their mean is that of the ends
    assert values(output) == {
        "width": (2000, "count"),
        "height": (3000, "count"),
        "bands": (1, "count"),
        "resolution": (1.0, "m"),
        "valid_share": (pytest.approx(100 * 5_999_998 / 6_000_000), "%"),
        "min": (1.0, "m"),
        "max": (5_999_998.0, "m"),
        "mean": (pytest.approx(2_999_999.5, rel=1e-12), "m"),
    }
    assert output.outcome is Outcome.VALUE


def test_bands_are_told_apart_and_scaled(make_raster: MakeRaster) -> None:
    output = describe(make_raster(np.stack([np.full((2, 2), 4, "uint8"), np.full((2, 2), 6, "uint8")])), scale=0.5, offset=1.0)
    assert values(output, band="2")["mean"] == (4.0, "unspecified")
    assert values(output, band="1")["max"] == (3.0, "unspecified")


def test_categories_have_no_mean(make_raster: MakeRaster) -> None:
    output = describe(make_raster(np.ones((2, 2), "uint8")), kind="categorical")
    assert set(values(output)) == {"width", "height", "bands", "resolution", "valid_share"}


def test_raster_of_nothing_but_nodata_has_a_valid_share_of_zero(make_raster: MakeRaster) -> None:
    output = describe(make_raster(np.zeros((2, 2), "uint8"), nodata=0))
    assert values(output)["valid_share"] == (0.0, "%")
    assert "mean" not in values(output)
    assert "nodata" in output.warnings[0]


@pytest.mark.parametrize(
    ("crs", "bounds", "expected"),
    [
        ("EPSG:4326", (0, 0, 1, 1), {"resolution": (0.5, "degree")}),
        ("EPSG:2263", (0, 0, 1, 1), {"resolution": (pytest.approx(0.5 * 1200 / 3937), "m")}),  # US survey feet
        (None, (0, 0, 1, 1), {}),
    ],
)
def test_resolution_has_a_unit_or_is_not_told(make_raster: MakeRaster, crs: str | None, bounds: Any, expected: dict[str, Any]) -> None:
    facts = values(describe(make_raster(np.ones((2, 2), "uint8"), crs=crs, bounds=bounds)))
    assert {name: value for name, value in facts.items() if name == "resolution"} == expected


def test_unequal_resolution_is_told_for_each_axis(make_raster: MakeRaster) -> None:
    output = describe(make_raster(np.ones((2, 4), "uint8"), bounds=(0, 0, 40, 40)))
    assert values(output, axis="x")["resolution"] == (10.0, "m")
    assert values(output, axis="y")["resolution"] == (20.0, "m")


def test_layer_facts_count_features_gaps_and_values(make_layer: MakeLayer) -> None:
    bowtie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    path = make_layer([BOXES[0], bowtie, None], columns={"depth": [1.0, None, 4.0], "name": ["a", None, None]})
    output = describe(path, "vector")
    assert values(output) == {"count": (3, "count"), "null_geometries": (1, "count"), "invalid_geometries": (1, "count")}
    assert values(output, column="depth") == {
        "null_share": (pytest.approx(100 / 3), "%"),
        "distinct": (2, "count"),
        "min": (1.0, "unspecified"),
        "max": (4.0, "unspecified"),
        "mean": (2.5, "unspecified"),
    }
    assert values(output, column="name") == {"null_share": (pytest.approx(200 / 3), "%"), "distinct": (1, "count")}
    assert values(output, geometry="Polygon") == {"count": (2, "count")}
    assert values(output, reason="Self-intersection") == {"invalid_geometries": (1, "count")}
    assert output.data["invalid"] == [{"reason": "Self-intersection", "count": 1, "first": 1}]
    assert output.data["columns"][0]["name"] == "depth"
    assert output.bbox == (0, 0, 1, 1)


def test_empty_layer_counts_zero(make_layer: MakeLayer) -> None:
    output = describe(make_layer([], columns={"n": []}, name="a.fgb"), "vector")
    assert values(output)["count"] == (0, "count")
    assert "Empty" in output.warnings[0]


def test_table_and_document_are_described(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n3\n")
    (tmp_path / "d.md").write_text("1234")
    assert values(describe(tmp_path / "t.csv", "table"), column="a")["mean"] == (2.0, "unspecified")
    assert values(describe(tmp_path / "d.md", "document"), of="bytes") == {"size": (4, "count")}


@pytest.mark.parametrize("kind", ["map", "text"])
def test_results_that_are_no_data_are_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ParameterError, match="not data"):
        describe(tmp_path / "a.png", kind)


def test_description_holds_nothing_of_the_registration(make_layer: MakeLayer) -> None:
    """The artifact's key holds content only, so no name, title, licence or path may stand in it."""
    path = make_layer(BOXES, columns={"n": [1, 2, 3]}, name="secretname.geojson")
    output = describe(path, "vector")
    assert "secretname" not in json.dumps([output.data, output.summary, output.warnings, dict(output.method)])


def test_description_of_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"nonsense")
    with pytest.raises(DataError):
        describe(tmp_path / "a.tif")


def test_tool_modules_load_no_heavy_library() -> None:
    code = """
import sys
import tools.catalog.describe_dataset, tools.catalog.find_place, tools.catalog.list_datasets
heavy = {"numpy", "pandas", "rasterio", "pyogrio", "geopandas", "pyproj", "shapely", "pyarrow", "odc"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, check=True, timeout=60)
