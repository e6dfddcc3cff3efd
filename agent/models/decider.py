"""Which engine decides: the embedded planner, or a chat model under its labels and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from agent.models.capabilities import Capabilities, Notes
from agent.models.providers import make_chat, split_model
from agent.settings import AgentSettings

Engine = Literal["planner", "model"]


@dataclass(frozen=True)
class Decider:
    """A chat model with its labels, how long it may take, and what is known of it."""

    engine: Engine
    model: str
    chat: BaseChatModel
    retries: int = 0
    """How often a request is sent again after a fault that may pass."""
    deadline_s: float = 300.0
    """Seconds for one reply, all its retries included."""
    timeout_s: float | None = None
    """Seconds of silence after which an OpenAI-compatible endpoint is given up; None for other chat models, which bring their own."""
    endpoint: str = ""
    """Address, for remembering only."""
    notes: Notes = field(default_factory=Notes)

    @property
    def speaks_openai(self) -> bool:
        """Whether replies follow the protocol of OpenAI: one count, one reason why the reply ended."""
        return self.timeout_s is not None

    @property
    def capabilities(self) -> Capabilities:
        """What this model at this endpoint has been seen to do."""
        return self.notes.of(self.endpoint, self.model)

    def learn(self, capabilities: Capabilities) -> None:
        """Remember what this model was seen to do."""
        self.notes.learn(self.endpoint, self.model, capabilities)

    def bound(self, schemas: Sequence[dict[str, Any]], wait_s: float) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model with these tool schemas offered, asked for no more than it takes, silent for at most `wait_s`.

        No schemas means that it must answer.
        """
        known, options = self.capabilities, type(self.chat).model_fields
        refused: dict[str, bool | None] = {"stream_usage": False} if not known.usage else {}
        refused |= {"temperature": None} if not known.temperature else {}
        refused |= {"disable_streaming": True} if not known.stream else {}
        chat = self.chat.model_copy(update={name: value for name, value in refused.items() if name in options})
        limit: dict[str, Any] = {} if self.timeout_s is None else {"timeout": min(self.timeout_s, wait_s)}
        return chat.bind_tools(list(schemas), **limit) if schemas else chat.bind(**limit)


def choose_engine(settings: AgentSettings) -> Engine:
    """Resolve `auto`: the model where a key, an endpoint or another provider is set, else the planner."""
    if settings.engine != "auto":
        return settings.engine
    named = split_model(settings.model)[0] != "openai"
    return "model" if settings.openai_api_key or settings.openai_base_url or named else "planner"


def make_decider(settings: AgentSettings, notes: Path | None = None) -> Decider:
    """Build the chat model of the chosen engine; `notes` is the file in which capabilities are remembered.

    Raises CredentialError where the model engine is wanted and neither a key nor an endpoint is set, ConfigurationError where a
    provider's package is missing.
    """
    if choose_engine(settings) == "planner":
        from agent.planner.chat_model import PlannerChatModel

        return Decider("planner", "planner", PlannerChatModel())
    provider, _ = split_model(settings.model)
    return Decider(
        "model",
        settings.model,
        make_chat(settings),
        retries=settings.model_retries,
        deadline_s=settings.model_deadline_s,
        timeout_s=settings.model_timeout_s if provider == "openai" else None,
        endpoint=settings.openai_base_url or provider,
        notes=Notes(notes),
    )
