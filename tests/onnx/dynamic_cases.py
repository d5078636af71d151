# SPDX-License-Identifier: MIT
"""Families of dynamic quantisation, and of what stands around it; see check.py."""
import logging
import os
import tempfile

import numpy as np
import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from cases import family, flip, size

# The families here whose every byte is ONNX Runtime's.
EXACT = ("dynamic_quantize", "matmul_integer", "conv_integer", "dynamic_matmul",
         "dynamic_conv", "mask", "positions", "cast")


def integers(m, shape, dtype):
    limits = np.iinfo(dtype)
    return m.rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def dynamic(m, x):
    return m.node("DynamicQuantizeLinear", [x], outputs=3)


@family
def dynamic_quantize(m):
    x = m.input([1, size(m), size(m)], spread=float(m.rng.choice([0.01, 6, 1000])))
    kind = m.rng.integers(0, 4)
    if kind < 2:
        # All on one side of zero, or nothing but zeros.
        x = m.node("Abs", [x])
    if kind == 1:
        x = m.node("Mul", [x, m.constant(np.float32(0))])
    y, scale, zero_point = dynamic(m, x)
    m.output(y, np.uint8)
    m.output(scale)
    m.output(zero_point, np.uint8)


@family
def matmul_integer(m):
    depth, columns, batch = size(m, 1, 40), size(m), [[], [2], [2, 3]][m.rng.integers(0, 3)]
    a_dtype, b_dtype = np.dtype("uint8"), m.byte()
    a = m.input(batch + [size(m), depth], a_dtype)
    b_shape = (batch if flip(m) else []) + [depth, columns]
    b = m.input(b_shape, b_dtype) if flip(m) else m.constant(integers(m, b_shape, b_dtype))
    inputs = [a, b]
    if flip(m, 0.7):
        inputs.append(m.constant(integers(m, [], a_dtype)))
        if flip(m):
            per_column = flip(m) and len(b_shape) == 2
            inputs.append(m.constant(integers(m, [columns] if per_column else [], b_dtype)))
    m.output(m.node("MatMulInteger", inputs), np.int32)


@family
def conv_integer(m):
    groups = size(m, 1, 3)
    depth, outputs = size(m, 1, 4), groups * size(m, 1, 4)
    kernel = [size(m, 1, 3), size(m, 1, 3)]
    x = m.input([1, groups * depth, size(m, 6), size(m, 6)], np.uint8)
    w_dtype = np.dtype("uint8")
    inputs = [x, m.constant(integers(m, [outputs, depth] + kernel, w_dtype))]
    if flip(m, 0.7):
        inputs.append(m.constant(integers(m, [], np.dtype("uint8"))))
    m.output(m.node("ConvInteger", inputs, group=groups, strides=[size(m, 1, 2), size(m, 1, 2)],
                    dilations=[size(m, 1, 2), 1], pads=[size(m, 0, 2) for _ in range(4)]),
             np.int32)


@family
def dynamic_matmul(m):
    """What quantize_dynamic() makes of a layer of a transformer."""
    depth, columns = size(m, 1, 40), size(m, 1, 40)
    x, scale, zero_point = dynamic(m, m.input([1, size(m), depth]))
    per_column = flip(m)
    w = m.constant(integers(m, [depth, columns], np.dtype("int8")))
    w_zero = m.constant(np.zeros([columns] if per_column else [], np.int8))
    w_scale = m.constant(m.rng.uniform(0.001, 0.1, [columns] if per_column else [])
                         .astype(np.float32))
    y = m.node("MatMulInteger", [x, w, zero_point, w_zero])
    y = m.node("Cast", [y], to=1)
    y = m.node("Mul", [y, m.node("Mul", [scale, w_scale])])
    m.output(m.node("Add", [y, m.bias(columns)]))


@family
def dynamic_conv(m):
    channels, outputs = size(m, 1, 6), size(m, 1, 8)
    x, scale, zero_point = dynamic(m, m.input([1, channels, size(m, 6), size(m, 6)]))
    w = m.constant(integers(m, [outputs, channels, 3, 3], np.dtype("uint8")))
    y = m.node("ConvInteger", [x, w, zero_point, m.constant(np.uint8(128))], pads=[1, 1, 1, 1])
    y = m.node("Cast", [y], to=1)
    y = m.node("Mul", [y, m.node("Mul", [scale, m.constant(np.float32(0.02))])])
    bias = m.constant(m.rng.normal(0, 2, [1, outputs, 1, 1]).astype(np.float32))
    m.output(m.node("Relu", [m.node("Add", [y, bias])]))


@family
def mask(m):
    """An attention mask: comparisons of numbers, what is made of them, a choice."""
    rows, columns = size(m), size(m)
    scores = m.input([1, 2, rows, columns])
    numbers = m.input([1, 1, 1, columns], m.rng.choice([np.int32, np.int64]))
    a = m.node(str(m.rng.choice(["Greater", "Less", "GreaterOrEqual", "LessOrEqual"])),
               [numbers, m.constant(np.zeros([1], m.data[-1].dtype))])
    b = m.node("Less", [scores, m.constant(np.float32(1))])
    both = m.node(str(m.rng.choice(["And", "Or"])), [m.node("Not", [a]) if flip(m) else a, b])
    m.output(m.node("Where", [both, scores, m.constant(np.float32(-1e9))]))


@family
def positions(m):
    """Positions of tokens, as exporters count them: sums of a mask, less one, within a table."""
    count = size(m, 2, 12)
    kind = m.rng.choice([np.int32, np.int64])
    present = m.input([1, count], kind)
    sums = m.node("CumSum", [present, m.constant(np.int32(1))], exclusive=int(flip(m)),
                  reverse=int(flip(m)))
    sums = m.node("Sub", [sums, m.constant(kind(1))])
    m.output(m.node("Mod", [m.node("Mul", [sums, present]), m.constant(kind(count))]), kind)


@family
def cast(m):
    kinds = {np.float32: 1, np.uint8: 2, np.int8: 3, np.int32: 6, np.int64: 7}
    source, to = (list(kinds)[i] for i in m.rng.integers(0, len(kinds), 2))
    x = m.input([2, size(m)], source)
    if source == np.float32:
        # Beyond the type the definition leaves the result open.
        x = m.node("Abs", [x])
    m.output(m.node("Cast", [x], to=kinds[to]), to)


@family
def unary_floats(m):
    """Functions of values that nobody quantises."""
    x = m.input([1, 3, size(m), size(m)])
    operator = str(m.rng.choice(["Erf", "Softplus", "Softsign", "Sign", "Floor", "Ceil", "Round",
                                 "Sin", "Cos", "LeakyRelu", "Elu", "Reciprocal"]))
    if operator == "Reciprocal":
        x = m.node("Add", [m.node("Abs", [x]), m.constant(np.float32(0.1))])
    m.output(m.node(operator, [x], **({"alpha": 0.3} if operator == "LeakyRelu" else {})))


def linear(m, x, depth, columns):
    weights = m.constant(m.rng.normal(0, 0.2, [depth, columns]).astype(np.float32))
    return m.node("Add", [m.node("MatMul", [x, weights]), m.bias(columns)])


def normalised(m, x, depth):
    gain = m.constant(m.rng.normal(1, 0.1, depth).astype(np.float32))
    return m.node("LayerNormalization", [x, gain, m.bias(depth)])


def attention(m, x, count, depth, hidden):
    """Four heads; what the mask hides gets a large negative score."""
    split = m.constant(np.array([1, count, 4, depth // 4], np.int64))
    q, k, v = (m.node("Transpose", [m.node("Reshape", [linear(m, x, depth, depth), split])],
                      perm=[0, 2, 1, 3]) for _ in range(3))
    scores = m.node("MatMul", [q, m.node("Transpose", [k], perm=[0, 1, 3, 2])])
    scores = m.node("Where", [hidden, m.constant(np.float32(-1e4)), scores])
    mixed = m.node("MatMul", [m.node("Softmax", [scores], axis=-1), v])
    mixed = m.node("Transpose", [mixed], perm=[0, 2, 1, 3])
    return linear(m, m.node("Reshape", [mixed, m.constant(np.array([1, count, depth]))]),
                  depth, depth)


@family
def encoder(m):
    """A transformer's encoder block as ONNX Runtime's quantize_dynamic() leaves it."""
    m.opset = 17
    count, depth, words = 8, 16, 30
    tokens = m.input([1, count], np.int64)
    present = m.input([1, count], np.int64)
    m.data = [m.rng.integers(0, words, [1, count]),
              (np.arange(count) < size(m, 1, count)).astype(np.int64)[None]]
    table = m.constant(m.rng.normal(0, 0.5, [words, depth]).astype(np.float32))
    x = normalised(m, m.node("Gather", [table, tokens]), depth)
    hidden = m.node("Equal", [present, m.constant(np.zeros([1], np.int64))])
    hidden = m.node("Unsqueeze", [hidden, m.constant(np.array([1, 2], np.int64))])
    x = normalised(m, m.node("Add", [x, attention(m, x, count, depth, hidden)]), depth)
    y = linear(m, x, depth, 4 * depth)
    y = m.node("Mul", [y, m.node("Add", [m.node("Erf", [m.node("Mul", [
        y, m.constant(np.float32(0.70710677))])]), m.constant(np.float32(1))])])
    x = m.node("Add", [x, linear(m, y, 4 * depth, depth)])
    m.output(m.node("Tanh", [linear(m, x, depth, 5)]))
    quantise_dynamically(m)


def quantise_dynamically(m):
    # It advises to prepare the model first, which takes another package.
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as work:
        source, result = os.path.join(work, "float.onnx"), os.path.join(work, "bytes.onnx")
        with open(source, "wb") as file:
            file.write(m.serialise())
        quantize_dynamic(source, result, per_channel=flip(m),
                         weight_type=QuantType.QUInt8 if flip(m) else QuantType.QInt8)
        graph = onnx.load(result).graph
    m.nodes, m.constants = list(graph.node), list(graph.initializer)
