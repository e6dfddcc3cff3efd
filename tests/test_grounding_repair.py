"""What is asked of the writer about unsupported numbers, and what is left of an answer without them."""

from __future__ import annotations

import pytest

from agent.grounding import mark, repair_request
from agent.grounding.repair import NOTHING_LEFT, UNSUPPORTED_MARK
from grounding_results import AREAS, STATISTICS

TRUE = "North covers 631.9 ha [1]."
FALSE = "South covers 999.9 ha [1]."


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (TRUE, TRUE),
        (f"{TRUE} {FALSE}", TRUE),
        (f"{FALSE} {TRUE}", TRUE),
        (f"{FALSE}\n\n{TRUE}", TRUE),
        ("North covers 631.9 ha and South 999.9 ha [1].", f"North covers 631.9 ha and South {UNSUPPORTED_MARK} ha [1]."),
        ("Areas [1]:\n- North: 631.9 ha\n- South: 999.9 ha", "Areas [1]:\n- North: 631.9 ha"),
        (f"{TRUE}\n\nOthers [1]:\n- South: 999.9 ha", TRUE),
        (f"{TRUE}\n\n| zone | ha |\n|---|---|\n| South | 999.9 [1] |", TRUE),
        (
            "| zone | area (ha) |\n|---|---|\n| North | 631.9 [1] |\n| South | 999.9 [1] |",
            "| zone | area (ha) |\n|---|---|\n| North | 631.9 [1] |",
        ),
        (f"{TRUE} See also [9].", f"{TRUE} See also."),
        (FALSE, NOTHING_LEFT),
        (f"## Result\n\n- South: 999.9 ha [1]\n\n{TRUE}", f"## Result\n\n{TRUE}"),
    ],
)
def test_what_is_unsupported_is_taken_out(answer: str, left: str) -> None:
    assert mark(answer, AREAS.check(answer)) == left


def test_what_is_left_passes_the_check() -> None:
    answer = f"{TRUE} {FALSE} North covers 631.9 ha and South 999.9 ha [1, 4]."
    assert not AREAS.check(mark(answer, AREAS.check(answer))).unsupported


def test_the_request_names_number_sentence_reason_and_facts_near_it() -> None:
    request = repair_request(AREAS.check(f"{TRUE} {FALSE} It is [9]."))
    assert "999.9" in request
    assert FALSE in request
    assert "631.9 in" not in request
    assert "area of South = 250.432 ha" in request
    assert "there is no result [9]" in request
    assert "{claims}" not in request


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("North covers 631.9 ha.", "cites no result"),
        ("The area is 631.9 ha [1].", "name it here"),
        ("North covers 600 ha [1].", "calculate"),
        ("South covers 631.9 ha [1].", "is about North"),
        ("North covers 6,319,000 ha [1].", "gives the unit 'ha'"),
        ("North has 6 km² [1].", "too coarsely"),
    ],
)
def test_every_kind_of_failure_has_its_reason(answer: str, reason: str) -> None:
    assert reason in AREAS.check(answer).unsupported[0].reason


def test_a_wrong_statistic_is_told_apart_from_the_fact() -> None:
    (claim,) = STATISTICS.check("In North the mean depth is 3.4 m [1].").unsupported
    assert claim.reason == "the text says mean, the fact is 'max'"
    assert "[1] mean of North = 1.234 m" in claim.nearby
