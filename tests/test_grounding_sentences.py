"""How an answer falls into passages, and what stands above each."""

from __future__ import annotations

import pytest

from agent.grounding.citations import citations_in
from agent.grounding.sentences import passages_of


def pieces(answer: str) -> list[str]:
    return [answer[passage.start : passage.end] for passage in passages_of(answer)]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("It has approx. 3.5 ha. Next", ["It has approx. 3.5 ha.", "Next"]),
        ("North has 12 ha. [1] South has 3 ha [2].", ["North has 12 ha. [1]", "South has 3 ha [2]."]),
        ("North has 12 ha [1]. [2] gives 3 ha.", ["North has 12 ha [1].", "[2] gives 3 ha."]),
        ("A line\nwraps in lower case.", ["A line\nwraps in lower case."]),
        ("North: 12 ha [1]\nSouth: 3 ha [1]", ["North: 12 ha [1]", "South: 3 ha [1]"]),
        ("- North: 1. Then\n- South", ["- North: 1. Then", "- South"]),
        ("", []),
    ],
)
def test_text_falls_into_sentences_and_items(answer: str, expected: list[str]) -> None:
    assert pieces(answer) == expected


def test_items_know_their_heading_lead_in_and_parent() -> None:
    answer = "## Flood\n\nAreas [1]:\n\n- North\n  - deep: 12 ha\n- South"
    deep = next(passage for passage in passages_of(answer) if "deep" in answer[passage.start : passage.end])
    assert deep.context == ("North", "Areas [1]:", "Flood")
    assert deep.citing == ("North", "Areas [1]:")


def test_a_paragraph_ends_what_a_lead_in_says() -> None:
    last = passages_of("Areas [1]:\n- North: 12 ha\n\nThat is all.")[-1]
    assert (last.context, last.citing, last.block) == ((), (), 0)


def test_rows_know_their_headers_and_the_other_cells() -> None:
    answer = "Areas [2]:\n\n| zone | area (ha) |\n|---|---:|\n| North | 12 |"
    row = passages_of(answer)[-1]
    cell = row.parts[1]
    assert (row.kind, answer[cell.start : cell.end].strip(), cell.header, cell.is_label) == ("row", "12", "area (ha)", False)
    assert [answer[other.start : other.end].strip() for other in cell.beside] == ["North"]
    assert row.citing == ("| zone | area (ha) |", "Areas [2]:")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[1]", [(1,)]),
        ("[1, 2]", [(1, 2)]),
        ("[1][2]", [(1,), (2,)]),
        ("[1-3]", [(1, 2, 3)]),
        ("[1; 3–4]", [(1, 3, 4)]),
        ("[a] [x1] [1.5]", []),
    ],
)
def test_citations_are_read_in_every_form(text: str, numbers: list[tuple[int, ...]]) -> None:
    assert [citation.numbers for citation in citations_in(text)] == numbers
