"""Quotations of documents: exact ones pass with their numbers, a changed word or number is caught, numbers outside need facts."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.grounding import mark
from agent.grounding.quotes import quotations_in, stands_in
from agent.grounding.repair import NOTHING_LEFT
from grounding_results import Case

FLOOD = (
    "- Venice: high tide of 156 cm on 29 October 2018; about three quarters of the historic centre was under water.\n"
    "- Deaths in Italy: at least 11 by 30-31 October 2018 (news of that day); an article gives 32 for the whole country.\n"
    '- Cause: an upper-level low ("gota fria") over the sea, with 1,250.5 m³/s in the river and −3.5 °C on the **high peaks**.'
)
OTHER = "The old stone bridge of the town was closed to lorries heavier than 7.5 t for 12 weeks."


def passage(text: str, **more: str) -> Mapping[str, Any]:
    return {
        "id": "p",
        "document": "facts",
        "title": "Storm in the north-east",
        "heading": "What is known of the storm",
        "text": text,
        **more,
    }


def documents(*texts: str) -> Mapping[str, Any]:
    return {"data": {"passages": [passage(text) for text in texts], "results": []}}


CASE = (
    Case("How many people died, and how deep was North?")
    .with_result("search_knowledge", {"query": "deaths", "limit": 8}, [], **documents(OTHER, FLOOD))
    .with_result("zonal_stats", {"zones": "districts"}, [("mean", 1.234, "m", {"zone": "North"})])
    .with_result("search_knowledge", {"query": "bridges"}, [], **documents(OTHER))
)


@pytest.mark.parametrize(
    "answer",
    [
        "“Deaths in Italy: at least 11 by 30-31 October 2018” [1].",
        '"Deaths in Italy: at least 11 by 30-31 October 2018" [1].',
        "The fact sheet says “an article gives 32 for the whole country.” [1]",
        "It gives “at least 11 by\n30–31 October 2018” [1].",
        "- “high tide of 156 cm on 29 October 2018; about three quarters of the historic centre was under water” [1]",
        "“Cause: an upper-level low (“gota fria”) over the sea, with 1,250.5 m³/s in the river” [1]",
        '"Cause: an upper-level low ("gota fria") over the sea" [1]',
        "“−3.5 °C on the high peaks” [1].",
        f"“{FLOOD}” [1]",
        "| what | source |\n|---|---|\n| “at least 11 by 30-31 October 2018” | [1] |",
        "According to the documents [1], “at least 11 by 30-31 October 2018”.",
        "“What is known of the storm” in “Storm in the north-east” says nothing of it [1].",
    ],
)
def test_an_exact_quotation_is_supported_with_its_numbers(answer: str) -> None:
    checked = CASE.check(answer)
    assert not checked.unsupported
    assert {claim.verdict for claim in checked.claims} == {"quoted"}
    assert {claim.n for claim in checked.claims} == {1}
    assert {claim.path for claim in checked.claims} == {"data/passages/1"} or "storm" in answer
    assert mark(answer, checked) == answer


def test_numbers_of_a_quotation_are_claims_of_their_own() -> None:
    words = "high tide of 156 cm on 29 October 2018"
    assert [(claim.text, claim.verdict, claim.value, claim.unit) for claim in CASE.check(f"“{words}” [1]").claims] == [
        (words, "quoted", None, None),
        ("156", "quoted", 156.0, "cm"),
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("“Deaths in Italy: at least 12 by 30-31 October 2018” [1].", "no passage", id="another number"),
        pytest.param("“Deaths in Spain: at least 11 by 30-31 October 2018” [1].", "no passage", id="another word"),
        pytest.param("“Deaths in Italy … an article gives 32 for the whole country” [1].", "no passage", id="something left out"),
        pytest.param("“Deaths in Italy: at least 1” [1].", "no passage", id="a number cut short"),
        pytest.param("“Venice: high tide of 156” cm [1].", "no passage", id="a number without its unit"),
        pytest.param("“250.5 m³/s in the river” [1].", "no passage", id="the end of a number"),
        pytest.param("“3.5 °C on the high peaks” [1].", "no passage", id="a number without its sign"),
        pytest.param("“Deaths in Italy: at least 11 by 30-31 October 2018” [3].", "result [1]", id="another search"),
        pytest.param("“Deaths in Italy: at least 11 by 30-31 October 2018” [2].", "result [1]", id="a result without documents"),
        pytest.param("“Deaths in Italy: at least 11 by 30-31 October 2018”.", "result [1]", id="no citation"),
        pytest.param("“Nobody died in the floods of that year.”", "no result is cited", id="invented, no citation"),
        pytest.param("“closed to lorries. Deaths in Italy: at least 11” [1].", "no passage", id="parts of two passages"),
    ],
)
def test_what_stands_nowhere_is_caught_and_taken_out(answer: str, reason: str) -> None:
    checked = CASE.check(answer)
    assert checked.unsupported
    assert reason in checked.unsupported[0].reason
    assert mark(answer, checked) == NOTHING_LEFT


def test_two_quotations_of_a_sentence_are_held_against_their_own_citations() -> None:
    both = "“at least 11 by 30-31 October 2018” [1], and “closed to lorries heavier than 7.5 t” [3]."
    assert not CASE.unsupported(both)
    swapped = "“closed to lorries heavier than 7.5 t” [2], and “at least 11 by 30-31 October 2018” [3]."
    assert len(CASE.unsupported(swapped)) == 2


@pytest.mark.parametrize(
    ("answer", "unsupported"),
    [
        ("At least 11 people died [1].", ["11"]),
        ("“Deaths in Italy: at least 11” [1], so 22 in both [1].", ["22"]),
        ("“Deaths in Italy: at least 11” [1]; the mean depth in North is 1.234 m [2].", []),
        ("“Deaths in Italy: at least 11” [1]; the mean depth in North is 1.9 m [2].", ["1.9"]),
        ("The “11 deaths” are known [1].", ["11"]),
    ],
)
def test_numbers_outside_a_quotation_still_need_facts(answer: str, unsupported: list[str]) -> None:
    assert CASE.unsupported(answer) == unsupported


def test_names_and_the_users_own_words_in_marks_are_no_quotations() -> None:
    assert not CASE.unsupported("In “North” the mean depth is 1.234 m [2].")
    assert not CASE.unsupported("On “how deep was North” the documents say nothing [1].")
    named = CASE.with_result("query_vector", {"layer": "towns"}, [("count", 3, "count", {"name": "Upper Mill Lane"})])
    assert not named.unsupported("“Upper Mill Lane” has 3 [4].")
    without = Case("Who?").with_result("query_vector", {"layer": "towns"}, [("count", 3, "count", {"name": "A"})])
    assert not without.unsupported("“These are many words in marks” and 3 for A [1].")


def test_a_bracket_inside_a_quoted_passage_is_no_citation() -> None:
    case = Case("Who?").with_result("search_knowledge", {"query": "q"}, [], **documents("It rained 250 mm, as reported [12] by the town."))
    checked = case.check("“It rained 250 mm, as reported [12] by the town.” [1]")
    assert not checked.unsupported
    assert checked.cited == (1,)


def test_half_a_passage_over_several_lines_goes_as_a_whole() -> None:
    answer = f"The mean depth in North is 1.234 m [2].\n\n“{FLOOD.replace('156', '157')}” [1]"
    assert mark(answer, CASE.check(answer)) == "The mean depth in North is 1.234 m [2]."


WORDS = ("rain", "fell", "on", "the", "hills", "river", "bed", "houses", "were", "lost", "bridge", "night", "people", "left")
NUMBERS = ("3", "12", "250", "1,250", "7.5", "2018", "-4", "18 %", "3 km", "40 ha", "1.5 m", "2 million")
pieces = st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(NUMBERS)), min_size=8, max_size=40)
MARKS = (("“", "”"), ('"', '"'))


def one_document(text: str) -> Case:
    return Case("What is said?").with_result("search_knowledge", {"query": "q"}, [], **documents("Another text.", text))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(parts=pieces, start=st.integers(0, 30), length=st.integers(3, 12), marks=st.sampled_from(MARKS), breaks=st.booleans())
def test_every_run_of_whole_words_and_quantities_is_supported(
    parts: list[str], start: int, length: int, marks: tuple[str, str], breaks: bool
) -> None:
    chosen = parts[start % len(parts) :][:length]
    assume(len(re.findall(r"\w+", " ".join(chosen))) >= 3)
    space = "\n" if breaks else " "
    answer = f"The report says {marks[0]}{space.join(chosen)}{marks[1]} [1]."
    before = parts[: start % len(parts)][-1:]
    assume(not (before and before[0][-1].isdigit() and chosen[0][0] in "-0123456789"))  # "3 -4" and "1 250" are read as one
    behind = parts[start % len(parts) :][length : length + 1]
    assume(not (behind and chosen[-1][-1].isdigit()))  # "12 night" may be a unit to come
    assert not one_document(" ".join(parts)).unsupported(answer)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(parts=pieces, at=st.integers(0, 30), length=st.integers(4, 12), seed=st.integers(0, 1000), marks=st.sampled_from(MARKS))
def test_one_changed_word_or_digit_is_always_caught(parts: list[str], at: int, length: int, seed: int, marks: tuple[str, str]) -> None:
    rng = random.Random(seed)
    chosen = parts[at % len(parts) :][:length]
    assume(len(re.findall(r"\w+", " ".join(chosen))) >= 3)
    text, quoted = " ".join(parts), " ".join(chosen)
    place = rng.choice([index for index, char in enumerate(quoted) if char.isalnum()])
    alphabet = string.digits if quoted[place].isdigit() else string.ascii_lowercase
    changed = quoted[:place] + rng.choice([char for char in alphabet if char != quoted[place]]) + quoted[place + 1 :]
    assume(not re.search(rf"(?<!\w){re.escape(changed)}(?!\w)", text))
    checked = one_document(text).check(f"The report says {marks[0]}{changed}{marks[1]} [1].")
    assert checked.unsupported
    assert all(claim.verdict != "quoted" for claim in checked.claims)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(answer=st.text(alphabet='“”" abc1.[]\n-*', max_size=80))
def test_any_marks_can_be_checked(answer: str) -> None:
    found = quotations_in(answer)
    assert all(one.end <= other.start for one, other in pairwise(found))
    checked = CASE.check(answer)
    assert CASE.check(mark(answer, checked)) is not None


@given(text=st.text(alphabet="ab1 .*-\n“”", max_size=40))
def test_a_text_stands_in_itself_unless_it_is_nothing(text: str) -> None:
    words = re.findall(r"\w", text)
    assert stands_in(text, text) == bool(words) or not words
