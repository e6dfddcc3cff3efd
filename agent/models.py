"""Which chat model decides: the embedded planner, or any OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable

from agent.errors import ModelError
from agent.settings import AgentSettings
from tools.errors import CredentialError

Engine = Literal["planner", "model"]


@dataclass(frozen=True)
class Decider:
    """A chat model under its labels."""

    engine: Engine
    model: str
    chat: BaseChatModel

    def bound(self, schemas: Sequence[dict[str, Any]]) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model with these tool schemas offered; none offered means it must answer."""
        return self.chat.bind_tools(list(schemas)) if schemas else self.chat


def choose_engine(settings: AgentSettings) -> Engine:
    """Resolve `auto`: the model where a key or endpoint is set, else the planner."""
    if settings.engine != "auto":
        return settings.engine
    return "model" if settings.openai_api_key or settings.openai_base_url else "planner"


def make_decider(settings: AgentSettings) -> Decider:
    """Build the chat model of the chosen engine.

    Raises CredentialError where the model engine is wanted and neither a key nor an endpoint is set.
    """
    if choose_engine(settings) == "planner":
        from agent.planner.chat_model import PlannerChatModel

        return Decider("planner", "planner", PlannerChatModel())
    return Decider("model", settings.model, _openai_model(settings))


def _openai_model(settings: AgentSettings) -> BaseChatModel:
    if settings.openai_api_key is None and settings.openai_base_url is None:
        raise CredentialError(
            "The model engine needs an endpoint, and neither OPENAI_API_KEY nor OPENAI_BASE_URL is set.",
            hint="Set them, or use --engine planner.",
        )
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(
        model=settings.model,
        base_url=settings.openai_base_url,
        # A local endpoint often wants no key, but the client refuses to start without one.
        api_key=settings.openai_api_key or SecretStr("none"),
        temperature=0,
        timeout=settings.model_timeout_s,
        max_retries=settings.model_retries,
        stream_usage=True,
        use_responses_api=False,
    )


def ask(model: Runnable[LanguageModelInput, AIMessage], messages: Sequence[BaseMessage], on_text: Any) -> AIMessage:
    """Stream one reply, handing each piece of text to `on_text`, and return the whole message.

    Raises ModelError for anything the endpoint's client reports: refused, rate-limited, timed out, not JSON.
    """
    whole: AIMessageChunk | None = None
    try:
        for chunk in model.stream(list(messages)):
            piece = chunk if isinstance(chunk, AIMessageChunk) else AIMessageChunk(**chunk.model_dump(exclude={"type"}))
            if piece.text:
                on_text(str(piece.text))
            whole = piece if whole is None else whole + piece
    except _client_errors() as error:
        raise ModelError(
            f"The chat model did not answer: {type(error).__name__}: {_first_line(error)}",
            hint="Check OPENAI_BASE_URL, the key and the model's name, or use --engine planner.",
        ) from error
    if whole is None:
        raise ModelError("The chat model answered with nothing.", hint="Try again, or use --engine planner.")
    return AIMessage(
        content=whole.content,
        tool_calls=whole.tool_calls,
        invalid_tool_calls=whole.invalid_tool_calls,
        additional_kwargs=whole.additional_kwargs,
        usage_metadata=whole.usage_metadata,
        id=whole.id,
    )


def _client_errors() -> tuple[type[Exception], ...]:
    """The errors of the endpoint's client, without importing it where the planner decides."""
    import sys

    client = sys.modules.get("openai")
    return (client.OpenAIError,) if client else ()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:300]
