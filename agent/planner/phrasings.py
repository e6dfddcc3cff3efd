"""The questions that the planner accepts: templates per kind, and the same filled with what a session holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from agent.planner.atlas import Atlas, Dataset, informative
from agent.planner.text import name_lemmas

_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")

TEMPLATES: dict[str, tuple[str, ...]] = {
    "area of a class or beyond a threshold": (
        "What is the area of CLASS?",
        "How many hectares of CLASS are there in each ZONE?",
        "Which ZONE has the most CLASS?",
        "What is the area of each RASTER class in PLACE?",
        "What area has a RASTER above NUMBER by ZONE?",
        "What share of each ZONE is CLASS?",
    ),
    "statistics of a raster": (
        "What is the mean RASTER by ZONE, highest first?",
        "Which ZONE has the highest mean RASTER?",
        "What are the minimum, maximum and mean RASTER in PLACE?",
        "RASTER statistics inside LAYER",
    ),
    "features": (
        "How many LAYER are there in each ZONE?",
        "How many LAYER have a COLUMN above NUMBER?",
        "Which LAYER are within NUMBER km of LAYER?",
        "Which LAYER intersect LAYER?",
        "How many LAYER are larger than NUMBER ha?",
        "What is the total area of LAYER by COLUMN?",
        "What is the total length of LAYER in PLACE?",
        "What are the NUMBER largest LAYER?",
        "What is the average COLUMN of LAYER?",
    ),
    "one layer inside another": (
        "How much of LAYER lies inside LAYER?",
        "What area of LAYER is outside LAYER?",
        "What is the area of LAYER in each ZONE?",
        "What is the difference in area between LAYER and LAYER?",
    ),
    "nearest": (
        "What is the nearest LAYER to PLACE?",
        "What is the nearest LAYER to each LAYER?",
        "How far is PLACE from the nearest LAYER?",
    ),
    "scenes of a catalogue": (
        "Which COLLECTION scenes over PLACE between DATE and DATE have less than NUMBER % cloud?",
        "How many COLLECTION scenes of tile TILE are there in MONTH YEAR?",
        "What is the least cloudy COLLECTION scene over PLACE in MONTH YEAR?",
        "What is the cloud cover of scene ID?",
    ),
    "an index of bands": (
        "What is the mean NDVI of RASTER by ZONE?",
        "What is the mean clear-land NDVI of scene ID?",
        "What area has an NDVI above NUMBER in RASTER by ZONE?",
        "How many hectares of water are there in RASTER?",
    ),
    "two times": (
        "How many hectares of water were there in YEAR against YEAR?",
        "How did land cover change between RASTER and RASTER by ZONE?",
        "How much CLASS was lost between RASTER and RASTER?",
        "How did NDVI change between RASTER and RASTER?",
    ),
    "terrain": (
        "How steep is each ZONE?",
        "What is the mean slope of each ZONE?",
        "What area is steeper than NUMBER degrees in each ZONE?",
    ),
    "values at points": ("What is the RASTER at the POINTS?", "Which POINT lies highest?", "Where is the highest point of RASTER?"),
    "joins": (
        "Join TABLE to LAYER by COLUMN and give the total COLUMN by COLUMN.",
        "What is the mean COLUMN of each ZONE by Thiessen polygons of the POINTS?",
    ),
    "making layers": (
        "Clean LAYER.",
        "Simplify LAYER by NUMBER m.",
        "Draw contours of RASTER every NUMBER m.",
        "Make Thiessen polygons of the POINTS clipped to LAYER.",
        "Draw the convex hull around all POINTS.",
        "Buffer LAYER by NUMBER m.",
        "Dissolve LAYER by COLUMN.",
        "Reproject LAYER to EPSG:NUMBER.",
        "Export LAYER as GeoPackage.",
    ),
    "documents": ("What do the documents say about TOPIC?", "According to the documents, how many …?"),
    "the data": ("What data is here?", "Describe DATASET.", "Which columns does LAYER have?"),
    "map": ("Show a map of DATASET.", "Show that on a map."),
    "follow-up": ("And for PLACE?", "What about above NUMBER?", "Which is the largest?", "In km²?", "And by ZONE?"),
}
"""Kind of question → phrasings; words in capitals stand for names out of the data."""


def phrases() -> list[str]:
    """Return accepted phrasings, `kind: template`, in order of kind."""
    return [f"{kind}: {template}" for kind, templates in TEMPLATES.items() for template in templates]


def examples(atlas: Atlas) -> Iterator[tuple[str, str]]:
    """Yield questions about what a session holds, the most useful first, each with short and with full nouns.

    The caller offers the first of the two that is understood.
    """
    yield from zip(_examples(atlas, short_noun), _examples(atlas, noun), strict=True)


def _examples(atlas: Atlas, noun: Callable[[Dataset], str]) -> Iterator[str]:
    zones = [layer for layer in atlas.vectors if layer.geometry == "polygon" and layer.name_column]
    zone = noun(zones[0]) if zones else ""
    for raster in atlas.rasters:
        if raster.derived and raster.derived.terrain:
            continue
        labels = [label for label in raster.bands[0].classes.values() if not any(char.isdigit() for char in label)]
        if labels:
            yield f"What is the area of {labels[0]} in each {zone}?" if zone else f"What is the area of {labels[0]}?"
        elif not raster.bands[0].is_categorical:
            yield f"What is the mean {noun(raster)} by {zone}?" if zone else f"What is the mean {noun(raster)}?"
    for layer in atlas.vectors:
        many = plural(noun(layer))
        yield f"How many {many} are there?" if layer.geometry != "line" else f"What is the total length of {many}?"
        if layer.geometry == "polygon":
            yield f"What is the total area of {many}?"
    yield "What data is here?"


def noun(dataset: Dataset) -> str:
    """Return how a dataset may be called in a question: the informative words of its title, without what stands in brackets."""
    return " ".join(informative(name_lemmas(_BRACKETS.sub(" ", dataset.title))) or (dataset.id,))


def short_noun(dataset: Dataset) -> str:
    """Return the last informative word of its title, as countries of admin countries; of a raster all of them."""
    return noun(dataset) if dataset.is_raster else noun(dataset).rpartition(" ")[2]


def plural(words: str) -> str:
    """Return the plural of an English noun."""
    if words.endswith("y") and words[-2:-1] not in "aeiou":
        return f"{words[:-1]}ies"
    return f"{words}es" if words.endswith(("s", "x", "z", "ch", "sh")) else f"{words}s"
