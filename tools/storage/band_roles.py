"""Which band of a raster has a role: declared by the user, else told by the band's description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tools.contract import Source
from tools.errors import ParameterError
from tools.geo.roles import STANDS_IN, band_roles, canonical_role, folded
from tools.storage.rasters import check_band, open_raster

SHOWN = 30
"""Most roles and names that an error lists."""


def roles_of(source: Source) -> dict[str, int]:
    """Return role → 1-based band of a raster; raises what `open_raster` raises."""
    with open_raster(source, located=False) as dataset:
        return band_roles(dataset.descriptions, source.declared.bands)


def band_of(source: Source, role: str) -> int:
    """Return the 1-based band that has a role, or is described by exactly this name; `nir` is also met by `nir08`.

    Raises ParameterError, naming the roles there are, where none or several have it.
    """
    with open_raster(source, located=False) as dataset:
        descriptions = dataset.descriptions
        roles = band_roles(descriptions, source.declared.bands)
        wanted = canonical_role(role)
        alike = [band for band, text in enumerate(descriptions, start=1) if text and folded(text) == folded(role)]
        band = roles.get(wanted) or roles.get(STANDS_IN.get(wanted, "")) or (alike[0] if len(alike) == 1 else None)
        if band is not None:
            check_band(dataset, band, source.path)
            return band
    raise ParameterError(
        f"No band of the raster {source.ref!r} is known as {role!r}; {_there_are(roles, descriptions)}.",
        hint=f"Say which band it is: parameter 'bands' with {{\"{role}\": NUMBER}}, or terracite add PATH --bands {role}=NUMBER.",
    )


def bands_of(source: Source, roles: Iterable[str], given: Mapping[str, int]) -> dict[str, int]:
    """Return canonical role → 1-based band of every role; what is `given` (under any name of a role) wins.

    Raises ParameterError for a role that no band has, and for a given band that does not exist.
    """
    known = {canonical_role(name): band for name, band in given.items()}
    with open_raster(source, located=False) as dataset:
        for band in known.values():
            check_band(dataset, band, source.path)
    wanted = [canonical_role(role) for role in roles]
    return {role: known.get(role) or known.get(STANDS_IN.get(role, "")) or band_of(source, role) for role in wanted}


def _there_are(roles: Mapping[str, int], descriptions: Sequence[str | None]) -> str:
    """Say which roles and names the bands have."""
    count = len(descriptions)
    known = [f"{role} (band {band})" for role, band in sorted(roles.items(), key=lambda pair: (pair[1], pair[0]))]
    others = [f"{text[:40]!r} (band {band})" for band, text in enumerate(descriptions, 1) if text and band not in roles.values()]
    listed = ", ".join([*known, *others][:SHOWN])
    return f"there are {listed}" if listed else f"its {count} bands have no names" if count > 1 else "its only band has no name"
