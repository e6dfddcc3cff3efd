"""From `a:KEY#items/N/ASSET` to a file: which one it is, where it lies, and by what it is known to be the same again.

The identity of a remote file is the strongest there is: `file:checksum` of its item, else ETag and size as the server states
them, else `updated` and `file:size`, else the item's record. How the catalogue wants the values read (scale, offset, nodata,
classes) is part of it. Addresses are not, but for an ETag that is no digest: it tells states of one file apart, not files (RFC 9110,
8.8.3), and many servers make it of time and size. A local file, of a static catalogue in a folder, is known by its content; it must
lie under the folder that was registered, which the search put into its result's `data` as `root`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.contract import Artifact, Source
from tools.errors import DataError, NotFoundError, ParameterError
from tools.storage.identity import content_digest
from tools.storage.item_assets import asset_of, band_specs
from tools.storage.paths import real_file

if TYPE_CHECKING:
    from tools.storage.ranges import Pin

Json = Mapping[str, Any]  # Any: JSON
UNKNOWING = (405, 501)
"""Statuses of servers that do not answer HEAD."""
DIGEST = re.compile(r'"[0-9a-f]{32,128}(-\d+)?"')
"""ETags of S3 and its kin: the MD5 of the content, or of its parts with their number."""


def asset_source(artifact: Artifact, position: int, name: str) -> Source:
    """Return one file of one scene of a search result; of a remote one, its server is asked for its state (no byte of it is read).

    `item` holds the item, the `asset` key, and `pin`: size, etag and checksum that the file must have. `layer` is the name of the
    band where `name` means one of several in the file.
    Raises NotFoundError, with what there is, ParameterError for a file that may not be read, and what the server's answer means.
    """
    item = _item(artifact, position)
    key, band = asset_of(item, name)
    specs = band_specs(item, key)
    href = _https(str(item["assets"][key]["href"]))
    layer = specs[band - 1].name if band else None
    reading = _digest([key, *(spec.to_json() for spec in specs)])
    if "://" not in href:
        file = _local(artifact, href)
        return Source("", "asset", file, f"{content_digest(file)};{reading}", layer, title=item["id"], item={**item, "asset": key})
    identity, pin = _identity(item, key, href)
    known = {"size": pin.size, "etag": pin.etag, "checksum": pin.checksum}
    return Source(
        "", "asset", Path(), f"{identity};{reading}", layer, title=item["id"], url=href, item={**item, "asset": key, "pin": known}
    )


def _https(href: str) -> str:
    """Return the public address of a file in S3 (AWS, "Virtual hosting of buckets"); other addresses as they are."""
    bucket, _, path = href.removeprefix("s3://").partition("/")
    return f"https://{bucket}.s3.amazonaws.com/{path}" if href.startswith("s3://") else href


def _item(artifact: Artifact, position: int) -> dict[str, Any]:
    if artifact.main_file is None:
        raise NotFoundError(f"The result {artifact.ref} holds no scenes.", hint="Search again with other conditions.")
    items = json.loads(artifact.main_file.read_bytes())["features"]
    if not 0 <= position < len(items):
        there = f"It has scenes 0 to {len(items) - 1}." if items else "It is empty."
        raise NotFoundError(f"The result {artifact.ref} has no scene {position}.", hint=there)
    item: dict[str, Any] = items[position]
    return item


def _local(artifact: Artifact, href: str) -> Path:
    """Return a local file that lies in the folder of its catalogue; links that lead out of it are followed before the check."""
    root = artifact.data.get("root")
    file = real_file(Path(href)).resolve()
    if not isinstance(root, str) or not file.is_relative_to(Path(root).resolve()):
        raise ParameterError(
            f"The catalogue names the local file {Path(href).name!r}, which is not in the catalogue's folder.",
            hint="Register the file itself: terracite add PATH.",
        )
    if file.suffix.lower() == ".vrt":
        raise DataError(f"The file {file.name!r} is a virtual raster.", hint="Register it itself: terracite add PATH.")
    return file


def _identity(item: Json, key: str, href: str) -> tuple[str, Pin]:
    from tools.storage.ranges import Pin

    asset = item["assets"][key]
    checksum, size = asset.get("file:checksum"), asset.get("file:size")
    size = size if isinstance(size, int) and size > 0 else None
    if isinstance(checksum, str) and checksum:
        return f"checksum:{checksum.lower()}", Pin(size, checksum=checksum)
    etag, length = _state(href)
    if etag and length:
        place = "" if DIGEST.fullmatch(etag) else f":{_digest(asset['href'])}"
        return f"etag:{etag}:{length}{place}", Pin(length, etag)
    updated = asset.get("updated") or item["properties"].get("updated")
    if updated and (length or size):
        return f"updated:{updated}:{length or size}:{_digest(asset['href'])}", Pin(length or size)
    return f"item:{_digest({'item': item, 'asset': key})}", Pin(length or size)


def _state(href: str) -> tuple[str | None, int | None]:
    """Return ETag and size of a remote file; None for what its server does not say."""
    from tools.storage.bodies import maybe_count
    from tools.storage.http import Remote, Request
    from tools.storage.signing import signer_for

    with Remote() as remote:
        answer = remote.request(
            Request(href, "HEAD", accept=UNKNOWING, signer=signer_for(href), headers=(("accept-encoding", "identity"),))
        )
    length = maybe_count(answer.headers.get("content-length", ""))
    if answer.status in UNKNOWING or length is None:
        return None, None
    return answer.headers.get("etag") or None, length or None


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
