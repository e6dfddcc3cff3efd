"""What to do about unsupported numbers: ask the writer to mend them, or take them out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent import prompting
from agent.grounding.citations import citations_in
from agent.grounding.claims import Claim, Grounding
from agent.grounding.sentences import Passage, is_lead_in, passages_of

LONGEST_SHOWN = 300
UNSUPPORTED_MARK = "[unsupported]"
NOTHING_LEFT = "Nothing of the draft is supported by a result, so nothing of it is given as an answer."


def repair_request(grounding: Grounding) -> str:
    """Return the request to mend a draft: each unsupported number with its sentence, the reason, and facts near it."""
    return prompting.load("repair").format(claims="\n".join(_described(claim) for claim in grounding.unsupported))


def _described(claim: Claim) -> str:
    lines = [f"- {_one_line(claim.text)} in “{_one_line(claim.sentence)}”: {claim.reason}."]
    if claim.nearby:
        lines.append(f"  Facts that are there: {_one_line('; '.join(claim.nearby))}.")
    return "\n".join(lines)


def _one_line(text: str) -> str:
    """Write words of a draft, and with it of data, so that they neither open a line nor a block of ours."""
    line = " ".join(text.split()).replace("<", "‹")
    return line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}…"


def mark(answer: str, grounding: Grounding) -> str:
    """Return the answer without what is unsupported.

    A sentence, item or row none of whose numbers is supported goes as a whole; in others the number gives way to
    `[unsupported]`. A lead-in or table whose items have all gone goes, too. If nothing is left, the answer says so.
    """
    passages = passages_of(answer)
    removed = {passage for passage in passages if _is_lost(passage, grounding)}
    removed |= {passage for passage in passages if _introduces(passage, answer) and _is_stranded(passage, passages, removed)}
    kept = [claim for claim in grounding.unsupported if not any(_touches(claim, passage) for passage in removed)]
    edits = [(*_with_line_break(answer, passage), "") for passage in removed]
    edits += [(*_with_space(answer, claim), "") if _is_citation(claim) else (*claim.span, UNSUPPORTED_MARK) for claim in kept]
    for start, end, text in sorted(edits, reverse=True):
        answer = answer[:start] + text + answer[end:]
    left = re.sub(r"\n{3,}", "\n\n", answer).strip()
    return left if re.search(r"\w", left) else NOTHING_LEFT


def _touches(claim: Claim, passage: Passage) -> bool:
    return claim.span[0] < passage.end and passage.start < claim.span[1]


def _is_lost(passage: Passage, grounding: Grounding) -> bool:
    """Whether a passage has unsupported numbers or words and no supported ones, or a part of an unsupported quotation of several."""
    claims = [claim for claim in grounding.claims if _touches(claim, passage) and not _is_citation(claim)]
    unsupported = [claim for claim in claims if claim.verdict == "unsupported"]
    if any(claim.span[0] < passage.start or passage.end < claim.span[1] for claim in unsupported):
        return True
    return bool(unsupported) and not any(claim.verdict in ("supported", "quoted") for claim in claims)


def _introduces(passage: Passage, answer: str) -> bool:
    return passage.kind == "header" or (passage.kind == "sentence" and is_lead_in(answer[passage.start : passage.end]))


def _is_stranded(passage: Passage, passages: Sequence[Passage], removed: set[Passage]) -> bool:
    """Whether a lead-in or header is left without any item or row."""
    members = [other for other in passages if other.block == passage.block and other.kind in ("item", "row")]
    return bool(members) and all(member in removed for member in members)


def _is_citation(claim: Claim) -> bool:
    return claim.value is not None and bool(citations_in(claim.text))


def _with_space(answer: str, claim: Claim) -> tuple[int, int]:
    """Return the span of a citation with the space before it."""
    start, end = claim.span
    return (start - 1 if answer[start - 1 : start] == " " else start), end


def _with_line_break(answer: str, passage: Passage) -> tuple[int, int]:
    """Return the span of a passage with the line break or space that only it needed."""
    end = passage.end
    starts_line = passage.start == 0 or answer[passage.start - 1] == "\n"
    if starts_line and answer[end : end + 1] in ("\n", " "):
        return passage.start, end + 1
    start = passage.start
    while start > 0 and answer[start - 1] == " ":
        start -= 1
    return start, end
