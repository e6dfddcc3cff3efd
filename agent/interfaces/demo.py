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
MAP = "Show a map of the last result."
"""Asked after the first question, in the same conversation."""

Write = Callable[[str], None]


def run_demo(workspace: Path | None, write: Write) -> int:
    """Run the demo, handing each line of output to `write`, and return the exit code.

    Without a workspace it keeps one of its own inside the default one, so that nobody's data is mixed with the scene's.
    """
    from agent.api import Agent

    root = workspace or ToolSettings().workspace / "demo"
    agent = Agent(root, "planner")
    files = build_scene(agent.workspace.root / "scene")
    _register(agent, files)
    write(f"A synthetic flood scene, made on the spot: nothing here is measured. It lies in {agent.workspace.root / 'scene'}:")
    for file in files:
        write(f"  {file.path.name:<19} {file.title}")
    first = _first_round(agent, files, write)
    if broken := next((result for result in first if result.status != "answered"), None):
        return broken.exit_code or 1
    return _second_round(agent, files, first, write)


def _register(agent: Agent, files: Sequence[SceneFile]) -> None:
    for file in files:
        agent.add(file.path, title=file.title, declared=file.declared, licence=LICENCE, attribution=ATTRIBUTION)


def _first_round(agent: Agent, files: Sequence[SceneFile], write: Write) -> list[RunResult]:
    """Ask the questions, the map after the first, and show everything; stop where one is not answered."""
    results: list[RunResult] = []
    thread = agent.thread()
    for question in (QUESTIONS[0], MAP, *QUESTIONS[1:]):
        result = thread.run(question, data=[file.path for file in files])
        _show(question, terminal.result_lines(result), write)
        results.append(result)
        if result.status != "answered":
            break
    return results


def _second_round(agent: Agent, files: Sequence[SceneFile], first: Sequence[RunResult], write: Write) -> int:
    """Ask the same again in new conversations, say what was saved, and return 1 where an answer is not the same."""
    write("\nThe same questions again:")
    before = {result.question: result for result in first}
    same = True
    for question in QUESTIONS:
        earlier, again = before[question], agent.run(question, data=[file.path for file in files])
        same = same and again.answer == earlier.answer
        write(f"\n> {question}")
        write("the same answer, byte for byte" if again.answer == earlier.answer else f"ANOTHER ANSWER: {again.answer}")
        write(f"{_hits(again)}; {again.seconds:.2f} s instead of {earlier.seconds:.2f} s")
    if not any(artifact["cache"] == "computed" for result in first for artifact in result.artifacts):
        write(f"\nThe first round found its results from an earlier demo. To see them computed, remove {agent.workspace.root}.")
    return 0 if same else 1


def _show(question: str, lines: Iterable[str], write: Write) -> None:
    write(f"\n> {question}")
    for line in lines:
        write(line)


def _hits(result: RunResult) -> str:
    states = [artifact["cache"] for artifact in result.artifacts]
    return f"{states.count('hit')} of {len(states) - states.count('observed')} results from memory"
