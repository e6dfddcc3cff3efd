"""Agents over generated workspaces, made once per process, and the choice of phrasings that a seed tries."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agent import Agent
from agent.api import RunResult
from asking import assert_repeats
from generated_scene import Scene
from generated_workspaces import make_scene
from tools.contract import Declared

FAST_SEEDS = range(8)
MORE_SEEDS = range(8, 20)
"""Asked as the fast ones, but only by `make test-heavy`."""
HEAVY_SEEDS = range(20, 21)
HEAVY_MISSES = 0.1
"""Share of all phrasings of a kind at a seed that the planner may still refuse or miss in the heavy sweep; their text is printed."""
FAST_PHRASINGS = 3
"""Phrasings that a seed tries; over twenty seeds every phrasing has its turn several times."""


@dataclass(frozen=True)
class World:
    """A generated scene, registered in a workspace of its own."""

    scene: Scene
    agent: Agent


@dataclass(frozen=True)
class Case:
    """A question about a scene and what its answer must be. Without `data`, everything registered is in focus."""

    question: str
    check: Callable[[RunResult], None]
    data: tuple[Path, ...] = ()


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="terracite-generated-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


@cache
def world(seed: int) -> World:
    """Return the registered scene of a seed; tests share it, as asking changes nothing but memory."""
    scene = make_scene(seed, _root() / str(seed))
    agent = Agent(workspace=_root() / f"{seed}.terracite", engine="planner")
    for path, options in scene.options.items():
        report = agent.add(path, declared=Declared(**options))
        assert not report.refused, report
    return World(scene, agent)


def check(case: Case, agent: Agent, *, repeat: bool) -> None:
    """Ask a question, check its answer, and ask again where `repeat`."""
    result = agent.run(case.question, data=case.data)
    case.check(result)
    if repeat:
        assert_repeats(agent, result, case.data)


def turns(cases: Sequence[Case], seed: int, count: int = FAST_PHRASINGS) -> list[Case]:
    """Return the cases whose turn it is at a seed."""
    return [cases[(seed * count + n) % len(cases)] for n in range(min(count, len(cases)))]


KNOWN_GAPS: dict[tuple[str, int], str] = {}
"""(test, seed) → what the planner does not manage yet; each is noticed as soon as it does."""


def each_seed(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test of `(seed, everything)` over the fast seeds with some phrasings, and over many more with all as `heavy`."""
    fast = [pytest.param(seed, False, id=f"seed{seed}", marks=_gap(test.__name__, seed)) for seed in FAST_SEEDS]
    more = [pytest.param(seed, False, id=f"seed{seed}", marks=[pytest.mark.heavy, *_gap(test.__name__, seed)]) for seed in MORE_SEEDS]
    heavy = [pytest.param(seed, True, id=f"seed{seed}", marks=[pytest.mark.heavy, *_gap(test.__name__, seed)]) for seed in HEAVY_SEEDS]
    return pytest.mark.parametrize(("seed", "everything"), [*fast, *more, *heavy])(test)


def seeds() -> list[Any]:
    """Return the fast seeds, and more that only `make test-heavy` runs, as values of a parameter."""
    return [*FAST_SEEDS, *(pytest.param(seed, marks=pytest.mark.heavy) for seed in MORE_SEEDS)]


def _gap(test: str, seed: int) -> list[pytest.MarkDecorator]:
    reason = KNOWN_GAPS.get((test, seed))
    return [pytest.mark.xfail(reason=reason)] if reason else []


def try_cases(cases: Callable[[Scene], Sequence[Case]], seed: int, everything: bool) -> None:
    """Ask the phrasings of a kind at a seed: those whose turn it is, all of which must be right, or everything.

    The first is asked twice. The sweep over everything measures how much of free English is understood.
    """
    here = world(seed)
    chosen = cases(here.scene)
    if not everything:
        for n, case in enumerate(turns(chosen, seed)):
            check(case, here.agent, repeat=n == 0)
        return
    missed = [case.question for case in chosen if not _holds(case, here.agent)]
    assert len(missed) <= max(1, HEAVY_MISSES * len(chosen)), f"{len(missed)} of {len(chosen)} missed: {missed}"


def _holds(case: Case, agent: Agent) -> bool:
    try:
        check(case, agent, repeat=False)
    except AssertionError:
        return False
    return True
