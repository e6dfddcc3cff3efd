"""What a question about scenes says beside its words for a place: cloud, tile, box, ids, platform, and what is asked of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from agent.planner.frames import Condition, SceneAsk, Scenes
from agent.planner.lexicon import NUMBER_WORDS

CLOUD = "eo:cloud_cover"
GAP = "·"
"""Stands in the place of what has been read, so that offsets stay."""
_N = r"(?P<n>\d+(?:\.\d+)?)"
_PCT = r" ?(?:%|percent|per cent|pct)"
_COVER = r"(?:clouds?(?:[- ]?(?:cover(?:age)?|iness))?|cloudiness|cloudy|cloud[- ]covered)"
_LESS = r"less than|fewer than|lower than|below|under|beneath|smaller than|<"
_MOST = r"at most|up to|no more than|not more than|not over|a maximum of|maximum|max|<=|≤"
_MORE = r"more than|over|above|greater than|higher than|exceeding|>"
_LEAST = r"at least|no less than|not less than|a minimum of|minimum|>=|≥"
_OF = r"(?: ?(?:of|is|was|are|being|:))?"
_WITH = r"(?:(?:that|which) )?(?:(?:with|and|have|has|had|having|whose|where|a|an|the|is|are|were|was) )*"


def _told(op: str) -> re.Pattern[str]:
    """Return the pattern of a limit on cloud, in either order: `less than 10 % cloud`, `cloud cover below 10 percent`."""
    return re.compile(
        rf"{_WITH}(?:(?:{op}) ?{_N}{_PCT}(?: of)? {_COVER}|{_COVER}{_OF} (?:of )?(?:{op}) ?{_N.replace('?P<n>', '?P<m>')}(?:{_PCT})?)(?!\w)",
        re.IGNORECASE,
    )


_LIMITS = {"<": _told(_LESS), "<=": _told(_MOST), ">=": _told(_LEAST), ">": _told(_MORE)}
_CLOUD_FREE = re.compile(
    r"(?:completely |fully |totally )?cloud(?:less|[- ]free)|without (?:any )?clouds?|no clouds?(?: cover)?(?!\w)", re.IGNORECASE
)
_LETTERS = "A-HJ-NP-Z"
_TILE = re.compile(
    rf"(?:(?:of|in|for|on|over|from) )?(?:the )?(?:(?:mgrs|sentinel-2|s2)[- ]?)?(?:tile|granule|grid (?:square|tile)|mgrs)s?(?: (?:tile|id|code|number))? "
    rf"T?(?P<t>\d{{1,2}}[C-HJ-NP-X][{_LETTERS}]{{2}})(?!\w)|(?<![\w-])T?(?P<u>\d{{2}}[C-HJ-NP-X][{_LETTERS}]{{2}})(?: tile)?(?![\w-])",
    re.IGNORECASE,
)
_F = r"(-?\d+(?:\.\d+)?)"
_BOX = re.compile(
    rf"(?:(?:over|of|in|within|inside|covering|for) )?(?:the )?(?:(?:bbox|bounding box|box|extent|window)[ :=]*(?:of )?)?[\[(]? ?{_F}[,; ]+{_F}[,; ]+{_F}[,; ]+{_F} ?[\])]?"
)
_ID = re.compile(
    r"(?:(?:of|for|in) )?(?:the )?(?:(?:scene|item|image|granule|product|acquisition)s? )?(?P<q>[\"'`“]?)(?P<id>\w+(?:[-.]\w+)*)(?P=q)[\"'`”]?"
)
_PLATFORM = re.compile(r"(?<!\w)(?:sentinel[- ]?(?P<s>\d)(?P<x>[a-d])|landsat[- ]?(?P<l>[1-9])(?!\w))", re.IGNORECASE)
_COUNT = re.compile(r"how many|(?:the )?(?:total )?number of|^count(?: the| of| all)?", re.IGNORECASE)
_NUMBER = rf"(?:(?P<k>\d+|{'|'.join(NUMBER_WORDS)}) )?"
_SORTS = {
    "cloud": rf"{_NUMBER}(?:least (?:cloudy|cloud(?:s| cover(?:age)?)?|clouded)|clearest|most cloud[- ]free|(?:with )?(?:the )?(?:lowest|fewest|least|minimum) {_COVER})",
    "-cloud": rf"{_NUMBER}(?:cloudiest|most (?:cloudy|clouds?|cloud cover|clouded)|(?:with )?(?:the )?(?:highest|most|greatest|maximum) {_COVER})",
    "-time": rf"{_NUMBER}(?:latest|newest|most recent|last)",
    "time": rf"{_NUMBER}(?:earliest|oldest|first)",
}
_PLURAL = re.compile(r"(?<!\w)(?:scenes|images|acquisitions|granules|items|recordings|are|were)(?!\w)", re.IGNORECASE)
"""Words by which a ranking asks for more than its first."""
_CLOUD_OF = re.compile(
    r"(?:what (?:is|was|are) |how much )?(?:the )?(?:cloud[- ]?(?:cover(?:age)?|iness|share|percentage)|cloudiness|(?:share|percentage) of clouds?)"
    r"(?: of| for| in| does| is| was)?(?!\w)|how much cloud(?:s| is| was| does)*(?!\w)|how (?:cloudy|clouded|clear) (?:is|was|are|were)",
    re.IGNORECASE,
)
_TIME_OF = re.compile(
    r"when (?:was|were|is|did)|what (?:date|time|day) (?:was|is)|(?:the )?(?:acquisition )?(?:date|time)s? of", re.IGNORECASE
)


@dataclass(frozen=True)
class Slots:
    """What has been read so far, and the text with gaps for it."""

    text: str
    scenes: Scenes
    said: frozenset[str] = frozenset()
    """Names of the slots that the text fills."""
    ask: str = ""
    """A question back, where a slot is not clear."""
    declined: str = ""
    """A refusal, where what is asked is not there."""

    def cut(self, start: int, end: int) -> Slots:
        """Return it without a stretch of text."""
        return replace(self, text=self.text[:start] + GAP * (end - start) + self.text[end:])

    def fill(self, name: str, scenes: Scenes, start: int, end: int) -> Slots:
        """Note what a stretch of text says."""
        return replace(self.cut(start, end), scenes=scenes, said=self.said | {name})


def read_ids(slots: Slots, registered: frozenset[str] = frozenset()) -> Slots:
    """Take ids of scenes: words with an underscore and a digit, `S2A_29RKH_20200219_0_L2A`, but not those of datasets."""
    ids: list[str] = []
    for match in list(_ID.finditer(slots.text)):
        if "_" in match["id"] and any(char.isdigit() for char in match["id"]) and len(match["id"]) >= 8 and match["id"] not in registered:
            ids.append(match["id"])
            slots = slots.fill("ids", slots.scenes, *match.span())
    return replace(slots, scenes=replace(slots.scenes, ids=tuple(dict.fromkeys(ids)))) if ids else slots


def read_cloud(slots: Slots) -> Slots:
    """Take a limit on cloud cover; `cloud-free` sets none by itself and is asked about."""
    for op, pattern in _LIMITS.items():
        match = pattern.search(slots.text)
        if not match:
            continue
        value = float(match["n"] or match["m"])
        limit = value if op == "<" else None
        where = () if op == "<" else (Condition(CLOUD, op, int(value) if value == int(value) else value),)
        return slots.fill("cloud", replace(slots.scenes, cloud_below=limit, where=(*_others(slots.scenes, CLOUD), *where)), *match.span())
    free = _CLOUD_FREE.search(slots.text)
    if free and "most" not in slots.text[max(0, free.start() - 5) : free.start()]:
        return replace(slots.cut(*free.span()), ask="How much cloud is allowed? Say, for example, 'under 5 % cloud'.")
    return slots


def read_bare_cloud(slots: Slots) -> Slots:
    """Take `and under 20 %?` for a limit on cloud, which it can only be after a question about scenes."""
    for words in (_LESS, _MOST, _LEAST, _MORE):
        match = re.search(rf"(?<!\w)(?:with )?(?:{words}) ?{_N}{_PCT}(?!\w)", slots.text, re.IGNORECASE)
        if match and "cloud" not in slots.said:
            told = f"{slots.text[: match.start()]}{match.group()} cloud"
            read = read_cloud(Slots(told, slots.scenes))
            return slots.fill("cloud", read.scenes, *match.span())
    return slots


def _others(scenes: Scenes, column: str) -> tuple[Condition, ...]:
    return tuple(condition for condition in scenes.where if condition.column != column)


def read_tile(slots: Slots) -> Slots:
    """Take a tile of the military grid."""
    match = _TILE.search(slots.text)
    if not match:
        return slots
    return slots.fill("place", replace(slots.scenes, tile=(match["t"] or match["u"]).upper(), bbox=None, area=None), *match.span())


def read_box(slots: Slots) -> Slots:
    """Take a box of four numbers: west, south, east, north in degrees."""
    match = _BOX.search(slots.text)
    if not match:
        return slots
    west, south, east, north = (float(match[n]) for n in range(1, 5))
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        return replace(slots.cut(*match.span()), ask="A box is west, south, east, north in degrees, south below north; please give it so.")
    return slots.fill("place", replace(slots.scenes, bbox=(west, south, east, north), area=None, tile=None), *match.span())


def read_platform(slots: Slots) -> Slots:
    """Take one satellite of a mission, `Sentinel-2A`, `Landsat 8`; the name of the mission stays in the text."""
    match = _PLATFORM.search(slots.text)
    if not match:
        return slots
    name = f"sentinel-{match['s']}{match['x'].lower()}" if match["s"] else f"landsat-{match['l']}"
    start = match.start("x") if match["s"] else match.start("l")
    where = (*_others(slots.scenes, "platform"), Condition("platform", "=", name))
    return slots.fill("platform", replace(slots.scenes, where=where), start, match.end())


def read_request(slots: Slots) -> Slots:
    """Take what is asked: how many, the least cloudy, the newest, the cloud cover or the time of scenes."""
    for order, pattern in _SORTS.items():
        match = re.search(rf"(?<!\w)(?:the )?{pattern}(?!\w)", slots.text, re.IGNORECASE)
        if match:
            word = match["k"]
            count = (int(word) if word.isdigit() else NUMBER_WORDS[word.lower()]) if word else None
            sorted_ = replace(slots.scenes, ask="list", sort=order, limit=count or (None if _PLURAL.search(slots.text) else 1))
            slots = slots.fill("sort", sorted_, *match.span())
            break
    for ask, asking in _ASKS:
        asked = asking.search(slots.text)
        if asked:
            return slots.fill("ask", replace(slots.scenes, ask=ask), *asked.span())
    return slots


_ASKS: tuple[tuple[SceneAsk, re.Pattern[str]], ...] = (("count", _COUNT), ("cloud", _CLOUD_OF), ("time", _TIME_OF))
