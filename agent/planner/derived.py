"""Rasters that a question asks for and a call has to make: an index of bands, water by an index, classes by a network.

Each is read as if it were a dataset (`NDVI of X`), so that statistics, areas, zones, rankings and follow-ups work on it as on any raster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.planner.atlas import Atlas, Band, Dataset
from agent.planner.figures import listing
from agent.planner.frames import Cells, Derived, Plan, Scenes
from agent.planner.remoteness import REMOTENESS, remoteness_asked
from agent.planner.scene_slots import Slots, read_ids
from agent.planner.terrain import TERRAIN, for_others, lacking_surface, made_of, terrain_asked
from agent.planner.text import name_lemmas
from tools.geo.roles import QUALITY_ROLES, STANDS_IN, canonical_role

INDEX_ROLES: Mapping[str, tuple[str, ...]] = {
    "NDVI": ("nir", "red"), "NDWI": ("green", "nir"), "MNDWI": ("green", "swir1"), "NDMI": ("nir", "swir1"), "NBR": ("nir", "swir2"),
    "NBR2": ("swir1", "swir2"), "NDBI": ("nir", "swir1"), "NDSI": ("green", "swir1"), "EVI": ("blue", "nir", "red"), "EVI2": ("nir", "red"),
    "SAVI": ("nir", "red"), "MSAVI": ("nir", "red"), "GNDVI": ("green", "nir"), "NDRE": ("nir", "rededge1"),
    "BSI": ("blue", "nir", "red", "swir1"),
}  # fmt: skip
"""Index → the band roles that its formula needs (`tools.geo.indices`, which is too heavy to import here)."""
WATER = "water"
WATER_INDICES = ("MNDWI", "NDWI")
"""By which water is told where no network is registered, the better first (Xu 2006)."""
_INDEX = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(INDEX_ROLES, key=len, reverse=True))})(?!\w)", re.IGNORECASE)
_WATER = re.compile(r"(?<!\w)(?:open |surface )?water(?: surfaces?| bod(?:y|ies)| area| cover)?(?!\w)", re.IGNORECASE)
_WATER_BY = re.compile(
    rf"\(?(?<!\w)(?:where |by |with |using |that is,? |i\.e\. )?(?:the )?(?P<index>{'|'.join(WATER_INDICES)})(?: (?:is )?(?:>|above|over|greater than) ?0(?:\.0+)?(?![.\w]))?(?!\s*(?:[<>=≥≤]|above|below|over|under|at least))\)?",
    re.IGNORECASE,
)
"""How a question says what it takes for water, `(MNDWI > 0)`; another limit than 0 is no part of it."""
_MASKS = (
    ("clear_land", re.compile(r"(?<!\w)(?:(?:over|on|of|for) )?(?:the )?(?:clear|cloud[- ]?free|cloudless|unclouded)[- ]land(?: pixels?| surface)?(?: only)?(?!\w)", re.IGNORECASE)),
    ("clear_water", re.compile(r"(?<!\w)(?:(?:over|on|of|for) )?(?:the )?(?:clear|cloud[- ]?free)[- ]water(?: pixels?)?(?: only)?(?!\w)", re.IGNORECASE)),
    ("clear", re.compile(r"(?<!\w)(?:(?:over|on|of|for) )?(?:the )?(?:clear(?:[- ]sky)?|cloud[- ]?free|cloudless|unclouded|cloud[- ]masked)(?: pixels?)?(?: only)?(?!\w)", re.IGNORECASE)),
)  # fmt: skip


_AGAIN = re.compile(r"\W*(?:and|what about|how about|now|same)(?!\w)", re.IGNORECASE)
"""How a question opens that goes on from the one before."""


@dataclass(frozen=True)
class Outlook:
    """A question, with what it says of the making of rasters left out, and the datasets with those that can be made."""

    question: str
    atlas: Atlas
    lacking: str = ""
    """Why an index that is asked for cannot be made of anything here."""


def look_out(question: str, atlas: Atlas, previous: Plan | None) -> Outlook:
    """Add the rasters that can be made to what a question may speak of; those of the question before among them."""
    question, of_terrain = terrain_asked(question, atlas)
    if of_terrain:
        surfaces = [derived_dataset(one) for one in made_of(of_terrain, question, atlas)]
        return Outlook(question, _with(atlas, surfaces), "" if surfaces else lacking_surface(of_terrain, atlas))
    question, remote = remoteness_asked(question, atlas)
    if remote:
        return Outlook(question, _with(atlas, [derived_dataset(one) for one in remote]))
    earlier = _earlier(previous)
    known = [derived_dataset(one) for one in earlier]
    if _AGAIN.match(question) and not _INDEX.search(question):
        known = [derived_dataset(one) for one in _for_others(earlier, atlas)]
    asks_water = bool(_WATER.search(question)) and not any(_holds(dataset, WATER) for dataset in atlas.focused)
    by = _WATER_BY.search(question) if asks_water else None
    if by:
        question = f"{question[: by.start()]}{' ' * len(by.group())}{question[by.end() :]}"
    wanted = list(dict.fromkeys(match.group().upper() for match in _INDEX.finditer(question) if not _is_named(match.group(), atlas)))
    if not wanted and not asks_water:
        return Outlook(question, _with(atlas, known))
    text, mask = _read_mask(_WATER.sub(_plain_water, question) if asks_water else question)
    text, ids = _read_scenes(text, atlas)
    sources = list(_sources(ids, atlas)) if ids else _rasters(question, atlas, earlier)
    indices = (by["index"].upper(),) if by else ()
    made = [
        one
        for source in sources
        for one in (
            *(_index_of(source, index, mask, atlas) for index in wanted),
            _water_of(source, mask, atlas, indices) if asks_water else None,
        )
        if one
    ]
    lacking = _lacking(wanted, sources, atlas, mask=mask, has_scenes=bool(ids)) if wanted and not made else ""
    kept = known if _AGAIN.match(question) else []
    return Outlook(text, _with(atlas, [*kept, *(derived_dataset(one) for one in dict.fromkeys(made))]), lacking)


def _plain_water(match: re.Match[str]) -> str:
    """Leave out what only repeats it: `open water`, `surface water`."""
    return re.sub(r"^(?:open|surface) ", lambda word: " " * len(word.group()), match.group(), flags=re.IGNORECASE)


def _is_named(index: str, atlas: Atlas) -> bool:
    """Whether a raster or band that is there bears the name of the index."""
    return any(_holds(dataset, index.lower()) for dataset in atlas.focused if dataset.is_raster)


def _holds(dataset: Dataset, word: str) -> bool:
    """Whether a word names a dataset, or stands in one of its classes, values, columns or bands."""
    names = [*(text for text in (dataset.id, dataset.title, dataset.layer) if text), *(column.name for column in dataset.columns)]
    names += [str(value) for _, value in dataset.text_values] + [
        name for band in dataset.bands for name in (*band.names, *band.classes.values())
    ]
    return any(word in name_lemmas(name) for name in names)


def _earlier(previous: Plan | None) -> list[Derived]:
    return list(dict.fromkeys(frame.cells.derived for frame in previous.frames if frame.cells and frame.cells.derived)) if previous else []


def _for_others(earlier: Sequence[Derived], atlas: Atlas) -> list[Derived]:
    """Return what was made, and the same of every other raster that has the bands, for `and of X?`."""
    others = [replace(one, raster=raster.id) for one in earlier if one.index and one.raster for raster in atlas.rasters]
    surfaces = [other for one in earlier if one.terrain in TERRAIN for other in for_others(one, atlas)]
    return [*earlier, *surfaces, *(one for one in others if _has(atlas.get(one.raster), INDEX_ROLES[one.index]))]


def _with(atlas: Atlas, made: Sequence[Dataset]) -> Atlas:
    fresh = [one for one in {one.id: one for one in made}.values() if not atlas.has(one.id)]
    return Atlas((*atlas.datasets, *fresh)) if fresh else atlas


def _read_mask(text: str) -> tuple[str, str]:
    """Take `clear-land`, `cloud-free`, which say what pixels count."""
    for name, pattern in _MASKS:
        match = pattern.search(text)
        if match:
            return f"{text[: match.start()]}{' ' * len(match.group())}{text[match.end() :]}", name
    return text, "none"


def _read_scenes(text: str, atlas: Atlas) -> tuple[str, tuple[str, ...]]:
    """Take the ids of scenes, with the words before them."""
    slots = read_ids(Slots(text, Scenes("")), atlas.names)
    if not slots.scenes.ids:
        return text, ()
    rest = slots.text.replace("·", " ")
    return rest, slots.scenes.ids


def _sources(ids: Sequence[str], atlas: Atlas) -> Iterator[Derived]:
    """Yield the scenes that are named: out of the only catalogue, else out of each, of which one will have it."""
    for scene in ids:
        for catalogue in atlas.catalogues:
            yield Derived(scene=scene, catalogue=catalogue.id)


def _rasters(question: str, atlas: Atlas, earlier: Sequence[Derived]) -> list[Derived]:
    """Return the rasters out of which something can be made; after a question about one, that one."""
    if _AGAIN.match(question) and earlier:
        return [replace(one, index="", network="", mask="none", is_classes=False) for one in earlier]
    return [Derived(raster=one.id) for one in atlas.rasters]


def roles_of(dataset: Dataset) -> frozenset[str]:
    """Return the roles that its bands have, by declaration or name."""
    return frozenset(canonical_role(name) for band in dataset.bands for name in band.names)


def _has(dataset: Dataset, roles: Sequence[str]) -> bool:
    held = roles_of(dataset)
    return all(role in held or STANDS_IN.get(role) in held for role in roles)


def _can(dataset: Dataset, index: str, mask: str) -> bool:
    """Whether a raster has the bands of an index, and of quality where a mask needs one."""
    return _has(dataset, INDEX_ROLES[index]) and (mask == "none" or bool(roles_of(dataset) & set(QUALITY_ROLES)))


def _index_of(source: Derived, index: str, mask: str, atlas: Atlas) -> Derived | None:
    made = replace(source, index=index, mask=mask)
    return made if source.scene or _can(atlas.get(source.raster), index, mask) else None


def _water_of(source: Derived, mask: str, atlas: Atlas, named: Sequence[str]) -> Derived | None:
    """Return the water of a raster or scene: by the index that is named, else a registered network that knows it, else an index."""
    networks = (
        [] if named else [one for one in atlas.focused if one.kind == "network" and WATER in {label.casefold() for label in one.classes}]
    )
    if networks and not source.scene:
        return replace(source, network=networks[0].id, mask=mask, is_classes=True) if len(networks) == 1 else None
    fitting = [index for index in named or WATER_INDICES if source.scene or _can(atlas.get(source.raster), index, mask)]
    return replace(source, index=fitting[0], mask=mask, is_classes=True) if fitting else None


def _lacking(wanted: Sequence[str], sources: Sequence[Derived], atlas: Atlas, *, mask: str, has_scenes: bool) -> str:
    """Say why none of the indices can be made."""
    if has_scenes:
        return "No catalogue of scenes is registered. Add one with `terracite add URL` (a STAC API, or the catalog.json of a static catalogue)."
    index = wanted[0]
    masked = "" if mask == "none" else ", and the mask a band scl or qa_pixel"
    needs = f"{index} needs the bands {listing(INDEX_ROLES[index])}{masked}"
    add = f"terracite add PATH --bands {','.join(f'{role}=NUMBER' for role in INDEX_ROLES[index])}"
    if not sources:
        return f"{needs}, and no raster is registered. Add one with `{add}`."
    said = [f"{one.raster} has {listing(sorted(roles_of(atlas.get(one.raster)))) or 'no bands with known roles'}" for one in sources[:4]]
    return f"{needs}; {'; '.join(said)}. Say which band is which: `{add}`."


def source_name(derived: Derived) -> str:
    """Return what it is made of: the id of a dataset or of a scene."""
    return derived.raster or derived.scene


def derived_words(derived: Derived) -> str:
    """Say what it is: `clear-land NDVI of X`."""
    mask = f"{derived.mask.replace('_', '-')} " if derived.mask != "none" else ""
    return f"{mask}{'classes' if derived.is_classes else quantity_of(derived)} of {source_name(derived)}"


def quantity_of(derived: Derived) -> str:
    """Return what its values are: an index, slope, a distance."""
    return f"distance to {derived.target}" if derived.target else derived.terrain or derived.index


def derived_dataset(derived: Derived) -> Dataset:
    """Return the raster that will be made, as far as it is known before."""
    forms = (name_lemmas(source_name(derived)), *(() if derived.is_classes else (name_lemmas(derived.terrain or derived.index),)))
    id_ = derived_words(derived) if not derived.is_classes else f"{WATER} by {derived.network or derived.index} of {source_name(derived)}"
    return Dataset(id=id_, title=id_, kind="raster", focus=True, bands=(_band_of(derived),), forms=forms, derived=derived)


def _band_of(derived: Derived) -> Band:
    if derived.is_classes:
        return Band(1, (), "unspecified", "categorical", {"1": WATER})
    if derived.terrain == REMOTENESS:
        return Band(1, (REMOTENESS,), "m", "continuous", {}, 0.0)
    if derived.terrain:
        return Band(1, (derived.terrain,), TERRAIN[derived.terrain], "continuous", {}, 0.0, 90.0 if derived.terrain == "slope" else None)
    return Band(1, (derived.index,), "unspecified", "continuous", {}, -1.0, 1.0)


def attached(plan: Plan, atlas: Atlas) -> Plan:
    """Return the plan with what its rasters are made of, where they must be made; several rasters are told apart by name."""
    several = len({frame.cells.ref for frame in plan.frames if frame.cells}) > 1
    frames = (replace(frame, cells=_attached(frame.cells, atlas), says_raster=several) if frame.cells else frame for frame in plan.frames)
    return replace(plan, frames=tuple(frames))


def _attached(cells: Cells, atlas: Atlas) -> Cells:
    derived = atlas.get(cells.ref).derived if atlas.has(cells.ref) else None
    if derived is None:
        return cells
    return replace(cells, derived=derived, noun=cells.noun if derived.is_classes else derived_words(derived))


def with_made(atlas: Atlas, plan: Plan) -> Atlas:
    """Return the datasets together with the rasters that a plan makes."""
    rasters = [one for frame in plan.frames for one in (frame.cells, frame.other_cells, *(task.cells for task in frame.tasks))]
    cells = [one for one in rasters if one and one.derived]
    return _with(atlas, [derived_dataset(one.derived) for one in cells if one.derived])
