"""The version of the distribution, in its only place; the build reads it from here."""

from __future__ import annotations

__version__ = "0.4.0"
