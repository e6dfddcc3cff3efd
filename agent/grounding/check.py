"""Check an answer: every number in it against the results cited where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from agent.grounding.citations import Citation, citations_in, without_citations
from agent.grounding.claims import Claim, ClaimVerdict, Grounding
from agent.grounding.conditions import LimitedClass, classes_named_by_limits
from agent.grounding.dates import WrittenDate
from agent.grounding.evidence import Evidence
from agent.grounding.masks import Known, masked_spans
from agent.grounding.match import Matcher, Stage, Statement
from agent.grounding.numbers import Number, numbers_in
from agent.grounding.parameters import find_parameter, is_condition, restates_question
from agent.grounding.quotes import Judged, Quotes
from agent.grounding.results import Results
from agent.grounding.sentences import Part, Passage, passages_of
from agent.grounding.statements import NamesIn, Reader
from agent.grounding.subjects import Mention, Vocabulary
from agent.grounding.written_units import DATE, UNITS, stated_unit
from tools.contract import Fact

_RANK_HEADERS = frozenset({"#", "no", "no.", "nr", "nr.", "rank", "place", "position", "step"})

_BARE_CELL = re.compile(r"[\s*_`≈~]*[-−]?\d[\d.,\s'’\u202f]*[\s*_`]*")

FactsOf = Callable[[int], Sequence[Fact]]


def check(answer: str, *, question: str, results: Sequence[Mapping[str, Any]], facts_of: FactsOf) -> Grounding:
    """Return a claim for every number of `answer` that states something, every quotation, and every citation that does not exist.

    `results` are tool messages (see agent.state) with their citation number `n`; `facts_of(n)` gives all facts of one.
    """
    return _Check(answer, question, Results(results), facts_of).run()


class _Check:
    """One answer with its question and results."""

    def __init__(self, answer: str, question: str, results: Results, facts_of: FactsOf) -> None:
        self._answer, self._question, self._results, self._facts_of = answer, question, results, facts_of
        self._passages = passages_of(answer)
        self._evidence_of: dict[int, Evidence] = {}
        self._matcher = Matcher(results, self._evidence)

    def run(self) -> Grounding:
        quoted = [self._quoted(judged) for judged in self._quotes]
        stated = [claim for passage in self._passages for claim in self._claims(passage)]
        return Grounding(tuple(sorted([*quoted, *stated], key=lambda claim: claim.span)), self._cited)

    @cached_property
    def _cited(self) -> tuple[int, ...]:
        numbers = (n for citation in self._citations(0, len(self._answer)) for n in citation.numbers)
        return tuple(dict.fromkeys(n for n in numbers if n in self._results))

    def _citations(self, start: int, end: int) -> list[Citation]:
        """Return the citations of a stretch of the answer; brackets that a quoted passage has itself are none."""
        found = [replace(c, start=c.start + start, end=c.end + start) for c in citations_in(self._answer[start:end])]
        return [citation for citation in found if not any(start <= citation.start < end for start, end in self._quoted_spans)]

    @cached_property
    def _quotes(self) -> tuple[Judged, ...]:
        return Quotes(self._answer, self._results, self._passages, self._known.text).judged()

    @cached_property
    def _quoted_spans(self) -> dict[tuple[int, int], Judged]:
        """Where the supported quotations stand."""
        return {(judged.quotation.start, judged.quotation.end): judged for judged in self._quotes if judged.n is not None}

    def _evidence(self, n: int) -> Evidence:
        """Return the facts of a result: all of them where it is cited, else those that its message shows."""
        if n not in self._evidence_of:
            facts = self._facts_of(n) if n in self._cited else self._results.shown_facts(n)
            self._evidence_of[n] = Evidence(n, facts)
        return self._evidence_of[n]

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        subjects = {pair for n in self._results for entry in self._evidence(n).entries for pair in entry.fact.subject.items()}
        named = {pair for n in self._results for pair in self._results.named(n)}
        return Vocabulary(sorted(subjects | named))

    def _names_in(self, text: str) -> list[Mention]:
        """Return the subjects that a text names, by name or by the limits of a class."""
        named = self._vocabulary.mentions(text)
        limited = [mention for mention in classes_named_by_limits(text, self._classes) if mention.value in self._vocabulary]
        taken = [mention for mention in limited if not any(name.start < mention.end and mention.start < name.end for name in named)]
        return sorted([*named, *taken], key=lambda mention: mention.start)

    def _names_around(self, value: str) -> NamesIn:
        """Return a finder of names that takes this text, the bare number of a cell, for none."""
        return lambda scope: [] if scope == value else self._names_in(scope)

    def _holds_value(self, part: Part) -> bool:
        """Whether a cell is a bare number that is no name, even if some zone or class is called like it."""
        text = without_citations(self._answer[part.start : part.end])
        return not part.is_label and bool(_BARE_CELL.fullmatch(text)) and not self._vocabulary.is_kind(part.header)

    def _cells(self, parts: Sequence[Part]) -> list[str]:
        """Return the texts of cells that may name something."""
        return [self._answer[part.start : part.end].strip() for part in parts if not self._holds_value(part)]

    @cached_property
    def _classes(self) -> frozenset[LimitedClass]:
        return self._results.limited_classes()

    @cached_property
    def _known(self) -> Known:
        passages = (texts[0] for n in self._results.knowledge for _, texts in self._results.passages(n))
        return Known.from_texts(self._question, self._results.texts(), passages)

    @cached_property
    def _asked(self) -> list[Number]:
        return numbers_in(self._question)

    def _claims(self, passage: Passage) -> Iterator[Claim]:
        sentence = self._answer[passage.start : passage.end].strip()
        own = self._citations(passage.start, passage.end)
        missing = [citation for citation in own if not all(n in self._results for n in citation.numbers)]
        yield from (self._missing(citation, sentence) for citation in missing)
        cited = _numbers_of(own) or self._inherited(passage)
        for part in passage.parts:
            if part.header.strip(" *_").casefold() not in _RANK_HEADERS:
                yield from self._claims_of_part(part, passage, _order(own, cited, part), sentence)

    def _inherited(self, passage: Passage) -> tuple[int, ...]:
        """Return the citations handed down by the nearest text that has any; a header takes those of all its rows."""
        found = [_numbers_of(citations_in(text)) for text in passage.citing]
        if passage.kind == "header":
            return tuple(dict.fromkeys(n for numbers in found for n in numbers))
        return next((numbers for numbers in found if numbers), ())

    def _claims_of_part(self, part: Part, passage: Passage, cited: Sequence[int], sentence: str) -> Iterator[Claim]:
        numbers = self._numbers(part, passage)
        if not cited:
            numbers = [number for number in numbers if not number.text[:1].isalpha()]  # words count only beside a citation
        for number, claim in zip(numbers, self._judged(part, passage, numbers, cited), strict=True):
            yield replace(claim, span=(number.start + part.start, number.end + part.start), sentence=sentence)

    def _numbers(self, part: Part, passage: Passage) -> list[Number]:
        """Return what states something in a part: numbers, and dates that nobody gave; places count from its start."""
        text = self._answer[part.start : part.end]
        names = [] if self._holds_value(part) else self._vocabulary.mentions(text)
        spans, unknown_dates = masked_spans(text, names, self._known)
        unfit = [judged.quotation for judged in self._quotes if judged.n is None]  # judged as wholes
        spans += [(quotation.start - part.start, quotation.end - part.start) for quotation in unfit]
        unknown_dates = [date for date in unknown_dates if not any(q.start <= date.start + part.start < q.end for q in unfit)]
        found = [_with_stated_unit(number, part, passage) for number in numbers_in(text, spans)]
        return sorted([*found, *map(_as_number(text), unknown_dates)], key=lambda number: number.start)

    def _judged(self, part: Part, passage: Passage, numbers: Sequence[Number], cited: Sequence[int]) -> list[Claim]:
        """Return one claim per number, its place counted from the start of the part."""
        quoted = {number: claim for number in numbers if (claim := self._within_quotation(number, part))}
        rest = [number for number in numbers if number not in quoted]
        if not all(n in self._results for n in cited):
            return [quoted.get(number) or _unsupported(number, "the sentence cites a result that does not exist") for number in numbers]
        text = self._unquoted(part)
        parameters = {number: claim for number in rest if (claim := self._parameter(number, text, cited))}
        stated = [number for number in rest if number not in parameters]
        claims = quoted | parameters | dict(zip(stated, self._stated(part, passage, stated, cited), strict=True))
        return [claims[number] for number in numbers]

    def _within_quotation(self, number: Number, part: Part) -> Claim | None:
        start, end = number.start + part.start, number.end + part.start
        judged = next((judged for (left, right), judged in self._quoted_spans.items() if left < start and end < right), None)
        return replace(_unsupported(number, ""), n=judged.n, path=judged.path, verdict="quoted") if judged else None

    def _unquoted(self, part: Part) -> str:
        """Return the text of a part with spaces in place of supported quotations; places stay."""
        text = self._answer[part.start : part.end]
        for start, end in self._quoted_spans:
            left, right = max(start - part.start, 0), min(end - part.start, len(text))
            text = text[:left] + " " * (right - left) + text[right:] if left < right else text
        return text

    def _parameter(self, number: Number, text: str, cited: Sequence[int]) -> Claim | None:
        """Return a claim where a number restates a parameter of a cited call; without a citation here, of any cited one."""
        for n in cited or self._cited:
            parameters = self._results.parameters(n)
            found = find_parameter(number, parameters, self._asked)
            if found and is_condition(text, number, {parameter.column for parameter in parameters if parameter.column}, self._question):
                return replace(_unsupported(number, ""), n=n, path=found.path, verdict="parameter")
        if not self._cited and restates_question(number, self._asked) and is_condition(text, number):
            return replace(_unsupported(number, ""), verdict="parameter")
        return None

    def _stated(self, part: Part, passage: Passage, numbers: Sequence[Number], cited: Sequence[int]) -> list[Claim]:
        """Return the claims of numbers that are no parameters."""
        if not cited:
            return [_unsupported(number, "the sentence cites no result; put the citation [n] of the result into it") for number in numbers]
        text = without_citations(self._unquoted(part))
        reader = Reader(
            text,
            beside=(part.header, *self._cells(part.beside)) if passage.kind == "row" else (),
            context=passage.context,
            names_in=self._names_around(text) if self._holds_value(part) else self._names_in,
            doubtful=self._vocabulary.doubtful(text),
            columns=frozenset[str]().union(*(self._evidence(n).columns for n in cited)),
            asked=self._question,
        )
        return [self._claim(statement, cited) for statement in reader.statements(numbers)]

    def _claim(self, statement: Statement, cited: Sequence[int]) -> Claim:
        number, outcome = statement.number, self._matcher.match(statement, cited)
        if outcome.stage is not Stage.SUPPORTED or outcome.fact is None:
            reason = outcome.reason
            if all(n in self._results.knowledge for n in cited):
                reason = f"[{cited[0]}] holds passages of documents: give the number inside an exact quotation of the passage"
            elif outcome.stage <= Stage.UNIT and any(other.value == number.value for other in self._asked):
                reason = f"it stands in the question, but no cited call used it as this; {reason}"
            return replace(_unsupported(number, reason), nearby=self._matcher.nearby(statement, cited))
        fact = outcome.fact
        unit = number.unit if number.unit in UNITS else fact.unit
        return replace(
            _unsupported(number, ""), unit=unit, n=outcome.n, path=fact.path, subject=fact.subject, verdict="supported", fact=fact
        )

    def _quoted(self, judged: Judged) -> Claim:
        quotation = judged.quotation
        verdict: ClaimVerdict = "unsupported" if judged.n is None else "quoted"
        claim = Claim(span=(quotation.start, quotation.end), text=quotation.text, value=None, unit=None, verdict=verdict)
        return replace(claim, n=judged.n, path=judged.path or None, reason=judged.reason, sentence=quotation.text)

    def _missing(self, citation: Citation, sentence: str) -> Claim:
        absent = next(n for n in citation.numbers if n not in self._results)
        there = ", ".join(f"[{n}]" for n in self._results) or "none"
        text = self._answer[citation.start : citation.end]
        claim = Claim(span=(citation.start, citation.end), text=text, value=float(absent), unit=None, verdict="unsupported")
        return replace(claim, reason=f"there is no result [{absent}]; there is {there}", sentence=sentence)


def _unsupported(number: Number, reason: str) -> Claim:
    unit = number.unit if number.unit in UNITS else None
    span = (number.start, number.end)
    return Claim(span=span, text=number.text, value=number.value, unit=unit, verdict="unsupported", reason=reason)


def _numbers_of(citations: Sequence[Citation]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(n for citation in citations for n in citation.numbers))


def _order(own: Sequence[Citation], cited: Sequence[int], part: Part) -> tuple[int, ...]:
    """Put the citations within a cell before those of the rest of its row."""
    inside = _numbers_of([citation for citation in own if part.start <= citation.start < part.end])
    return tuple(dict.fromkeys((*inside, *cited)))


def _with_stated_unit(number: Number, part: Part, passage: Passage) -> Number:
    """Give a bare number the unit that its column's header, lead-in or heading states."""
    if number.unit is not None or number.noun:
        return number
    units = (stated_unit(without_citations(scope)) for scope in (part.header, *passage.context) if scope)
    return replace(number, unit=next((unit for unit in units if unit), None))


def _as_number(text: str) -> Callable[[WrittenDate], Number]:
    return lambda date: Number(date.start, date.end, text[date.start : date.end], float(date.year), 0.0, DATE, date.end)
