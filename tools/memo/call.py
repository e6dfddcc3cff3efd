"""One call, ready to be answered: what was asked, what it names, its key; and the record of what came out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from pydantic import BaseModel

from tools.contract import Needs, Tool, ToolOutput
from tools.durable import file_digest
from tools.memo.canonical import encode_params
from tools.memo.computed import Computed
from tools.memo.environment import environment
from tools.memo.fingerprint import CodeFingerprint
from tools.memo.inputs import Inputs
from tools.memo.key import Json, Spec, canonical_json
from tools.memo.record import SCHEMA
from tools.redaction import redacted_json


@dataclass(frozen=True)
class Call:
    """A validated call whose references are resolved."""

    tool: Tool
    called: Json
    """The parameters as the caller gave them, as JSON."""
    params: BaseModel
    """Validated, defaults filled in, completed by the tool's `resolve`."""
    inputs: Inputs
    code: CodeFingerprint
    spec: Spec
    notes: tuple[str, ...] = ()
    """What was noticed on the way, e.g. an input that was damaged and computed again."""


def make_call(
    tool: Tool, called: Mapping[str, object], params: BaseModel, inputs: Inputs, code: CodeFingerprint, notes: tuple[str, ...] = ()
) -> Call:
    """Return a call with the spec of its key; an observation's is completed by what it sees, see `observed`.

    Raises ParameterError for a parameter without canonical form, ConfigurationError for a library that is not installed.
    """
    spec = Spec(tool.name, encode_params(params), inputs.identities, model=_model(inputs))
    if tool.kind == "pure":
        spec = replace(spec, code=code.definitions, env=_environment(tool, params))
    return Call(tool, _as_json(called, params), params, inputs, code, spec, notes)


def _environment(tool: Tool, params: BaseModel) -> dict[str, str]:
    needs = tool.needs(params) if tool.needs else Needs()
    device = {"device": needs.device} if needs.device else {}
    return environment((*tool.libraries, *needs.libraries)) | device


def _model(inputs: Inputs) -> str | None:
    """Return the digests of the networks that a call uses; None where it uses none."""
    return " ".join(sorted({source.digest for source in inputs.sources.values() if source.kind == "network"})) or None


def observed(call: Call, seen: Computed, folder: Path) -> Call:
    """Return an observation's call with the digest of what it saw in its spec: the same sight has the same key."""
    sight = {
        "content": _content(seen.output),
        "facts": seen.facts_digest,
        "files": [file_digest(folder / name).sha256 for name in seen.output.files],
    }
    return replace(call, spec=replace(call.spec, output=hashlib.sha256(canonical_json(sight)).hexdigest()))


def record_of(call: Call, result: Computed, *, created: str, seconds: float) -> Json:
    """Return the record of a result: `spec` is exactly what was hashed; nothing else enters the key.

    `created` is ISO 8601 UTC. `files` are still names; the store puts their digests in.
    """
    return {
        "schema": SCHEMA,
        "key": call.spec.key,
        "tool": call.tool.name,
        "tool_kind": call.tool.kind,
        "spec": call.spec.to_json(),
        "called": call.called,
        "lineage": list(call.inputs.lineage),
        "interface": call.code.interface,
        **_content(result.output),
        "facts": [fact.to_json() for fact in result.facts],
        "fact_count": result.fact_count,
        "facts_digest": result.facts_digest,
        "files": list(result.output.files),
        "created": created,
        "seconds": round(seconds, 3),
    }


def _content(output: ToolOutput) -> Json:
    """Return what a record says of an output. Texts may come from files and services: they are kept without secrets."""
    content: Json = {
        "kind": output.kind,
        "outcome": str(output.outcome),
        "summary": output.summary,
        "warnings": list(output.warnings),
        "method": dict(output.method),
        "data": dict(output.data),
        "bbox": list(output.bbox) if output.bbox else None,
    }
    return cast("Json", redacted_json(content))


def _as_json(called: Mapping[str, object], params: BaseModel) -> Json:
    """Return parameters as JSON: as they were called, or, where those are Python objects, as they were understood."""
    try:
        given: Json = json.loads(canonical_json(dict(called)))
    except (TypeError, ValueError):
        given = params.model_dump(mode="json")
    return given
