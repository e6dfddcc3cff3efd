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
from tools.storage.stac_files import is_stac
from tools.workers.job import Executor, Job, Json, Progress


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


@dataclass(frozen=True)
class FileReader:
    """Reads what files are, where foreign files are opened."""

    executor: Executor

    def layers(self, file: Path) -> tuple[str | None, ...]:
        """Return the layers of a file that may have several; (None,) for a file of any other format."""
        if file.suffix.lower() not in formats.LAYERED:
            return (None,)
        return tuple(self.executor.run(_job("layers_of", {"file": file}, file))["layers"])

    def described(self, seen: Seen, digest: str, layer: str | None, given: Given, earlier: Registration | None) -> DatasetRecord:
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
            "origin": given.origin,
        }
        if earlier and earlier.record.digest == digest and earlier.given.declared == given.declared:
            content: Json = earlier.record.model_dump()
        else:
            source = Source("", formats.kind_of(seen.path), seen.path, digest, layer, given.declared)
            content = self.executor.run(_job("content_of", {"source": source}, seen.path))
        stated = {"time": given.time, "licence": given.licence, "attribution": given.attribution}
        return DatasetRecord.model_validate(
            {**content, **registration, **{name: value for name, value in stated.items() if value is not None}}
        )


def layers_of(file: Path, progress: Progress) -> Json:  # noqa: ARG001 - as of every job
    """Return the names of a file's layers, under `layers`."""
    from tools.storage.vectors import layer_names

    return {"layers": list(layer_names(file))}


def content_of(source: Source, progress: Progress) -> Json:  # noqa: ARG001 - as of every job
    """Describe a file; return the fields of `Content`."""
    from tools.catalog.describing import describe

    return describe(source).model_dump(mode="json")


def _job(name: str, arguments: Json, file: Path) -> Job:
    """Return a job that may read a file and what belongs to it; of a catalogue, whatever lies below it."""
    has_links = file.suffix.lower() in formats.JSON and is_stac(file)
    reads = (file.parent,) if has_links else tuple(part for _, part in parts(file))
    return Job(f"tools.catalog.file_records:{name}", arguments, reads=reads)


def declared_json(declared: Declared) -> dict[str, object]:
    """Return the fields that were declared, as JSON."""
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in said(declared).items()}
