"""How people say the parts of a question: units, comparisons, classes, places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import generated_truth as truth
from generated_words import pick

if TYPE_CHECKING:
    from generated_lattice import Mask
    from generated_scene import Scene

AREA_UNITS = (
    ("hectares", "ha"), ("ha", "ha"), ("square kilometres", "km2"), ("km2", "km2"), ("km²", "km2"), ("sq km", "km2"),
    ("square metres", "m2"), ("m2", "m2"), ("acres", "acre"), ("square meters", "m2"),
)  # fmt: skip
LENGTH_UNITS = (("km", "km"), ("kilometres", "km"), ("metres", "m"), ("m", "m"), ("miles", "mi"))
VALUE_UNITS = {
    "m": ("m", " m", " metres"),
    "cm": (" cm", "cm"),
    "mm": (" mm", " millimetres"),
    "%": ("%", " percent"),
    "degree": ("°", " degrees"),
}
VALUE_UNITS |= {"degC": ("°C", " degrees C"), "": ("",)}

COMPARISONS = (
    ("above {v}", ">"), ("greater than {v}", ">"), ("over {v}", ">"), ("more than {v}", ">"), ("exceeding {v}", ">"), ("higher than {v}", ">"),
    ("of at least {v}", ">="), ("of {v} or more", ">="), (">= {v}", ">="), ("of {v} or higher", ">="),
    ("below {v}", "<"), ("less than {v}", "<"), ("under {v}", "<"), ("< {v}", "<"), ("lower than {v}", "<"),
    ("of at most {v}", "<="), ("up to {v}", "<="), ("no more than {v}", "<="), ("of {v} or less", "<="),
    ("at or above {v}", ">="), ("at or below {v}", "<="), ("not exceeding {v}", "<="), ("> {v}", ">"), ("≥ {v}", ">="), ("≤ {v}", "<="),
    ("larger than {v}", ">"), ("of {v} and above", ">="), ("of no less than {v}", ">="),
    ("between {v} and {w}", "between"), ("from {v} to {w}", "between"), ("between {v} and {w}", "between"), ("ranging from {v} to {w}", "between"),
)  # fmt: skip
"""Words of a comparison and its operator; `between` is asked with limits that no value equals."""


@dataclass(frozen=True)
class Threshold:
    """A comparison of the raster of values, in words and in truth."""

    words: str
    operator: str
    low: float
    high: float

    def chosen(self, values: np.ndarray) -> Mask:
        """Return which values hold."""
        match self.operator:
            case ">":
                return values > self.low
            case ">=":
                return values >= self.low
            case "<":
                return values < self.low
            case "<=":
                return values <= self.low
            case _:
                return (values > self.low) & (values < self.high)


def threshold(scene: Scene, rng: np.random.Generator) -> Threshold:
    """Return a comparison that splits the values of the scene; its limits are round numbers, as people give them."""
    surface, values = scene.surface.surface, scene.surface.values.compressed()
    words, operator = pick(rng, COMPARISONS)
    low, high = (round(float(np.quantile(values, share)), surface.decimals) for share in (rng.uniform(0.15, 0.45), rng.uniform(0.6, 0.9)))
    if operator == "between":
        low, high = low + 0.5 * 10.0**-surface.decimals, high + 0.5 * 10.0**-surface.decimals
    unit = pick(rng, VALUE_UNITS[surface.unit]) if rng.random() < 0.7 else ""
    text = words.format(v=f"{low:.12g}" + ("" if operator == "between" else unit), w=f"{high:.12g}{unit}")
    return Threshold(text, operator, low, high)


def class_words(scene: Scene, code: int) -> str:
    """Return what people call a class: its name, or `class 3` where the classes have no names."""
    label = scene.cover.labels[code]
    return f"class {label}" if scene.cover.label_style == "none" else label.lower()


def present_class(scene: Scene, rng: np.random.Generator) -> int:
    """Return a class that occurs."""
    return int(pick(rng, [code for code in scene.cover.labels if (scene.cover.codes == code).any()]))


def class_areas_by_zone(scene: Scene, code: int) -> dict[str, float]:
    """Return zone → area of a class, for every zone in which the class raster has data."""
    masks = {name: truth.zone_mask(scene, name) for name in scene.zone_names()}
    covered = {name: mask for name, mask in masks.items() if truth.classified_area_m2(scene, mask) > 0}
    return {name: truth.class_area_m2(scene, code, mask) for name, mask in covered.items()}


def value_areas_by_zone(scene: Scene, limit: Threshold) -> dict[str, float]:
    """Return zone → area where the comparison holds, for every zone in which the raster has data."""
    masks = {name: truth.zone_mask(scene, name) for name in scene.zone_names()}
    covered = {name: mask for name, mask in masks.items() if truth.statistic(scene, "mean", mask) is not None}
    return {name: truth.value_area_m2(scene, limit.chosen, mask) for name, mask in covered.items()}


def statistics_by_zone(scene: Scene, stat: str) -> dict[str, float]:
    """Return zone → statistic, for the zones in which the raster of values has data."""
    numbers = {name: truth.statistic(scene, stat, truth.zone_mask(scene, name)) for name in scene.zone_names()}
    return {name: number for name, number in numbers.items() if number is not None}


def definite_statistic(scene: Scene, rng: np.random.Generator, options: tuple[str, ...]) -> str:
    """Return one of the statistics; a median only where its usual definitions agree in every zone."""
    stat = pick(rng, options)
    if stat != "median":
        return stat
    masks = [None, *(truth.zone_mask(scene, name) for name in statistics_by_zone(scene, "mean"))]
    bounds = [truth.median_bounds(scene, mask) for mask in masks]
    return "median" if all(high - low < 5e-4 * abs(low) for low, high in bounds) else "mean"


def ranked(numbers: dict[str, float], *, descending: bool = True) -> list[str]:
    """Return the names by their numbers; those that are within a rounding of each other keep no order and are left out."""
    names = sorted(numbers, key=lambda name: -numbers[name] if descending else numbers[name])
    clear = [
        name for name in names if all(other == name or abs(numbers[name] - numbers[other]) > 1e-3 * abs(numbers[name]) for other in names)
    ]
    return [name for name in clear if numbers[name] != 0]


def has_clear_first(numbers: dict[str, float], *, descending: bool = True) -> bool:
    """Tell whether the first of a ranking is beyond doubt."""
    ordered = sorted(numbers.values(), reverse=descending)
    return len(ordered) > 1 and abs(ordered[0] - ordered[1]) > 0.01 * abs(ordered[0])
