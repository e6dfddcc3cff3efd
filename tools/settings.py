"""Ambient settings of the tools: read once at start, passed down; explicit arguments win, then the environment, then defaults."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class ToolSettings(BaseSettings):
    """Settings with the prefix TERRACITE_; limits are published and named in the errors that they raise."""

    model_config = SettingsConfigDict(env_prefix="TERRACITE_", extra="ignore")

    workspace: Path = Path(".terracite")
    """Folder that holds datasets, artifacts, ledger, index and threads."""
    max_pixels: int = 4_000_000_000
    """Largest raster that a tool reads, in pixels of one band."""
    max_output_pixels: int = 400_000_000
    """Largest raster that a tool writes, in pixels."""
    max_features: int = 5_000_000
    """Most features that a vector tool reads."""
    lock_timeout_s: float = 600.0
    """How long to wait for another process that computes the same key."""
    gdal_cache_mb: int = 256
    """GDAL's block cache; its own default takes 5 % of the machine's memory."""
