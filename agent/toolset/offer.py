"""Which tools a model is offered at a decision: at most twelve within a budget, by the question and the kinds of data."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agent import prompting
from agent.state import Json
from agent.toolset.control import CONTROL, FIND_TOOLS
from agent.toolset.schemas import BYTES_PER_TOKEN, schemas, size, size_of
from tools import registry

MAX_OFFERED = 12
"""Of these, with the calls that ask and decline; `find_tools` comes on top."""
MAX_TOKENS = 6000
"""System prompt and offered definitions together."""
MAX_FOUND = 4
"""Tools that one `find_tools` brings."""


@dataclass(frozen=True)
class Use:
    """When a tool is of use."""

    words: str = ""
    """Beginnings of words that call for it, as a regular expression of alternatives."""
    kinds: frozenset[str] = field(default_factory=frozenset)
    """Kinds of data of which it needs one; empty: any."""
    always: int = 0
    """How likely it is wanted whatever the words are."""


def _use(words: str, kinds: str = "", always: int = 0) -> Use:
    return Use(words, frozenset(kinds.split()), always)


USES: Mapping[str, Use] = {
    "list_datasets": _use("what data|which data|dataset|layers|registered|list", always=1),
    "describe_dataset": _use("describ|extent|resolution|crs|projection|columns?|bands?|what is", always=2),
    "find_place": _use("where|near|inside|within|around|place|called|named|town|city|village|park|district|region", "vector", always=2),
    "search_stac": _use(
        "scenes?|images?|imagery|sentinel|landsat|cloud|stac|collection|catalog|tile|acqui|satellite", "catalogue", always=2
    ),
    "read_asset": _use(
        "scenes?|images?|imagery|sentinel|landsat|cloud|stac|asset|band|cut|crop|clip|satellite", "catalogue items", always=3
    ),
    "zonal_stats": _use(
        "mean|average|median|min|max|statistic|percent|share|area|hectare|per|each|every|zone|inside|within|cover", "raster", 6
    ),
    "classify": _use("above|below|over|under|deeper|higher|at least|more than|less than|between|threshold|flood|water|class", "raster", 5),
    "spectral_index": _use(
        "nd\\w+i|mndwi|evi|savi|nbr|index|indices|vegetation|green|water|burn|snow|built|moist|scene|sentinel|landsat", "raster items", 3
    ),
    "raster_calc": _use("formula|expression|ratio|difference|minus|sum of|multipl|divid|raster|bands?", "raster items", 1),
    "composite": _use("composite|mosaic|cloud.?free|median of|several|months?|season|stack", "raster items", 1),
    "change": _use(
        "chang|differ|before|after|between|gain|loss|lost|grew|grow|shrink|shrank|increase|decrease|compare|against|since|than in",
        "raster items",
        1,
    ),
    "terrain": _use("slope|steep|aspect|facing|hillshade|shad|terrain|relief|rough|rugged|elevation|height|dem|dsm", "raster"),
    "filter_raster": _use("filter|smooth|speckle|lee|denois|noise|moving|focal|neighbou?rhood|majority|window", "raster"),
    "raster_distance": _use("distance|how far|far from|close to|proximity|within \\d+|nearest|away", "raster"),
    "histogram": _use("histogram|distribut|highest|lowest|deepest|maximum|minimum|quantile|quartile|where is|bins?", "raster", 1),
    "polygonize": _use("polygon|outline|vectori|patch|largest|how many|count|shapes?", "raster", 1),
    "stack": _use("stack|align|same grid|one grid|together|bands of", "raster items"),
    "contour": _use("contour|isolines?|isobath|isotherm|level lines|every", "raster"),
    "rasterize": _use("rasteri[sz]e|(?:in)?to (?:a )?raster|burn|grid of|count per|density|onto the grid", "raster"),
    "sample": _use("sampl|elevation|height|altitude|depth|temperature|value at|values at|at the|at each|at every|points?", "raster", 1),
    "segment": _use("segment|network|detect|model|water|flood|building|neural", "raster items network", 1),
    "query_vector": _use(
        "how many|count|which|nearest|closest|near|largest|smallest|longest|list|name|total|length|area|where|with|most|sql|group|rank|having|combination|correlat",
        "vector table",
        6,
    ),
    "overlay": _use(
        "inside|within|overlap|intersect|cut|clip|union|differ|buffer|dissolve|merge|outside|not in|by class|cover", "vector", 4
    ),
    "join": _use("join|match|attach|merge|table|csv|population|interpolat|nearest|closest|each|which", "vector table"),
    "clean": _use("clean|repair|fix|mend|invalid|valid|duplicat|sliver|tidy|normali[sz]|missing|winding|orient|mixed", "vector"),
    "shapes": _use(
        "centroid|centre|center|hull|envelope|bounding|circle|voronoi|thiessen|simplif|generali[sz]|outline|track|route|through|parts|explode|boundary|nearest station",
        "vector",
    ),
    "reproject": _use("reproject|project|crs|epsg|resampl|coordinate system", "raster vector"),
    "export": _use(
        "export|save as|write as|geopackage|gpkg|geojson|shapefile|flatgeobuf|geoparquet|kml|csv|download", "vector table raster"
    ),
    "calculate": _use(
        "share|percent|ratio|differ|sum|total|per|times|more than|less than|convert|density|how much|increase|decrease", "", 4
    ),
    "render_map": _use("map|draw|plot|show|picture|render|image of", "raster vector items"),
    "search_knowledge": _use(
        "document|report|say|says|said|according|why|who|guideline|text|passage|written|know|explain|source", "document", 2
    ),
}
"""Tool → when it is of use. A tool that is not here is offered last, and found by `find_tools`."""

WORD_WEIGHT = 3
KIND_WEIGHT = 8


def offered(question: str, kinds: Collection[str], used: Iterable[str] = (), wanted: Iterable[str] = ()) -> list[Json]:
    """Return the definitions to offer, in a fixed order, tools before the calls that steer.

    `kinds` are those of the data in focus and of the results so far; `used` were called before and stay, `wanted` were found by
    `find_tools`, last first served. What is left is filled with the most useful, as many as the budget holds.
    """
    names = registry.names()
    first = [name for name in dict.fromkeys([*reversed(list(wanted)), *used]) if name in names]
    rest = sorted((name for name in names if name not in first), key=lambda name: (-_usefulness(name, question, kinds), names.index(name)))
    chosen = _within_budget([*first, *rest])
    return [*schemas(name for name in names if name in chosen), *CONTROL]


def found(need: str) -> list[str]:
    """Return the tools that fit a need best, at most `MAX_FOUND`; none where no word fits."""
    words = set(re.findall(r"[a-z0-9]{3,}", need.casefold()))

    def fit(name: str) -> int:
        text = f"{name.replace('_', ' ')} {registry.load(name).description}".casefold()
        return sum(word[:6] in text for word in words) + WORD_WEIGHT * _hits(name, need)

    names = registry.names()
    fitting = sorted((name for name in names if fit(name)), key=lambda name: (-fit(name), names.index(name)))
    return fitting[:MAX_FOUND]


def one_line(name: str) -> str:
    """Return the first sentence of a tool's description."""
    return registry.load(name).description.split(". ")[0].rstrip(".") + "."


def _usefulness(name: str, question: str, kinds: Collection[str]) -> int:
    use = USES.get(name, Use())
    fits = not use.kinds or not use.kinds.isdisjoint(kinds)
    return use.always + WORD_WEIGHT * _hits(name, question) + (KIND_WEIGHT if fits else 0)


def _hits(name: str, text: str) -> int:
    """Return how many different words of a text call for a tool, three at most: a long question shall not drown the kinds."""
    words = USES.get(name, Use()).words
    return min(3, len(set(re.findall(rf"\b(?:{words})", text.casefold())))) if words else 0


def _within_budget(ranked: Sequence[str]) -> set[str]:
    """Take tools in order of rank until they are `MAX_OFFERED` with those that steer; one that is too large gives way to the next."""
    room = MAX_TOKENS * BYTES_PER_TOKEN - len(prompting.load("system").encode()) - sum(size_of(each) for each in CONTROL)
    most = MAX_OFFERED - len([each for each in CONTROL if each is not FIND_TOOLS])
    names, chosen = registry.names(), list[str]()
    for name in ranked:
        if len(chosen) < most and size(each for each in names if each in (*chosen, name)) <= room:
            chosen.append(name)
    return set(chosen)
