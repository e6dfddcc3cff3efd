"""Find a named place in the registered layers, else with a geocoder where one is set: candidates, never a guess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tools.catalog.naming import counted
from tools.catalog.place_candidates import Candidate, candidates_in, may_hold
from tools.contract import Fact, Tool, ToolContext, ToolOutput
from tools.errors import ConfigurationError, DataError, NotFoundError, ServiceError
from tools.geotypes import Params, VectorRef
from tools.settings import current_settings

if TYPE_CHECKING:
    from tools.storage.geocoder import Place

PLACES_FILE = "places.parquet"
SURE = ("exact", "prefix", "contains")
"""Matches in the layers that make a geocoder needless; a name that is merely alike may be another place."""


class FindPlaceParams(Params):
    """Find features by name in the text columns of registered layers, further names and lists of names included. Returns candidates (dataset, column, value, extent); several candidates, or namesakes in one, mean: ask which one. Places that no layer names may come from an online geocoder; its result a:KEY is then a layer of them."""

    name: str = Field(min_length=1, max_length=200, description="The name as written in the question; case and accents do not matter.")
    layers: list[VectorRef] = Field(default_factory=list, description="Only in these layers; empty = all.")
    limit: int = Field(default=20, ge=1, le=200, description="At most so many candidates.")


def run(params: FindPlaceParams, context: ToolContext) -> ToolOutput:
    """Find the place; see `FindPlaceParams`.

    Only the best class of match over all layers is returned, and each place once per layer. Nothing found is an answer, a count of 0 with the layers
    that were searched; a layer that cannot be read is a warning, and so is a geocoder that does not answer. Raises ParameterError where
    the host of the geocoder is not allowed.
    """
    found, searched, unread = _in_layers(params, context)
    best = _distinct(sorted((candidate for candidate in found if candidate.exactness == _best(found)), key=Candidate.order))
    if _best(found) not in SURE and _has_geocoder() and not params.layers:
        try:
            places = _geocoded(params, context)
        except (ServiceError, DataError, NotFoundError) as error:
            unread.append(f"The geocoder was not of use: {error.message}")
            places = []
        if places:
            return _of_geocoder(params, places, searched, unread, context)
    return _of_layers(params, best, searched, unread)


def _of_layers(params: FindPlaceParams, best: Sequence[Candidate], searched: Sequence[str], unread: Sequence[str]) -> ToolOutput:
    """Report what the layers hold."""
    shown = best[: params.limit]
    cut = () if len(shown) == len(best) else (f"Only {len(shown)} of {len(best)} candidates are shown.",)
    return ToolOutput(
        summary=_summary(params.name, best, len(searched) - len(unread)),
        facts=(Fact("count", len(best), "count"),),
        warnings=(*unread, *cut, *_doubles(shown)),
        data={"candidates": [candidate.to_json() for candidate in shown], "searched": list(searched)},
        bbox=best[0].bbox if len(best) == 1 else None,
    )


def _doubles(shown: Sequence[Candidate]) -> Iterator[str]:
    for one in shown:
        if one.namesakes:
            yield f"{one.features} features of {one.dataset} are named {one.value!r}; namesakes tells them apart."


def _best(found: Sequence[Candidate]) -> str | None:
    return min(found, key=Candidate.order).exactness if found else None


def _distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Keep one candidate for the same features, and of each layer only those of its best kind of column: names, further names, others."""
    ranks: dict[str, int] = {}
    for one in candidates:
        ranks[one.dataset] = min(one.rank, ranks.get(one.dataset, one.rank))
    first: dict[tuple[str, int, int], Candidate] = {}
    for candidate in candidates:
        if candidate.rank == ranks[candidate.dataset]:
            first.setdefault((candidate.dataset, candidate.fid, candidate.features), candidate)
    return list(first.values())


def _in_layers(params: FindPlaceParams, context: ToolContext) -> tuple[list[Candidate], list[str], list[str]]:
    """Return the candidates of all layers, the layers searched, and what to say of those that could not be read."""
    found: list[Candidate] = []
    searched: list[str] = []
    unread: list[str] = []
    for ref, record in _layers(params, context):
        searched.append(ref)
        try:
            found += _candidates(params.name, ref, record, context)
        except (DataError, NotFoundError) as error:
            unread.append(f"{ref} was not searched: {error.message}")
    return found, searched, unread


def _layers(params: FindPlaceParams, context: ToolContext) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Yield (reference, record) of the layers to search; results of earlier calls have no record."""
    if context.catalog is None:
        raise ConfigurationError("Finding a place needs the catalogue, which this call was not given.", hint="Run it through tools.runner.")
    records = {str(record["id"]): record for record in context.catalog.records() if record["kind"] == "vector"}
    for ref in dict.fromkeys(params.layers or records):
        yield ref, records.get(ref)


def _candidates(name: str, ref: str, record: Mapping[str, Any] | None, context: ToolContext) -> list[Candidate]:
    assert context.catalog is not None  # checked in _layers
    if record is not None and not may_hold(name, record):
        return []
    source = context.sources.get(ref) or context.catalog.resolve(ref)
    return candidates_in(name, source, ref, record["name_column"] if record is not None else None)


def _summary(name: str, best: Sequence[Candidate], searched: int) -> str:
    where = f"{counted(searched, 'layer')} searched"
    if not best:
        return f"No feature named {name!r} was found; {where}."
    first = best[0]
    if len(best) == 1:
        called = f", which is {first.name!r}" if first.name else ""
        return f"{name!r} is {first.value!r} in column {first.column} of {first.dataset}{called} ({first.exactness} match; {where})."
    return f"{len(best)} places fit {name!r} ({first.exactness} match; {where})."


def _has_geocoder() -> bool:
    return bool(current_settings().geocoder_url)


def _geocoded(params: FindPlaceParams, context: ToolContext) -> list[Place]:
    from tools.storage.geocoder import geocode

    return geocode(params.name, params.limit, current_settings(), context.progress)


def _of_geocoder(
    params: FindPlaceParams, places: Sequence[Place], searched: Sequence[str], unread: Sequence[str], context: ToolContext
) -> ToolOutput:
    """Report what the geocoder knows, and write its places as a layer."""
    import geopandas

    from tools.storage.vectors import write_layer

    columns = {"name": [one.name for one in places], "kind": [one.kind for one in places]}
    frame = geopandas.GeoDataFrame(columns, geometry=[one.geometry for one in places], crs="EPSG:4326")
    write_layer(context.folder / PLACES_FILE, frame)
    licences = "; ".join(dict.fromkeys(one.licence for one in places if one.licence))
    fit = "place fits" if len(places) == 1 else "places fit"
    return ToolOutput(
        summary=f"No layer names {params.name!r}; the geocoder knows it: {len(places)} {fit} ({counted(len(searched), 'layer')} searched).",
        facts=(Fact("count", len(places), "count"), *(fact for one in places for fact in _position(one))),
        files=(PLACES_FILE,),
        kind="vector",
        warnings=(*unread, f"From an online geocoder, not from the registered data. {licences}".strip()),
        data={"candidates": [_candidate(one, fid) for fid, one in enumerate(places)], "searched": list(searched), "attribution": licences},
        bbox=places[0].bbox if len(places) == 1 else None,
    )


def _position(place: Place) -> tuple[Fact, Fact]:
    subject = {"place": place.name}
    return Fact("longitude", place.longitude, "degree", subject), Fact("latitude", place.latitude, "degree", subject)


def _candidate(place: Place, fid: int) -> dict[str, Any]:
    shown = {"dataset": "geocoder", "column": "name", "value": place.name, "kind": place.kind, "fid": fid, "features": 1}
    return {**shown, "bbox": list(place.bbox), "geometry": place.geometry.geom_type, "exactness": "geocoded"}


TOOL = Tool("find_place", FindPlaceParams, run, "observation", goes_online=_has_geocoder)
