"""Many ranges of whole numbers as arrays, without a loop over them."""

from __future__ import annotations

import numpy as np

from tools.geo.rings import Indexes


def laid_out(starts: Indexes, ends: Indexes) -> tuple[Indexes, Indexes]:
    """Return, for the ranges start … end - 1 laid end to end, the number of the range of each member, and the member."""
    lengths = ends - starts
    which = np.repeat(np.arange(len(lengths)), lengths)
    return which, np.arange(len(which)) + (starts - np.cumsum(lengths) + lengths)[which]
