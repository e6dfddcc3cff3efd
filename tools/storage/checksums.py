"""Digests that somebody states of a file, as catalogues and people write them, and the check of a file against them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.errors import DataError, ParameterError

MULTIHASHES = {"1114": "sha1", "1220": "sha256", "1340": "sha512", "1440": "sha3_512", "1620": "sha3_256", "d50110": "md5"}
"""Start of a multihash in hexadecimal (code and length) → name in hashlib; https://github.com/multiformats/multicodec."""
NAMED = ("sha256", "sha512", "sha1", "md5")
"""Algorithms that may be named before a colon."""
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Checksum:
    """A digest that a whole file must have."""

    algorithm: str
    """Name in hashlib."""
    digest: str
    """In hexadecimal, lower case."""


def parse_checksum(text: str) -> Checksum:
    """Read `sha256:HEX` (or sha512, sha1, md5), or a multihash in hexadecimal; raise ParameterError for anything else."""
    name, sign, digest = text.strip().lower().replace("-", "").partition(":")
    if not sign:
        found = maybe_multihash(text.strip())
    else:
        is_whole = name in NAMED and re.fullmatch(r"[0-9a-f]+", digest) and len(digest) == 2 * _new(name).digest_size
        found = Checksum(name, digest) if is_whole else None
    if found is None:
        raise ParameterError(f"The checksum {text[:160]!r} cannot be read.", hint="Write it like sha256:2cf24d…, with all 64 digits.")
    return found


def maybe_multihash(text: str | None) -> Checksum | None:
    """Read a multihash in hexadecimal (the `file:checksum` of STAC); None for what is none of a known kind.

    Catalogues are known to state bare digests, which may start with any digits: so the length must fit as well.
    """
    stated = (text or "").lower()
    for start, name in MULTIHASHES.items():
        if re.fullmatch(r"[0-9a-f]+", stated) and stated.startswith(start) and len(stated) == len(start) + 2 * _new(name).digest_size:
            return Checksum(name, stated.removeprefix(start))
    return None


def file_digests(path: Path, algorithms: Iterable[str]) -> dict[str, str]:
    """Return the digests of a file, which is read once: name in hashlib → digest in hexadecimal."""
    counted = {name: _new(name) for name in algorithms}
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            for digest in counted.values():
                digest.update(chunk)
    return {name: digest.hexdigest() for name, digest in counted.items()}


def check_digests(found: Mapping[str, str], stated: Iterable[Checksum], what: str, by_whom: str) -> None:
    """Raise DataError where a file has another digest than was stated."""
    for each in stated:
        if found[each.algorithm] != each.digest:
            raise DataError(
                f"{what} is not what {by_whom} says: its {each.algorithm} is {found[each.algorithm]}, not {each.digest}.",
                hint="It may be damaged, or another version; fetch it again, and tell the provider if it stays so.",
            )


def _new(name: str) -> hashlib._Hash:
    return hashlib.new(name, usedforsecurity=False)
