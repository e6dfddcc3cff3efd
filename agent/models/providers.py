"""Make a chat model: at any OpenAI-compatible endpoint, or of another provider through langchain's `init_chat_model`."""

from __future__ import annotations

from collections.abc import Mapping

from langchain_core.language_models import BaseChatModel

from agent.settings import AgentSettings
from tools.errors import ConfigurationError, CredentialError

PROVIDERS: Mapping[str, str] = {
    "anthropic": "langchain-anthropic",
    "azure_ai": "langchain-azure-ai",
    "azure_openai": "langchain-openai",
    "bedrock": "langchain-aws",
    "bedrock_converse": "langchain-aws",
    "cohere": "langchain-cohere",
    "deepseek": "langchain-deepseek",
    "fireworks": "langchain-fireworks",
    "google_genai": "langchain-google-genai",
    "google_vertexai": "langchain-google-vertexai",
    "groq": "langchain-groq",
    "huggingface": "langchain-huggingface",
    "ibm": "langchain-ibm",
    "mistralai": "langchain-mistralai",
    "nvidia": "langchain-nvidia-ai-endpoints",
    "ollama": "langchain-ollama",
    "openai": "langchain-openai",
    "openrouter": "langchain-openrouter",
    "perplexity": "langchain-perplexity",
    "together": "langchain-together",
    "xai": "langchain-xai",
}
"""Provider, as `init_chat_model` names it → the package that brings it.

A name before a colon that is not here is part of the model's own name, as in `llama3:8b` of a local server.
"""


def split_model(name: str) -> tuple[str, str]:
    """Return (provider, model) of `provider:model`; the provider is openai where none is named."""
    provider, colon, model = name.partition(":")
    return (provider, model) if colon and model and provider in PROVIDERS else ("openai", name)


def make_chat(settings: AgentSettings) -> BaseChatModel:
    """Build the chat model that the settings name; nothing is sent yet.

    Raises CredentialError where neither a key nor an endpoint is set, ConfigurationError where a package is missing or the
    provider's own settings are.
    """
    provider, model = split_model(settings.model)
    return _openai(settings, model) if provider == "openai" else _other(settings, provider, model)


def _openai(settings: AgentSettings, model: str) -> BaseChatModel:
    if settings.openai_api_key is None and settings.openai_base_url is None:
        raise CredentialError(
            "The model engine needs an endpoint, and neither OPENAI_API_KEY nor OPENAI_BASE_URL is set.",
            hint="Set them, or use --engine planner.",
        )
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(
        model=model,
        base_url=settings.openai_base_url,
        # A local endpoint often wants no key, but the client refuses to start without one.
        api_key=settings.openai_api_key or SecretStr("none"),
        temperature=0,
        timeout=settings.model_timeout_s,
        # We retry ourselves: within one deadline, and so that whoever waits is told.
        max_retries=0,
        stream_usage=True,
        use_responses_api=False,
    )


def _other(settings: AgentSettings, provider: str, model: str) -> BaseChatModel:
    try:
        from langchain.chat_models import init_chat_model

        chat = init_chat_model(model, model_provider=provider, temperature=0, timeout=settings.model_timeout_s, max_retries=0)
    except ImportError as error:
        package = PROVIDERS[provider] if error.name != "langchain" else "langchain"
        raise ConfigurationError(
            f"The model {settings.model!r} needs the package {package}, which is not installed.",
            hint=f"Install it: pip install {package}; or set TERRACITE_MODEL to a model of an OpenAI-compatible endpoint.",
        ) from error
    except ValueError as error:
        # Said without the provider's own words: they may show what was given as a key.
        raise ConfigurationError(
            f"The model {settings.model!r} cannot be set up: {PROVIDERS[provider]} refused its settings.",
            hint=f"Set the key and settings that {PROVIDERS[provider]} reads from the environment.",
        ) from error
    if not isinstance(chat, BaseChatModel):
        raise ConfigurationError(f"{settings.model!r} is not one chat model.", hint="Name it as provider:model.")
    return chat
