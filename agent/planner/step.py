"""What the planner answers at each turn: calls to make, or a draft that ends the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["answered", "refused", "input_needed", "failed"]
Call = tuple[str, dict[str, Any]]  # Any: JSON parameters
"""Tool name and parameters."""


@dataclass(frozen=True)
class ToolCalls:
    """Calls whose results are needed next; they do not depend on each other."""

    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Draft:
    """The text of an answer, refusal or question back."""

    text: str
    status: Status
    outcome: str | None = None
    """value, true_zero, no_coverage, refused or failed; None for a question back."""
    frame: Mapping[str, Any] | None = None  # Any: JSON
    """What was asked, resolved, for a follow-up."""


Step = ToolCalls | Draft
