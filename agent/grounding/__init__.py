"""Check that every number of an answer is a fact of the result it cites, with its subject, quantity and unit."""

from __future__ import annotations

from agent.grounding.check import check
from agent.grounding.claims import Claim, Grounding, used_facts
from agent.grounding.foreign import strings_of, with_foreign
from agent.grounding.repair import mark, repair_request

__all__ = ["Claim", "Grounding", "check", "mark", "repair_request", "strings_of", "used_facts", "with_foreign"]
