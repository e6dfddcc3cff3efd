"""Write counts, sums and lists of features, and the nearest of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.planner.atlas import Atlas
from agent.planner.figures import common_unit, figure, listing, number_text
from agent.planner.frames import Frame
from agent.planner.ledger import Message
from agent.planner.pieces import LISTED, Piece
from agent.planner.wording import layer_words
from agent.planner.write_measures import _limited, _more, _passes, _sorted
from tools.contract import Fact

_STATISTICS = {"sum": "sum", "mean": "mean", "min": "minimum", "max": "maximum", "median": "median"}


def write_features(piece: Piece, atlas: Atlas) -> list[str]:
    """Write numbers over features, or the features themselves."""
    return _numbers(piece, atlas) if piece.frame.measures else _features(piece, atlas)


def _numbers(piece: Piece, atlas: Atlas) -> list[str]:
    frame, message = piece.frame, piece.parts[0].message
    if frame.layer is None:
        return []
    words = layer_words(frame.layer, atlas)
    if frame.zones or frame.group_by:
        return _grouped(frame, message, words, atlas)
    chosen = f"chosen {words}" if frame.cells else words
    lines = [*_touching(frame, words), *(_total(frame, message, name, column, chosen) for name, column in frame.measures)]
    searched = message.named("features searched")
    if searched and message.outcome == "true_zero":
        lines.append(f"The number of features searched is {number_text(searched[0].value)} [{message.n}].")
    return [line for line in lines if line]


def _touching(frame: Frame, words: str) -> list[str]:
    """Say which pixels choose the features; apart from the numbers, whose results know nothing of those pixels."""
    if frame.cells is None:
        return []
    what = listing(frame.cells.classes) or listing(one.words.partition(" (")[0] for one in frame.cells.ranges)
    return [f"Chosen are {words} that hold any place classed as '{what}' of {frame.cells.ref}."]


def _total(frame: Frame, message: Message, name: str, column: str | None, words: str) -> str:
    facts = [fact for fact in message.named(f"{name} of {column}" if column else name) if not fact.subject]
    if not facts:
        return f"There is no {_measure_words(name, column)} for {words} [{message.n}]."
    text = figure(facts[0], common_unit(facts, frame.unit))
    return f"The {_measure_words(name, column)}{' of' if not column else ' for'} {words} is {text} [{message.n}]."


def _measure_words(name: str, column: str | None) -> str:
    if column:
        return f"{_STATISTICS.get(name, name)} of {column}"
    return {"count": "number", "area": "total area", "length": "total length", "perimeter": "perimeter"}[name]


def _grouped(frame: Frame, message: Message, words: str, atlas: Atlas) -> list[str]:
    name, column = frame.measures[0]
    facts = [fact for fact in message.named(f"{name} of {column}" if column else name) if fact.subject]
    kept = _limited(_sorted(frame, facts), frame)
    by = listing([*frame.group_by, *([frame.zones.layer.noun] if frame.zones else [])])
    extra = [(f"{other} of {target}" if target else other) for other, target in frame.measures[1:]]
    lines = [f"- {', '.join(fact.subject.values())}: {_row(frame, message, fact, extra)} [{message.n}]" for fact in kept]
    lead = f"{_measure_words(name, column).capitalize()}{' of' if not column else ' for'} {words} by {by} [{message.n}]:"
    if not lines:
        return [f"No {by} fits [{message.n}]."]
    return [lead, *lines, *_more(len(facts), len(kept), message, frame, atlas)]


def _row(frame: Frame, message: Message, fact: Fact, extra: Sequence[str]) -> str:
    others = [other for name in extra for other in message.named(name) if dict(other.subject) == dict(fact.subject)]
    texts = [figure(fact, common_unit([fact], frame.unit))]
    return ", ".join([*texts, *(f"{other.name} {figure(other, common_unit([other], frame.unit))}" for other in others)])


def _features(piece: Piece, atlas: Atlas) -> list[str]:
    frame, message = piece.frame, piece.parts[0].message
    if frame.layer is None:
        return []
    rows = [row for row in message.data.get("rows") or () if isinstance(row, dict)]
    count = [fact for fact in message.named("count") if not fact.subject]
    words = layer_words(frame.layer, atlas)
    before = _touching(frame, words)
    words = f"chosen {words}" if frame.cells else words
    if not rows:
        return [*before, *_nothing(message, words)]
    label = None if not atlas.has(frame.layer.ref) else atlas.get(frame.layer.ref).label_column
    lines = [f"- {_feature_line(frame, message, row, label)} [{message.n}]" for row in rows[: min(frame.limit or LISTED, LISTED)]]
    if frame.order:
        ranked = "largest first" if frame.order == "desc" else "smallest first"
        return [f"{words[:1].upper()}{words[1:]}, by {frame.order_by}, {ranked} [{message.n}]:", *lines]
    lead = f"The number of {words} is {number_text(count[0].value)} [{message.n}]:" if count else f"{words} [{message.n}]:"
    if "@longitude" in frame.select:
        lead = f"Coordinates of {words} [{message.n}]:"
    return [*before, lead, *lines, *_more(len(rows), len(lines), message, frame, atlas)]


def _nothing(message: Message, words: str) -> list[str]:
    searched = message.named("features searched")
    lines = [f"The number of {words} is 0 [{message.n}]."]
    return [*lines, *(f"The number of features searched is {number_text(fact.value)} [{message.n}]." for fact in searched)]


def _feature_line(frame: Frame, message: Message, row: dict[str, object], label: str | None) -> str:
    name = str(row.get("feature", ""))
    shown = str(row.get(label) or "") if label else ""
    head = f"{shown} ({name})" if shown and shown not in name else name
    facts = [fact for fact in message.facts if fact.subject.get("feature") == name and fact.name != "distance"]
    texts = [f"{fact.name} {figure(fact, common_unit([fact], frame.unit))}" for fact in facts]
    tested = {condition.column for condition in frame.layer.where} if frame.layer else set()
    said = {fact.name for fact in facts} | {"feature", label, frame.layer.noun if frame.layer else ""}
    texts += [
        f"{key} {value}"
        for key, value in row.items()
        if key in frame.select and key not in said and key not in tested and isinstance(value, str)
    ]
    return f"{head}: {', '.join(texts)}" if texts else head


def write_nearest(piece: Piece, atlas: Atlas) -> list[str]:
    """Write the nearest features and their distances."""
    frame, message = piece.frame, piece.parts[0].message
    facts = message.named("distance")
    if frame.having:
        facts = [fact for fact in facts if _passes(fact, frame.having)]
    if frame.layer is None or frame.other is None or not facts:
        return [f"Nothing fits [{message.n}]."]
    near, start = layer_words(frame.other, atlas), layer_words(frame.layer, atlas)
    unit = common_unit(facts, frame.unit)
    if len(facts) == 1:
        fact = facts[0]
        feature, other = _names(frame, message, fact, atlas)
        return [f"The nearest {near} to {feature} is {other}, at a distance of {figure(fact, unit)} [{message.n}]."]
    kept = facts[: min((frame.limit or LISTED), LISTED)] if frame.count == 1 else facts[:LISTED]
    lead = f"{'Farthest' if frame.order == 'desc' else 'Nearest'} {near}, from {start} [{message.n}]:"
    lines = [_pair(frame, message, fact, atlas, figure(fact, unit)) for fact in kept]
    return [lead, *lines, *_more(len(facts), len(kept), message, frame, atlas)]


def _pair(frame: Frame, message: Message, fact: Fact, atlas: Atlas, distance: str) -> str:
    feature, other = _names(frame, message, fact, atlas)
    extra = [
        f"{one.name} {figure(one, one.unit)}, "
        for one in message.facts
        if one.subject.get("feature") == fact.subject.get("feature") and one.name != "distance"
    ]
    return f"- {feature}: {''.join(extra)}{other}, {distance} away [{message.n}]"


def _names(frame: Frame, message: Message, fact: Fact, atlas: Atlas) -> tuple[str, str]:
    feature, other = fact.subject.get("feature", ""), fact.subject.get("nearest", "")
    label = atlas.get(frame.layer.ref).label_column if frame.layer and atlas.has(frame.layer.ref) else None
    row: Mapping[str, Any] = next((row for row in message.data.get("rows") or () if row.get("feature") == feature), {})  # Any: JSON
    shown = str(row.get(label) or "") if label else ""
    return (f"{shown} ({feature})" if shown and shown not in feature else feature), other
