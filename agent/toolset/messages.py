"""Results of calls as the tool messages that an engine reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from agent.state import MESSAGE_FACTS, TOOL_MESSAGE_VERSION, Json
from agent.toolset.offer import one_line
from tools.contract import Result
from tools.errors import TerraciteError
from tools.redaction import redacted_json

MAX_BYTES = 12_000
"""Of a tool message for a language model: 3,000 tokens at four bytes each."""
UNREAD = {"version", "params", "files", "key"}
LONGEST_METHOD = 80
LONGEST_TEXT = 2_000
_FEWER = (60, 30, 12, 5, 2)
"""Items of a list that are kept, from the fullest."""


def message_of(result: Result, params: Mapping[str, Any], n: int) -> Json:
    """Return the tool message object of a finished call."""
    artifact = result.artifact
    message: Json = {
        "version": TOOL_MESSAGE_VERSION,
        "n": n,
        "tool": artifact.tool,
        "params": dict(params),
        "ref": artifact.ref,
        "key": artifact.key,
        "outcome": str(artifact.outcome),
        "summary": artifact.summary,
        "facts": [fact.to_json() for fact in artifact.facts[:MESSAGE_FACTS]],
        "fact_count": artifact.fact_count,
        "warnings": list(artifact.warnings),
        "data": dict(artifact.data),
        "method": dict(artifact.method),
        "kind": artifact.kind,
        "files": [file.path for file in artifact.files],
    }
    return cast("Json", redacted_json(message))


def failure_of(name: str, params: Mapping[str, Any], error: TerraciteError) -> Json:
    """Return the tool message object of a failed call."""
    return {"version": TOOL_MESSAGE_VERSION, "tool": name, "params": redacted_json(dict(params)), "error": error.told_to_model()}


def tools_found(need: str, names: list[str]) -> Json:
    """Return the tool message object of a `find_tools` call; it holds no result and cannot be cited."""
    tools = [{"name": name, "description": one_line(name)} for name in names]
    return {"version": TOOL_MESSAGE_VERSION, "tool": "find_tools", "params": {"need": need}, "tools": tools}


def bounded(message: Mapping[str, Any]) -> Json:  # Any: JSON
    """Return what a language model reads of a message, at most about `MAX_BYTES`.

    Left out is what it wrote itself or cannot use: parameters, names of files, the finer points of the method; numbers have
    nine significant digits. Long texts and lists are cut, and `cut` says where and what is missing. Facts go last: they alone
    can be cited. All of them stay in the result, and references to them stay valid.
    """
    plain = _rounded({key: value for key, value in message.items() if key not in UNREAD})
    if isinstance(plain.get("method"), dict):
        plain["method"] = {key: value for key, value in plain["method"].items() if isinstance(value, str) and len(value) <= LONGEST_METHOD}
    for keep in _FEWER:
        cut: list[str] = []
        short = {**plain, "data": _cut(plain["data"], keep, "data", cut)} if plain.get("data") else plain
        if len(text_of(short).encode()) <= MAX_BYTES:
            return {**short, "cut": cut} if cut else short
    rest = {key: value for key, value in plain.items() if key not in ("data", "method")}
    facts = {"facts": rest["facts"][: _FEWER[1]]} if "facts" in rest else {}
    return {**rest, **facts, "cut": ["data", "method", f"facts: {_FEWER[1]} of {message.get('fact_count', 0)}"]}


def _rounded(value: Any) -> Any:  # Any: JSON
    """Round every float to nine significant digits: an answer gives fewer, and sixteen cost tokens."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _cut(value: Any, keep: int, path: str, cut: list[str]) -> Any:  # Any: JSON
    """Keep the first items of every list and the beginning of long texts, noting what was cut."""
    if isinstance(value, dict):
        return {key: _cut(each, keep, f"{path}.{key}", cut) for key, each in value.items()}
    if isinstance(value, list):
        if len(value) > keep:
            cut.append(f"{path}: {keep} of {len(value)}")
        return [_cut(each, keep, f"{path}[]", cut) for each in value[:keep]]
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        cut.append(f"{path}: {LONGEST_TEXT} of {len(value)} characters")
        return value[:LONGEST_TEXT]
    return value


def text_of(message: Mapping[str, Any]) -> str:
    """Write a tool message; `<` is escaped, so that text from data cannot look like a block of ours."""
    shown = {key: value for key, value in message.items() if key != "key"}
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
