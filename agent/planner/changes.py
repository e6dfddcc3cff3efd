"""Read a question about what became of a place between two rasters: which classes changed, what one lost or gained, by how much."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.planner.atlas import Atlas, Dataset
from agent.planner.clauses import Phrase
from agent.planner.frames import Cells, Frame, Layer, Plan, Zones
from agent.planner.readings import Reading, read_phrase
from agent.planner.step import Draft
from agent.planner.text import Token, tokenize
from agent.planner.years import of_year

_UNTIL = r"(?: by | per | for (?:each|every) | in (?:each|every) |\W*$|, )"
_SPAN = re.compile(rf"(?<!\w)(?:between|from) (?P<a>.+?) (?:and|to|until|till) (?P<b>.+?)(?={_UNTIL})", re.IGNORECASE)
_GROUP = re.compile(r"(?<!\w)(?:by|per|(?:for|in|of|within|inside) (?:each|every)) (?P<z>[\w' -]+?)(?=\W*$|,)", re.IGNORECASE)
_LOST = r"lost|lose|loss|disappeared|vanished|cleared|removed"
_GAINED = r"gained|gain|added|appeared|new"
_FORMS = (
    ("all", re.compile(r"^(?:in what way |in which way |how) (?:did|has|have) (?:the )?(?P<what>.+?) (?:change[d]?|develop(?:ed)?|evolve[d]?)$", re.IGNORECASE)),
    ("all", re.compile(r"^(?:what|which (?:classes|land cover classes|areas))(?: has| have)? changed$", re.IGNORECASE)),
    ("all", re.compile(r"^(?:what (?:is|was|are|were) |show |list |tell me )?(?:me )?(?:the )?(?:changes?|transitions?) (?:in|of) (?:the )?(?P<what>.+)$", re.IGNORECASE)),
    ("all", re.compile(r"^(?:what (?:is|was|are|were) |show |list )?(?:me )?(?:the )?(?P<what>land[- ]?cover|land[- ]?use|cover|class) (?:changes?|transitions?)$", re.IGNORECASE)),
    ("into", re.compile(r"^(?:how (?:much|many (?P<unit>[\w² ]+?) of)|(?:what|which) (?:total )?area of) (?P<what>.+?) (?:was |were |has |have |been |got )*(?:became|become|turned into|changed (?:in)?to|converted (?:in)?to|replaced by) (?P<into>.+)$", re.IGNORECASE)),
    ("lost", re.compile(rf"^(?:how (?:much|many (?P<unit>[\w² ]+?) of)|(?:what|which) (?:total )?area of) (?P<what>.+?) (?:was |were |has |have |had |been |is |are |did |got |we )*(?:{_LOST})$", re.IGNORECASE)),
    ("lost", re.compile(r"^(?:what (?:is|was) )?(?:the )?(?:area of )?(?:(?P<w2>[\w -]+?) (?:loss|losses)|loss(?:es)? of (?P<what>.+))$", re.IGNORECASE)),
    ("lost", re.compile(r"^how (?:much|many (?P<unit>[\w² ]+?)) did (?:the )?(?P<what>.+?) lose$", re.IGNORECASE)),
    ("gained", re.compile(rf"^(?:how (?:much|many (?P<unit>[\w² ]+?) of)|(?:what|which) (?:total )?area of) (?P<what>.+?) (?:was |were |has |have |had |been |is |are |did |got |we )*(?:{_GAINED})$", re.IGNORECASE)),
    ("gained", re.compile(r"^how much new (?P<what>.+?)(?: is there| was there| are there)?$", re.IGNORECASE)),
    ("gained", re.compile(r"^(?:what (?:is|was) )?(?:the )?(?:area of )?(?:(?P<w2>[\w -]+?) gains?|gains? of (?P<what>.+))$", re.IGNORECASE)),
    ("gained", re.compile(r"^how (?:much|many (?P<unit>[\w² ]+?)) did (?:the )?(?P<what>.+?) gain$", re.IGNORECASE)),
    ("net", re.compile(r"^(?:what (?:is|was) )?(?:the )?net (?:area )?change (?:in|of) (?:the )?(?:area of )?(?P<what>.+)$", re.IGNORECASE)),
    ("net", re.compile(r"^how much did (?:the )?(?:area of )?(?P<what>.+?) (?:change|grow|shrink|increase|decrease|decline|expand)$", re.IGNORECASE)),
)  # fmt: skip
_ALL = frozenset("land cover landcover landuse use class classes it map everything type types surface the".split())


@dataclass(frozen=True)
class ChangeReader:
    """Reads one question about change against the datasets, those that can be made among them."""

    atlas: Atlas
    question: str

    def read(self) -> Plan | Draft | None:
        """Return what is asked; None where the question is of another kind or names no two rasters."""
        span = _SPAN.search(self.question)
        if span is None:
            return None
        rest = f"{self.question[: span.start()]}{self.question[span.end() :]}"
        group = _GROUP.search(rest)
        if group:
            rest = f"{rest[: group.start()]}{rest[group.end() :]}"
        rest = re.sub(r"\s+", " ", rest).strip(" ?.!,")
        form = next(((kind, match) for kind, pattern in _FORMS if (match := pattern.match(rest))), None)
        if form is None:
            return None
        kind, match = form
        told = match.groupdict()
        what = (told.get("what") or told.get("w2") or "").strip()
        pairs = self._pairs(span["a"].strip(), span["b"].strip(), what)
        if not pairs:
            return None
        if len(pairs) > 1:
            names = sorted({dataset.id for pair in pairs for dataset in pair})
            return Draft(f"Which rasters are to be compared: {', '.join(names)}?", "input_needed")
        return self._framed(kind, what, told.get("into") or "", pairs[0], group["z"].strip() if group else "")

    def _pairs(self, before: str, after: str, what: str) -> list[tuple[Dataset, Dataset]]:
        """Return the pairs of rasters that both ends may mean, of one kind; those that must be made only where their name is said."""
        olds, news = self._named(before), self._named(after)
        pairs = [(one, other) for one in olds for other in news if one.id != other.id and _alike(one, other)]
        made = [pair for pair in pairs if pair[0].derived]
        return made if made and self._speaks_of(what, made[0][0]) else [pair for pair in pairs if not pair[0].derived]

    def _named(self, words: str) -> list[Dataset]:
        """Return the rasters that words name: by a year, or by their name as a whole."""
        if re.fullmatch(r"(?:19|20)\d{2}", words):
            return [one for one in of_year(self.atlas, int(words)).datasets if one.is_raster and self._is_fit(one)]
        tokens = tokenize(words)
        readings = [
            one
            for one in read_phrase(_phrase(tokens), tokens, self.atlas)
            if one.kind == "raster" and not one.unknown and not one.is_generic
        ]
        best = max((one.score for one in readings if not one.dataset.derived), default=0.0)
        return [one.dataset for one in readings if one.score > best - 0.08]

    def _is_fit(self, dataset: Dataset) -> bool:
        """Whether a raster has one band, so that it is clear what is compared."""
        return len(dataset.bands) == 1

    def _speaks_of(self, what: str, dataset: Dataset) -> bool:
        """Whether a class or the index of a raster that must be made is asked about."""
        words = what.casefold()
        return any(label in words for label in dataset.bands[0].classes.values()) or any(
            name.casefold() in words for name in dataset.bands[0].names
        )

    def _framed(self, kind: str, what: str, into: str, pair: tuple[Dataset, Dataset], zone: str) -> Plan | Draft | None:
        before, after = pair
        if len(before.bands) > 1 or len(after.bands) > 1:
            return None
        is_classes = before.bands[0].is_categorical
        labels = [_label(words, pair) for words in (what, into) if words and not _is_all(words)] if is_classes else []
        if None in labels or (kind != "all" and is_classes and not labels) or (not is_classes and kind not in ("all", "net")):
            return _unknown_class(what if labels and labels[0] is None else into or what, pair) if is_classes else None
        zones = self._zones(zone) if zone else None
        if zone and zones is None:
            return None
        focus = tuple(label for label in labels if label)
        topic = "all" if kind == "net" and zones else kind  # by zone, what was lost and what was gained are told
        frame = Frame("change", cells=_cells(before, focus), other_cells=_cells(after, ()), topic=topic, zones=zones)
        return Plan((frame,))

    def _zones(self, words: str) -> Zones | None:
        """Return the zones that a group names."""
        tokens = tokenize(words)
        found = [
            one
            for one in read_phrase(_phrase(tokens), tokens, self.atlas)
            if one.dataset.geometry in ("polygon", "mixed") and one.means_features and not one.unknown and not one.where
        ]
        best = [one for one in found if one.score > found[0].score - 0.02]
        return _zones_of(best[0]) if best and len({one.dataset.id for one in best}) == 1 else None


def _phrase(tokens: Sequence[Token]) -> Phrase:
    return Phrase("of", tuple(range(len(tokens))))


def _zones_of(reading: Reading) -> Zones:
    return Zones(Layer(reading.dataset.id, noun=reading.words), reading.dataset.name_column)


def _alike(one: Dataset, other: Dataset) -> bool:
    """Whether two rasters hold the same kind of thing, made the same way."""
    if (one.derived is None) != (other.derived is None):
        return False
    if one.derived and other.derived:
        first, second = ((made.index, made.terrain, made.network, made.is_classes) for made in (one.derived, other.derived))
        return first == second
    return one.bands[0].is_categorical == other.bands[0].is_categorical


def _is_all(words: str) -> bool:
    return all(token.lemma in _ALL or token.word in _ALL for token in tokenize(words))


def _label(words: str, pair: tuple[Dataset, Dataset]) -> str | None:
    """Return the class that words name in both rasters; None where there is none or several."""
    tokens = tokenize(words)
    atlas = Atlas(pair)
    found = [
        one for one in read_phrase(_phrase(tokens), tokens, atlas) if one.kind == "cells" and not one.unknown and len(one.classes) == 1
    ]
    best = max((one.score for one in found), default=0.0)
    labels = {one.classes[0].casefold(): one.classes[0] for one in found if one.score > best - 0.02}
    return next(iter(labels.values())) if len(labels) == 1 else None


def _unknown_class(words: str, pair: tuple[Dataset, Dataset]) -> Draft:
    held = list(
        dict.fromkeys(label for dataset in pair for label in dataset.bands[0].classes.values() if any(char.isalpha() for char in label))
    )
    there = f" The classes are {', '.join(held[:12])}." if held else " The rasters name no classes."
    return Draft(f"No one class of {pair[0].id} and {pair[1].id} is called '{words}'.{there}", "refused", "refused")


def _cells(dataset: Dataset, classes: tuple[str, ...]) -> Cells:
    return Cells(dataset.id, 1, classes, noun=dataset.title, derived=dataset.derived)
