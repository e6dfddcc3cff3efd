"""The datasets of a workspace: registered once, known without reading the file, noticed when the file changes.

Light to import and to ask: only describing a new or changed file loads the readers.
"""

from __future__ import annotations

import difflib
import time as clock
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tools.catalog.add_report import AddReport, refused
from tools.catalog.addresses import (
    BUILT_IN,
    NoCatalogueError,
    address_record,
    address_source,
    is_address,
    is_file,
    norm_address,
)
from tools.catalog.declaring import checked_declared, checked_id
from tools.catalog.fetched import SIDE_NOTE, Fetched, Told, nobody_told
from tools.catalog.file_records import FileReader, Seen, look
from tools.catalog.naming import slug
from tools.catalog.records import DatasetRecord
from tools.catalog.registrations import Given, Registration, Registrations, declared_from_json
from tools.catalog.scanning import scan
from tools.catalog.times import parse_time
from tools.contract import Declared, Source
from tools.errors import (
    BusyError,
    CrashError,
    CredentialError,
    DataError,
    LimitError,
    NotFoundError,
    ParameterError,
    ServiceError,
    StorageError,
    TerraciteError,
)
from tools.redaction import redacted
from tools.storage.identity import content_digest
from tools.storage.paths import told
from tools.workers.job import Executor, InProcess

if TYPE_CHECKING:
    from tools.workspace import Workspace


class Datasets:
    """The registered datasets; satisfies `tools.contract.Catalog`."""

    def __init__(self, workspace: Workspace, executor: Executor | None = None) -> None:
        """`executor` opens files, in this process where none is given."""
        self._reader = FileReader(executor or InProcess())
        self._root = workspace.root
        self._downloads = workspace.downloads
        self._registrations = Registrations(workspace.datasets)

    def add(
        self,
        path: Path | str,
        *,
        id: str | None = None,
        title: str | None = None,
        declared: Declared = Declared(),  # noqa: B008 - frozen
        time: str | None = None,
        licence: str | None = None,
        attribution: str | None = None,
        checksum: str | None = None,
        progress: Told = nobody_told,
    ) -> AddReport:
        """Register a file, the supported files of a folder, or an address of a file or catalogue; what cannot be read is reported.

        Adding the same file again gives the same dataset; what is said now replaces what was said before, and the rest
        stays. A GeoPackage with several layers gives one dataset per layer, named `file.layer`. `time` is an ISO 8601
        instant or `start/end`. The file at an address is fetched where it changed since it was last; `checksum` is what it must
        be (`sha256:HEX`), and `progress` is told how many bytes of it have come, of how many.
        Raises ParameterError for options that no file can have: an unknown CRS, a bad time, one id for several files or
        for a dataset that another file has, a checksum for what is not fetched.
        """
        given = Given(title, checked_declared(declared), None if time is None else parse_time(time), licence, attribution)
        wanted = None if id is None else checked_id(id)
        if "://" in str(path):
            return self._add_address(str(path), given, wanted, Fetched(self._downloads, checksum, progress))
        if checksum is not None:
            raise ParameterError(f"A checksum was given for {str(path)!r}, which is not fetched.", hint="Give it with an https address.")
        try:
            found = scan(Path(path), without=self._root)
        except (DataError, NotFoundError) as error:
            return refused(Path(path), error.to_json())
        if wanted is not None and len(found.files) > 1:
            raise ParameterError(
                f"One id ({wanted!r}) was given for {len(found.files)} files.", hint="Add the files one by one, or give no id."
            )
        report = AddReport(skipped=tuple(told(file) for file in found.skipped))
        for file in found.files:
            report += self._add_file(file, given, wanted)
        return report

    def records(self) -> tuple[Mapping[str, Any], ...]:  # Any: JSON
        """Return every record as a JSON object, sorted by id, as last described."""
        return self._registrations.all_json()

    def record_objects(self) -> tuple[DatasetRecord, ...]:
        """Return every record, sorted by id, as last described."""
        return tuple(DatasetRecord.model_validate(record) for record in self.records())

    def get(self, dataset_id: str) -> DatasetRecord:
        """Return one record as last described; raise NotFoundError with the nearest ids."""
        return self._known(dataset_id).record

    def resolve(self, ref: str) -> Source:
        """Return the source behind a dataset id; a file that changed is described anew first, an address is not asked.

        Raises NotFoundError, with the nearest ids, for an unknown id, and where the file is gone; DataError where the
        changed file can no longer be read.
        """
        if ref in BUILT_IN and self._registrations.by_id(ref) is None:
            return address_source(BUILT_IN[ref])
        known = self._known(ref)
        if is_address(known.record.path):
            return address_source(known.record)
        try:
            seen = look(Path(known.record.path))
        except NotFoundError as error:
            raise NotFoundError(
                f"The file of dataset {ref!r} is gone: {known.record.path}.", hint="Put it back, or add it again from where it is now."
            ) from error
        return _source(known.record if known.is_current(seen.stamp) else self._refreshed(known, seen))

    def remove(self, dataset_id: str) -> None:
        """Forget a dataset; its file and its results stay. Raise NotFoundError where there is none of that id."""
        if not self._registrations.remove(dataset_id):
            self._unknown(dataset_id)

    def _known(self, dataset_id: str) -> Registration:
        return self._registrations.by_id(dataset_id) or self._unknown(dataset_id)

    def _unknown(self, dataset_id: str) -> NoReturn:
        ids = self._registrations.ids()
        near = difflib.get_close_matches(dataset_id.casefold(), [*ids, *BUILT_IN], n=3, cutoff=0.5) or list(ids[:10])
        hint = f"Nearest: {', '.join(near)}." if near else "Nothing is registered yet: terracite add PATH."
        raise NotFoundError(f"There is no dataset {dataset_id!r}.", hint=hint)

    def _add_file(self, file: Path, given: Given, wanted: str | None, former: tuple[Registration, ...] = ()) -> AddReport:
        """Register a file; `former` are the datasets whose file it replaces, under another path."""
        try:
            seen = look(file)
        except (DataError, NotFoundError) as error:
            return refused(file, error.to_json())
        known = self._registrations.by_path(str(file))
        if known and wanted is None and all(row.is_current(seen.stamp) and given.over(row.given) == row.given for row in known):
            return AddReport(tuple(row.record for row in known))
        before = self._registrations.refusal(str(file), given, seen.stamp)
        if before is not None:
            return refused(file, before)
        try:
            digest = content_digest(file)
            twin = None if known or former else self._twin(file, digest)
            return self._add_file(twin, given, wanted) if twin else AddReport(self._register(seen, digest, known or former, given, wanted))
        except (DataError, NotFoundError, ParameterError) as error:
            if isinstance(error, ParameterError) and wanted is not None:
                raise
            self._registrations.put_refusal(str(file), given, seen.stamp, seen.stamped_ns, error.to_json())
            return refused(file, error.to_json())
        except (LimitError, CrashError) as error:  # not remembered: limits are settings, and a crash may have another cause
            return refused(file, error.to_json())

    def _add_address(self, path: str, given: Given, wanted: str | None, fetched: Fetched) -> AddReport:
        """Register the file or the catalogue at an address, as it is now; nothing is registered where it does not answer.

        What was registered before and does not answer now stays as it was then.
        """
        known: tuple[Registration, ...] = ()
        try:
            address = norm_address(path)
            known = self._registrations.by_path(address) or self._registrations.by_origin(address)
            if fetched.checksum or is_file(address) or any(row.record.origin for row in known):
                return self._add_fetched(address, given, wanted, fetched, known)
            try:
                return AddReport((self._add_catalogue(address, given, wanted, known),))
            except NoCatalogueError as error:
                return self._add_unknown(address, given, wanted, fetched, error.told)
        except ServiceError as error:
            kept = AddReport(tuple(row.record for row in known))
            return kept if known and not fetched.checksum else refused(redacted(path), error.to_json())
        except (BusyError, CredentialError, DataError, LimitError, NotFoundError, ParameterError) as error:
            if isinstance(error, ParameterError) and wanted is not None:
                raise
            return refused(redacted(path), error.to_json())

    def _add_catalogue(self, address: str, given: Given, wanted: str | None, known: tuple[Registration, ...]) -> DatasetRecord:
        said_now = given.over(known[0].given) if known else given
        record = address_record(address, said_now, known[0].record if known else None)
        return self._put(Registration(record, said_now, (), clock.time_ns()), wanted)

    def _add_fetched(self, address: str, given: Given, wanted: str | None, fetched: Fetched, known: tuple[Registration, ...]) -> AddReport:
        report = self._add_file(fetched.file(address), replace(given, origin=address), wanted, known)
        return replace(report, records=tuple(_noted(record) for record in report.records))

    def _add_unknown(self, address: str, given: Given, wanted: str | None, fetched: Fetched, told: TerraciteError) -> AddReport:
        """Register the file at an address that does not tell what is there; where it is none either, raise what was said first."""
        with suppress(CredentialError, DataError, LimitError, NotFoundError, ServiceError):
            report = self._add_fetched(address, given, wanted, fetched, ())
            if report.records:
                return report
        raise told

    def _register(
        self, seen: Seen, digest: str, known: tuple[Registration, ...], given: Given, wanted: str | None
    ) -> tuple[DatasetRecord, ...]:
        """Describe and store every layer of a file; layers that it no longer has are forgotten."""
        layers = self._reader.layers(seen.path)
        earlier = {row.record.layer: row for row in known or self._moved(seen.path, digest)}
        for layer in set(earlier) - set(layers):
            self._registrations.remove(earlier[layer].record.id)
        records = []
        for layer in layers:
            row = earlier.get(layer)
            said_now = given if row is None else given.over(row.given)
            name = wanted if wanted is None or layer is None else f"{wanted}.{slug(layer)}"
            record = self._reader.described(seen, digest, layer, said_now, row)
            registration = Registration(record, said_now, seen.stamp, seen.stamped_ns)
            records.append(self._put(registration, name, replaces=row.record.id if row else ""))
        return tuple(records)

    def _twin(self, file: Path, digest: str) -> Path | None:
        """Return a registered file of the same name and content in another folder, if it is still there."""
        return next((path for row in self._moved(file, digest) if (path := Path(row.record.path)).is_file()), None)

    def _moved(self, file: Path, digest: str) -> tuple[Registration, ...]:
        """Return the registrations of a file of the same name and content in another folder."""
        same = [row for row in self._registrations.by_digest(digest) if Path(row.record.path).name == file.name]
        return tuple(row for row in same if row.record.path == same[0].record.path)

    def _put(self, registration: Registration, wanted: str | None = None, *, replaces: str = "") -> DatasetRecord:
        try:
            stored = self._registrations.put(registration, wanted, replaces=replaces)
        except StorageError:
            known = self._registrations.by_id(registration.record.id)
            if known is None or replace(known, stamp=registration.stamp, stamped_ns=registration.stamped_ns) != registration:
                raise
            stored = known.record  # nothing but the stamp is new: the file is read again the next time
        if stored is None:
            raise ParameterError(f"The id {wanted!r} belongs to another dataset.", hint="Choose another, or remove that dataset first.")
        return stored

    def _refreshed(self, known: Registration, seen: Seen) -> DatasetRecord:
        record = known.record
        layers = self._reader.layers(seen.path)
        if record.layer not in layers:
            names = ", ".join(str(layer) for layer in layers if layer) or "one layer of another name"
            raise NotFoundError(
                f"The file of dataset {record.id!r} now holds other layers: {names}.", hint=f"Add it again: terracite add {record.path}."
            )
        now = self._reader.described(seen, content_digest(seen.path), record.layer, known.given, known)
        return self._put(Registration(now, known.given, seen.stamp, seen.stamped_ns))


def _noted(record: DatasetRecord) -> DatasetRecord:
    """Return the record of a fetched file as it is told of, with what was not fetched."""
    return record.model_copy(update={"warnings": (*record.warnings, SIDE_NOTE)}) if record.kind == "raster" else record


def _source(record: DatasetRecord) -> Source:
    declared = declared_from_json(record.declared)
    return Source(
        record.id,
        record.kind,
        Path(record.path),
        record.digest,
        record.layer,
        declared,
        title=record.title,
        attribution=record.attribution or "",
    )
