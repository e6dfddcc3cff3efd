"""Citations of an answer: which result, which of its facts, from which data, under which licence.

Titles, licences and attribution are joined here, from the registrations of today; no artifact holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agent.knowledge.origins import Origins
from agent.state import Json
from tools.catalog.records import DatasetRecord
from tools.contract import Artifact, Fact
from tools.runner import Runner


def citations_of(
    cited: Sequence[int],
    claims: Sequence[Json],
    results: Sequence[Json],
    runner: Runner,
    records: Iterable[DatasetRecord],
) -> list[Json]:
    """Return one entry per cited result, in order of its number, with only the facts that the answer used."""
    registered = tuple(records)
    documents, origins = {record.id: record for record in registered}, Origins(runner, registered)
    return [_citation(n, claims, results[n - 1], runner, origins, documents) for n in sorted(set(cited)) if 0 < n <= len(results)]


def _citation(
    n: int, claims: Sequence[Json], message: Json, runner: Runner, origins: Origins, documents: Mapping[str, DatasetRecord]
) -> Json:
    artifact = runner.artifact(message["key"])
    used = {claim["path"] for claim in claims if claim["n"] == n and claim["path"]}
    sources = [*origins.of(artifact.key), *_quoted(artifact, used, documents)]
    return {
        "n": n,
        "key": artifact.key,
        "tool": artifact.tool,
        "title": "; ".join(dict.fromkeys(record.title for record in sources)),
        "facts": [fact.to_json() for fact in _facts(artifact, used, runner)],
        "source": [record.origin or record.path for record in sources],
        "licence": _joined(record.licence for record in sources),
        "attribution": _joined([*(record.attribution for record in sources), artifact.data.get("attribution")]),
        "bbox": list(artifact.bbox) if artifact.bbox else None,
        "time": next((list(record.time) for record in sources if record.time), None) or _observed(artifact),
        "verdict": "supported" if used else "cited",
    }


def _observed(artifact: Artifact) -> list[str] | None:
    """Return when the pixels behind a result were observed, where it knows that."""
    observed = artifact.method.get("observed")
    return [str(observed["first"]), str(observed["last"])] if observed else None


def _facts(artifact: Artifact, paths: set[str], runner: Runner) -> list[Fact]:
    if not paths:
        return []
    inline = [fact for fact in artifact.facts if fact.path in paths]
    return inline if len(inline) == len(paths) else [fact for fact in runner.facts(artifact.key) if fact.path in paths]


def _quoted(artifact: Artifact, paths: set[str], documents: Mapping[str, DatasetRecord]) -> list[DatasetRecord]:
    """Return the documents whose passages are quoted; all that were found where none is."""
    found = artifact.data.get("passages", []) if artifact.tool == "search_knowledge" else []
    quoted = [passage for at, passage in enumerate(found) if f"data/passages/{at}" in paths] or found
    ids = dict.fromkeys(str(passage["document"]) for passage in quoted)
    return [documents[name] for name in ids if name in documents]


def _joined(values: Iterable[str | None]) -> str | None:
    return "; ".join(dict.fromkeys(value for value in values if value)) or None
