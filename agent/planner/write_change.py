"""Write what changed between two rasters."""

from __future__ import annotations

from collections.abc import Sequence

from agent.planner.atlas import Atlas
from agent.planner.derived import quantity_of, source_name
from agent.planner.figures import common_unit, figure
from agent.planner.frames import Cells, Frame
from agent.planner.ledger import Message
from agent.planner.pieces import LISTED, Piece
from agent.planner.wording import class_name, how_told
from tools.contract import Fact

_SAID = {"lost": "lost", "gained": "gained", "net": "net change"}
_ARROW = " → "


def write_change(piece: Piece, atlas: Atlas) -> list[str]:
    """Write the answer to a question about change."""
    frame, message = piece.frame, piece.parts[0].message
    return [*_lines(frame, message, atlas), *(how_told(frame.cells.derived, message.n) if frame.cells and frame.cells.derived else [])]


def _lines(frame: Frame, message: Message, atlas: Atlas) -> list[str]:
    if frame.zones:
        return _by_zone(frame, message)
    if frame.cells and atlas.get(frame.cells.ref).band(1).is_categorical:
        return _of_class(frame, message) if frame.cells.classes else _of_all(frame, message)
    return _of_values(frame, message)


def between(frame: Frame) -> str:
    """Name the two rasters."""
    return f"between {_name(frame.cells)} and {_name(frame.other_cells)}"


def _name(cells: Cells | None) -> str:
    return "" if cells is None else source_name(cells.derived) if cells.derived else cells.ref


def _what(cells: Cells | None) -> str:
    return "" if cells is None else quantity_of(cells.derived) if cells.derived else cells.noun


def _of_class(frame: Frame, message: Message) -> list[str]:
    """Write what a class lost, gained or changed on balance, or how much of it became another."""
    labels, n = frame.cells.classes if frame.cells else (), message.n
    if frame.topic == "into" and len(labels) == 2:
        found = [
            fact
            for fact in message.named("area")
            if _same(fact.subject.get("from"), labels[0]) and _same(fact.subject.get("to"), labels[1])
        ]
        if not found:
            return [f"No {class_name(labels[0])} became {class_name(labels[1])} {between(frame)} [{n}].", *_proof(message)]
        lead = f"Area of the transition {between(frame)} [{n}]:"
        return [lead, _transition(found[0], common_unit(found[:1], frame.unit), n), *_proof(message)]
    names = [_SAID[frame.topic]] if frame.topic in _SAID else ["gained", "lost", "net change"]
    lines = []
    for name in names:
        facts = [fact for fact in message.named(name) if _same(fact.subject.get("class"), labels[0])]
        said = f"The {name} of {class_name(labels[0])}" if name == "net change" else f"The area of {class_name(labels[0])} {name}"
        lines += [f"{said} {between(frame)} is {_figure(fact, frame)} [{n}]." for fact in facts]
    return [*lines, *_proof(message)] if lines else [f"There is no {class_name(labels[0])} {between(frame)} [{n}]."]


def _same(one: str | None, other: str) -> bool:
    return (one or "").casefold() == other.casefold()


def _figure(fact: Fact, frame: Frame) -> str:
    return figure(fact, common_unit([fact], frame.unit))


def _of_all(frame: Frame, message: Message) -> list[str]:
    """Write the whole area that changed, what every class changed on balance, and the largest transitions."""
    n = message.n
    changed, share = message.named("area", change="changed"), message.named("share", change="changed")
    part = f" (share {figure(share[0], '%')})" if share else ""
    lines = [f"The area that changed {between(frame)} is {_figure(changed[0], frame)}{part} [{n}]."] if changed else []
    net = message.named("net change")
    if net:
        unit = common_unit(net, frame.unit)
        lines += [
            f"Net change by class [{n}]:",
            *(f"- {class_name(fact.subject['class'])}: {figure(fact, unit)} [{n}]" for fact in net[:LISTED]),
        ]
    moved = [fact for fact in message.named("area") if "from" in fact.subject and fact.subject["from"] != fact.subject["to"]]
    if moved:
        unit = common_unit(moved, frame.unit)
        lines += [f"Largest transitions [{n}]:", *(_transition(fact, unit, n) for fact in moved[: LISTED // 2])]
    return [*lines, *_proof(message)]


def _transition(fact: Fact, unit: str, n: int) -> str:
    text = figure(fact, unit)  # type: ignore[arg-type]  # a member of the closed list
    return f"- from {class_name(fact.subject['from'])} to {class_name(fact.subject['to'])}: {text} [{n}]"


def _of_values(frame: Frame, message: Message) -> list[str]:
    n = message.n
    means = [fact for fact in message.named("mean") if not fact.subject]
    lines = [
        f"The mean change of {_what(frame.cells)} {between(frame)} (later minus earlier) is {figure(fact, fact.unit)} [{n}]."
        for fact in means[:1]
    ]
    shares = message.named("share")
    lines += [
        f"The share of the area that {_GOES[fact.subject['change']]} is {figure(fact, '%')} [{n}]."
        for fact in shares
        if fact.subject.get("change") in _GOES
    ]
    return [*lines, *_proof(message)]


_GOES = {"increased": "increased", "decreased": "decreased"}


def _proof(message: Message) -> list[str]:
    shares = [fact for fact in message.named("valid_share") if not fact.subject]
    return (
        [f"The valid share, where there is data at both times, is {figure(shares[0], '%')} [{message.n}]."]
        if shares and shares[0].value < 99.9
        else []
    )


def _by_zone(frame: Frame, message: Message) -> list[str]:
    """Write the transitions, or the mean change, of every zone."""
    n, by = message.n, frame.zones.layer.noun if frame.zones else ""
    means = message.named("mean")
    if means:
        kept = [fact for fact in means if "zone" in fact.subject][:LISTED]
        return [
            f"Mean change {between(frame)} by {by} (later minus earlier) [{n}]:",
            *(f"- {fact.subject['zone']}: {figure(fact, fact.unit)} [{n}]" for fact in kept),
        ]
    areas = [fact for fact in message.named("area") if "zone" in fact.subject and _moves(fact)]
    labels = frame.cells.classes if frame.cells else ()
    chosen = [fact for fact in areas if _fits(fact, frame.topic, labels)]
    if not chosen:
        return [f"Nothing of that changed {between(frame)} [{n}]."]
    unit = common_unit(chosen, frame.unit)
    ordered: Sequence[Fact] = chosen if frame.topic in _SAID else sorted(chosen, key=lambda fact: (fact.subject["zone"], -fact.value))
    what = f"Area {frame.topic}" if frame.topic in ("lost", "gained") else "Transitions"
    lines = [f"- {fact.subject['zone']}, {_told(fact)}: {figure(fact, unit)} [{n}]" for fact in ordered[:LISTED] if labels or fact.value]
    more = [f"Only the first are listed here; the result holds all [{n}]."] if len(ordered) > LISTED or message.is_cut else []
    return [f"{what} {between(frame)} by {by} [{n}]:", *lines, *more]


def _moves(fact: Fact) -> bool:
    before, arrow, after = fact.subject.get("class", "").partition(_ARROW)
    return bool(arrow) and before != after


def _fits(fact: Fact, topic: str, labels: Sequence[str]) -> bool:
    """Whether a transition is one that is asked about: any, or those of a class, in the direction asked for."""
    before, _, after = fact.subject["class"].partition(_ARROW)
    if topic == "into":
        return _same(before, labels[0]) and _same(after, labels[1])
    leaves, enters = not labels or _same(before, labels[0]), not labels or _same(after, labels[0])
    return leaves if topic == "lost" else enters if topic == "gained" else leaves or enters


def _told(fact: Fact) -> str:
    before, _, after = fact.subject["class"].partition(_ARROW)
    return f"{class_name(before)}{_ARROW}{class_name(after)}"
