"""The licence under which a result is told is that of the collections its scenes are of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.knowledge.origins import Origins
from scripted_stac import item
from tools.catalog.datasets import Datasets
from tools.runner import Runner

if TYPE_CHECKING:
    from tools.workspace import Workspace


@pytest.fixture
def datasets(workspace: Workspace) -> Datasets:
    return Datasets(workspace)


def write_catalogue(folder: Path) -> Path:
    """Write a static catalogue of two collections with one scene each, under different licences."""
    extent = {"spatial": {"bbox": [[0.0, 40.0, 20.0, 60.0]]}, "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]}}
    for name, licence in (("open", "CC0-1.0"), ("closed", "CC-BY-NC-4.0")):
        collection = {
            "type": "Collection", "stac_version": "1.0.0", "id": name, "description": name, "license": licence, "extent": extent,
            "providers": [{"name": f"Makers of {name}", "roles": ["producer"]}], "links": [{"rel": "item", "href": f"{name}-scene.json"}],
        }  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(collection))
        (folder / f"{name}-scene.json").write_text(json.dumps({**item(f"{name}-1"), "collection": name}))
    root = folder / "catalog.json"
    links = [{"rel": "child", "href": f"{name}.json"} for name in ("open", "closed")]
    root.write_text(json.dumps({"type": "Catalog", "stac_version": "1.0.0", "id": "both", "description": "both", "links": links}))
    return root


def test_a_result_is_told_under_the_licence_of_its_own_collections(workspace: Workspace, datasets: Datasets, tmp_path: Path) -> None:
    (record,) = datasets.add(write_catalogue(tmp_path), id="both").records
    assert record.licence is None
    runner = Runner(workspace, datasets)

    def told(collections: list[str]) -> tuple[str | None, str | None]:
        key = runner.run("search_stac", {"catalogue": "both", "collections": collections}).artifact.key
        (origin,) = Origins(runner, datasets.record_objects()).of(key)
        return origin.licence, origin.attribution

    assert told(["open"]) == ("CC0-1.0", "Makers of open")
    assert told(["closed"]) == ("CC-BY-NC-4.0", "Makers of closed")
    assert set((told([])[0] or "").split("; ")) == {"CC0-1.0", "CC-BY-NC-4.0"}
