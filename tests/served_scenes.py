"""Scenes as a search would have found them, in a store, with their files on a range server: what read_asset works on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rasterio

from range_server import RangeServer
from tools import registry
from tools.catalog.datasets import Datasets
from tools.contract import Outcome, Tool, ToolContext, ToolOutput
from tools.geotypes import Params
from tools.runner import Runner
from tools.workspace import Workspace

Json = dict[str, Any]


class FoundParams(Params):
    """Return the scenes that the test found."""

    items: str
    """GeoJSON."""
    root: str = ""
    """Folder of a static catalogue."""


def found(params: FoundParams, context: ToolContext) -> ToolOutput:
    """Stand in for search_stac."""
    (context.folder / "items.json").write_text(params.items)
    data = {"root": params.root} if params.root else {}
    return ToolOutput("Found.", files=("items.json",), kind="items", outcome=Outcome.VALUE, data=data)


FOUND = Tool("found", FoundParams, found, "observation")


def load(name: str) -> Tool:
    """Return a tool, the stand-in among them."""
    return FOUND if name == "found" else registry.load(name)


class Scenes:
    """A runner over a workspace whose `found` tool gives the items as they are now."""

    def __init__(self, workspace: Workspace, items: list[Json], root: Path | None = None) -> None:
        self.items = items
        self.root = root
        self.catalog = Datasets(workspace)
        self.runner = Runner(workspace, self.catalog, load=load)

    def found(self) -> str:
        """Return the reference of the items as they are now."""
        items = json.dumps({"type": "FeatureCollection", "features": self.items}, sort_keys=True)
        return self.runner.run("found", {"items": items, "root": str(self.root or "")}).artifact.ref

    def read(self, *names: str, number: int = 0, **params: object) -> Any:
        """Return the result of read_asset for files of one scene."""
        ref = self.found()
        return self.runner.run("read_asset", {"assets": [f"{ref}#items/{number}/{name}" for name in names], **params})


def item_of(name: str = "scene-1", properties: Mapping[str, Any] | None = None) -> Json:
    """Return an item without files."""
    ring = [[2.9, 44.9], [3.1, 44.9], [3.1, 45.1], [2.9, 45.1], [2.9, 44.9]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"datetime": "2020-07-01T10:00:00Z", **(properties or {})},
        "assets": {},
    }


def serve(server: RangeServer, item: Json, key: str, path: Path, **asset: object) -> str:
    """Put a GeoTIFF on the server and into an item; return its path on the server."""
    place = f"/{item['id']}/{key}.tif"
    href = server.put(place, path.read_bytes())
    item["assets"][key] = {"href": href, "type": "image/tiff; application=geotiff; profile=cloud-optimized", "roles": ["data"], **asset}
    return place


def blocks_of(content: bytes, rows: tuple[int, int], cols: tuple[int, int], tile: int, folder: Path) -> int:
    """Return the stored bytes of the blocks under a window, after GDAL's own account of a local copy."""
    path = folder / "local.tif"
    path.write_bytes(content)
    with rasterio.open(path) as dataset:
        named = [
            dataset.get_tag_item(f"BLOCK_SIZE_{col}_{row}", dm="TIFF", bidx=1)
            for row in range(rows[0] // tile, (rows[1] - 1) // tile + 1)
            for col in range(cols[0] // tile, (cols[1] - 1) // tile + 1)
        ]
    return sum(int(each) for each in named)
