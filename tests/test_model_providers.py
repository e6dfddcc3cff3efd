"""Which chat model is asked: the endpoint's own names, other providers by `provider:model`, and what is missing is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent import Agent
from agent.models import choose_engine, make_decider
from agent.models.providers import PROVIDERS, split_model
from agent.settings import AgentSettings
from tools.errors import ConfigurationError, CredentialError

FAKE = '''
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage


class ChatAnthropic(FakeMessagesListChatModel):
    """Takes what init_chat_model gives and declines; like some providers, it does not stream."""

    def __init__(self, model, **options):
        assert options["temperature"] == 0
        if model == "no-key":
            raise ValueError("did not find the key sk-hidden-12345")
        call = {"name": "decline", "args": {"reason": f"{model} declines.", "outcome": "refused"}, "id": "1", "type": "tool_call"}
        super().__init__(responses=[AIMessage("", tool_calls=[call])])

    def bind_tools(self, tools, **options):
        return self
'''


def settings(model: str, **more: object) -> AgentSettings:
    return AgentSettings.model_validate({"engine": "model", "model": model, **more})


@pytest.fixture
def fake_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package `langchain_anthropic` that is installed while the test lasts."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "langchain_anthropic.py").write_text(FAKE)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.setattr("importlib.metadata.version", lambda _: "1.0")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("gpt-4.1-mini", ("openai", "gpt-4.1-mini")),
        ("openai:gpt-4.1-mini", ("openai", "gpt-4.1-mini")),
        ("anthropic:claude", ("anthropic", "claude")),
        ("llama3:8b", ("openai", "llama3:8b")),  # a tag of a local server, not a provider
        ("deepseek-r1:7b", ("openai", "deepseek-r1:7b")),
        ("ollama:llama3:8b", ("ollama", "llama3:8b")),
        ("anthropic:", ("openai", "anthropic:")),
    ],
)
def test_a_provider_is_told_from_a_tag(name: str, parts: tuple[str, str]) -> None:
    assert split_model(name) == parts


def test_every_provider_is_one_that_langchain_knows() -> None:
    from langchain.chat_models.base import _BUILTIN_PROVIDERS

    assert set(PROVIDERS) <= set(_BUILTIN_PROVIDERS)


def test_a_provider_named_in_the_model_makes_auto_choose_the_model() -> None:
    assert choose_engine(AgentSettings(model="anthropic:claude")) == "model"
    assert choose_engine(AgentSettings(model="llama3:8b")) == "planner"


def test_a_missing_package_is_named_with_how_to_install_it() -> None:
    with pytest.raises(ConfigurationError, match="pip install langchain-cohere") as raised:
        make_decider(settings("cohere:command"))
    assert raised.value.exit_code == 78


def test_langchain_itself_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    with pytest.raises(ConfigurationError, match="pip install langchain"):
        make_decider(settings("anthropic:claude"))


def test_without_key_and_endpoint_the_model_engine_says_what_to_set() -> None:
    with pytest.raises(CredentialError, match="OPENAI_API_KEY") as raised:
        make_decider(settings("gpt-4.1-mini"))
    assert raised.value.exit_code == 77


def test_another_provider_runs_on_the_same_graph(fake_package: None, tmp_path: Path) -> None:
    result = Agent(tmp_path / "ws", settings=settings("anthropic:claude")).run("What is here?")
    assert (result.status, result.answer, result.model) == ("refused", "claude declines.", "anthropic:claude")
    assert result.usage["input_tokens"] is None


def test_what_a_provider_says_of_its_key_is_not_shown(fake_package: None) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_decider(settings("anthropic:no-key"))
    assert "hidden" not in str(raised.value)
