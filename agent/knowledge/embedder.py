"""Text to vectors whose cosine is nearness in meaning: all-MiniLM-L6-v2, run by onnxruntime on the processor."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.knowledge.encoder_file import INSTALL, RECIPE, network, tokenizer_json
from tools.errors import ConfigurationError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]  # it ships no types
    from tokenizers import Tokenizer

MAX_TOKENS = 256
"""`max_seq_length` of the published model, both marks included; what is longer is cut off, so long texts are split before."""
MARKS = 2
"""Tokens that every text has beside its own: its beginning and its end."""
BATCH = 8
"""Texts at once: larger batches are no faster on a processor, and cannot be interrupted."""
DIMENSIONS = 384

Vectors = NDArray[np.float32]


class Embedder:
    """Makes vectors, float32 of length 1; the same text gives the same vector, whatever is embedded beside it (within 1e-6).

    Loading takes about half a second, the first time on a machine some seconds; both happen at the first text.
    """

    recipe = RECIPE
    """Names the vectors: those of another recipe cannot be compared with them."""

    def embed(self, texts: Sequence[str], progress: Callable[[float], None] = lambda _: None) -> Vectors:
        """Return one vector per text, (text, 384); of a text only the first 254 tokens count.

        `progress` is told the share that is done, several times a second, and may raise.

        Raises ConfigurationError where the encoder's libraries or weights are missing.
        """
        encoded = self._tokenizer.encode_batch(list(texts))
        vectors = np.zeros((len(encoded), DIMENSIONS), np.float32)
        by_length = sorted(range(len(encoded)), key=lambda at: len(encoded[at].ids))  # little padding in each batch
        for start in range(0, len(by_length), BATCH):
            progress(start / len(by_length))
            chosen = by_length[start : start + BATCH]
            vectors[chosen] = self._run([encoded[at].ids for at in chosen])
        return vectors

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return where each token of a text stands, without marks and however long the text is."""
        spans: list[tuple[int, int]] = self._whole.encode(text, add_special_tokens=False).offsets
        return spans

    def _run(self, ids: Sequence[Sequence[int]]) -> Vectors:
        shape = (len(ids), max(map(len, ids)))
        tokens, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, text in enumerate(ids):
            tokens[row, : len(text)], mask[row, : len(text)] = text, 1
        vectors: Vectors = self._session.run(["vectors"], {"input_ids": tokens, "attention_mask": mask})[0]
        return vectors

    @cached_property
    def _session(self) -> InferenceSession:
        # From 1.31 on it reports to its maker from the moment it is imported, and leaves a device id in the cache folder;
        # only this variable, set before, keeps it from both (its `disable_telemetry_events` comes too late).
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        runtime = _imported("onnxruntime")
        content = network()
        session: InferenceSession = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
        return session

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = self._new_tokenizer()
        tokenizer.enable_truncation(MAX_TOKENS)
        return tokenizer

    @cached_property
    def _whole(self) -> Tokenizer:
        return self._new_tokenizer()

    def _new_tokenizer(self) -> Tokenizer:
        tokenizer: Tokenizer = _imported("tokenizers").Tokenizer.from_str(tokenizer_json())
        tokenizer.no_padding()  # the package's definition pads and cuts at 128, which is not how the model was published
        tokenizer.no_truncation()
        return tokenizer


def _imported(module: str) -> Any:  # Any: a module
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigurationError(f"Searching memory needs {module}, which cannot be imported ({error}).", hint=INSTALL) from error
