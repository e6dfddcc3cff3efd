"""The calls that make a raster which is not there: find the scene, read its bands, compute the index or tell the classes."""

from __future__ import annotations

from collections.abc import Sequence

from agent.errors import NotCoveredError, RefusedError
from agent.planner.atlas import Atlas
from agent.planner.derived import INDEX_ROLES, derived_words
from agent.planner.figures import listing
from agent.planner.frames import Cells, Derived, Frame
from agent.planner.ledger import Ledger, Message
from agent.planner.pieces import Params
from agent.planner.terrain import OPERATIONS
from tools.geo.roles import QUALITY_ROLES, STANDS_IN, canonical_role


def raster_params(frame: Frame, cells: Cells, ledger: Ledger, atlas: Atlas) -> Params | None:
    """Return the raster and band of a frame as tools take them; None while it is being made.

    Raises NotCoveredError where it would hold no pixel, RefusedError where its scene or bands are not there.
    """
    if cells.derived is None:
        return {"raster": cells.ref} if cells.band == 1 else {"raster": cells.ref, "band": cells.band}
    bands = _bands(frame, cells.derived, ledger, atlas)
    message = ledger.call(*_making(cells.derived, bands)) if bands else None
    return {"raster": _covered(message, f"{derived_words(cells.derived)} has no valid pixel there").ref} if message else None


def _making(derived: Derived, bands: str) -> tuple[str, Params]:
    mask = {"mask": derived.mask} if derived.mask != "none" else {}
    if derived.target:
        return "raster_distance", {"raster": bands, "targets": [derived.target]}
    if derived.terrain:
        return "terrain", {"raster": bands, "operation": OPERATIONS[derived.terrain]}
    if derived.network:
        return "segment", {"raster": bands, "network": derived.network, **mask}
    if derived.is_classes:
        return "segment", {"raster": bands, "index": derived.index, "threshold": 0.0, **mask}
    return "spectral_index", {"raster": bands, "index": derived.index, **mask}


def _bands(frame: Frame, derived: Derived, ledger: Ledger, atlas: Atlas) -> str | None:
    """Return the raster with the bands that are needed: registered, or read from a scene as far as the zones reach."""
    if derived.raster:
        return derived.raster
    found = ledger.call("search_stac", {"catalogue": derived.catalogue, "ids": [derived.scene]})
    if found is None:
        return None
    assets = _assets(found, derived)
    zones = frame.zones.layer.ref if frame.zones else ""
    bbox = atlas.get(zones).bbox if atlas.has(zones) else None
    read = ledger.call("read_asset", {"assets": assets, **({"bbox": list(bbox)} if bbox else {})})
    return _covered(read, f"{derived.scene} does not reach the place asked about").ref if read else None


def _covered(made: Message, reason: str) -> Message:
    """Return a raster that holds a pixel; raise NotCoveredError with the reason for one that holds none."""
    if made.outcome == "no_coverage":
        raise NotCoveredError(f"{reason}, so there is no number to give. Ask about another place or scene.")
    return made


def _assets(found: Message, derived: Derived) -> list[str]:
    """Return references to the assets of the scene that hold the bands; raise RefusedError where it or one is not there."""
    scenes = found.data.get("scenes") or ()
    if not scenes:
        raise RefusedError(f"The catalogue {derived.catalogue} has no scene called {derived.scene}.")
    if len(scenes) > 1:
        raise RefusedError(
            f"Several collections of {derived.catalogue} have a scene called {derived.scene}: {listing(str(one.get('collection')) for one in scenes)}."
        )
    names = (found.data.get("assets") or {}).get(scenes[0].get("collection") or "", ())
    needed = [*INDEX_ROLES[derived.index], *(["quality"] if derived.mask != "none" else [])]
    keys = {role: _asset(names, role) for role in needed}
    missing = [role for role, key in keys.items() if key is None]
    if missing:
        said = listing(name.partition("=")[0] for name in names[:20])
        raise RefusedError(f"The scene {derived.scene} has no asset for {listing(missing)}, which {derived.index} needs; it has {said}.")
    return [f"{found.ref}#items/0/{key}" for key in keys.values()]


def _asset(names: Sequence[str], role: str) -> str | None:
    """Return the key of the asset with a role; `names` are keys, with `=common name` where that differs."""
    wanted = QUALITY_ROLES if role == "quality" else (role, *([STANDS_IN[role]] if role in STANDS_IN else []))
    for one in wanted:
        for name in names:
            key, _, common = name.partition("=")
            if one in (canonical_role(key), canonical_role(common)):
                return key
    return None
