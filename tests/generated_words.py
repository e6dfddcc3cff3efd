"""Words of which generated workspaces are made: themes, classes, kinds of place, invented names, and how people spell files.

All lists are general words of the field or invented; none comes from a real dataset.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """Return one of the options."""
    return options[int(rng.integers(len(options)))]


def sample(rng: np.random.Generator, options: Sequence[T], count: int) -> list[T]:
    """Return `count` different options, in random order."""
    return [options[int(i)] for i in rng.permutation(len(options))[:count]]


@dataclass(frozen=True)
class Noun:
    """A word of which there can be one or many."""

    one: str
    many: str


def nouns(text: str) -> tuple[Noun, ...]:
    """Read `one/many` pairs separated by commas; a missing plural adds an s."""
    pairs = (entry.strip().partition("/") for entry in text.split(","))
    return tuple(Noun(one, many or f"{one}s") for one, _, many in pairs)


def listed(text: str) -> tuple[str, ...]:
    """Read phrases separated by commas."""
    return tuple(phrase.strip() for phrase in text.split(","))


@dataclass(frozen=True)
class Surface:
    """What a raster of values measures."""

    theme: str
    unit: str
    """As GDAL's band unit and in questions; empty where people give none."""
    base: float
    """Smallest value, in `unit`."""
    span: float
    """Largest minus smallest value."""
    decimals: int
    """Digits after the point to which thresholds are rounded in questions."""


SURFACES = (
    Surface("elevation", "m", 310.0, 95.0, 0),
    Surface("flood depth", "m", 0.05, 3.9, 1),
    Surface("slope", "degree", 1.0, 33.0, 0),
    Surface("soil moisture", "%", 8.0, 40.0, 1),
    Surface("surface temperature", "degC", 11.0, 19.0, 1),
    Surface("annual rainfall", "mm", 420.0, 380.0, 0),
    Surface("canopy height", "m", 0.4, 29.0, 1),
    Surface("snow depth", "cm", 12.0, 160.0, 0),
    Surface("noise level", "", 38.0, 41.0, 0),
    Surface("population density", "", 14.0, 900.0, 0),
    Surface("soil depth", "cm", 15.0, 140.0, 0),
    Surface("water table depth", "m", 0.6, 14.0, 1),
)

COVER_CLASSES = listed(
    "water, wetland, grassland, cropland, shrubland, bare soil, built-up, orchard, vineyard, tundra, mangrove, evergreen forest, "
    "deciduous forest, mixed forest, rice paddy, glacier, salt flat, sand, peat bog, savanna"
)
COVER_THEMES = ("land cover", "land use", "vegetation", "habitat", "cover type")

CROPS = listed("barley, winter wheat, maize, rye, oats, sugar beet, potatoes, rapeseed, sunflower, soybean, lentils, flax, clover")
SOILS = ("loam", "sandy loam", "clay", "silt", "podzol", "chernozem", "gley", "rendzina", "luvisol", "histosol", "andosol")
TENURES = ("public", "private", "communal", "leasehold", "church land", "trust land")
PARCEL_THEMES = (
    (Noun("field", "fields"), ("crop", "crop_type", "CROP", "culture"), CROPS),
    (Noun("soil unit", "soil units"), ("soil", "soil_type", "texture", "SOILTYPE"), SOILS),
    (Noun("parcel", "parcels"), ("tenure", "ownership", "OWNER_TYPE", "holding"), TENURES),
    (Noun("plot", "plots"), ("crop", "planted", "main_crop"), CROPS),
)
"""Noun of the features, names of the class column, class values."""

PARCEL_NUMBERS = ("price_eur", "yield_t", "rent", "households", "tax_value", "trees")

FACILITIES = nouns(
    "clinic, school, well, pharmacy/pharmacies, bakery/bakeries, shelter, fire station, library/libraries, market, hydrant, pumping station, "
    "weather station, gauge, substation, bus stop, playground, lighthouse, bunker, chapel, silo, sawmill, quarry/quarries"
)
SITE_THEMES = nouns("facility/facilities, site, amenity/amenities, asset, point of interest/points of interest")
SITE_KIND_COLUMNS = ("kind", "category", "type", "amenity", "facility_type", "KIND")
SITE_NUMBERS = ("capacity", "staff", "visitors", "beds", "budget_k", "employees")

ROUTE_THEMES = (
    (Noun("road", "roads"), ("surface", "road_class", "highway"), ("gravel", "paved", "dirt", "cobbled")),
    (Noun("trail", "trails"), ("difficulty", "grade", "rating"), ("easy", "moderate", "demanding")),
    (Noun("pipe", "pipes"), ("material", "MATERIAL", "made_of"), ("steel", "concrete", "copper", "plastic")),
    (Noun("cable", "cables"), ("voltage_class", "level", "net"), ("low voltage", "medium voltage", "high voltage")),
    (Noun("canal", "canals"), ("use", "purpose", "function"), ("irrigation", "drainage", "navigation")),
)

EXTENTS = nouns(
    "floodplain, reserve, burn scar, concession, drought area, buffer area, landslide area, heritage area, quarantine area, noise contour, training area"
)

ZONE_NOUNS = nouns(
    "district, parish/parishes, ward, commune, catchment, municipality/municipalities, precinct, township, basin, county/counties, canton, borough, "
    "region, village, management unit"
)

NAME_COLUMNS = ("name", "NAME", "label", "title", "Name_EN", "full_name", "designation")

SYLLABLES = listed("tor, ve, lun, mar, sol, kes, bra, dun, hal, nor, fen, ri, gal, os, pel, zan, mir, ul, ka, wen, syl, bor")
ENDINGS = ("by", "stad", "ville", "ford", "heim", "ito", "mouth", "grad", "moor", "ø", "ünde", "éra", "ñas", "wick", "dale", "ska")
PREFIXES = ("", "", "", "", "Upper ", "Lower ", "New ", "St. ", "North ", "East ", "Old ")


def invent_name(rng: np.random.Generator) -> str:
    """Return an invented place name, now and then with a prefix or an accent."""
    body = "".join(pick(rng, SYLLABLES) for _ in range(int(rng.integers(1, 3)))) + pick(rng, ENDINGS)
    return pick(rng, PREFIXES) + body.capitalize()


def invent_names(rng: np.random.Generator, count: int) -> list[str]:
    """Return `count` different names, none a part of another, so that a question names exactly one."""
    names: list[str] = []
    while len(names) < count:
        name = invent_name(rng)
        if not any(name.lower() in other.lower() or other.lower() in name.lower() for other in names):
            names.append(name)
    return names


def zone_names(rng: np.random.Generator, count: int, invented: Iterator[str]) -> list[str]:
    """Return names of zones: invented places, or codes such as `K-07` in one layer of six."""
    if rng.random() < 1 / 6:
        letter = pick(rng, "ABDGKPRTZ")
        return [f"{letter}-{number:02d}" for number in range(3, 3 + count)]
    return [next(invented) for _ in range(count)]


def spell_stem(rng: np.random.Generator, words: str) -> str:
    """Return a file stem for `words`, spelled as people do: snake, kebab or camel case, with a version or year or a code."""
    parts = words.replace("-", " ").split()
    styles = ("_".join(parts), "-".join(parts), "".join(part.capitalize() for part in parts), "_".join(parts).upper())
    stem = pick(rng, styles)
    tails = ("", "", "_v2", f"_{int(rng.integers(1994, 2026))}", "_final", "-draft", f"_{pick(rng, 'qxz')}{int(rng.integers(10, 99))}")
    return stem + pick(rng, tails)


def spell_value(rng: np.random.Generator, values: Sequence[str]) -> list[str]:
    """Return class names as a file may hold them: as they are, in title case, or in capitals; one style per file."""
    style = pick(rng, (str, str, str.title, str.upper))
    return [style(value) for value in values]
