"""How sure the areas of a map's classes are, as facts that stand beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from odc.geo.geobox import GeoBox

from tools.contract import Fact
from tools.geo.accuracy import ConfusionMatrix, adjusted_areas
from tools.geo.pixels import pixel_area_range_m2

BORDER_METHOD = (
    "boundary_uncertainty: sum over the pixel sides between classes of half a pixel's area (epsilon band of half a pixel, Perkal 1956); "
    "a bound, since errors along an outline mostly cancel"
)
ADJUSTED_METHOD = (
    "adjusted_area and margin_95 (half the 95 % interval): stratified estimator of Olofsson et al. (2014), equations 9 to 11, with the mapped "
    "areas as weights; the sample must be random within the classes of this map"
)


WATERS = ("water", "flood", "inundat")


def water_notes(labels: Iterable[str]) -> tuple[str, ...]:
    """Say of classes of water that rivers and lakes which are always there are among it: no tool takes them out unasked."""
    waters = [label for label in labels if any(word in label.casefold() for word in WATERS)]
    return (f"Permanent water, such as rivers and lakes, was not removed from {', '.join(waters)}",) if waters else ()


def border_facts(border_m2: Mapping[str, float], subject: Mapping[str, str] | None = None) -> tuple[Fact, ...]:
    """Return by how much the area of each class is off at most where its outline, drawn along pixels, is half a pixel off."""
    about = subject or {}
    return tuple(Fact("boundary_uncertainty", bound, "m2", {**about, "class": label}) for label, bound in border_m2.items() if bound > 0)


def adjusted_facts(matrix: ConfusionMatrix, mapped_m2: Mapping[str, float], subject: Mapping[str, str] | None = None) -> tuple[Fact, ...]:
    """Return the area of each class corrected for the errors of the map, half its 95 % interval, and the map's overall accuracy.

    Raises ParameterError for a mapped class that the matrix does not know, or of which too few places were sampled.
    """
    about, found = subject or {}, adjusted_areas(matrix, mapped_m2)
    facts = [Fact("overall_accuracy", 100 * found.overall_accuracy, "%", dict(about))]
    for label, area in found.area_m2.items():
        facts += [
            Fact("adjusted_area", area, "m2", {**about, "class": label}),
            Fact("margin_95", found.margin_m2[label], "m2", {**about, "class": label}),
        ]
    return tuple(facts)


def pixel_size_fact(grid: GeoBox) -> tuple[Fact, ...]:
    """Return the side of a square on the ground as large as the pixels (the middle one where they vary); nothing where no pixel is on the Earth."""
    smallest, largest = pixel_area_range_m2(grid)
    return (Fact("pixel_size", math.sqrt(math.sqrt(smallest * largest)), "m"),) if smallest else ()
