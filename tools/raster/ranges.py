"""Which class a value belongs to, and whether classes overlap."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.errors import ParameterError

if TYPE_CHECKING:
    from tools.raster.classify import ClassRange

MAX_CLASSES = 254
"""One byte a pixel holds these, `other`, and 0 for nodata."""


def codes_of(values: np.ma.MaskedArray[Any, np.dtype[Any]], classes: Sequence[ClassRange]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the class of every pixel, of the same shape: 0 where masked, 1 … n by class, n + 1 where none fits."""
    data, valid = values.data, ~np.ma.getmaskarray(values)
    codes = np.full(data.shape, len(classes) + 1, "uint8")
    for number, each in enumerate(classes, start=1):
        codes[_within(data, each)] = number
    codes[~valid] = 0
    return codes


def check_apart(classes: Sequence[ClassRange]) -> None:
    """Raise ParameterError, naming them, where two classes share a value or a label, or where there are too many."""
    if len(classes) > MAX_CLASSES:
        raise ParameterError(f"{len(classes)} classes were asked for; there may be at most {MAX_CLASSES}.", hint="Join some of them.")
    labels = [each.label for each in classes]
    if len({*labels, "other"}) <= len(labels):
        raise ParameterError(
            f"Among the labels {labels} one is used twice, or is 'other', which means 'in no class'.",
            hint="Give every class its own label.",
        )
    for one, other in combinations(classes, 2):
        if _overlap(one, other):
            raise ParameterError(
                f"The classes {one.label!r} and {other.label!r} overlap.",
                hint="Let one end where the other begins; min belongs to a class, max does not.",
            )


def _within(data: np.ndarray[Any, Any], each: ClassRange) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if each.values:
        return np.isin(data, each.values)
    above = np.ones(data.shape, bool) if each.min is None else (data >= each.min if each.min_inclusive else data > each.min)
    below = np.ones(data.shape, bool) if each.max is None else (data <= each.max if each.max_inclusive else data < each.max)
    return above & below


def _overlap(one: ClassRange, other: ClassRange) -> bool:
    if one.values or other.values:
        listed, rest = (one, other) if one.values else (other, one)
        return bool(_within(np.asarray(listed.values), rest).any())
    low, high = sorted((one, other), key=lambda each: (-inf if each.min is None else each.min, not each.min_inclusive))
    end, start = inf if low.max is None else low.max, -inf if high.min is None else high.min
    return end > start or (end == start and low.max_inclusive and high.min_inclusive)
