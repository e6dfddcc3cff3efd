"""Ambient settings of the agent: engine, model endpoint and the limits of a run.

Explicit arguments win, then the environment (`TERRACITE_…`, and `OPENAI_…` for the endpoint), then the defaults here.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from tools.settings import Settings

EngineChoice = Literal["auto", "planner", "model"]


class AgentSettings(Settings):
    """Settings of the agent, read once when an `Agent` is made."""

    model_config = SettingsConfigDict(env_prefix="TERRACITE_", extra="ignore", populate_by_name=True)

    engine: EngineChoice = "auto"
    """`auto` takes the model where an endpoint or key is configured, else the planner."""
    model: str = "gpt-4.1-mini"
    """Name of the chat model at the endpoint, or `provider:model` for another provider (anthropic, google_genai, mistralai, …)."""
    openai_api_key: SecretStr | None = Field(default=None, validation_alias=AliasChoices("OPENAI_API_KEY", "openai_api_key"))
    openai_base_url: str | None = Field(default=None, validation_alias=AliasChoices("OPENAI_BASE_URL", "openai_base_url"))
    model_timeout_s: float = Field(default=120.0, gt=0)
    """Silence of the endpoint after which a request is given up."""
    model_deadline_s: float = Field(default=300.0, gt=0)
    """For one reply of the model, all retries included."""
    model_retries: int = Field(default=2, ge=0, le=10)
    """How often a request is sent again after a fault that may pass (429, 5xx, a timeout, a broken reply)."""
    max_model_calls: int = Field(default=12, ge=1)
    """Decisions of one run, repairs included."""
    max_tool_calls: int = Field(default=24, ge=1)
    max_seconds: float = Field(default=600.0, gt=0)
    max_repairs: int = Field(default=1, ge=0, le=2)
    """How often a draft with unsupported numbers is sent back."""
