"""Describe one dataset in full: extent, CRS, resolution, bands or columns, values, gaps."""

from __future__ import annotations

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import AnyRef, Params


class DescribeDatasetParams(Params):
    """Describe one dataset or earlier result: extent, CRS, resolution, bands or columns with types and sample values, nodata, validity."""

    dataset: AnyRef


def run(params: DescribeDatasetParams, context: ToolContext) -> ToolOutput:
    """Describe the dataset; see `DescribeDatasetParams`."""
    raise NotImplementedError


TOOL = Tool("describe_dataset", DescribeDatasetParams, run, "pure", libraries=("rasterio", "pyogrio", "geopandas"))
