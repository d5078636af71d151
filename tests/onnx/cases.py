# SPDX-License-Identifier: MIT
"""Families of models of one or a few operators; see check.py."""
import numpy as np

FAMILIES = {}


def family(function):
    FAMILIES[function.__name__] = function
    return function


def size(m, low=1, high=12):
    return int(m.rng.integers(low, high, endpoint=True))


def flip(m, chance=0.5):
    return m.rng.random() < chance


def fit(m, x):
    return m.requantise(x, m.fitting(x))


def activation(m, x):
    """Sometimes what a frame may have before its QuantizeLinear."""
    which = m.rng.integers(0, 4)
    if which == 0:
        return m.node("Relu", [x])
    if which == 1:
        return m.node("Clip", [x, m.constant(np.float32(0)), m.constant(np.float32(6))])
    return x


def convolution(m, x, channels, groups, outputs, rank=4, **attributes):
    kernel = [size(m, 1, 3) for _ in range(rank - 2)]
    inputs = [x, m.weights([outputs, channels // groups] + kernel, 0 if flip(m) else None)]
    if flip(m):
        inputs.append(m.bias(outputs))
    if flip(m, 0.3):
        attributes["auto_pad"] = str(m.rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
    else:
        attributes["pads"] = [size(m, 0, 2) for _ in range(2 * (rank - 2))]
    if groups > 1:
        attributes["group"] = groups
    attributes["strides"] = [size(m, 1, 2) for _ in range(rank - 2)]
    if "auto_pad" not in attributes:
        attributes["dilations"] = [size(m, 1, 2) for _ in range(rank - 2)]
    return m.node("Conv", inputs, **attributes)


@family
def conv(m):
    channels = size(m, 1, 20)
    x = m.real([1, channels, size(m, 6), size(m, 6)])
    m.finish(activation(m, convolution(m, x, channels, 1, size(m, 1, 24))))


@family
def conv_depthwise(m):
    channels = size(m, 2, 20)
    x = m.real([1, channels, size(m, 6), size(m, 6)])
    m.finish(activation(m, convolution(m, x, channels, channels, channels * size(m, 1, 2))))


@family
def conv_groups(m):
    groups = size(m, 2, 3)
    channels = groups * size(m, 1, 5)
    x = m.real([1, channels, size(m, 6), size(m, 6)])
    m.finish(convolution(m, x, channels, groups, groups * size(m, 1, 5)))


@family
def conv_1d(m):
    channels = size(m, 1, 8)
    x = m.real([1, channels, size(m, 8, 20)])
    m.finish(convolution(m, x, channels, 1, size(m), rank=3))


@family
def conv_unframed(m):
    channels = size(m, 1, 8)
    x = m.real([1, channels, size(m, 6), size(m, 6)])
    m.output(convolution(m, x, channels, 1, size(m)))


@family
def conv_float_weights(m):
    channels, outputs = size(m, 1, 8), size(m)
    x = m.real([1, channels, 8, 8])
    w = m.constant(m.rng.normal(0, 1, [outputs, channels, 3, 3]).astype(np.float32))
    m.finish(m.node("Conv", [x, w]))


@family
def conv_transpose(m):
    channels, outputs = size(m, 1, 8), size(m, 1, 8)
    x = m.real([1, channels, size(m, 3), size(m, 3)])
    kernel = [size(m, 1, 3), size(m, 1, 3)]
    inputs = [x, m.weights([channels, outputs] + kernel)]
    if flip(m):
        inputs.append(m.bias(outputs))
    strides = [size(m, 1, 2), size(m, 1, 2)]
    pads = [size(m, 0, k // 2) for k in kernel]
    m.finish(m.node("ConvTranspose", inputs, strides=strides, pads=pads + pads))


@family
def qlinear_conv(m):
    channels, outputs, dtype = size(m, 1, 8), size(m), m.byte()
    x = m.input([1, channels, size(m, 6), size(m, 6)], dtype)
    w_dtype = np.dtype("int8") if dtype == np.int8 else m.byte()
    limits = np.iinfo(w_dtype)
    w = m.constant(m.rng.integers(limits.min, limits.max, [outputs, channels, 3, 3], w_dtype))
    inputs = [x, *m.parameters(dtype), w, *m.parameters(w_dtype), *m.parameters(dtype, 2.0)]
    if flip(m):
        inputs.append(m.constant(m.rng.integers(-5000, 5000, outputs, np.int32)))
    m.output(m.node("QLinearConv", inputs, pads=[1, 1, 1, 1]), dtype)


@family
def gemm(m):
    depth, outputs, transposed = size(m, 1, 40), size(m, 1, 40), flip(m)
    x = m.real([size(m, 1, 4), depth])
    axis = (0 if transposed else 1) if flip(m) and m.opset >= 13 else None
    w = m.weights([outputs, depth] if transposed else [depth, outputs], axis)
    inputs = [x, w] + ([m.bias(outputs)] if flip(m) else [])
    factors = {"alpha": 0.5, "beta": 2.0} if flip(m, 0.3) else {}
    m.finish(activation(m, m.node("Gemm", inputs, transB=int(transposed), **factors)))


@family
def int4_weights(m):
    """Convolutions, also depthwise, and products with weights of four bits."""
    m.opset = 21
    outputs = size(m, 1, 40)
    if flip(m):
        channels = size(m)
        depthwise = flip(m)
        shape = [channels, 1, 3, 3] if depthwise else [outputs, channels, size(m, 1, 3), 3]
        w = m.int4_weights(shape, 0 if flip(m) else None)
        x = m.real([1, channels, size(m, 6), size(m, 6)])
        result = m.node("Conv", [x, w], group=channels if depthwise else 1)
    elif flip(m):
        depth = size(m, 1, 40)
        x = m.real([size(m, 1, 4), depth])
        w = m.int4_weights([outputs, depth], 0 if flip(m) else None)
        result = m.node("Gemm", [x, w], transB=1)
    else:
        depth = size(m, 1, 40)
        x = m.real([1, 3, depth])
        result = m.node("MatMul", [x, m.int4_weights([depth, outputs], 1 if flip(m) else None)])
    m.finish(result)


@family
def gemm_unframed(m):
    depth, outputs = size(m, 1, 40), size(m, 1, 40)
    m.output(m.node("Gemm", [m.real([2, depth]), m.weights([depth, outputs]), m.bias(outputs)]))


@family
def matmul(m):
    depth, outputs = size(m, 1, 40), size(m, 1, 40)
    shape = [[depth], [3, depth], [2, 3, depth]][m.rng.integers(1, 3)]
    m.finish(m.node("MatMul", [m.real(shape), m.weights([depth, outputs])]))


@family
def matmul_bias(m):
    """With an Add that has no integers of its own before it."""
    depth, outputs = size(m, 1, 40), size(m, 1, 40)
    operands = [m.node("MatMul", [m.real([1, 3, depth]), m.weights([depth, outputs])]),
                m.bias(outputs)]
    m.finish(activation(m, m.node("Add", operands[::-1] if flip(m) else operands)))


@family
def matmul_dynamic(m):
    depth, batch = size(m, 1, 20), [[], [2], [1, 3]][m.rng.integers(0, 3)]
    a = m.real(batch + [size(m), depth])
    b = m.real(batch + [depth, size(m)])
    m.finish(m.node("MatMul", [a, b]))


@family
def qlinear_matmul(m):
    depth, outputs, dtype = size(m, 1, 40), size(m, 1, 40), m.byte()
    limits = np.iinfo(dtype)
    w = m.constant(m.rng.integers(limits.min, limits.max, [depth, outputs], dtype))
    m.output(m.node("QLinearMatMul", [m.input([size(m), depth], dtype), *m.parameters(dtype), w,
                                      *m.parameters(dtype), *m.parameters(dtype, 2.0)]), dtype)


def shapes(m):
    """Of two operands that broadcast."""
    full = [1, size(m), size(m), size(m)]
    other = [[1, full[1], 1, 1], full, full[1:], [full[3]], [1, 1, full[2], full[3]],
             [1, full[1], full[2], 1]][m.rng.integers(0, 6)]
    return (other, full) if flip(m, 0.3) else (full, other)


def binary(operator):
    def make(m):
        a, b = shapes(m)
        x = m.real(a)
        y = m.weights(b) if flip(m, 0.4) else m.real(b)
        result = m.node(operator, [x, y])
        m.finish(activation(m, result) if operator in ("Add", "Sub", "Mul") else result)
    make.__name__ = operator.lower()
    family(make)


for name in ("Add", "Sub", "Mul", "Min", "Max"):
    binary(name)


def extreme(m):
    return str(m.rng.choice(["Min", "Max"]))


@family
def minimum_same(m):
    """Operands that mean the same, with whatever behind them."""
    parameters = m.parameters()
    shape = [1, size(m), size(m), size(m)]
    x = m.node(extreme(m), [m.requantise(m.input(shape), parameters)
                            for _ in range(size(m, 2, 4))])
    if flip(m):
        m.output(m.requantise(x, parameters))
    elif flip(m):
        m.finish(activation(m, x))
    else:
        m.output(x)


@family
def extremes(m):
    """Operands of any meaning: both types with one scale and zero point are two of them."""
    full, other = shapes(m)
    scale, zero_point, operands = m.scale(), size(m, 0, 127), []
    for _ in range(size(m, 1, 5)):
        shape = full if flip(m) else other
        which = m.rng.integers(0, 4)
        if which == 0:
            operands.append(m.real(shape))
        elif which == 1:
            operands.append(m.requantise(m.input(shape), m.parameters(None, scale, zero_point)))
        elif which == 2:
            operands.append(m.node("Tanh", [m.real(shape)]))
        else:
            operands.append(m.constant(m.rng.normal(0, 1, shape).astype(np.float32)))
    m.finish(activation(m, m.node(extreme(m), [m.real(full)] + operands)))


@family
def sums(m):
    """Of any number of values."""
    a, b = shapes(m)
    operands = [m.real(a)] + [m.real(b) if flip(m) else m.weights(a) for _ in range(size(m, 0, 3))]
    m.finish(activation(m, m.node("Sum", operands)))


@family
def extreme_integers(m):
    a, b = shapes(m)
    constant = m.constant(m.rng.integers(-9, 9, b, np.int64))
    operands = [m.input(a, np.int64), m.input(b, np.int64), constant, constant]
    m.output(m.node(extreme(m), operands[:size(m, 1, 4)][::-1]), np.int64)


@family
def div(m):
    a, b = shapes(m)
    dtype = np.dtype("uint8")
    # Without zeros: what a division by them gives is nobody's business.
    divisor = m.requantise(m.node("Abs", [m.input(b)]), m.parameters(dtype, 0.05, 0))
    divisor = m.node("Add", [divisor, m.constant(np.float32(0.5))])
    m.finish(m.node("Div", [m.real(a), divisor]))


@family
def qlinear_add(m):
    dtype, (a, b) = m.byte(), shapes(m)
    inputs = [m.input(a, dtype), *m.parameters(dtype), m.input(b, dtype), *m.parameters(dtype),
              *m.parameters(dtype)]
    m.output(m.node("QLinearAdd", inputs, domain="com.microsoft"), dtype)


@family
def qlinear_mul(m):
    dtype, (a, b) = m.byte(), shapes(m)
    inputs = [m.input(a, dtype), *m.parameters(dtype), m.input(b, dtype), *m.parameters(dtype),
              *m.parameters(dtype)]
    m.output(m.node("QLinearMul", inputs, domain="com.microsoft"), dtype)


UNARY = ["Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "Selu", "HardSigmoid", "HardSwish",
         "Softplus", "Softsign", "Exp", "Abs", "Neg", "Floor", "Ceil", "Round", "Erf", "Celu",
         "ThresholdedRelu", "Sin", "Cos", "Sign"]


@family
def unary(m):
    x = m.real([1, size(m), size(m), size(m)])
    m.finish(m.node(str(m.rng.choice(UNARY)), [x]))


@family
def unary_positive(m):
    x = m.requantise(m.input([2, size(m), size(m)]), m.parameters("uint8", None, 0))
    x = m.node("Add", [x, m.constant(np.float32(0.25))])
    m.finish(m.node(str(m.rng.choice(["Sqrt", "Log", "Reciprocal"])), [x]))


@family
def unary_float(m):
    x = m.input([2, size(m), size(m)])
    m.output(m.node(str(m.rng.choice(["Relu", "Sigmoid", "Tanh", "Exp", "Abs", "Neg"])), [x]))


@family
def swish(m):
    """Functions of one value, combined."""
    x = m.real([1, size(m), size(m), size(m)])
    gate = m.node(str(m.rng.choice(["Sigmoid", "HardSigmoid", "Tanh"])), [x])
    y = m.node("Mul", [x, gate])
    if flip(m):
        y = m.node("Add", [y, m.constant(np.array([0.5], np.float32))])
    m.finish(y)


@family
def function_of_floats(m):
    """A function of integers that an operator on floats reads."""
    x = m.node("Tanh", [m.real([1, size(m), size(m), size(m)])])
    m.output(m.node("Add", [x, m.constant(m.rng.normal(0, 1, [1, 1, 1, 1]).astype(np.float32))]))


@family
def prelu(m):
    x = m.real([1, size(m), size(m), size(m)])
    m.finish(m.node("PRelu", [x, m.constant(np.array([0.2], np.float32))]))


@family
def prelu_channels(m):
    """A slope for each channel."""
    channels = size(m)
    x = m.real([1, channels, size(m), size(m)])
    slopes = m.constant(m.rng.normal(0, 0.3, [channels, 1, 1]).astype(np.float32))
    m.finish(m.node("PRelu", [x, slopes]))


@family
def power_floats(m):
    x = m.node("Abs", [m.input([1, size(m), size(m)])])
    m.output(m.node("Pow", [x, m.input([1, 1, 1])]))


@family
def requantise(m):
    m.finish(m.real([1, size(m), size(m), size(m)]))


@family
def max_pool(m):
    x = m.real([1, size(m), size(m, 6), size(m, 6)])
    y = m.node("MaxPool", [x], kernel_shape=[3, 2], strides=[size(m, 1, 3), size(m, 1, 3)],
               pads=[1, 0, size(m, 0, 1), 1], ceil_mode=size(m, 0, 1))
    m.finish(y)


@family
def average_pool(m):
    x = m.real([1, size(m), size(m, 6), size(m, 6)])
    pads = [1, 0, 0, 1] if flip(m) else [0, 0, 0, 0]
    m.finish(m.node("AveragePool", [x], kernel_shape=[3, 2], pads=pads,
                    strides=[size(m, 1, 3), size(m, 1, 3)], count_include_pad=size(m, 0, 1)))


@family
def global_pool(m):
    x = m.real([1, size(m), size(m), size(m)])
    m.finish(m.node(str(m.rng.choice(["GlobalAveragePool", "GlobalMaxPool"])), [x]))


def reduction(m, x, axes):
    operator = str(m.rng.choice(["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"]))
    keep = size(m, 0, 1)
    as_input = m.opset >= (13 if operator == "ReduceSum" else 18)
    if as_input:
        return m.node(operator, [x, m.constant(np.array(axes, np.int64))], keepdims=keep)
    return m.node(operator, [x], axes=axes, keepdims=keep)


@family
def reduce(m):
    axes = [[2, 3], [1], [-1], [1, 2], [1, 2, 3]][m.rng.integers(0, 5)]
    m.finish(reduction(m, m.real([1, size(m), size(m), size(m)]), axes))


@family
def reduce_after_conv(m):
    channels = size(m, 2, 8)
    x = m.real([1, channels, 7, 7])
    x = fit(m, convolution(m, x, channels, 1, size(m)))
    m.finish(reduction(m, x, [[2, 3], [1], [-1], [2]][m.rng.integers(0, 4)]))


@family
def softmax(m):
    x = m.real([1, size(m, 2), size(m, 2), size(m, 2)])
    operator = str(m.rng.choice(["Softmax", "LogSoftmax"]))
    m.finish(m.node(operator, [x], axis=int(m.rng.choice([-1, 1]))))


@family
def softmax_fixed(m):
    """To the scale that the NPU has."""
    x = m.real([1, size(m, 2), size(m, 2), size(m, 2, 40)])
    y = m.node("Softmax", [x], axis=int(m.rng.choice([-1, 1])) if m.opset >= 13 else -1)
    dtype = m.byte()
    parameters = m.parameters(dtype, 2.0 ** -8, np.iinfo(dtype).min if flip(m) else None)
    m.output(m.quantise(y, parameters), dtype)


@family
def layer_normalisation(m):
    m.opset = max(m.opset, 17)
    depth = size(m, 4, 30)
    inputs = [m.real([1, size(m), depth]), m.weights([depth])]
    if flip(m):
        inputs.append(m.bias(depth))
    m.finish(m.node("LayerNormalization", inputs))


@family
def resize_nearest(m):
    x = m.real([1, size(m), size(m, 2), size(m, 2)])
    modes = [("asymmetric", "floor"), ("half_pixel", "round_prefer_floor")]
    coordinates, rounding = modes[m.rng.integers(0, 2)]
    scales = m.constant(np.array([1, 1, size(m, 1, 3), size(m, 1, 3)], np.float32))
    m.finish(m.node("Resize", [x, "", scales], mode="nearest", nearest_mode=rounding,
                    coordinate_transformation_mode=coordinates))


@family
def resize_linear(m):
    x = m.real([1, size(m), size(m, 2), size(m, 2)])
    sizes = m.constant(np.array([1, m.data[0].shape[1], size(m, 2, 20), size(m, 2, 20)],
                                np.int64))
    m.finish(m.node("Resize", [x, "", "", sizes], mode="linear",
                    coordinate_transformation_mode=str(m.rng.choice(
                        ["half_pixel", "align_corners", "asymmetric"]))))


@family
def reshape(m):
    shape = [1, size(m), size(m), size(m)]
    x = m.real(shape)
    target = [[1, -1], [0, 0, -1], [shape[1] * shape[2], -1]][m.rng.integers(0, 3)]
    m.finish(m.node("Reshape", [x, m.constant(np.array(target, np.int64))]))


@family
def flatten_gemm(m):
    """A feature map into a matrix product: the weights follow its layout."""
    channels, outputs = size(m, 2, 6), size(m)
    x = m.real([1, channels, 6, 6])
    x = m.requantise(m.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2]))
    x = m.node("Flatten", [x])
    if flip(m):
        x = m.requantise(m.node("Relu", [x]))
    m.finish(m.node("Gemm", [x, m.weights([channels * 9, outputs])]))


@family
def flatten_other(m):
    """A flattened feature map that something else reads."""
    x = m.real([1, size(m, 2, 6), 5, 4])
    x = m.requantise(m.node("MaxPool", [x], kernel_shape=[2, 2]))
    x = m.node("Flatten", [x])
    m.output(m.requantise(x) if flip(m) else m.node("Neg", [x]))


@family
def transpose(m):
    rank = size(m, 2, 5)
    perm = [int(d) for d in m.rng.permutation(rank)]
    m.finish(m.node("Transpose", [m.real([size(m, 1, 5) for _ in range(rank)])], perm=perm))


@family
def transpose_after_pool(m):
    x = m.node("MaxPool", [m.real([1, size(m), 5, 6])], kernel_shape=[2, 2])
    x = m.node("Transpose", [x], perm=[int(d) for d in m.rng.permutation(4)])
    m.finish(x)


@family
def concat(m):
    shape, axis, parts = [1, size(m), size(m), size(m)], size(m, 1, 3), []
    parameters = m.parameters() if flip(m) else None
    for _ in range(size(m, 2, 4)):
        shape[axis] = size(m)
        parts.append(m.requantise(m.input(list(shape)), parameters))
    if flip(m, 0.3):
        parts[0] = m.node("Tanh", [parts[0]])
    joined = m.node("Concat", parts, axis=axis)
    if flip(m, 0.7):
        m.finish(joined)
    else:
        m.output(joined)


@family
def slices(m):
    shape = [1, size(m, 2), size(m, 4), size(m, 4)]
    x = m.real(shape)
    lists = [[0, -3], [2 ** 40, -1], [1, 2], [1, 1]]
    if flip(m):
        lists = [[3], [-(2 ** 40)], [3], [-2]]
    m.finish(m.node("Slice", [x] + [m.constant(np.array(v, np.int64)) for v in lists]))


@family
def split(m):
    parts = [size(m, 1, 4) for _ in range(3)]
    x = m.real([1, sum(parts), 3, 4])
    outputs = m.node("Split", [x, m.constant(np.array(parts, np.int64))], outputs=3, axis=1)
    for part in outputs:
        m.finish(part)


@family
def gather(m):
    x = m.real([2, 8, 5])
    indices = [np.int64(3), np.array([1, 3, 5]), np.array([7]), np.array([0, 5, 2])]
    m.finish(m.node("Gather", [x, m.constant(indices[m.rng.integers(0, 4)])], axis=1))


@family
def embedding(m):
    table = m.weights([9, 6]) if flip(m) else m.constant(
        m.rng.normal(0, 1, [9, 6]).astype(np.float32))
    indices = m.input([2, 3], np.int64)
    m.data[-1] %= 9
    m.output(m.node("Gather", [table, indices]))


@family
def pad(m):
    x = m.real([1, size(m), size(m), size(m)])
    pads = m.constant(np.array([0, size(m, 0, 2), size(m, 0, 2), 1, 0, 0, 1, 2], np.int64))
    m.finish(m.node("Pad", [x, pads, m.constant(np.float32(m.rng.choice([0, 1.7])))]))


@family
def pad_reflect(m):
    x = m.real([1, size(m), size(m, 4), size(m, 4)])
    pads = m.constant(np.array([0, 0, size(m, 0, 2), 1, 0, 0, 1, 3], np.int64))
    m.finish(m.node("Pad", [x, pads], mode="reflect"))


@family
def blocks(m):
    if flip(m):
        x = m.real([1, 4 * size(m, 1, 4), size(m), size(m)])
        x = m.node("MaxPool", [x], kernel_shape=[1, 1]) if flip(m) else x
        m.finish(m.node("DepthToSpace", [x], blocksize=2, mode=str(m.rng.choice(["DCR", "CRD"]))))
    else:
        x = m.real([1, size(m), 3 * size(m, 1, 4), 3 * size(m, 1, 4)])
        m.finish(m.node("SpaceToDepth", [x], blocksize=3))


@family
def expand(m):
    x = m.real([1, size(m), 1, size(m)])
    m.finish(m.node("Expand", [x, m.constant(np.array([2, 1, 3, 1], np.int64))]))


@family
def arg_extreme(m):
    x = m.real([1, size(m, 2), size(m, 2), size(m, 2)])
    if flip(m):
        x = m.node("MaxPool", [x], kernel_shape=[1, 2])
    operator = str(m.rng.choice(["ArgMax", "ArgMin"]))
    m.output(m.node(operator, [x], axis=size(m, 1, 3), keepdims=size(m, 0, 1)), np.int64)


@family
def pad_conv(m):
    x = m.real([1, 3, 6, 6])
    pads = m.constant(np.array([0, 0, 1, 1, 0, 0, 1, 2], np.int64))
    x = m.node("Pad", [x, pads, m.constant(np.float32(m.rng.choice([0, 0.5])))])
    m.finish(m.node("Conv", [x, m.weights([4, 3, 3, 3])]))


@family
def squeeze(m):
    x = m.real([1, size(m), 1, size(m)])
    x = m.node("Squeeze", [x, m.constant(np.array([2], np.int64))])
    m.finish(m.node("Unsqueeze", [x, m.constant(np.array([0, 3], np.int64))]))


@family
def shape_arithmetic(m):
    """What exporters write to flatten: Shape, Gather, Unsqueeze, Concat, Reshape."""
    x = m.real([1, size(m), size(m), size(m)])
    batch = m.node("Gather", [m.node("Shape", [x]), m.constant(np.int64(0))])
    batch = m.node("Unsqueeze", [batch, m.constant(np.array([0], np.int64))])
    target = m.node("Concat", [batch, m.constant(np.array([-1], np.int64))], axis=0)
    m.finish(m.node("Reshape", [x, target]))


@family
def integers_through(m):
    """Integers in and out, without a float."""
    dtype = m.byte()
    parameters = m.parameters(dtype)
    x = m.node("DequantizeLinear", [m.input([1, 4, 6, 6], dtype), *parameters])
    y = convolution(m, x, 4, 1, 8)
    m.output(m.quantise(y, m.parameters(dtype)), dtype)


@family
def network(m):
    """A small residual network."""
    channels = size(m, 4, 16)
    x = m.requantise(m.input([1, 3, 12, 12]))
    x = m.node("Conv", [x, m.weights([channels, 3, 3, 3], 0, "int8"), m.bias(channels)],
               pads=[1, 1, 1, 1], strides=[2, 2])
    x = fit(m, m.node("Relu", [x]))
    y = m.node("Conv", [x, m.weights([channels, 1, 3, 3], 0, "int8"), m.bias(channels)],
               pads=[1, 1, 1, 1], group=channels)
    y = fit(m, y)
    x = fit(m, m.node("Add", [x, y]))
    x = fit(m, m.node("GlobalAveragePool", [x]))
    x = m.node("Flatten", [x])
    m.finish(m.node("Gemm", [x, m.weights([channels, 10], None, "int8"), m.bias(10)]))
