"""The long-lived things that a run needs, in one object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.knowledge.memory import Knowledge
from agent.models import Decider
from agent.settings import AgentSettings
from tools.catalog.datasets import Datasets
from tools.runner import Runner


@dataclass(frozen=True)
class RunContext:
    """Given to every node; nothing in it is stored in a thread."""

    runner: Runner
    datasets: Datasets
    knowledge: Knowledge
    decider: Decider
    settings: AgentSettings
    clock: Callable[[], float]
    """Monotonic seconds."""
    check: Callable[[], None]
    """Raises RunInterruptedError where the caller no longer wants the answer; called wherever a run may end early."""
