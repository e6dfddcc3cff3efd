"""The one typed stream of events of a run; every interface renders these and nothing else."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunStarted(_Event):
    """The question was taken."""

    type: Literal["run_started"] = "run_started"
    run_id: str
    thread_id: str
    question: str
    engine: str
    model: str | None = None
    datasets: list[str] = Field(default_factory=list)
    """Ids in focus."""


class Recalled(_Event):
    """Memory was asked about the question, before anything was decided."""

    type: Literal["recalled"] = "recalled"
    results: list[str]
    """Refs of earlier results that may be of use."""
    documents: list[str]
    """Ids of documents with passages that may be."""
    note: str = ""
    """Why memory could not be searched."""


class ToolStarted(_Event):
    """A tool call begins."""

    type: Literal["tool_started"] = "tool_started"
    call_id: str
    tool: str
    params: dict[str, Any]  # Any: JSON as given by the engine


class ToolProgress(_Event):
    """A tool tells how far it is; not every tool does, and not more often than a reader can see."""

    type: Literal["tool_progress"] = "tool_progress"
    call_id: str
    tool: str
    share: float
    """0 to 1."""


class ToolFinished(_Event):
    """A tool call ended with a result."""

    type: Literal["tool_finished"] = "tool_finished"
    call_id: str
    tool: str
    n: int
    """Citation number of the result within the run."""
    key: str
    cache: Literal["hit", "computed", "observed"]
    outcome: str
    summary: str
    seconds: float
    warnings: list[str] = Field(default_factory=list)


class ToolFailed(_Event):
    """A tool call ended with an error; nothing was stored."""

    type: Literal["tool_failed"] = "tool_failed"
    call_id: str
    tool: str
    error: dict[str, Any]  # Any: TerraciteError.to_json()


class Token(_Event):
    """A piece of draft text while an engine writes; the draft is not yet checked."""

    type: Literal["token"] = "token"
    text: str


class ModelRetried(_Event):
    """The request to the model is sent again after a fault that may pass; text of the draft so far begins anew."""

    type: Literal["model_retried"] = "model_retried"
    reason: str
    wait_s: float


class Grounded(_Event):
    """The draft was checked against the cited results."""

    type: Literal["grounded"] = "grounded"
    attempt: int
    supported: int
    unsupported: list[dict[str, Any]] = Field(default_factory=list)  # Any: claims as JSON


class RunFinished(_Event):
    """The run ended; `result` is the whole JSON result (`RunResult`)."""

    type: Literal["run_finished"] = "run_finished"
    result: dict[str, Any]  # Any: RunResult.to_json()


Event = RunStarted | Recalled | ToolStarted | ToolProgress | ToolFinished | ToolFailed | Token | ModelRetried | Grounded | RunFinished
