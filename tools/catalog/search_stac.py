"""Find scenes in a catalogue: by collection, place, time, cloud cover and any other property."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from tools.catalog.naming import counted
from tools.contract import Fact, Outcome, Tool, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geotypes import EVERYTHING, CatalogueRef, Params, VectorRef, Where

if TYPE_CHECKING:
    import shapely

    from tools.storage.stac_query import SceneQuery
    from tools.storage.stac_search import Scenes

ITEMS_FILE = "items.json"
MOST_ASSETS = 60
"""Most assets of a scene that are named; read_asset names all where one is not found."""
ORDERS: Mapping[str, str] = {"-time": "newest first", "time": "oldest first", "cloud": "clearest first", "-cloud": "cloudiest first"}


class SearchStacParams(Params):
    """Find satellite scenes (STAC items) in a catalogue by collection, place, time, cloud cover, tile and other properties. Returns the scenes with id, time and cloud cover; read their pixels with read_asset from a:KEY#items/N/ASSET."""

    catalogue: CatalogueRef
    collections: list[str] = Field(default_factory=list, description="Ids of collections to search; empty = all of the catalogue.")
    bbox: tuple[float, float, float, float] | None = Field(
        default=None, description="Only scenes that touch west, south, east, north in degrees; west may exceed east at the antimeridian."
    )
    area: VectorRef | None = Field(default=None, description="Instead of bbox: only scenes that touch the features of this layer.")
    area_where: Where = Field(default=EVERYTHING, description="Which features of the area count.")
    time: str | None = Field(
        default=None, description="2020, 2020-07, 2020-07-15, or START/END of these, '..' for an open end; days and months are meant whole."
    )
    tile: str | None = Field(default=None, description="Only this tile of the military grid (Sentinel-2), e.g. 35MNM.")
    cloud_below: float | None = Field(default=None, gt=0, le=100, description="Only scenes whose cloud cover in percent is below this.")
    where: Where = Field(default=EVERYTHING, description="Tests of item properties, e.g. platform or view:off_nadir.")
    ids: list[str] = Field(default_factory=list, max_length=200, description="Only scenes with these ids.")
    sort: Literal["-time", "time", "cloud", "-cloud"] = Field(
        default="-time", description="-time newest first, time oldest first, cloud clearest first, -cloud cloudiest first."
    )
    limit: int = Field(default=100, ge=1, le=1000, description="At most so many scenes in the result; all that match are counted.")

    @model_validator(mode="after")
    def _one_place(self) -> SearchStacParams:
        if self.bbox is not None and self.area is not None:
            raise ValueError("give bbox or area, not both")
        if self.area is None and self.area_where.conditions:
            raise ValueError("area_where needs an area")
        if self.bbox is not None:
            west, south, east, north = self.bbox
            if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
                raise ValueError("bbox must be west, south, east, north in degrees, with south below north")
        return self


def run(params: SearchStacParams, context: ToolContext) -> ToolOutput:
    """Search; see `SearchStacParams`.

    Facts: `count` of all scenes that fit and `cloud_cover` (%) of each one listed. Nothing found is a true zero where a
    collection asked for covers the place and time, else no coverage. Every scene is checked here, whatever the server says.
    Raises ParameterError for an unknown collection, property, tile or time, LimitError where too many scenes would have to be
    looked at, ServiceError where the catalogue does not answer.
    """
    from tools.storage.stac_search import covering, search

    query, source = _query(params, context), context.source(params.catalogue)
    found = search(source, query, progress=context.progress)
    text = json.dumps({"type": "FeatureCollection", "features": list(found.items)}, sort_keys=True)
    (context.folder / ITEMS_FILE).write_text(text, encoding="ascii")  # whatever stands there, also half of a character
    covered = found.items or covering(found, query)
    return ToolOutput(
        summary=_summary(found, params) if covered else "The catalogue covers nothing of this place and time.",
        facts=_facts(found) if covered else (),
        outcome=Outcome.VALUE if found.items else Outcome.TRUE_ZERO if covered else Outcome.NO_COVERAGE,
        files=(ITEMS_FILE,),
        kind="items",
        warnings=_warnings(found),
        method=_method(found, query),
        data={**_data(found), **({} if source.url else {"root": str(source.path.parent)})},
        bbox=_bbox(found),
    )


def _query(params: SearchStacParams, context: ToolContext) -> SceneQuery:
    from tools.geo.footprint import bounds_region
    from tools.geo.mgrs import norm_tile
    from tools.storage.stac_query import SceneQuery, parse_span

    region = bounds_region(params.bbox) if params.bbox is not None else None
    return SceneQuery(
        collections=tuple(dict.fromkeys(params.collections)),
        region=region if params.area is None else _area(params.area, params.area_where, context),
        span=parse_span(params.time) if params.time is not None else None,
        tile=norm_tile(params.tile) if params.tile is not None else None,
        cloud_below=params.cloud_below,
        where=params.where,
        ids=tuple(dict.fromkeys(params.ids)),
        order=params.sort,
        limit=params.limit,
    )


def _area(area: str, where: Where, context: ToolContext) -> shapely.Geometry:
    """Return the features of the area as one shape in longitude, latitude."""
    import shapely
    from pyproj import CRS

    from tools.geo.antimeridian import wrap_longitudes
    from tools.geo.geometry import repair
    from tools.geo.transform import transform
    from tools.storage.vectors import read_layer

    frame = read_layer(context.source(area), where=where)
    present = frame[frame.geometry.notna()]
    if not len(present):
        raise ParameterError(f"No feature of {area!r} satisfies area_where.", hint="find_place tells how a place is written.")
    repaired, _ = repair(present.geometry.to_numpy(), present.crs)
    degrees = CRS.from_epsg(4326)
    return shapely.union_all(wrap_longitudes(transform(repaired, present.crs, degrees), degrees)[0])


def _summary(found: Scenes, params: SearchStacParams) -> str:
    if not found.items:
        return f"No scene fits, though the catalogue covers the place and time; {counted(found.seen, 'scene')} looked at."
    more = "" if found.is_all else "at least "
    listed = "" if len(found.items) == found.matched else f"; the {len(found.items)} {ORDERS[params.sort]} are listed"
    fit = "fits" if found.matched == 1 else "fit"
    return f"{more}{counted(found.matched, 'scene')} {fit}{listed}.".capitalize()


def _facts(found: Scenes) -> tuple[Fact, ...]:
    from tools.storage.stac_match import cloud_of

    counted_so_far: dict[str, str] = {} if found.is_all else {"of": "scenes found before the search was stopped"}
    ids = [item["id"] for item in found.items]
    clouds = [
        Fact(
            "cloud_cover",
            cloud,
            "%",
            {"scene": item["id"], **({"collection": str(item.get("collection"))} if ids.count(item["id"]) > 1 else {})},
        )
        for item in found.items
        if (cloud := cloud_of(item)) is not None
    ]
    return (Fact("count", found.matched, "count", counted_so_far), *clouds)


def _warnings(found: Scenes) -> tuple[str, ...]:
    said = []
    if found.matched > len(found.items):
        said.append(f"Only {len(found.items)} of {found.matched} scenes are listed; raise limit for more.")
    if not found.is_all:
        said.append(f"The search was stopped after {found.seen} scenes; there may be more that fit.")
    if found.broken:
        reasons = "; ".join(f"{number} × {reason}" for reason, number in found.broken.items())
        said.append(f"{sum(found.broken.values())} records of the catalogue could not be used: {reasons}.")
    if found.without_cloud:
        said.append(f"{counted(found.without_cloud, 'scene')} that fit otherwise state no cloud cover and were left out.")
    if again := _seen_again(found):
        said.append(f"{counted(again, 'scene')} of the same tile and time as another one: the same view, processed again.")
    if found.unread:
        said.append(f"{counted(len(found.unread), 'document')} of the catalogue could not be read: {found.unread[0]}")
    return tuple(said)


def _seen_again(found: Scenes) -> int:
    """Return how many of the scenes listed show the same tile at the same time as one before."""
    from tools.storage.stac_items import interval_of
    from tools.storage.stac_match import tile_of

    views = [(item.get("collection"), tile, interval_of(item)) for item in found.items if (tile := tile_of(item["properties"])) is not None]
    return len(views) - len(set(views))


def _method(found: Scenes, query: SceneQuery) -> dict[str, Any]:
    from tools.storage.stac_query import rfc3339

    return {
        "checked": "every scene against every condition; a scene lies where its geometry does, not its bounding box",
        "time": None if query.span is None else rfc3339(query.span),
        "looked_at": found.seen,
        "searched": [str(one["id"]) for one in found.collections],
    }


def _data(found: Scenes) -> dict[str, Any]:
    first = {str(item.get("collection") or ""): item for item in reversed(found.items)}
    return {
        "scenes": [_scene(number, item) for number, item in enumerate(found.items)],
        "assets": {collection: _assets(item) for collection, item in first.items()},
        "matched": found.matched if found.is_all else None,
        "returned": len(found.items),
        "skipped": sum(found.broken.values()),
        "filters_applied_here": list(found.checked_here),
    }


def _scene(number: int, item: Mapping[str, Any]) -> dict[str, Any]:
    from tools.storage.stac_items import is_name
    from tools.storage.stac_match import cloud_of

    properties = item["properties"]
    stated = {
        "n": number,
        "id": item["id"],
        "time": _time(item),
        "cloud": cloud_of(item),
        "collection": item.get("collection"),
        "platform": platform if is_name(platform := properties.get("platform")) else None,
    }
    return {name: value for name, value in stated.items() if value is not None}


def _time(item: Mapping[str, Any]) -> str:
    """Return the instant of a scene as it states it, else its first and last; never other text that stands there."""
    from tools.storage.stac_items import is_instant

    properties = item["properties"]
    instant = properties.get("datetime")
    return str(instant) if is_instant(instant) else f"{properties['start_datetime']}/{properties['end_datetime']}"


def _assets(item: Mapping[str, Any]) -> list[str]:
    """Return the names of a scene's assets, with the common name of the band where it has one of another name."""
    from tools.storage.stac_items import is_name

    named = ((name, _common_name(asset)) for name, asset in item["assets"].items() if is_name(name))
    return [name if role in (None, name) else f"{name}={role}" for name, role in islice(named, MOST_ASSETS)]


def _common_name(asset: Mapping[str, Any]) -> str | None:
    """Return the common name of an asset's only band, as STAC 1.0 (eo:bands) or 1.1 (bands) writes it."""
    bands = asset.get("eo:bands") or asset.get("bands")
    if not isinstance(bands, list) or len(bands) != 1 or not isinstance(bands[0], dict):
        return None
    name = bands[0].get("common_name") or bands[0].get("eo:common_name")
    return name if isinstance(name, str) and name.isidentifier() else None


def _bbox(found: Scenes) -> tuple[float, float, float, float] | None:
    import shapely

    from tools.storage.stac_items import place_of

    places = [place for item in found.items if (place := place_of(item)) is not None]
    if not places:
        return None
    west, south, east, north = (float(edge) for edge in shapely.total_bounds(places))
    return (west, south, east, north)


TOOL = Tool("search_stac", SearchStacParams, run, "observation", place="network")
