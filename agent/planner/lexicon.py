"""Words of general English that the planner knows: harmless words, generic nouns, synonyms, comparatives, units.

Nothing here names a real place or file. Synonyms are tight on purpose: a wrong link is worse than a question back.
"""

from __future__ import annotations

from functools import lru_cache

HARMLESS = frozenset(
    """
    a an the this that these those there here it its it's they their them such own one ones some any all both several
    i me my we us our you your user please kindly thanks thank hello hi hey ok okay so then also too just only really actually
    can could would should shall may might must do does did done be is are was were been being am has have had having get gets got
    give tell show let want need like know see look help find compute calculate determine report return provide estimate work out
    how what which who whose whom of in on at to from for by with within into onto upon via as  and or but that's
    located situated lying lie lies lay stand stands standing found fall falls falling exist exists existing present available
    happen happened happens occur occurred occurs recorded registered measured observed mapped listed shown given contained
    total totals overall altogether combined together whole entire entirely complete completely full fully cumulative aggregate
    respectively currently current now exactly precisely approximately roughly about around per each every individual separately
    different distinct various particular certain question answer value values number numbers amount quantity much many
    exact right correct short brief quick data dataset datasets based using use used expressed terms unit units
    cover covers covered covering coverage occupy occupies occupied span spans make makes up there's live lives living whether
    yes among amongst across throughout every belong belongs belonging
    called named titled labelled labeled classified classed marked tagged described designated identified detected categorised categorized
    reach reaches contain contains include includes including having take takes taken taking come comes remain remains say
    again still yet ever respective corresponding
    """.split()
)
"""Words that may stand in a question without changing what it asks; every other word must be linked to something."""

CONTENT_AFTER_ALL = frozenset("will why when who whom tomorrow yesterday today future past should".split())
"""Words that change a question so much that they are never harmless."""

ZONE_NOUNS = frozenset("zone area region unit polygon feature place location site part section subdivision division".split())
"""Nouns for 'the features of a polygon layer', whatever they are."""

CLASS_NOUNS = frozenset("class type category kind group label classe".split())
"""Nouns for 'the values of a text column' or 'the classes of a raster'."""

LAYER_NOUNS = frozenset(
    "layer dataset data set file raster grid map image picture product delineation survey version shapefile geojson geopackage tif geotiff table"
    " source record entry object item thing element".split()
)
"""Nouns for a dataset as such."""

EDITIONS = frozenset("product survey delineation version source".split())
"""Those of them that mean one dataset among several, and so mean none by themselves."""

MASS_NOUNS = frozenset("land ground surface terrain territory space cover extent pixel cell footprint geometry".split())
"""Nouns that add nothing to what they stand beside: forest land, forest cover, water surface."""

MATTER = frozenset("water soil country body point".split())
"""Nouns that add nothing behind a kind (clay soil, water bodies), but by themselves must be linked to something."""

VAGUE = frozenset("water soil land ground surface cover space territory".split())
"""Nouns that alone are no name of a dataset in which they stand beside others: water is no water_table_depth."""

ADMIN_NOUNS = frozenset(
    "city town village county district ward municipality region province state parish township borough commune canton department republic"
    " kingdom federation island".split()
)
"""Kinds of places that may be left out of a name: Ardmoor for Ardmoor County."""

SHAPE_NOUNS = {"point": "point", "line": "line", "polygon": "polygon"}
"""Nouns for the features of a layer by their geometry."""

SOFT = ZONE_NOUNS | CLASS_NOUNS | LAYER_NOUNS | MASS_NOUNS

COVER_TERMS = frozenset({"landcover", "landuse", "groundcover", "surfacecover", "covertype", "coverclass"})
"""Terms of two soft words, written as one, that mean the classes of a map: never left aside as their words are."""

_GROUPS = """
    elevation altitude dem dtm dsm srtm terrain relief topography elev alt heightmap
    height tall hgt hag heightm
    depth deep
    flood flooding flooded inundation inundated inundate floodplain
    temperature temp tmp lst tas heat hot warm cold
    precipitation rain rainfall precip prcp ppt wet dry
    population pop people person inhabitant resident popul
    landcover lulc lc nlcd corine clc worldcover
    landuse lulc lu
    slope steepness gradient inclination steep
    vegetation ndvi greenness evi
    name label title nam
    city town settlement municipality village populatedplace
    place populatedplace settlement town
    road street highway
    river stream creek watercourse waterway
    building bldg house
    boundary border outline aoi
    magnitude mag strength strong
    type kind class category typ cat fclass subtype
    year yr date built constructed construction establish established founded opened old
    floor storey story level
    status condition
    owner ownership operator
    gdp grossdomesticproduct
    precipitation precip
    bed
    wind windspeed
    speed velocity fast
    density dense
    biomass agb
    moisture soilmoisture sm
    income revenue
    tree canopy
    earthquake quake seism
    length long
    width wide
    age old
    weight heavy
    county
    clinic
    quality
"""

ABBREVIATIONS = frozenset("st ste sta mt mts ft pt dr mr mrs nr no sr jr san gr kl bd upr lwr ave rd blvd".split())
"""Shortened words of names, whose full stop ends no sentence where they start with a capital."""

UNITS: dict[str, str] = {
    **dict.fromkeys(("ha", "hectare", "hectares", "hektar"), "ha"),
    **dict.fromkeys(("km2", "sqkm", "km^2"), "km2"),
    **dict.fromkeys(("m2", "sqm", "m^2"), "m2"),
    **dict.fromkeys(("acre", "acres", "ac"), "acre"),
    **dict.fromkeys(("mi2", "sqmi"), "mi2"),
    **dict.fromkeys(("ft2", "sqft"), "ft2"),
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters", "mtr"), "m"),
    **dict.fromkeys(("km", "kms", "kilometre", "kilometres", "kilometer", "kilometers"), "km"),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), "cm"),
    **dict.fromkeys(("mm", "millimetre", "millimetres", "millimeter", "millimeters"), "mm"),
    **dict.fromkeys(("ft", "foot", "feet"), "ft"),
    **dict.fromkeys(("mi", "mile", "miles"), "mi"),
    **dict.fromkeys(("%", "percent", "pct"), "%"),
    **dict.fromkeys(("degree", "degrees", "deg", "°"), "degree"),
    **dict.fromkeys(("°c", "degc", "celsius"), "degC"),
    **dict.fromkeys(("k", "kelvin"), "K"),
    **dict.fromkeys(("s", "sec", "second", "seconds"), "s"),
    **dict.fromkeys(("day", "days"), "day"),
}
"""Word after a number → unit of the closed list."""

AREA_UNITS = frozenset({"m2", "ha", "km2", "acre", "mi2", "ft2"})
LENGTH_UNITS = frozenset({"m", "km", "cm", "mm", "ft", "mi"})

NUMBER_WORDS: dict[str, int] = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}

MULTIPLIERS: dict[str, float] = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "mio": 1e6,
    "mn": 1e6,
    "bn": 1e9,
}

UP = {
    "more": "", "greater": "", "higher": "height", "larger": "area", "bigger": "area", "taller": "height", "deeper": "depth",
    "longer": "length", "wider": "width", "older": "age", "hotter": "temperature", "warmer": "temperature", "steeper": "slope",
    "wetter": "precipitation", "heavier": "weight", "faster": "speed", "stronger": "magnitude", "later": "year", "denser": "density",
    "newer": "year", "farther": "distance", "further": "distance",
}  # fmt: skip
"""Comparative → the property it speaks of; '' where it says only the direction."""

DOWN = {
    "less": "", "fewer": "", "lower": "height", "smaller": "area", "shorter": "length", "shallower": "depth", "narrower": "width",
    "younger": "age", "cooler": "temperature", "colder": "temperature", "flatter": "slope", "drier": "precipitation", "lighter": "weight",
    "slower": "speed", "weaker": "magnitude", "earlier": "year", "closer": "distance", "nearer": "distance",
}  # fmt: skip

HIGHEST = {
    "largest": "area", "biggest": "area", "greatest": "", "highest": "height", "most": "", "longest": "length", "tallest": "height",
    "deepest": "depth", "widest": "width", "oldest": "age", "hottest": "temperature", "warmest": "temperature", "steepest": "slope",
    "wettest": "precipitation", "heaviest": "weight", "strongest": "magnitude", "densest": "density", "latest": "year", "newest": "year",
    "fastest": "speed", "top": "", "best": "",
}  # fmt: skip

LOWEST = {
    "smallest": "area", "least": "", "lowest": "height", "shortest": "length", "shallowest": "depth", "fewest": "", "narrowest": "width",
    "youngest": "age", "coldest": "temperature", "coolest": "temperature", "flattest": "slope", "driest": "precipitation",
    "lightest": "weight", "weakest": "magnitude", "earliest": "year", "slowest": "speed", "bottom": "",
}  # fmt: skip

ADJECTIVES = {
    "high": "height", "tall": "height", "deep": "depth", "long": "length", "wide": "width", "old": "age", "hot": "temperature",
    "warm": "temperature", "cold": "temperature", "steep": "slope", "wet": "precipitation", "dry": "precipitation", "strong": "magnitude",
    "dense": "density", "heavy": "weight", "fast": "speed", "large": "area", "big": "area", "thick": "thickness", "populous": "population",
}  # fmt: skip

PROPERTY_WORDS = {
    "height": ("height", "elevation"), "depth": ("depth",), "length": ("length",), "width": ("width",), "age": ("age",),
    "temperature": ("temperature",), "slope": ("slope",), "precipitation": ("precipitation",), "weight": ("weight",), "speed": ("speed",),
    "magnitude": ("magnitude",), "year": ("year",), "density": ("density",), "thickness": ("thickness",), "population": ("population",),
    "elevation": ("elevation",), "distance": ("distance",),
}  # fmt: skip
"""Property of an adjective → the nouns by which a column or raster may be named."""

FLOOD_WORDS = frozenset({"flooded", "inundated", "flood", "flooding", "underwater", "submerged", "inundation", "floodwater"})
FLOOD_STATES = frozenset({"flooded", "inundated", "submerged", "underwater"})
"""Those of the flood words that may stand behind what they speak of."""
DEPTH_NAMES = frozenset({"depth", "waterdepth", "flooddepth", "inundation", "flood", "waterlevel", "inundationdepth"})
"""Words in the name of a raster of values that make it a raster of water depth."""

STATISTICS = {
    "mean": "mean", "average": "mean", "avg": "mean", "median": "median", "min": "min", "minimum": "min", "max": "max", "maximum": "max",
    "std": "std", "stdev": "std", "stddev": "std", "sd": "std", "sum": "sum", "majority": "majority", "minority": "minority",
    "variety": "variety", "dominant": "majority", "predominant": "majority", "prevailing": "majority",
}  # fmt: skip

DEFAULT_STATISTICS = ("mean", "min", "max", "median", "std")
PERCENTILES = frozenset({"p5", "p10", "p25", "p75", "p90", "p95"})

UNINFORMATIVE = frozenset(
    """
    layer data dataset file final raw v map shp tif lyr tbl clean new old copy version export poly polygon point line geom geometry
    m km ha sqkm sqm m2 km2 cm mm ft pct percent perc est estimate total tot value val num nb count cnt nr no the of and in id
    world global national local all public test sample demo int float real txt str table draft latest updated revised backup tmp edit
    """.split()
)
"""Parts of the names of datasets and columns that say nothing of what they hold."""

META_PARTS = frozenset(
    {"rank", "year", "date", "id", "code", "class", "source", "src", "flag", "note", "type", "key", "fid", "gid", "objectid"}
)
"""Parts that make a column say something about a quantity instead of holding it, as in `INCOME_RANK`."""

COMMON_SUFFIXES = frozenset(
    "ing er ers ed land lands way ways side yard line lines house plain place s es y ly ful less ness ship man work works ist ism al an"
    " ian ic ish en age or ory field fields top bed port word mark wood woods room shop bank ton ville ford".split()
)
"""What may follow an English word to make another word; such a remainder is no sign of an abbreviation."""


CONTINENTS = frozenset("africa antarctica asia europe oceania northamerica southamerica".split())
"""General knowledge: which of several columns that hold such a value is meant, if one is called after continents."""


def _synonym_sets() -> dict[str, frozenset[int]]:
    groups = [line.split() for line in _GROUPS.strip().splitlines()]
    words = {word for group in groups for word in group}
    return {word: frozenset(number for number, group in enumerate(groups) if word in group) for word in words}


_SYNONYMS = _synonym_sets()
_NONE: frozenset[int] = frozenset()


@lru_cache(maxsize=16384)
def are_synonyms(one: str, other: str) -> bool:
    """Whether two singular words name the same thing in the language of maps."""
    return bool(_SYNONYMS.get(one, _NONE) & _SYNONYMS.get(other, _NONE))


@lru_cache(maxsize=16384)
def abbreviates(short: str, word: str) -> bool:
    """Whether `short` is a clipped form of `word`, as pop of population; inflections and compounds are not."""
    if len(short) < 3 or len(word) <= len(short) + 1 or not short.isalpha() or not word.startswith(short):
        return False
    return word[len(short) :] not in COMMON_SUFFIXES


def is_harmless(word: str) -> bool:
    """Whether the word may be left aside."""
    return word in HARMLESS and word not in CONTENT_AFTER_ALL
