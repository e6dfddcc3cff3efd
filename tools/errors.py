"""Every error Terracite raises on purpose, sorted by who can repair it: the one table from which all else is made.

A message has three parts: what was being done and with which value, what was expected, what to change (the `hint`). It leaves
without secrets, whatever it was made from. Interfaces use the attributes of the classes and decide nothing themselves:
`code`, `exit_code`, `http_status`, `retryable`, and `for_model`, which a language model is told beside the message.
Codes are stable: others match on them. New ones may come; none is renamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from tools.redaction import redacted


class TerraciteError(Exception):
    """Root of all errors, never raised itself."""

    code: ClassVar[str]
    """Short and stable."""
    meaning: ClassVar[str]
    """What the code means, in a sentence."""
    remedy: ClassVar[str]
    """What to do about it: the hint where an error brings none of its own."""
    for_model: ClassVar[str]
    """What a language model that made the call shall do now."""
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later, with nothing changed."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = redacted(message)
        self.hint = redacted(hint or self.remedy)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def to_json(self) -> dict[str, object]:
        """Return the JSON form that HTTP clients and the command line see, and that a run records."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "retryable": self.retryable}

    def told_to_model(self) -> dict[str, object]:
        """Return what a language model is told of its call: the same, and what to do now."""
        return {**self.to_json(), "do": self.for_model}


class ParameterError(TerraciteError, ValueError):
    """The caller's parameters are wrong: an unknown column, a bad number, a unit that does not fit."""

    code = "bad_parameter"
    meaning = "A parameter is wrong: its name, its value, or how it goes with the others."
    remedy = "Correct the parameter; `terracite tools NAME` shows what it may be."
    for_model = "Correct the parameters as the hint says and call again."
    exit_code = 2
    http_status = 422


class DataError(TerraciteError, ValueError):
    """The data cannot be used as it is: broken file, empty layer, geometry that cannot be repaired."""

    code = "bad_data"
    meaning = "The data cannot be used as it is: a broken file, an empty layer, a format that is not taken."
    remedy = "Repair the data, or use other data."
    for_model = "Do not repeat the call with this data: use other data that fits, or tell the user what is wrong with it."
    exit_code = 65
    http_status = 422


class MissingCrsError(DataError):
    """A dataset has no coordinate reference system, so nothing on the ground can be measured."""

    code = "missing_crs"
    meaning = "The data does not say where on Earth it lies: it has no coordinate reference system."
    remedy = "Add the data again with its coordinate reference system: terracite add PATH --crs EPSG:…"
    for_model = "Never guess a coordinate reference system: tell the user that it is missing and how to give it."


class NotFoundError(TerraciteError, LookupError):
    """A file, dataset, artifact, fact, run or tool that was named does not exist."""

    code = "not_found"
    meaning = "What was named is not there: a file, dataset, column, result, run or tool."
    remedy = "Check the name; `terracite datasets` and `terracite tools` list what there is."
    for_model = "Use only names that the session, a result or list_datasets shows; if none fits, say what is missing."
    exit_code = 66
    http_status = 404


class LimitError(TerraciteError):
    """A published limit was reached (pixels, bytes, features, seconds, calls); the message names it."""

    code = "limit"
    meaning = "A published limit was reached, of pixels, bytes, features, vertices, pages or calls; the message names it."
    remedy = "Ask for less at once, or raise the setting that the message names."
    for_model = "Ask for less: a smaller area, a coarser resolution or fewer items; else tell the user which limit was reached."
    exit_code = 4
    http_status = 413


class DeadlineError(LimitError):
    """A computation took longer than TERRACITE_TOOL_DEADLINE_S and was stopped."""

    code = "deadline"
    meaning = "A computation took longer than it may, and was stopped."
    remedy = "Ask for less at once, or raise TERRACITE_TOOL_DEADLINE_S."
    for_model = "Do not repeat the same call: ask for a smaller area, a coarser resolution or fewer features, or tell the user."
    http_status = 504


class MemoryLimitError(LimitError):
    """A computation needed more memory than TERRACITE_WORKER_MEMORY_MB and was stopped."""

    code = "memory"
    meaning = "A computation needed more memory than it may have, and was stopped."
    remedy = "Ask for less at once, or raise TERRACITE_WORKER_MEMORY_MB."
    for_model = "Do not repeat the same call: ask for a smaller area, a coarser resolution or fewer features, or tell the user."


class ServiceError(TerraciteError, OSError):
    """A remote service (catalogue, model endpoint) did not answer as it should."""

    code = "service_unavailable"
    meaning = "Another machine did not answer as it should."
    remedy = "Try again later."
    for_model = "Call once more; if it fails again, tell the user which service does not answer."
    exit_code = 69
    http_status = 502
    retryable = True


class BusyError(TerraciteError):
    """Somebody else holds what is needed for longer than we may wait."""

    code = "busy"
    meaning = "Another process holds what is needed, or changes it."
    remedy = "Try again when it has finished."
    for_model = "Call once more; if it fails again, tell the user."
    exit_code = 75
    http_status = 503
    retryable = True


class CredentialError(TerraciteError):
    """A key or signature is missing or was refused."""

    code = "credentials"
    meaning = "A key, token or signature is missing or was refused."
    remedy = "Give a key that is valid for this service."
    for_model = "Do not repeat the call: tell the user which access is missing. Never ask for a key or password."
    exit_code = 77
    http_status = 401


class ConfigurationError(TerraciteError):
    """The environment is not as it must be: a setting, a missing extra, GDAL options set too late."""

    code = "configuration"
    meaning = "Terracite is not set up for this: a setting is wrong, or something is not installed."
    remedy = "Run `terracite doctor`, which says what to change."
    for_model = "Do not repeat the call: tell the user what the hint says."
    exit_code = 78


class StorageError(TerraciteError, OSError):
    """The workspace cannot be read or written: disk full, read-only, a corrupt entry that cannot be replaced."""

    code = "storage"
    meaning = "The workspace cannot be read or written."
    remedy = "Check the disk's free space and the folder's permissions."
    for_model = "Do not repeat the call: tell the user what the hint says."
    http_status = 507


class StaleCodeError(TerraciteError):
    """A source file changed after this process imported it, so its results would carry the wrong key."""

    code = "stale_code"
    meaning = "Terracite's own code changed since this process started."
    remedy = "Start it again."
    for_model = "Do not repeat the call: tell the user that Terracite has to be started again."
    exit_code = 75
    http_status = 503
    retryable = True


class InternalError(TerraciteError):
    """A mistake of ours. What it was stands in the log and nowhere else: it may hold anything."""

    code = "internal"
    meaning = "A mistake of Terracite's own."
    remedy = "This is a mistake of ours: please report it."
    for_model = "Do not repeat the same call: go another way, or tell the user that this step failed inside Terracite."

    @classmethod
    def of(cls, error: BaseException, *, hint: str = "") -> InternalError:
        """Return what may be said of an error that is none of ours: its kind. Log the error itself."""
        return cls(f"Something went wrong inside ({type(error).__name__}).", hint=hint)


class CrashError(TerraciteError):
    """The process that computed died: a crash inside a library, or somebody killed it."""

    code = "crashed"
    meaning = "The process that computed died: a library crashed over the data, or somebody killed it."
    remedy = "Ask for less at once, or check the data: it may be damaged."
    for_model = "Do not repeat the same call: ask for less, use other data, or tell the user."


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
        return InternalError("An error of an unknown kind was reported.")
    return cls(str(data.get("message", "")), hint=str(data.get("hint", "")))


def _family(cls: type[TerraciteError]) -> Iterator[type[TerraciteError]]:
    for child in cls.__subclasses__():
        yield child
        yield from _family(child)
