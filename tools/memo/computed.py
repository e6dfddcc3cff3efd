"""What a tool call gave, in the form in which it may come from another process: plain values, the many facts in their file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tools.contract import INLINE_FACTS, Fact, Outcome, ToolOutput
from tools.durable import storage_errors
from tools.memo.facts import FACTS_FILE, facts_digest, numbered, write_facts


@dataclass(frozen=True)
class Computed:
    """The output of a call, with the digest of its facts; the files lie in the call's folder, the facts' own among them."""

    output: ToolOutput
    """Without facts."""
    facts: tuple[Fact, ...]
    """The first `INLINE_FACTS`."""
    fact_count: int
    facts_digest: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: keys are texts, sequences are lists."""
        told = {
            "output": asdict(replace(self.output, facts=())),
            "facts": [fact.to_json() for fact in self.facts],
            "fact_count": self.fact_count,
            "facts_digest": self.facts_digest,
        }
        plain: dict[str, Any] = json.loads(json.dumps(told))
        return plain

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Computed:
        """Read back what `to_json` gave; raise KeyError, TypeError or ValueError for anything else."""
        output = dict(data["output"])
        output |= {
            "facts": (),
            "outcome": Outcome(output["outcome"]),
            "files": tuple(output["files"]),
            "warnings": tuple(output["warnings"]),
            "bbox": tuple(output["bbox"]) if output["bbox"] else None,
        }
        facts = tuple(Fact.from_json(fact) for fact in data["facts"])
        return Computed(ToolOutput(**output), facts, int(data["fact_count"]), str(data["facts_digest"]))


def computed(output: ToolOutput, tool: str, folder: Path) -> Computed:
    """Number the facts of an output and write them into the call's folder, where there are any.

    Raises ValueError for a fact that is none, StorageError where they cannot be written.
    """
    facts = numbered(output.facts, tool)
    if facts:
        with storage_errors("Writing the facts in", folder):
            write_facts(folder / FACTS_FILE, facts)
    return Computed(replace(output, facts=()), facts[:INLINE_FACTS], len(facts), facts_digest(facts))
