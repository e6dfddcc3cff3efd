"""Which builds of which libraries shape the bytes, known without importing any of them.

A version number alone says too little: the same release of a library exists as several builds around different copies of
GDAL, PROJ or GEOS. An installed wheel lists every file in it with its digest (its RECORD), bundled native libraries and
grids included; version and digest of that list are the identity. It suffices for wheels, ours by `constraints.txt`. A build
against the libraries of the system is known by its own extension modules; replacing the system's GDAL under it is not seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from tools.errors import ConfigurationError


def environment(libraries: Iterable[str]) -> dict[str, str]:
    """Return distribution → `version (digest of its files)`; raise ConfigurationError where one is not installed."""
    return {name: _identity(name) for name in sorted(libraries)}


@cache  # what is installed does not change under a running process: what it imported stays imported
def _identity(name: str) -> str:
    try:
        found = distribution(name)
    except PackageNotFoundError as error:
        raise ConfigurationError(f"The library {name!r} is not installed.", hint=f"Install it: pip install {name}") from error
    digest = files_digest(found)
    return f"{found.version} ({digest})" if digest else found.version


def files_digest(found: Distribution) -> str:
    """Return a digest over what a wheel brought, the same on every machine; empty where no list was kept.

    Left out: what the installer adds, which differs from place to place (start scripts, byte code, its own notes).
    """
    lines = (found.read_text("RECORD") or "").splitlines()
    kept = sorted(line for line in lines if "sha256=" in line and ".dist-info/" not in line and not line.startswith(("..", "/")))
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16] if kept else ""
