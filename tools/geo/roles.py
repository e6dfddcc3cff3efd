"""Which band of a raster is which: roles such as green, nir, swir1 or scl, whatever the provider calls them.

A role is declared by the user, else read from the band's description. Names are compared without case, spaces, dashes and
underscores. The roles are the common names of the STAC extension `eo`, with `swir1` and `swir2` for its `swir16` and `swir22`
and Sentinel-2's three red edges by number, and two bands of quality: `scl` (scene classification of Sentinel-2 level 2A) and `qa_pixel` (Landsat Collection 2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ALIASES: dict[str, tuple[str, ...]] = {
    "coastal": ("coastalaerosol",),
    "blue": (),
    "green": (),
    "yellow": (),
    "red": (),
    "rededge1": ("rededge071", "rededge"),
    "rededge2": ("rededge075",),
    "rededge3": ("rededge078",),
    "nir": ("nearinfrared",),
    "nir08": ("nirnarrow", "narrownir"),
    "nir09": ("watervapour", "watervapor"),
    "cirrus": (),
    "swir1": ("swir16",),
    "swir2": ("swir22",),
    "pan": ("panchromatic",),
    "lwir": ("thermal",),
    "lwir11": (),
    "lwir12": (),
    "scl": ("sceneclassification", "sceneclassificationmap", "sceneclassificationlayer"),
    "qa_pixel": ("qapixel", "pixelqa"),
}
"""Role → other names of it, folded."""

SENTINEL_2: dict[str, str] = {
    "b01": "coastal", "b02": "blue", "b03": "green", "b04": "red", "b05": "rededge1", "b06": "rededge2", "b07": "rededge3",
    "b08": "nir", "b8a": "nir08", "b09": "nir09", "b10": "cirrus", "b11": "swir1", "b12": "swir2",
}  # fmt: skip
"""Band names of Sentinel-2 (ESA, Sentinel-2 products specification); the zero tells them from Landsat's B1 … B11."""
UNPADDED = {f"b{number}" for number in range(1, 10)}

QUALITY_ROLES = ("scl", "qa_pixel")
"""Roles of bands that hold codes of quality, from which `tools.geo.clouds` tells what was seen."""

SCL_CLASSES: dict[int, str] = {
    0: "no data", 1: "saturated or defective", 2: "dark area", 3: "cloud shadow", 4: "vegetation", 5: "not vegetated", 6: "water",
    7: "unclassified", 8: "cloud medium probability", 9: "cloud high probability", 10: "thin cirrus", 11: "snow or ice",
}  # fmt: skip
"""Classes of `scl` (ESA, Sentinel-2 MSI Level-2A Algorithm Theoretical Basis Document)."""

STANDS_IN: dict[str, str] = {"nir": "nir08"}
"""Where the first is not there, the second is of the same kind: Sentinel-2's narrow, Landsat 8's only near infrared."""


def canonical_role(name: str) -> str:
    """Return the one spelling of a role; of a name that is no known role, its folded form."""
    text = folded(name)
    return _ROLE_OF.get(text, text)


def folded(name: str) -> str:
    """Return a band's name without case, spaces, dashes and underscores."""
    return "".join(char for char in name.casefold() if char not in " -_")


_ROLE_OF = {alias: role for role, others in ALIASES.items() for alias in (folded(role), *others)}


def band_roles(descriptions: Sequence[str | None], declared: Mapping[str, int]) -> dict[str, int]:
    """Return role → 1-based band: what is declared, then the descriptions that are known roles.

    Two bands that are described alike have no role: nothing says which is meant. `B11` is Sentinel-2's only where no band is
    called `B1` … `B9` as Landsat's are.
    """
    roles = {canonical_role(name): band for name, band in declared.items()}
    names = [folded(text or "") for text in descriptions]
    codes = SENTINEL_2 if not UNPADDED & set(names) else {}
    named = [_ROLE_OF.get(name) or codes.get(name) for name in names]
    for band, role in enumerate(named, start=1):
        if role and role not in roles and band not in declared.values() and named.count(role) == 1:
            roles[role] = band
    return roles


def role_of(band: int, descriptions: Sequence[str | None], declared: Mapping[str, int]) -> str | None:
    """Return the known role of a 1-based band, None where it has none; names of a user's own are no known roles."""
    if not descriptions[band - 1] and band not in declared.values():
        return None
    return next((role for role, index in band_roles(descriptions, declared).items() if index == band and role in ALIASES), None)
