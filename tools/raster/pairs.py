"""The same band at two times, read together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.contract import ToolContext
from tools.geo.grid import Window
from tools.storage.rasters import read_band

if TYPE_CHECKING:
    import numpy as np

    from tools.raster.change import ChangeParams

    MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype of a raster


def read_pair(params: ChangeParams, context: ToolContext, window: Window) -> tuple[MaskedArray, MaskedArray]:
    """Return before and after of a window, `(row, col)`, True in the mask is not valid."""
    after_band = params.after_band or params.band
    return read_band(context.source(params.before), params.band, window), read_band(context.source(params.after), after_band, window)
