"""What a replay says at its end."""

from __future__ import annotations

from agent.replay import Replayed, ReplayReport


def last_line(*verdicts: str) -> str:
    calls = tuple(Replayed("zonal_stats", "0" * 64, verdict) for verdict in verdicts)
    return list(ReplayReport("run", "question", calls).lines())[-1]


def test_it_claims_sameness_only_of_what_it_computed() -> None:
    assert last_line("observed", "same") == "Every result came out the same."
    assert last_line("observed", "differs: the facts") == "Not everything came out the same."
    assert last_line("observed", "observed") == last_line() == "There was nothing to compute again."
