"""Text of command-line options as typed values; every error names the option and shows a right example."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin

from tools.contract import UNITS, Declared
from tools.errors import ParameterError


def declared_from(*, bounds: str | None, bands: str | None, classes: str | None, unit: str | None, **plain: Any) -> Declared:
    """Build what a user declares of a file from option texts; `plain` holds the options that need no parsing."""
    if unit is not None and unit not in UNITS:
        raise ParameterError(f"--unit {unit!r} is not a known unit.", hint=f"Known: {', '.join(UNITS)}.")
    roles = pairs(bands, "--bands", "green=3,swir1=1")
    try:
        indexes = {role: int(index) for role, index in roles.items()}
    except ValueError as error:
        raise ParameterError(
            f"--bands {bands!r} holds an index that is not a whole number.", hint="Write it like green=3,swir1=1."
        ) from error
    return Declared(bounds=_bounds(bounds), bands=indexes, classes=pairs(classes, "--classes", "1=water,2=forest"), unit=unit, **plain)  # type: ignore[arg-type]


def pairs(text: str | None, option: str, example: str) -> dict[str, str]:
    """Parse `a=1,b=2`; None gives an empty mapping."""
    if text is None:
        return {}
    parts = [part.partition("=") for part in text.split(",")]
    if any(not key.strip() or not sign or not value.strip() for key, sign, value in parts):
        raise ParameterError(f"{option} {text!r} cannot be read.", hint=f"Write it like {example}.")
    return {key.strip(): value.strip() for key, _, value in parts}


def parameters_from(args: Sequence[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Read `--name value` pairs into a tool's parameters; a value that is JSON is read as JSON unless the field is plain text.

    A name given twice makes a list.
    """
    values: dict[str, Any] = {}
    rest = list(args)
    while rest:
        option = rest.pop(0)
        if not option.startswith("--") or (not rest and "=" not in option):
            raise ParameterError(f"{option!r} is not of the form --PARAM VALUE.", hint="See `terracite tools TOOL` for the parameters.")
        name, sign, text = option[2:].partition("=")
        text = text if sign else rest.pop(0)
        name = name.replace("-", "_")
        value = _value(text, fields.get(name))
        values[name] = [*(values[name] if isinstance(values[name], list) else [values[name]]), value] if name in values else value
    return {name: [value] if _is_list(fields.get(name)) and not isinstance(value, list) else value for name, value in values.items()}


def _value(text: str, field: Any) -> Any:
    if field is not None and _takes_text(field.annotation) and not (_is_list(field) and text.startswith("[")):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _takes_text(annotation: Any) -> bool:
    """Whether the parameter, or an item of its list, is text as it stands; the keys of a mapping do not count."""
    if annotation is str or get_origin(annotation) is dict:
        return annotation is str
    return any(arm is str or (get_origin(arm) is Annotated and get_args(arm)[0] is str) for arm in get_args(annotation))


def _is_list(field: Any) -> bool:
    return field is not None and getattr(field.annotation, "__origin__", None) is list


def _bounds(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        left, bottom, right, top = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ParameterError(f"--bounds {text!r} cannot be read.", hint="Write four numbers: left,bottom,right,top.") from error
    return left, bottom, right, top
