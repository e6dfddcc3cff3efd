"""Hold one number against the facts of the cited results: value and unit, then subject, then quantity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import islice

from agent.grounding.evidence import Entry, Evidence
from agent.grounding.numbers import Number
from agent.grounding.quantities import Spoken, disagreement
from agent.grounding.results import Results
from agent.grounding.subjects import normal_name
from agent.grounding.written_units import DATE, FOREIGN, UNITS, converted, same_dimension
from tools.contract import Fact

_PARTS = frozenset({"class", "step"})
"""Keys of subjects that are parts of what a side fact counts as a whole."""


class Stage(IntEnum):
    """How far a number came; the farthest failure explains best."""

    VALUE = 0
    UNIT = 1
    ROUNDING = 2
    SUBJECT = 3
    QUANTITY = 4
    SUPPORTED = 5


@dataclass(frozen=True)
class Outcome:
    """What became of a number."""

    stage: Stage
    reason: str = ""
    n: int | None = None
    fact: Fact | None = None


@dataclass(frozen=True)
class Statement:
    """A number with all that its sentence says about it."""

    number: Number
    spoken: Spoken
    readings: Sequence[Sequence[frozenset[str]]]
    """Ways to read which subjects are named, best first. A reading with several sets holds if it holds for each of them."""
    around: frozenset[str] = field(default_factory=frozenset)
    """All names of its clause: a relation between two features has to have them all."""
    falls: bool = False
    """Whether the text speaks of a loss, so that a fact of −5 may be written as 5."""
    asked: frozenset[str] = field(default_factory=frozenset)
    """Words of the sentence that stand in the question as proper names."""
    doubt: str = ""
    """A word that may be the name to which the number really belongs."""


class Matcher:
    """Looks for the fact behind a statement among cited results."""

    def __init__(self, results: Results, evidence: Callable[[int], Evidence]) -> None:
        self._results, self._evidence = results, evidence

    def match(self, statement: Statement, cited: Sequence[int]) -> Outcome:
        """Return the fact that supports a statement, or the best reason why there is none."""
        best = self._without_value(statement.number, cited)
        if statement.doubt:
            return Outcome(
                Stage.SUBJECT, f"{statement.doubt!r} may be meant as a name here; write what it is, as in 'zone {statement.doubt}'"
            )
        for reading in statement.readings:
            outcomes = [self._match_named(statement, named, cited) for named in reading]
            worst = min(outcomes, key=lambda outcome: outcome.stage)
            if worst.stage is Stage.SUPPORTED:
                return outcomes[0]
            best = max(best, worst, key=lambda outcome: outcome.stage)
        return best

    def nearby(self, statement: Statement, cited: Sequence[int], count: int = 4) -> tuple[str, ...]:
        """Return facts that may have been meant, in words: about the named subjects first, then of a near value."""
        number = statement.number
        found: dict[str, None] = {}
        for n in cited:
            evidence = self._evidence(n)
            named = frozenset().union(*statement.readings[0]) if statement.readings else frozenset()
            about = (entry for entry in evidence.about(named) if number.unit is None or same_dimension(entry.fact.unit, number.unit))
            near = [*islice(about, count // 2), *evidence.nearest(number, count // 2)]
            for entry in near or evidence.entries[: count // 2]:
                found[f"[{n}] {describe(entry.fact, number.unit)}"] = None
        return tuple(found)[:count]

    def _match_named(self, statement: Statement, named: frozenset[str], cited: Sequence[int]) -> Outcome:
        best = Outcome(Stage.VALUE)
        for n in cited:
            evidence = self._evidence(n)
            for number in _signs(statement):
                for hit in evidence.equal(number):
                    if number is not statement.number and hit.entry.fact.value >= 0:
                        continue
                    outcome = self._judge(statement, named, evidence, hit.entry, is_exact=hit.is_exact)
                    if outcome.stage is Stage.SUPPORTED:
                        return outcome
                    best = max(best, outcome, key=lambda outcome: outcome.stage)
        return best

    def _judge(self, statement: Statement, named: frozenset[str], evidence: Evidence, entry: Entry, *, is_exact: bool) -> Outcome:
        """Judge a fact whose value agrees."""
        is_derived = self._results.tool(evidence.n) == "calculate"
        if reason := self._other_subject(statement, named, evidence, entry):
            return Outcome(Stage.SUBJECT, reason)
        if open_part := evidence.unnamed(entry, named):
            return Outcome(
                Stage.SUBJECT, f"[{evidence.n}] has several subjects for {entry.fact.name!r}; if {open_part} is meant, name it here"
            )
        if not is_derived and (reason := disagreement(entry.quantity, statement.spoken, evidence.beside(entry, statement.number))):
            return Outcome(Stage.QUANTITY, reason)
        if not is_exact:
            return Outcome(Stage.ROUNDING, f"it is written too coarsely: {describe(entry.fact, statement.number.unit)}")
        return Outcome(Stage.SUPPORTED, n=evidence.n, fact=entry.fact)

    def _other_subject(self, statement: Statement, named: frozenset[str], evidence: Evidence, entry: Entry) -> str:
        """Return which named subject a fact is not about; empty where it is about all of them."""
        relation = statement.around & evidence.subjects if "nearest" in entry.fact.subject else frozenset()
        for value in sorted(named | relation):
            if value not in entry.values and self._is_excluded(value, evidence, entry):
                about = ", ".join(entry.fact.subject.values()) or "everything asked for"
                return f"the text names {value!r}, but this number of [{evidence.n}] is about {about}"
        return self._answers_for_another(statement, named, evidence, entry)

    def _answers_for_another(self, statement: Statement, named: frozenset[str], evidence: Evidence, entry: Entry) -> str:
        """Return which name of the question a sentence gives to a fact whose own subject it does not name."""
        if not entry.values or named & entry.values:
            return ""
        known = {word for name in (*entry.values, *self._results.names(evidence.n)) for word in name.split()}
        strange = sorted(statement.asked - known)
        return f"the text names {strange[0]!r}, but [{evidence.n}] is about {', '.join(entry.fact.subject.values())}" if strange else ""

    def _is_excluded(self, value: str, evidence: Evidence, entry: Entry) -> bool:
        """Whether a name that a fact does not have means that the fact is about something else.

        The partner of a relation says nothing against what is known of one feature alone, nor a class against a zone's size, nor a
        step of cleaning against how many features there were.
        """
        if keys := evidence.keys_of(value):
            is_partner = keys == {"nearest"} and "nearest" not in entry.fact.subject
            return not is_partner and not (keys <= _PARTS and entry.quantity.is_side_fact)
        if value in self._results.names(evidence.n) or value in self._operand_subjects(evidence.n):
            return False
        # A band of another result says from what a number was made, not what it is about.
        elsewhere = (self._evidence(other).keys_of(value) - {"band"} for other in self._results)
        return self._results.excludes(evidence.n, value) or any(elsewhere)

    def _operand_subjects(self, n: int) -> frozenset[str]:
        """Return the subjects of the facts from which a result was calculated."""
        found: set[str] = set()
        for other, path in self._results.operands(n):
            subjects = (entry.fact.subject.values() for entry in self._evidence(other).entries if entry.fact.path == path)
            found.update(normal_name(text) for values in subjects for text in values)
            found |= self._results.names(other) | self._operand_subjects(other)
        return frozenset(found)

    def _without_value(self, number: Number, cited: Sequence[int]) -> Outcome:
        """Return the reason where no fact has the value."""
        where = ", ".join(f"[{n}]" for n in cited)
        if number.unit == DATE:
            return Outcome(Stage.VALUE, f"this date stands neither in the question nor in {where}")
        for n in cited:
            if fact := self._evidence(n).written_otherwise(number):
                given = f"the unit {number.unit!r}" if number.unit in UNITS else "no unit of the result's kind"
                return Outcome(Stage.UNIT, f"{describe(fact)} in [{n}], but the text gives {given}")
        if number.unit == FOREIGN:
            return Outcome(Stage.VALUE, f"no fact of {where} has this compound or unknown unit")
        return Outcome(
            Stage.VALUE, f"no fact of {where} has this value; a sum, difference, share or ratio must be computed by calculate and cited"
        )


def describe(fact: Fact, unit: str | None = None) -> str:
    """Say a fact in words, in `unit` if it can be given in it."""
    shown = unit if unit in UNITS and same_dimension(fact.unit, str(unit)) else fact.unit
    value = converted(fact.value, fact.unit, str(shown))
    about = f" of {', '.join(fact.subject.values())}" if fact.subject else ""
    written = "" if shown in ("count", "1", "unspecified") else f" {shown}"
    return f"{fact.name}{about} = {_digits(value)}{written}"


def _digits(value: float) -> str:
    return f"{value:,.12g}" if value == int(value) and abs(value) < 1e12 else f"{value:,.6g}"


def _signs(statement: Statement) -> Iterable[Number]:
    """Return the number as written and, where the text speaks of a loss, with the other sign."""
    number = statement.number
    if not statement.falls or number.value <= 0:
        return (number,)
    return (number, replace(number, value=-number.value))
