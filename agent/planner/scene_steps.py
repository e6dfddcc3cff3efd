"""The search that answers a question about scenes."""

from __future__ import annotations

from agent.planner.atlas import Atlas
from agent.planner.frames import Frame, Scenes
from agent.planner.ledger import Ledger, where_params
from agent.planner.pieces import Params, Part


def find_scenes(frame: Frame, ledger: Ledger, _atlas: Atlas) -> tuple[Part, ...] | None:
    """Return the scenes that fit; None while the search is pending."""
    if frame.scenes is None:
        raise ValueError("a frame of scenes says which")
    message = ledger.call("search_stac", search_params(frame.scenes))
    return (Part(message),) if message else None


def search_params(scenes: Scenes) -> Params:
    """Return the parameters of `search_stac`."""
    area = scenes.area
    given: Params = {
        "collections": list(scenes.collections),
        "ids": list(scenes.ids),
        "time": scenes.time,
        "tile": scenes.tile,
        "bbox": list(scenes.bbox) if scenes.bbox else None,
        "area": area.ref if area else None,
        "area_where": where_params(area.where, area.match) if area else None,
        "cloud_below": scenes.cloud_below,
        "where": where_params(scenes.where),
        "sort": scenes.sort,
        "limit": scenes.limit,
    }
    return {"catalogue": scenes.catalogue, **{name: value for name, value in given.items() if value}}
