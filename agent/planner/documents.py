"""Read a question to the documents: it must say so, as a plain question for a number is never answered out of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.planner.atlas import Atlas, Dataset
from agent.planner.frames import Frame, Plan
from agent.planner.step import Draft
from agent.planner.text import name_lemmas

_DOC = (
    r"(?:(?:the|our|my|these|those|this|that|any|all|all the|registered) )*(?P<which>(?:[\w.-]+ ){0,5}?)"
    r"(?:documents?|reports?|papers?|texts?|literature|notes|pdfs?|readmes?|factsheets?|articles?|documentation)"
)
_ABOUT = r"(?:about|on|of|regarding|concerning|for)"
_SAY = r"(?:say|says|said|tell|tells|told|state|states|stated|report|reports|reported|mention|mentions|mentioned|write|know|describe|contain|explain|note)"
_PATTERNS = (
    re.compile(rf"^\W*what (?:do|does|did|is|are|can) {_DOC} {_SAY}(?: (?:me|us))? {_ABOUT} (?P<topic>.+)$", re.IGNORECASE),
    re.compile(rf"^\W*(?:do|does|did) {_DOC} {_SAY} (?:anything |something )?(?:{_ABOUT} )?(?P<topic>.+)$", re.IGNORECASE),
    re.compile(rf"^\W*(?:according to|based on|going by|as {_SAY} in|from|in|per) {_DOC}[,:]? (?P<topic>(?:what|how|which|who|when|where|why|is|are|was|were|did|does|do)\b.+)$", re.IGNORECASE),
    re.compile(rf"^\W*(?P<topic>.+?),? (?:according to|based on|going by|as {_SAY} in) {_DOC}\W*$", re.IGNORECASE),
    re.compile(rf"^\W*(?:what (?:is|was) (?:said|written|reported|stated|known) {_ABOUT} )(?P<topic>.+) in {_DOC}\W*$", re.IGNORECASE),
    re.compile(rf"^\W*(?:search|look (?:in|into|through)|consult|check|read|quote|cite)(?: in| through)? {_DOC} (?:for|about|on|regarding) (?P<topic>.+)$", re.IGNORECASE),
    re.compile(rf"^\W*(?:find|show|give|quote|list)(?: me)?(?: the| any| some)? (?:passages?|quotes?|text|quotations?|sentences?) {_ABOUT} (?P<topic>.+?)(?: (?:in|from|of) (?:the|our|my|these) (?P<which2>(?:[\w.-]+ ){{0,3}}?)(?:documents?|reports?|papers?|texts?|literature))?\W*$", re.IGNORECASE),
)  # fmt: skip
_AGAIN = re.compile(r"^\W*(?:and|what about|how about)(?: (?:about|on|what about))? (?P<topic>.+)$", re.IGNORECASE)
_NO_NAME = frozenset("the our my these those this that any all registered of in a an say says other".split())


@dataclass(frozen=True)
class DocumentReader:
    """Reads one question against the documents of a session."""

    atlas: Atlas
    question: str
    previous: Plan | None

    def read(self) -> Plan | Draft | None:
        """Return what is looked for; a draft where a document that is named is not there; None for another question."""
        before = self.previous.frames[-1] if self.previous else None
        again = _AGAIN.match(self.question) if before and before.kind == "documents" else None
        if again and before:
            return Plan((Frame("documents", topic=_clean(again["topic"]), refs=before.refs),))
        match = next((found for pattern in _PATTERNS if (found := pattern.match(self.question))), None)
        if match is None:
            return None
        words = [
            word
            for word in (match.groupdict().get("which") or match.groupdict().get("which2") or "").split()
            if word.lower() not in _NO_NAME
        ]
        refs = self._named(words)
        if words and not refs:
            held = [one.id for one in self._documents()]
            there = f"There is {', '.join(held[:12])}." if held else "No document is registered; add files with `terracite add PATH`."
            return Draft(f"No registered document is called '{' '.join(words)}'. {there}", "refused", "refused")
        named = f" of {' '.join(words)}" if refs else ""  # finds passages that do not repeat what their document is about
        return Plan((Frame("documents", topic=f"{_clean(match['topic'])}{named}", refs=refs),))

    def _documents(self) -> list[Dataset]:
        return [one for one in self.atlas.focused if one.kind == "document"]

    def _named(self, words: list[str]) -> tuple[str, ...]:
        """Return the documents whose name holds all the words."""
        wanted = {lemma for word in words for lemma in name_lemmas(word)}
        return tuple(one.id for one in self._documents() if wanted and any(wanted <= set(form) for form in one.name_forms))


def _clean(topic: str) -> str:
    return topic.strip().rstrip("?.! ")
