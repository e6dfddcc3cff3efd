"""From the references in parameters to what they name: files and facts, with the identity by which each enters the key.

An identity is content, never a name: the digest of the bytes, the layer in the file, and what was declared about it. The
result of an earlier call counts by the bytes of its files, not by its key, so that an upstream change that leaves the bytes
alone computes nothing anew downstream.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Literal

from tools.contract import Artifact, Declared, Fact, Source
from tools.errors import DataError, NotFoundError, ParameterError
from tools.memo.canonical import Marked, encode
from tools.memo.key import Json, canonical_json

_ARTIFACT = re.compile(r"a:([0-9a-f]*)")
_SCENES = "Give a:KEY#items/N/ASSET with the a:KEY of a search_stac result."
# Python refuses to read numbers of thousands of digits.
_FACT = re.compile(r"(a:[0-9a-f]+)#facts/([0-9]{1,9})")
_ASSET = re.compile(r"(a:[0-9a-f]+)#items/([0-9]{1,9})/(.+)")
MEASUREMENTS = ("scale", "offset", "nodata")
"""Declared numbers that may be written as integers but mean floats; nodata may be NaN."""


@dataclass(frozen=True)
class Inputs:
    """What the references of one call name."""

    sources: Mapping[str, Source]
    """Text of a reference → the file."""
    facts: Mapping[str, Fact]
    """Text of a reference → the fact."""
    identities: Mapping[str, Json]
    """Path of a reference in the parameters → what enters the key."""
    lineage: tuple[Json, ...]
    """Per reference: path, text, and the key of the artifact, or the digest of the file; never part of a key."""


@dataclass(frozen=True)
class Resolver:
    """How names become things; the runner gives its store and catalog."""

    artifact: Callable[[str], Artifact]
    """`a:KEY` → artifact; raises NotFoundError."""
    dataset: Callable[[str], Source]
    """Dataset id → file; raises NotFoundError."""
    fact: Callable[[Artifact, int], Fact]
    """Artifact and position → fact; raises NotFoundError."""
    asset: Callable[[Artifact, int, str], Source]
    """Artifact of items, position of the item, name of its asset → remote or local file; raises NotFoundError."""

    def resolve(self, tool: str, references: Iterable[Marked]) -> Inputs:
        """Resolve every reference of a call.

        Raises ParameterError where a name is not of the form or kind that the parameter needs, NotFoundError where nothing
        has it.
        """
        sources: dict[str, Source] = {}
        facts: dict[str, Fact] = {}
        identities: dict[str, Json] = {}
        lineage: list[Json] = []
        for marked in references:
            if marked.reference.kind == "fact":
                artifact, fact = self._fact(marked)
                facts[marked.text], identities[marked.path] = fact, fact_identity(fact)
                lineage.append({"path": marked.path, "ref": marked.text, "kind": "fact", "producer": artifact.key})
                continue
            if marked.text not in sources:
                sources[marked.text] = self._source(marked)
            source = sources[marked.text]
            _check_kind(tool, marked, source)
            identities[marked.path] = source_identity(source)
            lineage.append(_line(marked, source))
        return Inputs(sources, facts, identities, tuple(lineage))

    def _source(self, marked: Marked) -> Source:
        part = _ASSET.fullmatch(marked.text)
        if part is not None:
            found = self.artifact(part[1])
            if found.kind != "items":
                raise ParameterError(f"Parameter {marked.path} is {marked.text!r}, but {found.ref} holds no scenes.", hint=_SCENES)
            return replace(self.asset(found, int(part[2]), part[3]), ref=marked.text, producer=found.key)
        if not _ARTIFACT.match(marked.text):
            return self.dataset(marked.text)
        if _FACT.fullmatch(marked.text):
            raise ParameterError(f"Parameter {marked.path} is {marked.text!r}, one number.", hint="Give the result itself: a:KEY.")
        artifact = self.artifact(marked.text)
        files = list(self._files_below(artifact))
        return replace(
            artifact_source(artifact, marked),
            title=_joined(file.title for file in files),
            attribution=_joined(file.attribution for file in files),
        )

    def _files_below(self, artifact: Artifact) -> Iterator[Source]:
        """Yield the registered datasets that a result was made from; what is no longer there is left out."""
        for line in artifact.record["lineage"]:
            with suppress(NotFoundError, DataError):
                if line.get("producer"):
                    yield from self._files_below(self.artifact(f"a:{line['producer']}"))
                else:
                    yield self.dataset(line["ref"])

    def _fact(self, marked: Marked) -> tuple[Artifact, Fact]:
        match = _FACT.fullmatch(marked.text)
        if match is None:
            raise ParameterError(f"Parameter {marked.path} is {marked.text!r}, which names no fact.", hint="Write a:KEY#facts/N.")
        artifact = self.artifact(match[1])
        return artifact, self.fact(artifact, int(match[2]))


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def artifact_source(artifact: Artifact, marked: Marked) -> Source:
    """Return an earlier result as an input; raise ParameterError where it has no file."""
    if artifact.main_file is None:
        raise ParameterError(
            f"Parameter {marked.path} is {marked.text!r}, a result of {artifact.tool} that has facts but no file.",
            hint="Name a dataset, or a result that made a raster or a layer.",
        )
    if artifact.kind not in ("raster", "vector", "table", "map", "text", "items"):
        raise NotFoundError(f"The result {artifact.ref} is of an unknown kind {artifact.kind!r}.", hint="Compute it again.")
    kind: Literal["raster", "vector", "table", "map", "text", "items"] = artifact.kind  # type: ignore[assignment]  # checked above
    return Source(ref=marked.text, kind=kind, path=artifact.main_file, digest=content_digest(artifact), producer=artifact.key)


def content_digest(artifact: Artifact) -> str:
    """Return the digest of an artifact's files: that of the only one, else one over all names and digests."""
    if len(artifact.files) == 1:
        return f"sha256:{artifact.files[0].sha256}"
    listed = canonical_json([[file.path, file.sha256] for file in artifact.files])
    return f"sha256:{hashlib.sha256(listed).hexdigest()}"


def source_identity(source: Source) -> Json:
    """Return what of a file enters a key; names, titles, paths, licences and attributions never do."""
    declared = {name: text for name, text in _declared(source.declared) if text is not None}
    return {"digest": source.digest, "kind": source.kind, "layer": source.layer, "declared": declared}


def fact_identity(fact: Fact) -> Json:
    """Return what of a fact enters a key: the number and what it means, not where it stands."""
    value = encode(fact.value, fact.path)
    return {"fact": fact.name, "value": value, "unit": fact.unit, "subject": dict(fact.subject)}


def _declared(declared: Declared) -> Iterable[tuple[str, str | None]]:
    """Yield (option, canonical text), None for what was not declared."""
    for option in fields(Declared):
        value = getattr(declared, option.name)
        if value is None or value == {}:
            yield option.name, None
        elif option.name in MEASUREMENTS:
            yield option.name, repr(float(value))
        elif option.name == "bounds":
            yield option.name, encode([float(edge) for edge in value], option.name)
        else:
            yield option.name, encode(dict(value) if isinstance(value, Mapping) else value, option.name)


def _check_kind(tool: str, marked: Marked, source: Source) -> None:
    needed = marked.reference.kind
    if needed in ("any", source.kind) or source.kind in _ALSO.get(needed, ()):
        return
    raise ParameterError(
        f"Parameter {marked.path} of {tool} is {marked.text!r}, a {_KIND_WORDS[source.kind]}.",
        hint=f"Give a {_KIND_WORDS[needed]}.",
    )


_ALSO = {"asset": ("raster",), "rows": ("vector", "table")}
"""Kind that a parameter needs → other kinds that do."""
_KIND_WORDS = {
    "rows": "vector layer or table",
    "raster": "raster",
    "vector": "vector layer",
    "table": "table without geometry",
    "document": "document",
    "map": "picture of a map",
    "text": "text",
    "items": "list of scenes",
    "asset": "file of a scene (a:KEY#items/N/ASSET) or raster",
    "catalogue": "catalogue of scenes",
    "network": "network",
}


def _line(marked: Marked, source: Source) -> Json:
    return {
        "path": marked.path,
        "ref": marked.text,
        "kind": source.kind,
        "producer": source.producer,
        "digest": source.digest,
        "layer": source.layer,
    }
