# SPDX-License-Identifier: MIT
"""Families of operators on integers, as ONNX Runtime's quantiser writes them; see check.py."""
import numpy as np

from cases import family, flip, shapes, size

MICROSOFT = "com.microsoft"


def bytes_input(m, shape, dtype):
    """Integers with their scale and zero point."""
    return [m.input(shape, dtype), *m.parameters(dtype)]


def finish(m, operator, inputs, dtype, **attributes):
    m.output(m.node(operator, inputs, domain=MICROSOFT, **attributes), dtype)


def map_shape(m):
    return [1, size(m), size(m, 3), size(m, 3)]


@family
def qlinear_sigmoid(m):
    dtype = m.byte()
    finish(m, "QLinearSigmoid", bytes_input(m, map_shape(m), dtype) +
           [*m.parameters(dtype, 2.0 ** -8)], dtype)


@family
def qlinear_leaky_relu(m):
    dtype = m.byte()
    finish(m, "QLinearLeakyRelu", bytes_input(m, map_shape(m), dtype) + [*m.parameters(dtype)],
           dtype, alpha=0.1)


@family
def qlinear_global_average_pool(m):
    dtype = m.byte()
    finish(m, "QLinearGlobalAveragePool", bytes_input(m, map_shape(m), dtype) +
           [*m.parameters(dtype)], dtype)


@family
def qlinear_reduce_mean(m):
    """As its definition: ONNX Runtime describes it, but computes it nowhere."""
    dtype, keep = m.byte(), size(m, 0, 1)
    axes = [[2, 3], [1], [-1], [1, 2], [1, 2, 3]][m.rng.integers(0, 5)]
    x, result = bytes_input(m, map_shape(m), dtype), m.parameters(dtype)
    mean = [m.node("DequantizeLinear", x)]
    if m.opset < 18:
        mean = m.node("ReduceMean", mean, axes=axes, keepdims=keep)
    else:
        mean = m.node("ReduceMean", mean + [m.constant(np.array(axes, np.int64))], keepdims=keep)
    y = m.quantise(mean, result)
    m.replace("QLinearReduceMean", [*x, *result], y, MICROSOFT, axes=axes, keepdims=keep)
    m.output(y, dtype)


@family
def qlinear_average_pool(m):
    dtype = m.byte()
    attributes = {"pads": [1, 0, 0, 1]} if flip(m) else {}
    finish(m, "QLinearAveragePool", bytes_input(m, map_shape(m), dtype) + [*m.parameters(dtype)],
           dtype, kernel_shape=[2, 3], count_include_pad=size(m, 0, 1), **attributes)


@family
def qlinear_concat(m):
    dtype, shape, axis = m.byte(), map_shape(m), size(m, 1, 3)
    shared = [*m.parameters(dtype)] if flip(m) else None
    inputs = list(shared or m.parameters(dtype))
    for _ in range(size(m, 2, 4)):
        shape[axis] = size(m)
        inputs += [m.input(list(shape), dtype)] + (shared or [*m.parameters(dtype)])
    finish(m, "QLinearConcat", inputs, dtype, axis=axis)


@family
def qlinear_softmax(m):
    """Of uint8: of int8 ONNX Runtime makes -128 of the probability 1."""
    dtype = np.dtype("uint8")
    finish(m, "QLinearSoftmax", bytes_input(m, [size(m), size(m, 2, 20)], dtype) +
           [*m.parameters(dtype, 2.0 ** -8, 0)], dtype, axis=-1, opset=m.opset)


@family
def qlinear_where(m):
    dtype, (a, b) = m.byte(), shapes(m)
    condition = m.node("Less", [m.input(b), m.constant(np.float32(0))])
    finish(m, "QLinearWhere", [condition] + bytes_input(m, a, dtype) +
           bytes_input(m, b, dtype) + [*m.parameters(dtype)], dtype)


@family
def qlinear_matmul_pairs(m):
    """Of two values, as in an attention; or with a scale for each column of weights."""
    dtype, depth, columns = m.byte(), size(m, 1, 40), size(m)
    a = bytes_input(m, [size(m), depth], dtype)
    if flip(m):
        b = bytes_input(m, [depth, columns], dtype)
    else:
        limits = np.iinfo(np.int8)
        b = [m.constant(m.rng.integers(limits.min, limits.max, [depth, columns], np.int8)),
             m.constant(np.array([m.scale(0.002, 0.02) for _ in range(columns)], np.float32)),
             m.constant(np.zeros(columns, np.int8))]
    m.output(m.node("QLinearMatMul", a + b + [*m.parameters(dtype, 2.0)]), dtype)


@family
def pad_bytes(m):
    """Integers that no DequantizeLinear reads."""
    dtype = m.byte()
    x = m.input(map_shape(m), dtype)
    pads = m.constant(np.array([0, size(m, 0, 2), 1, 1, 0, 0, 1, 2], np.int64))
    if flip(m):
        m.output(m.node("Pad", [x, pads, m.constant(m.zero_point(dtype))]), dtype)
    else:
        m.output(m.node("Pad", [x, m.constant(np.array([0, 0, 1, 2, 0, 0, 2, 1], np.int64))],
                        mode="reflect"), dtype)


@family
def qgemm(m):
    dtype, depth, columns, transposed = m.byte(), size(m, 1, 40), size(m), flip(m)
    count = columns if flip(m) else 1
    w = m.rng.integers(-128, 128, [columns, depth] if transposed else [depth, columns], np.int8)
    scales = np.array([m.scale(0.002, 0.02) for _ in range(count)], np.float32)
    zeros = np.zeros(count, np.int8)
    inputs = bytes_input(m, [size(m), depth], dtype) + [
        m.constant(w), m.constant(scales if count > 1 else scales[0]),
        m.constant(zeros if count > 1 else zeros[0])]
    inputs.append(m.constant(m.rng.integers(-5000, 5000, columns, np.int32)) if flip(m) else "")
    attributes = {"transB": int(transposed), "alpha": 0.5 if flip(m, 0.3) else 1.0}
    if flip(m, 0.7):
        finish(m, "QGemm", inputs + [*m.parameters(dtype, 0.5)], dtype, **attributes)
    else:
        finish(m, "QGemm", inputs, np.float32, **attributes)
