"""Every error Terracite raises on purpose, sorted by who can repair it, and the one table that maps them.

A message has three parts: what was being done and with which value, what was expected, what to change (the `hint`).
Interfaces use `code`, `exit_code` and `http_status` and nothing else; secrets never enter a message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar


class TerraciteError(Exception):
    """Root of all errors, never raised itself. `code` is short and stable; `hint` says how to go on."""

    code: ClassVar[str]
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def to_json(self) -> dict[str, object]:
        """Return the JSON form that models, HTTP clients and the command line see."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "retryable": self.retryable}


class ParameterError(TerraciteError, ValueError):
    """The caller's parameters are wrong: an unknown column, a bad number, a unit that does not fit."""

    code = "bad_parameter"
    exit_code = 2
    http_status = 422


class DataError(TerraciteError, ValueError):
    """The data cannot be used as it is: broken file, empty layer, geometry that cannot be repaired."""

    code = "bad_data"
    exit_code = 65
    http_status = 422


class MissingCrsError(DataError):
    """A dataset has no coordinate reference system, so nothing on the ground can be measured."""

    code = "missing_crs"


class NotFoundError(TerraciteError, LookupError):
    """A file, dataset, artifact, fact, run or tool that was named does not exist."""

    code = "not_found"
    exit_code = 66
    http_status = 404


class LimitError(TerraciteError):
    """A published limit was reached (pixels, bytes, features, seconds, calls); the message names it."""

    code = "limit"
    exit_code = 4
    http_status = 413


class DeadlineError(LimitError):
    """A computation took longer than TERRACITE_TOOL_DEADLINE_S and was stopped."""

    code = "deadline"
    http_status = 504


class MemoryLimitError(LimitError):
    """A computation needed more memory than TERRACITE_WORKER_MEMORY_MB and was stopped."""

    code = "memory"


class ServiceError(TerraciteError, OSError):
    """A remote service (catalogue, model endpoint) did not answer as it should."""

    code = "service_unavailable"
    exit_code = 69
    http_status = 502
    retryable = True


class BusyError(TerraciteError):
    """Somebody else holds what is needed for longer than we may wait."""

    code = "busy"
    exit_code = 75
    http_status = 503
    retryable = True


class CredentialError(TerraciteError):
    """A key or signature is missing or was refused."""

    code = "credentials"
    exit_code = 77
    http_status = 401


class ConfigurationError(TerraciteError):
    """The environment is not as it must be: a setting, a missing extra, GDAL options set too late."""

    code = "configuration"
    exit_code = 78
    http_status = 500


class StorageError(TerraciteError, OSError):
    """The workspace cannot be read or written: disk full, read-only, a corrupt entry that cannot be replaced."""

    code = "storage"
    exit_code = 1
    http_status = 507


class StaleCodeError(TerraciteError):
    """A source file changed after this process imported it, so its results would carry the wrong key."""

    code = "stale_code"
    exit_code = 75
    http_status = 503
    retryable = True


class InternalError(TerraciteError):
    """A mistake of ours. What it was stands in the log and nowhere else: it may hold anything."""

    code = "internal"

    @classmethod
    def of(cls, error: BaseException, *, hint: str = "") -> InternalError:
        """Return what may be said of an error that is none of ours: its kind. Log the error itself."""
        return cls(f"Something went wrong inside ({type(error).__name__}).", hint=hint or "This is a mistake of ours: please report it.")


class CrashError(TerraciteError):
    """The process that computed died: a crash inside a library, or somebody killed it."""

    code = "crashed"


def published() -> dict[str, type[TerraciteError]]:
    """Return every code with its class, of all modules that are imported; a class without a code of its own tells its parent's."""
    return {cls.code: cls for cls in _family(TerraciteError) if "code" in vars(cls)}


def exit_code_of(code: str) -> int:
    """Return the exit code of an error by its published code; 1 for a code that is not ours."""
    return published().get(code, InternalError).exit_code


def error_from_json(data: Mapping[str, object]) -> TerraciteError:
    """Return the error that `to_json` told of; an InternalError where its code is not ours."""
    cls = published().get(str(data.get("code")))
    if cls is None:
        return InternalError("An error of an unknown kind was reported.", hint="This is a mistake of ours: please report it.")
    return cls(str(data.get("message", "")), hint=str(data.get("hint", "")))


def _family(cls: type[TerraciteError]) -> Iterator[type[TerraciteError]]:
    for child in cls.__subclasses__():
        yield child
        yield from _family(child)
