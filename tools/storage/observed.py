"""When pixels were observed, and under how many clouds: a tag that bands of results carry on.

It is written into the band, not beside it, so that it is part of what later results are made of: equal pixels of two days differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tools.contract import Fact
from tools.storage.stac_items import interval_of

TAG = "TERRACITE_OBSERVED"
CLOUD = "eo:cloud_cover"


@dataclass(frozen=True)
class Observed:
    """What is known of the observation behind a band."""

    first: str
    """Earliest instant, RFC 3339."""
    last: str
    cloud_cover: float | None = None
    """Share of clouds in the whole scene as its catalogue states it, in percent; of several scenes the largest."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object of what is known."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def observed_in(item: Mapping[str, Any]) -> Observed | None:
    """Return what a STAC item tells; None where it tells no time."""
    try:
        first, last = interval_of(item)
    except (KeyError, ValueError):
        return None
    cloud = item["properties"].get(CLOUD)
    is_share = isinstance(cloud, (int, float)) and not isinstance(cloud, bool) and 0 <= cloud <= 100
    return Observed(first.isoformat(), last.isoformat(), float(cloud) if is_share else None)


def together(parts: Iterable[Observed | None]) -> Observed | None:
    """Return what is known of several bands as one; None where nothing is known of one of them."""
    known = list(parts)
    if not known or not all(known):
        return None
    there = [part for part in known if part is not None]
    clouds = [part.cloud_cover for part in there if part.cloud_cover is not None]
    first, last = min(part.first for part in there), max(part.last for part in there)
    return Observed(first, last, max(clouds) if len(clouds) == len(there) else None)


def as_tag(observed: Observed) -> str:
    """Return what is known as its tag holds it."""
    return json.dumps(observed.to_json(), sort_keys=True)


def from_tag(text: str) -> Observed | None:
    """Read our own tag; in a file of others it may hold anything, and then tells nothing."""
    try:
        found = json.loads(text)
        cloud = found.get("cloud_cover")
        return Observed(str(found["first"]), str(found["last"]), None if cloud is None else float(cloud))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def observed_facts(observed: Observed | None) -> tuple[Fact, ...]:
    """Return the cloud cover of the scenes, where it is known."""
    cloud = None if observed is None else observed.cloud_cover
    return () if cloud is None else (Fact("cloud_cover", cloud, "%", {"of": "the whole scene, before masks"}),)


def observed_method(observed: Observed | None) -> dict[str, Any]:
    """Return, for the record of the method, when the pixels were observed, as far as that is known."""
    return {} if observed is None else {"observed": observed.to_json()}
