"""The planner behind the interface of a chat model, so that the same graph runs it and a language model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from agent.planner.engine import plan
from agent.planner.step import Step, ToolCalls

_SESSION = re.compile(r"<session>(.*?)</session>", re.DOTALL)
_PIECE = re.compile(r"\S+\s*|\s+")


class PlannerChatModel(BaseChatModel):
    """Reads the session block of the last human message and the tool messages after it; answers with calls or with text.

    A text carries `additional_kwargs`: `verdict` (status, outcome) and `frame` (what was asked, for a follow-up).
    """

    model_name: str = "planner"
    """Label in results and logs."""

    @property
    def _llm_type(self) -> str:
        return "planner"

    @property
    def _identifying_params(self) -> dict[str, Any]:  # Any: fixed by the base class
        return {"model_name": self.model_name}

    def bind_tools(
        self,
        tools: Sequence[Any],  # Any: whatever langchain takes for a tool
        *,
        tool_choice: str | None = None,
        **kwargs: Any,  # Any: as in the base class
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools. The planner knows the tools of `tools.registry` and calls those it needs."""
        return self.bind(tools=[_tool_name(tool) for tool in tools], **({"tool_choice": tool_choice} if tool_choice else {}), **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the base class's signature
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002 - Any: as in the base class
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=_reply(messages))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the base class's signature
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ARG002 - Any: as in the base class
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in _chunks(_reply(messages)):
            generated = ChatGenerationChunk(message=chunk)
            if run_manager:
                run_manager.on_llm_new_token(str(chunk.content), chunk=generated)
            yield generated


def _tool_name(tool: Any) -> str:  # Any: whatever langchain takes for a tool
    if isinstance(tool, BaseTool):
        return tool.name
    if isinstance(tool, Mapping):
        function = tool.get("function", tool)
        return str(function.get("name", ""))
    return str(getattr(tool, "__name__", tool))


def _reply(messages: Sequence[BaseMessage]) -> AIMessage:
    question, session, results = read_messages(messages)
    return _as_message(plan(question, session, results), len(results))


def read_messages(messages: Sequence[BaseMessage]) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:  # Any: JSON
    """Return question, session block and tool messages out of a conversation; without a session block, an empty session."""
    last = max((at for at, message in enumerate(messages) if isinstance(message, HumanMessage)), default=-1)
    text = str(messages[last].text) if last >= 0 else ""
    blocks = _SESSION.findall(text)
    session = _json_object(blocks[-1]) if blocks else {}
    question = str(session.get("question") or _SESSION.sub("", text).strip())
    results = [_json_object(str(message.text)) for message in messages[last + 1 :] if isinstance(message, ToolMessage)]
    return question, session, [result for result in results if "tool" in result]


def _json_object(text: str) -> dict[str, Any]:  # Any: JSON
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _as_message(step: Step, turn: int) -> AIMessage:
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    if isinstance(step, ToolCalls):
        calls = [
            {"name": name, "args": params, "id": f"call_{turn + number}", "type": "tool_call"}
            for number, (name, params) in enumerate(step.calls)
        ]
        return AIMessage("", tool_calls=calls, usage_metadata=usage, response_metadata={"model_name": "planner"})
    extra = {"verdict": {"status": step.status, "outcome": step.outcome}, "frame": dict(step.frame) if step.frame else None}
    return AIMessage(step.text, additional_kwargs=extra, usage_metadata=usage, response_metadata={"model_name": "planner"})


def _chunks(message: AIMessage) -> Iterator[AIMessageChunk]:
    """Cut a message into word-sized pieces; calls and verdict travel with the last."""
    for piece in _PIECE.findall(str(message.content)):
        yield AIMessageChunk(content=piece)
    calls = [
        tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=at)
        for at, call in enumerate(message.tool_calls)
    ]
    yield AIMessageChunk(
        content="",
        tool_call_chunks=calls,
        additional_kwargs=message.additional_kwargs,
        usage_metadata=message.usage_metadata,
        response_metadata=message.response_metadata,
        chunk_position="last",
    )
