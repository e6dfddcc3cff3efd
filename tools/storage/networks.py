"""Networks on disk: weights as safetensors, their card beside them, and the digest that binds the two.

Nothing here knows torch. Weights are never a pickle: a file of safetensors holds numbers only, and its header, which is
JSON, is enough to check a card against it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tools.errors import DataError, LimitError
from tools.settings import current_settings
from tools.storage.network_card import NetworkCard
from tools.storage.paths import real_file, side_file

CARD_SUFFIX = ".card.json"
MOST_CARD_BYTES = 100_000
CHUNK_BYTES = 1 << 20
HEAD = "segmentation_head."
"""Begins the names of the last layers in every architecture of segmentation-models-pytorch."""
MOST_REASONS = 3


def card_path(weights: Path) -> Path:
    """Return where the card of a file of weights lies."""
    return weights.with_suffix(CARD_SUFFIX)


def read_card(weights: Path) -> NetworkCard:
    """Return the card beside a file of weights, by itself.

    Raises NotFoundError without weights, DataError where there is no card, or one that says what cannot be.
    """
    path = card_path(real_file(weights))
    if side_file(path, weights) is None:
        raise DataError(
            f"The network {weights.name!r} has no card.",
            hint=f"Write {path.name} beside it: architecture, encoder, bands, unit, value_range, classes, resolution_m, weights_sha256.",
        )
    if path.stat().st_size > MOST_CARD_BYTES:
        raise DataError(f"The card {path.name!r} has more than {MOST_CARD_BYTES:,} bytes.", hint="A card is a page of JSON.")
    try:
        return NetworkCard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise DataError(f"The card {path.name!r} cannot be used: {_reasons(error)}.", hint="Mend the card, then add it again.") from error


def checked_card(weights: Path) -> NetworkCard:
    """Return the card of a network whose weights fit it: the same digest, and as many outputs as classes.

    Raises what `read_card` raises, and DataError where weights and card do not fit, or the weights are no safetensors.
    """
    card = read_card(weights)
    digest = hashlib.sha256()
    with weights.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    _check_digest(weights, card, digest.hexdigest())
    _check_head(weights, card)
    return card


def read_weights(weights: Path, card: NetworkCard) -> bytes:
    """Return the file of weights as it was checked: the digest is that of these very bytes. Raises DataError otherwise."""
    content = real_file(weights).read_bytes()
    _check_digest(weights, card, hashlib.sha256(content).hexdigest())
    return content


def _check_digest(weights: Path, card: NetworkCard, digest: str) -> None:
    if digest != card.weights_sha256:
        raise DataError(
            f"The weights {weights.name!r} are not those of their card: sha256 {digest[:12]}…, the card says {card.weights_sha256[:12]}….",
            hint="Fetch the weights again, or write the digest of these into the card.",
        )


def _check_head(weights: Path, card: NetworkCard) -> None:
    heads = {name: shape for name, shape in tensor_shapes(weights).items() if name.startswith(HEAD) and len(shape) == 4}
    if not heads:
        raise DataError(
            f"The weights {weights.name!r} have no {HEAD}*: they are of no network of segmentation-models-pytorch.",
            hint="Save the whole state_dict of the network.",
        )
    outputs, classes = heads[max(heads)][0], len(card.classes)
    if outputs != classes and (outputs, classes) != (1, 2):
        raise DataError(
            f"The network {weights.name!r} has {outputs} output(s), but its card names {classes} classes.",
            hint="Name one class per output; only two classes may share one output.",
        )


def tensor_shapes(weights: Path) -> dict[str, tuple[int, ...]]:
    """Return name → shape of every tensor, from the header alone.

    Raises DataError for a file that is no safetensors, LimitError for a header larger than the setting `max_header_bytes`.
    The header: 8 bytes with its length, little-endian, then JSON (https://huggingface.co/docs/safetensors, "Format").
    """
    size, limit = weights.stat().st_size, current_settings().max_header_bytes
    with weights.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = stream.read(length) if length <= min(limit, size - 8) else b""
    if limit < length <= size - 8:
        raise LimitError(
            f"The header of {weights.name!r} has {length:,} bytes, more than {limit:,}.",
            hint="Save the weights again, or raise TERRACITE_MAX_HEADER_BYTES.",
        )
    try:
        entries = json.loads(header)
        return {name: _shape(entry, size - 8 - length) for name, entry in entries.items() if name != "__metadata__"}
    except (ValueError, AttributeError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise DataError(
            f"The file {weights.name!r} holds no safetensors.",
            hint="Save the weights with safetensors.torch.save_file; pickles are not read.",
        ) from error


def _shape(entry: Any, size: int) -> tuple[int, ...]:  # Any: JSON
    """Return the shape of a tensor; raise ValueError where its bytes do not lie within the `size` bytes after the header."""
    start, end = entry["data_offsets"]
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start <= end <= size):
        raise ValueError("a tensor lies outside of the file")
    return tuple(int(size) for size in entry["shape"])


def _reasons(error: ValidationError) -> str:
    """Say which fields are wrong and why; values are left out, since a card is foreign text."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    said = [
        f"{'.'.join(map(str, detail['loc']))[:60] or 'card'}: {detail['msg'].removeprefix('Value error, ')[:200]}" for detail in details
    ]
    more = f" (and {len(said) - MOST_REASONS} more)" if len(said) > MOST_REASONS else ""
    return "; ".join(said[:MOST_REASONS]) + more
