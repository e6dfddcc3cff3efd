"""The result of a run, as Python and as the JSON of the public contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    # What a client shows of a result needs no language model's library, which the state of a run does.
    from agent.state import Json, Status
    from tools.errors import TerraciteError

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class RunResult:
    """Everything that is known of one answered or refused question; the field names are the JSON contract."""

    status: Status
    outcome: Literal["value", "true_zero", "no_coverage", "refused", "failed"] | None
    """None for `input_needed` and `limit`."""
    exit_code: int
    question: str
    answer: str
    claims: Sequence[Json]
    """[{span, value, unit, n, path, verdict}]; `value` is null for a quotation."""
    citations: Sequence[Json]
    """[{n, key, tool, title, facts: [{name, value, unit, subject, path}], source, licence, attribution, bbox, time, verdict}]"""
    artifacts: Sequence[Json]
    """[{key, tool, kind, folder, files: [{path, sha256, bytes}], cache, seconds}] in the order of the calls."""
    unsupported: Sequence[Json]
    """Claims of the draft that no cited fact supports; they were removed or marked."""
    warnings: Sequence[str]
    steps: Sequence[Json]
    engine: str
    model: str
    usage: Json
    run_id: str
    thread_id: str
    seconds: float
    schema_version: int = field(default=SCHEMA_VERSION)

    def to_json(self) -> dict[str, Any]:  # Any: JSON values
        """Return the JSON object that `ask --json` prints."""
        data = asdict(self)
        return {"schema_version": data.pop("schema_version"), **data}


def failed_result(question: str, error: TerraciteError) -> RunResult:
    """Return the result of a run that could not begin (data missing or unreadable, a configuration that does not hold)."""
    return RunResult(
        status="failed",
        outcome="failed",
        exit_code=error.exit_code,
        question=question,
        answer=str(error),
        claims=[],
        citations=[],
        artifacts=[],
        unsupported=[],
        warnings=[],
        steps=[{"error": error.to_json()}],
        engine="",
        model="",
        usage={},
        run_id="",
        thread_id="",
        seconds=0.0,
    )
