"""Ambient settings of the tools: read once at start, passed down; explicit arguments win, then the environment, then defaults."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tools.errors import ConfigurationError
from tools.redaction import remember, remember_environment


class Settings(BaseSettings):
    """Settings that are refused in words: ConfigurationError names the variable; its value, which may be a secret, is not shown.

    The keys among them, and those of the environment that libraries read, are made known to `tools.redaction`.
    """

    def __init__(self, **given: Any) -> None:  # Any: each field has its own type
        try:
            super().__init__(**given)
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False)[0]
            name = str(wrong["loc"][0])
            variable = (str(self.model_config.get("env_prefix", "")) + name if name in type(self).model_fields else name).upper()
            raise ConfigurationError(
                f"The setting {variable} cannot be used: {wrong['msg'].rstrip('.')}.", hint="Correct it, or unset it to use the default."
            ) from None
        values = (getattr(self, name) for name in type(self).model_fields)
        remember(*(value.get_secret_value() for value in values if isinstance(value, SecretStr)))
        remember_environment(os.environ)


class ToolSettings(Settings):
    """Settings with the prefix TERRACITE_; limits are published and named in the errors that they raise."""

    model_config = SettingsConfigDict(env_prefix="TERRACITE_", extra="ignore")

    workspace: Path = Path(".terracite")
    """Folder that holds datasets, artifacts, ledger, index and threads."""
    max_pixels: int = 4_000_000_000
    """Largest raster that a tool reads, in pixels of one band."""
    max_output_pixels: int = 4_000_000_000
    """Largest raster that a tool writes, in pixels."""
    max_features: int = 5_000_000
    """Most features that a vector tool reads."""
    lock_timeout_s: float = 600.0
    """How long to wait for another process that computes the same key."""
    gdal_cache_mb: int = 256
    """GDAL's block cache; its own default takes 5 % of the machine's memory."""
    workers: int = Field(default=2, ge=0, le=64)
    """Processes that compute, started when first needed; 0 computes in the caller's own process, which cannot be stopped at a limit."""
    tool_deadline_s: float = Field(default=600.0, gt=0)
    """Longest time of one tool call; its process is killed then. Needs workers."""
    worker_memory_mb: int = Field(default=8192, ge=256)
    """Most memory of one worker, in MiB."""
    max_output_bytes: int = 20_000_000_000
    """Largest file that a worker writes."""
    trusted_formats: str = ""
    """Formats that may name other files or run code of their own, and open only if named here, separated by commas: `vrt,netcdf`."""
    allowed_roots: str = ""
    """Folders below which files may be read, separated by colons; empty for any."""
    max_bands: int = 4_096
    """Most bands of a raster."""
    max_block_bytes: int = 512_000_000
    """Largest block (tile or strip) of a raster, unpacked."""
    max_images: int = 1_000
    """Most images of one TIFF: overviews, masks, pages."""
    max_vertices: int = 200_000_000
    """Most vertices of a layer."""
    max_columns: int = 2_000
    """Most columns of a layer or table."""
    max_text_bytes: int = 1_000_000_000
    """Largest file that is parsed as a whole in memory: GeoJSON, CSV, JSON."""
    max_side_file_bytes: int = 16_000_000
    """Largest side file of text, e.g. `x.tif.aux.xml`."""
    max_header_bytes: int = 64_000_000
    """Largest header or footer that is parsed before the content of its file: Parquet, FlatGeobuf, dBASE, safetensors."""
    max_unpacked_bytes: int = 4_000_000_000
    """Largest layer or table in memory, geometry aside: rows times columns times 8 bytes, and the unpacked columns of Parquet."""
    max_nesting: int = 64
    """Deepest nesting of JSON and of collections of geometries."""
    max_document_bytes: int = 50_000_000
    """Largest document that is read."""
    max_document_pages: int = 2_000
    """Most pages of a PDF."""
    max_sql_rows: int = 50_000_000
    """Most rows that the joins of one SQL query may make."""
    max_download_bytes: int = 20_000_000_000
    """Largest file that is fetched as a whole."""
    download_deadline_s: float = Field(default=21_600.0, gt=0)
    """Longest time for fetching one file as a whole, with everything that breaks off and goes on."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks run; auto takes a GPU where there is one. Part of the key of what they say."""
    allowed_hosts: str = "default"
    """Machines that may be reached, separated by commas; see `tools.storage.hosts`. `default` stands for the public catalogues."""
    http_timeout_s: float = 30.0
    """Longest silence of a remote machine."""
    http_deadline_s: float = 120.0
    """Longest time for one remote request with all its retries and redirects."""
    search_deadline_s: float = 180.0
    """Longest time for one search of a catalogue with all its pages."""
    sas_token_url: str = "https://planetarycomputer.microsoft.com/api/sas/v1/token"  # noqa: S105 - an address
    """Where tokens for Planetary Computer's files are asked for."""
    geocoder_url: str = ""
    """Search address of a geocoder of Nominatim's kind (jsonv2), asked for places that no layer names; empty: none is asked. Its host
    must be allowed, too."""
    http_attempts: int = 4
    """How often a remote request is tried."""
    max_read_bytes: int = 2_000_000_000
    """Most bytes that one tool call fetches from remote machines."""


def current_settings() -> ToolSettings:
    """Return the settings as the environment has them now; made anew only where it changed, since making them takes 2 ms."""
    prefix = str(ToolSettings.model_config.get("env_prefix"))
    return _settings_of(tuple(sorted((name, value) for name, value in os.environ.items() if name.upper().startswith(prefix))))


@lru_cache(maxsize=8)
def _settings_of(environment: tuple[tuple[str, str], ...]) -> ToolSettings:  # noqa: ARG001 - the key under which they are kept
    return ToolSettings()
