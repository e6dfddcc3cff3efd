"""What the check of an answer says: one claim per number, supported or not, and by which fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tools.contract import Fact

ClaimVerdict = Literal["supported", "quoted", "unsupported", "parameter"]
"""`quoted`: a quotation that stands word for word in a passage, or a number within one."""


@dataclass(frozen=True)
class Claim:
    """A number of an answer, a quotation, or a citation that does not exist."""

    span: tuple[int, int]
    """Where the number stands in the answer, without its unit."""
    text: str
    """The number, the quoted words or the citation as written."""
    value: float | None
    """In `unit`; None for a quotation."""
    unit: str | None
    """Member of the closed list: as written, else that of the fact; None where nobody knows."""
    verdict: ClaimVerdict
    n: int | None = None
    """The citation that supports it."""
    path: str | None = None
    """Of the fact in its artifact; of a quotation, its passage; of a parameter, where it stands in the call."""
    subject: Mapping[str, str] = field(default_factory=dict)
    """Subject of the fact that supports it."""
    reason: str = ""
    """Why it is unsupported."""
    sentence: str = ""
    """The sentence, item or row in which it stands."""
    nearby: tuple[str, ...] = ()
    """Facts that may have been meant, in words, where it is unsupported."""
    fact: Fact | None = field(default=None, repr=False)
    """The fact that supports it."""

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """Return a JSON object; the fact is named by `n` and `path`."""
        return {
            "span": list(self.span),
            "text": self.text,
            "value": self.value,
            "unit": self.unit,
            "n": self.n,
            "path": self.path,
            "subject": dict(self.subject),
            "verdict": self.verdict,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Grounding:
    """The check of one answer."""

    claims: tuple[Claim, ...]
    """In order of place."""
    cited: tuple[int, ...]
    """Numbers of the results that the answer cites and that exist, in order of first citation."""

    @property
    def unsupported(self) -> tuple[Claim, ...]:
        """Return the claims that no cited fact supports."""
        return tuple(claim for claim in self.claims if claim.verdict == "unsupported")


def used_facts(grounding: Grounding, n: int) -> tuple[Fact, ...]:
    """Return the facts of result `n` that the answer used, each once, in order of first use."""
    used = {claim.fact.path: claim.fact for claim in grounding.claims if claim.n == n and claim.fact is not None}
    return tuple(used.values())
