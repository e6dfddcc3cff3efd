"""Link words of a question to the collections of registered catalogues: by id, by title, or by the name of a mission."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.planner.atlas import Collection, Dataset
from agent.planner.text import fold

_PIECE = re.compile(r"[^\W_]+")
_SHORT = {"s1": "sentinel1", "s2": "sentinel2", "s3": "sentinel3", "s5p": "sentinel5p"}
"""How people shorten the names of missions."""
_PLAIN = frozenset(
    "level collection data dataset daily annual monthly yearly global product products surface reflectance image images imagery scenes scene"
    " the of and for from version processed analysis ready national world land cover satellite items item tile tiles test".split()
)
"""Words of titles that name no collection by themselves."""
MISSION = re.compile(
    r"(?<!\w)(?:sentinel|landsat|naip|modis|viirs|aster|palsar|planetscope|spot|hls|worldview|goes|cbers)(?:[- ]?\d\w?)?(?!\w)",
    re.IGNORECASE,
)
"""Missions that a question may name although no collection here is of them."""
LONGEST = 8


@dataclass(frozen=True)
class Named:
    """Collections that a run of words names."""

    start: int
    """Offset in the text."""
    end: int
    found: tuple[tuple[Dataset, Collection], ...]
    is_whole: bool
    """Whether it is the whole id or title."""


def find_collection(text: str, catalogues: Sequence[Dataset]) -> Named | None:
    """Return the longest run of words that names collections, those that it names as a whole before others; None without any."""
    words = list(_PIECE.finditer(text))
    for length in range(min(LONGEST, len(words)), 0, -1):
        for first in range(len(words) - length + 1):
            run = words[first : first + length]
            named = _named("".join(fold(word.group()) for word in run), catalogues, is_word=length == 1)
            if named:
                whole = tuple(pair for pair, is_whole in named if is_whole)
                return Named(run[0].start(), run[-1].end(), whole or tuple(pair for pair, _ in named), bool(whole))
    return None


def _named(spelling: str, catalogues: Sequence[Dataset], *, is_word: bool) -> list[tuple[tuple[Dataset, Collection], bool]]:
    spelling = _SHORT.get(spelling, spelling)
    if is_word and (spelling in _PLAIN or len(spelling) < 3 or spelling.isdigit()):
        return []
    found: list[tuple[tuple[Dataset, Collection], bool]] = []
    for catalogue in catalogues:
        for collection in catalogue.collections:
            runs = list(_runs(collection))
            if any(spelling == run for run, _ in runs):
                found.append(((catalogue, collection), any(spelling == run and whole for run, whole in runs)))
    return found


def _runs(collection: Collection) -> Iterator[tuple[str, bool]]:
    """Yield the spellings of every run of words of id and title that starts with a telling word, and whether it is all of it."""
    for name in (collection.id, collection.title):
        pieces = [fold(piece) for piece in _PIECE.findall(name)]
        for start in range(len(pieces)):
            if pieces[start] in _PLAIN or pieces[start].isdigit():
                continue
            for end in range(start + 1, len(pieces) + 1):
                yield "".join(pieces[start:end]), end - start == len(pieces)
