"""The key of a result: one digest over everything that can change its bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RECIPE = "terracite-1"
"""Version of this recipe; a change of what is hashed, or how, takes a new one."""

Json = dict[str, Any]  # Any: JSON values


@dataclass(frozen=True)
class Spec:
    """What is hashed, and nothing else; the record of a result holds it as it was."""

    tool: str
    params: Mapping[str, str]
    """Field → canonical text, see `tools.memo.canonical`."""
    inputs: Mapping[str, Mapping[str, Any]]  # Any: JSON values
    """Path of a reference in the parameters → what it named, by content."""
    code: Mapping[str, str] = field(default_factory=dict)
    """`module:name` → digest of every definition that the tool reaches."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Library → version and digest."""
    grid: str | None = None
    """The resolved grid, where a tool has one beside its parameters; `resolve` hooks put theirs into the parameters."""
    model: str | None = None
    """Digest of a model's weights."""
    output: str | None = None
    """Digest of what an observation saw; None for a pure tool, whose output follows from the rest."""
    salt: str = ""

    def to_json(self) -> Json:
        """Return the JSON object that is hashed."""
        return {
            "recipe": RECIPE,
            "tool": self.tool,
            "code": dict(self.code),
            "params": dict(self.params),
            "grid": self.grid,
            "inputs": {path: dict(identity) for path, identity in self.inputs.items()},
            "model": self.model,
            "env": dict(self.env),
            "output": self.output,
            "salt": self.salt,
        }

    @property
    def key(self) -> str:
        """Return the key, 64 hexadecimal digits."""
        return key_of(self.to_json())


def key_of(spec: Mapping[str, Any]) -> str:  # Any: JSON values
    """Return the key of a spec as it stands in a record."""
    return hashlib.sha256(canonical_json(spec)).hexdigest()


def canonical_json(value: object) -> bytes:
    """Write JSON in one form: keys sorted, no spaces, ASCII only; NaN and infinity raise ValueError, being no JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
