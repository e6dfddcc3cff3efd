"""The first request to a language model, rendered over small fixed data. As a program it writes the kept form anew:

python tests/first_request.py
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from agent import Agent
from agent.settings import AgentSettings
from scripted_endpoint import scripted
from tools.contract import Declared
from tools.storage.bootstrap import bootstrap

KEPT = Path(__file__).with_name("first_request.json")
QUESTION = "How many hectares of each district are under more than 0.5 m of water?"


def rendered(folder: Path) -> dict[str, Any]:
    """Ask over two districts, a raster of depths, classes and a document, and return what the endpoint is sent."""
    import geopandas as gpd
    from shapely.geometry import box

    districts = gpd.GeoDataFrame(
        {"name": ["North", "South"], "people": [120, 80]}, geometry=[box(7, 50, 7.5, 50.5), box(7.5, 50, 8, 50.5)], crs=4326
    )
    districts.to_file(folder / "districts.gpkg")
    _raster(folder / "depth.tif", np.linspace(0, 3, 16, dtype="float32").reshape(4, 4))
    _raster(folder / "cover.tif", np.tile(np.array([[1, 2]], "uint8"), (4, 2)))
    (folder / "report.md").write_text("# Flood of spring\n\nThe water came at night.\n")
    with scripted([[("decline", {"reason": "Only looking.", "outcome": "refused"})]]) as endpoint:
        settings = AgentSettings(engine="model", openai_base_url=endpoint.url, openai_api_key="x", model="any-model", model_retries=0)
        agent = Agent(folder / "ws", settings=settings)
        agent.add(folder / "depth.tif", declared=Declared(unit="m"))
        agent.add(folder / "cover.tif", declared=Declared(kind="categorical", classes={"1": "water", "2": "land"}))
        agent.add(folder / "districts.gpkg", folder / "report.md")
        agent.run(QUESTION)
    return endpoint.requests[0]


def _raster(path: Path, values: np.ndarray[Any, Any]) -> None:
    import rasterio
    from rasterio.transform import from_bounds

    shape = {"width": 4, "height": 4, "count": 1, "dtype": values.dtype}
    with rasterio.open(path, "w", driver="GTiff", crs=4326, transform=from_bounds(7, 50, 8, 50.5, 4, 4), **shape) as raster:
        raster.write(values, 1)


def readable(request: dict[str, Any]) -> str:
    """Write a request so that a change of a sentence is a change of a line."""
    messages = [{**message, "content": str(message["content"]).split("\n")} for message in request["messages"]]
    return json.dumps({**request, "messages": messages}, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    bootstrap()
    with tempfile.TemporaryDirectory() as made:
        KEPT.write_text(readable(rendered(Path(made))), encoding="utf-8")
