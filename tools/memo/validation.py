"""From parameters as they were called to validated ones, or to one clear sentence that says what to change."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tools.contract import Tool
from tools.errors import ParameterError
from tools.redaction import without_secrets

MOST_REASONS = 3
LONGEST_VALUE = 80


def validated(tool: Tool, params: Mapping[str, object]) -> BaseModel:
    """Return the parameters with defaults filled in; raise ParameterError that names field, value and what is expected."""
    try:
        asked = tool.params.model_validate(dict(params))
    except ValidationError as error:
        details = _without_other_arms(error.errors(include_url=False, include_context=False))
        reasons = list(dict.fromkeys(_reason(detail, tool.params) for detail in details))
        more = f" (and {len(reasons) - MOST_REASONS} more)" if len(reasons) > MOST_REASONS else ""
        raise ParameterError(f"{tool.name}: {'; '.join(reasons[:MOST_REASONS])}{more}.", hint=_hint(tool)) from error
    _check_holds_no_secret(tool, asked)
    return asked


def _check_holds_no_secret(tool: Tool, asked: BaseModel) -> None:
    """Refuse what must not be kept: parameters are part of the key, and cannot be changed without being another call."""
    for name, value in asked:
        if any(without_secrets(text) != text for text in _texts(value)):
            raise ParameterError(
                f"{tool.name}: parameter {name} holds what looks like a key, token or password, and parameters are kept.",
                hint="Leave it out: keys belong into the environment, and addresses are given without user and signature.",
            )


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a parameter."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | BaseModel):
        yield from (text for _, each in (value.items() if isinstance(value, Mapping) else value) for text in _texts(each))
    elif isinstance(value, list | tuple):
        yield from (text for each in value for text in _texts(each))


def _hint(tool: Tool) -> str:
    required = [name for name, info in tool.params.model_fields.items() if info.is_required()]
    others = [name for name in tool.params.model_fields if name not in required]
    return f"Required: {', '.join(required) or 'nothing'}. Optional: {', '.join(others) or 'nothing'}."


def _without_other_arms(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Keep one reason per place: pydantic gives one per arm of a union, each under a place of its own."""
    kept: dict[tuple[int | str, ...], ErrorDetails] = {}
    for detail in details:
        kept.setdefault(_place(detail["loc"]), detail)
    return list(kept.values())


def _place(location: Iterable[int | str]) -> tuple[int | str, ...]:
    """Return the place without the names of union arms, which pydantic adds behind the field."""
    return tuple(part for part in location if isinstance(part, int) or (part.isidentifier() and part not in _ARMS))


_ARMS = frozenset(("str", "int", "float", "bool", "none"))


def _reason(detail: ErrorDetails, params: type[BaseModel]) -> str:
    place, given = _path(_place(detail["loc"])), _shown(detail["input"])
    if detail["type"] == "missing":
        return f"parameter {place} is missing"
    if detail["type"] == "extra_forbidden":
        known = _siblings(detail["loc"], params)
        near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1)
        return f"there is no parameter {place}{f' (did you mean {near[0]}?)' if near else ''}"
    message = detail["msg"].removeprefix("Value error, ")
    if not place:
        return message
    if message.startswith("Input should"):
        return f"parameter {place} is {given}, but should{message.removeprefix('Input should')}"
    return f"parameter {place} is {given}: {message}"


def _path(location: Sequence[int | str]) -> str:
    """Write a place as in `classes[0].min`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _siblings(location: Sequence[int | str], params: type[BaseModel]) -> list[str]:
    """Return the fields of the model in which an unknown field was given."""
    model: type[BaseModel] | None = params
    for part in location[:-1]:
        if model is not None and isinstance(part, str) and part in model.model_fields:
            model = next(_models(model.model_fields[part].annotation), None)
    return list(model.model_fields) if model is not None else []


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # Any: a type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
