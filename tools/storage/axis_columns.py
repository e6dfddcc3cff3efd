"""Which columns of a table hold coordinates, told by their names alone: the axis is in the name, never in the position.

Names are compared by their words, without case and accents, in the languages of common exports: `Latitude`, `lat_wgs84`, `GPS Lat`,
`Längengrad`, `latitud`, `широта`, and of an angle in parts `lat_deg`, `lat_min`, `lat_sec`, `lat_hem`. Words that also mean the length
or width of a thing (Länge, Breite, długość) count only beside one for "geographic".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tools.geo.angles import AxisName

Part = Literal["degrees", "minutes", "seconds", "hemisphere"]

AXES: dict[AxisName, tuple[str, ...]] = {
    "longitude": (
        "longitude", "lon", "lng", "long", "longitud", "longitudine", "longitudes", "langengrad", "laengengrad", "lengtegraad", "lengdegrad",
        "langdegrad", "laengdegrad", "pituusaste", "boylam", "долгота", "довгота", "经度", "經度", "経度", "경도",
    ),
    "latitude": (
        "latitude", "lat", "latitud", "latitudine", "latitudes", "breitengrad", "breedtegraad", "breddegrad", "leveysaste", "enlem",
        "широта", "纬度", "緯度", "위도",
    ),
}  # fmt: skip
BESIDE_GEOGRAPHIC: dict[AxisName, tuple[str, ...]] = {
    "longitude": ("lange", "laenge", "dlugosc", "delka", "dlzka", "duzina", "dolzina", "lengte"),
    "latitude": ("breite", "szerokosc", "sirka", "sirina", "breedte"),
}
GEOGRAPHIC = frozenset("geogr geographisch geographische geografische geograficzna geograficzny zemepisna geograficka geografska".split())
EASTINGS = ("easting", "x", "eastings", "rechtswert", "xcoord", "coordx", "xutm", "utmx", "utme")
NORTHINGS = ("northing", "y", "northings", "hochwert", "ycoord", "coordy", "yutm", "utmy", "utmn")
NEUTRAL = frozenset(
    """
    wgs wgs84 84 4326 epsg dd dms decimal decimals dec gps geo gis point location coord coords coordinate coordinates coordenada
    coordonnee koordinate centroid center centre x y utm pos position
    """.split()
)
"""Words that say nothing about which axis, or of which place, a coordinate is; `start` or `home` do."""
METRES = frozenset("m metre metres meter meters".split())
PARTS: dict[Part, frozenset[str]] = {
    "degrees": frozenset("deg degs degree degrees d grad grado grados gradi degre degres graden grader graus".split()),
    "minutes": frozenset("min mins minute minutes m minuten minuto minutos minuti minuter".split()),
    "seconds": frozenset("sec secs second seconds s sek sekunden segundo segundos secondi seconde secondes seg".split()),
    "hemisphere": frozenset("hem hemi hemisphere hemisphaere hemisferio emisfero h ns ew we ref dir direction cardinal letter".split()),
}
WORDS = tuple(sorted({word for words in AXES.values() for word in words}))
ENDS = frozenset().union(*PARTS.values())
WKT_WORDS = frozenset("wkt geometry geom the shape geometria geometrie".split())
MOST = "max"
"""Beside this word `min` is a minimum, not minutes."""


@dataclass(frozen=True)
class AxisColumns:
    """The columns of one axis: one of decimal degrees or texts of angles, or of degrees with their minutes and seconds."""

    axis: AxisName
    degrees: str
    """Degrees, or all of the angle where there are no minutes."""
    minutes: str | None = None
    seconds: str | None = None
    hemisphere: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that is used."""
        return tuple(name for name in (self.degrees, self.minutes, self.seconds, self.hemisphere) if name is not None)


@dataclass(frozen=True)
class _Read:
    """What a column's name says: the axis, the part of an angle, the words beside them, and how common its word is."""

    name: str
    axis: AxisName
    part: Part | None
    rank: tuple[int, int]


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a column's name, without case and accents: `GPS-Länge` is (gps, lange), `LatDeg` (lat, deg)."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name.replace("ł", "l")) if not unicodedata.combining(sign))
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return tuple(unicodedata.normalize("NFKC", word) for word in re.findall(r"[^\W_]+", spaced.casefold()))


def axis_columns(names: Iterable[str], whole: Iterable[str]) -> tuple[AxisColumns, AxisColumns] | None:
    """Return the columns of longitude and of latitude, None unless both are there; `whole` are columns of whole numbers.

    Of several the plainest name counts: `latitude` before `gps_latitude`.
    """
    columns = [str(name) for name in names]
    read = [found for name in columns if (found := _read(name)) is not None]
    bounded = {axis for name in columns for axis in AXES if MOST in words_of(name) and set(words_of(name)) & set(AXES[axis])}
    longitude, latitude = (_axis(axis, [one for one in read if one.axis == axis], set(whole), axis in bounded) for axis in AXES)
    return None if longitude is None or latitude is None else (longitude, latitude)


def plane_columns(names: Iterable[str]) -> tuple[str, str] | None:
    """Return the columns of x or easting and of y or northing in a plane, None unless both are there."""
    kept = {name: words_of(name) for name in map(str, names)}
    words = {name: [word for word in kept[name] if word in (*EASTINGS, *NORTHINGS) or word not in NEUTRAL | METRES] for name in kept}
    found = [next((name for word in axis for name in words if words[name] == [word]), None) for axis in (EASTINGS, NORTHINGS)]
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def names_geometry(name: str) -> bool:
    """Whether a column is called as one of geometries in text: wkt, geom, the_geom, geometry_wkt."""
    words = set(words_of(name))
    return bool(words) and words <= WKT_WORDS


def _read(name: str) -> _Read | None:
    words = [piece for word in words_of(name) for piece in _unglued(word)]
    for axis, common in AXES.items():
        vocabulary = (*common, *(BESIDE_GEOGRAPHIC[axis] if GEOGRAPHIC & set(words) else ()))
        known = [word for word in words if word in vocabulary]
        others = [word for word in words if word not in vocabulary and word not in GEOGRAPHIC]
        parts = [part for part in PARTS for word in others if word in PARTS[part]]
        neutral = [word for word in others if word in NEUTRAL]
        if len(known) == 1 and len(parts) <= 1 and len(parts) + len(neutral) == len(others):
            return _Read(name, axis, parts[0] if parts else None, (len(neutral), vocabulary.index(known[0])))
    return None


def _unglued(word: str) -> tuple[str, ...]:
    """Part the word of an axis from that of a part of an angle: `latdeg` is lat, deg."""
    if word in WORDS:
        return (word,)
    return next(((known, word[len(known) :]) for known in WORDS if word.startswith(known) and word[len(known) :] in ENDS), (word,))


def _axis(axis: AxisName, read: list[_Read], whole: set[str], bounded: bool) -> AxisColumns | None:
    """Put the columns of an axis together; `bounded`: it has a maximum, so its `min` is no minutes."""
    best: dict[Part | None, str] = {one.part: one.name for one in sorted(read, key=lambda one: one.rank, reverse=True)}
    plain, degrees = best.get(None), best.get("degrees")
    minutes = None if bounded and degrees is None else best.get("minutes")
    hemisphere = best.get("hemisphere")
    if plain is not None and (minutes is None or degrees is not None or plain not in whole):
        return AxisColumns(axis, plain, hemisphere=hemisphere if degrees is None else None)
    first = degrees if degrees is not None else plain
    return None if first is None else AxisColumns(axis, first, minutes, best.get("seconds") if minutes else None, hemisphere)
