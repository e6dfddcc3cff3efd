"""Compute a run's results again, with the memory off, and compare them byte by byte; no language model takes part."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.state import Json
from tools.contract import Artifact
from tools.errors import TerraciteError
from tools.runner import Runner
from tools.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from agent.api import Agent


@dataclass(frozen=True)
class Replayed:
    """One call, computed again."""

    tool: str
    key: str
    verdict: str
    """`same`, `differs: …`, `observed` (a changing world, not compared) or `failed: …`."""

    @property
    def same(self) -> bool:
        """Whether the replay found nothing wrong."""
        return self.verdict in ("same", "observed")


@dataclass(frozen=True)
class ReplayReport:
    """What became of every call of a run."""

    run_id: str
    question: str
    calls: tuple[Replayed, ...]

    @property
    def same(self) -> bool:
        """Whether every pure result came out with the same bytes."""
        return all(call.same for call in self.calls)

    def lines(self) -> Iterator[str]:
        """Yield the report for a terminal."""
        yield f"run {self.run_id}: {self.question}"
        yield from (f"  a:{call.key[:12]} {call.tool}: {call.verdict}" for call in self.calls)
        if all(call.verdict == "observed" for call in self.calls):
            yield "There was nothing to compute again."
        else:
            yield "Every result came out the same." if self.same else "Not everything came out the same."

    def to_json(self) -> Json:
        """Return the report as JSON."""
        calls = [{"tool": call.tool, "key": call.key, "verdict": call.verdict} for call in self.calls]
        return {"run_id": self.run_id, "question": self.question, "same": self.same, "calls": calls}


def replay_run(agent: Agent, run_id: str) -> ReplayReport:
    """Recompute the results of a run in a scratch workspace.

    Raises NotFoundError where the run is unknown; a call that fails this time is one of the report's verdicts.
    """
    result = agent.ledger.run(run_id)
    with tempfile.TemporaryDirectory(prefix="terracite-replay-") as folder:
        scratch = open_workspace(agent.workspace.settings, root=Path(folder))
        calls = tuple(_replayed(agent.runner, step, scratch) for step in result["steps"] if "key" in step)
    return ReplayReport(result["run_id"], result["question"], calls)


def _replayed(runner: Runner, step: Json, scratch: Workspace) -> Replayed:
    key: str = step["key"]
    if step["cache"] == "observed":
        return Replayed(step["tool"], key, "observed")
    try:
        stored, again = runner.artifact(key), runner.recompute(key, scratch)
    except TerraciteError as error:
        return Replayed(step["tool"], key, f"failed: {error}")
    return Replayed(step["tool"], key, _compare(stored, again))


def _compare(stored: Artifact, again: Artifact) -> str:
    if stored.key != again.key:
        return "differs: inputs, code or libraries have changed since; see `terracite artifacts why`"
    unlike = [file.path for file, other in zip(stored.files, again.files, strict=False) if file.sha256 != other.sha256]
    if unlike or len(stored.files) != len(again.files):
        return f"differs: {', '.join(unlike) or 'another number of files'}"
    return "same" if stored.facts == again.facts else "differs: the facts"
