"""Write what was made: one sentence for what it is, and the numbers that tell of it."""

from __future__ import annotations

from collections.abc import Sequence

from agent.planner.atlas import Atlas
from agent.planner.derived import derived_words
from agent.planner.figures import COORDINATES, common_unit, figure, listing
from agent.planner.frames import Task
from agent.planner.ledger import Message
from agent.planner.pieces import LISTED, Part, Piece
from agent.planner.wording import layer_words
from tools.contract import Fact

_TOLD = 12
"""Most numbers of single features or levels that are told of what was made."""
_SHAPES = {
    "convex_hull": "Convex hull", "concave_hull": "Concave hull", "centroid": "Centroids", "point_on_surface": "Points on the surface",
    "envelope": "Envelope", "minimum_circle": "Smallest circle", "voronoi": "Thiessen polygons", "simplify": "Simplified outlines",
    "explode": "Single parts", "boundary": "Boundary",
}  # fmt: skip
FORMAT_NAMES = {
    "gpkg": "GeoPackage", "geojson": "GeoJSON", "shapefile": "Shapefile", "flatgeobuf": "FlatGeobuf", "geoparquet": "GeoParquet", "kml": "KML",
    "csv": "CSV", "cog": "cloud-optimised GeoTIFF", "geotiff": "GeoTIFF",
}  # fmt: skip
_STATISTICS = {"mean": "mean", "min": "minimum", "max": "maximum", "median": "median", "sum": "sum"}


def write_tasks(piece: Piece, atlas: Atlas) -> list[str]:
    """Write a part per task; of those whose result only feeds the next, its first number."""
    lines: list[str] = []
    for task, part in zip(piece.frame.tasks, piece.parts, strict=True):
        lines += _written(task, part, atlas)
    return lines


def _written(task: Task, part: Part, atlas: Atlas) -> list[str]:
    n = part.message.n
    if part.message.outcome == "no_coverage":
        return [f"The data does not reach there, so nothing was made [{n}]."]
    if task.verb == "sample":
        return _sampled(task, part.message, atlas)
    if task.verb == "extremes":
        return _extreme(task, part.message, atlas)
    if task.verb in ("join", "thiessen") and task.column:
        return _numbers(task, part.message, atlas)
    if task.verb == "histogram":
        return _histogram(task, part.message, atlas)
    facts = _changes(part.message) if task.verb == "clean" else _chosen(part.message)
    return [f"{_made(task, atlas)} [{n}].", *_told(facts, n), *_rest(facts, part.message), *_file(task, part.message)]


def _made(task: Task, atlas: Atlas) -> str:
    """Say what was made, without a full stop."""
    of = _of(task, atlas)
    if task.verb == "shape":
        inside = f", cut to {layer_words(task.other, atlas)}" if task.other else ""
        return f"{_SHAPES[task.option]} of {of}{inside}"
    with_other = f" with {task.other.ref}" if task.other else ""
    verbs = {
        "export": f"Exported as {FORMAT_NAMES.get(task.option, task.option)}", "clean": "Cleaned", "buffer": "Buffered by the distance asked for",
        "dissolve": f"Dissolved by {listing(task.by)}", "reproject": f"Reprojected to {task.option}", "contour": "Contours drawn",
        "join": f"Joined{with_other}",
    }  # fmt: skip
    return f"{verbs[task.verb]}: {of}"


def _of(task: Task, atlas: Atlas) -> str:
    if task.cells:
        return derived_words(task.cells.derived) if task.cells.derived else task.cells.ref
    return layer_words(task.layer, atlas) if task.layer else "the result"


def _file(task: Task, message: Message) -> list[str]:
    if task.verb != "export":
        return []
    return [f"The file lies in the result {message.ref}; `terracite export {message.ref} PATH` copies it to a path of yours [{message.n}]."]


def _chosen(message: Message) -> list[Fact]:
    """Return the numbers over everything, and those of single things where they are few."""
    whole = [fact for fact in message.facts if not fact.subject]
    single = [fact for fact in message.facts if fact.subject]
    return [*whole, *(single if len(single) <= _TOLD and not message.is_cut else [])]


def _changes(message: Message) -> list[Fact]:
    """Return how many features there were and are, and what was changed."""
    return [fact for fact in message.facts if not fact.subject or fact.value]


def _rest(told: Sequence[Fact], message: Message) -> list[str]:
    if message.tool == "clean" or (len(told) == len(message.facts) and not message.is_cut):
        return []
    return [f"The result holds the numbers of each as well [{message.n}]."]


def _told(facts: Sequence[Fact], n: int) -> list[str]:
    return [f"- {_about(fact)}{fact.name}: {_figure(fact)} [{n}]" for fact in facts]


def _figure(fact: Fact) -> str:
    return figure(fact, common_unit([fact], None))


def _about(fact: Fact) -> str:
    return f"{', '.join(fact.subject.values())}, " if fact.subject else ""


def _sampled(task: Task, message: Message, atlas: Atlas) -> list[str]:
    """Write the value at every point, at the highest or lowest of them, or one statistic over all."""
    n, what = message.n, _of(task, atlas)
    points = layer_words(task.layer, atlas) if task.layer else "the points"
    if task.option in _STATISTICS:
        facts = [fact for fact in message.named(task.option) if not fact.subject]
        return [f"The {_STATISTICS[task.option]} {what} at {points} is {figure(fact, fact.unit)} [{n}]." for fact in facts]
    values = message.named("value")
    if task.option:
        return [
            f"The {task.option} {what} at {points} is that at {fact.subject.get('feature', '')}: value {figure(fact, fact.unit)} [{n}]."
            for fact in values[:1]
        ]
    counted = [fact for fact in message.named("count") if "class" in fact.subject]
    if counted and not values:
        return [f"Points by class of {what} [{n}]:", *_told(counted[:LISTED], n)]
    lines = [f"- {fact.subject.get('feature', '')}: value {figure(fact, fact.unit)} [{n}]" for fact in values[:LISTED]]
    more = [f"Only the first are listed here; the result holds all [{n}]."] if len(values) > LISTED or message.is_cut else []
    without = [fact for fact in message.named("count") if fact.subject.get("points") not in (None, "with a value")]
    missing = [f"Points without a value ({fact.subject['points']}): count {figure(fact, 'count')} [{n}]." for fact in without]
    return [f"Values of {what} at {points} [{n}]:", *lines, *more, *missing]


def _extreme(task: Task, message: Message, atlas: Atlas) -> list[str]:
    """Write the extreme and its place."""
    n = message.n
    facts = message.named(task.option)
    if not facts:
        return [f"There is no {task.option} of {_of(task, atlas)} [{n}]."]
    value = figure(facts[0], facts[0].unit)
    inside = f" in {layer_words(task.other, atlas)}" if task.other else ""
    lines = [f"The {task.option} of {_of(task, atlas)}{inside} is {value} [{n}]."]
    places = [fact for name in COORDINATES for fact in message.named(name, of=task.option)]
    return [*lines, *(f"- {fact.name} of the {task.option}: {figure(fact, fact.unit)} [{n}]" for fact in places)]


def _histogram(task: Task, message: Message, atlas: Atlas) -> list[str]:
    n = message.n
    shares = message.named("share")
    lines = [f"- {_about(fact)}share {figure(fact, '%')} [{n}]" for fact in shares[:LISTED]]
    whole = [fact for fact in message.facts if fact.name in ("mean", "minimum", "maximum")]
    said = [f"The {fact.name} of {_of(task, atlas)} is {figure(fact, fact.unit)} [{n}]." for fact in whole]
    return [*said, f"Shares of the area by value [{n}]:", *lines]


def _numbers(task: Task, message: Message, atlas: Atlas) -> list[str]:
    """Write a column's sums or means after a join, in total or by group."""
    n = message.n
    statistic = task.option.partition(" ")[2] or "mean"
    facts = [fact for fact in message.facts if fact.name in (f"{statistic} of {task.column}", statistic, task.column)]
    facts = facts or [fact for fact in message.facts if task.column in fact.name]
    said = f"{_STATISTICS[statistic]} of {task.column}"
    if not facts:
        return [f"There is no {said} in the result [{n}]."]
    if len(facts) == 1 and not facts[0].subject:
        joined = f" joined with {task.other.ref}" if task.other else ""
        return [f"The {said} over {_of(task, atlas)}{joined} is {figure(facts[0], facts[0].unit)} [{n}]."]
    grouped = [fact for fact in facts if fact.subject]
    by = f" by Thiessen polygons of {_of(task, atlas)}" if task.verb == "thiessen" else f" by {listing(task.by)}" if task.by else ""
    lines = [f"- {', '.join(fact.subject.values())}: {figure(fact, fact.unit)} [{n}]" for fact in grouped[:LISTED]]
    more = [f"Only the first are listed here; the result holds all [{n}]."] if len(grouped) > LISTED or message.is_cut else []
    return [f"{said[:1].upper()}{said[1:]}{by} [{n}]:", *lines, *more]
