"""Say in words what a frame selects: features with conditions, places, pixels."""

from __future__ import annotations

from agent.planner.atlas import Atlas
from agent.planner.derived import INDEX_ROLES, source_name
from agent.planner.figures import listing, with_unit
from agent.planner.frames import Cells, Condition, Derived, Filter, Layer, Zones
from agent.planner.text import name_lemmas

_OPS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "!=": "other than"}
_SIZES = {"@area_m2": ("an area", "m2"), "@length_m": ("a length", "m")}
_PREDICATES = {
    "within": "in", "intersects": "intersecting", "disjoint": "outside of", "touches": "touching", "contains": "containing",
    "within_distance": "within", "beyond_distance": "farther than",
}  # fmt: skip


def layer_words(layer: Layer, atlas: Atlas, *, places: bool = True) -> str:
    """Say which features: `clinics with capacity above 20 in North`."""
    tests = [text for condition in layer.where if (text := condition_words(condition, layer.noun))]
    words = [_noun(layer), *_source(layer, atlas), *([f"with {listing(tests)}"] if tests else [])]
    if places:
        words += [filter_words(one, atlas) for one in layer.filters]
    return " ".join(words)


def _source(layer: Layer, atlas: Atlas) -> list[str]:
    """Name the dataset of features that are not called by a word of its name, unless they are a place called by its own."""
    dataset = atlas.get(layer.ref) if atlas.has(layer.ref) else None
    if (
        dataset is None
        or not layer.noun
        or len(atlas.focused) < 2
        or any(condition.column == dataset.name_column for condition in layer.where)
    ):
        return []
    called = set(name_lemmas(layer.noun))
    return [] if any(word in called for form in dataset.name_forms for word in form) else [f"({dataset.id})"]


def _noun(layer: Layer) -> str:
    """Return how to call the features; a name as the data spells it."""
    if len(layer.where) == 1 and isinstance(value := layer.where[0].value, str) and _letters(value) == _letters(layer.noun):
        return value
    return layer.noun or layer.ref


def _letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def condition_words(condition: Condition, noun: str) -> str:
    """Say a condition that the noun does not say already."""
    if condition.column in _SIZES:
        what, unit = _SIZES[condition.column]
        return f"{what} {_OPS.get(condition.op, '')} {_measure(float(condition.value), unit)}"
    if condition.op in _OPS and isinstance(condition.value, int | float) and not isinstance(condition.value, bool):
        return f"{condition.column} {_OPS[condition.op]} {_plain(condition.value)}"
    if condition.op == "=" and isinstance(condition.value, int | float) and not isinstance(condition.value, bool):
        return f"{condition.column} equal to {_plain(condition.value)}"
    if condition.op in ("=", "in") and isinstance(condition.value, str | tuple):
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        said = all(_is_said(str(value), noun) for value in values)
        return "" if said else f"{condition.column} {listing((str(value) for value in values), 'or')}"
    return f"{condition.column} {_OPS[condition.op]} {condition.value}" if condition.op in _OPS else condition.column


def _is_said(value: str, noun: str) -> bool:
    return set(name_lemmas(value)) <= set(name_lemmas(noun))


def _plain(value: float) -> str:
    return f"{value:,.12g}"


def _measure(value: float, unit: str) -> str:
    from tools.geo.units import convert

    if unit == "m2":
        return with_unit(convert(value, "m2", "ha"), "ha") if value >= 1000 else with_unit(value, "m2")
    return with_unit(convert(value, "m", "km"), "km") if value >= 1000 else with_unit(value, "m")


def filter_words(one: Filter, atlas: Atlas) -> str:
    """Say a spatial filter: `within 500 m of gravel roads`."""
    other = layer_words(one.other, atlas)
    if one.distance_m is not None:
        joint = "of" if one.predicate == "within_distance" else "from"
        return f"{_PREDICATES[one.predicate]} {_measure(one.distance_m, 'm')} {joint} {other}"
    return f"{_PREDICATES[one.predicate]} {other}"


def cells_words(cells: Cells, label: str | None) -> str:
    """Say which pixels: `water`, `flood depth above 1 m`."""
    if cells.ranges:
        words = label or cells.ranges[0].words
        return words if words.startswith("flooded") or words in cells.noun else f"{cells.noun} {words}".strip()
    told = listing(class_name(label) for label in cells.classes) if cells.classes else "each class"
    return f"{told} of {source_name(cells.derived)}" if cells.derived else told


def how_told(derived: Derived, n: int) -> list[str]:
    """Say how it was made: by what classes were told that no file holds, and onto which pixels a scene was read."""
    grid = [f"The scene was read on the pixels of its coarsest band, finer bands averaged onto them [{n}]."] if derived.scene else []
    if not derived.is_classes:
        return grid
    if derived.network:
        return [f"The classes are those of the network {derived.network} [{n}].", *grid]
    return [f"Water here is where {derived.index} of the bands {listing(INDEX_ROLES[derived.index])} is above 0 [{n}].", *grid]


def class_name(label: str) -> str:
    """Write the label of a class; a bare number or letter is told apart from text by the word class."""
    return f"class {label}" if len(label) == 1 or not any(char.isalpha() for char in label) else label


def place_words(zones: Zones | None, clips: tuple[Layer, ...], atlas: Atlas) -> str:
    """Say where: ` in North`, ` in all parks together`; empty for everywhere."""
    inner = "".join(f" inside {layer_words(clip, atlas)}" for clip in clips)
    if zones is None:
        return inner
    words = layer_words(zones.layer, atlas)
    many = atlas.has(zones.layer.ref) and (atlas.get(zones.layer.ref).feature_count or 0) > 1
    return f" in {words}{' (all features together)' if zones.merged and many else ''}{inner}"
