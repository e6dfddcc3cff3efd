"""Read a question about scenes of a catalogue: which collection, place, time and cloud, and what is asked of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agent.planner.atlas import Atlas, Collection, Dataset
from agent.planner.clauses import Phrase
from agent.planner.figures import listing
from agent.planner.frames import Frame, Layer, Plan, Scenes
from agent.planner.interpret import EMPTY
from agent.planner.lexicon import is_harmless
from agent.planner.missions import MISSION, find_collection
from agent.planner.names import Search, Unknown, searches
from agent.planner.periods import Unclear, find_period
from agent.planner.readings import Reading, read_phrase
from agent.planner.refuse import ask_name
from agent.planner.scene_slots import Slots, read_bare_cloud, read_box, read_cloud, read_ids, read_platform, read_request, read_tile
from agent.planner.step import Draft, ToolCalls
from agent.planner.text import Token, tokenize, written

_NOUN = re.compile(
    r"(?<!\w)(?:satellite |cloud[- ]free )?(?:scenes?|images?|imagery|acquisitions?|granules?|overpass(?:es)?|(?:stac )?items?|recordings)(?!\w)",
    re.IGNORECASE,
)
"""Nouns for what a catalogue holds."""
_BUILT_IN: Mapping[str, re.Pattern[str]] = {
    "earth-search": re.compile(r"(?<!\w)earth[- ]?search(?!\w)", re.IGNORECASE),
    "planetary-computer": re.compile(r"(?<!\w)(?:microsoft )?planetary[- ]?computer(?!\w)", re.IGNORECASE),
}
"""Catalogues that are known without being registered; they are asked only where the question names them."""
_COLLECTION_ID = re.compile(r"(?<![\w-])[a-z][a-z0-9]*(?:-[a-z0-9]+)+(?![\w-])")
_FILLERS = frozenset(
    "list name which what identify enumerate display return take taken acquire acquired capture captured record recorded date dated time period"
    " collection catalogue catalog available satellite sensor mission over covering cover overlapping overlap intersecting intersect touching show"
    " scene image imagery acquisition item granule overpass stac archive id ids name names there see any all one database platform instrument data"
    " dataset search query filter find fetch retrieve picture pictures photo photos observation observations recordings recording matching match"
    " fit fits fitting also".split()
)
"""Words of which a question about scenes is full, and that choose none of them."""
_TELLING = frozenset(
    "by per each every most fewest least highest lowest not or without except outside but both neither average mean".split()
)
"""Everyday words that change what is asked, so that a question with one that has not been read is not understood."""
_PLACE_WORDS = frozenset(
    "over in within inside covering of for at above across on around intersecting overlapping touching that lie lying".split()
)
_MEASURES = re.compile(
    r"(?<!\w)(?:mean|average|median|areas?|hectares?|[mg]?nd[a-z]{2}|n[bd][rs]2?|[em]?savi|evi2?|water|map|plot|draw|describe|columns?|statistics)(?!\w)",
    re.IGNORECASE,
)
"""Words of questions about pixels or files rather than about which scenes there are."""
_POINTS_BACK = re.compile(
    r"^\W*(?:and|what about|how about|now|same)(?!\w)|(?<!\w)(?:these|those|them|that|it|its|same)(?!\w)", re.IGNORECASE
)
CLOUD_AND = re.compile(
    r"(?<!\w)(?:the )?(?:cloud (?:cover(?:age)?|share|percentage)|share of clouds?|cloudiness),? and (?:the )?(?=.*?(?P<id>\w+_\w+))",
    re.IGNORECASE,
)
"""The first of two things that are asked of one scene."""
_GOES_ON = re.compile(r"(?:and|what about|how about|now|same|over|in|within|for)(?!\w)", re.IGNORECASE)


@dataclass(frozen=True)
class SceneReader:
    """Reads one question about scenes against one session."""

    atlas: Atlas
    question: str
    search: Search
    previous: Plan | None

    def read(self) -> Plan | Draft | ToolCalls | None:
        """Return what is asked, look-ups that are needed first, or a draft; None where the question is not about scenes."""
        before = self._before()
        start = read_ids(Slots(self.question, before or Scenes("")), self.atlas.names)
        if "ids" in start.said:  # an id needs nothing of what was asked before
            before, start = None, replace(start, scenes=Scenes("", ids=start.scenes.ids))
        slots = _slots(start, before)
        if _MEASURES.search(slots.text) or not (before or self._is_about_scenes(slots)):
            return None
        slots = self._catalogue(slots)
        if slots.declined or slots.ask or not slots.scenes.catalogue:
            return self._decided(slots) if self._is_about_scenes(slots) or slots.said else None
        placed = self._placed(slots)
        if not isinstance(placed, Slots):
            return placed if self._is_about_scenes(slots) or isinstance(placed, ToolCalls) else None
        if not self._is_about_scenes(placed) and not self._goes_on(slots, placed):
            return None
        return self._decided(placed)

    def _before(self) -> Scenes | None:
        """Return the scenes of the question before, without what was ranked or counted of them; None where a question stands by itself."""
        frame = self.previous.frames[-1] if self.previous else None
        if _NOUN.search(self.question) and not _POINTS_BACK.search(self.question):
            return None
        return replace(frame.scenes, ask="list", sort=None, limit=None) if frame and frame.scenes else None

    def _is_about_scenes(self, slots: Slots) -> bool:
        """Whether the question says so: by a noun together with a catalogue, a mission or cloud, or by the id of a scene."""
        if "ids" in slots.said:
            return bool(_NOUN.search(self.question) or {"ask", "cloud"} & slots.said)
        named = any(pattern.search(self.question) for pattern in _BUILT_IN.values()) or MISSION.search(self.question)
        return bool(_NOUN.search(self.question) and (self.atlas.catalogues or named or "cloud" in slots.said))

    def _goes_on(self, slots: Slots, placed: Slots) -> bool:
        """Whether a question without the noun goes on from scenes: `how many?`, `and in August?`, `which of them is the newest?`."""
        is_placed = placed.scenes.area != slots.scenes.area
        if is_placed and (placed.said & {"ask", "sort"} or not _GOES_ON.match(self.question)):
            return False
        return bool(placed.said)

    def _catalogue(self, slots: Slots) -> Slots:
        """Settle catalogue and collections."""
        for name, pattern in _BUILT_IN.items():
            if match := pattern.search(slots.text):
                return _built_in(slots.cut(*match.span()), name, self.atlas)
        catalogues = self.atlas.catalogues
        if not catalogues:
            return slots
        named = find_collection(slots.text, catalogues)
        platform = read_platform(slots)
        if platform.said - slots.said and (
            named is None or (named.end < len(slots.text) and platform.text[named.end :] != slots.text[named.end :])
        ):
            slots, named = platform, find_collection(platform.text, catalogues)
        if named:
            return _with_collections(slots.cut(named.start, named.end), named.found)
        if slots.scenes.catalogue:
            return slots
        mission = MISSION.search(slots.text)
        held = [(one, collection) for one in catalogues for collection in one.collections]
        if mission:
            return replace(slots, declined=f"No collection of the registered catalogues is called '{mission.group()}'. {_held(held)}")
        if not held and len(catalogues) == 1:  # a static catalogue may hold scenes without collections
            return replace(slots, scenes=replace(slots.scenes, catalogue=catalogues[0].id))
        return _with_collections(slots, tuple(held))

    def _placed(self, slots: Slots) -> Slots | Draft | ToolCalls | None:
        """Take the words that are left for a place; None or a draft where they are none."""
        tokens = tokenize(self.question)
        left = [place for place, token in enumerate(tokens) if _is_left(token, slots.text)]
        if not left:
            return slots
        runs = _runs(left, tokens, slots.text)
        if len(runs) > 1 or any(tokens[place].word in _TELLING and not tokens[place].capital for place in runs[0]):
            return _refused([written([tokens[place] for place in run]) for run in runs])
        options = [one for one in read_phrase(Phrase("in", runs[0]), tokens, self.atlas) if one.dataset.is_vector and one.kind == "layer"]
        known = [one for one in options if not one.unknown]
        if known:
            return _at(slots, known)
        return self._looked_up(runs[0], tokens)

    def _looked_up(self, run: tuple[int, ...], tokens: Sequence[Token]) -> Draft | ToolCalls:
        text = written([tokens[place] for place in run])
        unknown = Unknown(text, run, any(tokens[place].capital for place in run), "in")
        is_place = unknown.is_name or tokens[max(run[0] - 1, 0)].word in _PLACE_WORDS | {"the"}
        calls = searches([unknown], self.search, self.atlas, tokens) if is_place else ()
        if calls:
            return ToolCalls(calls)
        similar = self.search.similar.get(text, ())
        return ask_name(text, similar) if similar else _refused([text])

    def _decided(self, slots: Slots) -> Plan | Draft:
        scenes = slots.scenes
        if slots.declined:
            return Draft(slots.declined, "refused", "refused")
        if slots.ask:
            return Draft(slots.ask, "input_needed")
        if not scenes.catalogue:
            return Draft(
                "No catalogue of scenes is registered. Add one with `terracite add URL` (a STAC API, or the catalog.json of a static catalogue), or name one that is known: earth-search, planetary-computer.",
                "refused",
                "refused",
            )
        if scenes.ask in ("cloud", "time") and scenes.sort is None and not scenes.ids and "ids" not in slots.said:
            scenes = replace(scenes, ask="list")
        return Plan((Frame("scenes", scenes=scenes),))


def _slots(slots: Slots, before: Scenes | None) -> Slots:
    """Read all that a question says beside catalogue and place; `before` are the scenes that a follow-up goes on from."""
    for reader in (read_cloud, read_tile, read_box):
        slots = reader(slots)
    if before:
        slots = read_bare_cloud(slots)
    period = find_period(slots.text, _year(before.time) if before else None)
    if isinstance(period, Unclear):
        slots = replace(slots.cut(period.start, period.end), ask=period.ask)
    elif period:
        slots = slots.fill("time", replace(slots.scenes, time=period.time), period.start, period.end)
    return read_request(slots)


def _year(time: str | None) -> int | None:
    """Return the only year of a span, so that `and in August?` can go on from it."""
    years = {part[:4] for part in (time or "").split("/") if part[:4].isdigit()}
    return int(years.pop()) if len(years) == 1 else None


def _built_in(slots: Slots, name: str, atlas: Atlas) -> Slots:
    """Take a catalogue that is known by name; its collections are those of its record, else an id in the question."""
    registered = [
        one for one in atlas.datasets if one.kind == "catalogue" and (one.id == name or name.replace("-", "") in one.id.replace("-", ""))
    ]
    if registered and registered[0].collections:
        named = find_collection(slots.text, registered)
        if named is None:
            held = [(registered[0], one) for one in registered[0].collections]
            return replace(slots, ask=f"Which collection is meant? {_held(held)}")
        return _with_collections(slots.cut(named.start, named.end), named.found)
    match = _COLLECTION_ID.search(slots.text)
    if match is None:
        return replace(slots, ask=f"Which collection of {name} is meant? Give its id, for example sentinel-2-l2a.")
    scenes = replace(slots.scenes, catalogue=name, collections=(match.group(),))
    return slots.fill("collection", scenes, *match.span())


def _with_collections(slots: Slots, found: tuple[tuple[Dataset, Collection], ...]) -> Slots:
    """Take the only collection that is meant; ask which where there are several."""
    if len(found) == 1:
        catalogue, collection = found[0]
        scenes = replace(slots.scenes, catalogue=catalogue.id, collections=(collection.id,))
        return replace(slots, scenes=scenes, said=slots.said | {"collection"})
    if slots.scenes.ids and len({catalogue.id for catalogue, _ in found}) == 1:  # an id is enough
        return replace(slots, scenes=replace(slots.scenes, catalogue=found[0][0].id))
    return replace(slots, ask=slots.ask or f"Which collection is meant? {_held(found)}", scenes=replace(slots.scenes, catalogue="?"))


def _held(found: Sequence[tuple[Dataset, Collection]]) -> str:
    several = len({catalogue.id for catalogue, _ in found}) > 1
    names = [f"{collection.id} of {catalogue.id}" if several else collection.id for catalogue, collection in found]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"There is {listing(names[:12])}{more}." if names else "There are no collections."


def _is_left(token: Token, text: str) -> bool:
    """Whether a token has not been read and says something."""
    if token.kind in ("sign",) or text[token.start : token.end] != token.text:
        return False
    if token.quote:
        return True
    if token.word in _TELLING:
        return True
    plain = is_harmless(token.word) or token.word in _FILLERS or token.lemma in _FILLERS or token.word in _PLACE_WORDS
    refers = token.word in ("about", "same", "instead", "again", "now")
    return not (plain or refers or token.lemma in EMPTY) or (token.kind == "number")


def _runs(left: Sequence[int], tokens: Sequence[Token], text: str) -> list[tuple[int, ...]]:
    """Return the runs of words that are left, each with the joints inside a name, as in `Isle of Man`."""
    runs: list[list[int]] = []
    for place in left:
        between = range(runs[-1][-1] + 1, place) if runs else range(0)
        if runs and len(between) <= 2 and all(_is_joint(tokens[one], text) for one in between):
            runs[-1] += [*between, place]
        else:
            runs.append([place])
    return [tuple(run) for run in runs]


def _is_joint(token: Token, text: str) -> bool:
    return token.kind == "sign" or (token.word in ("of", "the", "and", "de", "la") and text[token.start : token.end] == token.text)


def _at(slots: Slots, known: Sequence[Reading]) -> Slots | Draft:
    """Take features of a layer for the place; ask where several layers have it."""
    best = [one for one in known if one.score > known[0].score - 0.02]
    named = [one for one in best if one.is_by_name] or best
    if len({(one.dataset.id, one.where) for one in named}) > 1:
        return Draft(f"Which do you mean by '{named[0].words}': {listing((one.dataset.id for one in named), 'or')}?", "input_needed")
    reading = named[0]
    area = Layer(reading.dataset.id, reading.where, noun=reading.words)
    return replace(slots, scenes=replace(slots.scenes, area=area, bbox=None, tile=None), said=slots.said | {"place"})


def _refused(words: Sequence[str]) -> Draft:
    said = listing(f"'{one}'" for one in words)
    return Draft(
        f"I cannot answer that: in a question about scenes I do not understand {said}. Scenes can be chosen by collection, place, tile, time, cloud cover and id.",
        "refused",
        "refused",
    )
