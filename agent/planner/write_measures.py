"""Write the numbers of pixels, statistics and extents: one sentence for one number, a list for many."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agent.planner.atlas import Atlas
from agent.planner.figures import common_unit, figure, fits, listing
from agent.planner.frames import Frame, Having
from agent.planner.ledger import Message
from agent.planner.pieces import LISTED, Part, Piece
from agent.planner.text import name_lemmas
from agent.planner.wording import cells_words, class_name, how_told, layer_words, place_words
from agent.planner.write_certainty import certainty_lines
from tools.contract import Fact, Unit
from tools.geo.units import convert

FULL = 99.9
"""From this valid share on (percent) coverage is not mentioned."""
_RANKS = {"desc": "largest", "asc": "smallest"}
_STATISTIC_WORDS = {"std": "standard deviation", "min": "minimum", "max": "maximum", "mean": "mean", "range": "value range"}


def write_cells(piece: Piece, atlas: Atlas) -> list[str]:
    """Write areas and shares of pixels, per zone, per class or in total."""
    lines: list[str] = []
    for part in piece.parts:
        areas = _asked(part, part.message.named("area"))
        zoned = [fact for fact in areas if "zone" in fact.subject]
        one_place = len({fact.subject["zone"] for fact in zoned}) == 1
        chosen = zoned or areas
        if not chosen:
            lines.append(
                f"There is no {cells_words(piece.frame.cells, part.label) if piece.frame.cells else ''} in the result [{part.message.n}]."
            )
        elif (one_place or not zoned) and len(chosen) == 1:
            lines += _one_area(piece.frame, part, chosen[0], atlas)
        else:
            lines += _area_list(piece.frame, part, chosen, atlas)
    lines += [line for part in piece.parts for line in certainty_lines(part)]
    derived = piece.frame.cells.derived if piece.frame.cells else None
    return [*lines, *(how_told(derived, piece.parts[0].message.n) if derived else [])]


def raster_said(frame: Frame) -> str:
    """Name the raster where an answer tells of several; of one that was made, its words name it already."""
    return f" in {frame.cells.ref}" if frame.says_raster and frame.cells and not frame.cells.derived else ""


def _by_zone(frame: Frame) -> bool:
    return frame.zones is not None and not frame.zones.merged and not frame.zones.layer.where


def _asked(part: Part, facts: Sequence[Fact]) -> list[Fact]:
    """Keep the classes that were asked for."""
    folded = {label.casefold() for label in part.labels}
    return [fact for fact in facts if not folded or fact.subject.get("class", "").casefold() in folded]


def _share_of(part: Part, fact: Fact) -> str:
    shares = [share for share in part.message.named("share") if dict(share.subject) == dict(fact.subject)]
    return f" (share {figure(shares[0], '%')})" if shares else ""


def _one_area(frame: Frame, part: Part, fact: Fact, atlas: Atlas) -> list[str]:
    n = part.message.n
    what = cells_words(frame.cells, part.label) if frame.cells else ""
    place = f"{raster_said(frame)}{_place(frame, [fact], atlas)}" or (
        f" in {frame.cells.ref}" if frame.cells and not frame.cells.derived and not _names_raster(frame, atlas) else ""
    )
    text = figure(fact, common_unit([fact], frame.unit))
    proof = _coverage(part.message, {key: value for key, value in fact.subject.items() if key == "zone"}, always=fact.value == 0)
    joint = "with" if frame.cells and frame.cells.ranges and not what.startswith("flooded") else "of"
    said = f"The {_RANKS[frame.order]} area {joint} {what} is" if frame.order and _by_zone(frame) else f"The area {joint} {what}{place} is"
    where = f"{place.removeprefix(' ')}: " if frame.order and _by_zone(frame) else ""
    return [f"{said} {where}{text}{_share_of(part, fact)} [{n}].", *([proof] if proof else [])]


def _place(frame: Frame, facts: Sequence[Fact], atlas: Atlas) -> str:
    """Say where: the only zone by its name, else as the question calls it."""
    zones = {fact.subject["zone"] for fact in facts if "zone" in fact.subject}
    if len(zones) == 1 and _by_zone(frame):
        return f" in {zones.pop()}{place_words(None, frame.clips, atlas)}"
    return place_words(frame.zones, frame.clips, atlas)


def _names_raster(frame: Frame, atlas: Atlas) -> bool:
    """Whether the words for the pixels already name their raster, as `water depth above 1 m`."""
    cells = frame.cells
    if cells is None or not cells.ranges or not atlas.has(cells.ref):
        return False
    return any(set(form) <= set(name_lemmas(cells.noun)) for form in atlas.get(cells.ref).parts)


def _coverage(message: Message, subject: dict[str, str], *, always: bool) -> str:
    shares = [fact for fact in message.named("valid_share") if dict(fact.subject) == subject]
    if not shares or (shares[0].value >= FULL and not always):
        return ""
    of = f" of {subject['zone']}" if subject else ""
    return f"The valid share{of}, where there is data, is {figure(shares[0], '%')} [{message.n}]."


def _area_list(frame: Frame, part: Part, facts: Sequence[Fact], atlas: Atlas) -> list[str]:
    n, unit = part.message.n, common_unit(facts, frame.unit)
    several = len({fact.subject.get("class") for fact in facts}) > 1
    kept = _limited(_sorted(frame, facts), frame)
    what = cells_words(frame.cells, part.label) if frame.cells else ""
    zoned = len({fact.subject.get("zone") for fact in facts}) > 1
    by = f" by {frame.zones.layer.noun}" if zoned and frame.zones else _place(frame, facts, atlas)
    inside = place_words(None, frame.clips, atlas) if zoned else ""
    lead = f"Area of {what}{raster_said(frame)}{by}{inside} [{n}]:"
    lines = [f"- {_subject(fact, several=several, zoned=zoned)}: {figure(fact, unit)}{_share_of(part, fact)} [{n}]" for fact in kept]
    return [lead, *lines, *_more(len(facts), len(kept), part.message, frame, atlas), *_gaps(part, kept), *_no_coverage_zones(part.message)]


def _gaps(part: Part, facts: Sequence[Fact]) -> list[str]:
    """List the valid share of the zones that the data covers in part; apart from the areas, so that no number has two meanings."""
    zones = {fact.subject["zone"] for fact in facts if "zone" in fact.subject}
    shares = [fact for fact in part.message.named("valid_share") if fact.subject.get("zone") in zones and fact.value < FULL]
    n = part.message.n
    return (
        [f"Valid share, the part of a zone with data [{n}]:", *(f"- {fact.subject['zone']}: {figure(fact, '%')} [{n}]" for fact in shares)]
        if shares
        else []
    )


def _subject(fact: Fact, *, several: bool, zoned: bool) -> str:
    zone = [fact.subject["zone"]] if zoned and "zone" in fact.subject else []
    label = [class_name(fact.subject["class"])] if (several or not zone) and "class" in fact.subject else []
    return ", ".join([*zone, *label]) or "all"


def _sorted(frame: Frame, facts: Sequence[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda fact: -fact.value if frame.order == "desc" else fact.value) if frame.order else list(facts)


def _limited(facts: Sequence[Fact], frame: Frame) -> list[Fact]:
    passing = [fact for fact in facts if frame.having is None or _passes(fact, frame.having)]
    return passing[: min(frame.limit or LISTED, LISTED)]


def _passes(fact: Fact, having: Having) -> bool:
    unit = having.unit or fact.unit
    value = convert(fact.value, fact.unit, unit) if fits(unit, fact.unit) else fact.value  # type: ignore[arg-type]  # members of the closed list
    limit = having.value
    return {">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit, "=": value == limit, "!=": value != limit}[
        having.op
    ]


def _more(there: int, shown: int, message: Message, frame: Frame, atlas: Atlas) -> list[str]:
    """Say that the list is not whole; facts of other classes may be missing from a message that holds all that was asked for."""
    if frame.limit or frame.having:
        return []
    is_whole = not message.is_cut or shown >= _group_count(frame, atlas)
    if there <= shown and is_whole:
        return []
    return [f"Only the first are listed here; the result holds all [{message.n}]."]


def _group_count(frame: Frame, atlas: Atlas) -> float:
    """Return how many zones or groups there can be at most; infinite where that is not known."""
    ref = frame.zones.layer.ref if frame.zones else frame.layer.ref if frame.layer else ""
    column = frame.zones.column if frame.zones else frame.group_by[0] if len(frame.group_by) == 1 else None
    if (
        not atlas.has(ref)
        or (frame.zones and frame.group_by)
        or not (frame.cells_are_one or frame.kind in ("extent", "values", "features"))
    ):
        return math.inf
    found = atlas.get(ref).column(column) if column else None
    return found.distinct if found else math.inf


def _no_coverage_zones(message: Message) -> list[str]:
    names = [str(name) for key in ("outside", "without_values") for name in message.data.get(key) or () if name]
    return [f"Outside the data, so without a number: {listing(names[:LISTED])}."] if names and len(message.facts) > 1 else []


def write_values(piece: Piece, atlas: Atlas) -> list[str]:
    """Write statistics of a raster, per zone or in total."""
    frame, message = piece.frame, piece.parts[0].message
    facts = [fact for name in frame.statistics for fact in message.named(name)]
    zones = list(dict.fromkeys(fact.subject.get("zone", "") for fact in facts))
    noun = frame.cells.noun if frame.cells else ""
    if len(zones) <= 1:
        place = f"{raster_said(frame)}{_place(frame, facts, atlas)}" or (
            f" in {frame.cells.ref}" if frame.cells and not frame.cells.derived else ""
        )
        return [*_one_place(frame, message, facts, f"{noun}{place}"), *_proof_of(message, zones)]
    names = listing(_words(name) for name in frame.statistics)
    kept = _kept_zones(frame, facts, zones)
    lines = [f"- {zone}: {_numbers(frame, [fact for fact in facts if fact.subject.get('zone') == zone])} [{message.n}]" for zone in kept]
    by = f" by {frame.zones.layer.noun}" if frame.zones else ""
    lead = f"{names.capitalize()} {noun}{raster_said(frame)}{by}{place_words(None, frame.clips, atlas)} [{message.n}]:"
    return [lead, *lines, *_more(len(zones), len(kept), message, frame, atlas), *_no_coverage_zones(message)]


def _words(statistic: str) -> str:
    return _STATISTIC_WORDS.get(statistic, statistic)


def _one_place(frame: Frame, message: Message, facts: Sequence[Fact], where: str) -> list[str]:
    if len(facts) == 1 and frame.order and _by_zone(frame):
        what, _, zone = where.rpartition(" in ")
        return [f"The {_RANKS[frame.order]} {_words(facts[0].name)} {what} is in {zone}: {_value(frame, facts[0])} [{message.n}]."]
    if len(facts) == 1:
        return [f"The {_words(facts[0].name)} {where} is {_value(frame, facts[0])} [{message.n}]."]
    return [
        f"{where[:1].upper()}{where[1:]} [{message.n}]:",
        *(f"- {_words(fact.name)}: {_value(frame, fact)} [{message.n}]" for fact in facts),
    ]


def _value(frame: Frame, fact: Fact) -> str:
    unit: Unit = common_unit([fact], frame.unit)
    label = f" ({fact.subject['class']})" if "class" in fact.subject else ""
    return figure(fact, unit) + label


def _numbers(frame: Frame, facts: Sequence[Fact]) -> str:
    if len(frame.statistics) == 1:
        return _value(frame, facts[0])
    return ", ".join(f"{_words(fact.name)} {_value(frame, fact)}" for fact in facts)


def _proof_of(message: Message, zones: Sequence[str]) -> list[str]:
    zone = {"zone": zones[0]} if zones and zones[0] else {}
    proof = _coverage(message, zone, always=False)
    return [proof] if proof else []


def _kept_zones(frame: Frame, facts: Sequence[Fact], zones: Sequence[str]) -> list[str]:
    first = {fact.subject.get("zone", ""): fact for fact in reversed(facts) if fact.name == frame.statistics[0]}
    ordered = [fact.subject.get("zone", "") for fact in _sorted(frame, list(first.values()))] if frame.order else list(zones)
    passing = [zone for zone in ordered if frame.having is None or _passes(first[zone], frame.having)]
    return passing[: min(frame.limit or LISTED, LISTED)]


def write_extent(piece: Piece, atlas: Atlas) -> list[str]:
    """Write areas or lengths of features, in total, per group or per zone."""
    frame, message = piece.frame, piece.parts[0].message
    name = frame.measures[0][0]
    facts = message.named(name)
    grouped = [fact for fact in facts if fact.subject]
    what = f"{layer_words(frame.layer, atlas) if frame.layer else ''}{place_words(None, frame.clips, atlas)}{_outside_words(frame, atlas)}"
    if not (frame.zones or frame.group_by):
        total = next(fact for fact in facts if not fact.subject)
        share = [fact for fact in message.named("share") if not fact.subject] if frame.clips or frame.minus else []
        said = (
            f", {figure(share[0], '%')} as a share of all {layer_words(frame.layer, atlas, places=False)}" if share and frame.layer else ""
        )
        return [f"The {name} of {what} is {figure(total, common_unit([total], frame.unit))}{said} [{message.n}]."]
    unit = common_unit(grouped or facts, frame.unit)
    kept = _limited(_sorted(frame, grouped), frame)
    by = listing([*frame.group_by, *([frame.zones.layer.noun] if frame.zones else [])])
    shares = {tuple(fact.subject.items()): fact for fact in message.named("share")}
    lines = [f"- {', '.join(fact.subject.values())}: {figure(fact, unit)}{_share_text(shares, fact, frame)} [{message.n}]" for fact in kept]
    return [f"{name.capitalize()} of {what} by {by} [{message.n}]:", *lines, *_more(len(grouped), len(kept), message, frame, atlas)]


def _share_text(shares: dict[tuple[tuple[str, str], ...], Fact], fact: Fact, frame: Frame) -> str:
    share = shares.get(tuple(fact.subject.items()))
    return f" (share {figure(share, '%')})" if share and frame.share else ""


def _outside_words(frame: Frame, atlas: Atlas) -> str:
    return "".join(f" outside of {layer_words(one, atlas)}" for one in frame.minus)
