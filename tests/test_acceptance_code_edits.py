"""A result depends on the code that made it, and on nothing else of the code: shown on an edited copy of the packages."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import generated_phrases as phrases
from generated_scene import Scene
from generated_workspaces import make_scene
from terracite_process import ask, caches, copy_packages, terracite

HELPER = ("tools/geo/pixels.py", "pixel_areas")
"""A function that zonal statistics reach and vector queries do not."""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make_scene(4, tmp_path / "data")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return copy_packages(tmp_path / "source")


def zonal_question(scene: Scene) -> tuple[str, Path, Path]:
    return f"mean {scene.surface.surface.theme} by {scene.zones.noun.one}", scene.surface.path, scene.zones.path


def vector_question(scene: Scene) -> tuple[str, Path]:
    return f"How many {scene.sites.noun.many} are there?", scene.sites.path


def edit_function(path: Path, name: str) -> None:
    """Put a statement without effect at the start of a function's body."""
    lines = path.read_text(encoding="utf-8").splitlines()
    function = next(node for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.FunctionDef) and node.name == name)
    statement = function.body[1] if isinstance(function.body[0], ast.Expr) else function.body[0]
    lines.insert(statement.lineno - 1, " " * statement.col_offset + "_edited = 'by a test'")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_editing_comments_and_formatting_recomputes_nothing(scene: Scene, source: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    first = ask(workspace, *zonal_question(scene), source=source)
    assert set(caches(first).values()) == {"computed"}
    for path in (source / "tools").rglob("*.py"):
        path.write_text("# a comment of a test\n" + path.read_text(encoding="utf-8") + "\n\n# and one more\n", encoding="utf-8")
    second = ask(workspace, *zonal_question(scene), source=source)
    assert set(caches(second).values()) == {"hit"}
    assert second["answer"] == first["answer"]


def test_editing_a_helper_recomputes_what_reaches_it_and_nothing_else(scene: Scene, source: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    zonal, vector = ask(workspace, *zonal_question(scene), source=source), ask(workspace, *vector_question(scene), source=source)
    file, function = HELPER
    edit_function(source / file, function)
    zonal_again, vector_again = (
        ask(workspace, *zonal_question(scene), source=source),
        ask(workspace, *vector_question(scene), source=source),
    )
    assert caches(zonal_again)["zonal_stats"] == "computed"
    assert set(caches(vector_again).values()) == {"hit"}
    assert zonal_again["answer"] == zonal["answer"]
    assert vector_again["answer"] == vector["answer"]


def test_why_names_the_edited_helper(scene: Scene, source: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    result = ask(workspace, *zonal_question(scene), source=source)
    (key,) = [artifact["key"] for artifact in result["artifacts"] if artifact["tool"] == "zonal_stats"]
    file, function = HELPER
    edit_function(source / file, function)
    why = terracite("artifacts", "why", f"a:{key[:12]}", "--workspace", workspace, source=source)
    assert why.returncode == 0, why.stderr
    assert function in why.stdout


def test_an_edited_default_of_a_parameter_recomputes_but_an_edited_description_does_not(scene: Scene, source: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    ask(workspace, *vector_question(scene), source=source)
    module = source / "tools" / "vector" / "query.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(text.replace('description="Largest first."', 'description="From the largest down."'), encoding="utf-8")
    assert set(caches(ask(workspace, *vector_question(scene), source=source)).values()) == {"hit"}
    module.write_text(text.replace("le=10_000", "le=10_001"), encoding="utf-8")
    assert caches(ask(workspace, *vector_question(scene), source=source))["query_vector"] == "computed"


def test_the_same_bytes_under_another_name_are_not_computed_again(scene: Scene, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    question, raster, zones = zonal_question(scene)
    first = ask(workspace, question, raster, zones)
    twin = raster.with_name(raster.stem + "_copy" + raster.suffix)
    twin.write_bytes(raster.read_bytes())
    second = ask(workspace, question, twin, zones)
    assert caches(second)["zonal_stats"] == "hit"
    assert [claim["value"] for claim in second["claims"]] == [claim["value"] for claim in first["claims"]]


def test_a_changed_pixel_recomputes(scene: Scene, tmp_path: Path) -> None:
    import rasterio

    workspace = tmp_path / "ws"
    question, raster, zones = zonal_question(scene)
    ask(workspace, question, raster, zones)
    with rasterio.open(raster, "r+") as dataset:
        values = dataset.read(1)
        values[values.shape[0] // 2] += 1
        dataset.write(values, 1)
    assert caches(ask(workspace, question, raster, zones))["zonal_stats"] == "computed"


def test_words_of_a_question_do_not_enter_a_key(scene: Scene, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    code = phrases.present_class(scene, np.random.default_rng(1))
    zone, name = scene.zones.noun.one, phrases.class_words(scene, code)
    data = (scene.cover.path, scene.zones.path)
    ask(workspace, f"area of {name} by {zone}", *data)
    assert set(caches(ask(workspace, f"What is the area of {name} in each {zone}?", *data)).values()) == {"hit"}
