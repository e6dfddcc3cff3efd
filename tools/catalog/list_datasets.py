"""Say what data is registered here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import Params


class ListDatasetsParams(Params):
    """List the registered datasets: id, title, kind, extent, CRS, time."""

    text: str | None = Field(default=None, description="Only datasets whose id, title, columns or classes contain this text.")
    kind: Literal["raster", "vector", "table", "document"] | None = Field(default=None, description="Only datasets of this kind.")


def run(params: ListDatasetsParams, context: ToolContext) -> ToolOutput:
    """List the datasets; see `ListDatasetsParams`."""
    raise NotImplementedError


TOOL = Tool("list_datasets", ListDatasetsParams, run, "observation")
