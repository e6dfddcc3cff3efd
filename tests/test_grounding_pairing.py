"""Which subject or statistic each number of a sentence belongs to."""

from __future__ import annotations

import re

import pytest

from agent.grounding.numbers import numbers_in
from agent.grounding.pairing import pair
from agent.grounding.subjects import Mention, Vocabulary

NAMES = (
    "North",
    "South",
    "East",
    "Bosnia and Herzegovina",
    "District 9",
    "11-Residential Buildings",
    "Ashford District",
    "other",
    "7",
    "A",
    "Évreux",
)
ZONES = Vocabulary([("zone", name) for name in NAMES])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("North has 12 ha and South 30 ha", ["north", "south"]),
        ("12 ha in North and 30 ha in South", ["north", "south"]),
        ("12 ha, in North, and 30 ha, in South", ["north", "south"]),
        ("North and South have 12 and 30 ha respectively", ["north", "south"]),
        ("North, South and East have 12, 30 and 44 ha", ["north", "south", "east"]),
        ("12 and 30 ha lie in North and South", ["north", "south"]),
        ("In North, 12 ha are flooded and in South, 30 ha.", ["north", "south"]),
        ("North (12 ha) exceeds South (30 ha)", ["north", "south"]),
        ("the 12 ha of North exceed the 30 ha of South", ["north", "south"]),
        ("Compared with South (30 ha), North has only 12 ha", ["south", "north"]),
        ("North is smaller than South, with 12 ha against 30 ha", ["north", "south"]),
        ("North is the largest (12 ha), followed by South (30 ha) and East with 44 ha", ["north", "south", "east"]),
        ("North has 12 ha and a mean of 1.2 m; South has 30 ha and 2.1 m", ["north", "north", "south", "south"]),
        ("Of North and South, North is largest with 12 ha", ["north"]),
        ("Bosnia and Herzegovina has 12 ha, North 3 ha", ["bosnia and herzegovina", "north"]),
        ("42 ha are flooded, of which 12 ha in North", ["", "north"]),
        ("42 ha are flooded; North has 12 ha", ["", "north"]),
        ("42 ha are flooded, mostly in North", [""]),
        ("North and South have 42 ha", ["north+south"]),
    ],
)
def test_a_number_belongs_to_the_subject_of_its_clause(text: str, expected: list[str]) -> None:
    pairings = pair(text, numbers_in(text), ZONES.mentions(text))
    assert ["+".join(pairing.chosen) for pairing in pairings] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("North has 12 ha with a mean depth of 1.2 m", ["", "mean"]),
        ("The mean depth is 1.2 m over 12 ha", ["mean", ""]),
        ("12.3 m in the mean", ["mean"]),
        ("mean 1.2 m (maximum 3.4 m)", ["mean", "maximum"]),
        ("the mean and maximum depths are 1.2 and 3.4 m", ["mean", "maximum"]),
        ("the mean depth in North is 1.2 m and in South 2.1 m", ["mean", "mean"]),
        ("North has a mean depth of 1.2 m and 12 ha", ["mean", ""]),
        ("1.2 m mean and 3.4 m maximum", ["mean", "maximum"]),
        ("1.2 m mean 3.4 m maximum", ["mean", "maximum"]),
        ("7 m (2.3 m mean)", ["", "mean"]),
    ],
)
def test_a_statistic_serves_the_number_behind_it_and_others_of_its_unit(text: str, expected: list[str]) -> None:
    cues = [Mention(match.start(), match.end(), match.group()) for match in re.finditer("mean|maximum", text)]
    assert ["+".join(pairing.chosen) for pairing in pair(text, numbers_in(text), cues, cue=True)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in the NORTH and evreux", ["north", "evreux"]),  # without case and accents
        ("Northern and southward", []),
        ("district 9 has 9 ha", ["district 9"]),
        ("residential buildings", ["11 residential building"]),  # without its code, in the singular
        ("Ashford has", ["ashford district"]),
        ("other: 12 ha", ["other"]),
        ("the other zones", []),
        ("class other", ["other"]),
        ("7 ha", []),
        ("zone 7 has", ["7"]),
        ("7: 12 ha", ["7"]),
        ("A zone", []),
        ("zone A", ["a"]),
    ],
)
def test_names_are_found_however_they_are_written_but_not_in_everyday_words(text: str, expected: list[str]) -> None:
    assert [mention.value for mention in ZONES.mentions(text)] == expected


def test_a_short_form_that_could_mean_two_subjects_means_neither() -> None:
    vocabulary = Vocabulary([("zone", "Ashford District"), ("zone", "Ashford Park")])
    assert vocabulary.mentions("Ashford has") == []
