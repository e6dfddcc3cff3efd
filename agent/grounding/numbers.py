"""Find numbers in text: where they stand, what they are worth, how exactly they are written, and in which unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from agent.grounding.number_words import WORDED, is_claim, word_value
from agent.grounding.written_units import read_unit

_NUMERAL = re.compile(
    r"(?<!\w)(?<!\w\.)(?:(?<![\w)\]%²°])(?P<sign>[-−–+]))?"
    r"(?P<digits>\d{1,3}(?P<group>[,'’\u00a0\u2009\u202f ])\d{3}(?:(?P=group)\d{3})*(?:\.\d+)?"
    r"|\d{1,3}(?:\.\d{3})+,\d+|\d+(?:[.,]\d+)?|\.\d+)"
    r"(?P<power>[eE][+-]?\d+|\s?[×x]\s?10(?:\^[-−]?\d+|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?(?!\d)(?!\.\d)"
    r"(?P<scale>\s?(?:hundred|thousand|million|billion)\b|(?:k|M|bn)(?!\w))?"
)
_SCALES = {"hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "M": 1e6, "billion": 1e9, "bn": 1e9}
_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")
_HEDGE = re.compile(r"(?:\b(?:about|approximately|approx\.?|around|roughly|nearly|almost|some|circa|ca\.?)|[≈~∼])\s*$", re.IGNORECASE)
_IDENTIFIER_BEFORE = re.compile(r"[^\W\d][-/]$|#$|№\s?$")
_NOUN = re.compile(r"[\s\u00a0\u202f]{0,4}-?([^\W\d_]+)")
_JOINED = re.compile(r"\s*,?\s*(?:(?:and|or|to|versus|vs\.?|against|&|/|±)\s*|[-–—]\s*)[-−+]?", re.IGNORECASE)
_LOOK_BACK = 40
"""Characters."""
_MARKUP = re.compile(r"[*`]")
_HEMISPHERE = re.compile(r"(?:\s?°\s?|\s?degrees?\s)(?P<side>[NSEW]|(?i:north|south|east|west))(?!\w)")
"""Behind a longitude or latitude, of which the western and the southern are negative."""
_AXIS = re.compile(r"\b(?P<axis>lon|lat)(?:gitude|itude|\.)?(?:\s?(?:of|is|was|=|:))?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Number:
    """A number as it is written."""

    start: int
    end: int
    """End of the numeral with its scale word, without the unit."""
    text: str
    value: float
    half_unit: float
    """Half a unit in the last written digit: how far the true value may lie away."""
    unit: str | None
    """A member of the closed list, `FOREIGN`, `DATE`, or None where no unit stands behind the number."""
    end_unit: int
    """End with the unit."""
    noun: str = ""
    """The word right behind a number without a unit, in lower case: `districts`."""
    hedged: bool = False
    """`about 1,200`: zeros at the end are no written digits then."""
    axis: str = ""
    """`longitude` or `latitude`, where that word stands before it or a side of the Earth behind it."""

    @property
    def tolerance(self) -> float:
        """Return how far the true value may lie away, in the unit of the number."""
        if not self.hedged or not self.value.is_integer() or self.value == 0:
            return self.half_unit
        digits = str(int(abs(self.value)))
        return max(self.half_unit, 0.5 * 10.0 ** (len(digits) - len(digits.rstrip("0"))))


def plain(text: str) -> str:
    """Return the text with Markdown's emphasis replaced by spaces, so that `**12** ha` reads `12 ha`; places stay."""
    return _MARKUP.sub(" ", text)


def numbers_in(text: str, masked: Sequence[tuple[int, int]] = ()) -> list[Number]:
    """Return the numbers of a text in order of place, leaving out those that overlap a masked span.

    Numbers glued to letters (`B04`, `3D`, `2nd`) and numbers behind a letter and a hyphen (`Sentinel-2`) are names.
    In a coordination (`12 and 30 ha`, `3–5 m`) the unit of the last holds for all.
    """
    readable = plain(text)
    numerals = (_numeral(readable, match) for match in _NUMERAL.finditer(readable))
    words = (_worded(readable, match) for match in WORDED.finditer(readable))
    found = sorted((number for number in (*numerals, *words) if number and not _overlaps(number, masked)), key=lambda number: number.start)
    in_units = {later.start for number, later in pairwise(found) if later.start < number.end_unit}  # the 2 of km^2
    return _sharing_units(readable, [number for number in found if number.start not in in_units])


def _overlaps(number: Number, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < number.end and number.start < end for start, end in spans)


def _numeral(text: str, match: re.Match[str]) -> Number | None:
    end = match.end()
    unit, end_unit = read_unit(text, end)
    glued = end < len(text) and (text[end].isalpha() or text[end] == "_") and unit is None
    before = _before(text, match.start())
    if glued or (not match["sign"] and unit is None and _IDENTIFIER_BEFORE.search(before)):
        return None
    value, half_unit = _worth(match)
    if side := _HEMISPHERE.match(text, end):
        letter = side["side"][0].upper()
        axis = "latitude" if letter in "NS" else "longitude"
        signed = -value if letter in "SW" else value
        return Number(match.start(), end, match.group(), signed, half_unit, "degree", side.end(), axis=axis)
    noun = "" if unit else _noun_at(text, end)
    word = _AXIS.search(before)
    said = "" if word is None else "longitude" if word["axis"].lower() == "lon" else "latitude"
    return Number(match.start(), end, match.group(), value, half_unit, unit, end_unit, noun, bool(_HEDGE.search(before)), said)


def _before(text: str, start: int) -> str:
    """Return the last words before a place; the patterns look no farther back."""
    return text[max(0, start - _LOOK_BACK) : start]


def _worth(match: re.Match[str]) -> tuple[float, float]:
    """Return the value and half a unit of its last written digit."""
    digits = match["digits"]
    if match["group"]:
        digits = digits.replace(match["group"], "")
    elif "." in digits and "," in digits:
        digits = digits.replace(".", "")
    digits = digits.replace(",", ".")
    factor = _SCALES[match["scale"].strip()] if match["scale"] else 1.0
    if match["power"]:
        factor *= 10.0 ** int(re.sub(r"^[eE]|^\s?[×x]\s?10\^?", "", match["power"]).translate(_SUPERSCRIPTS))
    sign = -1.0 if match["sign"] in ("-", "−", "–") else 1.0
    decimals = len(digits.partition(".")[2])
    return sign * float(digits) * factor, 0.5 * 10.0**-decimals * factor


def _worded(text: str, match: re.Match[str]) -> Number | None:
    unit, end_unit = read_unit(text, match.end())
    noun = "" if unit else _noun_at(text, match.end())
    if not is_claim(match.group(), _before(text, match.start()), noun, has_unit=unit is not None):
        return None
    return Number(match.start(), match.end(), match.group(), float(word_value(match.group())), 0.5, unit, end_unit, noun)


def _noun_at(text: str, end: int) -> str:
    match = _NOUN.match(text, end)
    return match.group(1).casefold() if match else ""


def _sharing_units(text: str, numbers: Sequence[Number]) -> list[Number]:
    """Hand the unit back along `12, 30 and 44 ha`; a bare comma joins only what ends in a conjunction."""
    shared: list[Number] = []
    in_list = False
    for number in reversed(numbers):
        following = shared[-1] if shared and number.unit is None else number
        between = text[number.end : following.start]
        in_list = bool(following.unit and (_JOINED.fullmatch(between) or (in_list and between == ", ")))
        shared.append(replace(number, unit=following.unit, noun=following.noun) if in_list else number)
    return shared[::-1]
