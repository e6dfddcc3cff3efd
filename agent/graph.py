"""The graph of a run: wiring only.

         ┌──────────────── not grounded, tries left ───────────────┐
         ▼                                                         │
prepare ─► decide ──tool calls──► act ──► decide …   decide ──draft──► ground ──► finish
"""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent import nodes
from agent.context import RunContext
from agent.state import RunState

Graph = CompiledStateGraph[RunState, RunContext, RunState, RunState]


def build(checkpointer: BaseCheckpointSaver[Any]) -> Graph:  # Any: the saver's own version type
    """Compile the graph over a checkpointer; where a node may go stands in its return type."""
    graph = StateGraph(RunState, context_schema=RunContext)
    graph.add_node("prepare", nodes.prepare)
    graph.add_node("decide", nodes.decide)
    graph.add_node("act", nodes.act)
    graph.add_node("ground", nodes.ground)
    graph.add_node("finish", nodes.finish)
    graph.add_edge(START, "prepare")
    graph.add_edge("prepare", "decide")
    graph.add_edge("act", "decide")
    graph.add_edge("finish", END)
    return graph.compile(checkpointer=checkpointer)
