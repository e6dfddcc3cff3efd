"""Years that choose among rasters: `in 1985`, `in 1985 against 2020`; each year is a question of its own over the rasters of that year."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.planner.atlas import Atlas, Dataset
from agent.planner.frames import Frame, Plan

_Y = r"((?:19|20)\d{2})"
_BETWEEN = (
    r"(?: ?,? ?(?:as )?(?:and|to|against|versus|vs\.?|over|until|or|than|with|compared (?:to|with|against)|in comparison (?:to|with))"
    r"(?: (?:in|that of|that in|of|the year|for|it was in|with))*|,? ?[–-]) ?"
)
_IN = r"(?:(?:in|of|for|from|between|during|since|both)(?: the)?(?: years?)? )?"
_PAIR = re.compile(rf"(?<![\w-]){_IN}{_Y}{_BETWEEN}{_Y}(?![\w-])", re.IGNORECASE)
_SINGLE = re.compile(rf"(?<![\w-])(?:in|of|for|during)(?: the)?(?: year)? {_Y}(?![\w-])", re.IGNORECASE)
_CHANGED = re.compile(
    r"(?:by )?how (?:much )?(?:did|has|have) (?P<what>.+?) (?:change[ds]?|grow|grown|grew|shrink|shrunk|shrank|increased?|decreased?|expand(?:ed)?|decline[d]?)(?!\w)",
    re.IGNORECASE,
)
_CHANGE_IN = re.compile(
    r"(?:the )?(?:net )?(?:differences?|changes?|increase|decrease|growth|decline) (?:in|of) (?:the )?|(?<!\w)compare (?:the )?|(?<!\w)(?:more|less)(?= )",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Dated:
    """A question without its years, and the years."""

    question: str
    years: tuple[int, ...]


def find_years(question: str, atlas: Atlas) -> Dated | None:
    """Return the years of a question of which there are rasters; None where it has none such."""
    held = {year for raster in atlas.rasters for year in _years(raster, atlas)}
    pair = _PAIR.search(question)
    if pair and int(pair[1]) in held and int(pair[2]) in held and pair[1] != pair[2]:
        rest = _cut(question, pair)
        changed = _CHANGED.search(rest)
        if changed:
            rest = f"{rest[: changed.start()]}what is {changed['what']}{rest[changed.end() :]}"
        return Dated(_CHANGE_IN.sub("", rest), (int(pair[1]), int(pair[2])))
    single = _SINGLE.search(question)
    if single and int(single[1]) in held:
        return Dated(_cut(question, single), (int(single[1]),))
    return None


def _cut(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"


def _years(raster: Dataset, atlas: Atlas) -> frozenset[int]:
    """Return the years of a raster; of one that must be made those of what it is made of."""
    source = raster.derived.raster if raster.derived else ""
    return atlas.get(source).years if source and atlas.has(source) else raster.years


def of_year(atlas: Atlas, year: int) -> Atlas:
    """Return the datasets without the rasters of other years, and without those of none where there is one of the year."""
    kept = [one for one in atlas.datasets if not one.is_raster or year in _years(one, atlas)]
    return Atlas(tuple(kept))


def uses_rasters(plan: Plan) -> bool:
    """Whether every part of a plan is about one raster, so that a year may choose it."""
    return all(frame.cells is not None for frame in plan.frames)


def compared(plans: Sequence[Plan]) -> Plan | None:
    """Join what was asked of several years; with the difference, where each is one number. None where they do not match."""
    if any(len(plan.frames) != 1 for plan in plans):
        return None
    frames = tuple(plan.frames[0] for plan in plans)
    alike = {replace(frame, cells=None, notes=(), layer=None) for frame in frames}
    if len(alike) != 1:
        return None
    single = all(_is_one_number(frame) for frame in frames)
    return Plan(frames, "difference" if single and len(frames) == 2 else "")


def _is_one_number(frame: Frame) -> bool:
    """Whether a frame asks for one number, so that a difference can be taken."""
    one_place = frame.zones is None or frame.zones.merged or bool(frame.zones.layer.where)
    return one_place and (frame.cells_are_one if frame.kind == "cells" else len(frame.statistics) == 1)
