"""Find what a question lacks or asks in vain, and say so: a missing distance, object or threshold, an area of points."""

from __future__ import annotations

from collections.abc import Callable

from agent.planner.figures import listing
from agent.planner.interpret import Scene
from agent.planner.readings import Reading
from agent.planner.step import Draft


def missing_slot(scene: Scene) -> Draft | None:
    """Return what to ask or say where a clause is understood in part only; None where nothing in particular is missing."""
    for check in (_distance, _degrees, _nearest_to, _object, _ranked_by, _threshold, _statistic, _points, _class_values):
        draft = check(scene)
        if draft:
            return draft
    return None


def _ask(text: str) -> Draft:
    return Draft(text, "input_needed")


def _refuse(text: str) -> Draft:
    return Draft(text, "refused", "refused")


def _distance(scene: Scene) -> Draft | None:
    for phrase in scene.clause.phrases:
        if phrase.role == "near" and phrase.quantity is None:
            return _ask("How near is meant? Give a distance in metres or kilometres, for example 'within … km of'.")
        if phrase.role in ("near", "far") and phrase.quantity and phrase.quantity.unit is None:
            return _ask("In which unit is the distance: metres, kilometres or miles?")
    return None


def _degrees(scene: Scene) -> Draft | None:
    if any(phrase.role in ("near", "far") and phrase.quantity and phrase.quantity.unit == "degree" for phrase in scene.clause.phrases):
        return _refuse("A distance in degrees has no fixed length on the ground. Ask again with a distance in metres or kilometres.")
    return None


def _nearest_to(scene: Scene) -> Draft | None:
    clause = scene.clause
    if not clause.has("nearest", "farthest") or len([phrase for phrase in clause.phrases if phrase.places]) > 1:
        return None
    return _ask("Nearest to what? Name a feature or a layer, for example 'nearest … to each …'.")


def _object(scene: Scene) -> Draft | None:
    clause = scene.clause
    if any(phrase.places for phrase in clause.phrases) or clause.limits:
        return None
    if not clause.measures and not clause.has("list", "map", "nearest"):
        return None
    what = next((name for name in clause.measures if name in ("area", "length", "count", "share")), "That")
    names = listing([dataset.id for dataset in scene.atlas.registered][:8])
    return _ask(f"{what.capitalize()} of what? {f'There is {names}.' if names else 'No data is registered yet; add files first.'}")


def _ranked_by(scene: Scene) -> Draft | None:
    clause = scene.clause
    if clause.superlative is None or clause.superlative.adjective or clause.measures or len(clause.phrases) != 1:
        return None
    columns = [column.name for option in scene.options[0] if option for column in option.dataset.columns if column.is_numeric]
    named = listing(list(dict.fromkeys(columns))[:8], "or")
    return _ask(f"Ranked by what: {f'area, {named}' if named else 'area or another quantity'}?")


def _complete(scene: Scene, test: Callable[[Reading], bool]) -> list[Reading]:
    return [
        option
        for options in scene.options
        for option in options
        if option and not option.unknown and not option.is_generic and test(option)
    ]


def _threshold(scene: Scene) -> Draft | None:
    clause = scene.clause
    if clause.limits or not {"area", "howmuch", "share_of", "share"} & set(clause.measures):
        return None
    rasters = _complete(scene, lambda one: one.kind == "raster" and one.dataset.band(one.band).value_kind == "continuous")
    others = _complete(scene, lambda one: one.kind in ("cells",))
    if not rasters or others:
        return None
    name = rasters[0].dataset.id
    return _ask(
        f"{name} holds measured values. Above, below or between which values is the area wanted, or which statistic: mean, minimum, maximum?"
    )


def _statistic(scene: Scene) -> Draft | None:
    if not any(name.startswith("stat:") or name == "stats" for name in scene.clause.measures):
        return None
    classes = _complete(scene, lambda one: one.dataset.is_raster and one.dataset.band(one.band).is_categorical)
    if not classes or _complete(scene, lambda one: one.kind == "raster" and not one.dataset.band(one.band).is_categorical):
        return None
    name = classes[0].dataset.id
    return _refuse(f"{name} holds classes, which have no mean or maximum. Ask for the area or share of each {name} class instead.")


def _points(scene: Scene) -> Draft | None:
    if not {"area", "length"} & set(scene.clause.measures):
        return None
    points = _complete(scene, lambda one: one.dataset.geometry == "point")
    if not points or _complete(scene, lambda one: one.dataset.is_raster or one.dataset.geometry in ("polygon", "line", "mixed")):
        return None
    return _refuse(
        f"{points[0].dataset.id} holds points, which have neither area nor length. Ask how many there are, or for sums of a column."
    )


def _class_values(scene: Scene) -> Draft | None:
    """Refuse to combine two rasters pixel by pixel."""
    rasters = {one.dataset.id for one in _complete(scene, lambda one: one.kind in ("cells", "raster") and one.dataset.is_raster)}
    vectors = _complete(scene, lambda one: one.dataset.is_vector)
    if len(rasters) < 2 or vectors or not {"area", "howmuch", "share_of"} & set(scene.clause.measures):
        return None
    return _refuse(
        f"Two rasters ({listing(sorted(rasters))}) cannot be laid over each other here; one of them has to be a layer of polygons."
    )
