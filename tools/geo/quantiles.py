"""Exact quantiles of numbers that pass by several times in pieces, so that they never have to be held or sorted.

Every float64 has a key of 64 bits in the order of the numbers. One pass weighs the first 16 bits of all keys, the next ones 16
bits more of those keys that begin like the quantiles sought: after four passes each quantile is one number (radix selection).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tools.geo.moments import Floats

Keys = NDArray[np.uint64]
Pieces = Callable[[], Iterator[tuple[Floats, Floats]]]
"""Starts a pass: finite values and their weights, each of shape (value,), piece by piece."""
DIGIT_BITS, PASSES = 16, 4
DIGITS = 1 << DIGIT_BITS
MOST_QUANTILES = 256
"""Sums of one pass take half a MiB for each."""
LEAST = 5e-324
"""Instead of no weight at all: the first value is the first that weighs anything."""
SIGN = np.uint64(1 << 63)


def quantiles(pieces: Pieces, shares: Sequence[float]) -> list[float]:
    """Return for each share, 0 to 1, the smallest value up to which at least this share of the weight lies.

    Hyndman and Fan's type 1, with weights: always a value that occurs. There must be at least one value of positive weight.
    """
    prefixes = np.zeros(1, np.uint64)
    wanted = np.zeros(len(shares), np.intp)
    weights = np.zeros(0)
    for done in range(PASSES):
        sums = _weigh(pieces, prefixes, done)
        if not done:
            weights = np.asarray(shares) * sums.sum()
        weights = np.maximum(weights, LEAST)
        digit = np.empty(len(shares), np.uint64)
        for at, prefix in enumerate(wanted):
            upto = np.cumsum(sums[prefix])
            digit[at] = min(int(np.searchsorted(upto, min(weights[at], upto[-1]))), DIGITS - 1)
            weights[at] -= upto[digit[at] - np.uint64(1)] if digit[at] else 0.0
        prefixes, wanted = np.unique((prefixes[wanted] << np.uint64(DIGIT_BITS)) | digit, return_inverse=True)
    return [float(value) for value in _values(prefixes)[wanted]]


def _weigh(pieces: Pieces, prefixes: Keys, done: int) -> Floats:
    """Return the weight by prefix and next digit, shape (prefix, digit); prefixes are sorted, of `done` digits each."""
    sums = np.zeros(len(prefixes) * DIGITS)
    for values, weights in pieces():
        keys = _keys(values) >> np.uint64(64 - DIGIT_BITS * (done + 1))
        begins = keys >> np.uint64(DIGIT_BITS)
        at = np.minimum(np.searchsorted(prefixes, begins), len(prefixes) - 1)
        fits = prefixes[at] == begins
        places = at[fits] * DIGITS + (keys[fits] & np.uint64(DIGITS - 1)).astype(np.intp)
        sums += np.bincount(places, weights=weights[fits], minlength=len(sums))
    return sums.reshape(len(prefixes), DIGITS)


def _keys(values: Floats) -> Keys:
    """Return whole numbers in the order of the values: IEEE 754 with the sign turned, and all bits of what is negative."""
    bits = (values + 0.0).view(np.uint64)  # + 0.0 makes one zero of two
    return np.where(bits & SIGN, ~bits, bits | SIGN)


def _values(keys: Keys) -> Floats:
    return np.where(keys & SIGN, keys ^ SIGN, ~keys).view(np.float64)
