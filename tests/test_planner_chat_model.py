"""The planner as a chat model: langchain's standard unit tests, and what travels in its messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_tests.unit_tests import ChatModelUnitTests

from agent.planner.chat_model import PlannerChatModel

SESSION = {
    "version": 1,
    "question": "What data is here?",
    "datasets": [
        {"id": "ponds", "title": "ponds", "kind": "vector", "focus": True, "geometry_type": "Polygon", "feature_count": 2, "columns": []}
    ],
    "results": [],
    "previous": None,
}


class TestPlannerChatModelStandard(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return PlannerChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {}


def ask(question: str, *after: Any) -> AIMessage:
    session = json.dumps({**SESSION, "question": question})
    messages = [SystemMessage("You are …"), HumanMessage(f"{question}\n\n<session>{session}</session>"), *after]
    return PlannerChatModel().invoke(messages)


def test_question_is_answered_with_tool_calls_first() -> None:
    reply = ask("What data is here?")
    assert [call["name"] for call in reply.tool_calls] == ["list_datasets"]
    assert not reply.content


def test_text_carries_verdict_and_frame_once_results_are_there() -> None:
    call = ask("What data is here?").tool_calls[0]
    message = {
        "version": 1, "n": 1, "tool": call["name"], "params": call["args"], "ref": "a:0123456789ab", "outcome": "value", "summary": "",
        "facts": [{"name": "count", "value": 1, "unit": "count", "subject": {}, "path": "facts/0"}], "fact_count": 1, "warnings": [], "data": {},
    }  # fmt: skip
    reply = ask("What data is here?", AIMessage("", tool_calls=[call]), ToolMessage(json.dumps(message), tool_call_id=call["id"]))
    assert "ponds" in str(reply.text)
    assert reply.additional_kwargs["verdict"] == {"status": "answered", "outcome": "value"}
    assert reply.additional_kwargs["frame"]["version"] == 1


def test_stream_gives_the_same_text_calls_and_verdict_as_invoke() -> None:
    for question in ("What data is here?", "What is the mean salary of the ponds?"):
        session = json.dumps({**SESSION, "question": question})
        messages = [HumanMessage(f"{question}\n<session>{session}</session>")]
        whole = PlannerChatModel().invoke(messages)
        chunks = list(PlannerChatModel().stream(messages))
        joined = chunks[0]
        for chunk in chunks[1:]:
            joined = joined + chunk
        assert joined.text == whole.text
        assert joined.tool_calls == whole.tool_calls
        assert joined.additional_kwargs == whole.additional_kwargs


def test_failed_call_becomes_a_failed_draft_with_its_hint() -> None:
    call = ask("What data is here?").tool_calls[0]
    error = {"code": "busy", "message": "Somebody holds the catalogue.", "hint": "Try again.", "retryable": True}
    failed = json.dumps({"version": 1, "tool": call["name"], "params": call["args"], "error": error})
    reply = ask("What data is here?", AIMessage("", tool_calls=[call]), ToolMessage(failed, tool_call_id=call["id"]))
    assert reply.additional_kwargs["verdict"] == {"status": "failed", "outcome": "failed"}
    assert "Try again." in str(reply.text)


@pytest.mark.parametrize("text", ["", "   ", "?!"])
def test_empty_question_is_asked_back(text: str) -> None:
    reply = PlannerChatModel().invoke([HumanMessage(text or " ")])
    assert reply.additional_kwargs["verdict"]["status"] == "input_needed"


def test_message_without_a_session_block_is_refused_not_crashed() -> None:
    reply = PlannerChatModel().invoke([HumanMessage("How many ponds are there?")])
    assert reply.additional_kwargs["verdict"]["status"] in ("refused", "input_needed")
