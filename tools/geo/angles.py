"""Longitudes and latitudes as people write them: decimal degrees, or degrees, minutes and seconds, with or without a hemisphere."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Literal

AxisName = Literal["longitude", "latitude"]

HEMISPHERES: dict[AxisName, dict[str, float]] = {
    "latitude": {"n": 1.0, "north": 1.0, "s": -1.0, "south": -1.0},
    "longitude": {"e": 1.0, "east": 1.0, "w": -1.0, "west": -1.0},
}
"""Letter or word → sign. O is East in German and West in the Romance languages, so the other letters of the column decide it."""
MOST_DEGREES: dict[AxisName, float] = {"latitude": 90.0, "longitude": 360.0}

_NUMBER = r"\d+(?:[.,]\d+)?"
_DEGREES, _MINUTES, _SECONDS = r"(?:°|º|˚|(?-i:d(?:eg)?)\.?|:|\s)", r"(?:'|′|’|‘|(?-i:m(?:in)?)\.?|:|\s)", r"(?:\"|″|”|“|''|′′|’’)"
_LETTER = r"(?P<{0}>north|south|east|west|[nsewo])"
ANGLE = re.compile(
    rf"\s*{_LETTER.format('before')}?\s*(?P<sign>[+\-−])?\s*(?P<degrees>{_NUMBER})\s*"
    rf"(?:{_DEGREES}\s*(?:(?P<minutes>{_NUMBER})\s*(?:{_MINUTES}\s*(?:(?P<seconds>{_NUMBER})\s*{_SECONDS}?)?)?)?)?"
    rf"\s*{_LETTER.format('after')}?\s*",
    re.IGNORECASE,
)
"""After `SECONDS_LETTER`: 41°53'24"N, N 41 53.4, 41:53:24, -41.89, 41,89° …; the sexagesimal notation of ISO 6709:2022, annex D, and its common variants."""
SECONDS_LETTER = re.compile(r"(?<=\d)(\s*m(?:in)?\.?\s*[\d.,]+)s(?:ec)?\.?")
"""The s of seconds, which without minutes before it that have their letter too could as well be South."""


def east_letter(letters: Iterable[str]) -> float | None:
    """Return the sign of the letter O in a column of longitudes, None where nothing tells: East beside W, West beside E."""
    found = {letter.casefold() for letter in letters}
    if "w" in found:
        return 1.0
    return -1.0 if "e" in found else None


def letters_of(texts: Iterable[str]) -> set[str]:
    """Return the hemispheres that stand in texts of angles, in lower case."""
    found = (_match(text) for text in texts)
    return {(match["before"] or match["after"] or "").casefold() for match in found if match} - {""}


def parse_angle(text: str, axis: AxisName, letter_o: float | None = None) -> float:
    """Return one text as decimal degrees; `letter_o` is the sign of O, see `east_letter`.

    Raises ValueError, saying why, for any other text, a hemisphere of the other axis, two hemispheres, minutes or seconds of 60 and
    more, and a sign that contradicts the hemisphere.
    """
    match = _match(text)
    if match is None:
        raise ValueError("is no angle")
    if match["before"] and match["after"]:
        raise ValueError("names two hemispheres")
    letter = match["before"] or match["after"]
    degrees, minutes, seconds = (_number(match[name]) for name in ("degrees", "minutes", "seconds"))
    return degrees_of(-degrees if match["sign"] in ("-", "−") else degrees, minutes, seconds, letter, axis=axis, letter_o=letter_o)


def _match(text: str) -> re.Match[str] | None:
    return ANGLE.fullmatch(SECONDS_LETTER.sub(r'\1"', text))


def degrees_of(
    degrees: float, minutes: float, seconds: float, hemisphere: str | None, *, axis: AxisName, letter_o: float | None = None
) -> float:
    """Return degrees, minutes and seconds as decimal degrees, degrees + minutes / 60 + seconds / 3600 with the sign of the degrees.

    A negative zero is negative: -0° 30' is half a degree south or west. Raises ValueError as `parse_angle` does.
    """
    if not (0 <= minutes < 60 and 0 <= seconds <= 60):
        raise ValueError(f"has minutes {minutes:g} and seconds {seconds:g}, which are not below 60")
    if (minutes or seconds) and degrees % 1:
        raise ValueError(f"has a fraction of a degree ({degrees:g}) beside minutes")
    if seconds and minutes % 1:
        raise ValueError(f"has a fraction of a minute ({minutes:g}) beside seconds")
    sign = _sign(hemisphere, axis, letter_o)
    if math.copysign(1.0, degrees) < 0:
        if hemisphere and sign > 0:
            raise ValueError(f"is negative and lies {hemisphere}")
        sign = -1.0
    value = sign * ((abs(degrees) * 3600 + minutes * 60 + seconds) / 3600 if minutes or seconds else abs(degrees))
    if abs(value) > MOST_DEGREES[axis]:
        raise ValueError(f"is beyond {MOST_DEGREES[axis]:g} degrees")
    return value


def _sign(hemisphere: str | None, axis: AxisName, letter_o: float | None) -> float:
    if not hemisphere:
        return 1.0
    folded = hemisphere.strip().casefold()
    sign = letter_o if folded == "o" and axis == "longitude" else HEMISPHERES[axis].get(folded)
    if sign is None:
        reason = "O is East in some languages and West in others" if folded == "o" else f"no hemisphere of a {axis}"
        raise ValueError(f"has the hemisphere {hemisphere!r}: {reason}")
    return sign


def _number(text: str | None) -> float:
    return float(text.replace(",", ".")) if text else 0.0
