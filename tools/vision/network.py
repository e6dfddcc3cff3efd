"""From a card and weights to a network that runs: built without any download, loaded strictly, never from a pickle."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import safetensors.torch
import segmentation_models_pytorch
import torch
from safetensors import SafetensorError
from torch import nn

from tools.errors import DataError
from tools.storage.network_card import NetworkCard
from tools.storage.networks import HEAD, read_weights
from tools.vision.windows import ALIGNMENT

OURS = ("self", "encoder_name", "encoder_weights", "in_channels", "classes", "activation", "aux_params", "kwargs")
"""Arguments that the card states elsewhere, or nobody may."""
MOST_NAMES = 3


def load_network(weights: Path, card: NetworkCard) -> nn.Module:
    """Return the network on the CPU, ready to infer: it gives scores (before softmax or sigmoid) per output.

    Raises DataError where the weights are not those of the card or do not fit the network that it describes.
    """
    try:
        tensors = safetensors.torch.load(read_weights(weights, card))
    except SafetensorError as error:
        raise DataError(f"The weights {weights.name!r} are damaged ({error}).", hint="Fetch them again.") from error
    network = _empty(weights, card, outputs=_outputs(tensors))
    _check_fit(weights, network, tensors)
    network.load_state_dict(tensors, strict=True)
    return network.eval()


def _outputs(tensors: dict[str, torch.Tensor]) -> int:
    """Return how many outputs the head has; registering has checked that there is one."""
    return int(tensors[max(name for name, tensor in tensors.items() if name.startswith(HEAD) and tensor.ndim == 4)].shape[0])


def _empty(weights: Path, card: NetworkCard, outputs: int) -> nn.Module:
    """Build the network that the card describes, with random weights; `encoder_weights=None` keeps it from downloading any."""
    make = getattr(segmentation_models_pytorch, card.architecture)
    options = _options(weights, card, make)
    try:
        built: Any = make(  # Any: the library has no types
            encoder_name=card.encoder, encoder_weights=None, in_channels=len(card.bands), classes=outputs, activation=None, **options
        )
    except (ValueError, TypeError, KeyError, RuntimeError) as error:  # how the library and timm refuse names and options
        raise DataError(
            f"The network of {weights.name!r}, {card.architecture} on {card.encoder}, cannot be built ({error}).", hint="Mend its card."
        ) from error
    if ALIGNMENT % built.encoder.output_stride:
        raise DataError(
            f"The encoder {card.encoder} wants sides of multiples of {built.encoder.output_stride} pixels; windows are multiples of {ALIGNMENT}.",
            hint="Use a network whose encoder divides its input by 2, 4, 8, 16 or 32.",
        )
    network: nn.Module = built
    return network


def _options(weights: Path, card: NetworkCard, make: type[nn.Module]) -> dict[str, object]:
    """Return the card's further arguments; raise DataError for one that the architecture itself does not name."""
    known = [name for name in inspect.signature(make.__init__).parameters if name not in OURS]
    unknown = sorted(set(card.options) - set(known))
    if unknown:  # not passed on: what a class does not take goes to its encoder, and there may name a file to load
        raise DataError(
            f"The card of {weights.name!r} gives options that {card.architecture} does not take: {', '.join(unknown)[:200]}.",
            hint=f"It takes: {', '.join(known)}.",
        )
    # The encoder of a DPT otherwise takes images of one size only; the option has no weights of its own.
    any_size: dict[str, object] = {"dynamic_img_size": True} if card.architecture == "DPT" else {}
    return {**any_size, **{name: list(value) if isinstance(value, tuple) else value for name, value in card.options.items()}}


def _check_fit(weights: Path, network: nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    """Raise DataError, naming the first tensors, unless names and shapes are exactly those of the network."""
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = [name for name in sorted(wanted | given) if wanted.get(name) != given.get(name)]
    if wrong:
        said = [f"{name}: {given.get(name, 'missing')}, not {wanted.get(name, 'expected')}" for name in wrong[:MOST_NAMES]]
        raise DataError(
            f"The weights {weights.name!r} do not fit the network of their card: {'; '.join(said)} ({len(wrong)} of {len(wanted)} tensors).",
            hint="Check architecture, encoder, options and the number of bands in the card.",
        )
