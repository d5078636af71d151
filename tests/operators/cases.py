# SPDX-License-Identifier: MIT
"""Random cases of every operator, by operator and type.

FAMILIES maps a name like "ADD int8" to a function that makes one Case from a
numpy random generator. Only types for which the reference has a kernel are here.
"""
import functools

from model import INTEGER_RANGES, TENSOR_TYPES, Case, Tensor, reference

FAMILIES = {}
QUANTISED = ("int8", "uint8", "int16")
BYTES = ("int8", "uint8")


def family(name, types, *arguments):
    """Registers a maker of cases for some types; the maker gets (rng, dtype, *arguments)."""
    def register(make):
        for dtype in types:
            key = f"{name} {dtype}"
            assert key not in FAMILIES, key
            FAMILIES[key] = functools.partial(make, dtype=dtype)
            if arguments:
                FAMILIES[key] = functools.partial(make, arguments[0], dtype=dtype)
        return make
    return register


def scale_of(rng, dtype, low=-3.0, high=-0.5):
    """A random scale, a power of two once in a while."""
    exponent = rng.uniform(low, high) - (2.0 if dtype == "int16" else 0.0)
    scale = 2.0 ** round(exponent * 3.3) if rng.random() < 0.2 else 10.0 ** exponent
    import numpy
    return float(numpy.float32(scale))


def zero_of(rng, dtype):
    if dtype not in BYTES:
        return 0
    low, high = INTEGER_RANGES[dtype]
    return int(rng.choice([low, high, int(rng.integers(low, high + 1)), (low + high + 1) // 2]))


def tensor(rng, shape, dtype):
    """A variable tensor with a random quantisation if its type has one."""
    if dtype not in QUANTISED:
        return Tensor(shape, dtype)
    return Tensor(shape, dtype, scale_of(rng, dtype), zero_of(rng, dtype))


def output(rng, dtype, scale=None, zero_point=None):
    """An output, whose shape is found later."""
    if dtype not in QUANTISED:
        return Tensor([1], dtype)
    return Tensor([1], dtype, scale_of(rng, dtype) if scale is None else scale,
                  zero_of(rng, dtype) if zero_point is None else zero_point)


def contents(rng, shape, dtype):
    """Random elements over the whole range of the type."""
    import numpy
    if dtype == "float32":
        return (rng.standard_normal(shape) * 3).astype(numpy.float32)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype in ("int32", "int64"):
        return rng.integers(-1000, 1000, shape).astype(dtype)
    low, high = INTEGER_RANGES[dtype]
    values = rng.integers(low, high + 1, shape)
    extreme = rng.random(shape) < 0.1
    return numpy.where(extreme, numpy.where(values < (low + high) / 2, low, high),
                       values).astype(dtype)


def constant(rng, tensor_like):
    tensor_like.data = contents(rng, tensor_like.shape, tensor_like.dtype)
    return tensor_like


def integers(values, dtype="int32"):
    """A constant list, e.g. of axes."""
    import numpy
    data = numpy.array(values, dtype)
    return Tensor(data.shape, dtype, data=data)


# How many dimensions shapes get while cases of more than four are made, but those of
# indices; else None.
DIMENSIONS = None


def shape_of(rng, least=1, most=4, largest=7):
    if DIMENSIONS and most > 2:
        return [int(size) for size in rng.integers(1, min(largest, 4) + 1, DIMENSIONS)]
    return [int(size) for size in rng.integers(1, largest + 1, rng.integers(least, most + 1))]


def broadcast_of(rng, shape):
    """A shape that broadcasts to `shape`."""
    if rng.random() < 0.4:
        return list(shape)
    rest = shape[rng.integers(0, len(shape)):] if rng.random() < 0.3 else shape
    return [1 if rng.random() < 0.4 else size for size in rest]


def broadcast_shape(tensors):
    import numpy
    return [int(size) for size in
            numpy.broadcast_shapes(*[tuple(tensor.shape) for tensor in tensors])]


def micro(case, shape):
    """Has TensorFlow Lite Micro for a reference, in every profile."""
    case.reference = "micro"
    case.outputs[0].shape = list(shape)


def activation_of(rng):
    """NONE, RELU, RELU_N1_TO_1 or RELU6, as the schema numbers them."""
    return int(rng.choice([0, 0, 1, 2, 3]))


def operands(rng, dtype, alike=False):
    """Two inputs, of which one may broadcast or be constant."""
    shape = shape_of(rng)
    first = tensor(rng, shape, dtype)
    second = first.like(broadcast_of(rng, shape)) if alike else \
        tensor(rng, broadcast_of(rng, shape), dtype)
    if rng.random() < 0.3:
        constant(rng, second)
    pair = [first, second]
    return pair[::-1] if rng.random() < 0.3 else pair


@family("ADD", QUANTISED + ("float32",), "ADD")
@family("SUB", QUANTISED + ("float32",), "SUB")
@family("MUL", QUANTISED + ("float32",), "MUL")
def arithmetic(name, rng, dtype):
    fields = {"fusedActivationFunction": activation_of(rng)}
    if name != "MUL":
        fields["potScaleInt16"] = False
    return Case(name, operands(rng, dtype), output(rng, dtype),
                (name.capitalize() + "Options", fields))


@family("MINIMUM", QUANTISED + ("float32", "int32"), "MINIMUM")
@family("MAXIMUM", QUANTISED + ("float32", "int32"), "MAXIMUM")
def extreme(name, rng, dtype):
    pair = operands(rng, dtype, alike=True)
    return Case(name, pair, pair[0].like([1]), ("MaximumMinimumOptions", {}))


@family("SQUARED_DIFFERENCE", ("int8", "int16", "float32"))
def squared_difference(rng, dtype):
    pair = operands(rng, dtype)
    result = output(rng, dtype)
    if dtype == "int8":
        # The kernel wants a factor below one.
        largest = max(pair[0].scales, pair[1].scales)
        result.scales = float(max(result.scales, largest * largest * rng.uniform(0.01, 300)))
    case = Case("SQUARED_DIFFERENCE", pair, result, ("SquaredDifferenceOptions", {}))
    if dtype == "int16":
        # Its square of differences of up to 2^16 must fit in 32 bits.
        pair[0].scales = pair[1].scales = scale_of(rng, dtype)
        result.scales = float(pair[0].scales ** 2 * 10.0 ** rng.uniform(3, 5))
        micro(case, broadcast_shape(pair))
    return case


@family("DIV", ("int8", "uint8", "float32"))
def division(rng, dtype):
    shape = shape_of(rng)
    first, second = tensor(rng, shape, dtype), tensor(rng, broadcast_of(rng, shape), dtype)
    result = output(rng, dtype)
    constant(rng, second)
    case = Case("DIV", [first, second], result,
                ("DivOptions", {"fusedActivationFunction": activation_of(rng)}))
    if dtype in BYTES:
        # The kernel shifts by too much where the quotient is far below one, and nothing
        # may be divided by zero.
        low = INTEGER_RANGES[dtype][0]
        first.zero_points, second.zero_points = low, low + 128
        case.values = [rng.integers(low + 64, low + 256, shape).astype(dtype)]
        magnitudes = rng.integers(1, 16, second.shape)
        second.data = (low + 128 + magnitudes * rng.choice([-1, 1], second.shape)).astype(dtype)
        result.scales = first.scales / second.scales * float(rng.uniform(1.001, 8))
        if dtype == "int8":
            micro(case, shape)
    else:
        second.data[second.data == 0] = 1
    return case


@family("BATCH_MATMUL", ("int8", "int16", "float32"))
def batch_matmul(rng, dtype):
    m, k, n = (int(size) for size in rng.integers(1, 20, 3))
    batch = shape_of(rng, 0, 2, 4)
    adjoint_x, adjoint_y = bool(rng.integers(2)), bool(rng.integers(2))
    # A transposed left side with fewer matrices on the right reads beyond them there.
    left = batch + ([k, m] if adjoint_x else [m, k])
    rest = broadcast_of(rng, batch) if batch and not adjoint_x else batch
    right = rest + ([n, k] if adjoint_y else [k, n])
    first, second = tensor(rng, left, dtype), tensor(rng, right, dtype)
    if rng.random() < 0.3:
        constant(rng, second)
    result = output(rng, dtype)
    if dtype != "float32":
        # The kernel of int16 wraps what 32 bits do not hold.
        result.scales = first.scales * second.scales * float(
            rng.uniform(1.5, 200) if dtype == "int8" else rng.uniform(20, 2000))
    return Case("BATCH_MATMUL", [first, second], result,
                ("BatchMatMulOptions", {"adjX": adjoint_x, "adjY": adjoint_y}))


@family("GATHER", QUANTISED + ("float32", "int32"))
def gather(rng, dtype):
    shape = shape_of(rng, 1, 4)
    source = tensor(rng, shape, dtype)
    axis = int(rng.integers(0, len(shape)))
    batch_dims = int(rng.integers(0, axis + 1)) if rng.random() < 0.4 else 0
    indices_shape = shape[:batch_dims] + shape_of(rng, 0, 2, 4)
    kind = str(rng.choice(["int32", "int64"]))
    values = rng.integers(0, shape[axis], indices_shape).astype(kind)
    indices = Tensor(indices_shape, kind, data=values)
    case = Case("GATHER", [source, indices], source.like([1]),
                ("GatherOptions", {"axis": axis - (len(shape) if rng.random() < 0.3 else 0),
                                   "batchDims": batch_dims}))
    if rng.random() < 0.5:
        indices.data = None
        case.values = [None, values]
    return case


def axes_of(rng, rank):
    axes = rng.permutation(rank)[:rng.integers(1, rank + 1)]
    return integers([int(axis) - (rank if rng.random() < 0.2 else 0) for axis in axes])


@family("MEAN", QUANTISED + ("float32",), "MEAN")
@family("SUM", QUANTISED + ("float32",), "SUM")
@family("REDUCE_PROD", ("int8", "int16", "float32"), "REDUCE_PROD")
@family("REDUCE_MAX", QUANTISED + ("float32", "int32"), "REDUCE_MAX")
@family("REDUCE_MIN", QUANTISED + ("float32", "int32"), "REDUCE_MIN")
def reduction(name, rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    result = source.like([1])
    if name in ("MEAN", "SUM", "REDUCE_PROD"):
        result = output(rng, dtype)
    if name == "REDUCE_PROD" and dtype != "float32":
        source.shape = shape_of(rng, 2, 3, 3)
        result.scales = source.scales * float(rng.uniform(0.3, 3))
    axes, keep = axes_of(rng, len(source.shape)), bool(rng.integers(2))
    case = Case(name, [source, axes], result, ("ReducerOptions", {"keepDims": keep}))
    if name == "SUM" and dtype in ("int8", "int16"):
        gone = {int(axis) % len(source.shape) for axis in axes.data}
        micro(case, [1 if axis in gone else size for axis, size in enumerate(source.shape)
                     if keep or axis not in gone])
    return case


@family("ARG_MAX", ("int8", "uint8", "float32", "int32"), "ARG_MAX")
@family("ARG_MIN", ("int8", "uint8", "float32", "int32"), "ARG_MIN")
def arg_extreme(name, rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    rank = len(source.shape)
    wide = bool(rng.integers(2))
    schema = reference.schema_module()
    return Case(name, [source, integers(int(rng.integers(-rank, rank)))],
                Tensor([1], "int64" if wide else "int32"),
                ("ArgMaxOptions" if name == "ARG_MAX" else "ArgMinOptions",
                 {"outputType": schema.TensorType.INT64 if wide else schema.TensorType.INT32}))


def unary(name, rng, dtype, options=None):
    source = tensor(rng, shape_of(rng), dtype)
    return Case(name, [source], output(rng, dtype), options)


@family("LOGISTIC", BYTES, "LOGISTIC")
@family("TANH", BYTES, "TANH")
@family("EXP", QUANTISED, "EXP")
@family("ELU", BYTES, "ELU")
@family("ABS", QUANTISED, "ABS")
@family("RELU", QUANTISED, "RELU")
@family("RELU6", BYTES, "RELU6")
@family("RELU_N1_TO_1", BYTES, "RELU_N1_TO_1")
def quantised_unary(name, rng, dtype):
    case = unary(name, rng, dtype)
    if name == "EXP":
        # Results that the output can hold, mostly.
        case.inputs[0].scales = scale_of(rng, dtype, -3, -1.5)
        case.outputs[0].scales = scale_of(rng, dtype, -2.5, 0)
    if name == "LOGISTIC":
        case.outputs[0].scales = 1 / 256
        case.outputs[0].zero_points = INTEGER_RANGES[dtype][0]
    if name == "ABS" and rng.random() < 0.3:
        case.outputs[0].scales = case.inputs[0].scales
    if dtype == "uint8" and name in ("EXP", "ELU", "ABS"):
        case.reference = "int8"
    return case


@family("HARD_SWISH", BYTES)
def hard_swish(rng, dtype):
    case = unary("HARD_SWISH", rng, dtype)
    # The kernel wants a factor of at most one.
    case.outputs[0].scales = case.inputs[0].scales * float(rng.uniform(1 / 128, 2))
    return case


@family("RSQRT", BYTES)
def rsqrt(rng, dtype):
    case = unary("RSQRT", rng, dtype)
    low, high = INTEGER_RANGES[dtype]
    source = case.inputs[0]
    source.zero_points = int(rng.integers(low, low + 128))
    if dtype == "uint8":
        case.reference = "int8"
    case.values = [rng.integers(source.zero_points, high + 1, source.shape).astype(dtype)]
    return case


@family("GELU", BYTES + ("float32",))
def gelu(rng, dtype):
    return unary("GELU", rng, dtype, ("GeluOptions", {"approximate": bool(rng.integers(2))}))


@family("LOGISTIC", ("int16",), "LOGISTIC")
@family("TANH", ("int16",), "TANH")
def wide_sigmoid(name, rng, dtype):
    case = unary(name, rng, dtype)
    case.inputs[0].scales = 2.0 ** -int(rng.choice([11, 12, 13])) if rng.random() < 0.4 else \
        scale_of(rng, dtype, -2.5, -0.5)
    case.outputs[0].scales = 2.0 ** -15
    return case


@family("ABS", ("float32", "int32"), "ABS")
@family("NEG", ("float32", "int32"), "NEG")
@family("EXP", ("float32",), "EXP")
@family("SQUARE", ("float32",), "SQUARE")
@family("SIN", ("float32",), "SIN")
@family("COS", ("float32",), "COS")
@family("FLOOR", ("float32",), "FLOOR")
@family("CEIL", ("float32",), "CEIL")
@family("ROUND", ("float32",), "ROUND")
@family("LOGISTIC", ("float32",), "LOGISTIC")
@family("TANH", ("float32",), "TANH")
@family("ELU", ("float32",), "ELU")
@family("HARD_SWISH", ("float32",), "HARD_SWISH")
@family("RELU", ("float32",), "RELU")
@family("RELU6", ("float32",), "RELU6")
@family("RELU_N1_TO_1", ("float32",), "RELU_N1_TO_1")
@family("RELU_0_TO_1", ("float32", "int8", "uint8"), "RELU_0_TO_1")
@family("LOGICAL_NOT", ("bool",), "LOGICAL_NOT")
def plain_unary(name, rng, dtype):
    return unary(name, rng, dtype)


@family("LOG", ("float32",), "LOG")
@family("SQRT", ("float32",), "SQRT")
@family("RSQRT", ("float32",), "RSQRT")
def positive_unary(name, rng, dtype):
    case = unary(name, rng, dtype)
    case.values = [abs(contents(rng, case.inputs[0].shape, dtype)) + type(contents(
        rng, [1], dtype)[0])(0.01)]
    return case


@family("LEAKY_RELU", QUANTISED + ("float32",))
def leaky_relu(rng, dtype):
    alpha = float(rng.choice([0.1, 0.01, 0.3, -0.5, 1.5]))
    return unary("LEAKY_RELU", rng, dtype, ("LeakyReluOptions", {"alpha": alpha}))


@family("PRELU", BYTES + ("float32",))
def prelu(rng, dtype):
    shape = shape_of(rng)
    alpha = constant(rng, tensor(rng, broadcast_of(rng, shape), dtype))
    return Case("PRELU", [tensor(rng, shape, dtype), alpha], output(rng, dtype))


@family("SOFTMAX", QUANTISED + ("float32",))
def softmax(rng, dtype):
    source = tensor(rng, shape_of(rng, 1, 4, 40), dtype)
    result = {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0),
              "float32": (None, 0)}[dtype]
    return Case("SOFTMAX", [source], output(rng, dtype, *result),
                ("SoftmaxOptions", {"beta": float(rng.choice([1, 1, 0.5, 1.7]))}))


@family("LOG_SOFTMAX", BYTES + ("float32",))
def log_softmax(rng, dtype):
    source = tensor(rng, shape_of(rng, 1, 4, 40), dtype)
    result = {"int8": (1 / 16, 127), "uint8": (1 / 16, 255), "float32": (None, 0)}[dtype]
    return Case("LOG_SOFTMAX", [source], output(rng, dtype, *result), ("LogSoftmaxOptions", {}))


@family("L2_NORMALIZATION", BYTES + ("float32",))
def l2_normalization(rng, dtype):
    source = tensor(rng, shape_of(rng, 1, 4, 30), dtype)
    result = {"int8": (1 / 128, 0), "uint8": (1 / 128, 128), "float32": (None, 0)}[dtype]
    return Case("L2_NORMALIZATION", [source], output(rng, dtype, *result),
                ("L2NormOptions", {"fusedActivationFunction": 0}))


def pool_case(name, rng, dtype):
    source = tensor(rng, [int(rng.integers(1, 3))] + [int(size) for size in
                                                       rng.integers(3, 12, 3)], dtype)
    return Case(name, [source], source.like([1]), ("Pool2DOptions", {
        "padding": int(rng.integers(2)), "strideW": int(rng.integers(1, 4)),
        "strideH": int(rng.integers(1, 4)), "filterWidth": int(rng.integers(1, 4)),
        "filterHeight": int(rng.integers(1, 4)),
        "fusedActivationFunction": activation_of(rng)}))


@family("AVERAGE_POOL_2D", QUANTISED + ("float32",), "AVERAGE_POOL_2D")
@family("MAX_POOL_2D", QUANTISED + ("float32",), "MAX_POOL_2D")
def pool(name, rng, dtype):
    return pool_case(name, rng, dtype)


def weights_of(rng, shape, dtype, channels, axis):
    """Constant weights for an input type: int8 a channel or a tensor, uint8, float32."""
    import numpy
    if dtype == "float32":
        return constant(rng, Tensor(shape, dtype))
    if dtype == "uint8":
        return constant(rng, Tensor(shape, dtype, scale_of(rng, dtype, -4, -2),
                                    zero_of(rng, dtype)))
    scales = scale_of(rng, "int8", -4, -2)
    if axis is not None and rng.random() < 0.8:
        scales = numpy.array([scale_of(rng, "int8", -4, -2) for _ in range(channels)])
    weights = constant(rng, Tensor(shape, "int8", scales, 0, axis or 0))
    weights.data = numpy.maximum(weights.data, -127).astype("int8")
    return weights


def bias_of(rng, source, weights, channels, optional=False):
    import numpy
    if optional and rng.random() < 0.3:
        return None
    if source.dtype == "float32":
        return constant(rng, Tensor([channels], "float32"))
    kind = "int64" if source.dtype == "int16" else "int32"
    data = rng.integers(-20000, 20000, channels).astype(kind)
    return Tensor([channels], kind, numpy.float32(source.scales) * numpy.float32(weights.scales),
                  0, data=data)


def fit(rng, source, weights, result, taps):
    """An output scale that lets most sums come out between the clamps."""
    import numpy
    if source.dtype not in QUANTISED:
        return
    typical = source.scales * float(numpy.mean(weights.scales)) * 70 * 70 * taps ** 0.5
    if source.dtype == "int16":
        typical *= 256
    span = 32768 if result.dtype == "int16" else 128
    result.scales = float(typical / span * rng.uniform(0.5, 4))


@family("CONV_2D", QUANTISED + ("float32",))
def convolution(rng, dtype):
    groups = int(rng.choice([1, 1, 1, 2, 3])) if dtype != "uint8" else 1
    depth = int(rng.integers(1, 8))
    channels = groups * int(rng.integers(1, 7))
    source = tensor(rng, [int(rng.integers(1, 3)), int(rng.integers(4, 12)),
                          int(rng.integers(4, 12)), groups * depth], dtype)
    kernel = [int(size) for size in rng.integers(1, 4, 2)]
    weights = weights_of(rng, [channels] + kernel + [depth], dtype, channels, 0)
    result = output(rng, dtype)
    fit(rng, source, weights, result, kernel[0] * kernel[1] * depth)
    dilation = [int(size) for size in rng.choice([1, 1, 2], 2)]
    stride = [int(size) for size in rng.integers(1, 4, 2)]
    return Case("CONV_2D", [source, weights, bias_of(rng, source, weights, channels)], result,
                ("Conv2DOptions", {"padding": int(rng.integers(2)) if max(dilation) == 1 else 0,
                                   "strideH": stride[0], "strideW": stride[1],
                                   "dilationHFactor": dilation[0],
                                   "dilationWFactor": dilation[1],
                                   "fusedActivationFunction": activation_of(rng)}))


@family("DEPTHWISE_CONV_2D", QUANTISED + ("float32",))
def depthwise(rng, dtype):
    depth, multiplier = int(rng.integers(1, 10)), int(rng.choice([1, 1, 2, 3]))
    channels = depth * multiplier
    source = tensor(rng, [int(rng.integers(1, 3)), int(rng.integers(4, 12)),
                          int(rng.integers(4, 12)), depth], dtype)
    kernel = [int(size) for size in rng.integers(1, 4, 2)]
    weights = weights_of(rng, [1] + kernel + [channels], dtype, channels, 3)
    result = output(rng, dtype)
    fit(rng, source, weights, result, kernel[0] * kernel[1])
    stride = int(rng.integers(1, 4))
    dilation = [int(size) for size in rng.choice([1, 1, 2, 3], 2)]
    return Case("DEPTHWISE_CONV_2D",
                [source, weights, bias_of(rng, source, weights, channels)], result,
                ("DepthwiseConv2DOptions", {
                    "padding": int(rng.integers(2)) if max(dilation) == 1 else 0,
                    "strideH": stride, "strideW": stride, "depthMultiplier": multiplier,
                    "dilationHFactor": dilation[0], "dilationWFactor": dilation[1],
                    "fusedActivationFunction": activation_of(rng)}))


@family("TRANSPOSE_CONV", QUANTISED + ("float32",))
def transpose_convolution(rng, dtype):
    depth, channels = int(rng.integers(1, 8)), int(rng.integers(1, 7))
    size = [int(extent) for extent in rng.integers(1, 8, 2)]
    kernel = [int(extent) for extent in rng.integers(1, 4, 2)]
    stride = [int(extent) for extent in rng.integers(1, 4, 2)]
    same = bool(rng.integers(2))
    source = tensor(rng, [int(rng.integers(1, 3))] + size + [depth], dtype)
    weights = weights_of(rng, [channels] + kernel + [depth], dtype, channels, 0)
    result = output(rng, dtype)
    fit(rng, source, weights, result, depth)
    extents = [extent * step if same else (extent - 1) * step + reach
               for extent, step, reach in zip(size, stride, kernel)]
    operands_ = [integers([source.shape[0]] + extents + [channels]), weights, source]
    bias = bias_of(rng, source, weights, channels, True)
    if bias is not None:
        operands_.append(bias)
    return Case("TRANSPOSE_CONV", operands_, result,
                ("TransposeConvOptions", {"padding": 0 if same else 1, "strideH": stride[0],
                                          "strideW": stride[1]}))


@family("FULLY_CONNECTED", QUANTISED + ("float32",))
def fully_connected(rng, dtype):
    depth, channels = int(rng.integers(1, 40)), int(rng.integers(1, 20))
    source = tensor(rng, [int(rng.integers(1, 4)), depth], dtype)
    weights = weights_of(rng, [channels, depth], dtype, channels, None)
    result = output(rng, dtype)
    fit(rng, source, weights, result, depth)
    bias = bias_of(rng, source, weights, channels, True)
    return Case("FULLY_CONNECTED", [source, weights, bias], result, ("FullyConnectedOptions", {
                    "fusedActivationFunction": activation_of(rng)}))


@family("CONV_2D", ("hybrid",), convolution)
@family("DEPTHWISE_CONV_2D", ("hybrid",), depthwise)
@family("FULLY_CONNECTED", ("hybrid",), fully_connected)
def hybrid(make, rng, dtype):
    """A float32 operator whose weights are int8.

    Convolutions have a scale a channel: with one the reference looks for a tensor that
    it has not made.
    """
    import numpy
    assert dtype == "hybrid"
    case = make(rng, "float32")
    shape = case.inputs[1].shape
    axis = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}.get(case.name)
    channels = shape[axis or 0]
    case.inputs[1] = weights_of(rng, shape, "int8", channels, axis)
    if axis is None:
        case.options[1]["asymmetricQuantizeInputs"] = bool(rng.integers(2))
    else:
        case.inputs[1].scales = numpy.array([scale_of(rng, "int8", -4, -2)
                                             for _ in range(channels)])
        case.inputs[1].axis = axis
    return case


MOVED = QUANTISED + ("float32", "int32")


@family("CONCATENATION", MOVED)
def concatenation(rng, dtype):
    shape = shape_of(rng)
    axis = int(rng.integers(0, len(shape)))
    parts = [tensor(rng, shape, dtype)]
    for _ in range(rng.integers(0, 4)):
        parts.append(parts[0].like([int(rng.integers(1, 6)) if d == axis else size
                                    for d, size in enumerate(shape)]))
    return Case("CONCATENATION", parts, parts[0].like([1]),
                ("ConcatenationOptions", {"axis": axis, "fusedActivationFunction": 0}))


@family("PACK", MOVED)
def pack(rng, dtype):
    first = tensor(rng, shape_of(rng, 1, 3), dtype)
    parts = [first] + [first.like() for _ in range(rng.integers(0, 4))]
    axis = int(rng.integers(-len(first.shape) - 1, len(first.shape) + 1))
    return Case("PACK", parts, first.like([1]),
                ("PackOptions", {"valuesCount": len(parts), "axis": axis}))


@family("UNPACK", MOVED)
def unpack(rng, dtype):
    source = tensor(rng, shape_of(rng, 2, 4), dtype)
    axis = int(rng.integers(-len(source.shape), len(source.shape)))
    count = source.shape[axis]
    return Case("UNPACK", [source], [source.like([1]) for _ in range(count)],
                ("UnpackOptions", {"num": count, "axis": axis}))


@family("SPLIT", MOVED)
def split(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    axis, count = int(rng.integers(0, len(source.shape))), int(rng.integers(1, 5))
    source.shape[axis] *= count
    return Case("SPLIT", [integers(axis), source], [source.like([1]) for _ in range(count)],
                ("SplitOptions", {"numSplits": count}))


@family("SPLIT_V", MOVED)
def split_v(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    axis, count = int(rng.integers(0, len(source.shape))), int(rng.integers(1, 5))
    sizes = [int(size) for size in rng.integers(1, 5, count)]
    source.shape[axis] = sum(sizes)
    return Case("SPLIT_V", [source, integers(sizes), integers(axis)],
                [source.like([1]) for _ in range(count)], ("SplitVOptions", {"numSplits": count}))


@family("TRANSPOSE", MOVED)
def transpose(rng, dtype):
    source = tensor(rng, shape_of(rng, 1, 5), dtype)
    return Case("TRANSPOSE", [source, integers(rng.permutation(len(source.shape)))],
                source.like([1]), ("TransposeOptions", {}))


@family("SLICE", MOVED)
def slice_(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    begin = [int(rng.integers(0, size)) for size in source.shape]
    size = [int(rng.integers(1, extent - first + 1)) if rng.random() < 0.8 else -1
            for first, extent in zip(begin, source.shape)]
    # The reference believes the stated shape of this operator's output.
    result = source.like([extent - first if taken < 0 else taken
                          for first, taken, extent in zip(begin, size, source.shape)])
    return Case("SLICE", [source, integers(begin), integers(size)], result,
                ("SliceOptions", {}))


@family("STRIDED_SLICE", MOVED)
def strided_slice(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    begin, end, step = [], [], []
    shrink = 0
    for d, extent in enumerate(source.shape):
        first = int(rng.integers(0, extent))
        stop = int(rng.integers(first + 1, extent + 1))
        backwards = rng.random() < 0.2
        begin.append(stop - 1 if backwards else first)
        end.append(first - 1 if backwards and first else -extent - 1 if backwards else stop)
        step.append(-1 if backwards else int(rng.integers(1, 3)))
        if rng.random() < 0.15 and not backwards:
            shrink |= 1 << d
            step[-1] = 1
    masks = {"beginMask": int(rng.integers(16)) if rng.random() < 0.3 else 0,
             "endMask": int(rng.integers(16)) if rng.random() < 0.3 else 0,
             "ellipsisMask": 0, "newAxisMask": 0, "shrinkAxisMask": shrink}
    return Case("STRIDED_SLICE", [source, integers(begin), integers(end), integers(step)],
                source.like([1]), ("StridedSliceOptions", masks))


def paddings_of(rng, shape, most):
    import numpy
    return integers(numpy.array([[int(rng.integers(0, min(most, limit) + 1)) for _ in range(2)]
                                 for limit in shape]).reshape(-1, 2))


@family("PAD", MOVED)
def pad(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    return Case("PAD", [source, paddings_of(rng, source.shape, 3)], source.like([1]),
                ("PadOptions", {}))


@family("PADV2", MOVED)
def pad_v2(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    value = constant(rng, source.like([1]))
    return Case("PADV2", [source, paddings_of(rng, source.shape, 3), value], source.like([1]),
                ("PadV2Options", {}))


@family("MIRROR_PAD", MOVED)
def mirror_pad(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    symmetric = int(rng.integers(2))
    limits = [size if symmetric else size - 1 for size in source.shape]
    return Case("MIRROR_PAD", [source, paddings_of(rng, limits, 3)], source.like([1]),
                ("MirrorPadOptions", {"mode": symmetric}))


@family("SPACE_TO_DEPTH", BYTES + ("float32", "int32"), "SPACE_TO_DEPTH")
@family("DEPTH_TO_SPACE", BYTES + ("float32", "int32"), "DEPTH_TO_SPACE")
def space_and_depth(name, rng, dtype):
    block = int(rng.integers(1, 4))
    n, h, w, c = (int(size) for size in rng.integers(1, 5, 4))
    shape = [n, h * block, w * block, c] if name == "SPACE_TO_DEPTH" else \
        [n, h, w, c * block * block]
    source = tensor(rng, shape, dtype)
    return Case(name, [source], source.like([1]),
                ("SpaceToDepthOptions" if name == "SPACE_TO_DEPTH" else "DepthToSpaceOptions",
                 {"blockSize": block}))


@family("SPACE_TO_BATCH_ND", BYTES + ("float32", "int32"))
def space_to_batch(rng, dtype):
    blocks = [int(block) for block in rng.integers(1, 4, int(rng.integers(1, 3)))]
    shape, edges = [int(rng.integers(1, 3))], []
    for block in blocks:
        before = int(rng.integers(0, 4))
        size = int(rng.integers(1, 9))
        edges.append([before, -(size + before) % block + block * int(rng.integers(0, 2))])
        shape.append(size)
    source = tensor(rng, shape + [int(rng.integers(1, 20))], dtype)
    return Case("SPACE_TO_BATCH_ND", [source, integers(blocks), integers(edges)],
                source.like([1]), ("SpaceToBatchNDOptions", {}))


@family("BATCH_TO_SPACE_ND", BYTES + ("float32", "int32"))
def batch_to_space(rng, dtype):
    blocks = [int(block) for block in rng.integers(1, 4, int(rng.integers(1, 3)))]
    shape, edges = [int(rng.integers(1, 3))], []
    for block in blocks:
        size = int(rng.integers(1, 6))
        shape[0] *= block
        shape.append(size)
        before = int(rng.integers(0, size * block))
        edges.append([before, int(rng.integers(0, size * block - before))])
    source = tensor(rng, shape + [int(rng.integers(1, 20))], dtype)
    return Case("BATCH_TO_SPACE_ND", [source, integers(blocks), integers(edges)],
                source.like([1]), ("BatchToSpaceNDOptions", {}))


@family("RESHAPE", MOVED)
def reshape(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    return Case("RESHAPE", [source, integers([1, -1])], source.like([1]),
                ("ReshapeOptions", {"newShape": [1, -1]}))


@family("RESIZE_BILINEAR", ("int8", "uint8", "int16", "float32"), "RESIZE_BILINEAR")
@family("RESIZE_NEAREST_NEIGHBOR", ("int8", "uint8", "int16", "float32"),
        "RESIZE_NEAREST_NEIGHBOR")
def resize(name, rng, dtype):
    source = tensor(rng, [int(size) for size in rng.integers(1, 9, 4)], dtype)
    mode = int(rng.integers(3))
    fields = {"alignCorners": mode == 1, "halfPixelCenters": mode == 2}
    return Case(name, [source, integers([int(size) for size in rng.integers(1, 20, 2)])],
                source.like([1]),
                ("ResizeBilinearOptions" if name == "RESIZE_BILINEAR" else
                 "ResizeNearestNeighborOptions", fields))


@family("CAST", ("float32", "int32", "int64", "int8", "uint8", "int16", "bool"))
def cast(rng, dtype):
    schema = reference.schema_module()
    to = str(rng.choice(["float32", "int32", "int64", "int8", "uint8", "int16", "bool"]))
    source = Tensor(shape_of(rng), dtype)
    case = Case("CAST", [source], Tensor([1], to), ("CastOptions", {
        "inDataType": getattr(schema.TensorType, TENSOR_TYPES[dtype]),
        "outDataType": getattr(schema.TensorType, TENSOR_TYPES[to])}))
    if dtype in ("float32", "int32", "int64"):
        # Beyond the type the language leaves the result open.
        case.values = [contents(rng, source.shape, "uint8" if to == "uint8" else "int8")
                       .astype(dtype)]
    return case


@family("QUANTIZE", QUANTISED)
def quantize(rng, dtype):
    source = Tensor(shape_of(rng), "float32")
    return Case("QUANTIZE", [source], output(rng, dtype), ("QuantizeOptions", {}))


@family("QUANTIZE from int8", BYTES)
@family("QUANTIZE from int16", ("int16",))
def requantize(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    to = {"int8": "int8", "uint8": "uint8", "int16": "int16"}[dtype]
    return Case("QUANTIZE", [source], output(rng, to), ("QuantizeOptions", {}))


@family("DEQUANTIZE", QUANTISED)
def dequantize(rng, dtype):
    return Case("DEQUANTIZE", [tensor(rng, shape_of(rng), dtype)], Tensor([1], "float32"),
                ("DequantizeOptions", {}))


COMPARISONS = {"EQUAL": "EqualOptions", "NOT_EQUAL": "NotEqualOptions", "LESS": "LessOptions",
               "LESS_EQUAL": "LessEqualOptions", "GREATER": "GreaterOptions",
               "GREATER_EQUAL": "GreaterEqualOptions"}


def comparison(name, rng, dtype):
    pair = operands(rng, dtype, alike=rng.random() < 0.5)
    return Case(name, pair, Tensor([1], "bool"), (COMPARISONS[name], {}))


for comparison_name in COMPARISONS:
    family(comparison_name, BYTES + ("float32", "int32"), comparison_name)(comparison)


@family("SELECT", MOVED, "SELECT")
@family("SELECT_V2", MOVED, "SELECT_V2")
def select(name, rng, dtype):
    shape = shape_of(rng)
    first = tensor(rng, shape, dtype)
    second, condition = first.like(), Tensor(shape, "bool")
    if name == "SELECT_V2":
        second.shape = broadcast_of(rng, shape)
        condition.shape = broadcast_of(rng, shape)
    return Case(name, [condition, first, second], first.like(),
                ("SelectOptions" if name == "SELECT" else "SelectV2Options", {}))


@family("LOGICAL_AND", ("bool",), "LOGICAL_AND")
@family("LOGICAL_OR", ("bool",), "LOGICAL_OR")
def logical(name, rng, dtype):
    shape = shape_of(rng)
    return Case(name, [Tensor(shape, dtype), Tensor(broadcast_of(rng, shape), dtype)],
                Tensor([1], dtype),
                ("LogicalAndOptions" if name == "LOGICAL_AND" else "LogicalOrOptions", {}))


@family("TILE", BYTES + ("float32", "int32"))
def tile(rng, dtype):
    source = tensor(rng, shape_of(rng, 1, 4, 4), dtype)
    return Case("TILE", [source, integers([int(count) for count in
                                           rng.integers(1, 4, len(source.shape))])],
                source.like([1]), ("TileOptions", {}))


@family("BROADCAST_TO", MOVED)
def broadcast_to(rng, dtype):
    shape = shape_of(rng)
    source = tensor(rng, broadcast_of(rng, shape), dtype)
    return Case("BROADCAST_TO", [source, integers(shape)], source.like([1]),
                ("BroadcastToOptions", {}))


@family("REVERSE_V2", QUANTISED + ("float32", "int32"))
def reverse(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    return Case("REVERSE_V2", [source, integers([int(rng.integers(0, len(source.shape)))])],
                source.like([1]), ("ReverseV2Options", {}))
