"""Names made from names: ids and titles from file names, a CRS's own name from its definition."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable


def humanised(stem: str) -> str:
    """Turn a file's stem into a title: `observed_event_first` → `observed event first`."""
    return re.sub(r"[\s_]+", " ", stem).strip() or stem


def slug(text: str) -> str:
    """Turn text into an id: lower case, accents dropped, words joined by `_`; letters of other scripts stay."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return re.sub(r"\W+", "_", plain).strip("_") or "dataset"


def free_id(wanted: str, taken: Iterable[str]) -> str:
    """Return `wanted`, or the first of `wanted_2`, `wanted_3`, … that nobody has."""
    used = set(taken)
    if wanted not in used:
        return wanted
    number = 2
    while f"{wanted}_{number}" in used:
        number += 1
    return f"{wanted}_{number}"


def crs_name(text: str) -> str:
    """Return how to call a CRS that is given as a code or as WKT: the code, or the first name in the WKT."""
    quoted = re.search(r'"([^"]*)"', text)
    return quoted[1] if quoted else text


def counted(number: int | None, noun: str) -> str:
    """Return a number with its English noun: 1 band, 3 bands."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
