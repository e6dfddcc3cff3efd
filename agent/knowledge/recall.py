"""What memory has to say of a question before anything is decided: it informs the plan, and nothing of it is an answer.

A result found here counts only if the plan makes the same call, which then costs nothing; a passage is quoted from a search of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence

from agent.knowledge.memory import Knowledge
from agent.state import Json
from tools.contract import Found
from tools.errors import BusyError, ConfigurationError, StorageError

MOST_RESULTS = 4
MOST_PASSAGES = 3
LEAST_SCORE = 0.35
"""Cosine from which a text is probably of use: `search_knowledge` shows what lies below, too."""
MAX_TEXT = 400
"""Characters of a passage or a summary."""
MAX_PARAMS = 1_500
"""Characters of a call's parameters; a longer call is left out, since half a call is of no use."""
_REFERENCE = re.compile(r"\ba:([0-9a-f]{8,64})")
NOTHING: Json = {"results": [], "passages": []}


def recall(
    knowledge: Knowledge, question: str, *, focus: Collection[str], seen: Collection[str], check: Callable[[], None]
) -> tuple[Json, str]:
    """Return what is known of a question, as it stands in the session block, and a note where memory could not be searched.

    With a `focus`, only what was made of these datasets or stands in these documents; never the results that are `seen`
    already. `check` is called now and then, and raises where nobody wants the answer any more.
    """
    try:
        found = [
            one
            for kind, most in (("result", MOST_RESULTS + len(seen)), ("passage", MOST_PASSAGES))
            for one in knowledge.search(question, kinds=(kind,), within=tuple(focus), limit=most, progress=lambda _: check())
            if one.score >= LEAST_SCORE
        ]
    except (ConfigurationError, StorageError, BusyError) as error:
        return NOTHING, f"Memory was not searched. {error}"
    results = [_result(one) for one in found if one.kind == "result" and one.ref not in seen]
    passages = [_passage(one) for one in found if one.kind == "passage"]
    callable_again = [result for result in results if len(json.dumps(result["params"], ensure_ascii=False)) <= MAX_PARAMS]
    return {"results": callable_again[:MOST_RESULTS], "passages": passages[:MOST_PASSAGES]}, ""


def references_of(results: Sequence[Json]) -> list[str]:
    """Return the beginnings of the keys of recalled results, and of the results that their calls name."""
    return list(dict.fromkeys(_REFERENCE.findall(json.dumps([[result["ref"], result["params"]] for result in results]))))


def _result(found: Found) -> Json:
    detail = found.detail
    return {"ref": found.ref, "tool": detail["tool"], "params": detail["params"], "summary": _cut(str(detail["summary"]))}


def _passage(found: Found) -> Json:
    return {"document": found.ref, "title": found.title, "heading": found.detail.get("heading", ""), "text": _cut(found.text)}


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
