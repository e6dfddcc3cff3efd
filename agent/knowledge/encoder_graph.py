"""The sentence encoder all-MiniLM-L6-v2 as an ONNX graph: BERT with 6 layers, mean pooling, vectors of length 1.

Architecture: Devlin et al. 2019 (BERT, post-layer-norm); sizes and pooling as in the package's `config.json` and `1_Pooling/config.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LAYERS = 6
HEADS = 12
WIDTH = 384
NORM_EPSILON = 1e-12
"""`layer_norm_eps` of the network's configuration."""
MASKED = -1e9
"""Added to the score of padding before softmax: its weight is then exactly 0 in single precision."""
OPSET = 20
"""The first with `Gelu`."""
IR_VERSION = 10
"""Read by onnxruntime from 1.20 on; `onnx` would write its newest, which older runtimes refuse."""

Weights = Mapping[str, NDArray[np.float32]]


def build(weights: Weights) -> onnx.ModelProto:
    """Return the network: `input_ids` and `attention_mask`, int64 (text, token), to `vectors`, float32 (text, 384), each of length 1.

    `weights` have the names of the published file. Raises KeyError where one is missing.
    """
    graph = _Graph(weights)
    hidden = graph.embeddings("input_ids")
    bias = graph.padding_bias("attention_mask")
    for layer in range(LAYERS):
        hidden = graph.layer(hidden, bias, f"encoder.layer.{layer}")
    graph.pooled(hidden, "attention_mask", "vectors")
    texts_by_tokens = ["texts", "tokens"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, texts_by_tokens) for name in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", WIDTH])]
    made = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, outputs, graph.constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="terracite")


class _Graph:
    """Nodes and constants as they are added; every method returns the name of its result."""

    def __init__(self, weights: Weights) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []
        self._weights = weights

    def embeddings(self, ids: str) -> str:
        """Add word, position and the only segment's embedding, normalised: (text, token, 384)."""
        words = self._node("Gather", self._weight("embeddings.word_embeddings.weight"), ids)
        length = self._node("Shape", ids, start=1, end=2)
        table = self._weight("embeddings.position_embeddings.weight")
        positions = self._node("Slice", table, self._constant(np.array([0])), length, self._constant(np.array([0])))
        segment = self._constant(self._weights["embeddings.token_type_embeddings.weight"][0])
        return self._normalised(self._node("Add", self._node("Add", words, segment), positions), "embeddings.LayerNorm")

    def padding_bias(self, mask: str) -> str:
        """Turn the mask (1 for a token, 0 for padding) into what is added to scores: (text, 1, 1, token)."""
        inverse = self._node("Sub", self._constant(np.float32(1)), self._node("Cast", mask, to=TensorProto.FLOAT))
        scaled = self._node("Mul", inverse, self._constant(np.float32(MASKED)))
        return self._node("Unsqueeze", scaled, self._constant(np.array([1, 2])))

    def layer(self, hidden: str, bias: str, name: str) -> str:
        """Add one layer: attention and feed-forward, each with its residual and normalisation."""
        attended = self._dense(self._attention(hidden, bias, f"{name}.attention.self"), f"{name}.attention.output.dense")
        hidden = self._normalised(self._node("Add", attended, hidden), f"{name}.attention.output.LayerNorm")
        wide = self._node("Gelu", self._dense(hidden, f"{name}.intermediate.dense"))
        return self._normalised(self._node("Add", self._dense(wide, f"{name}.output.dense"), hidden), f"{name}.output.LayerNorm")

    def pooled(self, hidden: str, mask: str, output: str) -> None:
        """Average the tokens of each text, without padding, and bring the vector to length 1."""
        shares = self._node("Unsqueeze", self._node("Cast", mask, to=TensorProto.FLOAT), self._constant(np.array([2])))
        total = self._node("ReduceSum", self._node("Mul", hidden, shares), self._constant(np.array([1])), keepdims=0)
        mean = self._node("Div", total, self._node("ReduceSum", shares, self._constant(np.array([1])), keepdims=0))
        length = self._node("ReduceL2", mean, self._constant(np.array([1])), keepdims=1)
        self.nodes.append(helper.make_node("Div", [mean, length], [output]))

    def _attention(self, hidden: str, bias: str, name: str) -> str:
        query, key, value = (self._heads(self._dense(hidden, f"{name}.{part}")) for part in ("query", "key", "value"))
        scores = self._node("MatMul", query, self._node("Transpose", key, perm=[0, 1, 3, 2]))
        scaled = self._node("Div", scores, self._constant(np.float32(np.sqrt(WIDTH // HEADS))))
        weights = self._node("Softmax", self._node("Add", scaled, bias), axis=-1)
        mixed = self._node("Transpose", self._node("MatMul", weights, value), perm=[0, 2, 1, 3])
        return self._node("Reshape", mixed, self._constant(np.array([0, 0, WIDTH])))

    def _heads(self, hidden: str) -> str:
        """(text, token, 384) to (text, head, token, 32)."""
        split = self._node("Reshape", hidden, self._constant(np.array([0, 0, HEADS, WIDTH // HEADS])))
        return self._node("Transpose", split, perm=[0, 2, 1, 3])

    def _dense(self, hidden: str, name: str) -> str:
        matrix = self._constant(np.ascontiguousarray(self._weights[f"{name}.weight"].T))
        return self._node("Add", self._node("MatMul", hidden, matrix), self._weight(f"{name}.bias"))

    def _normalised(self, hidden: str, name: str) -> str:
        scale, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._node("LayerNormalization", hidden, scale, shift, axis=-1, epsilon=NORM_EPSILON)

    def _weight(self, name: str) -> str:
        return self._constant(self._weights[name])

    def _constant(self, value: NDArray[Any] | np.float32) -> str:  # Any: float32 weights, int64 shapes
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        # Any: numbers and lists of them, as each operator has it
        output = f"node_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output
