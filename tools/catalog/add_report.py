"""What became of what was added: registered, refused and why, or skipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.catalog.records import DatasetRecord
from tools.storage.paths import told


@dataclass(frozen=True)
class Refusal:
    """A file that was not registered, and why."""

    path: str
    code: str
    """As in `tools.errors`."""
    message: str
    hint: str

    def to_json(self) -> dict[str, str]:
        """Return a JSON object."""
        return {"path": self.path, "code": self.code, "message": self.message, "hint": self.hint}


@dataclass(frozen=True)
class AddReport:
    """What became of the files behind a path."""

    records: tuple[DatasetRecord, ...] = ()
    """Registered now or before, in the order of the files."""
    refused: tuple[Refusal, ...] = ()
    skipped: tuple[str, ...] = ()
    """Files of a folder that are of no supported format."""

    def __add__(self, other: AddReport) -> AddReport:
        """Join two reports; a dataset that both hold, since a file was a copy of another, stands once."""
        records = {record.id: record for record in self.records + other.records}
        return AddReport(tuple(records.values()), self.refused + other.refused, self.skipped + other.skipped)


def refused(file: Path | str, error: Mapping[str, object]) -> AddReport:
    """Return the report of a file that was not registered; `error` is as `TerraciteError.to_json` writes it."""
    return AddReport(refused=(Refusal(told(file), str(error["code"]), str(error["message"]), str(error["hint"])),))
