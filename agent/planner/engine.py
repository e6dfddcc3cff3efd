"""The planner: a pure function from question, session and results so far to the next step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.errors import NotCoveredError, RefusedError
from agent.planner.atlas import Atlas, read_atlas
from agent.planner.derived import with_made
from agent.planner.document_answers import write_documents
from agent.planner.figures import common_unit, figure
from agent.planner.frames import Frame, Plan
from agent.planner.ledger import CallFailedError, Ledger, Message
from agent.planner.names import read_search
from agent.planner.pieces import Part, Piece
from agent.planner.step import Draft, Step, ToolCalls
from agent.planner.steps import run_frame
from agent.planner.understand import read_question
from agent.planner.wording import cells_words, layer_words, place_words
from agent.planner.write_change import write_change
from agent.planner.write_features import write_features, write_nearest
from agent.planner.write_measures import raster_said, write_cells, write_extent, write_values
from agent.planner.write_other import write_catalog, write_describe, write_map
from agent.planner.write_scenes import write_scenes
from agent.planner.write_tasks import write_tasks

_WRITERS: Mapping[str, Callable[[Piece, Atlas], list[str]]] = {
    "cells": write_cells, "values": write_values, "extent": write_extent, "features": write_features, "nearest": write_nearest,
    "catalog": write_catalog, "describe": write_describe, "map": write_map, "scenes": write_scenes, "documents": write_documents, "change": write_change,
    "tasks": write_tasks,
}  # fmt: skip
_DRAWN = ("raster", "vector")
NOISE = 1e-6
"""Share of its operands below which a difference is said to be rounding: far below what measured areas are good for (1e-4)."""


def plan(question: str, session: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> Step:  # Any: JSON
    """Return the next calls, or the draft that ends the run.

    Pure: the same question, session block and results give the same step. `results` are the tool message objects of this
    run, failed ones included. The question is read again at each turn; calls whose results are there are not asked for again.
    """
    search = read_search(results)
    understood = read_question(question, session, search)
    if not isinstance(understood, Plan):
        return understood
    atlas = with_made(read_atlas(session, search.found), understood)
    ledger = Ledger(results)
    try:
        return _carried_out(understood, session, ledger, atlas)
    except RefusedError as reason:
        return Draft(reason.message, "refused", "no_coverage" if isinstance(reason, NotCoveredError) else "refused")
    except CallFailedError as failed:
        hint = failed.error.get("hint", "")
        return Draft(f"{failed.error.get('message', 'A tool failed.')} {hint}".strip(), "failed", "failed")


def _carried_out(asked: Plan, session: Mapping[str, Any], ledger: Ledger, atlas: Atlas) -> Step:  # Any: JSON
    asked = _with_last_refs(asked, session)
    if any(_needs_last(frame) and not frame.refs for frame in asked.frames):
        return _nothing_to_draw(session) if any(frame.kind == "map" for frame in asked.frames) else _nothing_before(session)
    pieces = [run_frame(frame, ledger, atlas) for frame in asked.frames]
    if ledger.pending:
        return ToolCalls(tuple(ledger.pending))
    done = _in_one_unit(asked, [piece for piece in pieces if piece])
    uncovered = _uncovered(done)
    if uncovered:
        return uncovered
    lines = [line for piece in done for line in _WRITERS[piece.frame.kind](piece, atlas)]
    derived = _derived(asked, done, ledger, atlas)
    drawn = _drawn(asked, done, ledger)
    if ledger.pending:
        return ToolCalls(tuple(ledger.pending))
    notes = [note for piece in done for note in piece.frame.notes]
    text = "\n".join([*derived, *lines, *drawn, *(f"Note: {note}." for note in dict.fromkeys(notes))])
    frame = session_frame(asked, session)
    return Draft(text, "answered", _outcome(done), frame)


def session_frame(asked: Plan, session: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """Return what a follow-up may refer to: a map leaves the question before in place."""
    if all(frame.kind == "map" for frame in asked.frames):
        previous = (session.get("previous") or {}).get("frame")
        if previous:
            return dict(previous)
    return asked.to_json()


def _with_last_refs(asked: Plan, session: Mapping[str, Any]) -> Plan:  # Any: JSON
    """Let a map without a dataset show the last results, and a task without one take the uppermost of them."""
    refs = _last_refs(session)
    frames = tuple(
        replace(frame, refs=refs if frame.kind == "map" else refs[-1:]) if _needs_last(frame) else frame for frame in asked.frames
    )
    return replace(asked, frames=frames)


def _needs_last(frame: Frame) -> bool:
    if frame.kind == "map":
        return not frame.refs
    return bool(frame.tasks) and frame.tasks[0].layer is None and frame.tasks[0].cells is None


def _nothing_before(session: Mapping[str, Any]) -> Draft:  # Any: JSON
    """Say that there is no earlier result of which something could be made."""
    if not session.get("previous"):
        return Draft("There is no earlier result to take. Name a dataset, for example 'Export … as GeoPackage'.", "input_needed")
    return Draft("The last result holds no feature and no raster, so nothing can be made of it. Name a dataset.", "refused", "refused")


def _last_refs(session: Mapping[str, Any]) -> tuple[str, ...]:  # Any: JSON
    """Return the results that the last answer cites and that can be drawn, rasters below layers."""
    results = [one for one in session.get("results") or () if one.get("kind") in _DRAWN and one.get("files")]
    cited = set((session.get("previous") or {}).get("cited") or ())
    last: list[Mapping[str, Any]] = []
    for one in reversed(session.get("results") or ()):
        if last and one.get("n", 0) >= last[-1].get("n", 0):
            break
        last.append(one)
    chosen = [one for one in last if one in results and one.get("n") in cited] or [one for one in last if one in results]
    return tuple(dict.fromkeys(one["ref"] for one in sorted(chosen, key=lambda one: one["kind"] != "raster")))


def _nothing_to_draw(session: Mapping[str, Any]) -> Draft:  # Any: JSON
    """Say whether there is no earlier result, or one without a feature or pixel in it."""
    if not session.get("previous"):
        return Draft(
            "There is no result to draw yet. Name a dataset, for example 'Show a map of …', or ask a question first.", "input_needed"
        )
    text = "The last result holds no feature and no raster, so there is nothing to draw. Name a dataset, for example 'Show a map of …'."
    return Draft(text, "refused", "refused")


def _uncovered(pieces: Sequence[Piece]) -> Draft | None:
    """Refuse without a number where the data does not reach what was asked about."""
    messages = [part.message for piece in pieces for part in piece.parts]
    if not messages or any(message.outcome != "no_coverage" for message in messages):
        return None
    if all(piece.frame.kind == "scenes" for piece in pieces):
        return Draft(
            "The catalogue covers nothing of the place and time asked about, so there is no scene to tell of. 'What data is here?' tells what its collections cover.",
            "refused",
            "no_coverage",
        )
    names = sorted(
        {str(name) for message in messages for key in ("outside", "without_values") for name in message.data.get(key) or () if name}
    )
    where = f" ({', '.join(names[:6])})" if names else ""
    return Draft(
        f"The data does not cover the place asked about{where}, so there is no number to give. Ask about a place inside the data; 'What data is here?' lists it.",
        "refused",
        "no_coverage",
    )


def _in_one_unit(asked: Plan, pieces: Sequence[Piece]) -> list[Piece]:
    """Let what is compared be told in one unit, where the question names none."""
    firsts = [_headline(piece) for piece in pieces]
    facts = [first[1] for first in firsts if first]
    if asked.derived != "difference" or len(facts) != len(pieces) or any(piece.frame.unit for piece in pieces):
        return list(pieces)
    unit = common_unit(facts, None)
    return [replace(piece, frame=replace(piece.frame, unit=unit)) for piece in pieces]


def _derived(asked: Plan, pieces: Sequence[Piece], ledger: Ledger, atlas: Atlas) -> list[str]:
    """Write the difference of the first two results."""
    if asked.derived != "difference" or len(pieces) < 2:
        return []
    firsts = [_headline(piece) for piece in pieces[:2]]
    if any(first is None for first in firsts):
        return []
    (message_a, a), (message_b, b) = [first for first in firsts if first]
    facts = {"a": f"{message_a.ref}#{a.path}", "b": f"{message_b.ref}#{b.path}"}
    result = ledger.call("calculate", {"expression": "a - b", "facts": facts, "name": "difference"})
    if result is None or not result.facts:
        return []
    fact = result.facts[0]
    unit = common_unit([fact], pieces[0].frame.unit)
    is_noise = abs(fact.value) <= NOISE * max(abs(a.value), abs(b.value))
    larger = " Both are equal but for rounding." if is_noise else f" The larger is {_spoken(pieces[0 if fact.value > 0 else 1], atlas)}."
    return [f"The difference is {figure(fact, unit)}, the first minus the second [{result.n}].{larger}"]


def _spoken(piece: Piece, atlas: Atlas) -> str:
    """Say what a piece is about: its features, else the first or second part of the question."""
    frame = piece.frame
    if frame.layer:
        return f"{layer_words(frame.layer, atlas)}{place_words(frame.zones, frame.clips, atlas)}"
    what = (
        cells_words(frame.cells, piece.parts[0].label)
        if frame.cells and frame.kind == "cells"
        else frame.cells.noun
        if frame.cells
        else "that"
    )
    return f"{what}{raster_said(frame)}{place_words(frame.zones, frame.clips, atlas)}"


def _headline(piece: Piece) -> tuple[Message, Any] | None:  # Any: a Fact
    part: Part = piece.parts[0]
    frame: Frame = piece.frame
    if frame.kind in ("extent", "features") and frame.measures:
        name, column = frame.measures[0]
        facts = part.message.named(f"{name} of {column}" if column else name)
        facts = [fact for fact in facts if fact.subject] or facts if frame.zones else facts
    elif frame.kind == "cells":
        facts = [fact for fact in part.message.named("area") if fact.subject.get("class") in part.labels]
        facts = [fact for fact in facts if "zone" in fact.subject] or facts
    elif frame.kind == "values":
        facts = part.message.named(frame.statistics[0])
    else:
        facts = []
    return (part.message, facts[0]) if len(facts) >= 1 else None


def _drawn(asked: Plan, pieces: Sequence[Piece], ledger: Ledger) -> list[str]:
    if not asked.with_map:
        return []
    layers = {part.message.ref: _map_layer(piece.frame, part) for piece in pieces for part in piece.parts if part.message.kind in _DRAWN}
    if not layers:
        return []
    message = ledger.call("render_map", {"layers": list(layers.values())})
    return [f"The map of the result is drawn [{message.n}]."] if message else []


def _map_layer(frame: Frame, part: Part) -> dict[str, str]:
    """Return how a result is drawn: zones in the colours of the number that was asked for."""
    asked = f"area of {part.labels[0]}" if frame.kind == "cells" and part.labels else frame.statistics[0] if frame.statistics else ""
    colours = {"column": asked} if asked and part.message.tool == "zonal_stats" else {}
    return {"source": part.message.ref, **colours}


def _outcome(pieces: Sequence[Piece]) -> str:
    """Return true_zero where every number that was asked for is zero."""
    values = [fact.value for piece in pieces for _, fact in [_headline(piece) or (None, None)] if fact is not None]
    messages = [part.message for piece in pieces for part in piece.parts]
    if messages and all(message.outcome == "true_zero" for message in messages):
        return "true_zero"
    single = all(len(piece.parts) == 1 and not piece.frame.group_by for piece in pieces)
    return "true_zero" if single and values and len(values) == len(pieces) and not any(values) and _is_single(pieces) else "value"


def _is_single(pieces: Sequence[Piece]) -> bool:
    return all(
        piece.frame.kind in ("cells", "extent", "features")
        and (piece.frame.zones is None or bool(piece.frame.zones.layer.where) or piece.frame.zones.merged)
        for piece in pieces
    )
