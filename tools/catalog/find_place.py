"""Find a named place in the registered layers: candidates, never a guess."""

from __future__ import annotations

from pydantic import Field

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import Params, VectorRef


class FindPlaceParams(Params):
    """Find features by name in the text columns of registered layers. Returns candidates (dataset, column, value, extent); several candidates mean: ask which one."""

    name: str = Field(min_length=1, max_length=200, description="The name as written in the question; case and accents do not matter.")
    layers: list[VectorRef] = Field(default_factory=list, description="Only in these layers; empty = all.")
    limit: int = Field(default=20, ge=1, le=200, description="At most so many candidates.")


def run(params: FindPlaceParams, context: ToolContext) -> ToolOutput:
    """Find the place; see `FindPlaceParams`."""
    raise NotImplementedError


TOOL = Tool("find_place", FindPlaceParams, run, "observation")
