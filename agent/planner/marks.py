"""Recognise the function phrases of a question: what is left between them are the words that must name something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.planner.atlas import Atlas, Dataset
from agent.planner.lexicon import DOWN, LENGTH_UNITS, UP
from agent.planner.linking import joined
from agent.planner.quantities import Comparison, Op, Quantity, find_quantities, read_unit
from agent.planner.rules import RULES
from agent.planner.text import Token, name_lemmas

FUNCTIONAL = frozenset(
    "total area areas mean average max min maximum minimum sum number of count length size share percent distance the in per by and or median"
    " which what how many much is are near nearest closest within list show map largest smallest value all at least most to from".split()
)
PLAIN = frozenset(
    "value values name names data dataset answer question unit units time present like work show find given based based whole place".split()
)
"""Everyday words that say nothing even where a column bears them as its name."""
_YIELDING = frozenset(
    {
        "columns",
        "map",
        "describe",
        "stat",
        "area",
        "length",
        "perimeter",
        "coordinates",
        "list",
        "touch",
        "distance",
        "datasets",
        "help",
        "breakdown",
        "share",
        "difference",
        "super",
    }
)
"""Marks that give way to a word that names a dataset or column: `fields`, `plots`, `properties`."""


@dataclass(frozen=True)
class Mark:
    """A function phrase, or one content word (`word`), name (`name`), number (`quantity`) or sign (`sign`)."""

    kind: str
    start: int
    end: int
    arg: str = ""
    quantity: Quantity | None = None
    comparison: Comparison | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Line:
    """The question as one line of codes, with the way back to tokens."""

    text: str
    starts: Mapping[int, int]
    """Offset in the line → unit of the line."""
    spans: tuple[tuple[int, int], ...]
    """Unit → tokens."""
    quantities: Mapping[str, Quantity]
    units: Mapping[str, str]


def find_names(tokens: Sequence[Token], atlas: Atlas) -> tuple[tuple[int, int], ...]:
    """Find runs of two or more words that are literally part of a name in the data, and quotations; they hold no function words.

    Longest first, and without overlap. Leading words such as `mean` stay outside, so that they can be understood.
    """
    forms = _name_forms(atlas)
    spans = list(_quotations(tokens))
    for length in range(7, 1, -1):
        for first in range(len(tokens) - length + 1):
            start, end = first, first + length
            if "sign" in (tokens[start].kind, tokens[end - 1].kind):
                continue
            words = [token.lemma for token in tokens[start:end]]
            if joined(words) not in forms or all(token.kind != "word" or token.word in FUNCTIONAL for token in tokens[start:end]):
                continue
            while start < end and tokens[start].word in FUNCTIONAL:
                start += 1
            if end - start > 1 and not any(left < end and start < right for left, right in spans):
                spans.append((start, end))
    return tuple(sorted(spans))


def _quotations(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    numbers = sorted({token.quote for token in tokens if token.quote})
    places = [[place for place, token in enumerate(tokens) if token.quote == number] for number in numbers]
    return [(places_of[0], places_of[-1] + 1) for places_of in places]


def _name_forms(atlas: Atlas) -> frozenset[str]:
    forms: set[str] = set()
    for dataset in atlas.focused:
        for form in dataset.name_forms:
            forms |= {joined(form[i:j]) for i in range(len(form)) for j in range(i + 2, len(form) + 1)}
        forms |= {joined(form) for form in _labels(dataset) if len(form) > 1}
    forms |= {joined(form) for dataset in atlas.datasets for form in dataset.name_forms if len(form) > 1}
    return frozenset(forms)


def _labels(dataset: Dataset) -> list[tuple[str, ...]]:
    labels = [str(value) for _, value in dataset.text_values] + [column.name for column in dataset.columns]
    labels += [label for band in dataset.bands for label in (*band.classes.values(), *band.names)]
    return [name_lemmas(label) for label in labels]


def noun_tokens(tokens: Sequence[Token], atlas: Atlas) -> frozenset[int]:
    """Return the tokens that by themselves name a dataset or column in focus."""
    words = {part for dataset in atlas.focused for form in dataset.parts for part in (*form, joined(form))}
    words |= {joined(column.parts) for dataset in atlas.focused for column in dataset.columns if column.parts}
    words |= {joined(name_lemmas(label)) for dataset in atlas.focused for band in dataset.bands for label in band.classes.values()}
    return frozenset(place for place, token in enumerate(tokens) if token.lemma in words and token.word not in FUNCTIONAL | PLAIN)


def find_marks(tokens: Sequence[Token], atlas: Atlas) -> tuple[Mark, ...]:
    """Split the whole question into marks, in order and without gaps."""
    names = find_names(tokens, atlas)
    taken = frozenset(place for start, end in names for place in range(start, end))
    line = _line(tokens, names, find_quantities(tokens, taken), taken)
    nouns = noun_tokens(tokens, atlas)
    marks: list[Mark] = []
    offset = 1
    while offset < len(line.text):
        mark, offset = _mark_at(line, offset, tokens, nouns)
        marks.append(mark)
    return tuple(marks)


def _line(tokens: Sequence[Token], names: Sequence[tuple[int, int]], quantities: Sequence[Quantity], taken: frozenset[int]) -> _Line:
    by_start = {quantity.start: quantity for quantity in quantities}
    name_ends = dict(names)
    codes: list[str] = []
    spans: list[tuple[int, int]] = []
    numbers: dict[str, Quantity] = {}
    units: dict[str, str] = {}
    place = 0
    while place < len(tokens):
        unit, unit_end = read_unit(tokens, place, taken, bare=True)
        if place in name_ends:
            code, end = "§", name_ends[place]
        elif place in by_start:
            code, end = f"q{len(numbers)}", by_start[place].end
            numbers[code] = by_start[place]
        elif unit:
            code, end = f"u{len(units)}", unit_end
            units[code] = unit
        else:
            code, end = tokens[place].word or "'s", place + 1
        codes.append(code)
        spans.append((place, end))
        place = end
    starts, offset = {}, 1
    for number, code in enumerate(codes):
        starts[offset] = number
        offset += len(code) + 1
    return _Line(" " + "".join(code + " " for code in codes), starts, tuple(spans), numbers, units)


def _mark_at(line: _Line, offset: int, tokens: Sequence[Token], nouns: frozenset[int]) -> tuple[Mark, int]:
    best: Mark | None = None
    best_end = offset
    for kind, arg, pattern in RULES:
        match = pattern.match(line.text, offset)
        if not match or match.end() <= best_end:
            continue
        start, end = line.spans[line.starts[offset]][0], line.spans[_last_unit(line, match.end())][1]
        content = [place for place in range(start, end) if place in nouns]
        if content and kind in _YIELDING and end - start <= 2 and arg != "it":
            continue
        groups = {name: value for name, value in match.groupdict().items() if value}
        mark = _build(kind, arg, start, end, groups, line, tokens)
        if mark:
            best, best_end = mark, match.end()
    if best:
        return best, best_end + 1
    unit = line.starts[offset]
    code_end = line.text.index(" ", offset)
    return _plain(line, unit, line.text[offset:code_end], tokens), code_end + 1


def _last_unit(line: _Line, end: int) -> int:
    start = line.text.rindex(" ", 0, end) + 1
    return line.starts[start]


def _plain(line: _Line, unit: int, code: str, tokens: Sequence[Token]) -> Mark:
    start, end = line.spans[unit]
    if code == "§":
        return Mark("name", start, end)
    if code in line.quantities:
        return Mark("quantity", start, end, quantity=line.quantities[code])
    if code in line.units:
        return Mark("unit_word", start, end, line.units[code])
    return Mark("word" if tokens[start].kind != "sign" and tokens[start].word else "sign", start, end)


def _build(kind: str, arg: str, start: int, end: int, groups: dict[str, str], line: _Line, tokens: Sequence[Token]) -> Mark | None:
    """Make the mark of a match; None where its number or unit does not fit the phrase."""
    first, second = line.quantities.get(groups.get("q", "")), line.quantities.get(groups.get("r", ""))
    unit = line.units.get(groups.get("u", ""))
    if kind in ("near", "near_post", "far"):
        return Mark(kind, start, end, quantity=first, groups=groups) if first and _is_distance(first) else None
    if kind in ("compare", "range", "year"):
        comparison = _comparison(kind, arg, start, end, groups, first, second, tokens)
        return Mark("compare", start, end, kind, comparison=comparison, groups=groups) if comparison else None
    if kind == "percentile":
        return Mark("stat", start, end, _percentile(groups, first))
    if kind == "unit_measure" and unit == "%":
        return Mark("share_of", start, end, groups=groups)
    if kind in ("unit", "unit_measure"):
        return Mark(kind, start, end, unit or "", groups=groups)
    counted = line.quantities.get(groups.get("n", "")) or line.quantities.get(groups.get("n2", ""))
    if counted and (counted.unit or counted.value != int(counted.value)):
        return None
    return Mark(kind, start, end, arg, quantity=counted, groups=groups)


def _is_distance(quantity: Quantity) -> bool:
    return quantity.unit in ("m", "km", "cm", "mm", "ft", "mi", "degree", None)


def _percentile(groups: Mapping[str, str], quantity: Quantity | None) -> str:
    number = int(quantity.value) if quantity else int("".join(char for char in groups["p"] if char.isdigit()))
    return "median" if number == 50 else f"p{number}"


def _comparison(
    kind: str,
    op: str,
    start: int,
    end: int,
    groups: Mapping[str, str],
    first: Quantity | None,
    second: Quantity | None,
    tokens: Sequence[Token],
) -> Comparison | None:
    if first is None or (kind == "range" and second is None) or ("wet" in groups and (second or first).unit not in LENGTH_UNITS):
        return None
    word = groups.get("up", "")
    adjective = "deep" if "wet" in groups else groups.get("adj") or UP.get(word) or DOWN.get(word) or ""
    if kind == "range" and second:
        low, high = sorted((first.value, second.value))
        return Comparison(start, end, ((">=", low), ("<=", high)), second.unit or first.unit, _property(adjective))
    inner = tuple(place for place in range(start, first.start) if groups.get("inner") == tokens[place].word)
    test: Op = op  # type: ignore[assignment]  # the table of rules holds operators only
    comparison = Comparison(start, end, ((test, first.value),), first.unit, _property(adjective), inner)
    return comparison if kind != "year" or (comparison.is_year and not first.is_word) else None


def _property(adjective: str) -> str:
    from agent.planner.lexicon import ADJECTIVES

    return ADJECTIVES.get(adjective, "area" if adjective == "size" else adjective)
