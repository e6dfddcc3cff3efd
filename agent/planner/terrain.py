"""Slope and roughness of a surface of heights, which a question asks for and a call has to make: `how steep is each district`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from agent.planner.atlas import Atlas, Dataset
from agent.planner.frames import Derived
from agent.planner.text import name_lemmas, tokenize

TERRAIN: Mapping[str, str] = {"slope": "degree", "roughness": "m", "ruggedness": "m"}
"""What can be asked for → its unit. A mean of aspects, which are directions, would mean nothing."""
OPERATIONS: Mapping[str, str] = {"slope": "slope", "roughness": "roughness", "ruggedness": "tri"}
"""Word of the question → operation of the tool."""
HEIGHT_WORDS = frozenset("elevation altitude dem dtm dsm srtm topography elev heightmap bathymetry terrain relief".split())
"""Words in the name of a raster of heights of the ground or of the sea floor."""
_STEEP = (
    (re.compile(r"(?<!\w)how steep (?:is|are)(?: the)?(?: terrain| ground| land| slopes?)?(?: (?:in|of|on))?(?= )", re.IGNORECASE), "what is the mean slope of"),
    (re.compile(r"(?<!\w)how steep(?!\w)", re.IGNORECASE), "what is the mean slope"),
    (re.compile(r"(?<!\w)(?P<ask>which|what) (?P<what>[\w' -]+?) (?:is|are) (?:the )?(?:(?P<up>steepest)|flattest)(?: on average)?(?!\w)", re.IGNORECASE), ""),
    (re.compile(r"(?<!\w)(?P<ask>which|what) (?:is|are) the (?:(?P<up>steepest)|flattest) (?P<what>[\w' -]+?)(?=\W*$)", re.IGNORECASE), ""),
    (re.compile(r"(?<!\w)(?P<ask>which|what) (?P<what>[\w' -]+?) (?:has|have|(?:is|are|lies|lie|stands?) on) the (?:(?P<up>steepest)|flattest) (?:terrain|ground|land|slopes?)(?!\w)", re.IGNORECASE), ""),
    (re.compile(r"(?<!\w)(?:with )?(?:a )?(?:slopes? )?(?:that (?:is|are) )?steeper than(?!\w)", re.IGNORECASE), "with slope above"),
    (re.compile(r"(?<!\w)(?:with )?(?:a )?(?:slopes? )?(?:that (?:is|are) )?flatter than(?!\w)", re.IGNORECASE), "with slope below"),
    (re.compile(r"(?<!\w)(?:steepness|inclination|slope (?:angle|gradient)|slopes)(?!\w)", re.IGNORECASE), "slope"),
)  # fmt: skip
_ASKED = re.compile(rf"(?<!\w)(?:{'|'.join(TERRAIN)})(?!\w)", re.IGNORECASE)


def terrain_asked(question: str, atlas: Atlas) -> tuple[str, tuple[str, ...]]:
    """Return the question with `how steep` said as the slope it means, and what of the terrain is asked for; nothing where a dataset holds it."""
    said = question
    for pattern, words in _STEEP:
        said = pattern.sub(lambda match, words=words: words or _ranked(match), said)  # type: ignore[misc]  # bound now, as the loop goes on
    wanted = tuple(dict.fromkeys(match.group().casefold() for match in _ASKED.finditer(said)))
    wanted = tuple(word for word in wanted if not _is_there(word, atlas))
    return (said, wanted) if wanted else (question, ())


def _ranked(match: re.Match[str]) -> str:
    """Say `which district is steepest` by its slope."""
    return f"{match['ask']} {match['what']} has the {'highest' if match['up'] else 'lowest'} mean slope"


def _is_there(word: str, atlas: Atlas) -> bool:
    """Whether a raster, band or column bears the name of what is asked for."""
    names = [
        name
        for dataset in atlas.focused
        for name in (
            dataset.id,
            dataset.title,
            *(column.name for column in dataset.columns),
            *(name for band in dataset.bands for name in band.names),
        )
    ]
    return any(word in name_lemmas(name) for name in names)


def surfaces(question: str, atlas: Atlas) -> list[Dataset]:
    """Return the rasters of heights: by a word of their names, else one of values that the question names as a whole."""
    fitting = [one for one in atlas.rasters if one.derived is None and len(one.bands) == 1 and not one.bands[0].is_categorical]
    heights = [one for one in fitting if _is_of_heights(one)]
    spoken = {token.lemma for token in tokenize(question)}
    return heights or [one for one in fitting if any(form and set(form) <= spoken for form in one.parts)]


def _is_of_heights(dataset: Dataset) -> bool:
    names = (*dataset.name_forms, *(name_lemmas(name) for name in dataset.bands[0].names))
    return any(HEIGHT_WORDS.intersection(form) for form in names)


def made_of(wanted: Sequence[str], question: str, atlas: Atlas) -> Iterator[Derived]:
    """Yield what is asked for of every surface."""
    for word in wanted:
        for surface in surfaces(question, atlas):
            yield Derived(raster=surface.id, terrain=word)


def lacking_surface(wanted: Sequence[str], atlas: Atlas) -> str:
    """Say that no raster of heights is known."""
    rasters = [one.id for one in atlas.rasters if one.derived is None]
    there = f" There is {', '.join(rasters[:8])}; name the one that holds heights." if rasters else " No raster is registered."
    return f"The {wanted[0]} needs a raster of heights (a DEM), and none is called so.{there}"


def for_others(derived: Derived, atlas: Atlas) -> Iterator[Derived]:
    """Yield the same of every other surface, for `and of X?`."""
    for surface in surfaces("", atlas):
        yield replace(derived, raster=surface.id)
