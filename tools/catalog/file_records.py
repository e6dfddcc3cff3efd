"""The record of a file: what it is, which layers it has, and what was said about it."""

from __future__ import annotations

import time as clock
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.catalog.naming import humanised, slug
from tools.catalog.records import DatasetRecord
from tools.catalog.registrations import Given, Registration, said
from tools.contract import Declared, Source
from tools.storage import formats
from tools.storage.identity import Stamp, parts, stamp


@dataclass(frozen=True)
class Seen:
    """A file as it was when it was looked at."""

    path: Path
    stamp: Stamp
    stamped_ns: int


def look(file: Path) -> Seen:
    """Take the stamp before anything is read, so that a change while reading is noticed the next time."""
    now = clock.time_ns()
    return Seen(file, stamp(file), now)


def layers_of(file: Path) -> tuple[str | None, ...]:
    """Return the layers of a GeoPackage; (None,) for a file of any other format."""
    if file.suffix.lower() != ".gpkg":
        return (None,)
    from tools.storage.vectors import layer_names

    return layer_names(file)


def described(seen: Seen, digest: str, layer: str | None, given: Given, earlier: Registration | None) -> DatasetRecord:
    """Return the record of a layer; content that is known under the same declarations is not read again."""
    stem = seen.path.stem if layer is None else f"{seen.path.stem} {layer}"
    registration = {
        "id": earlier.record.id if earlier else slug(seen.path.stem) if layer is None else f"{slug(seen.path.stem)}.{slug(layer)}",
        "title": given.title or humanised(stem),
        "path": str(seen.path),
        "layer": layer,
        "digest": digest,
        "bytes": sum(file.stat().st_size for _, file in parts(seen.path)),
        "declared": declared_json(given.declared),
    }
    if earlier and earlier.record.digest == digest and earlier.given.declared == given.declared:
        content = earlier.record.model_dump()
    else:
        from tools.catalog.describing import describe

        content = describe(Source("", formats.kind_of(seen.path), seen.path, digest, layer, given.declared)).model_dump()
    stated = {"time": given.time, "licence": given.licence, "attribution": given.attribution}
    return DatasetRecord.model_validate({**content, **registration, **{name: value for name, value in stated.items() if value is not None}})


def declared_json(declared: Declared) -> dict[str, object]:
    """Return the fields that were declared, as JSON."""
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in said(declared).items()}
