"""Which chat model decides, and how it is asked: the embedded planner, an OpenAI-compatible endpoint, or another provider."""

from __future__ import annotations

from agent.models.asking import Asking, ask
from agent.models.capabilities import Capabilities, Notes
from agent.models.decider import Decider, Engine, choose_engine, make_decider
from agent.models.probe import check_calls_tools, probe
from agent.models.replies import problem_of, slip_of

__all__ = [
    "Asking",
    "Capabilities",
    "Decider",
    "Engine",
    "Notes",
    "ask",
    "check_calls_tools",
    "choose_engine",
    "make_decider",
    "probe",
    "problem_of",
    "slip_of",
]
