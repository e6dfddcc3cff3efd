"""`terracite demo`: a synthetic scene, two questions and a map, then the same questions again with the time saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.interfaces import terminal
from agent.interfaces.demo_scene import ATTRIBUTION, LICENCE, SceneFile, build_scene
from tools.settings import ToolSettings

if TYPE_CHECKING:
    from agent.api import Agent
    from agent.result import RunResult

QUESTIONS = (
    "How many hectares of each district are under more than 0.5 m of water?",
    "Which clinics are within 500 m of the river?",
)

Write = Callable[[str], None]


def run_demo(workspace: Path | None, write: Write) -> int:
    """Run the demo, handing each line of output to `write`, and return the exit code.

    Without a workspace it keeps one of its own inside the default one, so that nobody's data is mixed with the scene's.
    """
    from agent.api import Agent

    agent = Agent(workspace or ToolSettings().workspace / "demo", "planner")
    folder = agent.workspace.root / "scene"
    files = build_scene(folder)
    _show([f"A synthetic flood scene, made on the spot: nothing here is measured. It lies in {folder}:"], write)
    _show((f"  {file.path.name:<19} {file.title}" for file in files), write)
    ids = [_register(agent, file) for file in files]
    first = []
    for question in QUESTIONS:
        first.append(_ask(agent, files, question))
        _show((f"\n> {question}", *terminal.result_lines(first[-1])), write)
        if first[-1].status != "answered":
            return first[-1].exit_code or 1
    _show(_map_lines(agent, ids), write)
    return _second_round(agent, files, first, write)


def _register(agent: Agent, file: SceneFile) -> str:
    """Add a file of the scene and return its id."""
    return agent.add(file.path, title=file.title, declared=file.declared, licence=LICENCE, attribution=ATTRIBUTION).records[0].id


def _ask(agent: Agent, files: Sequence[SceneFile], question: str) -> RunResult:
    """Ask about exactly these files, in a conversation of its own."""
    return agent.run(question, data=[file.path for file in files])


def _map_lines(agent: Agent, ids: Sequence[str]) -> Iterable[str]:
    """Draw the scene by calling the tool itself, as `agent.tool` lets anyone do, and say where the picture lies."""
    depth, _, districts, clinics, river = ids
    layers = [{"source": each} for each in (depth, districts, river, clinics)]
    drawn = agent.tool("render_map")(layers=layers, title="Synthetic flood scene", attribution=ATTRIBUTION)
    yield "\nThe scene on a map, by a call of render_map:"
    yield f"Map: {drawn.artifact.main_file}"
    yield f"{drawn.artifact.ref} · {terminal.CACHE_WORDS[drawn.cache]}, {drawn.seconds:.2f} s"


def _second_round(agent: Agent, files: Sequence[SceneFile], first: Sequence[RunResult], write: Write) -> int:
    """Ask the same again, say what was saved, and return 1 where an answer is not the same."""
    again = [_ask(agent, files, result.question) for result in first]
    write("\nThe same questions again:")
    for before, now in zip(first, again, strict=True):
        _show((f"\n> {now.question}", *_saved(before, now)), write)
    if not any(artifact["cache"] == "computed" for result in first for artifact in result.artifacts):
        write(f"\nThe first round found its results from an earlier demo. To see them computed, remove {agent.workspace.root}.")
    return 0 if all(now.answer == before.answer for before, now in zip(first, again, strict=True)) else 1


def _saved(before: RunResult, now: RunResult) -> Iterable[str]:
    """Yield whether the answer is the same, what came from memory, and the seconds of both rounds."""
    yield "The same answer, byte for byte." if now.answer == before.answer else f"ANOTHER ANSWER: {now.answer}"
    states = [artifact["cache"] for artifact in now.artifacts]
    yield f"{states.count('hit')} of {len(states) - states.count('observed')} results from memory"
    yield f"tools: {_tool_seconds(now):.3f} s instead of {_tool_seconds(before):.3f} s"
    yield f"whole answer: {now.seconds:.2f} s instead of {before.seconds:.2f} s, which loaded the libraries it needed"


def _tool_seconds(result: RunResult) -> float:
    return sum(float(artifact["seconds"]) for artifact in result.artifacts)


def _show(lines: Iterable[str], write: Write) -> None:
    for line in lines:
        write(line)
