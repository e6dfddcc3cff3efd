"""Search a catalogue of scenes, whatever its kind, with one result: the scenes that fit, and how surely they are all."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tools.contract import Source
from tools.errors import LimitError, ParameterError, ServiceError
from tools.settings import ToolSettings
from tools.storage.http import Remote
from tools.storage.stac_api import Api
from tools.storage.stac_catalogue import Catalogue, open_catalogue
from tools.storage.stac_io import GuardedIO, RejectedError
from tools.storage.stac_items import usable
from tools.storage.stac_links import Json
from tools.storage.stac_match import Sieve, implied_collections, is_ordered, ordered
from tools.storage.stac_query import SceneQuery, is_told_whole
from tools.storage.stac_static import Walk, reaches

MOST_SEEN = 5_000
"""Most scenes that are looked at for one question to an API."""
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Scenes:
    """What a search found."""

    items: tuple[Json, ...]
    """In the order asked for, at most as many as asked for."""
    matched: int
    """Scenes that fit, also those beyond the limit."""
    is_all: bool
    """Whether `matched` counts all of them: the catalogue was read to its end, or counts itself and agreed so far."""
    seen: int
    broken: Mapping[str, int] = field(default_factory=dict)
    without_cloud: int = 0
    checked_here: tuple[str, ...] = ()
    """Conditions that the server was not told, or did not apply; all others were checked here too."""
    unread: tuple[str, ...] = ()
    collections: tuple[Json, ...] = ()
    """The collections that were searched, as far as they are known."""


def search(source: Source, query: SceneQuery, settings: ToolSettings | None = None, progress: Progress = lambda _: None) -> Scenes:
    """Return the scenes of a catalogue that fit.

    Whatever a server says it filtered is checked here again; where it finds nothing by a filter, it is asked once more
    without. Raises ParameterError for a collection or property that is not there, LimitError where nothing was found among
    as many scenes as are looked at, and what `open_catalogue` raises.
    """
    chosen = settings or ToolSettings()
    done = 0.0

    def tell(share: float) -> None:
        nonlocal done
        done = share
        progress(share)

    with Remote(chosen) as remote:
        io = GuardedIO(remote, time.monotonic() + chosen.search_deadline_s, alive=lambda: progress(done))
        catalogue = open_catalogue(source, io)
        found = _search_api(catalogue.api, query, tell) if catalogue.api is not None else _search_static(catalogue, query, tell)
    if not found.items and not found.is_all:
        raise LimitError(
            f"None of the first {found.seen} scenes fits, and the catalogue has more than are looked at.",
            hint="Ask for a smaller area, a shorter time or one collection.",
        )
    return found


def _search_api(api: Api, query: SceneQuery, progress: Progress) -> Scenes:
    collections = _asked_collections(api, query)
    full, plain = api.parameters(query), api.parameters(query, plain=True)
    found = _collected(api, query, full, progress)
    if found is None or (not found.items and full != plain):
        found = _collected(api, query, plain, progress) or found
    if found is None and api.method == "POST":
        found = _collected(api, query, plain, progress, by_get=True)
    if found is None:
        raise ServiceError(f"The catalogue {api.url} understands no search.", hint="It may be too old; use a current one.")
    return replace(found, collections=collections or (() if found.items else api.collections()))


def _asked_collections(api: Api, query: SceneQuery) -> tuple[Json, ...]:
    found = [(name, api.collection(name)) for name in query.collections]
    missing = next((name for name, document in found if document is None), None)
    if missing is not None:
        raise _no_collection(missing, [str(one["id"]) for one in api.collections()])
    return tuple(document for _, document in found if document is not None)


@dataclass
class _Pages:
    """What is known while the pages of an API are read."""

    sieve: Sieve
    stated: int | None = None
    """How many scenes the catalogue says that there are."""
    is_cut: bool = False

    def take(self, page: Json, base: str) -> bool:
        """Take one page; return whether it had anything new."""
        if self.stated is None:
            context = page.get("context")
            stated = page.get("numberMatched", context.get("matched") if isinstance(context, dict) else None)
            self.stated = stated if isinstance(stated, int) and stated >= 0 else None
        return self.sieve.take(page["features"], base)

    def is_enough(self, is_told_all: bool) -> bool:
        """Whether the scenes so far are the first ones and the catalogue's own count can be believed."""
        sieve = self.sieve
        agrees = is_told_all and not (sieve.rejected or sieve.broken)
        return (
            self.stated is not None and agrees and len(sieve.fitting) >= sieve.query.limit and is_ordered(sieve.fitting, sieve.query.order)
        )


def _collected(api: Api, query: SceneQuery, told: Json, progress: Progress, *, by_get: bool = False) -> Scenes | None:
    """Read page after page until there is no more, or enough; None where the server does not understand what it is told."""
    pages, cuts = _Pages(Sieve(query)), api.io.cuts
    is_told_all = "sortby" in told and not _untold(query, told)
    is_enough = False
    try:
        for box in query.boxes:
            for base, page in api.pages(box, told, "GET" if by_get else api.method):
                is_new = pages.take(page, base)
                progress(min(0.99, pages.sieve.seen / max(1, min(pages.stated or MOST_SEEN, MOST_SEEN))))
                is_enough = pages.is_enough(is_told_all)
                is_late = pages.sieve.seen >= MOST_SEEN or time.monotonic() > api.io.until
                # What lies in two boxes comes twice; of one box, a page without anything new is a server that goes round in circles.
                is_circling = len(query.boxes) == 1 and bool(page["features"]) and not is_new
                pages.is_cut |= not is_enough and (is_late or is_circling)
                if is_enough or pages.is_cut:
                    break
    except RejectedError:
        return None
    pages.sieve.finish()
    is_cut = pages.is_cut or api.io.cuts > cuts
    matched = max(pages.stated or 0, len(pages.sieve.fitting)) if is_enough else len(pages.sieve.fitting)
    return _scenes(pages.sieve, matched=matched, is_all=not is_cut, checked_here=_checked_here(query, told, pages.sieve))


def _search_static(catalogue: Catalogue, query: SceneQuery, progress: Progress) -> Scenes:
    walk, sieve = Walk(catalogue.read, query), Sieve(query)
    everything: list[Json] = []
    for here, items in walk.items(catalogue.address):
        sieve.take(items, here)
        everything += usable(items)
        progress(min(0.99, len(everything) / MOST_SEEN))
    implied = {one["id"]: one for one in implied_collections(everything)}
    known = {**implied, **walk.collections}
    missing = next((name for name in query.collections if name not in known), None)
    if missing is not None:
        raise _no_collection(missing, list(known))
    sieve.finish()
    found = _scenes(sieve, matched=len(sieve.fitting), is_all=not walk.is_cut, checked_here=())
    asked = tuple(one for name, one in known.items() if not query.collections or name in query.collections)
    return replace(found, unread=tuple(walk.unread), collections=asked)


def _scenes(sieve: Sieve, *, matched: int, is_all: bool, checked_here: tuple[str, ...]) -> Scenes:
    query = sieve.query
    return Scenes(
        items=tuple(ordered(sieve.fitting, query.order)[: query.limit]),
        matched=matched,
        is_all=is_all,
        seen=sieve.seen,
        broken=dict(sieve.broken),
        without_cloud=sieve.without_cloud,
        checked_here=checked_here,
    )


def _untold(query: SceneQuery, told: Json) -> list[str]:
    """Return the conditions that a server was not told."""
    has_filter = "filter" in told
    untold = ["tile"] if query.tile is not None else []
    if query.cloud_below is not None and not has_filter and "query" not in told:
        untold.append("cloud_below")
    if query.where.conditions and not (has_filter and is_told_whole(query)):
        untold.append("where")
    return untold


def _checked_here(query: SceneQuery, told: Json, sieve: Sieve) -> tuple[str, ...]:
    ignored = ["what the catalogue was told and did not apply"] if sieve.rejected and {"filter", "query"} & set(told) else []
    return (*_untold(query, told), *([] if "sortby" in told else ["sort"]), *ignored)


def _no_collection(missing: str, known: Iterable[str]) -> ParameterError:
    named = [name for name in known if name]
    near = difflib.get_close_matches(missing, named, n=3, cutoff=0.4) or named[:10]
    hint = f"Nearest: {', '.join(near)}." if near else "The catalogue names no collections; leave the parameter out."
    return ParameterError(f"The catalogue has no collection {missing!r}.", hint=hint)


def covering(scenes: Scenes, query: SceneQuery) -> tuple[Json, ...]:
    """Return the searched collections whose stated extent reaches the place and time asked for; an open end means now, not ever."""
    now = datetime.now(UTC)
    return tuple(one for one in scenes.collections if reaches(one, query, until=now))
