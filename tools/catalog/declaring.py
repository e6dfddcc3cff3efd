"""What a user says of a dataset beside its file or address, checked before anything is read."""

from __future__ import annotations

from dataclasses import replace

from tools.catalog.naming import slug
from tools.contract import Declared
from tools.errors import ParameterError


def checked_declared(declared: Declared) -> Declared:
    """Return the declarations with the CRS in its normal form; raise ParameterError for what cannot be."""
    if declared.bounds is not None:
        left, bottom, right, top = declared.bounds
        if left >= right or bottom >= top:
            raise ParameterError(f"The bounds {declared.bounds} have no area.", hint="Give LEFT BOTTOM RIGHT TOP in the raster's CRS.")
    if declared.scale == 0:
        raise ParameterError("A scale of 0 would make every value the same.", hint="Give the factor from stored to true values.")
    if declared.crs is None:
        return declared
    from tools.geotypes import norm_crs

    try:
        return replace(declared, crs=norm_crs(declared.crs))
    except ValueError as error:
        raise ParameterError(f"The declared CRS is not known: {error}.", hint="Give e.g. --crs EPSG:32632.") from error


def checked_id(wanted: str) -> str:
    """Return an id that can be written in a question; raise ParameterError for any other."""
    if slug(wanted.replace(".", "_")) != wanted.replace(".", "_"):
        raise ParameterError(f"The id {wanted!r} is not usable.", hint=f"Use small letters, digits, _ and dots, e.g. {slug(wanted)}.")
    return wanted
