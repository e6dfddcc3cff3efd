"""The parts of the bot that need no platform: text for Slack, the events that were taken, questions that kill."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.events import Grounded, Token, ToolFinished, ToolProgress, ToolStarted
from agent.interfaces.slack.bot import ATTEMPTS, Bot, thread_of
from agent.interfaces.slack.claims import Claims
from agent.interfaces.slack.outlet import Asked
from agent.interfaces.slack.text import escaped, parts, question_of
from agent.interfaces.slack.wording import Progress
from tools.errors import BusyError, ServiceError

ASKED = Asked(event="Ev1", message="C1/1.1", place="T1/C1/1.1", text="How many?")


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@given(st.text(alphabet="ab <>&\n", max_size=200), st.integers(min_value=5, max_value=40))
def test_a_long_text_is_cut_into_messages_of_the_limit_that_lose_nothing_and_cut_no_entity(text: str, limit: int) -> None:
    cut = list(parts(text, limit))
    assert all(0 < len(part) <= limit for part in cut)
    assert not set("<>") & set("".join(cut))
    assert "".join(map(unescaped, cut)).replace("\n", "").replace(" ", "") == text.replace("\n", "").replace(" ", "")


def test_a_text_is_cut_between_lines_where_that_is_possible() -> None:
    assert list(parts("one two\nthree\nfour", 13)) == ["one two\nthree", "four"]
    assert escaped("<!here> & co") == "&lt;!here&gt; &amp; co"


@pytest.mark.parametrize(
    ("written", "question"),
    [
        ("<@UBOT> how many?", "how many?"),
        ("how many, <@UBOT|terracite>?", "how many,  ?"),
        ("<@UBOT> area &gt; 5 &amp; &lt; 9", "area > 5 & < 9"),
        ("<@UBOT> what is in <#C2|general> by <@UANN>", "what is in general by @UANN"),
        ("<@UBOT> add <https://example.org/a.tif|a.tif> <!here>", "add a.tif here"),
        ("<@UBOT> &lt;@UBOT&gt;", "<@UBOT>"),
    ],
)
def test_a_question_is_read_as_a_person_sees_it(written: str, question: str) -> None:
    assert question_of(written, "UBOT") == question


def test_an_event_and_a_message_are_claimed_once_and_unfinished_ones_are_found_by_the_next_process(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "events.sqlite")
    assert claims.take(ASKED)
    assert not claims.take(ASKED)
    assert not claims.take(Asked("Ev2", ASKED.message, ASKED.place, "other"))
    assert claims.take(Asked("Ev3", "C1/1.2", ASKED.place, "a confidential question"))
    assert (claims.begin("Ev1").attempt, claims.begin("Ev1").attempt) == (1, 2)
    claims.answers_in("Ev1", "900.1")
    claims.end("Ev3")
    with pytest.raises(BusyError):
        Claims(tmp_path / "events.sqlite")
    claims.close()
    later = Claims(tmp_path / "events.sqlite")
    assert later.unfinished() == [ASKED]
    assert later.begin("Ev1").handle == "900.1"
    assert not later.take(ASKED)
    later.close()
    assert b"confidential" not in (tmp_path / "events.sqlite").read_bytes(), "what was asked is forgotten once answered"


class FakeOutlet:
    """Keeps what was said; the first `broken` messages cannot be delivered."""

    def __init__(self, broken: int = 0) -> None:
        self.said: list[str] = []
        self._broken = broken

    async def post(self, place: str, text: str) -> str:
        await self.finish(place, "1", text)
        return "1"

    async def edit(self, place: str, handle: str, text: str) -> None:
        raise ServiceError("Slack did not do it.")

    async def finish(self, place: str, handle: str, text: str) -> None:
        if self._broken > 0:
            self._broken -= 1
            raise ServiceError("Slack did not do it.")
        self.said.append(text)

    async def send(self, place: str, file: Path, title: str) -> None:
        self.said.append(str(file))


class FakeAgent:
    """Fails in a way of its own."""

    async def astream(self, question: str, *, thread_id: str) -> AsyncGenerator[Any, None]:
        yield Token(text="draft")
        raise ServiceError(f"The model is away for {question}", hint="Try later.")


class WordyAgent:
    """Writes a long draft, piece by piece, and then fails."""

    async def astream(self, question: str, *, thread_id: str) -> AsyncGenerator[Any, None]:
        for n in range(100):
            yield Token(text=f"{n} ")
            await asyncio.sleep(0.002)
        raise ServiceError("The model is away.")


class CountingOutlet(FakeOutlet):
    """Notes when a message is edited."""

    edits: list[float]

    async def edit(self, place: str, handle: str, text: str) -> None:
        self.edits.append(time.monotonic())


def test_a_message_is_edited_no_more_often_than_allowed(tmp_path: Path) -> None:
    outlet = CountingOutlet()
    outlet.edits = []

    async def work() -> None:
        bot = Bot(WordyAgent(), Claims(tmp_path / "events.sqlite"), outlet, edit_every_s=0.1)  # type: ignore[arg-type]
        bot.take(ASKED)
        await bot.idle()
        await bot.close()

    asyncio.run(work())
    assert outlet.edits
    assert all(after - before >= 0.1 for before, after in pairwise(outlet.edits))


def run_bot(claims: Claims, outlet: FakeOutlet, *asked: Asked, resume: bool = False) -> None:
    async def work() -> None:
        bot = Bot(FakeAgent(), claims, outlet, edit_every_s=0)  # type: ignore[arg-type]
        if resume:
            bot.resume()
        for each in asked:
            bot.take(each)
        await bot.idle()
        await bot.close()

    asyncio.run(work())


def test_progress_that_cannot_be_shown_stops_no_answer(tmp_path: Path) -> None:
    outlet = FakeOutlet()
    run_bot(Claims(tmp_path / "events.sqlite"), outlet, ASKED)
    assert outlet.said == ["Working on it …", "Not answered: The model is away for How many?\nTry later."]


def test_what_could_not_be_delivered_is_answered_by_the_next_process(tmp_path: Path) -> None:
    broken, whole, after = FakeOutlet(broken=1), FakeOutlet(), FakeOutlet()
    run_bot(Claims(tmp_path / "events.sqlite"), broken, ASKED)
    run_bot(Claims(tmp_path / "events.sqlite"), whole, resume=True)
    run_bot(Claims(tmp_path / "events.sqlite"), after, resume=True)
    assert (broken.said, len(whole.said), after.said) == ([], 2, [])


class BuggyOutlet(FakeOutlet):
    """Fails once in a way that nobody thought of."""

    async def finish(self, place: str, handle: str, text: str) -> None:
        if self._broken > 0:
            self._broken -= 1
            raise RuntimeError("a bug")
        await super().finish(place, handle, text)


def test_a_bug_at_the_delivery_leaves_no_question_behind_it_unanswered(tmp_path: Path) -> None:
    outlet = BuggyOutlet(broken=1)
    run_bot(Claims(tmp_path / "events.sqlite"), outlet, ASKED, replace(ASKED, event="Ev2", message="C1/1.2"))
    assert outlet.said == ["Working on it …", "Not answered: The model is away for How many?\nTry later."]


def test_a_question_that_stops_every_process_is_given_up_plainly(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "events.sqlite")
    claims.take(ASKED)
    for _ in range(ATTEMPTS):
        claims.begin(ASKED.event)
    outlet = FakeOutlet()
    run_bot(claims, outlet, resume=True)
    assert outlet.said[-1].startswith(f"Not answered: The bot was stopped {ATTEMPTS} times")


def test_a_conversation_keeps_its_thread_and_shares_it_with_no_other() -> None:
    assert thread_of("T1/C1/1.1") == thread_of("T1/C1/1.1") != thread_of("T1/C1/1.2")
    assert "C1" not in thread_of("T1/C1/1.1")


def test_progress_marks_the_draft_as_unchecked_and_drops_it_when_it_was_checked() -> None:
    progress = Progress()
    progress.take(ToolStarted(call_id="1", tool="zonal_stats", params={}))
    progress.take(ToolProgress(call_id="1", tool="zonal_stats", share=0.4))
    assert "zonal_stats … 40%" in progress.text()
    done = {"n": 1, "key": "k", "cache": "hit", "outcome": "value", "summary": "Done.", "seconds": 0.1}
    progress.take(ToolFinished(call_id="1", tool="zonal_stats", **done))
    progress.take(Token(text="There are "))
    progress.take(Token(text="77"))
    assert progress.text().endswith("Draft, not checked yet:\nThere are 77")
    progress.take(Grounded(attempt=1, supported=0))
    assert "77" not in progress.text()
    assert "from memory" in progress.text()
