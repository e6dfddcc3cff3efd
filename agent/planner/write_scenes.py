"""Write scenes: how many fit, which, how cloudy, and when they were taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.planner.atlas import Atlas
from agent.planner.figures import figure, listing
from agent.planner.frames import Condition, Scenes
from agent.planner.ledger import Message
from agent.planner.pieces import LISTED, Piece
from agent.planner.wording import layer_words
from tools.contract import Fact

_RANKS = {"cloud": "least cloudy", "-cloud": "cloudiest", "-time": "newest", "time": "oldest"}
_OPS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "=": "of"}


def write_scenes(piece: Piece, atlas: Atlas) -> list[str]:
    """Write the answer to a question about scenes."""
    scenes, message = piece.frame.scenes, piece.parts[0].message
    if scenes is None:
        raise ValueError("a frame of scenes says which")
    found: Sequence[Mapping[str, Any]] = message.data.get("scenes") or ()
    counted = next((fact for fact in message.facts if fact.name == "count"), None)
    if counted is None or not found or scenes.ask == "count":
        return [_count(scenes, counted, message, atlas)] if counted else []
    if scenes.ids and scenes.ask in ("cloud", "time"):
        return [_one(scenes.ask, scene, message) for scene in found]
    listed = found[: min(scenes.limit or LISTED, LISTED)]
    if scenes.sort and scenes.limit == 1:
        return [f"The {_RANKS[scenes.sort]} of the {scene_words(scenes, atlas)} is {_said(listed[0], message)} [{message.n}]."]
    lead = (
        f"The {_RANKS[scenes.sort]} of the {scene_words(scenes, atlas)} [{message.n}]:"
        if scenes.sort
        else f"{_count(scenes, counted, message, atlas).removesuffix('.')}:"
    )
    more = (
        [f"Only the first are listed here; the result holds more [{message.n}]."] if len(found) > len(listed) and not scenes.limit else []
    )
    return [lead, *(f"- {_said(scene, message)} [{message.n}]" for scene in listed), *more]


def _count(scenes: Scenes, counted: Fact, message: Message, atlas: Atlas) -> str:
    least = "at least " if counted.subject else ""
    return f"The number of {scene_words(scenes, atlas)} is {least}{figure(counted, 'count')} [{message.n}]."


def _said(scene: Mapping[str, Any], message: Message) -> str:
    cloud = _cloud(scene, message)
    told = f"cloud cover {figure(cloud, '%')}" if cloud else "no cloud cover stated"
    return f"{scene['id']} of {_date(scene)}: {told}"


def _one(ask: str, scene: Mapping[str, Any], message: Message) -> str:
    if ask == "time":
        return f"{scene['id']} was taken on {_date(scene)} [{message.n}]."
    cloud = _cloud(scene, message)
    return (
        f"The cloud cover of {scene['id']} is {figure(cloud, '%')} [{message.n}]."
        if cloud
        else f"{scene['id']} states no cloud cover [{message.n}]."
    )


def _cloud(scene: Mapping[str, Any], message: Message) -> Fact | None:
    facts = message.named("cloud_cover", scene=scene["id"])
    own = [fact for fact in facts if fact.subject.get("collection") in (None, scene.get("collection"))]
    return own[0] if own else None


def _date(scene: Mapping[str, Any]) -> str:
    return "/".join(str(part)[:10] for part in str(scene["time"]).split("/"))


def scene_words(scenes: Scenes, atlas: Atlas) -> str:
    """Say which scenes: `scenes of sentinel-2-l2a of tile 35MNM from 2020-07-01 to 2020-07-31 with less than 10 % cloud`."""
    words = ["scenes", *([f"of {listing(scenes.collections)}"] if scenes.collections else [f"of {scenes.catalogue}"])]
    words += [f"called {listing(scenes.ids)}"] if scenes.ids else []
    words += [f"of tile {scenes.tile}"] if scenes.tile else []
    words += [f"over {layer_words(scenes.area, atlas)}"] if scenes.area else []
    words += ["in the box asked for"] if scenes.bbox else []
    words += [_time_words(scenes.time)] if scenes.time else []
    words += [f"with less than {scenes.cloud_below:g} % cloud"] if scenes.cloud_below is not None else []
    words += [_condition(condition) for condition in scenes.where]
    return " ".join(words)


def _time_words(time: str) -> str:
    first, _, last = time.partition("/")
    if first == last:
        return f"on {first}"
    return f"until {last}" if first == ".." else f"from {first} on" if last == ".." else f"from {first} to {last}"


def _condition(condition: Condition) -> str:
    if condition.column == "eo:cloud_cover":
        return f"with a cloud cover {_OPS[condition.op]} {condition.value:g} %"
    return f"with {condition.column} {_OPS.get(condition.op, condition.op)} {condition.value}"
