"""Cut a question into clauses, and each clause into phrases with their roles: what is asked, of what, where, per what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from agent.planner.lexicon import ABBREVIATIONS, FLOOD_STATES, FLOOD_WORDS, is_harmless
from agent.planner.marks import Mark
from agent.planner.quantities import Comparison, Quantity
from agent.planner.text import Token

Direction = Literal["desc", "asc"]

HEADS = frozenset("count unit_measure howmuch share_of howadj exists map describe where list datasets columns help rank".split())
"""Marks that open a question of their own after `and`."""
MEASURES = frozenset(
    "count unit_measure share_of share breakdown howmuch area length perimeter coordinates stats stat total distance howadj exists".split()
)
_ROLES = {
    "near": "near", "near_vague": "near", "far": "far", "touch": "touch", "touching": "touching", "contain": "contain", "lacks": "lacks",
    "out": "out", "not": "not", "agent": "agent", "in": "in", "with": "with", "of": "of", "for": "for", "to": "to", "from": "from",
    "named": "named", "nearest": "nearest", "farthest": "nearest", "than": "than", "between": "between",
}  # fmt: skip
_FLAGS = frozenset(
    "map describe columns datasets help where difference pronoun again rank distance nearest farthest exists list atall total out".split()
)


@dataclass(frozen=True)
class Superlative:
    """`the three largest`: direction, how many, and the property of the adjective."""

    direction: Direction
    limit: int | None
    adjective: str
    place: int


@dataclass(frozen=True)
class Phrase:
    """A run of words between function phrases, with the role that the phrase before it gives."""

    role: str
    places: tuple[int, ...]
    """Tokens, harmless ones included."""
    each: bool = False
    prep: str = ""
    """Preposition of `for each`, `to each`."""
    conj: str = ""
    """`and` or `or`, where it continues the phrase before it in the same role."""
    quantity: Quantity | None = None
    """Distance of `near` and `far`."""
    numbers: tuple[Quantity, ...] = ()
    """Plain numbers inside it, as in `class 3`."""
    superlative: Superlative | None = None
    """`the most clinics`."""
    strict: bool = False
    """`completely inside`."""
    possessive: bool = False


@dataclass(frozen=True)
class Limit:
    """A comparison with the phrases that may name its property."""

    comparison: Comparison
    left: int | None
    right: int | None


@dataclass(frozen=True)
class Clause:
    """One question, or one part of a question that has a verb of its own."""

    marks: tuple[Mark, ...]
    phrases: tuple[Phrase, ...] = ()
    measures: tuple[str, ...] = ()
    """In order: count, area, length, perimeter, share, share_of, breakdown, howmuch, stats, `stat:mean`, total, distance, `howadj:height` …"""
    keyed: tuple[str, ...] = ()
    """Those of the measures by which to rank (`by area`)."""
    limits: tuple[Limit, ...] = ()
    unit: str | None = None
    superlative: Superlative | None = None
    order: Direction | None = None
    flags: frozenset[str] = frozenset()
    numbers: tuple[Quantity, ...] = ()
    """Numbers that belong to no phrase."""
    nearest_count: int | None = None

    def has(self, *flags: str) -> bool:
        """Whether any of the flags is set."""
        return any(flag in self.flags for flag in flags)


@dataclass
class _Scan:
    """Where a scan of marks stands."""

    tokens: Sequence[Token]
    nouns: frozenset[int] = frozenset()
    role: str = "head"
    each: bool = False
    prep: str = ""
    conj: str = ""
    quantity: Quantity | None = None
    strict: bool = False
    pending_super: Superlative | None = None
    phrases: list[Phrase] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    word_numbers: list[Quantity] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)
    keyed: list[str] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    """Limits that may still find their property in the phrase that follows."""
    gap: bool = True
    """Whether a mark stands between the last phrase and here that no property can cross."""
    open_group: bool = False
    """Whether `each` still waits for its noun."""


def split_clauses(marks: Sequence[Mark], tokens: Sequence[Token], nouns: frozenset[int] = frozenset()) -> tuple[Clause, ...]:
    """Return the clauses of a question, in order; empty ones are left out.

    `nouns` are the tokens that name something in the data, and so are no fillers even where they are everyday words.
    """
    pieces: list[list[Mark]] = [[]]
    for number, mark in enumerate(marks):
        if (mark.kind == "sign" and tokens[mark.start].text in "?.!;…" and not _is_abbreviation(tokens, mark.start)) or (
            mark.kind == "and" and _opens_clause(marks, number, pieces[-1])
        ):
            pieces.append([])
        else:
            pieces[-1].append(mark)
    clauses = [scan_clause(piece, tokens, nouns) for piece in pieces if any(mark.kind not in ("and", "sign") for mark in piece)]
    if clauses and marks[0].kind == "and":  # `And for …?` continues what was asked before
        clauses[0] = replace(clauses[0], flags=clauses[0].flags | {"again"})
    return tuple(clauses)


def _is_abbreviation(tokens: Sequence[Token], stop: int) -> bool:
    """Whether a full stop belongs to a shortened word of a name, as in `St. Denis`, and ends no sentence."""
    if tokens[stop].text != "." or stop == 0 or stop + 1 == len(tokens) or tokens[stop - 1].end != tokens[stop].start:
        return False
    return tokens[stop - 1].capital and (tokens[stop - 1].word in ABBREVIATIONS or len(tokens[stop - 1].word) == 1)


def _opens_clause(marks: Sequence[Mark], number: int, before: Sequence[Mark]) -> bool:
    ahead = [mark for mark in marks[number + 1 :] if mark.kind != "and"][:4]
    kinds = [mark.kind for mark in ahead]
    if not kinds or not any(mark.kind not in ("and", "sign") for mark in before):
        return False
    if kinds[0] in HEADS:
        return _is_question(before)
    if "difference" in kinds[:2] and kinds[0] in ("pronoun", "difference"):
        return True
    complete = any(mark.kind in MEASURES for mark in before) and any(mark.kind in ("word", "name") for mark in before)
    measured = kinds[0] in ("stat", "area", "length", "stats", "share") and any(
        kind in ("of", "word", "name", "per") for kind in kinds[1:3]
    )
    return complete and (measured or (kinds[0] == "pronoun" and any(kind in MEASURES for kind in kinds[1:3])))


def _is_question(before: Sequence[Mark]) -> bool:
    """Whether what stands before asks for something by itself; `In the north, what …` and `For each school, find …` do not."""
    asks = any(mark.kind in MEASURES | HEADS | {"nearest", "farthest", "super"} for mark in before)
    return asks and any(mark.kind in ("word", "name", "compare") for mark in before)


def scan_clause(marks: Sequence[Mark], tokens: Sequence[Token], nouns: frozenset[int] = frozenset()) -> Clause:
    """Give every phrase of a clause its role."""
    scan = _Scan(tokens, nouns)
    clause = Clause(tuple(marks))
    for number, mark in enumerate(marks):
        clause = _step(scan, clause, mark, marks, number)
    _close_phrase(scan)
    if scan.open_group:  # `to each?` without a noun
        scan.phrases.append(Phrase("group", (), each=True, prep=scan.prep))
    return replace(
        clause,
        phrases=tuple(scan.phrases),
        measures=tuple(dict.fromkeys(scan.measures)),
        keyed=tuple(dict.fromkeys(scan.keyed)),
        limits=tuple(scan.limits),
        numbers=tuple(scan.word_numbers) if not scan.phrases else clause.numbers,
    )


def _step(scan: _Scan, clause: Clause, mark: Mark, marks: Sequence[Mark], number: int) -> Clause:
    """Take in one mark: a word of the open phrase, or what closes it and opens the next."""
    if mark.kind in ("word", "name", "quantity"):
        if _is_trailing_state(scan, mark, marks[number + 1 :]):
            _close_phrase(scan)
            scan.role = "agent"
        _add_word(scan, mark)
        return clause
    if mark.kind in ("sign", "there"):
        if scan.tokens[mark.start].text in "()–—-:":
            _close_phrase(scan)
            scan.gap = True
        return clause
    if mark.kind == "of" and scan.words and scan.tokens[scan.words[0]].lemma in ("band", "channel"):
        return clause
    _close_phrase(scan)
    if mark.kind not in ("and", "per", "by") and _ROLES.get(mark.kind) != scan.role:
        scan.conj = ""
    if mark.kind == "compare" and mark.comparison:
        _add_limit(scan, mark.comparison)
        return clause
    _open_next(scan, clause, mark, marks, number)
    scan.gap = scan.gap or mark.kind not in ("be", "with", "of")
    return _note(scan, clause, mark)


def _open_next(scan: _Scan, clause: Clause, mark: Mark, marks: Sequence[Mark], number: int) -> None:
    """Let a function phrase say what the next phrase is."""
    if mark.kind in MEASURES:
        _add_measure(scan, mark)
    elif mark.kind == "and":
        _continue(scan, mark)
    elif mark.kind in ("per", "by"):
        _open_group(scan, clause, mark)
    elif mark.kind == "be":
        scan.role, scan.each, scan.prep = "pred" if scan.phrases else "head", False, ""
    elif mark.kind in _ROLES:
        _open_role(scan, mark)
    elif (
        mark.kind == "list" and number and marks[number - 1].kind in ("and", "in")
    ):  # `In the north, which …`, `In which …`: no place, but what is asked for
        scan.role, scan.each, scan.conj = "head", False, ""


def _is_trailing_state(scan: _Scan, mark: Mark, ahead: Sequence[Mark]) -> bool:
    """Whether `flooded` stands behind what it speaks of, as in `each crop type flooded`."""
    if mark.kind != "word" or scan.tokens[mark.start].lemma not in FLOOD_STATES or (ahead and ahead[0].kind in ("word", "name")):
        return False
    return any(not _is_filler(scan.tokens[place], strictly=False) for place in scan.words)


def _note(scan: _Scan, clause: Clause, mark: Mark) -> Clause:
    """Record what a mark says of the clause as a whole."""
    if mark.kind == "pronoun" and scan.phrases:  # `the districts by their area`: what it stands for is in the clause
        return clause
    if mark.kind in _FLAGS and not (mark.kind == "list" and mark.arg == "weak"):
        clause = replace(clause, flags=clause.flags | {mark.kind})
    elif mark.kind == "list":
        clause = replace(clause, flags=clause.flags | {"weak_list"})
    if mark.kind in ("unit", "unit_measure", "unit_word"):
        if mark.arg == "%":
            scan.measures.append("share")
        else:
            clause = replace(clause, unit=mark.arg)
    if mark.kind == "order":
        clause = replace(clause, order="desc" if mark.arg == "desc" else "asc")
    if mark.kind == "super":
        superlative = _superlative(mark)
        scan.pending_super = superlative
        if scan.role == "group" and scan.prep == "by":  # `by highest elevation` names what to rank by
            scan.role, scan.each, scan.open_group = "key", False, False
        clause = replace(clause, superlative=clause.superlative or superlative)
    if mark.kind in ("nearest", "farthest") and mark.quantity:
        clause = replace(clause, nearest_count=int(mark.quantity.value))
    return clause


def _superlative(mark: Mark) -> Superlative:
    from agent.planner.lexicon import ADJECTIVES, HIGHEST, LOWEST

    word = mark.groups.get("adj", "")
    second = mark.groups.get("adj2", "")
    adjective = "population" if second.startswith("popul") else HIGHEST.get(word) or LOWEST.get(word) or ADJECTIVES.get(second, "")
    return Superlative("desc" if mark.arg == "desc" else "asc", int(mark.quantity.value) if mark.quantity else None, adjective, mark.start)


def _add_word(scan: _Scan, mark: Mark) -> None:
    if mark.kind == "quantity" and mark.quantity:
        scan.word_numbers.append(mark.quantity)
    scan.words.extend(range(mark.start, mark.end))


def _close_phrase(scan: _Scan) -> None:
    """End the run of words, if there is one that says something, and make a phrase of it."""
    places = tuple(scan.words)
    telling = [place for place in places if place in scan.nouns or not _is_filler(scan.tokens[place], strictly=scan.open_group)]
    if not telling:
        scan.words = []
        return
    possessive = scan.tokens[places[-1]].text.lower().endswith(("'s", "’s", "s'", "s’"))
    scan.phrases.append(
        Phrase(
            scan.role,
            places,
            each=scan.each,
            prep=scan.prep,
            conj=scan.conj,
            quantity=scan.quantity,
            numbers=tuple(scan.word_numbers),
            superlative=scan.pending_super,
            strict=scan.strict,
            possessive=possessive,
        )
    )
    for number in scan.waiting:
        scan.limits[number] = replace(scan.limits[number], right=len(scan.phrases) - 1)
    scan.open_group = False
    scan.words, scan.word_numbers, scan.waiting = [], [], []
    scan.role, scan.each, scan.prep, scan.conj, scan.quantity, scan.pending_super, scan.strict = "head", False, "", "", None, None, False
    scan.gap = False


def _is_filler(token: Token, *, strictly: bool) -> bool:
    """Whether a word says nothing; after `by` or `each` only articles and pronouns say nothing (`strictly`)."""
    harmless = token.word in _ARTICLES if strictly else is_harmless(token.word)
    return token.kind == "word" and harmless and not token.capital and not token.quote


_ARTICLES = frozenset("a an the this that these those its their them it of one".split())


def _add_limit(scan: _Scan, comparison: Comparison) -> None:
    left = len(scan.phrases) - 1 if scan.phrases and not scan.gap else None
    scan.limits.append(Limit(comparison, left, None))
    scan.waiting.append(len(scan.limits) - 1)


def _add_measure(scan: _Scan, mark: Mark) -> None:
    name = mark.kind
    if mark.kind == "stat":
        name = f"stat:{_statistic(mark)}"
    elif mark.kind == "howadj":
        name = f"howadj:{mark.groups['adj']}"
    elif mark.kind == "unit_measure":
        name = "length" if mark.arg in ("m", "km", "mi", "ft", "cm", "mm") else "area"
    if mark.kind == "breakdown":
        scan.measures.append("share")
    scan.measures.append(name)
    last = scan.phrases[-1] if scan.phrases else None
    if last and last.role == "group" and last.prep == "by" and not scan.gap:  # `by forest area` names what to rank by
        scan.phrases[-1] = replace(last, role="key", each=False)
        scan.keyed.append(name)
    elif scan.role == "group" and scan.prep == "by":  # `by mean elevation`
        scan.role, scan.each, scan.open_group = "key", False, False
        scan.keyed.append(name)
    elif scan.role == "key":
        scan.keyed.append(name)
    elif not scan.open_group:
        scan.each = False
        scan.role = "head" if scan.role != "in" or mark.kind != "area" else scan.role


def _statistic(mark: Mark) -> str:
    from agent.planner.lexicon import STATISTICS

    return mark.arg or STATISTICS[mark.groups["stat"]]


def _continue(scan: _Scan, mark: Mark) -> None:
    """After `and` the next phrase has the role of the last one, until another mark says otherwise."""
    if scan.phrases:
        last = scan.phrases[-1]
        scan.role, scan.each, scan.prep, scan.quantity = last.role, last.each, last.prep, last.quantity
        scan.conj = mark.arg if scan.conj != "or" else "or"


def _open_group(scan: _Scan, clause: Clause, mark: Mark) -> None:
    if mark.kind == "by":
        ranked = clause.has("rank") or (clause.superlative is not None and not scan.measures)
        last = scan.tokens[scan.phrases[-1].places[-1]].lemma if scan.phrases else ""
        scan.role = "key" if ranked else "agent" if last in FLOOD_WORDS or last.endswith("ed") else "group"
        scan.each = scan.role == "group"
        scan.prep = "by"
        return
    scan.role, scan.each, scan.prep = "group", True, mark.groups.get("prep", "per")
    scan.open_group, scan.waiting = True, []


def _open_role(scan: _Scan, mark: Mark) -> None:
    if mark.kind == "nearest" and scan.role in ("near", "far"):  # `within 2 km of the nearest school`
        return
    scan.role = _ROLES[mark.kind]
    scan.quantity = mark.quantity if mark.kind in ("near", "far") else None
    scan.strict = "all" in mark.groups
    scan.prep = scan.tokens[mark.end - 1].word if mark.kind == "in" else ""
    if mark.kind not in ("of",):
        scan.waiting = []
