"""What a call may use: numbers of the user, data of the session. Whatever a model read elsewhere opens nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from agent.grounding.numbers import numbers_in
from agent.state import Json
from tools.errors import NotFoundError, ParameterError


def check_numbers(name: str, params: Mapping[str, Any], question: str, earlier: Sequence[str]) -> None:
    """Refuse a calculation with a number that stands in no question of this thread.

    Raises ParameterError, naming the number.
    """
    if name != "calculate":
        return
    said = {number.value for text in (question, *earlier) for number in numbers_in(text)}
    for key, value in (params.get("numbers") or {}).items():
        if value not in said:
            raise ParameterError(
                f"calculate was given the number {key} = {value}, which does not stand in the question.",
                hint="Take it from a fact of an earlier result, or leave it out.",
            )


def check_references(named: Iterable[str], *, texts: Sequence[str], datasets: Iterable[Json], results: Collection[str]) -> None:
    """Refuse a call that takes up a dataset or a result that is no part of this session.

    `named` are the references that stand in the parameters. A dataset of the workspace may be used where it is in focus or where
    one of `texts`, the user's own words, names it; a result where one of `results`, the keys shown in this thread, begins so.
    What is not registered at all is left to the runner, which says so.
    Raises NotFoundError, naming the reference.
    """
    known = {str(dataset["id"]): dataset for dataset in datasets}
    for ref in named:
        digits = re.match(r"a:([0-9a-f]+)", ref)
        if digits and not any(key.startswith(digits[1]) or digits[1].startswith(key) for key in results):
            raise NotFoundError(f"{ref!r} is no result of this thread.", hint="Make the call that computes it, and use its ref.")
        dataset = known.get(ref)
        if dataset is not None and not dataset["focus"] and not _is_named(dataset, texts):
            ids = ", ".join(each for each, other in known.items() if other["focus"])
            raise NotFoundError(
                f"The dataset {ref!r} is not in focus and the user did not name it.",
                hint=f"In focus: {ids or 'nothing'}. Or call ask_user.",
            )


def _is_named(dataset: Mapping[str, Any], texts: Sequence[str]) -> bool:  # Any: JSON
    """Whether the user's words name a dataset: by its id, or by a telling word of its id or title."""
    words = {word for text in (str(dataset["id"]), str(dataset["title"])) for word in re.findall(r"[^\W_]{4,}", text.casefold())}
    said = " ".join(texts).casefold()
    return str(dataset["id"]).casefold() in said or any(re.search(rf"\b{re.escape(word)}", said) for word in words)
